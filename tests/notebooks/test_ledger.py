"""The ledger of notebook 15: its links lead to cells, its claims exist, its verdicts follow."""

import hashlib
import re

import pandas as pd
import pytest

from helpers.measured import ledger, ledger_rows
from tests.conftest import COURSE, load
from tests.notebooks.claims import claims_of
from tests.notebooks.test_notebooks import source, tags
from tests.notebooks.test_numbers import IN_PROSE, claimed, is_held, numbers, printed, prose
from tools import ledger as tables
from tools import notebook_file, project

ROWS = list(ledger.claims().itertuples())
LINKED = [row for row in ROWS if row.cell]
SERIES = {path.stem: path for path in COURSE}
DECIDED = [row for row in ROWS if row.computed]
NAMES = {"ids": lambda row: row.id}


def cell_of(row) -> dict:
    """The cell that a row leads to."""
    return next(one for one in load(SERIES[row.notebook])["cells"] if one["id"] == row.cell)


def test_every_row_has_what_it_needs():
    assert len({row.id for row in ROWS}) == len(ROWS) >= 60
    for row in ROWS:
        assert row.verdict in ledger.VERDICTS, row.id
        assert row.says and row.why and row.section and row.kind and row.part in tables.TABLES


def test_what_is_not_tested_says_what_would_test_it_and_everything_else_is_shown():
    for row in ROWS:
        untested = row.verdict == ledger.NOT_TESTED
        assert untested <= bool(row.would_test), row.id
        assert untested or row.cell, row.id


@pytest.mark.parametrize("row", LINKED, **NAMES)
def test_a_link_leads_to_a_cell_and_a_claim_hangs_on_it(row):
    """A code cell shows a verdict by a claim that ran, by an error, or by a drawing."""
    cell = cell_of(row)
    claims = {one.__name__ for one in claims_of(row.notebook) if one.cell == row.cell}
    if row.claim:
        assert row.claim in claims
    elif cell["cell_type"] == "code":
        assert "raises-exception" in tags(cell) or "plots.drawing(" in source(cell)


def test_few_verdicts_rest_on_words_alone():
    """Definitions, what cannot be run, and references; all others on a cell that ran."""
    in_words = [row.id for row in LINKED if cell_of(row)["cell_type"] == "markdown"]
    assert len(in_words) <= 0.1 * len(ROWS), in_words


@pytest.mark.parametrize("row", DECIDED, **NAMES)
def test_a_written_verdict_is_the_computed_one(row):
    assert ledger.computed(row.computed) == row.verdict


@pytest.mark.parametrize("row", ROWS, **NAMES)
def test_a_number_of_a_row_is_held_where_its_link_leads_or_by_a_claim_of_15(row):
    """By an output or a claim of the notebook that shows the verdict, not by any notebook's."""
    pool = claimed(tables.NOTEBOOK)
    if row.notebook in SERIES:
        cells = [one for one in load(SERIES[row.notebook])["cells"] if one["cell_type"] == "code"]
        pool |= numbers("\n".join(map(printed, cells))) | claimed(SERIES[row.notebook])
    for found in IN_PROSE.finditer(prose(f"{row.says}. {row.why}")):
        small = re.fullmatch(r"\d+", found[1]) and int(found[1]) <= 12
        assert small or is_held(found[1], pool), found[1]


def test_every_rule_decides_a_row():
    assert sorted(row.computed for row in DECIDED) == sorted(ledger.RULES)
    with pytest.raises(KeyError, match="few_labels"):
        ledger.computed("no_such_rule")


def moved(table: pd.DataFrame, points: float, columns: tuple = ("low",)) -> pd.DataFrame:
    """The rows with some columns moved by so many points."""
    return table.assign(**{name: table[name] + points for name in columns})


def shifted(series: pd.Series, **changes: float) -> pd.Series:
    """A series with other values in some places."""
    return pd.Series({**series.to_dict(), **{k.replace("_", " "): v for k, v in changes.items()}})


def other_epochs(epochs: pd.DataFrame) -> pd.DataFrame:
    """The same runs, with an accuracy that falls in the third epoch."""
    found = epochs.copy()
    found[("validation_accuracy", 3.0)] = found[("validation_accuracy", 2.0)] - 0.1
    found.loc[0, ("validation_accuracy", 3.0)] -= 0.001
    return found


def bad_epochs(epochs: pd.DataFrame) -> pd.DataFrame:
    """The same runs, as if nothing had been learned."""
    return epochs.assign(**{}) * 0.5


