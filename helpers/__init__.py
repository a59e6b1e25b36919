"""What the notebooks built by hand, carried on: one module a thing, imports only downwards."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

# As in pyproject.toml; `tasks.py fork --version` changes both.
__version__ = "0.1.0"

# Let torch ask Linux for large memory pages: fewer page faults when large tensors come and go.
# It is read when the first large tensor is made.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# How the threads of torch wait for each other: asleep, after a short look. Left to itself the
# library lets them spin, and beside a busy program (a video call, say) a thread that spins keeps
# from the processor the very thread that it waits for. It is read when torch is imported, which
# must come later than this. Whoever has said how threads wait is obeyed; {} leaves it to the
# library. What is lost and gained is measured by `tools/experiments/busy_machine.py`, on Linux;
# the libraries of macOS and Windows do not know this variable and wait as they always do.
WAITING = {"GOMP_SPINCOUNT": "3000"}
SAY_HOW_TO_WAIT = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY")
if not any(name in os.environ for name in SAY_HOW_TO_WAIT):
    os.environ.update(WAITING)

# tqdm asks for ipywidgets, which the course does without: its progress bars are plain text.
warnings.filterwarnings("ignore", message="IProgress not found")


def use_version(version: str) -> None:
    """Give a notebook the helpers of the clone around it, in its own version, ready for use.

    Called by the first cell of every notebook. A reader's own `helpers` have no such function. In
    a clone, packages that are missing are installed; an installed package brought them along.

    Args:
        version: the notebook's, such as "v0.1.0".

    Raises:
        ImportError: these helpers are of another version; the message says what to do.
    """
    here = Path(__file__).parent
    sys.path[:] = [place for place in sys.path if place not in ("..", "../..")]
    around = [f for f in Path.cwd().resolve().parents if (f / "data" / "sources.toml").is_file()]
    if around and around[0] != here.parent:
        sys.path.insert(0, str(around[0]))
        for name in [name for name in sys.modules if name.partition(".")[0] == "helpers"]:
            del sys.modules[name]
        import_module("helpers").use_version(version)
        return
    if version != f"v{__version__}":
        raise ImportError(
            f"This notebook is of version {version[1:]} of the course, and the helpers in {here} "
            f"are of version {__version__}. Open the notebook that came with these helpers, or "
            "remove them (pip uninstall sft-unveiled), restart the kernel and run this cell again."
        )
    is_clone = not (here / "_data").is_dir()
    if is_clone and any(find_spec(name) is None for name in ("torch", "transformers", "evaluate")):
        requirements = str(here.parent / "requirements.txt")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(install, check=True)
