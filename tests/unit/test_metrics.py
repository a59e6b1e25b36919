"""`helpers.metrics` equals scikit-learn and scipy on generated cases, and says what is wrong."""

import socket
import warnings

import evaluate
import numpy as np
import pytest
import sklearn.calibration
import sklearn.metrics
import torch
from datasets import Dataset, Features, Value
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats
from transformers import Trainer, TrainingArguments

from helpers import batching, checkpoints, metrics
from helpers.metrics import MetricError
from tools.experiments import interval_coverage

# scikit-learn and scipy warn where `metrics` says NaN or raises.
pytestmark = pytest.mark.filterwarnings("ignore")

many = settings(max_examples=300)
# Few distinct values make ties; floats make hardly any.
score = st.one_of(st.integers(-3, 3).map(float), st.floats(-4, 4, width=32))
probability = st.one_of(st.integers(0, 20).map(lambda i: i / 20), st.floats(0, 1))
binary = st.lists(st.tuples(st.integers(0, 1), score), min_size=1, max_size=50)
events = st.lists(st.tuples(st.integers(0, 1), probability), min_size=1, max_size=60)
containers = st.sampled_from([list, np.array, torch.tensor, tuple])


@st.composite
def classified(draw):
    """C, labels and predictions of C classes, some of which may not occur."""
    size = draw(st.integers(2, 4))
    pairs = st.tuples(st.integers(0, size - 1), st.integers(0, size - 1))
    rows = draw(st.lists(pairs, min_size=1, max_size=40))
    return size, *map(list, zip(*rows, strict=True))