ALTERED = {  # rule: a change of its rows, and the verdict that follows
    "improves": (lambda gains: [gains - 100], ledger.NOT_HERE),
    "few_labels": (lambda a, b: [moved(a, 10), b], ledger.HOLDS),
    "fewer_labels": (lambda c: [c.assign(**{ledger_rows.TUNED: 40.0})], ledger.NOT_HERE),
    "short_training": (lambda s: [shifted(s, **{"fine-tuned": 1000.0})], ledger.NOT_HERE),
    "generalizes": (lambda a, b: [moved(a, 20), moved(b, 20)], ledger.HOLDS),
    "classification": (lambda a, b: [a, moved(b, 10)], ledger.HOLDS),
    "beyond_words": (lambda c: [c.assign(**{ledger_rows.WORDS: 51.0})], ledger.IF),
    "hundred_articles": (lambda a: [moved(a, 10)], ledger.HOLDS),
    "pretraining": (lambda a: [moved(a, -50)], ledger.NOT_HERE),
    "hard_to_explain": (lambda a: [moved(a, 50)], ledger.NOT_HERE),
    "winner_on_validation": (lambda lead: [{**lead, "low": 0.5}], ledger.HOLDS),
    "amount": (lambda runs: [runs.assign(accuracy=70.0)], ledger.NOT_HERE),
    "quality": (lambda a: [moved(a, -50)], ledger.NOT_HERE),
    "high_precision": (lambda c: [c.assign(**{ledger_rows.TUNED: 96.0})], ledger.HOLDS),
    "needs_compute": (lambda s: [shifted(s, **{"fine-tuned": 5000.0})], ledger.HOLDS),
    "loss_is_performance": (lambda e: [other_epochs(e)], ledger.HOLDS),
    "few_epochs": (lambda few, e: [few, bad_epochs(e)], ledger.NOT_HERE),
    "default_rate": (lambda r: [r.assign(after_high=0.8)], ledger.IF),
    "essence": (lambda a, b: [b, a], ledger.HOLDS),
    "home_leads": (lambda r: [r.assign(tweets=r["nyt"])], ledger.HOLDS),
    "tweets": (lambda a: [moved(a, 1)], ledger.HOLDS),
    "sigmoid_output": (lambda a, b: [b, a], ledger.HOLDS),
    "unlabelled_first": (lambda both, alone: [both + 10, alone], ledger.HOLDS),
    "sorting_messages": (lambda c: [c.assign(high=c["high"] - 30)], ledger.HOLDS),
    "questions": (lambda lead: [lead - 50], ledger.NOT_HERE),
    "translation": (lambda exact: [exact + 25], ledger.IF),
    "summary": (lambda lead: [lead - 50], ledger.NOT_HERE),
    "printed_sizes": (lambda printed: [(0.8667, 0.7334, 10)], ledger.WRONG),
    "printed_validation": (lambda printed: [(0.8667, 0.7334, 10)], ledger.WRONG),
}


@pytest.mark.parametrize("name", ledger.RULES)
def test_with_other_rows_a_rule_gives_another_verdict(name):
    rule, readers = ledger.RULES[name]
    change, verdict = ALTERED[name]
    assert rule(*change(*(reader() for reader in readers))) == verdict != ledger.computed(name)


@pytest.mark.parametrize("points", [1, 50, 100])
def test_a_gain_over_the_model_as_it_came_never_holds_without_a_condition(points):
    assert ledger.improves(pd.Series([points, points])) == ledger.IF


def test_many_times_the_seconds_of_a_regression_are_not_yet_much():
    seconds = ledger_rows.seconds()
    slow = seconds.where(seconds.index != ledger_rows.TUNED, 100 * seconds[ledger_rows.FROZEN])
    assert ledger.needs_compute(slow) == ledger.NOT_HERE


def test_high_precision_has_one_bar_for_sentences_and_for_translations():
    curves, exact = ledger_rows.curves(), ledger_rows.translated()
    for percent, sentences, translations in (
        (94.9, ledger.NOT_HERE, ledger.NOT_HERE),
        (95.0, ledger.HOLDS, ledger.IF),
    ):
        assert ledger.high_precision(curves.assign(**{ledger_rows.TUNED: percent})) == sentences
        assert ledger.translation(exact.where(exact.index != "after", percent)) == translations


def test_a_large_part_makes_a_printed_share_precise():
    assert ledger.printed_validation((0.8667, 0.7333, 200)) == ledger.HOLDS


def test_the_tables_of_the_notebook_are_written_from_the_ledger():
    """After a change of data/ledger.toml: python -m tools.ledger."""
    cells = {
        one["id"]: notebook_file.joined(one["source"]) for one in load(tables.NOTEBOOK)["cells"]
    }
    for part, cell in tables.TABLES.items():
        assert cells[cell] == tables.table(part)
    assert set(tables.TABLES) == {row.part for row in ROWS}


def test_a_link_to_a_cell_that_is_not_there_is_named():
    with pytest.raises(project.Trouble, match="has no cell 12345678"):
        tables.section_of("08_what_fine_tuning_buys", "12345678")
    with pytest.raises(project.Trouble, match="no_such_notebook"):
        tables.section_of("no_such_notebook", "89cba650")


# The first eight digits of the SHA-256 of each line of the article's program that is longer than
# twenty characters, without blanks: so that it can be told that none of them is here.
LISTING = [
    "a8eee1cc",
    "ae5b8b94",
    "89a2a8f3",
    "bb2b76b7",
    "8e9ead30",
    "ecba5499",
    "3fb109c5",
    "5fd8293b",
    "2eac5bff",
    "5fdccf7d",
    "840f972a",
    "7e5845b6",
    "2a04fa72",
    "74a792cf",
    "3a1ea7fe",
    "1bc61bfa",
    "1b72c4cd",
    "12900612",
    "86addad6",
    "69cfe864",
    "2fc859f1",
]


def fingerprint(line: str) -> str:
    return hashlib.sha256("".join(line.split()).encode()).hexdigest()[:8]


def test_nothing_of_the_article_is_quoted():
    """Not a Chinese character, and no line of its program."""
    text = (project.ROOT / "data" / "ledger.toml").read_text(encoding="utf8")
    for path in (tables.NOTEBOOK, project.NOTEBOOKS / "solutions" / "15_solutions.ipynb"):
        text += "\n".join(notebook_file.joined(one["source"]) for one in load(path)["cells"])
    assert not re.search(r"[\u3400-\u9fff]", text)
    pieces = [*text.splitlines(), *re.findall(r"`([^`]+)`", text)]
    assert not {fingerprint(piece) for piece in pieces} & set(LISTING)
