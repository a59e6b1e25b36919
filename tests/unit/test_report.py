"""Report and model card: what they say is computed, and nothing in them runs."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from huggingface_hub import ModelCard
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from scipy import stats
from scipy.special import softmax
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from transformers import pipeline

from helpers import (
    checkpoints,
    downloads,
    metrics,
    own_data,
    plots,
    report,
    storage,
    training,
)
from helpers.report import drawings, results, templating
from tools import project

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
TAGS = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "b", "img", "ul", "li"}
TAGS |= {"table", "tr", "th", "td", "div", "figure", "figcaption"}
LINES = [f"text number {i} is {'good' if i % 2 else 'bad'},{'yn'[i % 2]}\n" for i in range(60)]


class Page(HTMLParser):
    """Tags, attributes and text of a page, as a browser would find them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)


def load(tmp_path, content="", name="mine.csv", **options):
    path = tmp_path / name
    path.write_text("text,label\n" + "".join(LINES) + content, encoding="utf8")
    return own_data.load(path, "text", "label", **options)


def a_run():
    rows = [{"epoch": i, "accuracy": 0.5, "validation_loss": 1 / i} for i in (1, 2)]
    return training.TrainingRun(training.TrainingConfig(epochs=2), epoch=2, rows=rows)


def scored(mine, wrong=3):
    """A result whose model is wrong on so many test texts, with an opposite as its rival."""
    labels = np.asarray(mine.datasets["test"]["label"][:])
    model = np.where(np.eye(2)[labels] == 1, 2.0, 0.0)
    model[:wrong] = model[:wrong, ::-1]
    model[0] *= 3  # the surest
    outputs = {"fine-tuned": model, "the other way round": -model}
    return report.Result(mine, a_run(), outputs, date="2026-01-02")


@pytest.fixture
def result(tmp_path):
    return scored(load(tmp_path))


def numbers(tmp_path):
    """A result of regression: predictions 0.3 to 0.7 too high, and the mean."""
    path = tmp_path / "numbers.csv"
    path.write_text("text,label\n" + "".join(f"text number {i},{i / 4}\n" for i in range(60)))
    mine = own_data.load(path, "text", "label", regression=True)
    labels = np.asarray(mine.datasets["test"]["label"][:])[:, None]
    too_high = np.linspace(0.3, 0.7, len(labels))[:, None]
    outputs = {"fine-tuned": labels + too_high, "mean": np.full_like(labels, labels.mean())}
    return report.Result(mine, a_run(), outputs)


def test_figures_are_those_of_the_metrics(result):
    row = report.scores(result).loc["fine-tuned"]
    n = len(result.labels)
    assert row["accuracy"] == pytest.approx((n - 3) / n)
    assert (row["accuracy low"], row["accuracy high"]) == pytest.approx(metrics.wilson(n - 3, n))
    matrix = metrics.confusion_matrix(result.labels, result.outputs["fine-tuned"].argmax(1), 2)
    assert row["macro F1"] == pytest.approx(metrics.f1(matrix).mean())
    assert row["macro F1 low"] < row["macro F1"] < row["macro F1 high"]


def test_macro_f1_passes_over_a_class_that_a_resample_lost():
    assert report.macro_f1(np.array([0, 0, 2]), np.array([0, 0, 2])) == 1


def test_the_surest_error_comes_first(result):
    found = report.errors(result)
    assert len(found) == 3
    assert found["text"][0] == result.mine.datasets["test"]["text"][0]
    assert found["probability"].is_monotonic_decreasing
    assert (found["label"] != found["prediction"]).all()


def test_the_comparison_says_who_is_ahead(result):
    result = scored(result.mine, wrong=1)
    first, other = result.outputs.values()
    assert report.comparison(result).startswith("fine-tuned is ahead of the other way round: +")
    swapped = replace(result, outputs={"fine-tuned": other, "TF-IDF": first})
    assert report.comparison(swapped).startswith("TF-IDF is ahead of fine-tuned: −")
    assert report.comparison(swapped).endswith("Use the simpler one.")
    same = replace(result, outputs={"fine-tuned": first, "TF-IDF": first})
    assert report.comparison(same) == "On these 12 texts fine-tuned and TF-IDF do equally well."
    near = first.copy()
    near[[0, 5]] = near[[0, 5], ::-1]
    close = replace(result, outputs={"fine-tuned": first, "TF-IDF": near})
    said = "These 12 texts do not show whether fine-tuned is better than TF-IDF: "
    assert report.comparison(close).startswith(said)


