"""The plans as Markdown: times, sections, computing that was measured, talk that was estimated.

python -m tools.teaching.plans      writes plan_*.md from plans.toml, minutes.csv and notes/
"""

import math
import re
import textwrap
import tomllib
from functools import cache
from urllib.parse import quote

import pandas as pd

from helpers import files
from tools import project
from tools.notebook_sections import anchor, read, sections, slug

HERE = project.ROOT / "docs" / "teaching"
MINUTES = project.ROOT / "data" / "measured" / "minutes.csv"
SHORT = 30  # seconds of computing that talk covers
INTRODUCTION = """\
*Computing* is processor seconds on one core, measured
([minutes.csv](../../data/measured/minutes.csv)); *talk* and *practice* are minutes, estimated.
Computing of more than {short} seconds is added to the time, rounded up to minutes. What to say
and ask, which wrong answers to expect, what to cut within a section: see the notes. Rows marked
*cut first* together give back {cut} minutes."""
ON_THE_WAY = """\
A notebook's later sections need the cells above them, also of sections that this plan does not
show. Let everybody run those with *Run All Above Selected Cell* while you speak of something
else. They compute: {found}."""
COLUMNS = "| time | section | computing | talk | practice | |\n|---|---|---|---|---|---|"


def plans() -> dict[str, dict]:
    """The plans of `plans.toml` by name."""
    return tomllib.loads((HERE / "plans.toml").read_text(encoding="utf8"))


@cache
def titles() -> dict[str, tuple[str, str]]:
    """Notebook and heading of each numbered section: {"00-1": ("00_start_here", "1. What …")}."""
    found = {}
    for path in project.notebooks():
        if path.parent == project.NOTEBOOKS:
            for title in sections(read(path)):
                number = re.match(r"\d+", title)
                if number:
                    found[f"{path.stem[:2]}-{number[0]}"] = (path.stem, title)
    return found


@cache
def measured() -> dict[tuple[str, str], float]:
    """Median processor seconds by notebook and heading, of the runs in minutes.csv."""
    table = pd.read_csv(MINUTES, dtype={"notebook": str})
    return table.groupby(["notebook", "section"])["cpu_seconds"].median().to_dict()


def seconds(notebook: str, title: str) -> float:
    """Computing of a section.

    Raises:
        Trouble: nobody has measured it.
    """
    if (notebook, title) not in measured():
        raise project.Trouble(
            f"minutes.csv has no section '{title}' of {notebook}. Measure it: "
            f"python -m tools.teaching.minutes {notebook[:2]}"
        )
    return measured()[notebook, title]


def waiting(row: dict) -> int:
    """Minutes that a row adds for computing; none if it is short, shown stored or started early."""
    if "section" not in row or row.get("stored") or row.get("start_early"):
        return 0
    needed = seconds(*titles()[row["section"]])
    return math.ceil(needed / 60) if needed > SHORT else 0


def minutes(row: dict) -> int:
    """How long a row takes."""
    return row.get("minutes", 0) + row.get("talk", 0) + row.get("practice", 0) + waiting(row)


def clock(start: str, passed: int) -> str:
    """The time of day, some minutes after the start."""
    hour, minute = map(int, start.split(":"))
    total = hour * 60 + minute + passed
    return f"{total // 60}:{total % 60:02}"


def computing(row: dict) -> str:
    """What the computing column says."""
    if row.get("stored"):
        return "stored output"
    early = ", started before the break" if row.get("start_early") else ""
    return f"{seconds(*titles()[row['section']]):.0f} s{early}"


def on_the_way(plan: dict) -> str:
    """Seconds of the sections that a plan passes over in each notebook, up to the last it shows."""
    shown = [row["section"] for row in plan["rows"] if "section" in row]
    said = []
    for path in project.notebooks():
        own = [titles()[key][1] for key in shown if titles()[key][0] == path.stem]
        if path.parent != project.NOTEBOOKS or not own:
            continue
        order = list(sections(read(path)))
        passed = [name for name in order[: order.index(own[-1])] if name not in own]
        total = sum(seconds(path.stem, name) for name in passed)
        said.append(f"{path.stem[:2]} {total:.0f} s")
    return ", ".join(said)


def line(row: dict, time: str) -> str:
    """One row of a plan's table."""
    if "free" in row:
        return f"| {time} | {row['free']} | | {row['minutes']} | | |"
    notebook, title = titles()[row["section"]]
    link = f"../../notebooks/{notebook}.ipynb#{quote(anchor(title.replace('`', '')))}"
    cells = [
        time,
        f"[{notebook[:2]} · {title}]({link})",
        computing(row),
        row.get("talk", ""),
        row.get("practice", ""),
        f"[notes](notes/{notebook[:2]}.md#{slug(f'{notebook[:2]} · {title}')})"
        + (", cut first" if row.get("cut") else ""),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def page(plan: dict) -> str:
    """A plan as Markdown."""
    cut = sum(minutes(row) for row in plan["rows"] if row.get("cut"))
    text = [f"# {plan['title']}", "", plan["for"].strip(), ""]
    text += [textwrap.fill(INTRODUCTION.format(short=SHORT, cut=cut), 105), ""]
    text += [textwrap.fill(ON_THE_WAY.format(found=on_the_way(plan)), 105), ""]
    passed = 0
    if "evening" not in plan["rows"][0]:
        text.append(COLUMNS)
    for row in plan["rows"]:
        if "evening" in row:
            if passed:
                text += [f"| {clock(plan['start'], passed)} | End | | | | |", ""]
            passed = 0
            text += [f"## {row['evening']}", "", COLUMNS]
            continue
        text.append(line(row, clock(plan["start"], passed)))
        passed += minutes(row)
    return "\n".join([*text, f"| {clock(plan['start'], passed)} | End | | | | |"]) + "\n"


if __name__ == "__main__":
    for name, plan in plans().items():
        place = HERE / f"{name}.md"
        files.update(place, files.read_before(place), page(plan).encode("utf8"))
        print(f"docs/teaching/{name}.md")
