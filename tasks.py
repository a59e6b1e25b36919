#!/usr/bin/env python3
"""The course's commands. Standard library only, any system: python3 tasks.py --help

Each finds or makes the environment in `.venv` beside this file, which is all that set-up touches,
and hands over to a module of `tools`. `tools` is imported only once the Python is known to be new
enough, and nothing imports this file.
"""

# The hints stay text, so that a Python too old for this course reads this file to the end and
# can say that it is too old.
from __future__ import annotations

import argparse
import sys
from pathlib import Path

OLDEST_PYTHON = (3, 11)

HELP = """\
python3 tasks.py COMMAND [options]

  lab       set up what is missing, then open JupyterLab at the first notebook
              --no-browser, --port N, --ip A    as in JupyterLab
              --torch-index URL   torch from there; --cuda   with CUDA (2.7 GB)
              --from FOLDER   take everything from a pack: no network needed
  pack      the course in a folder for a stick: pack [FOLDER] [--without NAME]
  slides    the notebooks as pages to show, in outputs/slides: slides [NN ...]
  test      set up what is missing, then unit tests and every notebook, a table
              --fast   without training; --record   note it in docs/verified.md
              --all    add what is too long for every change, in stages: once
                       stopped, it goes on; --again   from the beginning
  refresh   run notebooks top to bottom, store their outputs: refresh [NN ...]
  check     style, notebook hygiene, what breaks elsewhere, cells not compared
  study     go on with the long experiment behind a notebook: study NN
              --limit N   at most N runs; --processes N   N at a time
  site      every notebook with its stored outputs as a web page: outputs/site
  fork      put your address into every badge and setup cell:
              fork https://github.com/OWNER/NAME [--version v1.2.3]
  clean     remove what the commands made and nobody changed: .venv, downloads,
              site, slides, caches; models, reports and files of yours stay

test, refresh, check, study, slides, site: --here takes the running Python.
Set-up needs a network once; afterwards everything works without.
"""


def check_python(version: tuple = sys.version_info[:3]) -> None:
    """Stop if this Python is too old for the course, and say what to do."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        sys.exit(
            f"\nThis is Python {'.'.join(map(str, version))}, and the course needs "
            f"{'.'.join(map(str, OLDEST_PYTHON))} or newer.\nInstall one from "
            "https://www.python.org/downloads/ and start this with it, for example:\n"
            "  python3.11 tasks.py lab"
        )


# ---------------------------------------------------------------- the commands


def python_for(options: argparse.Namespace) -> Path:
    """The Python to use: this one with --here, else that of `.venv`, which is made if missing."""
    from tools import environment

    return environment.python_for(options.here, options.torch_index, options.cuda)


def hand_over(options: argparse.Namespace, module: str, *arguments: str) -> int:
    """Let the environment's Python run a module of the course."""
    from tools import environment

    return environment.hand_over(python_for(options), module, *arguments)


def lab(options: argparse.Namespace) -> int:
    """Set up, fetch, describe the machine, open JupyterLab."""
    from tools import environment
    from tools import lab as jupyterlab
    from tools.teaching import packing

    port = jupyterlab.check_port(options.ip, options.port)
    python = packing.set_up_from(Path(options.pack)) if options.pack else python_for(options)
    if environment.hand_over(python, "tools.describe") != 0:
        return 1
    return jupyterlab.start(python, options.ip, port, not options.no_browser)


def pack(options: argparse.Namespace) -> int:
    """A folder with all of the course, for machines without a network."""
    from tools import project
    from tools.teaching import packing

    options.folder = options.folder or str(project.OUTPUTS / "pack")
    return packing.main(options)


def slides(options: argparse.Namespace) -> int:
    """Notebooks as pages to show."""
    from tools import project

    paths = project.notebooks(options.numbers)
    return hand_over(options, "tools.teaching.slides", *map(str, paths))


