"""A claim about a treatment does not hold of runs without it, recorded or taken from a notebook."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from helpers import measured
from helpers.measured import news_draws
from tests.notebooks.claims import nb06, nb07, nb08

fails = pytest.raises(AssertionError)


def result(*accuracies: float) -> SimpleNamespace:
    """A cross-validation's table with these accuracies."""
    return SimpleNamespace(table=pd.DataFrame({"accuracy": accuracies}))


# Notebook 06, 1,200 sentences, folds 0 to 4: as stored, and frozen features of the same folds.
WORDS = result(0.621, 0.729, 0.679, 0.675, 0.692)
FROZEN = result(0.688, 0.754, 0.746, 0.729, 0.717)
TUNED = result(0.775, 0.779, 0.775, 0.762, 0.758)


def test_06_fine_tuning_reaches_more_than_it_would_without():
    nb06.fine_tuning_reaches_77_percent(TUNED)
    nb06.fine_tuning_is_ahead_of_tfidf_on_the_same_folds(TUNED, WORDS)
    for untreated in (WORDS, FROZEN, result(*[0.53] * 5)):
        with fails:
            nb06.fine_tuning_reaches_77_percent(untreated)
        with fails:
            nb06.fine_tuning_is_ahead_of_tfidf_on_the_same_folds(untreated, WORDS)


def test_06_no_recorded_run_of_anything_else_lands_where_the_new_one_must():
    study = measured.table("cross_validation")
    tuned, others = (study[(study["model"] == "fine-tuned") == is_it] for is_it in (True, False))
    grid = 100 * tuned.pivot(index="fold", columns="seed", values="accuracy")
    assert {"tf-idf", "labels shuffled"} <= set(others["model"])
    for accuracy in others["accuracy"]:
        with fails:
            nb06.the_new_run_lands_where_five_recorded_runs_put_it(100 * accuracy, 80.8, 85.5)
        with fails:
            nb06.the_new_run_lands_among_the_recorded_ones(100 * accuracy, grid)


def test_06_a_test_score_of_frozen_features_or_of_words_is_not_what_folds_foretold():
    runs = measured.table("cross_validation").query("model == 'fine-tuned'")
    grid = 100 * runs.pivot(index="fold", columns="seed", values="accuracy")
    told = {"within": grid.var(axis=1).mean() ** 0.5, "grid": grid}
    for right, holds in ((1439, True), (1308, False), (1305, False), (853, False)):
        hits = np.arange(1705) < right
        if holds:
            nb06.the_test_says_what_cross_validation_said(test_hits=hits, **told)
        else:
            with fails:
                nb06.the_test_says_what_cross_validation_said(test_hits=hits, **told)


def test_06_outer_folds_that_agree_do_not_pass_for_folds_that_differ():
    nb06.the_outer_folds_choose_among_equally_good_neighbours([30, 10, 3, 3, 3], np.zeros(7))
    with fails:
        nb06.the_outer_folds_choose_among_equally_good_neighbours([3] * 5, np.zeros(7))


def test_06_folds_of_sentences_are_no_folds_of_editorials():
    """Neither folds that tear groups nor new editorials that were partly read pass as honest."""
    ways = ["folds of sentences", "folds of editorials", "new editorials"]
    torn = {
        "own label": pd.DataFrame(
            [[60, 57.5, 58]] * 7 + [[60, 59.5, 63], [64.5, 54.5, 59], [61, 62, 58]]
        ),
        "label of its editorial": pd.DataFrame(
            [[69, 53.5, 54.3]] * 8 + [[69, 50, 54.5], [69, 58, 54]]
        ),
    }
    torn = {task: table.set_axis(ways, axis=1) for task, table in torn.items()}
    nb06.torn_groups_fake_much_where_the_label_is_the_group_s(torn)
    nb06.torn_groups_fake_little_where_each_row_has_its_own(torn)
    nb06.whole_groups_predict_new_groups_on_average(torn)
    untreated = {task: table.assign(**{ways[1]: table[ways[0]]}) for task, table in torn.items()}
    partly_read = {
        task: table.assign(**{ways[2]: (table[ways[0]] + table[ways[2]]) / 2})
        for task, table in torn.items()
    }
    for wrong in (untreated, partly_read):
        with fails:
            nb06.torn_groups_fake_much_where_the_label_is_the_group_s(wrong)
        with fails:
            nb06.torn_groups_fake_little_where_each_row_has_its_own(wrong)
        with fails:
            nb06.whole_groups_predict_new_groups_on_average(wrong)


