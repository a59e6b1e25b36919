"""Put the one style of the course into every drawing.

    python -m tools.drawings

A drawing is an SVG file in `notebooks/drawings`, written by hand. Its `<style>` is a copy of
`tools/drawings/style.css`, so that the file looks the same wherever it is shown alone; it says
what is seen in `<title>` (the message) and `<desc>` (the whole picture in words).
"""

from helpers import files
from tools.drawings import check


def main() -> None:
    """Rewrite the style of each drawing and name what is wrong with it."""
    for path in sorted(check.FOLDER.glob("*.svg")):
        before = path.read_text(encoding="utf8")
        files.update(path, files.read_before(path), check.with_style(before).encode("utf8"))
        for fault in check.faults(path):
            print(f"{path.name}: {fault}")


if __name__ == "__main__":
    main()
