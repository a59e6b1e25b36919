"""The colours of code: two published styles made for contrast, as one style sheet."""

from pygments.style import Style
from pygments.styles import get_style_by_name
from pygments.token import STANDARD_TYPES

LIGHT, DARK = "github-light-high-contrast", "github-dark-high-contrast"


def style_sheet() -> str:
    """CSS for every kind of token that has a colour in one of the two styles."""
    light, dark = token_colours(LIGHT), token_colours(DARK)
    rules = []
    for name, kind in coloured_classes().items():
        pair = f"{light.get(kind, 'currentcolor')}, {dark.get(kind, 'currentcolor')}"
        rules.append(f".code .{name} {{ color: light-dark({pair}); }}")
    return "\n".join(rules) + "\n"


def coloured_classes() -> dict:
    """CSS class -> kind of token, for the kinds that have a colour."""
    coloured = token_colours(LIGHT) | token_colours(DARK)
    return {name: kind for kind, name in STANDARD_TYPES.items() if name and kind in coloured}


def token_colours(style_name: str) -> dict:
    """Kind of token -> colour with its leading #, for the kinds that have one."""
    style: type[Style] = get_style_by_name(style_name)
    return {kind: f"#{look['color']}" for kind, look in style if look["color"]}


def contrast(first: str, second: str) -> float:
    """The contrast of two colours such as "#0550ae", from 1 to 21, as WCAG 2 defines it."""
    low, high = sorted(map(luminance, (first, second)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of a colour, from 0 (black) to 1 (white)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return sum(weight * p for weight, p in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
