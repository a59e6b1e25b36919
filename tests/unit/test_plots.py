"""Figures: what they show is in them, and their words go with them."""

import html
import re
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest

from helpers import metrics, plots

matplotlib.use("Agg")


@pytest.mark.parametrize("accuracies", [[0.81, 0.80, 0.81], [0.5, 0.7, 0.9]])
def test_learning_curves_show_all_points_and_make_no_hills_of_noise(accuracies):
    history = pd.DataFrame({"epoch": [1, 2, 3], "accuracy": accuracies})
    history["train_loss"] = history["validation_loss"] = [0.6, 0.4, 0.5]
    left, right = plots.learning_curves(history, loss="cross-entropy (nats)").axes
    assert left.get_ylabel() == "cross-entropy (nats)"
    assert [line.get_label() for line in left.lines] == ["training", "validation"]
    assert right.lines[0].get_ydata().tolist() == accuracies
    low, high = right.get_ylim()
    assert high - low >= 0.1 - 1e-9
    assert low <= min(accuracies) and max(accuracies) <= high


def test_learning_curves_name_no_loss_that_they_were_not_told():
    history = pd.DataFrame(
        {"epoch": [1], "MAE": [2.0], "train_loss": [1.0], "validation_loss": [1]}
    )
    left, right = plots.learning_curves(history, "MAE").axes
    assert (left.get_ylabel(), right.get_ylabel()) == ("loss", "validation MAE")


@pytest.mark.parametrize("seeds", [1, 3])
def test_the_fold_plot_shows_every_point_in_its_fold_and_the_pairs(seeds):
    grid = [(fold, seed) for fold in range(4) for seed in range(seeds)]
    table = pd.DataFrame(grid, columns=["fold", "seed"])
    better = table.assign(n=1_100, accuracy=0.82 + 0.001 * table["fold"] + 0.002 * table["seed"])
    worse = better.assign(accuracy=better["accuracy"] - 0.06)
    axes = plots.folds({"one": better, "two": worse}).axes[0]
    for line, rows in zip(axes.lines[::2], (better, worse), strict=True):
        assert line.get_ydata().tolist() == rows["accuracy"].tolist()
        assert np.round(line.get_xdata()).tolist() == rows["fold"].tolist()
    assert len({line.get_marker() for line in axes.lines[::2]}) == 2
    assert axes.get_xticklabels()[0].get_text() == "fold 0\nn = 1,100"
    pairs = axes.collections[0].get_segments()
    assert np.array(pairs)[:, :, 1].ravel().tolist() == pytest.approx(
        np.column_stack([t.groupby("fold")["accuracy"].mean() for t in (better, worse)]).ravel()
    )
    low, high = axes.get_ylim()
    assert low <= worse["accuracy"].min() and better["accuracy"].max() <= high


def test_folds_of_one_model_are_not_made_hills_of():
    table = pd.DataFrame({"fold": range(5), "n": 200, "accuracy": [0.8, 0.81, 0.8, 0.79, 0.8]})
    axes = plots.folds({"one": table}).axes[0]
    assert np.ptp(axes.get_ylim()) >= 0.1 - 1e-9
    assert not axes.collections


def test_bars_stand_from_top_to_bottom_with_their_values():
    _, axes = plots.new()
    plots.bars(axes, ["first", "second"], [0.25, 0.5])
    places = {
        label.get_text(): place
        for label, place in zip(axes.get_yticklabels(), axes.get_yticks(), strict=True)
    }
    assert places["first"] > places["second"]
    assert [bar.get_width() for bar in axes.patches] == [0.25, 0.5]
    assert [text.get_text() for text in axes.texts] == ["25%", "50%"]


def test_colours_differ_in_grey():
    """Luminance of three line colours, for whoever prints or cannot tell hues apart."""
    rgb = [matplotlib.colors.to_rgb(c) for c in (plots.BLACK, plots.BLUE, plots.ORANGE)]
    grey = np.sort([0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in rgb])
    assert np.diff(grey).min() > 0.1


@pytest.mark.parametrize(
    "together", [("TRAINING", "VALIDATION"), ("CHANCE", "FINE_TUNED", "FROZEN", "TF_IDF")]
)
def test_roles_that_stand_together_differ_in_grey(together):
    rgb = [matplotlib.colors.to_rgb(getattr(plots, name)) for name in together]
    grey = np.sort([0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in rgb])
    assert np.diff(grey).min() > 0.05


def test_training_and_validation_have_their_colours_and_the_figure_its_message():
    history = pd.DataFrame({"epoch": [1], "accuracy": [0.8]})
    history["train_loss"] = history["validation_loss"] = [0.6]
    figure = plots.learning_curves(history, title="It learns")
    left, right = figure.axes
    colours = [line.get_color() for line in (*left.lines, *right.lines)]
    assert colours == [plots.TRAINING, plots.VALIDATION, plots.VALIDATION]
    assert figure.get_suptitle() == "It learns"


