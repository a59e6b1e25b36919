"""Folds, cross-validation that survives a kill, and paired comparisons held to their laws."""

import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline

from helpers import corpora, downloads, metrics, training, validation

WORDS = make_pipeline(TfidfVectorizer(), LogisticRegression())
SEEDS = st.integers(0, 2**32 - 1)


@pytest.fixture(scope="module")
def reviews():
    return corpora.load("reviews")["train"].select(range(300))


# ---------------------------------------------------------------- folds


@given(sizes=st.lists(st.integers(2, 40), min_size=2, max_size=4), k=st.integers(2, 6), seed=SEEDS)
def test_folds_hold_out_every_example_once_and_give_each_class_its_share(sizes, k, seed):
    labels = np.random.default_rng(seed).permutation(np.repeat(range(len(sizes)), sizes))
    if k > min(sizes):
        with pytest.raises(validation.ValidationError, match="smaller k"):
            validation.folds(labels, k=k, seed=seed)
        return
    fold = validation.folds(labels, k=k, seed=seed)
    assert sorted(set(fold)) == list(range(k))
    for label in set(labels):
        counts = np.bincount(fold[labels == label], minlength=k)
        assert counts.max() - counts.min() <= 1


@given(
    numbers=st.lists(st.integers(0, 60), min_size=30, max_size=120), k=st.integers(2, 5), seed=SEEDS
)
def test_texts_that_are_equal_to_a_reader_share_a_fold(numbers, k, seed):
    texts = [f"A film,  no {n}!" if i % 2 else f"a film no. {n}" for i, n in enumerate(numbers)]
    labels = np.array(numbers) % 2
    different = min((len(set(np.array(numbers)[labels == c])) for c in (0, 1)), default=0)
    if k > different:
        with pytest.raises(validation.ValidationError):
            validation.folds(labels, texts, k, seed)
        return
    fold = validation.folds(labels, texts, k, seed)
    assert len(fold) == len(texts) and set(fold) <= set(range(k))
    for number in set(numbers):
        assert len(set(fold[np.array(numbers) == number])) == 1


@pytest.mark.parametrize("seed", range(3))
def test_without_equal_texts_the_folds_are_scikit_learn_s(reviews, seed):
    labels = reviews["label"][:]
    fold = validation.folds(labels, reviews["text"], 5, seed)
    splitter = StratifiedKFold(5, shuffle=True, random_state=seed)
    for number, (_, held_out) in enumerate(splitter.split(labels, labels)):
        assert np.flatnonzero(fold == number).tolist() == held_out.tolist()


@pytest.mark.parametrize(
    ("labels", "texts", "k", "said"),
    [
        ([0, 1, 0, 1], None, 1, "at least 2"),
        ([0, 0, 0], None, 2, "at least two classes"),
        ([0, 0, 0, 1], None, 2, "class 1 has 1 different"),
        ([0, 0, 1, 1], ["a", "b", "c", "C!"], 2, "class 1 has 1 different"),
        ([0, 0, 1, 1], ["a", "b", "c"], 2, "4 labels, but 3 texts"),
    ],
)
def test_folds_that_cannot_be_made_say_why(labels, texts, k, said):
    with pytest.raises(validation.ValidationError, match=said):
        validation.folds(labels, texts, k)


def test_labels_that_are_no_classes_are_refused():
    with pytest.raises(metrics.MetricError, match="NaN"):
        validation.folds([0, 1, float("nan"), 1])


# ---------------------------------------------------------------- cross-validation


def test_out_of_fold_scores_are_scikit_learn_s(reviews):
    result = validation.cross_validate(reviews, validation.Estimator(WORDS), seeds=(0, 1))
    splitter = StratifiedKFold(5, shuffle=True, random_state=0)
    expected = cross_val_predict(
        WORDS, reviews["text"][:], reviews["label"][:], cv=splitter, method="predict_log_proba"
    )
    assert np.allclose(result.scores[0], expected)
    assert list(result.table[["fold", "seed"]].itertuples(index=False, name=None)) == [
        (fold, seed) for seed in (0, 1) for fold in range(5)
    ]
    means = np.average(result.table["accuracy"][:5], weights=result.table["n"][:5])
    assert means == pytest.approx(result.hits(0).mean())
    assert (result.table["n"] + result.table["n_train"] == 300).all()


