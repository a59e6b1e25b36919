"""Several labels per text: checked, learned, scored, and reported."""

from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
import torch
import yaml
from datasets import Dataset, DatasetDict, Features, List, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from transformers import pipeline

from helpers import (
    baselines,
    checkpoints,
    corpora,
    metrics,
    multi_label,
    own_data,
    report,
    storage,
    training,
)
from helpers.report import several
from tests.unit.small import TINY, config
from tests.unit.test_training import press_stop_at, weights_equal

NAMES = ["warm", "funny", "long"]
many = settings(max_examples=60, deadline=None)


def rows(labels, texts=None):
    """A part: texts that hold the names of their labels."""
    texts = texts or [f"{said(row)} {i}" for i, row in enumerate(labels)]
    width = len(labels[0])
    features = Features({"text": Value("string"), "label": List(Value("float32"), length=width)})
    return Dataset.from_dict({"text": texts, "label": labels}, features=features)


def said(row):
    return " ".join(name for name, value in zip(NAMES, row, strict=False) if value)


EVERY = [list(map(float, row)) for row in product((0, 1), repeat=3)]
TRAIN, VALIDATION = rows(EVERY * 6), rows(EVERY * 2)


def fresh(width=3, **changes):
    names = NAMES[:width]
    return checkpoints.load(
        num_labels=width, label_names=names, seed=0, pretrained=False, **TINY | changes
    )


# ---------------------------------------------------------------- the data


def test_rows_of_several_labels_can_be_trained_on():
    corpora.check_trainable({"train": TRAIN, "validation": VALIDATION}, 3)


@pytest.mark.parametrize(
    ("labels", "width", "said"),
    [
        ([[1, 0], [0, 1]], 3, r"row 0 of the train part has 2 label\(s\).*num_labels=2"),
        ([[1, 0], [0, 0.5]], 2, "row 1 of the train part holds 0.5"),
        ([[1, 0], [0, 2]], 2, "row 1 of the train part holds 2"),
        ([[1, 0], [0, float("nan")]], 2, "row 1 of the train part holds nan"),
        ([[1, 0], [0, 0]], 2, "no row of the train part has the label 'funny'"),
        ([[1, 1], [0, 1]], 2, "every row of the train part has the label 'funny'"),
        ([[1, 0], None], 2, "row 1 of the train part has None"),
    ],
)
def test_rows_that_cannot_be_learned_from_are_named_with_the_cure(labels, width, said):
    part = Dataset.from_dict({"text": ["a", "b"], "label": labels})
    with pytest.raises(corpora.DataError, match=said):
        corpora.check_trainable({"train": part}, width, NAMES[:width])


def test_a_validation_part_of_another_kind_is_refused():
    single = Dataset.from_dict({"text": ["a", "b"], "label": [0, 1]})
    with pytest.raises(corpora.DataError, match="row 0 of the validation part has 0 where a list"):
        corpora.check_trainable({"train": TRAIN, "validation": single}, 3)
    with pytest.raises(corpora.DataError, match="the validation part is empty"):
        corpora.check_trainable({"train": TRAIN, "validation": TRAIN.select([])}, 3)


def test_a_validation_part_may_lack_a_label():
    lacking = rows([[1.0, 0.0, 0.0]] * 2)
    corpora.check_trainable({"train": TRAIN, "validation": lacking}, 3)


def test_shuffled_labels_stay_whole_rows():
    control = corpora.with_shuffled_labels(TRAIN, 0)
    assert control["label"][:] != TRAIN["label"][:]
    assert sorted(control["label"][:]) == sorted(TRAIN["label"][:])
    assert control.features == TRAIN.features


# ---------------------------------------------------------------- training


def test_a_model_learns_several_labels():
    tokenizer, model = checkpoints.load(num_labels=3, seed=0, num_hidden_layers=1)
    run = training.fine_tune(model, tokenizer, TRAIN, VALIDATION, config(epochs=20))
    assert run.history["micro_f1"].max() > 0.9
    found = multi_label.predicted(training.predict(model, tokenizer, VALIDATION["text"]))
    assert multi_label.micro_f1(VALIDATION["label"][:], found) > 0.9


