"""Where does a training step's time go, and how far is it from what matrix products alone allow?

    python -m tools.experiments.where_time_goes            three rounds, then where_time_goes.md
    python -m tools.experiments.where_time_goes report     write where_time_goes.md anew

A run, in bf16 or in fp32, measures in turn: how fast this processor multiplies square matrices of
some sizes, and matrices of a step's own shapes; `fine_tune` on review sentences, for one epoch; the
same call under torch's profiler. The floating-point operations of the epoch come from a formula.
Their number, divided by the seconds of `fine_tune`, is the speed it reaches. The limit is the
fastest product measured: at that speed the operations alone would take the least time.

The profiler itself takes time, most of it where operations are many and small. So its shares say
how the time is divided, and the seconds come from the run without it.

A run is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import math
import statistics
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from unittest.mock import patch

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from torch.autograd.profiler_util import FunctionEvent
from torch.profiler import ProfilerActivity, profile, record_function
from transformers import PretrainedConfig

from helpers import batching, checkpoints, corpora, runtime, speedups, training
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

RESULTS = MEASURED / "where_time_goes.csv"
PAGE = PAGES / "where_time_goes.md"
ROUNDS = 3
SENTENCES = {"bf16": 1536, "fp32": 1024}
PROFILED, BATCH_SIZE = 512, 32
SQUARES = (512, 1024, 2048)  # rows and columns of the square matrices
ASKED = 0.55  # of the limit, on a processor without AMX

MATRICES = {"aten::mm", "aten::addmm", "aten::bmm", "aten::baddbmm"}
COPIES = {"aten::copy_", "aten::clone", "aten::contiguous", "aten::cat"}
# Blocks that are marked while the profiler runs; what happens inside belongs to the group.
MARKED = {
    "dropout": [(speedups, "light_dropout")],
    "optimizer and clipping": [(torch.nn.utils, "clip_grad_norm_")],
    "word table's gradient": [(speedups, "zero_gradients")],
}
# Parts of names that the library gives to such blocks.
NAMED = {
    "Optimizer.step": "optimizer and clipping",
    "Embedding": "word table's gradient",
    "embedding": "word table's gradient",
}
GROUPS = (
    "matrix products",
    "dropout",
    "copies and casts",
    "optimizer and clipping",
    "word table's gradient",
    "other operations",
    "Python and dispatch",
)


def forward_flops(config: PretrainedConfig, batch: int, tokens: int) -> int:
    """Floating-point operations of the matrix products of BERT's forward pass.

    A product of (n, k) and (k, m) counts 2nkm. In a layer of width d and inner width f, B texts of
    T tokens take 8BTd² for queries, keys, values and output, 4BTdf for the two layers behind, and
    4BT²d for scores and weighted values; the head takes 2Bd² and 2Bd a class.
    """
    d, f, positions = config.hidden_size, config.intermediate_size, batch * tokens
    layer = 8 * positions * d**2 + 4 * positions * d * f + 4 * positions * tokens * d
    return config.num_hidden_layers * layer + 2 * batch * d * (d + config.num_labels)


def step_flops(config: PretrainedConfig, batch: int, tokens: int) -> int:
    """Of a training step: backward, each product has two more, one for each of its factors."""
    return 3 * forward_flops(config, batch, tokens)


def epoch_flops(config: PretrainedConfig, lengths: Sequence[int], batches: Iterable) -> int:
    """Of the steps of an epoch: texts of these lengths, padded as `fine_tune` pads them."""
    shapes = [(len(batch), max(lengths[i] for i in batch)) for batch in batches]
    return sum(step_flops(config, size, longest + -longest % 4) for size, longest in shapes)


def product_speed(
    dtype: torch.dtype, rows: int, inner: int, columns: int, seconds: float = 0.4
) -> float:
    """Operations a second of (rows, inner) @ (inner, columns): the median of the repeats."""
    left = torch.randn(rows, inner).to(dtype)
    right = torch.randn(inner, columns).to(dtype)
    times, end = [], time.perf_counter() + seconds
    left @ right
    while time.perf_counter() < end or len(times) < 3:
        with runtime.timer() as took:
            left @ right
        times.append(took["seconds"])
    return 2 * rows * inner * columns / statistics.median(times)


def product_speeds(dtype: torch.dtype, config: PretrainedConfig, rows: int) -> tuple[float, float]:
    """Operations a second: of the fastest product, and of a layer's products one after another."""
    d, f = config.hidden_size, config.intermediate_size
    shapes = [(rows, d, d)] * 4 + [(rows, d, f), (rows, f, d)]
    every = set(shapes) | {(size,) * 3 for size in SQUARES}
    speed = {shape: product_speed(dtype, *shape) for shape in every}
    work = {shape: 2 * math.prod(shape) for shape in shapes}
    own = sum(work[s] for s in shapes) / sum(work[s] / speed[s] for s in shapes)
    return max(speed.values()), own