def test_a_model_is_handed_texts_of_the_held_out_fold_and_no_labels(reviews):
    seen = []

    def spy(train, texts, seed, folder):
        assert not set(texts) & set(train["text"])
        seen.extend(texts)
        return np.zeros((len(texts), 2))

    validation.cross_validate(reviews, spy)
    assert sorted(seen) == sorted(reviews["text"])


def test_a_dummy_is_seen_in_the_table(reviews):
    result = validation.cross_validate(reviews, validation.Estimator(DummyClassifier()))
    assert (result.table["largest_share"] == 1).all()
    assert result.table["loss"].between(0.68, 0.70).all()


@pytest.mark.parametrize("bad", [np.zeros((3, 2)), np.full((60, 2), np.nan), np.zeros((60, 3))])
def test_scores_that_cannot_be_scored_are_refused(reviews, bad):
    with pytest.raises(validation.ValidationError, match="fold 0, seed 0: fit_predict gave shape"):
        validation.cross_validate(reviews, lambda *_: bad)


def test_finished_folds_are_read_and_a_folder_of_another_run_is_refused(
    reviews, tmp_path, monkeypatch
):
    estimator = validation.Estimator(WORDS)
    first = validation.cross_validate(reviews, estimator, output_dir=tmp_path)
    monkeypatch.setattr(validation.Estimator, "__call__", None)  # nothing is left to fit
    again = validation.cross_validate(reviews, estimator, output_dir=tmp_path)
    pd.testing.assert_frame_equal(first.table, again.table)
    for changed, word in (
        ({"dataset": reviews.select(range(200))}, "data"),
        ({"k": 4}, "k"),
        ({"fold_seed": 1}, "fold_seed"),
        ({"fit_predict": validation.Estimator(DummyClassifier())}, "fit_predict"),
    ):
        arguments = {"dataset": reviews, "fit_predict": estimator} | changed
        with pytest.raises(validation.ValidationError, match=f"with a different {word}"):
            validation.cross_validate(**arguments, output_dir=tmp_path)


def test_the_epoch_is_chosen_inside_the_training_folds(reviews, monkeypatch):
    sizes = []

    def spy(model, tokenizer, train, watch, config, output_dir):
        sizes.append((len(train), len(watch), set(train["text"]) & set(watch["text"])))

    monkeypatch.setattr(training, "fine_tune", spy)
    for metric in ("epoch", "accuracy"):
        config = training.TrainingConfig(best_metric=metric)
        model = validation.FineTuned(config, options={"num_hidden_layers": 1})
        model(reviews.select(range(100)), ["one text"], 0, None)
    assert sizes[0][:2] == (100, 64)
    assert sum(sizes[1][:2]) == 100 and 9 <= sizes[1][1] <= 11 and not sizes[1][2]


def test_the_last_epoch_stays_where_epoch_is_the_metric():
    run = training.TrainingRun(validation.LAST_OF_TWO_EPOCHS, epoch=2)
    run.rows = [{"epoch": 1, "accuracy": 0.9}, {"epoch": 2, "accuracy": 0.1}]
    assert run.best_epoch == 2 and run.finished


def where_and_how(train, texts, seed, folder):
    """Scores that say in which process and with how many threads they were made."""
    time.sleep(0.2)
    return np.tile([os.getpid(), torch.get_num_threads()], (len(texts), 1))


@pytest.mark.parametrize(("threads", "share"), [(4, 2), (1, 1)])
def test_folds_in_two_processes_have_half_of_the_threads_each(reviews, threads, share):
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        two = validation.cross_validate(reviews, where_and_how, seeds=(0, 1), processes=2)
        one = validation.cross_validate(reviews, where_and_how, k=2)
    finally:
        torch.set_num_threads(before)
    places, counts = np.concatenate(list(two.scores.values())).T
    assert len(set(places)) == 2 and os.getpid() not in places
    assert set(counts) == {share}
    assert set(one.scores[0].ravel()) == {os.getpid(), threads}


