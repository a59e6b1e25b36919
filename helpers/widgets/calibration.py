"""The figure of the temperature: recorded logits of notebook 05, divided by a number to choose."""

import gzip
import json
from string import Template

import numpy as np

from helpers import metrics
from helpers.widgets.frame import STATIC, page, part, show

SCORES = "calibration.json.gz"  # made by tools/experiments/score_tables.py
LEAST, MOST = 0.5, 4.0  # temperatures of the slider, in steps of 0.01


def stored() -> tuple[np.ndarray, dict[int, np.ndarray]]:
    """Labels of the 853 validation reviews, and by epoch their scores z1 − z0."""
    found = json.loads(gzip.decompress((STATIC / SCORES).read_bytes()))
    scores = {int(epoch): np.array(values) for epoch, values in found["scores"].items()}
    return np.array(found["labels"]), scores


def judge(labels: np.ndarray, scores: np.ndarray, tau: float) -> dict[str, float]:
    """ECE and cross-entropy (in nats) of scores z1 − z0 at a temperature.

    Args:
        labels, scores: shape (n,); labels 0 and 1.
        tau: the temperature, above 0.
    """
    logits = np.stack([np.zeros_like(scores), scores / tau], axis=1)
    return {
        "ECE": metrics.expected_calibration_error(labels, 1 / (1 + np.exp(-scores / tau))),
        "cross-entropy": metrics.negative_log_likelihood(labels, logits),
    }


def words_for_temperature() -> str:
    """What the figure of the temperature shows at first, and after its buttons, in words."""
    labels, scores = stored()
    said = []
    for epoch, own in scores.items():
        best = round(metrics.fit_temperature(labels, np.stack([0 * own, own], axis=1)), 2)
        for tau in (1.0, best):
            found = ", ".join(f"{name} {v:.3f}" for name, v in judge(labels, own, tau).items())
            said.append(f"for epoch {epoch}, τ = {tau:.2f}: {found}")
    return (
        "An interactive figure of the temperature: you choose the recorded logits of epoch 1 or 3 "
        "and divide them by τ. The reliability diagram, ECE, Brier score and cross-entropy of all "
        f"{len(labels)} validation sentences follow; the accuracy stays. For each epoch, here is "
        f"τ = 1 and the τ of the lowest cross-entropy: {'; '.join(said)}."
    )


def temperature(epoch: int = 3, tau: float = 1.0) -> None:
    """Display a temperature to move: reliability diagram, and what it does to four measures.

    Args:
        epoch: whose logits are shown at first, 1 or 3.
        tau: the temperature at first, 0.5 to 4.

    Raises:
        ValueError: no logits of this epoch are here, or the slider does not reach `tau`.
    """
    _, scores = stored()
    if epoch not in scores:
        raise ValueError(f"epoch = {epoch!r}: the figure has the logits of epochs 1 and 3.")
    if not LEAST <= tau <= MOST:
        raise ValueError(f"tau = {tau!r}: the slider goes from {LEAST} to {MOST:g}.")
    choices = "".join(
        f'<label><input class="unseen" type="radio" name="epoch" value="{one}"'
        f"{' checked' if one == epoch else ''}><span>epoch {one}</span></label>"
        for one in scores
    )
    facts = {"epochs": choices, "tau": tau, "least": LEAST, "most": f"{MOST:g}"}
    body = Template(part("temperature.html")).substitute(facts)
    title = "Interactive figure: a temperature to move"
    scripts = ["draw.js", "scores.js", "calibration.js", "temperature.js"]
    words, data = words_for_temperature(), (STATIC / SCORES).read_bytes()
    show(title, words, page(title, words, body, scripts, data), height=900)
