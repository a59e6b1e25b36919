"""The random search of notebook 08: twelve tries each, from their ranges, chosen on validation."""

import itertools
import math
import sys

import numpy as np
import pandas as pd
import pytest

from helpers import checkpoints, runtime
from helpers.measured import what_it_buys as measured
from tools import project
from tools.experiments import search_budget as study
from tools.experiments import what_it_buys


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(study.RESULTS)


def test_each_model_has_twelve_different_settings_from_its_ranges_and_always_the_same():
    for model in study.MODELS:
        tries = study.settings(model)
        assert tries == study.settings(model)
        assert len(tries) == len({tuple(setting.values()) for setting in tries}) == study.TRIES
        low, high = study.STRENGTHS.get(model) or study.RATES[model]
        drawn = [setting.get("C") or setting["rate"] for setting in tries]
        assert all(0.99 * low < value < 1.01 * high for value in drawn)
        assert max(drawn) / min(drawn) > math.sqrt(high / low)  # spread, on the logarithmic scale
    for model, (fewest, most) in study.EPOCHS.items():
        assert all(fewest <= setting["epochs"] <= most for setting in study.settings(model))
        assert all(0 <= setting["warmup"] <= 0.3 for setting in study.settings(model))
    assert {setting["words"] for setting in study.settings(study.TFIDF)} == {1, 2}


def test_the_choice_reads_validation_only_and_only_whole_searches():
    def row(scored, model, tried, right):
        return {"scored": scored, "model": model, "tried": tried, "right": right}

    tries = [row("validation", study.FULL, i, 500 + (i == 7)) for i in range(study.TRIES)]
    tested = [row("test", study.FULL, 3, 1700)]
    half = [row("validation", study.RANDOM, i, 400) for i in range(study.TRIES - 1)]
    table = pd.DataFrame(tested + tries + half)
    assert study.chosen(table) == {study.FULL: 7}
    then = study.planned_then(table)
    assert [run["seed"] for run in then] == [0, 1, 2, 3, 4]
    assert {(run["scored"], run["model"], run["tried"]) for run in then} == {
        ("test", study.FULL, 7)
    }


def test_a_search_that_is_stopped_makes_no_more_runs_than_asked_and_goes_on(tmp_path, monkeypatch):
    made = []

    def run(scored, model, tried, seed):
        made.append((scored, model))
        return {"right": 500 + tried}

    monkeypatch.setattr(study, "RESULTS", tmp_path / "search.csv")
    monkeypatch.setattr(study, "run", run)
    monkeypatch.setattr(study.runs, "provenance", lambda: {"processor": runtime.processor()})
    for limit, expected in ((5, 5), (33, 38), (4, 42)):
        monkeypatch.setattr(sys, "argv", ["search_budget", "--limit", str(limit)])
        study.main()
        assert len(made) == expected
    assert made[36:42] == [("test", study.FULL)] * 5 + [("test", study.FROZEN)]


def test_a_regression_is_that_of_the_course_with_one_setting():
    few, _ = what_it_buys.learned_from(study.TFIDF, 64, 0, 0)
    setting = {"C": 3.0, "words": 2}
    fitted = study.estimator(study.TFIDF, setting).fit(few["text"][:], few["label"][:])
    assert fitted[-1].C == 3 and any(" " in word for word in fitted[0].vocabulary_)
    answers, _ = study.regression(study.TFIDF, few, ["validation"], setting, 0)
    assert answers[0].shape == (853,) and 0.5 < np.mean(answers[0] == labels_of("validation")) < 0.7


def labels_of(part):
    return np.asarray(what_it_buys.part_of(part)["label"])


@pytest.mark.slow
def test_a_network_is_trained_as_its_setting_says(monkeypatch):
    few, _ = what_it_buys.learned_from(study.FULL, 16, 0, 0)
    monkeypatch.setattr(study, "part_of", lambda _: few)
    setting = {"rate": 3e-4, "epochs": 30, "warmup": 0.1}
    answers, row = study.network(study.FULL, few, ["validation"], setting, 0)
    assert (answers[0] == np.asarray(few["label"])).mean() > 0.9 and row["train_loss"] < 0.3
    asked = []
    load = checkpoints.load
    monkeypatch.setattr(
        checkpoints, "load", lambda **options: asked.append(options) or load(**options)
    )
    for model in (study.FULL, study.RANDOM):
        study.network(model, few, ["validation"], setting | {"epochs": 1}, 5)
    assert [options["pretrained"] for options in asked] == [True, False]


def test_the_recorded_tries_are_those_that_were_planned(rows):
    searched = study.chosen(rows)
    assert set(searched) == set(study.MODELS)
    planned = study.planned(searched) + study.planned_then(rows)
    found = [tuple(row) for row in rows[study.KEYS].itertuples(index=False, name=None)]
    assert sorted(found) == sorted(tuple(entry.values()) for entry in planned)
    for model, tried in itertools.product(searched, range(study.TRIES)):
        of_try = rows[(rows["model"] == model) & (rows["tried"] == tried)]
        for name, value in study.settings(model)[tried].items():
            assert of_try[name].tolist() == pytest.approx([value] * len(of_try))
    assert (rows.loc[rows["scored"] == "validation", "seed"] >= 100).all()
    assert (rows.groupby("model")["processor"].nunique() == 1).all()
    assert set(rows["precision"]) == {"float32"}


def test_the_page_of_findings_quotes_the_search():
    words = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())
    best = measured.tries().groupby("model")["accuracy"].max()
    assert f"is **{best['fine-tuned'] - best['frozen features']:.1f} points** ahead" in words
    test, fresh = (
        measured.leads("fine-tuned", "frozen features", part, variant=measured.SEARCHED).loc[256]
        for part in ("test", "fresh")
    )
    ends = "({low:+.1f} to {high:+.1f})"
    assert f"**{test['mean']:.1f} points** apart on the test part {ends.format(**test)}" in words
    assert f"**{fresh['mean']:.1f}** on the 2,113 sentences {ends.format(**fresh)}" in words
