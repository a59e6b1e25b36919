"""No line of a file vanishes: every row is counted, or the file is refused with its rows named."""

import contextlib
import csv
import io
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers import corpora, own_data
from helpers.own_data.tables import open_table

WORDS = ["late again", "never came", "works fine", "looks lovely", "too small", "smells odd"]
# Forty good rows of two classes, to which a test adds what it is about.
BASE = [(f"text number {i} is {WORDS[i % 6]}", "ham" if i % 2 else "spam") for i in range(40)]
PLAIN = [f"{text}\t{label}" for text, label in BASE]
FAST = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def write(folder, content, name="mine.csv", encoding="utf8"):
    path = folder / name
    path.write_bytes(content.encode(encoding))
    return path


def plain(lines, header="text\tlabel"):
    """A file that does not quote."""
    return "".join(f"{line}\n" for line in [header, *lines])


def load(folder, content, **options):
    mine = own_data.load(write(folder, content), "text", "label", **options)
    assert mine.rows == sum(map(len, mine.datasets.values())) + len(mine.dropped)
    return mine


def texts_of(mine):
    """Row number to text over the three parts."""
    return {row["row"]: row["text"] for part in mine.datasets.values() for row in part}


def predict(texts):
    return np.array([[0.0, len(text)] for text in texts])


