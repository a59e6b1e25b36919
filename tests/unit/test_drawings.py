"""The drawings of the notebooks: one style, words for who cannot see them, letters for a phone."""

import json
import re

import pytest

from helpers import files, plots
from tools import notebook_file, project
from tools.drawings import check

DRAWINGS = sorted(check.FOLDER.glob("*.svg"))
GOOD = DRAWINGS[0].read_text(encoding="utf8")


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawing_keeps_the_style(path):
    assert list(check.faults(path)) == []


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (lambda svg: re.sub(r"<desc.*?</desc>", "", svg, flags=re.DOTALL), "<desc> is missing"),
        (lambda svg: svg.replace('class="soft', 'fill="#123456" class="soft', 1), "colour"),
        (lambda svg: svg.replace('class="paper"', 'class="papyrus"', 1), "papyrus"),
        (lambda svg: svg.replace("system-ui", "Papyrus", 1), "its style is not the course's"),
        (lambda svg: re.sub(r'viewBox="0 0 \d+', 'viewBox="0 0 1200', svg), "too small on a phone"),
        (lambda svg: re.sub(r'<text ([^>]*)y="\d+"', r'<text \1y="9999"', svg, count=1), "outside"),
    ],
)
def test_a_planted_fault_is_named(tmp_path, planted, said):
    path = tmp_path / "a.svg"
    path.write_text(planted(GOOD), encoding="utf8")
    assert planted(GOOD) != GOOD
    assert any(said in fault for fault in check.faults(path))


def test_every_drawing_is_shown_and_every_one_shown_exists():
    """No drawing that nobody sees; what is stored in a notebook is the drawing as it is."""
    shown = {}
    for path in project.notebooks():
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if cell["cell_type"] == "code":
                source = notebook_file.joined(cell["source"])
                for name in re.findall(r"plots\.drawing\(\"(\w+)\"\)", source):
                    (output,) = cell["outputs"]
                    shown[name] = notebook_file.joined(output["data"]["image/svg+xml"])
    assert shown == {path.stem: path.read_text(encoding="utf8") for path in DRAWINGS}


def test_an_unknown_drawing_is_told_with_those_that_exist():
    with pytest.raises(FileNotFoundError, match=DRAWINGS[0].stem):
        plots.drawing("no_such_drawing")


def test_a_drawing_is_shown_with_its_words(monkeypatch):
    shown = {}
    monkeypatch.setattr(plots, "display", lambda data, **options: shown.update(data, **options))
    plots.drawing(DRAWINGS[0].stem)
    assert shown["image/svg+xml"] == (files.drawings_folder() / DRAWINGS[0].name).read_text("utf8")
    assert len(shown["text/plain"]) > 60 and "\n" not in shown["text/plain"]
