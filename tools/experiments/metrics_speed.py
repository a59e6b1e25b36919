"""How fast are ROC, AUC and average precision of a million scores beside scikit-learn?

    python -m tools.experiments.metrics_speed run --rounds 7    add rounds to metrics_speed.csv
    python -m tools.experiments.metrics_speed report            median, range and ratio of each case

A round holds every case once for each library, one right after the other, the first of them by
turns; both get the same arrays, keep every threshold, and their results are held equal. `three
calls` asks for the curve, the area and the average precision by name; `area of the curve` takes
the area from the curve that is there, which spares scikit-learn a sort.
"""

import argparse
from collections.abc import Callable

import numpy as np
import pandas as pd
import sklearn.metrics

from helpers import metrics, runtime
from tools.experiments import runs
from tools.experiments.provenance import MEASURED, provenance

RESULTS = MEASURED / "metrics_speed.csv"
N = 1_000_000

Scored = tuple[np.ndarray, float, float]


def scores_of(kind: str, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities of a classifier that is right in about 84 % of the cases."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, N)
    scores = 1 / (1 + np.exp(-(2 * labels - 1 + rng.normal(size=N))))
    if kind == "float32, few ties":
        return labels, scores.astype(np.float32)
    return labels, scores.round({"float64, few ties": 9, "float64, many ties": 3}[kind])


def ours_by_name(labels: np.ndarray, scores: np.ndarray) -> Scored:
    """The course's three functions."""
    curve = metrics.roc_curve(labels, scores)
    return curve[1], metrics.auc(labels, scores), metrics.average_precision(labels, scores)


def theirs_by_name(labels: np.ndarray, scores: np.ndarray) -> Scored:
    """The same of scikit-learn."""
    curve = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    area = sklearn.metrics.roc_auc_score(labels, scores)
    return curve[1], area, sklearn.metrics.average_precision_score(labels, scores)


def ours_of_curve(labels: np.ndarray, scores: np.ndarray) -> Scored:
    """Two of the course's functions, and the trapezoids that `auc` takes."""
    x, y, _ = metrics.roc_curve(labels, scores)
    return y, float(np.trapezoid(y, x)), metrics.average_precision(labels, scores)


def theirs_of_curve(labels: np.ndarray, scores: np.ndarray) -> Scored:
    """The same of scikit-learn."""
    x, y, _ = sklearn.metrics.roc_curve(labels, scores, drop_intermediate=False)
    area = sklearn.metrics.auc(x, y)
    return y, area, sklearn.metrics.average_precision_score(labels, scores)


Scorer = Callable[[np.ndarray, np.ndarray], Scored]
WAYS: dict[str, dict[str, Scorer]] = {
    "three calls": {"ours": ours_by_name, "scikit-learn": theirs_by_name},
    "area of the curve": {"ours": ours_of_curve, "scikit-learn": theirs_of_curve},
}
KINDS = ("float64, few ties", "float64, many ties", "float32, few ties")


def run_round(number: int) -> pd.DataFrame:
    """Every case once: a row for each library."""
    rows = []
    for kind in KINDS:
        labels, scores = scores_of(kind, number)
        for way, libraries in WAYS.items():
            found = {}
            for library in sorted(libraries, reverse=number % 2 == 1):
                with runtime.timer() as took:
                    found[library] = libraries[library](labels, scores)
                rows.append(
                    {
                        "scores": kind,
                        "way": way,
                        "library": library,
                        "round": number,
                        "seconds": round(took["seconds"], 4),
                        "distinct": len(found[library][0]) - 1,
                    }
                )
            for one, other in zip(*found.values(), strict=True):
                np.testing.assert_allclose(one, other, rtol=0, atol=1e-9)
    versions = runtime.versions()
    packages = {name: versions[name] for name in ("numpy", "scikit-learn")}
    return pd.DataFrame(rows).assign(**provenance(), **packages)


def report() -> None:
    """Median and range of the seconds and of the ratio in a round, for each processor."""
    rows = pd.read_csv(RESULTS)
    for processor, group in rows.groupby("processor"):
        print(f"\n{processor}, {group['cores'].iloc[0]} cores, {group['date'].max()}, n = {N:,}")
        keys = ["scores", "way"]
        pairs = group.pivot_table("seconds", [*keys, "commit", "round"], "library")
        pairs["ratio"] = pairs["ours"] / pairs["scikit-learn"]
        by_case = pairs.groupby(keys, sort=False)
        table = pd.DataFrame({"rounds": by_case.size()})
        for name in pairs.columns:
            low, middle, high = (by_case[name].quantile(q) for q in (0, 0.5, 1))
            table[name] = [
                f"{m:.3f} ({a:.3f} to {b:.3f})" for a, m, b in zip(low, middle, high, strict=True)
            ]
        print(table.to_string())


def main() -> None:
    """Measure or report."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=["run", "report"])
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    if options.what == "run":
        run_round(0)  # the first calls load code and memory; they do not count
        for number in range(options.rounds):
            rows = run_round(number)
            runs.append(RESULTS, *rows.to_dict("records"))
    report()


if __name__ == "__main__":
    main()