def predictions(folder, path, **options):
    """The rows of the CSV that `predict_file` writes, as dictionaries."""
    target = folder / "predictions.csv"
    options = {"names": ["ham", "spam"]} | options
    done = own_data.predict_file(path, "text", target, predict, **options)
    with target.open(encoding="utf8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == done["rows"]
    assert [int(row["row"]) for row in rows] == list(range(2, done["rows"] + 2))
    return rows


def swallowed(first, last):
    """The message for a quotation mark that opens in one line and closes in another."""
    return (
        f"'mine.csv': a quotation mark opens in line {first} and closes in line {last}, but rows "
        f"{first} to {last} between them look like rows of their own. If quotation marks are "
        'ordinary characters in this file, set QUOTE = "". If this is really one text that holds '
        "line ends, set QUOTE = '\"'."
    )


# ---------------------------------------------------------------- files that do not quote


def merging(delimiter="\t"):
    """Sixty lines; a quotation mark opens in line 11 and closes in line 21."""
    lines = [f"{text}{delimiter}{label}" for text, label in BASE]
    lines += [f"more {line}" for line in lines[:20]]
    lines[9], lines[19] = f'"Love is all{delimiter}ham', f'Yesterday"{delimiter}spam'
    return plain(lines, f"text{delimiter}label")


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_rows_that_a_quotation_mark_swallows_are_named(delimiter, tmp_path):
    content = merging(delimiter)
    with pytest.raises(own_data.FileError) as caught:
        load(tmp_path, content)
    assert str(caught.value) == swallowed(11, 21)
    with pytest.raises(own_data.FileError) as caught:
        predictions(tmp_path, write(tmp_path, content))
    assert str(caught.value) == swallowed(11, 21)
    assert load(tmp_path, content, quote="").rows == 60
    found = predictions(tmp_path, write(tmp_path, content), quote="")
    assert (len(found), found[9]["text"]) == (60, '"Love is all')
    trusted = load(tmp_path, content, quote='"')
    assert trusted.rows == 50
    assert any("61 lines: 1 header + 50 rows + 10 more" in note for note in trusted.notes)


def test_numbers_confirm_swallowed_rows_too(tmp_path):
    lines = [f"text number {i},{i / 4}" for i in range(60)]
    lines[9], lines[11] = '"Love is all,3', 'Yesterday",4.5'
    with pytest.raises(own_data.FileError, match="rows 11 to 13 between them"):
        load(tmp_path, plain(lines, "text,label"), regression=True)


def test_a_swallowed_row_may_itself_have_a_field_too_many(tmp_path):
    lines = [line.replace("\t", ",") for line in PLAIN]
    lines[9:13] = ['"Love, ham', "well, well, well,spam", "so it goes,ham", 'Yesterday" ends,spam']
    lines[12] = 'Yesterday",spam'
    with pytest.raises(own_data.FileError, match="rows 11 to 14 between them"):
        load(tmp_path, plain(lines, "text,label"))


def test_rows_swallowed_into_a_record_that_does_not_fit_the_header_are_named_too(tmp_path):
    """Such a record is left out as one row, and would take the lines in it along."""
    lines = [*PLAIN]
    lines[9], lines[12] = '"Love is all\tham', 'Yesterday"\tsome\tspam'
    with pytest.raises(own_data.FileError, match="rows 11 to 14 between them"):
        load(tmp_path, plain(lines))


def test_a_faulty_record_loses_its_first_line_only(tmp_path):
    """A quote opens in row 11 and swallows rows 12 to 14; then `"x` does not end it."""
    lines = [*PLAIN]
    lines[9], lines[13] = '"Love is all\tham', '"x" marks the spot\tspam'
    mine = load(tmp_path, plain(lines))
    assert mine.rows == 40
    assert mine.dropped["row"].tolist() == [11, 15]
    assert set(texts_of(mine)) == set(range(2, 42)) - {11, 15}
    assert mine.dropped["reason"].str.contains('set QUOTE = ""').all()


def test_plain_quotation_marks_are_read_as_text_where_the_reader_says_so(tmp_path):
    lines = [f'"{line.replace(chr(9), chr(34) + " he said" + chr(9))}' for line in PLAIN[:20]]
    mine = load(tmp_path, plain([*lines, *PLAIN[20:]]), quote="")
    assert (mine.rows, len(mine.dropped), mine.dialect.quote) == (40, 0, "")
    assert texts_of(mine)[2] == '"text number 0 is late again" he said'
    mine = load(tmp_path, plain([*lines[:10], *PLAIN[10:], *PLAIN[:10]]))
    assert any(note.startswith("10 of 50 rows are left out: a quotation") for note in mine.notes)


def test_another_quotation_mark(tmp_path):
    content = plain([f"'{text}, it''s said',{label}" for text, label in BASE], "text,label")
    mine = load(tmp_path, content, quote="'")
    assert (mine.rows, len(mine.dropped)) == (40, 0)
    assert texts_of(mine)[2] == "text number 0 is late again, it's said"


def test_the_header_swallows_no_rows_either(tmp_path):
    lines = ['text\t"source', "short\tweb", 'long\tmail"', "last\tweb"]
    path = write(tmp_path, "\n".join(lines))
    with pytest.raises(own_data.FileError) as caught:
        predictions(tmp_path, path)
    assert str(caught.value) == swallowed(1, 3)
    assert len(predictions(tmp_path, path, quote="")) == 3


def test_a_header_longer_than_what_is_looked_at_first(tmp_path):
    many = [f"column {i}" for i in range(9000)]
    content = ",".join([*many, "text", "label"]) + "\n"
    content += "".join("," * len(many) + f"{text},{label}\n" for text, label in BASE)
    mine = load(tmp_path, content)
    assert (mine.rows, len(mine.dropped)) == (40, 0)


QUOTED = {
    "a comma in each line, label behind": '"It came late, but\nworks fine, so far",spam\n',
    "a comma in the first line only": '"It came late, but\nworks fine",spam\n',
    "three lines": '"Hello, all\nit came late, again\nbye, Tom",ham\n',
    "an address": '"Tom\n12 High Street\nLondon",ham\n',
}


@pytest.mark.parametrize("case", QUOTED)
def test_a_comment_of_several_lines_with_commas_is_one_row(case, tmp_path):
    content = "text,label\n" + "".join(f"{text},{label}\n" for text, label in BASE) + QUOTED[case]
    mine = load(tmp_path, content)
    assert (mine.rows, len(mine.dropped)) == (41, 0)
    assert "\n" in texts_of(mine)[42]
    assert len(predictions(tmp_path, write(tmp_path, content))) == 41


# ---------------------------------------------------------------- any file

FIELD = st.text(st.sampled_from("ab ,;\t|\"'\n\r=é中"), max_size=12)


@given(
    extra=st.lists(st.tuples(FIELD, st.sampled_from(["ham", "spam"])), max_size=12),
    delimiter=st.sampled_from(",;\t|"),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    mark=st.sampled_from("\"'"),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
    last=st.booleans(),
)
@FAST
def test_what_a_writer_wrote_is_read_row_by_row(
    extra, delimiter, end, mark, quoting, last, tmp_path
):
    """Each row of a file that was quoted by the rules is one row, in its place."""
    rows = [*BASE[:30], *((f"case {i} {text}", label) for i, (text, label) in enumerate(extra))]
    buffer = io.StringIO()
    # A writer of Python 3.11 quotes just those line ends that it writes itself.
    quoting = quoting if end == "\r\n" else csv.QUOTE_ALL
    form = {"delimiter": delimiter, "lineterminator": end, "quotechar": mark, "quoting": quoting}
    csv.writer(buffer, **form).writerows([("text", "label"), *rows])
    content = buffer.getvalue() if last else buffer.getvalue().removesuffix(end)
    mine = load(tmp_path, content, quote=mark)
    assert mine.rows == len(rows)
    assert {row: text.strip() for row, (text, _) in enumerate(rows, start=2)}.items() >= (
        texts_of(mine).items()
    )
    assert not mine.dropped["reason"].str.contains("fields|quotation").any()
    found = predictions(tmp_path, write(tmp_path, content), quote=mark)
    assert [row["text"] for row in found] == [own_data.inert(text) for text, _ in rows]


@given(
    edits=st.lists(
        st.tuples(st.integers(0, 39), st.integers(0, 21), st.sampled_from(['"', '""', '"x', ' "'])),
        max_size=6,
    ),
    opened=st.lists(st.integers(0, 39), max_size=3),
    closed=st.lists(st.integers(0, 39), max_size=3),
    delimiter=st.sampled_from(",;\t|"),
)
@settings(FAST, max_examples=150)
def test_stray_quotation_marks_hide_no_line(edits, opened, closed, delimiter, tmp_path):
    """A file that does not quote: as many rows as lines, or a refusal; never fewer.

    The marks are in the texts. Where one stands in a label or a number, too, that line no longer
    looks like a row, and a merger of two lines cannot be told from a text of two lines.
    """
    lines = [[f"text number {i} is here", "ham" if i % 2 else "spam", f"{i}"] for i in range(40)]
    for line, place, mark in edits:
        whole = delimiter.join(lines[line])
        lines[line] = (whole[:place] + mark + whole[place:]).split(delimiter)
    for line in opened:
        lines[line][0] = '"' + lines[line][0]
    for line in closed:
        lines[line][0] += '"'
    content = plain(map(delimiter.join, lines), delimiter.join(["text", "label", "id"]))
    with contextlib.suppress(own_data.FileError, own_data.LabelError):
        assert load(tmp_path, content).rows == 40
    with contextlib.suppress(own_data.FileError):
        assert len(predictions(tmp_path, write(tmp_path, content))) == 40
    assert len(predictions(tmp_path, write(tmp_path, content), quote="")) == 40


# ---------------------------------------------------------------- a second file is like the first


def german(delimiter=";", name="Straße"):
    rows = [f'"{name} {i} ist schön{delimiter} {word}"{delimiter}{label}'
            for i, (word, label) in enumerate(BASE)]  # fmt: skip
    return plain(rows, f"text{delimiter}label")


@pytest.fixture
def first(tmp_path):
    path = write(tmp_path, german(), "first.csv", "cp1252")
    return own_data.load(path, "text", "label", encoding="cp1252", delimiter=";")


NEW = 'id;text;label\n7;"café; weiß";ham\n8;größer;spam\n'
SECOND = {
    "written like the first": (NEW, "cp1252", ("cp1252", ";", '"')),
    "UTF-8 and commas": (NEW.replace(";", ",").replace("café, ", "café; "), "utf8",
                         ("utf-8", ",", '"')),
    "UTF-8 with a mark": (NEW, "utf-8-sig", ("utf-8", ";", '"')),
    "UTF-16": (NEW, "utf-16", ("utf-16", ";", '"')),
}  # fmt: skip


@pytest.mark.parametrize("case", SECOND)
def test_a_second_file_needs_no_options_and_may_be_written_in_another_way(case, tmp_path, first):
    content, encoding, dialect = SECOND[case]
    path = write(tmp_path, content, "second.csv", encoding)
    found = open_table(path, {"TEXT_COLUMN": "text"}, like=first.dialect).dialect
    assert (found.encoding, found.delimiter, found.quote) == dialect
    dataset, dropped = own_data.load_labelled(path, "text", "label", first)
    assert dataset["text"][:] == ["café; weiß", "größer"]
    assert not len(dropped)
    found = predictions(tmp_path, path, names=None, like=first)
    assert [row["text"] for row in found] == ["café; weiß", "größer"]
    assert {row["prediction"] for row in found} == {"spam"}


def test_what_is_given_wins_over_the_first_file(tmp_path, first):
    path = write(tmp_path, "text,x\ncafé|weiß,1\n", "second.csv")
    found = predictions(tmp_path, path, like=first, names=["a", "b"], encoding="cp1252")
    assert found[0]["text"] == "cafÃ©|weiÃŸ"
    assert found[0]["prediction"] == "b"


def test_a_file_of_one_column_is_cut_at_nothing(tmp_path, first):
    path = write(tmp_path, "text\nschön; aber teuer\ngut\n", "second.csv")
    found = predictions(tmp_path, path, like=first)
    assert [row["text"] for row in found] == ["schön; aber teuer", "gut"]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        ('text\tid\n"so" he said\t1\n"well\t2\n', ['"so" he said', '"well']),
        ('text\tid\n"love\t1\nmore"\t2\n', ['"love', 'more"']),
        ('"text"\t"id"\n"a ""b"""\t"1"\n"two\nlines"\t"2"\n', ['a "b"', "two\nlines"]),
        ('text\tid\n"a ""b"""\t1\nplain\t2\n', ['a "b"', "plain"]),
        ('text,id\n"a, b",1\nc,2\n', ["a, b", "c"]),
    ],
)
def test_a_first_file_without_quoting_does_no_harm_to_a_second_with_it(content, texts, tmp_path):
    mine = load(tmp_path, plain(PLAIN), quote="")
    path = write(tmp_path, content, "second.csv")
    assert [row["text"] for row in predictions(tmp_path, path, like=mine)] == texts


