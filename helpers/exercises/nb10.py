"""Graders of notebook 10, making it fast."""

import math
import weakref
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    right,
    unanswered,
    wrong,
)

BERT_BASE = (12, 768, 3072, 16, 128, 2)
# Small enough for pooler and head to count: L, H, F, B, T, C.
SMALL = [(2, 8, 20, 3, 5, 7), (1, 6, 6, 2, 9, 4), (3, 4, 10, 5, 2, 2)]
SPEEDS = (4e-9, 0.5, 3e-6)  # of the processor, in TFLOP/s


ROUNDING = 1e-6  # of what was computed in float32, relative to the number


def tolerance(given: object) -> float:
    """How far from the right number an answer may be, relative to it, by its precision."""
    return ROUNDING if "float32" in str(getattr(given, "dtype", "")) else 1e-10


def products(L: int, H: int, F: int, B: int, T: int, C: int) -> dict[str, float]:
    """Operations of the products of a forward pass, by what they belong to."""
    return {
        "layers": 2 * B * T * L * (4 * H**2 + 2 * H * F),
        "pairs": 4 * L * B * T**2 * H,
        "pooler": 2 * B * H**2,
        "head": 2 * B * H * C,
    }


def least(sizes: tuple[int, ...], tflops: float, *without: str, passes: float = 3) -> float:
    """Milliseconds that a training step takes at least; some products may be left out."""
    counted = [part for name, part in products(*sizes).items() if name not in without]
    return passes * sum(counted) / tflops / 1e9


def same(given: object, wanted: float) -> bool:
    """Whether a number, an array or a tensor with one number agrees, as far as it is precise."""
    try:
        return math.isclose(float(given), wanted, rel_tol=tolerance(given))
    except (TypeError, ValueError):
        return False


@exercise("10-1")
def least_time_of_a_step(function: Callable) -> Verdict:
    """A function that counts a training step's operations for any BERT, in least milliseconds."""
    sizes, speed = SMALL[0], SPEEDS[0]
    given, wanted = function(*sizes, speed), least(sizes, speed)
    if nothing := gave_nothing(given):
        return nothing
    two_classes, as_written = (*sizes[:5], 2), products(*sizes)
    mistakes = {
        wanted / 3: "That is one forward pass. A training step takes three.",
        2 * wanted / 3: "Backward alone is two forward passes. The forward pass comes on top.",
        wanted / 2: "A product has a multiplication and an addition for each pair: twice.",
        least(sizes, speed, "pairs"): "The scores and the weighted values are missing, 4LBT²H.",
        least(sizes, speed, "pooler", "head"): "Pooler and head are missing, 2B(H² + CH).",
        least(sizes, speed, "pooler"): "The pooler is missing, 2BH².",
        least(sizes, speed, "head"): "The head is missing, 2BCH.",
        least(two_classes, speed): "The head has C classes here: 2B(H² + CH), not 2B(H² + 2H).",
        wanted / 1000: "Those are seconds. Multiply by 1,000.",
        wanted * speed: "Those are GFLOP. Divide them by the speed; 1 TFLOP/s is 1 GFLOP a ms.",
        wanted * speed**2: "Divide by the speed instead of multiplying by it.",
        wanted * 1000: "A thousand times too many: 1 TFLOP/s is 1 GFLOP in a millisecond.",
        wanted * 1e9: "Those are operations divided by the speed: divide by 10^9 as well.",
    }
    for mistaken, hint in mistakes.items():
        if same(given, mistaken):
            return wrong(hint)
    if same(given, wanted + 3 * as_written["pairs"] / speed / 1e9):
        return wrong("The pairs of tokens count twice: scores and weighted values are 4LBT²H.")
    if same(given, least(BERT_BASE, 2)):
        return wrong("That is BERT-base, whatever the arguments are. Use L, H, F, B, T, C.")
    if not same(given, wanted):
        if same(function(*BERT_BASE, 2), least(BERT_BASE, 2)):
            return wrong("Right for BERT-base alone: use all of L, H, F, B, T, C and tflops.")
        return wrong("Three times the formula of section 2, over tflops, over 10^9.")
    for sizes, speed in zip(SMALL[1:], SPEEDS[1:], strict=True):
        given, wanted = function(*sizes, speed), least(sizes, speed)
        if not same(given, wanted):
            if same(given, round(wanted)):
                return wrong("Do not round: a small step takes far less than a millisecond.")
            return wrong("Right for one BERT only: use all of L, H, F, B, T, C and tflops.")
    time = least(BERT_BASE, 2)
    return right(f"BERT-base at 2 TFLOP/s: at least {time:.0f} ms, and only products are counted.")


