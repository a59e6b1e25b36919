"""`python -m tools.own_file`: from a file of any form to its report."""

import json

import numpy as np
import pandas as pd
import pytest
from transformers import pipeline

from tools import own_file

WORDS = ["late again", "never came", "works fine", "looks lovely", "too small", "smells odd"]
TEXTS = [f"text number {i} is {WORDS[i % 6]}" for i in range(72)]


def columns(kind):
    """A table of one kind, and the options that name its columns."""
    sides = ["bad" if i % 6 in (0, 1, 5) else "good" for i in range(len(TEXTS))]
    table = pd.DataFrame({"text": TEXTS, "label": sides})
    options = ["--text", "text", "--label", "label"]
    if kind == "numbers":
        table["label"] = [len(text) + i / 10 for i, text in enumerate(TEXTS)]
        options.append("--regression")
    if kind == "several":
        table["label"] = [f"{side};{['odd', 'even'][i % 2]}" for i, side in enumerate(sides)]
        options += ["--label-separator", ";"]
    if kind == "pairs":
        table["other"] = [WORDS[i % 5] for i in range(len(TEXTS))]
        options = ["--text", "text", "--text", "other", "--label", "label"]
    return table, options


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["classes", "numbers", "several", "pairs"])
def test_a_file_of_any_kind_ends_in_a_report_and_a_model(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(own_file, "TRIED", ((5e-4, 1), (1e-3, 1)))
    monkeypatch.setattr(own_file, "MOST_FOLLOWED", 1)
    table, options = columns(kind)
    path, out = tmp_path / "mine.csv", tmp_path / "out"
    table.to_csv(path, index=False)
    done = own_file.main(
        [str(path), *options, "--out", str(out), "--table", str(tmp_path / "t.csv")]
    )
    said = capsys.readouterr().out
    assert done == 0
    row = json.loads(said.strip().splitlines()[-1])
    kept = pd.read_csv(tmp_path / "t.csv").iloc[0]
    assert (kept["rows"], kept["tried"]) == (row["rows"], row["tried"]) == (72, 3)
    assert row["train"] + row["validation"] + row["test"] + row["left_out"] == 72
    metric = {"numbers": "MAE", "several": "micro F1"}.get(kind, "accuracy")
    assert row["metric"] == metric and np.isfinite([row["fine-tuned"], row["TF-IDF"]]).all()
    assert "mine.csv" in (out / "report.html").read_text(encoding="utf8")
    loaded = pipeline("text-classification", model=str(out / "model"), device="cpu")
    [answer] = loaded([{"text": "late again", "text_pair": "works fine"}], truncation=True)
    names = {"numbers": {"number"}, "several": {"good", "bad", "odd", "even"}}
    assert answer["label"] in names.get(kind, {"good", "bad"})
    if kind == "numbers":  # in the labels' unit, from about 23 to about 36
        assert 15 < answer["score"] < 45


def test_a_file_that_cannot_be_read_ends_in_its_message(tmp_path, capsys):
    path = tmp_path / "mine.csv"
    path.write_text("".join(f"spam\t{text}\nham\tmore {text}\n" for text in TEXTS))
    assert own_file.main([str(path), "--text", "text", "--label", "label"]) == 1
    assert 'HEADER = ["label", "text"]' in capsys.readouterr().err


def test_a_sample_holds_some_rows_of_each_class_and_label():
    rng = np.random.default_rng(0)
    rare = [i % 4 for i in range(200)] + [9] * 3
    chosen = own_file.drawn(rare, 60, rng)
    assert len(set(chosen)) == 60
    assert sum(rare[i] == 9 for i in chosen) == 3
    several = [[1.0, 0.0]] * 200 + [[0.0, 1.0]] * 6 + [[0.0, 0.0]] * 50
    chosen = own_file.drawn(several, 60, rng)
    assert len(chosen) == 60 and sum(several[i][1] for i in chosen) >= 5
    assert own_file.drawn([0, 1], 60, rng) == [0, 1]
