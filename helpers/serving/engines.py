"""A saved classifier computed by ONNX Runtime or OpenVINO, behind the same `predict`.

    serving.export("outputs/13/intents", "outputs/13/intents-openvino", engine="openvino")
    tokenizer, model = serving.load_export("outputs/13/intents-openvino", of="outputs/13/intents")
    logits = training.predict(model, tokenizer, texts)

Both libraries are optional (requirements/serving.txt), so they are imported where they are used.
"""

import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.modeling_outputs import SequenceClassifierOutput

from helpers import batching, checkpoints, files, folders, storage
from helpers.folders import Manifest

# Which precisions an engine has here. ONNX Runtime cannot compute in bf16 on a processor, and
# OpenVINO quantizes by a further library, NNCF, which is not asked for.
PRECISIONS = {"onnx": ("float32", "int8"), "openvino": ("float32", "bfloat16")}
LIBRARIES = {"onnx": "onnxruntime", "openvino": "openvino"}
GRAPHS = {"onnx": "model.onnx", "openvino": "model.xml"}
HINTS = {"float32": "f32", "bfloat16": "bf16"}  # OpenVINO's names
KIND = "export"
CALIBRATION_BATCH = 16  # texts
INSTALL = "Install what serving needs: pip install -r requirements/serving.txt"

Compute = Callable[[dict[str, np.ndarray]], np.ndarray]
Texts = Sequence[batching.Text]


class ServingError(files.StorageError):
    """A model cannot be handed to a service in this way; the message names the cure."""


class Exported(nn.Module):
    """A classifier that another engine computes, called as `training.predict` calls any model.

    It has no weights that torch knows, so it cannot be trained. It computes in the precision that
    it was exported in: `predict(…, precision=…)` changes nothing.

    Attributes:
        config: of the saved model, with the names of classes and what `remember` noted.
        engine, precision: of the export.
        device: the processor.
    """

    def __init__(
        self, config: PretrainedConfig, compute: Compute, engine: str, precision: str
    ) -> None:
        super().__init__()
        self.config, self.compute = config, compute
        self.engine, self.precision = engine, precision
        self.device = torch.device("cpu")
        checkpoints.remember(self, precision="fp32")  # torch has nothing to convert

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, token_type_ids: Tensor | None = None
    ) -> SequenceClassifierOutput:
        """Logits, float32, shape (B, C), of ids, mask and types, int64, shape (B, T) each."""
        if token_type_ids is None:
            token_type_ids = torch.zeros_like(input_ids)
        inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
        inputs["token_type_ids"] = token_type_ids
        found = self.compute({name: tensor.numpy() for name, tensor in inputs.items()})
        return SequenceClassifierOutput(logits=torch.from_numpy(found))


class Logits(nn.Module):
    """A classifier as a function of tensors to a tensor, which is what can be exported."""

    def __init__(self, model: PreTrainedModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, *inputs: Tensor) -> Tensor:
        """Logits, (B, C), of the tensors that `input_names` names, in that order."""
        return self.model(**dict(zip(input_names(self.model), inputs, strict=True))).logits


def input_names(model: PreTrainedModel) -> list[str]:
    """What a model is called with: ids and mask, and types if it tells them apart."""
    types = ["token_type_ids"] if batching.reads_types(model) else []
    return ["input_ids", "attention_mask", *types]


# ---------------------------------------------------------------- libraries