def test_06_four_points_too_much_are_not_two():
    ways = ["folds of sentences", "folds of editorials", "new editorials"]
    draws = [[62, 57.5, 58]] * 8 + [[58, 57.5, 61], [63.5, 57.5, 58]]
    with fails:
        table = pd.DataFrame(draws, columns=ways)
        nb06.torn_groups_fake_little_where_each_row_has_its_own({"own label": table})


def test_06_folds_of_rows_are_not_dealt_by_groups():
    groups = np.repeat(np.arange(50), 4)
    by_group, by_row = groups % 5, np.arange(200) % 5
    nb06.groups_dealt_by_hand_are_those_of_group_k_fold(by_group, by_group, groups)
    with fails:
        nb06.groups_dealt_by_hand_are_those_of_group_k_fold(by_row, by_row, groups)


@pytest.fixture
def news() -> pd.DataFrame:
    """Percent right, a row a draw and a column a model."""
    runs = measured.table("news_draws")
    runs = runs[runs["stage"] == "draw"]
    return 100 * runs.pivot(index="draw", columns="model", values="accuracy")


def test_07_neither_shuffled_labels_nor_a_faultless_run_pass(news):
    recorded = news["head 128"].dropna()
    nb07.the_live_run_lies_where_ten_recorded_draws_put_it(recorded.max(), recorded)
    for live in (*news["labels shuffled"].dropna(), 41.2, 99.0, 100.0):
        with fails:
            nb07.the_live_run_lies_where_ten_recorded_draws_put_it(live, recorded)


def test_07_a_bill_without_the_choice_of_the_settings_does_not_pass():
    cost = news_draws.seconds()
    nb07.the_bill_holds_the_choice_of_the_settings(cost)
    nb07.choosing_takes_twelve_times_the_draw(cost)
    without = cost.assign(**{"in all": cost["a draw"]})
    with fails:
        nb07.the_bill_holds_the_choice_of_the_settings(without)
    with fails:
        nb07.choosing_takes_twelve_times_the_draw(without)


def test_07_a_lead_that_is_not_shown_does_not_pass_for_one_that_is():
    """Every verdict is read with its interval; one that leaves zero out falls."""
    columns = ["mean", "low", "high", "ahead"]
    verdict = pd.DataFrame.from_dict(nb07.VERDICT, orient="index", columns=columns)
    nb07.eleven_contests(verdict)
    for name in verdict.index[verdict["low"] < 0]:
        with fails:
            nb07.eleven_contests(
                verdict.assign(low=verdict["low"].where(verdict.index != name, 0.1))
            )


def test_07_words_are_not_ahead_of_themselves_and_the_encoder_is(news, monkeypatch):
    for tuned, words in news[["head 128", "tf-idf 128"]].dropna().to_numpy():
        monkeypatch.setattr(nb07, "words_accuracy", lambda *_, found=words: found)
        rest = {"pool": {"text": []}, **dict.fromkeys(("windows", "tokenizer"))}
        rest |= dict.fromkeys(("pool_labels", "train_rows", "scored_rows"))
        nb07.the_live_run_is_ahead_of_tfidf_of_the_same_tokens(tuned, **rest)
        with fails:
            nb07.the_live_run_is_ahead_of_tfidf_of_the_same_tokens(words, **rest)


def test_08_frozen_features_are_not_ahead_of_themselves_and_fine_tuning_is(monkeypatch):
    study = measured.table("what_it_buys")
    study = study[(study["scored"] == "test") & (study["n"] == 512) & (study["flipped"] == 0)]
    study = study.assign(accuracy=100 * study["right"] / study["of"])
    table = study.pivot(index="seed", columns="model", values="accuracy")
    few, data = pd.DataFrame({"text": []}), {"test": None}
    nothing = SimpleNamespace(select=lambda _: few)
    rest = {"draw": lambda n, seed: [], "train": nothing, "raw_datasets": data, "SEED": 0}
    for tuned, frozen in table[["fine-tuned", "frozen features"]].dropna().to_numpy():
        monkeypatch.setattr(nb08, "frozen_accuracy", lambda *_, found=frozen: found)
        nb08.the_new_run_is_ahead_of_frozen_features_of_its_draw(tuned, **rest)
        with fails:
            nb08.the_new_run_is_ahead_of_frozen_features_of_its_draw(frozen, **rest)
    for live in table["labels shuffled"].dropna():
        with fails:
            nb08.the_new_run_lies_where_eight_recorded_runs_put_it(live, 70.5, 84.2)
