"""Look through the course for what breaks on Windows or macOS.

    python -m tools.systems

Nobody has run the course there; this looks at the syntax trees of `helpers`, `tools`, `tasks.py`
and of the notebooks' code cells, at the names of all files, and at the commands on the pages. What
must stay is listed in `allowed.toml`, each place with its reason.
"""

import json
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from IPython.core.inputtransformer2 import TransformerManager

from tools import notebook_file, project
from tools.systems import repository, rules
from tools.teaching import pack

ALLOWED = Path(__file__).with_name("allowed.toml")
PAGES = ("*.md", "data/*.md", "docs/**/*.md")


@dataclass(frozen=True)
class Fault:
    """A place that breaks somewhere: its rule, file, function or cell, and the message."""

    rule: str
    file: str
    where: str
    message: str


# ---------------------------------------------------------------- what is looked at


def programs(root: Path) -> Iterator[tuple[str, str, str]]:
    """(file, cell or "", program) of all code; a notebook has a program for each cell."""
    paths = [root / "tasks.py", *sorted(root.glob("helpers/**/*.py"))]
    for path in [*paths, *sorted(root.glob("tools/**/*.py"))]:
        yield path.relative_to(root).as_posix(), "", path.read_text(encoding="utf8")
    for path in sorted(root.glob("notebooks/**/[0-9][0-9]_*.ipynb")):
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if cell["cell_type"] == "code":
                source = notebook_file.joined(cell["source"])
                code = TransformerManager().transform_cell(source)
                yield path.relative_to(root).as_posix(), cell["id"], code


# ---------------------------------------------------------------- what is wrong with it


def faults_of_code(texts: Iterable[tuple[str, str, str]]) -> Iterator[Fault]:
    """What breaks in programs."""
    for file, cell, source in texts:
        for found in rules.found(source, notebook=bool(cell)):
            rule = rules.RULES[found.rule]
            where = cell or found.function
            systems = " and ".join(sorted(found.systems))
            place = f"{file}, cell {cell}" if cell else f"{file}:{found.line}"
            message = f"{place}: {found.code}\n    {found.rule}, on {systems}: {rule.breaks}. "
            yield Fault(found.rule, file, where, message + rule.cure)


def faults_of_files(paths: Iterable[str]) -> Iterator[Fault]:
    """Names that some system cannot have."""
    for rule, path in repository.file_names(paths):
        yield Fault(rule, path, "", f"{path}\n    {rule}: {repository.BREAKS[rule]}")


def faults_of_pages(root: Path) -> Iterator[Fault]:
    """Commands that a page shows for one kind of system only."""
    for path in sorted(path for pattern in PAGES for path in root.glob(pattern)):
        file = path.relative_to(root).as_posix()
        for command in repository.commands(path.read_text(encoding="utf8")):
            message = f"{file}: {command}\n    launcher: {repository.BREAKS['launcher']}"
            yield Fault("launcher", file, command, message)


def all_faults(root: Path) -> list[Fault]:
    """Everything that breaks somewhere, allowed or not."""
    code, files = faults_of_code(programs(root)), faults_of_files(pack.course_files(root))
    return [*code, *files, *faults_of_pages(root)]


# ---------------------------------------------------------------- what is allowed


def allowed(path: Path = ALLOWED) -> dict[tuple[str, str, str], str]:
    """The reason for each (rule, file, function or cell) that may stay.

    Raises:
        project.Trouble: an entry is not complete, or stands there twice.
    """
    reasons = {}
    for entry in tomllib.loads(path.read_text(encoding="utf8")).get("allowed", []):
        key = tuple(entry.get(name, "") for name in ("rule", "file", "where"))
        known = {*rules.RULES, *repository.BREAKS}
        if key[0] not in known or not key[1] or not entry.get("reason") or key in reasons:
            raise project.Trouble(
                f"{path.name}: this entry has no known rule, no file or no reason, or stands there "
                f"twice. Correct it:\n  {entry}"
            )
        reasons[key] = entry["reason"]
    return reasons


def left(faults: list[Fault], reasons: dict[tuple[str, str, str], str]) -> list[str]:
    """Messages for what is not allowed, and for what is allowed without need."""
    keys = {(fault.rule, fault.file, fault.where) for fault in faults}
    messages = [f.message for f in faults if (f.rule, f.file, f.where) not in reasons]
    idle = (", ".join(filter(None, key)) for key in reasons if key not in keys)
    return messages + [f"{ALLOWED.name}: nothing needs {key}. Remove the entry." for key in idle]


def main() -> int:
    """Print what breaks and is not allowed; 1 if there is something."""
    reasons = allowed()
    messages = left(all_faults(project.ROOT), reasons)
    for message in messages:
        project.say(message)
    project.say(
        f"Windows and macOS: {len(messages)} places to mend, {len(reasons)} allowed with a reason "
        "(tools/systems/allowed.toml)."
    )
    return 1 if messages else 0
