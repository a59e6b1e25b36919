"""A language model that is divided among processes: none of them holds all of its weights (FSDP).

    export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1
    .venv/bin/torchrun --standalone --nproc-per-node 2 -m tools.sharded --out outputs/sharded

SmolLM2 learns to sort the course's messages, as in notebook 12 but with all of its weights, for a
few steps. Without `torchrun` one process does the same with the whole model, to compare with. What
each line is for: docs/more_machines.md.
"""

import argparse
import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import chat, checkpoints, files, parallel, training
from helpers.chat import course

BATCH, STEPS, RATE, MAX_NORM = 8, 3, 1e-4, 1.0


def shard(model: PreTrainedModel) -> PreTrainedModel:
    """Divide a model among the processes, in place; alone, a process keeps all of it.

    A layer is gathered when its turn comes and dropped again after it, forwards and backwards; so
    a process holds its share of the model and one whole layer at a time. What stands outside the
    layers, the word table, belongs to the model's own share.
    """
    if parallel.world_size() > 1:
        for layer in model.base_model.layers:
            fully_shard(layer)
        fully_shard(model)
    return model


def held(model: PreTrainedModel) -> int:
    """How many weights are in this process; all of a model that is not divided."""
    own = (p.to_local() if isinstance(p, DTensor) else p for p in model.parameters())
    return sum(part.numel() for part in own)


def learn(
    model: PreTrainedModel, batches: Sequence[Sequence[chat.Example]], pad_id: int, rate: float
) -> Iterator[tuple[float, float]]:
    """One step of AdamW for each batch; gives the batch's loss, and the norm of its gradient.

    Each process computes its conversations of a batch. FSDP takes the mean of their gradients; so
    the sum of losses is divided by the trained tokens of the whole batch, and multiplied by the
    number of processes.

    Args:
        batches: each with at least as many conversations as there are processes.
    """
    optimizer = torch.optim.AdamW(model.parameters(), rate)
    for batch in batches:
        trained = sum(label != chat.IGNORED for one in batch for label in one.labels[1:])
        own = chat.pad(parallel.shard(batch), pad_id)
        ids, mask, labels = (tensor.to(model.device) for tensor in own)
        inputs = {"input_ids": ids, "attention_mask": mask, "labels": labels}
        loss = model(**inputs, num_items_in_batch=trained).loss
        (loss * parallel.world_size()).backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimizer.step()
        optimizer.zero_grad()
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        parts = parallel.all_gather(loss.detach()[None], parallel.world_size())
        yield parts.sum().item(), norm.item()


def gathered(model: PreTrainedModel) -> dict[str, Tensor]:
    """All weights by name, in rank 0; the other processes take part and get nothing."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    return get_model_state_dict(model, options=options)


def batches_of(
    tokenizer: PreTrainedTokenizerBase, steps: int, size: int
) -> list[list[chat.Example]]:
    """The course's messages as conversations, in whole batches; after the last comes the first."""
    with contextlib.redirect_stdout(None) if parallel.rank() else contextlib.nullcontext():
        parts, names = course.load()
    examples = chat.examples_of(course.sorting(parts["train"], names), tokenizer)
    starts = range(0, steps * size, size)
    return [[examples[i % len(examples)] for i in range(n, n + size)] for n in starts]


def run(base: str, steps: int, size: int, rate: float, out: Path | None) -> list[tuple]:
    """Load, divide, learn and store: what `learn` gives of each step.

    Args:
        base: what `checkpoints.load_causal` takes.
        out: the folder of the stored model, if it is to be stored.
    """
    parallel.init_process_group()
    tokenizer, model = checkpoints.load_causal(base)
    whole = held(model)
    shard(model.train())
    say(f"each process holds {held(model) / 1e6:.1f} of {whole / 1e6:.1f} million weights")
    batches, found = batches_of(tokenizer, steps, size), []
    for loss, norm in learn(model, batches, tokenizer.pad_token_id, rate):
        found.append((loss, norm))
        say(f"step {len(found)}: loss {loss:.6f}, norm of the gradient {norm:.6f}")
    weights = gathered(model) if out else {}
    if out and parallel.rank() == 0:
        _, plain = checkpoints.load_causal(base)
        plain.load_state_dict(weights)
        training.save(plain, tokenizer, out)
        say(f"stored in {out}")
    parallel.barrier()
    return found


def say(text: str) -> None:
    """Print a line, in one process."""
    if parallel.rank() == 0:
        print(files.shown(text), flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """What is asked for on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--base", default=checkpoints.CAUSAL_CHECKPOINT)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--batch-size", type=int, default=BATCH)
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args(arguments)
    if asked.batch_size < parallel.world_size():
        sys.exit(f"--batch-size {asked.batch_size}: give each process at least one conversation.")
    run(asked.base, asked.steps, asked.batch_size, asked.rate, asked.out)


if __name__ == "__main__":
    main()
