"""How fast is training while other programs run? Ways for threads to wait, threads, busy programs.

    python -m tools.experiments.busy_machine             three rounds, then the page
    python -m tools.experiments.busy_machine report      write busy_machine.md anew

torch divides its work among threads, and whoever is done waits for the others: first spinning, then
asleep. How long it spins is said by variables that OpenMP reads when torch is imported, so each
run is a process of its own. Nothing else should run on the machine: the busy programs are started
here. Each of them fills one core, from when the model is loaded to the end of the run.

A run trains on the messages of notebook 13, in its batches, for some steps; its speed is that of
all but the first few. The precision is fp32 in all of them. GOMP_SPINCOUNT=0 is what the passive
policy means to the library that torch brings along on Linux, so it is not measured by itself. A
round holds every combination once, forwards and backwards by turns, so that a machine that slows
down slows all of them. A run is kept as soon as it is finished. To measure anew, remove the CSV.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pandas as pd
import torch

import helpers
from helpers import checkpoints, downloads, own_data, runtime, training
from tools.experiments import runs
from tools.experiments.provenance import (
    MEASURED,
    PAGES,
    by_processor,
    machine,
    markdown,
    parser,
    spread,
    verdict,
    write_page,
)

RESULTS = MEASURED / "busy_machine.csv"
PAGE = PAGES / "busy_machine.md"
ROUNDS, STEPS, WARM_UP = 3, 13, 3
BATCH_SIZE, LEARNING_RATE = 16, 2e-4  # of notebook 13
DEFAULT, COURSE = "default", "a little (GOMP_SPINCOUNT=3000)"
POLICIES: dict[str, dict[str, str]] = {
    DEFAULT: {},
    "asleep (OMP_WAIT_POLICY=PASSIVE)": {"OMP_WAIT_POLICY": "PASSIVE"},
    COURSE: helpers.WAITING,
    "longer (GOMP_SPINCOUNT=10000)": {"GOMP_SPINCOUNT": "10000"},
}
THREADS, BUSY = (1, 2), (0, 1, 3)
ASKED = 0.45  # of the undisturbed speed, beside one busy program

# It ends with the program that started it, however that ends.
SPIN = """
import os, sys, threading
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(0)), daemon=True).start()
while True: pass
"""


@contextmanager
def busy(programs: int) -> Iterator[None]:
    """So many programs that each fill one core, until the end of the block."""
    started = [
        subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE)
        for _ in range(programs)
    ]
    try:
        yield
    finally:
        for program in started:
            program.kill()
            program.communicate()


def measure(programs: int, seed: int, steps: int, precision: str) -> dict:
    """One run in this process: sentences a second once the first steps are done."""
    mine = own_data.load(downloads.DATA / "messages.csv", "message", "intent")
    train, validation = mine.datasets["train"], mine.datasets["validation"].select(range(2))
    train = train.select(range(min(steps * BATCH_SIZE, len(train) // BATCH_SIZE * BATCH_SIZE)))
    tokenizer, model = checkpoints.load(num_labels=len(mine.names), seed=seed)
    config = training.TrainingConfig(
        epochs=1,
        batch_size=BATCH_SIZE,
        learning_rate=LEARNING_RATE,
        precision=precision,
        best_metric="epoch",
        seed=seed,
    )
    ends: list[float] = []
    with busy(programs):
        training.fine_tune(
            model,
            tokenizer,
            train,
            validation,
            config,
            on_step=lambda _: ends.append(time.perf_counter()),
        )
    timed = len(ends) - WARM_UP
    return {
        "steps": timed,
        "sentences_per_second": round(timed * BATCH_SIZE / (ends[-1] - ends[WARM_UP - 1]), 2),
        "torch_threads": torch.get_num_threads(),
        "precision": precision,
    }


def planned(rounds: int, steps: int = STEPS) -> list[dict]:
    """Every combination once a round, every second round backwards."""
    # A single thread waits for no other.
    ways = [(p, t) for t in THREADS for p in POLICIES if t > 1 or p == DEFAULT]
    points = [(policy, threads, busy) for busy in BUSY for policy, threads in ways]
    keys = ("processor", "round", "policy", "threads", "busy", "most_steps")
    return [
        dict(zip(keys, (runtime.processor(), number, *point, steps), strict=True))
        for number in range(rounds)
        for point in points[:: -1 if number % 2 else 1]
    ]


def environment(policy: str, threads: int) -> dict[str, str]:
    """The variables of a run: those of this process, but nothing that says how threads wait."""
    kept = {k: v for k, v in os.environ.items() if k not in helpers.SAY_HOW_TO_WAIT}
    return kept | POLICIES[policy] | {"OMP_NUM_THREADS": str(threads)}


def in_fresh_process(
    processor: str, round: int, policy: str, threads: int, busy: int, most_steps: int
) -> dict:
    """`measure` in a process that imports torch anew, before `helpers` could say how to wait."""
    command = [sys.executable, "-m", "tools.experiments.busy_machine", "one"]
    command += ["--busy", str(busy), "--seed", str(round)]
    command += ["--steps", str(most_steps), "--precision", "fp32"]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        encoding="locale",
        env=environment(policy, threads),
    )
    return json.loads(done.stdout.strip().splitlines()[-1])


def with_shares(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows of one processor, with the share of the undisturbed speed in the same round.

    Undisturbed is the library's default with two threads and no busy program: what every way of
    waiting has to keep up with.
    """
    alone = (rows["policy"] == DEFAULT) & (rows["threads"] == max(THREADS)) & (rows["busy"] == 0)
    speed = rows[alone].set_index("round")["sentences_per_second"]
    return rows.assign(share=rows["sentences_per_second"] / rows["round"].map(speed))


