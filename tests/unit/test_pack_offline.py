"""A real pack, and a real set-up from it on a machine whose network is cut off. Minutes."""

import json
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from helpers import downloads
from tests.unit.test_pack import no_network
from tools import environment, project
from tools.teaching import pack, pack_texts, packing

pytestmark = pytest.mark.long
# The first one, and two whose data were written for this course.
NOTEBOOKS = ["00_start_here", "11_why_this_label", "14_other_tasks"]
LEFT_OUT = {name: why for name, why in pack_texts.PASS_ON.items() if why}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A pack of this course for this system, with packages from the index."""
    place = tmp_path_factory.mktemp("stick")
    for name in downloads.sources():
        downloads.folder(name)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(project, "VENV", place / "venv")
        environment.make_venv(project.VENV)
        options = Namespace(torch_index="", cuda=False)
        return pack.make(
            place / "pack",
            project.ROOT,
            lambda wheels: packing.fetch_wheels(wheels, options),
            LEFT_OUT,
        )


def test_the_pack_is_as_large_as_is_said_and_holds_no_article_of_the_bbc(made):
    sizes = {name: (made / name).stat().st_size for name in pack.files_below(made)}
    assert sum(sizes.values()) / 1e6 < pack.PACK_MB
    assert not [name for name in sizes if name.startswith("sources/news")]
    assert any(name.startswith("sources/smollm2/") for name in sizes)
    assert not [name for name in sizes if "smollm2-safetensors" in name]  # made where it is used
    assert all(name.endswith(".whl") for name in sizes if name.startswith("wheels/"))


def test_without_a_network_jupyterlab_answers_and_notebooks_run(made, tmp_path):
    """The stick alone: its copy of the course, its wheels, its data."""
    course = tmp_path / "laptop"
    pack.copy_course(made / "course", course)
    driver = project.ROOT / "tests" / "unit" / "without_network.py"
    command = [*no_network(), sys.executable, str(driver), str(course), str(made), *NOTEBOOKS]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout.splitlines()[-1])
    print(found)
    assert not found["network"]
    assert found["lab"], found["said"]
    assert "news           not here" in found["said"]
    assert (course / "data/downloads/smollm2-safetensors/model.safetensors").is_file()
    expected = {}
    for name in NOTEBOOKS:
        cells = json.loads((course / f"notebooks/{name}.ipynb").read_text())["cells"]
        expected[name] = sum(cell["cell_type"] == "code" for cell in cells)
    assert found["cells"] == expected
