"""Cheat sheets: every shape, number and line of code on them is the code's own."""

import re
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from sklearn import metrics as library

from helpers import batching, checkpoints, metrics, training, validation
from tests.conftest import load
from tools import project

SHEETS = project.ROOT / "docs" / "teaching" / "sheets"
TEXTS = {path.stem: path.read_text(encoding="utf8") for path in sorted(SHEETS.glob("*.md"))}


def rows(sheet: str, header: str) -> list[list[str]]:
    """The cells of the table whose first line begins so; without header and ruler."""
    lines = TEXTS[sheet].splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith(header))
    found = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return found
        found.append([cell.strip() for cell in line[1:-1].split("|")])
    return found


def printed(value: float, like: str) -> str:
    """A number with as many digits as the sheet gives."""
    return f"{value:.{len(like.partition('.')[2])}f}"


# ---------------------------------------------------------------- shapes


@pytest.fixture(scope="module")
def model():
    return checkpoints.load(label_names=["negative", "positive"])[1].eval()


@pytest.fixture(scope="module")
def tensors(model) -> dict[str, torch.Tensor]:
    """What is on the way through the small BERT, by the names of the sheet; from real hooks."""
    seen = {}
    layer = model.bert.encoder.layer[0]
    stages = {
        "embeddings": model.bert.embeddings,
        "query": layer.attention.self.query,
        "attention_output": layer.attention.output,
        "intermediate": layer.intermediate,
        "layer_output": layer.output,
    }
    for name, stage in stages.items():
        stage.register_forward_hook(lambda m, i, o, name=name: seen.__setitem__(name, o))
    model.bert.pooler.register_forward_hook(lambda m, i, o: seen.update(pooler_output=o))
    ids, mask = batching.pad([[101, *range(2000, 2000 + n), 102] for n in (16, 3, 7, 1)], 0)
    labels = torch.tensor([0, 1, 1, 0])
    model.set_attn_implementation("eager")
    out = model(input_ids=ids, attention_mask=mask, labels=labels, output_attentions=True)
    heads, width = model.config.num_attention_heads, model.config.hidden_size
    queries = seen["query"].view(*ids.shape, heads, width // heads).transpose(1, 2)
    return seen | {
        "input_ids": ids,
        "attention_mask": mask,
        "query_heads": queries,
        "additive_mask": model.bert.get_extended_attention_mask(mask, ids.shape)
        if hasattr(model.bert, "get_extended_attention_mask")
        else mask[:, None, None, :],
        "attention_weights": out.attentions[0],
        "cls_vector": seen["layer_output"][:, 0],
        "logits": out.logits,
        "labels": labels,
        "loss": out.loss,
    }


def sizes(model) -> dict[str, int]:
    """What the letters of the sheet stand for."""
    config = model.config
    width, heads = config.hidden_size, config.num_attention_heads
    letters = {"V": config.vocab_size, "H": width, "A": heads, "D": width // heads}
    return letters | {"B": 4, "T": 18, "F": config.intermediate_size, "C": 2}


def shape(text: str, letters: dict[str, int]) -> tuple[int, ...]:
    """`(B, T)` as numbers."""
    inside = re.search(r"\(([^)]*)\)", text)[1]
    parts = [part.strip() for part in inside.split(",") if part.strip()]
    return tuple(letters[part] if part in letters else int(part) for part in parts)


def test_shapes_on_the_sheet_are_those_of_the_encoder(tensors, model):
    table = rows("shapes", "| name | what it is")
    assert {row[0].strip("`") for row in table} == set(tensors) - {"query_"}
    for name, _, in_letters, in_numbers in table:
        found = tuple(tensors[name.strip("`")].shape)
        assert shape(in_letters, sizes(model)) == found, name
        assert shape(in_numbers, {}) == found, name


def test_the_letters_of_the_sheet_have_the_values_it_gives(model):
    ours = TEXTS["shapes"].partition("BERT-base")[0]
    said = dict(re.findall(r"\$([A-Z])\$ = ([\d,]+)", ours))
    letters = sizes(model) | {"L": model.config.num_hidden_layers}
    assert {key: int(value.replace(",", "")) for key, value in said.items()} == {
        key: letters[key] for key in said
    }
    assert set(said) == {"V", "H", "L", "A", "F"}


def test_weights_on_the_sheet_are_those_of_the_model(model):
    marks = {
        "word table": "word_embeddings",
        "position table": "position_embeddings",
        "type table": "token_type",
        "query, key, value, output": r"(query|key|value|attention\.output\.dense)\.",
        "feed-forward up": "intermediate",
        "feed-forward down": r"\d\.output\.dense",
        "LayerNorm": "LayerNorm",
        "pooler": "pooler",
        "classifier": "classifier",
        "all": "",
    }
    for name, in_letters, _, numbers in rows("shapes", "| name | shape"):
        found = {
            n: p
            for n, p in model.named_parameters()
            if re.search(marks[name.strip("`")], n)
            and not (name == "`word table`" and "LayerNorm" in n)
        }
        assert sum(p.numel() for p in found.values()) == int(numbers.replace(",", "")), name
        wanted = {shape(part, sizes(model)) for part in re.findall(r"`([^`]*)`", in_letters)}
        assert name == "`all`" or {tuple(p.shape) for p in found.values()} == wanted, name


# ---------------------------------------------------------------- metrics


@pytest.fixture(scope="module")
def judged() -> SimpleNamespace:
    """The recorded validation predictions of notebook 05."""
    table = pd.read_csv(project.ROOT / "data" / "measured" / "evaluation_logits.csv")
    part = table[table["part"] == "validation"]
    logits = part[["epoch1_logit0", "epoch1_logit1"]].to_numpy()
    scores = logits[:, 1] - logits[:, 0]
    labels = part["label"].to_numpy()
    p = 1 / (1 + np.exp(-scores))
    return SimpleNamespace(labels=labels, logits=logits, scores=scores, p=p, said=(p >= 0.5) * 1)


def test_metrics_on_the_sheet_are_those_of_helpers_and_scikit_learn(judged):
    labels, said = judged.labels, judged.said
    matrix = metrics.confusion_matrix(labels, said)
    both = {
        "accuracy": (metrics.accuracy(matrix), library.accuracy_score(labels, said)),
        "precision": (metrics.precision(matrix)[1], library.precision_score(labels, said)),
        "recall": (metrics.recall(matrix)[1], library.recall_score(labels, said)),
        "specificity": (
            metrics.specificity(matrix)[1],
            library.recall_score(labels, said, pos_label=0),
        ),
        "F1": (metrics.f1(matrix)[1], library.f1_score(labels, said)),
        "macro F1": (
            metrics.average(metrics.f1, matrix, "macro"),
            library.f1_score(labels, said, average="macro"),
        ),
        "MCC": (metrics.matthews(matrix), library.matthews_corrcoef(labels, said)),
        "AUC": (metrics.auc(labels, judged.scores), library.roc_auc_score(labels, judged.scores)),
        "average precision": (
            metrics.average_precision(labels, judged.scores),
            library.average_precision_score(labels, judged.scores),
        ),
        "ECE, 10 bins": (metrics.expected_calibration_error(labels, judged.p),) * 2,
        "Brier score": (
            metrics.brier_score(labels, judged.p),
            library.brier_score_loss(labels, judged.p),
        ),
        "cross-entropy": (
            metrics.negative_log_likelihood(labels, judged.logits),
            library.log_loss(labels, judged.p),
        ),
    }
    table = rows("metrics", "| metric | formula | here | what it asks")
    assert [row[0] for row in table] == list(both)
    for name, _, here, _ in table:
        assert [printed(value, here) for value in both[name]] == [here, here], name


def test_the_counts_of_the_example_and_the_formulas_give_the_figures(judged):
    text = TEXTS["metrics"]
    counts = {key: int(re.search(rf"\b{key} (\d+)", text)[1]) for key in ("TN", "FP", "FN", "TP")}
    matrix = metrics.confusion_matrix(judged.labels, judged.said)
    assert list(counts.values()) == matrix.ravel().tolist()
    names = counts | {"n": sum(counts.values())}
    for name, formula, here, _ in rows("metrics", "| metric | formula | here | what it asks")[:5]:
        plain = formula.strip("$").replace("2\\,", "2*")
        assert printed(eval(plain, {}, names), here) == here, name


def test_what_the_sheet_says_of_dummies_and_of_other_places(judged):
    text, labels = TEXTS["metrics"], judged.labels
    matrix = metrics.confusion_matrix(labels, judged.said)
    everything = metrics.confusion_matrix(labels, np.ones_like(labels))
    recall, specificity = metrics.recall(matrix)[1], metrics.specificity(matrix)[1]
    elsewhere = 0.05 * recall / (0.05 * recall + 0.95 * (1 - specificity))
    rng = np.random.default_rng(0)
    perfect = [
        metrics.expected_calibration_error((rng.random(len(labels)) < judged.p) * 1, judged.p)
        for _ in range(500)
    ]
    for before, value, like in (
        ("without the dummy's: ", max(labels.mean(), 1 - labels.mean()), "0.501"),
        ("all called positive: ", metrics.f1(everything)[1], "0.67"),
        ("share of positives: ", labels.mean(), "0.499"),
        ("At 5 %: ", elsewhere, "0.26"),
        ("times a miss: ", 5 / 6, "0.83"),
        ("always saying ½: ", metrics.brier_score(labels, np.full(len(labels), 0.5)), "0.25"),
        ("always saying ½: ", np.log(2), "0.693"),
        ("calibrated model has about ", np.mean(perfect), "0.03"),
    ):
        assert before + like in text
        assert printed(value, like) == like, before


def test_numbers_as_labels():
    labels, answers = np.array([-3.0, -1, 2, 4]), np.array([-2.0, -1, 1, 2])
    figures = {
        "MAE": library.mean_absolute_error(labels, answers),
        "RMSE": library.root_mean_squared_error(labels, answers),
        "R²": library.r2_score(labels, answers),
        "Pearson's r": stats.pearsonr(labels, answers).statistic,
        "Spearman's ρ": stats.spearmanr(labels, answers).statistic,
    }
    table = rows("metrics", "| metric | formula | here | what it forgives")
    assert [row[0] for row in table] == list(figures)
    for name, _, here, _ in table:
        assert printed(figures[name], here) == here, name


def test_how_sure():
    for right, interval, _, lead, needed in rows("metrics", "| right | interval"):
        low, high = metrics.wilson(*(int(n) for n in right.split(" of ")))
        assert interval == f"{low:.1%} to {high:.1%}".replace("%", "").rstrip() + " %"
        points = int(lead.split()[0]) / 100
        assert int(needed.replace(",", "")) == validation.examples_needed(points, 0.07)


# ---------------------------------------------------------------- the loop


def test_the_loop_on_the_sheet_is_that_of_notebook_04():
    cells = load(project.NOTEBOOKS / "04_fine_tuning_loop.ipynb")["cells"]
    code = "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
    train, helper = re.findall(r"```python\n(.*?)```", TEXTS["loop"], re.DOTALL)
    assert train in code + "\n"
    assert all(line in code.splitlines() for line in helper.splitlines())
    for name in re.findall(r"^\| `([\w.]+)", TEXTS["loop"], re.MULTILINE)[:11]:
        assert name in code, name


def test_the_dials_on_the_sheet_are_those_of_the_helper():
    config = training.TrainingConfig()
    steps = -(-5970 // 32)
    for hyperparameter, here, note in rows("loop", "| hyperparameter | here"):
        assert float(here) == getattr(config, hyperparameter.strip("`")), hyperparameter
        if "steps an epoch" in note:
            assert note.startswith(f"{steps} steps")
        if " of 561" in note:
            assert note == f"{int(np.ceil(0.1 * 3 * steps))} of {3 * steps} steps"


def test_softmax_twice_leaves_the_loss_that_the_sheet_says():
    perfect = torch.tensor([[1.0, 0.0]])
    loss = torch.nn.functional.cross_entropy(perfect, torch.tensor([0])).item()
    assert f"stays at {loss:.2f}" in TEXTS["loop"]
