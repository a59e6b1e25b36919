"""Answers to the quiz of notebook 03."""

import torch
from torch.nn.functional import cross_entropy

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
    """A layer before and after `backward`."""
    torch.manual_seed(0)
    layer, X, y = torch.nn.Linear(3, 2), torch.randn(5, 3), torch.tensor([0, 1, 1, 0, 1])
    at_first = layer.weight.detach().clone()
    loss = cross_entropy(layer(X), y)
    assert layer.weight.grad is None
    loss.backward()
    moved = not torch.equal(layer.weight, at_first)
    return {
        "a": moved,
        "b": not moved and layer.weight.grad.abs().max() > 0,
        "c": cross_entropy(layer(X), y) < loss,
    }


def question_3() -> Truth:
    """Loss and gradient of a sum over five examples and over the same ones twice."""
    generator = torch.Generator().manual_seed(0)
    X, y = torch.randn(5, 3, generator=generator), torch.tensor([0, 1, 1, 0, 1])

    def summed(times: int) -> tuple[float, torch.Tensor]:
        W = torch.ones(2, 3)
        W[0] = 0.5
        W.requires_grad_()
        loss = cross_entropy(X.repeat(times, 1) @ W.T, y.repeat(times), reduction="sum")
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
