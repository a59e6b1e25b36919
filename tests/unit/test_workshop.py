"""Guide, notes and plans agree with the notebooks, with what was measured, with each other."""

import re
import subprocess
import sys
from urllib.parse import unquote

import pandas as pd
import pytest

from tools import project
from tools.notebook_sections import anchor, plain, read, sections, slug
from tools.teaching import plans

HERE = project.ROOT / "docs" / "teaching"
MEASURED = project.ROOT / "data" / "measured"
NOTES = {path.stem: path.read_text(encoding="utf8") for path in sorted(HERE.glob("notes/*.md"))}
PAGES = [*sorted(HERE.glob("*.md")), *sorted(HERE.glob("notes/*.md"))]
LABELS = ("**Say.**", "**Ask.**", "**Expect.**", "**Cut.**")


def noted() -> dict[str, str]:
    """The notes by section: {"00 · What is …": text}."""
    found = {}
    for text in NOTES.values():
        for part in re.split(r"(?m)^## ", text)[1:]:
            number, title = re.match(r"(\d\d) · (.+)", part).groups()
            found[plans.key(number, title)] = part
    return found


@pytest.mark.parametrize("name", plans.plans())
def test_a_plan_is_what_its_program_writes(name):
    stored = (HERE / f"{name}.md").read_text(encoding="utf8")
    assert stored == plans.page(plans.plans()[name])


def test_plans_notes_and_notebooks_agree():
    assert plans.problems() == []


@pytest.fixture
def renumbered(monkeypatch):
    """The notebooks as they would be with other headings: heading before -> heading after."""

    def change(**titles: str) -> None:
        found = dict(plans.titles())
        before, after = titles["before"], titles["after"]
        notebook, _ = found.pop(before)
        found[plans.key(notebook, after)] = (notebook, after)
        monkeypatch.setattr(plans, "titles", lambda: found)

    return change


def test_a_renumbered_section_stays_in_the_plans_and_the_notes_are_told(renumbered):
    renumbered(
        before="04 · A full run, and how to read it", after="7. A full run, and how to read it"
    )
    found = plans.problems()
    assert (
        len(found) == 1
        and "6. A full run, and how to read it" in found[0]
        and "--renumber" in found[0]
    )
    assert "say what sections 7 and 8 need" in " ".join(
        plans.page(plans.plans()["plan_3_hours"]).split()
    )


def test_a_section_with_another_title_is_named_with_what_it_may_be_now(renumbered):
    renumbered(
        before="04 · A full run, and how to read it", after="7. A full run, and how to read it now"
    )
    found = "\n".join(plans.problems())
    title = "04 · A full run, and how to read it"
    having = [
        name
        for name, plan in plans.plans().items()
        if title in [row.get("section") for row in plan["rows"]]
    ]
    assert len(having) == 3
    for name in having:
        assert (
            f"plans.toml, {name}: 04 has no section 'A full run, and how to read it'. "
            "Is it '04 · A full" in found
        )
    assert "notes/04.md, '## 04 · 6. A full run, and how to read it'" in found
    with pytest.raises(project.Trouble, match="Nothing was written"):
        plans.main([])


def test_going_deeper_is_in_a_plan_only_on_purpose_and_offered_beside_it():
    plan = plans.plans()["plan_3_hours"]
    assert "Optional, for those who are ahead" in plans.page(plan)
    assert "[04 · 10. Going deeper: gradient clipping](../../notebooks/04" in plans.page(plan)
    row = {"section": "04 · Gradient clipping", "talk": 1}
    assert any("add optional = true" in wrong for wrong in plans.problems_of(row))
    assert not any("optional" in wrong for wrong in plans.problems_of(row | {"optional": True}))
    assert plans.line(row | {"optional": True}, "9:00").endswith(", optional |")


def test_renumbering_changes_headings_and_links_all_at_once():
    text = "## 04 · 1. A\n[b](#04--2-b) [c](other.md#c)\n## 04 · 2. B\n"
    swapped = {"04 · 1. A": "04 · 2. A", "04 · 2. B": "04 · 1. B"}
    after = "## 04 · 2. A\n[b](#04--1-b) [c](other.md#c)\n## 04 · 1. B\n"
    assert plans.renumbered(text, swapped) == after


@pytest.mark.parametrize("name", plans.plans())
def test_a_plan_has_its_length(name):
    """Two or three hours; a day of at most eight with lunch; evenings of two and a half at most."""
    rows, blocks = plans.plans()[name]["rows"], [[]]
    for row in rows:
        if "evening" in row:
            blocks.append([])
        else:
            blocks[-1].append(row)
    lengths = [sum(map(plans.minutes, block)) for block in blocks if block]
    longest = {
        "plan_3_hours": 180,
        "plan_one_day": 480,
        "plan_four_evenings": 155,
        "plan_two_hours_assistant": 120,
        "plan_half_day_why": 240,
        "plan_half_day_tasks": 240,
    }[name]
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
        there = set(map(plain, sections(read(path))))
        assert set(map(plain, here["section"])) <= there, f"python -m tools.teaching.minutes {path}"
    monkeypatch.setattr(plans, "measured", dict)
    with pytest.raises(project.Trouble, match=r"minutes 04"):
        plans.page(
            plans.plans()["plan_3_hours"] | {"rows": [{"section": "04 · The bare loop", "talk": 1}]}
        )
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
