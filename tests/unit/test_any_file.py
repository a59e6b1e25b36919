"""Files of kinds that people bring: each is read, or refused with a cure, and no loss is silent.

Each kind is a fault that was found with somebody's file. The cure that a message names is followed
here, too: it must lead out.
"""

import gzip
import json

import numpy as np
import pytest

from helpers import own_data
from helpers.own_data import cells, encodings, sources

WORDS = ["late again", "never came", "works fine", "looks lovely", "too small", "smells odd"]
BASE = [(f"text number {i} is {WORDS[i % 6]}", "ham" if i % 2 else "spam") for i in range(60)]


def write(folder, content, name="mine.csv", encoding="utf8"):
    """A file of text or of bytes."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def table(rows, header=("text", "label"), delimiter=","):
    """Rows as lines, without any quoting."""
    return "".join(delimiter.join(cells) + "\n" for cells in [header, *rows])


def load(folder, content, *columns, **options):
    """Load a file and count its rows: each is in one part or in the list."""
    columns = columns or ("text", "label")
    mine = own_data.load(write(folder, content), *columns, **options)
    rows = [n for part in mine.datasets.values() for n in part["row"]]
    assert mine.rows == len(rows) + len(mine.dropped)
    return mine


def refused(folder, content, *columns, **options):
    """The message with which a file is refused."""
    with pytest.raises((own_data.FileError, own_data.LabelError)) as caught:
        load(folder, content, *columns, **options)
    return str(caught.value)


def texts_of(mine):
    """Row number to text, over the three parts."""
    return {row["row"]: row["text"] for part in mine.datasets.values() for row in part}


# ---------------------------------------------------------------- no header, no table


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("label_first", [True, False])
def test_a_file_without_a_header_says_what_to_set_and_that_leads_out(
    delimiter, label_first, tmp_path
):
    rows = [(label, text) if label_first else (text, label) for text, label in BASE]
    content = table(rows[1:], rows[0], delimiter)
    said = refused(tmp_path, content)
    names = ["label", "text"] if label_first else ["text", "label"]
    assert f"HEADER = {json.dumps(names)}" in said and "looks like data" in said
    mine = load(tmp_path, content, header=names)
    assert (mine.rows, len(mine.dropped), mine.names) == (60, 0, ["ham", "spam"])
    assert texts_of(mine)[1] == BASE[0][0]  # the first row is row 1


def test_columns_of_a_file_without_a_header_may_be_numbered(tmp_path):
    content = table(BASE[1:], BASE[0], "\t")
    assert load(tmp_path, content, "column 1", "column 2", header=False).rows == 60
    said = refused(tmp_path, content, header=["a", "b", "c"])
    assert said.startswith("HEADER holds 3 name(s), but the first row of 'mine.csv' has 2 field(s)")
    for wrong in ("text,label", ["text", "text"], ["text", ""], ["text", 3], []):
        assert "HEADER" in refused(tmp_path, content, header=wrong)


def test_a_second_file_without_a_header_needs_no_names(tmp_path):
    mine = load(tmp_path, table(BASE[1:], BASE[0], "\t"), header=["text", "label"])
    new = write(tmp_path, "quite new\tham\nanother\tspam\n", "new.csv")
    dataset, _ = own_data.load_labelled(new, "text", "label", mine)
    assert dataset["text"][:] == ["quite new", "another"]
    with_names = write(tmp_path, "id\ttext\n7\tquite new\n", "named.csv")
    done = own_data.predict_file(
        with_names, "text", tmp_path / "p.csv", lambda texts: np.zeros((len(texts), 2)), like=mine
    )
    assert done == {"rows": 1, "predicted": 1}


def test_data_taken_for_the_names_of_columns_is_noticed(tmp_path):
    content = table(BASE[1:], BASE[0])
    mine = load(tmp_path, content, BASE[0][0], BASE[0][1])
    assert any("first row was taken for the names" in note for note in mine.notes)


@pytest.mark.parametrize("labels", [("0", "1"), ("__label__a", "__label__b"), ("DESC:x", "NUM:y")])
def test_a_label_a_space_and_a_text(labels, tmp_path):
    content = "".join(f"{labels[label == 'ham']} {text}, really\n" for text, label in BASE)
    said = refused(tmp_path, content)
    assert 'set DELIMITER = " " and HEADER = ["label", "text"]' in said
    mine = load(tmp_path, content, delimiter=" ", header=["label", "text"])
    assert (mine.rows, len(mine.dropped), mine.names) == (60, 0, sorted(labels))
    assert texts_of(mine)[1] == f"{BASE[0][0]}, really"


def test_prose_is_not_taken_for_labels_and_texts(tmp_path):
    said = refused(tmp_path, "".join(f"{'abcdefghij'[i % 10] * i} b c\n" for i in range(1, 40)))
    assert 'DELIMITER = " "' not in said


def test_a_column_is_suggested_by_what_it_holds(tmp_path):
    rows = [(f"T{i}", text, label) for i, (text, label) in enumerate(BASE)]
    content = table(rows, ("ticket", "message", "intent"))
    assert "Did you mean 'message'?" in refused(tmp_path, content, "text", "intent")
    assert "Did you mean 'intent'?" in refused(tmp_path, content, "message", "sentiment")
    notes = load(tmp_path, content, "ticket", "intent").notes
    assert any("one word each, such as 'T0'" in n and "'message' is meant" in n for n in notes)


def test_a_column_is_a_name(tmp_path):
    assert "TEXT_COLUMN = 0 is no name" in refused(tmp_path, table(BASE), 0, "label")
    assert "LABEL_COLUMN = ['label', 3]" in refused(tmp_path, table(BASE), "text", ["label", 3])


# ---------------------------------------------------------------- quotation marks


@pytest.mark.parametrize("quote", ["'", "`"])
def test_another_quotation_mark_is_named(quote, tmp_path):
    rows = [(f"{quote}{text}, really{quote}", label) for text, label in BASE]
    said = refused(tmp_path, table(rows))
    assert f"With QUOTE = {json.dumps(quote)} only 0 row(s) could not be read" in said
    assert texts_of(load(tmp_path, table(rows), quote=quote))[2] == f"{BASE[0][0]}, really"


def test_typographic_quotation_marks_are_named(tmp_path):
    rows = [(f"“{text}, really”", label) for text, label in BASE]
    assert "typographic quotation marks" in refused(tmp_path, table(rows))


def test_backslashes_before_quotation_marks_are_read_and_others_stay(tmp_path):
    rows = [(f'"{text}, \\"yes\\", in C:\\new"', label) for text, label in BASE]
    mine = load(tmp_path, table(rows))
    assert texts_of(mine)[2] == f'{BASE[0][0]}, "yes", in C:\\new'
    assert mine.dialect.escaped and len(mine.dropped) == 0
    stored = json.loads(json.dumps(mine.dialect.as_dict()))
    assert own_data.Dialect.from_dict(stored) == mine.dialect


def test_a_few_unquoted_delimiters_are_noticed(tmp_path):
    rows = BASE * 2
    rows = [(f"{i} {text}{', really' * (i < 3)}", label) for i, (text, label) in enumerate(rows)]
    notes = load(tmp_path, table(rows)).notes
    assert any("3 of 120 rows (2%) are left out" in n and "not quoted" in n for n in notes)


def test_a_file_of_one_column_may_hold_every_delimiter(tmp_path):
    path = write(tmp_path, 'text\na, b; c\td | e\n"So" he said; and, more\n"quoted, whole"\n')
    found = []

    def predict(texts):
        found.extend(texts)
        return np.zeros((len(texts), 2))

    own_data.predict_file(path, "text", tmp_path / "p.csv", predict, ["n", "y"])
    assert found[:2] == ["a, b; c\td | e", '"So" he said; and, more']


# ---------------------------------------------------------------- encodings

IN_OTHERS = {
    "cp1252": "Größe und Straße", "cp1250": "Zażółć gęślą jaźń", "cp1251": "Привет, где заказ",
    "koi8_r": "Привет, где заказ", "cp1253": "καλημέρα σας", "gb18030": "你好，我的包裹在哪里",
    "cp932": "これはテストです", "cp949": "안녕하세요 주문", "cp1256": "أين طلبي الان",
}  # fmt: skip


@pytest.mark.parametrize("encoding", IN_OTHERS)
def test_the_right_encoding_is_among_the_samples_and_leads_out(encoding, tmp_path):
    text = IN_OTHERS[encoding]
    rows = [*BASE, *((f"{text} {i}", "ham") for i in range(5))]
    content = table([(t.replace(",", ""), label) for t, label in rows]).encode(encoding)
    said = refused(tmp_path, content)
    assert f'"{encoding}" reads' in said and text.replace(",", "")[:8] in said
    mine = load(tmp_path, content, encoding=encoding)
    assert texts_of(mine)[62] == f"{text.replace(',', '')} 0"


def test_the_encoding_that_failed_is_never_advised(tmp_path):
    content = table([*BASE, ("Größe", "ham"), ("Straße", "ham")]).encode("cp1252")
    assert '"utf-8" reads' not in refused(tmp_path, content)
    bad = table([*BASE, ("\x81", "ham"), ("a\x81b", "ham")]).encode("latin-1")
    said = refused(tmp_path, bad, encoding="cp1252")
    assert said.startswith("'mine.csv' is not CP1252: byte 0x81 in line 62")
    assert '"cp1252" reads' not in said


def test_one_bad_byte_costs_one_row(tmp_path):
    rows = [(f"{text} 😀", label) for text, label in BASE]
    content = table(rows).encode().replace("😀".encode(), "😀".encode()[:3], 1)
    mine = load(tmp_path, content)
    assert mine.dropped[["row", "reason"]].values.tolist() == [[2, "byte 0xf0 is not UTF-8"]]
    assert any("1 row(s) hold bytes that are not UTF-8" in note for note in mine.notes)
    done = own_data.predict_file(
        tmp_path / "mine.csv",
        "text",
        tmp_path / "p.csv",
        lambda t: np.zeros((len(t), 2)),
        ["n", "y"],
    )
    assert done == {"rows": 60, "predicted": 59}


MISREAD = [
    ("utf-8", "cp1252", "Größe und Straße"), ("utf-8", "cp1251", "Größe und Straße"),
    ("utf-8", "cp1251", "Привет, где мой заказ?"), ("utf-8", "gb18030", "你好，我的包裹在哪里"),
    ("utf-8", "cp1252", "你好，我的包裹在哪里"), ("utf-8", "mac_roman", "déjà vu"),
    ("cp1251", "cp1252", "Привет, где мой заказ?"), ("cp1252", "cp1251", "un café très bon"),
    ("cp1253", "cp1252", "καλημέρα σας"), ("cp1255", "cp1252", "שלום לכם"),
    ("cp1252", "cp437", "un café très bon"),
    ("cp932", "cp1252", "これはテストです"), ("koi8_r", "cp1251", "Привет, где мой заказ?"),
]  # fmt: skip


@pytest.mark.parametrize(("true", "used", "text"), MISREAD)
def test_a_text_in_the_wrong_encoding_is_noticed(true, used, text):
    assert encodings.is_misread(text.encode(true).decode(used), used)


@pytest.mark.parametrize(
    "text",
    ["Größe und Straße", "Привет, где мой заказ?", "你好，我的包裹在哪里？", "«CAFÉ» à l’été, Nº 5",
     "Tシャツを iPhoneで", "25°C, 5 €, ½ cup, ©2024", "Việt Nam là một nước", "Þjóðin áður þótti",
     "žluťoučký kůň", "İstanbul'da ağaç", "ελληνικά WiFi", "أين طلبي", "שלום 5G", "हिन्दी में",
     "l´eau", "😀 late", "안녕 ABC로", "naïve résumé"],
)  # fmt: skip
def test_a_text_that_was_read_right_gets_no_remark(text):
    assert not encodings.is_misread(text, "utf-8")


# ---------------------------------------------------------------- what is left out by a rule


def test_a_class_that_programs_write_into_empty_cells_is_noticed(tmp_path):
    rows = [(text, "null" if i % 3 == 0 else label) for i, (text, label) in enumerate(BASE)]
    mine = load(tmp_path, table(rows))
    assert len(mine.dropped) == 20 and mine.names == ["ham", "spam"]
    assert any("20 label(s) are 'null'" in n and "set MISSING = []" in n for n in mine.notes)
    assert load(tmp_path, table(rows), missing=[]).names == ["ham", "null", "spam"]


def test_words_that_people_use_are_labels_and_one_rule_holds_for_both_columns(tmp_path):
    rows = [(text, "NA" if i % 3 == 0 else label) for i, (text, label) in enumerate(BASE)]
    mine = load(tmp_path, table(rows))
    assert mine.names == ["NA", "ham", "spam"]
    assert any("set MISSING = ['NA']" in note for note in mine.notes)
    assert load(tmp_path, table(rows), missing=["NA"]).names == ["ham", "spam"]
    for word in cells.MISSING - {""}:
        mine = load(tmp_path, table([*BASE, (word, "ham"), ("one more", word.upper())]))
        assert mine.dropped["reason"].tolist() == ["no text", "no label"]


def test_a_loss_that_falls_on_one_label_is_noticed(tmp_path):
    rows = [("" if label == "spam" and i < 40 else text, label)
            for i, (text, label) in enumerate(BASE)]  # fmt: skip
    notes = load(tmp_path, table(rows)).notes
    assert any(
        "depends on the label: 20 of 30 rows labelled 'spam', but 0 of 30" in n for n in notes
    )
    rows = [("" if i % 3 == 0 else text, label) for i, (text, label) in enumerate(BASE)]
    notes = load(tmp_path, table(rows)).notes
    assert not any("depends on" in note for note in notes)
    assert any("20 of 60 rows (33%) are left out, first row 2: no text" in note for note in notes)


def test_a_loss_is_told_by_label_where_cells_hold_several(tmp_path):
    """Not by cell: no row that is used has a label such as "a;b"."""
    label = ["c;b", "a;b", "c", "a", "c", "a", "c;b", "a"]
    rows = [("" if i % 4 == 0 else f"{i} {text}", label[i % 8])
            for i, (text, _) in enumerate(BASE * 2)]  # fmt: skip
    mine = load(tmp_path, table(rows), label_separator=";")
    told = [note for note in mine.notes if "depends on the label" in note]
    assert len(told) == 1 and "30 of 60 rows labelled 'c'" in told[0]


def test_a_loss_that_falls_on_large_numbers_is_noticed(tmp_path):
    rows = [(text if i < 50 else "", str(i)) for i, (text, _) in enumerate(BASE * 2)]
    rows = [(f"{i} {text}" if text else "", label) for i, (text, label) in enumerate(rows)]
    notes = load(tmp_path, table(rows), regression=True).notes
    assert any("depends on the label: its mean is 84.5" in note for note in notes)


def test_several_annotators_are_noticed(tmp_path):
    rows = [(text, "ham" if i % 3 else other) for text, other in BASE for i in range(3)]
    mine = load(tmp_path, table([*rows, *((f"{t} more", label) for t, label in BASE)]))
    found = [note for note in mine.notes if "table.groupby('text')['label']" in note]
    assert len(found) == 1 and "90 of 240 rows" in found[0]
    assert "Note: 90 of 180 rows" in refused(tmp_path, table(rows[:-3] + rows[-3:]), most_classes=1)


# ---------------------------------------------------------------- copies

SAME = [
    ("Where is my kettle?", "where is my kettle"),
    ("Cancel order 7, please", "cancel order 7 please!"),
    ("WONT TURN ON", "wont turn on"),
    ('"Great!" she said', "great she said"),
    ("“Great!” she said", "Great, she said…"),
    ("a  b", "a\tb"),
]
OTHER = [
    ("great day 😀", "great day 😡"), ("learn C++", "learn C#"), ("learn C", "learn C#"),
    ("return X = 1", "return x = 1"), ("getName", "getname"), ("कि", "की"), ("ok :)", "ok :("),
    ("a != b", "a = b"), ("x_1", "X_1"), ("café", "cafe"), ("3.5", "35"), ("-5", "5"),
    ("50%", "50"), ("เก่า", "เก้า"), ("no 👍🏽", "no 👍🏿"), ("foo(X);", "foo(x);"),
    ("1,000", "1000"), ("a<b", "a>b"), ("list[X]", "list[x]"), ("don't", "dont"),
    ("SELECT A FROM B;", "select a from b;"),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
def test_what_changes_no_meaning_makes_no_new_text(one, other):
    assert cells.same_text(one) == cells.same_text(other)


@pytest.mark.parametrize(("one", "other"), OTHER)
def test_texts_that_differ_in_a_sign_are_two(one, other, tmp_path):
    assert cells.same_text(one) != cells.same_text(other)
    quoted = ['"{}"'.format(text.replace('"', '""')) for text in (one, other)]
    mine = load(tmp_path, table([*BASE, (quoted[0], "ham"), (quoted[1], "spam")]))
    assert len(mine.dropped) == 0


# ---------------------------------------------------------------- labels


def labelled(names, each=12):
    """A file with so many rows of each label."""
    return table([(f"text number {i}", names[i % len(names)]) for i in range(each * len(names))])


@pytest.mark.parametrize(
    "names",
    [["010", "10"], ["1.1", "1.10"], ["0", "0.0"], ["True", "1"], ["12345678901234567", "2"],
     ["1e3", "1000"], ["+1", "1"], ["٣", "3"], ["NONE", "some"], ["n/a", "yes"], ["-", "+"]],
)  # fmt: skip
def test_labels_stay_what_they_are_everywhere(names, tmp_path):
    mine = load(tmp_path, labelled(names))
    assert sorted(mine.names) == sorted(names)
    assert sum(len(part) for part in mine.datasets.values()) == 24
    for part in mine.datasets.values():
        assert {part.features["label"].int2str(i) for i in part["label"]} == set(names)
    new = write(tmp_path, table([("new", names[0]), ("other", names[1])]), "second.csv")
    dataset, _ = own_data.load_labelled(new, "text", "label", mine)
    assert [mine.names[i] for i in dataset["label"]] == names
    logits = np.eye(2)[[mine.names.index(names[0])]]
    own_data.predict_file(new, "text", tmp_path / "p.csv", lambda t: np.repeat(logits, len(t), 0),
                          like=mine)  # fmt: skip
    assert f",{own_data.inert(names[0])}," in (tmp_path / "p.csv").read_text(encoding="utf8")


def test_equal_numbers_are_noted_and_meant(tmp_path):
    assert any("'0' and '0.0' are the same number" in n
               for n in load(tmp_path, labelled(["0", "0.0", "1"])).notes)  # fmt: skip
    mine = load(tmp_path, labelled(["1.0", "2.0"]))
    new = write(tmp_path, table([("new", "1")]), "second.csv")
    with pytest.raises(own_data.LabelError, match=r"Did you mean '1\.0'\?"):
        own_data.load_labelled(new, "text", "label", mine)


def test_many_classes_open_with_a_setting(tmp_path):
    names = [f"intent {i}" for i in range(77)]
    assert "set MOST_CLASSES = 77" in refused(tmp_path, labelled(names))
    mine = load(tmp_path, labelled(names), most_classes=77)
    for part in mine.datasets.values():
        assert len(set(part["label"])) == 77


@pytest.mark.parametrize("classes", [3, 7, 20, 50])
@pytest.mark.parametrize("each", [10, 11, 13, 14])
def test_small_equal_classes_are_in_every_part(classes, each, tmp_path):
    mine = load(tmp_path, labelled([f"c{i:02}" for i in range(classes)], each))
    for part in mine.datasets.values():
        assert set(part["label"]) == set(range(classes))
    assert len(mine.datasets["train"]) > 0.6 * classes * each


# ---------------------------------------------------------------- several labels, pairs, parts


def flags(i):
    """Three flags of which a text may have any."""
    return tuple(str(i >> bit & 1) for bit in range(3))


def test_several_columns_of_flags_are_learned_together(tmp_path):
    rows = [(text, *flags(i)) for i, (text, _) in enumerate(BASE)]
    content = table(rows, ("text", "toxic", "insult", "threat"))
    names = ["toxic", "insult", "threat"]
    mine = load(tmp_path, content, "text", names)
    assert mine.multi_label and mine.names == names
    for part in mine.datasets.values():
        for row in part:
            assert row["label"] == [float(x) for x in flags(row["row"] - 2)]
        assert (np.array(part["label"][:]).sum(axis=0) > 0).all()
    assert any(
        f"LABEL_COLUMN = {names}" in n for n in load(tmp_path, content, "text", "toxic").notes
    )
    bad = load(tmp_path, content.replace("\n", "\nbad text,2,0,0\n", 1), "text", names)
    assert bad.dropped["reason"].tolist() == ["the label cell '2' is neither 0 nor 1"]


@pytest.mark.parametrize("separator", [";", "|", ", "])
def test_cells_with_several_labels(separator, tmp_path):
    tags = ["billing", f"billing{separator}delivery", f"Delivery{separator}billing", "delivery"]
    content = table([(t, f'"{tags[i % 4]}"') for i, (t, _) in enumerate(BASE)])
    notes = load(tmp_path, content).notes
    assert any(f"LABEL_SEPARATOR = {separator.strip()!r}" in note for note in notes)
    mine = load(tmp_path, content, label_separator=separator.strip())
    assert mine.multi_label and mine.names == ["billing", "delivery"]
    found = {row["row"]: row["label"] for part in mine.datasets.values() for row in part}
    assert [found[2 + i] for i in range(4)] == [[1.0, 0.0], [1.0, 1.0], [1.0, 1.0], [0.0, 1.0]]
    assert any("'Delivery' (15 row(s)) was read as 'delivery'" in note for note in mine.notes)


def test_a_rare_label_of_several_is_refused_or_taken_away(tmp_path):
    rows = [
        (text, "a;b" if i % 2 else "b;rare" if i < 3 else "c") for i, (text, _) in enumerate(BASE)
    ]
    said = refused(tmp_path, table(rows), label_separator=";")
    assert "only 2 row(s) have the label 'rare'" in said
    mine = load(tmp_path, table(rows), label_separator=";", drop_rare=True)
    assert mine.names == ["a", "b", "c"] and len(mine.dropped) == 0
    every = [(text, "a;b" if i % 2 else "a") for i, (text, _) in enumerate(BASE)]
    assert "only 0 row(s) lack the label 'a'" in refused(
        tmp_path, table(every), label_separator=";"
    )


def test_predictions_of_several_labels(tmp_path):
    tags = ["a", "a;b", "b", "c"]
    mine = load(tmp_path, table([(t, tags[i % 4]) for i, (t, _) in enumerate(BASE)]),
                label_separator=";")  # fmt: skip
    logits = np.array([[3.0, 3.0, -3.0], [-3.0, -3.0, -3.0], [-3.0, 0.5, -3.0]])
    new = write(tmp_path, "text\none\ntwo\nthree\n", "new.csv")
    target = tmp_path / "p.csv"
    own_data.predict_file(new, "text", target, lambda texts: logits, like=mine)
    assert target.read_text().splitlines()[1:] == [
        "2,one,a;b,0.953;0.953,", "3,two,,,", "4,three,b,0.622,"
    ]  # fmt: skip
    own_data.predict_file(new, "text", target, lambda texts: logits, like=mine,
                          thresholds=[0.5, 0.7, 0.01])  # fmt: skip
    assert target.read_text().splitlines()[1:] == [
        "2,one,a;b;c,0.953;0.953;0.047,", "3,two,c,0.047,", "4,three,c,0.047,"
    ]  # fmt: skip


def test_two_columns_of_texts_are_a_pair(tmp_path):
    rows = [(text, WORDS[i % 5], label) for i, (text, label) in enumerate(BASE)]
    content = table([*rows, ("only one", "", "ham"), rows[0]], ("premise", "hypothesis", "label"))
    mine = load(tmp_path, content, ["premise", "hypothesis"], "label")
    row = next(row for part in mine.datasets.values() for row in part if row["row"] == 3)
    assert (row["text"], row["text_pair"]) == rows[1][:2]
    assert mine.dropped[["row", "reason"]].values.tolist() == [
        [62, "no text"], [63, "same text as row 2"]
    ]  # fmt: skip
    asked = []

    def predict(pairs):
        asked.extend(pairs)
        return np.zeros((len(pairs), 2))

    own_data.predict_file(tmp_path / "mine.csv", ["premise", "hypothesis"], tmp_path / "p.csv",
                          predict, like=mine)  # fmt: skip
    assert asked[0] == rows[0][:2] and len(asked) == 61
    assert "TEXT_COLUMN names 3 columns" in refused(tmp_path, content, ["a", "b", "c"], "label")


def test_a_test_file_given_apart_stays_whole_and_is_not_learned_from(tmp_path):
    given = [(f"test text {i}", label) for i, (_, label) in enumerate(BASE[:20])]
    given += [given[0], BASE[3], ("", "ham")]
    test = write(tmp_path, table(given), "test.csv")
    chosen = write(tmp_path, table([("chosen by", "ham"), given[1], BASE[5]]), "dev.csv")
    mine = load(tmp_path, table(BASE), test=test, validation=chosen)
    parts = mine.datasets
    assert len(parts["test"]) == 22  # a copy is scored twice, as the file says
    assert parts["validation"]["text"][:] == ["chosen by", BASE[5][0]]
    assert not set(parts["train"]["text"]) & {*parts["test"]["text"], *parts["validation"]["text"]}
    assert sorted(mine.dropped["reason"]) == [
        "in 'dev.csv': same text as row 3 of 'test.csv'", "in 'test.csv': no text",
        "same text as row 23 of 'test.csv'", "same text as row 4 of 'dev.csv'",
    ]  # fmt: skip
    alone = load(tmp_path, table(BASE), test=test)
    assert len(alone.datasets["validation"]) == 6 and len(alone.datasets["test"]) == 22
    test.write_text(table([("a", "eggs")]))
    with pytest.raises(own_data.LabelError, match=r"row 2 of 'test\.csv' has the label 'eggs'"):
        own_data.load(tmp_path / "mine.csv", "text", "label", test=test)


def test_a_test_file_of_which_nothing_is_left_is_refused(tmp_path):
    test = write(tmp_path, table([("a", "eggs"), ("b", "eggs")]), "test.csv")
    said = refused(tmp_path, table(BASE), test=test, drop_rare=True)
    assert said.startswith("no row of 'test.csv' can be used") and "eggs is not learned" in said
    same = write(tmp_path, table(BASE[:3]), "dev.csv")
    whole = write(tmp_path, table(BASE[:5]), "test.csv")
    said = refused(tmp_path, table(BASE), test=whole, validation=same)
    assert "no row of 'dev.csv' can be used" in said


def test_settings_that_contradict_each_other(tmp_path):
    content = table(BASE)
    assert "regression=True" in refused(tmp_path, content, regression=True, label_separator=";")
    assert "one of the two" in refused(
        tmp_path, content, "text", ["label", "b"], label_separator=";"
    )
    assert "must not be empty" in refused(tmp_path, content, label_separator="")


def test_columns_called_like_ours_are_said_at_loading(tmp_path):
    notes = load(tmp_path, table(BASE, ("note", "label")), "note", "label").notes
    assert any("'note': it keeps that name" in note and "'note (model)'" in note for note in notes)


# ---------------------------------------------------------------- too much for a memory


def test_a_packed_file_is_not_unpacked_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "MOST_UNPACKED", 1_000_000)
    content = gzip.compress(table(BASE).encode() + b"late again,spam\n" * 100_000)
    assert "'mine.csv' unpacks to more than" in refused(tmp_path, content)
    monkeypatch.setattr(sources, "MOST_UNPACKED", 10_000_000)
    monkeypatch.setattr(sources, "LONGEST_LINE", 1_000_000)
    content = gzip.compress(table(BASE).encode() + b"x" * 2_000_000)
    assert "a line of more than 1,000,000 characters" in refused(tmp_path, content)


def test_more_rows_than_a_memory_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("helpers.own_data.rows.MOST_ROWS", 59)
    assert "'mine.csv' has more than 59 rows" in refused(tmp_path, table(BASE))