def test_folds_in_two_processes_are_those_of_one_bit_for_bit(reviews, tmp_path):
    """fp32, one thread each, no tolerance; an unknown function is sent along by its code."""
    config = training.TrainingConfig(epochs=1, best_metric="epoch", precision="fp32")
    small = validation.FineTuned(config, options={"num_hidden_layers": 1, "pretrained": False})
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        for model in (small, lambda train, texts, seed, _: np.full((len(texts), 2), seed / 3)):
            arguments = {"dataset": reviews.select(range(96)), "fit_predict": model, "k": 3}
            one = validation.cross_validate(**arguments, seeds=(0, 1))
            two = validation.cross_validate(**arguments, seeds=(0, 1), processes=2)
            pd.testing.assert_frame_equal(one.table, two.table, check_exact=True)
            for seed in (0, 1):
                assert (one.scores[seed] == two.scores[seed]).all()
    finally:
        torch.set_num_threads(before)


def press_ctrl_c(train, texts, seed, folder):
    """In the fourth fold somebody stops the whole; the fifth would last longer than the test."""
    place = folder.parent
    (place / f"began-{folder.name}").touch()
    if folder.name == "seed-0-fold-3-training" and (place / "stop").exists():
        (place / "stop").unlink()
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(600)
    return np.zeros((len(texts), 2))


def validate_in_two() -> None:
    """What a reader's own program does; the folder is the argument."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    data = corpora.load("reviews")["train"].select(range(300))
    validation.cross_validate(data, press_ctrl_c, output_dir=sys.argv[1], processes=2)


def test_ctrl_c_stops_all_processes_and_finished_folds_stay(reviews, tmp_path):
    (tmp_path / "stop").touch()
    code = "from tests.unit import test_validation as t; t.validate_in_two()"
    command = [sys.executable, "-c", code, str(tmp_path)]
    first = subprocess.run(command, cwd=downloads.ROOT, stderr=subprocess.PIPE, text=True)
    assert first.returncode != 0 and "KeyboardInterrupt" in first.stderr
    finished = {path.name for path in tmp_path.glob("seed-0-fold-?")}
    assert len(finished) >= 2 and "seed-0-fold-3" not in finished
    for path in tmp_path.glob("began-*"):
        path.unlink()
    validation.cross_validate(reviews, press_ctrl_c, output_dir=tmp_path)
    again = {path.name.removeprefix("began-") for path in tmp_path.glob("began-*")}
    assert again == {f"seed-0-fold-{n}-training" for n in range(5)} - {
        f"{name}-training" for name in finished
    }


PROGRAM = """
    import sys
    from helpers import corpora, training, validation

    config = training.TrainingConfig(
        epochs=3, best_metric="epoch", batch_size=8, precision="fp32"
    )
    model = validation.FineTuned(config, options={{"num_hidden_layers": 1}})
    data = corpora.load("reviews")["train"].select(range(90))
    result = validation.cross_validate(data, model, k=3, output_dir=sys.argv[1])
    print(result.table.to_json(double_precision=15))
