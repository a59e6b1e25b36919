"""Stored folders are complete or not there."""

import pytest
import torch

from helpers import storage


def fill(folder):
    storage.save_tensors(folder / "x.safetensors", {"x": torch.arange(4.0)})


def test_tensors_come_back_as_they_were(tmp_path):
    fill(tmp_path)
    loaded = storage.load_tensors(tmp_path / "x.safetensors")
    assert torch.equal(loaded["x"], torch.arange(4.0))


def test_a_write_that_fails_leaves_what_was_there(tmp_path):
    storage.write_folder(tmp_path / "kept", fill)

    def full(folder):
        (folder / "half").write_bytes(b"x")
        raise OSError(28, "No space left on device")

    with pytest.raises(storage.StorageError, match="unharmed"):
        storage.write_folder(tmp_path / "kept", full)
    storage.verify(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_one_flipped_bit_is_found(tmp_path):
    storage.write_folder(tmp_path / "stored", fill)
    file = tmp_path / "stored" / "x.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(storage.StorageError, match="damaged"):
        storage.verify(tmp_path / "stored")


def test_a_folder_without_a_manifest_is_refused(tmp_path):
    with pytest.raises(storage.StorageError, match=r"manifest\.json is missing"):
        storage.verify(tmp_path)


def test_the_last_two_checkpoints_are_kept(tmp_path):
    for step in (1, 2, 3):
        storage.save_checkpoint(tmp_path, step, fill)
    assert [p.name for p in storage.stored_checkpoints(tmp_path)] == [
        "step-00000002",
        "step-00000003",
    ]
    assert storage.latest_checkpoint(tmp_path).name == "step-00000003"


def test_whoever_goes_on_removes_the_checkpoint_that_a_killed_run_could_not(tmp_path):
    """And leaves those of another run, which somebody has put there."""
    for step, run in ((1, "a"), (2, "a"), (3, "b"), (4, "a")):
        storage.write_folder(tmp_path / f"step-{step:08d}", fill, {"run": run})
    storage.tidy(tmp_path, "a")
    assert [path.name for path in storage.stored_checkpoints(tmp_path)] == [
        "step-00000002",
        "step-00000003",
        "step-00000004",
    ]


def test_resuming_from_nothing_is_said(tmp_path):
    with pytest.raises(storage.StorageError, match="no checkpoint"):
        storage.latest_checkpoint(tmp_path)


def test_optimizer_memory_comes_back(tmp_path):
    weight = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    weight.grad = torch.ones(3)
    optimizer.step()
    tensors = storage.optimizer_tensors(optimizer)

    other = torch.optim.AdamW([weight.detach().clone().requires_grad_()], lr=0.1)
    storage.restore_optimizer(other, tensors)
    again = storage.optimizer_tensors(other)
    assert tensors.keys() == again.keys()
    assert all(torch.equal(tensors[key], again[key]) for key in tensors)


def test_an_optimizer_of_other_shapes_refuses_the_memory_and_stays_as_it_was():
    weight = torch.zeros(3, requires_grad=True)
    optimizer = torch.optim.AdamW([weight], lr=0.1)
    weight.grad = torch.ones(3)
    optimizer.step()
    other = torch.optim.AdamW([torch.zeros(4, requires_grad=True)], lr=0.1)
    with pytest.raises(storage.StorageError, match="another model"):
        storage.restore_optimizer(other, storage.optimizer_tensors(optimizer))
    assert not other.state


def test_random_numbers_go_on_where_they_were():
    state = storage.random_state()
    expected = torch.rand(5)
    storage.restore_random_state(state)
    assert torch.equal(torch.rand(5), expected)
