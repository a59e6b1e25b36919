"""Atomic saving, checked loading: a folder is either complete or not there."""

import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer
from transformers import (
    AutoModelForSequenceClassification,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from helpers import checkpoints, downloads, runtime

MANIFEST = "manifest.json"
WEIGHTS = "model.safetensors"
OTHER_MODEL = "the checkpoint is of another model. Load the model from it, as training.resume does."
STEP = re.compile(r"step-(\d{8})")


class StorageError(RuntimeError):
    """Something could not be stored or is not what was stored; the message names the cure."""


def write_folder(target: Path, fill: Callable[[Path], None]) -> None:
    """Create or replace a folder in one move.

    `fill` writes into a temporary folder beside `target`; then a list of all files with their
    SHA-256 is added, everything is forced to the disk, and the folder is renamed. Whoever is
    killed leaves the old folder or the new one, at worst the old one set aside, and then
    `recover` puts it back.

    Args:
        target: the folder to create. One that is there is replaced.
        fill: writes files into the folder it is given.

    Raises:
        StorageError: if the disk is full or the place cannot be written to.
    """
    target = Path(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        recover(target)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as temporary:
            new = Path(temporary) / "new"
            new.mkdir()
            fill(new)
            hashes = {file.name: downloads.sha256(file) for file in sorted(new.iterdir())}
            (new / MANIFEST).write_text(json.dumps(hashes, indent=1), encoding="utf8")
            for file in new.iterdir():
                force_to_disk(file)
            if target.exists():
                target.rename(set_aside(target))
            new.rename(target)
            recover(target)
    except (OSError, SafetensorError) as error:
        raise StorageError(
            f"could not save to {target}: {error}. What was there before is unharmed. "
            "Make room, or choose another folder, and go on from the last checkpoint."
        ) from error


def set_aside(target: Path) -> Path:
    """Where the old folder stands while a new one takes its place."""
    return target.with_name(f".{target.name}.old")


def recover(target: Path) -> None:
    """Finish a replacement that was killed: put the old folder back, or forget it."""
    old = set_aside(target)
    if old.exists() and not target.exists():
        with suppress(FileNotFoundError):  # another process of this run was faster
            old.rename(target)
    shutil.rmtree(old, ignore_errors=True)


@contextmanager
def only_run(folder: Path | str | None, new: bool = False) -> Iterator[None]:
    """Keep other runs out of a folder for as long as this one writes there; None is no folder.

    The system ends the claim with the process, however that ends. What killed writes left is
    removed. Of several processes in step, the first claims the folder for all.

    Args:
        folder: where checkpoints will be stored, if anywhere.
        new: refuse a folder that holds checkpoints.

    Raises:
        StorageError: if a run holds the folder or has stored there, or it cannot be written to.
    """
    if folder is None or runtime.rank() > 0:
        yield
        return
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock", timeout=0).acquire()
    except Timeout as error:
        raise StorageError(
            f"another run is writing to {folder}. Wait until it has ended, or choose another "
            "output_dir."
        ) from error
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error}. Choose another folder.") from error
    with lock:
        if new and stored_checkpoints(folder):
            raise StorageError(f"{folder} holds a run. Use training.resume, or another folder.")
        tidy(folder)
        yield


def force_to_disk(file: Path) -> None:
    """Ask the system to write a file's bytes to the disk now."""
    with file.open("rb+") as opened:
        os.fsync(opened.fileno())


def verify(folder: Path) -> None:
    """Check every file of a stored folder against its manifest.

    Raises:
        StorageError: if the folder or its manifest is missing, or a file has changed.
    """
    recover(Path(folder))
    manifest = Path(folder) / MANIFEST
    if not manifest.is_file():
        raise StorageError(f"{folder} was not stored by this course: {MANIFEST} is missing.")
    for name, expected in json.loads(manifest.read_text(encoding="utf8")).items():
        file = Path(folder) / name
        if not file.is_file() or downloads.sha256(file) != expected:
            raise StorageError(
                f"{file} is damaged: it is not what was stored. Remove the folder "
                f"{folder} and go on from the checkpoint before it, or train again."
            )


def save_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    """Write named tensors as safetensors: plain numbers, no code, nothing to unpickle."""
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, file)


def load_tensors(file: Path) -> dict[str, Tensor]:
    """Read named tensors, to the CPU, each into memory of its own."""
    return {name: tensor.clone() for name, tensor in load_file(file).items()}


