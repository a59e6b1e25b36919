"""Fetch weights and data, and say what this machine is: what most commands begin with.

python -m tools.describe
"""

import os
import sys

from helpers import downloads, runtime
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
    print(runtime.describe().to_string(header=False))
    for name in missing:
        needed = " and ".join(pack.needed_by(name, project.ROOT)) or "no"
        print(
            f"{name:14} not here: the pack did not bring it. `python3 tasks.py lab` fetches it "
            f"where there is a network. Needed by notebook {needed}."
        )
    for name in [name for name in downloads.sources() if name not in missing]:
        size = sum(path.stat().st_size for path in downloads.folder(name).rglob("*"))
        print(f"{name:14} {size / 1e6:,.0f} MB in data/downloads/{name}")


if __name__ == "__main__":
    sys.exit(project.ended(main))
