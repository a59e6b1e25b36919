"""How often do 95 % intervals hold the truth? Wilson and Wald exactly, BCa by simulation.

    python -m tools.experiments.interval_coverage run       write interval_coverage.csv anew
    python -m tools.experiments.interval_coverage report    print it

Shares: for every number of successes k out of n, does the interval of k hold p? The probabilities
of those k that do, summed, are the coverage; nothing is drawn. Beside the grid stands, for each
n, the p from 0.95 on for which Wilson does worst, looked for in steps of 0.0001.

F1 and AUC: scores are normal with a distance of 2 between the classes (84 % right where the
classes are balanced), class 1 is predicted above the middle, so that the true F1 and AUC are
known. Each replication draws n examples and asks `metrics.bca_interval` with its defaults. The
coverage is that of the replications that gave an interval; `no_interval` counts the others.
`error` is the standard error of a simulated coverage.
"""

import argparse
import warnings

import numpy as np
import pandas as pd
import scipy
from scipy import stats

from helpers import metrics, runtime
from tools.experiments.provenance import MEASURED, provenance, write_page

RESULTS = MEASURED / "interval_coverage.csv"
NOMINAL = 0.95
# 75: a small validation part. 853 and 1,705: validation and test part of the reviews.
SHARES_N, SHARES = (75, 853, 1705), (0.73, 0.84, 0.95, 0.98, 0.99)
BCA_N, PREVALENCES, DISTANCE = (200, 500, 1000), (0.5, 0.05), 2.0