def needed(*names: str) -> ModuleType:
    """Import the first of these libraries, if all are installed.

    Raises:
        ServingError: some are missing; the message names them and the command.
    """
    missing = [name for name in names if find_spec(name) is None]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise ServingError(f"{', '.join(missing)} {are} not installed. {INSTALL}")
    if names[0] == "openvino":
        # Its import tells its makers that it is used, by this package, without asking. Without the
        # package it does not.
        sys.modules.setdefault("openvino_telemetry", None)
    library = import_module(names[0])
    if names[0] == "onnxruntime":
        library.disable_telemetry_events()  # which its builds for Windows would send
    return library


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what exporters say of their own future and of branches that were traced."""
    level = logging.root.manager.disable
    with warnings.catch_warnings(), checkpoints.quiet():
        warnings.simplefilter("ignore")
        logging.disable(logging.WARNING)
        try:
            yield
        finally:
            logging.disable(level)


# ---------------------------------------------------------------- export


def export(
    folder: Path | str,
    into: Path | str,
    engine: str = "onnx",
    precision: str = "float32",
    calibration: Texts | None = None,
) -> None:
    """Store a saved classifier in the form of another engine: complete, or not there.

    The new folder is independent of the old one: it holds graph, weights, tokenizer and
    configuration, and the fingerprint of the model that it was made of.

    Args:
        folder: a model that `training.save` stored.
        into: the new folder, or one that this function wrote and nobody changed.
        engine: "onnx" or "openvino".
        precision: "float32"; "bfloat16", with OpenVINO; or "int8", with ONNX Runtime.
        calibration: texts from the training part, for int8. By them the ranges of all
            intermediate numbers are chosen once (static); None: anew in each batch (dynamic).

    Raises:
        ServingError: there is no such engine or precision, its library is missing, the model is no
            classifier, or `into` holds something else than an export.
        StorageError: `folder` is missing or damaged, `into` is somebody else's, or it cannot be
            written. Nothing was replaced.
    """
    check_asked(engine, precision, calibration)
    into = storage.absolute(into)
    check_is_no_model(into)
    needed(LIBRARIES[engine], *["onnx", "onnxscript"] * (engine == "onnx"))
    tokenizer, model, fingerprint = read_saved(storage.absolute(folder))
    samples = None if calibration is None else list(calibration)

    def fill(new: Path) -> None:
        with quiet():
            if engine == "openvino":
                write_openvino(model, new / GRAPHS[engine])
            elif precision == "float32":
                write_onnx(model, new / GRAPHS[engine])
            else:
                write_int8(model, tokenizer, new / GRAPHS[engine], samples)
            model.config.save_pretrained(new)
            tokenizer.save_pretrained(new)

    facts = {"kind": KIND, "engine": engine, "precision": precision, "fingerprint": fingerprint}
    facts["calibrated_on"] = None if samples is None else len(samples)
    folders.write_folder(into, fill, facts)


def check_asked(engine: str, precision: str, calibration: Texts | None) -> None:
    """Raise `ServingError` for an engine or a precision that does not exist here."""
    if engine not in PRECISIONS:
        raise ServingError(f"engine is {engine!r}; choose {' or '.join(PRECISIONS)}.")
    if precision not in PRECISIONS[engine]:
        has = " or ".join(PRECISIONS[engine])
        raise ServingError(f"precision is {precision!r}; with engine {engine!r} choose {has}.")
    if calibration is not None and precision != "int8":
        raise ServingError(f"calibration is for int8; precision is {precision!r}. Leave it out.")
    if calibration is not None and not len(calibration):
        raise ServingError("calibration holds no text. Give some hundred of the training part.")


def check_is_no_model(into: Path) -> None:
    """Raise `ServingError` if a folder of the course is to be replaced that is no export."""
    if folders.is_stored(into) and folders.read_manifest(into).facts.get("kind") != KIND:
        raise ServingError(
            f"{into} holds a model or a checkpoint, which an export would replace. Choose another "
            "folder."
        )


def read_saved(folder: Path) -> tuple[PreTrainedTokenizerBase, PreTrainedModel, str]:
    """Tokenizer and model of a saved classifier, ready to be exported, and its fingerprint.

    Raises:
        ServingError: it holds something else.
        StorageError: it is missing or damaged.
    """

    def read(
        place: Path, manifest: Manifest
    ) -> tuple[PreTrainedTokenizerBase, PreTrainedModel, str]:
        if manifest.facts.get("kind") == KIND:
            raise ServingError(f"{place} is an export already. Name the saved model.")
        return *storage.read_model(place, manifest), fingerprint_of(manifest)

    tokenizer, model, fingerprint = folders.read_folder(folder, read)
    check_classifies(model, folder)
    with quiet():
        model.set_attn_implementation("eager")  # plain products, which every engine recognizes
    return tokenizer, model.cpu().eval(), fingerprint


def check_classifies(model: PreTrainedModel, folder: Path | str) -> None:
    """Raise `ServingError` for a saved model of another kind, such as one that writes texts."""
    kind = type(model).__name__
    if not kind.endswith("ForSequenceClassification"):
        raise ServingError(f"{folder} holds a {kind}. Only classifiers of texts can be served.")


def fingerprint_of(manifest: Manifest) -> str:
    """SHA-256 over what decides a saved model's answers: weights, configuration, tokenizer."""
    listed = sorted(manifest.files.items())
    lines = [f"{digest}  {name}\n" for name, digest in listed if name not in manifest.editable]
    return files.sha256_bytes("".join(lines).encode())


