"""Graders of notebook 03, losses and gradients."""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from helpers.exercises import Verdict, as_array, exercise, gave_nothing, is_close, right, wrong

Loss = Callable[[Tensor], Tensor]
CLOSE = 1e-4  # slopes are measured, by a wiggle of 1e-5 or so


def bowl(w: Tensor) -> Tensor:
    """A loss in which each weight's slope depends on the others."""
    return (w.sum() - 1) ** 2 + (w**2).sum() / 2 + w[0] ** 2 * w[-1]


def waves(w: Tensor) -> Tensor:
    """Another one, that is no square."""
    return torch.logsumexp(w, dim=0) + torch.sin(w[1:] * w[:-1]).sum() + w[0]


PROBLEMS: list[tuple[Loss, list[float], float]] = [
    (bowl, [1.0, -2.0], 0.1),
    (waves, [0.5, -1.0, 2.0], 0.5),
    (bowl, [0.3, 0.7, -1.2, 2.0, -0.4], 0.02),
]


def slopes(loss: Loss, w: Tensor) -> Tensor:
    """The gradient of a loss, by autograd."""
    leaf = w.clone().requires_grad_()
    loss(leaf).backward()
    return leaf.grad


def one_by_one(loss: Loss, w: Tensor, rate: float) -> Tensor:
    """Each weight moved as soon as its slope is known: not gradient descent."""
    w = w.clone()
    for i in range(len(w)):
        w[i] -= rate * slopes(loss, w)[i]
    return w


def hint_for_a_step(given: object, loss: Loss, w: Tensor, rate: float) -> Verdict | None:
    """What is wrong with one step; None if it is right."""
    g = slopes(loss, w)
    if is_close(given, w - rate * g, CLOSE):
        return None
    if np.shape(as_array(given)) != tuple(w.shape):
        return wrong(
            f"Return one new weight for each weight of w, shape {tuple(w.shape)}. Yours has shape "
            f"{np.shape(as_array(given))}."
        )
    found = [
        (w + rate * g, "That step goes uphill: the gradient has to be subtracted."),
        (w, "The weights have (almost) not moved. Is the difference divided by 2ε?"),
        (w - g, "The learning rate is missing: subtract learning_rate * gradient."),
        (w - 2 * rate * g, "Twice too far: between w + ε and w − ε lies a distance of 2ε, not ε."),
        (w - rate * g / 2, "Half of the step: from w to w + ε the distance is ε, not 2ε."),
        (w - rate * g.sign(), "Only the sign of each slope was used. Its size counts, too."),
        (g, "That is the gradient. Return w - learning_rate * gradient."),
        (rate * g, "That is what has to be subtracted from w. Return w minus it."),
        (one_by_one(loss, w, rate), "Measure all slopes first, and only then move the weights."),
    ]
    for answer, hint in found:
        if is_close(given, answer, CLOSE):
            return wrong(hint)
    if is_close(as_array(given)[1:], w[1:], CLOSE):
        return wrong("Only the first weight has moved. Go through all places of w.")
    return wrong(
        "The new weights are off. For each place i: (loss with w[i] + ε, minus loss with w[i] − ε) "
        "divided by 2ε, all others unchanged, with ε = 1e-5."
    )


@exercise("03-1")
def one_step_of_descent(function: Callable) -> Verdict:
    """One step of gradient descent on any loss, with measured slopes."""
    for number, (loss, numbers, rate) in enumerate(PROBLEMS):
        w = torch.tensor(numbers, dtype=torch.float64)
        given = function(loss, w, rate)
        if nothing := gave_nothing(given):
            return nothing
        if w.tolist() != numbers:
            return wrong("Your function changed w itself. Wiggle copies: w.clone().")
        hint = hint_for_a_step(given, loss, w, rate)
        if hint and number:
            return wrong(
                f"Right for the first loss, wrong for another, with {len(w)} weights and another "
                "learning rate. Is a number of the first one fixed in your code?"
            )
        if hint:
            return hint
    return right("It works for any loss, and nothing about its formula went in.")


LOGITS = [([2.0, 0.0, 1.0], 1), ([0.5, -1.0], 0), ([0.1, 1.5, -0.7, 2.2, 0.0], 4)]


@exercise("03-2")
def one_example(function: Callable) -> Verdict:
    """Cross-entropy of the logits of one example, and its gradient."""
    for numbers, label in LOGITS:
        logits = torch.tensor(numbers, dtype=torch.float64)
        answer = function(logits, label)
        if nothing := gave_nothing(answer):
            return nothing
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            return wrong("Return two things: the loss and the gradient.")
        if logits.tolist() != numbers:
            return wrong("Your function changed the logits that it was given. Work on a copy.")
        p = torch.softmax(logits, dim=0)
        hint = hint_for_the_loss(answer[0], p, label) or hint_for_the_gradient(answer[1], p, label)
        if hint:
            return hint
    return right("The right class is pulled up, the others are pushed down, and the sum is 0.")


