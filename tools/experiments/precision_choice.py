"""When is training in 16 bits faster? The gain of one product, and the speed of a whole training.

    python -m tools.experiments.precision_choice             three rounds, then the page
    python -m tools.experiments.precision_choice report      write precision_choice.md anew

"auto" measures how many times as fast bfloat16 multiplies (`runtime.best_precision`), and takes it
only above `runtime.WORTH_IT`: training also converts, adds and normalizes, which costs with 16 bits
and gains nothing. Here both are measured side by side. A run trains as in `busy_machine`, without a
busy program, in a process of its own; a round holds both precisions, forwards and backwards by
turns. A run is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import json
import statistics
import subprocess
import sys

import pandas as pd
import torch

from helpers import runtime
from tools.experiments import busy_machine, runs
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

RESULTS = MEASURED / "precision_choice.csv"
PAGE = PAGES / "precision_choice.md"
ROUNDS, PRECISIONS, REPEATS = 3, ("fp32", "bf16"), 5


def gain() -> float:
    """How many times as fast bfloat16 multiplies: the median of some measurements."""
    device = torch.device("cpu")
    found = [
        runtime.matmul_tflops(torch.bfloat16, device) / runtime.matmul_tflops(torch.float32, device)
        for _ in range(REPEATS)
    ]
    return round(statistics.median(found), 2)


def measure(precision: str, seed: int) -> dict:
    """The gain of a product, and one training, in this process."""
    return {"gain": gain()} | busy_machine.measure(0, seed, busy_machine.STEPS, precision)


def planned(rounds: int) -> list[dict]:
    """Both precisions with one thread and with two, every second round backwards."""
    points = [(threads, p) for threads in busy_machine.THREADS for p in PRECISIONS]
    return [
        {"processor": runtime.processor(), "round": number, "threads": threads, "precision": p}
        for number in range(rounds)
        for threads, p in points[:: -1 if number % 2 else 1]
    ]


def in_fresh_process(processor: str, round: int, threads: int, precision: str) -> dict:
    """`measure` in a process of its own, with the course's way of waiting."""
    command = [sys.executable, "-m", "tools.experiments.precision_choice", "one"]
    command += ["--seed", str(round), "--precision", precision]
    environment = busy_machine.environment(busy_machine.COURSE, threads)
    done = subprocess.run(
        command, check=True, stdout=subprocess.PIPE, encoding="locale", env=environment
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each number of threads: gain, speeds, and their ratio within the rounds."""
    lines = {}
    for threads, found in rows.groupby("threads"):
        speed = found.pivot_table(index="round", columns="precision", values="sentences_per_second")
        lines[f"{threads} thread{'s' * (threads > 1)}"] = {
            "a product in bf16, times as fast": spread(found["gain"]),
            "training in fp32, sentences/s": spread(speed["fp32"], "{:.0f}"),
            "in bf16": spread(speed["bf16"], "{:.0f}"),
            "training in bf16, times as fast": spread(speed["bf16"] / speed["fp32"]),
        }
    return pd.DataFrame(lines).T.rename_axis("")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts and table of one processor."""
    return f"## {machine(rows)}\n\n{markdown(table(rows))}\n"


def report() -> str:
    """The page, made from the recorded rows alone."""
    head = f"""# Which precision "auto" takes

`python -m tools.experiments.precision_choice`, results in
[precision_choice.csv](../../data/measured/precision_choice.csv).
Training on the messages of [notebook 13](../../notebooks/13_your_own_csv.ipynb), batch
{busy_machine.BATCH_SIZE}, {busy_machine.STEPS} steps without the first {busy_machine.WARM_UP}. Each
run is a process of its own, both precisions interleaved in rounds. Figures are the median and, in
brackets, the range.

The course takes bfloat16 where one product gains more than {runtime.WORTH_IT} times (`WORTH_IT` in
`helpers/runtime.py`), because training does other things, too, and each conversion costs. On the
processor below a product gains less, and training is slower. On the two processors of
[one_change_at_a_time.md](one_change_at_a_time.md) products gain more, and training is faster.
Nothing was measured in between, so the bound is a choice.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    asked = parser(__doc__, ROUNDS, "one")
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--precision", choices=PRECISIONS, default="fp32")
    options = asked.parse_args()
    if options.what == "one":
        print(json.dumps(measure(options.precision, options.seed)))
        return
    if options.what == "run":
        points = planned(options.rounds)
        runs.drive(points, in_fresh_process, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
