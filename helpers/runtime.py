"""What the machine is and how it is used: device, precision, seeds, time, progress."""

import importlib.metadata
import os
import platform
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from helpers import parallel

PACKAGES = ("torch", "transformers", "datasets", "tokenizers", "numpy", "scikit-learn")

# A token's trip through one feed-forward layer of the course's encoder: 32 sentences of 32 tokens.
MATMUL_SHAPE = (32 * 32, 384, 1536)
# On an Intel processor with avx512_bf16 and without amx, where a product gained 0.5 to 1.5 times,
# training ran at 0.7 to 0.8 of its speed in fp32, as it also converts
# (docs/measured/precision_choice.md). Where products gained more (an AMD 4.1 times, Intel's
# amx_bf16 3.5 to 8), training was faster in bf16. Between 1.5 and 3.5 nothing was measured.
WORTH_IT = 2.5


def set_seed(seed: int, *stream: int) -> None:
    """Seed Python, NumPy and torch (every device), so that a run can be repeated.

    Other numbers in `stream` give other random numbers for the same seed; zeros count as none.
    """
    if any(stream):
        seed = int(np.random.SeedSequence((seed % 2**32, *stream)).generate_state(1)[0])
    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def best_device() -> torch.device:
    """The fastest device torch can use here: CUDA, then Apple's MPS (alone), then the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available() and parallel.world_size() == 1:
        return torch.device("mps")
    return torch.device("cpu")


def init_device() -> torch.device:
    """The device to train on; with `torchrun`, connect the processes first.

    All ranks then use rank 0's choice of the faster precision.
    """
    if parallel.init_process_group():
        best_precision.cache_clear()
        best_precision(best_device())
    return best_device()


def physical_cores() -> int:
    """Cores this process may use. A container often may use fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def matmul_tflops(dtype: torch.dtype, device: torch.device, seconds: float = 0.05) -> float:
    """Measured speed of one BERT-sized matrix product, in 10^12 operations per second.

    Args:
        dtype: precision of both factors.
        device: where to multiply.
        seconds: time to spend; the median of the repeats counts.
    """
    rows, inner, columns = MATMUL_SHAPE
    left = torch.randn(rows, inner, device=device).to(dtype)
    right = torch.randn(inner, columns, device=device).to(dtype)
    times = []
    for _ in range(3):
        left @ right
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        tick = time.perf_counter()
        product = left @ right
        if device.type != "cpu":
            product[0, 0].item()
        times.append(time.perf_counter() - tick)
    return 2 * rows * inner * columns / statistics.median(times) / 1e12


@cache
def best_precision(device: torch.device) -> torch.dtype:
    """bfloat16 where it multiplies more than `WORTH_IT` times as fast as float32, else float32.

    It is measured, not looked up: processors that lack the instructions still accept
    bfloat16, and are slower with it. MPS keeps float32.
    """
    if device.type == "mps":
        return torch.float32
    if device.type == "cuda":
        return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float32
    gain = matmul_tflops(torch.bfloat16, device) / matmul_tflops(torch.float32, device)
    gain = parallel.from_rank_0({"gain": gain})["gain"]
    return torch.bfloat16 if gain > WORTH_IT else torch.float32


def precision_of(choice: str, device: torch.device) -> torch.dtype:
    """The torch dtype of "fp32" or "bf16"; for "auto" the one that is faster on this device.

    Raises:
        ValueError: for any other choice.
    """
    named = {"fp32": torch.float32, "bf16": torch.bfloat16}
    if choice not in ("auto", *named):
        raise ValueError(f"precision is {choice!r}; choose auto, fp32 or bf16.")
    return best_precision(device) if choice == "auto" else named[choice]


def precision_name() -> str:
    """The precision that "auto" means on the best device here, such as "bfloat16"."""
    return str(best_precision(best_device())).removeprefix("torch.")


