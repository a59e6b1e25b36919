"""A notebook as it is stored: one form for everything, and what its cells say as plain text."""

from __future__ import annotations

import json
import re

from helpers import files

WIDGET = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def cleaned(notebook: dict) -> dict:
    """A notebook that was just run, in the one form in which it is stored.

    Two runs with equal outputs give equal files: ids stay, counts come from the order of the
    cells, and nothing is kept that depends on the time, the machine or the front end.
    """
    cells, count = [], 0
    for cell, digest in zip(notebook["cells"], cell_ids(notebook["cells"]), strict=True):
        keep = {key: cell["metadata"][key] for key in ("tags", "reason") if key in cell["metadata"]}
        new = {"cell_type": cell["cell_type"], "id": digest, "metadata": keep}
        new["source"] = lines(joined(cell["source"]))
        if cell["cell_type"] == "code":
            count += 1
            new["execution_count"] = count
            new["outputs"] = cleaned_outputs(cell["outputs"], count)
        cells.append(new)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def cell_ids(cells: list[dict]) -> list[str]:
    """The cells' ids: the one a cell has stays, whatever becomes of its text; new ones get one.

    Claims about a notebook name its cells. A new id has eight hexadecimal digits, from the cell's
    kind and text; a cell whose id an earlier one bears, too, counts as new.
    """
    ids: list[str] = []
    for cell in cells:
        digest, source = cell.get("id", ""), joined(cell["source"])
        if not re.fullmatch(r"[0-9a-f]{8}", digest) or digest in ids:
            digest = short_hash(("md" if cell["cell_type"] == "markdown" else "code") + source)
        while digest in ids:
            digest = short_hash(digest + source)
        ids.append(digest)
    return ids


def short_hash(text: str) -> str:
    """The first eight hexadecimal digits of SHA-256."""
    return files.sha256_bytes(text.encode())[:8]


def cleaned_outputs(outputs: list[dict], count: int) -> list[dict]:
    """Streams merged and as they look in the end, no widgets, errors without library frames."""
    kept: list[dict] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            text = joined(output["text"])
            if kept and kept[-1].get("name") == output["name"]:
                text = joined(kept.pop()["text"]) + text
            kept.append({"name": output["name"], "output_type": "stream", "text": text})
        elif kind == "error":
            frames = own_frames(output["traceback"])
            kept.append({key: output[key] for key in ("ename", "evalue", "output_type")})
            kept[-1]["traceback"] = frames
        elif WIDGET not in output["data"]:
            data = {mime: stored(mime, output["data"][mime]) for mime in sorted(output["data"])}
            kept.append({"data": data, "metadata": output["metadata"], "output_type": kind})
            if kind == "execute_result":
                kept[-1]["execution_count"] = count
    for output in kept:
        if output["output_type"] == "stream":
            output["text"] = lines(as_seen(output["text"]))
    return [output for output in kept if output.get("text") != []]


def stored(mime: str, value: object) -> object:
    """Text as a list of lines, pictures and JSON as they are."""
    is_text = mime.startswith("text/") or mime == "image/svg+xml"
    return lines(joined(value)) if is_text else value


def as_seen(text: str) -> str:
    """What a terminal shows in the end: a carriage return starts its line anew."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def own_frames(traceback: list[str]) -> list[str]:
    """A traceback without the frames of libraries, which name paths of this machine."""
    ours = ("Cell In[", "Traceback")
    own = [part for part in traceback[1:-1] if ANSI.sub("", part).startswith(ours)]
    return [*traceback[:1], *own, *traceback[-1:]] if len(traceback) > 1 else traceback


def joined(text: str | list[str]) -> str:
    """A notebook's text, which may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def lines(text: str) -> list[str]:
    """Text as notebooks store it; split at newlines only, so that nothing else is lost."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def as_text(notebook: dict) -> str:
    """The file of a notebook."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def with_fresh_ids(text: str) -> str:
    """A notebook's file after its cells were edited."""
    notebook = json.loads(text)
    for cell, digest in zip(notebook["cells"], cell_ids(notebook["cells"]), strict=True):
        cell["id"] = digest
    return as_text(notebook)


def failure(notebook: dict) -> str:
    """The cell that failed: its id, its text, and the error with the line that raised it."""
    errors = [
        (cell, output)
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
        and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    cell, error = errors[0]
    frames = "\n".join(own_frames(error["traceback"]))
    return f"cell {cell['id']} failed.\n\n{joined(cell['source'])}\n\n{frames}"
