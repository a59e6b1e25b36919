"""Does a file of 100,000 rows take the time that 1,000 and 10,000 rows foretell?

    python -m tools.experiments.many_rows               three rounds, then many_rows.md
    python -m tools.experiments.many_rows --million     a million rows as well: ten minutes more
    python -m tools.experiments.many_rows report        write many_rows.md anew

Each point is a process of its own: the clock covers one call of `predict_file`, reading and writing
included, after a first call on a few texts that does not count; memory is the most that the process
held, with Python and the libraries. The rows are the first words of review sentences.

In every round two files give the formula, seconds = a + b · tokens. The large files are predicted
once. They are long enough to be kept chunk by chunk (`own_data.resuming`), which the small ones are
not, so what that costs is part of what is asked.

A point is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import csv
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from helpers import batching, checkpoints, corpora, own_data, runtime, training
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

RESULTS = MEASURED / "many_rows.csv"
PAGE = PAGES / "many_rows.md"
ROUNDS = 3
FITTED, LARGE, MILLION = (1_000, 10_000), 100_000, 1_000_000
WORDS = 8  # of a sentence
WARM = 64  # rows of the call that does not count
ASKED = 1.1  # times what the formula says, at most


def planned(rounds: int = ROUNDS, million: bool = False) -> list[dict]:
    """Every point: one dictionary each, a whole round before the next; the large files last."""
    points = [(number, rows) for number in range(rounds) for rows in FITTED]
    points += [(0, LARGE)] + [(0, MILLION)] * million
    keys = ("processor", "round", "rows")
    return [dict(zip(keys, (runtime.processor(), *point), strict=True)) for point in points]


def sentences() -> list[str]:
    """The first words of every review sentence."""
    parts = corpora.load("reviews").values()
    return [" ".join(text.split()[:WORDS]) for part in parts for text in part["text"][:]]


def written(path: Path, texts: list[str], rows: int) -> Path:
    """A CSV of so many rows, which begins with the texts again when they are used up."""
    with path.open("w", encoding="utf8", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text"])
        table.writerows([texts[number % len(texts)]] for number in range(rows))
    return path


def tokens_in(lengths: np.ndarray, rows: int) -> int:
    """Tokens of a file that `written` makes of texts with these lengths."""
    whole, more = divmod(rows, len(lengths))
    return int(whole * lengths.sum() + lengths[:more].sum())


def measure(rows: int) -> dict:
    """One point, in this process: tokens, seconds and the most memory."""
    texts, (tokenizer, model) = sentences(), checkpoints.load()
    lengths = np.array([len(ids) for ids in batching.tokenize(texts, tokenizer)])

    def logits(chunk: list[str]) -> np.ndarray:
        return training.predict(model, tokenizer, chunk)

    with tempfile.TemporaryDirectory() as folder:
        first, source = Path(folder) / "first.csv", Path(folder) / "rows.csv"
        target, names = Path(folder) / "new.csv", ["no", "yes"]
        written(first, texts, WARM)
        own_data.predict_file(first, "text", target, logits, names)
        written(source, texts, rows)
        with runtime.timer() as took:
            done = own_data.predict_file(source, "text", target, logits, names)
    if done != {"rows": rows, "predicted": rows}:
        raise RuntimeError(f"{rows} rows were given, {done} is what became of them.")
    return {
        "tokens": tokens_in(lengths, rows),
        "seconds_taken": round(took["seconds"], 3),
        "peak_memory_mb": round(runtime.memory_mb(), 1),
        "precision": runtime.precision_name(),
        "threads": torch.get_num_threads(),
    }


def in_fresh_process(rows: int, **_) -> dict:
    """`measure` in a process that does nothing else."""
    with ProcessPoolExecutor(1, mp_context=FRESH) as pool:
        return pool.submit(measure, rows).result()


def formulas(rows: pd.DataFrame) -> pd.DataFrame:
    """Of each round a and b of seconds = a + b · tokens, through its two small files."""
    small = rows[rows["rows"].isin(FITTED)]
    tokens, seconds = (
        small.pivot_table(column, "round", "rows")[list(FITTED)].to_numpy()
        for column in ("tokens", "seconds_taken")
    )
    b = np.diff(seconds)[:, 0] / np.diff(tokens)[:, 0]
    return pd.DataFrame({"a": seconds[:, 0] - b * tokens[:, 0], "b": b})


def against_formula(rows: pd.DataFrame, size: int) -> list[float]:
    """How many times what each round's formula says a file of so many rows took."""
    found, large = formulas(rows), rows[rows["rows"] == size].iloc[0]
    return [*(large["seconds_taken"] / (found["a"] + found["b"] * large["tokens"]))]


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each size: tokens, seconds, what the formulas say, and memory."""
    lines = {}
    for size, group in rows.groupby("rows"):
        says = formulas(rows) if size not in FITTED else None
        tokens = group["tokens"].iloc[0]
        lines[f"{size:,}"] = {
            "tokens": f"{tokens:,}",
            "seconds": spread(group["seconds_taken"], "{:.1f}"),
            "rows/s": spread(size / group["seconds_taken"], "{:.0f}"),
            "formula, s": "" if says is None else spread(says["a"] + says["b"] * tokens, "{:.1f}"),
            "taken / formula": "" if says is None else spread(against_formula(rows, size)),
            "memory, MB": f"{group['peak_memory_mb'].median():.0f}",
        }
    return pd.DataFrame(lines).T.rename_axis("rows")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, table and what it says of one processor."""
    found = formulas(rows)
    text = f"## {machine(rows)}, {rows['threads'].iloc[0]} threads, {rows['precision'].iloc[0]}\n\n"
    text += f"{markdown(table(rows))}\n\n"
    text += f"Seconds = a + b · tokens: a = {spread(found['a'], '{:.2f}')} s, b = "
    text += f"{spread(1e6 * found['b'], '{:.1f}')} s per million tokens.\n"
    for size in sorted({*rows["rows"]} - {*FITTED}):
        ratios = np.array(against_formula(rows, size))
        met = "met" if np.median(ratios) <= ASKED else "not met"
        within = int((ratios <= ASKED).sum())
        text += f"\n{size:,} rows: asked for were at most {ASKED} times what the formula says: "
        text += f"{met} by the median, held by the formulas of {within} of {len(ratios)} rounds.\n"
    return text


def report() -> str:
    """The page, made from the recorded rows alone."""
    head = f"""# Many rows

`python -m tools.experiments.many_rows`, results in
[many_rows.csv](../../data/measured/many_rows.csv).
Do {LARGE:,} rows take the time that {FITTED[0]:,} and {FITTED[1]:,} rows foretell? The clock covers
`predict_file`, reading and writing included, on the first {WORDS} words of review sentences. In
each round the two small files give the formula, seconds = a + b · tokens; the large file was
predicted once, and is held against the formula of each round. Figures are the median of the rounds
and, in brackets, their range. Memory is the most that the process held, Python and libraries
included. With `--million` a million rows are predicted as well.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    asked = parser(__doc__, ROUNDS)
    asked.add_argument("--million", action="store_true", help="also a million rows")
    options = asked.parse_args()
    if options.what == "run":
        if HAS_FORK:  # the server imports once and holds no threads: its children start at once
            FRESH.set_forkserver_preload(["tools.experiments.many_rows"])
        points = planned(options.rounds, options.million)
        runs.drive(points, in_fresh_process, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
