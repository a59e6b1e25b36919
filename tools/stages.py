"""A long call in stages that can be stopped and goes on: what `tasks.py test --all` does.

Each finished stage is written down at once, in `outputs/tests/stages.json`, together with the state
of what it ran on: the course's files, the packages, the Python, the system. The same call on the
same state goes on with what is not finished; on another state it starts afresh.
"""

from __future__ import annotations

import csv
import datetime
import importlib.metadata
import io
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from helpers import files
from tools import clean, project, verified
from tools.teaching import pack

FORMAT = 1
SECONDS = project.ROOT / "tools" / "stage_seconds.csv"  # what stages took when they were recorded
COLUMNS = ("stage", "seconds", "cores", "date")
# What `--record` writes from the outcome: it is no part of what was run.
OUTCOMES = {SECONDS, verified.FILE, verified.PAGE}
HERE, RECORDED, LIMIT = "as here before", "as recorded on two cores", "on two cores"
PARTS = {  # of the state, as a message names them
    "files": "the course's files",
    "packages": "the installed packages",
    "python": "the Python",
    "system": "the system",
}


@dataclass(frozen=True)
class Stage:
    """A part of the whole.

    Attributes:
        name: by which it is written down.
        run: does it, and returns rows of the table: name, seconds, passed, failed, skipped.
        limit: seconds that it may take on two cores.
    """

    name: str
    run: Callable[[], list[dict]]
    limit: float


# ---------------------------------------------------------------- the state


def state(root: Path | None = None) -> dict[str, str]:
    """What a stage ran on; two states are the same if all parts are equal.

    Args:
        root: the course's folder, if it is not the usual one.
    """
    packages = sorted(f"{d.name}=={d.version}" for d in importlib.metadata.distributions())
    return {
        "files": files_state(root or project.ROOT),
        "packages": files.sha256_bytes("\n".join(packages).encode()),
        "python": sys.version,
        "system": f"{platform.system()} {platform.machine()}",
    }


def files_state(root: Path) -> str:
    """SHA-256 over names and contents of the course's files, as they lie there now.

    A new file counts as well, unless git ignores it: it may be a test.
    """
    lines = []
    for path in sorted({root / name for name in [*pack.course_files(root), *added(root)]}):
        if path.is_file() and path not in OUTCOMES:
            lines.append(f"{files.sha256(path)}  {path.relative_to(root).as_posix()}\n")
    return files.sha256_bytes("".join(lines).encode())


def added(root: Path) -> list[str]:
    """Files of a clone that git does not keep yet, and does not ignore."""
    if not pack.tracked(root):
        return []
    command = ["git", "ls-files", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True)
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


def differing(one: dict[str, str], other: dict[str, str]) -> str:
    """In words, in which parts two states differ; empty if they are the same."""
    return " and ".join(words for key, words in PARTS.items() if one.get(key) != other.get(key))


# ---------------------------------------------------------------- what is written down


def place() -> Path:
    """Where finished stages are written down; `tasks.py clean` removes it."""
    return project.OUTPUTS / "tests" / "stages.json"


def stored() -> dict:
    """What is written down: state, stages, and seconds of all stages that ever finished here.

    Raises:
        files.ForeignError: somebody else's file has the name, or the file was changed.
    """
    nothing = {"format": FORMAT, "state": {}, "stages": {}, "took": {}}
    files.check_ours(place())
    if not place().is_file():
        return nothing
    found = json.loads(place().read_text(encoding="utf8"))
    return found if found.get("format") == FORMAT else nothing


def store(record: dict) -> None:
    """Write it down: completely or not at all, whenever this process ends."""
    with files.replacing(place()) as file:
        json.dump(record, file, indent=1)


def is_finished(entry: dict | None) -> bool:
    """Whether a stage need not run again: something passed, and nothing failed."""
    rows = entry["rows"] if entry else []
    return sum(r["passed"] for r in rows) > 0 and sum(r["failed"] for r in rows) == 0


def taken() -> None:
    """Say that another call is at work."""
    raise project.Trouble(
        "Another `test --all` is running in this folder, and both would use the same files. Wait "
        "until it is done, or stop it, and run the same command again."
    )


# ---------------------------------------------------------------- how long it takes


def recorded_seconds() -> dict[str, float]:
    """What stages took where they were recorded, by name."""
    with SECONDS.open(encoding="utf8", newline="") as file:
        return {row["stage"]: float(row["seconds"]) for row in csv.DictReader(file)}


def expected(stages: list[Stage], took: dict[str, float]) -> dict[str, tuple[float, str]]:
    """Seconds that each stage will take, and whence we know.

    Args:
        stages: those that are asked for.
        took: seconds of stages that finished on this machine before.
    """
    recorded, found = recorded_seconds(), {}
    for stage in stages:
        if stage.name in took:
            found[stage.name] = took[stage.name], HERE
        elif stage.name in recorded:
            found[stage.name] = recorded[stage.name], RECORDED
        else:
            found[stage.name] = stage.limit, LIMIT
    return found


