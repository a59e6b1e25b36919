"""The training loop, on the real encoder with one layer and a handful of real sentences."""

import functools
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import ClassLabel
from transformers import get_linear_schedule_with_warmup

from helpers import checkpoints, corpora, downloads, runtime, speedups, storage, training
from tests.unit.small import few

NAMES = ["negative", "positive"]


@pytest.fixture(scope="module")
def parts():
    return few(48, 32)


def fresh(short=False):
    tokenizer, model = checkpoints.load(seed=0, label_names=NAMES, num_hidden_layers=1)
    return tokenizer, speedups.shorten_last_layer(model) if short else model


def config(**changes):
    return training.TrainingConfig(**{"epochs": 2, "batch_size": 16, "precision": "fp32"} | changes)


def press_stop_at(step):
    """What a hand at the keyboard does after a step."""

    def on_step(run):
        if run.step == step:
            signal.raise_signal(signal.SIGINT)

    return on_step


def weights_equal(one, other) -> bool:
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_the_same_seed_gives_the_same_weights_and_another_does_not(parts):
    models = []
    for seed in (0, 0, 1):
        tokenizer, model = fresh()
        training.fine_tune(model, tokenizer, *parts, config(seed=seed))
        models.append(model)
    assert weights_equal(models[0], models[1])
    assert not weights_equal(models[0], models[2])


@pytest.mark.parametrize(("stop_at", "short"), [(1, False), (3, False), (4, False), (3, True)])
def test_ctrl_c_and_resume_equal_an_uninterrupted_run(parts, tmp_path, stop_at, short):
    settings = config(best_metric="validation_loss")
    tokenizer, whole = fresh(short)
    whole_run = training.fine_tune(whole, tokenizer, *parts, settings)

    tokenizer, stopped = fresh(short)
    options = {"output_dir": tmp_path / "run", "on_step": press_stop_at(stop_at)}
    with pytest.raises(KeyboardInterrupt, match=r"stored: training\.resume goes on"):
        training.fine_tune(stopped, tokenizer, *parts, settings, **options)
    _, resumed, run = training.resume(tmp_path / "run", *parts)
    assert run.rows == whole_run.rows
    assert weights_equal(whole, resumed)


def test_a_folder_with_a_run_is_not_overwritten(parts, tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path)
    with pytest.raises(storage.StorageError, match=r"training\.resume"):
        training.fine_tune(model, tokenizer, *parts, config(), output_dir=tmp_path)


def test_the_best_epoch_is_kept_and_patience_ends_the_run(parts):
    figures = iter([0.5, 0.9, 0.4, 0.3, 0.2])
    tokenizer, model = fresh()
    kept = []

    def scripted(prediction):
        kept.append(model.classifier.bias.detach().clone())
        return {"accuracy": next(figures)}

    run = training.fine_tune(model, tokenizer, *parts, config(epochs=5, patience=2), scripted)
    assert (run.epoch, run.best_epoch) == (4, 2)
    assert torch.equal(model.classifier.bias, kept[1])


def test_a_loss_that_is_no_number_stops_the_run(parts):
    tokenizer, model = fresh()
    with torch.no_grad():
        model.classifier.weight.fill_(float("nan"))
    with pytest.raises(training.TrainingError, match="learning_rate"):
        training.fine_tune(model, tokenizer, *parts, config())


def test_a_loss_that_turns_into_no_number_names_its_batch_and_the_best_weights_stay(parts):
    tokenizer, model = fresh()
    calls, kept = iter(range(1, 100)), []

    def spoiled(logits, labels):
        loss = torch.nn.functional.cross_entropy(logits, labels)
        # three batches and the validation part make an epoch: the sixth is epoch 2, batch 2
        return loss * float("nan") if next(calls) == 6 else loss

    def keep(prediction):
        kept.append({name: tensor.clone() for name, tensor in model.state_dict().items()})
        return {"accuracy": 0.5}

    with pytest.raises(training.TrainingError, match="epoch 2, batch 2: the loss is nan"):
        training.fine_tune(model, tokenizer, *parts, config(), keep, loss_function=spoiled)
    assert len(kept) == 1
    assert all(torch.equal(model.state_dict()[name], kept[0][name]) for name in kept[0])


def test_a_gradient_that_is_no_number_is_not_stepped_with(parts):
    tokenizer, model = fresh()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    def steep(logits, labels):
        return (logits * 0).abs().sqrt().sum()  # 0, with a slope of infinity times 0

    with pytest.raises(training.TrainingError, match=r"epoch 1, batch 1: the loss is 0\.0"):
        training.fine_tune(model, tokenizer, *parts, config(), loss_function=steep)
    assert all(torch.equal(model.state_dict()[name], before[name]) for name in before)


def test_a_run_is_not_gone_on_with_other_rows(parts, tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path)
    with pytest.raises(training.TrainingError, match="other rows"):
        training.resume(tmp_path, parts[0].select(range(40)), parts[1])


def test_a_run_is_not_gone_on_with_labels_of_other_names(parts, tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path)
    turned = parts[0].cast_column("label", ClassLabel(names=["positive", "negative"]))
    with pytest.raises(training.TrainingError, match="other rows or labels"):
        training.resume(tmp_path, turned, parts[1])


