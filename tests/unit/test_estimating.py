"""How long a run will take: the sum is checked with times given by hand, never with a clock."""

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import batching, checkpoints, training
from helpers.training import estimating
from tests.unit.small import few

NAMES = ["negative", "positive"]
LENGTHS = [5, 9, 9, 14, 30, 22, 7, 200]


def fresh():
    return checkpoints.load(seed=0, label_names=NAMES, num_hidden_layers=1)


def config(**changes):
    return training.TrainingConfig(**{"epochs": 2, "batch_size": 4, "precision": "fp32"} | changes)


@pytest.fixture
def given_times(monkeypatch):
    """A step of T tokens takes 2 + T seconds, a reading of 64 texts T."""
    monkeypatch.setattr(estimating, "timed_steps", lambda model, config, length: 2.0 + length)
    monkeypatch.setattr(estimating, "timed_reading", lambda model, config, length: float(length))


def test_each_batch_counts_with_its_own_length(given_times):
    """Four texts a batch: in order of length 5 7 9 9 | 14 22 30 200, padded to 12 and to 128."""
    _, model = fresh()
    found = training.estimate(model, LENGTHS, config())
    assert found.steps == 4 and found.epochs == 2
    assert found.training == 2 * ((2 + 12) + (2 + 128)) and found.evaluation == 0
    assert found.probes == ((12, 14.0), (128, 130.0))


def test_a_part_of_a_batch_costs_its_share_and_scoring_is_counted(given_times):
    _, model = fresh()
    found = training.estimate(model, [20] * 6, config(epochs=1), validation=[20] * 32)
    assert found.training == pytest.approx(22 * 6 / 4)
    assert found.evaluation == pytest.approx(20 * 32 / 64)
    assert found.seconds == found.training + found.evaluation


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(1, 9))
def test_where_time_is_a_line_the_sum_is_exact(lengths, batch_size):
    """Linear between the timed lengths: nothing is lost if time is linear in length."""
    planned = estimating.padded(lengths, batching.bucketed(lengths, batch_size, 0), 128)
    assert sum(n for n, _ in planned) == len(lengths)
    at = estimating.probed_lengths(planned)
    assert len(at) <= 5 and {min(t for _, t in planned), max(t for _, t in planned)} <= set(at)
    found = estimating.total(planned, at, [3 + 0.5 * t for t in at], batch_size)
    assert found == pytest.approx(sum((3 + 0.5 * t) * n / batch_size for n, t in planned))


def test_nothing_of_the_model_changes_and_training_is_the_same_afterwards():
    parts = few(16, 8)
    weights = []
    for asked in (False, True):
        tokenizer, model = fresh()
        model.eval()
        frozen = model.classifier.weight.requires_grad_(False)
        before, state = copy.deepcopy(model.state_dict()), torch.get_rng_state()
        if asked:
            lengths = [len(ids) for ids in batching.tokenize(parts[0]["text"][:], tokenizer)]
            found = training.estimate(model, lengths, config(freeze_word_embeddings=True), lengths)
            assert found.training > 0 and found.evaluation > 0
        assert all(torch.equal(before[name], own) for name, own in model.state_dict().items())
        assert torch.equal(state, torch.get_rng_state()) and not model.training
        assert not frozen.requires_grad and model.get_input_embeddings().weight.requires_grad
        assert all(parameter.grad is None for parameter in model.parameters())
        training.fine_tune(model, tokenizer, *parts, config())
        weights.append(model.state_dict())
    assert all(torch.equal(weights[0][name], own) for name, own in weights[1].items())


def test_the_settings_are_put_back_after_an_error(monkeypatch):
    def too_large(*_):
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    _, model = fresh()
    monkeypatch.setattr(estimating, "logits_of", too_large)
    with pytest.raises(MemoryError, match="smaller batch_size or max_length"):
        training.estimate(model, LENGTHS, config(freeze_word_embeddings=True))
    assert model.get_input_embeddings().weight.requires_grad


@pytest.mark.parametrize(
    ("lengths", "validation", "said"),
    [([], (), "lengths is empty"), ([5, 0], (), "0 tokens"), ([5], [3, -1], "-1 tokens")],
)
def test_lengths_that_cannot_be_are_refused(lengths, validation, said):
    _, model = fresh()
    with pytest.raises(training.TrainingError, match=said):
        training.estimate(model, lengths, config(), validation)


def test_lengths_may_be_an_array(given_times):
    _, model = fresh()
    assert training.estimate(model, np.array(LENGTHS), config()) == training.estimate(
        model, LENGTHS, config()
    )


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "1 second"), (1.4, "1 second"), (40, "40 seconds"), (89, "89 seconds"),
     (90, "2 minutes"), (720, "12 minutes"), (5400, "1.5 hours"), (12600, "3.5 hours")],
)  # fmt: skip
def test_a_duration_has_the_unit_that_one_would_use(seconds, words):
    assert estimating.in_words(seconds) == words


def test_the_estimate_is_a_sentence():
    one = training.Estimate(720.0, 0.0, 3, 561, ((32, 1.3),))
    assert repr(one) == (
        "about 12 minutes for 3 epochs, 561 steps of 1.3 seconds (on this machine, with nothing "
        "beside it)"
    )
    assert "scoring the validation part included" in str(training.Estimate(9.0, 1.0, 1, 5, ()))
