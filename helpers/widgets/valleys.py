"""The figure of the ball: gradient descent on a curve of one weight, at a rate to choose."""

import gzip
import json
from string import Template

from numpy.polynomial.polynomial import polyder, polyval

from helpers.widgets.frame import page, part, show

# The loss is c0 + c1 w + c2 w² + …; where its valleys are, and what the figure calls them.
CURVES = {
    "one valley": ([0, 0, 1], [(0.0, "the bottom of the valley")]),
    "two valleys": (
        [0.9, 0.2, -0.75, 0, 0.25],
        [(-1.287, "the bottom of the lower valley"), (1.152, "the bottom of the higher valley")],
    ),
}
STEPS = 30
LIMIT = 100  # further out than this the ball is gone
LEAST, MOST, EDGE = 0.01, 1.2, 2.0  # learning rates and starts that the sliders reach


def loss_at(curve: str, w: float) -> float:
    """The height of a curve at w."""
    return float(polyval(w, CURVES[curve][0]))


def slope_at(curve: str, w: float) -> float:
    """The derivative of a curve at w."""
    return float(polyval(w, polyder(CURVES[curve][0])))


def descend(curve: str, start: float, rate: float, steps: int = STEPS) -> list[float]:
    """Where gradient descent is after 0, 1, 2, … steps; fewer if it leaves −100 … 100."""
    places = [start]
    while len(places) <= steps and abs(places[-1]) <= LIMIT:
        places.append(places[-1] - rate * slope_at(curve, places[-1]))
    return places


def words_for_descent() -> str:
    """What the figure of the ball shows, in words, for three learning rates."""
    said = []
    for rate in (0.01, 0.1, 1.1):
        places = descend("one valley", -2.0, rate)
        ends = loss_at("one valley", places[-1])
        said.append(f"with a learning rate of {rate} it is {ends:.3g} after {len(places) - 1}")
    return (
        "An interactive figure of gradient descent with a single weight: a ball on a curve with "
        "one valley, loss = w², or on one with two. You choose the learning rate and the start, "
        f"and go through {STEPS} steps; you see the slope at the ball, the next step, and the loss "
        f"after each step. In the one valley, from w = −2, the loss starts at 4: {'; '.join(said)}"
        " steps."
    )


def descent(curve: str = "one valley", rate: float = 0.1, start: float = -2.0) -> None:
    """Display a ball that rolls down a curve, at a learning rate and from a start to choose.

    Args:
        curve: "one valley" or "two valleys".
        rate: the learning rate at first, 0.01 to 1.2.
        start: the weight at first, −2 to 2.

    Raises:
        ValueError: there is no such curve, or a slider does not reach the number.
    """
    if curve not in CURVES:
        raise ValueError(f"curve = {curve!r}: there are {' and '.join(map(repr, CURVES))}.")
    if not LEAST <= rate <= MOST:
        raise ValueError(f"rate = {rate!r}: the slider goes from {LEAST} to {MOST}.")
    if not -EDGE <= start <= EDGE:
        raise ValueError(f"start = {start!r}: the slider goes from {-EDGE:g} to {EDGE:g}.")
    choices = "".join(
        f'<label><input class="unseen" type="radio" name="curve" value="{number}"'
        f"{' checked' if name == curve else ''}><span>{name}</span></label>"
        for number, name in enumerate(CURVES)
    )
    facts = {"curves": choices, "rate": rate, "start": start, "steps": STEPS}
    facts |= {"least": LEAST, "most": MOST, "edge": f"{EDGE:g}"}
    body = Template(part("descent.html")).substitute(facts)
    curves = [{"coefficients": numbers, "valleys": spots} for numbers, spots in CURVES.values()]
    found = json.dumps({"curves": curves, "steps": STEPS}, separators=(",", ":"))
    data = gzip.compress(found.encode(), 9, mtime=0)
    title, words = "Interactive figure: a ball that rolls downhill", words_for_descent()
    scripts = ["draw.js", "valleys.js", "descent.js"]
    show(title, words, page(title, words, body, scripts, data), height=760)
