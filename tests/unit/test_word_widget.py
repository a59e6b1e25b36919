"""The figure of the words: what was recorded of twenty sentences, and what its script reads."""

import numpy as np
import pytest

from helpers import corpora, explain, widgets
from helpers.measured import explanations
from tests.unit import javascript
from tests.unit.figures import page, shown
from tools.experiments import explanation_tables

STORED = widgets.stored_words()


def script_gives(expression: str, data: object = None):
    """What the script gives for an expression of `sentences` and `data`."""
    expression = f"((sentences, data) => {expression})(data.sentences, data.data)"
    return javascript.gives(["words.js"], expression, {"sentences": STORED, "data": data})


def test_twenty_test_reviews_of_at_most_ten_words_and_every_subset_of_them():
    reviews = corpora.load("reviews")["test"]
    label_of = dict(zip(reviews["text"], reviews["label"], strict=True))
    assert [each["text"] for each in STORED] == list(explanation_tables.SENTENCES)
    assert len(STORED) == len({each["text"] for each in STORED}) == 20
    for each in STORED:
        count = len(each["text"].split())
        assert count <= 10 and each["label"] == label_of[each["text"]]
        assert len(each["mask"]) == len(each["delete"]) == 2**count
        assert each["mask"][-1] == each["delete"][-1], "the whole sentence is the same text"
        assert all(0 <= p <= 1000 for p in each["mask"] + each["delete"])
        assert list(each["scores"]) == list(explanations.METHODS)
        assert all(len(scores) == count for scores in each["scores"].values())


@pytest.mark.parametrize("remove", [explain.masked, explain.deleted])
def test_the_number_of_a_subset_says_which_words_are_there(remove):
    texts = explanation_tables.subsets(["a", "b", "c"], remove)
    assert len(texts) == 8 and texts[7] == "a b c" and texts[5] == remove(["a", "b", "c"], {1})


def test_leave_one_out_is_what_the_subsets_say():
    """Its scores are differences of logits, those of the subsets probabilities: same order."""
    for each in STORED:
        p = np.array(each["mask"]) / 1000
        count, sign = len(each["text"].split()), 1 if p[-1] >= 0.5 else -1
        found = [sign * (p[-1] - p[len(p) - 1 - 2**i]) for i in range(count)]
        scores = np.array(each["scores"]["leave one out"])
        for a, b in np.argwhere(np.subtract.outer(found, found) > 0.01):
            assert scores[a] > scores[b], each["text"]


def test_the_script_finds_the_probability_of_every_subset():
    removed = [[], [0], [1, 3], [4, 0, 2]]
    found = script_gives("data.map((gone) => probability(sentences[2], 'mask', gone))", removed)
    count = len(STORED[2]["text"].split())
    expected = [
        STORED[2]["mask"][sum(2**i for i in range(count) if i not in gone)] / 1000
        for gone in removed
    ]
    assert found == expected


def test_the_script_finds_the_highest_word_that_is_still_there():
    scores = [0.1, -5.0, 2.0, 2.0]
    asked = [[], [2], [2, 3], [0, 2, 3], [0, 1, 2, 3]]
    expression = f"data.map((gone) => highest({scores}, gone))"
    assert script_gives(expression, asked) == [2, 3, 0, 1, -1]


def test_the_words_tell_the_whole_sentences_and_one_methods_scores():
    said = shown("words")["text/plain"]
    for each in STORED:
        assert f"“{each['text']}” {each['mask'][-1] / 1000:.0%} positive" in said
    assert said in page(shown("words")).replace("&quot;", '"').replace("&#x27;", "'")
