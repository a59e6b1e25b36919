"""Files as people have them: each is read as documented, or refused with this very message."""

import csv
import gzip
import io
import re
import tracemalloc
import unicodedata
import zipfile
from functools import partial

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import corpora, downloads, own_data
from helpers.own_data.cells import same_text
from tools.experiments import cost_against_size

HEADER = "text,label\n"
# Forty texts, twenty of each class, that no normalization makes equal.
LINES = [f"text number {i} is {'good' if i % 2 else 'bad'},{'yn'[i % 2]}\n" for i in range(40)]
GOOD = HEADER + "".join(LINES)
NFKC = partial(unicodedata.normalize, "NFKC")


def load(content, tmp_path, name="mine.csv", **options):
    """Write a file and load it; strings are written as UTF-8."""
    path = tmp_path / name
    path.write_bytes(content.encode("utf8") if isinstance(content, str) else content)
    before = path.read_bytes()
    columns = {"text_column": "text", "label_column": "label"}
    try:
        return own_data.load(path, **columns | options)
    finally:
        assert path.read_bytes() == before


def workbook(name):
    """A zip archive with one member, as spreadsheets are."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        bundle.writestr(name, "x")
    return buffer.getvalue()


def numbers(labels):
    """A file whose labels are the given texts."""
    return HEADER + "".join(f"text number {i},{label}\n" for i, label in enumerate(labels))


SPREADSHEET = (
    '\'{}\' is a spreadsheet, not a CSV. Open it, choose "Save as" and the type "CSV UTF-8 '
    '(comma delimited)", and set PATH to the new file.'
)
SETS = (
    'Did you mean {0!r}? Set {1}_COLUMN = "{0}" in place of the name that you gave, and run again '
    "from there."
)
BINARY = "'mine.csv' holds bytes that are no text. Save it as \"CSV UTF-8\" and try again."
ONE = "Only one: set DELIMITER to the character that separates its columns."
ABOVE = (
    "'mine.csv' has its column names in row {}. Delete the rows above it: the first row must "
    "hold the column names."
)
FIRST_ROW = "to one of them. The first row must hold the columns' names."
NO_NUMBER = (
    "which is not read as a number. Leaving them out would change what is learned. Write 1234.5: "
    "no separators of thousands, a point, a plain hyphen for minus, no unit."
)
TOO_FEW = (
    "after copies are removed; 10 are the least (about 7 to learn, 1 to choose, 2 to score).{} "
    "Correct or collect such rows, or set DROP_RARE = True to leave them out. Too small: {}."
)
QUOTE = (
    "'mine.csv': a quotation mark opens in row {0} (line {0}) and never closes. Close it, or write "
    'a quotation mark inside a text twice: "". If quotation marks are ordinary characters in this '
    'file, set QUOTE = "".'
)

# name: content, options, error, message
REFUSED = {
    "empty": ("", {}, own_data.FileError, "'mine.csv' is empty. Is it the right file?"),
    "only blank lines": ("\n\n \n", {}, own_data.FileError,
        "'mine.csv' is empty. Is it the right file?"),
    "a mark of UTF-8 and nothing else": (b"\xef\xbb\xbf", {}, own_data.ColumnNotFoundError,
        "'mine.csv' has no column 'text'. It has: .\nSet TEXT_COLUMN to one of them. The first row "
        "must hold the columns' names."),
    "a line that names the delimiter and nothing else": ("sep=;\n", {},
        own_data.ColumnNotFoundError, "'mine.csv' has no column 'text'. It has: .\nSet TEXT_COLUMN "
        "to one of them. The first row must hold the columns' names."),
    "header only": (HEADER, {}, own_data.FileError,
        "'mine.csv' has a header and no rows below it."),
    "no header": ("".join(LINES), {}, own_data.ColumnNotFoundError,
        "the first row of 'mine.csv' looks like data, not like names of columns: text number 0 is "
        'bad | y. The file has no header. Set HEADER = ["text", "label"] (a name for each column, '
        "from left to right; check that they are the right ones), or write such a row above the "
        "data."),
    "label column misspelt by the reader": (GOOD, {"label_column": "lable"},
        own_data.ColumnNotFoundError, "'mine.csv' has no column 'lable'. It has: text, label.\n"
        + SETS.format("label", "LABEL")),
    "column in capitals": ("Text,label\n" + "".join(LINES), {}, own_data.ColumnNotFoundError,
        "'mine.csv' has no column 'text'. It has: Text, label.\n" + SETS.format("Text", "TEXT")),
    "a column that is not there": (GOOD, {"label_column": "sentiment"},
        own_data.ColumnNotFoundError, "'mine.csv' has no column 'sentiment'. It has: text, label.\n"
        + SETS.format("label", "LABEL")),
    "thirty columns": (",".join(f"c{i}" for i in range(30)) + "\n1\n", {},
        own_data.ColumnNotFoundError, "'mine.csv' has no column 'text'. It has: "
        + ", ".join(f"c{i}" for i in range(20)) + f", ….\nSet TEXT_COLUMN {FIRST_ROW}"),
    "one column twice": ("text,label,label\na,b,c\n", {}, own_data.ColumnNotFoundError,
        "'mine.csv' has 2 columns 'label'. Rename all but one."),
    "one column for both": (GOOD, {"label_column": "text"}, own_data.ColumnNotFoundError,
        "TEXT_COLUMN and LABEL_COLUMN are the same column. Choose two."),
    "wrong delimiter asked for": (GOOD, {"delimiter": ";"}, own_data.ColumnNotFoundError,
        "'mine.csv' has no column 'text'. It has: text,label.\n" + ONE),
    "a delimiter that nobody expects": (GOOD.replace(",", "^"), {}, own_data.ColumnNotFoundError,
        "'mine.csv' has no column 'text'. It has: text^label.\n" + ONE),
    "Latin-1": ((GOOD + "un café,y\ndéjà vu,n\n").encode("latin-1"), {}, own_data.FileError,
        "'mine.csv' is not UTF-8: byte 0xe9 in line 42 and 1 more line(s). Set ENCODING to the one "
        "that reads right: \"cp1252\" reads 'un café,y … déjà vu,n', \"cp1250\" reads 'un café,y "
        "… déjŕ vu,n', \"cp1257\" reads 'un café,y … déją vu,n', \"mac_roman\" reads 'un cafÈ,y … "
        "dÈj‡ vu,n', \"cp1251\" reads 'un cafй,y … dйjа vu,n'. If some lines are written in "
        'another way than others, save it as "CSV UTF-8".'),
    "a title above the header": ("Our messages,\n,\n" + GOOD, {}, own_data.ColumnNotFoundError,
        ABOVE.format(3)),
    "an empty line above the header": ("\n" + GOOD.replace(",", ";"), {},
        own_data.ColumnNotFoundError, ABOVE.format(2)),
    "names of columns as texts": ("topic,kind\nx,y\ntext,label\n", {}, own_data.ColumnNotFoundError,
        f"'mine.csv' has no column 'text'. It has: topic, kind.\nSet TEXT_COLUMN {FIRST_ROW}"),
    "a delimiter of two characters": (GOOD, {"delimiter": "||"}, own_data.FileError,
        "DELIMITER = '||' is not one character. For tabs write \"\\t\"; None tries commas, "
        "semicolons, tabs and bars."),
    "a quotation mark of two characters": (GOOD, {"quote": "''"}, own_data.FileError,
        "QUOTE = \"''\" is not one character. If quotation marks are ordinary characters in this "
        'file, write ""; None is the standard, double quotation marks.'),
    "one character for both": (GOOD, {"delimiter": "|", "quote": "|"}, own_data.FileError,
        "DELIMITER and QUOTE are both '|'. Set another QUOTE, or \"\"."),
    "UTF-16 without a mark": (GOOD.encode("utf-16-le"), {}, own_data.FileError,
        "'mine.csv' holds bytes that are no text. They look like UTF-16 without its mark: set "
        'ENCODING = "utf-16-le".'),
    "UTF-16 that was cut off": (GOOD.encode("utf-16")[:-1], {}, own_data.FileError,
        "'mine.csv' is not UTF-16, or was damaged or cut off on the way. Copy it again, or save it "
        'as "CSV UTF-8".'),
    "UTF-32": (GOOD.encode("utf-32-be"), {}, own_data.FileError, BINARY),
    "an encoding that does not exist": (GOOD, {"encoding": "utf9"}, own_data.FileError,
        "ENCODING = 'utf9' is not known. Try \"utf8\" or \"cp1252\"."),
    "a picture": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", {}, own_data.FileError, BINARY),
    "Parquet": (b"PAR1\x15\x04\x15\0", {}, own_data.FileError, BINARY),
    "a new Excel file": (workbook("xl/workbook.xml"), {"name": "mine.xlsx"}, own_data.FileError,
        SPREADSHEET.format("mine.xlsx")),
    "an Excel file called CSV": (workbook("xl/workbook.xml"), {}, own_data.FileError,
        SPREADSHEET.format("mine.csv")),
    "an old Excel file": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", {"name": "mine.xls"},
        own_data.FileError, SPREADSHEET.format("mine.xls")),
    "LibreOffice": (workbook("content.xml"), {"name": "mine.ods"}, own_data.FileError,
        SPREADSHEET.format("mine.ods")),
    "a zip archive": (workbook("mine.csv"), {"name": "mine.zip"}, own_data.FileError,
        "'mine.zip' is a zip archive. Unpack it and set PATH to the CSV in it."),
    "a zip archive that is damaged": (b"PK\x03\x04broken", {"name": "mine.zip"}, own_data.FileError,
        "'mine.zip' is a zip archive. Unpack it and set PATH to the CSV in it."),
    "bzip2": (b"BZh91AY&SY", {"name": "mine.csv.bz2"}, own_data.FileError,
        "'mine.csv.bz2' is packed with bzip2. Unpack it and try again."),
    "gzip that was cut off": (gzip.compress(GOOD.encode(), mtime=0)[:60], {"name": "mine.csv.gz"},
        own_data.FileError, "'mine.csv.gz' cannot be read: EOFError."),
    "gzip that was cut off late": (
        gzip.compress(HEADER.encode() + np.random.default_rng(0).bytes(200_000).hex().encode(),
                      mtime=0)[:-1000], {"name": "mine.csv.gz"}, own_data.FileError,
        "'mine.csv.gz' cannot be read beyond row 1: it is damaged or was cut off. Copy it again."),
    "JSON lines": ('{"text": "a", "label": "b"}\n', {}, own_data.FileError,
        "'mine.csv' is JSON, not a CSV. Export or download it as CSV."),
    "JSON over several lines": ('[\n  {"text": "a", "label": "b"}]', {}, own_data.FileError,
        "'mine.csv' is JSON, not a CSV. Export or download it as CSV."),
    "a text document": ("{\\rtf1\\ansi text,label}", {}, own_data.FileError,
        "'mine.csv' is a text document (RTF), not a CSV. Export or download it as CSV."),
    "a PDF": ("%PDF-1.7\n", {}, own_data.FileError,
        "'mine.csv' is a PDF, not a CSV. Export or download it as CSV."),
    "commas at the ends of the rows, not of the header": (
        HEADER + "".join(LINES).replace("\n", ",\n"), {}, own_data.FileError, "no row of "
        "'mine.csv' can be used. Rows: 40; most often: 3 fields where the header has 2. Is the "
        "DELIMITER right, and are texts that hold it quoted?"),
    "a web page": ("<!DOCTYPE html><p>Sign in to download", {}, own_data.FileError,
        "'mine.csv' is a web page or XML, not a CSV. Export or download it as CSV."),
    "a quotation mark that never closes": (GOOD + '"and so on,y\n' + "more,y\n" * 5, {},
        own_data.FileError, QUOTE.format(42)),
    "a quotation mark in the header that never closes": ('"text,label\n' + "".join(LINES), {},
        own_data.ColumnNotFoundError, "'mine.csv' has no column 'text'. It has: text,label text "
        f"number 0 is bad,y text n.\n{ONE}"),
    "a quotation mark in the header that closes late": (
        'text,label,"c\n' + "".join(LINES), {}, own_data.FileError, QUOTE.format(1)),
    "a field without end": (GOOD + '"' + "x\n" * 5_000_001 + '",y\n', {}, own_data.FileError,
        "'mine.csv': row 42 (line 42) holds a text of more than 10,000,000 characters. Shorten it, "
        "or take the row out. A quotation mark that opens there may lack its end. If quotation "
        'marks are ordinary characters in this file, set QUOTE = "".'),
    "a line without end": (GOOD + "x" * 10_000_001 + ",y\n", {}, own_data.FileError,
        "'mine.csv' has a line of more than 10,000,000 characters. Is it a table of texts? Shorten "
        "that line, or take it out."),
    "nothing but blanks": (HEADER + "  ,y\n,n\n", {}, own_data.FileError,
        "no row of 'mine.csv' can be used. Rows: 2; most often: no text."),
    "no label anywhere": (HEADER + "a,\nb,\n", {}, own_data.FileError,
        "no row of 'mine.csv' can be used. Rows: 2; most often: no label."),
    "one class": (GOOD.replace(",n\n", ",y\n"), {}, own_data.LabelError,
        "'mine.csv' has 1 class(es) to learn: 'y'. At least 2 are needed."),
    "a class with one example": (GOOD + "a riddle,x\n", {}, own_data.LabelError,
        "label 'x' has 1 row(s) " + TOO_FEW.format("", "x")),
    "a label misspelt once": (GOOD.replace(",y", ",delivery") + "wheres it,delivry\n", {},
        own_data.LabelError, "label 'delivry' has 1 row(s) "
        + TOO_FEW.format(" Did you mean 'delivery'?", "delivry")),
    "a second spelling that is not the rarest": (
        GOOD.replace(",y", ",delivery") + "wheres it,delivry\nlate,delivry\na riddle,x\n", {},
        own_data.LabelError, "label 'delivry' has 2 row(s) "
        + TOO_FEW.format(" Did you mean 'delivery'?", "delivry, x")),
    "ten rows": (HEADER + "".join(LINES[:10]), {}, own_data.LabelError,
        "label 'n' has 5 row(s) " + TOO_FEW.format("", "y, n")),
    "all classes are rare, and dropped": (HEADER + "".join(LINES[:10]), {"drop_rare": True},
        own_data.LabelError, "'mine.csv' has 0 class(es) to learn. At least 2 are needed."),
    "numbers taken for classes": (numbers(range(60)), {}, own_data.LabelError,
        "'mine.csv' has 60 different labels; 50 is the most. To predict numbers: "
        "section 11 of the notebook, regression=True."),
    "texts taken for classes": (numbers(f"l{i}" for i in range(60)), {}, own_data.LabelError,
        "'mine.csv' has 60 different labels; 50 is the most. Is it the right column?"),
    "many classes": (numbers(f"l{i}" for i in range(51) for _ in range(10)), {},
        own_data.LabelError, "'mine.csv' has 51 different labels; 50 is the most. Is it the right "
        "column? If these are your classes, set MOST_CLASSES = 51."),
    "names taken for numbers": (GOOD, {"regression": True}, own_data.LabelError,
        "40 labels of 'mine.csv' are no numbers (first in row 2). Write 3.5, not 3,5 or 70 %; for "
        "names leave regression=True away."),
    "decimal commas": (numbers([f'"{i},5"' for i in range(60)] + ["1"]), {"regression": True},
        own_data.LabelError, "60 labels of 'mine.csv' are written like '0,5' (first in row 2), "
        + NO_NUMBER),
    "separators of thousands": (numbers([*range(60), '"1,002"', '"2,500"', '"1,000"']),
        {"regression": True}, own_data.LabelError, "3 labels of 'mine.csv' are written like "
        "'1,002' (first in row 62), " + NO_NUMBER),
    "another minus sign": (numbers([*range(60), "−5", "−7", "−12"]), {"regression": True},
        own_data.LabelError, "3 labels of 'mine.csv' are written like '−5' (first in row 62), "
        + NO_NUMBER),
    "too few numbers": (numbers(range(49)), {"regression": True}, own_data.LabelError,
        "'mine.csv' has 49 usable rows; 50 are the least."),
    "one number": (numbers([3] * 60), {"regression": True}, own_data.LabelError,
        "all labels of 'mine.csv' are 3: nothing to learn."),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_file_gets_its_message(case, tmp_path):
    content, options, error, message = REFUSED[case]
    with pytest.raises(corpora.DataError) as caught:
        load(content, tmp_path, **options)
    assert str(caught.value) == message
    assert type(caught.value) is error


def test_a_path_that_is_missing_gets_the_nearest_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "messages.csv").write_text(GOOD)
    for path, said in {
        "mesages.csv": "there is no file 'mesages.csv'. Did you mean 'messages.csv'?",
        "other.csv": "there is no file 'other.csv'. Check PATH; in Colab upload it first.",
        ".": "'.' is a folder. Set PATH to one file in it: messages.csv.",
    }.items():
        with pytest.raises(own_data.FileError) as caught:
            own_data.load(path, "text", "label")
        assert str(caught.value) == said
    with pytest.raises(own_data.FileError) as caught:
        own_data.load("https://example.org/mine.csv", "text", "label")
    assert str(caught.value) == (
        "'https:/example.org/mine.csv' is an address. Download the file and set PATH to it."
    )
    (tmp_path / "empty").mkdir()
    with pytest.raises(own_data.FileError, match=r"'empty' is a folder.*; it holds no CSV"):
        own_data.load("empty", "text", "label")


# name: content, options, what is left out as (row, reason), notes
LONG_NOTE = (
    "1 text(s) longer than 1,000 characters: the model reads their beginning (max_length); "
    "first in row 42"
)
SEMICOLONS, SEMICOLON_NOTE = GOOD.replace(",", ";"), "fields are separated by ';'"
NOT_DOUBLED = (
    'a quotation mark inside the text is not doubled (""); if quotation marks are ordinary '
    'characters in this file, set QUOTE = ""'
)
BACKSLASH = (
    'a quotation mark inside the text is marked by a backslash (\\"); write it twice instead: ""'
)
ACCEPTED = {
    "as it should be": (GOOD, {}, [], []),
    "a mark of UTF-8 in front": ("\ufeff" + GOOD, {}, [], []),
    "UTF-16": (GOOD.encode("utf-16"), {}, [], ["the file is UTF-16"]),
    "Latin-1, said so": ((GOOD + "un café,y\n").encode("latin-1"), {"encoding": "cp1252"}, [], []),
    "one line of Latin-1": ((GOOD + "un café,y\n").encode("latin-1"), {},
        [(42, "byte 0xe9 is not UTF-8")], ["1 row(s) hold bytes that are not UTF-8 and are left "
        "out, first row 42: \"cp1252\" reads 'un café,y', \"cp1251\" reads 'un cafй,y', \"cp1253\" "
        "reads 'un cafι,y', \"cp1255\" reads 'un cafי,y', \"cp437\" reads 'un cafΘ,y'"]),
    "mixed encodings": (GOOD.encode() + "né,y\n".encode() + "né,y\n".encode("cp1252"), {},
        [(43, "byte 0xe9 is not UTF-8")],
        ["1 row(s) hold bytes that are not UTF-8 and are left out, first row 43"]),
    "UTF-16 without a mark, said so": (GOOD.encode("utf-16-le"), {"encoding": "utf-16-le"}, [], []),
    "a text of two million characters": (GOOD + '"' + "x " * 1_000_001 + '",y\n', {}, [],
        [LONG_NOTE]),
    "UTF-8 read as cp1252": (GOOD + "un café,y\n", {"encoding": "cp1252"}, [],
        ['all of the file is UTF-8, and it was read as cp1252: set ENCODING = "utf8"',
         "1 text(s) with signs of a wrong ENCODING, such as 'Ã©' for 'é'; first in row 42: "
         "\"utf-8\" reads 'un café'"]),
    "semicolons": (SEMICOLONS, {}, [], [SEMICOLON_NOTE]),
    "tabs": (GOOD.replace(",", "\t"), {}, [], ["fields are separated by '\\t'"]),
    "bars": (GOOD.replace(",", "|"), {}, [], ["fields are separated by '|'"]),
    "a first line sep=;": ("sep=;\n" + SEMICOLONS, {}, [], [SEMICOLON_NOTE]),
    "sep=; as Windows writes it": (
        "sep=;\r\n" + SEMICOLONS.replace("\n", "\r\n") + "\r\n", {}, [(42, "an empty line")],
        [SEMICOLON_NOTE]),
    "sep=; in capitals and quotation marks": ('"SEP=;"\n' + SEMICOLONS, {}, [], [SEMICOLON_NOTE]),
    "sep=; in UTF-16": (("sep=;\n" + SEMICOLONS).encode("utf-16"), {}, [],
        [SEMICOLON_NOTE, "the file is UTF-16"]),
    "sep=, as an old Mac writes it": (("sep=,\n" + GOOD).replace("\n", "\r"), {}, [], []),
    "sep= with a tab": ("sep=\t\n" + GOOD.replace(",", "\t"), {}, [],
        ["fields are separated by '\\t'"]),
    "sep= with a character that nobody expects": ("sep=^\n" + GOOD.replace(",", "^"), {}, [],
        ["fields are separated by '^'"]),
    "sep=; that is not true": ("sep=;\n" + GOOD, {}, [], []),
    "sep=; and another delimiter asked for": ("sep=;\n" + GOOD, {"delimiter": ","}, [], []),
    "a mark of UTF-8 and another encoding asked for": (
        "\ufeff" + GOOD + "un café,y\n", {"encoding": "cp1252"}, [], []),
    "rows of nothing but commas": (GOOD + ",\n,\n", {}, [(42, "no text"), (43, "no text")], []),
    "commas at the ends of all rows": (GOOD.replace("\n", ",\n"), {}, [], []),
    "gzip": (gzip.compress(GOOD.encode()), {"name": "mine.csv.gz"}, [], []),
    "line ends of Windows": (GOOD.replace("\n", "\r\n"), {}, [], []),
    "line ends of an old Mac": (GOOD.replace("\n", "\r"), {}, [], []),
    "no line end at the end": (GOOD[:-1], {}, [], []),
    "spaces in the header": (GOOD.replace("text,label", " text , label"), {}, [], []),
    "an index without a name": (
        "," + HEADER + "".join(f"{i},{line}" for i, line in enumerate(LINES)), {}, [], []),
    "blank lines": (GOOD + "\n\nlast one,y\n", {}, [(42, "an empty line"), (43, "an empty line")],
        []),
    "blank texts": (GOOD + ",y\n   ,y\nNaN,y\nnull,y\n", {},
        [(row, "no text") for row in range(42, 46)], []),
    "missing labels": (GOOD + "a,\nb, \nc,nan\n", {}, [(r, "no label") for r in (42, 43, 44)], []),
    "emoji, alone and in a text": (GOOD + "😡😡,y\nlate 😡,y\n", {},
        [(42, "no letter or digit in the text")], []),
    "right to left": (GOOD + "أين طلبي,y\nשלום לכם,n\n", {}, [],
        ["2 text(s) mostly in letters that the encoder hardly knows (it learned from English); "
         "first in row 42"]),
    "another language": (GOOD + "".join(f"Das Gerät {i} ist da,y\n" for i in range(11)), {}, [],
        ["22% of the texts have letters such as 'ü' or 'é', and the encoder learned from English: "
         "see 'Another language' in docs/own_csv.md"]),
    "a few texts in another language": (
        GOOD + "".join(f"Das Gerät {i} ist da,y\n" for i in range(10)), {}, [], []),
    "two spellings of a class": (numbers(["Rückgabe", "Rueckgabe", "refund"] * 10), {}, [],
        ["labels 'Rueckgabe' and 'Rückgabe' are spelt nearly alike: one class? Then correct the "
         "file"]),
    "classes with a number": (
        numbers(["customer level 1", "customer level 2", "1.5", "15", "+", "-"] * 10), {}, [], []),
    "copies": (GOOD + "Text number 1, is GOOD,n\n".replace("1,", "1")
        + LINES[0], {}, [(42, "same text as row 3"), (43, "same text as row 2")], []),
    "conflicting labels": (GOOD + "text number 0 is bad,n\n", {},
        [(2, "one text, labels y and n (rows 2, 42)"),
         (42, "one text, labels y and n (rows 2, 42)")], []),
    "labels that differ by case or space": (GOOD + "a, y\nb,Y\nc,ｙ\n", {}, [],
        ["label 'Y' (1 row(s)) was read as 'y'", "label 'ｙ' (1 row(s)) was read as 'y'"]),
    "a comma without quotation marks": (GOOD + "late, again,y\n", {},
        [(42, "3 fields where the header has 2")], []),
    "a row too short": (GOOD + "late\n", {}, [(42, "1 fields where the header has 2")], []),
    "quotation marks not doubled": (GOOD + '"so "great" it is",y\nlast,n\n', {},
        [(42, NOT_DOUBLED)], []),
    "quotation marks as ordinary characters, said so": (
        GOOD + '"so great" it is,y\n"last,n\n', {"quote": ""}, [], []),
    "quotation marks behind backslashes": (
        GOOD + '"so \\"great\\" it is",y\n"so \\"bad\\", too",n\n' + "a,y\nb,n\n", {}, [],
        ['quotation marks inside texts stand behind a backslash (\\"), and were read so']),
    "one quotation mark behind a backslash, others doubled": (
        GOOD + '"so \\"great\\" it is",y\n' + '"a ""b"" c",n\n' * 1, {}, [],
        ['quotation marks inside texts stand behind a backslash (\\"), and were read so']),
    "a path that ends in a backslash": (
        GOOD + '"it lies in C:\\",y\n"or ""D:\\""",n\n', {}, [], []),
    "many quotation marks not doubled": (GOOD + '"so" it is,y\n"very" much,n\n"well" well,y\n', {},
        [(row, NOT_DOUBLED) for row in (42, 43, 44)],
        ["3 of 43 rows are left out: " + NOT_DOUBLED]),
    "quotes, commas and newlines inside": (GOOD + '"a ""b"", c\nd",y\n', {}, [], [
        "1 row(s) hold line ends inside their quotation marks, first in row 42. The file's 43 "
        "lines: 1 header + 41 rows + 1 more inside these rows"]),
    "a carriage return inside a text": (GOOD + "half\ra text,y\n", {},
        [(42, "1 fields where the header has 2")], [
        "1 row(s) end in a carriage return alone (\\r), the others do not: if it stands inside a "
        "text, put the text in quotation marks"]),
    "a text of 100,000 characters": (GOOD + "x" * 100_000 + ",y\n", {}, [], [LONG_NOTE]),
    "a formula": (GOOD + '"=HYPERLINK(""http://x"",""y"")",y\n', {}, [], []),
    "HTML": (GOOD + "<script>alert(1)</script>,y\n", {}, [], []),
    "a rare class, dropped": (GOOD + "a riddle,x\n", {"drop_rare": True},
        [(42, "class x has fewer than 10 rows")], []),
    "imbalance of 1 to 99": (numbers(["a"] * 990 + ["b"] * 10), {}, [],
        ["99% of the labels are 'a': always saying so has that accuracy. Look at macro F1."]),
    "a number in two spellings": (numbers(["1", "1.0", '" 2"'] * 20), {}, [],
        ["the labels are numbers and were read as names; see also regression=True",
         "labels '1' and '1.0' are the same number, and two classes here: one class? Then correct "
         "the file"]),
    "stars, read as classes": (numbers(list("123") * 20), {}, [],
        ["the labels are numbers and were read as names; see also regression=True"]),
    "regression": (numbers(range(60)), {"regression": True}, [], []),
    "regression, some labels no numbers": (numbers([*range(60), "?", "inf", "1e999", "1_0"]),
        {"regression": True}, [(r, "the label is no number") for r in (62, 63, 64, 65)], []),
    "a NUL in a text": (GOOD.encode() + b"x" * 70_000 + b",y\na\0b,n\n", {}, [], [LONG_NOTE]),
}  # fmt: skip


