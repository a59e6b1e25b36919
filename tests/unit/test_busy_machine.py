"""The benchmark beside busy programs: what it starts, ends, plans and writes; never a time."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest

import helpers
from helpers import checkpoints
from tests.unit.small import TINY
from tools import project
from tools.experiments import busy_machine, provenance, runs


@pytest.fixture
def started(monkeypatch):
    """The busy programs that are started in a test."""
    found, popen = [], subprocess.Popen

    def kept(*arguments, **options):
        found.append(popen(*arguments, **options))
        return found[-1]

    monkeypatch.setattr(busy_machine.subprocess, "Popen", kept)
    return found


def test_busy_programs_run_in_the_block_and_end_with_it(started):
    with pytest.raises(KeyError), busy_machine.busy(2):
        assert [program.poll() for program in started] == [None, None]
        raise KeyError
    assert len(started) == 2 and all(program.poll() is not None for program in started)


def test_a_busy_program_ends_with_whoever_started_it():
    """Killed before it could end the block: the pipe closes, and that is all it takes."""
    program = subprocess.Popen([sys.executable, "-c", busy_machine.SPIN], stdin=subprocess.PIPE)
    program.stdin.close()
    assert program.wait(timeout=60) == 0


def test_a_round_holds_every_combination_once_backwards_by_turns():
    planned = pd.DataFrame(busy_machine.planned(3))
    points = ["policy", "threads", "busy"]
    first, second, third = (group[points].values.tolist() for _, group in planned.groupby("round"))
    assert first == second[::-1] == third and len(first) == 15
    assert len({tuple(point) for point in first}) == 15


def test_a_run_says_how_threads_wait_and_nothing_else_does(monkeypatch):
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    monkeypatch.setenv("KMP_BLOCKTIME", "7")
    for policy, said in busy_machine.POLICIES.items():
        given = busy_machine.environment(policy, 2)
        assert {k: v for k, v in given.items() if k in helpers.SAY_HOW_TO_WAIT} == said
        assert given["OMP_NUM_THREADS"] == "2" and given["PATH"] == os.environ["PATH"]


@pytest.mark.parametrize(("policy", "spins"), [(0, "300000"), (1, "0")])
def test_torch_hears_it_before_the_helpers_could_say_something_else(policy, spins):
    given = busy_machine.environment(list(busy_machine.POLICIES)[policy], 1)
    done = subprocess.run(
        [sys.executable, "-c", "import tools.experiments.busy_machine"],
        env=given | {"OMP_DISPLAY_ENV": "VERBOSE"},
        cwd=project.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for line in [line for line in done.stderr.splitlines() if "GOMP_SPINCOUNT" in line]:
        assert line.split("'")[1] == spins  # there are lines on Linux only


def test_the_variables_of_another_librarys_run_are_what_it_would_have_had(monkeypatch):
    for name in helpers.SAY_HOW_TO_WAIT:
        monkeypatch.delenv(name, raising=False)
    plain = dict(os.environ) | {"THP_MEM_ALLOC_ENABLE": "0"}
    for name, value in helpers.WAITING.items():
        monkeypatch.setenv(name, value)
    assert runs.environment(ours=False) == plain
    assert runs.environment(ours=True) == plain | helpers.WAITING | {"THP_MEM_ALLOC_ENABLE": "1"}
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert runs.environment(ours=False)["OMP_WAIT_POLICY"] == "ACTIVE"


def test_a_run_trains_in_the_batches_of_the_notebook_beside_busy_programs(monkeypatch, started):
    tiny = checkpoints.load(pretrained=False, num_labels=8, **TINY)
    monkeypatch.setattr(checkpoints, "load", lambda **_: tiny)
    row = busy_machine.measure(1, seed=0, steps=5, precision="fp32")
    assert len(started) == 1 and started[0].poll() is not None
    assert row["steps"] == 5 - busy_machine.WARM_UP and row["sentences_per_second"] > 0
    cells = json.loads((project.ROOT / "notebooks" / "13_your_own_csv.ipynb").read_text("utf8"))
    code = "".join("".join(cell["source"]) for cell in cells["cells"])
    assert f"batch_size={busy_machine.BATCH_SIZE}, learning_rate=2e-4" in code
    assert busy_machine.LEARNING_RATE == 2e-4


def recorded():
    """Rows as if each busy program took half of what was left, and sleeping cost a tenth."""
    rows = pd.DataFrame(busy_machine.planned(3))
    sleeps = 1 - 0.1 * (rows["policy"] == busy_machine.COURSE)
    speed = 100 * (1 + rows["round"]) * rows["threads"] * 0.5 ** rows["busy"] * sleeps
    given = provenance.provenance() | {"processor": "a processor", "precision": "bf16"}
    return rows.assign(sentences_per_second=speed, **given)


def test_the_page_says_which_share_of_the_undisturbed_speed_is_left(tmp_path, monkeypatch):
    monkeypatch.setattr(busy_machine, "RESULTS", tmp_path / "results.csv")
    recorded().to_csv(busy_machine.RESULTS, index=False)
    page = busy_machine.report()
    line = f"| {busy_machine.COURSE}, 2 threads | 360 (180 to 540) | 0.90 (0.90 to 0.90) |"
    assert f"{line} 180 (90 to 270) | 0.45 (0.45 to 0.45) |" in page
    assert "| default, 1 thread | 200 (100 to 300) | 0.50 (0.50 to 0.50) |" in page
    said = f"Beside one busy program, two threads, {busy_machine.COURSE}: asked for were 0.45"
    assert f"{said}, measured were 0.45 (0.45 to 0.45): met by the median" in page


def test_runs_that_are_there_are_not_done_again(tmp_path, monkeypatch):
    monkeypatch.setattr(busy_machine, "RESULTS", tmp_path / "results.csv")
    points = busy_machine.planned(1, steps=4)[:2]
    for limit in (1, 2):
        runs.drive(
            points, lambda **_: {"sentences_per_second": 1.0}, busy_machine.RESULTS, limit=limit
        )
    rows = pd.read_csv(busy_machine.RESULTS)
    assert rows[list(points[0])].to_dict("records") == points
    assert {"date", "commit", "processor", "cores", "torch"} <= set(rows)


def test_what_the_course_sets_meets_the_demand_and_costs_least_of_what_does():
    """The page says so; measured anew, the rows may say something else."""
    recorded = pd.read_csv(busy_machine.RESULTS)
    for _, rows in recorded[recorded["threads"] == 2].groupby("processor"):
        shares = busy_machine.with_shares(rows).pivot_table(
            index="policy", columns="busy", values="share", aggfunc="median"
        )
        meeting = shares[shares[1] >= busy_machine.ASKED]
        assert meeting[0].idxmax() == busy_machine.COURSE
