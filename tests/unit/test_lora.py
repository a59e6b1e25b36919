"""LoRA is `peft`'s, in a page: same numbers, same files; and both formats load without helpers."""

import json
import os
import pickle
import subprocess
import sys

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model

from helpers import checkpoints, lora, storage, training
from tests.unit import small_chat
from tests.unit.small_chat import begun, logits, stirred, tiny_llama
from tests.unit.test_faults import Payload

TOLERANCE = 1e-5
PEFT = {"r": 4, "lora_alpha": 8, "target_modules": sorted(lora.EVERY_LINEAR), "lora_dropout": 0.0}


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_chat.saved_base(tmp_path_factory.mktemp("lora") / "base")


@pytest.fixture(scope="module")
def ids():
    return small_chat.input_ids(small_chat.tiny_tokenizer())


@pytest.fixture
def with_lora():
    return stirred(lora.add(tiny_llama(), rank=4, alpha=8))


@pytest.fixture
def twins(with_lora):
    """Our model and one of peft's, with the same matrices; each matrix beside its twin."""
    theirs = get_peft_model(tiny_llama(), LoraConfig(task_type="CAUSAL_LM", **PEFT))
    named = dict(theirs.named_parameters())
    pairs = []
    with torch.no_grad():
        for name, matrix in lora.parameters(with_lora).items():
            other = named[f"base_model.model.{name}.default.weight"]
            other.copy_(matrix)
            pairs.append((matrix, other))
    assert len(pairs) == sum(parameter.requires_grad for parameter in theirs.parameters()) == 28
    return with_lora, theirs, pairs


def largest_difference(pairs) -> float:
    return max(float((one - other).detach().abs().max()) for one, other in pairs)


def test_at_first_the_answers_are_those_of_the_base_and_the_global_seed_is_left_alone(ids):
    model, random = tiny_llama(), torch.get_rng_state()
    before = logits(model, ids)
    lora.add(model)
    assert torch.equal(logits(model, ids), before)
    assert torch.equal(torch.get_rng_state(), random)
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert trained == set(lora.parameters(model)) and len(trained) == 2 * 7 * 2


def test_matrices_begin_as_those_of_peft():
    """The same seed gives the same A; another gives another; A spreads as peft's do, B is zero."""
    one, same, other = (lora.parameters(lora.add(tiny_llama(), seed=s)) for s in (0, 0, 1))
    theirs = get_peft_model(tiny_llama(), LoraConfig(task_type="CAUSAL_LM", **PEFT | {"r": 16}))
    for name, matrix in one.items():
        assert torch.equal(matrix, same[name])
        twin = theirs.get_parameter(f"base_model.model.{name}.default.weight")
        if name.endswith("lora_B"):
            assert not matrix.any() and not twin.any()
        else:
            assert not torch.equal(matrix, other[name])
            spreads = [float(found.detach().std()) for found in (matrix, twin)]
            assert spreads[0] == pytest.approx(spreads[1], rel=0.15)


def test_answers_and_gradients_are_those_of_peft(twins, ids):
    ours, theirs, pairs = twins
    plain = logits(tiny_llama(), ids)
    assert torch.allclose(logits(ours, ids), logits(theirs, ids), atol=TOLERANCE)
    assert float((logits(ours, ids) - plain).abs().max()) > 0.1, "the matrices do something"
    for model in (ours, theirs):
        model(input_ids=ids, labels=ids).loss.backward()
    assert all(one.grad.any() for one, _ in pairs)
    assert largest_difference((one.grad, other.grad) for one, other in pairs) < TOLERANCE


def test_ten_steps_lead_to_the_weights_of_peft(twins, ids):
    ours, theirs, pairs = twins
    before = [one.detach().clone() for one, _ in pairs]
    settings = training.TrainingConfig(learning_rate=1e-2)
    trained = [parameter for parameter in theirs.parameters() if parameter.requires_grad]
    optimizers = [
        training.make_optimizer(ours, settings),
        torch.optim.AdamW(trained, settings.learning_rate, weight_decay=settings.weight_decay),
    ]
    for _ in range(10):
        for model, optimizer in zip((ours, theirs), optimizers, strict=True):
            model(input_ids=ids, labels=ids).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    moved = largest_difference(zip(before, (one for one, _ in pairs), strict=True))
    assert moved > 0.03
    assert largest_difference(pairs) < 1e-4


