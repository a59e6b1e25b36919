"""Checkpoints: fresh heads, random weights, a hub that is not there, padding."""

import pickle
import urllib.request

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import BertForSequenceClassification
from transformers.models.bert.modeling_bert import BertLayer

from helpers import batching, checkpoints, runtime, speedups, storage
from tests.unit.test_faults import Payload

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
    with pytest.raises(checkpoints.CheckpointError, match=r"CHECKPOINT = 'smollm2'"):
        checkpoints.load_causal("google-bert/no-such-model-here")


def test_a_converted_model_has_its_name_on_another_machine_too():
    """And no other folder has one."""
    assert checkpoints.name_at("/elsewhere/data/downloads/smollm2-safetensors") == "smollm2"
    for other in ("/elsewhere/smollm2", "outputs/my-model", "google-bert/bert-base-uncased", ""):
        assert checkpoints.name_at(other) == other


def test_a_hub_that_does_not_answer_is_found_out_before_the_library_tries(monkeypatch):
    monkeypatch.setattr(urllib.request, "getproxies", dict)
    monkeypatch.setattr(checkpoints.constants, "ENDPOINT", "https://hub.invalid")
    assert not checkpoints.hub_is_reachable()
    with pytest.raises(checkpoints.CheckpointError, match="the model hub did not deliver it"):
        checkpoints.load_encoder("google-bert/no-such-model-here")


def test_a_folder_of_pickled_weights_is_refused_and_not_read(tmp_path):
    MODEL.config.save_pretrained(tmp_path)
    TOKENIZER.save_pretrained(tmp_path)
    (tmp_path / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))
    with pytest.raises(checkpoints.CheckpointError, match=r"no file named model\.safetensors"):
        checkpoints.load(str(tmp_path))
    assert not (tmp_path / "executed").exists()


@settings(max_examples=20)
@given(lengths=st.lists(st.integers(2, 40), min_size=1, max_size=5), seed=st.integers(0, 2**32 - 1))
def test_padding_never_changes_logits(lengths, seed):
    rng = np.random.default_rng(seed)
    rows = [[101, *rng.integers(1000, 30000, n - 2).tolist(), 102] for n in lengths]
    with torch.no_grad():
        input_ids, mask = batching.pad(rows, TOKENIZER.pad_token_id)
        together = MODEL(input_ids=input_ids, attention_mask=mask).logits
        alone = [MODEL(input_ids=torch.tensor([row])).logits[0] for row in rows]
    assert torch.allclose(together, torch.stack(alone), atol=1e-5)


# ---------------------------------------------------------------- what makes the CPU faster


@settings(max_examples=25)
@given(
    shape=st.lists(st.integers(1, 40), min_size=1, max_size=3),
    p=st.floats(0.01, 0.95),
    seed=st.integers(0, 2**32 - 1),
)
def test_light_dropout_drops_or_scales_and_nothing_else(shape, p, seed):
    torch.manual_seed(seed)
    values = torch.randn(shape) + 3
    dropped = speedups.light_dropout(values, p)
    assert dropped.shape == values.shape
    kept = dropped != 0
    assert torch.allclose(dropped[kept], values[kept] / (1 - p))


@pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
def test_light_dropout_drops_as_often_as_it_should(p):
    """Four standard errors of a million draws; neighbours and repeats are not alike."""
    torch.manual_seed(0)
    dropped = [speedups.light_dropout(torch.ones(1000, 1000), p) == 0 for _ in range(2)]
    width = 4 * (p * (1 - p) / 1e6) ** 0.5
    both = {
        "repeat": dropped[0] & dropped[1],
        "neighbour": dropped[0][:, 1:] & dropped[0][:, :-1],
        "one draw": dropped[0].flatten()[::4] & dropped[0].flatten()[3::4],
    }
    assert abs(dropped[0].double().mean().item() - p) < width
    for name, together in both.items():
        assert abs(together.double().mean().item() - p * p) < 4 * width, name


def test_a_seed_fixes_light_dropout():
    torch.manual_seed(3)
    first = speedups.light_dropout(torch.ones(100), 0.5)
    torch.manual_seed(3)
    assert torch.equal(speedups.light_dropout(torch.ones(100), 0.5), first)


def test_the_light_model_is_the_library_s_outside_training():
    """Same weights, a padded batch: the course's attention against the library's eager one."""
    _, stock = checkpoints.load(seed=0, attn_implementation="eager")
    input_ids, mask = batching.pad([[101, 2023, 2003, 102], [101, 102]], 0)
    light, eager = (m(input_ids=input_ids, attention_mask=mask).logits for m in (MODEL, stock))
    assert torch.equal(light, eager)


def test_the_light_model_is_the_library_s_in_training_where_nothing_is_dropped():
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    input_ids, mask = batching.pad([[101, 2023, 2003, 102], [101, 102]], 0)
    gradients = []
    for attention in ("light", "eager"):
        _, model = checkpoints.load(seed=0, attn_implementation=attention, **none)
        model.train()(input_ids=input_ids, attention_mask=mask).logits.sum().backward()
        gradients.append([p.grad for p in model.parameters()])
    assert all(torch.equal(a, b) for a, b in zip(*gradients, strict=True))