def trial() -> tuple[nn.Linear, Tensor, Tensor]:
    """A small classifier, ten examples and their labels, in float64."""
    generator = torch.Generator().manual_seed(0)
    model = nn.Linear(4, 3, dtype=torch.float64)
    with torch.no_grad():
        model.weight.copy_(torch.randn(3, 4, generator=generator))
        model.bias.zero_()
    examples = torch.randn(10, 4, generator=generator, dtype=torch.float64)
    return model, examples, torch.randint(3, (10,), generator=generator)


class Record:
    """Holds one tensor that a forward pass keeps for `backward`; torch drops it with the graph."""

    def __init__(self, tensor: Tensor):
        self.tensor = tensor


class Watched:
    """The loss of `trial` on some rows, and what a program does with it.

    Attributes:
        rows: those of each part, in the order in which they came.
        alive: for each part, whether an earlier part's record was still kept when it came.
    """

    def __init__(self):
        self.model, self.examples, self.labels = trial()
        self.rows: list[list[int]] = []
        self.alive: list[bool] = []
        self.kept: list[weakref.ref] = []

    def keep(self, tensor: Tensor) -> Record:
        """Wrap what torch saves, to see how long it is kept."""
        record = Record(tensor)
        self.kept.append(weakref.ref(record))
        return record

    def loss_of(self, part: list[int]) -> Tensor:
        """Mean loss of a part."""
        self.alive.append(any(record() is not None for record in self.kept))
        self.rows.append([int(row) for row in part])
        with torch.autograd.graph.saved_tensors_hooks(self.keep, lambda record: record.tensor):
            logits = self.model(self.examples[self.rows[-1]])
            return cross_entropy(logits, self.labels[self.rows[-1]])

    def plain_mean(self) -> float:
        """The mean of the parts' losses, whatever their sizes."""
        with torch.no_grad():
            losses = [
                cross_entropy(self.model(self.examples[r]), self.labels[r]) for r in self.rows
            ]
        return float(torch.stack(losses).mean())

    def gradient(self) -> Tensor:
        """What is left in the weights, zeros if nothing is."""
        found = self.model.weight.grad
        return torch.zeros(3, 4) if found is None else found


def watched(function: Callable, size: int, rows: int = 10) -> tuple[object, Watched]:
    """What the function returns, and what it did on the way."""
    watch = Watched()
    return function(watch.loss_of, list(range(rows)), size), watch


def accumulated(function: Callable, size: int, rows: int = 10) -> tuple[object, Tensor, list[int]]:
    """What the function returns, the gradient it leaves, and how large its parts were."""
    returned, watch = watched(function, size, rows)
    return returned, watch.gradient(), [len(part) for part in watch.rows]


def other_parts(watch: Watched, size: int, rows: int = 10) -> Verdict | None:
    """The verdict on parts that are too large, or more than `size` makes necessary; else None."""
    sizes = [len(part) for part in watch.rows]
    if max(sizes, default=0) > size:
        return wrong(
            f"For size {size} a part had {max(sizes)} rows: slice rows[start:start + size]."
        )
    needed = math.ceil(rows / size)
    if len(sizes) > needed:
        return wrong(
            f"For size {size} there were {len(sizes)} parts, and {needed} are enough: each part "
            "but the last has `size` rows, rows[start:start + size]."
        )
    return None


