"""The commands: what they say when something is wrong, what they keep, what they rewrite."""

import ast
import importlib.util
import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tasks
from helpers import files
from tools import environment, lab, notebook_file, project, setup_cell, stages, testing

# ---------------------------------------------------------------- messages


def test_help_fits_one_screen_and_names_every_command(capsys):
    assert tasks.main(["--help"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) <= 24
    assert max(map(len, said)) <= 80
    commands = ("lab", "pack", "slides", "test", "refresh", "check", "study", "site", "fork")
    for command in (*commands, "clean"):
        assert any(line.startswith(f"  {command} ") for line in said)


def test_a_python_that_is_too_old_is_told_so():
    with pytest.raises(SystemExit, match=r"This is Python 3.8.18.*needs 3.11"):
        tasks.check_python((3, 8, 18))


def test_a_python_that_is_too_old_can_read_the_file():
    for name in ("tasks.py", "helpers/files.py", "helpers/pip_errors.py", "helpers/__init__.py"):
        source = (project.ROOT / name).read_text(encoding="utf8")
        ast.parse(source, feature_version=(3, 8))
        assert "from __future__ import annotations" in source or "def " not in source


def test_a_full_disk_is_told_before_anything_starts(monkeypatch):
    usage = shutil._ntuple_diskusage(100, 99, 500_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(project.Trouble, match=r"needs 3.5 GB.*0.5 GB are free"):
        environment.check_disk("cpu")


def test_a_port_in_use_is_named_with_one_that_is_free():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(
            project.Trouble, match=rf"Port {port} is in use(.|\n)*--port \d+"
        ) as caught:
            lab.check_port("127.0.0.1", port)
    lab.check_port("127.0.0.1", int(str(caught.value).split()[-1]))


def test_a_missing_venv_module_is_told_with_its_package():
    debian = (
        "The virtual environment was not created successfully because ensurepip is not available."
    )
    for said in (debian, "/usr/bin/python3: No module named venv"):
        assert "sudo apt install python3." in environment.explain_venv(said)


def test_a_network_that_is_not_there_is_told(tmp_path):
    """pip itself, asking an index that nobody serves."""
    nobody = ["--index-url", f"http://127.0.0.1:{lab.listen('127.0.0.1', 0)}/simple"]
    command = [sys.executable, "-m", "pip", "download", "--retries", "1", "--isolated", *nobody]
    pip = subprocess.run(
        [*command, "no-such-package"], capture_output=True, text=True, cwd=tmp_path
    )
    assert pip.returncode != 0
    assert "cannot be reached" in environment.explain_pip(pip.stdout + pip.stderr)


def test_other_failures_of_pip_are_told_apart():
    assert "disk is full" in environment.explain_pip("OSError: [Errno 28] No space left on device")
    assert "No matching" in environment.explain_pip(
        "a line\nERROR: No matching distribution found\n"
    )


@pytest.mark.parametrize(
    ("line", "cuda"),
    [
        ("  Downloading torch-2.13.0-cp312-cp312-manylinux_2_28_x86_64.whl (526.6 MB)", True),
        ("  Using cached torch-2.13.0-cp313-cp313-manylinux_2_28_x86_64.whl (526.6 MB)", True),
        ("  Downloading torch-2.13.0-cp312-cp312-manylinux_2_28_aarch64.whl (104.1 MB)", False),
        ("Downloading torch-2.13.0%2Bcpu-cp311-cp311-manylinux_2_28_x86_64.whl (191.8 MB)", False),
        ("Processing /wheels/torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl", False),
    ],
)
def test_a_torch_that_brings_cuda_is_recognized_from_what_pip_says(line, cuda):
    assert environment.names_wheel(line)
    assert environment.is_cuda(line) == cuda


def test_metadata_of_a_wheel_is_not_the_wheel():
    assert not environment.names_wheel(
        "Downloading torch-2.13.0-cp312-none-any.whl.metadata (29 kB)"
    )


def test_cuda_for_no_gpu_stops_with_both_ways_out(monkeypatch):
    monkeypatch.setattr(environment, "torch_kind", lambda *arguments: "cuda")
    monkeypatch.setattr(environment, "check_disk", lambda kind: None)
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(project.Trouble, match=r"--torch-index URL(.|\n)*--cuda"):
        environment.announce(
            project.VENV, "requirements/constraints.txt", torch_index="", cuda=False
        )
    environment.announce(project.VENV, "requirements/constraints.txt", torch_index="", cuda=True)


# ---------------------------------------------------------------- handing over

PAGES = [
    p for folder in (".", "data", "docs") for p in sorted((project.ROOT / folder).glob("*.md"))
]
PAGES += sorted((project.ROOT / "docs").glob("*/*.md"))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_that_is_shown_can_be_given(path):
    """Each `tasks.py …` line parses; places to fill in are written in capitals."""
    text = path.read_text(encoding="utf8")
    for line in re.findall(r"(?:python3(?:\.\d+)?|py) tasks\.py ([^`\n#]+)", text):
        words = line.split("  ")[0].replace("[NN ...]", "04").split()
        if words[0] != "--help":
            tasks.parser().parse_args(words)


@pytest.mark.parametrize(
    ("words", "module", "more"),
    [
        ("slides 01", "tools.teaching.slides", ["01_tokenization.ipynb", "01_solutions.ipynb"]),
        ("refresh 01", "tools.run_notebooks", ["01_tokenization.ipynb", "01_solutions.ipynb"]),
        ("test --all --record", "tools.testing", ["--all", "--record"]),
        ("test --all --again", "tools.testing", ["--all", "--again"]),
        ("test --here", "tools.testing", ["--here"]),
        ("check", "tools.checks", []),
        ("site", "tools.site.build", []),
        ("study 05 --limit 2", "tools.experiments.class_imbalance", ["--limit=2"]),
    ],
)
def test_each_command_hands_over_to_a_module_that_there_is(words, module, more, monkeypatch):
    called = []
    monkeypatch.setattr(environment, "set_up", lambda **options: Path("python"))
    monkeypatch.setattr(
        environment,
        "hand_over",
        lambda python, *given: called.append(given) or 7 * (given[0] == module),
    )
    assert tasks.main(words.split()) == 7
    assert called[-1][0] == module and [Path(word).name for word in called[-1][1:]] == more
    assert importlib.util.find_spec(module)


# ---------------------------------------------------------------- set-up


@pytest.fixture
def installs(tmp_path, monkeypatch):
    """The set-up's order of things in an empty folder, with what takes minutes left out."""
    for name in ("requirements.txt", "requirements/dev.txt", "requirements/constraints.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(project.ROOT / name, tmp_path / name)
    done = []

    def make(venv):
        done.append("make")
        environment.python_of(venv).parent.mkdir(parents=True)
        environment.python_of(venv).touch()

    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(environment, "make_venv", make)
    monkeypatch.setattr(environment, "announce", lambda *arguments: None)
    monkeypatch.setattr(environment, "pip_install", lambda *arguments: done.append("install"))
    return done


def test_a_second_call_does_nothing(installs, tmp_path):
    environment.set_up(tmp_path / ".venv")
    environment.set_up(tmp_path / ".venv")
    assert installs == ["make", "install"]


def test_an_interrupted_installation_is_made_anew(installs, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(environment, "pip_install", interrupted)
        environment.set_up(tmp_path / ".venv")
    environment.set_up(tmp_path / ".venv")
    assert installs == ["make", "make", "install"]


def test_changed_requirements_are_installed_on_top(installs, tmp_path):
    environment.set_up(tmp_path / ".venv")
    (tmp_path / "requirements.txt").write_text("torch>=3\n", encoding="utf8")
    environment.set_up(tmp_path / ".venv")
    environment.set_up(tmp_path / ".venv")
    assert installs == ["make", "install", "install"]


def test_an_environment_whose_python_is_gone_is_made_anew(installs, tmp_path):
    python = environment.set_up(tmp_path / ".venv")
    python.unlink()
    environment.set_up(tmp_path / ".venv")
    assert installs == ["make", "install", "make", "install"]


# ---------------------------------------------------------------- stored notebooks


def notebook(*sources: str) -> dict:
    """A notebook of code cells that has not been run."""
    cells = [
        nbformat.v4.new_code_cell(source, id=f"{count:08x}") for count, source in enumerate(sources)
    ]
    return nbformat.v4.new_notebook(cells=cells)


@given(st.text())
def test_lines_lose_nothing(text):
    assert "".join(notebook_file.lines(text)) == text


def test_what_is_stored_depends_on_texts_and_outputs_only():
    first, second = notebook("1", "1", "2"), notebook("1", "1", "2")
    second["metadata"] = {"widgets": {}, "language_info": {"name": "python", "version": "3.12.1"}}
    for count, cell in enumerate(second["cells"]):
        cell["execution_count"] = count + 7
        cell["metadata"] = {"execution": {"iopub.execute_input": "2026-11-24"}, "scrolled": True}
    assert notebook_file.as_text(notebook_file.cleaned(first)) == notebook_file.as_text(
        notebook_file.cleaned(second)
    )


def test_a_cell_keeps_its_id_and_a_copied_or_new_one_gets_another():
    cells = notebook("1", "2", "3", "3")["cells"]
    cells[0]["source"] = "another text"
    cells[2]["id"] = "00000001"  # as an editor leaves it that copies a cell
    del cells[3]["id"]
    ids = notebook_file.cell_ids(cells)
    assert ids[:2] == ["00000000", "00000001"] and len(set(ids)) == 4
    assert ids == notebook_file.cell_ids(cells)


def test_streams_are_stored_as_they_look_in_the_end():
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text="0%\r50%"),
        nbformat.v4.new_output("stream", name="stdout", text="\r100%\nnext\r\n"),
        nbformat.v4.new_output(
            "display_data", data={notebook_file.WIDGET: {}, "text/plain": "a bar"}
        ),
    ]
    stored = notebook_file.cleaned_outputs(outputs, 1)
    assert stored == [{"name": "stdout", "output_type": "stream", "text": ["100%\n", "next\n"]}]


def test_an_error_is_stored_without_the_frames_of_libraries():
    frames = [
        "-----",
        "\x1b[36mCell\x1b[39m In[3], line 1",
        "File /home/me/lib.py:9",
        "KeyError: 'a'",
    ]
    assert notebook_file.own_frames(frames) == [frames[0], frames[1], frames[3]]


def store(path: Path, *sources: str) -> subprocess.CompletedProcess:
    """Write a notebook and let `refresh`'s part inside the environment run it."""
    nbformat.write(notebook(*sources), path)
    command = [sys.executable, "-m", "tools.run_notebooks", str(path)]
    return subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)


def test_refresh_stores_outputs_and_twice_the_same(tmp_path):
    path = tmp_path / "10_example.ipynb"
    assert store(path, "x = 6", "print(7 * x)").returncode == 0
    first = path.read_bytes()
    assert json.loads(first)["cells"][1]["outputs"][0]["text"] == ["42\n"]
    assert store(path, "x = 6", "print(7 * x)").returncode == 0
    assert path.read_bytes() == first


def test_refresh_names_the_cell_that_failed_and_stores_nothing(tmp_path):
    path = tmp_path / "10_example.ipynb"
    ran = store(path, "print('before')", "1 / 0")
    assert ran.returncode != 0
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    assert cells[1]["id"] in ran.stderr
    assert "ZeroDivisionError" in ran.stderr
    assert not any(cell["outputs"] for cell in cells)
    assert not list(tmp_path.glob("*.partial"))


def test_refresh_of_a_number_that_is_not_there_lists_those_that_are(capsys):
    assert tasks.main(["refresh", "77", "--here"]) == 1
    assert "No notebook begins with 77" in capsys.readouterr().err


# ---------------------------------------------------------------- tests and their table


def test_a_failing_group_fails_the_whole_and_a_slow_one_does_not(tmp_path, capsys):
    good, bad = tmp_path / "test_good.py", tmp_path / "test_bad.py"
    good.write_text("def test_it(): pass\n", encoding="utf8")
    bad.write_text("def test_it(): assert 0\ndef test_other(): pass\n", encoding="utf8")
    rows = [testing.run_pytest(Path(sys.executable), p.stem, [str(p)]) for p in (good, bad)]
    budgets = {"test_good": 0, "solutions": 60, "everything": 0}
    assert testing.report(rows[:1], budgets) == 0
    said = capsys.readouterr().out
    assert said.endswith("\n1 passed, 0 failed\n")
    assert "over its budget" in said
    assert testing.report(rows, budgets) == 1
    assert capsys.readouterr().out.endswith("\n2 passed, 1 failed\n")


def test_notebooks_that_run_two_at_a_time_have_a_row_each(tmp_path, monkeypatch):
    paths = [tmp_path / f"0{number}_x.ipynb" for number in (1, 2, 3)]
    for path, source in zip(paths, ("1 + 1", "1 / 0", "2"), strict=True):
        nbformat.write(notebook(source, "x = 1"), path)
    monkeypatch.setenv("PYTHONPATH", str(project.ROOT))
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "notebooks", lambda: paths)
    given = [*map(str, paths[1:]), *testing.nbval(paths[0], 60), *testing.BY_FILES]
    rows = testing.run_pytest_by_file(Path(sys.executable), "notebooks", given)
    assert [row["name"] for row in rows] == ["01_x", "02_x", "03_x"]
    assert [row["passed"] + row["failed"] for row in rows] == [2, 2, 2]
    assert rows[1]["failed"] and all(row["seconds"] > 0 for row in rows)
    (missing,) = testing.run_pytest_by_file(Path(sys.executable), "x", [str(tmp_path / "none.py")])
    assert (missing["name"], missing["failed"]) == ("x", 1)