@pytest.mark.parametrize("case", ACCEPTED)
def test_an_odd_file_is_read_and_says_what_was_left_out(case, tmp_path):
    content, options, dropped, notes = ACCEPTED[case]
    mine = load(content, tmp_path, **options)
    assert [*mine.dropped[["row", "reason"]].itertuples(index=False, name=None)] == dropped
    assert mine.notes == notes
    kept = sum(len(part) for part in mine.datasets.values())
    assert kept + len(mine.dropped) == mine.rows


def test_a_path_may_begin_at_home(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    (tmp_path / "mine.csv").write_text(GOOD)
    assert own_data.load("~/mine.csv", "text", "label").rows == 40


def test_below_a_line_that_names_the_delimiter_rows_are_as_they_would_be_without(tmp_path):
    rows = 'text;label\n"one; with ""quotes""\nand two lines";y\nsep=;;n\n'
    plain = load(rows + SEMICOLONS.removeprefix("text;label\n"), tmp_path)
    told = load("sep=;\n" + rows + SEMICOLONS.removeprefix("text;label\n"), tmp_path)
    assert everything(told) == everything(plain)
    assert everything(told)[2][0] == 'one; with "quotes"\nand two lines'


def test_a_file_that_may_not_be_read_is_named(tmp_path, monkeypatch):
    (tmp_path / "mine.csv").write_text(GOOD)

    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr(type(tmp_path), "open", refuse)
    with pytest.raises(own_data.FileError, match=r"'mine.csv' cannot be read: PermissionError\."):
        own_data.load(tmp_path / "mine.csv", "text", "label")


def test_at_least_forty_files_were_tried():
    assert len(REFUSED) >= 40 and len(ACCEPTED) >= 30


def everything(mine):
    """Row number to (text, label) over the three parts."""
    return {
        row["row"]: (row["text"], row["label"]) for part in mine.datasets.values() for row in part
    }


def test_texts_stay_as_they_are(tmp_path):
    odd = {42: 'a "b", c\nd', 43: "=1+1 is two", 44: "<b>bold</b> &amp; so", 45: "late 😡 أين"}
    lines = [
        '"a ""b"", c\nd",y\n',
        "=1+1 is two,y\n",
        "<b>bold</b> &amp; so,y\n",
        "late 😡 أين,y\n",
    ]
    found = everything(load(GOOD + "".join(lines), tmp_path))
    assert {row: found[row][0] for row in odd} == odd


def test_it_is_the_dictionary_that_corpora_gives(tmp_path):
    mine = load(GOOD, tmp_path)
    assert list(mine.datasets) == ["train", "validation", "test"]
    assert {part: len(rows) for part, rows in mine.datasets.items()} == {
        "train": 28, "validation": 4, "test": 8,
    }  # fmt: skip
    for part in mine.datasets.values():
        assert part.features["label"] == ClassLabel(names=["n", "y"])
    corpora.check_trainable(dict(mine.datasets), 2)
    assert mine.names == ["n", "y"]


def test_numbers_stay_numbers_and_copies_get_their_mean(tmp_path):
    content = numbers([i / 4 for i in range(60)]) + "text NUMBER 8,10\n"
    mine = load(content, tmp_path, regression=True)
    assert mine.names is None
    assert mine.datasets["train"].features["label"].dtype == "float64"
    assert everything(mine)[10] == ("text number 8", (2 + 10) / 2)
    means = [np.mean(part["label"][:]) for part in mine.datasets.values()]
    assert np.ptp(means) < 3  # stratified by size: of 0 … 14.75


def test_names_of_numbers_are_in_their_order(tmp_path):
    assert load(numbers(["10", "9", "1.0"] * 12), tmp_path).names == ["1.0", "9", "10"]


@given(
    labels=st.lists(st.sampled_from("abc"), min_size=1, max_size=80).map(
        lambda some: some + ["a", "b", "c"] * 10
    )
)
@settings(max_examples=30)
def test_every_class_is_learned_and_scored(labels, tmp_path_factory):
    mine = load(numbers(labels), tmp_path_factory.mktemp("files"))
    for part in mine.datasets:
        assert set(mine.datasets[part]["label"]) == {0, 1, 2}


@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf8", exclude_characters="\0")), st.sampled_from("ab ")
        ),
        max_size=40,
    )
)
@settings(max_examples=60)
def test_no_row_is_lost_and_no_text_crosses_the_parts(rows, tmp_path_factory):
    """Whatever texts a file holds: each row is in a part or in the list, never both."""
    frame = pd.DataFrame(rows, columns=["text", "label"])
    content = GOOD.replace(",y", ",a").replace(",n", ",b") + frame.to_csv(index=False, header=False)
    mine = load(content, tmp_path_factory.mktemp("files"))
    kept = everything(mine)
    assert not set(kept) & set(mine.dropped["row"])
    assert sorted([*kept, *mine.dropped["row"]]) == list(range(2, mine.rows + 2))
    texts = [same_text(text) for text, _ in kept.values()]
    assert len(set(texts)) == len(texts)