def test_a_model_has_the_colour_of_its_role_and_no_other_model_has_it():
    names = ["mine", "Fine-tuned on 64 labels", "TF-IDF", "yours"]
    mine, tuned, words, yours = plots.colours_of(names)
    assert (tuned, words) == (plots.FINE_TUNED, plots.TF_IDF)
    assert len({mine, tuned, words, yours}) == 4
    _, axes = plots.new()
    plots.bars(axes, names, [1, 2, 3, 4], colours=plots.colours_of(names))
    drawn = [matplotlib.colors.to_hex(bar.get_facecolor()).upper() for bar in axes.patches]
    assert drawn == [colour.upper() for colour in plots.colours_of(names)]


def test_words_go_with_the_picture(monkeypatch):
    shown = []
    monkeypatch.setattr(plots, "display", lambda data, **options: shown.append((data, options)))
    figure, _ = plots.new()
    plots.show(figure, "an empty frame")
    data, options = shown[0]
    assert data["text/plain"] == options["metadata"]["image/svg+xml"]["alt"] == "an empty frame"
    assert set(data) == {"image/svg+xml", "text/plain"}
    assert data["image/svg+xml"].startswith("<svg")


def dotted(n: int) -> str:
    figure, axes = plots.new()
    axes.plot(np.arange(n) % 7, np.arange(n) % 11, ".")
    axes.scatter(np.arange(n) % 5, np.arange(n) % 13)
    return plots.svg(figure)


def test_the_same_figure_gives_the_same_svg_with_no_date_and_no_rule_for_others():
    drawn = dotted(5)
    assert drawn == dotted(5)
    assert not re.search(r"<metadata|<style|<\?xml|<!DOCTYPE|Matplotlib v|\n ", drawn)
    assert ElementTree.fromstring(drawn).get("style") == plots.LINES_JOIN
    assert "fill: #ffffff" in drawn  # a ground of its own, on a dark page too


def test_a_crowd_of_points_is_drawn_as_dots_and_stays_small():
    assert "<image" not in dotted(plots.CROWD)
    crowd = dotted(20 * plots.CROWD)
    assert crowd.count("<image") == 2
    assert len(crowd) < 2 * len(dotted(plots.CROWD))


LABELS = np.array([0, 0, 1, 1] * 25)
SCORES = np.random.default_rng(0).normal(size=100) + LABELS


@pytest.mark.parametrize("classes", [2, 8, 12])
def test_a_confusion_matrix_fits_on_a_projector(classes):
    """About 590 pixels of a notebook are seen at once there, a hundred of them an inch."""
    figure = plots.confusion(np.eye(classes, dtype=int), ["name"] * classes)
    width, height = figure.get_size_inches()
    assert width <= 9 and height <= 5.4


def test_a_confusion_matrix_shows_counts_and_shares_of_its_rows():
    figure = plots.confusion(np.array([[30, 10], [5, 55]]), ["no", "yes"])
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.texts] == ["30\n(75%)", "10\n(25%)", "5\n(8%)", "55\n(92%)"]
    assert [t.get_text() for t in axes.get_yticklabels()] == ["no", "yes"]
    assert axes.get_xlabel() == "predicted" and axes.get_title() == "n = 100"


def test_the_roc_figure_draws_the_curve_of_metrics_inside_its_band():
    (axes,) = plots.roc({"model": (LABELS, SCORES)}).axes
    x, y, _ = metrics.roc_curve(LABELS, SCORES)
    assert axes.lines[0].get_xdata().tolist() == x.tolist()
    assert axes.lines[0].get_ydata().tolist() == y.tolist()
    grid, low, high = plots.roc_band(LABELS, SCORES)
    drawn = np.interp(grid, x, y)
    assert (low <= high).all() and np.mean((low <= drawn) & (drawn <= high)) > 0.95
    assert np.mean(high - low) > 0.02


def test_more_examples_make_a_narrower_roc_band():
    widths = []
    for n in (50, 800):
        labels = np.arange(n) % 2
        scores = np.random.default_rng(0).normal(size=n) + labels
        _, low, high = plots.roc_band(labels, scores, resamples=200)
        widths.append(np.mean(high - low))
    assert 0.15 < widths[1] / widths[0] < 0.4  # by the root of 16, roughly


def test_precision_recall_marks_the_share_of_positives_of_each_curve():
    rare = np.concatenate([np.flatnonzero(LABELS == 0), np.flatnonzero(LABELS == 1)[:5]])
    scored = {"half": (LABELS, SCORES), "rare": (LABELS[rare], SCORES[rare])}
    (axes,) = plots.precision_recall(scored).axes
    levels = [line.get_ydata()[0] for line in axes.lines if line.get_linestyle() == ":"]
    assert np.allclose(levels, [0.5, 5 / 55])


