"""How fast is `predict` beside `transformers.pipeline`? Sentences per second, labels, logits.

    python -m tools.experiments.prediction_speed                  three rounds, then the page
    python -m tools.experiments.prediction_speed run --rounds 6   go on until six rounds are there
    python -m tools.experiments.prediction_speed report           write prediction_speed.md anew

One model, trained for one epoch and stored, is loaded by each way as its users load it. First a
grid of batch sizes is tried on a part of the sentences; the best of each kind then takes part in
the rounds, so that the number that chose it is not the number reported. A round holds every way
once, one later starting each time. `predict` is given every sentence; whatever is slower gets
every third, another third in the next round, so that three rounds hold each sentence once.

The clock runs from a list of texts to their logits, tokenizing included, after a first call that
does not count. The pipeline is asked for logits, which can be compared; that spares it a softmax.
It runs in the same process, so it has the large memory pages that `helpers` asks for.

A round is kept as soon as it is finished. To measure anew, remove the CSV.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import transformers
from datasets import DatasetDict

from helpers import checkpoints, corpora, downloads, runtime, training
from tools.experiments import runs
from tools.experiments.provenance import (
    MEASURED,
    PAGES,
    machine,
    markdown,
    parser,
    provenance,
    spread,
    verdict,
    write_page,
)

RESULTS = MEASURED / "prediction_speed.csv"
PAGE = PAGES / "prediction_speed.md"
MODEL = downloads.ROOT / "outputs" / "prediction_speed"
PARTS, TRIED, WARM = 3, 512, 64
BATCH_SIZES = (8, 16, 32, 64, 128)
TOLERANCE = 1e-4  # of a logit, where both sides calculate in fp32

OURS, RIVAL, CHOOSING = "predict", "pipeline, defaults", "choosing"
DEFAULT_SIZES = {OURS: 64, "predict, fp32": 64, RIVAL: 1}
# Kinds of pipeline that choose a batch size: precision, and whether texts are sorted by length.
KINDS = {
    "pipeline, best batch size": ("fp32", False),
    "pipeline, best batch size, texts sorted": ("fp32", True),
    "pipeline, bf16, best batch size": ("bf16", False),
    "pipeline, bf16, best batch size, texts sorted": ("bf16", True),
}
# Goals: at least so many times as fast as this.
ASKED = {RIVAL: 6.0, "pipeline, best batch size": 4.0}

Way = Callable[[list[str]], np.ndarray]


def by_pipeline(
    pipe: transformers.Pipeline, texts: list[str], by_length: bool = False, **options
) -> np.ndarray:
    """Logits of texts by the library's pipeline, in the order of the texts: float32, (n, C).

    Args:
        by_length: hand the texts over from the longest to the shortest, by their characters.
        options: such as `batch_size`.
    """
    order = np.arange(len(texts))
    if by_length:
        order = np.argsort([-len(text) for text in texts], kind="stable")
    ordered = [texts[i] for i in order]
    answers = pipe(ordered, top_k=None, function_to_apply="none", **options)
    logits = np.empty((len(texts), pipe.model.config.num_labels), dtype=np.float32)
    for place, answer in zip(order, answers, strict=True):
        for one in answer:
            logits[place, pipe.model.config.label2id[one["label"]]] = one["score"]
    return logits


def ways(folder: Path, sizes: dict[str, int]) -> dict[str, Way]:
    """Every way to predict, by its name.

    Args:
        folder: of the saved model.
        sizes: batch size of each of `KINDS`.
    """
    tokenizer, model = training.load(folder)
    with checkpoints.quiet():
        pipes = {
            precision: transformers.pipeline(
                "text-classification", str(folder), device="cpu", **options
            )
            for precision, options in (("fp32", {}), ("bf16", {"dtype": torch.bfloat16}))
        }
    found: dict[str, Way] = {
        OURS: lambda texts: training.predict(model, tokenizer, texts),
        "predict, fp32": lambda texts: training.predict(model, tokenizer, texts, precision="fp32"),
        RIVAL: lambda texts: by_pipeline(pipes["fp32"], texts),
    }
    for name, (precision, by_length) in KINDS.items():
        options = {"by_length": by_length, "batch_size": sizes[name]}
        found[name] = lambda texts, pipe=pipes[precision], options=options: by_pipeline(
            pipe, texts, **options
        )
    return found


def timed(way: Way, texts: list[str]) -> tuple[float, np.ndarray]:
    """Seconds from texts to logits, after a first call on a few of them; and the logits."""
    way(texts[:WARM])
    with runtime.timer() as took:
        logits = way(texts)
    return took["seconds"], logits


def row_of(stage: str, name: str, batch_size: int, n: int, seconds: float) -> dict:
    """What every row of the results says."""
    return {
        "stage": stage,
        "configuration": name,
        "batch_size": batch_size,
        "sentences": n,
        "seconds_taken": round(seconds, 3),
        "per_second": round(n / seconds, 1),
        "threads": torch.get_num_threads(),
    } | provenance()


def choose(folder: Path, texts: list[str], batch_sizes: Sequence[int]) -> list[dict]:
    """Try every batch size for every kind of pipeline: a row each."""
    rows = []
    for size in batch_sizes:
        every = ways(folder, dict.fromkeys(KINDS, size))
        for name in KINDS:
            seconds, _ = timed(every[name], texts)
            rows.append(row_of(CHOOSING, name, size, len(texts), seconds))
    return rows


def chosen(rows: pd.DataFrame) -> dict[str, int]:
    """The batch size that was fastest when it was tried, of each kind of pipeline."""
    tried = rows[rows["stage"] == CHOOSING]
    best = tried.loc[tried.groupby("configuration")["per_second"].idxmax()]
    return dict(zip(best["configuration"], best["batch_size"].astype(int), strict=True))


def run_round(number: int, folder: Path, texts: list[str], sizes: dict[str, int]) -> list[dict]:
    """Every way once: a row each, with what its logits differ by from the pipeline's defaults."""
    every = ways(folder, sizes)
    names, part = list(every), slice(number % PARTS, None, PARTS)
    rows, logits = {}, {}
    for name in names[number % len(names) :] + names[: number % len(names)]:
        given = texts if name == OURS else texts[part]
        seconds, found = timed(every[name], given)
        logits[name] = found[part] if name == OURS else found
        size = (DEFAULT_SIZES | sizes)[name]
        rows[name] = row_of(str(number), name, size, len(given), seconds)
    for name in names:
        apart = np.abs(logits[name] - logits[RIVAL])
        differ = logits[name].argmax(axis=1) != logits[RIVAL].argmax(axis=1)
        rows[name] |= {
            "compared": len(apart),
            "labels_differ": int(differ.sum()),
            "largest_difference": float(apart.max()),
            "mean_difference": float(apart.mean()),
        }
    return [rows[name] for name in names]


