"""README and the pages beside it say what is there: links, commands, limits, versions."""

import re

import pytest

from tests.conftest import COURSE
from tools import project

PAGES = sorted([*project.ROOT.glob("*.md"), *(project.ROOT / "data").glob("*.md")])
PAGES += sorted((project.ROOT / "docs").rglob("*.md"))
README = (project.ROOT / "README.md").read_text(encoding="utf8")


def headings(text: str) -> set[str]:
    """The anchors that a code host makes of a page's headings."""
    found = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).lower().replace(" ", "-") for heading in found}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_somewhere(path):
    text = path.read_text(encoding="utf8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if target.startswith(("http:", "https:", "mailto:")):
            continue
        place, _, anchor = target.partition("#")
        goal = (path.parent / place).resolve() if place else path
        assert goal.exists(), target
        if anchor and goal.suffix == ".md":  # those of notebooks: test_workshop, test_notebooks
            assert anchor in headings(goal.read_text(encoding="utf8")), target


def test_the_pages_are_there():
    names = ["README.md", "LICENSE", "LICENSE-TEXT.md", "CITATION.cff", "CONTRIBUTING.md"]
    names += ["docs/glossary.md", "docs/references.md", "data/README.md"]
    names += [f"data/{name}.md" for name in project.sources()]
    assert [name for name in names if not (project.ROOT / name).is_file()] == []


def test_the_map_lists_every_notebook_with_its_limit():
    budgets = project.project()["tool"]["course"]["budgets"]
    rows = re.findall(
        r"^\| (\d\d) \| \[[^]]+\]\(notebooks/(\S+)\.ipynb\) \|.*?\| (\d+) s \|", README, re.M
    )
    assert [(number, name, int(limit)) for number, name, limit in rows] == [
        (path.stem[:2], path.stem, budgets[path.stem]) for path in COURSE
    ]


def test_versions_on_the_pages_are_those_that_are_installed():
    for constraints in ("requirements/constraints.txt", "requirements/lowest.txt"):
        pinned = dict(
            line.split("==")
            for line in (project.ROOT / constraints).read_text(encoding="utf8").splitlines()
            if "==" in line
        )
        row = next(line for line in README.splitlines() if f"[{constraints}]" in line)
        said = re.findall(r"(torch|transformers|datasets|numpy|pandas) (\d[\d.]*)", row)
        assert said
        for package, version in said:
            assert pinned[package] == version, (constraints, package)


def test_the_citation_names_this_version_and_address():
    facts = project.project()["project"]
    text = (project.ROOT / "CITATION.cff").read_text(encoding="utf8")
    assert f"\nversion: {facts['version']}\n" in text
    assert facts["urls"]["Repository"] in text


def test_no_number_is_left_open():
    for path in PAGES:
        assert "@@" not in path.read_text(encoding="utf8"), path.name


def test_every_link_of_the_glossary_names_a_notebook():
    text = (project.ROOT / "docs/glossary.md").read_text(encoding="utf8")
    linked = set(re.findall(r"notebooks/(\w+)\.ipynb", text))
    assert linked == {path.stem for path in COURSE}