def test_a_difference_that_is_the_same_on_every_text_is_no_draw(result, tmp_path):
    """No resample differs, so there is no BCa interval: that is not "equally well"."""
    right = np.where(np.eye(2)[result.labels] == 1, 2.0, 0.0)
    ahead = replace(result, outputs={"fine-tuned": right, "TF-IDF": -right})
    assert report.comparison(ahead) == (
        "fine-tuned is ahead of TF-IDF: +100.0 points of accuracy (95 % interval +100.0 to +100.0)."
    )
    labels = numbers(tmp_path).labels[:, None]
    nearer = {"fine-tuned": labels + 0.5, "ridge": labels - 1}
    said = report.comparison(replace(numbers(tmp_path), outputs=nearer))
    assert said.startswith("fine-tuned is ahead of ridge: mean absolute error smaller by 0.5")


def test_classes_have_their_rows_and_intervals(result):
    table = report.per_class(result)
    assert table["train"].sum() == 42 and table["test"].sum() == 12
    assert (table["recall low"] <= table["recall"]).all()


def test_the_rival_is_the_second_and_not_the_one_that_does_best_here(result):
    """Which of the others is best on the test part is not known before, and may be luck."""
    result = scored(result.mine, wrong=1)
    first, other = result.outputs.values()
    three = replace(result, outputs={"fine-tuned": first, "chosen": other, "lucky": first})
    assert report.comparison(three).startswith("fine-tuned is ahead of chosen")
    table = report.differences(three)
    assert table.index.tolist() == ["chosen", "lucky"] and table.loc["lucky", "gain"] == 0
    alone = replace(result, outputs={"fine-tuned": first})
    with pytest.raises(ValueError, match="To compare with: none"):
        report.comparison(alone, "TF-IDF")
    assert report.comparison(alone) == "fine-tuned was compared with no other model."
    assert report.page(alone)


def test_a_comparison_that_was_not_named_beforehand_says_so(result, tmp_path):
    """Its figures are those of the table; of the rival the sentence is the same, named or not."""
    result = scored(result.mine, wrong=1)
    first, other = result.outputs.values()
    near = first.copy()
    near[[0, 5]] = near[[0, 5], ::-1]
    three = replace(result, outputs={"fine-tuned": first, "frozen": near, "TF-IDF": other})
    assert report.comparison(three, "frozen") == report.comparison(three)
    assert results.NOT_NAMED not in report.comparison(three)
    said = report.comparison(three, "TF-IDF")
    row = report.differences(three).loc["TF-IDF"]
    assert said.startswith(f"fine-tuned is ahead of TF-IDF: {row['gain']:+.1f} points of accuracy")
    assert f"{row['gain low']:+.1f} to {row['gain high']:+.1f}).".replace("-", "−") in said
    assert said.endswith(" This comparison was not named beforehand.")
    as_rival = replace(result, outputs={"fine-tuned": first, "TF-IDF": other, "frozen": near})
    assert said == f"{report.comparison(as_rival)} {results.NOT_NAMED}"
    of_numbers = numbers(tmp_path)
    copies = of_numbers.outputs | {"ridge": of_numbers.outputs["fine-tuned"]}
    said = report.comparison(replace(of_numbers, outputs=copies), "ridge")
    assert said == f"On these 12 texts fine-tuned and ridge do equally well. {results.NOT_NAMED}"
    for wrong in ("fine-tuned", "tfidf"):
        with pytest.raises(ValueError, match="To compare with: frozen, TF-IDF"):
            report.comparison(three, wrong)


def test_figures_of_numbers_are_those_of_the_libraries(tmp_path):
    result = numbers(tmp_path)
    table, y = report.scores(result), result.labels
    p = result.outputs["fine-tuned"][:, 0]
    row = table.loc["fine-tuned"]
    assert row["MAE"] == pytest.approx(mean_absolute_error(y, p))
    assert row["RMSE"] == pytest.approx(root_mean_squared_error(y, p))
    assert row["r"] == pytest.approx(stats.pearsonr(y, p)[0])
    for figure in ("MAE", "RMSE", "r"):
        assert row[f"{figure} low"] < row[figure] < row[f"{figure} high"]
    assert table.loc["mean"].isna().sum() == 3  # no r, no interval of it
    assert "accuracy" not in table


