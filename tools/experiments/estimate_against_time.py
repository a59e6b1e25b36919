"""Does `training.estimate` foretell how long a run takes?

    python -m tools.experiments.estimate_against_time            three rounds, then the page
    python -m tools.experiments.estimate_against_time report     write the page anew

Each point is a process of its own: it asks for the estimate, then trains and takes the time. Rows,
lengths and epochs differ: film sentences are short, news articles are cut at 128 tokens.

A point is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import contextlib
import io
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pandas as pd

from helpers import batching, checkpoints, corpora, runtime, training
from tools.experiments import runs
from tools.experiments.cost_against_size import FRESH, HAS_FORK
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

RESULTS = MEASURED / "estimate_against_time.csv"
PAGE = PAGES / "estimate_against_time.md"
ROUNDS = 3
SCORED = 256  # validation texts at most
ASKED = 0.25  # the estimate should be off by no more
POINTS = (
    ("reviews", 256, 1),
    ("reviews", 1_024, 1),
    ("reviews", 1_024, 4),
    ("reviews", 4_096, 1),
    ("news", 512, 1),
)


def planned(rounds: int = ROUNDS) -> list[dict]:
    """Every point: one dictionary each, a whole round before the next."""
    keys = ("processor", "round", "data", "rows", "epochs")
    return [
        dict(zip(keys, (runtime.processor(), number, *point), strict=True))
        for number in range(rounds)
        for point in POINTS
    ]


def measure(data: str, rows: int, epochs: int) -> dict:
    """One point, in this process: what was foretold and what came."""
    with contextlib.redirect_stdout(io.StringIO()):
        parts = corpora.load(data)
    names = parts["train"].features["label"].names
    tokenizer, model = checkpoints.load(num_labels=len(names), label_names=names)
    train, validation = parts["train"].select(range(rows)), parts["validation"]
    validation = validation.select(range(min(SCORED, len(validation))))
    config = training.TrainingConfig(epochs=epochs)
    lengths, scored = (
        [len(ids) for ids in batching.tokenize(corpora.inputs(part), tokenizer, config.max_length)]
        for part in (train, validation)
    )
    with runtime.timer() as asking:
        foretold = training.estimate(model, lengths, config, scored)
    with runtime.timer() as took:
        training.fine_tune(model, tokenizer, train, validation, config)
    return {
        "tokens": round(float(np.mean(lengths)), 1),
        "asking": round(asking["seconds"], 2),
        "estimated": round(foretold.seconds, 2),
        "seconds_taken": round(took["seconds"], 2),
        "precision": runtime.precision_name(),
    }


def in_fresh_process(data: str, rows: int, epochs: int, **_) -> dict:
    """`measure` in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=FRESH) as pool:
        return pool.submit(measure, data, rows, epochs).result()


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each point, from the rows of one processor."""
    lines = {}
    for (data, number, epochs), group in rows.groupby(["data", "rows", "epochs"], sort=False):
        lines[f"{data}: {number:,}, epochs: {epochs}"] = {
            "tokens a text": f"{group['tokens'].iloc[0]:.0f}",
            "seconds to ask": spread(group["asking"], "{:.1f}"),
            "estimated, s": spread(group["estimated"], "{:.1f}"),
            "taken, s": spread(group["seconds_taken"], "{:.1f}"),
            "taken / estimated": spread(group["seconds_taken"] / group["estimated"]),
        }
    return pd.DataFrame(lines).T.rename_axis("texts")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, table and what it says of one processor."""
    ratio = rows["seconds_taken"] / rows["estimated"]
    within = int(((ratio - 1).abs() <= ASKED).sum())
    text = f"## {machine(rows)}, {rows['precision'].iloc[0]}\n\n{markdown(table(rows))}\n\n"
    return text + f"{within} of {len(rows)} runs took what was foretold, to within {ASKED:.0%}.\n"


def report() -> str:
    """The page, made from the recorded rows alone."""
    head = """# Estimated and taken

`python -m tools.experiments.estimate_against_time`, results in
[estimate_against_time.csv](../../data/measured/estimate_against_time.csv).
`training.estimate(model, lengths, config, validation)` says beforehand how long a run will take.
It does four steps at each of up to five lengths, with a learning rate of 0, and gives each batch
of the run the time of its length. Here each point is a process of its own that asks first and then
trains, and scores up to 256 validation texts after every epoch. Figures are the median of the
rounds and, in brackets, their range. The machine was otherwise idle but for moments; beside other
programs a run takes longer than it says.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    options = parser(__doc__, ROUNDS).parse_args()
    if options.what == "run":
        if HAS_FORK:
            FRESH.set_forkserver_preload(["tools.experiments.estimate_against_time"])
        points = planned(options.rounds)
        runs.drive(points, in_fresh_process, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
