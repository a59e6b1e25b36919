"""What is promised of a training run that something happens to: tried on real processes."""

import multiprocessing
import os
import pickle
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
import torch

from helpers import storage, training
from tests.unit.small import config, few, tiny

# The server has imported what is preloaded and runs nothing, so its children start in milliseconds
# and inherit no threads; a fork of the test's own process may wait for threads it does not have.
HAS_FORK = hasattr(os, "fork")
CHILDREN = multiprocessing.get_context("forkserver" if HAS_FORK else "spawn")
if HAS_FORK:
    CHILDREN.set_forkserver_preload(["tests.unit.test_faults"])
needs_fork = pytest.mark.skipif(not HAS_FORK, reason="this system has no fork")
LONGEST = 120  # seconds after which a child is stuck


@pytest.fixture(scope="module")
def parts():
    return few(64, 16)


def train_or_go_on(parts, folder: Path, die_after_step: int = 0) -> None:
    """What a reader does after a crash: resume if there is a checkpoint, else start."""
    torch.set_num_threads(1)
    hook = {"on_step": lambda run: os._exit(9) if run.step == die_after_step else None}
    if storage.stored_checkpoints(folder):
        tokenizer, model, run = training.resume(folder, *parts, **hook)
    else:
        tokenizer, model = tiny()
        run = training.fine_tune(model, tokenizer, *parts, config(), output_dir=folder, **hook)
    storage.save_tensors(folder.with_suffix(".safetensors"), model.state_dict())
    assert run.epoch == 6


def in_a_child(function: Callable, *arguments) -> int:
    """Run a function in a process of its own; its exit code."""
    child = CHILDREN.Process(target=function, args=arguments)
    child.start()
    child.join(LONGEST)
    stuck = child.exitcode is None
    if stuck:
        child.kill()
    assert not stuck, f"{function.__name__} is stuck"
    return child.exitcode


def equal_files(one: Path, other: Path) -> bool:
    return one.read_bytes() == other.read_bytes()


CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "open"}


def before_each_change(happens: Callable[[int], None]) -> None:
    """Call a function with 1, 2, 3 … before each change of this process to the disk."""
    numbers = iter(range(1, 1_000_000))

    def watch(event: str, details: tuple) -> None:
        is_write = event != "open" or (isinstance(details[2], int) and details[2] & os.O_CREAT)
        if event in CHANGES and is_write:
            happens(next(numbers))

    sys.addaudithook(watch)


def die_at_change(number: int, function: Callable, *arguments) -> None:
    """Call a function, and be gone before the change to the disk that has this number."""
    before_each_change(lambda n: os._exit(9) if n == number else None)
    function(*arguments)


def count_changes(target: Path, function: Callable, *arguments) -> None:
    """Call a function, and write down how many changes to the disk it made."""
    counted = []
    before_each_change(counted.append)
    function(*arguments)
    target.write_text(str(len(counted)))


@pytest.mark.slow
@needs_fork
def test_killed_at_fifty_moments_resumes_to_the_same_bits(parts, tmp_path):
    """Forty between two changes to the disk, drawn from all there are, ten after a step."""
    whole, rng = tmp_path / "whole", random.Random(0)
    assert in_a_child(count_changes, tmp_path / "changes", train_or_go_on, parts, whole) == 0
    changes = int((tmp_path / "changes").read_text())
    assert changes > 100
    moments = [("change", n) for n in rng.sample(range(1, changes), 40)]
    moments += [("step", n) for n in rng.sample(range(1, 25), 10)]
    for number, (kind, n) in enumerate(moments):
        folder = tmp_path / f"run-{number}"
        if kind == "change":
            assert in_a_child(die_at_change, n, train_or_go_on, parts, folder) == 9
        else:
            assert in_a_child(train_or_go_on, parts, folder, n) == 9
        for checkpoint in storage.stored_checkpoints(folder):
            storage.verify(checkpoint)
        assert in_a_child(train_or_go_on, parts, folder) == 0
        assert equal_files(whole.with_suffix(".safetensors"), folder.with_suffix(".safetensors"))
        assert len(storage.stored_checkpoints(folder)) == 2
        assert not [path for path in folder.glob(".*") if path.is_dir()]
        shutil.rmtree(folder)


def die_at_rename(folder: Path, number: int) -> None:
    """Replace `folder`, and be gone at once when so many renames are done."""
    renames, rename = iter(range(1, 100)), os.rename

    def rename_then_die(path, target):
        rename(path, target)
        if next(renames) == number:
            os._exit(9)

    os.rename = rename_then_die
    storage.write_folder(folder, lambda new: (new / "text").write_text("new"))


@needs_fork
@pytest.mark.parametrize(("renames", "expected"), [(1, "old"), (2, "new")])
def test_killed_between_two_renames_keeps_the_old_folder_or_the_new(tmp_path, renames, expected):
    """Readers find it and change nothing; the next writer puts all right."""
    folder = tmp_path / "best"
    storage.write_folder(folder, lambda new: (new / "text").write_text("old"))
    assert in_a_child(die_at_rename, folder, renames) == 9
    assert folder.exists() == (expected == "new")
    before = sorted(tmp_path.rglob("*"))
    storage.verify(folder)
    assert storage.read_folder(folder, lambda place, _: (place / "text").read_text()) == expected
    assert sorted(tmp_path.rglob("*")) == before
    storage.write_folder(folder, lambda new: (new / "text").write_text("newer"))
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def write_text(target: Path, text: str) -> None:
    storage.write_folder(target, lambda new: (new / "text").write_text(text))


