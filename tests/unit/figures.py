"""What an interactive figure displays, and the page inside it."""

import html
import re

import pytest

from helpers import widgets
from helpers.widgets import frame


def shown(name: str, *arguments: object, **options: object) -> dict[str, str]:
    """What the figure `widgets.name` displays, by kind: "text/html" and "text/plain"."""
    found: list[dict] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "display", lambda data, **_: found.append(data))
        getattr(widgets, name)(*arguments, **options)
    (data,) = found
    return data


def page(data: dict[str, str]) -> str:
    """The page inside the frame that a figure stores."""
    return html.unescape(re.search(r'srcdoc="([^"]*)"', data["text/html"])[1])
