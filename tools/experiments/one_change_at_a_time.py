"""What does each change to the loop gain? From a plain loop to that of `fine_tune`, one at a time.

    python -m tools.experiments.one_change_at_a_time             three rounds, then the page
    python -m tools.experiments.one_change_at_a_time report      write one_change_at_a_time.md anew

A line of the ladder is all lines above it and one change more; `apart` are choices on top of the
last one, each by itself. A run is one line in a process of its own: same model, same sentences,
batches of 32. It meets each padded length once, and that pass is timed by itself, because a
processor prepares a routine for each new shape. Then it times eight steps, from token ids to zeroed
gradients, on batches that stand for an epoch: all its full batches sorted by length, of which every
23rd. A round holds every line once, forwards and backwards by turns, so that a machine that slows
down slows all of them. At the end `torch.compile` is tried once.

Each run also measures how fast the machine multiplies and copies right after it. A run is kept as
soon as it is finished. To measure anew, remove the CSV.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim import AdamW, Optimizer
from transformers import PreTrainedModel

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
from tools.experiments.written_out import WrittenOut

RESULTS = MEASURED / "one_change_at_a_time.csv"
PAGE = PAGES / "one_change_at_a_time.md"
SHORT = "last layer for [CLS]"
ROUNDS, BATCH_SIZE, LEARNING_RATE = 3, 32, 1e-4
STEPS, FIXED_STEPS = 8, 3  # of batches of one length few are enough
SPEEDS = {"fp32_tflops": "TFLOP/s", "bf16_tflops": "TFLOP/s", "copy_gb_per_second": "GB/s"}


@dataclass(frozen=True)
class Loop:
    """How a training loop works.

    Attributes:
        batches: "random" or "buckets".
        multiple_of: the length of a batch is rounded up to a multiple of this; texts are cut at
            128 tokens, so 128 pads every row to 128.
        precision: as in `TrainingConfig`.
        attention: the library's name of the kernel.
        light: dropout from a quarter of the draws, in the attention too.
        keeps_word_gradient: the memory of the word table's gradient stays from step to step.
        fused: AdamW updates all weights in one routine.
        large_pages: torch asks Linux for large memory pages.
        freezes_words: the word table is not trained.
        dropout: whether there is any.
        compiled: by `torch.compile`.
        short_last_layer: the last layer computes [CLS] alone.
        written_out: the forward pass is that of `written_out`, which also does so.
    """

    batches: str = "random"
    multiple_of: int = 128
    precision: str = "fp32"
    attention: str = "sdpa"
    light: bool = False
    keeps_word_gradient: bool = False
    fused: bool = False
    large_pages: bool = False
    freezes_words: bool = False
    dropout: bool = True
    compiled: bool = False
    short_last_layer: bool = False
    written_out: bool = False


def ladder() -> dict[str, Loop]:
    """Each line's name and loop; a loop is the one above it with one change.

    After the line "bf16" the loop goes on with what "auto" chooses on this processor.
    """
    changes = {
        "padded to 128": {},
        "padded to the longest": {"multiple_of": 1},
        "buckets": {"batches": "buckets"},
        "bf16": {"precision": "bf16"},
        "eager attention": {"precision": "auto", "attention": "eager"},
        "word gradient kept": {"keeps_word_gradient": True},
        "light dropout": {"light": True, "attention": "light"},
        "fused AdamW": {"fused": True},
        "lengths in fours": {"multiple_of": 4},
        "large pages": {"large_pages": True},
    }
    loop, lines = Loop(), {}
    for name, change in changes.items():
        lines[name] = loop = replace(loop, **change)
    return lines


def apart() -> dict[str, Loop]:
    """Choices on top of the last line: the first two for the same model, the others for another."""
    last = list(ladder().values())[-1]
    return {
        SHORT: replace(last, short_last_layer=True),
        "forward written out": replace(last, written_out=True),
        "word table frozen": replace(last, freezes_words=True, keeps_word_gradient=False),
        "dropout off": replace(last, dropout=False),
    }


LINES = ladder() | apart()
COMPILED = "torch.compile"


def loop_of(line: str) -> Loop:
    """The loop of a line.

    `torch.compile` stands on the library's own dropout and attention, which it replaces by code
    of its own, and on a gradient of the word table made anew: it cannot compile a sparse one.
    """
    if line != COMPILED:
        return LINES[line]
    last = list(ladder().values())[-1]
    ours = {"light": False, "attention": "sdpa", "keeps_word_gradient": False}
    return replace(last, **ours, compiled=True)


def make_model(loop: Loop) -> PreTrainedModel:
    """The classifier with the attention and the dropout that a loop asks for."""
    rates = ("hidden_dropout_prob", "attention_probs_dropout_prob")
    changes = {} if loop.dropout else dict.fromkeys(rates, 0.0)
    model = checkpoints.load(attn_implementation=loop.attention, **changes)[1]
    for parameter in model.parameters():  # as in fine_tune: not a view into a file
        parameter.data = parameter.data.clone()
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.Dropout) and not loop.light:
                setattr(module, name, nn.Dropout(child.p))
    if loop.short_last_layer:
        speedups.shorten_last_layer(model)
    model.get_input_embeddings().weight.requires_grad_(not loop.freezes_words)
    return model.train()


def make_optimizer(model: PreTrainedModel, loop: Loop) -> Optimizer:
    """AdamW with the groups of `fine_tune`, in the library's default form or fused."""
    made = training.make_optimizer(model, training.TrainingConfig())
    groups = [
        {key: group[key] for key in ("params", "weight_decay")} for group in made.param_groups
    ]
    return AdamW(groups, LEARNING_RATE, fused=loop.fused or None)


