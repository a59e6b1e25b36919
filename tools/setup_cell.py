"""The first code cell of every notebook: its text stands here, once.

    python -m tools.setup_cell            puts it into every notebook and its solutions
    python -m tools.setup_cell 00 01      into these only

Ids and outputs of the cells stay. The search for the clone, the check of the version and the
missing packages of a clone are `helpers.use_version`.
"""

import json
import sys

from helpers import files
from tools import notebook_file, project

TEXT = """\
# The same in every notebook: finds the course, or (in Colab, say) installs this version of it.
import sys
from importlib.util import find_spec

sys.path += ["..", "../.."]
if find_spec("helpers") is None:
    %pip install --quiet git+{repository}@v{version}
from helpers import use_version  # ImportError? Rename your own helpers.py, restart the kernel.

use_version("v{version}")"""


def text() -> str:
    """The setup cell, with this course's address and version."""
    facts = project.project()["project"]
    return TEXT.format(repository=facts["urls"]["Repository"], version=facts["version"])


def with_setup(notebook: dict, source: str) -> dict:
    """The notebook with this text in its setup cell; everything else as it was."""
    for cell in notebook["cells"]:
        if "setup" in cell["metadata"].get("tags", []):
            cell["source"] = notebook_file.lines(source)
    return notebook


def main(numbers: list[str]) -> None:
    """Write the setup cell into notebooks."""
    for path in project.notebooks(numbers):
        before = path.read_bytes()
        after = notebook_file.as_text(with_setup(json.loads(before), text())).encode("utf8")
        if after != before:
            files.update(path, before, after)
            project.say(f"changed {path.relative_to(project.ROOT)}")


if __name__ == "__main__":
    sys.exit(project.ended(lambda: main(sys.argv[1:])))
