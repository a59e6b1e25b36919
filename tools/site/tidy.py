"""Work on a page's HTML as a tree: headings, links, pictures, tables, sections for the search."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from posixpath import normpath, relpath
from urllib.parse import unquote

from bs4 import BeautifulSoup, NavigableString, Tag

from tools.notebook_sections import slug

HEADING = re.compile(r"^h[1-6]$")
FIGURES = re.compile(r"(?=.*\d)(?:[\W\d_]|\bto\b)*", re.DOTALL)  # "1.02 (0.93 to 1.10)"


def tree(html: str) -> BeautifulSoup:
    """The tree of a piece of HTML."""
    return BeautifulSoup(html, "html.parser")


def name_headings(page: BeautifulSoup) -> None:
    """Give every heading an anchor of its own, and close gaps: h1, h3 becomes h1, h2."""
    above: list[int] = []
    taken: set[str] = set()
    for heading in page.find_all(HEADING):
        level = int(heading.name[1])
        above = [other for other in above if other < level] + [level]
        heading.name = f"h{len(above)}"
        heading["id"] = free_name(slug(written(heading)) or "section", taken)
        taken.add(heading["id"])


def text_of(heading: Tag) -> str:
    """A heading's words; of a formula what is seen, not its source."""
    return "".join(text for text in heading.strings if text.parent.name != "annotation")


def written(heading: Tag) -> str:
    """A heading's words; of a formula its source, from which code hosts make the anchor."""
    texts = [t for t in heading.strings if t.parent.name == "annotation" or not in_formula(t)]
    return "".join(texts)


def in_formula(text: NavigableString) -> bool:
    """Whether a piece of text is drawn as part of a formula."""
    return text.find_parent("math") is not None


def free_name(name: str, taken: set[str]) -> str:
    """The name, or the name with the first number that makes it new."""
    numbered = (f"{name}-{count}" for count in range(1, len(taken) + 2))
    return next(each for each in [name, *numbered] if each not in taken)


def lead_links(
    page: BeautifulSoup, source: str, addresses: dict[str, str], repository: str
) -> None:
    """Let links lead to pages of the site, and to the repository where the site has no page.

    A link to a folder leads to the folder's first page. Anchors are written as JupyterLab wants
    them (`#2.-Four-counts`) or as code hosts do (`#2-four-counts`); both lead to the heading.

    Args:
        page: changed in place.
        source: the page's file, relative to the repository.
        addresses: file -> address of its page, for every page.
        repository: address of the repository's files at this version.
    """
    for link in page.find_all("a", href=True):
        target, _, anchor = link["href"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        end = f"#{slug(unquote(anchor))}" if anchor else ""
        if not target:
            link["href"] = end
            continue
        file = normpath(PurePosixPath(source).parent / target)
        pages = [address for name, address in addresses.items() if name.startswith(f"{file}/")]
        address = addresses.get(file) or next(iter(pages), None)
        here = addresses[source]
        link["href"] = relative(address, here) + end if address else f"{repository}/{file}"


def relative(address: str, seen_from: str) -> str:
    """The way from one page of the site to another."""
    return relpath(address, str(PurePosixPath(seen_from).parent))


def keep_pictures_here(page: BeautifulSoup) -> None:
    """Replace pictures of other hosts (badges) by their words: a page asks no other host."""
    for image in page.find_all("img"):
        if image["src"].startswith("http"):
            image.replace_with(image["alt"])


def draw_checkboxes(page: BeautifulSoup) -> None:
    """Boxes of a checklist become signs: nothing can be ticked on a page, and a box has no name."""
    for box in page.select("input[type=checkbox]"):
        sign = page.new_tag("span", attrs={"aria-hidden": "true"})
        sign.string = "☑ " if box.has_attr("checked") else "☐ "
        box.replace_with(sign)


def prepare_tables(page: BeautifulSoup) -> None:
    """Tables that scroll by themselves, with heads that say what they are the head of."""
    for style in page.find_all("style"):
        style.decompose()
    for count, table in enumerate(page.find_all("table"), 1):
        for attribute in ("border", "class"):
            del table[attribute]
        for head in table.find_all("th"):
            if not head.get_text(strip=True):
                head.name = "td"
            else:
                head["scope"] = "row" if head.find_parent("tbody") else "col"
        frame = {"class": "table", "tabindex": "0", "role": "group", "aria-label": f"Table {count}"}
        table.wrap(page.new_tag("div", attrs=frame))


def sections(page: BeautifulSoup) -> Iterator[tuple[str, str, str]]:
    """(anchor, heading, text below it) for each heading, for the search.

    Cells of tables that hold only figures are left out: nobody searches for them, and the page
    loads what it searches, 1.4 MB.
    """
    for annotation in page.find_all("annotation"):
        annotation.decompose()
    for heading in page.find_all(HEADING):
        below = []
        for element in heading.next_elements:
            if isinstance(element, Tag):
                if HEADING.match(element.name):
                    break
            elif heading not in element.parents and not is_figure(element):
                below.append(element)
        yield heading["id"], heading.get_text(), " ".join("".join(below).split())


def is_figure(text: NavigableString) -> bool:
    """Whether a text is a cell of a table with figures alone."""
    return text.parent.name == "td" and FIGURES.fullmatch(text) is not None
