"""Several processes in step: real ones, started by `torchrun`. What each runs: in_step.py."""

import functools
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from helpers import parallel, runtime, storage
from tests.unit import in_step
from tools import lab, project

TORCHRUN = [sys.executable, "-m", "torch.distributed.run"]
# Adam moves a weight by at most about the rate, 1e-3, a step. Sums in another order differ by
# about 1e-7 of a gradient, and 24 steps of it left 3e-8; a wrong mean leaves more than 1e-4.
TOLERANCE = 1e-6
THREE = pytest.param(3, marks=pytest.mark.long)

pytestmark = pytest.mark.slow


def started(command: list[str], folder: Path = project.ROOT) -> subprocess.Popen:
    """A command with one thread a process, and a fresh meeting point after each restart."""
    environment = dict(os.environ, OMP_NUM_THREADS="1", TORCH_DISABLE_SHARE_RDZV_TCP_STORE="1")
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen(command, cwd=folder, env=environment, **pipes)


def ended(process: subprocess.Popen) -> tuple[int, str]:
    """Its exit code, and what it printed."""
    try:
        said, _ = process.communicate(timeout=in_step.LONGEST)
    finally:
        process.kill()
    return process.returncode, said


def torchrun(folder: Path, scenario: str, *options: str, processes: int = 2) -> tuple[int, str]:
    """Run a scenario in processes of their own."""
    command = [*TORCHRUN, "--standalone", "--nproc-per-node", str(processes), *options]
    return ended(started([*command, "-m", "tests.unit.in_step", scenario, str(folder)]))


def weights(folder: Path, name: str, rank: int = 0) -> dict[str, torch.Tensor]:
    return storage.load_tensors(folder / f"{name}-{rank}.safetensors")


def history(folder: Path, name: str, rank: int = 0) -> list[dict]:
    return json.loads((folder / f"{name}-{rank}.json").read_text())


def difference(one: dict, other: dict) -> float:
    return max(float((one[name] - other[name]).abs().max()) for name in one)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """By number of processes: the folder of runs that nothing interrupted."""

    @functools.cache
    def folder(processes: int) -> Path:
        path = tmp_path_factory.mktemp(f"whole-{processes}")
        if processes == 1:
            in_step.equal(path)
            return path
        code, said = torchrun(path, "equal", processes=processes)
        assert code == 0, said
        return path

    return folder


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run of two processes after Ctrl-C."""
    folder = tmp_path_factory.mktemp("stopped")
    code, said = torchrun(folder, "interrupted")
    assert code != 0, said
    return folder, said


@pytest.mark.parametrize("processes", [2, THREE])
def test_processes_in_step_reach_the_weights_of_one(whole, processes):
    one, several = whole(1), whole(processes)
    assert difference(weights(one, "right"), weights(several, "right")) < TOLERANCE
    for row, same in zip(history(one, "right"), history(several, "right"), strict=True):
        assert row == pytest.approx(same, abs=TOLERANCE)
    assert difference(weights(one, "right"), weights(several, "wrong")) > 100 * TOLERANCE


@pytest.mark.parametrize("processes", [2, THREE])
@pytest.mark.parametrize("name", ["right", "bits", "decided"])
def test_every_process_ends_with_the_same_weights_and_history(whole, processes, name):
    folder = whole(processes)
    for rank in range(1, processes):
        assert difference(weights(folder, name), weights(folder, name, rank)) == 0
        assert history(folder, name) == history(folder, name, rank)


def test_the_first_process_decides_when_all_end(whole):
    """By the metrics of the second, patience would end it after two epochs."""
    assert len(history(whole(2), "decided", 1)) == 6


def test_each_process_draws_random_numbers_of_its_own(whole):
    seeds = [int((whole(2) / f"seed-{rank}.txt").read_text()) for rank in (0, 1)]
    assert seeds[0] == in_step.config().seed != seeds[1]
    assert difference(weights(whole(1), "bits"), weights(whole(2), "bits")) > TOLERANCE


@pytest.mark.parametrize("victim", [0, pytest.param(1, marks=pytest.mark.long)])
def test_a_killed_worker_is_replaced_and_the_run_ends_with_the_same_bits(whole, tmp_path, victim):
    (tmp_path / "victim").write_text(str(victim))
    code, said = torchrun(tmp_path, "killed", "--max-restarts", "1")
    assert code == 0 and "exitcode: -9" in said, said
    for rank in (0, 1):
        assert difference(weights(whole(2), "bits"), weights(tmp_path, "bits", rank)) == 0
        assert history(whole(2), "bits") == history(tmp_path, "bits", rank)


def test_ctrl_c_ends_all_with_one_checkpoint(stopped):
    folder, said = stopped
    assert "[rank0]: KeyboardInterrupt" in said and "[rank1]: KeyboardInterrupt" in said
    names = [path.name for path in storage.stored_checkpoints(folder / "run")]
    assert names == ["step-00000008", "step-00000010"]


@pytest.mark.parametrize("processes", [1, 2, THREE])
def test_a_run_is_gone_on_with_by_any_number_of_processes(whole, stopped, tmp_path, processes):
    """By two with the same bits; by others with the same order and other random numbers."""
    shutil.copytree(stopped[0], tmp_path, dirs_exist_ok=True)
    if processes == 1:
        in_step.train(tmp_path, "bits", output_dir=tmp_path / "run")
    else:
        code, said = torchrun(tmp_path, "interrupted", processes=processes)
        assert code == 0, said
    equal_bits = difference(weights(whole(2), "bits"), weights(tmp_path, "bits")) == 0
    assert equal_bits == (processes == 2)
    before, after = history(whole(2), "bits"), history(tmp_path, "bits")
    assert before[:2] == after[:2] and len(before) == len(after)


def test_what_cannot_go_on_stops_all_with_the_same_message(tmp_path):
    code, said = torchrun(tmp_path, "refused")
    assert code == 0, said
    expected = {
        "forward": "epoch 2, batch 1: the loss is nan",
        "backward": "epoch 2, batch 2: the loss is 0.",
        "different": "the processes that torchrun started were given different data, ",
    }
    for name, begins in expected.items():
        messages = [(tmp_path / f"{name}-{rank}.txt").read_text() for rank in (0, 1)]
        assert messages[0] == messages[1] and messages[0].startswith(begins)


def documented(folder: Path) -> tuple[str, list[str]]:
    """`train.py` of docs/more_machines.md, on a tiny model and few rows; and its commands."""
    text = (project.ROOT / "docs" / "more_machines.md").read_text(encoding="utf8")
    (script, *_), commands = (
        re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL) for language in ("python", "bash")
    )
    small = {
        "checkpoints.load()": f"checkpoints.load(seed=0, pretrained=False, **{in_step.TINY})",
        'reviews["train"], reviews["validation"]': (
            'reviews["train"].select(range(49)), reviews["validation"].select(range(17))'
        ),
        '"outputs/train"': repr(str(folder / "run")),
    }
    for there, instead in small.items():
        assert script.count(there) == 1
        script = script.replace(there, instead)
    return script, commands[:2]


def as_written(command: str, script: Path, machine: str) -> str:
    """A command of that page with this Python's torchrun, and this script."""
    found = command.replace(".venv/bin/torchrun", " ".join(TORCHRUN))
    found = found.replace("FIRST_MACHINE:29500", machine).replace(" train.py", f" {script}")
    assert found.count("torch.distributed.run") == found.count(str(script)) == 1
    return f"export PYTHONPATH={project.ROOT}\n{found}"


