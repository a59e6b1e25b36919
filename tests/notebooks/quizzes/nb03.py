"""Answers to the quiz of notebook 03."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from helpers.exercises import nb03
from tests.notebooks.quizzes import Truth, raises


def question_1() -> Truth:
    """The loss of a perfect model whose probabilities are given as logits."""
    perfect, label = torch.tensor([[1.0, 0.0]]), torch.tensor([0])
    fails = raises(cross_entropy, perfect, label)
    return {
        "a": fails,
        "b": not fails and round(cross_entropy(perfect, label).item(), 2) == 0.31,
        "c": torch.allclose(perfect.softmax(-1), perfect, atol=1e-3),
    }


def question_2() -> Truth:
    """Gradients of a small network with a mistake at each of the three places."""
    right = nb03.torch_gradients()

    def as_in_the_question(gradients: dict) -> bool:
        output = all(nb03.same(gradients[name], right[name]) for name in ("W2", "b2"))
        return output and not any(nb03.same(gradients[name], right[name]) for name in ("W1", "b1"))

    weights = {name: torch.zeros(gradient.shape) for name, gradient in right.items()}
    for name, weight in weights.items():
        weight.grad = torch.tensor(right[name], dtype=torch.float32)
    torch.optim.SGD(weights.values(), lr=1e6).step()  # a rate that ruins every weight
    stepped = {name: weight.grad.numpy() for name, weight in weights.items()}
    return {
        "a": as_in_the_question({name: 5 * gradient for name, gradient in right.items()}),
        "b": as_in_the_question(right | nb03.with_slope(np.ones_like)),
        "c": as_in_the_question(stepped),
    }


def question_3() -> Truth:
    """Loss and gradient of a sum over five examples and over the same ones twice."""

    def summed(times: int) -> tuple[float, torch.Tensor]:
        X, Y, weights = nb03.example()
        W = torch.tensor(weights["W1"][:2], requires_grad=True)
        logits = torch.tensor(np.tile(X, (times, 1))) @ W.T
        loss = cross_entropy(logits, torch.tensor(np.tile(Y, (times, 1))), reduction="sum")
        loss.backward()
        return loss.item(), W.grad

    (loss, gradient), (doubled_loss, doubled) = summed(1), summed(2)
    unchanged = torch.allclose(doubled, gradient)
    return {
        "a": unchanged and doubled_loss == loss,
        "b": unchanged and doubled_loss != loss,
        "c": torch.allclose(doubled, 2 * gradient),
    }


QUESTIONS = [question_1, question_2, question_3]
