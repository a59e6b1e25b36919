"""The helpers where a notebook finds them: in a wheel, in a clone, linked; and where they are not.

The wheel is built from this tree and installed beside the packages that are here already.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import helpers
from helpers import downloads, files
from tools import environment, project, setup_cell
from tools.teaching import pack

SETUP = setup_cell.text()
WHERE = "\nimport helpers\nfrom helpers import files"
WHERE += "\nprint(helpers.__path__[0], files.course_folder())"


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Path:
    """A copy of the course, as git would give it."""
    course = tmp_path_factory.mktemp("clone") / "course"
    pack.copy_course(project.ROOT, course)
    return course


@pytest.fixture(scope="module")
def wheel(clone, tmp_path_factory) -> Path:
    """The course's wheel, built without a network."""
    if importlib.util.find_spec("setuptools") is None:
        pytest.skip("setuptools is not installed here, and pip would fetch it")
    target = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(target), "."], cwd=clone, check=True)
    return next(target.glob("sft_unveiled-*.whl"))


@pytest.fixture(scope="module")
def site(wheel, tmp_path_factory) -> Path:
    """A folder into which the wheel is installed."""
    target = tmp_path_factory.mktemp("site")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target)]
    subprocess.run([*pip, str(wheel)], check=True)
    return target


