"""What would more machines give? Two processes here, measured, and the arithmetic for N.

    python -m tools.experiments.more_processes run       measure (three rounds), write .csv and .md
    python -m tools.experiments.more_processes report    the .md again, from the rows that are there

A run is a few steps of `fine_tune` on training reviews of 25 to 28 tokens, so that all steps are
alike, in processes of its own; its figure is the median step, without the first ones. A round
holds every configuration once. Two processes also time the all-reduce of as many bytes as the
gradients have, with nothing else going on.
"""

import json
import os
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import torch
import torch.distributed as dist

from helpers import batching, checkpoints, corpora, parallel, runtime, training
from tools.experiments import runs
from tools.experiments.provenance import MEASURED, PAGES, markdown, parser, write_page

RESULTS = MEASURED / "more_processes.csv"
PAGE = PAGES / "more_processes.md"
BATCH, STEPS, WARM_UP, REPEATS = 32, 12, 3, 5
MACHINES, GIGABITS, BATCHES = (2, 4, 8, 16), (1, 10), (32, 256)

# name: processes, threads of each, examples in a batch of all processes, word table frozen
ONE, THREADS, TWO = "one process, one thread", "one process, two threads", "two processes"
CONFIGURATIONS: dict[str, tuple[int, int, int, bool]] = {
    ONE: (1, 1, BATCH, False),
    THREADS: (1, 2, BATCH, False),
    TWO: (2, 1, BATCH, False),
    f"{ONE}, half a batch": (1, 1, BATCH // 2, False),
    f"{THREADS}, a quarter": (1, 2, BATCH // 4, False),
    f"{THREADS}, table frozen": (1, 2, BATCH, True),
    f"{TWO}, table frozen": (2, 1, BATCH, True),
}


def measure(name: str, seed: int, precision: str, steps: int) -> dict:
    """One run, in this process or in step with others: median step, all-reduce, bytes."""
    _, _, batch_size, frozen = CONFIGURATIONS[name]
    reviews = corpora.load("reviews")["train"]
    tokenizer, model = checkpoints.load(seed=0)
    lengths = [len(ids) for ids in batching.tokenize(reviews["text"], tokenizer)]
    alike = np.flatnonzero([25 <= length <= 28 for length in lengths])
    rows = reviews.select(alike[: steps * batch_size])
    ends: list[float] = []
    config = training.TrainingConfig(
        epochs=1,
        batch_size=batch_size,
        freeze_word_embeddings=frozen,
        precision=precision,
        best_metric="epoch",
        seed=seed,
    )
    hook = {"on_step": lambda run: ends.append(time.perf_counter())}
    training.fine_tune(model, tokenizer, rows, reviews.select(range(2)), config, **hook)
    values = sum(p.numel() for p in model.parameters() if p.requires_grad)
    return {
        "step_seconds": round(float(np.median(np.diff(ends)[WARM_UP - 1 :])), 5),
        "all_reduce_seconds": round(all_reduce_seconds(values), 5),
        "gradient_mb": round(4 * values / 1e6, 2),
        "memory_mb": round(runtime.memory_mb()),
        "precision": precision,
    }


def all_reduce_seconds(values: int) -> float:
    """Median time to sum so many fp32 numbers over all processes; 0 alone."""
    if parallel.world_size() == 1:
        return 0.0
    numbers, times = torch.zeros(values), []
    for _ in range(REPEATS):
        parallel.barrier()
        start = time.perf_counter()
        dist.all_reduce(numbers)
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def planned(rounds: int, steps: int) -> list[dict]:
    """Every configuration once a round."""
    points = [(seed, name) for seed in range(rounds) for name in CONFIGURATIONS]
    return [{"round": seed, "configuration": name, "steps": steps} for seed, name in points]


def run(round: int, configuration: str, steps: int) -> dict:
    """Measure a configuration in fresh processes."""
    processes, threads, _, _ = CONFIGURATIONS[configuration]
    precision = {"float32": "fp32", "bfloat16": "bf16"}[runtime.precision_name()]
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [sys.executable, *(launch if processes > 1 else [])]
    command += [
        "-m",
        "tools.experiments.more_processes",
        "one",
        "--name",
        configuration,
        "--seed",
        str(round),
    ]
    command += ["--precision", precision, "--steps", str(steps)]
    environment = dict(os.environ, OMP_NUM_THREADS=str(threads))
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="locale", env=environment
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def measured(rows: pd.DataFrame) -> pd.DataFrame:
    """Median and range of each configuration; `faster` by round against one with two threads."""
    batch = rows["configuration"].map({name: c[2] for name, c in CONFIGURATIONS.items()})
    step = rows["step_seconds"]
    rows = rows.assign(batch=batch, speed=batch / step, ms=1000 * step)
    reference = rows[rows["configuration"] == THREADS].set_index("round")["speed"]
    rows["ratio"] = rows["speed"] / rows["round"].map(reference)
    by = rows.groupby("configuration", sort=False)
    columns = {
        "rounds": by.size(),
        "batch": by["batch"].first(),
    }
    for name, column, digits in (
        ("ms a step", "ms", 0),
        ("samples/s", "speed", 0),
        ("against two threads", "ratio", 2),
    ):
        columns[name] = by[column].agg(
            lambda values, d=digits: (
                f"{values.median():.{d}f} ({values.min():.{d}f} to {values.max():.{d}f})"
            )
        )
    return pd.DataFrame(columns)


def costs(rows: pd.DataFrame) -> dict[str, float]:
    """Medians of what the arithmetic needs.

    A step of b examples in one process with two threads is taken to last
    `fixed` + b × `each` seconds, `fixed_frozen` + b × `each` with the word table frozen; the
    gradients have `all` and `frozen` bytes.
    """
    step = rows.groupby("configuration")["step_seconds"].median()
    size = 1e6 * rows.groupby("configuration")["gradient_mb"].median()
    whole, quarter = step[THREADS], step[f"{THREADS}, a quarter"]
    each = (whole - quarter) / (BATCH - BATCH // 4)
    fixed = whole - BATCH * each
    saved = whole - step[f"{THREADS}, table frozen"]
    return {
        "each": each,
        "fixed": fixed,
        "fixed_frozen": max(0.0, fixed - saved),
        "all": size[TWO],
        "frozen": size[f"{TWO}, table frozen"],
    }


def all_reduced(size: float, machines: int) -> float:
    """Bytes that each of N machines sends to sum `size` bytes over all: 2 (N − 1) / N × size.

    What a ring needs, and no method less (Patarasuk and Yuan 2009).
    """
    return 2 * (machines - 1) / machines * size


def speed_up(
    cost: dict[str, float], machines: int, gigabits: float, batch: int, frozen: bool = False
) -> float:
    """How much faster N machines train than one, at the same batch; below 1: slower."""
    fixed, size = (cost["fixed_frozen"], cost["frozen"]) if frozen else (cost["fixed"], cost["all"])
    sending = all_reduced(size, machines) * 8 / (gigabits * 1e9)
    return (fixed + batch * cost["each"]) / (fixed + batch / machines * cost["each"] + sending)


def break_even(cost: dict[str, float], gigabits: float, frozen: bool = False) -> float:
    """The batch from which on more machines are faster: the same for every number of them.

    N machines save b (1 − 1/N) × `each` a step and spend 2 (1 − 1/N) × size / bandwidth.
    """
    size = cost["frozen" if frozen else "all"]
    return 2 * size * 8 / (gigabits * 1e9) / cost["each"]


def arithmetic(cost: dict[str, float]) -> pd.DataFrame:
    """The table of speed-ups."""
    found = {}
    for frozen in (False, True):
        for gigabits in GIGABITS:
            for batch in BATCHES:
                name = f"{'word table frozen' if frozen else 'all weights'}, batch {batch}"
                found[f"{name}, {gigabits} Gbit/s"] = [
                    f"{speed_up(cost, machines, gigabits, batch, frozen):.2f}"
                    for machines in MACHINES
                ] + [f"{break_even(cost, gigabits, frozen):.0f}"]
    columns = [*(f"{n} machines" for n in MACHINES), "pays from batch"]
    return pd.DataFrame.from_dict(found, orient="index", columns=columns).rename_axis("")


def check(rows: pd.DataFrame) -> pd.DataFrame:
    """The step of two processes: predicted from one with half a batch, and measured; in ms."""
    half = rows[rows["configuration"] == f"{ONE}, half a batch"].set_index("round")["step_seconds"]
    two = rows[rows["configuration"] == TWO].set_index("round")
    table = {
        "half a batch alone": half,
        "all-reduce alone": two["all_reduce_seconds"],
        "sum": half + two["all_reduce_seconds"],
        "two processes, measured": two["step_seconds"],
        "measured / sum": two["step_seconds"] / (half + two["all_reduce_seconds"]) / 1000,
    }
    lines = {
        name: [f"{1000 * f(values):.{2 if '/' in name else 0}f}" for f in (np.median, min, max)]
        for name, values in table.items()
    }
    columns = ["median", "lowest", "highest"]
    return pd.DataFrame.from_dict(lines, orient="index", columns=columns).rename_axis("ms a step")


def report(rows: pd.DataFrame) -> str:
    """The page: what was measured, the check, the arithmetic."""
    first, cost = rows.iloc[0], costs(rows)
    sent, left = all_reduced(cost["all"], 2) / 1e6, all_reduced(cost["frozen"], 2) / 1e6
    return f"""# More processes, more machines

`python -m tools.experiments.more_processes run`, results in
[more_processes.csv](../../data/measured/more_processes.csv).
This page is written by that command. {first["processor"]}, {first["cores"]} cores, \
{rows["date"].max()}, torch {first["torch"]}, {first["precision"]}.
A step is the median of one run's steps, on sentences of 25 to 28 tokens; a cell holds the median of
{rows["round"].nunique()} rounds and their range.

## Measured

{markdown(measured(rows))}

Two processes have one thread each: the same cores as one process with two threads.

## What a step sends

After each step every process needs the sum of all gradients. A ring of N sends from each of them
2 (N − 1) / N times their size, and no method can do with less (Patarasuk and Yuan 2009). Here the
gradients are {cost["all"] / 1e6:.1f} MB in fp32, whatever the precision of the products: \
{sent:.0f} MB a step for two, up to twice
that for many. Without the word table they are {cost["frozen"] / 1e6:.1f} MB, \
{left:.0f} MB a step for two.

The prediction for two processes on this machine: the step of one with half the batch, and then the
all-reduce, timed alone.

{markdown(check(rows))}

A value of the last line below 1 says that sending hides behind the backward pass, which
`DistributedDataParallel` intends (Li et al. 2020); above 1, that the processes slow each other
down: half a batch was timed with the other core idle.

## What N machines would give

Each machine is like this one with two threads: a step of b examples takes \
{1000 * cost["fixed"]:.0f} ms and {1000 * cost["each"]:.2f} ms for
each example; with the word table frozen {1000 * cost["fixed_frozen"]:.0f} ms instead of \
{1000 * cost["fixed"]:.0f}. Both come from batches of {BATCH // 4} and {BATCH}; larger ones
are extrapolated. Nothing hides, and messages take no time to begin: the first makes the table too
low, the second too high. It says how many times as fast as one machine with the same batch N
machines are; below 1 they are slower.

{markdown(arithmetic(cost))}

From which batch on it pays does not depend on N: N machines save b (1 − 1/N) times what an example
costs and spend 2 (1 − 1/N) times what sending the gradients once costs. A larger batch shares each
sending among more examples, but it is another training run: fewer steps an epoch, and a rate to be
chosen again.
"""


def main() -> None:
    """Measure what is missing, or only report."""
    asked = parser(__doc__, 3, "one")
    asked.add_argument("--steps", type=int, default=STEPS)
    asked.add_argument("--name", choices=list(CONFIGURATIONS))
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--precision", default="auto")
    options = asked.parse_args()
    if options.what == "one":
        row = measure(options.name, options.seed, options.precision, options.steps)
        if parallel.rank() == 0:
            print(json.dumps(row), flush=True)
        return
    if options.what == "run":
        points = planned(options.rounds, options.steps)
        runs.drive(points, run, RESULTS, limit=len(points))
    write_page(PAGE, report(pd.read_csv(RESULTS)))
    print(report(pd.read_csv(RESULTS)))


if __name__ == "__main__":
    main()
