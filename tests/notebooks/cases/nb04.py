"""Right and wrong answers to the exercises of notebook 04."""

import math

import torch

from tests.notebooks.cases import Cases


def clip(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * min(1.0, max_norm / norm.item()) for g in gradients]


def clip_in_place(gradients, max_norm):
    leaves = [torch.zeros_like(g, requires_grad=True) for g in gradients]
    for leaf, gradient in zip(leaves, gradients, strict=True):
        leaf.grad = gradient.clone()
    torch.nn.utils.clip_grad_norm_(leaves, max_norm)
    return [leaf.grad for leaf in leaves]


def clip_each_number(gradients, max_norm):
    return [g.clamp(-max_norm, max_norm) for g in gradients]


def clip_each_tensor(gradients, max_norm):
    return [g * min(1.0, max_norm / g.norm().item()) for g in gradients]


def always_scale(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    return [g * max_norm / norm for g in gradients]


def clip_to_one(gradients, max_norm):
    return clip(gradients, 1.0)


def forget_to_return(gradients, max_norm):
    norm = torch.sqrt(sum((g**2).sum() for g in gradients))
    for gradient in gradients:
        gradient.mul_(min(1.0, max_norm / norm))


def sum_of_norms(gradients, max_norm):
    norm = sum(g.norm().item() for g in gradients)
    return [g * min(1.0, max_norm / norm) for g in gradients]


def stop(losses, patience):
    best = 0
    for epoch, loss in enumerate(losses):
        if loss < losses[best]:
            best = epoch
        if epoch - best == patience:
            return epoch + 1, best + 1
    return len(losses), best + 1


def stop_with_a_counter(losses, patience):
    lowest, best, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best, waited = loss, epoch, 0
        else:
            waited += 1
        if waited >= patience:
            return epoch, best
    return len(losses), best


def from_zero(losses, patience):
    last, best = stop(losses, patience)
    return last - 1, best - 1


def never_stop(losses, patience):
    return len(losses), 1 + losses.index(min(losses))


def keep_the_last(losses, patience):
    last, _ = stop(losses, patience)
    return last, last


def too_early(losses, patience):
    return stop(losses, patience - 1)


def never_reset(losses, patience):
    lowest, best, waited = math.inf, 0, 0
    for epoch, loss in enumerate(losses, start=1):
        if loss < lowest:
            lowest, best = loss, epoch
        else:
            waited += 1
        if waited >= patience:
            return epoch, best
    return len(losses), best


CASES = {
    "04-1": Cases(
        right=[(561, 57), (3 * math.ceil(5970 / 32), math.ceil(0.1 * 561))],
        wrong=[
            ((187, 19), "one epoch"),
            ((17910, 1791), "examples"),
            ((559, 56), "round up"),
            ((561, 56), "math.ceil"),
            ((561, 19), "not of one epoch"),
        ],
    ),
    "04-2": Cases(
        right=[(clip,), (clip_in_place,)],
        wrong=[
            ((clip_each_number,), "each number on its own"),
            ((clip_each_tensor,), "one norm for each tensor"),
            ((always_scale,), "never scale up"),
            ((clip_to_one,), "not always 1"),
            ((sum_of_norms,), "divide by 5"),
            ((forget_to_return,), "returns nothing"),
        ],
    ),
    "04-3": Cases(
        right=[(stop,), (stop_with_a_counter,)],
        wrong=[
            ((from_zero,), "count from 1"),
            ((never_stop,), "never sees"),
            ((keep_the_last,), "not of the last"),
            ((too_early,), "patience 1"),
            ((never_reset,), "Count from the best epoch"),
        ],
    ),
}