def versions() -> dict[str, str]:
    """Installed versions of Python and of the packages the results depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        found[package] = importlib.metadata.version(package)
    return found


def processor() -> str:
    """Name of the processor, and the matrix instructions it has where Linux tells."""
    try:
        with open("/proc/cpuinfo", encoding="utf8") as file:
            text = file.read()
    except OSError:
        return platform.processor() or platform.machine()
    name = next(
        (s.split(":", 1)[1].strip() for s in text.splitlines() if s.startswith("model name")), ""
    )
    flags = [flag for flag in ("amx_bf16", "avx512_bf16", "avx2") if f" {flag}" in text]
    return f"{name or platform.machine()} ({flags[0]})" if flags else name or platform.machine()


def describe() -> pd.DataFrame:
    """One row per fact about this machine: what the course runs on, and what it will use."""
    facts = versions() | {
        "system": f"{platform.system()} {platform.machine()}",
        "processor": processor(),
        "cores": str(physical_cores()),
        "device": str(best_device()),
        "precision": precision_name(),
    }
    return pd.DataFrame({"this machine": facts})


def memory_mb() -> float:
    """Largest memory this process has held so far, in MB (10^6 bytes); NaN on Windows."""
    try:
        import resource
    except ImportError:
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


@contextmanager
def timer() -> Iterator[dict[str, float]]:
    """Measure the wall-clock time of a block: `with timer() as took: ...; took["seconds"]`."""
    took = {"seconds": float("nan")}
    start = time.perf_counter()
    try:
        yield took
    finally:
        took["seconds"] = time.perf_counter() - start


@contextmanager
def deferred_interrupt() -> Iterator[threading.Event]:
    """Let Ctrl-C (or the notebook's stop button) set a flag instead of stopping mid-step.

    The block asks the flag where stopping is safe; if it ends without having asked, it is stopped
    there. Outside the main thread, where Python cannot catch signals, the flag is never set.

    Raises:
        KeyboardInterrupt: at the end of a block that did not raise it itself.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before = signal.signal(signal.SIGINT, lambda *_: asked.set())
    try:
        yield asked
    finally:
        signal.signal(signal.SIGINT, before)
    if asked.is_set():
        raise KeyboardInterrupt


@contextmanager
def enough_memory() -> Iterator[None]:
    """Name the hyperparameters to lower when torch runs out of memory.

    Raises:
        MemoryError: instead of torch's own error.
    """
    try:
        yield
    except RuntimeError as error:
        said = str(error).lower()
        if "out of memory" not in said and "allocate memory" not in said:
            raise
        raise MemoryError(
            "torch ran out of memory. Use a smaller batch_size or max_length. Stored checkpoints "
            f"are unharmed. ({str(error).splitlines()[0][:120]})"
        ) from error


def in_notebook() -> bool:
    """Whether this code runs in a Jupyter kernel (JupyterLab, VS Code, Colab)."""
    shell = sys.modules.get("IPython")
    return bool(shell and shell.get_ipython() and hasattr(shell.get_ipython(), "kernel"))


class NotebookBar(tqdm):
    """A plain-text bar in one output that ends as the line it began with.

    Widget bars leave metadata that some viewers cannot show, and bars on stderr leave
    hundreds of lines; this one leaves its description, so a stored output stays the same
    from run to run.
    """

    def __init__(self, *args, **kwargs):
        from IPython.display import display

        self.handle = None
        if not kwargs.get("disable"):
            line = kwargs.get("desc") or "working"
            self.handle = display({"text/plain": line}, raw=True, display_id=True)
        super().__init__(*args, **kwargs)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        self.handle.update({"text/plain": msg if msg is not None else str(self)}, raw=True)
        return True

    def clear(self, nolock: bool = False) -> None:
        """Nothing to clear: the output is replaced, not appended to."""

    def close(self) -> None:
        if self.handle is not None and not self.disable:
            self.disable = True
            self._decr_instances(self)
            self.display(self.desc.removesuffix(": "))


def progress(iterable: Iterable | None = None, **options) -> tqdm:
    """`tqdm` with the same options: a text bar in a terminal, one clean line in a notebook."""
    bar = NotebookBar if in_notebook() else tqdm
    defaults = {"mininterval": 0.5, "dynamic_ncols": True, "disable": parallel.rank() > 0}
    return bar(iterable, **defaults | options)