def test(options: argparse.Namespace) -> int:
    """Unit tests, then each notebook by itself, then a table."""
    asked = [
        f"--{name}" for name in ("fast", "all", "again", "record", "here") if vars(options)[name]
    ]
    return hand_over(options, "tools.testing", *asked)


def refresh(options: argparse.Namespace) -> int:
    """Run notebooks top to bottom and store their outputs."""
    from tools import project

    paths = project.notebooks(options.numbers)
    return hand_over(options, "tools.run_notebooks", *map(str, paths))


def check(options: argparse.Namespace) -> int:
    """Style of code and notebooks, notebook hygiene, and the list of cells not compared."""
    return hand_over(options, "tools.checks")


def study(options: argparse.Namespace) -> int:
    """Go on with the study behind a notebook; every finished run is kept."""
    from tools import environment, project

    modules = project.project()["tool"]["course"]["studies"]
    if options.number not in modules:
        raise project.Trouble(
            f"No study belongs to {options.number}. There are: {', '.join(sorted(modules))}."
        )
    python = python_for(options)
    if environment.hand_over(python, "tools.describe") != 0:
        return 1
    asked = [f"--limit={options.limit}"] if options.limit is not None else []
    asked += [f"--processes={options.processes}"] if options.processes is not None else []
    return environment.hand_over(python, f"tools.experiments.{modules[options.number]}", *asked)


def site(options: argparse.Namespace) -> int:
    """Write the course as web pages; nothing is run, and nothing is loaded from elsewhere."""
    return hand_over(options, "tools.site.build")


def fork(options: argparse.Namespace) -> int:
    """Put another address, and another version, wherever the course names its own."""
    from tools import fork as forking

    return forking.main(options.address, options.version)


def clean(options: argparse.Namespace) -> int:
    """Remove what the commands made and nobody changed; say what was left, and why."""
    from tools import clean as cleaning

    return cleaning.main()


# ---------------------------------------------------------------- the command line


def parser() -> argparse.ArgumentParser:
    """The options of every command; `HELP` explains them."""
    top = argparse.ArgumentParser(usage=HELP, add_help=False)
    commands = top.add_subparsers(dest="command", required=True)
    added = {}
    for function in (lab, pack, slides, test, refresh, check, study, site, fork, clean):
        added[function] = commands.add_parser(function.__name__, usage=HELP, add_help=False)
        added[function].set_defaults(function=function, here=False, torch_index="", cuda=False)
    added[lab].add_argument("--no-browser", action="store_true")
    added[lab].add_argument("--port", default="8888")
    added[lab].add_argument("--ip", default="localhost")
    added[lab].add_argument("--from", dest="pack", default="")
    added[pack].add_argument("folder", nargs="?", default="")
    added[pack].add_argument("--without", nargs="+", default=[])
    added[slides].add_argument("numbers", nargs="*")
    for function in (lab, pack, test, check):
        added[function].add_argument("--torch-index", default="")
        added[function].add_argument("--cuda", action="store_true")
    for function in (test, refresh, check, study, slides, site):
        added[function].add_argument("--here", action="store_true")
    added[test].add_argument("--fast", action="store_true")
    added[test].add_argument("--all", action="store_true")
    added[test].add_argument("--again", action="store_true")
    added[test].add_argument("--record", action="store_true")
    added[refresh].add_argument("numbers", nargs="*")
    added[study].add_argument("number")
    added[study].add_argument("--limit", type=int)
    added[study].add_argument("--processes", type=int)
    added[fork].add_argument("address")
    added[fork].add_argument("--version", default="")
    return top


def main(arguments: list[str]) -> int:
    """Run one command; troubles that the reader can cure end as one message."""
    check_python()
    from tools import project

    if not arguments or {"-h", "--help"} & set(arguments):
        print(f"usage: {HELP}", end="")
        return 0
    options = parser().parse_args(arguments)
    stopped = "\nStopped. Run the same command again: it repairs what was left.\n"
    return project.ended(lambda: options.function(options), stopped)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
