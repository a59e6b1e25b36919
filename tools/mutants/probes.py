"""Inputs on which two answers to an exercise are compared, far more than its check tries.

Two functions that give the same on all of them count as one answer. Each generator yields tuples
of arguments that the text of the exercise allows, always the same ones.
"""

import copy
import itertools
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.special import softmax

from helpers.exercises import as_array, nb04, nb06, nb10, nb11

PROBES: dict[str, Callable[[np.random.Generator], Iterator[tuple]]] = {}
TRIES = 60


def probes_of(name: str) -> Callable:
    """Register the inputs of an exercise."""

    def register(function: Callable) -> Callable:
        PROBES[name] = function
        return function

    return register


@probes_of("00-2")
def logits_and_labels(rng):
    for _ in range(TRIES):
        n, classes = rng.integers(1, 12), rng.integers(2, 5)
        yield rng.normal(0, 2, (n, classes)), rng.integers(0, classes, n)


@probes_of("01-1")
def words_and_vocabularies(rng):
    letters = list("abc")
    yield "aaaa", {"a", "##a"}  # more letters than pieces
    for _ in range(4 * TRIES):
        made = ["".join(rng.choice(letters, rng.integers(1, 4))) for _ in range(12)]
        half = int(rng.integers(1, 7))
        vocabulary = {*made[:half], *("##" + piece for piece in made[-half:])}
        yield "".join(rng.choice(letters, rng.integers(1, 9))), vocabulary


@probes_of("01-2")
def texts_and_a_length(rng):
    words = ["film", "unwatchable", "a", "the", "plot,", "Kafkaesque", "good.", "фильм"]
    for _ in range(TRIES):
        texts = [" ".join(rng.choice(words, rng.integers(1, 7))) for _ in range(rng.integers(1, 5))]
        yield texts, int(rng.integers(3, 20))


@probes_of("01-3")
def ids_and_windows(rng):
    for _ in range(4 * TRIES):
        max_length = int(rng.integers(3, 10))
        ids = (rng.permutation(900)[: rng.integers(0, 25)] + 1000).tolist()
        yield ids, max_length, int(rng.integers(0, max_length - 2))


@probes_of("02-1")
def inputs_of_a_head(rng):
    for _ in range(TRIES):
        t, h, d = rng.integers(1, 7, 3)
        shapes = (t, h), (h, d), (h, d), (h, d)
        yield tuple(torch.tensor(rng.normal(size=shape)) for shape in shapes)


@probes_of("02-2")
def vectors_and_mask(rng):
    for mask in masks(rng):
        yield torch.tensor(rng.normal(size=(*mask.shape, rng.integers(1, 6)))), mask


@probes_of("02-3")
def mask_alone(rng):
    yield from ((mask,) for mask in masks(rng))


def masks(rng):
    """Masks of shape (B, T): at least one real token a row, padding on either side."""
    for _ in range(TRIES):
        rows, length = rng.integers(1, 6, 2)
        end = rng.integers(1, length + 1, (rows, 1))
        start = rng.integers(0, end)
        places = np.arange(length)
        yield torch.tensor((start <= places) & (places < end)).long()


@probes_of("03-1")
def valleys(rng):
    for _ in range(TRIES):
        lowest, at = torch.tensor(rng.normal(size=(2, int(rng.integers(1, 5)))))
        yield Valley(lowest), at, float(rng.uniform(0.01, 0.5))


class Valley:
    """A loss: the squared distance from its lowest place."""

    def __init__(self, lowest):
        self.lowest = lowest

    def __call__(self, w):
        return ((w - self.lowest) ** 2).sum()


@probes_of("03-2")
def logits_and_a_right_class(rng):
    for _ in range(TRIES):
        classes = int(rng.integers(2, 6))
        yield torch.tensor(rng.normal(0, 2, classes)), int(rng.integers(0, classes))


