"""The plans as Markdown: times, sections, computing that was measured, talk that was estimated.

python -m tools.teaching.plans              writes plan_*.md from plans.toml, minutes.csv and notes/
python -m tools.teaching.plans --renumber   first puts the numbers into the headings of the notes

A plan names a section by its notebook and its heading without the number: "04 · The full run".
Where a section is gone or has another heading, nothing is written, and a list says what to change.
"""

import difflib
import math
import re
import sys
import textwrap
import tomllib
from functools import cache
from urllib.parse import quote

import pandas as pd

from helpers import files
from tools import project
from tools.notebook_sections import anchor, is_deeper, plain, read, sections, slug

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


def key(notebook: str, title: str) -> str:
    """What a section is called whatever its number: "04 · The full run"."""
    return f"{notebook[:2]} · {plain(title)}"


@cache
def titles() -> dict[str, tuple[str, str]]:
    """Notebook and heading of each section: {"04 · The full run": ("04_…", "13. The full run")}."""
    series = [path for path in project.notebooks() if path.parent == project.NOTEBOOKS]
    return {
        key(path.stem, title): (path.stem, title)
        for path in series
        for title in sections(read(path))
    }


def section(name: str) -> tuple[str, str]:
    """Notebook and heading of a section.

    Raises:
        Trouble: no notebook has it; the message names the headings that are most like it.
    """
    if name in titles():
        return titles()[name]
    own = [known for known in titles() if known[:2] == name[:2]]
    like = difflib.get_close_matches(name, own, n=2, cutoff=0.4)
    hint = f" Is it {' or '.join(map(repr, like))}?" if like else ""
    raise project.Trouble(f"{name[:2]} has no section {name[5:]!r}.{hint}")


def numbered(text: str) -> str:
    """A text with the numbers of the sections that it names in braces."""

    def number(found: re.Match) -> str:
        return re.match(r"\d*", section(found[1])[1])[0]

    return re.sub(r"\{(\d\d · [^}]+)\}", number, text)


@cache
def measured() -> dict[str, float]:
    """Median processor seconds by section, of the runs in minutes.csv."""
    table = pd.read_csv(MINUTES, dtype={"notebook": str})
    names = [key(*row) for row in zip(table["notebook"], table["section"], strict=True)]
    return table.groupby(names)["cpu_seconds"].median().to_dict()


def noted() -> dict[str, str]:
    """What the notes have: by section, the heading under which it stands."""
    texts = [path.read_text(encoding="utf8") for path in sorted(HERE.glob("notes/*.md"))]
    found = [one for text in texts for one in re.findall(r"(?m)^## (\d\d) · (.+)$", text)]
    return {key(number, title): f"{number} · {title}" for number, title in found}


def problems() -> list[str]:
    """What must change before the plans can be written, a line each."""
    found = []
    for name, plan in plans().items():
        for row in plan["rows"]:
            found += [f"plans.toml, {name}: {wrong}" for wrong in problems_of(row)]
        try:
            numbered(plan["for"])
        except project.Trouble as trouble:
            found.append(f"plans.toml, {name}: {trouble}")
    for name, said in noted().items():
        try:
            notebook, title = section(name)
        except project.Trouble as trouble:
            found.append(f"notes/{said[:2]}.md, '## {said}': {trouble}")
            continue
        if said != f"{notebook[:2]} · {title}":
            found.append(
                f"notes/{said[:2]}.md, '## {said}': the notebook says '{title}'. Change it, or run "
                "python -m tools.teaching.plans --renumber"
            )
    return list(dict.fromkeys(found))


def problems_of(row: dict) -> list[str]:
    """What is wrong with a row of a plan."""
    try:
        numbered(row.get("free", ""))
        if "section" not in row:
            return []
        notebook, title = section(row["section"])
        seconds(notebook, title)
    except project.Trouble as trouble:
        return [str(trouble)]
    found = []
    if is_deeper(title) and not row.get("optional"):
        found.append(f"{row['section']!r} is Going deeper: take it out, or add optional = true.")
    if row["section"] not in noted():
        found.append(f"notes/{notebook[:2]}.md has no part '## {notebook[:2]} · {title}'.")
    return found


