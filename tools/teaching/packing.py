"""The commands around a pack: `tasks.py pack` makes one, `tasks.py lab --from` sets up from it.

Standard library only.
"""

from __future__ import annotations

import argparse
import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tools import environment, project
from tools.teaching import pack, pack_texts


def set_up_from(folder: Path) -> Path:
    """Everything from a pack, checked first: packages, weights, data. Returns the Python."""
    with explained(folder):
        facts = pack.opened(folder, project.ROOT)
        wheels = pack.wheels_for(folder, pack.tag())
        project.say(f"Checking the files in {folder}.")
        pack.verify(folder, pack.tag())
    python = environment.set_up(wheels=wheels)
    with explained(folder):
        if not pack.is_in_place(folder, project.ROOT, facts["left_out"]):
            with environment.alone(project.VENV):
                pack.place(folder, project.ROOT, facts["left_out"])
    return python


@contextmanager
def explained(folder: Path) -> Iterator[None]:
    """Turn what goes wrong with a stick, or with the room for its files, into one message."""
    try:
        yield
    except pack.PackError as error:
        raise project.Trouble(str(error)) from error
    except OSError as error:
        if error.errno == errno.EROFS:
            raise  # it is not the stick's fault
        raise project.Trouble(
            f"{error.filename or folder}: {error.strerror}. Is the stick still there, and has the "
            "disk room?\nRun the same command again: it repairs what was left."
        ) from error


def main(options: argparse.Namespace) -> int:
    """A folder with all of the course, for machines without a network."""
    python = environment.python_for(torch_index=options.torch_index, cuda=options.cuda)
    if environment.hand_over(python, "tools.describe") != 0:
        return 1
    unknown = set(options.without) - set(project.sources())
    if unknown:
        there = ", ".join(project.sources())
        raise project.Trouble(f"No source is called {min(unknown)}. There are: {there}.")
    left_out = {name: why for name, why in pack_texts.PASS_ON.items() if why}
    left_out |= dict.fromkeys(options.without, "left out by whoever made this pack")
    folder = Path(options.folder).absolute()
    project.say(f"Packing into {folder}. About {pack.PACK_MB} MB; some minutes.")
    try:
        pack.make(folder, project.ROOT, lambda wheels: fetch_wheels(wheels, options), left_out)
    except pack.PackError as error:
        raise project.Trouble(str(error)) from error
    except OSError as error:
        raise project.Trouble(
            f"{error.filename or folder}: {error.strerror}. Make room or choose another folder, "
            "and run the same command again."
        ) from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    project.say(
        f"Done: {size / 1e6:,.0f} MB in {folder}. READ_ME_FIRST.md says how to start from it."
    )
    for name, why in left_out.items():
        project.say(f"  not inside: {name}. {why[0].upper()}{why[1:]}.")
    return 0


def fetch_wheels(folder: Path, options: argparse.Namespace) -> None:
    """Let pip put all packages for this Python and system into a folder, as wheels only."""
    constraints = "requirements/constraints.txt"
    chosen = ["--only-binary", ":all:", "--dest", str(folder), "--find-links", str(folder)]
    if options.torch_index:
        torch = ["--no-deps", "--index-url", options.torch_index, "torch"]
        environment.run_pip(
            project.VENV, "download", [*chosen, *torch, "-c", str(project.ROOT / constraints)]
        )
    elif environment.torch_kind(project.VENV, constraints) == "cuda" and not options.cuda:
        raise project.Trouble(environment.cuda_for_nothing("pack"))
    environment.run_pip(
        project.VENV, "download", [*chosen, *environment.wanted_packages(constraints)]
    )