def minutes(seconds: float) -> str:
    """Seconds as whole minutes, at least one."""
    number = max(1, round(seconds / 60))
    return f"{number} minute{'s' * (number > 1)}"


def announce(stages: list[Stage], record: dict) -> None:
    """Say which stages there are, how long each and the whole will take, and how to stop."""
    times = expected(stages, record["took"])
    open_stages = [s for s in stages if not is_finished(record["stages"].get(s.name))]
    left = [times[stage.name] for stage in open_stages]
    project.say(f"\n{len(stages)} stages, {len(open_stages)} of them to run:")
    for stage in stages:
        seconds, whence = times[stage.name]
        note = f"at most {minutes(seconds)} {LIMIT}"
        if whence != LIMIT:
            note = f"about {minutes(seconds)}, {whence}"
        if stage not in open_stages:
            note = f"finished {record['stages'][stage.name]['finished']}"
        project.say(f"  {stage.name:24}{note}")
    project.say(outlook(left))


def outlook(left: list[tuple[float, str]]) -> str:
    """How long all of it takes, and how it can be stopped."""
    if not left:
        return "All are finished, and nothing has changed since. --again runs them once more."
    kinds = {whence for _, whence in left}
    cores = "" if kinds == {HERE} else f" {LIMIT}"
    total = f"{'at most' if LIMIT in kinds else 'about'} {minutes(sum(s for s, _ in left))}{cores}"
    return (
        f"Together {total}. Ctrl-C stops it; the same command then goes on with the stages that "
        "are not finished."
    )


# ---------------------------------------------------------------- the whole


def run(stages: list[Stage], again: bool = False) -> list[dict]:
    """Run the stages that are not finished on this state.

    Args:
        stages: in their order.
        again: run all of them, whatever was finished before.

    Returns:
        The rows of all stages, in their order; those of an earlier call have a key `earlier`.

    Raises:
        project.Trouble: another call is at work, or the state changed while a stage was running.
    """
    files.make_folder(place().parent)
    with files.alone(place().with_name(clean.LOCK), taken):
        record, rows = begun(state(), again), []
        announce(stages, record)
        for number, stage in enumerate(stages, start=1):
            entry = record["stages"].get(stage.name)
            if is_finished(entry):
                rows += [row | {"earlier": entry["finished"]} for row in entry["rows"]]
                continue
            project.say(f"\nStage {number} of {len(stages)}: {stage.name}")
            rows += finish(stage, record)
        return rows


def begun(now: dict[str, str], again: bool) -> dict:
    """What is written down for this state; without any stage if nothing of it counts any more."""
    record = stored()
    changed = differing(record["state"], now)
    if record["stages"] and (again or changed):
        why = "as asked" if again else f"since an earlier call, {changed} changed"
        project.say(f"\nAll stages run from the beginning: {why}.")
    if again or changed:
        record |= {"state": now, "stages": {}}
        store(record)
    return record


def finish(stage: Stage, record: dict) -> list[dict]:
    """Run a stage and write it down; returns its rows."""
    start = time.perf_counter()
    rows = stage.run()
    seconds = round(time.perf_counter() - start, 1)
    if changed := differing(record["state"], state()):
        raise project.Trouble(
            f"While {stage.name!r} ran, {changed} changed, so it is not known what it ran on, and "
            "it does not count. Run the same command again, and change nothing meanwhile."
        )
    finished = datetime.datetime.now().isoformat(" ", "minutes")
    record["stages"][stage.name] = {"finished": finished, "seconds": seconds, "rows": rows}
    if is_finished(record["stages"][stage.name]):
        record["took"][stage.name] = seconds
    store(record)
    return rows


def total(stages: list[Stage]) -> float:
    """Seconds that these stages took, in however many calls they ran."""
    entries = stored()["stages"]
    return sum(entries[stage.name]["seconds"] for stage in stages if stage.name in entries)


def record_seconds() -> None:
    """Put what the finished stages took into the table in `tools`, for other machines to say."""
    before, rows = SECONDS.read_bytes(), {}
    with SECONDS.open(encoding="utf8", newline="") as file:
        rows = {row["stage"]: row for row in csv.DictReader(file)}
    for name, entry in stored()["stages"].items():
        if is_finished(entry):
            new = (name, round(entry["seconds"]), cores(), entry["finished"][:10])
            rows[name] = dict(zip(COLUMNS, new, strict=True))
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.values())
    files.update(SECONDS, before, text.getvalue().encode())


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