def test_the_longest_notebook_starts_first_and_05_finds_what_04_trained(monkeypatch):
    """Left to itself, pytest-xdist takes the file with most tests first, whatever the order."""
    asked = []
    monkeypatch.setattr(testing, "two_at_a_time", lambda: True)
    monkeypatch.setattr(testing, "run_pytest_by_file", lambda *a: asked.extend(a[2]) or [])
    testing.notebooks(Path(sys.executable), project.project()["tool"]["course"], fast=False)
    given = [Path(name).stem for name in asked if name.endswith(".ipynb")]
    assert given[0] == "04_fine_tuning_loop" and set(given) == {p.stem for p in project.notebooks()}
    # The second worker has more than 04's time to spend before anybody comes to 05.
    budgets = project.project()["tool"]["course"]["budgets"]
    between = [budgets.get(name, 0) for name in given[1 : given.index("05_evaluation")]]
    assert sum(between) > budgets["04_fine_tuning_loop"]
    assert "--no-loadscope-reorder" in asked


def test_a_test_that_hangs_is_ended_and_named_and_tried_once(tmp_path, capfd):
    tried = tmp_path / "tried"
    (tmp_path / "test_stuck.py").write_text(
        "import threading\n\ndef test_stuck():\n"
        f"    with open({str(tried)!r}, 'a') as file:\n        file.write('x')\n"
        "    threading.Event().wait()\n"
    )
    (tmp_path / "test_good.py").write_text("def test_good():\n    assert True\n")
    given = [str(tmp_path), *testing.BY_FILES, *testing.stuck_after(2)]
    row = testing.run_pytest(Path(sys.executable), "x", given)
    assert (row["passed"], row["failed"]) == (1, 1)
    assert "test_stuck" in capfd.readouterr().out
    assert tried.read_text() == "x"


