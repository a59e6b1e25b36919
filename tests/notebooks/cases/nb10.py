"""Right and wrong answers to the exercises of notebook 10."""

import numpy as np
import torch

from helpers.exercises import nb10
from tests.notebooks.cases import Cases


def least_ms(L, H, F, B, T, C, tflops):
    layers = 2 * B * T * L * (4 * H**2 + 2 * H * F)
    pairs = 4 * L * B * T**2 * H
    head = 2 * B * (H**2 + C * H)
    return 3 * (layers + pairs + head) / tflops / 1e9


def matrix_by_matrix(L, H, F, B, T, C, tflops):
    """Another shape: every product of a forward pass, rows times inner width times columns."""
    layer = [(B * T, H, H)] * 4 + [(B * T, H, F), (B * T, F, H), (B * T, H, T), (B * T, T, H)]
    made = np.array(layer * L + [(B, H, H), (B, H, C)], dtype=float)
    forward = (2 * made.prod(axis=1)).sum()
    return forward * 3 / (tflops * 1e12) * 1000


def as_a_tensor(L, H, F, B, T, C, tflops):
    return torch.tensor(least_ms(L, H, F, B, T, C, tflops), dtype=torch.float64)


def forward_only(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) / 3


def backward_only(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) * 2 / 3


def each_pair_once(L, H, F, B, T, C, tflops):
    layers = B * T * L * (4 * H**2 + 2 * H * F)
    return 3 * (layers + 2 * L * B * T**2 * H + B * (H**2 + C * H)) / tflops / 1e9


def without_pairs(L, H, F, B, T, C, tflops):
    layers = 2 * B * T * L * (4 * H**2 + 2 * H * F)
    return 3 * (layers + 2 * B * (H**2 + C * H)) / tflops / 1e9


def without_pooler_and_head(L, H, F, B, T, C, tflops):
    layers = 2 * B * T * L * (4 * H**2 + 2 * H * F)
    return 3 * (layers + 4 * L * B * T**2 * H) / tflops / 1e9


def without_head(L, H, F, B, T, C, tflops):
    return without_pooler_and_head(L, H, F, B, T, C, tflops) + 3 * 2 * B * H**2 / tflops / 1e9


def without_pooler(L, H, F, B, T, C, tflops):
    return without_pooler_and_head(L, H, F, B, T, C, tflops) + 3 * 2 * B * C * H / tflops / 1e9


def always_two_classes(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, 2, tflops)


def in_seconds(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) / 1000


def in_gflop(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, 1)


def times_the_speed(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, 1) * tflops


def seconds_taken_for_thousandths(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) * 1000


def not_divided_by_a_thousand_million(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) * 1e9


def pairs_twice(L, H, F, B, T, C, tflops):
    return least_ms(L, H, F, B, T, C, tflops) + 3 * 4 * L * B * T**2 * H / tflops / 1e9


def always_bert_base(L, H, F, B, T, C, tflops):
    return least_ms(12, 768, 3072, 16, 128, 2, 2)


def inner_width_four_times(L, H, F, B, T, C, tflops):
    return least_ms(L, H, 4 * H, B, T, C, tflops)


def pairs_not_squared(L, H, F, B, T, C, tflops):
    layers = 2 * B * T * L * (4 * H**2 + 2 * H * F)
    return 3 * (layers + 4 * L * B * T * H + 2 * B * (H**2 + C * H)) / tflops / 1e9


def one_layer_for_the_rest(L, H, F, B, T, C, tflops):
    """Right where L is 2, because it counts two layers whatever L is."""
    return least_ms(2, H, F, B, T, C, tflops)


def in_whole_milliseconds(*sizes_and_speed):
    return round(least_ms(*sizes_and_speed))


