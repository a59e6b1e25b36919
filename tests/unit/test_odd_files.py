"""More files of kinds that people bring: read, or refused with a cure that leads out.

Each is a fault that was found with a small file; what is right stands beside it. The kinds are
those of `test_any_file.py`.
"""

import gzip
import io
import os
import tarfile
import time

import numpy as np
import pytest

from helpers import own_data
from helpers.own_data import cells
from tests.unit.test_any_file import BASE, labelled, load, refused, table, texts_of, write

EAST = [(f"你好我的包裹在哪里第{i}个", "好" if i % 2 else "坏") for i in range(60)]
CYRILLIC = [(f"где мой заказ номер {i}", "да" if i % 2 else "нет") for i in range(60)]


def tar():
    """The bytes of a tar archive with a CSV in it."""
    buffer, content = io.BytesIO(), table(BASE).encode()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        member = tarfile.TarInfo("mine.csv")
        member.size = len(content)
        bundle.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


# ---------------------------------------------------------------- paths, settings, other files


def test_a_path_that_is_none_is_refused_in_our_words(tmp_path, monkeypatch):
    for path in (None, b"mine.csv", 5):
        with pytest.raises(own_data.FileError, match="is no name of a file"):
            own_data.load(path, "text", "label")
    with pytest.raises(own_data.FileError, match="cannot be opened"):
        own_data.load(table(BASE), "text", "label")  # the content in place of the name
    with pytest.raises(own_data.FileError, match="there is no file"):
        own_data.load("~nosuchuser/mine.csv", "text", "label")
    monkeypatch.chdir(tmp_path)
    write(tmp_path, table(BASE), "~mine.csv")
    assert own_data.load("~mine.csv", "text", "label").rows == 60


@pytest.mark.parametrize("encoding", ["rot13", "hex", "zlib", "undefined", "idna", "utf8\0", 5])
def test_what_is_no_encoding_of_texts_is_refused(encoding, tmp_path):
    assert "is not known" in refused(tmp_path, table(BASE), encoding=encoding)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"missing": "none"}, "MISSING = 'none' is no list of words"),
        ({"missing": [None]}, "MISSING = [None] is no list of words"),
        ({"missing": 5}, "MISSING = 5 is no list of words"),
        ({"delimiter": 5}, "DELIMITER = 5 is no character"),
        ({"quote": 5}, "QUOTE = 5 is no character"),
        ({"label_separator": [";"]}, "LABEL_SEPARATOR = [';'] is no text"),
        ({"most_classes": "77"}, "MOST_CLASSES = '77' is no whole number"),
    ],
)
def test_settings_of_another_kind_are_refused(options, said, tmp_path):
    assert said in refused(tmp_path, table(BASE), **options)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (tar(), "is a tar archive"),
        (gzip.compress(tar(), mtime=0), "is a tar archive"),
        (gzip.compress(gzip.compress(table(BASE).encode(), mtime=0), mtime=0), "is packed twice"),
        (gzip.compress(b"PK\x03\x04rest", mtime=0), "is a zip archive"),
        (b"Rar!\x1a\x07\x01\0" + bytes(99), "is packed with rar"),
        (b"\x1f\x9d\x90" + bytes(range(256)), "is packed with compress"),
        (b"\x04\x22\x4d\x18" + bytes(range(256)), "is packed with lz4"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\n", "is a pointer of Git LFS"),
        (b"@relation mails\n@attribute text string\n@data\n", "is an ARFF file"),
        ("".join(f'["{t}","{label}"]\n' for t, label in BASE).encode(), "is JSON"),
    ],
)
def test_another_kind_of_file_is_named(content, said, tmp_path):
    assert said in refused(tmp_path, content)


# ---------------------------------------------------------------- encodings


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("rows", [EAST, CYRILLIC])
def test_wide_letters_without_a_mark_are_named_in_any_script(rows, encoding, tmp_path):
    content = table(rows).encode(encoding)
    assert f'set ENCODING = "{encoding}"' in refused(tmp_path, content)
    assert f'set ENCODING = "{encoding}"' in refused(tmp_path, content, encoding="utf16")
    mine = load(tmp_path, content, encoding=encoding)
    assert texts_of(mine)[2] == rows[0][0]
    second = write(tmp_path, table(rows[:2]).encode(encoding), "second.csv")
    done = own_data.predict_file(
        second, "text", tmp_path / "p.csv", lambda t: np.zeros((len(t), 2)), like=mine
    )
    assert done == {"rows": 2, "predicted": 2}


def test_a_mark_of_utf_32_is_none_of_utf_16(tmp_path):
    mine = load(tmp_path, table(BASE).encode("utf-32"))
    assert texts_of(mine)[2] == BASE[0][0] and "the file is UTF-32" in mine.notes


