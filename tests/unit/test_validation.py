"""Folds, cross-validation that survives a kill, and paired comparisons held to their laws."""

import json
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
import warnings

import numpy as np
import pandas as pd
import pytest
import sklearn
import torch
from datasets import Dataset
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, cross_val_predict
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
    try:
        fold = validation.folds(labels, texts, k, seed)
    except validation.ValidationError as error:  # too large for so many folds
        assert "would be" in str(error)
        return
    assert len(fold) == len(texts) and set(fold) == set(range(k))
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


@given(
    films=st.lists(st.integers(0, 25), min_size=40, max_size=120), k=st.integers(2, 4), seed=SEEDS
)
def test_rows_of_one_group_and_equal_texts_share_a_fold(films, k, seed):
    films = np.array(films)
    labels = np.random.default_rng(seed).permutation(np.arange(len(films)) % 2)
    texts = [f"Text {i % 37}!" if i % 3 else f"text {i % 37}" for i in range(len(films))]
    try:
        fold = validation.folds(labels, texts, k, seed, groups=films)
    except validation.ValidationError as error:
        assert "Take" in str(error)
        return
    assert set(fold) == set(range(k))
    for film in set(films.tolist()):
        assert len(set(fold[films == film])) == 1
    for number in set(range(37)) & set(range(len(films))):
        assert len({fold[i] for i in range(number, len(films), 37)}) == 1
    for number in range(k):
        assert set(labels[fold != number]) == {0, 1}


def test_groups_keep_their_classes_in_proportion():
    films = np.repeat(np.arange(100), 6)
    labels = np.random.default_rng(0).integers(2, size=100)[films]
    fold = validation.folds(labels, k=5, groups=[f"film {film}" for film in films])
    counts = np.array([np.bincount(labels[fold == number]) for number in range(5)])
    assert np.ptp(counts, axis=0).max() <= 6
    assert (fold != validation.folds(labels, k=5, seed=1, groups=films)).any()


def test_groups_are_dealt_the_same_way_by_every_version_of_scikit_learn():
    """By itself 1.6 puts all three of class 0 into one fold."""
    texts = ["dull .", "a joy", "flat", "fun", "Dull!", "good"]
    assert validation.folds([0, 1, 0, 1, 0, 1], texts, k=2).tolist() == [0, 1, 1, 0, 0, 1]


