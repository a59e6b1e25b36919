"""Fetch weights and data, and say what this machine is: what most commands begin with.

A model that comes as a GGUF file is converted here, so that its notebook starts at once.

python -m tools.describe
"""

import os
import sys
from pathlib import Path

from helpers import downloads, gguf_weights, runtime
from tools import project
from tools.teaching import pack


def main() -> None:
    """Fetch weights and data, then print what this machine is and what is on its disk.

    What a pack did not bring may be missing where there is no network; anything else may not.
    """
    missing, not_brought = [], pack.not_brought(project.ROOT)
    for name in sorted(downloads.sources(), key=not_brought.count):
        if name in not_brought:  # no long waiting for a network that nobody promised
            os.environ |= {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "10"}
        try:
            downloads.folder(name)
        except downloads.DownloadError as error:
            if name not in not_brought:
                sys.exit(str(error))
            missing.append(name)
    convert([name for name in downloads.sources() if name not in missing])
    print(runtime.describe().to_string(header=False))
    for name in missing:
        needed = " and ".join(pack.needed_by(name, project.ROOT)) or "no"
        print(
            f"{name:14} not here: the pack did not bring it. `python3 tasks.py lab` fetches it "
            f"where there is a network. Needed by notebook {needed}."
        )
    for name in [name for name in downloads.sources() if name not in missing]:
        size = size_of(downloads.folder(name))
        print(f"{name:14} {size} in data/downloads/{name}{made_of(name)}")


def convert(names: list[str]) -> None:
    """Convert those of these sources that come as GGUF, once; a bar shows how far it is."""
    for name in names:
        if "gguf" in downloads.sources()[name]:
            try:
                gguf_weights.folder(name)
            except downloads.DownloadError as error:
                sys.exit(str(error))


def made_of(name: str) -> str:
    """What a source was converted to, and its size; empty for most."""
    if "gguf" not in downloads.sources()[name]:
        return ""
    folder = gguf_weights.folder(name)
    return f", and {size_of(folder)} converted from it in data/downloads/{folder.name}"


def size_of(folder: Path) -> str:
    """Size of all files below a folder."""
    return f"{sum(path.stat().st_size for path in folder.rglob('*')) / 1e6:,.0f} MB"


if __name__ == "__main__":
    sys.exit(project.ended(main))
