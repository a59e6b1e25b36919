"""Graders of notebook 09, regression and domains."""

from collections.abc import Callable

import numpy as np
from scipy import stats

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong


@exercise("09-1")
def r_and_r2(r2_shifted: float, r2_halved: float, r_shifted: float) -> Verdict:
    """R² of labels -2, 0, 2 and of the predictions 0, 2, 4 and -1, 0, 1; r of the first."""
    given = [r2_shifted, r2_halved]
    if is_close(given, [1.5, 0.25]):
        return wrong("Those are the errors' shares of the spread. R² is 1 minus that.")
    if is_close(given, [4, 2 / 3]):
        return wrong(
            "Those are mean squared errors. Divide by that of always saying the mean, 8/3."
        )
    if is_close(given, [12, 2]):
        return wrong("Those are sums of squared errors. Compare them with 8: 1 minus sum / 8.")
    if is_close(given, [1, 1]):
        return wrong("That is r times r. R² compares with the predictions as they are, not a line.")
    if is_close(given, [0, 0.75]):
        return wrong("R² has no lower limit: worse than always saying the mean is below 0.")
    if is_close(given, [0.75, -0.5]):
        return wrong("The other way round: the first is that of 0, 2, 4.")
    if not is_close(given, [-0.5, 0.75]):
        return wrong("Squared errors: 3 · 2² and 1 + 0 + 1. Squared distances from the mean: 8.")
    if is_close(r_shifted, -0.5):
        return wrong("r: that is R². A shift leaves r alone, because it leaves the line straight.")
    if not is_close(r_shifted, 1):
        return wrong("r: the three points lie on one rising line. What is r then?")
    return right("The order is exactly right, and the numbers are worse than saying 0 three times.")


RATINGS = np.array(
    [[3, 2, 3, 4], [1, 2, -1, 1], [0, 0, 1, 3], [-2, -3, 0, -4], [-1, -3, -3, 0], [2, 4, 1, 1.0]]
)


def with_the_others(ratings: np.ndarray, others: np.ndarray) -> np.ndarray:
    """r of each column of `ratings` with the same column of `others`."""
    columns = zip(ratings.T, others.T, strict=True)
    return np.array([np.corrcoef(one, rest)[0, 1] for one, rest in columns])


def ranks(columns: np.ndarray) -> np.ndarray:
    """The rank of each value in its column, ties shared."""
    return stats.rankdata(columns, axis=0)


@exercise("09-2")
def each_against_the_others(function: Callable[[np.ndarray], np.ndarray]) -> Verdict:
    """A function that gives each person's r with the mean of the others."""
    try:
        given = function(RATINGS.copy())
    except ValueError as error:
        return wrong(f"{error}. Sums over a row, axis=1, have one value for each sentence.")
    if nothing := gave_nothing(given):
        return nothing
    n, k = RATINGS.shape
    others = (RATINGS.sum(axis=1, keepdims=True) - RATINGS) / (k - 1)
    expected = with_the_others(RATINGS, others)
    everyone = with_the_others(RATINGS, np.repeat(RATINGS.mean(axis=1, keepdims=True), k, axis=1))
    if np.ndim(given) == 0:
        return wrong(f"Return one r for each of the {k} people, not one number.")
    if is_close(given, everyone):
        return wrong("The person's own rating is in that mean. Take it out of the sum first.")
    if np.shape(given) == (n,):
        return wrong("That is one number a sentence. A person is a column.")
    if np.shape(given) == (n, k):
        return wrong("Those are means of the others. Correlate each column with its own.")
    if is_close(given, np.corrcoef(RATINGS.T)[0]):
        return wrong("That is each person against the first. Compare with the mean of the others.")
    medians = [np.median(np.delete(RATINGS, j, axis=1), axis=1) for j in range(k)]
    if is_close(given, with_the_others(RATINGS, np.array(medians).T)):
        return wrong("Those are medians of the others. The label is a mean.")
    if is_close(given, with_the_others(ranks(RATINGS), ranks(others))):
        return wrong("Those are r of ranks, Spearman's. Ask for Pearson's, of the ratings.")
    if np.shape(given) == (k, k):
        return wrong("That is each person with each other. Compare with the mean of the others.")
    if is_close(given, expected**2):
        return wrong("That is r², the share of variance. Return r itself.")
    if not is_close(given, expected):
        return wrong("For column j: (sum of the row − its own rating) / (k − 1), then r with j.")
    wider = np.hstack([RATINGS, -RATINGS[:, :1], RATINGS[::-1, 1:2]])
    others = (wider.sum(axis=1, keepdims=True) - wider) / (wider.shape[1] - 1)
    expected, copy = with_the_others(wider, others), wider.copy()
    given = function(copy)
    if is_close(given, abs(expected)):
        return wrong("Whoever contradicts the others has an r below 0. Leave its sign as it is.")
    if not is_close(given, expected):
        return wrong("Right for four people, not for six: use mean and k of what you are given.")
    if not np.array_equal(copy, wider):
        return wrong("Your function changes `ratings` itself. Compute new arrays instead.")
    return right("Nobody is compared with a mean that contains them.")


