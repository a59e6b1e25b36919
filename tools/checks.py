"""Style, what breaks on other systems, and the cells not compared: what `tasks.py check` starts.

python -m tools.checks
"""

import json
import subprocess
import sys

from tools import project


def main() -> int:
    """Style, what breaks on Windows or macOS, notebook hygiene, the list of cells not compared."""
    steps = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        ["tools.systems"],
        [
            "pytest",
            "-q",
            "--no-header",
            "tests/notebooks/test_notebooks.py",
            "tests/unit/test_architecture.py",
        ],
    ]
    codes = [
        subprocess.run([sys.executable, "-m", *step], cwd=project.ROOT).returncode for step in steps
    ]
    project.say("\nCells whose output is not compared, and why:")
    for path in project.notebooks():
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if "nbval-ignore-output" in cell["metadata"].get("tags", []):
                project.say(
                    f"  {path.stem:24}{cell['id']}  {cell['metadata'].get('reason', 'NO REASON')}"
                )
    return max(codes)


if __name__ == "__main__":
    sys.exit(project.ended(main))