def test_every_group_of_tests_has_a_limit_above_that_of_a_cell():
    settings = project.project()["tool"]
    limit = settings["pytest"]["ini_options"]["timeout"]
    assert limit > settings["course"]["cell_timeout"]
    assert 0 < testing.STUCK <= limit < testing.STUCK_LONG


def test_what_only_all_runs_has_the_longer_limit(tmp_path, monkeypatch):
    asked, added = {}, []
    monkeypatch.setattr(project, "OUTPUTS", tmp_path)

    def note(python, name, arguments):
        asked[name] = arguments
        return {"name": name, "seconds": 0.0, "passed": 1, "failed": 0, "skipped": 0}

    monkeypatch.setattr(testing, "run_pytest", note)
    monkeypatch.setattr(testing.environment, "add", added.append)
    monkeypatch.setattr(testing, "notebooks", lambda *given: [])
    monkeypatch.setattr(testing.environment, "hand_over", lambda *given: 0)
    monkeypatch.setattr(testing.environment, "set_up", lambda *given: Path(sys.executable))
    monkeypatch.setattr(testing.environment, "prepare_browser", lambda *given: None)
    options = testing.parser().parse_args
    monkeypatch.setattr(sys, "argv", ["testing", "--all"])
    assert testing.test(options()) == 0
    longer = f"--timeout={testing.STUCK_LONG}"
    patient = {name for name, given in asked.items() if longer in given}
    assert patient == {"long tests", "browser", "simulated Colab", "Python 3.12", "Python 3.13"}
    assert added == ["serving"]
    monkeypatch.setattr(sys, "argv", ["testing"])
    assert testing.test(options()) == 0
    assert added == ["serving"]  # whoever does not ask for all gets nothing installed