@pytest.mark.parametrize("machines", [1, pytest.param(2, marks=pytest.mark.long)])
def test_the_commands_of_the_page_on_machines_train(tmp_path, machines):
    """Two machines are played by two `torchrun` that meet at a port of this one."""
    text, commands = documented(tmp_path)
    script = tmp_path / "train.py"
    script.write_text(text)
    meet = f"localhost:{lab.listen('localhost', 0)}"
    command = as_written(commands[machines - 1], script, meet)
    for process in [started(["bash", "-c", command]) for _ in range(machines)]:
        code, said = ended(process)
        assert code == 0, said
    [*_, last] = storage.stored_checkpoints(tmp_path / "run")
    stored = storage.load_tensors(last / "random.safetensors")
    assert len(stored["cpu"]) == 2, "two processes were in step"
    assert storage.read_training(last)[1]["epoch"] == 3


@given(st.lists(st.integers(), min_size=1, max_size=9), st.integers(1, 12))
def test_shards_hold_every_item_once_and_none_is_empty(items, processes):
    found = {}
    for rank in range(processes):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(parallel, "rank", lambda rank=rank: rank)
            patch.setattr(parallel, "world_size", lambda: processes)
            found[rank] = parallel.shard(items)
    assert all(found.values())
    dealt = [found[i % processes][i // processes] for i in range(len(items))]
    assert dealt == items


def test_streams_of_a_seed_are_repeatable_and_differ():
    def first(seed, *stream):
        runtime.set_seed(seed, *stream)
        return torch.rand(1).item()

    assert first(5, 0) == first(5) and first(5, 1) == first(5, 1)
    assert len({first(5), first(5, 1), first(5, 2), first(6), first(6, 1)}) == 5


def test_alone_nothing_is_gathered(monkeypatch):
    own = torch.ones(3, 2, requires_grad=True)
    assert parallel.all_gather(own, 3) is own
    assert parallel.distributed_model(own) is own
    assert (parallel.rank(), parallel.world_size()) == (0, 1)