def test_a_model_of_another_shape_does_not_go_on_from_a_checkpoint(parts, tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path)
    checkpoint = storage.latest_checkpoint(tmp_path)
    _, wider = checkpoints.load(seed=0, num_labels=3)
    with pytest.raises(storage.StorageError, match="another model"):
        options = {"output_dir": tmp_path, "resume_from": checkpoint}
        training.fine_tune(wider, tokenizer, *parts, config(epochs=2), **options)


def test_nothing_that_a_run_stores_names_this_machine_or_holds_a_token(
    parts, tmp_path, monkeypatch
):
    monkeypatch.setenv("HF_TOKEN", "hf_secretsecretsecret")
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path / "run")
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {"config.json", "training.json", "tokenizer_config.json"} <= {f.name for f in files}
    places = [downloads.ROOT, tmp_path, Path.home(), Path(sys.prefix)]
    for file in files:
        content = file.read_bytes()
        for text in ("hf_secret", *(str(place) for place in places if len(place.parts) > 1)):
            assert text.encode() not in content, f"{file.name} holds {text}"


def test_a_best_model_with_a_flipped_bit_is_not_gone_on_with(parts, tmp_path):
    tokenizer, model = fresh()
    training.fine_tune(model, tokenizer, *parts, config(epochs=1), output_dir=tmp_path)
    file = tmp_path / "best" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(storage.StorageError, match="damaged"):
        training.resume(tmp_path, *parts)


def test_memory_that_is_used_up_names_the_dials(parts):
    tokenizer, model = fresh()

    def greedy(logits, labels):
        return logits.sum() + torch.empty(10**15).sum()

    with pytest.raises(MemoryError, match="smaller batch_size or max_length"):
        training.fine_tune(model, tokenizer, *parts, config(), loss_function=greedy)


def test_a_missing_text_is_named_by_its_row():
    tokenizer, model = fresh()
    with pytest.raises(TypeError, match="row 1"):
        training.predict(model, tokenizer, ["fine", None])


def test_predictions_keep_the_order_of_the_texts_and_leave_the_mode(parts):
    tokenizer, model = fresh()
    texts = parts[0]["text"][:]
    together = training.predict(model, tokenizer, texts, batch_size=8, precision="fp32")
    alone = [training.predict(model, tokenizer, [text], precision="fp32")[0] for text in texts]
    assert np.allclose(together, alone, atol=1e-5)
    model.train()
    training.predict(model, tokenizer, texts[:2])
    assert model.training
    assert training.predict(model, tokenizer, []).shape == (0, 2)


def test_a_frozen_word_table_stays_as_it_was(parts):
    tokenizer, model = fresh()
    before = model.get_input_embeddings().weight.clone()
    training.fine_tune(model, tokenizer, *parts, config(freeze_word_embeddings=True))
    assert torch.equal(model.get_input_embeddings().weight, before)


@pytest.mark.parametrize(("steps", "share"), [(10, 0.1), (561, 0.1), (7, 0.0), (5, 1.0)])
def test_the_schedule_is_the_library_s(steps, share):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    warmup = int(np.ceil(share * steps))
    schedule = get_linear_schedule_with_warmup(optimizer, warmup, steps)
    for step in range(steps):
        settings = config(learning_rate=1.0, warmup_share=share)
        rate = training.learning_rate_at(step, steps, settings)
        assert rate == pytest.approx(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()


def test_decay_spares_biases_and_norms_and_forgets_no_weight():
    _, model = fresh()
    decayed, spared = training.make_optimizer(model, config()).param_groups
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.01, 0.0)
    assert {p.ndim for p in decayed["params"]} == {2}
    assert {p.ndim for p in spared["params"]} == {1}
    counted = sum(p.numel() for group in (decayed, spared) for p in group["params"])
    assert counted == sum(p.numel() for p in model.parameters())


def test_a_saved_model_works_in_a_plain_pipeline_without_the_helpers(parts, tmp_path):
    tokenizer, model = fresh()
    training.save(model, tokenizer, tmp_path / "saved")
    text = parts[0]["text"][0]
    expected = torch.from_numpy(training.predict(model, tokenizer, [text], precision="fp32"))
    program = f"""
        import sys
        from transformers import pipeline
        answer = pipeline("text-classification", model={str(tmp_path / "saved")!r}, device="cpu")
        print(answer({text!r})[0])
        assert not any(name.startswith("helpers") for name in sys.modules)
    """
    command = [sys.executable, "-I", "-c", textwrap.dedent(program)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=True)
    answer = eval(done.stdout.splitlines()[-1], {"__builtins__": {}})
    assert answer["label"] == NAMES[expected.argmax()]
    assert answer["score"] == pytest.approx(expected.softmax(dim=1).max().item(), abs=1e-5)


def test_saving_and_loading_change_nothing(tmp_path):
    tokenizer, model = fresh()
    training.save(model, tokenizer, tmp_path / "saved")
    _, loaded = training.load(tmp_path / "saved")
    assert weights_equal(model, loaded)
    assert loaded.config.id2label == {0: "negative", 1: "positive"}
    storage.verify(tmp_path / "saved")