def test_a_group_that_cannot_start_counts_as_failed(tmp_path):
    row = testing.run_pytest(Path(sys.executable), "x", [str(tmp_path / "missing.py")])
    assert (row["passed"], row["failed"]) == (0, 1)


def test_pytest_finds_what_nbval_shall_not_compare_without_being_told():
    options = project.project()["tool"]["pytest"]["ini_options"]["addopts"].split()
    found = [o.partition("=")[2] for o in options if o.startswith("--nbval-sanitize-with=")]
    assert len(found) == 1 and (project.ROOT / found[0]).is_file()
    assert not [word for word in testing.nbval(Path("x.ipynb"), 60) if "sanitize" in word]


DRAWS = """
from IPython.display import display
display({picture!r}, raw=True)
display({page!r}, raw=True)"""
SHOWN = {
    "picture": {"image/svg+xml": "<svg>one\n</svg>", "text/plain": "a line"},
    "page": {"text/html": "<p><svg>one</svg></p>", "text/plain": "a page"},
}


def test_nbval_compares_the_words_of_a_picture_and_pages_but_no_picture(tmp_path):
    """From the root, and with nothing but what pyproject.toml says."""
    code = DRAWS.format(**SHOWN)
    sources = [code.replace(old, f"other {old}") for old in ("one\\n", "a line", "one<", "nothing")]
    outputs = [nbformat.v4.new_output("display_data", data) for data in SHOWN.values()]
    for number, source in enumerate(sources):
        cell = nbformat.v4.new_code_cell(source, outputs=outputs, execution_count=1)
        nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / f"{number}.ipynb")
    given = ["--nbval", "--nbval-current-env", "-c", "pyproject.toml", "-q", str(tmp_path)]
    command = [sys.executable, "-m", "pytest", *given]
    done = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert sorted(re.findall(r"(?m)^FAILED .*(\d)\.ipynb", done.stdout)) == ["1", "2"], done.stdout


