"""Markdown to HTML: formulas as MathML, code in colours, diagrams as drawings."""

import re
from html import escape, unescape

from math_core import LatexError, LatexToMathML
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from tools import notebook_file, project
from tools.site import colours, diagrams

# The formula's source stays beside it, for copying and for programs that read formulas aloud.
MATHML = LatexToMathML(annotation=True)
EXTRA_ROOM = re.compile(r"\\\\\[[\d.]+(?:pt|em|ex)\]")  # `\\[6pt]`, which the converter lacks

BLOCK = re.compile(r'(<code class="language-(\w+)">)(.*?)(?=</code>)', re.DOTALL)
# Only tokens that get a colour keep their mark: half the size.
TOKEN = re.compile(r'<span class="(\w+)">([^<]*)</span>')
COLOURED = colours.coloured_classes()


class Renderer(IPythonRenderer):
    """nbconvert's Markdown, with the site's formulas, code blocks and diagrams."""

    def block_math(self, body: str) -> str:
        """A formula in a line of its own, which scrolls if it is too wide."""
        scrolling = 'class="formula" tabindex="0" role="group" aria-label="Formula"'
        return f"<div {scrolling}>{mathml(body, block=True)}</div>"

    def inline_math(self, body: str) -> str:
        """A formula within a line."""
        return mathml(body, block=False)

    def block_code(self, code: str, info: str | None = None) -> str:
        """A fenced block; Mermaid becomes a picture."""
        if info == "mermaid":
            return self.block_mermaidjs(code)
        return code_block(code, info or "text", "Code")

    def block_mermaidjs(self, code: str) -> str:
        """The drawing of a diagram."""
        name, words = diagrams.drawing_of(code)
        return f'<figure><img src="drawings/{name}" alt="{escape(words)}"></figure>\n'


def html_of(markdown: str) -> str:
    """The HTML of a Markdown text."""
    renderer = Renderer(escape=False, exclude_anchor_links=True)
    return MarkdownWithMath(renderer=renderer).render(markdown)


def mathml(formula: str, block: bool) -> str:
    """The MathML of a LaTeX formula.

    Raises:
        project.Trouble: if the formula holds something that cannot be converted; it is named.
    """
    plain = EXTRA_ROOM.sub(r"\\\\", formula)
    try:
        return MATHML.convert_with_local_state(plain, displaystyle=block)
    except LatexError as error:
        reason = notebook_file.ANSI.sub("", str(error)).strip().splitlines()[0]
        raise project.Trouble(f"A formula cannot be shown: {formula.strip()}\n{reason}") from error


def code_block(code: str, language: str, label: str) -> str:
    """A block of code, which the keyboard can scroll; `label` names it. `coloured` comes later."""
    inside = f'<code class="language-{language}">{escape(code, quote=False)}</code>'
    return scrolling(inside, label, "code")


def coloured(html: str) -> str:
    """HTML with its blocks of code in colours.

    Last of all, since a page's tree is built four times as fast without a mark for each token.
    """
    return BLOCK.sub(lambda block: block[1] + colour(unescape(block[3]), block[2]), html)


def colour(code: str, language: str) -> str:
    """Code with marks around the tokens that have a colour."""
    try:
        lexer = get_lexer_by_name(language)
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    marked = highlight(code, lexer, HtmlFormatter(nowrap=True))
    return TOKEN.sub(lambda token: token[0] if token[1] in COLOURED else token[2], marked)


def scrolling(inside: str, label: str, kind: str) -> str:
    """A `pre` that takes the keyboard's focus, so that arrow keys scroll it."""
    return f'<pre class="{kind}" tabindex="0" role="group" aria-label="{label}">{inside}</pre>\n'
