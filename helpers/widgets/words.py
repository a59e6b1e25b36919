"""The figure of the words: remove any of them, and see what a recorded model answers."""

import gzip
import json

from helpers.widgets.frame import STATIC, page, part, show

TABLE = "words.json.gz"  # made by tools/experiments/explanation_tables.py


def stored_words() -> list[dict]:
    """Twenty short test reviews, each with all that the figure knows of it.

    Returns: for each its `text` and `label`; `mask` and `delete`, the probability of positive in
        thousandths for every subset of its W words, 2^W numbers (bit i is set if word i is there);
        and by method the `scores` of its words.
    """
    return json.loads(gzip.decompress((STATIC / TABLE).read_bytes()))["sentences"]


def words_for_words() -> str:
    """What the figure shows, in words."""
    said = "; ".join(
        f"“{each['text']}” {each['mask'][-1] / 1000:.0%} positive" for each in stored_words()
    )
    first = stored_words()[0]
    scores = first["scores"]["leave one out"]
    pairs = zip(first["text"].split(), scores, strict=True)
    return (
        "An interactive figure of word scores: you pick one of twenty sentences, see its words "
        "coloured by one of seven methods, remove words, and watch the model's probability of "
        f"positive. The whole sentences: {said}. Scores of the first sentence by leaving one word "
        f"out: {', '.join(f'{word} {score:.2f}' for word, score in pairs)}."
    )


def words() -> None:
    """Display twenty sentences whose words can be removed; every subset was recorded."""
    title = "Interactive figure: remove words and watch the answer"
    said = words_for_words()
    data = (STATIC / TABLE).read_bytes()
    show(title, said, page(title, said, part("words.html"), ["words.js"], data), height=560)