def test_a_large_file_is_loaded(tmp_path):
    lines = (f"text number {i},{'ab'[i % 2]}\n" for i in range(100_000))
    assert load(HEADER + "".join(lines), tmp_path).rows == 100_000


# ---------------------------------------------------------------- a second file


@pytest.fixture
def mine(tmp_path):
    return load(GOOD, tmp_path)


def second(content, tmp_path, mine):
    path = tmp_path / "second.csv"
    path.write_text(content, encoding="utf8")
    return own_data.load_labelled(path, "text", "label", mine)


def test_a_second_file_is_scored_with_the_labels_of_the_first(tmp_path, mine):
    learned = mine.datasets["train"]["text"][0]
    label = mine.names[mine.datasets["train"]["label"][0]]
    content = f"{HEADER}new one,Y\nanother,n\n,y\n{learned},{label}\n"
    dataset, dropped = second(content, tmp_path, mine)
    assert dataset["label"][:] == [1, 0]
    assert dataset.features == mine.datasets["train"].features
    assert dropped["reason"].tolist() == ["no text", "the model has learned from this text"]


def test_a_label_that_the_model_does_not_know_is_named(tmp_path, mine):
    with pytest.raises(own_data.LabelError) as caught:
        second(HEADER + "new one,y\nanother,maybe\nthird,maybe\n", tmp_path, mine)
    assert str(caught.value) == (
        "row 3 of 'second.csv' has the label 'maybe', which the model does not know (2 such "
        "row(s)). It knows: n, y."
    )


