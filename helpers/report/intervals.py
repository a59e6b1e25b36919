"""Intervals for a report: BCa where resampling can give one, NaN where it cannot."""

import warnings
from collections.abc import Callable

import numpy as np

from helpers import metrics


def interval_of(
    name: str, metric: Callable, labels: np.ndarray, outputs: np.ndarray, **options
) -> dict[str, float]:
    """A figure and its BCa interval; NaN ends where resampling cannot give any."""
    low, high = bca_or_nan(metric, labels, outputs, **options)
    return {name: float(metric(labels, outputs)), f"{name} low": low, f"{name} high": high}


def bca_or_nan(
    metric: Callable, first: np.ndarray, second: np.ndarray, **options
) -> tuple[float, float]:
    """`metrics.bca_interval`, NaN where every resample gives the same."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return metrics.bca_interval(metric, first, second, **options)
        except metrics.MetricError:
            return float("nan"), float("nan")


def share_with_interval(name: str, hits: np.ndarray) -> dict[str, float]:
    """The share of hits, bool (n,), and its Wilson interval."""
    low, high = metrics.wilson(hits.sum(), len(hits))
    return {name: hits.mean(), f"{name} low": low, f"{name} high": high}
