"""Right and wrong answers to the exercises of notebook 10."""

from helpers.exercises import nb10
from tests.notebooks.cases import Cases

GFLOP = nb10.GFLOP


def accumulate(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / len(rows)
        loss.backward()
        total += loss.item()
    return total


def accumulate_in_one_backward(loss_of, rows, size):
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    loss = sum(len(part) * loss_of(part) for part in parts) / len(rows)
    loss.backward()
    return loss.item()


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


def as_a_tensor(loss_of, rows, size):
    parts = [rows[start : start + size] for start in range(0, len(rows), size)]
    loss = sum(len(part) * loss_of(part) for part in parts) / len(rows)
    loss.backward()
    return loss


def always_ten(loss_of, rows, size):
    total = 0.0
    for start in range(0, len(rows), size):
        part = rows[start : start + size]
        loss = loss_of(part) * len(part) / 10
        loss.backward()
        total += loss.item()
    return total


def saved_ms(peak, bandwidth):
    n = 11_720_448
    return (108e9 - 59e9) / peak * 1000, max(12 * n / peak, 28 * n / bandwidth) * 1000


def saved(change):
    """`saved_ms` with a mistake: `change` gets its two numbers, peak and bandwidth."""
    return lambda peak, bandwidth: change(*saved_ms(peak, bandwidth), peak, bandwidth)


N = 11_720_448

CASES = {
    "10-1": Cases(
        right=[(GFLOP, GFLOP / 2), (round(GFLOP, 1), round(GFLOP / 2))],
        wrong=[
            ((GFLOP / 3, GFLOP / 6), "one forward pass"),
            ((2 * GFLOP / 3, GFLOP / 3), "backward alone"),
            ((GFLOP / 2, GFLOP / 4), "for each pair: twice"),
            ((3 * (nb10.WEIGHTED + nb10.HEAD) / 1e9, 1), "scores and the weighted values"),
            ((3 * (nb10.WEIGHTED + nb10.PAIRS) / 1e9, 1), "pooler and head are missing"),
            ((GFLOP / 1e3, GFLOP / 2), "in TFLOP"),
            ((GFLOP * 1e9, GFLOP / 2), "Divide by 10^9"),
            ((GFLOP, GFLOP / 2000), "those are seconds"),
            ((GFLOP, 2 * GFLOP), "instead of multiplying"),
        ],
    ),
    "10-2": Cases(
        right=[(accumulate,), (accumulate_in_one_backward,)],
        wrong=[
            ((nb10.parts_weighted(lambda n, k: 1.0),), "add up mean losses"),
            ((nb10.parts_weighted(lambda n, k: 1 / k),), "the weight of 4"),
            ((nb10.parts_weighted(lambda n, k: n / 4),), "share of a full part"),
            ((nb10.parts_weighted(lambda n, k: float(n)),), "gradient of the sum"),
            ((without_the_rest,), "last part is missing"),
            ((no_parts,), "a part had 10 rows"),
            ((never_backward,), "No gradient is left"),
            ((only_the_gradient,), "Return the mean loss over all rows"),
            ((as_a_tensor,), "as a number"),
            ((always_ten,), "use len(rows)"),
        ],
    ),
    "10-3": Cases(
        right=[(saved_ms,), (lambda peak, bandwidth: list(saved_ms(peak, bandwidth)),)],
        wrong=[
            ((saved(lambda a, b, p, w: (b, a)),), "other way round"),
            ((saved(lambda a, b, p, w: (a / 1e3, b / 1e3)),), "Those are seconds"),
            ((saved(lambda a, b, p, w: a),), "Return two numbers"),
            ((saved(lambda a, b, p, w: (59e12 / p, b)),), "still takes"),
            ((saved(lambda a, b, p, w: (49e12 / w, b)),), "not by the bandwidth"),
            ((saved(lambda a, b, p, w: (a, b / 7)),), "4 bytes are the weight alone"),
            ((saved(lambda a, b, p, w: (a, 12e3 * N / p)),), "time of the operations"),
            ((saved(lambda a, b, p, w: (a, 12e3 * N / p + 28e3 * N / w)),), "not their sum"),
            ((saved(lambda a, b, p, w: (a, 28e3 * 22_713_986 / w)),), "all weights"),
            ((lambda peak, bandwidth: saved_ms(2e12, 15e9),), "for one machine only"),
        ],
    ),
}
