"""The script of docs/own_csv.md, for a project of one's own, runs where it says it does."""

import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest
from transformers import pipeline

from helpers import own_data
from tests.unit.small import TINY
from tools import project


def script() -> str:
    """The script of that page, on a tiny model."""
    text = (project.ROOT / "docs" / "own_csv.md").read_text(encoding="utf8")
    found = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    small = {
        "checkpoints.load(": f"checkpoints.load(pretrained=False, **{TINY}, ",
        "epochs=8": "epochs=1",
    }
    for there, instead in small.items():
        assert found.count(there) == 1
        found = found.replace(there, instead)
    return found


@pytest.mark.slow
def test_the_script_for_an_own_project_needs_only_what_it_names(tmp_path):
    shutil.copytree(project.ROOT / "helpers", tmp_path / "helpers")
    (tmp_path / "data").mkdir()
    shutil.copy(project.ROOT / "data" / "sources.toml", tmp_path / "data")
    (tmp_path / "data" / "downloads").symlink_to(project.ROOT / "data" / "downloads")
    rows = pd.read_csv(project.ROOT / "data" / "messages.csv")
    rows = rows.rename(columns={"message": "text", "intent": "label"})
    rows.to_csv(tmp_path / "tickets.csv", index=False)
    (tmp_path / "tickets.py").write_text(script(), encoding="utf8")

    command = [sys.executable, "tickets.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr
    assert "TF-IDF is ahead of fine-tuned" in ended.stdout  # a tiny model that learned nothing
    names = own_data.load(tmp_path / "tickets.csv", "text", "label").names
    classify = pipeline("text-classification", model=str(tmp_path / "outputs" / "tickets"))
    [answer] = classify(["word " * 900], truncation=True)
    assert answer["label"] in names
