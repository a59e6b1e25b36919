"""Two thousand generated files: each becomes its rows, or is refused with one of our errors.

A file is drawn with its dialect, encoding and kinds of texts and labels; what a program wrote into
it is known. Where it is read with the right settings, or needs none, every row must come out as it
went in. Where a setting is missing, it may be refused, or a note must say what is wrong.
"""

import codecs
import contextlib
import csv
import io
from dataclasses import dataclass, field

import numpy as np
import pytest

from helpers import corpora, own_data

FILES, QUICK = 2000, 200
SCRIPTS = {
    "utf-8": ["late again", "Größe prüfen", "где мой заказ", "你好，包裹在哪里", "أين طلبي",
              "שלום לכם", "हिन्दी में", "it is 😀", "καλημέρα"],
    "utf-8-sig": ["late again", "déjà vu", "где мой заказ"],
    "utf-16": ["late again", "你好，包裹在哪里", "it is 😀"],
    "cp1252": ["late again", "Größe prüfen", "déjà vu", "l’été"],
    "cp1251": ["late again", "где мой заказ", "не работает"],
    "cp1253": ["late again", "καλημέρα σας"],
    "gb18030": ["late again", "你好，包裹在哪里", "没有收到"],
    "cp932": ["late again", "これはテスト", "届きません"],
}  # fmt: skip
ODD = ["a; b, c", "tab\there", "bar | bar", 'he said "so"', '"quoted"', "two\nlines", "C:\\new",
       "back\\", "it's", "<b>&amp;", "=1+1", "  ", "null", "don't", "x\\\"y"]  # fmt: skip
LABELS = {
    "names": ["ham", "spam", "eggs"],
    "codes": ["010", "10", "1.10", "1.1"],
    "numbers": ["0", "1", "2"],
    "floats": ["0.0", "1.0"],
    "truth": ["True", "False"],
    "ids": ["12345678901234567", "12345678901234568"],
    "cases": ["Late", "on time", "NONE"],
    "marks": ["+", "-", "n/a"],
}


@dataclass
class Drawn:
    """A file, what was written into it, and the settings that read it."""

    content: bytes
    rows: list[tuple[str, str]]
    settings: dict = field(default_factory=dict)
    needed: bool = False
    first_row: int = 2


def pick(rng, choices):
    """One of a list, as it is."""
    return choices[int(rng.integers(len(choices)))]


def drawn_rows(rng, encoding):
    """Texts that are all different, and labels of one kind."""
    names = LABELS[pick(rng, list(LABELS))]
    odd = rng.random() < 0.6
    rows = []
    for i in range(int(rng.integers(12, 20)) * len(names)):
        text = f"{pick(rng, SCRIPTS[encoding])} {i}"
        if odd and rng.random() < 0.2:
            text = f"{text} {pick(rng, ODD)}"
        label = names[i % len(names)] if rng.random() < 0.97 else ""
        rows.append(("" if rng.random() < 0.02 else text, label))
    return rows


def written(rows, form):
    """Rows as a CSV, by the standard library's writer or without any quoting."""
    if form["quoting"] == "none":
        lines = [form["delimiter"].join(row) + form["end"] for row in rows]
        return "".join(lines)
    buffer = io.StringIO()
    options = {"delimiter": form["delimiter"], "lineterminator": form["end"],
               "quotechar": form["quote"], "quoting": csv.QUOTE_ALL}  # fmt: skip
    if form["quoting"] == "backslash":
        options |= {"escapechar": "\\", "doublequote": False}
    csv.writer(buffer, **options).writerows(rows)
    return buffer.getvalue()


def draw(seed):
    """A file, drawn by a seed."""
    rng = np.random.default_rng(seed)
    encoding = pick(rng, ["utf-8"] * 6 + list(SCRIPTS))
    rows = drawn_rows(rng, encoding)
    form = {
        "delimiter": pick(rng, [",", ",", ";", "\t", "|"]),
        "end": pick(rng, ["\n", "\n", "\r\n"]),
        "quoting": pick(rng, ["all", "all", "all", "backslash", "none"]),
        "quote": pick(rng, ['"', '"', '"', "'"]),
    }
    if form["quoting"] == "backslash":  # programs disagree on what two backslashes mean
        form["quote"] = '"'
        rows = [(text, label) for text, label in rows if "\\" not in text]
    if form["quoting"] == "none":
        signs = [form["delimiter"], "\n", "\r", '"']
        rows = [(text, label) for text, label in rows if not any(s in text for s in signs)]
    header = rng.random() < 0.8
    announced = header and rng.random() < 0.1 and form["quoting"] == "all"
    body = written([("text", "label")] * header + rows, form)
    body = f"sep={form['delimiter']}{form['end']}" * announced + body
    right = {}
    if codecs.lookup(encoding).name not in ("utf-8", "utf-8-sig", "utf-16"):
        right["encoding"] = encoding
    if not header:
        right["header"] = ["text", "label"]
    if form["quote"] == "'" and form["quoting"] != "none":
        right["quote"] = "'"
    given = rng.random() < 0.7
    return Drawn(
        body.encode(encoding), rows, right if given else {}, bool(right) and not given, 1 + header
    )


def plain(text):
    """A text as the loader keeps it, whatever its line ends were."""
    return text.strip()


def label_is(found, true):
    """Whether a label is the one that was written, but for the case of its letters."""
    return found.casefold() == true.strip().casefold()


def wrong_rows(mine, file):
    """Rows of which a part holds another text or label than was written."""
    wrong = []
    for part in mine.datasets.values():
        for row in part:
            place = row["row"] - file.first_row
            text, label = file.rows[place] if place < len(file.rows) else ("", "")
            name = mine.names[row["label"]]
            if row["text"] != plain(text) or not label_is(name, label):
                wrong.append(row)
    return wrong


def outcome(seed, folder):
    """What became of a file: "read", "refused", or "noted" for one read without a setting."""
    file = draw(seed)
    path = folder / "mine.csv"
    path.write_bytes(file.content)
    try:
        mine = own_data.load(path, "text", "label", drop_rare=True, **file.settings)
    except corpora.DataError as error:
        assert len(str(error)) > 20 and "Traceback" not in str(error)
        assert file.needed or "class" in str(error) or "label" in str(error), (seed, str(error))
        return "refused"
    kept = sum(len(part) for part in mine.datasets.values())
    assert kept + len(mine.dropped) == mine.rows, seed
    wrong = wrong_rows(mine, file)
    if file.needed:
        silent = wrong or mine.rows != len(file.rows)
        assert mine.notes or not silent, (seed, wrong[:2])
        return "noted" if silent else "read"
    assert mine.rows == len(file.rows), (seed, mine.rows, len(file.rows))
    assert not wrong, (seed, wrong[:2], mine.notes)
    reasons = set(mine.dropped["reason"].str.split().str[0])
    assert reasons <= {"no", "class"}, (seed, mine.dropped["reason"].tolist())
    return "read"


def outcomes(seeds, folder):
    """How often each outcome is met."""
    found = {"read": 0, "noted": 0, "refused": 0}
    with contextlib.redirect_stdout(io.StringIO()):
        for seed in seeds:
            found[outcome(seed, folder)] += 1
    return found


def test_many_drawn_files_are_their_rows_or_an_error_of_ours(tmp_path):
    found = outcomes(range(QUICK), tmp_path)
    assert found["read"] > QUICK / 2, found


@pytest.mark.long
def test_two_thousand_drawn_files_are_their_rows_or_an_error_of_ours(tmp_path):
    found = outcomes(range(QUICK, FILES), tmp_path)
    assert found["read"] > (FILES - QUICK) / 2, found
