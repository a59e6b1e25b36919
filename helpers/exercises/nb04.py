"""Graders of notebook 04, the fine-tuning loop."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO

import torch
from datasets import Dataset
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook
from transformers import BertConfig, BertForSequenceClassification

from helpers import batching, checkpoints, corpora, runtime, training
from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, unanswered, wrong

Batch = dict[str, Tensor]
RATE, STEPS, PROMISED = 1e-4, 64, 0.70
# Losses that a learner may take instead of `cross_entropy(logits, labels)`, each with its hint.
OTHER_LOSSES = {
    "You pass probabilities to cross_entropy, which takes a softmax itself. Give it the logits.": (
        lambda logits, labels: cross_entropy(logits.softmax(dim=1), labels)
    ),
    "Your gradients do not fit the labels. Use the labels of the batch that you predicted.": (
        lambda logits, labels: cross_entropy(logits, torch.zeros_like(labels))
    ),
    "Your loss adds up the sentences of a batch. cross_entropy takes their mean by itself.": (
        lambda logits, labels: cross_entropy(logits, labels, reduction="sum")
    ),
}


class Shown(list):
    """Batches that show a progress bar when a loop goes through them."""

    def __iter__(self) -> Iterator[Batch]:
        return iter(runtime.progress(list(super().__iter__()), desc="your loop"))


def tiny_model() -> BertForSequenceClassification:
    """A BERT of random weights without dropout, so that every step can be computed again."""
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    config = BertConfig(
        vocab_size=60, intermediate_size=32, max_position_embeddings=16, **sizes, **off
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return BertForSequenceClassification(config).eval()


def tiny_batches(count: int = 5) -> list[Batch]:
    """Batches of random ids, padded, with labels; the last one is smaller."""
    generator, batches = torch.Generator().manual_seed(4), []
    for number in range(count):
        rows = 8 if number < count - 1 else 5
        lengths = torch.randint(3, 9, (rows,), generator=generator)
        mask = (torch.arange(8) < lengths[:, None]).long()
        ids = torch.randint(5, 60, (rows, 8), generator=generator) * mask
        labels = (torch.arange(rows) + number) % 2
        batches.append({"input_ids": ids, "attention_mask": mask, "labels": labels})
    return batches


@dataclass
class Watched:
    """What a learner's loop did with a model, written down while it ran.

    Attributes:
        forwards: ids and mask of each forward pass, and whether dropout was on.
        steps: for each optimizer step: how many forward passes came before it, the optimizer, and
            the gradients and weights as they were.
    """

    forwards: list[tuple[Tensor, Tensor | None, bool]] = field(default_factory=list)
    steps: list[tuple[int, Optimizer, list[Tensor | None], dict]] = field(default_factory=list)


@contextmanager
def watching(model: nn.Module) -> Iterator[Watched]:
    """Write down the forward passes of a model and all optimizer steps."""
    watched = Watched()

    def forward(module: nn.Module, given: tuple, named: dict) -> None:
        ids = named.get("input_ids", given[0] if given else None)
        mask = named.get("attention_mask", given[1] if len(given) > 1 else None)
        watched.forwards.append((ids.clone(), mask, module.training))

    def step(optimizer: Optimizer, *_) -> None:
        gradients = [None if p.grad is None else p.grad.clone() for p in model.parameters()]
        weights = copy.deepcopy(model.state_dict())
        watched.steps.append((len(watched.forwards), optimizer, gradients, weights))

    handles = [
        model.register_forward_pre_hook(forward, with_kwargs=True),
        register_optimizer_step_pre_hook(step),
    ]
    try:
        yield watched
    finally:
        for handle in handles:
            handle.remove()


def gradients_of(model: nn.Module, weights: dict, batch: Batch, loss: Callable) -> list[Tensor]:
    """Gradients of a loss of one batch at given weights; zeros where the loss has none."""
    model.load_state_dict(weights)
    logits = model(batch["input_ids"], batch["attention_mask"]).logits
    found = torch.autograd.grad(loss(logits, batch["labels"]), list(model.parameters()))
    return list(found)


def agree(given: list[Tensor | None], wanted: list[Tensor]) -> bool:
    """Whether two lists of gradients are equal up to rounding; no gradient counts as zeros."""
    return all(
        torch.allclose(torch.zeros_like(w) if g is None else g, w, rtol=1e-3, atol=1e-6)
        for g, w in zip(given, wanted, strict=True)
    )


def fault_of_batches(watched: Watched, batches: list[Batch]) -> str | None:
    """What is wrong with the forward passes, as a hint."""
    if not watched.forwards:
        return "Your function never calls the model. Forward comes first: model(…).logits."
    wanted = [batch["input_ids"] for batch in batches]
    given = [ids for ids, *_ in watched.forwards]
    same = len(given) == len(wanted) and all(map(torch.equal, given, wanted))
    if not same and len(given) == 1 and torch.equal(given[0], wanted[0]):
        return "Your loop ends after the first batch. Is the return inside the loop?"
    if not same and len(given) < len(wanted):
        return f"Your loop used {len(given)} of {len(wanted)} batches. Each one gets a step."
    if not same:
        return "Each batch once, in the order of the list: one forward pass for each."
    if any(mask is None for _, mask, _ in watched.forwards):
        return "Give the model the attention_mask as well, or it reads the padding."
    if not all(training for *_, training in watched.forwards):
        return "Dropout was off in your loop. Call model.train() before it."
    return None


def fault_of_optimizer(watched: Watched, model: nn.Module, batches: list[Batch]) -> str | None:
    """What is wrong with the optimizer or with when it steps, as a hint."""
    if not watched.steps:
        return "No optimizer made a step: after backward comes optimizer.step()."
    optimizers = {id(optimizer): optimizer for _, optimizer, *_ in watched.steps}
    if len(optimizers) > 1:
        return "You make an optimizer in every round, and it forgets. Make one before the loop."
    if len(watched.steps) < len(batches):
        return f"{len(watched.steps)} steps for {len(batches)} batches. Step inside the loop."
    if [done for done, *_ in watched.steps] != list(range(1, len(batches) + 1)):
        return "One step per batch: forward, loss, backward, step, zero, and then the next batch."
    (optimizer,) = optimizers.values()
    held = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if not held >= {id(p) for p in model.parameters()}:
        return "Your optimizer holds only a part of the weights. Give it model.parameters()."
    if not isinstance(optimizer, (torch.optim.AdamW, torch.optim.Adam)):
        return f"Your optimizer is {type(optimizer).__name__}. Use torch.optim.AdamW."
    rates = {group["lr"] for group in optimizer.param_groups}
    if rates != {RATE}:
        return f"Your learning rate is {min(rates)}. Use lr=1e-4."
    return None


def fault_of_gradients(watched: Watched, twin: nn.Module, batches: list[Batch]) -> str | None:
    """What is wrong with the gradients that the steps were made with, as a hint."""
    total = None
    for number, (batch, (_, _, gradients, weights)) in enumerate(
        zip(batches, watched.steps, strict=True)
    ):
        wanted = gradients_of(twin, weights, batch, cross_entropy)
        total = wanted if total is None else [a + b for a, b in zip(total, wanted, strict=True)]
        if agree(gradients, wanted):
            continue
        if all(g is None or not g.any() for g in gradients):
            return "There were no gradients when you stepped: first backward, then step, then zero."
        if number and agree(gradients, total):
            return "Old gradients are still in the new ones. Call optimizer.zero_grad() each time."
        for hint, loss in OTHER_LOSSES.items():
            if agree(gradients, gradients_of(twin, weights, batch, loss)):
                return hint
        previous = gradients_of(
            twin, watched.steps[number - 1][3], batches[number - 1], cross_entropy
        )
        if number and agree(gradients, previous):
            return "You step with the gradients of the batch before: first backward, then step."
        return "The gradients are not those of the batch's cross-entropy. Check the loss."
    return None


def losses_of(watched: Watched, twin: nn.Module, batches: list[Batch]) -> list[float]:
    """The loss of each batch at the weights that it met."""
    found = []
    for batch, (*_, weights) in zip(batches, watched.steps, strict=True):
        twin.load_state_dict(weights)
        with torch.no_grad():
            logits = twin(batch["input_ids"], batch["attention_mask"]).logits
        found.append(cross_entropy(logits, batch["labels"]).item())
    return found


def reviews(part: str) -> Dataset:
    """A part of the reviews, without the line that `corpora.load` prints."""
    with redirect_stdout(StringIO()):
        return corpora.load("reviews")[part]


def review_batches() -> list[Batch]:
    """Batches of training reviews, of similar length."""
    tokenizer = checkpoints.load_tokenizer()
    part = reviews("train").select(range(32 * STEPS))
    token_ids, labels = batching.tokenize(part["text"], tokenizer), torch.tensor(part["label"][:])
    batches = []
    for rows in batching.bucketed([len(ids) for ids in token_ids], 32, seed=0):
        ids, mask = batching.pad([token_ids[i] for i in rows], tokenizer.pad_token_id)
        batches.append({"input_ids": ids, "attention_mask": mask, "labels": labels[rows]})
    return batches


def accuracy_after(function: Callable, batches: list[Batch]) -> float:
    """Share of the validation reviews that MiniLM gets right once `function` has trained it."""
    tokenizer, model = checkpoints.load(num_labels=2, seed=0)
    runtime.set_seed(0)
    function(model.eval(), Shown(batches))
    validation = reviews("validation")
    logits = training.predict(model, tokenizer, validation["text"], precision="fp32")
    return float((logits.argmax(axis=1) == validation["label"][:]).mean())


@exercise("04-1")
def write_the_loop(function: Callable[[nn.Module, list[Batch]], list[float]]) -> Verdict:
    """A function that trains a model with one AdamW step per batch and returns the losses."""
    model, batches = tiny_model(), tiny_batches()
    twin = copy.deepcopy(model).train()
    try:
        with watching(model) as watched:
            given = function(model, copy.deepcopy(batches))
    except RuntimeError as error:
        if "inplace operation" not in str(error):
            raise
        return wrong("You step before backward. Gradients first: backward, then step.")
    if given is ...:
        return unanswered()
    if given is None and not watched.forwards:
        return wrong("Your function does nothing and returns None. Write the loop into it.")
    faults = (
        lambda: fault_of_batches(watched, batches),
        lambda: fault_of_optimizer(watched, model, batches),
        lambda: fault_of_gradients(watched, twin, batches),
    )
    for fault in faults:
        if hint := fault():
            return wrong(hint)
    if nothing := gave_nothing(given):
        return nothing
    wanted = losses_of(watched, twin, batches)
    if not is_close([float(loss) for loss in given], wanted, 1e-4):
        return wrong("The steps are right. Return the list of all losses: loss.item() of each.")
    reached = accuracy_after(function, review_batches())
    if reached < PROMISED:
        return wrong(f"The steps are right, but your model reaches only {reached:.0%}.")
    return right("Your loop has fine-tuned MiniLM, and it gets more than 70 % right.")


def clipped(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """Gradients scaled so that the norm of all of them together is at most `max_norm`."""
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    return [g * (max_norm / norm if norm > max_norm else 1.0) for g in gradients]


def same(given: list[Tensor], expected: list[Tensor]) -> bool:
    """Whether two lists of tensors agree to 1e-4."""
    return len(given) == len(expected) and all(
        is_close(a, b, 1e-4) for a, b in zip(given, expected, strict=True)
    )


def clipped_each_number(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """A mistake: every number cut on its own."""
    return [g.clamp(-max_norm, max_norm) for g in gradients]


def clipped_each_tensor(gradients: list[Tensor], max_norm: float) -> list[Tensor]:
    """A mistake: every tensor scaled by its own norm."""
    return [clipped([g], max_norm)[0] for g in gradients]


# Gradients and a max_norm, and what a wrong answer to them most likely comes from.
CLIPPING: list[tuple[list[list], float, str]] = [
    (
        [[1.0, 2.0], [[2.0], [4.0]]],
        1.0,
        "Gradients (1, 2) and (2, 4) have the norm 5: divide by 5.",
    ),
    ([[0.3, 0.0], [[0.0], [0.4]]], 1.0, "Gradients that are short enough stay: never scale up."),
    (
        [[0.9, 0.0], [[0.0], [1.2]]],
        2.0,
        "The norm is 1.5 and max_norm is 2: that is short enough. Compare with max_norm, not 1.",
    ),
    ([[3.0, 0.0], [[0.0], [4.0]]], 2.0, "max_norm is not always 1: multiply by max_norm / norm."),
    ([[3.0, 0.0], [0.0, 0.0], [[0.0], [4.0]]], 1.0, "Three tensors: the norm is that of all."),
    (
        [[[1.0, -1.0], [2.0, -2.0]], [-4.0], [[[3.0]]]],
        0.5,
        "Square every single number, then add up: signs and shapes must not matter.",
    ),
    ([[0.0, 0.0], [[0.0]]], 1.0, "If all gradients are 0, they stay 0. Do not divide by 0."),
]


@exercise("04-2")
def clip(function: Callable[[list[Tensor], float], list[Tensor]]) -> Verdict:
    """A function that clips gradients by their common norm."""
    for number, (numbers, max_norm, hint) in enumerate(CLIPPING):
        gradients = [torch.tensor(one) for one in numbers]
        handed_in = [g.clone() for g in gradients]
        given = function(handed_in, max_norm)
        if given is None and not same(handed_in, gradients):
            return wrong("Your function changes the gradients and returns nothing: add a return.")
        if nothing := gave_nothing(given):
            return nothing
        if same(given, clipped(gradients, max_norm)):
            continue
        if number == 0:
            if same(given, clipped_each_number(gradients, max_norm)):
                return wrong("You cut each number on its own, which changes the direction.")
            if same(given, clipped_each_tensor(gradients, max_norm)):
                return wrong("You used one norm for each tensor. There is one norm, over all.")
        if len(given) != len(gradients):
            return wrong(f"{len(gradients)} gradients came in, {len(given)} went out.")
        return wrong(hint)
    return right("One norm for all, the direction kept, short gradients left alone.")


def stopping(losses: list[float], patience: int) -> tuple[int, int]:
    """Last epoch run and best epoch, both from 1, under early stopping on the loss."""
    best = 0
    for epoch in range(len(losses)):
        if losses[epoch] < losses[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


# Losses and a patience, and what a wrong answer to them most likely comes from.
STOPPING: list[tuple[list[float], int, str]] = [
    ([0.60, 0.50, 0.55, 0.52, 0.40], 2, "Stop when the epoch is `patience` past the best one."),
    ([0.6, 0.5, 0.4], 2, "If the loss falls to the end, the run goes on to the last epoch."),
    ([0.5, 0.5, 0.5], 1, "An equal loss is not better: it does not make a new best epoch."),
    ([0.6, 0.5, 0.5, 0.5, 0.3], 3, "An equal loss is not better: keep the earliest of the best."),
    ([0.5, 0.6, 0.45, 0.5, 0.5, 0.5], 2, "A better epoch starts the waiting anew."),
    ([0.5, 0.8, 0.7, 0.6, 0.4], 3, "Compare with the best loss so far, not with the one before."),
    ([0.5, 0.4, 0.6], 3, "The list may end before patience does: return its last epoch."),
    ([0.5, 0.6, 0.6, 0.6], 3, "Three epochs in a row without a better one are enough for three."),
]


def too_long(function: Callable) -> Verdict:
    """Why a function goes past epoch 4 where patience ends the run: asked with a flat list."""
    last = float(function([0.5, *[0.6] * 9], 2)[0])
    if last == 4:
        return wrong("It runs one epoch too long: two without a better loss are enough for 2.")
    if last == 3:
        return wrong("0.52 is better than the 0.55 before, but not than the best one, 0.50.")
    return wrong("With patience 2 the run ends at epoch 4: it never sees the 0.40.")


@exercise("04-3")
def early_stopping(function: Callable[[list[float], int], tuple[int, int]]) -> Verdict:
    """A function that says where early stopping ends and which epoch it keeps."""
    for number, (losses, patience, hint) in enumerate(STOPPING):
        given = function(list(losses), patience)
        if isinstance(given, (tuple, list)) and any(one is ... for one in given):
            return unanswered()
        if nothing := gave_nothing(given):
            return nothing
        if not hasattr(given, "__len__") or len(given) != 2:
            return wrong("Return two numbers: the last epoch run, and the epoch that is kept.")
        last, best = (float(one) for one in given)
        expected = stopping(losses, patience)
        if (last, best) == expected:
            continue
        if number == 0 and (last, best) == (3, 1):
            return wrong("Epochs count from 1 here, not from 0.")
        if number == 0 and (last, best) == (5, 5):
            return too_long(function)
        if number == 0 and (last, best) == (4, 5):
            return wrong("The run ends at epoch 4, so the 0.40 of epoch 5 was never computed.")
        if number == 0 and (last, best) == (4, 4):
            return wrong("Keep the weights of the best epoch, not of the last one run.")
        if number == 0 and last == 3:
            return wrong("That is patience 1. Two epochs without a better loss must pass.")
        return wrong(f"For losses {losses} and patience {patience}: {expected}. {hint}")
    return right("It runs `patience` epochs past the best one, and keeps the best one.")
