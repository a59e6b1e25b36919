"""Answers to the quiz of notebook 04."""

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from tests.notebooks.quizzes import Truth


def question_1() -> Truth:
    """Two forward and backward passes without zeroing in between."""
    model, X = nn.Linear(3, 2), torch.ones(4, 3)
    model(X).square().mean().backward()
    once, fails = model.weight.grad.clone(), False
    try:
        model(X).square().mean().backward()
    except RuntimeError:
        fails = True
    return {
        "a": fails,
        "b": torch.allclose(model.weight.grad, 2 * once),
        "c": torch.allclose(model.weight.grad, once),
    }


def question_2() -> Truth:
    """A run that overfits. A figure tells if it is so at the end and not at the best epoch."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(340, 60, generator=generator)
    noise = torch.randn(340, generator=generator)
    y = (X[:, 0] + X[:, 1] + noise > 0).long()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(60, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer, rows = torch.optim.Adam(model.parameters(), 3e-3), []
    for _ in range(60):
        logits = model(X).detach()
        parts = (slice(40), slice(40, None))
        losses = [cross_entropy(logits[part], y[part]).item() for part in parts]
        hits = [(logits[part].argmax(1) == y[part]).float().mean().item() for part in parts]
        rows.append((*losses, *hits))
        optimizer.zero_grad()
        cross_entropy(model(X[:40]), y[:40]).backward()
        optimizer.step()
    best = min(range(1, 60), key=lambda epoch: rows[epoch][1])

    def signs(epoch: int) -> Truth:
        (before, held_before, *_), (now, held, right, held_right) = rows[epoch - 1 : epoch + 1]
        falls, rises = now < before, held > held_before
        return {"a": falls, "b": falls and rises, "c": held_right < right}

    early, late = signs(best), signs(59)
    return {letter: late[letter] and not early[letter] for letter in "abc"}


def trained(dropout: bool, draws_before: int) -> torch.Tensor:
    """Weights after three steps; the loop draws some random numbers before it begins."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5 * dropout), nn.Linear(8, 2))
    X, y = torch.arange(30.0).reshape(6, 5).sin(), torch.tensor([0, 1, 0, 1, 1, 0])
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    torch.rand(draws_before)
    for _ in range(3):
        optimizer.zero_grad()
        cross_entropy(model(X), y).backward()
        optimizer.step()
    return model[0].weight.detach()


def question_3() -> Truth:
    """Two loops, one of which draws a number more: a bug would show without dropout as well."""
    differ = not torch.equal(trained(True, 0), trained(True, 1))
    without_randomness = not torch.equal(trained(False, 0), trained(False, 1))
    unseeded = not torch.equal(trained(True, 0), trained(True, 0))
    return {
        "a": differ and without_randomness,
        "b": differ and unseeded,
        "c": differ and not without_randomness and not unseeded,
    }


QUESTIONS = [question_1, question_2, question_3]