def test_every_dropout_of_the_model_is_light():
    kinds = {type(m) for m in MODEL.modules() if isinstance(m, torch.nn.Dropout)}
    assert kinds == {speedups.LightDropout}


@pytest.mark.parametrize(("device", "attention"), [("mps", "eager"), ("cuda", "sdpa")])
def test_off_the_cpu_the_model_is_the_library_s(device, attention, monkeypatch):
    """The cheap random numbers are made on the CPU; a model elsewhere must not use them."""
    monkeypatch.setattr(runtime, "best_device", lambda: torch.device(device))
    _, model = checkpoints.load(seed=0, num_hidden_layers=1)
    assert {type(m) for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {
        torch.nn.Dropout
    }
    assert model.config._attn_implementation == attention


@pytest.mark.parametrize("attention", ["light", "eager", "sdpa"])
def test_a_last_layer_for_the_first_token_gives_the_same_logits_and_gradients(attention):
    none = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    batches = [[[101, 2023, 2003, 102], [101, 102]], [[101, 2023, 102]]]  # with padding, without
    models = [checkpoints.load(seed=0, attn_implementation=attention, **none)[1] for _ in "12"]
    speedups.shorten_last_layer(models[1])
    assert list(models[0].state_dict()) == list(models[1].state_dict())
    for rows in batches:
        input_ids, mask = batching.pad(rows, 0)
        logits, gradients = [], []
        for model in models:
            model.zero_grad()
            logits.append(model.train()(input_ids=input_ids, attention_mask=mask).logits)
            logits[-1].square().sum().backward()
            gradients.append([p.grad for p in model.parameters()])
        assert torch.allclose(*logits, atol=1e-6)
        for stock, short in zip(*gradients, strict=True):
            assert torch.allclose(stock, short, atol=1e-6)


def test_a_shortened_layer_drops_as_often_as_the_library_s_and_reads_one_token():
    _, model = checkpoints.load(seed=0)
    speedups.shorten_last_layer(model)
    assert {type(m) for m in model.modules() if isinstance(m, torch.nn.Dropout)} == {
        speedups.LightDropout
    }
    last = model.bert.encoder.layer[-1]
    assert last.attention.self.dropout.p == model.config.attention_probs_dropout_prob > 0
    hidden = model.bert(input_ids=torch.tensor([[101, 2023, 2003, 102]])).last_hidden_state
    assert hidden.shape == (1, 1, model.config.hidden_size)
    ids = torch.tensor([[101, 2023, 2003, 102]])
    torch.manual_seed(0)
    one, other = (model.train()(input_ids=ids).logits for _ in range(2))
    assert not torch.equal(one, other)


def test_a_shortened_layer_takes_no_chance_and_the_very_weights_frozen_or_not():
    _, model = checkpoints.load(seed=0)
    last = model.bert.encoder.layer[-1]
    last.attention.self.key.weight.requires_grad_(False)
    before = list(model.parameters())
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    speedups.shorten_last_layer(speedups.shorten_last_layer(model))
    assert torch.equal(torch.rand(3), expected)
    assert all(a is b for a, b in zip(before, model.parameters(), strict=True))
    assert not model.bert.encoder.layer[-1].attention.self.key.weight.requires_grad


def test_a_shortened_model_is_stored_as_any_other_and_comes_back_short(tmp_path):
    tokenizer, model = checkpoints.load(seed=0)
    speedups.shorten_last_layer(model)
    storage.save_model(model, tokenizer, tmp_path / "model")
    with checkpoints.quiet():
        stock = BertForSequenceClassification.from_pretrained(tmp_path / "model")
    _, again = storage.load_model(tmp_path / "model")
    layers = [each.bert.encoder.layer[-1] for each in (stock, again)]
    assert [type(layer) for layer in layers] == [BertLayer, speedups.FirstTokenLayer]
    ids = torch.tensor([[101, 2023, 2003, 102]])
    with torch.no_grad():
        wanted = model(input_ids=ids).logits
        assert torch.equal(again(input_ids=ids).logits, wanted)
        assert torch.allclose(stock.eval()(input_ids=ids).logits, wanted, atol=1e-6)


def test_a_model_without_a_bert_classifier_is_not_shortened():
    with pytest.raises(ValueError, match="BertModel is no BERT classifier"):
        speedups.shorten_last_layer(checkpoints.load_encoder())


def test_a_kept_word_gradient_holds_the_same_numbers_and_is_forgotten():
    def gradient_of(model, row):
        ids = torch.tensor([row])
        model(input_ids=ids).logits.sum().backward()
        return model.get_input_embeddings().weight.grad.clone()

    _, model = checkpoints.load(seed=0)
    optimizer = torch.optim.AdamW(model.parameters())
    rows = [101, 2023, 2023, 0, 102], [101, 2003, 102]
    expected = []
    for row in rows:
        expected.append(gradient_of(model, row))
        optimizer.zero_grad()
    with speedups.word_gradient_kept(model):
        for row, wanted in zip(rows, expected, strict=True):
            assert torch.equal(gradient_of(model, row), wanted)
            speedups.zero_gradients(model, optimizer)
    assert model.get_input_embeddings().weight.grad is None
    assert torch.equal(gradient_of(model, rows[0]), expected[0])