def group_of(event: FunctionEvent) -> str:
    """The group that the event's own time belongs to; marked blocks go before names."""
    above = event
    while above is not None:
        if above.name in GROUPS:
            return above.name
        for part, group in NAMED.items():
            if part in above.name:
                return group
        above = above.cpu_parent
    if event.name in MATRICES:
        return "matrix products"
    if event.name in COPIES:
        return "copies and casts"
    return "other operations" if event.name.startswith("aten::") else "Python and dispatch"


def shares(events: Iterable[FunctionEvent]) -> dict[str, float]:
    """Share of each group in the time of the events; the shares add up to 1.

    Time that no operation takes is that of the outermost block, `fine_tune`: Python.
    """
    spent = Counter(dict.fromkeys(GROUPS, 0.0))
    for event in events:
        spent[group_of(event)] += event.self_cpu_time_total
    total = sum(spent.values())
    return {group: time / total for group, time in spent.items()}


def marked(function, group: str):
    """A function whose time the profiler finds under the name of a group."""

    def call(*args, **options):
        with record_function(group):
            return function(*args, **options)

    return call


def profiled(work) -> dict[str, float]:
    """Run something under the profiler: the share of each group, and the seconds it took."""
    patches = [
        patch.object(module, name, marked(getattr(module, name), group))
        for group, places in MARKED.items()
        for module, name in places
    ]
    for each in patches:
        each.start()
    try:
        outermost = record_function("fine_tune")
        with (
            profile(activities=[ProfilerActivity.CPU]) as profiler,
            runtime.timer() as took,
            outermost,
        ):
            work()
    finally:
        patch.stopall()
    return shares(profiler.events()) | {"profiled_seconds": took["seconds"]}


def digits(value: float) -> float:
    """Five significant digits."""
    return float(f"{value:.5g}")


def run(
    precision: str, sentences: int | None = None, profiled_sentences: int = PROFILED, **_
) -> dict:
    """One run: peaks, one epoch of `fine_tune`, and where its time goes."""
    dtype = runtime.precision_of(precision, torch.device("cpu"))
    train = corpora.load("reviews")["train"]
    config = training.TrainingConfig(epochs=1, batch_size=BATCH_SIZE, precision=precision)
    tokenizer, model = checkpoints.load(seed=0)

    def fine_tune(rows: Dataset) -> None:
        training.fine_tune(model, tokenizer, rows, rows.select(range(32)), config)

    def flops(rows: Dataset) -> tuple[int, int]:
        lengths = [len(ids) for ids in batching.tokenize(rows["text"], tokenizer)]
        batches = batching.bucketed(lengths, BATCH_SIZE, (config.seed, 0))
        return epoch_flops(model.config, lengths, batches), len(batches)

    count = sentences or SENTENCES[precision]
    rows, few = train.select(range(count)), train.select(range(profiled_sentences))
    fine_tune(few)  # the first call at each length prepares what the next ones use
    peak, own = product_speeds(dtype, model.config, BATCH_SIZE * 28)
    with runtime.timer() as took:
        fine_tune(rows)
    with runtime.timer() as plain:
        fine_tune(few)
    found = profiled(lambda: fine_tune(few))
    work, steps = flops(rows)
    reached = work / took["seconds"]
    return {
        "sentences": count,
        "steps": steps,
        "gflop_a_step": digits(work / steps / 1e9),
        "seconds_taken": digits(took["seconds"]),
        "per_second": round(count / took["seconds"], 1),
        "peak_tflops": digits(peak / 1e12),
        "own_shapes_tflops": digits(own / 1e12),
        "reached_tflops": digits(reached / 1e12),
        "share_of_peak": digits(reached / peak),
        "share_of_own_shapes": digits(reached / own),
        "threads": torch.get_num_threads(),
        "profiler_slows_by": round(found.pop("profiled_seconds") / plain["seconds"], 3),
    } | {group: round(share, 4) for group, share in found.items()}


