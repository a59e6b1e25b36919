"""Notebooks in the JupyterLab that `tasks.py lab` starts, as a learner sees and uses them."""

import json
import re
import time
from dataclasses import dataclass

import nbformat
import pytest

from tests.browser.conftest import SECONDS
from tests.conftest import load
from tools import notebook_file, pictures, project

# Seconds for a whole notebook; shorter than a test may take, so that what hangs is told as it is.
GUARD = project.project()["tool"]["course"]["cell_timeout"]
BADGE = "https://colab.research.google.com/assets/colab-badge.svg"  # the one picture from elsewhere
MATH = re.compile(r"(?<![\\$`])\$\$?[^$`]+\$")


# A notebook in which everything is wrong that these tests look for.
BAD = {
    "too wide": "from IPython.display import HTML\nHTML('<div style=\"width: 3000px\">wide</div>')",
    "no picture": "from IPython.display import Image\nImage(data=b'nothing', format='png')",
    "fails": "1 / 0",
    "never runs": "print('after a failure')",
}
BAD_TEXT = ["Half a fraction, $\\frac{1}$.", "No such macro, $\\undefined$."]
MATH_FAULTS = "mjx-merror, mjx-mtext[style*='color: red']"


@dataclass
class Typed:
    """What a learner types into the first exercise of a notebook, and what it must say."""

    wrong: str
    hint: str


TYPED = {
    "00_start_here": Typed(
        "share, low, high, other_share = 70.6, 67.5, 73.7, 62.0", "not in percent"
    ),
    "01_tokenization": Typed(
        "my_wordpiece = lambda word, vocabulary: list(word)", "not in this vocabulary"
    ),
    "05_evaluation": Typed(
        "precision_of_complaints = 40 / 60\n"
        "recall_of_complaints = 40 / 50\n"
        "f1_of_complaints = 8 / 11",
        "swapped",
    ),
    "11_why_this_label": Typed(
        "times_input, integrated_scores, left_out_scores = [2, 3], [3, 3], [6, 6]",
        "the gradient alone",
    ),
    "12_instruction_tuning": Typed(
        "labels_of = lambda messages: (ids_of(messages), ids_of(messages))",
        "Everything carries loss",
    ),
    "13_your_own_csv": Typed("left_out = [2, 3, 4, 6, 7]", "The header is row 1"),
    "14_other_tasks": Typed(
        "piece_labels = lambda word_ids, tags: [-100 if w is None else tags[w] for w in word_ids]",
        "first",
    ),
    "15_the_claims_revisited": Typed(
        "(low, high), verdict = metrics.wilson(41, 50), 'holds'", "the whole interval"
    ),
}
LONG = {name for name in TYPED if name[:2] not in ("00", "01")}
PARAMETERS = [pytest.param(n, id=n, marks=[pytest.mark.long] * (n in LONG)) for n in TYPED]


@pytest.fixture(scope="module", params=PARAMETERS)
def ran(request, server, browser):
    """A notebook after *Run All*; `ran.moving` names the cells whose progress bar moved."""
    from tests.browser import lab

    start = time.perf_counter()
    path = f"notebooks/{request.param}.ipynb"
    with lab.Notebook(browser, server, path) as notebook:
        notebook.stem = request.param
        notebook.stored = load(project.ROOT / path)["cells"]
        notebook.moving = notebook.command("notebook:run-all-cells", GUARD)
        yield notebook
    request.config.stash[SECONDS][request.param] = time.perf_counter() - start


def code(cells: list[dict]) -> list[dict]:
    return [cell for cell in cells if cell["cell_type"] == "code"]


def drawn(cells: list[dict]) -> list[int]:
    """Numbers of the cells that show a picture."""
    return [n for n, cell in enumerate(cells) if any(map(pictures.kind, cell.get("outputs", [])))]


def test_every_cell_runs_and_none_fails_that_is_not_meant_to(ran):
    cells = code(ran.cells)
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    for cell in cells:
        meant = "raises-exception" in cell["metadata"].get("tags", [])
        errors = [o["evalue"] for o in cell["outputs"] if o["output_type"] == "error"]
        assert bool(errors) == meant, f"{cell['id']}: {errors}"


def test_progress_bars_move_and_leave_one_clean_line(ran):
    """The cells that train show a bar on its way; afterwards none is left."""
    line = re.compile(r"^(fine-tuning|epoch \d+|bare loop|training with LoRA)$")
    with_bar = {
        cell["id"]
        for cell in code(ran.cells)
        for output in cell["outputs"]
        if line.match(notebook_file.joined(output.get("data", {}).get("text/plain", "")))
    }
    assert with_bar <= ran.moving
    assert bool(with_bar) == (ran.stem not in ("01_tokenization", "15_the_claims_revisited"))
    assert not ran.bars()


@pytest.mark.parametrize("size", ["laptop", "projector"])
def test_figures_are_drawn_and_nothing_is_cut_off(ran, size):
    from tests.browser import lab

    width, height = lab.SIZES[size]
    ran.page.set_viewport_size({"width": width, "height": height})
    cells = ran.cells
    assert drawn(cells) == drawn(ran.stored)
    for number, cell in enumerate(cells):
        if cell.get("outputs"):
            ran.show(number)
            assert ran.clipped(number) == [], cell["id"]
    for number in drawn(cells):
        ran.show(number)
        heights = ran.pictures(number)
        assert heights and min(heights) > 0 and max(heights) <= 1, cells[number]["id"]


