"""The threshold and the samples: what the scripts compute is what the library computes."""

import gzip
import json

import numpy as np
import pytest

from helpers import measured, metrics, widgets
from helpers.widgets import scores
from tests.unit import javascript
from tests.unit.figures import shown
from tools.experiments import score_tables

labels, stored_scores = scores.stored()
probabilities = 1 / (1 + np.exp(-stored_scores))
GRID = [round(number / 500, 3) for number in range(1, 500)]


def script_gives(expression: str, data: object):
    """What the scripts give for an expression of `tables` and `data`."""
    stored = {"labels": labels.tolist(), "scores": stored_scores.tolist()}
    expression = f"((tables, data) => {expression})(readTables(data.stored), data.data)"
    given = {"stored": stored, "data": data}
    return javascript.gives(["scores.js"], expression, given)


# ---------------------------------------------------------------- what a notebook stores


def test_the_stored_scores_are_those_recorded():
    stored = json.loads(gzip.decompress((widgets.STATIC / scores.SCORES).read_bytes()))
    assert stored == score_tables.tables()
    recorded = measured.table("evaluation_logits").query("part == 'validation'")
    assert stored["labels"] == recorded["label"].tolist() and len(stored_scores) == 853


def test_the_words_tell_what_is_seen_first():
    (tn, fp), (fn, tp) = metrics.confusion_matrix(labels, probabilities >= 0.5, 2).tolist()
    said = shown("threshold")["text/plain"]
    assert f"{tp} true and {fp} false positives, {fn} false and {tn} true negatives" in said
    assert f"a cost of {5 * fp + fn} if" in said
    said = shown("samples")["text/plain"]
    low, high = metrics.wilson(75 * 697 / 853, 75)
    assert "right on 697 of 853" in said and f"sample of 75: {low:.1%} to {high:.1%}" in said


# ---------------------------------------------------------------- what the scripts compute


def costs(threshold: float, cost_fp: float, cost_fn: float) -> float:
    """What the mistakes at a threshold cost."""
    called = probabilities >= threshold
    return cost_fp * (called & (labels == 0)).sum() + cost_fn * (~called & (labels == 1)).sum()


def test_the_script_counts_and_measures_as_the_helpers_do_at_every_threshold():
    expression = "data.map((t) => [counts(tables, t), measures(counts(tables, t), 5, 1)])"
    for t, (counts, found) in zip(GRID, script_gives(expression, GRID), strict=True):
        matrix = metrics.confusion_matrix(labels, probabilities >= t, 2)
        assert [[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]] == matrix.tolist()
        for measure, value in metrics.summary(matrix).items():
            if measure in found:
                assert np.isclose(
                    np.nan if found[measure] is None else found[measure], value, equal_nan=True
                ), (t, measure)
        assert found["cost"] == costs(t, 5, 1)


def test_the_script_counts_what_lies_exactly_on_the_threshold_as_called():
    """At every sentence's own probability, where several may be equal, and beyond both ends."""
    found = script_gives("[0, ...tables.probabilities, 1].map((t) => counts(tables, t))", None)
    for counts, score in zip(found, [-np.inf, *stored_scores, np.inf], strict=True):
        matrix = metrics.confusion_matrix(labels, stored_scores >= score, 2)
        assert [[counts["tn"], counts["fp"]], [counts["fn"], counts["tp"]]] == matrix.tolist()


def test_where_there_is_nothing_to_divide_by_the_script_says_nothing():
    found = script_gives("measures({ tp: 0, fp: 0, fn: 3, tn: 4 }, 1, 1)", None)
    assert found["precision"] is None and found["recall"] == 0 and found["f1"] == 0


@pytest.mark.parametrize("pair", [(5, 1), (1, 1), (1, 5), (0, 1), (1, 0), (99, 1)])
def test_the_button_finds_the_first_of_the_cheapest_thresholds(pair):
    expression = "cheapest(tables, data.grid, data.pair[0], data.pair[1])"
    found = script_gives(expression, {"grid": GRID, "pair": pair})
    assert found == min(GRID, key=lambda t: costs(t, *pair))


def test_the_histogram_and_the_curve_hold_every_sentence():
    found = script_gives("[histogram(tables, 20), rocCurve(tables)]", None)
    for label, row in enumerate(found[0]):
        assert row == np.histogram(probabilities[labels == label], 20, (0, 1))[0].tolist()
    false_rates, true_rates, _ = metrics.roc_curve(labels, stored_scores)
    assert np.allclose(found[1], np.stack([false_rates, true_rates], axis=1))


def test_the_intervals_are_those_of_the_helpers():
    pairs = [(hits, n) for n in (75, 853) for hits in (0, 1, n // 2, n - 1, n)]
    expression = "data.map(([hits, n]) => [interval(hits, n, 'wilson'), interval(hits, n, 'wald')])"
    for (hits, n), (wilson, wald) in zip(pairs, script_gives(expression, pairs), strict=True):
        assert np.allclose(wilson, metrics.wilson(hits, n), atol=1e-6)
        half = 1.959964 * np.sqrt(hits / n * (1 - hits / n) / n)
        assert np.allclose(wald, [hits / n - half, hits / n + half])


def test_samples_are_drawn_fairly_and_about_95_of_100_intervals_hold_the_truth():
    expression = "(() => { const right = rightOnes(tables), random = chance(data);"
    expression += " return Array.from({ length: 4000 }, () => drawHits(right, 75, random)); })()"
    hits, again = (np.array(script_gives(expression, 5)) for _ in range(2))
    truth = 697 / 853
    assert (hits == again).all()
    assert abs(hits.mean() / 75 - truth) < 4 * np.sqrt(truth * (1 - truth) / 75 / 4000)
    assert abs(hits.var() / (75 * truth * (1 - truth)) - 1) < 0.1
    low, high = metrics.wilson(hits, np.full(4000, 75))
    assert 0.93 < ((low <= truth) & (truth <= high)).mean() < 0.97
