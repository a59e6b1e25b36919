"""A labelled file from its path to a report: what notebook 13 does, for any kind of file.

    python -m tools.own_file tweets.csv --text text --label sentiment
    python -m tools.own_file sms.tsv --text text --label label --header label,text
    python -m tools.own_file pairs.tsv --text premise --text hypothesis --label entailed
    python -m tools.own_file mail.csv --text body --label tags --label-separator ";"

The file is checked and split; TF-IDF with logistic regression (or ridge regression, for numbers)
and the encoder's frozen features choose their hyperparameters by cross-validation; the encoder is
fine-tuned with a few learning rates and numbers of epochs, and the validation part chooses. The
test part is scored once, at the end. Nothing is fetched: the file has to be on this machine.
"""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import Dataset, DatasetDict, concatenate_datasets
from scipy.special import expit, logit

from helpers import (
    baselines,
    checkpoints,
    corpora,
    multi_label,
    own_data,
    report,
    runtime,
    training,
)

# Learning rate and epochs; with what the curve then suggests, fewer than the ten of a baseline.
TRIED = ((5e-5, 4), (2e-4, 4), (2e-4, 8))
MOST_FOLLOWED = 2
BATCH_SIZE = 16
SAMPLE_SEED = 20
LEAST_OF_LABEL = 20  # validation texts that have a label, for a threshold of its own
LEAST_OF_EACH = 5  # rows of each class in a sample, if that leaves room
SURE = 1e-6  # probabilities of baselines are kept this far from 0 and 1


@dataclass
class Rivals:
    """What the fine-tuned model is compared with.

    Attributes:
        test, validation: model to its outputs on that part, as `report.Result` wants them; the
            model that did best inside its cross-validation first.
    """

    test: dict[str, np.ndarray]
    validation: dict[str, np.ndarray]


