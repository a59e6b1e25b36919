"""Notebook 11's study: word scores under examination, tests of behaviour, and a repair.

    python3 tasks.py study 11 [--limit N] [--processes N]

For each of three seeds, a model is trained as notebook 11 trains it. Three runs then

- "examination": score the words of 200 test reviews by every method, and record by how much the
  probability of the predicted class falls when the words with the highest scores are removed, or
  kept alone, by [MASK] and by deletion (`explanations_curves.csv`: one row for each method, kind,
  way of removing and share; the falls are in hundredths, in the order of the sentences);
- "behaviour": run the tests of behaviour before and after two repairs, one with 100 template
  sentences and, as a control, one with as many reviews instead (`explanations_behaviour.csv`: 1 is
  a failure);
- "randomized": set the model's parts to random numbers from the top down, and record how the
  scores of 10 of these reviews then correlate with the real ones (`explanations_randomized.csv`).

Which reviews are taken follows from a fixed seed, and nothing was chosen by them.
"""

from itertools import product

import numpy as np

from helpers import checkpoints, corpora, downloads, explain, runtime, training
from helpers.measured import explanations as recorded
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "explanations.csv"
CURVES = MEASURED / "explanations_curves.csv"
RANDOMIZED = MEASURED / "explanations_randomized.csv"
BEHAVIOUR = MEASURED / "explanations_behaviour.csv"
WAYS = {"mask": explain.masked, "delete": explain.deleted}
FEWER = 10  # reviews for the random weights
STEPS = 16  # of integrated gradients
PARTS = ("behaviour", "examination", "randomized")
SEEDS = range(3)


def planned() -> list[dict]:
    """Three runs for each seed."""
    return [{"seed": seed, "part": part} for seed, part in product(SEEDS, PARTS)]


def fine_tuned(seed: int, reviews: dict) -> tuple:
    """Tokenizer and model; kept in `outputs`, so that a stopped study need not train again."""
    place = downloads.ROOT / "outputs" / "explanations" / f"seed{seed}"
    if place.exists():
        return training.load(place)
    tokenizer, model = checkpoints.load(seed=seed)
    parts = reviews["train"], reviews["validation"].select(range(2))
    training.fine_tune(model, tokenizer, *parts, recorded.config(seed))
    training.save(model, tokenizer, place)
    return tokenizer, model


def scored(model, tokenizer, sentences: list[list[str]], labels: list[int], seed: int) -> dict:
    """Word scores of every method for each sentence, towards its label; most gaps of the third."""
    draws = np.random.default_rng(seed)
    found = {name: [] for name in recorded.METHODS}
    gaps = []
    for words, label in zip(sentences, labels, strict=True):
        asked = model, tokenizer, words
        integrated, gap = explain.integrated_gradients(*asked, label, STEPS)
        gaps.append(gap)

        def lean(texts, label=label):
            return explain.lean(model, tokenizer, texts, label)

        own = [
            draws.random(len(words)),
            explain.gradient(*asked, label),
            explain.gradient_times_input(*asked, label),
            integrated,
            explain.leave_one_out(lean, words),
            explain.attention(*asked),
            explain.rollout(*asked),
        ]
        for name, values in zip(recorded.METHODS, own, strict=True):
            found[name].append(values)
    return {"scores": found, "gaps": np.abs(gaps)}


def hundredths(values: np.ndarray) -> str:
    """Numbers in hundredths, rounded, with spaces between them."""
    return " ".join(map(str, np.rint(100 * values).astype(int)))


def examine(seed: int, model, tokenizer, sentences, labels, scores: dict) -> None:
    """Append the curves of all methods, by [MASK] and by deletion."""

    def probability(texts):
        return explain.probability(model, tokenizer, texts)

    for way, remove in WAYS.items():
        curves = explain.faithfulness(probability, sentences, labels, scores, remove=remove)
        for name, kinds in curves.items():
            for kind, (s, share) in product(kinds, enumerate(explain.SHARES)):
                entry = {"seed": seed, "method": name, "way": way, "kind": kind, "share": share}
                runs.append(CURVES, entry | {"hundredths": hundredths(kinds[kind][:, s])})


def randomize(seed: int, model, tokenizer, sentences, labels, scores: dict) -> None:
    """Append, for each part made random, how the scores correlate with the real ones."""
    for stage, changed in explain.randomized_from_the_top(model, seed=1000 + seed):
        other = scored(changed, tokenizer, sentences, labels, seed=2000 + seed)["scores"]
        for name, values in other.items():
            pairs = zip(values, scores[name], strict=True)
            both = [
                (explain.rank_correlation(a, b), explain.rank_correlation(abs(a), abs(b)))
                for a, b in pairs
            ]
            signed, absolute = map(hundredths, np.transpose(both))
            entry = {"seed": seed, "method": name, "stage": stage}
            runs.append(RANDOMIZED, entry | {"signed": signed, "absolute": absolute})


def repaired(tokenizer, model, reviews, with_templates: bool, seed: int) -> tuple:
    """A fine-tuned model, trained further on 1,000 sentences: reviews, 100 templates among them."""
    rows = recorded.repair_rows(reviews["train"], with_templates, seed)
    parts = rows, reviews["validation"].select(range(2))
    training.fine_tune(model, tokenizer, *parts, recorded.repair_config(seed))
    return tokenizer, model


def behave(seed: int, version: str, model, tokenizer, reviews) -> dict[str, float]:
    """Append which cases fail and which test reviews are judged wrong; the accuracy of these."""
    cases = recorded.cases(reviews["test"]["text"])
    texts = [case.text for case in cases] + [case.other or case.text for case in cases]
    both = explain.probability(model, tokenizer, texts).reshape(2, -1)
    failed = explain.fails(cases, *both)
    test = reviews["test"]
    wrong = training.predict(model, tokenizer, test["text"]).argmax(axis=1) != test["label"][:]
    for what, values in (("cases", failed), ("test", wrong)):
        text = "".join(map(str, np.asarray(values).astype(int)))
        runs.append(BEHAVIOUR, {"seed": seed, "version": version, "what": what, "failed": text})
    return {f"accuracy_{version}": round(1 - float(wrong.mean()), 5)}


def behaviour(seed: int, reviews) -> dict:
    """The tests of behaviour of a model and of its two repairs."""
    tokenizer, model = fine_tuned(seed, reviews)
    found = behave(seed, "before", model, tokenizer, reviews)
    for version, with_templates in (("more reviews", False), ("templates", True)):
        again = fine_tuned(seed, reviews)
        tokenizer, model = repaired(*again, reviews, with_templates, seed)
        found |= behave(seed, version, model, tokenizer, reviews)
    return found


def run(seed: int, part: str) -> dict:
    """One of the three parts, for one seed."""
    reviews = corpora.load("reviews")
    if part == "behaviour":
        found = behaviour(seed, reviews)
    else:
        tokenizer, model = fine_tuned(seed, reviews)
        count = FEWER if part == "randomized" else recorded.COUNT
        sentences = recorded.sentences(reviews["test"])[:count]
        whole = [" ".join(words) for words in sentences]
        labels = (explain.lean(model, tokenizer, whole) >= 0).astype(int).tolist()
        own = scored(model, tokenizer, sentences, labels, seed)
        do = randomize if part == "randomized" else examine
        do(seed, model, tokenizer, sentences, labels, own["scores"])
        gaps = own["gaps"]
        found = {"gap_median": round(np.median(gaps), 5), "gap_most": round(gaps.max(), 5)}
    return found | {"precision": runtime.precision_name()}


def main() -> None:
    """Do the runs that are not there yet."""
    runs.drive(planned(), run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