@st.composite
def scored_logits(draw):
    """Labels (n,) and logits (n, C) that are sure, better than chance and not always right."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n, size = draw(st.integers(20, 80)), draw(st.integers(2, 4))
    labels = rng.integers(0, size, n)
    logits = rng.normal(size=(n, size)) + 2 * np.eye(size)[labels]
    logits[0, labels[0]] = logits[0].min() - 1
    return labels, logits * draw(st.sampled_from([1e-3, 0.2, 1.0, 7.0, 1e3]))


def both_classes(rows):
    return len({label for label, _ in rows}) == 2


def columns(rows):
    return tuple(map(list, zip(*rows, strict=True)))


def close(found, expected, precision=1e-10):
    np.testing.assert_allclose(found, expected, rtol=0, atol=precision, equal_nan=True)


# Counts


@many
@given(classified(), containers)
def test_the_confusion_matrix_is_the_librarys(case, container):
    size, labels, predictions = case
    found = metrics.confusion_matrix(container(labels), container(predictions), size)
    known = sklearn.metrics.confusion_matrix(labels, predictions, labels=range(size))
    assert np.array_equal(found, known) and found.sum() == len(labels)
    found = metrics.confusion_matrix(labels, predictions)
    assert len(found) == max(2, *np.add(labels, 1), *np.add(predictions, 1))


@many
@given(classified())
def test_metrics_of_each_class_are_the_librarys_and_nan_where_undefined(case):
    size, labels, predictions = case
    matrix = metrics.confusion_matrix(labels, predictions, size)
    options = {"labels": range(size), "zero_division": np.nan}
    known = sklearn.metrics.precision_recall_fscore_support(labels, predictions, **options)
    for metric, expected in zip(
        (metrics.precision, metrics.recall, metrics.f1), known, strict=False
    ):
        close(metric(matrix), expected)
    for k, found in enumerate(metrics.specificity(matrix)):
        rest = np.not_equal(labels, k), np.not_equal(predictions, k)
        close(found, sklearn.metrics.recall_score(*rest, zero_division=np.nan))
    close(metrics.accuracy(matrix), sklearn.metrics.accuracy_score(labels, predictions))
    assert [sum(counts) for counts in zip(*metrics.four_counts(matrix), strict=True)] == [
        len(labels)
    ] * size


@many
@given(classified(), st.sampled_from(["macro", "weighted", "micro"]))
def test_averages_are_the_librarys_or_nan(case, how):
    size, labels, predictions = case
    matrix = metrics.confusion_matrix(labels, predictions, size)
    options = {"labels": range(size), "zero_division": np.nan, "average": how}
    known = sklearn.metrics.precision_recall_fscore_support(labels, predictions, **options)
    counted = matrix.sum(axis=1) > 0 if how == "weighted" else np.full(size, True)
    for metric, expected in zip(
        (metrics.precision, metrics.recall, metrics.f1), known, strict=False
    ):
        undefined = how != "micro" and np.isnan(metric(matrix)[counted]).any()
        # The library leaves an undefined class out of the mean, without a word.
        close(metrics.average(metric, matrix, how), np.nan if undefined else expected)


@many
@given(classified())
def test_the_laws_of_counts(case):
    size, labels, predictions = case
    matrix = metrics.confusion_matrix(labels, predictions, size)
    for metric in (metrics.precision, metrics.recall, metrics.f1):
        close(metrics.average(metric, matrix, "micro"), metrics.accuracy(matrix))
    close(metrics.precision(matrix), metrics.recall(matrix.T))
    close(metrics.f1(matrix), metrics.f1(matrix.T))
    p, r = metrics.precision(matrix), metrics.recall(matrix)
    defined = p + r > 0
    close(metrics.f1(matrix)[defined], (2 * p * r / (p + r))[defined])
    close(metrics.average(metrics.recall, matrix, "weighted"), metrics.accuracy(matrix))


@many
@given(classified())
def test_matthews_is_the_librarys_and_nan_where_that_says_0(case):
    size, labels, predictions = case
    found = metrics.matthews(metrics.confusion_matrix(labels, predictions, size))
    if len(set(labels)) == 1 or len(set(predictions)) == 1:
        assert np.isnan(found)
    else:
        close(found, sklearn.metrics.matthews_corrcoef(labels, predictions))


def test_matthews_of_many_examples_does_not_overflow():
    matrix = np.array([[4, 1], [1, 4]]) * 10**6
    close(metrics.matthews(matrix), 0.6)


# Thresholds


@many
@given(binary.filter(both_classes), containers)
def test_curves_and_areas_are_the_librarys(rows, container):
    labels, scores = columns(rows)
    given_ = container(labels), container(scores)
    known = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    for found, expected in zip(metrics.roc_curve(*given_), known, strict=True):
        close(found, expected)
    precisions, recalls, thresholds = sklearn.metrics.precision_recall_curve(labels, scores)
    known = precisions[:-1], recalls[:-1], thresholds  # the last point has no threshold
    for found, expected in zip(metrics.precision_recall_curve(*given_), known, strict=True):
        close(found, expected[::-1])
    close(metrics.auc(*given_), sklearn.metrics.roc_auc_score(labels, scores))
    known = sklearn.metrics.average_precision_score(labels, scores)
    close(metrics.average_precision(*given_), known)


@many
@given(binary.filter(both_classes))
def test_auc_is_the_chance_that_a_positive_outranks_a_negative(rows):
    labels, scores = map(np.array, columns(rows))
    gaps = np.subtract.outer(scores[labels == 1], scores[labels == 0])
    chance = ((gaps > 0) + (gaps == 0) / 2).mean()
    close(metrics.auc(labels, scores), chance)
    close(metrics.auc_by_ranks(labels, scores), chance)
    u = stats.mannwhitneyu(scores[labels == 1], scores[labels == 0]).statistic
    close(metrics.auc_by_ranks(labels, scores), u / gaps.size)


@many
@given(binary.filter(both_classes), st.randoms(use_true_random=False))
def test_the_laws_of_thresholds(rows, random):
    labels, scores = map(np.array, columns(rows))
    area, mean_precision = metrics.auc(labels, scores), metrics.average_precision(labels, scores)
    close(metrics.auc(labels, -scores), 1 - area)
    close(metrics.auc(1 - labels, scores), 1 - area)
    close(metrics.auc(labels, 8 * scores), area)
    close(metrics.auc(labels, np.zeros(len(labels))), 0.5)
    random.shuffle(rows)
    close(metrics.auc(*columns(rows)), area)
    close(metrics.average_precision(*columns(rows)), mean_precision)
    for rates in metrics.roc_curve(labels, scores)[:2]:
        assert rates[0] == 0 and rates[-1] == 1 and (np.diff(rates) >= 0).all()
    assert 0 < mean_precision <= 1


@many
@given(binary.filter(both_classes))
def test_each_point_of_the_curves_is_a_confusion_matrix(rows):
    labels, scores = map(np.array, columns(rows))
    curves = metrics.roc_curve(labels, scores), metrics.precision_recall_curve(labels, scores)
    points = zip(*(a[1:] for a in curves[0]), *curves[1], strict=True)
    for false_positives, true_positives, threshold, precision, recall, same in points:
        matrix = metrics.confusion_matrix(labels, scores >= threshold, 2)
        close(false_positives, 1 - metrics.specificity(matrix)[1])
        close([true_positives, recall], [metrics.recall(matrix)[1]] * 2)
        close(precision, metrics.precision(matrix)[1])
        assert threshold == same


# Calibration


@many
@given(events, st.integers(1, 15))
def test_the_reliability_table_is_the_librarys_curve(rows, bins):
    happened, chances = columns(rows)
    table = metrics.reliability_table(happened, chances, bins)
    shares, means = sklearn.calibration.calibration_curve(happened, chances, n_bins=bins)
    close(table["share"], shares)
    close(table["probability"], means)
    assert table["n"].sum() == len(rows) and (table["n"] > 0).all()
    error = metrics.expected_calibration_error(happened, chances, bins)
    close(error, sum(table["n"] / len(rows) * abs(shares - means)))
    assert 0 <= error <= 1


@many
@given(events, st.randoms(use_true_random=False))
def test_brier_is_the_librarys_and_order_does_not_matter(rows, random):
    happened, chances = columns(rows)
    brier = metrics.brier_score(happened, chances)
    error = metrics.expected_calibration_error(happened, chances)
    close(brier, sklearn.metrics.brier_score_loss(happened, chances, pos_label=1))
    random.shuffle(rows)
    close(metrics.brier_score(*columns(rows)), brier)
    close(metrics.expected_calibration_error(*columns(rows)), error)


@many
@given(scored_logits())
def test_cross_entropy_is_the_librarys(case):
    labels, logits = case
    known = torch.nn.functional.cross_entropy(torch.tensor(logits), torch.tensor(labels)).item()
    assert metrics.negative_log_likelihood(labels, logits) == pytest.approx(known, rel=1e-10)


@settings(max_examples=100)
@given(scored_logits())
def test_no_temperature_is_better_and_no_prediction_changes(case):
    labels, logits = case
    temperature = metrics.fit_temperature(labels, logits)
    assert np.array_equal((logits / temperature).argmax(axis=1), logits.argmax(axis=1))
    best = metrics.negative_log_likelihood(labels, logits / temperature)
    for other in (1.0, 0.99 * temperature, 1.01 * temperature, 2 * temperature):
        assert best <= metrics.negative_log_likelihood(labels, logits / other) + 1e-9
    tripled = metrics.fit_temperature(labels, 3 * logits)
    assert tripled == pytest.approx(3 * temperature, rel=1e-4)


def test_the_temperature_of_an_overconfident_model_is_found():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3))
    chances = special.softmax(logits, axis=1)
    labels = (rng.random((20_000, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    assert metrics.fit_temperature(labels, 2.5 * logits) == pytest.approx(2.5, rel=0.05)
    sure = special.softmax(2.5 * logits, axis=1)
    right = sure.argmax(axis=1) == labels
    assert metrics.expected_calibration_error(right, sure.max(axis=1)) > 0.1
    assert metrics.expected_calibration_error(right, chances.max(axis=1)) < 0.02


# Intervals


@many
@given(st.integers(0, 400), st.integers(1, 400), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_scipys(successes, n, confidence):
    successes = min(successes, n)
    known = stats.binomtest(successes, n).proportion_ci(confidence, method="wilson")
    close(metrics.wilson(successes, n, confidence), known)
    low, high = metrics.wilson(np.array([successes, n]), n, confidence)
    close([low[0], high[0]], known)


def test_75_examples_tell_little():
    close(metrics.wilson(55, 75), [0.624, 0.820], 5e-4)


def sample(n=120):
    labels, scores = interval_coverage.draw(np.random.default_rng(1), n, 0.4)
    return labels.astype(int), scores


def f1_of_class_1(labels, predictions):
    return metrics.f1(metrics.confusion_matrix(labels, predictions, 2))[1]


def test_the_bootstrap_is_scipys_on_pairs():
    labels, scores = sample()
    for metric, outputs in ((metrics.auc, scores), (f1_of_class_1, scores > 0)):
        found = metrics.bca_interval(metric, labels, outputs, seed=3, n_resamples=500)
        options = {"paired": True, "n_resamples": 500, "batch": 256, "vectorized": False, "rng": 3}
        known = stats.bootstrap((labels, outputs), metric, method="BCa", **options)
        close(found, known.confidence_interval)
        assert found[0] < metric(labels, outputs) < found[1]


def test_the_bootstrap_repeats_with_its_seed_and_takes_tensors_and_logits():
    labels, scores = sample()
    found = metrics.bca_interval(metrics.auc, labels, scores)
    assert metrics.bca_interval(metrics.auc, torch.tensor(labels), torch.tensor(scores)) == found
    assert metrics.bca_interval(metrics.auc, labels, scores, seed=1) != found
    low, high = metrics.bca_interval(metrics.auc, labels, scores, confidence_level=0.99)
    assert low < found[0] and found[1] < high
    logits = np.column_stack([-scores, scores])
    low, high = metrics.bca_interval(metrics.negative_log_likelihood, labels, logits)
    assert low < metrics.negative_log_likelihood(labels, logits) < high


@pytest.mark.parametrize("metric", ["f1", "auc"])
def test_the_coverage_benchmark_simulates_the_very_interval(metric):
    labels, scores = interval_coverage.draw(np.random.default_rng(2), 90, 0.5)
    fast = interval_coverage.fast_interval(metric, labels, scores)
    close(fast, interval_coverage.plain_interval(metric, labels, scores))


# Errors

NAN = float("nan")
MISTAKES = {
    "one class": (lambda: metrics.roc_curve([1, 1], [0.2, 0.3]), "all 2 labels are 1: ROC"),
    "one class, area": (lambda: metrics.auc([0], [0.2]), "all 1 labels are 0: ROC and AUC"),
    "one class, ranks": (lambda: metrics.auc_by_ranks([0, 0], [1, 2]), "ROC and AUC need 0 and 1"),
    "no positive": (lambda: metrics.average_precision([0, 0], [1, 2]), "Take more rows"),
    "lengths": (lambda: metrics.auc([0, 1, 1], [0.2, 0.3]), "3 labels, but 2 scores. Give as many"),
    "lengths of classes": (lambda: metrics.confusion_matrix([0], [0, 1]), "1 labels, but 2 pred"),
    "NaN score": (lambda: metrics.auc([0, 1], [0.2, NAN]), "row 1 of the scores is NaN"),
    "NaN label": (lambda: metrics.confusion_matrix([NAN, 1], [0, 1]), "row 0 of the labels is NaN"),
    "infinite": (lambda: metrics.auc([0, 1], [np.inf, 0]), "row 0 of the scores .* infinite"),
    "empty": (lambda: metrics.confusion_matrix([], []), "are empty. Give at least one"),
    "texts": (lambda: metrics.confusion_matrix(["good"], [1]), "the labels hold texts"),
    "None": (lambda: metrics.confusion_matrix([None], [1]), "the labels hold texts or None"),
    "outside": (lambda: metrics.confusion_matrix([0, 2], [0, 1], 2), "hold 2, .* are 0 to 1"),
    "predicted": (lambda: metrics.confusion_matrix([0, 1], [0, 3], 3), "predictions hold 3"),
    "ignored": (lambda: metrics.confusion_matrix([0, -100], [0, 1]), "hold -100, .* drop"),
    "no class": (lambda: metrics.confusion_matrix([0], [0.7]), "hold 0.7, .* argmax"),
    "one of three": (lambda: metrics.auc([0, 1, 2], [1, 2, 3]), "labels == k"),
    "two columns": (lambda: metrics.auc([0, 1], [[1, 2], [2, 1]]), r"\(2, 2\).*\[:, 1\]"),
    "logits": (lambda: metrics.brier_score([0, 1], [-1.2, 3]), "Apply softmax"),
    "vector": (lambda: metrics.fit_temperature([0, 1], [0.2, 0.3]), "2 dimension"),
    "all right": (lambda: metrics.fit_temperature([0, 1], np.eye(2)), "every example is right"),
    "all wrong": (lambda: metrics.fit_temperature([1, 0], np.eye(2)), "no better than chance"),
    "no share": (lambda: metrics.wilson(3, 2), "3 of 2 is no share"),
    "nothing": (lambda: metrics.wilson(0, 0), "0 of 0 is no share"),
    "rare class": (lambda: metrics.bca_interval(metrics.auc, [0, 0, 1], [1, 2, 3]), "on a resamp"),
    "no error": (lambda: metrics.bca_interval(f1_of_class_1, [0, 1] * 9, [0, 1] * 9), "equal on"),
    "in the data": (lambda: metrics.bca_interval(metrics.auc, [1, 1], [1, 2]), "^all 2 labels"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_errors_name_the_cause_and_the_cure(mistake):
    call, message = MISTAKES[mistake]
    with pytest.raises(MetricError, match=message):
        call()


def test_nothing_warns_on_ordinary_or_undefined_figures():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figures = metrics.summary(metrics.confusion_matrix([0, 1, 1], [0, 0, 0]))
    assert np.isnan([figures["precision"], figures["matthews"]]).all()
    assert figures["recall"] == 0 and figures["accuracy"] == pytest.approx(1 / 3)


# The libraries `evaluate` and `transformers`


class Mistakes(evaluate.Metric):
    """Another metric, to be combined with the course's."""

    def _info(self):
        features = Features({"predictions": Value("int64"), "references": Value("int64")})
        return evaluate.MetricInfo(description="", citation="", features=features)

    def _compute(self, predictions, references):
        return {"mistakes": int(np.not_equal(predictions, references).sum())}