def table(rows: pd.DataFrame) -> pd.DataFrame:
    """A line for each way to wait and number of threads, from the rows of one processor."""
    lines = {}
    for (policy, threads), group in with_shares(rows).groupby(["policy", "threads"], sort=False):
        line = lines[f"{policy}, {threads} thread{'s' * (threads > 1)}"] = {}
        for programs, found in group.groupby("busy"):
            beside = f"{programs or 'no'} busy"
            line[f"{beside}: sentences/s"] = spread(found["sentences_per_second"], "{:.0f}")
            line[f"{beside}: share"] = spread(found["share"])
    return pd.DataFrame(lines).T.rename_axis("threads wait")


def of_processor(rows: pd.DataFrame) -> str:
    """Facts, table and verdicts of one processor."""
    text = f"## {machine(rows)}, {' and '.join(rows['precision'].unique())}\n\n"
    text += f"{markdown(table(rows))}\n"
    shares = with_shares(rows)
    shares = shares[(shares["threads"] == max(THREADS)) & (shares["busy"] == 1)]
    for policy, found in shares.groupby("policy", sort=False):
        words = verdict(found["share"], ASKED)
        text += f"\nBeside one busy program, two threads, {policy}: {words}.\n"
    return text


def report() -> str:
    """The page, made from the recorded rows alone."""
    head = f"""# A busy machine

`python -m tools.experiments.busy_machine`, results in
[busy_machine.csv](../../data/measured/busy_machine.csv).
Training on the messages of [notebook 13](../../notebooks/13_your_own_csv.ipynb), batch
{BATCH_SIZE}, {STEPS} steps without the first {WARM_UP}, beside programs that each fill one core.
Each run is a process of its own, all combinations interleaved in rounds. Figures are the median
of the rounds and, in brackets, their range. A share is that of the undisturbed speed in the same
round: with the library's default, two threads and nothing else running.

torch's threads wait for each other after each piece of work. By default they spin for a while,
which is quick when each has a core to itself; beside other programs a thread that spins takes its
core from the thread that it waits for. `OMP_WAIT_POLICY=PASSIVE` lets them sleep at once;
`GOMP_SPINCOUNT` says after how many turns, to the library that torch brings along on Linux (by
itself it makes 300,000). The course sets 3,000 (`WAITING` in `helpers/__init__.py`): of the ways
tried it is the one that keeps what is asked for beside one busy program and loses least with
nothing else running. That loss is in the first two columns: we accept it, because a learner's
machine is seldom idle. Set `GOMP_SPINCOUNT=300000` before you start JupyterLab, and the threads
spin as they would without the course. On macOS and Windows torch brings along another library,
which does not read this variable: there nothing is changed, and nothing was measured.
"""
    return by_processor(head, RESULTS, of_processor)


def main() -> None:
    """Measure what is missing, or only report."""
    asked = parser(__doc__, ROUNDS, "one")
    asked.add_argument("--steps", type=int, default=STEPS, help="at most so many in a run")
    asked.add_argument("--busy", type=int, default=0)
    asked.add_argument("--seed", type=int, default=0)
    asked.add_argument("--precision", default="auto")
    options = asked.parse_args()
    if options.what == "one":
        found = measure(options.busy, options.seed, options.steps, options.precision)
        print(json.dumps(found))
        return
    if options.what == "run":
        points = planned(options.rounds, options.steps)
        runs.drive(points, in_fresh_process, RESULTS, limit=len(points))
    write_page(PAGE, report())
    print(report())


if __name__ == "__main__":
    main()