def test_a_model_knows_its_names_and_how_its_file_was_written(tmp_path):
    stored = {"dialect": own_data.Dialect("cp1252", ";", '"').as_dict()}
    config = SimpleNamespace(id2label={"1": "spam", "0": "ham"}, sft_unveiled=stored)
    path = write(tmp_path, NEW, "second.csv", "cp1252")
    found = predictions(tmp_path, path, names=None, like=SimpleNamespace(config=config))
    assert [row["text"] for row in found] == ["café; weiß", "größer"]
    assert {row["prediction"] for row in found} == {"spam"}
    config.problem_type = "regression"
    found = predictions(tmp_path, path, names=None, like=SimpleNamespace(config=config))
    assert {row["prediction"] for row in found} == {"0"}  # the first output, as a number


@pytest.mark.parametrize("stored", [None, {}, {"dialect": 3}, {"dialect": {"quote": "''"}}])
def test_a_model_that_does_not_know_how_its_file_was_written_is_used_all_the_same(stored, tmp_path):
    config = SimpleNamespace(id2label={0: "ham", 1: "spam"}, sft_unveiled=stored)
    path = write(tmp_path, NEW.replace(";", ","), "second.csv")
    assert len(predictions(tmp_path, path, names=None, like=SimpleNamespace(config=config))) == 2


@given(
    values=st.tuples(
        st.sampled_from(["utf-8", "cp1252", "utf-16"]),
        st.sampled_from(",;\t|"),
        st.sampled_from(["", '"', "'"]),
    )
)
def test_a_dialect_survives_being_stored(values):
    dialect = own_data.Dialect(*values)
    assert own_data.Dialect.from_dict(dialect.as_dict()) == dialect
    assert issubclass(own_data.FileError, corpora.DataError)
