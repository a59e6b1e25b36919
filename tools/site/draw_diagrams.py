"""Draw the Mermaid diagrams of the notebooks to SVG, once, so that no page needs a script for them.

Needs what `requirements/browser.txt` lists, a Chromium, and Mermaid from npm:

    npm pack mermaid@11.17.2 && tar -xzf mermaid-11.17.2.tgz
    python -m tools.site.draw_diagrams package/dist/mermaid.min.js [path of Chromium]

Each drawing is named after a hash of its source. Write its words into `drawings/words.toml`.
"""

import sys
from pathlib import Path

from helpers import files
from tools import project
from tools.site import diagrams

SETTINGS = {
    "startOnLoad": False,
    "theme": "neutral",
    "fontFamily": "system-ui, sans-serif",
    "deterministicIds": True,
    "htmlLabels": False,  # text as SVG text: shown by every viewer, also as a picture
    "flowchart": {"htmlLabels": False, "useMaxWidth": True},
}
DRAW = """async ([settings, name, source]) => {
    mermaid.initialize(settings);
    return (await mermaid.render(name, source)).svg;
}"""


def main() -> None:
    """Draw every diagram, and name drawings whose source is gone."""
    from playwright.sync_api import sync_playwright

    script, *chromium = sys.argv[1:]
    sources = {diagrams.name_of(source): source for source in diagrams.all_sources()}
    for path in diagrams.FOLDER.glob("*.svg"):
        if path.stem not in sources:
            print(f"{path.name}  its diagram is gone: git rm {path.relative_to(project.ROOT)}")
    with sync_playwright() as playwright:
        chosen = {"executable_path": chromium[0], "args": ["--no-sandbox"]} if chromium else {}
        page = playwright.chromium.launch(**chosen).new_page()
        page.add_script_tag(path=Path(script))
        for name, source in sources.items():
            drawn = page.evaluate(DRAW, [SETTINGS, f"d{name}", source])
            place = diagrams.FOLDER / f"{name}.svg"
            files.update(place, files.read_before(place), f"{drawn}\n".encode())
            print(f"{name}.svg  {source.splitlines()[1].strip()[:60]}")


if __name__ == "__main__":
    main()
