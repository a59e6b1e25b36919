"""What the notebooks built by hand, carried on: one module a thing, imports only downwards."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from importlib.util import find_spec

COURSE = "SFT Unveiled"  # by this a notebook tells these helpers from a reader's own
# As in pyproject.toml; `tasks.py fork --version` changes both.
__version__ = "0.1.0"

# Let torch ask Linux for large memory pages: fewer page faults when large tensors come and go.
# It is read when the first large tensor is made.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")

# tqdm asks for ipywidgets, which the course does without: its progress bars are plain text.
warnings.filterwarnings("ignore", message="IProgress not found")


def check(version: str) -> None:
    """See to it that a notebook has the helpers of its own version, and they what they need.

    In a clone, packages that are missing are installed; an installed package brought them along.

    Args:
        version: the notebook's, such as "v0.1.0".

    Raises:
        ImportError: these helpers are of another version; the message says what to do.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    if version != f"v{__version__}":
        raise ImportError(
            f"This notebook is of version {version[1:]} of the course, and the helpers in {here} "
            f"are of version {__version__}. Open the notebook that came with these helpers, or "
            "remove them (pip uninstall sft-unveiled), restart the kernel and run this cell again."
        )
    is_clone = not os.path.isdir(os.path.join(here, "_data"))
    if is_clone and any(find_spec(name) is None for name in ("torch", "transformers", "evaluate")):
        requirements = os.path.join(os.path.dirname(here), "requirements.txt")
        install = [sys.executable, "-m", "pip", "install", "--quiet", "-r", requirements]
        subprocess.run(install, check=True)