def test_the_comparison_of_numbers_says_who_is_ahead(tmp_path):
    result = numbers(tmp_path)
    good, mean = result.outputs.values()
    said = report.comparison(result)
    assert said.startswith("fine-tuned is ahead of mean: mean absolute error smaller by ")
    swapped = replace(result, outputs={"fine-tuned": mean, "ridge": good})
    said = report.comparison(swapped)
    assert said.startswith("ridge is ahead of fine-tuned: mean absolute error smaller by −")
    other = result.labels[:, None] - (good - result.labels[:, None])[::-1]
    close = replace(result, outputs={"fine-tuned": good, "ridge": other})
    said = "These 12 texts do not show whether fine-tuned is better than ridge: "
    assert report.comparison(close).startswith(said)


def test_page_and_card_of_numbers(tmp_path):
    result = numbers(tmp_path)
    page = " ".join(Page(report.page(result)).words)
    assert "The largest errors" in page and "The surest errors" not in page
    assert "MAE" in page and "in mean absolute error saved" in page and "nan" not in page
    card = report.model_card(result, "m")
    found = yaml.safe_load(card.split("---\n")[1])["model-index"][0]["results"][0]["metrics"]
    row = report.scores(result).iloc[0]
    assert {m["type"]: m["value"] for m in found} == {
        "mae": round(row["MAE"], 4), "rmse": round(row["RMSE"], 4), "pearsonr": round(row["r"], 4),
    }  # fmt: skip
    learned = result.mine.datasets["train"]["label"][:]
    ends = f"from {results.as_number(min(learned))} to {results.as_number(max(learned))}"
    assert f"a number; it learned {ends}" in card and "`score` is the number" in card
    constant = replace(result, outputs={"fine-tuned": result.outputs["mean"]})
    assert "nan" not in report.model_card(constant, "m").lower()
    errors = report.errors(result)
    assert errors["error"].abs().is_monotonic_decreasing
    assert np.allclose(errors["prediction"] - errors["label"], errors["error"])


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.12345, "0.123"),
        (1999.99, "2,000"),
        (-0.5, "−0.500"),
        (1.0048, "1.00"),
        (100.0, "100"),
        (12, "12"),
        (float("nan"), "–"),
    ],
)
def test_numbers_are_written_to_be_read(value, written):
    assert results.as_number(value) == written


def test_where_nothing_is_left_out_the_page_says_so(result):
    assert "<h2>Rows left out (0)</h2>\n<p>none</p>" in report.page(result)


def test_a_loss_in_a_table_is_not_taken_for_a_formula(result):
    behind = replace(result, outputs=dict(reversed(result.outputs.items())))
    words = Page(report.page(behind)).words
    gain = report.differences(behind)["gain"].iloc[0]
    assert gain < 0 and any(word.startswith(results.as_number(gain)) for word in words)


def test_the_page_stands_alone_and_runs_nothing(tmp_path):
    """Texts, labels, file names and column names may hold HTML; none of it becomes HTML."""
    lines = [line.replace("text", EVIL).replace('"', "'") for line in LINES]
    name = "<i>x.csv"
    mine = load(tmp_path, "".join(lines) + f",{EVIL}\n".replace('"', "'"), name=name)
    mine = replace(mine, names=[EVIL, "y|`z`"], notes=[EVIL])
    page = Page(report.page(scored(mine)))
    assert {tag for tag, _ in page.tags} <= TAGS
    for tag, attributes in page.tags:
        assert not [a for a in attributes if a.startswith("on")]
        if tag == "img":
            assert attributes["src"].startswith("data:image/png;base64,")
            assert len(attributes["alt"]) > 20
    assert any("default-src 'none'" in a.get("content", "") for _, a in page.tags)
    assert EVIL in "".join(page.words)


def test_a_formula_on_the_page_stays_text_when_it_is_pasted(tmp_path):
    mine = load(tmp_path, "=1+1,\n")
    words = Page(report.page(scored(mine))).words
    assert "'=1+1" in words and "=1+1" not in words


def test_every_row_left_out_is_listed_or_counted(tmp_path):
    mine = load(tmp_path, ",y\n" * 120)
    page = report.page(scored(mine))
    assert "Rows left out (120)" in page and "20 more are not listed here" in page
    assert page.count('<td dir="auto">no text</td>') == 100


