"""Every number in a notebook's text is held: by an output or code above it, a claim, or a source.

A number counts as held if one of these rounds to it at the precision that the text gives, also as
per cent, or as what is missing to 100 %. Not looked at: numbers up to twelve without a decimal
(which count things), names and references (section 4, notebook 04, years), formulas, code, times to
read, questions whose answer comes below (*Predict*), exercises and quizzes, which have tests of
their own. What was taken from elsewhere stands in quoted.toml, with its source.
"""

import math
import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import load
from tests.notebooks.claims import FOLDER
from tools import notebook_file

QUOTED = tomllib.loads((Path(__file__).parent / "quoted.toml").read_text(encoding="utf8"))
NUMBER = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?(?:e-?\d+)?"
IN_PROSE = re.compile(rf"(?<![\w.,/^–-])[−-]?({NUMBER})(?![\w/])")
ANYWHERE = re.compile(rf"(?<![\d.])({NUMBER})")
FACTORS = (1, 100, 0.01, 1e3, 1e-3, 1e-6)
LEFT_OUT = [
    r"```.*?```|<svg.*?</svg>|<style.*?</style>|<details>.*?</details>|<[^>]+>",
    r"\$\$.*?\$\$|\$[^$]*\$|`[^`]*`",
    r"\]\([^)]*\)",  # addresses
    r"(?m)^#+ .*$|^\*\*Time.*$|^\|[ :|-]+\|$",
    r"\*\*Predict.*?(?=\n\n|\Z)",
    r"\b[Ss]ections? \d+(?:(?:, | and | to |–)\d+)*|\b[Nn]otebooks? \d\d(?:(?:, | and | to )\d\d)*",
    r"\b(?:19|20)\d\d\b|\b0\d\b|\b1[0-5](?=[,)\]])",  # years, numbers of notebooks
]


def prose(text: str) -> str:
    """The sentences of a Markdown cell, without what is no statement of ours."""
    for pattern in LEFT_OUT:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return text


def value(number: str) -> float:
    return float(number.replace(",", ""))


def numbers(text: str) -> set[float]:
    """All numbers in code or in an output, without their signs."""
    return {value(found) for found in ANYWHERE.findall(text)}


def is_held(number: str, pool: set[float]) -> bool:
    """Whether one of the numbers, or a share in per cent, rounds to this one."""
    digits = len(number.partition(".")[2]) if "e" not in number else 15
    wanted = value(number)
    for there in pool:
        for factor in FACTORS:
            candidates = [there * factor] + [100 - there * factor] * (factor in (1, 100))
            if any(math.isclose(round(c, digits), wanted, abs_tol=1e-12) for c in candidates):
                return True
    return False


def is_exercise(text: str) -> bool:
    """Whether a cell asks something that a grader or a quiz test answers."""
    return bool(re.match(r"#+ .*(?:[Ee]xercise|[Qq]uiz)|\*\*\d\. ", text))


def printed(cell: dict) -> str:
    """A code cell and all text that it has printed or shown."""
    parts = [notebook_file.joined(cell["source"])]
    for output in cell["outputs"]:
        parts += [notebook_file.joined(output.get("text", "")), output.get("evalue", "")]
        data = output.get("data", {})
        parts += [notebook_file.joined(data[mime]) for mime in data if mime.startswith("text/")]
    return "\n".join(parts)


def not_held(notebook: dict, extra: set[float]) -> list[str]:
    """The numbers of a notebook's text that nothing holds, each with its cell and surroundings."""
    pool, found, cells = set(extra), [], notebook["cells"]
    for place, cell in enumerate(cells):
        if cell["cell_type"] == "code":
            pool |= numbers(printed(cell))
            continue
        following = [c for c in cells[place + 1 : place + 3] if c["cell_type"] == "code"]
        here = pool | numbers("\n".join(notebook_file.joined(c["source"]) for c in following[:1]))
        text = notebook_file.joined(cell["source"])
        said = "" if is_exercise(text) else prose(text)
        here |= {value(str(number)) for number in QUOTED.get(cell["id"], {}).get("numbers", [])}
        for match in IN_PROSE.finditer(said):
            small = re.fullmatch(r"\d+", match[1]) and int(match[1]) <= 12
            if not small and not is_held(match[1], here):
                around = said[max(0, match.start() - 40) : match.end() + 20]
                found.append(f"{cell['id']}: {match[1]} in “…{' '.join(around.split())}…”")
    return found


def claimed(path: Path) -> set[float]:
    """The numbers of the claims about a notebook."""
    name = path.stem if "solutions" in path.stem else path.stem[:2]
    file = FOLDER / f"nb{name}.py"
    return numbers(file.read_text(encoding="utf8")) if file.is_file() else set()


def test_every_number_in_the_text_is_held(course):
    assert not_held(load(course), claimed(course)) == []


def sample(text: str) -> dict:
    code = {"cell_type": "code", "id": "b", "source": "print(share)"}
    code["outputs"] = [{"output_type": "stream", "text": ["0.7526 of 1,705\n"]}]
    cells = [code, {"cell_type": "markdown", "id": "a", "source": text}]
    return {"cells": cells}


@pytest.mark.parametrize("text", ["75 % of 1,705", "75.3 % are right, 24.7 % wrong", "three of 5"])
def test_a_number_that_an_output_gives_is_held(text):
    assert not not_held(sample(text), set())


@pytest.mark.parametrize("text", ["76 %", "75.2 %", "1,706 sentences", "at a rate of 3e-4", "77.0"])
def test_a_planted_number_is_named(text):
    assert len(not_held(sample(text), set())) == 1


@pytest.mark.parametrize("mark", ["", "> "])
def test_what_a_question_asks_need_not_be_held_and_what_follows_it_must(mark):
    asked = f"{mark}**Predict, then run:** is it more\n{mark}than 76 %?\n\n"
    assert not not_held(sample(asked + "Now look."), set())
    assert len(not_held(sample(asked + "It is 76 %."), set())) == 1
    assert len(not_held(sample("> **A common mistake:** it is 76 %."), set())) == 1


def test_a_number_counts_only_once_its_output_stands_above_it():
    notebook = sample("75 %")
    notebook["cells"].insert(0, notebook["cells"].pop())
    notebook["cells"].insert(1, {"cell_type": "markdown", "id": "c", "source": "x"})
    assert len(not_held(notebook, set())) == 1


def test_a_planted_number_in_every_notebook_is_named(course):
    notebook = load(course)
    (*_, last) = [cell for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
    last["source"] = "It reaches 73.9137 % at once."
    assert any("73.9137" in line for line in not_held(notebook, claimed(course)))


def test_what_is_quoted_names_a_cell_and_a_source(every):
    cells = {cell["id"] for path in [every] for cell in load(path)["cells"]}
    mine = {key: entry for key, entry in QUOTED.items() if entry["notebook"] == every.stem}
    assert set(mine) <= cells
    assert all(entry["source"] and entry["numbers"] for entry in mine.values())