def line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope and intercept of the least-squares line of y over x."""
    slope = np.cov(x, y, bias=True)[0, 1] / x.var()
    return slope, y.mean() - slope * x.mean()


def on_line(predictions: np.ndarray, labels: np.ndarray, new: np.ndarray) -> np.ndarray:
    """The new predictions on the least-squares line of the labelled ones."""
    slope, intercept = line(predictions, labels)
    return slope * new + intercept


def models_abroad() -> list[tuple[str, tuple[np.ndarray, np.ndarray, np.ndarray]]]:
    """What a model from elsewhere may give, each with what is special about it.

    The new predictions reach beyond the labels, and in part beyond the scale from -4 to 4.
    """
    rng = np.random.default_rng(9)
    labels = rng.normal(0.5, 0.8, 40)
    predictions, new = 2.5 * labels - 1 + rng.normal(0, 1, 40), rng.normal(0, 2, 15)
    found = [("", (predictions, labels, np.append(new, [-9.0, 11.0])))]
    for what, slope, n in (
        ("another model, 12 labels", 0.4, 12),
        ("a model with the order upside down", -1.5, 25),
        ("3 labels and one new prediction", 1.2, 3),
    ):
        labels = rng.normal(-1, 1.5, n)
        predictions = slope * labels + 2 + rng.normal(0, 0.5, n)
        new = rng.normal(2, 6, 1 if n == 3 else 2 * n)
        found.append((what, (predictions, labels, new)))
    return found


def mistakes_of(
    predictions: np.ndarray, labels: np.ndarray, new: np.ndarray
) -> list[tuple[np.ndarray, str]]:
    """What typical wrong programs give, each with a hint."""
    slope, intercept = line(predictions, labels)
    backwards, offset = line(labels, predictions)
    wanted, spread = slope * new + intercept, labels.std() / predictions.std()
    half = len(labels) // 2
    clipped = "Do not clip: beyond what you have seen the line goes on as it is."
    return [
        (new, "Those are the predictions as they were. Put them on the line: a · new + b."),
        (
            np.full(len(new), labels.mean()),
            "One number for all. A line has a slope: a · new + b.",
        ),
        (slope * new, "The intercept is missing: a · new + b."),
        (intercept * new + slope, "Slope and intercept are exchanged: polyfit gives slope first."),
        (new - predictions.mean() + labels.mean(), "Only shifted. Let the slope be free as well."),
        (
            new * (predictions @ labels) / (predictions @ predictions),
            "Only scaled: that line goes through 0. Let the intercept be free as well.",
        ),
        (
            backwards * new + offset,
            "That line gives predictions from labels. You need labels from predictions.",
        ),
        (
            (new - offset) / backwards,
            "Predictions fitted over labels, then turned round: noise makes that line too steep.",
        ),
        (
            (new - predictions.mean()) * spread + labels.mean(),
            "Equal spread is not least squares: the slope is r · sd(labels) / sd(predictions).",
        ),
        (
            (new - new.mean()) * slope + labels.mean(),
            "Centred on the mean of `new`. The line knows only `predictions` and `labels`.",
        ),
        (wanted.clip(labels.min(), labels.max()), f"{clipped} (You clip to the labels' range.)"),
        (wanted.clip(-4, 4), f"{clipped} (You clip to −4 … 4.)"),
        (
            slope * new.clip(predictions.min(), predictions.max()) + intercept,
            f"{clipped} (You clip the new predictions.)",
        ),
        (np.rint(wanted), "Do not round: a mean rating need not be a whole number."),
        (np.sort(wanted), "Keep the order of `new`: do not sort."),
        (
            np.polyval(np.polyfit(predictions, labels, min(2, len(labels) - 1)), new),
            "That is a parabola. Fit a straight line, of degree 1.",
        ),
        (
            on_line(predictions[:half], labels[:half], new) if half > 1 else new,
            "Fitted on the first half only. Use all labels that you have.",
        ),
    ]


@exercise("09-3")
def recalibrate(function: Callable) -> Verdict:
    """A function that puts predictions on the least-squares line of a few labelled ones."""
    for what, inputs in models_abroad():
        copies = [values.copy() for values in inputs]
        given = function(*copies)
        predictions, labels, new = inputs
        if nothing := gave_nothing(given):
            return nothing
        slope, intercept = line(predictions, labels)
        if is_close(given, [slope, intercept]) or is_close(given, [intercept, slope]):
            return wrong("Those are the two numbers of the line. Return the new predictions on it.")
        if np.shape(given) != new.shape:
            return wrong(f"Return one number for each of the {len(new)} new predictions.")
        changed = [not np.array_equal(*pair) for pair in zip(copies, inputs, strict=True)]
        if any(changed):
            name = ("predictions", "labels", "new")[changed.index(True)]
            return wrong(f"Your function changes `{name}` itself. Compute new arrays instead.")
        if is_close(given, slope * new + intercept):
            continue
        for mistake, hint in mistakes_of(*inputs):
            if is_close(given, mistake):
                return wrong(hint)
        if what:
            return wrong(f"Right for one model, but not for {what}: fit the line to what is given.")
        return wrong("Fit labels ≈ a · predictions + b by least squares, return a · new + b.")
    return right("Two numbers from a few labels repair the scale; they cannot repair the order.")
