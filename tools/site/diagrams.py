"""Mermaid diagrams: drawn beforehand, found again by a hash of their source."""

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

from tools import notebook_file, project

FOLDER = Path(__file__).parent / "drawings"
FENCE = re.compile(r"^```mermaid\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(source: str) -> str:
    """Eight hexadecimal digits that change with the diagram."""
    return notebook_file.short_hash(source.strip())


def all_sources() -> Iterator[str]:
    """The Mermaid sources of all notebooks."""
    for path in project.notebooks():
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if cell["cell_type"] == "markdown":
                yield from FENCE.findall(notebook_file.joined(cell["source"]))


def drawing_of(source: str) -> tuple[str, str]:
    """File name and words of a diagram's drawing.

    Raises:
        project.Trouble: if the diagram was changed and not drawn anew, or has no words.
    """
    name = name_of(source)
    words = tomllib.loads((FOLDER / "words.toml").read_text(encoding="utf8"))
    if (FOLDER / f"{name}.svg").is_file() and words.get(name):
        return f"{name}.svg", words[name]
    begin = " ".join(source.split())[:60]
    raise project.Trouble(
        f"A Mermaid diagram has no drawing or no words: it begins '{begin}',\n"
        f"and its drawing's name would be {name}.svg.\n"
        "Draw it as tools/site/draw_diagrams.py says, and write its words into "
        "tools/site/drawings/words.toml."
    )
