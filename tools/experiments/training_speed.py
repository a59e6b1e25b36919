"""How fast is `fine_tune` beside `transformers.Trainer`? Samples per second, accuracy, memory.

    python -m tools.experiments.training_speed run --rounds 5   add rounds to training_speed.csv
    python -m tools.experiments.training_speed run --rounds 2 --first 8 --name "fine_tune, fp32"
                                                         only this configuration, seeds 8 and 9
    python -m tools.experiments.training_speed report           the table of training_speed.md

A run is one epoch over all training reviews, in a process of its own: same model, data, batch
size and learning rate. A round holds every configuration once, so that a machine that slows down
slows all of them; a round's number is its seed. The clock runs from texts and a loaded model to
trained weights: tokenizing and training for both, and for `fine_tune` also the choice of the
precision and an evaluation on 64 sentences. Large memory pages and threads
that wait asleep, which `helpers` asks for, are switched off for `Trainer`, which would not have
asked.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable

import numpy as np
import pandas as pd
from datasets import Dataset
from scipy import stats
from transformers import (
    AutoModelForSequenceClassification,
    DataCollatorWithPadding,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Trainer,
    TrainingArguments,
)

from helpers import checkpoints, corpora, runtime, speedups, training
from tools.experiments import runs
from tools.experiments.provenance import MEASURED, markdown, provenance, spread

RESULTS = MEASURED / "training_speed.csv"
BATCH_SIZE, LEARNING_RATE = 32, 1e-4
RIVALS = ["Trainer, defaults", "Trainer, bf16, grouped"]

GROUPED = {"bf16": True, "use_cpu": True, "train_sampling_strategy": "group_by_length"}
CONFIGURATIONS: dict[str, tuple[str, dict]] = {
    "Trainer, defaults": ("trainer", {}),
    "Trainer, bf16, grouped": ("trainer", GROUPED),
    "Trainer, bf16, grouped, eager": ("trainer", GROUPED | {"attention": "eager"}),
    "fine_tune, fp32": ("ours", {"precision": "fp32"}),
    "fine_tune, defaults": ("ours", {}),
    "fine_tune, last layer for [CLS]": ("ours", {"short": True}),
    "fine_tune, word table frozen": ("ours", {"freeze_word_embeddings": True}),
    "fine_tune, last layer for [CLS], word table frozen": (
        "ours",
        {"short": True, "freeze_word_embeddings": True},
    ),
}

Trained = tuple[PreTrainedTokenizerBase, PreTrainedModel, float]


def by_trainer(train: Dataset, seed: int, attention: str = "sdpa", **options) -> Trained:
    """One epoch by the library's Trainer; seconds from texts to weights."""
    tokenizer, fresh = checkpoints.load(seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        fresh.save_pretrained(folder)  # the same head for all, loaded as the library loads it
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, attn_implementation=attention, trust_remote_code=False
        )
        arguments = TrainingArguments(
            output_dir=folder,
            num_train_epochs=1,
            per_device_train_batch_size=BATCH_SIZE,
            learning_rate=LEARNING_RATE,
            seed=seed,
            report_to="none",
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
            **options,
        )
        collator = DataCollatorWithPadding(tokenizer)
        with runtime.timer() as took:
            rows = train.map(lambda batch: tokenizer(batch["text"]), batched=True)
            rows = rows.remove_columns("text")
            Trainer(model, arguments, train_dataset=rows, data_collator=collator).train()
    return tokenizer, model, took["seconds"]


def by_fine_tune(train: Dataset, seed: int, short: bool = False, **options) -> Trained:
    """One epoch by the course's loop; seconds of the whole call.

    Args:
        short: the last layer computes [CLS] alone.
    """
    config = training.TrainingConfig(
        epochs=1, batch_size=BATCH_SIZE, learning_rate=LEARNING_RATE, seed=seed, **options
    )
    tokenizer, model = checkpoints.load(seed=seed)
    with runtime.timer() as took:
        if short:
            speedups.shorten_last_layer(model)
        training.fine_tune(model, tokenizer, train, train.select(range(64)), config)
    return tokenizer, model, took["seconds"]


LOOPS: dict[str, Callable[..., Trained]] = {"trainer": by_trainer, "ours": by_fine_tune}