def example(model: PreTrainedModel) -> tuple[Tensor, ...]:
    """Two rows by which a model is traced, one of them padded: int64, shape (2, 4) each."""
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    found = {"input_ids": mask.clone(), "attention_mask": mask}
    found["token_type_ids"] = torch.zeros_like(mask)
    return tuple(found[name] for name in input_names(model))


def write_onnx(model: PreTrainedModel, file: Path) -> None:
    """The model as one ONNX file, for batches of any shape."""
    names = input_names(model)
    torch.onnx.export(
        Logits(model).eval(),
        example(model),
        file,
        input_names=names,
        output_names=["logits"],
        dynamic_shapes=(({0: "batch", 1: "tokens"},) * len(names),),
        dynamo=True,
        external_data=False,
        verbose=False,
    )


def write_openvino(model: PreTrainedModel, file: Path) -> None:
    """The model as OpenVINO's two files, weights in fp32; a precision is chosen when it is read."""
    openvino = needed("openvino")
    graph = openvino.convert_model(Logits(model).eval(), example_input=example(model))
    for place, name in enumerate(input_names(model)):
        graph.inputs[place].get_tensor().set_names({name})
    openvino.save_model(graph, file, compress_to_fp16=False)


def write_int8(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    file: Path,
    calibration: list[batching.Text] | None,
) -> None:
    """The model as an ONNX file whose products multiply whole numbers of 8 bits.

    Each column of a weight matrix has a scale of its own (`per_channel`).
    """
    quantization = needed("onnxruntime.quantization", "onnxruntime", "onnx")
    whole = file.with_name("float32.onnx")
    write_onnx(model, whole)
    try:
        if calibration is None:
            quantization.quantize_dynamic(whole, file, per_channel=True)
        else:
            batches = calibration_batches(model, tokenizer, calibration)
            quantization.quantize_static(
                whole,
                file,
                reader_of(batches, quantization),
                op_types_to_quantize=["MatMul", "Gather"],
                activation_type=quantization.QuantType.QUInt8,
                per_channel=True,
                extra_options={"MatMulConstBOnly": True},  # as dynamic: products with weights
            )
    finally:
        whole.unlink()


def calibration_batches(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[batching.Text]
) -> Iterator[dict[str, np.ndarray]]:
    """What the exported graph is called with, for texts in batches of similar lengths."""
    max_length = checkpoints.remembered(model)["max_length"]
    token_ids = batching.tokenize(texts, tokenizer, max_length)
    for batch in batching.sorted_batches([len(ids) for ids in token_ids], CALIBRATION_BATCH):
        inputs = batching.inputs_of([token_ids[i] for i in batch], tokenizer.pad_token_id, model)
        empty = torch.zeros_like(inputs["input_ids"])
        yield {name: inputs.get(name, empty).numpy() for name in input_names(model)}


def reader_of(batches: Iterator[dict[str, np.ndarray]], quantization: ModuleType) -> object:
    """Batches in the form in which ONNX Runtime asks for them: one a call, None at the end."""

    class Reader(quantization.CalibrationDataReader):
        def get_next(self) -> dict[str, np.ndarray] | None:
            return next(batches, None)

    return Reader()


# ---------------------------------------------------------------- load