def load_weights(folder: Path, model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a stored model, every byte checked; for `model`, which stays as it is.

    Raises:
        StorageError: if the folder is missing or damaged, or of a model of another shape.
    """
    verify(folder)
    tensors, here = load_tensors(folder / WEIGHTS), model.state_dict()
    if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in here.items()}:
        raise StorageError(OTHER_MODEL)
    return tensors


def save_model(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path | str
) -> None:
    """Store model and tokenizer atomically, for `load_model` or `pipeline(…, truncation=True)`."""

    def fill(new: Path) -> None:
        model.save_pretrained(new)
        tokenizer.save_pretrained(new)

    with checkpoints.quiet():
        write_folder(Path(folder), fill)


def load_model(folder: Path | str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and classifier of a stored folder, every byte checked, ready to predict.

    Raises:
        StorageError: if the folder is missing or damaged.
    """
    verify(Path(folder))
    if not (Path(folder) / WEIGHTS).is_file():
        raise StorageError(
            f"{folder} holds no {WEIGHTS}. Other forms, such as pickles, can hold code and are "
            "not read: save the model again with helpers.storage.save_model."
        )
    with checkpoints.quiet():
        model = AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, attn_implementation=checkpoints.fastest_attention()
        )
    if getattr(model.config, "short_last_layer", False):
        checkpoints.shorten_last_layer(model)
    return checkpoints.load_tokenizer(str(folder)), checkpoints.lighten_dropout(model).eval()


def optimizer_tensors(optimizer: Optimizer) -> dict[str, Tensor]:
    """What an optimizer remembers, as named tensors: `<parameter's number>.<name>`."""
    states = optimizer.state_dict()["state"]
    return {f"{i}.{name}": value for i, state in states.items() for name, value in state.items()}


def restore_optimizer(optimizer: Optimizer, tensors: dict[str, Tensor]) -> None:
    """Give a new optimizer of the same parameters the memory of `optimizer_tensors`."""
    shapes = dict(enumerate(p.shape for group in optimizer.param_groups for p in group["params"]))
    state: dict[int, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        number, _, name = key.partition(".")
        if value.dim() and shapes.get(int(number)) != value.shape:
            raise StorageError(OTHER_MODEL)
        state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )


def random_state() -> dict[str, Tensor]:
    """State of torch's random numbers on CPU and GPU, of each process: (processes, bytes)."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    return {name: runtime.gathered(own[None], runtime.processes()) for name, own in state.items()}


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Go on where `random_state` was taken, or, if other processes took it, from a seed of it."""
    rows = torch.atleast_2d(state["cpu"])
    if len(rows) != runtime.processes():
        torch.set_rng_state(rows[0])
        return runtime.set_seed(int(torch.randint(2**32, ())), runtime.rank())
    torch.set_rng_state(rows[runtime.rank()].clone())  # torch would read the first of a view
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.atleast_2d(state["cuda"])[runtime.rank()].clone())


def stored_checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints below a folder, oldest first."""
    return sorted(path for path in Path(folder).glob("step-*") if STEP.fullmatch(path.name))


def tidy(folder: Path, keep: int = 2) -> None:
    """Remove all but the newest `keep` checkpoints, and what killed writes and removals left."""
    for old in stored_checkpoints(folder)[:-keep]:
        old.rename(old.with_name(f".gone-{old.name[-8:]}"))  # half emptied, it is no checkpoint
    for leftover in folder.glob(".*-????????"):
        shutil.rmtree(leftover, ignore_errors=True)


def save_checkpoint(folder: Path, step: int, fill: Callable[[Path], None]) -> None:
    """Store a checkpoint atomically as `step-…`, then `tidy`."""
    write_folder(folder / f"step-{step:08d}", fill)
    tidy(folder)


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint below a folder, verified.

    Raises:
        StorageError: if there is none, or if it is damaged.
    """
    found = stored_checkpoints(folder)
    if not found:
        raise StorageError(f"{folder} holds no checkpoint to resume from.")
    verify(found[-1])
    return found[-1]


def save_training(
    folder: Path | str | None,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: Optimizer,
    run: object,
) -> None:
    """Store all that a run needs to go on, as checkpoint `run.step`; None is no folder.

    Of processes in step the first writes, the others wait.
    """
    if folder is None:
        return
    state, random = asdict(run), random_state()
    text = json.dumps({"config": state.pop("config"), "state": state}, indent=1)

    def fill(new: Path) -> None:
        model.save_pretrained(new)
        tokenizer.save_pretrained(new)
        save_tensors(new / "optimizer.safetensors", optimizer_tensors(optimizer))
        save_tensors(new / "random.safetensors", random)
        (new / "training.json").write_text(text, encoding="utf8")

    if runtime.rank() == 0:
        with checkpoints.quiet():
            save_checkpoint(Path(folder), run.step, fill)
    runtime.anyone(False)


def restore_training(checkpoint: Path, optimizer: Optimizer) -> None:
    """Give optimizer and random numbers the state they had when `checkpoint` was stored."""
    restore_optimizer(optimizer, load_tensors(checkpoint / "optimizer.safetensors"))
    restore_random_state(load_tensors(checkpoint / "random.safetensors"))


def read_training(checkpoint: Path) -> tuple[dict, dict]:
    """The dials and the state of the run that `save_training` was given."""
    stored = json.loads((checkpoint / "training.json").read_text(encoding="utf8"))
    return stored["config"], stored["state"]
