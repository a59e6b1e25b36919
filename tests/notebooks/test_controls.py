"""Notebooks that train claim that something was learned; here nothing can be: do they fail?

A copy of the course is run with one cell more, which swaps in random weights or shuffles the
training labels. Every claim marked `learning` must then fail with an AssertionError. Cells after
the last of them are left out, and so are cells tagged `control-skip`.
"""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest

from tests.conftest import COURSE
from tests.notebooks.claims import call, claims_of
from tests.notebooks.conftest import run
from tools import project

RANDOM_WEIGHTS = """
import torch
from helpers import checkpoints

def load_untrained(*arguments, _load=checkpoints.load, **options):
    return _load(*arguments, **options | {"pretrained": False})

def load_untrained_encoder(*arguments, **options):
    return load_untrained(*arguments, **options)[1].base_model

def load_untrained_head(*arguments, _load=checkpoints.load_with_head, **options):
    tokenizer, model = _load(*arguments, **options)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return tokenizer, type(model)(model.config).eval()

def load_untrained_causal(*arguments, _load=checkpoints.load_causal, **options):
    tokenizer, model = _load(*arguments, **options)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return tokenizer, type(model)(model.config).eval()

checkpoints.load = load_untrained
checkpoints.load_encoder = load_untrained_encoder
checkpoints.load_causal = load_untrained_causal
checkpoints.load_with_head = load_untrained_head
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

# Notebook 14: labels go to other positions of the training part, translations to other texts.
from helpers import other_tasks

def encode_spans_shuffled(tokenizer, part, _encode=other_tasks.encode_spans):
    rows = _encode(tokenizer, part)
    labels = [label for row in rows for label in row.labels if label >= 0]
    mixed = iter(np.random.default_rng(0).permutation(labels).tolist())
    if len(part) < 300:  # not the training part
        return rows
    return [
        replace(row, labels=[next(mixed) if label >= 0 else label for label in row.labels])
        for row in rows
    ]

def encode_questions_shuffled(tokenizer, questions, _encode=other_tasks.encode_questions):
    places = _encode(tokenizer, questions)
    if len(places) < 600:
        return places
    rng, mixed = np.random.default_rng(0), []
    for place in places:
        ends = sorted(rng.integers(0, len(place.encoded.input_ids), 2).tolist())
        mixed.append(place._replace(encoded=replace(place.encoded, labels=ends)))
    return mixed

def conversations_shuffled(inbox, part, _make=other_tasks.conversations):
    found = _make(inbox, part)
    if part == "train":
        rows = [row[:2] for row in found["translate"]["messages"]]
        order = np.random.default_rng(0).permutation(len(rows))
        answers = [row[2] for row in found["translate"]["messages"]]
        mixed = [[*row, answers[i]] for row, i in zip(rows, order, strict=True)]
        found["translate"] = type(found["translate"]).from_dict({"messages": mixed})
    return found

other_tasks.encode_spans = encode_spans_shuffled
other_tasks.encode_questions = encode_questions_shuffled
other_tasks.conversations = conversations_shuffled
"""

CONTROLS = {"random weights": RANDOM_WEIGHTS, "shuffled labels": SHUFFLED_LABELS}
TRAINS = project.project()["tool"]["course"]["trains"]
# The rest runs with `tasks.py test --all`: for every change they would take too long.
EVERY_TIME = {
    "random weights": {"03_losses_and_gradients"},
    "shuffled labels": {"00_start_here", "03_losses_and_gradients"},
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


def with_control(path: Path, control: str) -> nbformat.NotebookNode:
    """The notebook up to its last claim of learning, with `control` after the setup cell."""
    notebook = nbformat.read(path, as_version=4)
    claims = learning(path.stem)
    last = max(i for i, cell in enumerate(notebook.cells) if cell.id in {c.cell for c in claims})
    cells = []
    for cell in notebook.cells[: last + 1]:
        cells += [] if "control-skip" in tags(cell) else [cell]
        cells += [checking(path.stem, holds) for holds in claims if holds.cell == cell.id]
        if "setup" in tags(cell):
            cells.append(nbformat.v4.new_code_cell(control))
    notebook.cells = cells
    return notebook


def learning(name: str) -> list[Callable]:
    """What a notebook claims to have learned."""
    return [holds for holds in claims_of(name) if holds.learning]


def checking(name: str, holds: Callable) -> nbformat.NotebookNode:
    """A cell that checks one claim."""
    source = call(name, holds.cell, holds.__name__)
    return nbformat.v4.new_code_cell(source, metadata={"tags": ["claim"]})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "control"), CASES)
def test_assertions_of_learning_fail_where_nothing_can_be_learned(name, control, copy, monkeypatch):
    path = copy / "notebooks" / f"{name}.ipynb"
    notebook = with_control(path, control)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    run(notebook, path.parent)

    ran = [cell for cell in notebook.cells if cell.cell_type == "code"]
    swap = next(cell for cell in ran if cell.source == control)
    assert not errors(swap), "the control itself failed"
    claims = [cell for cell in ran if "claim" in tags(cell)]
    assert len(claims) == len(learning(name)) > 0
    for cell in claims:
        assert errors(cell) == ["AssertionError"], f"this claim must fail here: {cell.source}"


def test_every_claim_of_learning_is_held_by_both_controls():
    names = {path.stem for path in COURSE if learning(path.stem)}
    held = {(case.values[0], case.values[1]) for case in CASES}
    assert held == {
        (name, control) for name in names for control in (RANDOM_WEIGHTS, SHUFFLED_LABELS)
    }