def place_of(folder: Path | str, engine: str, precision: str = "float32") -> Path:
    """Where `load` looks for the export of a saved model: beside it."""
    folder = storage.absolute(folder)
    return folder.with_name(f"{folder.name}-{engine}-{precision}")


def load(
    folder: Path | str, engine: str | None = None, precision: str = "float32"
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel | Exported]:
    """Tokenizer and classifier of a saved model, for `training.predict`, by any engine.

    The first time that an engine is asked for, the export is made beside the folder (`place_of`).

    Args:
        folder: a model that `training.save` stored.
        engine: "onnx" or "openvino"; None: torch, as `training.load`.
        precision: of the export; torch's is an argument of `predict`.

    Raises:
        ServingError: as `export`; or an export is there, and belongs to other weights.
        StorageError: as `export`.
    """
    if engine is None:
        tokenizer, model = storage.load_model(folder)
        check_classifies(model, folder)
        return tokenizer, model
    check_asked(engine, precision, None)
    place = place_of(folder, engine, precision)
    if not files.is_there(place):
        export(folder, place, engine, precision)
    return load_export(place, of=folder)


def load_export(
    place: Path | str, of: Path | str | None = None
) -> tuple[PreTrainedTokenizerBase, Exported]:
    """Tokenizer and classifier that `export` stored, every byte checked, for `training.predict`.

    It computes with as many threads as torch has now.

    Args:
        of: the saved model that it must have been made of; None: any.

    Raises:
        ServingError: it is no export, it was made of another model, or its library is missing.
        StorageError: it is missing or damaged.
    """
    wanted = None
    if of is not None:
        wanted = folders.read_folder(storage.absolute(of), lambda _, found: fingerprint_of(found))
    return folders.read_folder(storage.absolute(place), partial(read_export, of=of, wanted=wanted))


def read_export(
    place: Path, manifest: Manifest, of: Path | str | None, wanted: str | None
) -> tuple[PreTrainedTokenizerBase, Exported]:
    """Tokenizer and classifier of an exported folder that was checked."""
    facts = manifest.facts
    if facts.get("kind") != KIND:
        raise ServingError(f"{place} holds no export. Make one with serving.export.")
    engine, precision = facts["engine"], facts["precision"]
    if wanted is not None and facts["fingerprint"] != wanted:
        texts = ", calibration=texts" * (facts["calibrated_on"] is not None)
        raise ServingError(
            f"{place} was made of another model than {of} holds now. Make it again: "
            f"serving.export({str(of)!r}, {str(place)!r}, {engine!r}, {precision!r}{texts})."
        )
    compute = {"onnx": read_onnx, "openvino": read_openvino}[engine](place, precision)
    with checkpoints.quiet():
        config = AutoConfig.from_pretrained(place, trust_remote_code=False)
        tokenizer = AutoTokenizer.from_pretrained(place, trust_remote_code=False)
    return tokenizer, Exported(config, compute, engine, precision).eval()


def read_onnx(place: Path, precision: str) -> Compute:
    """From named inputs, int64, (B, T) each, to logits, float32, (B, C), by ONNX Runtime."""
    onnxruntime = needed("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    file, providers = str(place / GRAPHS["onnx"]), ["CPUExecutionProvider"]
    session = onnxruntime.InferenceSession(file, options, providers=providers)
    names = [one.name for one in session.get_inputs()]

    def compute(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return session.run(None, {name: inputs[name] for name in names})[0]

    return compute


def read_openvino(place: Path, precision: str) -> Compute:
    """From named inputs, int64, (B, T) each, to logits, float32, (B, C), by OpenVINO."""
    openvino = needed("openvino")
    settings = {"INFERENCE_PRECISION_HINT": HINTS[precision], "PERFORMANCE_HINT": "LATENCY"}
    settings["INFERENCE_NUM_THREADS"] = str(torch.get_num_threads())
    compiled = openvino.Core().compile_model(place / GRAPHS["openvino"], "CPU", settings)
    names = [one.get_any_name() for one in compiled.inputs]

    def compute(inputs: dict[str, np.ndarray]) -> np.ndarray:
        return compiled({name: inputs[name] for name in names})[0]

    return compute
