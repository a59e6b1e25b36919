"""The data sets and their split."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from datasets import ClassLabel
from hypothesis import given
from hypothesis import strategies as st

from helpers import corpora, downloads

FINGERPRINTS = {
    "reviews": {
        "train": "1018d4c6d9e98a821c76f11d51e545144a3fa194bd3c9192961219deb6d1dc95",
        "validation": "bf6944f0f05c93bf0269a8475969c49982f1b08e309cc8248afd78aab4e6c9b3",
        "test": "736996671c69bf3585948338ee7368e238f02a12d43eb23acbdf679af3364ac6",
    },
    "news": {
        "train": "01ca4c4693f2ce388a2e75dcbb03bf37c2e1ffe96e1ec4b35860d434869639c3",
        "validation": "fff250310c5442fecc43125f80f185c9260f5c2bd1654ccc9f9703005282907a",
        "test": "6d95fba6b43470cece28a31bdc02793ad9627bbb3d916fecf001a1125493c5a1",
    },
    "ratings": {
        "train": "d702e741e057352719ac4a1a998ecf445f4edfd3b2088241938c87b341284874",
        "validation": "9e1d5b05b67e1136c3f606945680d1ccd7320ab8b1d70d060ce84a248da30f18",
        "test": "5faced5f2ccb59a58c090baee6629655f7384b03f15bd865be90a015b46a57ea",
    },
}


@pytest.fixture(scope="module")
def loaded():
    return {name: corpora.load(name) for name in corpora.READERS}


@pytest.fixture(scope="module")
def reviews(loaded):
    return loaded["reviews"]


@pytest.fixture(scope="module")
def rated():
    return corpora.read_ratings()[0]


def same(text: str) -> str:
    """What a text is compared by across data sets: no entities, no punctuation, no capitals."""
    return corpora.normalized(corpora.plain(text))


@pytest.mark.parametrize("name", corpora.READERS)
def test_a_split_never_moves(loaded, name):
    parts = loaded[name]
    assert {part: corpora.fingerprint(parts[part]) for part in parts} == FINGERPRINTS[name]


def test_a_fingerprint_sees_every_column(loaded):
    some = loaded["ratings"]["validation"].select(range(5))
    other = some.remove_columns("domain").add_column("domain", [0, 1, 2, 3, 0])
    assert corpora.fingerprint(some) != corpora.fingerprint(other)
    assert corpora.fingerprint(some) == corpora.fingerprint(some.select(range(5)))


def test_a_fingerprint_sees_the_names_of_the_classes_if_asked(reviews):
    some = reviews["validation"].select(range(5))
    named = [some.cast_column("label", ClassLabel(names=n)) for n in (["a", "bc"], ["ab", "c"])]
    one, other = (corpora.fingerprint(dataset, names=True) for dataset in named)
    assert one != other and corpora.fingerprint(named[0]) == corpora.fingerprint(named[1])


def test_sizes_and_label_names_of_the_reviews(reviews):
    assert {part: len(reviews[part]) for part in reviews} == {
        "train": 5970,
        "validation": 853,
        "test": 1705,
    }
    assert reviews["train"].features["label"].names == ["negative", "positive"]


def test_sizes_and_label_names_of_the_news(loaded):
    news = loaded["news"]
    assert news["train"].features["label"].names == ["business", "politics", "tech"]
    counts = {part: np.bincount(news[part]["label"]).tolist() for part in news}
    assert counts == {"train": [349, 272, 226], "validation": [50, 39, 32], "test": [99, 77, 65]}


def test_sizes_of_the_ratings_in_each_domain(loaded):
    ratings = loaded["ratings"]
    assert ratings["train"].features["domain"].names == ["tweets", "movie", "amazon", "nyt"]
    assert {part: np.bincount(ratings[part]["domain"]).tolist() for part in ratings} == {
        "train": [2832, 7420, 2580, 3579],
        "validation": [404, 1063, 368, 512],
        "test": [809, 2120, 737, 1022],
    }


def test_every_domain_has_the_signs_of_its_ratings_in_proportion(loaded):
    parts = [loaded["ratings"][part].to_pandas() for part in ("train", "validation", "test")]
    for domain, rows in pd.concat(parts).groupby("domain"):
        for sign, count in np.sign(rows["label"]).value_counts().items():
            for part, share in zip(parts, (0.70, 0.10, 0.20), strict=True):
                found = ((part["domain"] == domain) & (np.sign(part["label"]) == sign)).sum()
                assert abs(found - share * count) <= 8, (domain, sign)


@pytest.mark.parametrize(("name", "size"), [("reviews", 8528), ("news", 1209), ("ratings", 23446)])
def test_no_text_is_in_two_parts_whatever_its_punctuation(loaded, name, size):
    parts = [{same(text) for text in part["text"]} for part in loaded[name].values()]
    assert sum(map(len, parts)) == len(set.union(*parts)) == size


def test_no_text_is_in_one_part_here_and_in_another_there(loaded):
    texts = {
        name: {part: {same(text) for text in rows["text"]} for part, rows in parts.items()}
        for name, parts in loaded.items()
    }
    for one, other in combinations(texts, 2):
        for trained, scored in combinations(("train", "validation", "test"), 2):
            assert not texts[one][trained] & texts[other][scored], (one, other)
            assert not texts[one][scored] & texts[other][trained], (one, other)
    shared = [len(texts["reviews"][part] & texts["ratings"][part]) for part in texts["reviews"]]
    assert shared == [5936, 851, 1696]


def test_what_was_removed_is_said(capsys):
    for name in corpora.READERS:
        corpora.load(name)
    assert capsys.readouterr().out.splitlines() == [
        "reviews: 8,530 rows, 2 duplicates removed; train 5,970, validation 853, test 1,705",
        "news: 1,328 rows, 119 duplicates removed; train 847, validation 121, test 241",
        "ratings: 23,703 rows, 4 with nothing to read and 253 duplicates removed; "
        "train 16,411, validation 2,347, test 4,688",
    ]


def test_no_article_is_in_two_parts_under_another_headline_or_in_another_version(loaded):
    articles = [text.split("\n\n", 1) for part in loaded["news"].values() for text in part["text"]]
    for piece in zip(*articles, strict=True):
        assert len({same(text) for text in piece}) == len(piece) == 1209


def test_a_copy_under_another_headline_and_another_version_of_an_article_are_removed():
    rows = pd.DataFrame({"headline": ["a", "b", "A!", "c"], "body": ["x", "X.", "y", "z"]})
    rows["text"] = rows["headline"] + "\n\n" + rows["body"]
    assert corpora.drop_duplicates(rows)["headline"].tolist() == ["a", "c"]


def test_a_byte_that_is_not_utf8_is_named():
    with pytest.raises(corpora.DataError, match=r"sports/199\.txt is not UTF-8: byte 0xa3 at"):
        corpora.read_utf8(downloads.folder("news") / "sports" / "199.txt")


def test_a_mean_is_that_of_the_single_ratings_but_for_199_tweets(rated):
    means = rated["ratings"].map(np.mean)
    differ = rated[(rated["label"] - means).abs() > 1e-3]
    assert len(differ) == 199 and set(differ["domain"]) == {0}


def test_single_ratings_are_whole_numbers_on_the_scale(rated):
    single = {rating for ratings in rated["ratings"] for rating in ratings}
    assert single == set(range(-4, 5)) and {type(rating) for rating in single} == {int}
    assert rated["ratings"].map(len).between(15, 99).all()


def test_no_entity_and_no_byte_order_mark_is_left_in_news_and_ratings(loaded):
    for name in ("news", "ratings"):
        for text in (text for part in loaded[name].values() for text in part["text"]):
            assert text == corpora.plain(text) and "\ufeff" not in text


def test_entities_are_resolved_even_where_they_were_escaped_twice():
    assert corpora.plain("you&amp;#39;d &lt;3 this &amp; that ") == "you'd <3 this & that"


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


@given(places=st.lists(st.sampled_from([None, "train", "test"]), min_size=10, max_size=100))
def test_a_row_with_a_given_part_stands_there_and_the_others_are_cut(places):
    rows = pd.DataFrame({"text": [f"text {i}" for i in range(len(places))], "label": 0})
    rows["part"] = pd.Series(places, dtype=object)
    parts = corpora.split(rows)
    for part in ("train", "test"):
        assert set(rows.loc[rows["part"] == part, "text"]) <= set(parts[part]["text"])
    free = rows.loc[rows["part"].isna(), ["text", "label"]]
    for part, alone in corpora.split(free).items():
        assert set(alone["text"]) == set(free["text"]) & set(parts[part]["text"])


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


def test_the_review_of_each_amazon_sentence_is_known():
    known = corpora.amazon_reviews()
    parts = corpora.load("ratings")
    amazon = parts["train"].features["domain"].str2int("amazon")
    texts = [row["text"] for part in parts.values() for row in part if row["domain"] == amazon]
    assert len(texts) == 3685 and set(texts) <= set(known)
    assert known["incredibe price / performance."] == "2"  # 2_1 in the file
    assert len(set(known.values())) == 300


@pytest.mark.parametrize("domain", ["tweets", "movie"])
def test_sentences_that_are_texts_of_their_own_have_no_origin(domain):
    with pytest.raises(ValueError, match=rf'"{domain}" are whole texts'):
        corpora.origins(domain)
