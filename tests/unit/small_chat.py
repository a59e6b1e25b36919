"""What tests of causal models share: a tiny Llama, a tokenizer of bytes, a few conversations."""

from pathlib import Path

import torch
from datasets import Dataset
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)

from helpers import checkpoints, lora, training

BEGIN, END = "<|im_start|>", "<|im_end|>"
# ChatML, as SmolLM2 has it.
TEMPLATE = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SIZES = {
    "num_hidden_layers": 2,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "initializer_range": 0.1,
}
SYSTEM = "Name the colour."
COLOURS = {"grass": "green", "blood": "red", "snow": "white", "coal": "black", "a sky": "blue"}
KINDS = ("full", "lora")


def tiny_tokenizer() -> PreTrainedTokenizerBase:
    """One token for each byte and two for the template; the padding token is also the end token."""
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    own = Tokenizer(models.BPE({letter: i for i, letter in enumerate(letters)}, []))
    own.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    own.decoder = decoders.ByteLevel()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=own, eos_token=END, pad_token=END, additional_special_tokens=[BEGIN]
    )
    tokenizer.chat_template = TEMPLATE
    return tokenizer


def tiny_llama(tied: bool = True, **changes) -> PreTrainedModel:
    """A Llama of two narrow layers that has learned nothing."""
    vocabulary = {"vocab_size": len(tiny_tokenizer()), "tie_word_embeddings": tied}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return LlamaForCausalLM(LlamaConfig(**SIZES | vocabulary | changes)).eval()


def saved_base(folder: Path, tied: bool = True) -> Path:
    """That model and its tokenizer, stored as a base model is."""
    tokenizer = tiny_tokenizer()
    model = tiny_llama(tied)
    ends = {"eos_token_id": tokenizer.eos_token_id, "pad_token_id": tokenizer.pad_token_id}
    model.generation_config.update(**ends)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def begun(base: Path, kind: str) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Tokenizer and model to train: all of it, or with "lora" two matrices beside each layer."""
    tokenizer, model = checkpoints.load_causal(str(base))
    return tokenizer, lora.add(model, rank=4, alpha=8) if kind == "lora" else model


def stirred(model: PreTrainedModel, seed: int = 1) -> PreTrainedModel:
    """Random numbers in all matrices of LoRA, so that the corrections are not zero. In place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for matrix in lora.parameters(model).values():
            matrix.copy_(torch.randn(matrix.shape, generator=generator) / 8)
    return model


def conversation(thing: str, colour: str | None = None) -> list[dict[str, str]]:
    """A question about a thing under one instruction, and the answer if there is one."""
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": thing}]
    return messages + ([{"role": "assistant", "content": colour}] if colour else [])


def few_conversations(train: int, validation: int) -> tuple[Dataset, Dataset]:
    """So many conversations of the two parts that a run needs."""
    pairs = list(COLOURS.items())
    rows = []
    for number in range(train + validation):
        thing, colour = pairs[number % len(pairs)]
        rows.append(conversation(f"{thing} {number}", colour))
    return tuple(Dataset.from_dict({"messages": part}) for part in (rows[:train], rows[train:]))


def chat_config(**changes) -> training.TrainingConfig:
    """Two short epochs; the validation loss decides which one stays."""
    settings = {"epochs": 2, "batch_size": 8, "precision": "fp32", "learning_rate": 1e-2}
    return training.TrainingConfig(**settings | {"best_metric": "validation_loss"} | changes)


def input_ids(tokenizer: PreTrainedTokenizerBase) -> torch.Tensor:
    """A prompt that ends with the header of an answer, (1, T)."""
    ids = tokenizer.apply_chat_template(
        conversation("grass 1"), add_generation_prompt=True, return_dict=False
    )
    return torch.tensor([ids])


def logits(model: PreTrainedModel, ids: torch.Tensor) -> torch.Tensor:
    """What a model says of a prompt, without a graph."""
    with torch.no_grad():
        return model(input_ids=ids).logits