def accumulate(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / len(rows)
        loss.backward()
        total += loss.item()
    return total


def accumulate_with_a_weighted_start(loss_of, rows, size):
    """Another shape: tensors of rows, the weight handed to `backward`, the mean at the end."""
    sums = []
    for part in torch.tensor(rows).split(size):
        loss = loss_of(part)
        loss.backward(torch.tensor(len(part) / len(rows), dtype=loss.dtype))
        sums.append(len(part) * loss.detach())
    return float(torch.stack(sums).sum() / len(rows))


def accumulate_by_popping(loss_of, rows, size):
    """Another shape: parts of nearly equal size, taken from the end."""
    left, mean = list(rows), 0.0
    while left:
        part, left = left[-size:], left[:-size]
        loss = loss_of(part)
        mean += len(part) / len(rows) * loss.item()
        (loss * (len(part) / len(rows))).backward()
        del loss
    return mean


def one_backward_at_the_end(loss_of, rows, size):
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    loss = sum(len(part) * loss_of(part) for part in parts) / len(rows)
    loss.backward()
    return loss.item()


def all_losses_first(loss_of, rows, size):
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    losses = [loss_of(part) * len(part) / len(rows) for part in parts]
    for loss in losses:
        loss.backward()
    return sum(loss.item() for loss in losses)


def one_part_behind(loss_of, rows, size):
    """`backward` for a part only once the next one has come: two records at a time."""
    total, waiting = 0.0, None
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / len(rows)
        if waiting is not None:
            waiting.backward()
        waiting = loss
        total += loss.item()
    waiting.backward()
    return total


def every_record_kept(loss_of, rows, size):
    losses = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        losses.append(loss_of(part) * len(part) / len(rows))
        losses[-1].backward(retain_graph=True)
    return sum(loss.item() for loss in losses)


def the_first_part_again_and_again(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        count = len(rows[start : start + size])
        loss = loss_of(rows[:count]) * count / len(rows)
        loss.backward()
        total += loss.item()
    return total


def the_last_loss(loss_of, rows, size):
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / len(rows)
        loss.backward()
    return loss.item()


def mean_of_the_parts(loss_of, rows, size):
    """The right gradient; the number is the plain mean of the parts, right for equal ones."""
    losses = []
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part)
        (loss * len(part) / len(rows)).backward()
        losses.append(loss.item())
    return sum(losses) / len(losses)


def parts_of_four(loss_of, rows, size):
    """Right for size 4, and for any other one the parts are too large or too small."""
    return accumulate(loss_of, rows, 4) if size >= 4 else accumulate(loss_of, rows[:-1], size)


def always_four(loss_of, rows, size):
    """Right for size 4; for any other one the gradient is right and `size` is not heeded."""
    return accumulate(loss_of, rows, 4)


def row_by_row(loss_of, rows, size):
    return accumulate(loss_of, rows, 1)


def without_the_rest(loss_of, rows, size):
    return accumulate(loss_of, rows[: len(rows) // size * size], size)


def no_parts(loss_of, rows, size):
    return accumulate(loss_of, rows, len(rows))


def never_backward(loss_of, rows, size):
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    return sum(len(part) / len(rows) * loss_of(part).item() for part in parts)


def only_the_gradient(loss_of, rows, size):
    accumulate(loss_of, rows, size)
    return 1.0


def loss_as_a_tensor(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / len(rows)
        loss.backward()
        total += loss.detach()
    return total


def always_ten(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / 10
        loss.backward()
        total += loss.item()
    return total


N = 11_720_448


def saved_ms(peak, bandwidth):
    return (108e9 - 59e9) / peak * 1000, max(12 * N / peak, 28 * N / bandwidth) * 1000


def saved_by_a_function(peak, bandwidth):
    """Another shape: the roof as a function of operations and bytes, and an array as the answer."""

    def seconds(operations, bytes_moved=0):
        return max(operations / peak, bytes_moved / bandwidth)

    return np.array([seconds(108e9) - seconds(59e9), seconds(12 * N, 28 * N)]) * 1e3


def exchanged(peak, bandwidth):
    buckets, frozen = saved_ms(peak, bandwidth)
    return frozen, buckets


def both_in_seconds(peak, bandwidth):
    return [ms / 1000 for ms in saved_ms(peak, bandwidth)]


def buckets_alone(peak, bandwidth):
    return (108e9 - 59e9) / peak * 1000


def what_is_still_taken(peak, bandwidth):
    return 59e9 / peak * 1000, saved_ms(peak, bandwidth)[1]


def products_by_the_bandwidth(peak, bandwidth):
    return (108e9 - 59e9) / bandwidth * 1000, saved_ms(peak, bandwidth)[1]


def weights_only(peak, bandwidth):
    return saved_ms(peak, bandwidth)[0], 4 * N / bandwidth * 1000


def operations_only(peak, bandwidth):
    return saved_ms(peak, bandwidth)[0], 12 * N / peak * 1000


def operations_and_bytes(peak, bandwidth):
    return saved_ms(peak, bandwidth)[0], (12 * N / peak + 28 * N / bandwidth) * 1000


def all_weights(peak, bandwidth):
    return saved_ms(peak, bandwidth)[0], 28 * 22_713_986 / bandwidth * 1000


def one_machine_only(peak, bandwidth):
    return saved_ms(2e12, 15e9)


def bytes_only(peak, bandwidth):
    """Right wherever memory is the limit; on a slow processor with fast memory it is not."""
    return saved_ms(peak, bandwidth)[0], 28 * N / bandwidth * 1000


CASES = {
    "10-1": Cases(
        right=[(least_ms,), (matrix_by_matrix,), (as_a_tensor,)],
        wrong=[
            ((forward_only,), "one forward pass"),
            ((backward_only,), "Backward alone"),
            ((each_pair_once,), "for each pair: twice"),
            ((without_pairs,), "scores and the weighted values"),
            ((without_pooler_and_head,), "Pooler and head are missing"),
            ((without_head,), "The head is missing"),
            ((without_pooler,), "The pooler is missing"),
            ((always_two_classes,), "has C classes"),
            ((in_seconds,), "Those are seconds"),
            ((in_gflop,), "Those are GFLOP"),
            ((times_the_speed,), "instead of multiplying"),
            ((seconds_taken_for_thousandths,), "A thousand times too many"),
            ((not_divided_by_a_thousand_million,), "divide by 10^9"),
            ((pairs_twice,), "count twice"),
            ((always_bert_base,), "whatever the arguments are"),
            ((inner_width_four_times,), "Right for BERT-base alone"),
            ((pairs_not_squared,), "Three times the formula"),
            ((one_layer_for_the_rest,), "Right for one BERT only"),
            ((in_whole_milliseconds,), "Do not round"),
        ],
    ),
    "10-2": Cases(
        right=[
            (accumulate,),
            (accumulate_with_a_weighted_start,),
            (accumulate_by_popping,),
        ],
        wrong=[
            ((one_backward_at_the_end,), "no memory is saved"),
            ((nb10.parts_weighted(lambda n, k: 1.0),), "add up mean losses"),
            ((nb10.parts_weighted(lambda n, k: 1 / k),), "the weight of 4"),
            ((nb10.parts_weighted(lambda n, k: n / 4),), "share of a full part"),
            ((nb10.parts_weighted(lambda n, k: float(n)),), "gradient of the sum"),
            ((without_the_rest,), "last part is missing"),
            ((the_first_part_again_and_again,), "exactly one part"),
            ((no_parts,), "a part had 10 rows"),
            ((never_backward,), "No gradient is left"),
            ((only_the_gradient,), "Return the mean loss over all rows"),
            ((mean_of_the_parts,), "each part the same weight"),
            ((loss_as_a_tensor,), "as a number"),
            ((parts_of_four,), "For parts of 1 rows"),
            ((always_four,), "For size 1 a part had 4 rows"),
            ((row_by_row,), "10 parts, and 3 are enough"),
            ((always_ten,), "use len(rows)"),
        ],
    ),
    "10-3": Cases(
        right=[(saved_ms,), (saved_by_a_function,)],
        wrong=[
            ((exchanged,), "other way round"),
            ((both_in_seconds,), "Those are seconds"),
            ((buckets_alone,), "Return two numbers"),
            ((what_is_still_taken,), "still takes"),
            ((products_by_the_bandwidth,), "not by the bandwidth"),
            ((weights_only,), "4 bytes are the weight alone"),
            ((operations_only,), "time of the operations"),
            ((operations_and_bytes,), "not their sum"),
            ((all_weights,), "all weights"),
            ((one_machine_only,), "for one machine only"),
        ],
    ),
}

# Programs that a hint of `CASES` also answers, word for word: they hold on to earlier records.

KEEP_RECORDS = (one_backward_at_the_end, all_losses_first, one_part_behind, every_record_kept)