# ---------------------------------------------------------------- a fork, and cleaning up


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """A copy of what `fork` and `clean` may touch."""
    shutil.copytree(project.NOTEBOOKS, tmp_path / "notebooks")
    (tmp_path / "helpers").mkdir()
    shutil.copy(project.ROOT / "helpers" / "__init__.py", tmp_path / "helpers")
    for path in [
        *project.ROOT.glob("*.md"),
        *project.ROOT.glob("*.cff"),
        project.ROOT / "pyproject.toml",
    ]:
        shutil.copy(path, tmp_path)
    monkeypatch.setattr(project, "ROOT", tmp_path)
    monkeypatch.setattr(project, "NOTEBOOKS", tmp_path / "notebooks")
    monkeypatch.setattr(project, "OUTPUTS", tmp_path / "outputs")
    return tmp_path


def test_a_fork_changes_every_address_and_version(copy):
    old = project.project()["project"]
    slug = old["urls"]["Repository"].removeprefix("https://github.com/")
    assert (
        tasks.main(["fork", "https://github.com/someone/their.course", "--version", "v9.8.7"]) == 0
    )
    assert project.project()["project"]["version"] == "9.8.7"
    helpers = (copy / "helpers" / "__init__.py").read_text(encoding="utf8")
    assert '\n__version__ = "9.8.7"\n' in helpers
    for path in [*copy.glob("*.*"), *project.notebooks()]:
        text = path.read_text(encoding="utf8")
        assert f"github.com/{slug}" not in text
        assert f"/blob/v{old['version']}/" not in text
        if path.suffix == ".ipynb":
            cells = json.loads(text)["cells"]
            assert [cell["id"] for cell in cells] == notebook_file.cell_ids(cells)
            assert setup_cell.text() in ["".join(cell["source"]) for cell in cells]


def test_a_fork_and_back_changes_nothing(copy):
    before = {path: path.read_bytes() for path in copy.rglob("*.*") if path.is_file()}
    old = project.project()["project"]
    tasks.main(["fork", "https://github.com/someone/else", "--version", "v9.8.7"])
    tasks.main(["fork", old["urls"]["Repository"], "--version", f"v{old['version']}"])
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.parametrize(
    "address", ["github.com/a/b", "https://gitlab.com/a/b", "https://github.com/a"]
)
def test_an_address_that_colab_cannot_open_is_refused(address, copy, capsys):
    assert tasks.main(["fork", address]) == 1
    assert "https://github.com/OWNER/NAME" in capsys.readouterr().err


