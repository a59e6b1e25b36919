"""Photograph notebooks in JupyterLab, screen by screen, for a pair of eyes.

    .venv/bin/python -m tests.browser.pictures FOLDER 00 05

shows the stored outputs, at the size of a laptop and of a projector, into FOLDER.
"""

import sys
import tempfile
from pathlib import Path

from tests.browser import lab
from tools import project


def photograph(notebook: lab.Notebook, folder: Path, name: str) -> None:
    """One picture a screen, from the notebook's top to its end."""
    page, height = notebook.page, notebook.page.viewport_size["height"] - 130
    page.evaluate("jupyterapp.commands.execute('application:toggle-left-area')")
    scroller = "panel.content.node.querySelector('.jp-WindowedPanel-outer')"
    for number in range(200):
        page.wait_for_timeout(400)
        page.screenshot(path=folder / f"{name}-{number:02}.png")
        before = page.evaluate(f"{scroller}.scrollTop")
        page.evaluate(f"{scroller}.scrollTop += {height}")
        page.wait_for_timeout(200)
        if page.evaluate(f"{scroller}.scrollTop") == before:
            return


def main(folder: Path, numbers: list[str]) -> None:
    """Photograph the notebooks with these numbers at both sizes."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [path for path in project.notebooks(numbers) if path.parent == project.NOTEBOOKS]
    with tempfile.TemporaryDirectory() as scratch:
        copy = lab.make_copy(Path(scratch))
        with lab.jupyterlab(copy) as address, lab.chromium() as browser:
            for path in paths:
                for size in lab.SIZES:
                    place = path.relative_to(project.ROOT).as_posix()
                    with lab.Notebook(browser, address, place, size) as notebook:
                        photograph(notebook, folder, f"{path.stem}-{size}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