@pytest.mark.parametrize("tied", [True, False])
def test_merged_it_is_a_plain_model_of_the_same_answers(ids, tied):
    model = stirred(lora.add(tiny_llama(tied)))
    before = logits(model, ids)
    assert lora.merge(model) is model
    assert torch.allclose(logits(model, ids), before, atol=TOLERANCE)
    plain = tiny_llama(tied)
    assert [type(m) for m in model.modules()] == [type(m) for m in plain.modules()]
    assert model.state_dict().keys() == plain.state_dict().keys()
    assert not lora.settings_of(model)
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_biases_of_the_layers_stay(ids):
    model = tiny_llama(attention_bias=True, mlp_bias=True)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.normal_()
    expected = logits(model, ids)
    assert torch.equal(logits(lora.add(model), ids), expected)
    assert torch.allclose(logits(lora.merge(model), ids), expected, atol=TOLERANCE)


def test_layers_that_are_not_there_and_a_second_lora_are_refused():
    with pytest.raises(ValueError, match="no linear layer named query"):
        lora.add(tiny_llama(), targets=("query",))
    with pytest.raises(ValueError, match="has LoRA layers already"):
        lora.add(lora.add(tiny_llama()))


def test_only_some_layers_can_be_chosen_and_are_stored_so(base, ids, tmp_path):
    tokenizer, model = checkpoints.load_causal(str(base))
    stirred(lora.add(model, targets=("q_proj", "v_proj")))
    assert len(lora.parameters(model)) == 2 * 2 * 2
    training.save(model, tokenizer, tmp_path / "adapter")
    _, again = training.load(tmp_path / "adapter")
    assert torch.equal(logits(again, ids), logits(model, ids))


def test_what_we_store_peft_loads_and_what_peft_stores_we_load(base, ids, tmp_path):
    tokenizer, model = begun(base, "lora")
    training.save(stirred(model), tokenizer, tmp_path / "ours")
    theirs = PeftModel.from_pretrained(tiny_llama(), tmp_path / "ours")
    assert torch.allclose(logits(theirs, ids), logits(model, ids), atol=TOLERANCE)
    theirs.save_pretrained(tmp_path / "theirs")
    again = lora.load(tiny_llama(), tmp_path / "theirs")
    assert torch.equal(logits(again, ids), logits(model, ids))


def test_an_adapter_is_loaded_beside_its_base_without_any_weight_of_it(base, ids, tmp_path):
    tokenizer, model = begun(base, "lora")
    training.save(stirred(model), tokenizer, tmp_path / "adapter")
    loaded_tokenizer, loaded = training.load(tmp_path / "adapter")
    assert torch.equal(logits(loaded, ids), logits(model, ids))
    assert loaded_tokenizer.chat_template == tokenizer.chat_template
    assert lora.settings_of(loaded) == lora.settings_of(model) and not loaded.training
    tensors = storage.load_tensors(tmp_path / "adapter" / lora.ADAPTER)
    assert all(".lora_" in name for name in tensors)
    assert sum(t.numel() for t in tensors.values()) == sum(
        p.numel() for p in lora.parameters(model).values()
    )
    assert not (tmp_path / "adapter" / storage.WEIGHTS).exists()


def test_a_base_that_was_held_in_half_precision_is_so_again(base, ids, tmp_path):
    tokenizer, model = checkpoints.load_causal(str(base), dtype=torch.bfloat16)
    training.save(stirred(lora.add(model)), tokenizer, tmp_path / "adapter")
    _, loaded = training.load(tmp_path / "adapter")
    assert loaded.dtype == torch.bfloat16
    assert {p.dtype for p in lora.parameters(loaded).values()} == {torch.float32}
    assert torch.equal(logits(loaded, ids), logits(model, ids))


def test_the_base_is_named_by_a_path_that_holds_from_everywhere(base, ids, tmp_path, monkeypatch):
    monkeypatch.chdir(base.parent)
    tokenizer, model = begun("base", "lora")
    training.save(stirred(model), tokenizer, tmp_path / "adapter")
    monkeypatch.chdir(tmp_path)
    _, loaded = training.load("adapter")
    assert torch.equal(logits(loaded, ids), logits(model, ids))


def test_an_adapter_without_its_base_is_one_clear_message(tmp_path):
    base = small_chat.saved_base(tmp_path / "base")
    tokenizer, model = begun(base, "lora")
    training.save(model, tokenizer, tmp_path / "adapter")
    base.rename(tmp_path / "elsewhere")
    with pytest.raises(storage.StorageError) as caught:
        training.load(tmp_path / "adapter")
    message = str(caught.value)
    assert f"The model that they belong to, {base}, cannot be loaded" in message
    assert "Put it back" in message and "minilm" not in message
    (tmp_path / "elsewhere").rename(base)
    training.load(tmp_path / "adapter")


def test_an_adapter_beside_another_model_is_refused(tmp_path):
    base = small_chat.saved_base(tmp_path / "base")
    tokenizer, model = begun(base, "lora")
    training.save(model, tokenizer, tmp_path / "adapter")
    tiny_llama(intermediate_size=64).save_pretrained(base)
    with pytest.raises(storage.StorageError, match=r"belongs to another model.*another version"):
        training.load(tmp_path / "adapter")


