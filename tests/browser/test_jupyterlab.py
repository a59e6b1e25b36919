"""Notebooks in the JupyterLab that `tasks.py lab` starts, as a learner sees and uses them."""

import json
import re
import time
from dataclasses import dataclass

import nbformat
import pytest

import tasks
from tests.browser.conftest import SECONDS
from tests.conftest import load

CELL_TIMEOUT = tasks.project()["tool"]["course"]["cell_timeout"]
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the one picture from elsewhere
MATH = re.compile(r"(?<![\\$`])\$\$?[^$`]+\$")


@dataclass
class Typed:
    """What a learner types into the first exercise of a notebook, and what it must say."""

    wrong: str
    hint: str


TYPED = {
    "00_start_here": Typed("probabilities = np.exp([0, 1.1])", "exponentials"),
    "01_tokenization": Typed("share_together, share_apart = 44, 2", "Those are counts"),
    "05_evaluation": Typed(
        "precision_of_complaints = 40 / 60\n"
        "recall_of_complaints = 40 / 50\n"
        "f1_of_complaints = 8 / 11",
        "other way round",
    ),
    "13_your_own_csv": Typed("left_out = [5, 8]", ""),
}
LONG = {"05_evaluation", "13_your_own_csv"}
PARAMETERS = [pytest.param(n, id=n, marks=[pytest.mark.long] * (n in LONG)) for n in TYPED]


@pytest.fixture(scope="module", params=PARAMETERS)
def ran(request, server, browser):
    """A notebook after *Run All*; `ran.moving` names the cells whose progress bar moved."""
    from tests.browser import lab

    start = time.perf_counter()
    path = f"notebooks/{request.param}.ipynb"
    with lab.Notebook(browser, server, path) as notebook:
        notebook.stem = request.param
        notebook.stored = load(tasks.ROOT / path)["cells"]
        notebook.moving = notebook.command("notebook:run-all-cells", CELL_TIMEOUT)
        yield notebook
    request.config.stash[SECONDS][request.param] = time.perf_counter() - start


def code(cells: list[dict]) -> list[dict]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def outputs(cells: list[dict], mime: str) -> list[int]:
    """Numbers of the cells with an output of this kind."""
    return [
        number
        for number, cell in enumerate(cells)
        if any(mime in output.get("data", {}) for output in cell.get("outputs", []))
    ]


def test_every_cell_runs_and_none_fails_that_is_not_meant_to(ran):
    cells = code(ran.cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        meant = "raises-exception" in cell["metadata"].get("tags", [])
        errors = [o["evalue"] for o in cell["outputs"] if o["output_type"] == "error"]
        assert bool(errors) == meant, f"{cell['id']}: {errors}"


def test_progress_bars_move_and_leave_one_clean_line(ran):
    """The cells that train show a bar on its way; afterwards none is left."""
    line = re.compile(r"^(fine-tuning|epoch \d+|bare loop)$")
    with_bar = {
        cell["id"]
        for cell in code(ran.cells)
        for output in cell["outputs"]
        if line.match(tasks.joined(output.get("data", {}).get("text/plain", "")))
    }
    assert with_bar <= ran.moving
    assert bool(with_bar) == (ran.stem != "01_tokenization")
    assert not ran.bars()


@pytest.mark.parametrize("size", ["laptop", "projector"])
def test_figures_are_drawn_and_nothing_is_cut_off(ran, size):
    from tests.browser import lab

    width, height = lab.SIZES[size]
    ran.page.set_viewport_size({"width": width, "height": height})
    cells = ran.cells
    assert outputs(cells, "image/png") == outputs(ran.stored, "image/png")
    for number, cell in enumerate(cells):
        if cell.get("outputs"):
            ran.show(number)
            assert ran.clipped(number) == [], cell["id"]
    for number in outputs(cells, "image/png"):
        ran.show(number)
        assert ran.pictures(number) >= 1, cells[number]["id"]


def test_math_and_mermaid_are_drawn(ran):
    for number, cell in enumerate(ran.cells):
        text = tasks.joined(cell["source"])
        if cell["cell_type"] != "markdown" or not ("```mermaid" in text or MATH.search(text)):
            continue
        ran.show(number)
        if "```mermaid" in text:
            assert ran.drawn(number, ".jp-RenderedMermaid img, .jp-RenderedMermaid svg"), cell["id"]
        if MATH.search(text):
            assert ran.drawn(number, "mjx-container"), cell["id"]
            assert not ran.drawn(number, "mjx-merror, .jp-mod-error", seconds=0), cell["id"]


def test_a_wrong_answer_gets_its_hint_and_the_solution_its_praise(ran):
    name = f"{ran.stem[:2]}-1"
    check = f'exercises.check("{name}"'
    number = ran.index(check)
    call = next(line for line in ran.cells[number]["source"].split("\n") if check in line)
    said = ran.answer(number, f"{TYPED[ran.stem].wrong}\n\n{call}")
    assert said.startswith(f"{name}: ")
    assert TYPED[ran.stem].hint in said
    assert not said.startswith((f"{name}: right", f"{name}: not answered"))
    solutions = load(tasks.NOTEBOOKS / "solutions" / f"{ran.stem[:2]}_solutions.ipynb")
    solved = [tasks.joined(c["source"]) for c in solutions["cells"] if c["cell_type"] == "code"]
    solution = next(source for source in solved if check in source)
    assert ran.answer(number, solution).startswith(f"{name}: right")


def test_the_saved_notebook_is_valid(ran, room):
    ran.save()
    saved = json.loads((room / "notebooks" / f"{ran.stem}.ipynb").read_text(encoding="utf8"))
    nbformat.validate(saved)
    assert [cell["id"] for cell in saved["cells"]] == [cell["id"] for cell in ran.stored]
    assert "widgets" not in saved["metadata"]


def test_nothing_is_asked_of_another_host(ran, server):
    elsewhere = {
        url for url in ran.requests if not url.startswith((server, "data:", "blob:", "about:"))
    }
    assert {url for url in elsewhere if not url.startswith(server.replace("http", "ws"))} <= {BADGE}
