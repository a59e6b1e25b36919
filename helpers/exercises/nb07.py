"""Graders of notebook 07, the news case study."""

from collections.abc import Callable

import numpy as np

from helpers import metrics
from helpers.exercises import Verdict, exercise, is_close, right, unanswered, wrong

MATRIX = np.array([[48, 2, 0], [6, 24, 0], [8, 2, 10]])


@exercise("07-1")
def three_figures(accuracy: float, macro_f1: float, recall_of_tech: float) -> Verdict:
    """Accuracy, macro F1 and one recall of a three-class confusion matrix."""
    precisions, recalls = metrics.precision(MATRIX), metrics.recall(MATRIX)
    if is_close(accuracy, 82):
        return wrong("accuracy: as a share, 0 to 1, not as a count.")
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
    if not is_close(macro_f1, metrics.f1(MATRIX).mean()):
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


def by_article(combine: Callable[[np.ndarray], int]) -> np.ndarray:
    """One prediction an article, `combine`d from the logits of its windows."""
    return np.array([combine(LOGITS[a == ARTICLE]) for a in range(4)])


@exercise("07-2")
def classify_articles(function: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Verdict:
    """A function that averages the logits of each article's windows."""
    given = function(LOGITS.copy(), ARTICLE.copy())
    if given is None or given is ...:
        return unanswered()
    given = np.asarray(given)
    if given.shape == (4, 3):
        return wrong(
            "Those are the mean logits. Return the class with the largest: argmax(axis=1)."
        )
    if given.shape == ARTICLE.shape:
        return wrong("Return one prediction for each article, not for each window.")
    if given.shape != (4,):
        return wrong("Four articles, four predictions: return an array of that length.")
    if is_close(given, by_article(lambda z: z.mean(axis=0).argmax())):
        return right("The sum gives the same classes: dividing by W changes no order.")
    if is_close(given, by_article(lambda z: np.bincount(z.argmax(axis=1)).argmax())):
        return wrong("That is a vote of the windows. Average the logits first, then take argmax.")
    if is_close(given, by_article(lambda z: z[0].argmax())):
        return wrong("That is the first window alone, as if the rest had been cut off.")
    if is_close(given, by_article(lambda z: z[-1].argmax())):
        return wrong("That is the last window alone: a loop that overwrites what it found before?")
    if is_close(given, by_article(lambda z: z.max(axis=0).argmax())):
        return wrong("That takes the strongest window. One loud window should not decide: average.")
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
    for n_classes, k in ((3, 5), (4, 8)):
        p = rng.dirichlet(np.ones(n_classes), 60)
        expected = np.argsort(margins(p))[:k]
        given = function(p.copy(), k)
        if given is None or given is ...:
            return unanswered()
        given = np.asarray(given)
        if given.shape != (k,):
            return wrong(f"For k = {k} return {k} row numbers, as one array or list.")
        if is_close(given, expected):
            continue
        if is_close(given, np.sort(margins(p))[:k]):
            return wrong("Those are the margins. Return the rows they stand in: argsort.")
        if is_close(given, np.argsort(-margins(p))[:k]):
            return wrong("Those have the largest margin: the articles it is surest of.")
        if is_close(np.sort(given), np.sort(expected)):
            return wrong("The right articles in another order: the smallest margin comes first.")
        if is_close(given, np.argsort(p.max(axis=1))[:k]):
            return wrong(
                "Those have the lowest top probability. That is another rule, least confidence: "
                "with three classes or more the runner-up may still be far behind."
            )
        if is_close(given, np.argsort(np.abs(p[:, 0] - p[:, 1]))[:k]):
            return wrong("That compares classes 0 and 1. The two likeliest differ from row to row.")
        spread = p.max(axis=1) - p.min(axis=1)
        if is_close(given, np.argsort(spread)[:k]):
            return wrong(
                "That is the likeliest against the least likely. Take the second likeliest."
            )
        return wrong("Sort each row, subtract the last but one from the last, argsort, keep k.")
    return right("No label was needed to choose; whether the choice helps is for a test to say.")
