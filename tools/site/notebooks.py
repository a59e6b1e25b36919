"""A stored notebook as HTML. Nothing is run: what is shown is what the file holds."""

import base64
from html import escape
from pathlib import Path

import nbformat
from nbconvert import TemplateExporter
from nbformat import NotebookNode

from tools import notebook_file
from tools.site import prose

TEMPLATES = Path(__file__).parent / "templates"


class Rendering:
    """One notebook on its way to HTML; collects the pictures that go beside the page."""

    def __init__(self, path: Path):
        self.path = path
        self.pictures: dict[str, bytes] = {}

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
        """A figure with its words; its bytes wait in `pictures`."""
        name = f"{self.path.stem}-{len(self.pictures) + 1}.png"
        self.pictures[name] = base64.b64decode(output.data["image/png"])
        words = escape(output.metadata["image/png"]["alt"])
        return f'<figure><img src="{name}" alt="{words}"></figure>\n'
