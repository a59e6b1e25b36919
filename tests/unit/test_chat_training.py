"""Causal models on conversations: the library's loss, on the very loop of `training.fine_tune`."""

import contextlib
import random
import shutil
import signal
from pathlib import Path

import pytest
import torch
from datasets import Dataset, concatenate_datasets
from hypothesis import example, given, settings
from hypothesis import strategies as st

from helpers import chat, checkpoints, lora, speedups, storage, training
from helpers.chat import losses
from helpers.chat.conversations import IGNORED, Example
from tests.unit import chat_in_step, small_chat
from tests.unit.chat_in_step import train_or_go_on
from tests.unit.small_chat import KINDS, begun, chat_config, few_conversations, tiny_llama
from tests.unit.test_faults import (
    CHILDREN,
    HAS_FORK,
    count_changes,
    die_at_change,
    in_a_child,
    needs_fork,
)
from tests.unit.test_processes import TORCHRUN, difference, ended, history, started, weights

if HAS_FORK:
    CHILDREN.set_forkserver_preload(["tests.unit.test_faults", "tests.unit.chat_in_step"])
TOLERANCE = 1e-5
TOKENIZER = small_chat.tiny_tokenizer()
PAD = TOKENIZER.pad_token_id


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    return small_chat.saved_base(tmp_path_factory.mktemp("chat") / "base")


@pytest.fixture(scope="module")
def parts():
    return few_conversations(20, 6)


# ---------------------------------------------------------------- the loss


def answers(alike: bool) -> list[Example]:
    """Four conversations of different lengths; with `alike` they share their first 33 tokens."""
    found = []
    for number, (thing, colour) in enumerate(list(small_chat.COLOURS.items())[:4]):
        asked = small_chat.conversation(thing, colour * (number + 1))
        if not alike:
            asked[0] = {"role": "system", "content": f"{number}: name its colour."}
            asked = asked[number % 2 :]
        found.append(chat.encode(TOKENIZER, asked))
    return found


