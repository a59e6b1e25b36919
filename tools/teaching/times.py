"""How long a notebook takes: reading, Going deeper, exercises, computing.

    python -m tools.teaching.times           writes README's table and every notebook's line
    python -m tools.teaching.times 00 01     the table, and the lines of these notebooks

Reading is reckoned: 230 words a minute, 5 seconds a line of code, a minute and a half for each
*Predict, then run*. What stands in an exercise, text and code, is in the minutes of its heading and
not read a second time. Computing is the limit of the notebook on two cores, which `tasks.py test`
holds it to. A notebook's line is the one in its first cell that begins with `**Time`; what follows
the sentence written here (a note, links) stays.
"""

import math
import re
import sys
from dataclasses import dataclass
from pathlib import Path

from helpers import files
from tools import notebook_file, project
from tools.notebook_sections import PREDICT, is_deeper, read, sections

WORDS_A_MINUTE, SECONDS_A_LINE, MINUTES_A_GUESS = 230, 5, 1.5
README = project.ROOT / "README.md"
HEAD = "| | notebook | the question it answers | reading | deeper | exercises | computing |"
EXERCISE = re.compile(r"^### Exercise \d+ \((\d+) minutes?\)$", re.MULTILINE)
NOT_READ = re.compile(r"<svg.*?</svg>|<style.*?</style>|</?[a-z][^>]*>|\]\([^)]*\)", re.DOTALL)
MARKS = re.compile(r"(?m)^\*\*Time.*$|^> ?")
LINE = re.compile(r"(?m)^\*\*Time.*$")
END = " on two cores."


@dataclass(frozen=True)
class Times:
    """Minutes for one notebook.

    Both kinds of reading are rounded up to five minutes, less than five of Going deeper to one.
    """

    reading: int
    deeper: int
    exercises: int
    computing: float

    def sentence(self) -> str:
        """What the notebook itself says of its times."""
        parts = [f"{self.reading} minutes to read and run"]
        parts += [f"{self.deeper} more for Going deeper"] * bool(self.deeper)
        parts += [f"{self.exercises} for the exercises"] * bool(self.exercises)
        seconds = round(60 * self.computing)
        limit = f"{seconds} seconds" if seconds <= 90 else f"{self.computing:g} minutes"
        return (
            f"**Time (estimates):** {', '.join(parts)}; computing should take at most {limit}{END}"
        )


def times(path: Path) -> Times:
    """What one notebook of the series takes."""
    core = deeper = 0.0
    exercises: list[str] = []
    for title, cells in sections(read(path)).items():
        lesson, asked = parted(cells)
        exercises += asked
        if is_deeper(title):
            deeper += reading(lesson)
        else:
            core += reading(lesson)
    limit = project.project()["tool"]["course"]["budgets"][path.stem]
    minutes = sum(map(int, EXERCISE.findall("\n".join(exercises))))
    return Times(rounded(core), rounded_if_long(deeper), minutes, limit / 60)


def parted(cells: list[dict]) -> tuple[list[dict], list[str]]:
    """The cells of a section that are read, and the texts of its exercises, code included."""
    lesson, asked, inside = [], [], False
    for cell in cells:
        source = notebook_file.joined(cell["source"])
        if cell["cell_type"] == "markdown" and source.startswith("#"):
            inside = bool(EXERCISE.match(source))
        if inside:
            asked.append(source)
        else:
            lesson.append(cell)
    return lesson, asked


def reading(cells: list[dict]) -> float:
    """Minutes to read these cells: words, lines of code, guesses."""
    words = lines = guesses = 0
    for cell in cells:
        source = notebook_file.joined(cell["source"])
        if cell["cell_type"] == "markdown":
            words += len(MARKS.sub(" ", NOT_READ.sub(" ", source)).split())
            guesses += len(PREDICT.findall(source))
        elif "setup" not in cell["metadata"].get("tags", []):
            lines += sum(bool(line.strip()) for line in source.splitlines())
    return words / WORDS_A_MINUTE + lines * SECONDS_A_LINE / 60 + guesses * MINUTES_A_GUESS


def rounded(minutes: float) -> int:
    """Up to the next five minutes."""
    return 5 * math.ceil(minutes / 5)


def rounded_if_long(minutes: float) -> int:
    """The same, but less than five minutes only up to the next minute."""
    return rounded(minutes) if minutes > 5 else math.ceil(minutes)


# ---------------------------------------------------------------- written into the notebook


def with_time(notebook: dict, found: Times) -> dict:
    """The notebook with its times in its first cell.

    Raises:
        Trouble: no line of the first cell begins with `**Time`.
    """
    opening = notebook["cells"][0]
    text = notebook_file.joined(opening["source"])
    before = LINE.search(text)
    if before is None:
        raise project.Trouble(
            'No line of its first cell begins with "**Time": add one, "**Time**" will do.'
        )
    sentence, end, rest = before[0].partition(END)
    if not end:  # not yet written by this program: of what it says only the links stay
        rest = "".join(sentence.partition(" · ")[1:])
    after = text[: before.start()] + found.sentence() + rest + text[before.end() :]
    opening["source"] = notebook_file.lines(after)
    return notebook


def timed(path: Path) -> str:
    """A notebook's file with its times as they are."""
    try:
        return notebook_file.as_text(with_time(read(path), times(path)))
    except project.Trouble as trouble:
        raise project.Trouble(f"{path.name}: {trouble}") from None


# ---------------------------------------------------------------- written into the README


def row(line: str) -> str:
    """A line of the table with the times of the notebook that it links."""
    name = re.search(r"\(notebooks/(\w+)\.ipynb\)", line)[1]
    found = times(project.NOTEBOOKS / f"{name}.ipynb")
    kept = line.split("|")[1:4]
    deeper = f" {found.deeper} " if found.deeper else " "
    own = (f" {found.reading} ", deeper, f" {found.exercises} ", f" ≤ {found.computing:g} ")
    return "|".join(["", *kept, *own, ""])


def total(series: list[str]) -> str:
    """The last line of the table, in hours."""
    names = [re.search(r"\(notebooks/(\w+)\.ipynb\)", line)[1] for line in series]
    found = [times(project.NOTEBOOKS / f"{name}.ipynb") for name in names]
    reading = sum(one.reading for one in found) / 60
    deeper = sum(one.deeper for one in found) / 60
    exercises = sum(one.exercises for one in found) / 60
    return f"| | all, in hours | | {reading:.0f} | {deeper:.1f} | {exercises:.1f} | |"


def with_times(text: str) -> str:
    """The README's text with the times in its table as they are."""
    lines = text.splitlines()
    start = lines.index(HEAD) + 2
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    series = [line for line in lines[start:end] if "](notebooks/" in line]
    lines[start:end] = [*map(row, series), total(series)]
    return "\n".join(lines) + "\n"


def main(numbers: list[str]) -> None:
    """Write the times into the README's table and into notebooks."""
    for path in project.notebooks(numbers):
        if path.parent == project.NOTEBOOKS:
            files.update(path, path.read_bytes(), timed(path).encode("utf8"))
    before = README.read_bytes()
    files.update(README, before, with_times(before.decode("utf8")).encode("utf8"))


if __name__ == "__main__":
    sys.exit(project.ended(lambda: main(sys.argv[1:])))