def test_the_loss_is_the_binary_cross_entropy_over_all_labels_and_f1_the_library_s():
    tokenizer, model = fresh()
    run = training.fine_tune(model, tokenizer, TRAIN, VALIDATION, config(epochs=1))
    logits = training.predict(model, tokenizer, VALIDATION["text"], precision="fp32")
    labels = np.array(VALIDATION["label"][:])
    expected = sklearn.metrics.log_loss(labels.ravel(), expit(logits).ravel())
    assert run.history["validation_loss"][0] == pytest.approx(expected, abs=1e-5)
    expected = sklearn.metrics.f1_score(labels, expit(logits) >= 0.5, average="micro")
    assert run.history["micro_f1"][0] == pytest.approx(expected)


def test_accuracy_means_the_validation_loss_here_and_micro_f1_can_decide():
    for asked, decides in (("accuracy", "validation_loss"), ("micro_f1", "micro_f1")):
        tokenizer, model = fresh()
        settings = config(epochs=1, best_metric=asked)
        run = training.fine_tune(model, tokenizer, TRAIN, VALIDATION, settings)
        assert run.config.best_metric == decides


def test_whole_numbers_are_learned_from_like_floats():
    runs = []
    for kind in ("float32", "int64"):
        cast = [part.cast_column("label", List(Value(kind))) for part in (TRAIN, VALIDATION)]
        tokenizer, model = fresh()
        runs.append(training.fine_tune(model, tokenizer, *cast, config(epochs=1)).rows)
    assert runs[0] == runs[1]


def test_ctrl_c_and_resume_equal_an_uninterrupted_run(tmp_path):
    settings = config(epochs=2)
    tokenizer, whole = fresh()
    whole_run = training.fine_tune(whole, tokenizer, TRAIN, VALIDATION, settings)
    tokenizer, stopped = fresh()
    options = {"output_dir": tmp_path, "on_step": press_stop_at(4)}
    with pytest.raises(KeyboardInterrupt):
        training.fine_tune(stopped, tokenizer, TRAIN, VALIDATION, settings, **options)
    _, resumed, run = training.resume(tmp_path, TRAIN, VALIDATION)
    assert run.rows == whole_run.rows and weights_equal(whole, resumed)
    with pytest.raises(training.TrainingError, match="other rows or labels"):
        training.resume(tmp_path, TRAIN.select(range(40)), VALIDATION)


def test_a_saved_model_gives_each_label_its_probability_in_a_pipeline(tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, TRAIN, VALIDATION, config(epochs=1))
    training.save(model, tokenizer, tmp_path / "saved")
    text = VALIDATION["text"][0]
    answer = pipeline("text-classification", model=str(tmp_path / "saved"), device="cpu")
    found = {one["label"]: one["score"] for one in answer(text, top_k=None)}
    expected = expit(training.predict(model, tokenizer, [text], precision="fp32")[0])
    assert found == pytest.approx(dict(zip(NAMES, expected, strict=True)), abs=1e-5)


def test_a_model_of_several_labels_that_then_learns_classes_is_marked_as_one_of_classes(tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, TRAIN, VALIDATION, config(epochs=1))
    storage.save_model(model, tokenizer, tmp_path / "saved")
    classes = Dataset.from_dict({"text": TRAIN["text"][:9], "label": [0, 1, 2] * 3})
    tokenizer, again = checkpoints.load(str(tmp_path / "saved"), num_labels=3)
    training.fine_tune(again, tokenizer, classes, classes, config(epochs=1))
    assert again.config.problem_type is None


# ---------------------------------------------------------------- baselines


def test_baselines_of_several_labels_learn_and_choose_by_micro_f1():
    texts, labels = TRAIN["text"][:], TRAIN["label"][:]
    words = baselines.tfidf(multi_label=True).fit(texts, labels)
    features = np.random.default_rng(0).normal(size=(48, 4)) + np.pad(labels, ((0, 0), (0, 1)))
    frozen = baselines.on_features(multi_label=True).fit(features, labels)
    for fitted, read, grid in (
        (words, texts, baselines.TFIDF_GRID),
        (frozen, features, baselines.FEATURES_GRID),
    ):
        found = fitted.predict_proba(read)
        assert found.shape == (48, 3) and fitted.scoring == "f1_micro" and fitted.n_splits_ == 5
        assert len(fitted.cv_results_["params"]) == np.prod([len(dials) for dials in grid.values()])
    assert multi_label.micro_f1(labels, frozen.predict(features)) > 0.6


