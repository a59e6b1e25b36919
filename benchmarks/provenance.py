"""Where a measurement was made: what every row of a benchmark's CSV carries."""

import subprocess
from datetime import date

from helpers import downloads, runtime


def provenance() -> dict[str, str]:
    """Date, commit, processor, cores and versions, as columns of a row."""
    command = ["git", "describe", "--always", "--dirty"]
    options = {"cwd": downloads.ROOT, "capture_output": True, "text": True, "check": False}
    commit = subprocess.run(command, **options)
    versions = runtime.versions()
    return {
        "date": date.today().isoformat(),
        "commit": commit.stdout.strip(),
        "processor": runtime.processor(),
        "cores": str(runtime.physical_cores()),
        "torch": versions["torch"],
        "transformers": versions["transformers"],
    }
