"""The benchmark of the precisions: what it plans and writes; never a time."""

import pandas as pd

from helpers import runtime
from tools.experiments import precision_choice, provenance


def test_a_round_holds_both_precisions_backwards_by_turns():
    planned = pd.DataFrame(precision_choice.planned(3))
    points = ["threads", "precision"]
    first, second, third = (group[points].values.tolist() for _, group in planned.groupby("round"))
    assert first == second[::-1] == third
    assert sorted(first) == [[1, "bf16"], [1, "fp32"], [2, "bf16"], [2, "fp32"]]


def test_the_page_compares_within_rounds(tmp_path, monkeypatch):
    rows = pd.DataFrame(precision_choice.planned(3))
    speed = 10.0 * (1 + rows["round"]) * (1 + (rows["precision"] == "bf16"))
    given = provenance.provenance() | {"processor": "a processor", "gain": 1.5}
    monkeypatch.setattr(precision_choice, "RESULTS", tmp_path / "results.csv")
    rows.assign(sentences_per_second=speed, **given).to_csv(precision_choice.RESULTS, index=False)
    page = precision_choice.report()
    line = "| 1.50 (1.50 to 1.50) | 20 (10 to 30) | 40 (20 to 60) | 2.00 (2.00 to 2.00) |"
    assert f"| 2 threads {line}" in page and f"| 1 thread {line}" in page


def test_where_products_gain_less_than_asked_training_is_not_faster():
    """What `WORTH_IT` rests on: medians, as a round may be disturbed."""
    rows = pd.read_csv(precision_choice.RESULTS)
    compared = 0
    for _, found in rows.groupby(["processor", "threads"]):
        speed = found.pivot_table(index="round", columns="precision", values="sentences_per_second")
        if found["gain"].median() <= runtime.WORTH_IT:
            assert speed["bf16"].median() < speed["fp32"].median()
            compared += 1
    assert compared
