"""A learner changes the seed, the learning rate, the checkpoint and the data: nothing stops them.

A copy of a notebook is run with all of these changed at once: another seed, three times the
learning rate, a local BERT (in 12 a local Llama) of two layers with random weights, half of the
training data. No cell may fail but those that fail on purpose. Its numbers mean nothing; that
nothing stops is the test.
"""

import re
from pathlib import Path

import nbformat
import pytest
import torch
from transformers import BertConfig, BertModel, LlamaConfig, LlamaForCausalLM

from helpers import checkpoints
from tests.conftest import COURSE
from tests.notebooks.conftest import run

SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
SMALL |= {"intermediate_size": 64}
FEWER_ROWS = """
from helpers import corpora

def load_fewer(*arguments, _load=corpora.load, **options):
    parts = _load(*arguments, **options)
    parts["train"] = parts["train"].select(range(0, len(parts["train"]), 2))
    return parts

corpora.load = load_fewer
"""
CHANGES = {
    "seed": (r"^SEED = \d+", "SEED = 11"),
    "learning rate": (r"\b(learning_rate|lr)=([\d.]+(?:e-?\d+)?)\b", r"\1=3 * \2"),
    "checkpoint": (r'^CHECKPOINT = "(minilm|smollm2)"', r'CHECKPOINT = "{small}/\1"'),
}
ALL = (*CHANGES, "data")
EVERY_TIME = ("00", "02", "04", "05", "13")
CASES = [
    pytest.param(
        path, ALL, id=path.stem, marks=() if path.stem[:2] in EVERY_TIME else pytest.mark.long
    )
    for path in COURSE
] + [
    pytest.param(path, (change,), id=f"{path.stem}, {change}", marks=pytest.mark.long)
    for path in COURSE
    for change in ALL
]


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Path:
    """A folder with a BERT and a Llama that have learned nothing, and the course's tokenizers."""
    folder = tmp_path_factory.mktemp("small")
    kinds = {"minilm": (BertConfig, BertModel), "smollm2": (LlamaConfig, LlamaForCausalLM)}
    for name, (config, model) in kinds.items():
        tokenizer = checkpoints.load_tokenizer(name)
        ends = {key: getattr(tokenizer, key) for key in ("pad_token_id", "eos_token_id")}
        torch.manual_seed(0)
        made = model(config(**SMALL | ends, vocab_size=len(tokenizer)))
        made.save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def changed(notebook: nbformat.NotebookNode, changes: tuple, small: Path) -> nbformat.NotebookNode:
    """The notebook as a learner leaves it who made these changes."""
    for cell in notebook.cells:
        if cell.cell_type == "code" and "setup" not in cell.metadata.get("tags", []):
            for name in set(changes) & set(CHANGES):
                pattern, instead = CHANGES[name]
                instead = instead.replace("{small}", str(small))
                cell.source = re.sub(pattern, instead, cell.source, flags=re.MULTILINE)
    if "data" in changes:
        setup = next(
            i for i, c in enumerate(notebook.cells) if "setup" in c.metadata.get("tags", [])
        )
        notebook.cells.insert(setup + 1, nbformat.v4.new_code_cell(FEWER_ROWS))
    return notebook


@pytest.mark.slow
@pytest.mark.parametrize(("path", "changes"), CASES)
def test_nothing_stops_a_learner_who_changes(path, changes, small, copy, monkeypatch):
    notebook = changed(nbformat.read(path, as_version=4), changes, small)
    monkeypatch.setenv("PYTHONPATH", str(copy))
    run(notebook, copy / "notebooks")
    stopped = [
        f"{cell.get('id')}: {output.ename}: {output.evalue}\n{cell.source}"
        for cell in notebook.cells
        if cell.cell_type == "code" and "raises-exception" not in cell.metadata.get("tags", [])
        for output in cell.outputs
        if output.output_type == "error"
    ]
    assert not stopped, "\n\n".join(stopped)


def test_the_changes_are_made(small):
    """A notebook that names its settings otherwise would be tested unchanged."""
    for path in COURSE:
        before = nbformat.read(path, as_version=4)
        after = changed(nbformat.read(path, as_version=4), ALL, small)
        texts = [
            "\n".join(c.source for c in n.cells if c.cell_type == "code") for n in (before, after)
        ]
        assert "SEED = 11" in texts[1] or "SEED" not in texts[0], path.stem
        assert str(small) in texts[1] or "CHECKPOINT" not in texts[0], path.stem
        assert ("=3 * " in texts[1]) == bool(re.search(CHANGES["learning rate"][0], texts[0]))


def test_an_assertion_about_our_numbers_would_be_seen(small, copy, monkeypatch, tmp_path):
    """The test above fails where a lesson asserts what came of seed 0."""
    notebook = nbformat.v4.new_notebook()
    for source, given in (("x = 1", ["setup"]), ("SEED = 0", []), ("assert SEED == 0", [])):
        cell = nbformat.v4.new_code_cell(source, metadata={"tags": given})
        notebook.cells.append(cell)
    path = tmp_path / "99_x.ipynb"
    nbformat.write(notebook, path)
    with pytest.raises(AssertionError, match="assert SEED == 0"):
        test_nothing_stops_a_learner_who_changes(path, ("seed",), small, copy, monkeypatch)
