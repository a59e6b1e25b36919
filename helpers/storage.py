"""What a training run stores and goes on from, and saved models: complete or not there."""

import json
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.optim import Optimizer
from transformers import (
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from helpers import checkpoints, files, lora, parallel, runtime, speedups
from helpers.files import ForeignError, StorageError
from helpers.folders import (
    MANIFEST,
    Manifest,
    check_name,
    is_stored,
    read_folder,
    read_manifest,
    recover,
    remove_folder,
    verify,
    write_folder,
)

__all__ = ["MANIFEST", "ForeignError", "StorageError", "read_folder", "verify", "write_folder"]

WEIGHTS = "model.safetensors"
TOKENIZER = {"tokenizer.json", "tokenizer_config.json", "vocab.txt"}
CARD = frozenset({"README.md"})  # a model card asks people to fill in what no program knows
RESUME = "training.resume (for conversations: chat.resume)"
OTHER_MODEL = (
    "the checkpoint belongs to another model. Load the model from it, as training.resume and "
    "chat.resume do."
)
STEP = re.compile(r"step-(\d{8})")
LOCK = ".sft-unveiled.lock"


def absolute(folder: Path | str | None) -> Path | None:
    """A folder's place, which stays the same if the program changes its directory."""
    return None if folder is None else Path(folder).expanduser().absolute()


# ---------------------------------------------------------------- a folder that a run has to itself


@dataclass(frozen=True)
class Claim:
    """A run's hold on its folder.

    Attributes:
        folder: where the run stores.
        writes: whether this process does: under `torchrun`, rank 0 alone.
        identity: of the folder, by which a renamed one is noticed.
        owner: process and thread.
    """

    folder: Path
    writes: bool
    identity: tuple[int, int] = (0, 0)
    owner: tuple[int, int] = (0, 0)

    def check(self) -> None:
        """Raise `StorageError` if the folder was moved or removed since it was claimed."""
        with suppress(OSError):
            if identity_of(self.folder) == self.identity:
                return
        raise StorageError(
            f"{self.folder} was renamed, moved or removed while the run was writing to it. What "
            "was stored is where the folder is now: give it its name back and call "
            f"{RESUME}, or start again in another folder."
        )


HELD: dict[Path, Claim] = {}


def identity_of(folder: Path) -> tuple[int, int]:
    """What tells a folder from another one that has its name."""
    found = os.stat(folder)
    return found.st_dev, found.st_ino


@contextmanager
def only_run(folder: Path | str | None, new: bool = False) -> Iterator[Claim | None]:
    """Keep other runs out of a folder for as long as this one writes there; None is no folder.

    The system ends the claim with the process, however that ends. What killed writers left is
    put right. Under `torchrun`, rank 0 claims the folder for all. Whoever holds the
    claim may ask for it again.

    Args:
        folder: where checkpoints will be stored, if anywhere.
        new: make the folder, and refuse one that holds a run.

    Raises:
        StorageError: a run holds the folder or has stored there, it is not there, or it cannot be
            written to.
    """
    if folder is None:
        yield None
        return
    folder, owner = absolute(folder), (os.getpid(), threading.get_ident())
    check_name(folder)
    if parallel.rank() > 0:
        yield Claim(folder, writes=False)
        return
    if folder in HELD and HELD[folder].owner == owner:
        yield HELD[folder]
        return
    with locked(folder, new):
        if new:
            check_holds_no_run(folder)
        for target in [*named_checkpoints(folder), *leftovers(folder), folder / "best"]:
            recover(target)
        HELD[folder] = Claim(folder, True, identity_of(folder), owner)
        try:
            yield HELD[folder]
        finally:
            del HELD[folder]


@contextmanager
def locked(folder: Path, new: bool) -> Iterator[None]:
    """Hold the lock of a folder.

    Raises:
        StorageError: it cannot be had; the message says why.
    """
    try:
        if new:
            folder.mkdir(parents=True, exist_ok=True)
        if not folder.is_dir():
            raise StorageError(f"{folder} holds no checkpoint to resume from.")
        place = folder / LOCK
        if place.is_symlink() or (place.exists() and (place.is_dir() or place.stat().st_size)):
            raise ForeignError(f"{place} is in the way. Move it, or choose another output_dir.")
        lock = FileLock(place)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StorageError(
            f"another run is writing to {folder}. Wait until it has ended, or choose another "
            "output_dir."
        ) from error
    except OSError as error:
        raise StorageError(f"cannot write to {folder}: {error}. Choose another folder.") from error
    try:
        yield
    finally:
        lock.release()


def check_holds_no_run(folder: Path) -> None:
    """Raise `StorageError` for a folder that holds a run already, or files in a new run's way."""
    if any(map(is_stored, named_checkpoints(folder))):
        raise StorageError(
            f"{folder} holds a run already. Go on with it by {RESUME}, or choose another "
            "output_dir."
        )
    for place in [*named_checkpoints(folder), folder / "best"]:
        if files.is_there(place):
            raise ForeignError(
                f"{folder} holds {place.name!r}, a name that a run needs for itself. Move it away, "
                "or choose another output_dir."
            )


def leftovers(folder: Path) -> set[Path]:
    """Checkpoints that killed writers were about to store or to remove."""
    found = (re.match(r"\.sft-unveiled-(step-\d{8})\.", path.name) for path in folder.glob(".*"))
    return {folder / match[1] for match in found if match}


def named_checkpoints(folder: Path) -> list[Path]:
    """Whatever has the name of a checkpoint, oldest first."""
    return sorted(path for path in Path(folder).glob("step-*") if STEP.fullmatch(path.name))


def stored_checkpoints(folder: Path) -> list[Path]:
    """The complete checkpoints below a folder, oldest first."""
    return [path for path in named_checkpoints(folder) if is_stored(path)]


def tidy(folder: Path, run: str | None = None, keep: int = 2) -> None:
    """Remove all but the newest `keep` checkpoints of a run; those of other runs stay.

    What cannot be removed, or holds what the course did not store, stays; the run goes on.
    """
    own = [path for path in stored_checkpoints(folder) if facts_of(path).get("run") == run]
    for old in own[:-keep]:
        with suppress(StorageError):
            remove_folder(old)


def remove_run(folder: Path | str) -> None:
    """Remove what a run stored in a folder, and the folder if nothing else is in it.

    Raises:
        StorageError: a run is writing to it, or a checkpoint holds what the course did not store.
    """
    folder = absolute(folder)
    if not files.is_there(folder):
        return
    with only_run(folder):
        for stored in [*named_checkpoints(folder), folder / "best"]:
            remove_folder(stored)
    files.remove_known(folder, [(LOCK, files.EMPTY)])


# ---------------------------------------------------------------- tensors


def save_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    """Write named tensors as safetensors: plain numbers, no code, nothing to unpickle."""
    save_file({name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()}, file)


def load_tensors(file: Path) -> dict[str, Tensor]:
    """Read named tensors, to the CPU, each into memory of its own.

    Raises:
        StorageError: the file holds something else, whatever its name says; nothing of it is run.
    """
    try:
        return {name: tensor.clone() for name, tensor in load_file(file).items()}
    except SafetensorError as error:
        raise StorageError(
            f"{file} is not in the safetensors format ({error}). Other forms, such as pickles, can "
            "hold code and are not read: save the model again with training.save."
        ) from error


def load_weights(folder: Path, model: PreTrainedModel) -> dict[str, Tensor]:
    """The weights of a stored model, every byte checked; for `model`, which stays as it is.

    Raises:
        StorageError: if the folder is missing or damaged, or of a model of another shape.
    """
    tensors = read_folder(folder, lambda place, _: stored_weights(place))
    here = own_weights(model)
    if {n: t.shape for n, t in tensors.items()} != {n: t.shape for n, t in here.items()}:
        raise StorageError(OTHER_MODEL)
    return tensors


def stored_weights(place: Path) -> dict[str, Tensor]:
    """The tensors of a stored model by their names in it; of one with LoRA, the trained ones."""
    if (place / lora.ADAPTER).is_file():
        return {lora.name_in_model(n): t for n, t in load_tensors(place / lora.ADAPTER).items()}
    return load_tensors(place / WEIGHTS)


def own_weights(model: PreTrainedModel) -> dict[str, Tensor]:
    """What a model must store of itself: all its weights; with LoRA, only what is trained.

    Tied weights (an output layer that is the word table) are stored once.
    """
    if lora.settings_of(model):
        return lora.parameters(model)
    tied = set(getattr(model, "all_tied_weights_keys", None) or ())
    return {name: tensor for name, tensor in model.state_dict().items() if name not in tied}


# ---------------------------------------------------------------- models


def fill_model(new: Path, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Write model and tokenizer into a new folder, for `load_model` and for plain pipelines.

    A pipeline with `truncation=True` reads as many tokens as its tokenizer says: as many as the
    model was trained on. The tokenizer in hand stays as it is.
    """
    whole, trained = tokenizer.model_max_length, getattr(model.config, "sft_unveiled", None) or {}
    if model.can_generate():  # it reads what it was given and what it wrote, up to its own limit
        trained = {}
    tokenizer.model_max_length = trained.get("max_length", whole)
    try:
        with checkpoints.quiet():
            if lora.settings_of(model):
                lora.save(model, new, checkpoints.base_of(model))
            else:
                model.save_pretrained(new)
            tokenizer.save_pretrained(new)
    finally:
        tokenizer.model_max_length = whole


def save_model(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path | str,
    card: str | None = None,
) -> None:
    """Store model and tokenizer atomically, for `load_model` or `pipeline(…, truncation=True)`.

    Args:
        folder: a new one, or one that this function wrote and nobody added to or changed.
        card: text of a `README.md` beside the model.

    Raises:
        StorageError: the folder is somebody else's, the disk is full, or the place cannot be
            written to. Nothing was replaced.
    """

    def fill(new: Path) -> None:
        fill_model(new, model, tokenizer)
        if card is not None:
            (new / "README.md").write_text(card, encoding="utf8")

    write_folder(folder, fill, {"kind": "model"}, CARD)


def load_model(folder: Path | str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and classifier of a stored folder, every byte checked, ready to predict.

    Raises:
        StorageError: if the folder is missing or damaged, or holds what was not stored with it.
    """
    return read_folder(folder, read_model)


def read_model(place: Path, manifest: Manifest) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and classifier of a folder that was checked."""
    if lora.ADAPTER in manifest.files:
        return read_adapter(place)
    if WEIGHTS not in manifest.files:
        raise StorageError(
            f"{place} holds no {WEIGHTS}. Other forms, such as pickles, can hold code and are "
            "not read: save the model again with helpers.storage.save_model."
        )
    if not TOKENIZER & manifest.files.keys():
        raise StorageError(f"{place} holds no tokenizer. Save both with training.save.")
    load_tensors(place / WEIGHTS)  # a pickle under this name ends here, with a message
    try:
        with checkpoints.quiet():
            model, info = checkpoints.saved_model(place)
            tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    except ValueError as error:
        raise StorageError(checkpoints.unreadable(str(place), error)) from error
    wrong = [f"{kind}: {name}" for kind, names in sorted(info.items()) for name in names]
    if wrong:
        raise StorageError(
            f"{place / WEIGHTS} does not fit config.json ({wrong[0].replace('_', ' ')}), so the "
            "model would answer at random. Save it again with training.save."
        )
    if getattr(model.config, "short_last_layer", False):
        speedups.shorten_last_layer(model)
    return tokenizer, speedups.lighten_dropout(model).eval()


def read_adapter(place: Path) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and model of a folder with a LoRA adapter: its base model, and the matrices.

    Raises:
        StorageError: the base model is not where it was, or the matrices do not fit it.
    """
    load_tensors(place / lora.ADAPTER)  # a pickle under this name ends here, with a message
    base = checkpoints.name_at(lora.read_settings(place)["base_model_name_or_path"])
    try:
        _, model = checkpoints.load_causal(base, lora.base_dtype(place))
        lora.load(model, place)
    except checkpoints.CheckpointError as error:
        raise StorageError(
            f"{place} holds LoRA matrices only. The model that they belong to, {base}, cannot be "
            "loaded: it was moved, removed or changed. Put it back and try again."
        ) from error
    except ValueError as error:
        raise StorageError(f"{error} It was trained beside another version of {base}.") from error
    tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    return tokenizer, model.eval()


# ---------------------------------------------------------------- optimizer and random numbers


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
    """State of torch's random numbers on CPU and GPU, of each rank: (world size, bytes)."""
    state = {"cpu": torch.get_rng_state()}
    if torch.cuda.is_available():
        state["cuda"] = torch.cuda.get_rng_state()
    size = parallel.world_size()
    return {name: parallel.all_gather(own[None], size) for name, own in state.items()}


def restore_random_state(state: dict[str, Tensor]) -> None:
    """Go on where `random_state` was taken; with another world size, from a seed drawn from it."""
    rows = torch.atleast_2d(state["cpu"])
    if len(rows) != parallel.world_size():
        torch.set_rng_state(rows[0])
        return runtime.set_seed(int(torch.randint(2**32, ())), parallel.rank())
    torch.set_rng_state(rows[parallel.rank()].clone())  # torch would read the first of a view
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(torch.atleast_2d(state["cuda"])[parallel.rank()].clone())


# ---------------------------------------------------------------- checkpoints


def save_checkpoint(
    folder: Path, step: int, fill: Callable[[Path], None], facts: dict | None = None
) -> None:
    """Store a checkpoint atomically as `step-…`, then `tidy`."""
    facts = {"kind": "checkpoint", "step": step} | (facts or {})
    write_folder(folder / f"step-{step:08d}", fill, facts)
    tidy(folder, facts.get("run"))


def latest_checkpoint(folder: Path) -> Path:
    """The newest checkpoint below a folder, every byte checked.

    Raises:
        StorageError: if there is none, or if it is damaged, or not what its name says.
    """
    found = named_checkpoints(folder)
    if not found:
        raise StorageError(f"{folder} holds no checkpoint to resume from.")
    newest = found[-1]
    if newest.is_symlink() or not newest.is_dir():
        raise StorageError(f"{newest} is not a folder. Move it away and resume again.")
    try:
        manifest = verify(newest)
    except StorageError as error:
        raise StorageError(f"{error}{fallback_advice(found)}") from error
    facts = manifest.facts
    if facts.get("kind") != "checkpoint" or facts.get("step") != int(newest.name[5:]):
        raise StorageError(
            f"{newest} does not hold the checkpoint that its name says.{fallback_advice(found)}"
        )
    return newest


def fallback_advice(found: list[Path]) -> str:
    """What to do if the newest checkpoint cannot be used; `found` lists all of them in order."""
    if len(found) == 1:
        return " There is no other checkpoint here: start again in another folder."
    return f" Without {found[-1].name}, {RESUME} goes on from {found[-2].name}."


def save_training(
    claim: Claim | None,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    optimizer: Optimizer,
    run: object,
) -> None:
    """Store all that a run needs to go on, as checkpoint `run.step`; None is no folder.

    Under `torchrun`, rank 0 writes and the other ranks wait.
    """
    if claim is None:
        return
    state, random = asdict(run), random_state()
    text = json.dumps({"config": state.pop("config"), "state": state}, indent=1)

    def fill(new: Path) -> None:
        fill_model(new, model, tokenizer)
        save_tensors(new / "optimizer.safetensors", optimizer_tensors(optimizer))
        save_tensors(new / "random.safetensors", random)
        (new / "training.json").write_text(text, encoding="utf8")

    if claim.writes:
        claim.check()
        facts = {"run": run.id, "epoch": run.epoch, "batch": run.batch}
        save_checkpoint(claim.folder, run.step, fill, facts)
    parallel.barrier()


def save_best(
    claim: Claim | None, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, run: object
) -> None:
    """Store the model of a run's best epoch as `best`; None is no folder."""
    if claim is not None and claim.writes:
        claim.check()
        facts = {"kind": "best", "run": run.id, "epoch": run.best_epoch}
        fill = partial(fill_model, model=model, tokenizer=tokenizer)
        write_folder(claim.folder / "best", fill, facts, CARD)


def facts_of(folder: Path) -> dict:
    """What a stored folder's manifest notes; nothing, if it cannot be read."""
    with suppress(StorageError):
        return read_manifest(folder).facts
    return {}


def best_weights(
    claim: Claim | None, checkpoint: Path, run: object, model: PreTrainedModel
) -> dict[str, Tensor]:
    """The weights of a run's best epoch, from `best` or from the checkpoint that ended it.

    If `best` is missing or older, it is stored again from that checkpoint.

    Raises:
        StorageError: `best` is damaged or of another run, or no folder has these weights.
    """
    folder = checkpoint.parent
    best = folder / "best"
    for place in [best, *stored_checkpoints(folder)]:
        if facts_of(place).get("run", run.id) != run.id:
            raise StorageError(
                f"{place} belongs to another run than {checkpoint.name}. Move the one that does "
                f"not belong here away and call {RESUME} again."
            )
    epoch = verify(best).facts.get("epoch", 0) if files.is_there(best) else 0
    if epoch == run.best_epoch:
        return load_weights(best, model)
    ended = {"run": run.id, "epoch": run.best_epoch, "batch": 0}
    for place in reversed(stored_checkpoints(folder)):
        if ended.items() <= facts_of(place).items():
            weights = load_weights(place, model)
            if epoch < run.best_epoch:
                restore_best(claim, place, run)
            return weights
    if epoch > run.epoch:  # the run was put back, and will come to this epoch again
        return load_weights(best, model)
    raise StorageError(
        f"the weights of epoch {run.best_epoch}, the best so far, are no longer stored below "
        f"{folder}. Start again in another folder: the same seed gives the same result."
    )


def restore_best(claim: Claim | None, checkpoint: Path, run: object) -> None:
    """Store `best` again from the checkpoint that ended the best epoch."""
    tokenizer, model = load_model(checkpoint)
    save_best(claim, model, tokenizer, run)


def restore_training(checkpoint: Path, optimizer: Optimizer) -> None:
    """Give optimizer and random numbers the state they had when `checkpoint` was stored."""

    def read(place: Path, _: Manifest) -> list[dict[str, Tensor]]:
        return [load_tensors(place / f"{name}.safetensors") for name in ("optimizer", "random")]

    memory, random = read_folder(checkpoint, read)
    restore_optimizer(optimizer, memory)
    restore_random_state(random)


def read_training(checkpoint: Path) -> tuple[dict, dict]:
    """The hyperparameters and the state of the run that `save_training` was given.

    Raises:
        StorageError: it is damaged, or another version of the course stored it.
    """

    def read(place: Path, _: Manifest) -> tuple[dict, dict]:
        try:
            stored = json.loads((place / "training.json").read_text(encoding="utf8"))
            return stored["config"], stored["state"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise StorageError(other_version_message(checkpoint)) from error

    return read_folder(checkpoint, read)


def other_version_message(checkpoint: Path) -> str:
    """The message for a checkpoint whose state this version cannot read."""
    return (
        f"{checkpoint} was stored by another version of this course. Go on with that version, or "
        "start again in another folder."
    )
