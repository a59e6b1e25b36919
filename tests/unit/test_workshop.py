"""Guide, notes and plans agree with the notebooks, with what was measured, with each other."""

import re
import subprocess
import sys
from urllib.parse import unquote

import pandas as pd
import pytest

from tools import project
from tools.notebook_sections import anchor, read, sections, slug
from tools.teaching import plans

HERE = project.ROOT / "docs" / "teaching"
MEASURED = project.ROOT / "data" / "measured"
NOTES = {path.stem: path.read_text(encoding="utf8") for path in sorted(HERE.glob("notes/*.md"))}
PAGES = [*sorted(HERE.glob("*.md")), *sorted(HERE.glob("notes/*.md"))]
LABELS = ("**Say.**", "**Ask.**", "**Expect.**", "**Cut.**")


def noted() -> dict[str, str]:
    """The notes by section: {"00-1": text}."""
    found = {}
    for text in NOTES.values():
        for part in re.split(r"(?m)^## ", text)[1:]:
            number, section = re.match(r"(\d\d) · (\d+)\. ", part).groups()
            found[f"{number}-{section}"] = part
    return found


@pytest.mark.parametrize("name", plans.plans())
def test_a_plan_is_what_its_program_writes(name):
    stored = (HERE / f"{name}.md").read_text(encoding="utf8")
    assert stored == plans.page(plans.plans()[name])


@pytest.mark.parametrize("name", plans.plans())
def test_a_plan_has_its_length(name):
    """Three hours; a day of at most eight with lunch; evenings of at most two and a half hours."""
    rows, blocks = plans.plans()[name]["rows"], [[]]
    for row in rows:
        if "evening" in row:
            blocks.append([])
        else:
            blocks[-1].append(row)
    lengths = [sum(map(plans.minutes, block)) for block in blocks if block]
    longest = {"plan_3_hours": 180, "plan_one_day": 480, "plan_four_evenings": 155}[name]
    assert len(lengths) == (4 if "evenings" in name else 1)
    assert all(longest * 0.9 <= length <= longest for length in lengths), lengths


def test_every_section_of_a_plan_has_notes_with_all_four_parts():
    rows = [row for plan in plans.plans().values() for row in plan["rows"]]
    asked = {row["section"] for row in rows if "section" in row}
    assert asked <= set(noted())
    for key, text in noted().items():
        assert all(label in text for label in LABELS), key
        number, _, title = text.splitlines()[0].partition(" · ")
        notebook, heading = plans.titles()[key]
        assert (notebook[:2], heading) == (number, title)


def test_where_a_plan_has_minutes_of_practice_the_notes_say_what_is_done_in_them():
    rows = [row for plan in plans.plans().values() for row in plan["rows"]]
    practised = {row["section"] for row in rows if "section" in row and row.get("practice")}
    notes = noted()
    assert practised
    assert not [key for key in practised if "**Practice.**" not in notes[key]]


def test_what_was_measured_are_sections_that_there_are_and_a_plan_needs_them(monkeypatch):
    table = pd.read_csv(MEASURED / "minutes.csv")
    for path in project.notebooks():
        here = table[table["notebook"] == path.stem]
        assert set(here["section"]) <= set(sections(read(path))), path.stem
    monkeypatch.setattr(plans, "measured", dict)
    with pytest.raises(project.Trouble, match=r"minutes 04"):
        plans.page(plans.plans()["plan_3_hours"] | {"rows": [{"section": "04-3", "talk": 1}]})
    assert (table["cpu_seconds"] >= 0).all() and set(table["threads"]) == {1}


def test_links_lead_somewhere():
    for page in PAGES:
        for target, place in re.findall(
            r"\]\((?!https?:)([^)#]+)#?([^)]*)", page.read_text(encoding="utf8")
        ):
            file = page.parent / target
            assert file.exists(), f"{page.name}: {target}"
            if place and file.suffix == ".md":
                found = re.findall(r"(?m)^#+ (.+)$", file.read_text(encoding="utf8"))
                assert place in map(slug, found), f"{page.name}: {place}"
            if place and file.suffix == ".ipynb":
                found = [anchor(title.replace("`", "")) for title in sections(read(file))]
                assert unquote(place) in found, f"{page.name}: {place}"


def test_what_the_guide_says_of_memory_is_the_largest_that_was_measured():
    table = pd.read_csv(MEASURED / "memory.csv").groupby("notebook")["kernel_mb"].max()
    text = (HERE / "guide.md").read_text(encoding="utf8")
    said = dict(re.findall(r"(?m)^\| (\d\d_\w+) \| ([\d,]+) \|", text))
    assert {name: int(value.replace(",", "")) for name, value in said.items()} == dict(table)


def test_commands_that_the_guide_names_exist():
    command = [sys.executable, "tasks.py", "--help"]
    shown = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True).stdout
    for page in PAGES:
        text = page.read_text(encoding="utf8")
        for command in re.findall(r"python3 tasks\.py (\w+)", text):
            assert re.search(rf"(?m)^  {command} ", shown), f"{page.name}: {command}"
        for program in re.findall(r"tools/teaching/\w+\.py", text):
            assert (project.ROOT / program).is_file()
