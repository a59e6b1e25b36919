"""The tokenizer to type into."""

import html
from string import Template

from helpers import checkpoints
from helpers.widgets.frame import STATIC, page, part, show

TEXT = "An unforgettable film, naïve but never tokenizable! 👍"
TRIES = {
    "accents": "Crème brûlée in a Café, Ångström, Dvořák, São Paulo",
    "made-up words": "a hygge-ish, Kafkaesque, un-put-downable whodunnit",
    "numbers": "It cost $1,234,567.89 in 2024 – 3.5e-4 of it was well spent.",
    "emoji": "loved it 😍 :-) 10/10 👍🏽",
    "Chinese": "我喜欢这部电影 means I like this film",
    "brackets": "[CLS] and [SEP] typed by hand are special, [cls] is not",
    "a code line": "model.train(lr=1e-4)  # fine_tune()",
}
LONGEST = 32
TABLES = "wordpiece.json.gz"  # made by tools/experiments/tokenizer_tables.py


def words_for(text: str) -> str:
    """What the figure shows at first, in words; the pieces are the library's own."""
    encoded = checkpoints.load_tokenizer("minilm")(text)
    pairs = zip(encoded.tokens(), encoded["input_ids"], strict=True)
    pieces = ", ".join(f"{piece} {number}" for piece, number in pairs)
    return (
        "An interactive tokenizer: you type a sentence and see its normalized words, their "
        f"WordPiece pieces and ids, and what a maximal length cuts off. “{text}” becomes: {pieces}."
    )


def tokenizer(text: str = TEXT) -> None:
    """Display a tokenizer to type into: words, pieces, ids, and what `max_length` cuts off.

    It has all 30,522 pieces of minilm and does what its tokenizer in the library does, offline.

    Args:
        text: what stands in it at first.
    """
    words = words_for(text)
    tries = "".join(
        f'<button type="button" value="{html.escape(example)}">{name}</button>'
        for name, example in TRIES.items()
    )
    facts = {"text": html.escape(text), "tries": tries, "longest": LONGEST}
    body = Template(part("tokenizer.html")).substitute(facts)
    data = (STATIC / TABLES).read_bytes()
    title = "Interactive figure: a tokenizer to type into"
    content = page(title, words, body, ["wordpiece.js", "tokenizer.js"], data)
    show(title, words, content, height=480)