def whole(loss_of: Callable, rows: list[int], size: int) -> float:
    """All rows at once: what accumulation must equal."""
    loss = loss_of(rows)
    loss.backward()
    return loss.item()


@exercise("10-2")
def gradient_accumulation(function: Callable) -> Verdict:
    """A function that accumulates the gradient of the mean loss over parts of a batch."""
    returned, watch = watched(function, 4)
    found, seen = watch.gradient(), [row for part in watch.rows for row in part]
    if not seen:
        return unanswered() if returned is ... else wrong("loss_of was never called.")

    mean, wanted, _ = accumulated(whole, 10)
    if len(seen) == 8:
        return wrong("The last part is missing: 10 rows in parts of 4 leave 2.")
    if sorted(seen) != list(range(10)):
        return wrong("Each row belongs into exactly one part: rows[start:start + size].")
    if hint := other_parts(watch, 4):
        return hint
    if is_close(found, torch.zeros(3, 4)):
        return wrong("No gradient is left: call backward on each part, and do not zero it.")
    for weight, hint in WEIGHTS:
        if is_close(found, accumulated(parts_weighted(weight), 4)[1], ROUNDING):
            return wrong(hint)
    if not is_close(found, wanted, ROUNDING):
        return wrong("(loss_of(part) * len(part) / len(rows)).backward() for each part.")
    if any(watch.alive):
        return wrong(
            "The gradient is right, but no memory is saved: an earlier part's record was still "
            "kept when the next part came. Call backward on each part, inside the loop."
        )
    if isinstance(returned, Tensor):
        return wrong("The gradient is right. Return the mean loss as a number: .item().")
    if is_close(returned, watch.plain_mean(), ROUNDING):
        return wrong("The gradient is right. The loss you return gives each part the same weight.")
    if not is_close(returned, mean, ROUNDING):
        return wrong("The gradient is right. Return the mean loss over all rows, too.")
    for size in (1, 3, 10, 32):
        returned, watch = watched(function, size)
        if hint := other_parts(watch, size):
            return hint
        if not is_close(watch.gradient(), wanted, ROUNDING):
            return wrong(f"For parts of {size} rows the gradient is another one.")
        if not is_close(returned, mean, ROUNDING):
            return wrong(f"For parts of {size} rows the loss that is returned is another one.")
    if not is_close(accumulated(function, 2, 5)[1], accumulated(whole, 5, 5)[1], ROUNDING):
        return wrong("With five rows instead of ten it is wrong: use len(rows).")
    return right("Any part size gives the gradient of the whole batch, one part in memory.")


def parts_weighted(weight: Callable[[int, int], float]) -> Callable:
    """Accumulation that weighs the loss of a part of n rows, one of k parts, by `weight(n, k)`."""

    def function(loss_of: Callable, rows: list[int], size: int) -> float:
        parts = [rows[start : start + size] for start in range(0, len(rows), size)]
        for part in parts:
            (loss_of(part) * weight(len(part), len(parts))).backward()
        return 0.0

    return function


# How people weigh the mean loss of a part of n rows, one of k parts of at most four.
WEIGHTS = [
    (lambda n, k: 1.0, "You add up mean losses: three parts give about three times the gradient."),
    (lambda n, k: 1 / k, "Dividing by the number of parts gives the last 2 rows the weight of 4."),
    (lambda n, k: n / 4, "n / size is the share of a full part. Divide by all rows: len(rows)."),
    (lambda n, k: n, "That is the gradient of the sum. Divide by the number of rows."),
]

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
    if not same(first[1], frozen):
        return wrong("Frozen: max(12 n / peak, 28 n / bandwidth) for n = 11,720,448, in ms.")
    for machine in (*MACHINES[1:], (1e9, 1e12)):
        if not all(map(same, function(*machine), savings(*machine))):
            return wrong("Right for one machine only: use peak and bandwidth as they are given.")
    return right(
        "At 2 TFLOP/s and 15 GB/s both save about the same. A faster multiplier with the same "
        "memory makes the frozen table the better change, a slower one the buckets."
    )
