"""`test --all` in stages: stopped, gone on with, begun afresh. No stage here is a real one."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from helpers import files
from tests.unit.test_children import end_of
from tools import clean, project, stages, testing

NAMES = ("units", "controls", "long")


def rows(name: str, passed: int = 3, failed: int = 0, skipped: int = 0) -> list[dict]:
    counts = {"passed": passed, "failed": failed, "skipped": skipped}
    return [{"name": name, "seconds": 1.0, **counts}]


class Fake:
    """Three stages that note when they run, and what they shall do in a call."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.does = {}

    def stages(self, names: tuple = NAMES) -> list[stages.Stage]:
        return [stages.Stage(name, lambda name=name: self.run(name), 600) for name in names]

    def run(self, name: str) -> list[dict]:
        self.ran.append(name)
        return self.does.get(name, rows)(name)

    def call(self, again: bool = False) -> list[str]:
        """One call: the stages that ran in it."""
        self.ran.clear()
        self.rows = stages.run(self.stages(), again)
        return list(self.ran)


def stop(name: str) -> list[dict]:
    raise KeyboardInterrupt


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Fake stages on a state that a test may change."""
    made = Fake()
    made.state = {"files": "f", "packages": "p", "python": "3", "system": "s"}
    monkeypatch.setattr(project, "OUTPUTS", tmp_path / "outputs")
    monkeypatch.setattr(stages, "state", lambda: dict(made.state))
    monkeypatch.setattr(stages, "SECONDS", tmp_path / "seconds.csv")
    stages.SECONDS.write_text("stage,seconds,cores,date\ncontrols,300,2,x\n", encoding="utf8")
    return made


def kept() -> dict:
    return json.loads(stages.place().read_text(encoding="utf8"))


# ---------------------------------------------------------------- stopped, and gone on with


def test_all_stages_run_in_their_order_and_a_second_call_runs_none(fake, capsys):
    assert fake.call() == list(NAMES)
    assert [row["name"] for row in fake.rows] == list(NAMES)
    assert not any("earlier" in row for row in fake.rows)
    assert fake.call() == []
    assert [row["name"] for row in fake.rows] == list(NAMES)
    assert all("earlier" in row for row in fake.rows)
    assert "All are finished" in capsys.readouterr().out


@pytest.mark.parametrize("name", NAMES)
def test_a_call_that_was_interrupted_goes_on_with_the_stage_that_it_was_at(fake, name):
    fake.does[name] = stop
    with pytest.raises(KeyboardInterrupt):
        fake.call()
    before = NAMES[: NAMES.index(name)]
    assert set(kept()["stages"]) == set(before)
    fake.does.clear()
    assert fake.call() == list(NAMES[len(before) :])
    assert [row["name"] for row in fake.rows if "earlier" in row] == list(before)


def test_an_error_in_a_stage_keeps_those_before_it(fake):
    def trouble(name):
        raise project.Trouble("no network")

    fake.does["controls"] = trouble
    assert project.ended(lambda: fake.call() and 0) == 1
    fake.does.clear()
    assert fake.call() == ["controls", "long"]


PROGRAM = """
import os, sys
from pathlib import Path
from tools import project, stages

