"""Tables in Markdown. Standard library only."""

from __future__ import annotations

from collections.abc import Iterable


def table(columns: Iterable[object], rows: Iterable[Iterable[object]]) -> str:
    """A table: a line of headings, and a line for each row; no line end after the last."""
    columns = list(columns)
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)
