"""Somebody with a file of their own does what notebook 13 and its messages say, to the letter.

A message or a note names a setting, and section 1 of the notebook the line under which to put it.
Put there, each setting must take effect; once some were overwritten by the lines that followed.
"""

import ast
import re

import pandas as pd
import pytest

from helpers import own_data
from tests.conftest import COURSE, load
from tools import notebook_file

IMPORTS, FILE, ADVICE = "b6b9a338", "196cab0c", "c518c2ad"
SETTINGS, LOADS, GROUPS = "1d99cf5f", "8956e3ca", "7c1e52aa"
SETTING = re.compile(r"""[A-Z_]+ = (?:"[^"]*"|\[[^]]*\]|True|\d+)""")
WORDS = ["late again", "never came", "works fine", "looks lovely", "too small", "smells odd"]
BASE = [(f"text number {i} is {WORDS[i % 6]}", "ham" if i % 2 else "spam") for i in range(60)]


def source(name: str) -> str:
    """A cell of notebook 13."""
    [path] = [path for path in COURSE if path.stem == "13_your_own_csv"]
    [cell] = [cell for cell in load(path)["cells"] if cell["id"] == name]
    return notebook_file.joined(cell["source"])


def with_settings(*settings: str) -> str:
    """The cell of the settings, with lines put where section 1 says that they go."""
    [place] = re.findall(r"under (?:the line )?`(# [^`]+)`", source(ADVICE))
    lines = source(SETTINGS).splitlines()
    at = lines.index(place) + 1
    return "\n".join([*lines[:at], *settings, *lines[at:]])


def loaded(path, *settings: str) -> own_data.OwnData:
    """What the cell that loads the file makes of it."""
    names: dict = {}
    exec(source(IMPORTS), names)
    exec(source(FILE), names)
    names |= {"PATH": path, "TEXT_COLUMN": "text", "LABEL_COLUMN": "label"}
    exec(with_settings(*settings), names)
    with pd.option_context("display.max_colwidth", 50, "display.width", 80):
        exec(source(LOADS), names)
    return names["mine"]


def write(folder, rows, header=("text", "label"), delimiter=","):
    path = folder / "mine.csv"
    lines = [delimiter.join(row) for row in ([header] if header else []) + [*rows]]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf8")
    return path


def advised(path) -> list[str]:
    """The settings that the refusal of a file names, or the notes on it."""
    try:
        return SETTING.findall("\n".join(loaded(path).notes))
    except (own_data.FileError, own_data.LabelError) as error:
        return SETTING.findall(str(error))


def names_of_settings() -> list[str]:
    before = source(SETTINGS).partition("\n\n")[0]
    nodes = ast.walk(ast.parse(before))
    return [n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)]


@pytest.mark.parametrize("name", names_of_settings())
def test_a_setting_put_where_section_1_says_has_the_last_word(name):
    names: dict = {}
    exec(with_settings(f'{name} = "of my own"'), names)
    assert names[name] == "of my own"
    assert names["options"].get(name.lower(), "of my own") == "of my own"


RARE = [*BASE, *((f"rare number {i}", "rare") for i in range(5))]
MANY = [(f"text {i} of {name}", f"kind {name}") for name in range(51) for i in range(10)]
NOT_GIVEN = [*BASE, *((f"neither number {i}", "NA") for i in range(12))]
CURED = {
    "a rare class": (RARE, {}, ["DROP_RARE = True"]),
    "many classes": (MANY, {}, ["MOST_CLASSES = 51"]),
    "a word for no label": (NOT_GIVEN, {}, ["MISSING = ['NA']"]),
    "no names": (BASE, {"header": ()}, ['HEADER = ["text", "label"]']),
    "no names, and semicolons": (
        BASE, {"header": (), "delimiter": ";"}, ['DELIMITER = ";"', 'HEADER = ["text", "label"]']
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", CURED)
def test_what_a_message_says_leads_out(kind, tmp_path):
    rows, written, settings = CURED[kind]
    path = write(tmp_path, rows, **written)
    assert advised(path) == settings
    mine = loaded(path, *settings)
    left_out = {"a rare class": 5, "a word for no label": 12}.get(kind, 0)
    assert (mine.rows, len(mine.dropped)) == (len(rows), left_out)
    assert len(mine.names) == (51 if kind == "many classes" else 2)
    assert not {*settings} & {*SETTING.findall("\n".join(mine.notes))}


def test_groups_named_as_section_3_and_the_note_say_are_not_split(tmp_path):
    rows = [(*row, f"C{i % 12}") for i, row in enumerate(BASE)]
    path = write(tmp_path, rows, ("text", "label", "customer"))
    [setting] = advised(path)
    assert f"`{setting}`" in source(GROUPS)
    mine = loaded(path, setting)
    customers = pd.Series([row[2] for row in rows], index=range(2, 62))
    of_part = [set(customers[part["row"][:]]) for part in mine.datasets.values()]
    assert sum(map(len, of_part)) == len(set.union(*of_part)) == 12
    assert any(note.startswith("12 groups of 'customer'") for note in mine.notes)


@pytest.mark.parametrize("name", ["LABEL_SEPARATOR", "LABEL_COLUMN"])
def test_a_setting_that_this_notebook_does_not_have_is_not_asked_for(name, tmp_path):
    """Several labels per text: the note names the page on it instead."""
    if name == "LABEL_SEPARATOR":
        tags = ["a;b", "b;c", "a", "b", "c"]
        path = write(tmp_path, [(text, tags[i % 5]) for i, (text, _) in enumerate(BASE)])
    else:
        flags = [(text, "01"[i % 2], "01"[i % 3 == 0]) for i, (text, _) in enumerate(BASE)]
        path = write(tmp_path, flags, ("text", "label", "late"))
    [note] = [note for note in loaded(path).notes if name in note]
    assert f"set {name}" not in note and "docs/own_csv.md" in note
