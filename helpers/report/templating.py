"""The report's templates: `templates/*.j2`, each filled from computed values only."""

import re

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from helpers import files

# What Markdown takes for markup anywhere (an underscore not within a word, the slash and the dot
# of an address), and what only at the beginning of a line.
ANYWHERE = re.compile(
    r"[\\`*~\[\]<>|#&$]|(?<![^\W_])_|_(?![^\W_])|(?<=:)/|(?<=www)\.", re.IGNORECASE
)
AT_FIRST = re.compile(r"^(\d*)(?=[-+=]|(?<=\d)[.)](?:\s|$))")


def one_line(text: str) -> str:
    """A text on one line, in which everything can be seen: see `files.shown`."""
    return files.shown(" ".join(text.split()))


def plain(text: str) -> str:
    """A text on one line that Markdown shows as it is."""
    return AT_FIRST.sub(r"\1\\", ANYWHERE.sub(r"\\\g<0>", one_line(text)))


def seen(value: object) -> object:
    """What a template writes for a value: of a text what can be seen."""
    return files.shown(value) if type(value) is str else value


TEMPLATES = Environment(
    loader=PackageLoader("helpers.report"),
    autoescape=select_autoescape(enabled_extensions=("html.j2",)),
    finalize=seen,
    undefined=StrictUndefined,  # a misspelt name is an error, not an empty place
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
TEMPLATES.filters["plain"] = plain


def filled(template: str, **values: object) -> str:
    """A template filled in. In HTML every value is escaped; in Markdown what passes `plain`.
    What cannot be seen is written as its escape in both.

    Args:
        template: name of a file in `templates/`.
        values: what the template names.

    Raises:
        jinja2.UndefinedError: the template names a value that was not given.
    """
    return TEMPLATES.get_template(template).render(**values)