def write_third_checkpoint(folder: Path) -> None:
    with storage.only_run(folder):
        storage.save_checkpoint(folder, 3, lambda new: (new / "text").write_text("3"))


@needs_fork
def test_killed_before_any_change_to_the_disk_a_replacement_is_done_or_not(tmp_path):
    """One change later each time, until the replacement gets to its end; nothing is left behind."""
    target, seen = tmp_path / "best", []
    (tmp_path / ".best.old").mkdir()
    for number in range(1, 200):
        write_text(target, "old")
        code = in_a_child(die_at_change, number, write_text, target, "new")
        read = storage.read_folder(target, lambda place, _: (place / "text").read_text())
        seen.append(read)
        write_text(target, "newer")
        assert sorted(path.name for path in tmp_path.iterdir()) == [".best.old", "best"]
        if code == 0:
            break
    assert code == 0 and number > 8
    assert seen == sorted(seen, reverse=True) and set(seen) == {"old", "new"}


@needs_fork
def test_killed_before_any_change_to_the_disk_two_whole_checkpoints_stay(tmp_path):
    """Storing the third removes the first."""
    for number in range(1, 200):
        folder = tmp_path / f"{number}"
        for step in (1, 2):
            write_text(folder / f"step-{step:08d}", f"{step}")
        code = in_a_child(die_at_change, number, write_third_checkpoint, folder)
        assert len(storage.stored_checkpoints(folder)) >= 2
        with storage.only_run(folder):
            storage.tidy(folder)
        names = sorted(path.name for path in folder.iterdir() if path.is_dir())
        assert len(names) == 2 and names[-1] in ("step-00000002", "step-00000003"), names
        for name in names:
            storage.verify(folder / name)
        if code == 0:
            break
    assert code == 0 and number > 8


def write_with_little_room(folder: Path) -> None:
    """The system lets no file grow beyond 100 kB: what a full disk does, for this process."""
    import resource  # there is none on Windows, where nothing forks either

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    tensor = torch.zeros(1_000_000)
    try:
        storage.write_folder(folder, lambda new: storage.save_tensors(new / "x", {"x": tensor}))
    except storage.StorageError as error:
        os._exit(3 if "Make room" in str(error) else 4)


@needs_fork
def test_a_disk_that_fills_up_is_said_and_harms_nothing(tmp_path):
    storage.write_folder(tmp_path / "kept", lambda new: (new / "text").write_text("old"))
    assert in_a_child(write_with_little_room, tmp_path / "kept") == 3
    storage.verify(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def claim_read_only(folder: Path) -> None:
    """As somebody who may not write here."""
    if os.geteuid() == 0:
        os.setuid(65534)
    try:
        with storage.only_run(folder / "run", new=True):
            os._exit(4)
    except storage.StorageError as error:
        os._exit(3 if "Choose another folder" in str(error) else 5)


@needs_fork
def test_a_folder_one_may_not_write_to_is_said_before_training(tmp_path):
    tmp_path.chmod(0o555)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    assert in_a_child(claim_read_only, tmp_path) == 3


def die_while_writing(folder: Path) -> None:
    storage.write_folder(folder / "step-00000004", lambda new: os._exit(9))


def left_by_a_killed_writer(folder: Path) -> Path:
    """The hidden folder of a writer that was killed in the middle."""
    assert in_a_child(die_while_writing, folder) == 9
    (left,) = (path for path in folder.iterdir() if path.is_dir())
    return left


def hold(folder: Path, held: Event) -> None:
    with storage.only_run(folder):
        held.set()
        time.sleep(60)


@needs_fork
def test_two_runs_cannot_share_a_folder_and_a_killed_one_frees_it(tmp_path):
    held = CHILDREN.Event()
    other = CHILDREN.Process(target=hold, args=(tmp_path, held))
    other.start()
    assert held.wait(20)
    left = left_by_a_killed_writer(tmp_path)
    with pytest.raises(storage.StorageError, match="another run"), storage.only_run(tmp_path):
        pass
    assert left.exists()
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    with storage.only_run(tmp_path):
        assert not left.exists()


def test_a_truncated_file_of_weights_is_refused(tmp_path):
    tokenizer, model = tiny()
    storage.save_model(model, tokenizer, tmp_path / "model")
    file = tmp_path / "model" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-100])
    with pytest.raises(storage.StorageError, match=r"model\.safetensors is damaged"):
        storage.load_model(tmp_path / "model")


class Payload:
    """What a malicious pickle does: a command runs while it is read."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self):
        return os.mkdir, (str(self.target),)


def test_a_pickle_is_never_read_even_where_weights_are_missing(tmp_path):
    tokenizer, model = tiny()

    def fill(new: Path) -> None:
        model.config.save_pretrained(new)
        tokenizer.save_pretrained(new)
        (new / "pytorch_model.bin").write_bytes(pickle.dumps(Payload(tmp_path / "executed")))

    storage.write_folder(tmp_path / "model", fill)
    with pytest.raises(storage.StorageError, match=r"no model\.safetensors"):
        storage.load_model(tmp_path / "model")
    assert not (tmp_path / "executed").exists()
    pickle.loads((tmp_path / "model" / "pytorch_model.bin").read_bytes())
    assert (tmp_path / "executed").exists(), "the payload would have worked"