def test_one_zero_byte_costs_no_file(tmp_path):
    mine = load(tmp_path, table([*BASE[:5], ("a\0b text", "ham"), *BASE[5:]]))
    assert (mine.rows, len(mine.dropped)) == (61, 0)


def test_a_bad_byte_in_the_first_row_of_a_file_without_header_costs_one_row(tmp_path):
    content = table(BASE[1:], BASE[0], "\t").encode().replace(b"late", "😀".encode()[:3], 1)
    mine = load(tmp_path, content, header=["text", "label"])
    assert mine.dropped[["row", "reason"]].values.tolist() == [[1, "byte 0xf0 is not UTF-8"]]


@pytest.mark.parametrize("name", ["\ufeff\ufefftext", "text\u200b", "\u2060text"])
def test_marks_without_a_width_are_no_part_of_a_name(name, tmp_path):
    assert load(tmp_path, table(BASE, (name, "label"))).rows == 60


# ---------------------------------------------------------------- header and dialect


def test_a_file_of_tweets_without_header_is_not_cut_at_commas_in_quotes(tmp_path):
    lines = [
        f'"{i % 2 * 4}","14678{i}","Mon Apr 06 2009","NO_QUERY","user{i}","{text}, oh, my"\n'
        for i, (text, _) in enumerate(BASE)
    ]
    names = '["label", "column 2", "column 3", "column 4", "column 5", "text"]'
    said = refused(tmp_path, "".join(lines))
    assert f"Set HEADER = {names}" in said and "QUOTE" not in said
    mine = load(tmp_path, "".join(lines), header=names.strip("[]").replace('"', "").split(", "))
    assert texts_of(mine)[1] == f"{BASE[0][0]}, oh, my" and mine.names == ["0", "4"]


@pytest.mark.parametrize("delimiter", ["\t", ","])
def test_texts_without_spaces_are_texts(delimiter, tmp_path):
    said = refused(tmp_path, table(EAST[1:], EAST[0], delimiter))
    assert 'HEADER = ["text", "label"]' in said
    mine = load(tmp_path, table(EAST[1:], EAST[0], delimiter), header=["text", "label"])
    assert not any("one word each" in note for note in mine.notes)
    rows = [(str(i), text, label) for i, (text, label) in enumerate(EAST)]
    assert "Did you mean '内容'?" in refused(tmp_path, table(rows, ("编号", "内容", "类别")))
    spaced = "".join(f"{label} {text}\n" for text, label in EAST)
    assert 'DELIMITER = " "' in refused(tmp_path, spaced)


@pytest.mark.parametrize(
    "above", ["# Source: X, Y, Z\n# more\n", "# by X, 2020\n", "By us, X, Y\n"]
)
def test_a_comment_with_commas_above_the_names_is_noticed(above, tmp_path):
    said = refused(tmp_path, above + table(BASE))
    assert f"has its column names in row {above.count(chr(10)) + 1}" in said


def test_spaces_before_quotation_marks_are_skipped(tmp_path):
    rows = [(f'"{label}"', f' "{text}, ""so"""') for text, label in BASE]
    content = table(
        [rows[0], *((a, b.replace(', ""so""', "")) for a, b in rows[1:])], ("label", " text")
    )
    mine = load(tmp_path, content)
    assert len(mine.dropped) == 0 and mine.names == ["ham", "spam"] and mine.dialect.spaced
    assert texts_of(mine)[2] == f'{BASE[0][0]}, "so"' and texts_of(mine)[3] == BASE[1][0]
    assert own_data.Dialect.from_dict(mine.dialect.as_dict()) == mine.dialect


@pytest.mark.parametrize("end", ["", ", so"])
@pytest.mark.parametrize("header", [None, ["label", "text"]])
def test_spaces_before_quotation_marks_are_skipped_in_the_names_too(header, end, tmp_path):
    rows = [(f'"{label}"', f' "{text}{end}"') for text, label in BASE]
    lines = [", ".join(map(str.strip, row)) + "\n" for row in rows]
    mine = load(tmp_path, "".join(['"label", "text"\n'] * (header is None) + lines), header=header)
    assert texts_of(mine)[1 if header else 2] == f"{BASE[0][0]}{end}"
    assert len(mine.dropped) == 0 and mine.dialect.spaced


@pytest.mark.parametrize("text", ['"""Oh, {}"" he said"', ' "Oh {}" he said', '" ""Oh, {}"""'])
def test_speech_is_not_taken_for_spaces_before_quotation_marks(text, tmp_path):
    rows = [(label, text.format(words)) for words, label in BASE]
    mine = load(tmp_path, table(rows, ("label", "text")))
    assert texts_of(mine)[2].startswith('"Oh') and not mine.dialect.spaced and not mine.notes


