"""The examination of word scores: does the answer change where they say it should?"""

import copy
import math
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from scipy import stats
from torch import nn
from transformers import PreTrainedModel

from helpers.explain.attributions import Removal
from helpers.explain.words import ExplainError, masked

SHARES = (0.1, 0.2, 0.3, 0.5)


def how_many(words: int, share: float) -> int:
    """How many words a share of a sentence is, rounded up: at least one."""
    return max(1, math.ceil(round(share * words, 9)))


def faithfulness(
    score: Callable[[list[str]], np.ndarray],
    sentences: Sequence[Sequence[str]],
    labels: Sequence[int],
    scores: dict[str, Sequence[np.ndarray]],
    shares: Sequence[float] = SHARES,
    remove: Removal = masked,
) -> dict[str, dict[str, np.ndarray]]:
    """Comprehensiveness and sufficiency (DeYoung and others 2020) of several methods.

    Comprehensiveness: by how much the probability of the predicted class falls when the words with
    the highest values are removed; large is good. Sufficiency: by how much it falls when only
    these are kept; small is good.

    Args:
        score: from texts to probabilities of class 1, such as `probability` of a model. It is
            called once for all texts, each of them once.
        sentences: n lists of words.
        labels: n times the class that is predicted for the whole sentence, 0 or 1.
        scores: by method, for each sentence the values of its words, the highest most important.
        shares: S shares of the words, above 0.
        remove: `masked` or `deleted`.

    Returns:
        By method "comprehensiveness" and "sufficiency", each of shape (n, S).

    Raises:
        ExplainError: a method has not one value for each word; the message names the sentence.
    """
    wanted: dict[str, int] = {}

    def place(text: str) -> int:
        return wanted.setdefault(text, len(wanted))

    whole = [place(" ".join(words)) for words in sentences]
    places = {name: np.empty((2, len(sentences), len(shares)), int) for name in scores}
    for name, values in scores.items():
        for i, (words, own) in enumerate(zip(sentences, values, strict=True)):
            if len(own) != len(words):
                raise ExplainError(
                    f"{name}: sentence {i} has {len(words)} words and {len(own)} values."
                )
            order = np.argsort(-np.asarray(own, dtype=float), kind="stable")
            for s, share in enumerate(shares):
                top = set(order[: how_many(len(words), share)].tolist())
                rest = set(range(len(words))) - top
                places[name][:, i, s] = [place(remove(words, gone)) for gone in (top, rest)]
    found = np.asarray(score(list(wanted)), dtype=float)
    sign = np.where(np.asarray(labels) == 1, 1, -1)[:, None]  # p(0) falls as much as p(1) rises
    drop = {name: sign * (found[whole][:, None] - found[where]) for name, where in places.items()}
    return {
        name: {"comprehensiveness": both[0], "sufficiency": both[1]} for name, both in drop.items()
    }


def stages(model: PreTrainedModel) -> list[tuple[str, nn.Module]]:
    """The parts of a BERT classifier from the top down: head (with pooler), layers, embeddings."""
    base = model.base_model
    layers = [(f"layer {i + 1}", layer) for i, layer in enumerate(base.encoder.layer)]
    head = nn.ModuleList([model.classifier, base.pooler])
    return [("head", head), *layers[::-1], ("embeddings", base.embeddings)]


def randomized_from_the_top(
    model: PreTrainedModel, seed: int
) -> Iterator[tuple[str, PreTrainedModel]]:
    """One and the same copy of a model, after each stage with one more part at random.

    Matrices get the normal numbers that BERT's training starts from, biases 0, LayerNorms 1 and 0.

    Args:
        model: a BERT classifier; it is left as it is.
        seed: for the numbers.

    Yields:
        The name of the part, and the copy with this part and all above it at random.
    """
    draws = torch.Generator().manual_seed(seed)
    changed = copy.deepcopy(model).eval()
    for name, part in stages(changed):
        for module in part.modules():
            for parameter, values in module.named_parameters(recurse=False):
                new = torch.zeros(values.shape)
                if isinstance(module, nn.LayerNorm):
                    new += parameter == "weight"
                elif values.dim() > 1:
                    new.normal_(0, model.config.initializer_range, generator=draws)
                values.data.copy_(new)
        yield name, changed


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> float:
    """Spearman's correlation of two lists of word scores; 0 if one of them is constant."""
    first, second = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(stats.spearmanr(first, second).statistic)