def test_a_second_file_of_numbers(tmp_path):
    mine = load(numbers(range(60)), tmp_path, regression=True)
    dataset, dropped = second(HEADER + "new,2.5\nother,?\n", tmp_path, mine)
    assert dataset["label"][:] == [2.5]
    assert dropped["reason"].tolist() == ["the label is no number"]


def predict(texts):
    """Logits for two classes that say whether a text is longer than five characters."""
    return np.array([[0.0, 3.0] if len(text) > 5 else [3.0, 0.0] for text in texts])


def predicted(content, tmp_path, names=("n", "y"), **options):
    """The CSV that `predict_file` makes of a file, as text, and what it returns."""
    source, target = tmp_path / "new.csv", tmp_path / "out" / "predictions.csv"
    source.write_text(content, encoding="utf8")
    done = own_data.predict_file(source, "text", target, predict, list(names), **options)
    return target.read_text(encoding="utf8"), done


def test_predictions_keep_rows_columns_and_order(tmp_path):
    content = "id,text\n7,short\n8,a longer one\n9,\n10,a,b\n11,=1+1\n12,-5\n"
    for chunk in (1, 2, 1024):
        text, done = predicted(content, tmp_path, chunk=chunk)
        assert done == {"rows": 6, "predicted": 4}
        assert text == (
            "row,id,text,prediction,probability,note\n"
            "2,7,short,n,0.953,\n"
            "3,8,a longer one,y,0.953,\n"
            "4,9,,,,no text\n"
            "5,,,,,3 fields where the header has 2\n"
            "6,11,'=1+1,n,0.953,\n"
            "7,12,-5,n,0.953,\n"
        )


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "＝", "＋"])
def test_no_cell_starts_a_formula(start):
    assert own_data.inert(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("hello;=HYPERLINK(1)", "hello;'=HYPERLINK(1)"),
        ("a\t=cmd|' /C calc'!A0", "a\t'=cmd|' /C calc'!A0"),
        ("a|+1|-b", "a|'+1|'-b"),
        ("a\n@sum(1)\r\n=1", "a\n'@sum(1)\r\n'=1"),
        (' "=1+1"', ' "\'=1+1"'),
        ("a; \u200b＝1", "a; \u200b'＝1"),
        (";;=1", ";;'=1"),
        ("a\N{LINE SEPARATOR}=1", "a\N{LINE SEPARATOR}'=1"),
        ("x; -D", "x; '-D"),
    ],
)
def test_no_piece_of_a_cell_starts_a_formula(text, written):
    assert own_data.inert(text) == written
    assert own_data.inert(written) == written