@pytest.fixture
def offline(monkeypatch, tmp_path):
    """No connection can be opened, and the library's files land in a folder that goes."""

    def refuse(*_):
        raise OSError("offline")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(evaluate.config, "HF_METRICS_CACHE", str(tmp_path))


def test_the_metric_works_offline_at_once_in_batches_and_combined(offline):
    labels, predictions = [0, 1, 1, 0, 1], [0, 1, 0, 1, 1]
    known = metrics.summary(metrics.confusion_matrix(labels, predictions))
    assert known["f1"] == sklearn.metrics.f1_score(labels, predictions)
    metric = metrics.CourseMetrics()
    assert metric.compute(references=labels, predictions=predictions) == known
    given_ = {"references": torch.tensor(labels), "predictions": np.array(predictions)}
    assert metric.compute(**given_) == known
    for rows in (slice(0, 2), slice(2, 5)):
        metric.add_batch(references=labels[rows], predictions=predictions[rows])
    assert metric.compute() == known
    both = evaluate.combine([metrics.CourseMetrics(), Mistakes(keep_in_memory=True)])
    assert both.compute(references=labels, predictions=predictions) == known | {"mistakes": 2}


def test_the_metric_of_three_classes_refuses_a_fourth(offline):
    metric = metrics.CourseMetrics(num_labels=3)
    found = metric.compute(references=[0, 1, 2, 2], predictions=[0, 1, 2, 1])
    assert set(found) == {"accuracy", "macro_f1", "matthews"}
    with pytest.raises(MetricError, match="labels hold 3"):
        metric.compute(references=[3], predictions=[0])
    with pytest.raises(MetricError, match=r"predictions hold 0\.7"):
        metrics.CourseMetrics().compute(references=[1], predictions=[0.7])


def test_the_trainer_reports_the_metric(offline, tmp_path):
    tokenizer, model = checkpoints.load(num_hidden_layers=1)
    texts, labels = ["a fine film", "a bore", "moving", "flat , and too long"], [1, 0, 1, 0]
    input_ids, mask = batching.pad(batching.tokenize(texts, tokenizer), tokenizer.pad_token_id)
    rows = Dataset.from_dict(
        {"input_ids": input_ids.tolist(), "attention_mask": mask.tolist(), "labels": labels}
    )
    arguments = TrainingArguments(output_dir=tmp_path, report_to="none", disable_tqdm=True)
    trainer = Trainer(model, arguments, compute_metrics=metrics.compute_metrics)
    found = trainer.evaluate(rows)
    with torch.inference_mode():
        logits = model.cpu()(input_ids=input_ids, attention_mask=mask).logits
    known = metrics.summary(metrics.confusion_matrix(labels, logits.argmax(dim=1), 2))
    for name, value in known.items():
        close(found[f"eval_{name}"], value)
