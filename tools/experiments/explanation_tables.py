"""What the figure of notebook 11 shows: every subset of the words of twenty short test reviews.

    python -m tools.experiments.explanation_tables

Asks the study's model of seed 0 (`explanations`) for the probability of positive of each sentence
without any of its words, by [MASK] and by deletion, and scores the words by every method. A subset
has bit i set if word i is there, so the last probability is that of the whole sentence.
"""

import gzip
import json

import numpy as np

from helpers import corpora, explain, widgets
from helpers.measured import explanations as recorded
from tools.experiments import explanations
from tools.experiments.provenance import provenance, write_page

RESULTS = widgets.STATIC / "words.json.gz"
SENTENCES = (
    "a moving picture that does not move .",
    "this beautifully animated epic is never dull .",
    "not only unfunny , but downright repellent .",
    "really dumb but occasionally really funny .",
    "i simply can't recommend it enough .",
    "the story and characters are nowhere near gripping enough .",
    "uneven but a lot of fun .",
    "a slight but sweet film .",
    "witty , contemplative , and sublimely beautiful .",
    "this thing works on no level whatsoever for me .",
    "it has all the excitement of eating oatmeal .",
    "a great idea becomes a not-great movie .",
    "the plot meanders from gripping to plodding and back .",
    "dark and disturbing , yet compelling to watch .",
    "hardly a film that comes along every day .",
    "schindler's list it ain't .",
    "too clever by about nine-tenths .",
    "a masterpiece four years in the making .",
    "only two-fifths of a satisfying movie experience .",
    "a painfully funny ode to bad behavior .",
)


def subsets(words: list[str], remove) -> list[str]:
    """The sentence with each subset of its words, by the subset's number."""
    return [
        remove(words, {i for i in range(len(words)) if not number >> i & 1})
        for number in range(2 ** len(words))
    ]


def main() -> None:
    """Compute, compress, write."""
    reviews = corpora.load("reviews")
    label_of = dict(zip(reviews["test"]["text"], reviews["test"]["label"], strict=True))
    tokenizer, model = explanations.fine_tuned(0, reviews)
    kept = []
    for number, text in enumerate(SENTENCES):
        words = text.split()
        found = {"text": text, "label": label_of[text]}
        for way, remove in explanations.WAYS.items():
            own = explain.probability(model, tokenizer, subsets(words, remove))
            found[way] = np.rint(1000 * own).astype(int).tolist()
        predicted = int(found["mask"][-1] >= 500)
        own = explanations.scored(model, tokenizer, [words], [predicted], seed=number)
        scores = {name: values[0] for name, values in own["scores"].items()}
        found["scores"] = {m: [float(f"{v:.3g}") for v in scores[m]] for m in recorded.METHODS}
        kept.append(found)
    content = json.dumps(
        {"sentences": kept} | provenance(), separators=(",", ":"), ensure_ascii=False
    )
    write_page(RESULTS, gzip.compress(content.encode(), 9, mtime=0))
    print(f"{len(content):,} bytes, packed {RESULTS.stat().st_size:,}")


if __name__ == "__main__":
    main()