def test_page_and_card_name_no_place_on_this_machine(result, tmp_path):
    local = replace(result, checkpoint=str(tmp_path))
    for text in (report.page(local), report.model_card(local, "m")):
        assert str(tmp_path) not in text and tmp_path.parent.as_posix() not in text


def test_the_page_is_complete_or_not_there(result, tmp_path):
    target = tmp_path / "file" / "report.html"
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(own_data.FileError, match=r"could not write 'report\.html'"):
        report.write_page(result, target)
    report.write_page(result, tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf8") == report.page(result)


def test_dollar_signs_and_long_names_can_be_drawn(tmp_path):
    mine = replace(load(tmp_path), names=[r"$\\frac$", "a name that is far too long for an axis"])
    assert report.page(scored(mine))


def of_classes(tmp_path, names):
    """A result of random outputs for classes of these names, each with twenty rows."""
    path, many = tmp_path / "many.csv", len(names)
    rows = "".join(f"text {i},{names[i % many]}\n" for i in range(20 * many))
    path.write_text("text,label\n" + rows, encoding="utf8")
    mine = own_data.load(path, "text", "label")
    outputs = np.random.default_rng(0).normal(size=(len(mine.datasets["test"]), many))
    return report.Result(mine, a_run(), {"fine-tuned": outputs, "dummy": 0 * outputs})


def test_many_classes_still_fit(tmp_path):
    """Fifty names that begin alike: each has a bar of its own, the one found least on top."""
    names = [f"complaint about something of kind {i:02}" for i in range(50)]
    result = of_classes(tmp_path, names)
    assert len(report.page(result)) < 1_000_000
    figure, _ = report.draw_errors(result)
    bars, drawn = figure.axes[0].patches, figure.axes[0].get_yticklabels()
    assert len({name.get_text() for name in drawn}) == len(bars) == 50
    widths = [bar.get_width() for bar in sorted(bars, key=lambda bar: -bar.get_y())]
    assert widths == sorted(widths) and widths[0] < widths[-1]
    assert min(gaps(drawn)) > 0


def gaps(labels):
    """Space in dots between neighbouring names along the vertical axis; below 0 they overlap."""
    labels[0].figure.draw_without_rendering()
    boxes = sorted((label.get_window_extent() for label in labels), key=lambda box: box.y0)
    return [upper.y0 - lower.y1 for lower, upper in pairwise(boxes)]


@pytest.mark.parametrize("many", [5, 8, 12])
def test_names_beside_a_confusion_matrix_do_not_overlap(tmp_path, many):
    figure, _ = report.draw_errors(
        of_classes(tmp_path, [f"a class of long name {i}" for i in range(many)])
    )
    assert min(gaps(figure.axes[0].get_yticklabels())) > 0
    assert figure.get_figwidth() < 13
    counts = [text.get_text().split("\n")[0] for text in figure.axes[0].texts]
    assert "0" not in counts and len(counts) == many**2


def test_the_words_of_a_matrix_name_the_weakest_class_and_the_commonest_mistake():
    matrix = np.array([[8, 2, 0], [1, 9, 0], [3, 1, 1]])
    assert drawings.errors_in_words(matrix, ["a", "b", "c"]) == (
        "7 of 25 test texts are wrong. Recall is lowest for c (1 of its 5 texts); most often c is "
        "taken for a (3 times)."
    )
    once = np.array([[8, 1, 0], [0, 9, 0], [0, 0, 0]])
    assert drawings.errors_in_words(once, ["a", "b", "c"]).endswith("a is taken for b (once).")
    right = np.diag([8, 9, 3])
    assert "none is wrong" in drawings.errors_in_words(right, ["a", "b", "c"])


def test_the_errors_of_classes_are_called_the_surest(result):
    assert "<h2>The surest errors</h2>" in report.page(result)


def test_each_figure_has_its_words_beside_it_and_in_it(result):
    page = Page(report.page(result))
    words = [attributes["alt"] for tag, attributes in page.tags if tag == "img"]
    assert len(words) == 2 and all(word in page.words for word in words)


def test_the_page_fits_a_phone_and_what_is_wider_scrolls(result, tmp_path):
    """Without the first tag a phone shows the page as if it were 980 dots wide."""
    page = report.page(of_classes(tmp_path, [f"class {i}" for i in range(12)]))
    head = [attributes for tag, attributes in Page(page).tags if tag == "meta"]
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in head
    assert page.count("<table>") == page.count('<div class="wide"><table>') > 3
    assert page.count("<img") == page.count('<div class="wide"><img') == 2
    assert '<img class="large"' in page and "<img src" in page


def luminance(colour):
    """Relative luminance as WCAG 2 defines it."""
    parts = np.array(to_rgb(colour))
    linear = np.where(parts <= 0.03928, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear @ [0.2126, 0.7152, 0.0722]


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_text_can_be_read_in_the_light_in_the_dark_and_on_paper():
    pairs = re.findall(
        r"\Wcolor:(#\w+);background:(#\w+)", templating.filled("style.css.j2").replace("\n", "")
    )
    assert len(pairs) == 3  # a screen by day, by night, paper
    assert all(contrast(*pair) >= 4.5 for pair in pairs)


def test_numbers_in_a_matrix_can_be_read_on_every_shade():
    for share in (0, 30, 50, 60, 69, 70, 71, 72, 80, 100):
        figure = plots.confusion(np.array([[share, 100 - share], [0, 1]]), ["a", "b"])
        cell, shade = figure.axes[0].texts[0], colormaps["Blues"](share / 100)
        plt.close(figure)
        assert contrast(cell.get_color(), shade[:3]) >= 4.5, share


def test_the_head_of_the_card_is_what_a_hub_reads(result):
    card = report.model_card(result, "my-model")
    head = yaml.safe_load(card.split("---\n")[1])
    assert head["base_model"] == "sentence-transformers/all-MiniLM-L6-v2"
    assert head["pipeline_tag"] == "text-classification"
    (entry,) = head["model-index"]
    found = {m["type"]: m["value"] for m in entry["results"][0]["metrics"]}
    row = report.scores(result).iloc[0]
    assert found == {"accuracy": round(row["accuracy"], 4), "f1": round(row["macro F1"], 4)}


def test_the_card_quotes_no_text_and_no_markup(tmp_path):
    mine = replace(load(tmp_path), names=["<b>n", "y|`z`"])
    body = report.model_card(scored(mine), "m").split("---\n", 2)[2]
    assert "text number" not in body
    assert "\\<b\\>n" in body and "y\\|\\`z\\`" in body
    widths = {
        len(re.split(r"(?<!\\)\|", line)) for line in body.splitlines() if line.count("|") > 6
    }
    assert len(widths) == 1


FIELD = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        st.sampled_from(list("\\`*_[]<>|#~$&!-+=:.)(1a \n\r\t\x00\x07\x85\u2028\u202e{}%\"'@/")),
        st.sampled_from(
            ["---", "\n---\n", "{{ 7*7 }}", "{% raw %}", "{# x #}", "$$\\frac{1}{2}$$"]
        ),
        st.sampled_from(
            ["</td><script>", "<!--", "]]>", "![x](y)", "[x]: y", "~~~", "```", "&lt;"]
        ),
        st.sampled_from(["- a", "1. a", "https://x.org", "www.x.org", "\n# a", "\n===\n", "**a**"]),
    ),
    max_size=4,
).map("".join)
NAME = st.tuples(FIELD, st.sampled_from(["", os.fsdecode(b"caf\xe9"), "\udc80<b>"])).map("".join)


