"""The data sets and their split."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import corpora

FINGERPRINTS = {
    "train": "1018d4c6d9e98a821c76f11d51e545144a3fa194bd3c9192961219deb6d1dc95",
    "validation": "bf6944f0f05c93bf0269a8475969c49982f1b08e309cc8248afd78aab4e6c9b3",
    "test": "736996671c69bf3585948338ee7368e238f02a12d43eb23acbdf679af3364ac6",
}


@pytest.fixture(scope="module")
def reviews():
    return corpora.load("reviews")


def test_the_split_of_the_reviews_never_moves(reviews):
    assert {part: corpora.fingerprint(reviews[part]) for part in reviews} == FINGERPRINTS


def test_sizes_and_label_names_of_the_reviews(reviews):
    assert {part: len(reviews[part]) for part in reviews} == {
        "train": 5970,
        "validation": 853,
        "test": 1705,
    }
    assert reviews["train"].features["label"].names == ["negative", "positive"]


def test_no_review_is_in_two_parts_whatever_its_punctuation(reviews):
    parts = [{corpora.normalized(text) for text in reviews[part]["text"]} for part in reviews]
    assert sum(map(len, parts)) == len(set.union(*parts)) == 8528


def test_the_number_of_duplicates_is_said(capsys):
    corpora.load("reviews")
    assert "8,530 rows, 2 duplicates removed" in capsys.readouterr().out


def test_classes_are_mixed_in_every_part(reviews):
    for part in reviews:
        assert 20 <= sum(reviews[part]["label"][:64]) <= 44


@given(labels=st.lists(st.integers(0, 2), min_size=30, max_size=200))
def test_a_split_holds_every_row_once_and_every_class_in_proportion(labels):
    rows = pd.DataFrame({"text": [f"text {i}" for i in range(len(labels))], "label": labels})
    parts = corpora.split(rows)
    assert sorted(t for part in parts.values() for t in part["text"]) == sorted(rows["text"])
    for label, count in rows["label"].value_counts().items():
        assert abs((parts["test"]["label"] == label).sum() - 0.2 * count) <= 3


@given(seed=st.integers(0, 1000))
def test_a_split_does_not_depend_on_the_order_of_the_rows(seed):
    rows = pd.DataFrame({"text": [f"text {i}" for i in range(60)], "label": [0, 1] * 30})
    moved = corpora.split(rows.sample(frac=1, random_state=seed))
    assert all(
        part["text"].tolist() == moved[name]["text"].tolist()
        for name, part in corpora.split(rows).items()
    )


def test_an_unknown_data_set_is_answered_with_those_there_are():
    with pytest.raises(KeyError, match="reviews"):
        corpora.load("revews")


def test_labels_the_model_does_not_know_are_refused_before_training(reviews):
    with pytest.raises(corpora.DataError, match="train part has the labels 0, 1"):
        corpora.check_trainable({"train": reviews["train"]}, 1)


def test_a_single_class_is_refused(reviews):
    only = reviews["train"].filter(lambda row: row["label"] == 1, keep_in_memory=True)
    with pytest.raises(corpora.DataError, match="nothing to learn"):
        corpora.check_trainable({"train": only}, 2)


def test_an_empty_part_is_refused(reviews):
    parts = {"train": reviews["train"], "validation": reviews["validation"].select([])}
    with pytest.raises(corpora.DataError, match="validation part is empty"):
        corpora.check_trainable(parts, 2)


def test_glove_has_a_row_for_each_word():
    row_of, vectors = corpora.glove()
    assert len(row_of) == len(vectors) == 400_000
    assert vectors.shape[1] == 50
    assert row_of["the"] == 0
