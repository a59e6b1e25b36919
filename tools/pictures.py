"""The pictures in a notebook's outputs, PNG or SVG, with their words."""

import re
from collections.abc import Iterator

from tools import notebook_file

SVG, PNG = KINDS = ("image/svg+xml", "image/png")  # the better one first
DARK_RULES = re.compile(r"@media \(prefers-color-scheme: dark\) \{.*?\n\}\n?", re.DOTALL)


def kind(output: dict) -> str:
    """The kind of picture that an output holds; "" if it holds none."""
    return next((mime for mime in KINDS if mime in output.get("data", {})), "")


def all_of(notebook: dict) -> Iterator[dict]:
    """The outputs of a notebook that are pictures."""
    for cell in notebook["cells"]:
        yield from filter(kind, cell.get("outputs", []))


def words(output: dict) -> str:
    """What is seen in a picture, for who cannot see it."""
    return output["metadata"][kind(output)]["alt"]


def data(output: dict) -> str:
    """A picture's text: the SVG, or the PNG in base64."""
    return notebook_file.joined(output["data"][kind(output)])


def is_drawing(svg: str) -> bool:
    """Whether an SVG is one of `notebooks/drawings`, which bring their own style."""
    return 'class="paper"' in svg


def for_light_pages(svg: str) -> str:
    """An SVG whose colours do not follow the system: for a slide, which is white for everybody."""
    return DARK_RULES.sub("", svg)