def library_loss(model, batch) -> torch.Tensor:
    """What the library says of a padded batch."""
    input_ids, attention_mask, labels = batch
    return model(input_ids=input_ids, attention_mask=attention_mask, labels=labels).loss


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {name: parameter.grad.clone() for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("multiple_of", [1, 4])
@pytest.mark.parametrize("alike", [True, False])
@pytest.mark.parametrize("tied", [True, False])
def test_the_loss_and_every_gradient_are_the_library_s(tied, alike, multiple_of):
    model, batch = tiny_llama(tied), losses.pad(answers(alike), PAD, multiple_of)
    shared = losses.shared_length(*batch[:2])
    assert (shared >= losses.SHORTEST_SHARED) == alike
    ours, theirs = losses.mean_loss(losses.AnswerLosses(model)(*batch)), library_loss(model, batch)
    assert ours.item() == pytest.approx(theirs.item(), abs=TOLERANCE)
    found, expected = gradients(model, ours), gradients(model, theirs)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert gradient.any()
        assert torch.allclose(found[name], gradient, atol=TOLERANCE), name


def test_a_common_beginning_is_computed_once():
    """By the tokens that the model is given: those of the beginning once, not four times."""
    model, batch, seen = tiny_llama(), losses.pad(answers(alike=True), PAD), []
    embedding = model.get_input_embeddings()
    embedding.register_forward_hook(lambda _, given, __: seen.append(given[0].numel()))
    losses.AnswerLosses(model)(*batch)
    shared = losses.shared_length(*batch[:2])
    assert seen == [shared, batch[0].numel() - 4 * shared]


@pytest.mark.parametrize("alike", [True, False])
def test_with_the_prompt_in_full_it_is_the_loss_over_all_tokens_but_padding(alike):
    model, (input_ids, mask, labels) = tiny_llama(), losses.pad(answers(alike), PAD, 4)
    rows = losses.AnswerLosses(model, prompt_weight=1.0)(input_ids, mask, labels)
    everything = input_ids.masked_fill(mask == 0, IGNORED)
    expected = library_loss(model, (input_ids, mask, everything))
    assert losses.mean_loss(rows).item() == pytest.approx(expected.item(), abs=TOLERANCE)
    assert rows[:, 1].tolist() == (mask.sum(dim=1) - 1).tolist()


def by_hand(model, example: Example, prompt_weight: float) -> list[float]:
    """Sums of losses and weights of one conversation, and whether each answer token is likeliest.

    Token by token; nothing is padded, shared or left out.
    """
    said = small_chat.logits(model, torch.tensor([example.input_ids]))[0].log_softmax(dim=1)
    total, counted, foreseen = 0.0, 0.0, 1.0
    for t in range(1, len(example.input_ids)):
        is_answer = example.labels[t] != IGNORED
        target = example.labels[t] if is_answer else example.input_ids[t]
        weight = 1.0 if is_answer else prompt_weight
        total -= weight * float(said[t - 1, target])
        counted += weight
        foreseen *= not is_answer or int(said[t - 1].argmax()) == target
    return [total, counted, foreseen]


@st.composite
def examples(draw):
    """One to four rows of any ids, labels anywhere, perhaps with a common beginning."""
    token = st.integers(0, len(TOKENIZER) - 1)
    beginning = draw(st.lists(token, max_size=12))
    found = []
    for _ in range(draw(st.integers(1, 4))):
        ids = beginning + draw(st.lists(token, min_size=2, max_size=10))
        learned = draw(st.lists(st.booleans(), min_size=len(ids), max_size=len(ids)))
        pairs = zip(ids, learned, strict=True)
        found.append(Example(ids, [i if is_learned else IGNORED for i, is_learned in pairs]))
    return found


MODEL = tiny_llama()
ROW = Example(list(range(60, 72)), [IGNORED] * 8 + list(range(68, 72)))
LONGER = Example([*ROW.input_ids, 7, 8], [*ROW.labels, IGNORED, 8])


@settings(max_examples=40)
@example([ROW, ROW, ROW], 0.5, 1)  # nothing but a common beginning
@example([LONGER, ROW], 0.0, 4)  # one row is the beginning of the other
@given(examples(), st.sampled_from([0.0, 0.1, 0.5, 1.0]), st.sampled_from([1, 4]))
def test_rows_are_those_of_a_loop_over_the_tokens(batch, prompt_weight, multiple_of):
    with torch.no_grad():
        network = losses.AnswerLosses(MODEL, prompt_weight)
        rows = network(*losses.pad(batch, PAD, multiple_of))
    expected = torch.tensor([by_hand(MODEL, example, prompt_weight) for example in batch])
    assert torch.allclose(rows, expected, atol=1e-4)


def written(model, ids: list[int], tokens: int) -> list[int]:
    """Greedy generation of so many tokens, each from all that come before it; no cache."""
    whole = list(ids)
    for _ in range(tokens):
        whole.append(int(small_chat.logits(model, torch.tensor([whole]))[0, -1].argmax()))
    return whole[len(ids) :]


@pytest.mark.parametrize("prompt_weight", [0.0, 0.5])
def test_only_the_answer_must_be_foreseen_whatever_the_prompt_weighs(prompt_weight):
    """What the model itself writes is; the same with another last token is not."""
    prompt, network = ROW.input_ids, losses.AnswerLosses(MODEL, prompt_weight)
    answer = written(MODEL, prompt, 3)
    found = []
    for ids in (answer, [*answer[:-1], (answer[-1] + 1) % 256]):
        row = Example([*prompt, *ids], [IGNORED] * len(prompt) + ids)
        found.append(by_hand(MODEL, row, prompt_weight)[2])
        with torch.no_grad():
            assert float(network(*losses.pad([row, LONGER], PAD))[0, 2]) == found[-1]
    assert found == [1, 0]


def test_an_answer_counts_as_foreseen_where_greedy_generation_writes_it_and_stops(base):
    """A model that knows some answers by heart; the last row differs from one only at its end."""
    train, other = few_conversations(5, 10)
    tokenizer, model = begun(base, "full")
    config = chat_config(epochs=25, learning_rate=2e-2, best_metric="epoch")
    chat.fine_tune(model, tokenizer, train, train, config)
    longer = Dataset.from_list([{"messages": small_chat.conversation("grass 0", "greens")}])
    asked = chat.examples_of(concatenate_datasets([train, other, longer]), TOKENIZER)
    expected = []
    for row in asked:
        first = next(t for t, label in enumerate(row.labels) if label != IGNORED)
        answer = [label for label in row.labels if label != IGNORED]
        assert answer[-1] == TOKENIZER.eos_token_id
        expected.append(written(model, row.input_ids[:first], len(answer)) == answer)
    assert sum(expected[:5]) >= 3 and not all(expected) and expected[0] and not expected[-1]
    rows = chat.foresee(model, tokenizer, asked, "fp32")
    assert rows[:, 2].bool().tolist() == expected


def test_the_figures_of_an_epoch_are_those_of_the_rows(base, parts):
    tokenizer, model = begun(base, "full")
    run = chat.fine_tune(model, tokenizer, *parts, chat_config(epochs=1))
    rows = torch.tensor([by_hand(model, e, 0.0) for e in chat.examples_of(parts[1], TOKENIZER)])
    figures = run.history.iloc[0]
    assert figures["validation_loss"] == pytest.approx(float(rows[:, 0].sum() / rows[:, 1].sum()))
    assert figures["exact_match"] == float(rows[:, 2].mean())


@pytest.mark.parametrize("alike", [True, False])
def test_the_kept_word_gradient_of_tied_weights_is_the_same(alike):
    """A sparse part from the word table, a dense one from the output layer; three steps on."""
    found = []
    for keeps in (True, False):
        model, batch = tiny_llama(tied=True), losses.pad(answers(alike), PAD)
        optimizer = training.make_optimizer(model, chat_config())
        seen = []
        with speedups.word_gradient_kept(model) if keeps else contextlib.nullcontext():
            for _ in range(3):
                losses.mean_loss(losses.AnswerLosses(model)(*batch)).backward()
                seen.append([p.grad.clone() for p in model.parameters()])
                optimizer.step()
                speedups.zero_gradients(model, optimizer)
        found.append(seen)
    for one, other in zip(*found, strict=True):
        for kept, plain in zip(one, other, strict=True):
            assert not kept.is_sparse and torch.allclose(kept, plain, atol=TOLERANCE)


# ---------------------------------------------------------------- a run


def own(model) -> dict[str, torch.Tensor]:
    """A copy of what a model would store."""
    return {name: t.detach().clone() for name, t in storage.own_weights(model).items()}


def equal_bits(one: dict, other: dict) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def at_step(number, happens):
    """A hook that lets something happen after a step."""

    def on_step(run):
        if run.step == number:
            happens()

    return on_step


def press_stop():
    signal.raise_signal(signal.SIGINT)


def train_whole(base, kind, parts):
    """A run that nothing interrupts: its model, and its history."""
    tokenizer, model = begun(base, kind)
    run = chat.fine_tune(model, tokenizer, *parts, chat_config())
    return model, run


@pytest.fixture(scope="module")
def whole(base, parts):
    """By kind: that run. It has three steps in each of two epochs."""
    return {kind: train_whole(base, kind, parts) for kind in KINDS}


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_seed_gives_the_same_weights_and_the_model_learns(whole, base, parts, kind):
    model, run = whole[kind]
    again, _ = train_whole(base, kind, parts)
    assert equal_bits(own(model), own(again))
    assert run.step == 6
    assert run.rows[-1]["validation_loss"] < run.rows[0]["train_loss"] - 0.3


@pytest.mark.parametrize("stop_at", [1, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_ctrl_c_and_resume_equal_an_uninterrupted_run(whole, base, parts, tmp_path, kind, stop_at):
    tokenizer, stopped = begun(base, kind)
    options = {"output_dir": tmp_path / "run", "on_step": at_step(stop_at, press_stop)}
    with pytest.raises(KeyboardInterrupt, match=r"stored: chat\.resume goes on"):
        chat.fine_tune(stopped, tokenizer, *parts, chat_config(), **options)
    assert storage.latest_checkpoint(tmp_path / "run").name == f"step-{stop_at:08d}"
    _, resumed, run = chat.resume(tmp_path / "run", *parts)
    model, whole_run = whole[kind]
    assert run.rows == whole_run.rows
    assert equal_bits(own(resumed), own(model))
    assert equal_bits(own(training.load(tmp_path / "run" / "best")[1]), own(model))


def test_a_base_in_half_precision_is_gone_on_with_in_the_same(base, parts, tmp_path):
    models = []
    for name, hook in (("whole", None), ("stopped", at_step(4, press_stop))):
        tokenizer, model = checkpoints.load_causal(str(base), dtype=torch.bfloat16)
        options = {"output_dir": tmp_path / name, "on_step": hook}
        with pytest.raises(KeyboardInterrupt) if hook else contextlib.nullcontext():
            chat.fine_tune(lora.add(model), tokenizer, *parts, chat_config(), **options)
        models.append(model)
    _, resumed, _ = chat.resume(tmp_path / "stopped", *parts)
    assert resumed.dtype == torch.bfloat16
    assert equal_bits(own(resumed), own(models[0]))


def test_the_base_of_lora_stays_as_it_was(whole, base):
    """The word table, too, which is trained otherwise unless `freeze_word_embeddings` says no."""
    model, _ = whole["lora"]
    _, fresh = begun(base, "lora")
    before, after = fresh.state_dict(), model.state_dict()
    frozen = [name for name in before if ".lora_" not in name]
    assert "model.embed_tokens.weight" in frozen
    assert all(torch.equal(before[name], after[name]) for name in frozen)
    trained = lora.parameters(model)
    assert not any(torch.equal(before[name], matrix) for name, matrix in trained.items())


def test_a_frozen_word_table_stays_as_it_was(base, parts):
    tokenizer, model = begun(base, "full")
    before = own(model)
    chat.fine_tune(model, tokenizer, *parts, chat_config(epochs=1, freeze_word_embeddings=True))
    changed = {name for name, tensor in own(model).items() if not torch.equal(tensor, before[name])}
    assert changed == before.keys() - {"model.embed_tokens.weight"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_loss_that_turns_into_no_number_names_its_batch_and_the_best_weights_stay(
    base, parts, kind
):
    tokenizer, model = begun(base, kind)
    kept = []

    def spoil():
        with torch.no_grad():
            next(iter(reversed(storage.own_weights(model).values()))).fill_(float("nan"))

    def on_step(run):
        if run.step == 3:
            kept.append(own(model))
        if run.step == 4:
            spoil()

    with pytest.raises(training.TrainingError, match="epoch 2, batch 2: the loss is nan"):
        chat.fine_tune(model, tokenizer, *parts, chat_config(), on_step=on_step)
    assert equal_bits(own(model), kept[0])


# ---------------------------------------------------------------- what is stored, and what is not


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_run_stored_is_loaded_small_for_lora_and_removed(base, parts, tmp_path, kind):
    tokenizer, model = begun(base, kind)
    chat.fine_tune(model, tokenizer, *parts, chat_config(), output_dir=tmp_path / "run")
    best = tmp_path / "run" / "best"
    assert equal_bits(own(training.load(best)[1]), own(model))
    stored = storage.stored_weights(best)
    numbers = sum(tensor.numel() for tensor in stored.values())
    assert stored.keys() == storage.own_weights(model).keys()
    checkpoint = storage.latest_checkpoint(tmp_path / "run")
    memory = storage.load_tensors(checkpoint / "optimizer.safetensors")
    assert sum(t.numel() for t in memory.values() if t.dim()) == 2 * numbers
    if kind == "lora":
        assert all(".lora_" in name for name in stored)
        names = {path.name for path in (tmp_path / "run").rglob("*")}
        assert not names & {storage.WEIGHTS, "config.json", "pytorch_model.bin"}
        assert size_of(best) < 4 * numbers + 60_000, "the matrices, and the tokenizer's files"
    (tmp_path / "run" / "notes.txt").write_text("mine")
    training.remove_run(tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("kind", KINDS)
def test_resuming_with_other_data_or_another_loss_is_refused(base, parts, tmp_path, kind):
    tokenizer, model = begun(base, kind)
    run = tmp_path / "run"
    chat.fine_tune(model, tokenizer, *parts, chat_config(epochs=1), output_dir=run)
    train, validation = parts
    other = Dataset.from_list([{"messages": small_chat.conversation("grass 0", "blue")}])
    cases = [(train.select(range(19)), validation), (train, validation.select([1, 0, 2, 3, 4, 5]))]
    cases += [(train, other)]
    for given_parts, name in zip(cases, ["training", "validation", "validation"], strict=True):
        with pytest.raises(training.TrainingError, match=f"other rows or labels for the {name}"):
            chat.resume(run, *given_parts, epochs=2)
    with pytest.raises(training.TrainingError, match="prompt_weight"):
        chat.resume(run, *parts, epochs=2, prompt_weight=0.1)
    assert chat.resume(run, *parts, epochs=2)[2].epoch == 2


def test_encoded_rows_are_the_same_data(base, parts, tmp_path):
    """Columns `input_ids` and `labels`, as a reader builds them by hand, learn the same."""
    encoded = [
        Dataset.from_list([vars(example) for example in chat.examples_of(part, TOKENIZER)])
        for part in parts
    ]
    tokenizer, model = begun(base, "lora")
    chat.fine_tune(model, tokenizer, *encoded, chat_config(epochs=1), output_dir=tmp_path)
    _, resumed, _ = chat.resume(tmp_path, *parts, epochs=1)
    assert equal_bits(own(resumed), own(model))


def test_a_base_that_is_gone_stops_a_resumed_run_with_one_message(parts, tmp_path):
    base = small_chat.saved_base(tmp_path / "base")
    tokenizer, model = begun(base, "lora")
    chat.fine_tune(model, tokenizer, *parts, chat_config(epochs=1), output_dir=tmp_path / "run")
    shutil.rmtree(base)
    with pytest.raises(storage.StorageError, match=r"belong to, .*base, cannot be loaded.*Put it"):
        chat.resume(tmp_path / "run", *parts, epochs=2)


def labelled(rows: list[Example]) -> Dataset:
    return Dataset.from_list([vars(row) for row in rows])


@pytest.mark.parametrize("part", ["training", "validation"])
def test_rows_that_carry_no_loss_are_refused_before_training(base, parts, part):
    rows = [chat.examples_of(each, TOKENIZER) for each in parts]
    position = ("training", "validation").index(part)
    spoiled = rows[position]
    spoiled[2] = Example(spoiled[2].input_ids, [IGNORED] * len(spoiled[2].labels))
    tokenizer, model = begun(base, "full")
    before = own(model)
    given_parts = [labelled(each) for each in rows]
    with pytest.raises(training.TrainingError, match=rf"1 of \d+ {part} rows, .*row 2, hold no"):
        chat.fine_tune(model, tokenizer, *given_parts, chat_config())
    empty = [each if i != position else each.select([]) for i, each in enumerate(given_parts)]
    with pytest.raises(training.TrainingError, match=f"the {part} part holds no conversation"):
        chat.fine_tune(model, tokenizer, *empty, chat_config())
    assert equal_bits(own(model), before)


def test_a_row_without_an_answer_can_be_trained_on_if_the_prompt_counts(base, parts):
    whole = chat.examples_of(parts[0], TOKENIZER)
    rows = [Example(row.input_ids, [IGNORED] * len(row.labels)) for row in whole]
    tokenizer, model = begun(base, "full")
    config = chat_config(epochs=1)
    run = chat.fine_tune(model, tokenizer, labelled(rows), parts[1], config, prompt_weight=1.0)
    assert run.rows[0]["train_loss"] > 0


# ---------------------------------------------------------------- other processes


@pytest.mark.slow
@needs_fork
@pytest.mark.parametrize("kind", KINDS)
def test_killed_while_it_stores_a_run_goes_on_to_the_same_bits(base, tmp_path, kind):
    """Before four of all changes to the disk, drawn at random."""
    whole, rng = tmp_path / "whole", random.Random(0)
    assert in_a_child(count_changes, tmp_path / "changes", train_or_go_on, base, kind, whole) == 0
    changes = int((tmp_path / "changes").read_text())
    assert changes > 30
    for number in rng.sample(range(1, changes), 4):
        folder = tmp_path / f"run-{number}"
        assert in_a_child(die_at_change, number, train_or_go_on, base, kind, folder) == 9
        for checkpoint in storage.stored_checkpoints(folder):
            storage.verify(checkpoint)
        assert in_a_child(train_or_go_on, base, kind, folder) == 0
        ends = [path.with_suffix(".safetensors").read_bytes() for path in (whole, folder)]
        assert ends[0] == ends[1]
        assert not [path for path in folder.glob(".*") if path.is_dir()]


@pytest.mark.slow
def test_two_processes_in_step_reach_the_weights_of_one(base, tmp_path):
    """The last batch has one row, so one of the two has none of it."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    chat_in_step.train(tmp_path / "one", base)
    command = [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "-m", "tests.unit.chat_in_step"]
    code, said = ended(started([*command, str(tmp_path / "two"), str(base)]))
    assert code == 0, said
    for kind in KINDS:
        one, several = (weights(tmp_path / name, kind) for name in ("one", "two"))
        assert difference(one, several) < TOLERANCE
        assert equal_bits(several, weights(tmp_path / "two", kind, rank=1))
        both = (history(tmp_path / name, kind) for name in ("one", "two"))
        for row, same in zip(*both, strict=True):
            assert row == pytest.approx(same, abs=TOLERANCE)
        assert equal_bits(own(training.load(tmp_path / "two" / kind / "best")[1]), several)