@pytest.mark.skipif(sklearn.__version__.startswith("1.6."), reason="it deals them wrongly there")
@given(
    rows=st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), min_size=30, max_size=60),
    k=st.integers(2, 4),
    seed=SEEDS,
)
def test_shuffled_groups_are_dealt_as_the_library_deals_them(rows, k, seed):
    labels, groups = np.array(rows).T
    together = np.unique(groups, return_inverse=True)[1]
    assume(together.max() + 1 >= k and np.bincount(labels).max() >= k)
    ours = StratifiedGroupKFold(k).split(labels, labels, validation.shuffled(together, seed))
    theirs = StratifiedGroupKFold(k, shuffle=True, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class that is smaller than k
        pairs = list(zip(ours, theirs.split(labels, labels, together), strict=True))
    assert len(pairs) == k
    for (_, own), (_, expected) in pairs:
        assert own.tolist() == expected.tolist()


def test_a_text_ties_two_groups_together():
    texts = ["a joy", "one", "A joy!", "two", "three", "four", "five", "six"]
    films = ["up", "up", "jaws", "jaws", "heat", "heat", "big", "big"]
    found = validation.tied(8, texts, films)
    assert found.tolist() == [0, 0, 0, 0, 1, 1, 2, 2]
    assert validation.tied(8, groups=films).tolist() == [0, 0, 1, 1, 2, 2, 3, 3]
    assert validation.tied(3).tolist() == [0, 1, 2]


def test_a_group_may_be_a_pair_of_values():
    pairs = [("up", 1), ("up", 2), ("up", 1), ("jaws", 1)]
    assert validation.tied(4, groups=pairs).tolist() == [0, 1, 0, 2]


def test_groups_of_one_row_each_change_nothing(reviews):
    labels, texts = reviews["label"][:], reviews["text"][:]
    alone = validation.folds(labels, texts, groups=range(len(labels)))
    assert (alone == validation.folds(labels, texts)).all()


@pytest.mark.parametrize(
    ("labels", "groups", "said"),
    [
        ([0, 1, 0, 1], ["a", "b", "c"], "4 labels, but 3 groups"),
        ([0, 1, 0, 1], ["a", None, "c", float("nan")], r"2 row\(s\) have no group.* row 1 "),
        ([0, 0, 0, 1, 1, 1], [*"abcddd"], r"class 1 has 1 group\(s\)"),
        ([0, 1, 0, 1], ["a", ["b"], "a", "b"], r"row 1 .* is a list\. Give each row one"),
        ([0, 1, 0, 1], np.eye(4), r"row 0 .* is a ndarray"),
    ],
)
def test_groups_that_cannot_be_dealt_say_why(labels, groups, said):
    with pytest.raises(validation.ValidationError, match=said):
        validation.folds(labels, k=2, groups=groups)


@pytest.mark.parametrize(
    ("fold", "said"),
    [([0, 0, 1, 1], "all rows of class 0 would be in fold 0"), ([0, 2, 0, 2], "fold 1 of 3 would")],
)
def test_folds_from_which_nobody_could_learn_are_refused(fold, said):
    with pytest.raises(validation.ValidationError, match=said):
        validation.check_folds(np.array([0, 0, 1, 1]), np.array(fold), max(fold) + 1)


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


@pytest.mark.parametrize("by_name", [True, False])
def test_no_group_is_learned_from_and_scored_in_the_same_fold(reviews, by_name):
    """A model that knows its groups by heart is right only where they stand on both sides."""
    films = np.random.default_rng(0).integers(60, size=len(reviews))
    of_film = np.random.default_rng(1).integers(2, size=60)
    texts = [f"review {i} of film{film:02}" for i, film in enumerate(films)]
    columns = {"text": texts, "label": of_film[films].tolist(), "film": films.tolist()}
    data = Dataset.from_dict(columns)
    groups = "film" if by_name else films
    seen = []

    def by_heart(train, texts, seed, folder):
        known = {
            text[-6:]: label for text, label in zip(train["text"], train["label"], strict=True)
        }
        seen.extend(text[-6:] in known for text in texts)
        return np.array([[0, 2 * known.get(text[-6:], 0) - 1] for text in texts])

    torn = validation.cross_validate(data, by_heart).hits().mean()
    assert torn == 1 and np.mean(seen) > 0.95
    seen.clear()
    assert validation.cross_validate(data, by_heart, groups=groups).hits().mean() < 0.65
    assert len(seen) == 300 and not any(seen)


def test_a_column_of_groups_that_is_not_there(reviews):
    with pytest.raises(validation.ValidationError, match=r'groups="film".* only text, label'):
        validation.cross_validate(reviews, validation.Estimator(WORDS), groups="film")


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
        ({"groups": np.arange(300) // 2}, "groups"),
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


def test_the_two_way_interval_adds_the_chance_of_draws_and_of_examples():
    """By hand, for two draws and two examples; the last line has t of one degree of freedom."""
    differences = np.array([[1.0, 0.0], [3.0, 4.0]])
    mean, low, high = validation.two_way_interval(differences)
    error = math.sqrt(4.5 / 2 + 0.0 / 2)  # draws 0.5 and 3.5; examples 2 and 2
    assert math.isclose(mean, 2)
    assert math.isclose(high - mean, stats.t.ppf(0.975, 1) * error)
    assert math.isclose(mean - low, high - mean)


def test_the_two_way_interval_leaves_out_what_was_not_scored():
    differences = np.array([[1.0, 0.0, np.nan], [3.0, np.nan, np.nan], [0.0, 2.0, np.nan]])
    mean, low, high = validation.two_way_interval(differences)
    by_draw, by_example = np.array([0.5, 3.0, 1.0]), np.array([4 / 3, 1.0])
    error = math.sqrt(by_draw.var(ddof=1) / 3 + by_example.var(ddof=1) / 2)
    assert math.isclose(mean, 1.5) and math.isclose(high - low, 2 * stats.t.ppf(0.975, 2) * error)


def test_the_two_way_interval_keeps_its_promise_where_the_plain_t_does_not():
    """Two equal models, five draws scored on the same 400 examples."""
    rng, held = np.random.default_rng(0), []
    for _ in range(400):
        examples, draws = 0.3 * rng.normal(size=400), 0.01 * rng.normal(size=(5, 1))
        found = draws + examples + 0.4 * rng.normal(size=(5, 400))
        plain = validation.corrected_t(found.mean(axis=1), 0)[:2]
        ends = (validation.two_way_interval(found)[1:], plain)
        held.append([low < 0 < high for low, high in ends])
    two_way, plain = np.mean(held, axis=0)
    assert two_way >= 0.95 and plain < 0.9


@pytest.mark.parametrize("spread_of_draws", [0.0, 0.1, 0.5])
def test_with_three_draws_the_two_way_interval_is_neither_too_narrow_nor_twice_too_wide(
    spread_of_draws,
):
    """Two equal models, three draws scored on the same 105 examples; mostly examples, or draws."""
    rng, held, widths = np.random.default_rng(1), [], []
    for _ in range(600):
        draws, examples = spread_of_draws * rng.normal(size=(3, 1)), rng.normal(size=(1, 105))
        found = draws + examples + 0.5 * rng.normal(size=(3, 105))
        few = validation.two_way_interval(found, few_draws=True)
        plain = validation.two_way_interval(found)
        held.append([low < 0 < high for _, low, high in (few, plain)])
        widths.append([high - low for _, low, high in (few, plain)])
    few, plain = np.mean(held, axis=0)
    assert 0.91 < few < 0.985 < plain
    ratio = np.mean(widths, axis=0)[1] / np.mean(widths, axis=0)[0]
    assert ratio > (1.9 if spread_of_draws == 0 else 1.1)


def test_satterthwaite_s_degrees_of_freedom_by_hand():
    """Variances of the means 4.5 / 2 and 0.5 / 2: 2.5² / (2.25² / 1 + 0.25² / 1) degrees."""
    differences = np.array([[1.0, 0.0], [4.0, 3.0]])  # draws 0.5 and 3.5; examples 2.5 and 1.5
    mean, _, high = validation.two_way_interval(differences, few_draws=True)
    degrees = 2.5**2 / (2.25**2 + 0.25**2)
    assert math.isclose(high - mean, stats.t.ppf(0.975, degrees) * math.sqrt(2.5))


@pytest.mark.parametrize("shape", [(5,), (1, 9), (9, 1)])
def test_the_two_way_interval_needs_draws_and_examples(shape):
    with pytest.raises(validation.ValidationError, match="at least two of both"):
        validation.two_way_interval(np.zeros(shape))


def test_the_two_way_interval_is_the_one_that_notebook_07_writes():
    path = downloads.ROOT / "notebooks" / "07_news_case_study.ipynb"
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells)
    source = next(text for text in sources if "def two_way_interval" in text)
    names: dict = {"np": np, "stats": stats}
    exec(source, names)
    rng = np.random.default_rng(0)
    differences = rng.integers(-1, 2, (5, 60)).astype(float)
    differences[1:, rng.random(60) < 0.2] = np.nan  # every example is scored in some draw
    for confidence in (0.95, 0.999):
        ours = validation.two_way_interval(differences, confidence)
        assert np.allclose(ours, names["two_way_interval"](differences, confidence))


def test_the_two_way_interval_refuses_draws_and_examples_of_which_nothing_is_known():
    one_example = [[1.0, np.nan, np.nan], [0.0, np.nan, np.nan]]
    empty_draw = [[np.nan] * 3, [1.0, 0.0, 1.0], [0.0, 0.0, 1.0]]
    for differences in (one_example, empty_draw):
        with pytest.raises(validation.ValidationError, match="not all NaN"):
            validation.two_way_interval(np.array(differences))
