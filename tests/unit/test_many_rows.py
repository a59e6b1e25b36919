"""Time against tokens, as tools/experiments/many_rows.py fits and reports it."""

import csv

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import runtime
from tools import project
from tools.experiments import many_rows, runs

SECONDS = st.floats(0.01, 100)


def recorded(a: float, b: float, slower: float = 1.0, rounds: int = 2) -> pd.DataFrame:
    """Rows of a machine that needs a + b seconds per token, and for the large file more."""
    facts = {"processor": "one", "cores": 2, "date": "2026-01-01", "torch": "2", "threads": 2}
    facts |= {"transformers": "5", "precision": "bfloat16", "peak_memory_mb": 500.0}
    lines = []
    for number in range(rounds):
        for rows in (*many_rows.FITTED, many_rows.LARGE)[: None if number == 0 else 2]:
            seconds = (a + b * 10 * rows) * (slower if rows == many_rows.LARGE else 1)
            found = {"round": number, "rows": rows, "tokens": 10 * rows, "seconds_taken": seconds}
            lines.append(facts | found)
    return pd.DataFrame(lines)


@given(a=SECONDS, b=SECONDS, slower=st.floats(0.1, 10))
def test_the_formula_finds_what_a_machine_needs(a, b, slower):
    rows = recorded(a, b / 1e5, slower)
    found = many_rows.formulas(rows)
    assert np.allclose(found, [[a, b / 1e5]] * 2, rtol=1e-6, atol=1e-9)
    assert many_rows.against_formula(rows, many_rows.LARGE) == pytest.approx([slower] * 2)


@given(lengths=st.lists(st.integers(1, 9), min_size=1, max_size=6), rows=st.integers(0, 30))
def test_tokens_are_those_of_the_file_that_is_written(lengths, rows, tmp_path_factory):
    texts = [" ".join(["a"] * length) for length in lengths]
    path = many_rows.written(tmp_path_factory.mktemp("files") / "x.csv", texts, rows)
    with path.open(encoding="utf8", newline="") as file:
        found = [len(row["text"].split()) for row in csv.DictReader(file)]
    assert (len(found), sum(found)) == (rows, many_rows.tokens_in(np.array(lengths), rows))


@pytest.mark.parametrize(("slower", "met"), [(1.09, "met"), (1.11, "not met")])
def test_the_page_says_whether_what_was_asked_for_is_met(slower, met, tmp_path, monkeypatch):
    monkeypatch.setattr(many_rows, "RESULTS", tmp_path / "results.csv")
    recorded(1.0, 1e-4, slower).to_csv(many_rows.RESULTS, index=False)
    page = many_rows.report()
    assert f"100,000 rows: asked for were at most 1.1 times what the formula says: {met} by" in page
    assert f"held by the formulas of {2 if met == 'met' else 0} of 2 rounds" in page
    assert "a = 1.00 (1.00 to 1.00) s, b = 100.0 (100.0 to 100.0) s per million tokens" in page


def test_a_million_rows_are_an_option():
    assert [point["rows"] for point in many_rows.planned(1)] == [1_000, 10_000, 100_000]
    assert [point["rows"] for point in many_rows.planned(1, million=True)][-1] == 1_000_000
    assert {point["processor"] for point in many_rows.planned()} == {runtime.processor()}


@pytest.mark.slow
def test_a_point_is_measured_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(many_rows, "RESULTS", tmp_path / "results.csv")
    points = [{"processor": runtime.processor(), "round": 0, "rows": 30}]
    runs.drive(points, many_rows.in_fresh_process, many_rows.RESULTS, limit=1)
    (row,) = pd.read_csv(many_rows.RESULTS).to_dict("records")
    assert row["rows"] == 30 and 30 * 3 < row["tokens"] < 30 * 30
    assert row["seconds_taken"] > 0 and row["peak_memory_mb"] > 100


def test_a_file_that_loses_rows_is_no_measurement(monkeypatch):
    lost = {"rows": 3, "predicted": 2}
    monkeypatch.setattr(many_rows.own_data, "predict_file", lambda *_: lost)
    with pytest.raises(RuntimeError, match="3 rows were given"):
        many_rows.measure(3)


def test_the_page_is_what_the_recorded_rows_give():
    page = project.ROOT / "docs" / "measured" / "many_rows.md"
    assert page.read_text("utf8") == many_rows.report()


def test_the_findings_quote_the_page():
    said = " ".join((project.ROOT / "docs" / "findings.md").read_text("utf8").split())
    (ratios,) = [
        many_rows.against_formula(rows, many_rows.LARGE)
        for _, rows in pd.read_csv(many_rows.RESULTS).groupby("processor")
    ]
    low, high = min(ratios), max(ratios)
    quoted = f"took {np.median(ratios):.2f} times ({low:.2f} to {high:.2f}) what 1,000 and 10,000"
    assert quoted in said