def test_a_name_with_quotation_marks_is_suggested_as_it_is_written(tmp_path):
    said = refused(tmp_path, table(BASE, ("text", '"""label"""')))
    assert r'Set LABEL_COLUMN = "\"label\""' in said


def test_backslashes_are_read_too_where_the_reader_says_what_quotes(tmp_path):
    rows = [(f'"{text}, \\"yes\\" so"', label) for text, label in BASE]
    content = table([*rows, ('"one, ham\nthree, ham\nfour, ham"', "spam")])
    assert "set QUOTE = '\"'" in refused(tmp_path, content)
    mine = load(tmp_path, content, quote='"')
    assert (mine.rows, len(mine.dropped)) == (61, 0)
    assert texts_of(mine)[2] == f'{BASE[0][0]}, "yes" so'


def test_texts_line_by_line_without_a_header_get_a_cure(tmp_path):
    path = write(tmp_path, "Where is it?\nIt never came\nall is fine\n", "new.csv")

    def predicted(**options):
        return own_data.predict_file(
            path, "text", tmp_path / "p.csv", lambda t: np.zeros((len(t), 2)), ["n", "y"], **options
        )

    with pytest.raises(own_data.FileError, match=r'set HEADER = \["text"\]'):
        predicted()
    assert predicted(header=["text"]) == {"rows": 3, "predicted": 3}


# ---------------------------------------------------------------- losses and numbers


def test_losses_of_a_test_file_get_notes_too(tmp_path):
    given = [(f"test text {i}", "null" if i % 3 == 0 else "ham") for i in range(60)]
    notes = load(tmp_path, table(BASE), test=write(tmp_path, table(given), "t.csv")).notes
    assert any("in 't.csv': 20 label(s) are 'null'" in note for note in notes)
    given = [("" if i % 2 else f"test text {i}", BASE[i][1]) for i in range(60)]
    notes = load(tmp_path, table(BASE), test=write(tmp_path, table(given), "t.csv")).notes
    assert any("30 of 60 rows (50%) are left out, first row 3: no text" in note for note in notes)
    assert any("in 't.csv': what is left out depends on the label" in note for note in notes)


@pytest.mark.parametrize("numbers", [True, False])
def test_the_same_file_twice_leaves_nothing_to_learn_and_is_named(numbers, tmp_path):
    rows = [(text, str(i)) for i, (text, _) in enumerate(BASE)] if numbers else BASE
    path = write(tmp_path, table(rows), "same.csv")
    said = refused(tmp_path, table(rows), test=path, regression=numbers)
    assert said.startswith("no row of 'mine.csv' can be used") and "of 'same.csv'" in said


def test_a_test_file_may_be_written_differently_from_the_first(tmp_path):
    test = write(tmp_path, table([(f"Größe {i}", "ham") for i in range(20)]), "t.csv")
    first = table([(f"Länge {text}", label) for text, label in BASE], delimiter=";")
    mine = load(tmp_path, first.encode("cp1252"), encoding="cp1252", delimiter=";", test=test)
    assert "Größe 0" in mine.datasets["test"]["text"][:] and "Länge" in texts_of(mine)[40]
    test = write(tmp_path, table([("new", "ham")], ("TEXT", "label")), "t.csv")
    said = refused(tmp_path, table(BASE), test=test)
    assert "'mine.csv' has such a column, and both need it" in said


@pytest.mark.parametrize(
    ("first", "given", "setting"),
    [
        ("utf-8-sig", "cp1252", "cp1252"),
        ("utf-16", "utf-16-le", "utf-16-le"),
        ("utf-16-le", "utf-8", "utf-16-le"),
        ("cp1252", "utf-8", "cp1252"),
    ],
)
def test_a_test_file_is_read_by_the_encoding_that_was_set_or_its_own(
    first, given, setting, tmp_path
):
    content = table([(f"Größe {i}", "ham") for i in range(20)]).encode(given)
    test = write(tmp_path, content, "t.csv")
    mine = load(tmp_path, table(BASE).encode(first), encoding=setting, test=test)
    assert "Größe 0" in mine.datasets["test"]["text"][:]


def test_points_that_may_separate_thousands_are_noticed(tmp_path):
    def notes(labels):
        rows = [(f"text number {i}", label) for i, label in enumerate(labels)]
        return " ".join(load(tmp_path, table(rows), regression=True).notes)

    small = [str(5 * i) for i in range(60)]
    assert "'1.002' was read as 1.002" in notes([*small, "1.002", "2.500", "12.750"])
    for fine in ([f"{i / 7:.3f}" for i in range(60)], [*small, "1.5", "2.25", "3.125"]):
        assert "point" not in notes(fine)
    assert "4 labels are 'free', which is no number" in notes([*small, *["free"] * 4])


