"""Graders of notebook 07, the news case study."""

from collections.abc import Callable

import numpy as np
from scipy.special import softmax

from helpers import metrics
from helpers.exercises import (
    Verdict,
    exercise,
    gave_nothing,
    is_close,
    is_rounded,
    right,
    wrong,
)

MATRIX = np.array([[48, 2, 0], [6, 24, 0], [8, 2, 10]])


@exercise("07-1")
def three_figures(accuracy: float, macro_f1: float, recall_of_tech: float) -> Verdict:
    """Accuracy, macro F1 and one recall of a three-class confusion matrix."""
    precisions, recalls, f1 = (f(MATRIX) for f in (metrics.precision, metrics.recall, metrics.f1))
    given = {"accuracy": accuracy, "macro F1": macro_f1, "recall of tech": recall_of_tech}
    for name, value in given.items():
        if isinstance(value, str):
            return wrong(f"{name}: give a number, such as 82 / 100, not text.")
        if np.ndim(value):
            return wrong(f"{name}: one number is asked for, not one for each class.")
        if float(value) > 1:
            return wrong(f"{name}: as a share, 0 to 1, not as a count or in percent.")
    if not is_close(accuracy, 0.82):
        return wrong("accuracy: the diagonal, 48 + 24 + 10, of all 100.")
    if is_close(recall_of_tech, precisions[2]):
        return wrong("recall: that divides by the column, which is precision. Take the row.")
    if not is_close(recall_of_tech, 0.5):
        return wrong("recall of tech: of the 20 in its row, how many are on the diagonal?")
    if is_close(macro_f1, metrics.average(metrics.f1, MATRIX, "weighted"), 2e-4):
        return wrong("macro F1: that weights the classes by their size. Macro: each counts alike.")
    if is_close(macro_f1, 0.82):
        return wrong(
            "macro F1: that is micro F1, which is the accuracy. Take the mean over classes."
        )
    macro = [precisions.mean(), recalls.mean()]
    if is_close(macro_f1, 2 * macro[0] * macro[1] / sum(macro), 2e-4):
        return wrong("macro F1: first an F1 for each class, then their mean; not the other order.")
    if is_close(macro_f1, macro[0]) or is_close(macro_f1, macro[1]):
        return wrong("macro F1: that is the mean of precision or of recall. F1 needs both.")
    if not is_close(macro_f1, f1.mean()) and not is_rounded(macro_f1, f1.mean(), 2):
        return wrong("F1 of a class: twice the diagonal entry / (sum of its row + of its column).")
    return right("82 % are right, but only half of technology: macro F1 is 0.78 and says so.")


LOGITS = np.array(
    [
        [2.0, 1.0, 0.0],  # article 0: one window
        [1.0, 0.9, 0.0],  # article 1: two weak windows for 0 and a strong one for 1
        [1.0, 0.9, 0.0],
        [-3.0, 4.0, 0.0],
        [0.0, 0.1, 5.0],  # article 2: the first window is strong, the second says otherwise
        [0.0, 3.0, -4.0],
        [0.0, 2.5, 2.0],  # article 3: the strongest window is not the mean's choice
        [0.0, -2.0, 2.0],
        [0.0, 2.6, 1.0],
        [0.1, 1.0, 0.9],
    ]
)
ARTICLE = np.array([0, 1, 1, 1, 2, 2, 3, 3, 3, 3])


def window_sets() -> list[tuple[np.ndarray, np.ndarray]]:
    """Logits and article numbers: the four articles above, and 40 at random."""
    rng = np.random.default_rng(7)
    article = np.repeat(np.arange(40), rng.integers(1, 7, 40))
    return [(LOGITS, ARTICLE), (rng.normal(0, 2, (len(article), 3)), article)]


def by_article(combine: Callable[[np.ndarray], int]) -> list[np.ndarray]:
    """For each set one prediction an article, `combine`d from the logits of its windows."""
    return [np.array([combine(z[a == n]) for n in np.unique(a)]) for z, a in window_sets()]


MISTAKES = {
    "That is a vote of the windows. Average the logits first, then take argmax.": lambda z: (
        np.bincount(z.argmax(axis=1)).argmax()
    ),
    "That is the first window alone, as if the rest had been cut off.": lambda z: z[0].argmax(),
    "That is the last window alone: a loop that overwrites what it found before?": lambda z: z[
        -1
    ].argmax(),
    "That takes the strongest window. One loud window should not decide: average.": lambda z: z.max(
        axis=0
    ).argmax(),
    "That takes the weakest window of each class. Take the mean of all.": lambda z: z.min(
        axis=0
    ).argmax(),
    "That averages probabilities. It can be done, but the logits were asked for: leave softmax "
    "away.": lambda z: softmax(z, axis=1).mean(axis=0).argmax(),
    "That is the median of the windows. Take the mean.": lambda z: np.median(z, axis=0).argmax(),
    "That leaves the first window out.": lambda z: z[min(1, len(z) - 1) :].mean(axis=0).argmax(),
    "That leaves the last window out.": lambda z: z[: max(1, len(z) - 1)].mean(axis=0).argmax(),
    "That takes the smallest logit. The likeliest class has the largest: argmax.": lambda z: z.mean(
        axis=0
    ).argmin(),
}


