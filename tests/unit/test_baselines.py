"""Baselines: features that padding leaves alone, hyperparameters chosen inside."""

import numpy as np
import pytest
import torch

from helpers import baselines, batching, checkpoints, corpora


@pytest.fixture(scope="module")
def train():
    return corpora.load("reviews")["train"].select(range(200))


def test_features_are_the_mean_over_a_text_alone_whatever_stands_beside_it(train):
    texts = train["text"][:20]
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    features = baselines.mean_features(texts, batch_size=8)
    for text, row in zip(texts, features, strict=True):
        with torch.inference_mode():
            hidden = encoder(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        assert np.abs(hidden.mean(0).numpy() - row).max() < 1e-5


def test_means_at_every_depth_are_those_of_a_text_alone(train):
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    token_ids = batching.tokenize(train["text"][:9], tokenizer)
    means = baselines.layer_means(encoder, token_ids, batch_size=4)
    assert means.shape == (7, 9, 384)
    for place, ids in enumerate(token_ids):
        with torch.inference_mode():
            states = encoder(torch.tensor([ids]), output_hidden_states=True).hidden_states
        for depth, hidden in enumerate(states):
            assert np.abs(hidden[0].mean(0).numpy() - means[depth, place]).max() < 1e-5


def test_both_learn_and_choose_their_dials_within_the_rows_they_are_given(train):
    texts, labels = train["text"][:], train["label"][:]
    words = baselines.tfidf().fit(texts, labels)
    features = baselines.mean_features(texts)
    frozen = baselines.on_features().fit(features, labels)
    assert words.score(texts, labels) > 0.9 and frozen.score(features, labels) > 0.7
    for fitted, grid in ((words, baselines.TFIDF_GRID), (frozen, baselines.FEATURES_GRID)):
        assert all(fitted.best_params_[name] in values for name, values in grid.items())
        assert fitted.n_splits_ == 5


def test_neither_learns_from_shuffled_labels(train):
    labels = np.random.default_rng(0).permutation(train["label"][:])
    features = baselines.mean_features(train["text"][:])
    halves = slice(0, 100), slice(100, 200)
    frozen = baselines.on_features().fit(features[halves[0]], labels[halves[0]])
    assert 0.3 < frozen.score(features[halves[1]], labels[halves[1]]) < 0.7