def done() -> pd.DataFrame:
    """The rows of every processor so far."""
    if RESULTS.exists():
        return pd.read_csv(RESULTS, dtype={"stage": str})
    return pd.DataFrame(columns=["stage", "processor"])


def trained_model(reviews: DatasetDict, folder: Path = MODEL) -> Path:
    """Folder of a review classifier after one epoch; it is trained if it is not there."""
    if not (folder / "config.json").exists():
        tokenizer, model = checkpoints.load(seed=0)
        parts = reviews["train"], reviews["validation"]
        training.fine_tune(model, tokenizer, *parts, training.TrainingConfig(epochs=1))
        training.save(model, tokenizer, folder)
    return folder


def run(rounds: int, texts: list[str], folder: Path) -> None:
    """Choose, then do the rounds that are missing on this processor.

    Args:
        rounds: how many there shall be in the end.
        folder: of the saved model.
    """
    for stage in [CHOOSING, *map(str, range(rounds))]:
        here = done()[done()["processor"] == runtime.processor()]
        if stage in set(here["stage"]):
            continue
        if stage == CHOOSING:
            rows = choose(folder, texts[:: max(1, len(texts) // TRIED)][:TRIED], BATCH_SIZES)
        else:
            rows = run_round(int(stage), folder, texts, chosen(here))
        runs.append(RESULTS, *rows)
        for row in rows:
            name = f"{stage:9}{row['configuration']:46}batch {row['batch_size']:<4}"
            print(f"{name}{row['per_second']:8.1f} sentences/s", flush=True)


def ratios(rows: pd.DataFrame) -> pd.Series:
    """How many times as fast `predict` was in the same round: one figure a row of the rounds."""
    ours = rows[rows["configuration"] == OURS].set_index("stage")["per_second"]
    return rows["stage"].map(ours) / rows["per_second"]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each way, from the rounds of one processor."""
    lines = {}
    for name, group in rows.assign(ratio=ratios(rows)).groupby("configuration", sort=False):
        once = group[group["stage"].astype(int) < PARTS]  # each sentence once
        counts = once[["labels_differ", "compared"]].sum()
        mean = np.average(group["mean_difference"], weights=group["compared"])
        lines[name] = {
            "batch size": int(group["batch_size"].iloc[0]),
            "rounds": len(group),
            "sentences/s": spread(group["per_second"], "{:.0f}"),
            "`predict` is faster by": spread(group["ratio"]),
            "labels that differ": f"{counts['labels_differ']:.0f} of {counts['compared']:,.0f}",
            "largest difference of a logit": f"{group['largest_difference'].max():.1e}",
            "mean difference": f"{mean:.1e}",
        }
    return pd.DataFrame(lines).T.rename_axis("configuration")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, tables and verdicts of one processor."""
    tried, rounds = rows[rows["stage"] == CHOOSING], rows[rows["stage"] != CHOOSING]
    grid = tried.pivot_table("per_second", "configuration", "batch_size", sort=False)
    grid = grid.map("{:.0f}".format).rename(columns="batch {}".format)
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads\n\n{markdown(table(rounds))}\n\n"
    for name, goal in ASKED.items():
        ratio = ratios(rounds)[rounds["configuration"] == name]
        text += f"Against `{name}`: {verdict(ratio, goal)}.\n\n"
    equal = rounds[rounds["configuration"] == "predict, fp32"]["largest_difference"].max()
    held = "held" if equal <= TOLERANCE else "broken"
    text += f"Both in fp32, a logit differs by at most {equal:.1e}; {TOLERANCE:.0e} is allowed: "
    text += f"{held}.\n\nSentences per second when a batch size was chosen, on "
    return f"{text}{tried['sentences'].iloc[0]} sentences, one run each:\n\n{markdown(grid)}\n"


def report() -> str:
    """The page, made from the recorded rows alone."""
    rows = done()
    n = int(rows.loc[rows["configuration"] == OURS, "sentences"].max())
    head = f"""# Prediction speed

`python -m tools.experiments.prediction_speed`, results in
[prediction_speed.csv](../../data/measured/prediction_speed.csv).
{n:,} review sentences; `predict` gets all of them in each round, what is slower every third,
another third in the next round. One model, trained for one epoch. Figures are the median of the
rounds and, in brackets, their range. A ratio is taken within a round. Labels and logits are
compared with those of the pipeline with its defaults, which calculates in fp32; labels
once a sentence.
"""
    pages = [of_processor(group) for _, group in rows.groupby("processor", sort=False)]
    return "\n".join([head, *pages, "A GPU was not measured.\n"])


def main() -> None:
    """Measure what is missing, or only report."""
    options = parser(__doc__, PARTS).parse_args()
    if options.what == "run":
        reviews = corpora.load("reviews")
        texts = [text for part in reviews.values() for text in part["text"][:]]
        run(options.rounds, texts, trained_model(reviews))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
