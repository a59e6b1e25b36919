"""How long a notebook takes: reading, exercises, computing. Written into the README's table.

    python -m tools.teaching.times

Reading is reckoned: 230 words a minute, 5 seconds a line of code, a minute and a half for each
*Predict, then run*. Exercises are what their headings say. Computing is the limit of the notebook
on two cores, which `tasks.py test` holds it to.
"""

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path

from helpers import files
from tools import notebook_file, project

WORDS_A_MINUTE, SECONDS_A_LINE, MINUTES_A_GUESS = 230, 5, 1.5
README = project.ROOT / "README.md"
HEAD = "| | notebook | the question it answers | reading | exercises | computing |"
EXERCISE = re.compile(r"^### Exercise \d+ \((\d+) minutes?\)$", re.MULTILINE)


@dataclass(frozen=True)
class Times:
    """Minutes for one notebook; reading is rounded up to five minutes."""

    reading: int
    exercises: int
    computing: float


def times(path: Path) -> Times:
    """What one notebook of the series takes."""
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    texts = [
        notebook_file.joined(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"
    ]
    code = [
        notebook_file.joined(cell["source"])
        for cell in cells
        if cell["cell_type"] == "code" and "setup" not in cell["metadata"].get("tags", [])
    ]
    text = "\n\n".join(texts)
    words = len(re.sub(r"<svg.*?</svg>", " ", text, flags=re.DOTALL).split())
    lines = sum(bool(line.strip()) for source in code for line in source.splitlines())
    guesses = text.count("**Predict, then run")
    minutes = words / WORDS_A_MINUTE + lines * SECONDS_A_LINE / 60 + guesses * MINUTES_A_GUESS
    limit = project.project()["tool"]["course"]["budgets"][path.stem]
    exercises = sum(map(int, EXERCISE.findall(text)))
    return Times(5 * math.ceil(minutes / 5), exercises, limit / 60)


def row(line: str) -> str:
    """A line of the table with the times of the notebook that it links."""
    name = re.search(r"\(notebooks/(\w+)\.ipynb\)", line)[1]
    found = times(project.NOTEBOOKS / f"{name}.ipynb")
    kept = line.split("|")[1:4]
    own = (f" {found.reading} ", f" {found.exercises} ", f" ≤ {found.computing:g} ")
    return "|".join(["", *kept, *own, ""])


def total(series: list[str]) -> str:
    """The last line of the table, in hours."""
    names = [re.search(r"\(notebooks/(\w+)\.ipynb\)", line)[1] for line in series]
    found = [times(project.NOTEBOOKS / f"{name}.ipynb") for name in names]
    reading = sum(one.reading for one in found) / 60
    exercises = sum(one.exercises for one in found) / 60
    return f"| | all together | | {reading:.0f} hours | {exercises:.1f} hours | |"


def with_times(text: str) -> str:
    """The README's text with the times in its table as they are."""
    lines = text.splitlines()
    start = lines.index(HEAD) + 2
    end = next(place for place in range(start, len(lines)) if not lines[place].startswith("|"))
    series = [line for line in lines[start:end] if "](notebooks/" in line]
    lines[start:end] = [*map(row, series), total(series)]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the times into the README's table."""
    before = README.read_bytes()
    files.update(README, before, with_times(before.decode("utf8")).encode("utf8"))


if __name__ == "__main__":
    main()