@probes_of("03-3")
def one_layer_and_its_batches(rng):
    for _ in range(TRIES):
        n, inputs, classes = (int(number) for number in rng.integers(2, 7, 3))
        X, W = torch.tensor(rng.normal(size=(n, inputs))), torch.zeros(classes, inputs).double()
        y = torch.tensor(rng.integers(0, classes, n))
        yield X, y, W + 0.1, float(rng.uniform(0.1, 1)), int(rng.integers(1, n + 1))


@probes_of("04-1")
def small_models_and_batches(rng):
    for count in (2, 3, 6):
        model = nb04.tiny_model()
        for part in model.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.5  # so that it shows whether dropout was on
        yield model, nb04.tiny_batches(count)


@probes_of("04-2")
def gradients_and_norm(rng):
    for _ in range(TRIES):
        shapes = [tuple(rng.integers(1, 4, rng.integers(1, 3))) for _ in range(rng.integers(1, 4))]
        yield [torch.tensor(rng.normal(size=s)) for s in shapes], float(rng.uniform(0.1, 4))


@probes_of("04-3")
def losses_and_patience(rng):
    for _ in range(4 * TRIES):
        yield rng.integers(1, 9, rng.integers(1, 9)).tolist(), int(rng.integers(1, 5))


@probes_of("05-2")
def three_shares(rng):
    yield from itertools.product((0.0, 0.5, 1.0), repeat=3)
    yield from (tuple(map(float, rng.random(3))) for _ in range(TRIES))


@probes_of("05-3")
def labels_probabilities_costs(rng):
    for _ in range(4 * TRIES):
        n = rng.integers(1, 9)
        labels, probabilities = rng.integers(0, 2, n), rng.random(n).round(1)
        yield labels, probabilities, *map(float, rng.integers(1, 6, 2))


@probes_of("06-2")
def groups_and_k(rng):
    for _ in range(TRIES):
        films = [f"film {number}" for number in rng.integers(0, 9, rng.integers(4, 20))]
        yield films, int(rng.integers(2, len(set(films)) + 1))


