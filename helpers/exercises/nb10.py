"""Graders of notebook 10, making it fast."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    is_rounded,
    right,
    unanswered,
    wrong,
)

L, D, F, B, T = 12, 768, 3072, 16, 128
WEIGHTED = 2 * B * T * L * (4 * D**2 + 2 * D * F)
PAIRS, HEAD = 4 * L * B * T**2 * D, 2 * B * (D**2 + 2 * D)
GFLOP = 3 * (WEIGHTED + PAIRS + HEAD) / 1e9


@exercise("10-1")
def operations_of_bert_base(gflop: float, milliseconds: float) -> Verdict:
    """Operations of a training step of BERT-base, and the least time they take."""
    if is_close(gflop, GFLOP / 3, 0.01):
        return wrong("gflop: that is one forward pass. A training step takes three.")
    if is_close(gflop, 2 * GFLOP / 3, 0.01):
        return wrong("gflop: backward alone is two forward passes. The forward pass comes on top.")
    if is_close(gflop, GFLOP / 2, 0.01):
        return wrong("gflop: a product has a multiplication and an addition for each pair: twice.")
    if is_close(gflop, 3 * (WEIGHTED + HEAD) / 1e9, 0.01):
        return wrong("gflop: the scores and the weighted values are missing, 4LBT²d.")
    if is_close(gflop, 3 * (WEIGHTED + PAIRS) / 1e9, 0.01):
        return wrong("gflop: pooler and head are missing, 2B(d² + 2d).")
    if is_close(gflop, GFLOP / 1e3, 0.01):
        return wrong("gflop: that is in TFLOP. 1 TFLOP are 1,000 GFLOP.")
    if is_close(gflop, GFLOP * 1e9, 1e7):
        return wrong("gflop: those are operations. Divide by 10^9.")
    if not is_rounded(gflop, GFLOP, 0):
        return wrong("gflop: step_flops of section 2 with L, d, f, B, T of the hint, / 1e9.")
    if is_close(milliseconds, gflop / 2000, 1e-3):
        return wrong("milliseconds: those are seconds. Multiply by 1,000.")
    if is_close(milliseconds, 2 * gflop, 1):
        return wrong("milliseconds: divide by the speed instead of multiplying by it.")
    if not is_rounded(milliseconds, gflop / 2, 0) and not is_rounded(milliseconds, GFLOP / 2, 0):
        return wrong("milliseconds: 2 TFLOP/s are 2 GFLOP in a millisecond.")
    return right("Half a second at least: and nothing but the products is counted yet.")


def trial() -> tuple[nn.Linear, Tensor, Tensor]:
    """A small classifier, ten examples and their labels, in float64."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Linear(4, 3, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.randn(3, 4, generator=generator))
        model.bias.zero_()
    examples = torch.randn(10, 4, generator=generator, dtype=torch.float64)
    return model, examples, torch.randint(3, (10,), generator=generator)


def accumulated(function: Callable, size: int, rows: int = 10) -> tuple[object, Tensor, list[int]]:
    """What the function returns, the gradient it leaves, and how large its parts were."""
    model, examples, labels = trial()
    sizes = []

    def loss_of(part: list[int]) -> Tensor:
        sizes.append(len(part))
        return cross_entropy(model(examples[part]), labels[part])

    returned = function(loss_of, list(range(rows)), size)
    return returned, torch.zeros(3, 4) if model.weight.grad is None else model.weight.grad, sizes