def planned(rounds: int = ROUNDS) -> list[dict]:
    """Every run; the precisions take turns."""
    return [
        {"processor": runtime.processor(), "round": number, "precision": precision}
        for number in range(rounds)
        for precision in SENTENCES
    ]


def speeds(rows: pd.DataFrame) -> pd.DataFrame:
    """Peak, what is reached and its share, a line for each precision."""
    lines = {}
    for precision, group in rows.groupby("precision", sort=False):
        allowed = group["per_second"] / group["share_of_peak"]
        lines[precision] = {
            "rounds": len(group),
            "samples/s": spread(group["per_second"], "{:.0f}"),
            "GFLOP a step": spread(group["gflop_a_step"].unique(), "{:.1f}"),
            "reached, TFLOP/s": spread(group["reached_tflops"]),
            "fastest product, TFLOP/s": spread(group["peak_tflops"]),
            "share of that": spread(group["share_of_peak"], "{:.1%}"),
            "it would allow samples/s": spread(allowed, "{:.0f}"),
            "a step's own shapes, TFLOP/s": spread(group["own_shapes_tflops"]),
            "share of those": spread(group["share_of_own_shapes"], "{:.1%}"),
        }
    return pd.DataFrame(lines).T.rename_axis("precision")


def groups(rows: pd.DataFrame) -> pd.DataFrame:
    """Share of each group in the profiled time, a column for each precision."""
    columns = {
        precision: {name: spread(group[name], "{:.1%}") for name in GROUPS}
        for precision, group in rows.groupby("precision", sort=False)
    }
    return pd.DataFrame(columns).rename_axis("share of the time")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, both tables and the verdict of one processor."""
    fast = rows[rows["precision"] == "bf16"]
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads\n\n{markdown(speeds(rows))}\n\n"
    reached = np.median(fast["share_of_peak"])
    amx = "has AMX" if "amx" in rows["processor"].iloc[0] else "has no AMX"
    aimed = "" if amx == "has AMX" else ": reached" if reached >= ASKED else ": missed"
    text += (
        f"The aim for a processor without AMX was {ASKED:.0%} of the limit. This one {amx}; its "
    )
    text += f"median in bf16 is {reached:.1%}{aimed}.\n\n{markdown(groups(rows))}\n\n"
    slows = spread(rows["profiler_slows_by"], "{:.2f}")
    return f"{text}The profiler makes the same call take {slows} times as long.\n"


def report() -> str:
    """The page, made from the recorded rows alone."""
    sizes = ", ".join(f"{size:,}" for size in SQUARES)
    head = f"""# Where the time of training goes

`python -m tools.experiments.where_time_goes`, results in
[where_time_goes.csv](../../data/measured/where_time_goes.csv).
One epoch of `fine_tune` over {SENTENCES["bf16"]:,} review sentences in bf16, {SENTENCES["fp32"]:,}
in fp32, batch {BATCH_SIZE}; figures are the median of the rounds and, in brackets, their range. The
limit is the fastest product measured, among square matrices of
{sizes} rows and those of a step's own shapes. Operations are those of matrix products,
padding included, counted by a formula.

"Dropout" is drawing the random numbers and applying the masks, forward. "Other operations" are
softmax, GELU, LayerNorm, sums and products of single numbers, forward and backward. "Python and
dispatch" is what lies between operations, tokenizing included.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    options = parser(__doc__, ROUNDS).parse_args()
    if options.what == "run":
        points = planned(options.rounds)
        runs.drive(points, run, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
