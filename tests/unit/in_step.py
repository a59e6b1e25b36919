"""What each process of tests/unit/test_processes.py runs, on a tiny model.

torchrun --standalone --nproc-per-node 2 -m tests.unit.in_step SCENARIO FOLDER
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy

from helpers import checkpoints, parallel, runtime, storage, training
from tests.unit.small import TINY, config, few

NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
LONGEST = 300  # seconds after which the processes are stuck


def parts():
    """49 rows in batches of 16: the last has one, and of two processes one gets none of it."""
    return few(49, 17)


def mean_of_means(logits, labels):
    """The mistake: every process's mean counts alike, however few examples it had."""
    own = slice(parallel.rank(), None, parallel.world_size())
    alone = cross_entropy(logits[own], labels[own]).nan_to_num() / parallel.world_size()
    return alone if logits.requires_grad else cross_entropy(logits, labels)


def not_mine(*_) -> None:
    """In place of `storage.write_folder` where nothing may be written."""
    raise AssertionError("only the first process writes")


def train(folder: Path, name: str, dropout: dict = NO_DROPOUT, chosen=None, **options) -> None:
    """Train a tiny model, or go on; weights and history of each process under `name`."""
    output_dir = options.get("output_dir")
    if parallel.rank() > 0:
        storage.write_folder = not_mine
    if output_dir and storage.stored_checkpoints(output_dir):
        _, model, run = training.resume(output_dir, *parts(), on_step=options.get("on_step"))
    else:
        tokenizer, model = checkpoints.load(seed=0, pretrained=False, **TINY, **dropout)
        run = training.fine_tune(model, tokenizer, *parts(), chosen or config(), **options)
    own = folder / f"{name}-{parallel.rank()}"
    storage.save_tensors(own.with_suffix(".safetensors"), model.state_dict())
    own.with_suffix(".json").write_text(json.dumps(run.rows))


def equal(folder: Path) -> None:
    """The same run without dropout, right and wrong; one with dropout; one with odd metrics."""
    train(folder, "right")
    train(folder, "wrong", loss_function=mean_of_means)
    train(folder, "bits", dropout={})
    (folder / f"seed-{parallel.rank()}.txt").write_text(str(torch.initial_seed()))
    epochs, sign = iter(range(1, 10)), -1 if parallel.rank() else 1

    def disagreeing(_) -> dict[str, float]:
        return {"accuracy": sign * next(epochs) / 10}

    chosen = config(best_metric="accuracy", patience=1)
    train(folder, "decided", chosen=chosen, compute_metrics=disagreeing)


def at_step(number: int, happens: Callable[[], None]) -> Callable:
    """A hook that lets something happen after step `number`."""

    def on_step(run: training.TrainingRun) -> None:
        if run.step == number:
            happens()

    return on_step


def killed(folder: Path) -> None:
    """One process, whose number a file holds, is killed in the third epoch of a new run."""
    victim = int((folder / "victim").read_text())
    hook = None
    if not (folder / "run").exists() and parallel.rank() == victim:
        hook = at_step(10, lambda: os.kill(os.getpid(), signal.SIGKILL))
    train(folder, "bits", dropout={}, output_dir=folder / "run", on_step=hook)


def interrupted(folder: Path) -> None:
    """Ctrl-C reaches `torchrun` in the third epoch of a new run."""
    deferred, asked = runtime.deferred_interrupt, []

    @contextmanager
    def watched():
        with deferred() as flag:
            asked.append(flag)
            yield flag

    def press():
        os.kill(os.getppid(), signal.SIGINT)
        asked[0].wait(LONGEST)

    runtime.deferred_interrupt = watched
    hook = None
    if not (folder / "run").exists() and parallel.rank() == 1:
        hook = at_step(10, press)
    train(folder, "bits", dropout={}, output_dir=folder / "run", on_step=hook)


def spoiled(folder: Path) -> None:
    """One process computes a logit that is no number, then one a gradient that is none."""
    for name in ("forward", "backward"):
        tokenizer, model = checkpoints.load(seed=0, pretrained=False, **TINY)
        calls = iter(range(1, 100))

        def spoil(*arguments, calls=calls):
            """The hook of a forward pass gets the output last, that of a backward pass a tuple."""
            found = arguments[-1]
            if parallel.rank() == 1 and next(calls) == 6:
                return found * torch.nan if torch.is_tensor(found) else (found[0] * torch.nan,)

        head = model.classifier
        hook = head.register_forward_hook if name == "forward" else None
        (hook or head.register_full_backward_pre_hook)(spoil)
        try:
            training.fine_tune(model, tokenizer, *parts(), config())
        except training.TrainingError as error:
            (folder / f"{name}-{parallel.rank()}.txt").write_text(str(error))


def different(folder: Path) -> None:
    """Each process is given other rows."""
    rows, validation = parts()
    tokenizer, model = checkpoints.load(seed=0, pretrained=False, **TINY)
    rows = rows.select(range(40 + parallel.rank()))
    try:
        training.fine_tune(model, tokenizer, rows, validation, config())
    except training.TrainingError as error:
        (folder / f"different-{parallel.rank()}.txt").write_text(str(error))


def refused(folder: Path) -> None:
    """All that ends with a message."""
    spoiled(folder)
    different(folder)


SCENARIOS = {f.__name__: f for f in (equal, killed, interrupted, refused)}

if __name__ == "__main__":
    SCENARIOS[sys.argv[1]](Path(sys.argv[2]))
