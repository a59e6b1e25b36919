"""What do time and memory do as texts, tokens, labels and rows grow sixteenfold?

    python -m tools.experiments.cost_against_size            three rounds, then cost_against_size.md
    python -m tools.experiments.cost_against_size report     write cost_against_size.md anew

Each point is a process of its own: the clock covers one call of `fine_tune` (one epoch), `predict`
or `predict_file`, after a first call on a few texts of the same kind that does not count; memory
is the most that the process held, with Python and the libraries. Texts are one word repeated, so
that each has exactly the tokens asked for. A series changes one thing and holds the others.

A million rows are predicted once, because that takes minutes. `a CSV, no network` reads and writes
as many with zeros in place of the logits: what the reading and writing cost.

A point is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import ClassLabel, Dataset, Features, Value

from helpers import checkpoints, own_data, runtime, training
from tools.experiments import runs
from tools.experiments.provenance import (
    MEASURED,
    PAGES,
    by_processor,
    machine,
    markdown,
    parser,
    spread,
    write_page,
)

RESULTS = MEASURED / "cost_against_size.csv"
PAGE = PAGES / "cost_against_size.md"
FACTORS = (1, 2, 4, 8, 16)
ROUNDS = 3
# What a series holds while it changes one thing, and the smallest value of what it changes.
HELD = {
    "fine_tune": {"texts": 128, "tokens": 32, "labels": 2},
    "predict": {"texts": 512, "tokens": 32, "labels": 2},
}
SMALLEST = {
    ("fine_tune", "texts"): 64,
    ("fine_tune", "tokens"): 8,
    ("fine_tune", "labels"): 2,
    ("predict", "texts"): 256,
    ("predict", "tokens"): 8,
    ("predict", "labels"): 2,
    ("a CSV", "rows"): 1_000,
}
# Too long for every round: once.
ONCE = {
    ("a CSV", "rows"): (64_000, 1_000_000),
    ("a CSV, no network", "rows"): (1_000, 4_000, 16_000, 64_000, 250_000, 1_000_000),
}

HAS_FORK = hasattr(os, "fork")
FRESH = multiprocessing.get_context("forkserver" if HAS_FORK else "spawn")


def planned(rounds: int = ROUNDS) -> list[dict]:
    """Every point: one dictionary each, a whole round before the next."""
    points = []
    for number in range(rounds):
        for (what, varied), smallest in SMALLEST.items():
            points += [(number, what, varied, factor * smallest) for factor in FACTORS]
        if number == 0:
            points += [(0, *series, size) for series, sizes in ONCE.items() for size in sizes]
    keys = ("processor", "round", "what", "varied", "size")
    return [dict(zip(keys, (runtime.processor(), *point), strict=True)) for point in points]


def examples(texts: int, tokens: int, labels: int) -> Dataset:
    """So many texts of exactly so many tokens, with labels by turns."""
    names = [str(i) for i in range(labels)]
    rows = {
        "text": [" ".join(["good"] * (tokens - 2))] * texts,  # [CLS] and [SEP] are tokens too
        "label": [i % labels for i in range(texts)],
    }
    return Dataset.from_dict(
        rows, Features({"text": Value("string"), "label": ClassLabel(names=names)})
    )


def numbered_csv(path: Path, rows: int) -> Path:
    """A CSV of so many short texts, written row by row."""
    with path.open("w", encoding="utf8") as file:
        file.write("text\n")
        file.writelines(f"text number {i}\n" for i in range(rows))
    return path


def train(texts: int, tokens: int, labels: int) -> float:
    """Seconds of one epoch of `fine_tune`, scored on 32 of its own texts."""
    tokenizer, model = checkpoints.load(num_labels=labels)
    rows, warm = examples(texts, tokens, labels), examples(32, tokens, labels)
    config = training.TrainingConfig(epochs=1)
    training.fine_tune(model, tokenizer, warm, warm, config)
    with runtime.timer() as took:
        training.fine_tune(model, tokenizer, rows, warm, config)
    return took["seconds"]


def predict(texts: int, tokens: int, labels: int) -> float:
    """Seconds of `predict`."""
    tokenizer, model = checkpoints.load(num_labels=labels)
    rows = examples(texts, tokens, labels)["text"][:]
    training.predict(model, tokenizer, rows[:64])
    with runtime.timer() as took:
        training.predict(model, tokenizer, rows)
    return took["seconds"]


def predict_csv(rows: int, network: bool) -> float:
    """Seconds of `predict_file`, with or without the network."""
    tokenizer, model = checkpoints.load()

    def logits(texts: list[str]) -> np.ndarray:
        return training.predict(model, tokenizer, texts) if network else np.zeros((len(texts), 2))

    with tempfile.TemporaryDirectory() as folder:
        source, target = numbered_csv(Path(folder) / "rows.csv", rows), Path(folder) / "new.csv"
        first = numbered_csv(Path(folder) / "first.csv", 64)
        own_data.predict_file(first, "text", target, logits, ["no", "yes"])
        with runtime.timer() as took:
            done = own_data.predict_file(source, "text", target, logits, ["no", "yes"])
    if done != {"rows": rows, "predicted": rows}:
        raise RuntimeError(f"{rows} rows were given, {done} is what became of them.")
    return took["seconds"]


def measure(what: str, varied: str, size: int) -> dict:
    """One point, in this process: seconds and the most memory."""
    if varied == "rows":
        seconds = predict_csv(size, network=what == "a CSV")
    else:
        task = {"fine_tune": train, "predict": predict}[what]
        seconds = task(**(HELD[what] | {varied: size}))
    return {
        "seconds_taken": round(seconds, 4),
        "peak_memory_mb": round(runtime.memory_mb(), 1),
        "precision": runtime.precision_name(),
        "threads": torch.get_num_threads(),
    }


def in_fresh_process(what: str, varied: str, size: int, **_) -> dict:
    """`measure` in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=FRESH) as pool:
        return pool.submit(measure, what, varied, size).result()


