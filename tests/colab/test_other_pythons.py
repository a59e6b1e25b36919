"""Colab's Pythons are newer than the one of most tests: every notebook runs there, alone.

For them torch comes with CUDA: gigabytes, which only `tasks.py test --all` fetches, where the
disk has room. Everywhere the texts are compiled, the setup cell runs beside stand-ins, and pip
says whether the requirements resolve beside Colab's packages.
"""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest

from tests.colab import runtime
from tests.colab.conftest import RUNS
from tests.conftest import COURSE, EVERY, as_python, load
from tools import environment, project, verified

COMPILE = """
import json, sys, warnings
warnings.simplefilter("error")
for name, source in json.load(sys.stdin).items():
    compile(source, name, "exec")
"""


@pytest.fixture(scope="module", params=runtime.NEWER)
def version(request) -> str:
    """Of another Python."""
    return request.param


@pytest.fixture(scope="module")
def python(version) -> str:
    """Another Python, where this machine has one."""
    found = runtime.find_python(version)
    if found is None:
        pytest.skip(f"skipped: no Python {version} was found on the PATH or below ~/.pyenv")
    return found


def test_every_cell_and_every_helper_compiles_without_a_warning(python):
    sources = {
        f"{path.name} {cell['id']}": as_python(cell)
        for path in EVERY
        for cell in load(path)["cells"]
        if cell["cell_type"] == "code"
    }
    for folder in ("helpers", "tools"):
        for path in (project.ROOT / folder).rglob("*.py"):
            sources[str(path)] = path.read_text(encoding="utf8")
    assert len(sources) > 500
    ran = subprocess.run(
        [python, "-c", COMPILE], input=json.dumps(sources), capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_the_setup_cell_installs_the_course(python, public, tmp_path):
    package, course = runtime.run_setup_cell(python, tmp_path, public)
    assert package.is_relative_to(tmp_path / "venv")
    assert course == tmp_path / "content" / "sft-unveiled"


def stand_in(package: str, version: str, folder: Path) -> None:
    """A wheel that says what it is and holds nothing: a build of torch would be gigabytes."""
    info = f"{package}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{package}-{version}-py3-none-any.whl", "w") as wheel:
        about = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        wheel.writestr(f"{info}/METADATA", about)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.mark.long
def test_the_requirements_resolve_beside_colabs_packages(python, tmp_path):
    published = runtime.published()
    published["torch"] = f"{verified.COLABS_TORCH}+standin"
    stand_in("torch", published["torch"], tmp_path)
    pins = "".join(f"{name}=={version}\n" for name, version in published.items())
    (tmp_path / "colab.txt").write_text(pins, encoding="utf8")
    subprocess.run([python, "-m", "venv", str(tmp_path / "venv")], check=True)
    command = [str(environment.python_of(tmp_path / "venv")), "-m", "pip", "install", "--dry-run"]
    command += ["--quiet", "--find-links", str(tmp_path), "--report", str(tmp_path / "plan.json")]
    command += ["-r", str(project.ROOT / "requirements.txt"), "-c", str(tmp_path / "colab.txt")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    plan = json.loads((tmp_path / "plan.json").read_text(encoding="utf8"))["install"]
    chosen = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in plan}
    listed = published.keys() & chosen.keys()
    assert {name: chosen[name] for name in listed} == {name: published[name] for name in listed}
    assert {"torch", "transformers", "datasets", "numpy", "evaluate"} <= set(chosen)


@pytest.mark.long
@pytest.mark.parametrize("notebook", COURSE, ids=lambda path: path.stem)
def test_a_notebook_runs_alone_beside_colabs_very_versions(
    version, notebook, public, tmp_path, request
):
    try:
        python = runtime.colab_python(version)
    except LookupError as trouble:
        pytest.skip(f"skipped: {trouble}")
    ran = runtime.run(notebook, tmp_path, public, version=version)
    request.config.stash[RUNS][f"{notebook.stem}, {version}"] = ran
    runtime.check_cells(ran)
    wanted = runtime.published() | {"torch": verified.COLABS_TORCH}
    there = {name: found[0] for name, found in runtime.packages(python).items()}
    versions = {name: there[name.lower()].split("+")[0] for name in wanted}  # as in 2.11.0+cu130
    assert versions == wanted
