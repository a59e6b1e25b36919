"""The figure of the replay: a recorded training of notebook 04, step by step."""

import gzip
import json
from string import Template

from helpers.widgets.frame import STATIC, page, part, show

RUN = "replay.json.gz"  # made by tools/experiments/replay_table.py


def stored() -> dict:
    """The recorded run.

    Returns: `steps`, for each its loss, a row of its batch, and the probabilities of positive of
        the `watched` sentences after it; these probabilities `before` the first step; `epochs`, the
        run's history; `texts` and labels by row; the settings; where it was recorded.
    """
    return json.loads(gzip.decompress((STATIC / RUN).read_bytes()))


def words_for_replay() -> str:
    """What the replay shows, in words."""
    run = stored()
    rows = "; ".join(
        f"{row['epoch']}: {row['train_loss']:.3f}, {row['validation_loss']:.3f}, "
        f"{row['accuracy']:.1%}"
        for row in run["epochs"]
    )
    ends = "; ".join(
        f"“{text}” ({run['names'][label]}): {last:.0%}"
        for (text, label), last in zip(run["watched"], run["steps"][-1][2:], strict=True)
    )
    return (
        "An interactive replay of a recorded training: 256 sentences, ten epochs of eight steps. "
        "For each step you see what the five lines of the loop do, the loss of the batch, and how "
        "four validation sentences are judged; after each epoch, the validation loss and accuracy. "
        f"Epoch: training loss, validation loss, accuracy. {rows}. In the end, with a probability "
        f"of positive: {ends}."
    )


def replay(step: int = 0) -> None:
    """Display a recorded training to step through: losses, accuracy, and four sentences.

    Args:
        step: the step shown at first, 0 (before the first one) to 80.

    Raises:
        ValueError: the run has no such step.
    """
    steps = len(stored()["steps"])
    if step not in range(steps + 1):
        raise ValueError(f"step = {step!r}: the recorded run has the steps 0 to {steps}.")
    body = Template(part("replay.html")).substitute(steps=steps, step=int(step))
    title, words = "Interactive figure: a training, step by step", words_for_replay()
    scripts, data = ["draw.js", "steps.js", "replay.js"], (STATIC / RUN).read_bytes()
    show(title, words, page(title, words, body, scripts, data), height=1000)