def slope(sizes: np.ndarray, costs: np.ndarray) -> float:
    """Least-squares slope of log cost on log size: 1 is proportional, 0 is flat."""
    return float(np.polyfit(np.log(sizes), np.log(costs), 1)[0])


def slopes(rows: pd.DataFrame, cost: str) -> pd.Series:
    """The slope of each round of one series."""
    rounds = rows.sort_values("size").groupby("round")
    return rounds[["size", cost]].apply(lambda r: slope(r["size"], r[cost]))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each series, from the rows of one processor."""
    lines = {}
    for (what, varied), series in rows.groupby(["what", "varied"], sort=False):
        ends = series["size"].agg(["min", "max"])
        low, high = (series[series["size"] == size] for size in ends)
        lines[f"{what}: {varied}"] = {
            "from, to": f"{ends['min']:,} to {ends['max']:,}",
            "rounds": series["round"].nunique(),
            "seconds at the smallest size": spread(low["seconds_taken"]),
            "at the largest": spread(high["seconds_taken"]),
            "slope of time": spread(slopes(series, "seconds_taken")),
            "MB at the smallest": spread(low["peak_memory_mb"], "{:.0f}"),
            "MB at the largest": spread(high["peak_memory_mb"], "{:.0f}"),
            "slope of memory": spread(slopes(series, "peak_memory_mb"), "{:.3f}"),
        }
    return pd.DataFrame(lines).T.rename_axis("series")


def repeated(rows: pd.DataFrame) -> pd.Series:
    """Median seconds of the one point that all series of `predict` share, by series."""
    held = rows[rows["what"] == "predict"]
    held = held[held["size"] == held["varied"].map(HELD["predict"])]
    return held.groupby("varied", sort=False)["seconds_taken"].median()


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, table and what it says of one processor."""
    csv = {
        what: rows[rows["what"] == what].groupby("size")["peak_memory_mb"].median()
        for what in ("a CSV", "a CSV, no network")
    }
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads, {rows['precision'].iloc[0]}\n\n"
    text += f"{markdown(table(rows))}\n"
    shared = ", ".join(f"{seconds:.2f}" for seconds in repeated(rows))
    text += f"\nOne point stands in each series of `predict`. Its medians were {shared} s, so\n"
    text += "smaller differences say nothing.\n"
    for what, memory in csv.items():
        extra = memory.iloc[-1] - memory.iloc[0]
        text += f"\nMemory of {what}: {memory.iloc[0]:.0f} MB for {memory.index[0]:,} rows, "
        text += f"{memory.iloc[-1]:.0f} MB for {memory.index[-1]:,} ({extra:+.1f} MB).\n"
    return text


def report() -> str:
    """The page, made from the recorded rows alone."""
    held = "; ".join(
        f"`{what}` {', '.join(f'{value} {varied}' for varied, value in settings.items())}"
        for what, settings in HELD.items()
    )
    head = f"""# Cost against size

`python -m tools.experiments.cost_against_size`, results in
[cost_against_size.csv](../../data/measured/cost_against_size.csv).
Each point in a process of its own. A text is one word repeated; the clock covers one call (of
`fine_tune` one epoch) after a first one that does not count; memory is the most that the process
held, Python and libraries included. Figures are the median of the rounds and, in brackets, their
range. A slope is that of log cost on log size: 1 is proportional, 0 is flat. A CSV has short texts,
and 64,000 and a million rows of it were predicted once. "No network" is the same with zeros in
place of the logits: reading and writing alone. Drawn in
[notebook 10](../../notebooks/10_making_it_fast.ipynb), section 18. What a series does not change:
{held}.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    options = parser(__doc__, ROUNDS).parse_args()
    if options.what == "run":
        if HAS_FORK:  # the server imports once and holds no threads: its children start at once
            FRESH.set_forkserver_preload(["tools.experiments.cost_against_size"])
        points = planned(options.rounds)
        runs.drive(points, in_fresh_process, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
