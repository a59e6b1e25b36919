"""Runs the scripts of the interactive figures without a page, where this machine has Node.js."""

import json
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest

from helpers import widgets

RUN = """
const { readFileSync } = require("node:fs"), { gunzipSync } = require("node:zlib");
const [script, data] = process.argv.slice(1);
const stored = JSON.parse(gunzipSync(readFileSync(data)).toString("utf8"));
const work = new Function("stored", "texts", readFileSync(script, "utf8") + `
  const tables = readTables(stored);
  return texts.map((text) => tokenize(tables, text));
`);
const texts = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(work(stored, texts)));
"""


def find_node() -> str | None:
    """Node.js of this machine, else the one that playwright brings along."""
    found = find_spec("playwright")
    brought = Path(found.origin).parent / "driver" / "node" if found and found.origin else None
    return shutil.which("node") or (str(brought) if brought and brought.is_file() else None)


def tokenize(texts: list[str]) -> list[list[dict]]:
    """For each text its words, as the interactive tokenizer finds them."""
    node = find_node()
    if node is None:
        pytest.skip("skipped: Node.js was not found; the tests in a browser compare the same texts")
    files = [str(widgets.STATIC / name) for name in ("wordpiece.js", "wordpiece.json.gz")]
    options = {"input": json.dumps(texts), "capture_output": True, "encoding": "utf8"}
    done = subprocess.run([node, "-e", RUN, *files], check=False, **options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


WORK = """
const { readFileSync } = require("node:fs");
const [expression, ...scripts] = process.argv.slice(1);
const data = JSON.parse(readFileSync(0, "utf8"));
const code = scripts.map((script) => readFileSync(script, "utf8")).join("\\n");
const found = new Function("data", `${code}; return ${expression};`)(data);
process.stdout.write(JSON.stringify(found));
"""


def gives(scripts: list[str], expression: str, data: object):
    """What some scripts in `helpers/widgets/static` give for an expression of `data`."""
    node = find_node()
    if node is None:
        pytest.skip("skipped: Node.js was not found; the tests in a browser look at the same")
    files = [str(widgets.STATIC / name) for name in scripts]
    options = {"input": json.dumps(data), "capture_output": True, "encoding": "utf8"}
    done = subprocess.run([node, "-e", WORK, expression, *files], check=False, **options)
    assert done.returncode == 0, done.stderr[-1000:]
    return json.loads(done.stdout)