@pytest.mark.parametrize(
    "times",
    [
        [f"2024.{month}" for month in range(1, 13)],
        [f"{year}{month}" for year in (2024, 2025) for month in range(1, 13)],
        [f"2024{month}{day}" for month in range(1, 13) for day in (5, 25)],
    ],
)
def test_months_without_a_zero_before_them_are_no_numbers(times, tmp_path):
    rows = [
        (f"text {i}", "ham" if i % 2 else "spam", times[i // 2 % len(times)]) for i in range(120)
    ]
    said = refused(tmp_path, table(rows, ("text", "label", "date")), time_column="date")
    assert "cannot be put in order for sure" in said


# ---------------------------------------------------------------- labels and copies


@pytest.mark.parametrize(
    "names", [["Maße", "Masse"], ["m²", "m2"], ["①", "1"], ["№", "No"], ["™", "tm"], ["½", "1⁄2"]]
)
def test_labels_that_only_look_alike_are_two(names, tmp_path):
    assert sorted(load(tmp_path, labelled(names)).names) == sorted(names)


@pytest.mark.parametrize("names", [["Ｙes", "yes"], ["カ", "ｶ"], ["ガ", "ｶﾞ"], ["a b", "A\u3000b"]])
def test_labels_of_another_width_are_one(names):
    assert cells.key_of(names[0]) == cells.key_of(names[1])


@pytest.mark.parametrize(
    ("one", "other"), [("in Maßen", "in Massen"), ('12"', "12'"), ('a 6" pipe', "a 6 pipe")]
)
def test_texts_that_differ_in_more_than_capitals_are_two(one, other):
    assert cells.same_text(one) != cells.same_text(other)
    assert cells.same_text('"in 2020"') == cells.same_text("in 2020")


@pytest.mark.parametrize("piece", ["a, b. ", '12" ', "'9' "])
def test_the_key_of_a_long_text_takes_time_in_proportion(piece):
    start = time.process_time()
    cells.same_text(piece * 10_000)
    assert time.process_time() - start < 5


def test_columns_of_labels_that_differ_in_case_are_two(tmp_path):
    rows = [(text, str(i % 2), str(i % 3 % 2)) for i, (text, _) in enumerate(BASE)]
    mine = load(tmp_path, table(rows, ("text", "A", "a")), "text", ["A", "a"])
    assert mine.names == ["A", "a"]


def test_empty_cells_of_label_columns_get_a_cure(tmp_path):
    rows = [(text, "1" if i % 2 else "", "1" if i % 3 else "") for i, (text, _) in enumerate(BASE)]
    said = refused(tmp_path, table(rows, ("text", "a", "b")), "text", ["a", "b"])
    assert "write 0 there" in said
    rows = [(text, "x" * (i % 2), "x" * (1 - i % 2)) for i, (text, _) in enumerate(BASE)]
    said = refused(tmp_path, table(rows, ("text", "a", "b")), "text", ["a", "b"])
    assert "write 1 for yes and 0 for no" in said


def test_a_second_file_is_read_like_the_labels_that_were_learned(tmp_path):
    rows = [(text, "null" if i % 3 == 0 else label) for i, (text, label) in enumerate(BASE)]
    mine = load(tmp_path, table(rows), missing=[])
    new = write(tmp_path, table([("new", "null"), ("other", "ham")]), "second.csv")
    dataset, dropped = own_data.load_labelled(new, "text", "label", mine)
    assert [mine.names[i] for i in dataset["label"]] == ["null", "ham"] and not len(dropped)
    with pytest.raises(own_data.FileError, match="the model gives a text one label"):
        own_data.load_labelled(new, "text", "label", mine, label_separator=";")
    rows = [(text, f"a;{x}" if i % 2 else x) for i, (text, x) in enumerate(BASE)]
    several = load(tmp_path, table(rows), label_separator=";")
    with pytest.raises(own_data.FileError, match="set LABEL_SEPARATOR"):
        own_data.load_labelled(new, "text", "label", several)
    numbers = load(tmp_path, table([(t, str(i)) for i, (t, _) in enumerate(BASE)]), regression=True)
    new = write(
        tmp_path, table([(f"new {i}", f'"1,00{i}"') for i in range(4)] + [("x", "3")]), "n.csv"
    )
    with pytest.raises(own_data.LabelError, match="written like '1,000'"):
        own_data.load_labelled(new, "text", "label", numbers)


def test_a_name_with_bytes_of_no_letter_is_read(tmp_path):
    path = write(tmp_path, table(BASE), os.fsdecode(b"m\xff\xe9.csv"))
    assert own_data.load(path, "text", "label").rows == 60
