"""A stored notebook as HTML. Nothing is run: what is shown is what the file holds."""

import base64
import re
from html import escape
from pathlib import Path

import nbformat
from nbconvert import TemplateExporter
from nbformat import NotebookNode

from tools import notebook_file, pictures
from tools.site import figures, prose

TEMPLATES = Path(__file__).parent / "templates"
PLACE = re.compile(r'<svg data-name="([^"]+)"></svg>')


class Rendering:
    """One notebook on its way to HTML.

    Its `pictures` go beside the page, and its `inline` SVGs into it, in place of `<svg data-name>`:
    last of all, since a page's tree is built much faster without them.
    """

    def __init__(self, path: Path):
        self.path = path
        self.pictures: dict[str, bytes] = {}
        self.inline: dict[str, str] = {}

    def html(self) -> str:
        """The cells and their outputs."""
        exporter = TemplateExporter(
            template_name="notebook",
            template_file="index.html.j2",
            extra_template_basedirs=[str(TEMPLATES)],
        )
        for function in (self.markdown, self.code, self.text, self.error, self.picture):
            exporter.register_filter(f"site_{function.__name__}", function)
        notebook = nbformat.read(self.path, as_version=4)
        return exporter.from_notebook_node(notebook)[0]

    def markdown(self, source: str) -> str:
        """Prose."""
        return prose.html_of(source)

    def code(self, cell: NotebookNode) -> str:
        """The code of a cell."""
        return prose.code_block(cell.source, "ipython3", f"Code of cell {cell.execution_count}")

    def text(self, text: str, cell: NotebookNode) -> str:
        """What a cell printed."""
        plain = escape(notebook_file.ANSI.sub("", text), quote=False)
        return prose.scrolling(plain, f"Output of cell {cell.execution_count}", "output")

    def error(self, output: NotebookNode, cell: NotebookNode) -> str:
        """A traceback, without the colours of a terminal."""
        text = escape(notebook_file.ANSI.sub("", "\n".join(output.traceback)), quote=False)
        return prose.scrolling(text, f"Error of cell {cell.execution_count}", "output error")

    def picture(self, output: NotebookNode, cell: NotebookNode) -> str:
        """A figure with its words; the picture itself waits in `pictures` or `inline`."""
        words, data = pictures.words(output), pictures.data(output)
        number = len(self.pictures) + len(self.inline) + 1
        if pictures.kind(output) == pictures.SVG:
            name = f"picture-{number}"
            self.inline[name] = figures.inline(data, words, f"{name}-")
            return f'<figure><svg data-name="{name}"></svg></figure>\n'
        name = f"{self.path.stem}-{number}.png"
        self.pictures[name] = base64.b64decode(data)
        return f'<figure><img src="{name}" alt="{escape(words)}"></figure>\n'


def with_pictures(html: str, inline: dict[str, str]) -> str:
    """A page with its SVGs in their places."""
    return PLACE.sub(lambda place: inline[place[1]], html)
