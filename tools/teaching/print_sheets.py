"""The cheat sheets, each on one page of A4: HTML that a browser prints.

    python -m tools.teaching.print_sheets       writes outputs/sheets/*.html

In a browser: print, A4, no margins added. Or, with Chromium, each as a PDF beside it:

    chromium --headless --no-pdf-header-footer --print-to-pdf=shapes.pdf outputs/sheets/shapes.html
"""

import string
import sys
from pathlib import Path

from helpers import files
from tools import project
from tools.teaching import slides

SHEETS = sorted((project.ROOT / "docs" / "teaching" / "sheets").glob("*.md"))
TEMPLATE = Path(__file__).with_name("sheet.html")
TARGET = project.OUTPUTS / "sheets"


def page(path: Path) -> str:
    """The HTML of a sheet."""
    template = string.Template(TEMPLATE.read_text(encoding="utf8"))
    text = path.read_text(encoding="utf8")
    return template.substitute(title=path.stem, sheet=slides.RENDER(text))


def main() -> None:
    """Write all sheets."""
    for path in SHEETS:
        slides.write(TARGET / f"{path.stem}.html", page(path))
        print(f"{path.stem}: print {TARGET / path.stem}.html on A4")


if __name__ == "__main__":
    try:
        main()
    except files.ForeignError as error:
        sys.exit(str(error))
