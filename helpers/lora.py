"""LoRA in a page: a low-rank correction beside frozen matrices, stored as `peft` stores it.

W x becomes W x + (alpha / r) · B A x, where only A (r, in) and B (out, r) are trained (Hu et al.
2022, section 4.1). B starts at zero, so at first nothing changes. Notebooks 08 and 12 write it by
hand.
"""

import json
import math
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import linear
from transformers import PreTrainedModel

ADAPTER, SETTINGS = "adapter_model.safetensors", "adapter_config.json"
BASE_DTYPE = "base_dtype"  # in the adapter file's metadata, which peft leaves alone
EVERY_LINEAR = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
PREFIX = "base_model.model."  # what peft puts before a tensor's name


class LoRALinear(nn.Linear):
    """A frozen linear layer with a trained low-rank correction.

    Attributes:
        lora_A: shape (r, in), random at first, as in peft; lora_B: shape (out, r), zero at first.
        scale: alpha / r.
    """

    def __init__(self, layer: nn.Linear, rank: int, alpha: float) -> None:
        nn.Module.__init__(self)
        self.in_features, self.out_features = layer.in_features, layer.out_features
        self.weight, self.bias = layer.weight, layer.bias
        self.scale = alpha / rank
        self.lora_A = nn.Parameter(torch.empty(rank, self.in_features))
        self.lora_B = nn.Parameter(torch.zeros(self.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (…, in) to vectors (…, out)."""
        correction = linear(linear(x, self.lora_A.to(x.dtype)), self.lora_B.to(x.dtype))
        return linear(x, self.weight, self.bias) + self.scale * correction


def add(
    model: PreTrainedModel,
    rank: int = 16,
    alpha: float = 32,
    targets: tuple[str, ...] = EVERY_LINEAR,
    seed: int = 0,
) -> PreTrainedModel:
    """Freeze a model and put a LoRA beside each linear layer whose name is in `targets`. In place.

    Args:
        rank: r, rows of A and columns of B.
        alpha: the correction is multiplied by alpha / rank.
        targets: last parts of the layers' names.
        seed: for the matrices A. The global random state is left as it was.

    Raises:
        ValueError: the model has no such layer, or has LoRA already.
    """
    if settings_of(model):
        raise ValueError("this model has LoRA layers already. Load it anew to begin again.")
    found = [
        (parent, name, layer)
        for parent in model.modules()
        for name, layer in parent.named_children()
        if name in targets and isinstance(layer, nn.Linear)
    ]
    if not found:
        raise ValueError(f"{type(model).__name__} has no linear layer named {', '.join(targets)}.")
    model.requires_grad_(False)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for parent, name, layer in found:
            setattr(parent, name, LoRALinear(layer, rank, alpha).to(layer.weight.device))
    model.lora_settings = {"r": rank, "lora_alpha": alpha, "target_modules": sorted(targets)}
    return model.train(model.training)


def settings_of(model: nn.Module) -> dict:
    """Rank, alpha and targets of a model with LoRA; empty for any other."""
    return getattr(model, "lora_settings", {})


def parameters(model: nn.Module) -> dict[str, Tensor]:
    """The trained matrices by name, as they are named in the model."""
    return {name: p for name, p in model.named_parameters() if ".lora_" in name}


def merge(model: PreTrainedModel) -> PreTrainedModel:
    """Add each correction to its matrix, which leaves a plain model of the same answers. In place.

    W + (alpha / r) B A has the shape of W, so the merged model costs nothing extra. All of its
    weights can be trained again.
    """
    for parent in list(model.modules()):
        for name, layer in parent.named_children():
            if isinstance(layer, LoRALinear):
                setattr(parent, name, merged(layer))
    model.lora_settings = {}
    return model.requires_grad_(True)


def merged(layer: LoRALinear) -> nn.Linear:
    """A plain linear layer that computes what `layer` does."""
    plain = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
    correction = layer.scale * (layer.lora_B @ layer.lora_A)
    weight = (layer.weight.float() + correction).detach().to(layer.weight.dtype)
    plain.weight, plain.bias = nn.Parameter(weight), layer.bias
    return plain.train(layer.training)


def save(model: PreTrainedModel, folder: Path, base: str) -> None:
    """Write the trained matrices and their settings as `peft` does, so that it can load them.

    Args:
        folder: exists; the two files are written into it.
        base: folder or hub id of the model that the matrices belong to.

    Raises:
        ValueError: there is no base, so nothing could load the matrices again.
    """
    if not base:
        raise ValueError(
            "the matrices of LoRA are stored without the model that they belong to, and this one "
            "was loaded from nowhere. Save it, load it from there, and add LoRA to that."
        )
    tensors = {
        f"{PREFIX}{name}.weight": tensor.detach().contiguous().cpu()
        for name, tensor in parameters(model).items()
    }
    dtype = str(model.dtype).removeprefix("torch.")
    save_file(tensors, folder / ADAPTER, metadata={"format": "pt", BASE_DTYPE: dtype})
    settings = settings_of(model) | {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "bias": "none",
        "lora_dropout": 0.0,
        "fan_in_fan_out": False,
        "inference_mode": True,
    }
    (folder / SETTINGS).write_text(json.dumps(settings, indent=1), encoding="utf8")


def name_in_model(stored: str) -> str:
    """The name that a tensor of the adapter's file has in the model."""
    return stored.removeprefix(PREFIX).removesuffix(".weight")


def read_settings(folder: Path) -> dict:
    """What `adapter_config.json` says; empty if there is none."""
    path = folder / SETTINGS
    return json.loads(path.read_text(encoding="utf8")) if path.is_file() else {}


def base_dtype(folder: Path) -> torch.dtype:
    """In which precision the base model was held in memory when the matrices were stored."""
    with safe_open(folder / ADAPTER, "pt") as file:
        return getattr(torch, (file.metadata() or {}).get(BASE_DTYPE, "float32"))


def load(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """Put the stored matrices of a folder beside the layers of their base model. In place.

    Raises:
        ValueError: the matrices do not fit the model.
    """
    stored = read_settings(folder)
    add(model, stored["r"], stored["lora_alpha"], tuple(stored["target_modules"]))
    tensors = {name_in_model(n): t for n, t in load_file(folder / ADAPTER).items()}
    own = parameters(model)
    if {n: t.shape for n, t in own.items()} != {n: t.shape for n, t in tensors.items()}:
        raise ValueError(
            f"{folder / ADAPTER} belongs to another model than {type(model).__name__}."
        )
    with torch.no_grad():
        for name, parameter in own.items():
            parameter.copy_(tensors[name])
    return model
