"""The report's templates: `templates/*.j2`, each filled from computed values only."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape


def plain(text: str) -> str:
    """A text on one line that Markdown shows as it is."""
    return re.sub(r"([\\`*\[\]<>|#])", r"\\\1", " ".join(text.split()))


TEMPLATES = Environment(
    loader=PackageLoader("helpers.report"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    undefined=StrictUndefined,  # a misspelt name is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters["plain"] = plain


def filled(template: str, **values: object) -> str:
    """A template filled in. In HTML every value is escaped; in Markdown what passes `plain`.

    Args:
        template: name of a file in `templates/`.
        values: what the template names.

    Raises:
        jinja2.UndefinedError: the template names a value that was not given.
    """
    return TEMPLATES.get_template(template).render(**values)
