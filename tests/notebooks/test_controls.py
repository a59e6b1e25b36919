"""Notebooks that train assert that something was learned; here nothing can be: do they fail?

A copy of the course is run with one cell more, which swaps in random weights or shuffles the
training labels. Every cell tagged `asserts-learning` must then stop with an AssertionError. Cells
after the last of them are left out, and so are cells tagged `control-skip`.
"""

import os
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

import tasks

RANDOM_WEIGHTS = """
from helpers import checkpoints

def load_untrained(*arguments, _load=checkpoints.load, **options):
    return _load(*arguments, **options | {"pretrained": False})

def load_untrained_encoder(*arguments, **options):
    return load_untrained(*arguments, **options)[1].base_model

checkpoints.load = load_untrained
checkpoints.load_encoder = load_untrained_encoder
"""

SHUFFLED_LABELS = """
import numpy as np
from dataclasses import replace
from datasets import DatasetDict
from helpers import corpora, own_data

def shuffled(parts):
    parts = DatasetDict(parts)
    features = parts["train"].features
    labels = np.random.default_rng(0).permutation(parts["train"]["label"][:])
    unlabelled = parts["train"].remove_columns("label")
    parts["train"] = unlabelled.add_column("label", labels).cast(features)
    return parts

def load_shuffled(*arguments, _load=corpora.load, **options):
    return shuffled(_load(*arguments, **options))

def load_own_shuffled(*arguments, _load=own_data.load, **options):
    mine = _load(*arguments, **options)
    return replace(mine, datasets=shuffled(mine.datasets))

corpora.load = load_shuffled
own_data.load = load_own_shuffled
"""

CONTROLS = {"random weights": RANDOM_WEIGHTS, "shuffled labels": SHUFFLED_LABELS}
TRAINS = tasks.project()["tool"]["course"]["trains"]
# The rest runs with `tasks.py test --all`: for every change they would take too long.
EVERY_TIME = {
    "random weights": {"00_start_here", "03_losses_and_gradients"},
    "shuffled labels": set(TRAINS),
}
CASES = [
    pytest.param(
        name,
        control,
        id=f"{name[:2]}, {what}",
        marks=() if name in EVERY_TIME[what] else pytest.mark.long,
    )
    for name in TRAINS
    for what, control in CONTROLS.items()
]


def tags(cell: dict) -> list[str]:
    return cell.metadata.get("tags", [])


def errors(cell: dict) -> list[str]:
    return [output.ename for output in cell.outputs if output.output_type == "error"]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the course: what it saves must not be found by the real one."""
    for folder in ("helpers", "notebooks", "data", "tools"):
        skip = shutil.ignore_patterns("downloads", "__pycache__")
        shutil.copytree(tasks.ROOT / folder, tmp_path / folder, ignore=skip)
    downloads = tasks.ROOT / "data" / "downloads"
    os.symlink(downloads, tmp_path / "data" / "downloads", target_is_directory=True)
    return tmp_path


def with_control(path: Path, control: str) -> nbformat.NotebookNode:
    """The notebook up to its last assertion of learning, with `control` after the setup cell."""
    notebook = nbformat.read(path, as_version=4)
    last = max(i for i, cell in enumerate(notebook.cells) if "asserts-learning" in tags(cell))
    cells = [cell for cell in notebook.cells[: last + 1] if "control-skip" not in tags(cell)]
    setup = next(i for i, cell in enumerate(cells) if "setup" in tags(cell))
    cells.insert(setup + 1, nbformat.v4.new_code_cell(control))
    notebook.cells = cells
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize(("name", "control"), CASES)
def test_assertions_of_learning_fail_where_nothing_can_be_learned(name, control, copy):
    path = copy / "notebooks" / f"{name}.ipynb"
    notebook = with_control(path, control)
    timeout = tasks.project()["tool"]["course"]["cell_timeout"]
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=timeout, allow_errors=True, resources=place).execute()

    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    swap = next(cell for cell in ran if cell.source == control)
    assert not errors(swap), "the control itself failed"
    learning = [cell for cell in ran if "asserts-learning" in tags(cell)]
    assert learning
    for cell in learning:
        assert errors(cell) == ["AssertionError"], f"{cell.id} must fail here:\n{cell.source}"


def test_every_cell_that_asserts_learning_is_held_by_both_controls():
    tagged = {
        path.stem
        for path in tasks.NOTEBOOKS.glob("*.ipynb")
        if any("asserts-learning" in tags(cell) for cell in nbformat.read(path, 4).cells)
    }
    held = {(case.values[0], case.values[1]) for case in CASES}
    assert held == {
        (name, control) for name in tagged for control in (RANDOM_WEIGHTS, SHUFFLED_LABELS)
    }