project.OUTPUTS = Path(sys.argv[1])
stages.state = lambda: {"files": "f", "packages": "p", "python": "3", "system": "s"}
row = [{"name": "units", "seconds": 1.0, "passed": 3, "failed": 0, "skipped": 0}]
ways = {"units": lambda: row, "controls": lambda: os._exit(9)}
stages.run([stages.Stage(name, way, 600) for name, way in ways.items()])
"""


def test_a_call_that_was_killed_goes_on_as_well(fake):
    """It ends without a chance to tidy up, in the middle of a stage."""
    command = [sys.executable, "-c", PROGRAM, str(project.OUTPUTS)]
    assert subprocess.run(command, cwd=project.ROOT, capture_output=True).returncode == 9
    assert fake.call() == ["controls", "long"]


def test_the_tests_of_a_call_that_is_killed_end_with_it(tmp_path):
    """Else they would go on beside those of the next call."""
    sleeping = "def test_sleep(capsys):\n    import os, time\n    with capsys.disabled():\n"
    sleeping += "        print('process', os.getpid(), flush=True)\n    time.sleep(600)\n"
    (tmp_path / "test_sleep.py").write_text(sleeping, encoding="utf8")
    code = "import sys\nfrom pathlib import Path\nfrom tools import testing\n"
    code += f"testing.run_pytest(Path(sys.executable), 'x', [{str(tmp_path)!r}])"
    options = {"stdout": subprocess.PIPE, "cwd": project.ROOT, "encoding": "utf8"}
    call = subprocess.Popen([sys.executable, "-c", code], **options)
    number = next(int(line.split()[-1]) for line in call.stdout if "process " in line)
    call.kill()
    call.wait()
    assert end_of([psutil.Process(number)])


# ---------------------------------------------------------------- begun afresh


@pytest.mark.parametrize("part", stages.PARTS)
def test_on_another_state_all_stages_run_again_and_it_is_said_why(fake, part, capsys):
    fake.call()
    fake.state[part] = "another"
    assert fake.call() == list(NAMES)
    assert f"{stages.PARTS[part]} changed" in capsys.readouterr().out
    assert fake.call() == []


def test_again_runs_all_stages_and_keeps_what_they_took(fake, capsys):
    fake.call()
    assert fake.call(again=True) == list(NAMES)
    said = capsys.readouterr().out
    assert "from the beginning: as asked" in said and stages.HERE in said


def test_again_that_was_stopped_goes_on_without_it(fake):
    fake.call()
    fake.does["long"] = stop
    with pytest.raises(KeyboardInterrupt):
        fake.call(again=True)
    fake.does.clear()
    assert fake.call() == ["long"]


def test_a_state_that_changes_while_a_stage_runs_does_not_count(fake):
    def edit(name):
        fake.state["files"] = "edited"
        return rows(name)

    fake.does["controls"] = edit
    with pytest.raises(project.Trouble, match=r"While 'controls' ran, the course's files changed"):
        fake.call()
    assert set(kept()["stages"]) == {"units"}
    fake.does.clear()
    fake.state["files"] = "f"  # the edit was undone
    assert fake.call() == ["controls", "long"]


def test_again_without_all_is_refused():
    with pytest.raises(project.Trouble, match="--again belongs to --all"):
        testing.test(testing.parser().parse_args(["--again"]))


# ---------------------------------------------------------------- what failed


def test_a_stage_that_failed_runs_again_and_the_others_do_not(fake):
    fake.does["controls"] = lambda name: rows(name, failed=1)
    assert fake.call() == list(NAMES)
    budgets = {"solutions": 60, "everything": 0}
    assert testing.report(fake.rows, budgets) == 1
    assert fake.call() == ["controls"]
    assert testing.report(fake.rows, budgets) == 1
    fake.does.clear()
    assert fake.call() == ["controls"]
    assert testing.report(fake.rows, budgets) == 0
    assert fake.call() == []


def test_a_stage_of_which_everything_was_skipped_is_tried_again(fake):
    fake.does["long"] = lambda name: rows(name, passed=0, skipped=3)
    fake.call()
    assert fake.call() == ["long"]


def test_the_table_says_what_an_earlier_call_ran(fake, capsys):
    fake.call()
    fake.call()
    assert testing.report(fake.rows, {"solutions": 60, "everything": 0}) == 0
    table = capsys.readouterr().out.splitlines()
    finished = kept()["stages"]["units"]["finished"]
    assert sum(f"  run {finished[:10]}" in line for line in table) == 3
    assert table[-1] == "9 passed, 0 failed"


# ---------------------------------------------------------------- what is said beforehand


def test_the_times_are_those_of_this_machine_else_recorded_ones_else_limits(fake, capsys):
    for took in (90.0, None):
        if took:
            stages.announce(fake.stages(), {"stages": {}, "took": {"units": took}})
        else:
            fake.call()
        said = capsys.readouterr().out
        assert "3 stages, 3 of them to run" in said
        assert ("about 2 minutes, as here before" in said) == bool(took)
        assert "about 5 minutes, as recorded on two cores" in said
        assert "at most 10 minutes on two cores" in said
        assert f"Together at most {16 if took else 25} minutes on two cores. Ctrl-C" in said


def test_only_what_is_left_counts_and_this_machine_has_its_own_number_of_cores(fake, capsys):
    fake.does["long"] = stop
    with pytest.raises(KeyboardInterrupt):
        fake.call()
    record = kept() | {"took": dict.fromkeys(NAMES, 60)}
    capsys.readouterr()
    stages.announce(fake.stages(), record)
    said = capsys.readouterr().out
    assert "3 stages, 1 of them to run" in said and "Together about 1 minute. Ctrl-C" in said
    assert said.count("  finished 2") == 2


def test_what_stages_took_is_recorded_for_others(fake):
    fake.does["long"] = lambda name: rows(name, failed=1)
    fake.call()
    stages.record_seconds()
    with stages.SECONDS.open(encoding="utf8", newline="") as file:
        found = {row["stage"]: row for row in csv.DictReader(file)}
    assert set(found) == {"controls", "units"} and found["controls"]["date"] != "x"
    assert list(found["units"]) == list(stages.COLUMNS)


def test_the_course_has_a_table_of_times_and_a_limit_for_every_stage():
    course = project.project()["tool"]["course"]
    options = testing.parser().parse_args(["--all"])
    planned = testing.planned(Path(sys.executable), course, options)
    names = [stage.name for stage in planned]
    assert len(set(names)) == len(names) == 9
    assert set(stages.recorded_seconds()) <= set(names)
    assert all(stage.limit >= 60 for stage in planned)
    fast = testing.planned(Path(sys.executable), course, testing.parser().parse_args(["--fast"]))
    assert [stage.name for stage in fast] == ["unit tests", "notebooks, no training"]


# ---------------------------------------------------------------- other calls, other files


def test_a_second_call_at_the_same_time_is_refused(fake):
    def second(name):
        with pytest.raises(project.Trouble, match="Another `test --all` is running"):
            stages.run(fake.stages())
        return rows(name)

    fake.does["controls"] = second
    assert fake.call() == list(NAMES)
    assert not (stages.place().parent / clean.LOCK).exists()


@pytest.mark.parametrize("kind", ["changed", "planted", "a folder"])
def test_a_file_of_somebody_else_stays_and_nothing_runs(fake, kind):
    if kind == "changed":
        fake.call()
    if kind == "a folder":
        stages.place().mkdir(parents=True)
    else:
        stages.place().parent.mkdir(parents=True, exist_ok=True)
        stages.place().write_text("mine", encoding="utf8")
    fake.ran.clear()
    with pytest.raises(files.ForeignError, match=r"stages\.json"):
        stages.run(fake.stages())
    assert fake.ran == []
    assert kind == "a folder" or stages.place().read_text(encoding="utf8") == "mine"


def test_a_record_of_another_format_does_not_count(fake):
    fake.call()
    stages.store(kept() | {"format": 0})
    assert fake.call() == list(NAMES)


# ---------------------------------------------------------------- the state itself


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A small clone: two files that git keeps, one of which `--record` writes, and `.gitignore`."""
    kept = {"a.py": "one\n", "seconds.csv": "stage\n", ".gitignore": "outputs/\n"}
    for name, text in kept.items():
        (tmp_path / name).write_text(text, encoding="utf8")
    for command in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    monkeypatch.setattr(stages, "OUTCOMES", {tmp_path / "seconds.csv"})
    return tmp_path


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("a.py", True),
        ("test_new.py", True),
        ("seconds.csv", False),
        ("outputs/04/model.bin", False),
    ],
)
def test_the_state_follows_the_files_of_the_course(clone, name, changes):
    before = stages.state(clone)
    assert stages.state(clone) == before
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text("two\n", encoding="utf8")
    after = stages.state(clone)
    assert (after["files"] != before["files"]) == changes
    assert stages.differing(before, after) == ("the course's files" if changes else "")


def test_a_file_that_is_gone_changes_the_state(clone):
    before = stages.state(clone)
    (clone / "a.py").unlink()
    assert stages.state(clone) != before


def test_a_copy_without_git_has_a_state_as_well(clone, monkeypatch):
    monkeypatch.setenv("GIT_DIR", str(clone / "nowhere"))
    listed = clone / "tools" / "teaching" / "packing_list.txt"
    listed.parent.mkdir(parents=True)
    listed.write_text("a.py\n", encoding="utf8")
    before = stages.state(clone)
    (clone / "a.py").write_text("two\n", encoding="utf8")
    assert stages.state(clone) != before


def test_the_state_follows_the_packages(clone, monkeypatch):
    before = stages.state(clone)
    monkeypatch.setattr(stages.importlib.metadata, "distributions", lambda: [])
    assert stages.differing(before, stages.state(clone)) == "the installed packages"


def test_states_name_all_parts_that_differ():
    one, other = dict.fromkeys(stages.PARTS, "x"), dict.fromkeys(stages.PARTS, "x")
    other |= {"python": "y", "files": "y"}
    assert stages.differing(one, other) == "the course's files and the Python"
    assert stages.differing(one, one) == ""
