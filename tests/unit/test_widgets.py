"""The interactive figures: what a notebook stores of them, and that they tell what is so."""

import base64
import gzip
import html
import json
import re

import nbformat
import numpy as np
import pytest

from helpers import checkpoints, measured, widgets
from helpers.widgets import frame
from tests.unit import javascript, widget_texts
from tests.unit.figures import page, shown
from tools.experiments import attention_weights, tokenizer_tables
from tools.site import notebooks, tidy
from tools.teaching import slides

LARGEST = {  # characters that a notebook stores
    "tokenizer": 175_000,
    "attention": 105_000,
    "masks": 270_000,
    "threshold": 30_000,
    "samples": 30_000,
    "temperature": 31_000,
    "descent": 31_000,
    "replay": 31_000,
    "words": 52_000,
}
TOKENIZER = checkpoints.load_tokenizer("minilm")


@pytest.fixture(params=LARGEST)
def name(request) -> str:
    """One of the figures."""
    return request.param


def test_a_figure_is_html_and_words_and_the_same_each_time(name):
    data = shown(name)
    assert set(data) == {"text/html", "text/plain"}
    assert data == shown(name)
    assert len(data["text/plain"]) > 100
    assert len(data["text/html"]) < LARGEST[name]


def test_without_scripts_or_trust_the_words_are_there(name):
    data = shown(name)
    words = html.escape(data["text/plain"])
    assert f'<p id="in-words">{words}</p>' in page(data)
    outside = re.sub(r"<[^>]*>", "", data["text/html"])
    assert outside == f"{html.escape(frame.RUN)}{words}"


def test_a_figure_asks_no_other_host_and_is_locked_in(name):
    data = shown(name)
    stored = data["text/html"]
    assert 'sandbox="allow-scripts"' in stored and stored.count("<") == 2
    inside = page(data).replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?:|src=|href=|@import|url\(|fetch\(|eval\(", inside)


def test_the_tokenizer_starts_with_the_given_text_whatever_it_is():
    text = '</textarea> & "quotes" <script> $longest'
    data = shown("tokenizer", text)
    assert f'spellcheck="false" autocomplete="off">{html.escape(text)}</textarea>' in page(data)
    assert "“</textarea> & " in data["text/plain"]
    for token, number in zip(TOKENIZER(text).tokens(), TOKENIZER(text)["input_ids"], strict=True):
        assert f"{token} {number}" in data["text/plain"]


def test_the_tokenizer_has_every_piece_of_the_library():
    stored = json.loads(gzip.decompress((widgets.STATIC / "wordpiece.json.gz").read_bytes()))
    pieces = stored["pieces"].split("\n")
    assert len(pieces) == 30_522
    assert dict(zip(pieces, range(len(pieces)), strict=True)) == TOKENIZER.get_vocab()


def test_ranges_of_characters_are_written_as_distances():
    assert tokenizer_tables.ranges([5, 6, 7, 50]) == "5 2 17 0"


def test_the_script_cuts_every_text_as_the_library_does():
    texts = widget_texts.all_texts()
    assert len(texts) > 350
    found = [
        [number for word in words for number in word["ids"]] for words in javascript.tokenize(texts)
    ]
    assert found == TOKENIZER(texts, add_special_tokens=False)["input_ids"]


def test_the_script_shows_the_words_that_the_library_cuts():
    library, texts = TOKENIZER.backend_tokenizer, widget_texts.all_texts()
    texts = [text for text in texts if "[" not in text]
    found = [[word["word"] for word in words] for words in javascript.tokenize(texts)]
    for text, words in zip(texts, found, strict=True):
        normalized = library.normalizer.normalize_str(text)
        assert words == [w for w, _ in library.pre_tokenizer.pre_tokenize_str(normalized)]


def recorded() -> dict:
    """What the figure of attention reads."""
    return json.loads(gzip.decompress(base64.b64decode(measured.facts("attention")["packed"])))


def weights_of(sentence: dict) -> np.ndarray:
    """Its recorded weights: layers × heads × T × T."""
    size = len(sentence["tokens"])
    stored = np.frombuffer(base64.b64decode(sentence["weights"]), np.uint8)
    return stored.reshape(6, 12, size, size) / 255


def test_the_recorded_attention_is_that_of_the_model():
    sentence = recorded()["sentences"][0]
    tokens, found = attention_weights.weights(attention_weights.load(), sentence["text"])
    assert tokens == sentence["tokens"]
    assert np.abs(found / 255 - weights_of(sentence)).max() < 1.5 / 255


def test_every_row_of_weights_adds_up_to_one():
    for sentence in recorded()["sentences"]:
        assert np.abs(weights_of(sentence).sum(-1) - 1).max() < 0.03


def test_ten_sentences_and_each_shows_what_it_is_there_for():
    sentences = recorded()["sentences"]
    assert [sentence["text"] for sentence in sentences] == measured.facts("attention")["sentences"]
    assert len(sentences) == 10 and max(len(s["tokens"]) for s in sentences) <= 14
    for sentence in sentences:
        look = sentence["look"]
        row = weights_of(sentence)[look["layer"] - 1, look["head"], look["token"]]
        assert row.argmax() == look["at"] and row.max() > 0.3, sentence["text"]


def test_the_notable_heads_do_what_is_said_of_them():
    before, after, first = (each["words"] for each in recorded()["notable"])
    assert "before" in before and "after" in after and "[CLS]" in first
    shares: dict[str, list[float]] = {before: [], after: [], first: []}
    for sentence in recorded()["sentences"]:
        for each in recorded()["notable"]:
            weights = weights_of(sentence)[each["layer"] - 1, each["head"]]
            along = {before: np.diagonal(weights, -1), after: np.diagonal(weights, 1)}
            shares[each["words"]].append(along.get(each["words"], weights[:, 0]).mean())
    assert min(shares[before]) > 0.95 and min(shares[after]) > 0.4 and min(shares[first]) > 0.7


# ---------------------------------------------------------------- made of a notebook


@pytest.fixture
def notebook(name, tmp_path):
    """A notebook that holds a figure, as JupyterLab stores it."""
    output = nbformat.v4.new_output("display_data", data=shown(name))
    cell = nbformat.v4.new_code_cell(f"widgets.{name}()", outputs=[output], execution_count=1)
    path = tmp_path / "figure.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), path)
    return path


def test_the_web_pages_keep_the_figure_as_it_is(name, notebook):
    tree = tidy.tree(notebooks.Rendering(notebook).html())
    (figure,) = tidy.tree(str(tree)).find_all("iframe")
    assert figure["srcdoc"] == page(shown(name))
    assert figure["onload"] == frame.FOLLOW


def test_a_slide_shows_its_words(name, notebook):
    cell = json.loads(notebook.read_text(encoding="utf8"))["cells"][0]
    assert html.escape(shown(name)["text/plain"]) in slides.outputs(cell)
