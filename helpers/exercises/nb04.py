"""Graders of notebook 04, the fine-tuning loop."""

import math
from collections.abc import Callable

import torch

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong


@exercise("04-1")
def count_steps(steps: int, warmup: int) -> Verdict:
    """Steps of 3 epochs over 5,970 examples in batches of 32, and a tenth of them, rounded up."""
    if is_close(steps, 187):
        return wrong("steps: that is one epoch. There are three.")
    if is_close(steps, 3 * 5970):
        return wrong("steps: those are examples. A step takes a batch of 32.")
    if is_close(steps, 3 * 186) or is_close(steps, 559):
        return wrong("steps: the last batch of an epoch is smaller, but it is a step: round up.")
    if not is_close(steps, 561):
        return wrong("steps: batches in one epoch, rounded up, times the epochs.")
    if is_close(warmup, 56) or is_close(warmup, 56.1):
        return wrong("warmup: a tenth of 561 is 56.1; the loop rounds up, with math.ceil.")
    if not is_close(warmup, 57):
        return wrong("warmup: a tenth of all steps, not of one epoch, rounded up.")
    return right("561 steps, and the rate rises during the first 57 of them.")


def clipped(gradients: list[torch.Tensor], max_norm: float) -> list[torch.Tensor]:
    """Gradients scaled so that the norm of all of them together is at most `max_norm`."""
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradients))
    return [g * min(1.0, max_norm / norm) for g in gradients]


def same(given: list[torch.Tensor], expected: list[torch.Tensor]) -> bool:
    """Whether two lists of tensors agree to 1e-4."""
    return len(given) == len(expected) and all(
        is_close(a, b, 1e-4) for a, b in zip(given, expected, strict=True)
    )


@exercise("04-2")
def clip(function: Callable[[list[torch.Tensor], float], list[torch.Tensor]]) -> Verdict:
    """A function that clips gradients by their common norm."""
    long = [torch.tensor([3.0, 0.0]), torch.tensor([[0.0], [4.0]])]
    short = [torch.tensor([0.3, 0.0]), torch.tensor([[0.0], [0.4]])]
    handed_in = [g.clone() for g in long]
    given = function(handed_in, 1.0)
    if given is None and not same(handed_in, long):
        return wrong("Your function changes the gradients and returns nothing: end with return.")
    if nothing := gave_nothing(given):
        return nothing
    if same(function([torch.tensor([3.0, 3.0])], 1.0), [torch.tensor([1.0, 1.0])]):
        return wrong("You cut each number on its own: that bends the direction. Scale them all.")
    if same(given, [torch.tensor([1.0, 0.0]), torch.tensor([[0.0], [1.0]])]):
        return wrong("You used one norm for each tensor. There is one norm, over all of them.")
    if not same(given, clipped(long, 1.0)):
        return wrong("Gradients (3, 0) and (0, 4) have the norm 5; with max_norm 1 divide by 5.")
    if not same(function([g.clone() for g in short], 1.0), short):
        return wrong("A gradient that is short enough must stay as it is: never scale up.")
    if not same(function([g.clone() for g in long], 2.0), clipped(long, 2.0)):
        return wrong("max_norm is not always 1: multiply by max_norm / norm.")
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


@exercise("04-3")
def early_stopping(function: Callable[[list[float], int], tuple[int, int]]) -> Verdict:
    """A function that says where early stopping ends and which epoch it keeps."""
    first = ([0.60, 0.50, 0.55, 0.52, 0.40], 2)
    given = function(*first)
    if nothing := gave_nothing(... if isinstance(given, tuple) and ... in given else given):
        return nothing
    if not isinstance(given, (tuple, list)) or len(given) != 2:
        return wrong("Return two numbers: the last epoch run, and the epoch whose weights stay.")
    last, best = given
    if tuple(given) == (3, 1):
        return wrong("Epochs count from 1 here, not from 0.")
    if (last, best) == (5, 5):
        return wrong("With patience 2 the run ends at epoch 4: it never sees the 0.40 of epoch 5.")
    if last == best == 4:
        return wrong("The weights that stay are those of the best epoch, not of the last one run.")
    if last == 3:
        return wrong("That is patience 1. Two epochs without a better loss must pass.")
    cases = [
        first,
        ([0.6, 0.5, 0.4], 2),
        ([0.5, 0.6, 0.45, 0.5, 0.5, 0.5], 2),
        ([0.5, 0.5, 0.5], 1),
        ([0.5, 0.4, 0.6], 3),
    ]
    for losses, patience in cases:
        expected = stopping(losses, patience)
        if tuple(function(list(losses), patience)) != expected:
            return wrong(
                f"For losses {losses} and patience {patience} the answer is {expected}. "
                "Count from the best epoch; an equal loss is no better one."
            )
    return right("It runs `patience` epochs past the best one, and keeps the best one.")