def run(code: str, folder: Path, *places: Path) -> subprocess.CompletedProcess:
    """Run a cell in IPython in a folder, with modules from there and from these places first.

    pip is led to an index that nobody serves: what must not be installed cannot be.
    """
    without = {**os.environ, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    variables = {**without, "PYTHONPATH": os.pathsep.join(map(str, places))}
    variables["IPYTHONDIR"] = str(folder / ".ipython")
    command = [sys.executable, "-m", "IPython", "--colors=NoColor", "--classic", "-c", code]
    return subprocess.run(command, cwd=folder, env=variables, capture_output=True, text=True)


# ---------------------------------------------------------------- in a wheel


def test_the_wheel_holds_every_helper_and_the_courses_own_data_and_no_download(wheel, clone):
    names = set(zipfile.ZipFile(wheel).namelist())
    python = {path.relative_to(clone).as_posix() for path in (clone / "helpers").rglob("*.py")}
    assert python == {name for name in names if name.endswith(".py")}
    templates = {p.relative_to(clone).as_posix() for p in (clone / "helpers").rglob("*.j2")}
    assert templates == {name for name in names if name.endswith(".j2")} != set()
    figures = {
        p.relative_to(clone).as_posix() for p in (clone / "helpers").glob("widgets/static/*")
    }
    assert figures == {name for name in names if "/widgets/static/" in name} != set()
    kept = [p for p in (clone / "data").rglob("*") if p.suffix in (".csv", ".json", ".md", ".toml")]
    data = {f"helpers/_data/{path.relative_to(clone / 'data').as_posix()}" for path in kept}
    assert data == {name for name in names if name.startswith("helpers/_data/")}
    assert len(data) > 30 and not [name for name in names if "downloads/" in name]


def test_the_wheel_asks_for_what_the_requirements_list(wheel):
    with zipfile.ZipFile(wheel) as bundle:
        about = next(name for name in bundle.namelist() if name.endswith("/METADATA"))
        text = bundle.read(about).decode("utf8")
    lines = (project.ROOT / "requirements.txt").read_text(encoding="utf8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    asked = [line for line in text.splitlines() if line.startswith("Requires-Dist: ")]
    assert len(asked) == len(wanted) > 10


def test_every_package_of_the_helpers_goes_into_the_wheel():
    named = project.project()["tool"]["setuptools"]["packages"]
    folders = {path.parent for path in (project.ROOT / "helpers").rglob("__init__.py")}
    there = {".".join(folder.relative_to(project.ROOT).parts) for folder in folders}
    assert there == {name for name in named if "._" not in name}


def test_the_setup_cell_recorded_rows_and_a_corpus_work_from_the_wheel(site, tmp_path):
    """In an empty folder, as in Colab; only the download is there already."""
    (tmp_path / "sft-unveiled" / "data").mkdir(parents=True)
    (tmp_path / "sft-unveiled" / "data" / "downloads").symlink_to(downloads.FOLDER)
    more = "\nfrom helpers import corpora, downloads, measured\n"
    more += "assert len(measured.table('domains')) > 10\n"
    more += "assert (downloads.DATA / 'messages.csv').is_file()\n"
    more += "assert (downloads.DATA / 'messages_items.csv').is_file()\n"
    more += "assert len(corpora.load('reviews')['train']) > 1000"
    ran = run(SETUP + more + WHERE, tmp_path, site)
    assert ran.returncode == 0, ran.stderr
    expected = f"{site / 'helpers'} {tmp_path / 'sft-unveiled'}"
    assert ran.stdout.splitlines()[-1] == expected


# ---------------------------------------------------------------- how threads wait

WAITS = "\nimport os, sys\nassert 'torch' not in sys.modules\nimport torch"
WAITS += "\nprint([os.environ.get(name) for name in ('OMP_WAIT_POLICY', 'GOMP_SPINCOUNT')])"


@pytest.mark.parametrize(
    ("said", "found", "spins"),
    [
        ({}, [None, "3000"], "3000"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", None], "30000000000"),
        ({"GOMP_SPINCOUNT": "777"}, [None, "777"], "777"),
        ({"KMP_BLOCKTIME": "100"}, [None, None], "300000"),
    ],
)
def test_threads_soon_sleep_after_the_setup_cell_unless_somebody_said_how_they_wait(
    clone, monkeypatch, said, found, spins
):
    """`OMP_DISPLAY_ENV` makes the library that torch brings along tell what it has read."""
    for name in helpers.SAY_HOW_TO_WAIT:
        monkeypatch.delenv(name, raising=False)
    for name, value in {"OMP_DISPLAY_ENV": "VERBOSE", **said}.items():
        monkeypatch.setenv(name, value)
    ran = run(SETUP + WAITS, clone / "notebooks")
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines()[-1] == str(found)
    for line in [line for line in ran.stderr.splitlines() if "GOMP_SPINCOUNT" in line]:
        assert line.split("'")[1] == spins  # there are lines on Linux only


# ---------------------------------------------------------------- in a clone


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/solutions"])
def test_a_notebook_finds_the_clone_around_it(clone, folder):
    ran = run(SETUP + WHERE, clone / folder)
    assert ran.stdout.split() == [str(clone / "helpers"), str(clone)], ran.stderr


def test_the_clone_around_a_notebook_comes_before_another_installation(clone, site):
    ran = run(SETUP + WHERE, clone / "notebooks", site)
    assert ran.stdout.split()[0] == str(clone / "helpers"), ran.stderr


def test_one_file_links_the_environment_to_the_clone(tmp_path, clone, monkeypatch):
    """A real environment, without pip or network; the clone may be moved with it."""
    course = tmp_path / "course"
    shutil.copytree(clone / "helpers", course / "helpers")
    shutil.copytree(clone / "data", course / "data")
    venv = course / ".venv"
    monkeypatch.setattr(project, "ROOT", course)
    files.make_marked(venv)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    before = pack.files_below(venv)
    environment.link(venv)
    environment.link(venv)
    added = set(pack.files_below(venv)) - set(before)
    assert [Path(name).name for name in added] == [environment.LINK]
    course.rename(tmp_path / "moved")
    python = environment.python_of(tmp_path / "moved" / ".venv")
    code = "import helpers; print(helpers.__path__[0])"
    ran = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert ran.stdout.strip() == str(tmp_path / "moved" / "helpers"), ran.stderr


def test_an_environment_of_somebody_else_is_not_linked(tmp_path):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "v")], check=True)
    environment.link(tmp_path / "v")
    assert not list(tmp_path.rglob(environment.LINK))


# ---------------------------------------------------------------- others in their place


def test_a_readers_own_helpers_beside_the_notebook_are_named_once(site, tmp_path):
    (tmp_path / "helpers.py").write_text("def check(x): pass\n", encoding="utf8")
    ran = run(SETUP, tmp_path, site)
    said = ran.stdout.rstrip()
    assert ran.returncode != 0 and said.count("Traceback") == 1
    assert f"({tmp_path / 'helpers.py'})" in said.splitlines()[-1]
    assert "Rename your own helpers.py, restart the kernel" in said
    assert "http" not in said


def test_a_notebook_of_another_version_is_told_both_and_the_cure(site, tmp_path):
    other = SETUP.replace(f'("v{helpers.__version__}")', '("v9.8.7")')
    ran = run(other, tmp_path, site)
    assert ran.returncode != 0 and ran.stdout.count("Traceback") == 1
    said = ran.stdout.rstrip().splitlines()[-1]
    assert "9.8.7" in said and helpers.__version__ in said and "pip uninstall" in said


def test_the_helpers_say_the_version_of_the_project():
    text = (project.ROOT / "pyproject.toml").read_text(encoding="utf8")
    assert tomllib.loads(text)["project"]["version"] == helpers.__version__
