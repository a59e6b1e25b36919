"""The rules of the house: who may import whom, how long a module may be, what it must say."""

import ast
import sys
from pathlib import Path

import pytest

import tasks

# A module may import only modules to its left: the way of a text through the model.
ORDER = ["runtime", "downloads", "corpora", "tables", "own_data", "new_data", "checkpoints"]
ORDER += ["batching", "metrics", "storage", "training", "validation", "results"]
ORDER += ["plots", "report", "exercises"]
FILES = sorted((tasks.ROOT / "helpers").rglob("*.py"))
LONGEST = 250


def module(path: Path) -> str:
    """The module a file belongs to; `exercises` is a package of one file a notebook."""
    return path.relative_to(tasks.ROOT / "helpers").parts[0].removesuffix(".py")


def imported(path: Path) -> set[str]:
    """Which modules of `helpers` a file imports, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "helpers":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("helpers."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
            found |= {name[1] for name in names if name[0] == "helpers" and len(name) > 1}
    return found


def public(path: Path) -> list[ast.FunctionDef | ast.ClassDef]:
    """Functions, classes and methods of a file whose names have no leading underscore."""
    tree = ast.parse(path.read_text(encoding="utf8"))
    kinds = (ast.FunctionDef, ast.ClassDef)
    top = [node for node in tree.body if isinstance(node, kinds)]
    methods = [
        n for c in top if isinstance(c, ast.ClassDef) for n in c.body if isinstance(n, kinds)
    ]
    return [node for node in top + methods if not node.name.startswith("_")]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_modules_import_only_from_above(path):
    own = module(path)
    if own == "__init__":
        assert not imported(path)
        return
    allowed = set(ORDER[: ORDER.index(own)])
    below = imported(path) - allowed - ({own} if own == "exercises" else set())
    assert not below, f"{own} stands above {sorted(below)} in the list"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_modules_can_be_read_in_five_minutes(path):
    lines = path.read_text(encoding="utf8").splitlines()
    count = sum(bool(line.strip()) for line in lines)
    assert count <= LONGEST, f"{path.name} has {count} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_public_names_are_documented(path):
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf8")))
    # Methods that only fill in a library's interface are described by the library.
    overriding = {"display", "update", "close", "clear", "forward"}
    silent = [n.name for n in public(path) if not ast.get_docstring(n) and n.name not in overriding]
    assert not silent


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_public_functions_have_type_hints(path):
    bare = []
    for function in public(path):
        if isinstance(function, ast.FunctionDef):
            given = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
            hinted = all(a.annotation for a in given if a.arg not in ("self", "cls"))
            bare += [] if hinted and function.returns else [function.name]
    assert not bare


def test_tasks_needs_the_standard_library_only():
    """Outside the functions that the Python of .venv runs, which import lazily."""
    tree = ast.parse((tasks.ROOT / "tasks.py").read_text(encoding="utf8"))
    names = {a.name.split(".")[0] for n in tree.body if isinstance(n, ast.Import) for a in n.names}
    names |= {node.module.split(".")[0] for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert names <= set(sys.stdlib_module_names)