def sampled(mine: own_data.OwnData, most: int | None) -> own_data.OwnData:
    """At most so many rows to learn from, a quarter as many to choose by, twice as many to test."""
    if most is None:
        return mine
    sizes = {"train": most, "validation": max(50, most // 4), "test": 2 * most}
    rng = np.random.default_rng(SAMPLE_SEED)
    parts = {
        part: rows.select(drawn(rows["label"][:], sizes[part], rng))
        for part, rows in mine.datasets.items()
    }
    kept = sum(map(len, parts.values()))
    note = f"of the rows that can be used, {kept:,} were drawn to save time"
    return replace(mine, datasets=DatasetDict(parts), notes=[*mine.notes, note])


def drawn(labels: list, most: int, rng: np.random.Generator) -> list[int]:
    """Places of rows drawn at random, but with some of each class, or of each label."""
    order = rng.permutation(len(labels)).tolist()
    found: dict[object, list[int]] = {}
    for place in order:
        own = labels[place]
        names = [i for i, has in enumerate(own) if has] if isinstance(own, list) else [own]
        for name in names:
            found.setdefault(name, []).append(place)
    few = {place for places in found.values() for place in places[:LEAST_OF_EACH]}
    some = few if len(found) * LEAST_OF_EACH <= most else set()
    others = [place for place in order if place not in some]
    return sorted([*some, *others[: max(0, most - len(some))]])


def targets(dataset: Dataset) -> np.ndarray:
    """The labels of a part: (n,), or (n, C) of zeros and ones."""
    return np.array(dataset["label"][:])


def fitted_rivals(mine: own_data.OwnData, checkpoint: str) -> Rivals:
    """TF-IDF and frozen features, tuned inside train and validation together."""
    parts = mine.datasets
    pool = concatenate_datasets([parts["train"], parts["validation"]])
    several, numbers = mine.multi_label, mine.names is None
    if numbers:
        models = {"TF-IDF": baselines.tfidf_ridge(), "frozen": baselines.ridge_on_features()}
    else:
        models = {
            "TF-IDF": baselines.tfidf(multi_label=several),
            "frozen": baselines.on_features(multi_label=several),
        }

    def inputs(name: str, dataset: Dataset) -> Sequence:
        texts = corpora.inputs(dataset)
        if name == "TF-IDF":
            return baselines.joined(texts)
        return baselines.mean_features(texts, checkpoint=checkpoint)

    for name, model in models.items():
        model.fit(inputs(name, pool), targets(pool))
    ranked = sorted(models, key=lambda name: models[name].best_score_, reverse=True)
    outputs = {
        part: {n: outputs_of(models[n], inputs(n, parts[part]), mine) for n in ranked}
        for part in ("test", "validation")
    }
    return Rivals(**outputs)


def outputs_of(model: object, inputs: Sequence, mine: own_data.OwnData) -> np.ndarray:
    """What a baseline says: numbers (n, 1), log-odds of labels (n, C), or scores of classes."""
    if mine.names is None:
        return model.predict(inputs)[:, None]
    if mine.multi_label:
        return logit(np.clip(model.predict_proba(inputs), SURE, 1 - SURE))
    scores = np.full((len(inputs), len(mine.names)), np.log(SURE))
    scores[:, model.classes_] = model.predict_log_proba(inputs)
    return scores


def tuned(mine: own_data.OwnData, asked: argparse.Namespace) -> tuple:
    """Tokenizer, model and run of the configuration that does best on the validation part.

    Numbers are learned on a scale of their own, which the head is given at the end.
    """
    tokenizer = checkpoints.load_tokenizer(asked.checkpoint)
    names = ["number"] if mine.names is None else mine.names
    configs = [
        training.TrainingConfig(
            epochs=epochs,
            batch_size=BATCH_SIZE,
            learning_rate=rate,
            best_metric="validation_loss",
            max_length=asked.max_length,
            precision=asked.precision,
            seed=asked.seed,
        )
        for rate, epochs in TRIED
    ]
    parts, scale = mine.datasets, None
    if mine.names is None:
        learned = targets(parts["train"])
        scale = learned.mean(), learned.std()
        parts = parts.map(lambda row: {"label": (row["label"] - scale[0]) / scale[1]})

    def tried(some: list[training.TrainingConfig]) -> training.Search:
        """The best of some configurations."""
        return training.search(
            lambda: checkpoints.load(asked.checkpoint, len(names), asked.seed, names)[1],
            tokenizer,
            parts["train"],
            parts["validation"],
            some,
        )

    found = followed(tried(configs), tried)
    if scale:
        in_units(found.model, *scale)
    return tokenizer, found.model, found.run


def followed(
    found: training.Search, tried: Callable[[list[training.TrainingConfig]], training.Search]
) -> training.Search:
    """Go on with what the curve of the best run suggests, as long as that helps."""
    for _ in range(MOST_FOLLOWED):
        config = training.next_config(found.run)
        if config is None:
            return found
        print(f"The curve suggests {config.epochs} epochs at {config.learning_rate:.0e}.")
        other = tried([config])
        other.run.tried = found.run.tried + 1
        if lowest(other.run) >= lowest(found.run):
            found.run.tried += 1
            return found
        found = other
    return found


def lowest(run: training.TrainingRun) -> float:
    """The validation loss of the epoch that stayed."""
    return run.rows[run.best_epoch - 1]["validation_loss"]


def in_units(model: object, mean: float, deviation: float) -> None:
    """Let the head of a model of numbers answer in the labels' unit."""
    head = model.classifier
    head.weight.data.mul_(deviation)
    head.bias.data.mul_(deviation).add_(mean)


def thresholds_of(
    mine: own_data.OwnData, outputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray] | None:
    """For several labels the thresholds of each model, chosen on the validation part."""
    if not mine.multi_label:
        return None
    labels = targets(mine.datasets["validation"])
    return {
        model: multi_label.best_thresholds(labels, expit(found), LEAST_OF_LABEL)
        for model, found in outputs.items()
    }


def compared(mine: own_data.OwnData, asked: argparse.Namespace) -> tuple:
    """The result of all models on the test part, the tokenizer and the model."""
    rivals = fitted_rivals(mine, asked.checkpoint)
    tokenizer, model, run = tuned(mine, asked)
    print(training.advice(run) or "The curve of the chosen run suggests no other settings.")
    own = {
        part: training.predict(model, tokenizer, corpora.inputs(mine.datasets[part]))
        for part in ("validation", "test")
    }
    chosen = thresholds_of(mine, {"fine-tuned": own["validation"]} | rivals.validation)
    outputs = {"fine-tuned": own["test"]} | rivals.test
    result = report.Result(mine, run, outputs, asked.checkpoint, thresholds=chosen)
    return result, tokenizer, model


def summary(result: report.Result) -> dict[str, object]:
    """The figures of a run in one row, for a table of several files."""
    table, ahead = report.scores(result), report.differences(result)
    name = table.columns[0]
    row = {"file": result.mine.file, "rows": result.mine.rows, "left_out": len(result.mine.dropped)}
    row |= {"labels": len(result.mine.names or []), "metric": name}
    row |= {part: len(rows) for part, rows in result.mine.datasets.items()}
    row |= {model: round(float(value), 4) for model, value in table[name].items()}
    gain = ahead.loc["TF-IDF"].round(2)
    row |= {"ahead_of_tfidf": gain["gain"], "low": gain["gain low"], "high": gain["gain high"]}
    config = result.run.config
    return row | {
        "learning_rate": config.learning_rate,
        "epochs": config.epochs,
        "best_epoch": result.run.best_epoch,
        "tried": result.run.tried,
    }


def parser() -> argparse.ArgumentParser:
    """The options; those of the file are called as the arguments of `own_data.load`."""
    found = argparse.ArgumentParser(
        prog="python -m tools.own_file",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    found.add_argument("path", help="the labelled file")
    found.add_argument("--text", action="append", required=True, help="column; two for pairs")
    found.add_argument("--label", action="append", required=True, help="column; several of 0 and 1")
    for name in ("encoding", "delimiter", "quote", "label-separator", "validation", "test"):
        found.add_argument(f"--{name}")
    found.add_argument("--header", type=lambda names: names.split(","), help="names, with commas")
    found.add_argument("--missing", type=lambda words: words.split(","), help="words, with commas")
    found.add_argument("--group", help="column of what belongs together: no group in two parts")
    found.add_argument("--time", help="column of dates or numbers: the latest rows are the test")
    found.add_argument("--most-classes", type=int, default=50)
    found.add_argument("--regression", action="store_true", help="labels are numbers")
    found.add_argument("--drop-rare", action="store_true", help="leave small classes out")
    found.add_argument("--sample", type=int, help="learn from at most so many rows")
    found.add_argument("--max-length", type=int, default=128, help="tokens read of each text")
    found.add_argument("--precision", choices=("auto", "fp32", "bf16"), default="auto")
    found.add_argument("--checkpoint", default=checkpoints.CHECKPOINT)
    found.add_argument("--seed", type=int, default=0)
    found.add_argument("--out", default="outputs/own_file", help="folder of report and model")
    found.add_argument("--table", help="a CSV that gets one row more")
    return found


def loaded(asked: argparse.Namespace) -> own_data.OwnData:
    """The file, checked and split as the options say, with its notes printed."""
    names = ("encoding", "quote", "header", "missing", "most_classes", "regression", "drop_rare")
    names += ("label_separator", "validation", "test")
    options = {name: getattr(asked, name) for name in names}
    options |= {"group_column": asked.group, "time_column": asked.time}
    if options["quote"] == "none":  # some shells drop an argument that is empty
        options["quote"] = ""
    text = asked.text if len(asked.text) > 1 else asked.text[0]
    label = asked.label if len(asked.label) > 1 else asked.label[0]
    delimiter = "\t" if asked.delimiter == "\\t" else asked.delimiter
    mine = own_data.load(asked.path, text, label, delimiter=delimiter, **options)
    print("\n".join(f"  note: {note}" for note in mine.notes))
    return sampled(mine, asked.sample)


def main(arguments: list[str] | None = None) -> int:
    """From a file to its report; returns 0, or 1 after a message about the file."""
    asked = parser().parse_args(arguments)
    runtime.set_seed(asked.seed)
    try:
        mine = loaded(asked)
    except corpora.DataError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    result, tokenizer, model = compared(mine, asked)
    print(report.with_intervals(report.scores(result)).to_string())
    print(report.comparison(result))
    out = Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    report.write_page(result, out / "report.html")
    report.save_model(result, model, tokenizer, out / "model")
    print(f"Report: {out / 'report.html'}. Model: {out / 'model'}.")
    row = summary(result)
    print(json.dumps(row))
    if asked.table:
        append(Path(asked.table), row)
    return 0


def append(table: Path, row: dict[str, object]) -> None:
    """Add a row to a table of files; a row of the same file stays beside it."""
    before = pd.read_csv(table) if table.exists() else pd.DataFrame()
    with own_data.replacing(table) as file:
        pd.concat([before, pd.DataFrame([row])]).to_csv(file, index=False)


if __name__ == "__main__":
    sys.exit(main())
