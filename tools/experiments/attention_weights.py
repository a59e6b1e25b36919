"""Where minilm's tokens look: the attention weights of ten short sentences, for a figure.

    python -m tools.experiments.attention_weights

Records the weights of all layers and heads (float32, no padding, one sentence at a time) in
`data/measured/attention.json`, with provenance. `packed` is what the figure reads: a JSON,
compressed by gzip, in base64. In it a weight w is the byte round(255 w), and a sentence's bytes
come in the order layer, head, token that looks, token that is looked at.
"""

import base64
import gzip
import json

import numpy as np
import torch
from transformers import AutoModel

from helpers import checkpoints
from tools.experiments.provenance import MEASURED, provenance, write_page

RESULTS = MEASURED / "attention.json"
SENTENCES = [
    "we sat on the river bank",
    "the bank raised its rates",
    "the film is not good",
    "the film is good, not bad",
    "the plot is thin but the acting is superb",
    "the dog chased the cat because it was hungry",
    "the trophy is too big for the suitcase",
    "the actors who met the director were late",
    "an unforgettable, heartbreaking story",
    "paris is to france as rome is to italy",
]


def load() -> AutoModel:
    """The encoder, computing attention step by step, so that its weights can be seen."""
    model = AutoModel.from_pretrained(
        checkpoints.location("minilm"), attn_implementation="eager", **checkpoints.SAFE
    )
    return model.eval()


def weights(model: AutoModel, text: str) -> tuple[list[str], np.ndarray]:
    """A sentence's tokens, and its weights as bytes: layers × heads × T × T."""
    encoded = checkpoints.load_tokenizer("minilm")(text, return_tensors="pt")
    with torch.no_grad():
        layers = model(**encoded, output_attentions=True).attentions
    return encoded.tokens(), (255 * torch.cat(layers).numpy()).round().astype(np.uint8)


def main() -> None:
    """Compute, compress, write."""
    model, sentences = load(), []
    for text in SENTENCES:
        tokens, recorded = weights(model, text)
        print(len(tokens), *tokens)
        bytes_ = base64.b64encode(recorded.tobytes()).decode()
        sentences.append({"text": text, "tokens": tokens, "weights": bytes_})
    content = json.dumps({"sentences": sentences}, separators=(",", ":")).encode()
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    print(f"{len(content):,} bytes, in the file {len(packed):,}")
    shown = [{"text": each["text"], "tokens": each["tokens"]} for each in sentences]
    facts = {"model": "minilm", "sentences": shown} | provenance() | {"packed": packed}
    write_page(RESULTS, json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
