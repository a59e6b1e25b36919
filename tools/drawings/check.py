"""What every drawing must keep: one style, words for who cannot see it, letters for a phone."""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from tools import project

FOLDER = project.NOTEBOOKS / "drawings"
STYLE = (Path(__file__).parent / "style.css").read_text(encoding="utf8")
CLASSES = set(re.findall(r"\.([a-z-]+) \{", STYLE))
SVG = "{http://www.w3.org/2000/svg}"
PHONE, SMALLEST = 340, 9.0  # a phone's column and the smallest letters there, in CSS pixels
COLOURS = re.compile(r"#[0-9a-f]{3,8}\b|\brgb|style=|font-size=|font-family=", re.IGNORECASE)


def with_style(svg: str) -> str:
    """A drawing with the course's style in place of the one it has.

    Raises:
        project.Trouble: if it has no `<style>` element.
    """
    if not re.search(r"<style>.*?</style>", svg, re.DOTALL):
        raise project.Trouble("A drawing has no <style></style>. Add an empty one.")
    return re.sub(r"<style>.*?</style>", f"<style>\n{STYLE}</style>", svg, flags=re.DOTALL)


def faults(path: Path) -> Iterator[str]:
    """What is wrong with a drawing, in words."""
    text = path.read_text(encoding="utf8")
    root = ElementTree.fromstring(text)
    if with_style(text) != text:
        yield "its style is not the course's: run python -m tools.drawings"
    for name, shortest in (("title", 10), ("desc", 60)):
        found = root.find(f"{SVG}{name}")
        if found is None or len(" ".join((found.text or "").split())) < shortest:
            yield f"<{name}> is missing or too short"
    if root.get("viewBox") != f"0 0 {root.get('width')} {root.get('height')}":
        yield "width and height must be those of its viewBox, which begins with 0 0"
    if COLOURS.search(re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL)):
        yield "it sets a colour or a font of its own; use the classes of tools/drawings/style.css"
    used = {name for one in root.iter() for name in one.get("class", "").split()}
    if used - CLASSES:
        yield f"the style has no class {sorted(used - CLASSES)}"
    yield from too_small(root)


def too_small(root: ElementTree.Element) -> Iterator[str]:
    """Letters that a phone would show smaller than `SMALLEST`, and text outside the picture."""
    _, _, width, height = map(float, root.get("viewBox").split())
    for text in root.iter(f"{SVG}text"):
        size = 14 if "small" in text.get("class", "").split() else 16
        if size * PHONE / width < SMALLEST:
            yield f"'{written(text)}' is too small on a phone: make the picture narrower"
        if not (0 <= float(text.get("x", 0)) <= width and 0 <= float(text.get("y", 0)) <= height):
            yield f"'{written(text)}' lies outside the picture"


def written(text: ElementTree.Element) -> str:
    """The letters of a text element."""
    return " ".join("".join(text.itertext()).split())
