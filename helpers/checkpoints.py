"""From a name to a tokenizer and a model with a fresh head."""

import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import constants, try_to_load_from_cache
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from helpers import downloads

CHECKPOINT = "minilm"
HUB_CHECKPOINT = "google-bert/bert-base-uncased"


class CheckpointError(RuntimeError):
    """A checkpoint is neither on this machine nor reachable; the message names the cure."""


def location(name: str) -> str:
    """Where a checkpoint is: the checked local folder for "minilm", else the name as it is.

    Args:
        name: "minilm", a folder of a saved model, or an id on the model hub such as
            "google-bert/bert-base-uncased".
    """
    return str(downloads.folder(name)) if name in downloads.sources() else name


def hub_is_reachable() -> bool:
    """Whether the model hub answers within three seconds. Behind a proxy: assume it does."""
    if urllib.request.getproxies():
        return True
    host = urllib.parse.urlsplit(constants.ENDPOINT).hostname
    try:
        socket.create_connection((host, 443), timeout=3).close()
    except OSError:
        return False
    return True


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn the library's errors about a missing checkpoint into one sentence with the cure."""
    try:
        local = Path(location(name)).is_dir() or try_to_load_from_cache(name, "config.json")
        if not local and not hub_is_reachable():
            raise OSError("the model hub did not answer")
        yield
    except (OSError, ValueError) as error:
        if Path(location(name)).is_dir():
            raise
        raise CheckpointError(
            f"CHECKPOINT = {name!r}: no such folder on this machine, and the model hub did not "
            f"deliver it. Check the name and the network, or set CHECKPOINT = {CHECKPOINT!r}, "
            "which needs neither."
        ) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the loader's report: it warns that the head is new, which is what we ask for."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        logging.enable_progress_bar()


def load_tokenizer(name: str = CHECKPOINT) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
    """
    with explained(name), quiet():
        return AutoTokenizer.from_pretrained(location(name))


def load_encoder(name: str = CHECKPOINT, seed: int = 0, **config_changes) -> PreTrainedModel:
    """The pretrained encoder without a head, in fp32 and evaluation mode.

    Args:
        name: see `location`.
        seed: for weights the checkpoint lacks, if any.
        config_changes: entries of the configuration to change, such as `num_hidden_layers=3`.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
    """
    with explained(name), quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        options = {"use_safetensors": True, "dtype": torch.float32} | config_changes
        return AutoModel.from_pretrained(location(name), **options).eval()


def fastest_attention() -> str:
    """The attention kernel that trains faster on sentences: the fused one only on a GPU.

    Measured in benchmarks/training_speed.md.
    """
    return "sdpa" if torch.cuda.is_available() else "eager"


def load(
    name: str = CHECKPOINT,
    num_labels: int = 2,
    seed: int = 0,
    label_names: list[str] | None = None,
    pretrained: bool = True,
    **config_changes,
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and sequence classifier: the checkpoint's encoder under the stock head.

    The head (a linear layer on the pooled [CLS] vector) is new: its weights come from `seed`.

    Args:
        name: see `location`.
        num_labels: number of classes C; the logits have shape (B, C).
        seed: for the new weights. The global random state is left as it was.
        label_names: C names in the order of their ids; kept in the model's configuration.
        pretrained: False gives the same architecture with random weights throughout.
        config_changes: entries of the configuration to change, such as
            `hidden_dropout_prob=0.0`.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
        ValueError: if there are not `num_labels` names.
    """
    config_changes = {"attn_implementation": fastest_attention()} | config_changes
    names = label_names or [f"LABEL_{i}" for i in range(num_labels)]
    if len(names) != num_labels:
        raise ValueError(f"num_labels is {num_labels}, but there are {len(names)} label_names.")
    with explained(name), quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        config = AutoConfig.from_pretrained(location(name), num_labels=num_labels, **config_changes)
        config.id2label = dict(enumerate(names))
        config.label2id = {label: i for i, label in enumerate(names)}
        if pretrained:
            model = AutoModelForSequenceClassification.from_pretrained(
                location(name), config=config, use_safetensors=True, dtype=torch.float32
            )
        else:
            model = AutoModelForSequenceClassification.from_config(config, dtype=torch.float32)
    return load_tokenizer(name), model.eval()