def hint_for_the_loss(loss: object, p: Tensor, label: int) -> Verdict | None:
    """What is wrong with a loss; None if it is right."""
    expected = -torch.log(p[label])
    if is_close(loss, expected):
        return None
    if np.shape(as_array(loss)) != ():
        return wrong("loss: one number, from the probability of the right class alone.")
    if np.isnan(float(loss)):
        return wrong(
            "loss: nan, not a number. Was p changed before its logarithm was taken? "
            "`gradient = p` makes no copy; p.clone() does."
        )
    if is_close(loss, -torch.log(p[label - 1])):
        return wrong("loss: that is the class before. Classes count from 0.")
    if is_close(loss, -torch.log2(p[label])) or is_close(loss, -torch.log10(p[label])):
        return wrong("loss: the logarithm is the natural one, torch.log.")
    if is_close(loss, -expected):
        return wrong("loss: the minus is missing. The logarithm of a probability is negative.")
    if is_close(loss, p[label]):
        return wrong("loss: that is the probability of the right class. Take minus its logarithm.")
    if is_close(loss, -torch.log(p).mean()) or is_close(loss, -torch.log(p).sum()):
        return wrong("loss: only the right class counts, not all classes.")
    return wrong("loss: minus the logarithm of what softmax gives to the right class.")


def hint_for_the_gradient(gradient: object, p: Tensor, label: int) -> Verdict | None:
    """What is wrong with a gradient along the logits; None if it is right."""
    y = torch.eye(len(p)).double()[label]
    if is_close(gradient, p - y):
        return None
    if is_close(gradient, p):
        return wrong("gradient: those are the probabilities. Subtract 1 at the right class.")
    if is_close(gradient, y - p):
        return wrong("gradient: the sign. It is p − y; descent subtracts it later.")
    if is_close(gradient, -y / p):
        return wrong("gradient: that is the slope along the probabilities. Along logits: p − y.")
    if is_close(gradient, (p - y) / len(p)):
        return wrong("gradient: the mean runs over examples, and here is one. Do not divide.")
    return wrong(f"gradient: p − y, {len(p)} numbers for {len(p)} classes; they add up to 0.")


def batches() -> list[tuple[Tensor, Tensor, Tensor, float, int]]:
    """Rows, labels, weights, a learning rate and a batch size, twice."""
    made = []
    for seed, (rows, inputs, classes, rate, size) in enumerate(
        [(10, 4, 3, 0.5, 4), (7, 3, 2, 1.5, 3)]
    ):
        rng = np.random.default_rng(seed)
        X, W = torch.tensor(rng.normal(size=(rows, inputs))), rng.normal(size=(classes, inputs))
        y = torch.tensor(rng.integers(classes, size=rows))
        made.append((X, y, torch.tensor(W), rate, size))
    return made


def epoch(
    X: Tensor, y: Tensor, W: Tensor, rate: float, size: int, mistake: str = ""
) -> tuple[Tensor, int]:
    """New weights and the number of steps, perhaps with a typical mistake."""
    now, kept, steps = W.clone(), torch.zeros_like(W), 0
    for start in range(0, len(X), size):
        rows = slice(start, start + size - (mistake == "short"))
        if mistake == "drop" and start + size > len(X):
            break
        leaf = (W if mistake == "old" else now).clone().requires_grad_()
        reduction = "sum" if mistake == "sum" else "mean"
        cross_entropy(X[rows] @ leaf.T, y[rows], reduction=reduction).backward()
        kept = leaf.grad + (kept if mistake == "keep" else 0)
        now = now + rate * kept if mistake == "uphill" else now - rate * kept
        steps += 1
        if mistake == "first":
            break
    return now, steps


EPOCH_HINTS = {
    "keep": "The gradients of earlier batches are still there: call optimizer.zero_grad().",
    "drop": "The last, smaller batch is missing.",
    "sum": "The loss of a batch is a mean over its rows, not a sum.",
    "uphill": "The weights move uphill: subtract the gradient.",
    "old": "Every gradient was computed at the weights of the start. Use those of the last step.",
    "short": "Each batch lacks its last row. A slice ends before its end: start + batch_size.",
    "first": "Only the first batch was used. Does `return` stand inside the loop?",
}


@exercise("03-3")
def one_epoch(function: Callable) -> Verdict:
    """One epoch of mini-batch SGD on a linear layer."""
    for X, y, W, rate, size in batches():
        before = W.clone()
        given = function(X, y, W, rate, size)
        if nothing := gave_nothing(given):
            return nothing
        if not torch.equal(W.detach(), before):
            return wrong("Your function changed W itself. Begin with a copy: W.clone().")
        if np.shape(as_array(given)) != tuple(W.shape):
            return wrong(f"Return the new weights, shape {tuple(W.shape)}.")
        if is_close(given, epoch(X, y, W, rate, size)[0], CLOSE):
            continue
        if is_close(given, W, CLOSE):
            return wrong("The weights have not moved. Is there an optimizer.step() in the loop?")
        if is_close(given, epoch(X, y, W, rate, len(X))[0], CLOSE):
            return wrong("That is one step on all rows. Take one step for each batch.")
        if is_close(given, epoch(X, y, W, rate, 1)[0], CLOSE):
            return wrong("That is a step for each single row. Take batch_size rows at a time.")
        for mistake, hint in EPOCH_HINTS.items():
            if is_close(given, epoch(X, y, W, rate, size, mistake)[0], CLOSE):
                return wrong(hint)
        return wrong(
            "The new weights are off. Are the rows in their order, and are learning_rate and "
            "batch_size those that were given?"
        )
    return right("Notebook 04 runs the same loop around all of BERT.")
