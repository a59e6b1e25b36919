"""What each process of tests/unit/test_chat_training.py runs, on a tiny causal model.

torchrun --standalone --nproc-per-node 2 -m tests.unit.chat_in_step FOLDER BASE
"""

import json
import sys
from pathlib import Path

import torch

from helpers import chat, parallel, storage
from tests.unit.small_chat import KINDS, begun, chat_config, few_conversations


def parts():
    """17 conversations in batches of 8: the last has one, and of two processes one gets none."""
    return few_conversations(17, 5)


def train(folder: Path, base: Path) -> None:
    """A run of each kind; the weights and the history of each process."""
    for kind in KINDS:
        tokenizer, model = begun(base, kind)
        settings = chat_config(learning_rate=1e-3)
        run = chat.fine_tune(model, tokenizer, *parts(), settings, output_dir=folder / kind)
        own = folder / f"{kind}-{parallel.rank()}"
        storage.save_tensors(own.with_suffix(".safetensors"), storage.own_weights(model))
        own.with_suffix(".json").write_text(json.dumps(run.rows))


def train_or_go_on(base: Path, kind: str, folder: Path) -> None:
    """What a reader does after a crash: resume if there is a checkpoint, else start."""
    torch.set_num_threads(1)
    rows = few_conversations(20, 6)
    if storage.stored_checkpoints(folder):
        _, model, run = chat.resume(folder, *rows)
    else:
        tokenizer, model = begun(base, kind)
        run = chat.fine_tune(model, tokenizer, *rows, chat_config(), output_dir=folder)
    storage.save_tensors(folder.with_suffix(".safetensors"), storage.own_weights(model))
    assert run.epoch == 2


if __name__ == "__main__":
    train(Path(sys.argv[1]), Path(sys.argv[2]))
