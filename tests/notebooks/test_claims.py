"""Claims: each about a cell that there is, checked in one run, leaving no trace, able to fail."""

import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tests.conftest import COURSE, EVERY, load
from tests.notebooks.claims import FOLDER, call, check, claims_of
from tools import project, testing

CELLS = {
    "aaaa0001": "import random\nx, y = 2, 5\nrandom.seed(0)\n"
    "own = lambda: {name for name in globals() if name[0] != '_'}\nbefore = {*own(), 'before'}",
    "aaaa0002": "print(random.random() == random.Random(0).random(), own() - before)",
    "aaaa0003": "x",
    "aaaa0004": "import os\nprint(os.path.basename(os.getcwd()))",
}
SAID = {"aaaa0002": "True set()\n", "aaaa0004": "notebooks\n"}


def of_all() -> list:
    return [pytest.param(path, holds) for path in EVERY for holds in claims_of(path.stem)]


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> tuple[Path, str]:
    """A notebook with claims, and what nbval says of it."""
    path = tmp_path_factory.mktemp("course") / "notebooks" / "99_sample.ipynb"
    path.parent.mkdir()
    notebook = nbformat.v4.new_notebook()
    for count, (cell_id, source) in enumerate(CELLS.items(), start=1):
        cell = nbformat.v4.new_code_cell(source, id=cell_id, execution_count=count)
        if cell_id in SAID:
            cell.outputs = [nbformat.v4.new_output("stream", name="stdout", text=SAID[cell_id])]
        if cell_id == "aaaa0003":
            cell.outputs = [nbformat.v4.new_output("execute_result", {"text/plain": "2"})]
            cell.outputs[0].execution_count = 3
        notebook.cells.append(cell)
    nbformat.write(notebook, path)
    before = path.read_bytes()
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "--no-header", "-c", "pyproject.toml"]
    command += ["-p", "no:cacheprovider", *testing.nbval(path, 60)]
    ran = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert path.read_bytes() == before
    return path, ran.stdout


def test_cells_and_claims_are_run_once_and_leave_no_trace(sample):
    """The second cell sees the random numbers and the names that it would see without claims."""
    said = sample[1]
    for cell in ("Cell 0", "Cell 0, claims", "Cell 1", "Cell 2", "Cell 3"):
        assert f"PASSED ::{cell}\n" in said


def test_a_claim_that_does_not_hold_fails_and_says_where(sample):
    said = sample[1]
    assert "1 failed, 5 passed" in said and "FAILED ::Cell 2, claims" in said
    assert "99_sample, after cell aaaa0003, claim this_one_does_not_hold" in said


def test_a_claim_about_a_variable_that_is_not_there_says_so():
    with pytest.raises(NameError, match=r"99_sample, after cell aaaa0003, .* has no x"):
        check("99_sample", "aaaa0003", {})


def test_the_call_binds_no_name():
    variables = {"x": 2, "y": 5}
    exec(call("99_sample", "aaaa0001"), variables)
    assert set(variables) == {"x", "y", "__builtins__"}


def test_every_claim_is_about_a_code_cell_and_says_what_it_holds(every):
    cells = {cell["id"] for cell in load(every)["cells"] if cell["cell_type"] == "code"}
    claims = claims_of(every.stem)
    assert {holds.cell for holds in claims} <= cells
    assert all(holds.__doc__ for holds in claims)
    assert len({holds.__name__ for holds in claims}) == len(claims)


def test_every_file_of_claims_belongs_to_a_notebook():
    files = {path.stem for path in FOLDER.glob("nb*.py")}
    notebooks = {f"nb{path.stem if 'solutions' in path.stem else path.stem[:2]}" for path in EVERY}
    assert files - {"nb99"} <= notebooks


def test_the_course_makes_claims():
    assert all(len(claims_of(path.stem)) >= 3 for path in COURSE)