@exercise("07-2")
def classify_articles(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Verdict:
    """A function that averages the logits of each article's windows."""
    found = []
    for logits, article in window_sets():
        given, count = function(logits.copy(), article.copy()), article[-1] + 1
        if nothing := gave_nothing(given):
            return nothing
        given = np.asarray(given)
        if given.shape == (count, 3):
            return wrong(
                "Those are the mean logits. Return the class with the largest: argmax(axis=1)."
            )
        if given.shape == article.shape:
            return wrong("Return one prediction for each article, not for each window.")
        if given.shape != (count,):
            return wrong(f"{count} articles, {count} predictions: return an array of that length.")
        found.append(given)

    def equal(combine: Callable[[np.ndarray], int]) -> bool:
        return all(is_close(*pair) for pair in zip(found, by_article(combine), strict=True))

    if equal(lambda z: z.mean(axis=0).argmax()):
        return right("The sum gives the same classes: dividing by W changes no order.")
    for hint, combine in MISTAKES.items():
        if equal(combine):
            return wrong(hint)
    if all(len(np.unique(given)) == 1 for given in found):
        return wrong("Every article gets the same class. Average only the rows of that article.")
    return wrong(
        "For each article a: the rows with article == a, their mean(axis=0), its argmax()."
    )


def margins(probabilities: np.ndarray) -> np.ndarray:
    """Distance between the two largest of each row."""
    ranked = np.sort(probabilities, axis=1)
    return ranked[:, -1] - ranked[:, -2]


@exercise("07-3")
def to_label(function: Callable[[np.ndarray, int], np.ndarray]) -> Verdict:
    """A function that chooses the rows with the smallest margin."""
    rng = np.random.default_rng(7)
    for n_classes, n, k in ((3, 60, 5), (4, 400, 60)):
        p = rng.dirichlet(np.ones(n_classes), n)
        given = function(p.copy(), k)
        if nothing := gave_nothing(given):
            return nothing
        given = np.asarray(given)
        if given.shape != (k,):
            return wrong(f"For k = {k} return {k} row numbers, as one array or list.")
        hint = about_rows(given, p, k)
        if hint:
            return wrong(hint)
    return right("No label was needed to choose; whether the choice helps is for a test to say.")


def about_rows(given: np.ndarray, p: np.ndarray, k: int) -> str:
    """What is wrong with the rows that were chosen; nothing if they are right."""
    order, ranked, down = np.argsort(margins(p)), np.sort(p, axis=1), np.sort(p, axis=0)
    if is_close(given, order[:k]):
        return ""
    if is_close(given, np.arange(k)):
        return f"Those are the first {k} rows as they come. Sort by the margin first: argsort."
    if is_close(given, np.sort(margins(p))[:k]):
        return "Those are the margins. Return the rows they stand in: argsort."
    if is_close(np.sort(given), np.sort(order[-k:])):
        return "Those have the largest margin: the articles it is surest of."
    if is_close(np.sort(given), np.sort(order[:k])):
        return "The right articles in another order: the smallest margin comes first."
    rules = {
        "Those have the lowest top probability. That is another rule, least confidence: "
        "with three classes or more the runner-up may still be far behind.": p.max(axis=1),
        "That compares classes 0 and 1. The two likeliest differ from row to row.": np.abs(
            p[:, 0] - p[:, 1]
        ),
        "That is the likeliest against the least likely. Take the second likeliest.": (
            ranked[:, -1] - ranked[:, 0]
        ),
        "Those have the highest entropy. That is another rule: it looks at all classes, the margin "
        "at two.": (p * np.log(p)).sum(axis=1),
        "That compares the two least likely classes. np.sort puts the likeliest last.": (
            ranked[:, 1] - ranked[:, 0]
        ),
        "That sorts down the columns. Sort within each row: axis=1.": down[:, -1] - down[:, -2],
    }
    for hint, values in rules.items():
        if is_close(given, np.argsort(values)[:k]):
            return hint
    return "Sort each row, subtract the last but one from the last, argsort, keep k."