# ---------------------------------------------------------------- the browser


@pytest.fixture
def without_browser(tmp_path, monkeypatch):
    """A machine without a browser, and what would be installed on it."""
    installed = []
    files.mark(tmp_path)
    monkeypatch.setattr(environment, "find_chromium", lambda: None)
    monkeypatch.setattr(project, "VENV", tmp_path)
    monkeypatch.setattr(
        environment, "pip_install", lambda venv, arguments: installed.append(arguments)
    )
    monkeypatch.setattr(environment, "apt_install", lambda package: installed.append(package))
    monkeypatch.delenv("CI", raising=False)
    return installed


def test_a_browser_on_the_path_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(environment.Path, "is_file", lambda path: False)
    assert environment.find_chromium() is None
    (tmp_path / "google-chrome").touch(mode=0o755)
    assert environment.find_chromium() == str(tmp_path / "google-chrome")


def test_a_learner_without_a_browser_installs_nothing_for_it(without_browser):
    environment.prepare_browser(everywhere=False)
    assert without_browser == []


def test_what_drives_the_browser_is_installed_once(without_browser, monkeypatch):
    monkeypatch.setattr(environment, "find_chromium", lambda: "chromium")
    environment.prepare_browser(everywhere=False)
    environment.prepare_browser(everywhere=False)
    assert len(without_browser) == 1 and "requirements/browser.txt" in without_browser[0][1]


def test_what_serving_needs_is_installed_again_when_its_list_changes(without_browser, monkeypatch):
    environment.add("serving")
    environment.add("serving")
    assert len(without_browser) == 1 and "requirements/serving.txt" in without_browser[0][1]
    monkeypatch.setattr(environment, "stamp_text", lambda constraints: "another")
    environment.add("serving")
    assert len(without_browser) == 2


def test_nothing_is_installed_into_an_environment_of_somebody_else(without_browser, monkeypatch):
    """Also not through a link: what it leads to may be in use by others."""
    (project.VENV / "place").mkdir()
    (project.VENV / "place" / "python").touch()
    (project.VENV / "link").symlink_to(project.VENV)
    for name in ("place", "link"):
        with monkeypatch.context() as patch:
            patch.setattr(project, "VENV", project.VENV / name)
            with pytest.raises(project.Trouble, match="did not make it"):
                environment.add("serving")
    assert without_browser == []


def test_a_machine_of_the_ci_gets_a_browser(without_browser, monkeypatch):
    monkeypatch.setenv("CI", "1")
    environment.prepare_browser(everywhere=False)
    assert without_browser == ["chromium"]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--fast"], set()),
        ([], {"browser"}),
        (["--all"], {"browser", "simulated Colab", "Python 3.12", "Python 3.13"}),
    ],
)
def test_other_environments_are_tried_where_the_options_say_so_and_recorded_only_if_asked(
    options, expected, tmp_path, monkeypatch
):
    ran, recorded = {}, []
    monkeypatch.setattr(project, "OUTPUTS", tmp_path)
    monkeypatch.setattr(stages, "record_seconds", lambda: None)

    def run_pytest(python, name, arguments):
        ran[name] = arguments
        return {"name": name, "seconds": 0.0, "passed": 1, "failed": 0, "skipped": 0}

    def by_file(python, name, arguments):
        return [run_pytest(python, name, arguments)]

    monkeypatch.setattr(testing, "run_pytest", run_pytest)
    monkeypatch.setattr(testing, "run_pytest_by_file", by_file)
    monkeypatch.setattr(environment, "hand_over", lambda *arguments: 0)
    monkeypatch.setattr(environment, "set_up", lambda *arguments, **more: Path(sys.executable))
    monkeypatch.setattr("tools.verified.record", recorded.append)
    assert testing.test(testing.parser().parse_args(["--here", *options])) == 0
    assert ran.keys() & {"browser", "simulated Colab", "Python 3.12", "Python 3.13"} == expected
    assert {"--ignore=tests/browser", "--ignore=tests/colab"} <= set(ran["unit tests"])
    assert recorded == []
    assert testing.test(testing.parser().parse_args(["--here", *options, "--record"])) == 0
    assert len(recorded) == 1 and recorded[0][0]["packages"] == "requirements/constraints.txt"
