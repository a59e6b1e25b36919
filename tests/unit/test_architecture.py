"""The rules of the house: who may import whom, and what a module must say."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import tasks

# A module may import only modules to its left: the way of a text through the model.
ORDER = [
    "files",
    "folders",
    "parallel",
    "runtime",
    "downloads",
    "corpora",
    "own_data",
    "speedups",
    "checkpoints",
    "batching",
    "metrics",
]
ORDER += ["baselines", "storage", "training", "validation", "measured", "plots", "report"]
ORDER += ["exercises"]
# The same law inside a package; the rest of the house sees only what its `__init__` names.
INSIDE = {
    "own_data": [
        "sources",
        "records",
        "tables",
        "rows",
        "counting",
        "checks",
        "loading",
        "writing",
        "new_file",
    ],
    "training": ["config", "steps", "session", "running"],
    "measured": ["rows", "class_imbalance", "what_it_buys", "cross_validation", "domains"],
    "report": ["results", "wording", "drawings", "templating", "html_page", "card"],
}
FILES = sorted((tasks.ROOT / "helpers").rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(tasks.ROOT / "helpers").with_suffix("").as_posix()


def module(path: Path) -> str:
    """The module a file belongs to; a package is one module."""
    return path.relative_to(tasks.ROOT / "helpers").parts[0].removesuffix(".py")


def imported(path: Path) -> set[tuple[str, str]]:
    """What a file imports of `helpers`, wherever in it: (module, file in its package or "")."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        assert not (isinstance(node, ast.ImportFrom) and node.level), "write imports in full"
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            names += [f"helpers.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module)
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [[*name.split("."), "", ""] for name in names]
    return {(part[1], part[2]) for part in parts if part[0] == "helpers"}


def public(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Functions, classes and methods of a file whose names have no leading underscore."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds)]
    methods = [
        n for c in top if isinstance(c, ast.ClassDef) for n in c.body if isinstance(n, kinds)
    ]
    return [node for node in top + methods if not node.name.startswith("_")]


@pytest.mark.parametrize("path", FILES, ids=place)
def test_modules_import_only_from_above(path):
    own = module(path)
    below = {name for name, _ in imported(path)} - {own}
    if own == "__init__":
        assert not below
    else:
        below -= set(ORDER[: ORDER.index(own)])
        assert not below, f"{own} stands above {sorted(below)} in the list"


@pytest.mark.parametrize("path", FILES, ids=place)
def test_only_a_package_looks_into_itself_and_only_upwards(path):
    """`from helpers.report.card import …` is for `helpers/report/` alone, and not in a circle."""
    own = module(path)
    inside = {file for name, file in imported(path) if name == own}
    others = {f"{name}.{file}" for name, file in imported(path) if name != own and file}
    assert not others, f"import what the package names, not {sorted(others)}"
    if path.stem == "__init__":
        assert "" not in inside
    elif own in INSIDE:
        allowed = INSIDE[own][: INSIDE[own].index(path.stem)]
        assert inside <= set(allowed), f"{path.stem} stands above {sorted(inside - set(allowed))}"
    else:  # the graders of a notebook need what their package shares, not each other
        assert inside <= {""}


@pytest.mark.parametrize("package", INSIDE)
def test_the_order_inside_a_package_names_all_its_files(package):
    files = {path.stem for path in FILES if path.parent.name == package}
    assert files == {*INSIDE[package], "__init__"}


@pytest.mark.parametrize("path", FILES, ids=place)
def test_public_names_are_documented(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf8")))
    # Methods that only fill in a library's interface are described by the library.
    overriding = {"display", "update", "close", "clear", "forward"}
    silent = [n.name for n in public(path) if not ast.get_docstring(n) and n.name not in overriding]
    assert not silent


@pytest.mark.parametrize("path", FILES, ids=place)
def test_public_functions_have_type_hints(path):
    bare = []
    for function in public(path):
        if isinstance(function, ast.FunctionDef):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            hinted = all(a.annotation for a in given if a.arg not in ("self", "cls"))
            bare += [] if hinted and function.returns else [function.name]
    assert not bare


LONGEST_METHOD, MOST_COMPLEX_METHOD = 16, 5  # lines of body without its docstring; ruff's C901


def long_methods(text: str) -> list[str]:
    """Methods whose bodies have more than `LONGEST_METHOD` lines below signature and docstring."""
    found = []
    for kind in (node for node in ast.parse(text).body if isinstance(node, ast.ClassDef)):
        for method in (node for node in kind.body if isinstance(node, ast.FunctionDef)):
            body = method.body[ast.get_docstring(method) is not None :]
            lines = body[-1].end_lineno - body[0].lineno + 1 if body else 0
            found += [f"{method.name}: {lines} lines"] if lines > LONGEST_METHOD else []
    return found


def complex_functions(text: str) -> list[str]:
    """What ruff says of functions with a complexity above `MOST_COMPLEX_METHOD`."""
    limit = f"lint.mccabe.max-complexity={MOST_COMPLEX_METHOD}"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "C901"]
    command += ["--config", limit, "--output-format", "concise", "--quiet", "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, encoding="utf8")
    assert not done.stderr
    return done.stdout.splitlines()


def test_each_part_of_the_training_loop_fits_in_one_s_head():
    lines = "\n".join(f"        x = {i}" for i in range(LONGEST_METHOD))
    within = f'class A:\n    def f(self):\n        """One."""\n{lines}\n'
    assert long_methods(within) == []
    assert long_methods(f"{within}        x = 99\n") == [f"f: {LONGEST_METHOD + 1} lines"]
    branches = "\n".join(f"    if x == {i}:\n        x += 1" for i in range(MOST_COMPLEX_METHOD))
    [planted] = complex_functions(f"def f(x):\n{branches}\n")
    assert "C901" in planted
    text = (tasks.ROOT / "helpers/training/session.py").read_text(encoding="utf8")
    assert {"restore", "safeguards", "train_epoch", "step", "evaluate", "end_epoch", "save"} <= {
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    }
    assert long_methods(text) == [] and complex_functions(text) == []


def test_tasks_needs_the_standard_library_only():
    """Outside the functions that the Python of .venv runs, which import lazily."""
    tree = ast.parse((tasks.ROOT / "tasks.py").read_text(encoding="utf8"))
    names = {a.name.split(".")[0] for n in tree.body if isinstance(n, ast.Import) for a in n.names}
    nodes = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    assert [ast.unparse(n) for n in nodes if n.module == "helpers"] == ["from helpers import files"]
    names |= {node.module.split(".")[0] for node in nodes if node.module != "helpers"}
    assert names <= set(sys.stdlib_module_names)


def loads_by_name(text: str) -> list[str]:
    """Calls by which `transformers` chooses a class, and so could run a folder's own program."""
    found = []
    for node in ast.walk(ast.parse(text)):
        called = node.func if isinstance(node, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in ("from_pretrained", "from_config"):
            keywords = [ast.unparse(keyword) for keyword in node.keywords]
            safe = {"trust_remote_code=False", "**SAFE", "**checkpoints.SAFE"} & set(keywords)
            if ast.unparse(called.value).startswith("Auto") and not safe:
                found.append(ast.unparse(called))
    return found


def test_nothing_is_loaded_in_a_way_that_could_run_a_program_it_brings_along():
    assert loads_by_name("AutoModel.from_pretrained(name)") == ["AutoModel.from_pretrained"]
    assert loads_by_name("AutoModel.from_pretrained(name, trust_remote_code=True)")
    python = [path for path in tasks.ROOT.glob("*/**/*.py") if ".venv" not in str(path)]
    texts = {path.name: path.read_text(encoding="utf8") for path in python}
    for path in tasks.notebooks():
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        texts[path.name] = "\n".join(code)
    assert {name: found for name, text in texts.items() if (found := loads_by_name(text))} == {}
