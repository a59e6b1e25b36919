"""The rules of the house: who may import whom, and what a module must say."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import as_python
from tools import project

# A module may import only modules to its left: the way of a text through the model.
ORDER = [
    "files",
    "pip_errors",
    "children",
    "folders",
    "parallel",
    "runtime",
    "downloads",
    "gguf_weights",
    "corpora",
    "own_data",
    "speedups",
    "lora",
    "checkpoints",
    "batching",
    "metrics",
    "multi_label",
]
ORDER += ["baselines", "storage", "training", "serving", "chat", "other_tasks", "explain"]
ORDER += ["validation", "measured", "plots"]
ORDER += ["widgets", "report", "exercises"]
# The same law inside a package; the rest of the house sees only what its `__init__` names.
INSIDE = {
    "own_data": [
        "sources",
        "cells",
        "encodings",
        "records",
        "looks",
        "heads",
        "advice",
        "tables",
        "rows",
        "counting",
        "checks",
        "losses",
        "reading",
        "grouping",
        "parting",
        "loading",
        "writing",
        "resuming",
        "new_file",
    ],
    "serving": ["engines", "requests", "answers", "worker", "app", "__main__"],
    "training": [
        "config",
        "advising",
        "steps",
        "tasks",
        "session",
        "estimating",
        "running",
        "searching",
    ],
    "chat": [
        "conversations",
        "losses",
        "learning",
        "course",
        "generation",
        "scoring",
        "mistakes",
        "skills",
        "audit",
    ],
    "other_tasks": [
        "heads",
        "spans",
        "answers",
        "messages",
        "overlap",
        "reading",
        "esperanto",
        "instructions",
    ],
    "explain": ["words", "attributions", "examination", "behaviour"],
    "measured": [
        "rows",
        "speeds",
        "evaluation",
        "class_imbalance",
        "what_it_buys",
        "cross_validation",
        "news_draws",
        "domains",
        "instruction_tuning",
        "messages_crossed",
        "explanations",
        "other_tasks",
        "ledger_rows",
        "ledger",
    ],
    "report": [
        "intervals",
        "several",
        "results",
        "wording",
        "drawings",
        "templating",
        "html_page",
        "card",
    ],
    "widgets": [
        "frame",
        "pieces",
        "heads",
        "masks",
        "scores",
        "calibration",
        "valleys",
        "recording",
        "words",
    ],
}
FILES = sorted((project.ROOT / "helpers").rglob("*.py"))


def place(path: Path) -> str:
    return path.relative_to(project.ROOT / "helpers").with_suffix("").as_posix()


def module(path: Path) -> str:
    """The module a file belongs to; a package is one module."""
    return path.relative_to(project.ROOT / "helpers").parts[0].removesuffix(".py")


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
    text = (project.ROOT / "helpers/training/session.py").read_text(encoding="utf8")
    assert {"restore", "safeguards", "train_epoch", "step", "evaluate", "end_epoch", "save"} <= {
        node.name for node in ast.walk(ast.parse(text)) if isinstance(node, ast.FunctionDef)
    }
    assert long_methods(text) == [] and complex_functions(text) == []


# ---------------------------------------------------------------- the other packages

# Who may import whom among the packages; `tasks.py` starts what is in `tools`, as a program.
MAY_IMPORT = {
    "helpers": {"helpers"},
    "tools": {"helpers", "tools"},
    "tests": {"helpers", "tools", "tests"},
    "notebooks": {"helpers"},
    "tasks.py": {"tools"},
    "tests/unit/test_tasks.py": {"helpers", "tools", "tests", "tasks"},
    "tests/unit/test_odd_places.py": {"helpers", "tools", "tests", "tasks"},
    "tests/unit/test_workflow.py": {"tools", "tasks"},
}
OURS = {"helpers", "tools", "tests", "tasks"}
# These run before anything is installed.
PLAIN = ["project", "environment", "notebook_file", "clean", "fork", "lab", "verified"]
PLAIN += ["teaching/pack", "teaching/pack_texts", "teaching/packing"]


def imports(text: str, at_once: bool = False) -> set[str]:
    """Full names of what a program imports, `from a import b` as "a.b".

    Args:
        text: the program.
        at_once: leave out what only its functions import, when they are called.
    """
    tree, names = ast.parse(text), set()
    for node in tree.body if at_once else ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert not node.level, "write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def programs() -> dict[str, str]:
    """Every Python file of the project, and the code of every notebook, by its path."""
    python = [path for folder in ("helpers", "tools", "tests") for path in folder_of(folder)]
    found = {p.relative_to(project.ROOT).as_posix(): p.read_text("utf8") for p in python}
    found["tasks.py"] = (project.ROOT / "tasks.py").read_text(encoding="utf8")
    for path in project.notebooks():
        cells = json.loads(path.read_text(encoding="utf8"))["cells"]
        code = [as_python(cell) for cell in cells if cell["cell_type"] == "code"]
        found[path.relative_to(project.ROOT).as_posix()] = "\n".join(code)
    return found


def folder_of(name: str) -> list[Path]:
    """The Python files of a folder."""
    return sorted((project.ROOT / name).rglob("*.py"))


def misplaced(texts: dict[str, str]) -> list[str]:
    """Imports against the order of the packages: "path imports name"."""
    found = []
    for path, text in texts.items():
        allowed = MAY_IMPORT.get(path) or MAY_IMPORT[path.split("/")[0]]
        names = {name for name in imports(text) if name.split(".")[0] in OURS - allowed}
        found += [f"{path} imports {name}" for name in sorted(names)]
    return found


def circles(edges: dict[str, set[str]]) -> set[str]:
    """The nodes from which a way leads back to themselves."""
    found = set()
    for start in edges:
        seen, ahead = set(), list(edges[start])
        while ahead:
            node = ahead.pop()
            if node not in seen:
                seen.add(node)
                ahead += edges.get(node, ())
        found |= {start} & seen
    return found


def inside_tools(texts: dict[str, str]) -> dict[str, set[str]]:
    """Which parts of `tools`, modules or packages, import which other ones."""
    edges: dict[str, set[str]] = {}
    for path, text in texts.items():
        parts = path.removesuffix(".py").split("/")
        if parts[0] == "tools":
            targets = {name.split(".")[1] for name in imports(text) if name.startswith("tools.")}
            edges.setdefault(parts[1], set()).update(targets - {parts[1]})
    return edges


def path_changes(text: str) -> list[str]:
    """Calls that put something into `sys.path`; a text that another process runs counts, too."""
    return re.findall(r"sys\.path\.(?:insert|append|extend)\(|sys\.path(?:\[.*\])? \+?= ", text)


def test_no_package_imports_against_the_order():
    assert misplaced(programs()) == []


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("helpers/plots.py", "from tools import project"),
        ("helpers/plots.py", "def f():\n    import tests.conftest"),
        ("helpers/plots.py", "import tasks"),
        ("tools/lab.py", "import tasks"),
        ("tools/mutants/run.py", "from tests.notebooks import cases"),
        ("tests/unit/test_plots.py", "from tasks import parser"),
        ("notebooks/00_start_here.ipynb", "from tools import project"),
        ("tasks.py", "from helpers import files"),
    ],
)
def test_an_import_against_the_order_is_seen(path, text):
    assert len(misplaced({path: text})) == 1


def test_the_parts_of_tools_import_each_other_without_a_circle():
    assert circles(inside_tools(programs())) == set()


def test_a_circle_inside_tools_is_seen():
    texts = {"tools/site/tidy.py": "from tools.teaching.sections import slug"}
    texts["tools/teaching/slides.py"] = "from tools import lab\nfrom tools.site import prose"
    assert circles(inside_tools(texts)) == {"site", "teaching"}
    texts["tools/teaching/slides.py"] = "from tools import lab"
    assert circles(inside_tools(texts)) == set()


def test_no_file_of_one_package_of_tools_is_in_a_circle():
    for package in ("experiments", "mutants", "site", "systems", "teaching"):
        edges = {}
        for path in folder_of(f"tools/{package}"):
            names = imports(path.read_text(encoding="utf8"))
            start = f"tools.{package}."
            edges[path.stem] = {n.split(".")[2] for n in names if n.startswith(start)}
        assert circles(edges) == set(), package


def test_nothing_changes_where_python_looks_for_modules():
    """`python -m` in the clone, and the .pth file in `.venv`, are enough.

    Only the setup cell of a notebook looks around it, and `use_version` tidies up behind it.
    """
    own = {"tests/unit/test_architecture.py", "tools/setup_cell.py", "helpers/__init__.py"}
    texts = {path: text for path, text in programs().items() if path not in own}
    parts = ("helpers/", "tools/", "tests/")
    found = {p: path_changes(t) for p, t in texts.items() if p.startswith(parts)}
    assert {path: changes for path, changes in found.items() if changes} == {}


@pytest.mark.parametrize(
    "text", ["sys.path.insert(0, 'x')", "sys.path.append('x')", "sys.path[:0] = ['x']"]
)
def test_a_change_of_the_path_is_seen(text):
    assert path_changes(f"import sys\n{text}\n")


def needed_at_once(text: str) -> set[str]:
    """Modules outside the standard library and the project that a program needs to be imported."""
    tops = {name.split(".")[0] for name in imports(text, at_once=True)}
    return tops - OURS - set(sys.stdlib_module_names)


def test_what_runs_before_anything_is_installed_needs_the_standard_library_only():
    texts = {"tasks": (project.ROOT / "tasks.py").read_text(encoding="utf8")}
    for name in PLAIN:
        texts[name] = (project.ROOT / "tools" / f"{name}.py").read_text(encoding="utf8")
    assert {name: needed for name, text in texts.items() if (needed := needed_at_once(text))} == {}
    for name, text in texts.items():  # nor what needs more, in its turn
        own = {n for n in imports(text, at_once=True) if n.split(".")[0] in OURS}
        plain = {f"tools.{path.replace('/', '.')}" for path in PLAIN}
        plain |= {"helpers.files", "helpers.pip_errors", "helpers.children"}
        plain |= {"tools.notebook_file.with_fresh_ids"}
        assert own - {"helpers.files.sha256"} <= plain, name
    assert not {n for n in imports(texts["tasks"], at_once=True) if n.split(".")[0] in OURS}
    assert needed_at_once("import json\nimport numpy as np") == {"numpy"}


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
    assert {
        name: found for name, text in programs().items() if (found := loads_by_name(text))
    } == {}
