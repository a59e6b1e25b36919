"""A notebook as a teacher sees it: its sections, with the anchors that JupyterLab gives them."""

from __future__ import annotations

import json
import re
from pathlib import Path

OPENING = "Opening"
# A text that only speaks of the words "Predict, then run" has neither of the signs behind them.
PREDICT = re.compile(r"\*\*Predict, then run(?:[:.]|\*\* \()")


def heading(cell: dict) -> str:
    """The text of a second-level heading that a Markdown cell begins with; "" if it has none."""
    found = re.match(r"## +(.+)", "".join(cell["source"]))
    return found[1].strip() if found and cell["cell_type"] == "markdown" else ""


def sections(notebook: dict) -> dict[str, list[dict]]:
    """The cells of a notebook by section, in order; what precedes the first is `OPENING`."""
    found: dict[str, list[dict]] = {OPENING: []}
    current = OPENING
    for cell in notebook["cells"]:
        current = heading(cell) or current
        found.setdefault(current, []).append(cell)
    return found


def is_deeper(title: str) -> bool:
    """Whether a section says in its heading that it can be skipped without loss."""
    return "going deeper" in title.lower()


def plain(title: str) -> str:
    """A heading without its number and without *Going deeper*: the name that stays."""
    name = re.sub(r"^(?:\d+\. )?(?:Going deeper[:.] )?", "", title)
    return name[:1].upper() + name[1:]


def anchor(title: str) -> str:
    """The part of a link after `#` that leads to a heading in JupyterLab: blanks become hyphens."""
    return title.replace(" ", "-")


def slug(heading_text: str) -> str:
    """The part of a link after `#` that leads to a heading of a Markdown page on a code host."""
    return re.sub(r"\s", "-", re.sub(r"[^\w\s-]", "", heading_text.strip().lower()))


def read(path: Path) -> dict:
    """A notebook as it is stored."""
    return json.loads(path.read_text(encoding="utf8"))
