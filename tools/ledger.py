"""Write the tables of notebook 15 from its ledger, `data/ledger.toml`.

    python -m tools.ledger

Each part of the ledger is a cell of Markdown that holds nothing but its table. A link leads to the
section that holds the cell in which a verdict is shown; its number is looked up here. A verdict
that a rule computes from recorded rows carries a sign. (Section 10 of the notebook lists what would
test the claims that are not tested.)
"""

import sys

from helpers import files
from helpers.measured import ledger
from tools import notebook_file, project
from tools.notebook_sections import anchor, heading, read

NOTEBOOK = project.NOTEBOOKS / "15_the_claims_revisited.ipynb"
TABLES = {  # part: the cell that holds its table
    "results": "15400002",
    "data": "15500002",
    "metrics": "15600002",
    "applications": "15700002",
    "field": "15800004",
    "formulas": "15b00002",
    "listing": "15c00002",
    "literature": "15d00002",
}
COMPUTED = "°"
HEAD = "| the article says | verdict | why, and what is right | shown in |\n|---|---|---|---|"


def section_of(notebook: str, cell: str) -> str:
    """The heading of the section that a cell belongs to.

    Raises:
        project.Trouble: there is no such notebook, or it has no such cell.
    """
    path = project.NOTEBOOKS / f"{notebook}.ipynb"
    current = ""
    for one in read(path)["cells"] if path.is_file() else []:
        current = heading(one) or current
        if one["id"] == cell:
            return current
    raise project.Trouble(f"{notebook} has no cell {cell}. Correct data/ledger.toml.")


def link(notebook: str, cell: str) -> str:
    """Where a verdict is shown, as Markdown; empty if nowhere."""
    if not notebook:
        return ""
    title = section_of(notebook, cell)
    file = "" if notebook == NOTEBOOK.stem else f"{notebook}.ipynb"
    number = title.partition(".")[0]
    return f"[{notebook[:2]}, section {number}]({file}#{anchor(title)})"


def table(part: str) -> str:
    """The table of one part, as Markdown."""
    rows = ledger.claims()
    lines = [HEAD]
    for row in rows[rows["part"] == part].itertuples():
        where = link(row.notebook, row.cell)
        verdict = f"**{row.verdict}**{COMPUTED if row.computed else ''}"
        lines.append(f"| {row.says} | {verdict} | {row.why} | {where} |")
    return "\n".join(lines)


def with_tables(notebook: dict) -> dict:
    """The notebook with the ledger's tables in their cells."""
    cells = {cell: part for part, cell in TABLES.items()}
    for one in notebook["cells"]:
        if one["id"] in cells:
            one["source"] = notebook_file.lines(table(cells[one["id"]]))
    return notebook


def main() -> None:
    """Rewrite the tables of the notebook."""
    before = NOTEBOOK.read_bytes()
    files.update(
        NOTEBOOK, before, notebook_file.as_text(with_tables(read(NOTEBOOK))).encode("utf8")
    )


if __name__ == "__main__":
    sys.exit(project.ended(main))