def wald(successes: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The interval of the textbooks, p ± z √(p (1 − p) / n), which `metrics` leaves out."""
    p = successes / n
    half = stats.norm.ppf((1 + NOMINAL) / 2) * np.sqrt(p * (1 - p) / n)
    return p - half, p + half


def exact_coverage(name: str, n: int, p: float) -> dict:
    """Coverage of an interval for a share, summed over the binomial distribution."""
    successes = np.arange(n + 1)
    low, high = {"wilson": metrics.wilson, "wald": wald}[name](successes, n)
    chance = stats.binom.pmf(successes, n, p)
    return {
        "interval": name,
        "of": "share",
        "n": n,
        "truth": p,
        "coverage": chance @ ((low <= p) & (p <= high)),
        "error": 0.0,
        "below": chance @ (high < p),
        "above": chance @ (low > p),
        "width": chance @ (high - low),
    }


def worst_share(n: int) -> float:
    """The share from 0.95 on that Wilson's interval holds least often."""
    shares = np.arange(0.95, 1, 0.0001).round(4)
    return min(shares, key=lambda p: exact_coverage("wilson", n, p)["coverage"])


def f1_of_many(labels: np.ndarray, predictions: np.ndarray) -> np.ndarray:
    """`metrics.f1` of class 1 along the last axis; booleans of shape (…, n)."""
    hits = (labels & predictions).sum(axis=-1)
    return metrics.share(2 * hits, labels.sum(axis=-1) + predictions.sum(axis=-1))


def auc_of_many(labels: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    """`metrics.auc` along the last axis, for scores of which only one example's are equal.

    Args:
        labels: booleans, shape (…, n).
        ranks: int32, shape (…, n): equal only for copies of one example.
    """
    labels = np.sort(2 * ranks + labels, axis=-1) & 1
    wins = (np.cumsum(1 - labels, axis=-1) * labels).sum(axis=-1)
    positives = labels.sum(axis=-1)
    return metrics.share(wins, positives * (labels.shape[-1] - positives))


def draw(rng: np.random.Generator, n: int, prevalence: float) -> tuple[np.ndarray, np.ndarray]:
    """Labels (boolean) and scores of n examples."""
    labels = rng.random(n) < prevalence
    return labels, DISTANCE * (labels - 0.5) + rng.normal(size=n)


def truth(metric: str, prevalence: float) -> float:
    """The metric of infinitely many examples."""
    if metric == "auc":
        return stats.norm.cdf(DISTANCE / np.sqrt(2))
    right = stats.norm.cdf(DISTANCE / 2)
    tp, fp, fn = prevalence * right, (1 - prevalence) * (1 - right), prevalence * (1 - right)
    return 2 * tp / (2 * tp + fp + fn)


def fast_interval(metric: str, labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """`bca_interval` of the metric, computed for all resamples at once."""
    if metric == "f1":
        return metrics.bca_interval(f1_of_many, labels, scores > 0, vectorized=True)
    ranks = stats.rankdata(scores).astype(np.int32)
    return metrics.bca_interval(auc_of_many, labels, ranks, vectorized=True)


def plain_interval(metric: str, labels: np.ndarray, scores: np.ndarray) -> tuple[float, float]:
    """The same as a reader of the course asks for it, resample by resample."""
    if metric == "auc":
        return metrics.bca_interval(metrics.auc, labels, scores)
    return metrics.bca_interval(
        lambda y, p: metrics.f1(metrics.confusion_matrix(y, p, 2))[1], labels, scores > 0
    )


def simulated_coverage(metric: str, n: int, prevalence: float, replications: int) -> dict:
    """Coverage of the BCa interval among the replications that gave one."""
    rng, expected, found = np.random.default_rng(n), truth(metric, prevalence), []
    name = f"{metric}, n = {n}, {prevalence:.0%} positive"
    for number in runtime.progress(range(replications), desc=name):
        labels, scores = draw(rng, n, prevalence)
        try:
            found.append(fast_interval(metric, labels, scores))
        except metrics.MetricError:
            continue
        if number == 0:
            np.testing.assert_allclose(found[0], plain_interval(metric, labels, scores), atol=1e-9)
    low, high = np.array(found).T
    coverage = ((low <= expected) & (expected <= high)).mean()
    return {
        "interval": "bca",
        "of": metric,
        "n": n,
        "truth": expected,
        "prevalence": prevalence,
        "coverage": coverage,
        "error": np.sqrt(NOMINAL * (1 - NOMINAL) / len(found)),
        "below": (high < expected).mean(),
        "above": (low > expected).mean(),
        "width": (high - low).mean(),
        "replications": replications,
        "no_interval": replications - len(found),
    }


def run(replications: int) -> None:
    """The whole grid, written to RESULTS."""
    # It says that a metric is undefined on a resample, which `no_interval` counts.
    warnings.simplefilter("ignore", stats.DegenerateDataWarning)
    rows = [
        exact_coverage(name, n, p)
        for name in ("wilson", "wald")
        for n in SHARES_N
        for p in (*SHARES, worst_share(n))
    ]
    rows += [
        simulated_coverage(metric, n, prevalence, replications)
        for metric in ("f1", "auc")
        for prevalence in PREVALENCES
        for n in BCA_N
    ]
    table = pd.DataFrame(rows).round(5).astype({"replications": "Int64", "no_interval": "Int64"})
    table = table.assign(**provenance(), scipy=scipy.__version__)
    write_page(RESULTS, table.to_csv(index=False))


def report() -> None:
    """Coverage in percent; an exclamation mark where it is a point too low, and more than noise."""
    rows = pd.read_csv(RESULTS)
    print(f"coverage of {NOMINAL:.0%} intervals in percent, {rows['date'].max()}")
    print("below, above: share of intervals that lie below or above the truth")
    low = rows["coverage"] < NOMINAL - 0.01 - 2 * rows["error"]
    table = rows[["interval", "of", "prevalence", "n", "truth"]].copy()
    table["truth"] = table["truth"].round(4)
    for column in ("coverage", "error", "below", "above", "width"):
        table[column] = (100 * rows[column]).map("{:.1f}".format)
    table["fails"] = np.where(low, "!", "")
    counts = rows[["replications", "no_interval"]].astype("Int64")
    print(pd.concat([table, counts], axis=1).astype(object).fillna("").to_string(index=False))


def main() -> None:
    """Compute or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("--replications", type=int, default=1000)
    options = parser.parse_args()
    if options.what == "run":
        run(options.replications)
    report()


if __name__ == "__main__":
    main()