"""


@pytest.mark.slow
def test_a_kill_in_the_second_fold_changes_nothing(tmp_path):
    program = textwrap.dedent(PROGRAM.format())
    command = [sys.executable, "-c", program]
    quiet = {"stderr": subprocess.DEVNULL, "text": True, "cwd": downloads.ROOT}
    whole = subprocess.run(
        [*command, str(tmp_path / "whole")], stdout=subprocess.PIPE, check=True, **quiet
    )
    folder = tmp_path / "killed"
    process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL, **quiet)
    under_way = folder / "seed-0-fold-1-training"
    while not list(under_way.glob("step-*")) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert (folder / "seed-0-fold-0").is_dir() and not (folder / "seed-0-fold-1").exists()
    resumed = subprocess.run([*command, str(folder)], stdout=subprocess.PIPE, check=True, **quiet)
    assert resumed.stdout.splitlines()[-1] == whole.stdout.splitlines()[-1]
    assert not under_way.exists()


# ---------------------------------------------------------------- paired comparisons


@given(
    pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=300),
)
def test_mcnemar_is_a_coin_on_the_examples_that_differ(pairs):
    first, second = np.array(pairs).T
    only_first, only_second, p_value = validation.mcnemar(first, second)
    assert only_first - only_second == first.sum() - second.sum()
    n = only_first + only_second
    expected = stats.binomtest(only_first, n).pvalue if n else 1
    assert p_value == pytest.approx(expected)
    assert validation.mcnemar(second, first)[2] == pytest.approx(p_value)


def test_mcnemar_keeps_its_promise_where_the_models_are_equally_good():
    rng = np.random.default_rng(0)
    p_values = [validation.mcnemar(*(rng.random((2, 200)) < 0.8))[2] for _ in range(1000)]
    assert np.mean(np.array(p_values) < 0.05) < 0.06  # exact tests stay below 5 %


@pytest.mark.parametrize("wrong", [[0, 1, 2], [0.0, float("nan"), 1], [0, 1]])
def test_hits_must_be_hits(wrong):
    for compare in (validation.mcnemar, validation.paired_bootstrap):
        with pytest.raises(metrics.MetricError):
            compare([1, 0, 1], wrong)


def test_the_paired_bootstrap_is_scipy_s_and_narrower_than_an_unpaired_one():
    rng = np.random.default_rng(0)
    first = rng.random(400) < 0.8
    second = np.where(rng.random(400) < 0.9, first, rng.random(400) < 0.5)
    low, high = validation.paired_bootstrap(first, second)
    assert low < first.mean() - second.mean() < high
    expected = stats.bootstrap(
        (first.astype(float), second.astype(float)),
        lambda a, b, axis=-1: a.mean(axis=axis) - b.mean(axis=axis),
        paired=True,
        n_resamples=2000,
        rng=0,
    ).confidence_interval
    assert (low, high) == pytest.approx(tuple(expected), abs=0.005)
    assert high - low < 2 * 1.96 * np.sqrt(2 * 0.8 * 0.2 / 400) * 0.8


def test_two_models_that_never_differ_have_no_interval():
    with pytest.raises(metrics.MetricError, match="no interval"):
        validation.paired_bootstrap([0, 1, 1], [0, 1, 1])


def test_without_a_correction_it_is_the_plain_t_test():
    differences = np.array([0.02, 0.05, -0.01, 0.03, 0.04])
    low, high, p_value = validation.corrected_t(differences, 0)
    plain = stats.ttest_1samp(differences, 0)
    assert p_value == pytest.approx(plain.pvalue)
    assert (low, high) == pytest.approx(tuple(plain.confidence_interval()))
    wider = validation.corrected_t(differences, 1 / 4)
    assert wider[1] - wider[0] == pytest.approx(1.5 * (high - low))
    assert wider[2] > p_value


@pytest.mark.parametrize(("splits", "ratio"), [(5, 1 / 4), (10, 1 / 9), (15, 1 / 4)])
def test_the_corrected_t_test_keeps_its_size_where_the_plain_one_does_not(splits, ratio):
    """Differences of equal models, correlated as Nadeau and Bengio assume: n_test / n."""
    rng, share = np.random.default_rng(0), ratio / (1 + ratio)
    common = np.sqrt(share) * rng.normal(size=(4000, 1))
    draws = common + np.sqrt(1 - share) * rng.normal(size=(4000, splits))
    corrected = [validation.corrected_t(d, ratio)[2] < 0.05 for d in draws]
    plain = [validation.corrected_t(d, 0)[2] < 0.05 for d in draws]
    assert 0.04 < np.mean(corrected) < 0.06
    assert np.mean(plain) > 1.8 * np.mean(corrected)


@pytest.mark.parametrize("differences", [[0.1], [0.1, 0.1, 0.1]])
def test_a_t_test_without_spread_is_refused(differences):
    with pytest.raises(validation.ValidationError, match="at least two"):
        validation.corrected_t(differences, 0.25)


@pytest.mark.parametrize(("difference", "discordant"), [(0.05, 0.2), (0.03, 0.15)])
def test_that_many_examples_find_the_difference_with_that_power(difference, discordant):
    n = validation.examples_needed(difference, discordant)
    rng, better = np.random.default_rng(0), (discordant + difference) / 2
    found = []
    for _ in range(2000):
        draws = rng.random(n)
        only_first, only_second = draws < better, (draws >= better) & (draws < discordant)
        b, c = only_first.sum(), only_second.sum()
        found.append(stats.norm.sf(abs(b - c) / np.sqrt(b + c)) * 2 < 0.05)
    assert 0.77 < np.mean(found) < 0.83


@pytest.mark.parametrize(
    ("difference", "discordant", "power"), [(0, 0.1, 0.8), (0.2, 0.1, 0.8), (0.01, 0.1, 1.0)]
)
def test_a_difference_that_cannot_be_is_refused(difference, discordant, power):
    with pytest.raises(validation.ValidationError):
        validation.examples_needed(difference, discordant, power)