@exercise("10-2")
def gradient_accumulation(function: Callable) -> Verdict:
    """A function that accumulates the gradient of the mean loss over parts of a batch."""
    returned, found, sizes = accumulated(function, 4)
    if not sizes:
        return unanswered() if returned is ... else wrong("loss_of was never called.")

    def whole(loss_of: Callable, rows: list[int], size: int) -> float:
        loss = loss_of(rows)
        loss.backward()
        return loss.item()

    mean, wanted, _ = accumulated(whole, 10)
    if max(sizes) > 4:
        return wrong(f"For size 4 a part had {max(sizes)} rows: slice rows[start:start + size].")
    if sum(sizes) == 8:
        return wrong("The last part is missing: 10 rows in parts of 4 leave 2.")
    if is_close(found, torch.zeros(3, 4)):
        return wrong("No gradient is left: call backward on each part, and do not zero it.")
    if is_close(found, accumulated(parts_weighted(lambda n, k: 1.0), 4)[1], 1e-9):
        return wrong("You add up mean losses: three parts give about three times the gradient.")
    if is_close(found, accumulated(parts_weighted(lambda n, k: 1 / k), 4)[1], 1e-9):
        return wrong("Dividing by the number of parts gives the last 2 rows the weight of 4.")
    if is_close(found, accumulated(parts_weighted(lambda n, k: n / 4), 4)[1], 1e-9):
        return wrong("n / size is the share of a full part. Divide by all rows: n / len(rows).")
    if is_close(found, accumulated(parts_weighted(lambda n, k: float(n)), 4)[1], 1e-9):
        return wrong("That is the gradient of the sum. Divide by the number of rows.")
    if not is_close(found, wanted, 1e-9):
        return wrong("(loss_of(part) * len(part) / len(rows)).backward() for each part.")
    if isinstance(returned, Tensor):
        return wrong("The gradient is right. Return the mean loss as a number: .item().")
    if not is_close(returned, mean, 1e-9):
        return wrong("The gradient is right. Return the mean loss over all rows, too.")
    for size in (1, 3, 10, 32):
        if not is_close(accumulated(function, size)[1], wanted, 1e-9):
            return wrong(f"For parts of {size} rows the gradient is another one.")
    if not is_close(accumulated(function, 2, 5)[1], accumulated(whole, 5, 5)[1], 1e-9):
        return wrong("With five rows instead of ten it is wrong: use len(rows).")
    return right("Any part size gives the gradient of the whole batch.")


def parts_weighted(weight: Callable[[int, int], float]) -> Callable:
    """Accumulation that weighs the loss of a part of n rows, one of k parts, by `weight(n, k)`."""

    def function(loss_of: Callable, rows: list[int], size: int) -> float:
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        for part in parts:
            (loss_of(part) * weight(len(part), len(parts))).backward()
        return 0.0

    return function


WORDS = 11_720_448
BEFORE, AFTER = 108e9, 59e9
MACHINES = [(2e12, 15e9), (100e12, 15e9), (0.3e12, 60e9)]


def savings(peak: float, bandwidth: float) -> list[float]:
    """Milliseconds that buckets save, and the frozen word table."""
    update = max(12 * WORDS / peak, 28 * WORDS / bandwidth)
    return [1e3 * (BEFORE - AFTER) / peak, 1e3 * update]


@exercise("10-3")
def by_the_roof(function: Callable) -> Verdict:
    """A function that predicts from peak and bandwidth what two changes save."""
    first = function(*MACHINES[0])
    if nothing := gave_nothing(first):
        return nothing
    buckets, frozen = savings(*MACHINES[0])
    if is_close(first, [frozen, buckets]):
        return wrong("The other way round: first what the buckets save, then the frozen table.")
    if is_close(first, [buckets / 1e3, frozen / 1e3], 1e-6):
        return wrong("Those are seconds. Multiply by 1,000.")
    if not hasattr(first, "__len__") or len(first) != 2:
        return wrong("Return two numbers: return buckets, frozen.")
    if is_close(first[0], 1e3 * AFTER / MACHINES[0][0]):
        return wrong("Buckets: that is what a step still takes. What is saved is the difference.")
    if is_close(first[0], 1e3 * (BEFORE - AFTER) / MACHINES[0][1], 1):
        return wrong("Buckets: the products are limited by the peak, not by the bandwidth.")
    if not is_close(first[0], buckets):
        return wrong("Buckets: (108e9 - 59e9) / peak, in milliseconds.")
    if is_close(first[1], frozen / 7):
        return wrong("Frozen: 4 bytes are the weight alone. AdamW moves 28 for each.")
    if is_close(first[1], 1e3 * 12 * WORDS / MACHINES[0][0], 1e-4):
        return wrong("Frozen: that is the time of the operations. The bytes take longer.")
    if is_close(first[1], 1e3 * (12 * WORDS / MACHINES[0][0] + 28 * WORDS / MACHINES[0][1]), 1e-3):
        return wrong("Frozen: the larger of the two times, not their sum: both happen at once.")
    if is_close(first[1], 1e3 * 28 * 22_713_986 / MACHINES[0][1]):
        return wrong("Frozen: those are all weights. Only those of the word table are spared.")
    if not is_close(first[1] / frozen, 1, 1e-8):
        return wrong("Frozen: max(12 n / peak, 28 n / bandwidth) for n = 11,720,448, in ms.")
    for machine in (*MACHINES[1:], (1e9, 1e12)):
        if not is_close(np.divide(function(*machine), savings(*machine)), [1, 1], 1e-8):
            return wrong("Right for one machine only: use peak and bandwidth as they are given.")
    return right(
        "At 2 TFLOP/s and 15 GB/s both save about the same. A faster multiplier with the same "
        "memory makes the frozen table the better change, a slower one the buckets."
    )
