"""How accurate is the fine-tuned review classifier? Seeds, choice on validation, then the test.

    python -m tools.experiments.review_accuracy choose --seeds 0 1 2 3 4   validation only
    python -m tools.experiments.review_accuracy control                    labels shuffled
    python -m tools.experiments.review_accuracy test --seeds 0 1 2 3 4     the chosen one, test part
    python -m tools.experiments.review_accuracy report                     the tables

Every finished run is a row an epoch in review_accuracy.csv; a run that is there is not repeated.
"""

import argparse

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from helpers import checkpoints, corpora, runtime, training
from tools.experiments import runs
from tools.experiments.provenance import MEASURED, markdown, provenance

RESULTS = MEASURED / "review_accuracy.csv"
CANDIDATES = {
    "all weights, 1e-4": {"learning_rate": 1e-4},
    "word table frozen, 1e-4": {"learning_rate": 1e-4, "freeze_word_embeddings": True},
}
CHOSEN = "all weights, 1e-4"
CONTROL = "train labels shuffled"


def done() -> pd.DataFrame:
    """The rows measured so far."""
    if RESULTS.exists():
        return pd.read_csv(RESULTS)
    return pd.DataFrame(columns=["name", "part", "seed"])


def run(name: str, part: str, seed: int, reviews) -> None:
    """Train one candidate with one seed; score the part the row is about."""
    config = training.TrainingConfig(seed=seed, **CANDIDATES.get(name, CANDIDATES[CHOSEN]))
    tokenizer, model = checkpoints.load(seed=seed)
    train = reviews["train"]
    if name == CONTROL:
        labels = np.random.default_rng(seed).permutation(train["label"])
        train = train.remove_columns("label").add_column("label", labels)
    result = training.fine_tune(model, tokenizer, train, reviews["validation"], config)
    rows = result.history.rename(columns={"accuracy": "validation_accuracy"})
    if part == "test":
        test = reviews["test"]
        logits = training.predict(model, tokenizer, test["text"])
        hits = logits.argmax(axis=1) == np.asarray(test["label"])
        rows["test_accuracy"] = hits.mean()
        rows["test_n"] = len(hits)
    facts = {"name": name, "part": part, "seed": seed, "best_epoch": result.best_epoch}
    facts |= {"precision": runtime.precision_name()} | provenance()
    runs.append(RESULTS, *rows.assign(**facts).to_dict("records"))


def summary(groups) -> pd.DataFrame:
    """Mean, spread over seeds and range of accuracies, in percent."""
    figures = 100 * groups.agg(["mean", "std", "min", "max"])
    figures.columns = ["mean, %", "sd over seeds", "lowest", "highest"]
    return figures.map("{:.1f}".format).assign(seeds=groups.size())


def report() -> str:
    """The choice on validation, the control, and the test result, as Markdown."""
    rows = done()
    best = rows[rows["epoch"] == rows["best_epoch"]]
    chosen_from = best[best["part"] != "test"].groupby("name")["validation_accuracy"]
    text = f"Validation:\n\n{markdown(summary(chosen_from))}\n"
    test = best[best["part"] == "test"]
    if len(test):
        mean, n = test["test_accuracy"].mean(), int(test["test_n"].iloc[0])
        interval = binomtest(round(mean * n), n).proportion_ci(method="wilson")
        text += f"\nTest, n = {n:,}:\n\n"
        text += markdown(summary(test.groupby("name")["test_accuracy"]))
        text += f"\n\n95 % Wilson interval of the mean's hits among {n:,} sentences: "
        text += f"{interval.low:.1%} to {interval.high:.1%}.\n"
    return text


def main() -> None:
    """Run what is asked and not yet there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["choose", "control", "test", "report"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--names", nargs="+", default=list(CANDIDATES))
    options = parser.parse_args()
    if options.what == "report":
        print(report())
        return
    names = {"choose": options.names, "control": [CONTROL], "test": [CHOSEN]}[options.what]
    reviews = corpora.load("reviews")
    for seed in options.seeds:
        for name in names:
            rows = done()
            there = (rows["name"] == name) & (rows["part"] == options.what) & (rows["seed"] == seed)
            if not there.any():
                print(f"{options.what}: {name}, seed {seed}")
                run(name, options.what, seed, reviews)
    print(report())


if __name__ == "__main__":
    main()