@pytest.mark.parametrize(
    "text",
    ["a - b", "x = 3", "a.b@c.org", "so ;-) or :-D", "-5", "+1.5e3", "-)", "1-2; 3=4", "'=1", ""],
)
def test_ordinary_texts_stay_as_they_are(text):
    assert own_data.inert(text) == text


def test_every_form_of_a_sign_is_known():
    forms = [c for c in map(chr, range(0x110000)) if NFKC(c)[:1] in tuple("=+-@")]
    assert len(forms) == 19 and all(own_data.inert(f"a;{c}x") == f"a;'{c}x" for c in forms)


def test_a_very_long_run_of_spaces_is_read_once():
    """Tried from each of its places, this would take hours."""
    assert own_data.inert("a" + "\n" * 2_000_000 + "b=") == "a" + "\n" * 2_000_000 + "b="


def starts_a_formula(piece):
    """Whether a spreadsheet may run a piece of a file, once it has passed over what it skips."""
    first = piece.lstrip('" \t\n\u200b\ufeff\u202e\x00')
    number = re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", first.rstrip('"'))
    return NFKC(first[:1]) in tuple("=+-@") and not number and not first.startswith("-)")


def pieces(text, delimiter):
    """A file cut at a delimiter and at line ends, without and with regard to quotation marks."""
    yield from re.split(rf"[{delimiter}\n\r]", text)
    for fields in csv.reader(io.StringIO(text, newline=None), delimiter=delimiter):
        yield from fields


