"""What was verified: the rows of `data/measured/verified.csv`, and their table in docs/verified.md.

`tasks.py test --record` calls `record` at its end. Standard library only, as `tasks.py` is.
"""

import csv
import datetime
import io
import re
import sys

from helpers import files
from tools import project

FILE = project.ROOT / "data" / "measured" / "verified.csv"
PAGE = project.ROOT / "docs" / "verified.md"
COLUMNS = ("python", "packages", "versions", "ran", "result", "date")
KEY = ("python", "packages", "ran")  # a new run takes the place of an older one of the same
NAMED = ("torch", "transformers", "datasets", "numpy", "pandas")
MARKS = ("<!-- verified: written by `tasks.py test --record` -->\n", "<!-- /verified -->")
LOWEST, COLAB, OTHER = "lowest versions", "simulated Colab", "Python "
COLABS_TORCH = "2.11.0"  # by Colab's list; installed on the newer Pythons only


def read() -> list[dict[str, str]]:
    """The recorded rows, in the file's order."""
    with FILE.open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


def versions(packages: str) -> str:
    """The packages that matter most, with the versions that a constraints file names."""
    pins = dict(re.findall(r"(?m)^([\w-]+)==(\S+)$", (project.ROOT / packages).read_text("utf8")))
    return ", ".join(f"{name} {pins[name]}" for name in NAMED)


def row(python: str, packages: str, ran: str, groups: list[dict]) -> dict[str, str]:
    """A row of the file from rows of the table that `tasks.py test` prints."""
    passed, failed, skipped = (
        sum(g[key] for g in groups) for key in ("passed", "failed", "skipped")
    )
    result = f"{passed} passed" + f", {failed} failed" * bool(failed)
    return {
        "python": python,
        "packages": packages,
        "versions": versions(packages),
        "ran": ran,
        "result": result + f", {skipped} skipped" * bool(skipped),
        "date": datetime.date.today().isoformat(),
    }


def from_table(groups: list[dict], every: bool) -> list[dict[str, str]]:
    """Rows of the file for one call of `tasks.py test`; groups that were skipped leave none.

    Args:
        groups: the printed table's rows: name, passed, failed, skipped.
        every: whether it was `test --all`.
    """
    here = "{}.{}".format(*sys.version_info)
    ran = [group for group in groups if group["passed"] or group["failed"]]
    own = [g for g in ran if g["name"] not in (LOWEST, COLAB) and not g["name"].startswith(OTHER)]
    text = "unit tests, notebooks, browser" + ", long tests" * every
    rows = [row(here, "requirements/constraints.txt", text, own)] if own else []
    for group in ran:
        name = group["name"]
        if name == LOWEST:
            rows.append(row(here, "requirements/lowest.txt", "unit tests", [group]))
        elif name == COLAB:
            text = f"{'every notebook' if every else 'notebook 01'} alone, a fork"
            text = "set-up cell; the rest was skipped" if group["skipped"] else text
            rows.append(row("3.11", "requirements/colab.txt", text, [group]))
        elif name.startswith(OTHER):
            text = "every notebook alone, cells and helpers compile, set-up cell"
            if group["skipped"] or not every:
                text = "cells and helpers compile, set-up cell; requirements resolved only"
            other = row(name.removeprefix(OTHER), "requirements/colab.txt", text, [group])
            other["versions"] = re.sub(r"^torch \S+,", f"torch {COLABS_TORCH},", other["versions"])
            rows.append(other)
    return rows


def merged(old: list[dict], new: list[dict]) -> list[dict]:
    """Old rows with the new ones in the place of those with the same key, or at the end."""
    by_key = {tuple(line[name] for name in KEY): line for line in [*old, *new]}
    return list(by_key.values())


def table(rows: list[dict]) -> str:
    """The page's table."""
    lines = []
    for line in rows:
        packages = f"[{line['packages']}](../{line['packages']}) ({line['versions']})"
        lines.append((line["python"], packages, line["ran"], line["result"], line["date"]))
    headings = ("Python", "packages", "what ran", "result", "date")
    return files.markdown_table(headings, lines) + "\n"


def with_table(page: str, rows: list[dict]) -> str:
    """The page's text with the table of these rows between its two marks."""
    before, rest = page.split(MARKS[0])
    return before + MARKS[0] + table(rows) + MARKS[1] + rest.split(MARKS[1])[1]


def record(new: list[dict]) -> None:
    """Put rows into the file, and the file's table into the page."""
    before = files.read_before(FILE)
    rows = merged(read() if FILE.exists() else [], new)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    files.update(FILE, before, text.getvalue().encode())
    page = PAGE.read_bytes()
    files.update(PAGE, page, with_table(page.decode("utf8"), rows).encode())
