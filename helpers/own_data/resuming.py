"""The finished parts of a long prediction, kept beside the new file, so that a killed one goes on.

They are in one file of JSON lines, `.sft-unveiled-NAME.begun`: first what is being predicted, then
a line for each part. Lines are only ever added at its end, so whoever is killed leaves at most a
piece of one, which is cut off.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from helpers import files
from helpers.own_data.sources import FileError

FORMAT = 1
FROM = 20_000  # rows; a shorter file takes minutes at most, and is predicted from its beginning
LONGEST_FACTS = 10_000_000  # bytes of the first line
# What still is the same model. Between bf16 and fp32 (docs/measured/prediction_speed.md) logits
# differ by 0.003 on average and by 0.03 at most, so probabilities of two classes by half of that at
# most, and so do 6 of 8,528 answers. Of numbers it is a share of their standard deviation.
CLOSE, CLOSE_ON_AVERAGE = 0.02, 0.002
SAME = 0.98  # of the answers

Answer = list[str]  # two cells: the prediction and its probability


class Part(NamedTuple):
    """Some rows that follow each other, answered.

    Attributes:
        rows: how many.
        answers: of those that have a prediction, in their order.
        lines: of the new file.
    """

    rows: int
    answers: list[Answer]
    lines: str


class Begun:
    """The parts that are finished, in their order, on the disk; iterating reads them one by one.

    Attributes:
        place: the file that holds them.
        rows: how many rows they have together.
        last_answered: the number of the last part that has a prediction; -1 if none has.
    """

    def __init__(self, place: Path, reading: BinaryIO, adding: BinaryIO) -> None:
        self.place, self.reading, self.adding = place, reading, adding
        self.starts, self.rows, self.last_answered = [], 0, -1

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, number: int) -> Part:
        """A part by its number, from 0."""
        self.reading.seek(self.starts[number])
        return part_of(self.reading.readline())

    def find(self) -> None:
        """Look for the parts behind the first line; cut off what was not written to its end."""
        end = self.reading.tell()
        while part := part_of(self.reading.readline()):
            self.note(end, part)
            end = self.reading.tell()
        self.adding.truncate(end)

    def note(self, start: int, part: Part) -> None:
        """Take a part into the list of those that are finished."""
        if part.answers:
            self.last_answered = len(self)
        self.starts.append(start)
        self.rows += part.rows

    def add(self, part: Part) -> None:
        """Keep a part; it is on the disk when this returns.

        Raises:
            FileError: it cannot be written; the parts before it stay.
        """
        try:
            start = self.adding.seek(0, os.SEEK_END)
            write_all(self.adding, json.dumps(part._asdict()).encode() + b"\n")
        except OSError as error:
            raise not_kept(self.place, error) from error
        self.note(start, part)

    def forget(self) -> None:
        """Give up all parts: the next call begins anew."""
        self.adding.truncate(0)

    def check_model(self, again: list[Answer]) -> None:
        """Raise `FileError` unless the model at hand gives the answers of `last_answered`.

        A function that predicts has no fingerprint, so the model is known by what it says.

        Args:
            again: the answers of that part, made anew from the same texts.
        """
        if not alike(self[self.last_answered].answers, again):
            raise other_job("a model that answers otherwise", self)


def part_of(line: bytes) -> Part | None:
    """The part in a line; None if there is none, or not all of it."""
    if not line.endswith(b"\n"):
        return None
    try:
        part = Part(**json.loads(line))
        return part if part.rows > 0 and part.lines.endswith("\n") else None
    except (ValueError, TypeError, AttributeError):  # what a failing disk left
        return None


def write_all(file: BinaryIO, content: bytes) -> None:
    """Write bytes to an unbuffered file, and see to it that they are on the disk."""
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    os.fsync(file.fileno())


def alike(before: list[Answer], now: list[Answer]) -> bool:
    """Whether two lists of answers to the same texts are one model's.

    Another number of threads, or another processor, moves the last digits; where two classes are
    nearly as likely, the answer moves with them. What is allowed is what bf16 moves against fp32.
    """
    if len(before) != len(now):
        return False
    pairs = list(zip(before, now, strict=True))
    if any(chance for _, chance in before):
        same = np.mean([one[0] == other[0] for one, other in pairs])
        return bool(same >= SAME) and near([apart(one[1], other[1]) for one, other in pairs])
    spread = float(np.std([number for cell, _ in before for number in as_numbers(cell)] or [0.0]))
    return near([apart(one[0], other[0]) / (spread or 1.0) for one, other in pairs])


def near(distances: list[float]) -> bool:
    """Whether nearly all of them are small, and those on average much smaller."""
    small = [distance for distance in distances if distance <= CLOSE]
    return len(small) >= SAME * len(distances) and bool(np.mean(small) <= CLOSE_ON_AVERAGE)


def as_numbers(cell: str) -> list[float]:
    """The numbers of a cell, separated by semicolons; none if it holds something else."""
    try:
        return [float(part) for part in cell.split(";")]
    except ValueError:
        return []


def apart(one: str, other: str) -> float:
    """By how much the numbers of two cells differ at most; infinity if they cannot be compared."""
    first, second = as_numbers(one), as_numbers(other)
    if one == other:
        return 0.0
    if not first or len(first) != len(second):
        return math.inf
    return float(np.abs(np.subtract(first, second)).max())


def other_job(what: str, kept: Begun) -> FileError:
    """The message for parts that belong to something else."""
    return FileError(
        f"a prediction under this name was begun with {what} and not finished ({kept.rows:,} rows "
        f"are done). To go on with it, call it as before. To begin anew, delete "
        f"{str(kept.place)!r} or choose another name."
    )


def in_the_way(place: Path) -> FileError:
    """The message for a file that we did not write."""
    return FileError(
        f"{str(place)!r} is in the way: until a long prediction is finished, its rows are kept "
        "under this name, and what is there was not written by this course. Move it away and try "
        "again."
    )


def not_kept(place: Path, error: OSError) -> FileError:
    """The message for a disk that takes no more."""
    return FileError(
        f"could not write {str(place)!r}: {error.strerror}. Make room, or see to it that this "
        "account may write there, and call it again: it goes on with what is finished."
    )


@contextmanager
def begun(
    target: Path, rows: int, facts: Callable[[], dict[str, object]]
) -> Iterator[Begun | None]:
    """The finished parts of a prediction that is under way, or begins here; None: a short file.

    Args:
        target: the new file.
        rows: of the file to be predicted.
        facts: what the answers depend on: by the words of a message, values that JSON can hold.

    Raises:
        FileError: something else has the name, the parts belong to another job, another program
            is at it, or it cannot be written there.
    """
    place, lock = (target.with_name(files.work_prefix(target) + end) for end in ("begun", "lock"))
    if rows < FROM and not files.is_there(place):
        yield None
        return

    def taken() -> None:
        raise FileError(f"another program is predicting into {target.name!r}. Wait until it ends.")

    with ExitStack() as stack:
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(files.alone(lock, taken))
            kept = stack.enter_context(opened(place, facts()))
        except files.ForeignError as error:
            raise FileError(str(error)) from error
        except OSError as error:
            raise not_kept(place, error) from error
        if kept.rows:
            print(f"{kept.rows:,} of {rows:,} rows were predicted before; going on from there.")
        try:
            yield kept
        except (KeyboardInterrupt, MemoryError):
            print(f"{kept.rows:,} of {rows:,} rows are kept: the same call goes on from there.")
            raise


@contextmanager
def opened(place: Path, facts: dict[str, object]) -> Iterator[Begun]:
    """The file of the parts, new or with those that are whole."""
    wanted = {"sft_unveiled": FORMAT, "of": json.loads(json.dumps(facts))}
    first = json.dumps(wanted).encode() + b"\n"
    if files.is_there(place) and (place.is_symlink() or not place.is_file()):
        raise in_the_way(place)
    with place.open("ab", buffering=0) as adding, place.open("rb") as reading:
        found = reading.readline(LONGEST_FACTS)
        if len(found) < len(first) and first.startswith(found):  # nothing, or killed at that
            adding.truncate(0)
            write_all(adding, first)
            files.force_to_disk(place.parent)
            found = first
            reading.seek(len(first))
        stored = facts_in(found, place)
        kept = Begun(place, reading, adding)
        kept.find()
        for what, value in wanted["of"].items():
            if stored.get(what) != value:
                raise other_job(what, kept)
        yield kept


def facts_in(first: bytes, place: Path) -> dict[str, object]:
    """What the first line of a file of parts says; `FileError` if it is not one of ours."""
    try:
        stored = json.loads(first)
        if stored["sft_unveiled"] != FORMAT:
            raise ValueError("another format")
        return dict(stored["of"])
    except (ValueError, KeyError, TypeError) as error:
        raise in_the_way(place) from error


def remove_parts(kept: Begun | None) -> None:
    """Remove the parts, once the new file is in its place."""
    if kept is not None:
        files.remove_known(kept.place.parent, [(kept.place.name, files.sha256(kept.place))])
