"""What the course says: spelled right, and of others' texts no more than a quotation."""

import re
import subprocess
import sys
from collections.abc import Iterator

import pytest

from helpers import corpora, downloads
from tests.conftest import EVERY, load
from tools import notebook_file, project

RUN = 6  # words in a row from which on a passage counts as taken from a text
FILES = [path for pattern in ("*.md", "*/*.md") for path in project.ROOT.glob(pattern)]
LICENCES = (project.ROOT / "data" / "licences.md").read_text(encoding="utf8")


def words(text: str) -> list[str]:
    return corpora.normalized(text).split()


def printed(notebook: dict) -> Iterator[str]:
    """The text of every stored output."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            shown = data.get("text/html", data.get("text/plain", ""))
            text = notebook_file.joined(output.get("text", "")) + re.sub(
                "<[^>]*>", " ", notebook_file.joined(shown)
            )
            yield text + output.get("evalue", "")


def passages(outputs: list[list[str]], texts: list[list[str]]) -> list[tuple[int, int]]:
    """(number of the text, words in a row) for each passage of the outputs that a text holds."""
    wanted = {tuple(out[i : i + RUN]) for out in outputs for i in range(len(out) - RUN + 1)}
    places: dict[tuple, tuple[int, int]] = {}
    for number, text in enumerate(texts):
        for i in range(len(text) - RUN + 1):
            if tuple(text[i : i + RUN]) in wanted:
                places.setdefault(tuple(text[i : i + RUN]), (number, i))
    found = []
    for out in outputs:
        start = 0
        while start <= len(out) - RUN:
            place = places.get(tuple(out[start : start + RUN]))
            length = common(out[start:], texts[place[0]][place[1] :]) if place else 0
            found += [(place[0], length)] if place else []
            start += max(1, length)
    return found


def common(one: list[str], other: list[str]) -> int:
    """How many words two texts begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def stated(pattern: str) -> tuple[int, ...]:
    """Numbers that the page on licences states."""
    return tuple(map(int, re.search(pattern, LICENCES).groups()))


@pytest.fixture(scope="module")
def outputs() -> list[list[str]]:
    return [words(text) for path in EVERY for text in printed(load(path))]


def test_passages_are_found_and_measured():
    text = words("one two three four five six seven eight nine ten")
    output = words("label 1: two three four five six seven eight (and so on) one two three")
    assert passages([output], [text]) == [(0, 7)]
    assert passages([output], [text[::-1]]) == []


def test_no_more_of_an_article_is_printed_than_the_page_on_licences_says(outputs):
    files = sorted(downloads.folder("news").rglob("*.txt"))
    texts = [words(path.read_text(encoding="utf8", errors="replace")) for path in files]
    found = passages(outputs, texts)
    longest, most = stated(r"at most (\d+) words in a row, and at most (\d+) words of one article")
    of_article = [sum(n for number, n in found if number == i) for i in {i for i, _ in found}]
    assert max(n for _, n in found) == longest
    assert max(of_article) == most


def test_no_more_of_a_review_is_printed_than_the_page_on_licences_says(outputs):
    rows = corpora.load("reviews")
    texts = [words(text) for part in rows.values() for text in part["text"][:]]
    found = passages(outputs, texts)
    assert max(n for _, n in found) == stated(r"sentences of reviews, at most (\d+) words")[0]


def test_no_common_misspelling_stands_in_the_texts(tmp_path):
    for path in EVERY:
        cells = [c for c in load(path)["cells"] if c["cell_type"] == "markdown"]
        text = "\n\n".join(notebook_file.joined(cell["source"]) for cell in cells)
        (tmp_path / f"{path.stem}.md").write_text(text, encoding="utf8")
    for path in FILES:
        name = path.relative_to(project.ROOT).as_posix().replace("/", "_")
        (tmp_path / name).write_text(path.read_text(encoding="utf8"), encoding="utf8")
    # The name of an author, a word as customers type it, of which 13 speaks, and a score of 14.
    known = "pinter,wont,rouge"
    command = [sys.executable, "-m", "codespell_lib", "-L", known, "."]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.stdout + checked.stderr == ""


def test_every_test_that_the_page_on_guarantees_names_is_there():
    text = (project.ROOT / "docs" / "guarantees.md").read_text(encoding="utf8")
    written = "".join(p.read_text(encoding="utf8") for p in project.ROOT.glob("tests/**/*.py"))
    there = set(re.findall(r"def (test_\w+)\(", written))
    named = re.findall(r"`(test_\w+?)(_…)?`", text)
    assert len(named) > 30
    missing = [
        name
        for name, cut in named
        if not (any(t.startswith(f"{name}_") for t in there) if cut else name in there)
    ]
    assert not missing
    files = re.findall(r"`(?:tests/unit/)?(test_\w+\.py)`", text)
    assert files and all((project.ROOT / "tests" / "unit" / name).is_file() for name in files)
