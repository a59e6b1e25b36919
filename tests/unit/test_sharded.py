"""A model that is divided among processes learns as it does in one, and is stored whole."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from helpers import chat, checkpoints, storage, training
from helpers.checkpoints import SAFE
from tests.unit import small_chat
from tests.unit.test_processes import TORCHRUN, ended, started
from tools import project, sharded

TOLERANCE = 1e-4  # of a loss; sums in another order moved one by 1e-6
UNTIED = pytest.param(False, marks=pytest.mark.long)
PAGE = project.ROOT / "docs" / "more_machines.md"


def divided(*options: str) -> tuple[np.ndarray, tuple[float, float]]:
    """Losses and norms of two processes; and how many million weights one holds, and all have."""
    command = [*TORCHRUN, "--standalone", "--nproc-per-node", "2", "-m", "tools.sharded", *options]
    code, said = ended(started(command))
    assert code == 0, said
    holds = re.search(r"each process holds (\S+) of (\S+) million", said)
    steps = re.findall(r"loss (\S+), norm of the gradient (\S+)", said)
    return np.array(steps, float), tuple(map(float, holds.groups()))


def stored_alike(folder: Path, expected: dict[str, torch.Tensor], tolerance: float) -> None:
    """The folder holds safetensors that the course and transformers read, with these weights."""
    storage.verify(folder)
    assert [*folder.glob("*.safetensors")] and not [*folder.glob("*.bin")]
    for model in (training.load(folder)[1], AutoModelForCausalLM.from_pretrained(folder, **SAFE)):
        found = model.state_dict()
        assert set(found) == set(expected)
        assert max((found[name] - expected[name]).abs().max() for name in found) < tolerance


@pytest.mark.slow
@pytest.mark.parametrize("tied", [True, UNTIED], ids=["tied", "untied"])
def test_two_processes_learn_and_store_what_one_does(tmp_path, tied):
    small_chat.saved_base(tmp_path / "base", tied)
    tokenizer, model = checkpoints.load_causal(str(tmp_path / "base"))
    batches = sharded.batches_of(tokenizer, 3, 5)  # one process gets three of five, one two
    alone = list(sharded.learn(model.train(), batches, tokenizer.pad_token_id, 1e-3))
    options = ["--base", str(tmp_path / "base"), "--out", str(tmp_path / "out")]
    steps, (own, whole) = divided(*options, "--batch-size", "5", "--rate", "1e-3")
    assert np.abs(steps - alone).max() < TOLERANCE and len(steps) == 3
    assert steps[0, 0] - steps[-1, 0] > 100 * TOLERANCE
    assert own == pytest.approx(whole / 2, abs=0.1)
    stored_alike(tmp_path / "out", model.state_dict(), 1e-4)
    tokenizer, again = training.load(tmp_path / "out")
    (answer,) = chat.generate(again, tokenizer, [small_chat.conversation("grass")], 3)
    assert len(answer.ids) == 3


@pytest.mark.long
def test_smollm2_divided_learns_as_the_whole_one(tmp_path):
    alone = sharded.run(checkpoints.CAUSAL_CHECKPOINT, 3, 8, 1e-4, None)
    steps, (own, whole) = divided("--out", str(tmp_path / "out"))
    assert np.abs(steps - alone)[:, 0].max() < TOLERANCE and steps[0, 0] > 3 * steps[-1, 0]
    assert np.allclose(steps, alone, rtol=1e-3)
    assert own == pytest.approx(whole / 2, abs=0.1)
    _, model = training.load(tmp_path / "out")
    assert sharded.held(model) == pytest.approx(1e6 * whole, abs=1e5)


def test_alone_nothing_is_divided():
    model = small_chat.tiny_llama()
    before = dict(model.named_parameters())
    assert sharded.shard(model) is model and dict(model.named_parameters()) == before
    assert sharded.held(model) == sum(parameter.numel() for parameter in before.values())


def test_a_step_needs_a_conversation_for_each_process(monkeypatch):
    monkeypatch.setattr(sharded.parallel, "world_size", lambda: 3)
    with pytest.raises(SystemExit, match="--batch-size 2: give each process at least one"):
        sharded.main(["--batch-size", "2"])


def test_the_lines_of_the_page_are_those_that_run():
    """But for the names of two settings."""
    source = (project.ROOT / "tools" / "sharded.py").read_text(encoding="utf8")
    lines = {line.strip() for line in source.splitlines()}
    block = re.search(
        r"```python\n(from torch.distributed.fsdp.*?)```", PAGE.read_text("utf8"), re.S
    )
    shown = [line.strip() for line in block[1].splitlines() if line.strip()]
    assert len(shown) > 12 and not [line for line in shown if line not in lines]