def renumber() -> None:
    """Put the numbers that the notebooks have into the headings of the notes, and into links."""
    changes = {}
    for name, said in noted().items():
        if name in titles():
            notebook, title = titles()[name]
            changes[said] = f"{notebook[:2]} · {title}"
    for path in [*HERE.glob("*.md"), *HERE.glob("notes/*.md")]:
        before = path.read_bytes()
        after = renumbered(before.decode("utf8"), changes).encode("utf8")
        if after != before:
            files.update(path, before, after)
            print(f"renumbered docs/teaching/{path.relative_to(HERE)}")


def renumbered(text: str, changes: dict[str, str]) -> str:
    """A page with other headings, and links to them, all at once: two may change places."""
    places = {f"#{slug(old)})": f"#{slug(new)})" for old, new in changes.items()}
    text = re.sub(r"(?m)^## (.+)$", lambda h: f"## {changes.get(h[1], h[1])}", text)
    return re.sub(r"#[^)\s]+\)", lambda place: places.get(place[0], place[0]), text)


def seconds(notebook: str, title: str) -> float:
    """Computing of a section.

    Raises:
        Trouble: nobody has measured it.
    """
    if key(notebook, title) not in measured():
        raise project.Trouble(
            f"minutes.csv has no section '{title}' of {notebook}. Measure it: "
            f"python -m tools.teaching.minutes {notebook[:2]}"
        )
    return measured()[key(notebook, title)]


def waiting(row: dict) -> int:
    """Minutes that a row adds for computing; none if it is short, shown stored or started early."""
    if "section" not in row or row.get("stored") or row.get("start_early"):
        return 0
    needed = seconds(*section(row["section"]))
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
    return f"{seconds(*section(row['section'])):.0f} s{early}"


def on_the_way(plan: dict) -> str:
    """Seconds of the sections that a plan passes over in each notebook, up to the last it shows."""
    shown = [row["section"] for row in plan["rows"] if "section" in row]
    said = []
    for path in project.notebooks():
        own = [section(name)[1] for name in shown if section(name)[0] == path.stem]
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
        return f"| {time} | {numbered(row['free'])} | | {row['minutes']} | | |"
    notebook, title = section(row["section"])
    cells = [
        time,
        f"[{notebook[:2]} · {title}]({address(notebook, title)})",
        computing(row),
        row.get("talk", ""),
        row.get("practice", ""),
        f"[notes](notes/{notebook[:2]}.md#{slug(f'{notebook[:2]} · {title}')})"
        + (", cut first" if row.get("cut") else "")
        + (", optional" if row.get("optional") else ""),
    ]
    return "| " + " | ".join(map(str, cells)) + " |"


def left_out(plan: dict) -> list[str]:
    """A paragraph with links to what the plan's notebooks offer as Going deeper, if they do."""
    shown = [row["section"] for row in plan["rows"] if "section" in row]
    notebooks = {section(name)[0] for name in shown}
    found = [
        f"[{notebook[:2]} · {title}]({address(notebook, title)})"
        for name, (notebook, title) in titles().items()
        if notebook in notebooks and is_deeper(title) and name not in shown
    ]
    return (
        [f"Optional, for those who are ahead or at home: {', '.join(found)}.", ""] if found else []
    )


def address(notebook: str, title: str) -> str:
    """Where a section of a notebook is, seen from the plans."""
    return f"../../notebooks/{notebook}.ipynb#{quote(anchor(title.replace('`', '')))}"


def page(plan: dict) -> str:
    """A plan as Markdown."""
    cut = sum(minutes(row) for row in plan["rows"] if row.get("cut"))
    text = [f"# {plan['title']}", "", numbered(plan["for"]).strip(), ""]
    text += [textwrap.fill(INTRODUCTION.format(short=SHORT, cut=cut), 105), ""]
    text += [textwrap.fill(ON_THE_WAY.format(found=on_the_way(plan)), 105), ""]
    text += left_out(plan)
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


def main(arguments: list[str]) -> None:
    """Write the plans.

    Raises:
        Trouble: plans, notes and notebooks do not agree; the message lists what must change.
    """
    if "--renumber" in arguments:
        renumber()
    found = problems()
    if found:
        raise project.Trouble("Nothing was written. What must change:\n- " + "\n- ".join(found))
    for name, plan in plans().items():
        place = HERE / f"{name}.md"
        files.update(place, files.read_before(place), page(plan).encode("utf8"))
        print(f"docs/teaching/{name}.md")


if __name__ == "__main__":
    sys.exit(project.ended(lambda: main(sys.argv[1:])))