DANGEROUS = st.text(st.sampled_from("=+-@＝ab1)(,;\t|\"' \n\r\u200b"), max_size=10)


@given(
    rows=st.lists(st.tuples(DANGEROUS, DANGEROUS), max_size=6), names=st.tuples(*[DANGEROUS] * 3)
)
@settings(max_examples=300)
def test_no_cut_of_the_predictions_starts_a_formula(rows, names, tmp_path_factory):
    """Texts, column names and labels; and a program that reads a CSV gets all but apostrophes.

    Names of columns are read without blanks, and without marks that have no width, at their ends.
    """
    folder, (column, *labels) = tmp_path_factory.mktemp("files"), names
    buffer, column = io.StringIO(), column.strip(" \n\r\t\u200b") + "x"
    csv.writer(buffer, quoting=csv.QUOTE_ALL).writerows([("text", column), *rows])
    (folder / "new.csv").write_text(buffer.getvalue(), encoding="utf8", newline="")
    options = {"delimiter": ",", "quote": '"'}
    own_data.predict_file(folder / "new.csv", "text", folder / "p.csv", predict, labels, **options)
    with (folder / "p.csv").open(encoding="utf8", newline="") as file:
        text = file.read()
    for delimiter in ",;\t|":
        assert not [piece for piece in pieces(text, delimiter) if starts_a_formula(piece)]
    header, *read = csv.reader(io.StringIO(text, newline=""))
    added = re.compile(r"'(?=[=+\-@＝\t\r])")
    assert added.sub("", header[2]) == added.sub("", column)
    for found, cells in zip(read, rows, strict=True):
        assert [added.sub("", cell) for cell in found[1:3]] == [added.sub("", c) for c in cells]