def with_fields(mine, file, checkpoint, date, label, model):
    """A result in which each of these names stands, each with a letter that keeps it apart."""
    result = scored(replace(mine, file=f"{file}x", names=[f"{label}x", f"{label}y"]))
    outputs = dict(zip([f"{model}x", f"{model}y"], result.outputs.values(), strict=True))
    return replace(result, outputs=outputs, checkpoint=f"{checkpoint}x", date=f"{date}x")


def markdown_parts(text):
    """The kinds of all parts of a text in Markdown, and its headings as they are read."""
    tokens = MarkdownIt("gfm-like", {"linkify": False}).enable("table").parse(text)
    kinds = [(token.type, [t.type for t in token.children or []]) for token in tokens]
    heads = [b.children for a, b in pairwise(tokens) if a.type == "heading_open"]
    return kinds, ["".join(t.content for t in children) for children in heads]


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """A file for results whose figures need no resampling, which takes a second each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(results, "bca_or_nan", lambda *_, **__: (0.0, 1.0))
        yield load(tmp_path_factory.mktemp("files"))


@given(NAME, NAME, NAME, FIELD, FIELD, FIELD)
@settings(max_examples=20, deadline=None)
def test_a_card_has_the_same_parts_whatever_its_fields_hold(
    quick, name, file, checkpoint, date, label, model
):
    plain = report.model_card(with_fields(quick, "a", "a", "a", "a", "a"), "a")
    card = report.model_card(with_fields(quick, file, checkpoint, date, label, model), f"{name}x")
    card.encode("utf8")
    read = ModelCard(card)
    assert yaml.safe_load(read.content.split("\n---\n")[0].removeprefix("---\n"))
    kinds, headings = markdown_parts(read.text)
    assert kinds == markdown_parts(ModelCard(plain).text)[0]
    assert headings[0] == templating.one_line(f"{name}x")
    assert read.data.model_name == templating.one_line(f"{name}x")
    assert read.data.base_model == templating.one_line(f"{checkpoint}x")
    assert {r.dataset_name for r in read.data.eval_results} == {templating.one_line(f"{file}x")}


@given(NAME, NAME, FIELD, FIELD, FIELD, FIELD)
@settings(max_examples=6, deadline=None)
def test_a_page_has_the_same_tags_whatever_its_fields_hold(
    quick, file, checkpoint, date, label, model, note
):
    dropped = pd.DataFrame({"row": [2], "reason": [f"{note}x"], "text": [f"{label}x"]})
    evil = replace(quick, notes=[f"{note}x"], dropped=dropped)
    dull = replace(evil, notes=["x"], dropped=dropped.assign(reason="x", text="x"))
    page = report.page(with_fields(evil, file, checkpoint, date, label, model))
    page.encode("utf8")
    assert not re.search("[\x00\x07\x85\u2028\u202e]", page)
    plain = Page(report.page(with_fields(dull, "a", "a", "a", "a", "a")))
    assert [shape(tag) for tag in Page(page).tags] == [shape(tag) for tag in plain.tags]


def shape(tag):
    """A tag and the names of its attributes, but for the class that widens a long cell."""
    return tag[0], set(tag[1]) - {"class"}


def test_what_cannot_be_seen_is_shown_as_its_escape(tmp_path):
    result = scored(load(tmp_path, name="a\u202evsc.exe.csv"))
    for text in (report.page(result), report.model_card(result, "m")):
        assert "\u202e" not in text and re.search(r"a\\{1,2}u202evsc", text)


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_a_name_of_any_bytes_works_from_file_to_card(tmp_path):
    """As on a disk from before UTF-8. The terminal is one of UTF-8 that refuses the rest."""
    code = """if True:
        import os, sys
        import numpy as np
        from pathlib import Path
        from helpers import own_data, report
        from tests.unit import test_report
        folder = Path(sys.argv[1])
        mine = test_report.load(folder, ",y\\n", name=os.fsdecode(b"caf\\xe9.csv"))
        result = test_report.scored(mine)
        report.write_page(result, folder / os.fsdecode(b"page\\xe9.html"))
        (folder / "card.md").write_text(report.model_card(result, os.fsdecode(b"m\\xe9")), "utf8")
        own_data.predict_file(
            folder / mine.file, "text", folder / os.fsdecode(b"p\\xe9.csv"),
            lambda texts: np.zeros((len(texts), 2)), like=mine,
        )
        own_data.load_labelled(folder / mine.file, "text", "label", mine)
        print(own_data.load(folder / mine.file, "text", "label").file.isascii())
    """
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path],
        capture_output=True,
        cwd=project.ROOT,
        env=os.environ | {"PYTHONIOENCODING": "utf8:strict"},
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-2000:]
    said = done.stdout.decode("utf8").splitlines()
    assert said[0].startswith("caf\\udce9.csv: 61 rows, 1 left out") and said[-1] == "False"
    assert {"page\udce9.html", "p\udce9.csv"} <= set(os.listdir(tmp_path))
    page = (tmp_path / "page\udce9.html").read_text(encoding="utf8")
    assert "What a model of caf\\udce9.csv is worth" in page


@pytest.mark.skipif(sys.platform != "linux", reason="names of files are Unicode there")
def test_a_folder_that_no_library_can_open_is_named_before_anything_is_done(result, tmp_path):
    tokenizer, model = checkpoints.load(num_labels=2, num_hidden_layers=1)
    folder = tmp_path / os.fsdecode(b"mod\xe9le")
    said = r"mod\\udce9le holds bytes that are no UTF-8.* Choose another folder"
    with pytest.raises(storage.StorageError, match=said):
        report.save_model(result, model, tokenizer, folder)
    rows = result.mine.datasets["train"]
    with pytest.raises(storage.StorageError, match=said):
        training.fine_tune(model, tokenizer, rows, rows, a_run().config, output_dir=folder)
    assert not any(path.name.startswith("mod") for path in tmp_path.iterdir())
    report.save_model(result, model, tokenizer, tmp_path / "model")
    (tmp_path / "model").rename(folder)
    with pytest.raises(storage.StorageError, match=said):
        training.load(folder)
    folder.rename(tmp_path / "model")
    training.load(tmp_path / "model")


def test_names_with_markup_come_back_from_the_saved_model(result, tmp_path):
    names = ["<b>`x`|{{ 7*7 }}\n---", "=\u202e\x07é \U0001f600\"'\\"]
    tokenizer, model = checkpoints.load(num_labels=2, label_names=names, num_hidden_layers=1)
    marked = replace(result, mine=replace(result.mine, names=names))
    report.save_model(marked, model, tokenizer, tmp_path / "model")
    _, loaded = training.load(tmp_path / "model")
    assert loaded.config.id2label == dict(enumerate(names))
    classify = pipeline("text-classification", model=str(tmp_path / "model"), device="cpu")
    assert {found["label"] for found in classify("a text", top_k=None)} == set(names)
    assert {found["label"] for found in classify(["a", "b"])} <= set(names)


def test_the_saved_folder_is_whole_and_the_pipeline_reads_it(result, tmp_path):
    tokenizer, model = checkpoints.load(
        num_labels=2, label_names=result.mine.names, num_hidden_layers=1
    )
    folder = tmp_path / "model"
    report.save_model(result, model, tokenizer, folder)
    storage.verify(folder)
    card = (folder / "README.md").read_text(encoding="utf8")
    assert card == report.model_card(result, "model")
    texts = ["text number one", "another text that is longer"]
    classify = pipeline("text-classification", model=str(folder), device="cpu")
    logits = training.predict(model, tokenizer, texts, precision="fp32")
    labels = [result.mine.names[i] for i in logits.argmax(axis=1)]
    assert [found["label"] for found in classify(texts)] == labels
    for file in folder.glob("*.json"):
        assert str(tmp_path) not in file.read_text(encoding="utf8"), file.name
        assert str(downloads.ROOT) not in file.read_text(encoding="utf8"), file.name


def test_the_saved_folder_of_numbers_gives_the_numbers(tmp_path):
    """Without its mark as a regression the pipeline sends them through a sigmoid."""
    result = numbers(tmp_path)
    tokenizer, model = checkpoints.load(num_labels=1, label_names=["price"], num_hidden_layers=1)
    with torch.no_grad():
        model.classifier.bias.fill_(-7)
    folder = tmp_path / "model"
    report.save_model(result, model, tokenizer, folder)
    texts = ["text number one", "another text that is longer"]
    found = pipeline("text-classification", model=str(folder), device="cpu")(texts)
    assert {answer["label"] for answer in found} == {"price"}
    expected = training.predict(model, tokenizer, texts, precision="fp32")[:, 0]
    assert expected.max() < -1
    assert [answer["score"] for answer in found] == pytest.approx(expected.tolist(), abs=1e-5)


def test_the_saved_folder_reads_of_a_long_text_what_was_trained_on(result, tmp_path):
    """As the card says: with `truncation=True`. The tokenizer in hand is left as it was."""
    tokenizer, model = checkpoints.load(num_labels=2, num_hidden_layers=1)
    whole = tokenizer.model_max_length
    report.save_model(result, model, tokenizer, tmp_path / "model")
    assert tokenizer.model_max_length == whole
    classify = pipeline("text-classification", model=str(tmp_path / "model"), device="cpu")
    text = "good " * 100 + "bad " * 100_000
    logits = training.predict(model, tokenizer, [text], precision="fp32")
    found = classify(text, truncation=True)
    assert found[0]["score"] == pytest.approx(softmax(logits, axis=1).max(), abs=1e-5)
    assert "truncation=True" in report.model_card(result, "m")
