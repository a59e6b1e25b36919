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
SENTENCES = {  # each with something to see: (layer, head, the token that looks, what it looks at)
    "we sat on the river bank": (1, 4, "bank", "river"),
    "the bank raised its rates": (1, 4, "raised", "rates"),
    "the film is not good": (3, 1, "not", "good"),
    "the film is good, not bad": (3, 4, "bad", "good"),
    "the plot is thin but the acting is superb": (2, 7, "thin", "plot"),
    "the dog chased the cat because it was hungry": (4, 1, "it", "cat"),
    "she poured water into the cup until it was full": (6, 10, "it", "cup"),
    "the actors who met the director were late": (1, 1, "were", "actors"),
    "an unforgettable, heartbreaking story": (2, 11, "##get", "un"),
    "paris is to france as rome is to italy": (6, 4, "rome", "paris"),
}
# Heads that do the same in all these sentences. Layers are counted from 1 and heads from 0.
NOTABLE = [
    {"layer": 1, "head": 2, "words": "at the token before"},
    {"layer": 2, "head": 8, "words": "often at the token after"},
    {"layer": 5, "head": 5, "words": "mostly at [CLS]"},
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


def figure_data(model: AutoModel) -> dict:
    """What the figure reads: every sentence with its tokens, its weights and what to look at."""
    sentences = []
    for text, (layer, head, token, at) in SENTENCES.items():
        tokens, recorded = weights(model, text)
        look = {"layer": layer, "head": head, "token": tokens.index(token), "at": tokens.index(at)}
        packed = base64.b64encode(recorded.tobytes()).decode()
        sentences.append({"text": text, "tokens": tokens, "look": look, "weights": packed})
    first = {"sentence": 0} | sentences[0]["look"]
    return {"first": first, "notable": NOTABLE, "sentences": sentences}


def main() -> None:
    """Compute, compress, write."""
    data = figure_data(load())
    content = json.dumps(data, separators=(",", ":")).encode()
    packed = base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()
    texts = [each["text"] for each in data["sentences"]]
    facts = {"model": "minilm", "sentences": texts} | provenance() | {"packed": packed}
    write_page(RESULTS, json.dumps(facts, indent=1) + "\n")
    print(f"{len(content):,} bytes, packed {len(packed):,}")


if __name__ == "__main__":
    main()