def test_math_and_mermaid_are_drawn(ran):
    seen = 0
    for number, cell in enumerate(ran.cells):
        text = notebook_file.joined(cell["source"])
        if cell["cell_type"] != "markdown" or not ("```mermaid" in text or MATH.search(text)):
            continue
        seen += 1
        ran.show(number)
        if "```mermaid" in text:
            assert ran.drawn(number, ".jp-RenderedMermaid img, .jp-RenderedMermaid svg"), cell["id"]
        if MATH.search(text):
            assert ran.drawn(number, "mjx-container"), cell["id"]
            assert not ran.drawn(number, MATH_FAULTS, seconds=0), cell["id"]
    assert bool(seen) == (ran.stem != "01_tokenization")


def test_a_wrong_answer_gets_its_hint_and_the_solution_its_praise(ran):
    name = f"{ran.stem[:2]}-1"
    check = f'exercises.check("{name}"'
    number = ran.index(check)
    call = next(line for line in ran.cells[number]["source"].split("\n") if check in line)
    said = ran.answer(number, f"{TYPED[ran.stem].wrong}\n\n{call}")
    assert said.startswith(f"{name}: ")
    assert TYPED[ran.stem].hint in said
    assert not said.startswith((f"{name}: right", f"{name}: not answered"))
    solutions = load(project.NOTEBOOKS / "solutions" / f"{ran.stem[:2]}_solutions.ipynb")
    solved = [
        notebook_file.joined(c["source"]) for c in solutions["cells"] if c["cell_type"] == "code"
    ]
    solution = next(source for source in solved if check in source)
    assert ran.answer(number, solution).startswith(f"{name}: right")


def test_the_saved_notebook_is_valid(ran, copy):
    ran.save()
    saved = json.loads((copy / "notebooks" / f"{ran.stem}.ipynb").read_text(encoding="utf8"))
    nbformat.validate(saved)
    assert [cell["id"] for cell in saved["cells"]] == [cell["id"] for cell in ran.stored]
    assert "widgets" not in saved["metadata"]


def test_nothing_is_asked_of_another_host(ran, server):
    elsewhere = {
        url for url in ran.requests if not url.startswith((server, "data:", "blob:", "about:"))
    }
    assert {url for url in elsewhere if not url.startswith(server.replace("http", "ws"))} <= {BADGE}


def test_these_checks_can_fail(server, browser, copy):
    from tests.browser import lab

    cells = [nbformat.v4.new_code_cell(source) for source in BAD.values()]
    cells += [nbformat.v4.new_markdown_cell(text) for text in BAD_TEXT]
    known = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=known)
    nbformat.write(notebook, copy / "bad.ipynb")
    with lab.Notebook(browser, server, "bad.ipynb") as notebook:
        notebook.command("notebook:run-all-cells", 60)
        assert [cell["execution_count"] for cell in code(notebook.cells)] == [1, 2, 3, None]
        assert notebook.clipped(0) and not notebook.clipped(2)
        with pytest.raises(Exception, match="decode"):
            notebook.pictures(1)
        for number in (4, 5):
            notebook.show(number)
            assert notebook.drawn(number, MATH_FAULTS)
        assert not notebook.drawn(4, ".jp-RenderedMermaid", seconds=0)


TRAINS = 'run = training.fine_tune(model, tokenizer, mine.datasets["train"], validation, config)'
FOLDER = 'downloads.ROOT / "outputs" / "stopped"'
RESUMES = f"""\
tokenizer, model, run = training.resume({FOLDER}, mine.datasets["train"], validation)
_, again = checkpoints.load(CHECKPOINT, len(mine.names), SEED, mine.names)
whole = training.fine_tune(again, tokenizer, mine.datasets["train"], validation, config)
print("as if never stopped:", run.rows == whole.rows)"""


@pytest.mark.long
def test_training_is_stopped_by_the_button_and_resumed_as_if_it_never_stopped(
    request, server, browser
):
    from tests.browser import lab

    start = time.perf_counter()
    with lab.Notebook(browser, server, "notebooks/13_your_own_csv.ipynb") as notebook:
        number = notebook.index(TRAINS)
        source = notebook.cells[number]["source"]
        notebook.show(number)
        notebook.command("notebook:run-all-above", GUARD)
        kept = TRAINS.replace("config)", f"config, output_dir={FOLDER})")
        notebook.type(number, source.replace(TRAINS, kept))
        notebook.start("notebook:run-cell")
        notebook.until_a_bar_moves(number, GUARD)
        notebook.page.click('[data-command="notebook:interrupt-kernel"]')
        notebook.wait(GUARD)
        errors = [o for o in notebook.cells[number]["outputs"] if o["output_type"] == "error"]
        assert [error["ename"] for error in errors] == ["KeyboardInterrupt"]
        assert "training.resume" in errors[0]["evalue"]
        said = notebook.answer(number, source.replace(TRAINS, RESUMES), GUARD)
        assert "as if never stopped: True" in said
        assert "; epoch " in said  # the cell's own sentence about the finished run
        notebook.command("notebook:run-all-below", GUARD)
        for cell in code(notebook.cells):
            failed = [o["evalue"] for o in cell["outputs"] if o["output_type"] == "error"]
            assert not failed or "raises-exception" in cell["metadata"].get("tags", [])
    request.config.stash[SECONDS]["stopped and resumed"] = time.perf_counter() - start