def make_batches(loop: Loop, lengths: Sequence[int], seed: int) -> list[list[int]]:
    """The full batches of an epoch."""
    make = batching.bucketed if loop.batches == "buckets" else batching.shuffled
    return [batch for batch in make(lengths, BATCH_SIZE, seed) if len(batch) == BATCH_SIZE]


def representative(
    batches: Sequence[list[int]], lengths: Sequence[int], count: int, seed: int
) -> list[list[int]]:
    """A systematic sample of `count` batches, from short to long, in a random order.

    Ten batches drawn at random would differ in length by more than some changes gain.
    """
    by_length = sorted(batches, key=lambda batch: max(lengths[i] for i in batch))
    stride = len(batches) // count
    first = (stride // 2 + 2 * (seed % ROUNDS - ROUNDS // 2)) % stride
    sample = by_length[first::stride][:count]
    return [sample[i] for i in np.random.default_rng(seed).permutation(len(sample))]


def one_step(
    model: nn.Module,
    loop: Loop,
    optimizer: Optimizer,
    rows: list[list[int]],
    labels: Tensor,
    rate: float = LEARNING_RATE,
) -> float:
    """One step of a loop, from token ids to zeroed gradients; its loss."""
    dtype = runtime.precision_of(loop.precision, torch.device("cpu"))
    ids, mask = batching.pad(rows, 0, loop.multiple_of)
    with torch.autocast("cpu", dtype, enabled=dtype != torch.float32):
        logits = model(input_ids=ids, attention_mask=mask).logits.float()
    # where torch.compile and WrittenOut keep it
    whole = getattr(model, "_orig_mod", getattr(model, "whole", model))
    return training.train_step(whole, cross_entropy(logits, labels), optimizer, rate, 1.0)


def copied_per_second(megabytes: int = 256) -> float:
    """Bytes read and written in a second while a large tensor is copied: the median of five."""
    source, times = torch.ones(megabytes * 2**18), []
    goal = torch.empty_like(source)
    for _ in range(5):
        with runtime.timer() as took:
            goal.copy_(source)
        times.append(took["seconds"])
    return 2 * source.nbytes / float(np.median(times))


def stepped_by(loop: Loop, model: PreTrainedModel) -> nn.Module:
    """What a loop calls for the logits of a batch."""
    if loop.written_out:
        return WrittenOut(model)
    return torch.compile(model) if loop.compiled else model


def timed_steps(loop: Loop, seed: int, steps: int) -> dict:
    """Speed of a loop in this process: of the first meeting with each length, and afterwards."""
    train = corpora.load("reviews")["train"]
    token_ids = batching.tokenize(train["text"], checkpoints.load_tokenizer())
    lengths, labels = [len(ids) for ids in token_ids], torch.tensor(train["label"][:])
    steps = min(steps, FIXED_STEPS) if loop.multiple_of == 128 else steps
    batches = representative(make_batches(loop, lengths, seed), lengths, steps, seed)
    model = make_model(loop)
    optimizer = make_optimizer(model, loop)
    stepped = stepped_by(loop, model)
    runtime.set_seed(seed)

    def seconds(batch: list[int]) -> float:
        rows = [token_ids[i] for i in batch]
        with runtime.timer() as took:
            one_step(stepped, loop, optimizer, rows, labels[batch])
        return took["seconds"]

    padded = [max(lengths[i] for i in batch) for batch in batches]
    padded = [longest + -longest % loop.multiple_of for longest in padded]
    of_each_length = dict(zip(padded, batches, strict=True))
    kept = speedups.word_gradient_kept(model) if loop.keeps_word_gradient else nullcontext()
    with kept:
        opening = seconds(next(iter(of_each_length.values())))  # makes the optimizer's memory, too
        first = {length: seconds(batch) for length, batch in of_each_length.items()}
        preparing = opening + sum(first.values())
        start = time.process_time()
        took = [seconds(batch) for batch in batches]
        busy = time.process_time() - start
    again = dict(zip(padded, took, strict=True))
    new = list(first)[1:]  # the opening step has met the first one
    extra = [first[length] - again[length] for length in new]
    return {
        "samples_per_second": round(BATCH_SIZE * len(batches) / sum(took), 2),
        "step_ms": round(1000 * sum(took) / len(took), 2),
        "processor_ms": round(1000 * busy / len(took), 2),
        "preparing_seconds": round(preparing, 2),
        "new_length_ms": round(1000 * float(np.median(extra)), 2) if extra else float("nan"),
        "lengths": len(first),
        "positions": BATCH_SIZE * sum(padded),
        "peak_memory_mb": round(runtime.memory_mb()),
    }


def machine_speeds() -> dict:
    """How fast this machine multiplies matrices of a step's shape, and copies, just now."""
    device = torch.device("cpu")
    tflops = {d: runtime.matmul_tflops(d, device, 0.1) for d in (torch.float32, torch.bfloat16)}
    return {
        "fp32_tflops": round(tflops[torch.float32], 4),
        "bf16_tflops": round(tflops[torch.bfloat16], 4),
        "copy_gb_per_second": round(copied_per_second() / 1e9, 2),
        "chosen": runtime.precision_name(),
        "threads": torch.get_num_threads(),
    }


def run(line: str, round: int, steps: int = STEPS, **_) -> dict:
    """One line of one round, in a process of its own."""
    command = [
        sys.executable,
        "-m",
        "tools.experiments.one_change_at_a_time",
        "one",
        "--line",
        line,
        "--round",
        str(round),
    ]
    pages = str(int(loop_of(line).large_pages))
    environment = dict(os.environ, THP_MEM_ALLOC_ENABLE=pages)
    done = subprocess.run(
        [*command, "--steps", str(steps)],
        check=True,
        stdout=subprocess.PIPE,
        encoding="locale",
        env=environment,
    )
    return json.loads(done.stdout.splitlines()[-1])


def planned(rounds: int = ROUNDS) -> list[dict]:
    """Every run; each second round goes through the lines backwards, `torch.compile` is last."""
    turns = [(number, list(LINES)[:: -1 if number % 2 else 1]) for number in range(rounds)]
    runs = [(number, line) for number, lines in turns for line in lines] + [(0, COMPILED)]
    names = ("processor", "round", "line")
    return [dict(zip(names, (runtime.processor(), *run), strict=True)) for run in runs]


def gains(rows: pd.DataFrame) -> pd.DataFrame:
    """Of the recorded rows of one processor: how much faster than another line, in each round.

    Returns:
        Columns `line`, `round`, `gain`: samples a second over those of the line above, and for
        the choices over those of the last line of the ladder.
    """
    speed = rows.pivot(index="round", columns="line", values="samples_per_second")
    names = list(ladder())
    before = dict(zip(names[1:], names, strict=False)) | dict.fromkeys(apart(), names[-1])
    known = [line for line in before if {line, before[line]} <= set(speed)]
    gain = pd.DataFrame({line: speed[line] / speed[before[line]] for line in known})
    long = gain.melt(ignore_index=False, var_name="line", value_name="gain").reset_index()
    return long.dropna(ignore_index=True)  # a line may be measured in fewer rounds than another


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each loop: median and range over the rounds, from the rows of one processor."""
    gain = gains(rows[rows["line"] != COMPILED]).groupby("line")["gain"]
    lines = {}
    for line in [line for line in LINES if line in set(rows["line"])]:
        group = rows[rows["line"] == line]
        new = group["new_length_ms"].dropna()
        lines[line] = {
            "rounds": len(group),
            "samples/s": spread(group["samples_per_second"], "{:.0f}"),
            "against the line above": ""
            if line not in gain.groups
            else spread(gain.get_group(line)),
            "ms a step": spread(group["step_ms"], "{:.0f}"),
            "ms more at a new length": spread(new, "{:.0f}") if len(new) else "",
            "peak memory, MB": spread(group["peak_memory_mb"], "{:,.0f}"),
        }
    return pd.DataFrame(lines).T.rename_axis("line")


def of_compile(rows: pd.DataFrame) -> str:
    """What `torch.compile` costs and gains, if it was measured on this processor."""
    compiled = rows[rows["line"] == COMPILED]
    if compiled.empty:
        return ""
    row, last = compiled.iloc[0], rows[rows["line"] == list(ladder())[-1]]
    return (
        f"`torch.compile` (one run): {row['preparing_seconds']:.0f} s until {row['lengths']} "
        f"lengths had been met, then {row['step_ms']:.0f} ms a step. The last line of the ladder: "
        f"{last['preparing_seconds'].median():.1f} s, then {last['step_ms'].median():.0f} ms.\n"
    )


def of_processor(rows: pd.DataFrame) -> str:
    """Facts and tables of one processor."""
    speeds = [f"{spread(rows[name])} {unit}" for name, unit in SPEEDS.items()]
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads\n\n{markdown(table(rows))}\n\n"
    text += "Against the line above: ratio of the samples a second in the same round; the "
    text += f"lines below {list(ladder())[-1]!r} against that one. "
    text += f"Beside the runs the machine did {speeds[0]} in "
    text += f"fp32 and {speeds[1]} in bf16, and copied {speeds[2]}. `auto` chose "
    text += f"{' and '.join(rows['chosen'].unique())}.\n\n{of_compile(rows)}"
    return text


def report() -> str:
    """The page, made from the recorded rows alone."""
    head = f"""# One change at a time

`python -m tools.experiments.one_change_at_a_time`, results in
[one_change_at_a_time.csv](../../data/measured/one_change_at_a_time.csv).
From a plain loop to the loop of `fine_tune`; each line is all lines above it
and one change more, each run a process of its own, lines interleaved in rounds. Training
reviews, batch {BATCH_SIZE}, {STEPS} timed steps that stand for an
epoch ({FIXED_STEPS} where all batches have one length), after each length has been met once. Median
and, in brackets, range of the rounds.

What a change gains depends on what was changed before it: in another order the figures differ.
Nothing here says how good the model becomes; that is in [training_speed.md](training_speed.md) and
[review_accuracy.md](review_accuracy.md).
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    asked = parser(__doc__, ROUNDS, "one")
    asked.add_argument("--steps", type=int, default=STEPS)
    asked.add_argument("--line", choices=[*LINES, COMPILED])
    asked.add_argument("--round", type=int, default=0)
    options = asked.parse_args()
    if options.what == "one":
        row = timed_steps(loop_of(options.line), options.round, options.steps)
        print(json.dumps(row | machine_speeds()))
        return
    points = planned(options.rounds)
    if options.what != "report":
        runs.drive(points, run, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
