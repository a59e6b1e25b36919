"""Remove what the commands made and nobody changed: what `tasks.py clean` does.

Standard library only: it removes the environment, so it cannot run in it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from helpers import files
from tools import environment, project

ARCHIVES = ".venv-colab-archives"  # downloads that the simulated Colab keeps
CONVERTED = "{}-safetensors"  # in data/downloads: what helpers.gguf_weights makes of a source
WRITTEN = ("site", "slides", "sheets", "tests")  # in outputs
LOCK = "stages.lock"  # in outputs/tests: for as long as `test --all` is running
CACHES = {  # of the tools, and what these put there
    ".pytest_cache": r"CACHEDIR\.TAG|\.gitignore|README\.md|v|d",
    ".ruff_cache": r"CACHEDIR\.TAG|\.gitignore|\d+\.\d+\.\d+",
    ".hypothesis": r"\.gitignore|constants|examples|patches|tmp|unicode_data",
}


def main() -> int:
    """Remove what the commands made and nobody changed; say what was left, and why."""
    clean_environments()
    clean_downloads()
    clean_outputs()
    clean_caches()
    return 0


def clean_environments() -> None:
    """Remove the virtual environments that the course made, but none that is being set up."""
    for venv in sorted(set(project.ROOT.glob(".venv*")) - {project.ROOT / ARCHIVES}):
        if venv.name in environment.MADE and environment.is_ours(venv):
            remove_environment(venv)
        else:
            project.say(f"left {venv.name}: it does not bear this course's mark")
    for lock in map(environment.lock_of, map(project.ROOT.joinpath, environment.MADE)):
        with suppress(BusyError, OSError, files.ForeignError):
            if files.is_there(lock):  # a killed set-up left it
                with files.alone(lock, busy):
                    pass
                files.remove_known(project.ROOT, [(lock.name, files.EMPTY)])


class BusyError(Exception):
    """An environment is being set up at this moment."""


def busy() -> None:
    """Do not wait for a set-up that is going on."""
    raise BusyError


def remove_environment(venv: Path) -> None:
    """Remove an environment, unless it is being set up; say so."""
    try:
        with files.alone(environment.lock_of(venv), busy):
            files.remove_marked(venv)
    except BusyError:
        project.say(f"left {venv.name}: it is being set up at this moment")
    else:
        project.say(f"removed {venv.name}")


def clean_downloads() -> None:
    """Remove weights and data, each file only if it is what was fetched or made of it.

    `data/sources.toml` lists the one, the manifest of a converted model the other.
    """
    folder = project.ROOT / "data" / "downloads"
    known = files.written_in(folder)
    for name, source in project.sources().items():
        known += [(f"{name}/{member}", digest) for member, digest in members_of(name, source)]
        known.append((f"{name}.lock", files.EMPTY))
        made = CONVERTED.format(name)
        if "gguf" in source:
            known += [(f"{made}/{n}", digest) for n, digest in manifest_of(folder / made)]
            known.append((f"{made}.lock", files.EMPTY))
    remove_and_say(folder, known, "not what was put there")
    archives = [(source["archive"], source["sha256"]) for source in project.sources().values()]
    remove_and_say(project.ROOT / ARCHIVES, archives, "not what data/sources.toml lists")


def members_of(name: str, source: dict) -> list[tuple[str, str]]:
    """Path and SHA-256 of each file that a source brings; where one hash is for all, if it fits."""
    folder = project.ROOT / "data" / "downloads" / name
    if "tree" not in source:
        return list(source["members"].items())
    if not folder.is_dir() or files.tree_sha256(folder) != source["tree"]:
        return []
    return [(path, files.sha256(folder / path)) for path in files.tree_files(folder)]


def clean_outputs() -> None:
    """Remove what the commands wrote; what was trained, reported or predicted stays."""
    for name in WRITTEN:
        folder = project.OUTPUTS / name
        known = manifest_of(folder) + files.written_in(folder)
        known += [(LOCK, files.EMPTY)] if name == "tests" else []  # a killed call left it
        remove_and_say(folder, known, "put there by somebody else, or changed since")
    for path in sorted(project.OUTPUTS.iterdir()) if project.OUTPUTS.is_dir() else []:
        if path.name not in WRITTEN:
            project.say(
                f"left {path.relative_to(project.ROOT)}: your own results; remove them yourself"
            )
    files.remove_if_empty(project.OUTPUTS)


def manifest_of(folder: Path) -> list[tuple[str, str]]:
    """What a folder's manifest lists, and the manifest itself at the end; nothing without one."""
    path = folder / "manifest.json"
    try:
        stored = json.loads(path.read_text(encoding="utf8"))
        listed = list(stored["files"].items()) if stored["written_by"] == "sft-unveiled" else []
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return []
    return [*listed, (path.name, files.sha256(path))] if listed else []


def remove_and_say(folder: Path, known: list[tuple[str, str]], why: str) -> None:
    """Remove known files below a folder, and say so, or what was left and why.

    What a link leads to is left: others may use it, too.
    """
    if not folder.is_dir():
        return
    name = folder.relative_to(project.ROOT)
    if folder.resolve() != project.ROOT.resolve() / name:
        project.say(f"left {name}: it is a link, and what it leads to may be in use elsewhere")
        return
    files.remove_known(folder, known)
    files.remove_if_empty(folder)
    left = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        project.say(f"left in {name}: {', '.join(left[:3])}{more} ({why})")
    else:
        project.say(f"removed {name}")


def clean_caches() -> None:
    """Remove what pytest, ruff and Hypothesis keep to be faster the next time."""
    for name, inside in CACHES.items():
        try:
            if files.is_there(project.ROOT / name):
                files.remove_cache(project.ROOT / name, inside)
                project.say(f"removed {name}")
        except files.ForeignError as error:
            project.say(f"left {name}: {error}")
