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


def question_3() -> Truth:
    """A model with dropout is measured twice in training mode, and its weights are compared."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(5, 8), nn.Dropout(0.5), nn.Linear(8, 2))
    X = torch.arange(300.0).reshape(60, 5).sin()
    weights, fails = model[0].weight.detach().clone(), False
    try:
        with torch.no_grad():
            answers = [model(X).argmax(dim=1) for _ in range(2)]
    except RuntimeError:
        fails = True
    return {
        "a": fails,
        "b": not torch.equal(model[0].weight, weights),
        "c": not torch.equal(*answers),
    }


QUESTIONS = [question_1, question_2, question_3]
