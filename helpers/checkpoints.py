"""From a name to a tokenizer and a model with a fresh head."""

import socket
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from huggingface_hub import constants, try_to_load_from_cache
from safetensors import SafetensorError
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForQuestionAnswering,
    AutoModelForSequenceClassification,
    AutoModelForTokenClassification,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.utils import logging

from helpers import downloads, folders, gguf_weights, speedups

CHECKPOINT = "minilm"
CAUSAL_CHECKPOINT = "smollm2"
# How a model that `fine_tune` never saw is used for predictions.
UNTRAINED = {"max_length": 128, "precision": "auto"}
# Weights as plain numbers only, and no program that a folder or a hub brings along is run.
SAFE = {"use_safetensors": True, "trust_remote_code": False}
HEADS = {"tokens": AutoModelForTokenClassification, "answers": AutoModelForQuestionAnswering}


class CheckpointError(RuntimeError):
    """A checkpoint is neither on this machine nor reachable; the message names the cure."""


def location(name: str) -> str:
    """Where a checkpoint is: a checked local folder for one of the course, else the name as it is.

    Args:
        name: "minilm", "smollm2", a folder of a saved model, or an id on the model hub such as
            "google-bert/bert-base-uncased".
    """
    if name not in downloads.sources():
        return name
    is_gguf = "gguf" in downloads.sources()[name]
    return str(gguf_weights.folder(name) if is_gguf else downloads.folder(name))


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
def explained(name: str, instead: str = CHECKPOINT) -> Iterator[None]:
    """Turn the library's errors about a missing checkpoint into one sentence with the cure.

    Args:
        name: of the checkpoint.
        instead: the one of the same kind that is always there.
    """
    place = Path(location(name))
    # Every byte is checked. `location` has done that for the course's own, once a process.
    if name not in downloads.sources() and folders.bears_our_manifest(place):
        folders.verify(place)
    try:
        local = place.is_dir() or try_to_load_from_cache(name, "config.json")
        if not local and not hub_is_reachable():
            raise OSError("the model hub did not answer")
        yield
    except (OSError, ValueError, SafetensorError) as error:
        if place.is_dir():
            raise CheckpointError(unreadable(name, error)) from error
        raise CheckpointError(
            f"CHECKPOINT = {name!r}: no such folder on this machine, and the model hub did not "
            f"deliver it. Check the name and the network, or set CHECKPOINT = {instead!r}, "
            "which needs neither."
        ) from error


def unreadable(name: str, error: Exception) -> str:
    """The message for a local folder that holds no model which can be loaded."""
    said = str(error).strip().splitlines()[:1]
    if "trust_remote_code" in str(error):
        said = [
            "it needs a program of its own, and the course runs none that a model brings along."
        ]
    return (
        f"CHECKPOINT = {name!r}: this folder cannot be loaded: {''.join(said)} It must hold "
        "config.json, model.safetensors and a tokenizer, as training.save writes them."
    )


def remember(model: PreTrainedModel, **facts: object) -> None:
    """Note with a model what holds for its predictions as it did in training.

    The notes are part of its configuration, so they are saved, loaded and copied with it.
    """
    model.config.sft_unveiled = remembered(model) | facts


def remembered(model: PreTrainedModel) -> dict:
    """What `remember` noted: `max_length`, `precision`, and for a model of a file its `dialect`."""
    return UNTRAINED | (getattr(model.config, "sft_unveiled", None) or {})


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the loader's report: it warns that the head is new, which is what we ask for."""
    level, shows_bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if shows_bars:
            logging.enable_progress_bar()


def load_tokenizer(name: str = CHECKPOINT) -> PreTrainedTokenizerBase:
    """The tokenizer of a checkpoint.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
    """
    with explained(name), quiet():
        return AutoTokenizer.from_pretrained(location(name), trust_remote_code=False)


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
        options = {"dtype": torch.float32} | config_changes
        return AutoModel.from_pretrained(location(name), **options, **SAFE).eval()


