"""Write the site: `python3 tasks.py site`, or `python -m tools.site.build [folder]`."""

import functools
import json
import re
import shutil
import struct
import sys
import time
from pathlib import Path

from bs4 import BeautifulSoup
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template

from helpers import folders
from helpers.files import StorageError
from tools import project
from tools.site import callouts, colours, diagrams, figures, notebooks, pages, prose, tidy

HERE = Path(__file__).parent
TARGET = project.OUTPUTS / "site"
FACTS = project.project()["project"]
FILES = f"{FACTS['urls']['Repository']}/blob/v{FACTS['version']}"


def main() -> None:
    """Build, and say what stands where."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else TARGET
    start = time.perf_counter()
    try:
        built = build(target)
    except (project.Trouble, StorageError) as trouble:
        sys.exit(str(trouble))
    size = sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) / 1e6
    seconds = time.perf_counter() - start
    print(f"{len(built)} pages, {size:.1f} MB, {seconds:.1f} s. Open {target / 'index.html'}")


def build(target: Path) -> list[pages.Page]:
    """Write every page into `target`, which is replaced in one step.

    Raises:
        project.Trouble: if a diagram or a formula cannot be shown; `target` is then left as it was.
        ForeignError: if `target` holds anything that this function did not write.
    """
    found = pages.all_pages()
    folders.write_folder(target, lambda new: fill(new, found))
    return found


def fill(new: Path, found: list[pages.Page]) -> None:
    """Write every page into a new folder."""
    shutil.copytree(HERE / "static", new / "static")
    shutil.copytree(diagrams.FOLDER, new / "drawings", ignore=shutil.ignore_patterns("*.toml"))
    (new / "static" / "code.css").write_text(colours.style_sheet(), encoding="utf8")
    (new / "static" / "drawings.css").write_text(figures.style_sheet(), encoding="utf8")
    index = [entry for page in found for entry in write_page(page, found, new)]
    write_search(index, found, new)


def write_page(page: pages.Page, found: list[pages.Page], folder: Path) -> list[dict]:
    """Write one page with its pictures; returns its entries for the search."""
    source = project.ROOT / page.source
    place = folder / page.address
    place.parent.mkdir(parents=True, exist_ok=True)
    if page.is_notebook:
        rendering = notebooks.Rendering(source)
        content, pictures = tidy.tree(rendering.html()), rendering.pictures
        inline = rendering.inline
        shutil.copyfile(source, place.with_suffix(".ipynb"))
        add_tools(content, page, found)
    else:
        content, pictures = tidy.tree(prose.html_of(source.read_text(encoding="utf8"))), {}
        inline = {}
    tidy.name_headings(content)
    addresses = {other.source: other.address for other in found}
    tidy.lead_links(content, page.source, addresses, FILES)
    tidy.keep_pictures_here(content)
    place_pictures(content, page, pictures, folder)
    tidy.draw_checkboxes(content)
    tidy.prepare_tables(content)
    contents = contents_of(content)
    callouts.mark(content)
    text = notebooks.with_pictures(prose.coloured(str(content)), inline)
    place.write_text(in_frame(text, page, found, contents), encoding="utf8")
    return [
        {"page": page.title, "section": heading, "url": f"{page.address}#{anchor}", "text": text}
        for anchor, heading, text in tidy.sections(content)
    ]


def add_tools(content: BeautifulSoup, page: pages.Page, found: list[pages.Page]) -> None:
    """Below a notebook's title, beside its badge: the file itself, and its exercises' solutions."""
    name = Path(page.source).name
    links = [f'<a href="./{name}" download>Download this notebook</a>']
    solutions = f"notebooks/solutions/{pages.number(page)}_solutions.ipynb"
    if page.group == "Notebooks" and any(other.source == solutions for other in found):
        links.append(f'<a href="{solutions.removeprefix("notebooks/")}">Solutions</a>')
    tools = tidy.tree(f'<p class="tools">{" · ".join(links)}</p>').p
    content.h1.insert_after(tools)
    badge = content.find("a", href=re.compile(r"^https://colab\.research\.google\.com/"))
    if badge:
        paragraph = badge.parent
        tools.extend([" · ", badge.extract()])
        paragraph.decompose()


def contents_of(content: BeautifulSoup) -> list[tuple[str, str]]:
    """(anchor, text) of each second-level heading."""
    return [(heading["id"], tidy.text_of(heading)) for heading in content.find_all("h2")]


def place_pictures(
    content: BeautifulSoup, page: pages.Page, pictures: dict[str, bytes], folder: Path
) -> None:
    """Write figures beside the page, copy files of the repository, and give each its size."""
    beside = (folder / page.address).parent
    for image in content.find_all("img"):
        name = image["src"]
        if name in pictures:
            (beside / name).write_bytes(pictures[name])
        elif name.startswith("drawings/"):
            image["src"] = tidy.relative(name, page.address)
            continue
        else:
            copy = beside / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile((project.ROOT / page.source).parent / name, copy)
        if name.endswith(".png"):
            image["width"], image["height"] = png_size((beside / name).read_bytes())


def png_size(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG, from its header."""
    return struct.unpack(">II", png[16:24])


def in_frame(
    content: str, page: pages.Page, found: list[pages.Page], contents: list[tuple[str, str]]
) -> str:
    """The whole page: content between head, contents and foot."""
    before, after = pages.neighbours(page, found)
    return template("page.html.j2").render(
        content=content,
        page=page,
        contents=contents,
        groups=grouped(found),
        folded=pages.FOLDED,
        before=before,
        after=after,
        deeper=callouts.GOING_DEEPER.match,
        to=lambda address: tidy.relative(address, page.address),
        repository=FACTS["urls"]["Repository"],
    )


def grouped(found: list[pages.Page]) -> dict[str, list[pages.Page]]:
    """The pages under the headings of the contents."""
    groups: dict[str, list[pages.Page]] = {}
    for page in found:
        groups.setdefault(page.group, []).append(page)
    return groups


def write_search(index: list[dict], found: list[pages.Page], folder: Path) -> None:
    """The search page and what it searches: a script, because it must work from a disk too."""
    page = pages.Page("search.html", "search.html", "Search", "")
    content = (HERE / "templates" / "search.html").read_text(encoding="utf8")
    framed = in_frame(content, page, [*found, page], [])
    (folder / page.address).write_text(framed, encoding="utf8")
    by_page: dict[tuple[str, str], list] = {}  # its title and address stand once
    for entry in index:
        address, _, anchor = entry["url"].partition("#")
        own = by_page.setdefault((entry["page"], address), [])
        derived = anchor == usual_anchor(entry["section"])
        own.append([entry["section"], "" if derived else anchor, entry["text"]])
    rows = [[*named, sections] for named, sections in by_page.items()]
    compact = {"ensure_ascii": False, "separators": (",", ":")}
    entries = ",\n".join(json.dumps(row, **compact) for row in rows)
    script = f"const INDEX = [\n{entries}\n];\n"
    (folder / "static" / "search-index.js").write_text(script, encoding="utf8")


def usual_anchor(heading: str) -> str:
    """The anchor that most headings have, as `anchorOf` in search.js derives it from them."""
    return re.sub(r"[^a-z0-9_ -]", "", heading.lower()).replace(" ", "-")


@functools.cache
def template(name: str) -> Template:
    """A template of the site's frame."""
    loader = FileSystemLoader(HERE / "templates")
    options = {"undefined": StrictUndefined, "trim_blocks": True, "lstrip_blocks": True}
    return Environment(loader=loader, autoescape=True, **options).get_template(name)


if __name__ == "__main__":
    main()