def test_the_reliability_diagram_shows_the_table_and_how_many_cases_it_rests_on():
    probabilities = 1 / (1 + np.exp(-SCORES))
    judged = {"model": (LABELS, probabilities), "surer": (LABELS, probabilities.round())}
    figure = plots.reliability(judged, "A message", bins=5)
    table = metrics.reliability_table(LABELS, probabilities, 5)
    dots, sizes = (
        figure.axes[0].collections[-1].get_offsets(),
        figure.axes[0].collections[-1].get_sizes(),
    )
    assert np.allclose(dots, table[["probability", "share"]])
    distances, intervals = (
        np.array(lines.get_segments()) for lines in figure.axes[0].collections[:2]
    )
    assert np.allclose(distances[:, 0, 1], table["probability"])
    assert np.allclose(distances[:, 1], table[["probability", "share"]])
    limits = metrics.wilson(table["share"] * table["n"], table["n"])
    assert np.allclose(intervals[:, :, 1], np.stack(limits, axis=1))
    assert (np.argsort(sizes, kind="stable") == np.argsort(table["n"], kind="stable")).all()
    assert figure.get_suptitle() == "A message" and len(figure.axes) == 2
    error = metrics.expected_calibration_error(LABELS, probabilities, 5)
    assert figure.axes[0].get_title() == f"model: ECE {error:.3f}"


def test_a_table_of_sentences_shows_them_whole_and_lets_them_wrap(monkeypatch):
    shown: list[dict] = []
    monkeypatch.setattr(plots, "display", lambda data, **options: shown.append(data))
    sentence = "a film <b> & " + "that goes on and on " * 12
    plots.show_sentences(pd.DataFrame({"label": ["negative"], "sentence": [sentence]}))
    (data,) = shown
    assert html.escape(sentence.strip(), quote=False) in data["text/html"]
    assert data["text/html"].count("white-space: normal") == 4
    assert "..." not in data["text/plain"] and "…" not in data["text/plain"]
    assert " ".join(data["text/plain"].split()).endswith(" ".join(sentence.split()))
    assert max(map(len, data["text/plain"].splitlines())) <= 90


def test_a_forest_plot_has_a_row_for_each_name_and_none_drawn_where_nothing_was_measured():
    table = pd.DataFrame(
        {"mean": [1.0, np.nan, 3.0], "low": [0.0, np.nan, 2.0], "high": [2.0, np.nan, 5.0]},
        index=[16, 64, 1024],
    )
    _, axes = plots.new()
    plots.forest(axes, table)
    plots.forest(axes, table, plots.GREEN, hollow=True)
    assert [label.get_text() for label in axes.get_yticklabels()] == ["16", "64", "1,024"]
    for intervals, line in zip(axes.collections, axes.lines[1::2], strict=True):
        ends = [[x for x, _ in segment] for segment in intervals.get_segments() if len(segment)]
        assert [0, 2] in ends and [2, 5] in ends
        np.testing.assert_equal(line.get_xdata(), table["mean"].to_numpy())
    bottom, top = axes.get_ylim()
    assert bottom > top


def test_forests_side_by_side_share_their_rows_and_hollow_points_lie_below():
    table = pd.DataFrame({"mean": [1.0, 2], "low": [0.0, 1], "high": [2.0, 3]}, ["frozen", "VADER"])
    figure = plots.forests({"tweets": table, "films": table + 1}, "title", "r")
    left, right = figure.axes
    assert [axes.get_title() for axes in figure.axes] == ["tweets", "films"]
    assert left.get_xlim() == right.get_xlim() and left.get_ylim() == right.get_ylim()
    assert [label.get_text() for label in left.get_yticklabels()] == ["frozen", "VADER"]
    assert left.lines[1].get_ydata().tolist() == left.get_yticks().tolist()
    (panel,) = plots.forests({"tweets": table}, "title", "r", hollow={"tweets": table}).axes
    filled, hollow = panel.lines[1], panel.lines[3]
    assert (filled.get_ydata() < hollow.get_ydata()).all()


def test_a_mean_band_reaches_from_the_lowest_to_the_highest_draw():
    rows = pd.DataFrame({"n": [1, 1, 2, 2], "accuracy": [50.0, 54.0, 60.0, 62.0]})
    _, axes = plots.new()
    plots.mean_band(axes, rows, "n", "accuracy", "frozen features")
    (line,), (band,) = axes.lines, axes.collections
    assert line.get_ydata().tolist() == [52, 61] and line.get_color() == plots.FROZEN
    corners = {tuple(point) for point in band.get_paths()[0].vertices.tolist()}
    assert {(1, 50), (1, 54), (2, 60), (2, 62)} <= corners


def test_word_scores_have_a_square_for_each_word_and_method_and_a_scale_for_each_row():
    scores = {"one": [1.0, -2.0, 0.0], "other": [100.0, 50.0, 0.0]}
    figure = plots.word_scores(["a", "b", "c"], scores, "title")
    (axes,) = figure.axes
    filled = [patch for patch in axes.patches if patch.get_fill()]
    assert len(filled) == 6 and [t.get_text() for t in axes.get_xticklabels()] == ["a", "b", "c"]
    depths = [round(patch.get_alpha(), 2) for patch in filled]
    assert depths == [0.45, 0.9, 0.0, 0.9, 0.45, 0.0]
    assert filled[0].get_facecolor()[:3] != filled[1].get_facecolor()[:3]