def test_a_pickle_under_the_name_of_the_matrices_is_not_read(base, tmp_path):
    tokenizer, model = begun(base, "lora")

    def fill(new):
        storage.fill_model(new, model, tokenizer)
        (new / lora.ADAPTER).write_bytes(pickle.dumps(Payload(tmp_path / "executed")))

    storage.write_folder(tmp_path / "adapter", fill)
    with pytest.raises(storage.StorageError, match="not in the safetensors format"):
        training.load(tmp_path / "adapter")
    assert not (tmp_path / "executed").exists()


def test_a_model_that_was_loaded_from_nowhere_is_no_base(tmp_path):
    model = lora.add(tiny_llama())
    with pytest.raises(ValueError, match=r"loaded from nowhere\. Save it, load it from there"):
        training.save(model, small_chat.tiny_tokenizer(), tmp_path / "adapter")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("tied", [True, False])
def test_a_whole_causal_model_comes_back_as_it_was(ids, tmp_path, tied):
    model = tiny_llama(tied)
    training.save(model, small_chat.tiny_tokenizer(), tmp_path / "model")
    _, loaded = training.load(tmp_path / "model")
    own, again = model.state_dict(), loaded.state_dict()
    assert own.keys() == again.keys() and all(torch.equal(own[n], again[n]) for n in own)
    stored = storage.load_weights(tmp_path / "model", model)
    assert ("lm_head.weight" in stored) is not tied
    embedding, head = loaded.get_input_embeddings(), loaded.get_output_embeddings()
    assert (embedding.weight is head.weight) is tied


PLAIN = """
import json, sys, torch
from peft import AutoPeftModelForCausalLM, PeftModel
from transformers import AutoModelForCausalLM, pipeline

given = json.loads(sys.argv[1])
write = pipeline("text-generation", model=given["merged"], device="cpu")
options = {"max_new_tokens": 6, "min_new_tokens": 6, "do_sample": False}
ids = torch.tensor(given["ids"])
by_name = AutoPeftModelForCausalLM.from_pretrained(given["adapter"])
base = AutoModelForCausalLM.from_pretrained(given["base"])
beside = PeftModel.from_pretrained(base, given["adapter"])
with torch.no_grad():
    found = {name: globals()[name](input_ids=ids).logits.tolist() for name in ("by_name", "beside")}
found["written"] = write(given["chat"], **options)[0]["generated_text"][-1]["content"]
print(json.dumps(found))
assert not any(name.startswith("helpers") for name in sys.modules)
"""


@pytest.fixture(scope="module")
def elsewhere(base, ids, tmp_path_factory):
    """An adapter and a merged model; what a program says of both that knows nothing of the course.

    It runs in a process of its own and reaches no network.
    """
    folder = tmp_path_factory.mktemp("elsewhere")
    tokenizer, model = begun(base, "lora")
    training.save(stirred(model), tokenizer, folder / "adapter")
    training.save(lora.merge(model), tokenizer, folder / "merged")
    given = {name: str(folder / name) for name in ("adapter", "merged")}
    given |= {"base": str(base), "ids": ids.tolist(), "chat": small_chat.conversation("grass 1")}
    offline = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    options = {"capture_output": True, "text": True, "cwd": folder, "env": os.environ | offline}
    command = [sys.executable, "-I", "-c", PLAIN, json.dumps(given)]
    done = subprocess.run(command, check=False, **options)
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout.splitlines()[-1])


def continued(model, tokenizer, ids, tokens=6) -> str:
    """Greedily, one token after the other; the end token is passed over, as in the program."""
    whole = ids
    for _ in range(tokens):
        said = logits(model, whole)[:, -1:]
        said[..., tokenizer.eos_token_id] = -torch.inf
        whole = torch.cat([whole, said.argmax(-1)], dim=1)
    return tokenizer.decode(whole[0, ids.shape[1] :].tolist())


@pytest.mark.slow
def test_a_saved_causal_model_works_in_a_plain_pipeline(elsewhere, ids):
    folder, found = elsewhere
    tokenizer, model = training.load(folder / "merged")
    assert found["written"] == continued(model, tokenizer, ids)
    assert found["written"] != continued(tiny_llama(), tokenizer, ids)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["by_name", "beside"])
def test_a_saved_adapter_works_in_plain_peft(elsewhere, ids, way):
    """`by_name`: peft finds the base model by itself; `beside`: it is given to peft."""
    folder, found = elsewhere
    _, model = training.load(folder / "adapter")
    assert torch.allclose(torch.tensor(found[way]), logits(model, ids), atol=TOLERANCE)
