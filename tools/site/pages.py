"""Which pages there are, where each lies, and in which order they are read."""

import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tools import notebook_file, project

# Heading in the contents -> the Markdown files below it; the notebooks stand before them.
TEXTS = {
    "Beside the notebooks": [
        f"docs/{n}.md" for n in ("glossary", "references", "own_csv", "findings")
    ],
    "For teachers": ["docs/teaching/*.md"],
    "Data": ["data/README.md", "data/*.md"],
    "Measurements": ["docs/measured/*.md"],
    "About": [
        *[f"docs/{name}.md" for name in ("guarantees", "more_machines", "verified")],
        "CONTRIBUTING.md",
        "LICENSE-TEXT.md",
    ],
}

FOLDED = ["Data", "Measurements", "Solutions"]  # in the contents opened by a click


@dataclass(frozen=True)
class Page:
    """One page: where its text comes from, where it goes, and under which heading it is listed."""

    source: str  # relative to the repository, with slashes
    address: str  # relative to the site, with slashes
    title: str
    group: str

    @property
    def short_title(self) -> str:
        """The title in the contents."""
        return "Overview" if self.source == "README.md" else self.title

    @property
    def is_notebook(self) -> bool:
        """Whether the source is a notebook."""
        return self.source.endswith(".ipynb")


def all_pages() -> list[Page]:
    """Every page of the site in the order of its contents."""
    found = [page("README.md", "The course")]
    notebooks = [path.relative_to(project.ROOT).as_posix() for path in project.notebooks()]
    found += [page(source, "Notebooks") for source in notebooks if "solutions" not in source]
    for group, patterns in TEXTS.items():
        sources = [path for pattern in patterns for path in sorted(project.ROOT.glob(pattern))]
        names = dict.fromkeys(path.relative_to(project.ROOT).as_posix() for path in sources)
        found += [page(name, group) for name in names]
    found += [page(source, "Solutions") for source in notebooks if "solutions" in source]
    return found


def page(source: str, group: str) -> Page:
    """The page of one file, titled by its first heading."""
    return Page(source, address_of(source), first_heading(project.ROOT / source), group)


def address_of(source: str) -> str:
    """Where a file's page lies: README.md is the index of its folder."""
    path = PurePosixPath(source)
    name = "index" if path.name == "README.md" else path.stem
    return str(path.with_name(f"{name.lower()}.html"))


def first_heading(path: Path) -> str:
    """The text of the first heading of a notebook or a Markdown file."""
    text = path.read_text(encoding="utf8")
    if path.suffix == ".ipynb":
        cells = [c for c in json.loads(text)["cells"] if c["cell_type"] == "markdown"]
        text = "\n".join(notebook_file.joined(cell["source"]) for cell in cells)
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1].replace("`", "")


def neighbours(current: Page, pages: list[Page]) -> tuple[Page | None, Page | None]:
    """The pages before and after one; a solution stands between its notebook and the next."""
    if current.group != "Solutions":
        order = [other for other in pages if other.group != "Solutions"]
        place = order.index(current)
        return (order[place - 1] if place else None), [*order, None][place + 1]
    notebooks = [other for other in pages if other.group == "Notebooks"]
    own = next(other for other in notebooks if number(other) == number(current))
    return own, [*notebooks, None][notebooks.index(own) + 1]


def number(notebook: Page) -> str:
    """The two digits a notebook's name begins with."""
    return PurePosixPath(notebook.source).name[:2]