@probes_of("06-3")
def rows_and_folds(rng):
    for _ in range(15):
        n = int(rng.integers(24, 40))
        y, fold = rng.permutation(n) % 2, 3 * (np.arange(n) // 2 % rng.integers(2, 5)) + 1
        yield rng.normal(size=(n, 12)), y, fold, nb06.columns_of, nb06.nearest_mean


@probes_of("07-2")
def windows_of_articles(rng):
    for _ in range(TRIES):
        article = np.repeat(np.arange(12), rng.integers(1, 6, 12))
        yield rng.normal(0, 2, (len(article), 3)), article


@probes_of("07-3")
def probabilities_and_k(rng):
    for _ in range(TRIES):
        n, classes = rng.integers(5, 30), rng.integers(2, 6)
        yield rng.dirichlet(np.ones(classes), n), int(rng.integers(1, n))


@probes_of("08-2")
def labels_share_generator(rng):
    for seed in range(TRIES):
        labels = rng.integers(0, 2, rng.integers(4, 60))
        yield labels, float(rng.random()), np.random.default_rng(seed)


@probes_of("08-3")
def draws_of_two_methods(rng):
    for _ in range(4 * TRIES):
        draws, count = rng.integers(3, 9), rng.integers(1, 6)
        second = rng.normal(60, 5, (draws, count))
        first = second + rng.uniform(-1, 3, count) + rng.normal(0, 1.5, (draws, count))
        yield (16 * 2 ** np.arange(count)).tolist(), first, second


@probes_of("09-2")
def ratings(rng):
    for _ in range(TRIES):
        n, k = rng.integers(4, 12), rng.integers(3, 8)
        yield (rng.normal(size=(n, 1)) + rng.normal(size=(n, k)),)


@probes_of("09-3")
def predictions_labels_new(rng):
    for _ in range(TRIES):
        labels = rng.normal(size=rng.integers(4, 30))
        predictions = rng.normal() + rng.uniform(0.5, 3) * labels + rng.normal(size=len(labels))
        yield predictions, labels, rng.normal(size=rng.integers(1, 9))


@probes_of("10-1")
def sizes_and_speed(rng):
    for _ in range(TRIES):
        yield (*(int(size) for size in rng.integers(1, 9, 6)), float(10 ** rng.uniform(-3, 3)))


@probes_of("10-2")
def rows_and_size(rng):
    yield from ((int(rng.integers(1, 11)), int(rng.integers(1, 13))) for _ in range(TRIES))


@probes_of("10-3")
def peak_and_bandwidth(rng):
    yield from (tuple(10 ** rng.uniform((10, 9), (15, 13))) for _ in range(TRIES))


@probes_of("12-1")
def conversations(rng):
    words = ["defect", "refund", "assistant", "a late parcel", " two\nlines ", "Why?", "12", "né"]
    for trial in range(TRIES):
        said = [" ".join(rng.choice(words, rng.integers(1, 4))) for _ in range(7)]
        system = [{"role": "system", "content": said.pop()}] * (trial % 2)
        roles = ["user", "assistant"] * int(rng.integers(1, 4))
        pairs = zip(roles, said, strict=False)
        yield (system + [{"role": role, "content": content} for role, content in pairs],)


@probes_of("12-2")
def logits_and_labels_of_tokens(rng):
    for _ in range(TRIES):
        length, vocabulary = int(rng.integers(2, 12)), int(rng.integers(2, 130))
        ignored = rng.random(length) < rng.random()
        ignored[rng.integers(1, length)] = False  # at least one token carries loss
        labels = np.where(ignored, -100, rng.integers(0, vocabulary, length))
        yield torch.tensor(rng.normal(0, 2, (length, vocabulary))), torch.tensor(labels)


@probes_of("12-3")
def matrices_of_lora(rng):
    for _ in range(TRIES):
        outputs, inputs, rank = rng.integers(1, 8, 3)
        shapes = (outputs, inputs), (rank, inputs), (outputs, rank)
        yield (*(torch.tensor(rng.normal(size=s)) for s in shapes), float(rng.uniform(0.5, 32)))


@probes_of("11-2")
def a_score_and_words(rng):
    for _ in range(TRIES):
        yield planted_score(rng), rng.choice(PLANTED, rng.integers(1, 7)).tolist()


@probes_of("11-3")
def a_score_words_values_and_k(rng):
    for score, words in a_score_and_words(rng):
        values = rng.choice([-2.0, -1.0, 0.0, 1.0, 2.5, 3.0], len(words)).tolist()
        yield score, words, values, int(rng.integers(0, len(words) + 1))


PLANTED = ["a", "film", "films", "good", "not", "."]


def planted_score(rng):
    """A score of a text whose words have weights, [MASK] too, and two of which work together."""
    weights = dict(zip([*PLANTED, "[MASK]"], rng.normal(size=7).tolist(), strict=True))
    return nb11.weighted(weights, ("not", "good"))


@probes_of("13-3")
def logits_labels_threshold(rng):
    for trial in range(TRIES):
        n, classes = rng.integers(3, 30), rng.integers(2, 5)
        logits = rng.normal(0, 2, (n, classes))
        exactly = softmax(logits, axis=1).max(axis=1)[0]
        threshold = (exactly, 2.0, rng.uniform(0.3, 1))[trial % 3]
        yield logits, rng.integers(0, classes, n), float(threshold)


@probes_of("14-1")
def word_numbers_and_tags(rng):
    for trial in range(TRIES):
        words = int(rng.integers(1, 7))
        pieces = rng.integers(1, 4, words)
        pieces[rng.integers(0, words)] *= trial % 3 > 0  # a word without a piece
        word_ids = np.repeat(np.arange(words), pieces).tolist()
        around = [None] * (trial % 4 > 0)
        word_ids = [*around, *word_ids[: rng.integers(1, 12)], *around * int(rng.integers(1, 4))]
        yield word_ids, rng.integers(0, 4, words).tolist()


@probes_of("14-2")
def spans_of_two_kinds(rng):
    places = [(start, start + length) for start in range(4) for length in (1, 2)]
    for _ in range(TRIES):
        texts, most = rng.integers(1, 5), rng.integers(0, 5)
        yield tuple(
            [
                [
                    (*places[i], "ab"[rng.integers(2)])
                    for i in rng.permutation(8)[: rng.integers(most + 1)]
                ]
                for _ in range(texts)
            ]
            for _ in range(2)
        )


@probes_of("14-3")
def logits_of_two_ends(rng):
    for trial in range(2 * TRIES):
        n, longest = int(rng.integers(2, 9)), int(rng.integers(1, 6))
        start, end = rng.normal(0, 2, (2, n)) - rng.integers(-4, 5)
        if trial % 4 == 0:  # no answer has the very sum of some span
            first = rng.integers(1, n)
            start[0], end[0] = start[first], end[min(n - 1, first + longest - 1)]
        yield start.tolist(), end.tolist(), longest


@probes_of("15-2")
def printed_accuracies_and_sizes(rng):
    """Shares that some of the sizes give, and some that none does; no ties of rounding."""
    for _ in range(TRIES):
        digits, n = int(rng.integers(2, 5)), int(rng.integers(3, 90))
        share = round(int(rng.integers(0, n + 1)) / n, digits)
        first = int(rng.integers(3, 60))
        sizes = [size for size in range(first, first + 40) if not has_ties(size, digits)]
        yield share, digits, sizes


def has_ties(size: int, digits: int) -> bool:
    """Whether a share of this size lies halfway between two that are rounded."""
    doubled = [2 * hits * 10**digits for hits in range(size + 1)]
    return any(number % size == 0 and number // size % 2 for number in doubled)


@probes_of("15-3")
def hits_of_a_model_and_of_rivals(rng):
    """Models and rivals at all distances, in two to six draws."""
    for _ in range(TRIES):
        draws, n = int(rng.integers(2, 7)), int(rng.integers(20, 200))
        base = rng.random((1, n)) < rng.uniform(0.4, 0.8)
        made = [
            np.where(rng.random((draws, n)) < rng.uniform(0.7, 1), base, rng.random((draws, n)) < q)
            for q in rng.uniform(0.2, 1, 1 + int(rng.integers(1, 4)))
        ]
        tuned, *rivals = [one.astype(float) for one in made]
        yield tuned, {f"rival {i}": one for i, one in enumerate(rivals)}


def observed(name: str, answers: tuple) -> list:
    """What can be seen of an answer: its numbers, or what a function gives on every input.

    What a function does to its arguments, and the error it stops with, count as well.
    """
    if name not in PROBES:
        return list(answers)
    seen = []
    for arguments in PROBES[name](np.random.default_rng(0)):
        handed_in = copy.deepcopy(arguments)
        try:
            seen.append((call(name, answers[0], handed_in), handed_in))
        except Exception as error:
            seen.append(type(error).__name__)
    return seen


def call(name: str, function: Callable, arguments: tuple) -> object:
    """What a function gives; of a loop also the weights, of accumulation what it did."""
    if name == "04-1":
        torch.manual_seed(0)
        losses = function(*arguments)
        return losses, [weight.detach() for weight in arguments[0].parameters()]
    if name != "10-2":
        return function(*arguments)
    rows, size = arguments
    returned, watch = nb10.watched(function, size, rows)
    return returned, watch.gradient(), max(map(len, watch.rows), default=0), any(watch.alive)


def alike(one: object, other: object) -> bool:
    """Whether two observations are the same, numbers to ten digits."""
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    kept_graphs = [getattr(value, "requires_grad", False) for value in (one, other)]
    if any(kept_graphs) and any(isinstance(value, int | float) for value in (one, other)):
        return False  # a number is not a tensor that keeps its whole graph alive
    try:
        first, second = (as_array(value) for value in (one, other))
    except (TypeError, ValueError, RuntimeError):
        if isinstance(one, list | tuple) and isinstance(other, list | tuple):
            same_length = len(one) == len(other)
            return same_length and all(map(alike, one, other))
        return type(one) is type(other)  # functions and generators that were handed in
    return first.shape == second.shape and np.allclose(first, second, 1e-10, 0, equal_nan=True)
