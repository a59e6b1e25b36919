"""The attention of all heads of minilm on ten sentences, to look through."""

import base64

from helpers import measured
from helpers.widgets.frame import page, part, show


def attention() -> None:
    """Display where each token of ten sentences looks, in all 6 layers and 12 heads of minilm.

    The weights were recorded (`data/measured/attention.json`): nothing is computed here.
    """
    recorded = measured.facts("attention")
    texts = " · ".join(recorded["sentences"])
    words = (
        "An interactive figure of attention: for each of ten sentences, and for each of the 12 "
        "heads in each of the 6 layers of minilm, lines from every token to the tokens it looks "
        f"at, thicker where the weight is larger. The sentences: {texts}."
    )
    title = "Interactive figure: where each token looks"
    data = base64.b64decode(recorded["packed"])
    content = page(title, words, part("attention.html"), ["attention.js"], data)
    show(title, words, content, height=640)