def test_precision_must_be_one_of_three():
    with pytest.raises(ValueError, match="auto, fp32 or bf16"):
        runtime.precision_of("fp16", torch.device("cpu"))


def test_another_loss_can_be_given(parts):
    """One step: the loss is the library's weighted mean, and its gradient moves the weights."""
    rows = parts[0].select(range(16))
    weights = torch.tensor([1.0, 5.0])
    trained = []
    for loss_function in (
        torch.nn.functional.cross_entropy,
        functools.partial(torch.nn.functional.cross_entropy, weight=weights),
    ):
        tokenizer, model = checkpoints.load(
            seed=0, num_hidden_layers=1, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0
        )
        ids = tokenizer(rows["text"][:], padding=True, return_tensors="pt")
        with torch.no_grad():
            expected = loss_function(model(**ids).logits, torch.tensor(rows["label"][:]))
        settings = config(best_metric="epoch")
        run = training.fine_tune(
            model, tokenizer, rows, rows, settings, loss_function=loss_function
        )
        assert abs(run.history["train_loss"][0] - float(expected)) < 1e-5
        trained.append(model)
    assert not weights_equal(*trained)


def test_the_last_epoch_can_be_the_one_that_is_kept(parts):
    tokenizer, model = fresh()
    run = training.fine_tune(model, tokenizer, *parts, config(epochs=3, best_metric="epoch"))
    assert run.best_epoch == 3


def rated(rows, values=None):
    """The rows with floats for labels."""
    values = [3 + len(text) % 7 / 7 for text in rows["text"]] if values is None else values
    return rows.remove_columns("label").add_column("label", values)


def squared(logits, labels):
    assert logits.shape == (len(labels), 1) and labels.dtype == torch.float32
    return torch.nn.functional.mse_loss(logits.squeeze(1), labels)


REGRESSION = {"compute_metrics": lambda prediction: {}, "loss_function": squared}


def test_floats_are_trained_on_and_the_validation_loss_is_the_same_loss(parts):
    train, validation = map(rated, parts)
    tokenizer, model = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    before = training.predict(model, tokenizer, train["text"], precision="fp32")[:, 0]
    settings = config(epochs=6, learning_rate=1e-3, best_metric="validation_loss")
    run = training.fine_tune(model, tokenizer, train, validation, settings, **REGRESSION)
    after = training.predict(model, tokenizer, train["text"], precision="fp32")[:, 0]
    labels = np.asarray(train["label"])
    assert ((after - labels) ** 2).mean() < 0.5 * ((before - labels) ** 2).mean()
    held_out = training.predict(model, tokenizer, validation["text"], precision="fp32")[:, 0]
    by_hand = ((held_out - np.asarray(validation["label"])) ** 2).mean()
    assert run.history["validation_loss"].min() == pytest.approx(by_hand, rel=1e-5)


def test_a_run_on_floats_can_be_stopped_and_resumed(parts, tmp_path):
    parts = [rated(part) for part in parts]
    settings = config(best_metric="validation_loss")
    tokenizer, whole = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    whole_run = training.fine_tune(whole, tokenizer, *parts, settings, **REGRESSION)
    tokenizer, stopped = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    place = {"output_dir": tmp_path / "run", "on_step": press_stop_at(4)}
    with pytest.raises(KeyboardInterrupt):
        training.fine_tune(stopped, tokenizer, *parts, settings, **place, **REGRESSION)
    _, resumed, run = training.resume(tmp_path / "run", *parts, **REGRESSION)
    assert run.rows == whole_run.rows and weights_equal(whole, resumed)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), None])
def test_a_label_that_is_no_finite_number_stops_before_training(parts, wrong):
    values = [1.0] * 31 + [wrong]
    tokenizer, model = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    pair = rated(parts[0]), rated(parts[1], values)
    with pytest.raises(
        corpora.DataError, match=rf"validation part has the labels {wrong}, .*finite"
    ):
        training.fine_tune(model, tokenizer, *pair, config(), **REGRESSION)


def test_whole_numbers_for_one_output_are_refused_with_the_cure(parts):
    tokenizer, model = checkpoints.load(num_labels=1, seed=0, num_hidden_layers=1)
    with pytest.raises(corpora.DataError, match=r"labels 0, 1, but.*cast the column to float"):
        training.fine_tune(model, tokenizer, *parts, config(), **REGRESSION)


def test_the_validation_loss_is_by_the_loss_function_that_was_given(parts):
    """Its value is that of the weights that stay, weighted as in training."""
    weighted = functools.partial(torch.nn.functional.cross_entropy, weight=torch.tensor([1.0, 5.0]))
    tokenizer, model = fresh()
    settings = config(epochs=1)
    run = training.fine_tune(model, tokenizer, *parts, settings, loss_function=weighted)
    logits = training.predict(model, tokenizer, parts[1]["text"], precision="fp32")
    expected = weighted(torch.from_numpy(logits), torch.tensor(parts[1]["label"][:])).item()
    assert run.history["validation_loss"][0] == pytest.approx(expected, abs=1e-6)