@pytest.mark.filterwarnings("ignore:Label not")
def test_a_label_that_an_inner_fold_lacks_stops_no_baseline():
    labels = np.array(TRAIN["label"][:])
    labels[:, 2] = 0
    labels[0, 2] = 1
    found = baselines.tfidf(multi_label=True).fit(TRAIN["text"][:], labels)
    assert np.isfinite(found.predict_proba(TRAIN["text"][:])).all()
    assert np.isfinite(found.cv_results_["mean_test_score"]).all()


# ---------------------------------------------------------------- metrics


@st.composite
def scored(draw):
    """Labels (n, C), and probabilities of which many are equal."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, width = draw(st.integers(1, 25)), draw(st.integers(1, 4))
    labels = rng.random((n, width)) < draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    steps = draw(st.sampled_from([2, 5, 1000]))
    return labels.astype(float), rng.integers(0, steps + 1, (n, width)) / steps


@many
@given(scored())
def test_figures_are_the_library_s(case):
    labels, probabilities = case
    there, found = labels.astype(int), (probabilities >= 0.5).astype(int)

    def known(function, **options):
        return function(there, found, zero_division=np.nan, **options)

    close = {"abs": 1e-12, "nan_ok": True}
    per_label = multi_label.per_label(labels, found)
    if labels.shape[1] > 1:  # of one column scikit-learn makes two classes
        for average, ours in (("micro", multi_label.micro_f1), ("macro", multi_label.macro_f1)):
            expected = known(sklearn.metrics.f1_score, average=average)
            assert ours(labels, found) == pytest.approx(expected, **close)
        for name, function in (
            ("precision", sklearn.metrics.precision_score),
            ("recall", sklearn.metrics.recall_score),
            ("F1", sklearn.metrics.f1_score),
        ):
            assert per_label[name] == pytest.approx(known(function, average=None), **close)
    expected = sklearn.metrics.accuracy_score(there, found)
    assert multi_label.exact_matches(labels, found).mean() == pytest.approx(expected)


@many
@given(scored())
def test_no_threshold_is_better_and_none_as_good_is_nearer_to_one_half(case):
    labels, probabilities = case
    thresholds = multi_label.best_thresholds(labels, probabilities)
    for there, p, found in zip(labels.T == 1, probabilities.T, thresholds, strict=True):
        if not there.any():
            assert found == 0.5
            continue

        def f1(threshold, there=there, p=p):
            matrix = metrics.confusion_matrix(there, p >= threshold, 2)
            return metrics.f1(matrix)[1]

        values = np.unique(p)
        between = (np.append(0, values[:-1]) + values) / 2
        best = np.nanmax([f1(value) for value in [*values, *between, 0.5]])
        assert f1(found) == pytest.approx(best)
        as_good = [t for t in [*between, 0.5] if f1(t) >= best - 1e-12]
        assert abs(found - 0.5) <= min(abs(t - 0.5) for t in as_good) + 1e-12


def test_a_threshold_stands_between_the_probabilities_that_it_parts():
    labels = np.array([[1, 0], [1, 0], [0, 0]])
    probabilities = np.array([[0.4, 0.9], [0.3, 0.8], [0.1, 0.7]])
    assert multi_label.best_thresholds(labels, probabilities) == pytest.approx([0.2, 0.5])
    close = np.nextafter(0.3, 1)
    found = multi_label.best_thresholds([[0], [1]], [[0.3], [close]])
    assert 0.3 < found[0] <= close


@pytest.mark.parametrize(
    ("labels", "probabilities", "said"),
    [
        ([[1, 0]], [[0.1, 0.2, 0.3]], r"shape \(1, 2\), the probabilities \(1, 3\)"),
        ([[1, 2]], [[0.1, 0.2]], "other numbers than 0 and 1"),
        ([[1, 0]], [[-1.0, 3.0]], "leave 0 … 1. Apply scipy.special.expit"),
        ([[1, 0]], [[0.1, float("nan")]], "row 0 of the probabilities is NaN"),
    ],
)
def test_thresholds_of_values_that_cannot_be_scored_are_refused(labels, probabilities, said):
    with pytest.raises(metrics.MetricError, match=said):
        multi_label.best_thresholds(labels, probabilities)


def test_a_resample_of_rows_is_scored_as_they_are_alone():
    labels, found = torch.rand(7, 3, generator=torch.manual_seed(0)).numpy() > 0.5, None
    found = np.roll(labels, 1, axis=0)
    drawn = np.random.default_rng(0).integers(0, 7, (4, 7))
    for metric in (multi_label.micro_f1, multi_label.macro_f1):
        together = metric(labels[drawn], found[drawn])
        assert together == pytest.approx([metric(labels[d], found[d]) for d in drawn])


# ---------------------------------------------------------------- the report


def mine(n=24, names=NAMES, pairs=False):
    """Own data as the loader gives them, of texts that hold their labels."""
    parts = {}
    for place, part in enumerate(("train", "validation", "test")):
        labels = [EVERY[(i + place) % 8] for i in range(n)]
        part_rows = rows(labels).add_column("row", list(range(2, n + 2)))
        if pairs:
            part_rows = part_rows.add_column("text_pair", [f"second of {i}" for i in range(n)])
        parts[part] = part_rows
    dropped = pd.DataFrame(columns=["row", "reason", "text"])
    data = DatasetDict(parts)
    return own_data.OwnData("mine.csv", 3 * n, data, names, dropped, [], multi_label=True)


def result(wrong=3, **changes):
    """A model that is wrong on so many test texts, and a rival wrong on twice as many."""
    data = changes.pop("mine", None) or mine()
    labels = np.array(data.datasets["test"]["label"][:])
    good, rival = (np.where(labels > 0, 2.0, -2.0) for _ in range(2))
    good[:wrong, 0] *= -1
    good[1] *= 2  # the surest
    rival[: 4 * wrong, 1] *= -1
    run = training.TrainingRun(
        training.TrainingConfig(epochs=1), 1, rows=[{"epoch": 1, "accuracy": 0.5}]
    )
    outputs = {"fine-tuned": good, "TF-IDF": rival}
    return report.Result(data, run, outputs, date="2026-01-02", **changes)


def test_the_scores_are_the_library_s_and_inside_their_intervals():
    found = result()
    table = report.scores(found)
    for name, outputs in found.outputs.items():
        row, given = table.loc[name], outputs >= 0
        for average in ("micro", "macro"):
            expected = sklearn.metrics.f1_score(found.labels, given, average=average)
            assert row[f"{average} F1"] == pytest.approx(expected)
        exact = sklearn.metrics.accuracy_score(found.labels, given)
        assert row["exact match"] == pytest.approx(exact)
        ends = metrics.wilson((found.labels == given).all(axis=1).sum(), len(given))
        assert (row["exact match low"], row["exact match high"]) == pytest.approx(ends)
        for figure in ("micro F1", "macro F1"):
            assert row[f"{figure} low"] < row[figure] < row[f"{figure} high"]


def test_labels_have_rows_of_their_own_with_their_thresholds():
    table = report.per_class(result(thresholds=np.array([0.5, 0.9, 0.5])))
    assert table.index.tolist() == NAMES and table["threshold"].tolist() == [0.5, 0.9, 0.5]
    # 0.9 is above the probability of all but the surest text
    assert table["recall"]["funny"] < 0.2 and table["recall"]["long"] == 1
    assert table["train"].tolist() == [12, 12, 12] and table["test"].tolist() == [12, 12, 12]
    assert (table["recall low"] <= table["recall"]).all()
    known = multi_label.per_label(result().labels, result().outputs["fine-tuned"] >= 0)
    for name, figures in known.items():
        assert report.per_class(result())[name].to_numpy() == pytest.approx(figures)


def test_thresholds_are_of_the_first_model_or_of_those_that_are_named():
    high = np.full(3, 0.99)
    first = result(thresholds=high)
    assert not first.given("fine-tuned").any() and first.given("TF-IDF").any()
    rival = result(thresholds={"TF-IDF": high})
    assert rival.given("fine-tuned").any() and not rival.given("TF-IDF").any()
    said = "if its probability is at least 0.5; for TF-IDF, at least the threshold of that label."
    assert said in report.page(rival)


@pytest.mark.parametrize(
    ("thresholds", "said"),
    [
        (np.zeros(2), r"have shape \(2,\), but there are 3 labels"),
        ({"tfidf": np.zeros(3)}, "thresholds of 'tfidf', but the models are: fine-tuned, TF-IDF"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(thresholds, said):
    with pytest.raises(ValueError, match=said):
        result(thresholds=thresholds)


def test_probabilities_are_not_taken_for_log_odds():
    found = result()
    with pytest.raises(ValueError, match=r"'TF-IDF' are all within 0 … 1.*scipy\.special\.logit"):
        replace(found, outputs=found.outputs | {"TF-IDF": expit(found.outputs["TF-IDF"])})
    replace(found, outputs=found.outputs | {"TF-IDF": np.zeros((24, 3))})


def test_the_gain_is_the_difference_of_micro_f1_on_the_same_texts():
    found = result()
    table, scores = report.differences(found), report.scores(found)["micro F1"]
    gain = table.loc["TF-IDF", "gain"]
    assert gain == pytest.approx(100 * (scores["fine-tuned"] - scores["TF-IDF"]))
    assert table.loc["TF-IDF", "gain low"] < gain < table.loc["TF-IDF", "gain high"]
    said = report.comparison(found)
    assert said.startswith("fine-tuned is ahead of TF-IDF: +") and "points of micro F1" in said
    same = replace(found, outputs=dict.fromkeys(("a", "b"), found.outputs["fine-tuned"]))
    assert report.comparison(same) == "On these 24 texts a and b do equally well."


def test_few_texts_with_labels_still_have_a_paired_interval():
    """On some resamples no label is there: then nobody is ahead."""
    labels = [[0.0, 0.0, 0.0]] * 10 + [[1.0, 0.0, 0.0]] * 2
    bare = mine(12)
    bare.datasets["test"] = rows(labels).add_column("row", list(range(12)))
    found = result(wrong=0, mine=bare)
    other = found.outputs["fine-tuned"].copy()
    other[-1] = -2.0
    table = report.differences(
        replace(found, outputs={"a": found.outputs["fine-tuned"], "b": other})
    )
    assert np.isfinite(table.loc["b"].to_numpy(float)).all() and table.loc["b", "gain"] > 0


def test_errors_say_what_is_missing_and_what_is_superfluous():
    found = report.errors(result())
    assert len(found) == 3 and found["probability"].is_monotonic_decreasing
    data = result()
    for _, row in found.iterrows():
        place = row["row"] - 2
        assert row["text"] == data.mine.datasets["test"]["text"][place]
        there = bool(data.labels[place, 0])
        assert (row["missing"], row["superfluous"]) == (("warm", "–") if there else ("–", "warm"))
        assert row["label"] != row["prediction"]
    assert found["row"][0] == 3 and found["probability"][0] == pytest.approx(expit(4.0))


def test_the_words_of_the_picture_name_the_weakest_label():
    labels = np.array([[1, 0, 1], [1, 1, 0], [0, 1, 1]]) == 1
    given = np.array([[1, 1, 0], [1, 1, 0], [0, 1, 0]]) == 1
    assert several.mistakes_in_words(labels, given, NAMES) == (
        "2 of 3 test texts are wrong: they lack a label, or have one too many. F1 is lowest for "
        "long; most often missing is long (2 times); most often superfluous is funny (once)."
    )
    assert "none is wrong" in several.mistakes_in_words(labels, labels, NAMES)
    nothing = np.zeros((2, 3), bool)
    assert "none is wrong" in several.mistakes_in_words(nothing, nothing, NAMES)


def test_a_test_part_without_any_label_still_makes_a_page():
    bare = mine()
    bare.datasets["test"] = rows([[0.0, 0.0, 0.0]] * 24).add_column("row", list(range(24)))
    assert "none is wrong" in report.page(result(wrong=0, mine=bare))


def test_page_and_card_of_several_labels():
    found = result(thresholds=np.array([0.5, 0.25, 0.5]))
    page = report.page(found)
    for words in ("micro F1", "exact match", "missing", "superfluous", "0.250", "points of micro"):
        assert words in page
    card = report.model_card(found, "m")
    head = yaml.safe_load(card.split("---\n")[1])
    row = report.scores(found).iloc[0]
    figures = head["model-index"][0]["results"][0]["metrics"]
    assert {figure["name"]: figure["value"] for figure in figures} == {
        name: round(row[name], 4) for name in ("micro F1", "macro F1", "exact match")
    }
    assert head["metrics"] == ["f1", "exact_match"]
    assert "any of 3 labels, or none: warm, funny, long" in card
    assert '("a text", truncation=True, top_k=None)' in card and "| threshold |" in card
    assert "top_k" not in report.model_card(of_classes(), "m")


def of_classes():
    """A result of classes, as `test_report` has it."""
    classes = {
        part: Dataset.from_dict({"text": ["a", "b"], "label": [0, 1], "row": [2, 3]})
        for part in ("train", "validation", "test")
    }
    data = replace(mine(), datasets=DatasetDict(classes), names=["n", "y"], multi_label=False)
    return report.Result(data, result().run, {"fine-tuned": np.eye(2), "dummy": np.zeros((2, 2))})


def run_example(card, folder):
    """What the program in a card gives for this folder."""
    program = card.split("```python\n")[1].split("```")[0]
    names = {}
    exec(program.replace("this folder", str(folder)), names)
    return names["answer"]


def test_a_saved_model_keeps_its_thresholds_and_the_card_s_example_runs(tmp_path):
    found = result(thresholds=np.array([0.5, 0.25, 0.5]))
    tokenizer, model = fresh()
    report.save_model(found, model, tokenizer, tmp_path / "model")
    _, loaded = training.load(tmp_path / "model")
    assert checkpoints.remembered(loaded)["thresholds"] == [0.5, 0.25, 0.5]
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf8")
    answered = run_example(card, tmp_path / "model")
    expected = expit(training.predict(model, tokenizer, ["a text"], precision="fp32")[0])
    answer = {one["label"]: one["score"] for one in answered}
    assert answer == pytest.approx(dict(zip(NAMES, expected, strict=True)), abs=1e-5)


def test_a_report_of_pairs_shows_both_texts(tmp_path):
    found = result(mine=mine(pairs=True))
    assert report.errors(found).columns.tolist()[:3] == ["row", "text", "text_pair"]
    assert "second of 1" in report.page(found)
    tokenizer, model = fresh()
    report.save_model(found, model, tokenizer, tmp_path / "model")
    card = (tmp_path / "model" / "README.md").read_text(encoding="utf8")
    assert "Takes two texts, gives any of 3 labels" in card
    answered = run_example(card, tmp_path / "model")
    [expected] = training.predict(model, tokenizer, [("a text", "the other")], precision="fp32")
    answer = {one["label"]: one["score"] for one in answered}
    assert answer == pytest.approx(dict(zip(NAMES, expit(expected), strict=True)), abs=1e-5)


def test_rare_labels_share_a_threshold_that_their_few_texts_cannot_overfit():
    """Of a label with two texts, the best threshold would be that of the luckier one."""
    labels = np.zeros((8, 3))
    labels[:5, 0], labels[0, 1], labels[1, 2] = 1, 1, 1
    probabilities = np.full((8, 3), 0.1)
    probabilities[:5, 0] = 0.9
    probabilities[0, 1], probabilities[1, 2], probabilities[2, 2] = 0.8, 0.05, 0.6
    alone = multi_label.best_thresholds(labels, probabilities)
    assert alone[2] < 0.1  # it gives the label to every text
    shared = multi_label.best_thresholds(labels, probabilities, least=2)
    assert shared[0] == alone[0] and shared[1] == shared[2]
    rare = labels[:, 1:].ravel() == 1, probabilities[:, 1:].ravel()
    assert shared[1] == multi_label.best_threshold(*rare) > 0.6
