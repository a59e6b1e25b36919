"""Which choice of each quiz question is right, computed: nbNN.py holds `QUESTIONS`.

A question is a function without arguments that returns for each of the letters a, b and c whether
that choice is so. What it computes stands in its docstring.
"""

from functools import cache

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching, checkpoints

Truth = dict[str, bool]
SHORT, LONG = "a fine film", "far too long, far too loud and without any trace of a plot"


@cache
def classifier() -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and the course's classifier with an untrained head, evaluating."""
    return checkpoints.load()


def batch(*texts: str) -> tuple[torch.Tensor, torch.Tensor]:
    """Padded ids and mask of some texts."""
    tokenizer = classifier()[0]
    return batching.pad(batching.tokenize(texts, tokenizer), tokenizer.pad_token_id)


def raises(function, *arguments, **options) -> bool:
    """Whether a call stops with an error."""
    try:
        function(*arguments, **options)
    except Exception:
        return True
    return False