def measure(name: str, seed: int, sentences: int) -> dict:
    """One run in this process: speed, peak memory while training, validation accuracy."""
    reviews = corpora.load("reviews")
    train = reviews["train"].select(range(min(sentences, len(reviews["train"]))))
    loop, options = CONFIGURATIONS[name]
    tokenizer, model, seconds = LOOPS[loop](train, seed, **options)
    memory = runtime.memory_mb()
    logits = training.predict(model.eval(), tokenizer, reviews["validation"]["text"])
    hits = logits.argmax(axis=1) == np.asarray(reviews["validation"]["label"])
    return {
        "configuration": name,
        "seed": seed,
        "sentences": len(train),
        "seconds": round(seconds, 2),
        "samples_per_second": round(len(train) / seconds, 1),
        "peak_memory_mb": round(memory),
        "validation_accuracy": float(hits.mean()),
        "chosen_precision": str(runtime.best_precision(runtime.best_device())),
    } | provenance()


def run_round(seed: int, sentences: int, names: list[str]) -> None:
    """Configurations once, each in a fresh process; a finished run is a row at once."""
    for name in names:
        command = [
            sys.executable,
            "-m",
            "tools.experiments.training_speed",
            "one",
            "--name",
            name,
            "--first",
            str(seed),
        ]
        command += ["--sentences", str(sentences)]
        environment = runs.environment(ours=CONFIGURATIONS[name][0] != "trainer")
        done = subprocess.run(
            command, check=True, stdout=subprocess.PIPE, encoding="locale", env=environment
        )
        row = json.loads(done.stdout.splitlines()[-1])
        runs.append(RESULTS, row)
        print(f"{seed}  {name:52}{row['samples_per_second']:8.1f} samples/s", flush=True)


def times_as_fast(rows: pd.DataFrame, rival: str) -> pd.Series:
    """Samples a second over those of the rival in the same round; NaN where it did not run."""
    speed = rows[rows["configuration"] == rival].set_index("seed")["samples_per_second"]
    return rows["samples_per_second"] / rows["seed"].map(speed)


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and range of each configuration, from the rounds of one processor.

    Rounds without the rivals were run for their accuracy and are left out here.
    """
    for rival in RIVALS:
        rows = rows.assign(**{rival: times_as_fast(rows, rival)})
    by_name = dict(list(rows.dropna(subset=RIVALS).groupby("configuration")))
    lines = {}
    for name in [name for name in CONFIGURATIONS if name in by_name]:
        group = by_name[name]
        accuracy = group["validation_accuracy"]
        lines[name] = {
            "rounds": len(group),
            "samples/s": spread(group["samples_per_second"], "{:.0f}"),
            **{f"times `{rival}`": spread(group[rival]) for rival in RIVALS},
            "peak memory, MB": group["peak_memory_mb"].max(),
            "accuracy": f"{accuracy.mean():.3f} ({accuracy.min():.3f} to {accuracy.max():.3f})",
        }
    return pd.DataFrame(lines).T.rename_axis("configuration")


def paired(rows: pd.DataFrame) -> tuple[pd.Series, float]:
    """Accuracy of the defaults minus that of fp32, in points, for each seed on each processor.

    Returns:
        The differences, and half the width of the 95 % interval of their mean (Student's t).
    """
    accuracy = rows.pivot(
        index=["processor", "seed"], columns="configuration", values="validation_accuracy"
    )
    difference = 100 * (accuracy["fine_tune, defaults"] - accuracy["fine_tune, fp32"]).dropna()
    t = stats.t.ppf(0.975, len(difference) - 1)
    return difference, float(t * difference.std() / np.sqrt(len(difference)))


def report() -> str:
    """Processor, date and table for each processor measured, then the price of bf16 over all."""
    texts, measured = [], pd.read_csv(RESULTS)
    for processor, rows in measured.groupby("processor", sort=False):
        facts = f"{processor}, {rows['cores'].iloc[0]} cores, {rows['date'].max()}"
        facts += f", torch {rows['torch'].iloc[0]}, transformers {rows['transformers'].iloc[0]}"
        texts.append(f"{facts}:\n\n{markdown(table(rows))}\n")
    difference, half = paired(measured)
    middle = difference.mean()
    price = f"The defaults (bf16) minus fp32, accuracy on validation: {middle:+.1f} points, "
    price += f"95 % interval {middle - half:+.1f} to {middle + half:+.1f} ({len(difference)} "
    return "\n".join([*texts, f"{price}pairs of one seed).\n"])


def main() -> None:
    """Measure or report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["run", "one", "report"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--sentences", type=int, default=10**6)
    parser.add_argument("--name", choices=list(CONFIGURATIONS), action="append")
    options = parser.parse_args()
    if options.what == "one":
        print(json.dumps(measure(options.name[0], options.first, options.sentences)))
        return
    if options.what == "run":
        for seed in range(options.first, options.first + options.rounds):
            run_round(seed, options.sentences, options.name or list(CONFIGURATIONS))
    print(report())


if __name__ == "__main__":
    main()
