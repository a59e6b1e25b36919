"""The tokenizer to type into."""

import html
from string import Template

from helpers import checkpoints
from helpers.widgets import frame

TEXT = "An unforgettable film, naïve but never tokenizable! 👍"


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
    body = Template(frame.part("tokenizer.html")).substitute(text=html.escape(text))
    data = (frame.STATIC / "wordpiece.json.gz").read_bytes()
    title = "Interactive figure: a tokenizer to type into"
    content = frame.page(title, words, body, ["wordpiece.js", "tokenizer.js"], data)
    frame.show(title, words, content, height=480)