def load_with_head(
    kind: str, name: str = CHECKPOINT, label_names: Sequence[str] = (), seed: int = 0
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer, and a checkpoint's encoder under a new head that says something of each token.

    Args:
        kind: "tokens", C logits for each token; or "answers", two for each token: whether an
            answer starts there, and whether it ends there.
        name: see `location`.
        label_names: the C names, for "tokens".
        seed: for the head's weights. The global random state is left as it was.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
        ValueError: there is no such kind, or it needs names and got none.
    """
    if kind not in HEADS:
        raise ValueError(f"kind is {kind!r}; choose {' or '.join(HEADS)}.")
    if kind == "tokens" and not label_names:
        raise ValueError("a label for each token needs label_names, one for each class.")
    names = dict(enumerate(label_names or ["start", "end"]))
    with explained(name), quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        model = HEADS[kind].from_pretrained(
            location(name),
            dtype=torch.float32,
            attn_implementation=speedups.fastest_attention(),
            id2label=names,
            label2id={label: i for i, label in names.items()},
            **SAFE,
        )
    return load_tokenizer(name), speedups.lighten_dropout(model).eval()


def load_causal(
    name: str = CAUSAL_CHECKPOINT, dtype: torch.dtype = torch.float32, **config_changes
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and causal language model, in evaluation mode.

    Args:
        name: see `location`.
        dtype: of the weights in memory.
        config_changes: entries of the configuration to change.

    Raises:
        CheckpointError: if the checkpoint can neither be found nor fetched.
    """
    with explained(name, CAUSAL_CHECKPOINT), quiet():
        model = AutoModelForCausalLM.from_pretrained(
            location(name), dtype=dtype, **config_changes, **SAFE
        )
    return load_tokenizer(name), model.eval()


def base_of(model: PreTrainedModel) -> str:
    """Where a model was loaded from; a folder by its full path, or "" for a model made here."""
    place = model.name_or_path
    return str(Path(place).absolute()) if place and Path(place).is_dir() else place


def name_at(place: str) -> str:
    """The course's name of a checkpoint that lies in this folder, else the place as it is.

    A model stored here knows its base by a folder; on another machine the name leads to the same.
    """
    for name, source in downloads.sources().items():
        if "gguf" in source and Path(place).name == gguf_weights.place(name).name:
            return name
    return place


def saved_model(place: Path) -> tuple[PreTrainedModel, dict]:
    """A stored model, a classifier or a causal one as its configuration says, and what was amiss.

    Returns:
        The model, and the library's lists of missing, unexpected and mismatched weights.
    """
    config = AutoConfig.from_pretrained(place, trust_remote_code=False)
    if any(kind.endswith("ForCausalLM") for kind in config.architectures or ()):
        return AutoModelForCausalLM.from_pretrained(place, output_loading_info=True, **SAFE)
    attention = speedups.fastest_attention()
    return AutoModelForSequenceClassification.from_pretrained(
        place, attn_implementation=attention, output_loading_info=True, **SAFE
    )


def is_classifier_of(name: str, num_labels: int) -> bool | None:
    """Whether a checkpoint's head is for so many classes; None if it has none, as an encoder."""
    saved = AutoConfig.from_pretrained(location(name), trust_remote_code=False)
    if not any("SequenceClassification" in kind for kind in saved.architectures or ()):
        return None
    return saved.num_labels == num_labels


def load(
    name: str = CHECKPOINT,
    num_labels: int = 2,
    seed: int = 0,
    label_names: list[str] | None = None,
    pretrained: bool = True,
    **config_changes,
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and sequence classifier: the checkpoint's encoder under the stock head.

    The head (a linear layer on the pooled [CLS] vector) is new: its weights come from `seed`. Only
    a saved classifier with as many classes keeps its own, and its names unless others are given.

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
    config_changes = {"attn_implementation": speedups.fastest_attention()} | config_changes
    names = label_names or [f"LABEL_{i}" for i in range(num_labels)]
    if len(names) != num_labels:
        raise ValueError(f"num_labels is {num_labels}, but there are {len(names)} label_names.")
    with explained(name), quiet(), torch.random.fork_rng():
        torch.manual_seed(seed)
        config = AutoConfig.from_pretrained(
            location(name), num_labels=num_labels, trust_remote_code=False, **config_changes
        )
        if label_names or not is_classifier_of(name, num_labels):
            config.id2label = dict(enumerate(names))
            config.label2id = {label: i for i, label in enumerate(names)}
        if getattr(config, "short_last_layer", False):
            config.short_last_layer = False  # here the last layer is whole
        if num_labels > 1 and config.problem_type == "regression":
            config.problem_type = None  # a saved model of numbers is about to learn classes
        fits = is_classifier_of(name, num_labels) is not False
        if pretrained and fits:
            model = AutoModelForSequenceClassification.from_pretrained(
                location(name), config=config, dtype=torch.float32, **SAFE
            )
        else:
            model = AutoModelForSequenceClassification.from_config(
                config, dtype=torch.float32, trust_remote_code=False
            )
        if pretrained and not fits:
            encoder = AutoModel.from_pretrained(
                location(name), config=config, dtype=torch.float32, **SAFE
            )
            model.base_model.load_state_dict(encoder.state_dict())
    return load_tokenizer(name), speedups.lighten_dropout(model).eval()
