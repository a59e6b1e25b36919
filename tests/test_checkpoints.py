"""Checkpoints: fresh heads, random weights, a hub that is not there, padding."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import batching, checkpoints

TOKENIZER, MODEL = checkpoints.load(seed=0)


def test_a_seed_gives_one_head_and_leaves_the_global_chance_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    _, again = checkpoints.load(seed=0)
    assert torch.equal(torch.rand(3), expected)
    _, other = checkpoints.load(seed=1)
    assert torch.equal(again.classifier.weight, MODEL.classifier.weight)
    assert not torch.equal(other.classifier.weight, MODEL.classifier.weight)


def test_random_weights_share_nothing_with_the_pretrained_ones():
    _, random = checkpoints.load(seed=0, pretrained=False)
    name = "bert.encoder.layer.0.attention.self.query.weight"
    shapes = {key: value.shape for key, value in random.state_dict().items()}
    assert shapes == {key: value.shape for key, value in MODEL.state_dict().items()}
    gap = (random.state_dict()[name] - MODEL.state_dict()[name]).abs().mean()
    assert gap > 0.01


def test_labels_have_their_names_and_as_many_as_asked_for():
    _, model = checkpoints.load(num_labels=3, label_names=["a", "b", "c"])
    assert model.config.id2label == {0: "a", 1: "b", 2: "c"}
    with pytest.raises(ValueError, match="num_labels is 2, but there are 3"):
        checkpoints.load(num_labels=2, label_names=["a", "b", "c"])


def test_layers_can_be_taken_off():
    assert len(checkpoints.load_encoder(num_hidden_layers=2).encoder.layer) == 2


def test_without_a_hub_the_message_names_the_variable_and_the_local_choice(monkeypatch):
    monkeypatch.setattr(checkpoints, "hub_is_reachable", lambda: False)
    with pytest.raises(checkpoints.CheckpointError, match=r"CHECKPOINT = 'minilm'"):
        checkpoints.load("google-bert/no-such-model-here")


@settings(max_examples=20, deadline=None)
@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_padding_never_changes_logits(lengths, seed):
    rng = np.random.default_rng(seed)
    rows = [[101, *rng.integers(1000, 30000, n - 2).tolist(), 102] for n in lengths]
    with torch.no_grad():
        input_ids, mask = batching.pad(rows, TOKENIZER.pad_token_id)
        together = MODEL(input_ids=input_ids, attention_mask=mask).logits
        alone = [MODEL(input_ids=torch.tensor([row])).logits[0] for row in rows]
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)
