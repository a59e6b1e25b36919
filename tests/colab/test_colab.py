"""A notebook opened alone in a simulated Colab fetches the course, runs, and reinstalls nothing."""

import sys

import nbformat
import psutil
import pytest

from tests.colab import runtime
from tests.colab.conftest import RUNS
from tests.conftest import COURSE
from tools import notebook_file

SHORT = "01_tokenization"  # the one for every change: it trains nothing and reads three sources
PARAMETERS = [
    pytest.param(path, id=path.stem, marks=[pytest.mark.long] * (path.stem != SHORT))
    for path in COURSE
]


@pytest.fixture(scope="module", params=PARAMETERS)
def ran(request, colab, public, tmp_path_factory):
    """A notebook after all its cells were run, alone, in an empty folder."""
    found = runtime.run(request.param, tmp_path_factory.mktemp("colab"), public)
    request.config.stash[RUNS][request.param.stem] = found
    return found


def test_every_cell_runs_and_its_assertions_hold(ran):
    runtime.check_cells(ran)


def test_its_kernel_is_gone(ran):
    """Or twelve of them fill the memory."""
    children = psutil.Process().children(recursive=True)
    running = [child for child in children if child.status() != psutil.STATUS_ZOMBIE]
    assert not [child for child in running if "ipykernel_launcher" in child.cmdline()]


def test_nothing_preloaded_is_installed_again(ran):
    """Neither in another version nor in the same one: what was there was not written to."""
    assert {name: ran.after.get(name) for name in ran.before} == ran.before
    assert set(ran.after) - set(ran.before) == {"evaluate", "gguf", "sft-unveiled"}


def test_the_setup_cell_installs_the_course_and_leaves_the_folder_empty(public, tmp_path):
    """On the Python that runs the tests, without dependencies: in seconds, everywhere."""
    package, course = runtime.run_setup_cell(sys.executable, tmp_path, public)
    assert package.is_relative_to(tmp_path / "venv")
    assert (package / "_data" / "sources.toml").is_file()
    assert course == tmp_path / "content" / "sft-unveiled"
    assert not list((tmp_path / "content").iterdir())


def test_a_fork_works_after_its_one_command(colab, tmp_path):
    address, version = "https://github.com/someone/their.course", "v9.8.7"
    public = runtime.publish(tmp_path / "public", fork=(address, version))
    forked = tmp_path / "public" / "course" / "notebooks" / "00_start_here.ipynb"
    cells = nbformat.read(forked, as_version=4).cells
    first = next(cell for cell in cells if cell["cell_type"] == "code")
    assert f"git+{address}@{version}\n" in first["source"]
    asking = nbformat.v4.new_code_cell(
        "import helpers\nfrom helpers import downloads\nprint(helpers.__version__, downloads.ROOT)"
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[first, asking]), tmp_path / "fork.ipynb")
    ran = runtime.run(tmp_path / "fork.ipynb", tmp_path, public, address)
    said = notebook_file.joined(ran.cells[1]["outputs"][0]["text"]).split()
    assert said == [version[1:], str(tmp_path / "content" / "sft-unveiled")]
