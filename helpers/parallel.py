"""Data-parallel training: the processes that `torchrun` started, in the words of torch.distributed.

Every process holds the whole model and computes its shard of each batch. Without `torchrun` there
is one process of rank 0, and each function here returns its argument.
"""

import atexit
import hashlib
import os

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel


def rank() -> int:
    """Number (from 0) of this process among those that `torchrun` started; 0 without it."""
    return int(os.environ["RANK"]) if "TORCHELASTIC_RUN_ID" in os.environ else 0


def world_size() -> int:
    """How many processes `torchrun` started, on all machines together; 1 without it."""
    return int(os.environ["WORLD_SIZE"]) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def init_process_group() -> bool:
    """Connect the processes by gloo or (untested) nccl, one GPU per process.

    Returns:
        Whether the group was formed by this call: False for a single process, and from the second
        call on.
    """
    if world_size() == 1 or dist.is_initialized():
        return False
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")
    atexit.register(dist.destroy_process_group)
    return True


def is_connected() -> bool:
    """Whether there are other processes, and `init_process_group` has connected them."""
    return world_size() > 1 and dist.is_initialized()


def shard(items: list) -> list:
    """This rank's part of a list: every `world_size()`-th item, but at least one."""
    return items[rank() :: world_size()] or items[:1]


def all_gather(own: Tensor, rows: int) -> Tensor:
    """The results of all ranks in the order of the whole list, with equal bits in each rank.

    A loss of the gathered rows is the loss of the whole list, even if the shards differ in length.

    Args:
        own: shape (items in this rank's `shard`, …). Gradients flow into these rows only.
        rows: length n of the whole list. The extra row of a rank whose shard would have been empty
            is left out.

    Returns:
        Shape (n, …).
    """
    if not is_connected():
        return own
    whole, mine = own.new_zeros(rows, *own.shape[1:]), slice(rank(), None, world_size())
    own = own[: len(whole[mine])]
    whole[mine] = own.detach()
    dist.all_reduce(whole)
    whole[mine] = own
    return whole


def any_rank(flag: bool) -> bool:
    """Whether the flag is set in at least one rank; every rank waits for all the others."""
    return bool(all_gather(torch.tensor([int(flag)]), world_size()).any())


def barrier() -> None:
    """Wait until all ranks have come to this point."""
    any_rank(False)


def all_equal(text: str) -> bool:
    """Whether all ranks were given the same text."""
    digest = torch.tensor([list(hashlib.sha256(text.encode()).digest())])
    return bool((all_gather(digest, world_size()) == digest).all())


def from_rank_0(figures: dict[str, float]) -> dict[str, float]:
    """Rank 0's figures, in every rank, so that all ranks decide the same.

    Args:
        figures: the same names in every rank; float64 keeps integers exact up to 2^53.
    """
    if not is_connected():
        return figures
    values = torch.tensor([list(figures.values())], dtype=torch.float64)
    return dict(zip(figures, all_gather(values, world_size())[0].tolist(), strict=True))


def distributed_model(model: nn.Module) -> nn.Module:
    """The model as all ranks train it: equal weights, the mean of their gradients."""
    if world_size() == 1:
        return model
    return DistributedDataParallel(model, gradient_as_bucket_view=True)
