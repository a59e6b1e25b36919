"""Tuning on pairs: which pairs, which loss, which runs."""

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import baselines, checkpoints, measured
from helpers.measured import what_it_buys as reader
from tools.experiments import setfit_like as study
from tools.experiments import what_it_buys


@given(
    more=st.lists(st.integers(0, 1), max_size=20),
    partners=st.integers(1, 5),
    seed=st.integers(0, 2**32 - 1),
)
def test_each_sentence_gets_as_many_partners_of_its_class_as_of_the_other(more, partners, seed):
    labels = np.array([0, 0, 1, 1, *more])
    pairs = study.pairs_of(labels, partners, np.random.default_rng(seed))
    assert pairs.shape == (2 * partners * len(labels), 3)
    first, second, alike = pairs.T
    assert (first != second).all() and ((labels[first] == labels[second]) == alike).all()
    assert (np.bincount(first) == 2 * partners).all() and alike.mean() == 0.5


def test_sixteen_sentences_get_twenty_partners_of_each_kind_and_sixty_four_get_ten():
    assert [study.partners_of(n) for n in (8, 16, 32, 64)] == [20, 20, 20, 10]
    assert [study.steps_of(study.PAIRS, n) for n in (8, 16, 32, 64)] == [20, 40, 80, 80]


def test_the_pairs_come_in_a_random_order():
    pairs = study.pairs_of(np.repeat([0, 1], 8), 20, np.random.default_rng(0))
    assert not (np.diff(pairs[:, 0]) >= 0).all() and 2 < pairs[: study.BATCH, 2].sum() < 14


def test_the_loss_is_the_squared_distance_of_the_cosine_as_torch_computes_it():
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(5, 7, generator=generator) for _ in range(2))
    alike = torch.tensor([1.0, 0, 1, 0, 0])
    cosines = torch.nn.functional.cosine_similarity(first, second)
    unit = (torch.nn.functional.normalize(x, dim=1) for x in (first, second))
    expected = torch.nn.functional.mse_loss(cosines, alike)
    assert torch.allclose(study.pair_loss(*unit, alike), expected)
    same = torch.nn.functional.normalize(first, dim=1)
    assert study.pair_loss(same, same, torch.ones(5)) < 1e-6


def test_vectors_are_the_frozen_features_at_length_one():
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    texts = ["a good film", "a film that is much too long for what it has to say", "dull"]
    means = baselines.mean_features(texts)
    expected = means / np.linalg.norm(means, axis=1, keepdims=True)
    assert np.abs(study.vectors(encoder, tokenizer, texts) - expected).max() < 1e-5


@pytest.mark.slow
def test_tuning_pulls_the_classes_apart_and_the_same_seed_does_the_same():
    few, _ = what_it_buys.learned_from(study.PAIRS, 8, 0, 0)
    labels = np.asarray(few["label"])

    def cosines_after(seed):
        tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
        losses = study.tune_on_pairs(encoder, tokenizer, few, 1e-4, seed, partners=10)
        assert len(losses) == 2 * 10 * 8 / study.BATCH and losses[-1] < losses[0]
        found = study.vectors(encoder, tokenizer, few["text"][:])
        return found @ found.T

    cosines = cosines_after(0)
    alike = labels[:, None] == labels
    assert cosines[alike].mean() > cosines[~alike].mean() + 0.5
    assert np.array_equal(cosines, cosines_after(0)) and not np.array_equal(
        cosines, cosines_after(1)
    )


def test_with_four_of_each_class_the_regressions_choose_by_four_folds():
    assert study.folds(8, 0).n_splits == 4 and study.folds(16, 0).n_splits == 5
    few, _ = what_it_buys.learned_from(study.TFIDF, 8, 0, 0)
    assert study.on_words(few, ["validation"], 0.0, 0)[0].shape == (853,)


def test_the_rate_is_chosen_on_validation_only_and_when_all_tries_are_there():
    tries = [
        {
            "scored": "validation",
            "seed": seed,
            "rate": rate,
            "right": 500 + (rate == study.RATES[1]),
        }
        for seed in study.CHOICE_SEEDS
        for rate in study.RATES
    ]
    tested = {"scored": "test", "seed": 0, "rate": study.RATES[2], "right": 1700}
    assert study.chosen(pd.DataFrame([*tries, tested])) == study.RATES[1]
    assert study.planned_then(pd.DataFrame(tries[:-1])) == []
    then = study.planned_then(pd.DataFrame(tries))
    assert {run["rate"] for run in then if run["model"] == study.PAIRS} == {study.RATES[1]}
    assert len(then) == 25


def test_the_recorded_runs_are_planned_and_their_hits_are_as_many_as_were_right():
    rows = measured.table("setfit_like")
    planned = study.planned() + study.planned_then(rows)
    found = set(rows[study.KEYS].itertuples(index=False, name=None))
    assert found == {tuple(entry.values()) for entry in planned} and len(found) == len(rows)
    assert (rows["precision"] == "float32").all()
    for ending, size in (("", 1705), ("_fresh", 2113)):
        tested = rows[rows["scored"] == "test"]
        hits = tested[f"hits{ending}"].map(lambda text, n=size: reader.unpacked(text, n).sum())
        assert (hits == tested[f"right{ending}"]).all()
        assert (tested[f"of{ending}"] == size).all()
