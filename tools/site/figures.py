"""SVG pictures as parts of a page, in colours that follow the page's own switch of light and dark.

A drawing loses its `<style>`: one style sheet holds for all of them. A figure of matplotlib's
gets a second colour beside each one it has. What holds a picture of dots (the cells of a matrix)
is turned as a whole, so that the letters on it stay readable.
"""

import colorsys
import re
from html import escape

from helpers import plots
from tools import pictures
from tools.drawings import check
from tools.site import colours

PAPER, INK = "#16191d", "#dfe3e8"  # of a dark page, as in `static/style.css`
ENOUGH = 5.5  # contrast of a line's colour with the dark page
BRIGHT = {plots.GREY.lower(), plots.SKY.lower(), plots.ORANGE.lower()}  # stay as they are
LIGHT = 0.7  # luminance from which a colour is a ground to write on
LOST = re.compile(r"<style.*?</style>|<!--.*?-->|<title.*?</title>|<desc.*?</desc>", re.DOTALL)
NAME = re.compile(r'(?<=\bid=")(?=[^"]+")|(?<=url\(#)|(?<=href="#)')
COLOUR = re.compile(r"(?<=: )#[0-9a-fA-F]{6}\b")


def inline(svg: str, words: str, prefix: str) -> str:
    """An SVG for the middle of a page.

    Args:
        svg: with `width`, `height` and `viewBox`.
        words: what is seen.
        prefix: begins the names of all its parts; no other picture of the page may have it.
    """
    start = svg.index("<svg")
    end = svg.index(">", start) + 1
    inside = NAME.sub(prefix, LOST.sub("", svg[end:]))
    size = " ".join(re.findall(r'\b(?:width|height|viewBox)="[^"]*"', svg[start:end]))
    kind = "drawing" if pictures.is_drawing(svg) else "figure"
    if "<image" in inside:
        kind = "turned"
    elif kind == "figure":
        inside = COLOUR.sub(lambda found: f"light-dark({found[0]}, {dark(found[0])})", inside)
    return f'<svg class="{kind}" {size} role="img" aria-label="{escape(words)}">{inside}'


def dark(colour: str) -> str:
    """The colour on a dark page: greys are turned around, colours stay and become bright enough."""
    if colour.lower() in BRIGHT:
        return colour.lower()
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, lightness, saturation = colorsys.rgb_to_hls(red, green, blue)
    if max(red, green, blue) - min(red, green, blue) < 0.03:
        return between(INK, PAPER, lightness)
    if colours.luminance(colour) > LIGHT:
        return written(colorsys.hls_to_rgb(hue, 0.9 * (1 - lightness) + 0.1, saturation / 2))
    bright = colour.lower()
    while colours.contrast(bright, PAPER) < ENOUGH:
        lightness += 0.01
        bright = written(colorsys.hls_to_rgb(hue, lightness, saturation))
    return bright


def between(first: str, second: str, share: float) -> str:
    """The colour at a share of the way from one to another."""
    pairs = [(int(first[at : at + 2], 16), int(second[at : at + 2], 16)) for at in (1, 3, 5)]
    return written([(a + share * (b - a)) / 255 for a, b in pairs])


def written(parts: list[float] | tuple[float, ...]) -> str:
    """Red, green and blue from 0 to 1 as #rrggbb."""
    return "#" + "".join(f"{round(255 * part):02x}" for part in parts)


def style_sheet() -> str:
    """The drawings' style for a page, with both colours of each rule."""
    always, _, in_the_dark = check.STYLE.partition("@media (prefers-color-scheme: dark) {")
    second = dict(rules_of(in_the_dark))
    lines = []
    for selector, rules in rules_of(always):
        pairs = second.get(selector, {})
        both = {
            name: f"light-dark({value}, {pairs[name]})" if name in pairs else value
            for name, value in rules.items()
        }
        said = " ".join(f"{name}: {value};" for name, value in both.items())
        lines.append(f".drawing {selector} {{ {said} }}")
    return "\n".join(lines) + "\n"


def rules_of(style: str) -> list[tuple[str, dict[str, str]]]:
    """(selector, property -> value) of each rule."""
    found = re.findall(r"(?m)^ *([^{}\n]+?) \{ (.*?) \}", style)
    return [
        (selector, dict(part.split(": ", 1) for part in rules.strip(" ;").split("; ")))
        for selector, rules in found
    ]
