"""Answers to the quiz of notebook 02."""

import math

import torch

from helpers import checkpoints
from tests.notebooks.quizzes import LONG, Truth, batch, classifier, raises


def question_1() -> Truth:
    """The names of the weights that differ between two seeds."""
    first, second = classifier()[1].state_dict(), checkpoints.load(seed=1)[1].state_dict()
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    return {
        "a": changed == set(first),
        "b": changed == {"classifier.weight"},
        "c": not changed,
    }


def question_2() -> Truth:
    """Attention weights of one head of the first layer by both divisors, and what they give."""
    encoder = checkpoints.load_encoder()
    first = encoder.encoder.layer[0].attention.self
    with torch.no_grad():
        hidden = encoder.embeddings(batch(LONG)[0])[0]
        query, key, value = (part(hidden)[:, :32] for part in (first.query, first.key, first.value))
        sharp, flat = ((query @ key.T / by).softmax(-1) for by in (math.sqrt(32), 32))
    return {
        "a": sharp.shape != flat.shape,
        "b": torch.allclose(sharp, flat, atol=1e-3),
        "c": bool(flat.amax(-1).mean() < sharp.amax(-1).mean())
        and not torch.allclose(sharp @ value, flat @ value, atol=1e-3),
    }


def question_3() -> Truth:
    """Shape of the position table; 513 tokens with it, and with a longer one in this memory."""
    encoder = checkpoints.load_encoder()
    rows, width = encoder.embeddings.position_embeddings.weight.shape
    too_long = torch.full((1, 513), 2143)
    stops = raises(encoder, too_long) and not raises(encoder, too_long[:, :512])
    changes = {"max_position_embeddings": 600, "num_hidden_layers": 1, "pretrained": False}
    with_more_rows = checkpoints.load(**changes)[1]
    return {
        "a": rows == 512 and stops,
        "b": width == 512,
        "c": raises(with_more_rows, too_long),
    }


QUESTIONS = [question_1, question_2, question_3]