def test_half_of_a_surrogate_pair_in_a_label_is_written_as_its_escape(tmp_path):
    text, _ = predicted("text\nshort\n", tmp_path, names=("caf\udce9", "y"))
    assert text.splitlines()[1] == "2,short,caf\\udce9,0.953,"


def test_a_formula_as_the_name_of_a_class_stays_text(tmp_path):
    text, _ = predicted("text\nshort\n", tmp_path, names=("=1+1", "y"))
    assert "'=1+1,0.953" in text


def test_numbers_are_written_as_numbers(tmp_path):
    source = tmp_path / "new.csv"
    source.write_text("text\na\n")
    for number, written in ((-0.1234567, "-0.123457"), (1234567, "1234570"), (2.0, "2")):
        answer = np.array([[number]], np.float32)
        own_data.predict_file(source, "text", tmp_path / "p.csv", lambda texts, a=answer: a)
        assert (tmp_path / "p.csv").read_text().splitlines()[1] == f"2,a,{written},,"


def test_the_file_itself_is_never_replaced(tmp_path):
    source = tmp_path / "new.csv"
    source.write_text("text\na\n")
    with pytest.raises(own_data.FileError) as caught:
        own_data.predict_file(source, "text", source, predict, ["n", "y"])
    assert str(caught.value) == "'new.csv' would be replaced. Choose another name and try again."
    assert source.read_text() == "text\na\n"


def test_columns_called_like_ours_keep_their_names(tmp_path):
    text, done = predicted("note,text,row\nmine,short,7\n", tmp_path)
    assert done == {"rows": 1, "predicted": 1}
    assert text.splitlines() == [
        "row (model),note,text,row,prediction,probability,note (model)", "2,mine,short,7,n,0.953,"
    ]  # fmt: skip
    content = "prediction,text,prediction (model)\na,short,b\n"
    assert ",prediction (model 2),probability,note\n" in predicted(content, tmp_path)[0]


@pytest.mark.parametrize("place", ["a file", "a folder", "a link", "a file of ours, edited"])
def test_nothing_foreign_is_replaced_and_nothing_predicted_before_that_is_known(place, tmp_path):
    """Who has a file of this name finds it as it was; our own may be written again."""
    content, target = "text\nshort\n", tmp_path / "out" / "predictions.csv"
    predicted(content, tmp_path)
    predicted(content, tmp_path)  # again: ours, and unchanged
    target.write_text("id,price\n1,2\n")
    if place == "a file of ours, edited":
        (tmp_path / "out" / "predictions.csv").unlink()
        predicted(content, tmp_path)
        target.write_text(target.read_text().replace("short", "corrected by hand"))
    elif place != "a file":
        target.unlink()
    if place == "a folder":
        target.mkdir()
    if place == "a link":
        (tmp_path / "theirs.csv").write_text("id,price\n1,2\n")
        target.symlink_to(tmp_path / "theirs.csv")
    before = target.read_text() if target.is_file() else ""

    def too_late(texts):
        raise AssertionError("predicted")

    with pytest.raises(own_data.FileError, match=r"predictions\.csv (was not|is a (link|folder))"):
        own_data.predict_file(tmp_path / "new.csv", "text", target, too_late, ["n", "y"])
    assert before == (target.read_text() if target.is_file() else "")
    assert not list(target.parent.glob(".*.partial"))


def test_a_second_file_may_name_its_delimiter(tmp_path):
    text, done = predicted("sep=;\nid;text\n7;short\n8;a longer one\n", tmp_path)
    assert done == {"rows": 2, "predicted": 2}
    assert text.splitlines() == [
        "row,id,text,prediction,probability,note", "2,7,short,n,0.953,", "3,8,a longer one,y,0.953,"
    ]  # fmt: skip


def test_a_second_file_gets_the_messages_of_the_first(tmp_path):
    with pytest.raises(own_data.ColumnNotFoundError) as caught:
        predicted("txet\na\n", tmp_path)
    assert str(caught.value) == (
        "'new.csv' has no column 'text'. It has: txet.\n" + SETS.format("txet", "TEXT")
    )
    source = tmp_path / "new.csv"
    source.write_bytes("text;id\nlonger than five;1\n".encode("utf-16"))
    done = own_data.predict_file(source, "text", tmp_path / "p.csv", predict, ["n", "y"])
    assert done == {"rows": 1, "predicted": 1}
    source.write_bytes(b"text\nfine\ncaf\xe9\nd\xe9j\xe0 vu\n")
    with pytest.raises(own_data.FileError, match="is not UTF-8: byte 0xe9 in line 3"):
        own_data.predict_file(source, "text", tmp_path / "q.csv", predict, ["n", "y"])
    assert not (tmp_path / "q.csv").exists()


def test_what_was_there_survives_a_failure(tmp_path):
    source, target = tmp_path / "new.csv", tmp_path / "p.csv"
    source.write_text("text\na\n")
    own_data.predict_file(source, "text", target, predict, ["n", "y"])
    yesterday = target.read_text()

    def fail(texts):
        raise MemoryError

    with pytest.raises(MemoryError):
        own_data.predict_file(source, "text", target, fail, ["n", "y"])
    assert target.read_text() == yesterday
    names = [".written-by-sft-unveiled.json", "new.csv", "p.csv"]
    assert sorted(p.name for p in tmp_path.iterdir()) == names


def test_a_place_that_cannot_be_written_to_is_named(tmp_path):
    source, blocked = tmp_path / "new.csv", tmp_path / "file"
    source.write_text("text\na\n")
    blocked.write_text("in the way")
    with pytest.raises(own_data.FileError, match=r"could not write 'p.csv': .* unharmed"):
        own_data.predict_file(source, "text", blocked / "p.csv", predict, ["n", "y"])


def peak_of(rows, tmp_path):
    """Largest memory of predicting a file of so many rows, in bytes."""
    source = cost_against_size.numbered_csv(tmp_path / f"{rows}.csv", rows)
    tracemalloc.start()
    own_data.predict_file(source, "text", tmp_path / "p.csv", predict, ["n", "y"])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows(tmp_path):
    peak_of(10, tmp_path)  # what the first call leaves behind for good
    assert peak_of(40_000, tmp_path) < 1.3 * peak_of(4_000, tmp_path)


@pytest.mark.long
def test_a_million_rows_stream_through(tmp_path):
    peak_of(10, tmp_path)
    assert peak_of(1_000_000, tmp_path) < 1.3 * peak_of(4_000, tmp_path)


# ---------------------------------------------------------------- the course's own file


def test_the_messages_are_what_their_card_says():
    mine = own_data.load(downloads.ROOT / "data" / "messages.csv", "message", "intent")
    assert (mine.rows, len(mine.dropped)) == (538, 9)
    assert {part: len(rows) for part, rows in mine.datasets.items()} == {
        "train": 371, "validation": 53, "test": 105,
    }  # fmt: skip
    assert len(mine.names) == 8


def test_no_message_nearly_stands_in_two_parts():
    """Copies in all but a word would flatter the score; see the card."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    mine = own_data.load(downloads.ROOT / "data" / "messages.csv", "message", "intent")
    texts = {part: rows["text"][:] for part, rows in mine.datasets.items()}
    words = TfidfVectorizer().fit([text for part in texts.values() for text in part])
    near = words.transform(texts["test"]) @ words.transform(texts["train"]).T
    assert near.max() < 0.5
