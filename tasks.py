#!/usr/bin/env python3
"""The course's commands. Standard library only, any system: python3 tasks.py --help

Set-up lives in `.venv` beside this file and touches nothing else. What needs the installed
packages (running notebooks, describing the machine) is a function in the last section, which
`run_inside` calls with the Python of `.venv`.
"""

# The hints stay text, so that a Python too old for this course reads this file to the end and
# can say that it is too old.
from __future__ import annotations

import argparse
import errno
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from contextlib import suppress
from pathlib import Path

from helpers import files

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
NOTEBOOKS = ROOT / "notebooks"
OUTPUTS = ROOT / "outputs"
ENVIRONMENTS = (".venv", ".venv-lowest", ".venv-colab")  # that the commands make
ARCHIVES = ".venv-colab-archives"  # downloads that the simulated Colab keeps
CACHES = {  # of the tools, and what these put there
    ".pytest_cache": r"CACHEDIR\.TAG|\.gitignore|README\.md|v|d",
    ".ruff_cache": r"CACHEDIR\.TAG|\.gitignore|\d+\.\d+\.\d+",
    ".hypothesis": r"\.gitignore|constants|examples|patches|tmp|unicode_data",
}
OLDEST_PYTHON = (3, 11)

# Measured: Python 3.11 on Linux, July to November 2026. What `lab` says beforehand.
WHEELS_MB = 256  # all packages but torch
TORCH_MB = {"cpu": 192, "cuda": 2740}  # the cuda figure with the 18 packages it brings along
DISK_MB = {"cpu": 3000, "cuda": 9000}  # .venv, weights and data, and room to unpack them

HELP = """\
python3 tasks.py COMMAND [options]

  lab       set up what is missing, then open JupyterLab at the first notebook
              --no-browser, --port N, --ip A    as in JupyterLab
              --torch-index URL   torch from there; --cuda   with CUDA (2.7 GB)
              --from FOLDER   take everything from a pack: no network needed
  pack      the course in a folder for a stick: pack [FOLDER] [--without NAME]
  slides    the notebooks as pages to show, in outputs/slides: slides [NN ...]
  test      set up what is missing, then unit tests and every notebook, a table
              --fast   leave out what trains a model
              --all    add what is too long for every change
              --record   put what ran into the README's table
  refresh   run notebooks top to bottom, store their outputs: refresh [NN ...]
  check     ruff on code and notebooks, notebook hygiene, cells not compared
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


class Trouble(Exception):
    """Something the reader can cure; the message says what it is and how."""


# ---------------------------------------------------------------- before anything is installed


def check_python(version: tuple = sys.version_info[:3]) -> None:
    """Raise `Trouble` if this Python is too old for the course."""
    if tuple(version[:2]) < OLDEST_PYTHON:
        raise Trouble(
            f"This is Python {'.'.join(map(str, version))}, and the course needs "
            f"{'.'.join(map(str, OLDEST_PYTHON))} or newer.\nInstall one from "
            "https://www.python.org/downloads/ and start this with it, for example:\n"
            "  python3.11 tasks.py lab"
        )


def check_disk(kind: str, folder: Path = ROOT) -> None:
    """Raise `Trouble` if the set-up would not fit; `kind` is a key of `DISK_MB`."""
    free = shutil.disk_usage(folder).free / 1e6
    if free < DISK_MB[kind]:
        raise Trouble(
            f"The set-up needs {DISK_MB[kind] / 1000:.1f} GB on the disk of {folder}, "
            f"and {free / 1000:.1f} GB are free. Make room and run the same command again."
        )


def check_port(ip: str, port: int) -> None:
    """Raise `Trouble` if JupyterLab could not listen there."""
    try:
        listen(ip, port)
    except OSError as error:
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            raise Trouble(
                f"Port {port} is in use, perhaps by a JupyterLab that already runs: look at "
                f"http://localhost:{port}/lab.\nTo start another one, choose another port:\n"
                f"  python3 tasks.py lab --port {listen(ip, 0)}"
            ) from error
        raise Trouble(f"Cannot listen at {ip}: {error.strerror}. Leave --ip away.") from error


def listen(ip: str, port: int) -> int:
    """Bind and release a port; 0 lets the system choose. Returns the port."""
    with socket.socket() as probe:
        if os.name == "posix":  # a port that was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((ip if ip != "*" else "", port))
        return probe.getsockname()[1]


# ---------------------------------------------------------------- set-up


def python_of(venv: Path) -> Path:
    """The Python inside a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_text(constraints: str) -> str:
    """What a complete installation leaves behind: its Python, and a hash of what it followed."""
    names = ("requirements.txt", "requirements/dev.txt", constraints)
    content = b"".join((ROOT / name).read_bytes() for name in names)
    return f"{sys.version}\n{hashlib.sha256(content).hexdigest()}\n"


def stamp_in(venv: Path) -> str:
    """The stamp in a virtual environment; empty if there is none, or a file of somebody else."""
    try:
        text = (venv / "installed.txt").read_text(encoding="utf8")
    except (OSError, ValueError):
        return ""
    return text if re.fullmatch(r"\d+\.\d+\.\d+.*\n[0-9a-f]{64}\n", text, re.DOTALL) else ""


def stamp_found(venv: Path) -> str:
    """The stamp of a virtual environment that is complete and whose Python is still there."""
    return stamp_in(venv) if python_of(venv).is_file() else ""


def is_ours(venv: Path) -> bool:
    """Whether the course made a virtual environment: it bears the course's mark, or its stamp.

    Earlier versions left a stamp only; then the mark is added.
    """
    if stamp_in(venv) and not venv.is_symlink() and not files.is_marked(venv):
        with suppress(OSError):  # it may be used where nothing can be written
            files.mark(venv)
    return files.is_marked(venv)


def set_up(
    venv: Path = VENV,
    constraints: str = "requirements/constraints.txt",
    torch_index: str = "",
    cuda: bool = False,
    wheels: Path | None = None,
) -> Path:
    """Make the virtual environment if it is missing or incomplete, bring it up to date if not.

    The stamp is written last: an installation that was interrupted has none, and is made anew.
    With a folder of `wheels` nothing else is asked, no index and no network.

    Returns:
        The environment's Python.
    """
    found, wanted = stamp_found(venv), stamp_text(constraints)
    ours = is_ours(venv)
    if found == wanted:
        return python_of(venv)
    if ours and found.startswith(sys.version):
        say(f"The requirements have changed: bringing {venv.name} up to date.")
        (venv / "installed.txt").write_text("", encoding="utf8")  # incomplete, until it is done
    else:
        check_free(venv)
        check_disk("cpu")
        remake(venv)
        if wheels is None:
            announce(venv, constraints, torch_index, cuda)
    if torch_index:
        only_torch = ["--no-deps", "--index-url", torch_index, "torch"]
        pip_install(venv, [*only_torch, "-c", str(ROOT / constraints)])
    closed = ["--isolated", "--no-index", "--find-links", str(wheels)] if wheels else []
    pip_install(venv, [*closed, *wanted_packages(constraints)])
    quiet_jupyter(venv)
    (venv / "installed.txt").write_text(wanted, encoding="utf8")
    return python_of(venv)


def wanted_packages(constraints: str) -> list[str]:
    """What pip is asked for: all that reading, testing and teaching need."""
    return ["-r", str(ROOT / "requirements/dev.txt"), "-c", str(ROOT / constraints)]


def check_free(venv: Path) -> None:
    """Raise `Trouble` if something lies there that the course did not make."""
    empty = venv.is_dir() and not venv.is_symlink() and not any(venv.iterdir())
    if files.is_there(venv) and not empty and not is_ours(venv):
        raise Trouble(
            f"{venv} is there already, and this course did not make it. It is the place of the "
            "course's own virtual environment.\nNothing was changed. Rename it, or remove it "
            "yourself if you do not need it, and run the same command again."
        )


def remake(venv: Path) -> None:
    """An empty virtual environment, in place of what an interrupted set-up left."""
    if files.is_marked(venv):
        say(f"{venv.name} is incomplete: making it anew.")
        files.remove_marked(venv)
    say(f"Set-up, once: a virtual environment in {venv.name}, and in it the course's packages.")
    files.make_marked(venv)
    make_venv(venv)


def make_venv(venv: Path) -> None:
    """Make an empty virtual environment, or say why this Python cannot."""
    command = [sys.executable, "-m", "venv", str(venv)]
    made = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if made.returncode != 0:
        raise Trouble(explain_venv(made.stdout + made.stderr))


def explain_venv(said: str) -> str:
    """The cause of a failed `python -m venv`, with the cure."""
    if "No module named venv" in said or "ensurepip" in said:
        package = "python{}.{}-venv".format(*sys.version_info[:2])
        return (
            "This Python cannot make virtual environments: its venv or ensurepip module is "
            f"missing.\nOn Debian or Ubuntu:\n  sudo apt install {package}\n"
            "Elsewhere install Python from https://www.python.org/downloads/."
        )
    return explain_pip(said)


def announce(venv: Path, constraints: str, torch_index: str, cuda: bool) -> None:
    """Say how much will be downloaded; stop where torch would bring CUDA for no GPU."""
    kind = "cpu" if torch_index else torch_kind(venv, constraints)
    check_disk(kind)
    total = WHEELS_MB + TORCH_MB[kind] + sum(source["bytes"] for source in sources().values()) / 1e6
    say(
        f"About {total:,.0f} MB to download: torch {TORCH_MB[kind]:,} MB, other packages "
        f"{WHEELS_MB} MB, the rest weights and data. {DISK_MB[kind] / 1000:.0f} GB of disk."
    )
    if kind == "cuda" and not cuda and shutil.which("nvidia-smi") is None:
        raise Trouble(cuda_for_nothing("lab"))


def cuda_for_nothing(command: str) -> str:
    """Why a command stops before it fetches CUDA libraries, and the two ways on."""
    return (
        "For this Python and system the package index offers torch only with CUDA libraries "
        "(2.7 GB),\nand no NVIDIA GPU was found. Either take torch from an index of CPU "
        "builds\n(https://pytorch.org/get-started/locally/ shows its address):\n"
        f"  python3 tasks.py {command} --torch-index URL\n"
        "or accept the download:\n"
        f"  python3 tasks.py {command} --cuda"
    )


def torch_kind(venv: Path, constraints: str) -> str:
    """Either "cuda", if pip would choose a torch that needs CUDA libraries, else "cpu".

    pip is asked what it would install, and stopped as soon as it names the wheel: some indexes
    can only answer by sending all of it.
    """
    if not sys.platform.startswith("linux"):
        return "cpu"  # on Windows and macOS the ordinary index has no other build
    command = [str(python_of(venv)), "-m", "pip", "install", "--dry-run", "--no-deps"]
    command += ["--ignore-installed", "--no-input", "torch", "-c", str(ROOT / constraints)]
    with tempfile.TemporaryDirectory() as scratch:
        pip = piped(command, env=dict(os.environ, TMPDIR=scratch))
        said = ""
        for line in pip.stdout:
            said += line
            if names_wheel(line):
                pip.terminate()
                break
        failed = pip.wait() > 0  # negative where it was stopped
    if failed:
        raise Trouble(explain_pip(said))
    return "cuda" if is_cuda(said) else "cpu"


def names_wheel(line: str) -> bool:
    """Whether a line of pip's names the torch wheel it is about to fetch."""
    fetches = re.search(r"(Processing|Downloading|Using cached) .*torch-\S+\.whl", line)
    return fetches is not None and ".whl.metadata" not in line


def is_cuda(said: str) -> bool:
    """Builds for processors only say "+cpu" in their version, or are less than half as large."""
    size = re.search(r"torch-\S+\.whl \((\d+)[\d.]* MB\)", said)
    return not re.search(r"torch-\S*(\+|%2B)cpu", said) and not (size and int(size[1]) < 300)


def piped(command: list[str], **options) -> subprocess.Popen:
    """Start a command whose lines are read as they come, and which cannot wait for answers."""
    options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, **options}
    return subprocess.Popen(command, stderr=subprocess.STDOUT, text=True, **options)


def pip_install(venv: Path, arguments: list[str]) -> None:
    """Install into `venv`, showing the large downloads; all pip said is kept in `pip.log`."""
    run_pip(venv, "install", arguments)


def run_pip(venv: Path, action: str, arguments: list[str]) -> None:
    """Run one of pip's commands; with `--isolated`, no file of settings is read either."""
    command = [str(python_of(venv)), "-m", "pip", action, "--no-input", "--progress-bar", "off"]
    settings = {"PIP_CONFIG_FILE": os.devnull} if "--isolated" in arguments else {}
    with (venv / "pip.log").open("a", encoding="utf8") as log:
        pip = piped([*command, *arguments], env=os.environ | settings)
        said = ""
        for line in pip.stdout:
            log.write(line)
            said += line
            show_download(line)
    if pip.wait() != 0:
        raise Trouble(explain_pip(said))


def show_download(line: str) -> None:
    """Pass on those of pip's lines that stand for more than a moment."""
    large = re.search(r"Downloading (\S+?)-(\d[^-]*)-\S+ \((\d+\.?\d* [MG]B)\)", line)
    local = re.search(r"Processing \S*/(torch)-([^-]*)-", line)
    if large:
        say("  download {} {} ({})".format(*large.groups()))
    elif local:
        say("  unpack {} {}".format(*local.groups()).replace("%2B", "+"))
    elif line.startswith("Installing collected packages"):
        say(f"  install {line.count(',') + 1} packages; this takes a minute or two")


def explain_pip(said: str) -> str:
    """The cause of pip's failure, with the cure."""
    if re.search(r"No space left|Errno 28|not enough space", said):
        return (
            "The disk is full. The set-up needs "
            f"{DISK_MB['cpu'] / 1000:.1f} GB: make room and run the same command again."
        )
    if re.search(
        r"NewConnectionError|NameResolution|name resolution|ProxyError|ConnectTimeout"
        r"|ReadTimeout|Max retries|Retrying \(|Network is unreachable",
        said,
    ):
        return (
            "The package index cannot be reached. The first set-up needs a network, once.\n"
            "Connect and run the same command again; afterwards the course works without."
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR")] or said.splitlines()
    return (
        "The installation failed. Run the same command again; if it fails again, this is why:\n  "
        + "\n  ".join(errors[-3:])
    )


def quiet_jupyter(venv: Path) -> None:
    """Keep JupyterLab from asking the network for news and updates."""
    settings = venv / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": False}
    overrides = {"@jupyterlab/apputils-extension:notification": quiet}
    (settings / "overrides.json").write_text(json.dumps(overrides), encoding="utf8")


# ---------------------------------------------------------------- the project's own facts


def project() -> dict:
    """`pyproject.toml`."""
    import tomllib

    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))


def sources() -> dict:
    """`data/sources.toml`: what is fetched, and how large it is."""
    import tomllib

    return tomllib.loads((ROOT / "data" / "sources.toml").read_text(encoding="utf8"))


def notebooks(numbers: list[str] | None = None) -> list[Path]:
    """Notebooks in reading order, each followed by its solutions; `numbers` such as ["04"]."""
    pattern = "[0-9][0-9]_*.ipynb"
    found = [*NOTEBOOKS.glob(pattern), *NOTEBOOKS.glob(f"solutions/{pattern}")]
    there = sorted({path.name[:2] for path in found})
    for number in numbers or []:
        if number not in there:
            raise Trouble(f"No notebook begins with {number}. There are: {', '.join(there)}.")
    chosen = [path for path in found if not numbers or path.name[:2] in numbers]
    return sorted(chosen, key=lambda path: (path.name[:2], path.parent.name == "solutions"))


def say(text: str) -> None:
    """Print at once, so that a log shows life."""
    print(text, flush=True)


def environment(options: argparse.Namespace) -> Path:
    """The Python to use: this one with --here, else that of `.venv`."""
    if options.here:
        return Path(sys.executable)
    return set_up(torch_index=options.torch_index, cuda=options.cuda)


def run_inside(python: Path, function: str, *arguments: str) -> int:
    """Call a function of this file with another Python; the arguments become `sys.argv[1:]`."""
    code = f"import tasks; tasks.{function}()"
    return subprocess.run([str(python), "-c", code, *arguments], cwd=ROOT).returncode


# ---------------------------------------------------------------- the commands


def lab(options: argparse.Namespace) -> int:
    """Set up, fetch, describe the machine, open JupyterLab."""
    check_port(options.ip, options.port)
    python = set_up_from(Path(options.pack)) if options.pack else environment(options)
    if run_inside(python, "fetch_and_describe") != 0:
        return 1
    command = lab_command(python, options.ip, options.port)
    if options.no_browser or not has_display():
        command.append("--no-browser")
    say("Starting JupyterLab; Ctrl-C here stops it.")
    return wait_for(subprocess.Popen(command, cwd=ROOT))


def set_up_from(folder: Path) -> Path:
    """Everything from a pack, checked first: packages, weights, data. Returns the Python."""
    from tools.teaching import pack as packing

    try:
        facts = packing.opened(folder, ROOT)
        wheels = packing.wheels_for(folder, packing.tag())
        say(f"Checking the files in {folder}.")
        packing.verify(folder, packing.tag())
        python = set_up(wheels=wheels)
        packing.place(folder, ROOT, facts["left_out"])
    except packing.PackError as error:
        raise Trouble(str(error)) from error
    except OSError as error:
        raise Trouble(
            f"{error.filename or folder}: {error.strerror}. Is the stick still there, and has the "
            "disk room?\nRun the same command again: it repairs what was left."
        ) from error
    return python


def pack(options: argparse.Namespace) -> int:
    """A folder with all of the course, for machines without a network."""
    from tools.teaching import pack as packing
    from tools.teaching import pack_texts

    python = environment(options)
    if run_inside(python, "fetch_and_describe") != 0:
        return 1
    unknown = set(options.without) - set(sources())
    if unknown:
        raise Trouble(f"No source is called {min(unknown)}. There are: {', '.join(sources())}.")
    left_out = {name: why for name, why in pack_texts.PASS_ON.items() if why}
    left_out |= dict.fromkeys(options.without, "left out by whoever made this pack")
    folder = Path(options.folder).absolute()
    say(f"Packing into {folder}. About {packing.PACK_MB} MB; some minutes.")
    try:
        packing.make(folder, ROOT, lambda wheels: fetch_wheels(wheels, options), left_out)
    except packing.PackError as error:
        raise Trouble(str(error)) from error
    except OSError as error:
        raise Trouble(
            f"{error.filename or folder}: {error.strerror}. Make room or choose another folder, "
            "and run the same command again."
        ) from error
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    say(f"Done: {size / 1e6:,.0f} MB in {folder}. READ_ME_FIRST.md says how to start from it.")
    for name, why in left_out.items():
        say(f"  not inside: {name}. {why[0].upper()}{why[1:]}.")
    return 0


def fetch_wheels(folder: Path, options: argparse.Namespace) -> None:
    """Let pip put all packages for this Python and system into a folder, as wheels only."""
    constraints = "requirements/constraints.txt"
    chosen = ["--only-binary", ":all:", "--dest", str(folder), "--find-links", str(folder)]
    if options.torch_index:
        torch = ["--no-deps", "--index-url", options.torch_index, "torch"]
        run_pip(VENV, "download", [*chosen, *torch, "-c", str(ROOT / constraints)])
    elif torch_kind(VENV, constraints) == "cuda" and not options.cuda:
        raise Trouble(cuda_for_nothing("pack"))
    run_pip(VENV, "download", [*chosen, *wanted_packages(constraints)])


def slides(options: argparse.Namespace) -> int:
    """Notebooks as pages to show."""
    python = environment(options)
    command = [str(python), "-m", "tools.teaching.slides", *map(str, notebooks(options.numbers))]
    return subprocess.run(command, cwd=ROOT).returncode


def find_chromium() -> str | None:
    """The Chromium, Chrome or Edge of this machine, if there is one."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    usual = [
        Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"),
        Path("/Applications/Chromium.app/Contents/MacOS/Chromium"),
    ]
    for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
        folder = Path(os.environ.get(variable) or "none")
        usual += [folder / "Google/Chrome/Application/chrome.exe"]
        usual += [folder / "Microsoft/Edge/Application/msedge.exe"]
    found = [shutil.which(name) for name in names] + [str(p) for p in usual if p.is_file()]
    return next(filter(None, found), None)


def lab_command(python: Path, ip: str, port: int, root: Path = ROOT) -> list[str]:
    """How JupyterLab is started; `tests/browser` starts it in the same way."""
    first = "/lab/tree/notebooks/00_start_here.ipynb"
    command = [str(python), "-m", "jupyterlab", f"--LabApp.default_url={first}"]
    command += [f"--ServerApp.root_dir={root}", f"--ip={ip}", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", "--LabApp.extension_manager=readonly"]
    command += ["--log-level=WARN"]  # the address is still printed
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
        command.append("--allow-root")
    return command


def wait_for(process: subprocess.Popen) -> int:
    """Leave Ctrl-C to the process, which asks before it stops."""
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue


def has_display() -> bool:
    """Whether a browser window could open here."""
    windows_or_mac = os.name == "nt" or sys.platform == "darwin"
    return windows_or_mac or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def test(options: argparse.Namespace) -> int:
    """Unit tests, then each notebook by itself, then a table."""
    python = environment(options)
    if run_inside(python, "fetch_and_describe") != 0:
        return 1
    course = project()["tool"]["course"]
    rooms = ["--ignore=tests/browser", "--ignore=tests/colab"]
    rows = [run_pytest(python, "unit tests", ["tests", *rooms, "-m", "not slow and not long"])]
    if not options.fast:
        rows.append(run_pytest(python, "controls", ["tests", *rooms, "-m", "slow and not long"]))
    for path in notebooks():
        if options.fast and path.stem in course["trains"]:
            continue
        rows.append(run_pytest(python, path.stem, nbval(path, course["cell_timeout"])))
    if not options.fast:
        rows += in_rooms(python, options)
    if options.all:
        rows.append(run_pytest(python, "long tests", ["tests", *rooms, "-m", "long"]))
        lowest = set_up(ROOT / ".venv-lowest", "requirements/lowest.txt")
        units = ["tests", *rooms, "-m", "not slow and not long"]
        rows.append(run_pytest(lowest, "lowest versions", units))
    if options.record:
        from tools import verified

        verified.record(verified.from_table(rows, options.all))
    return report(rows, course["budgets"])


def in_rooms(python: Path, options: argparse.Namespace) -> list[dict]:
    """Notebooks where learners run them: in a browser, in a simulated Colab, on other Pythons."""
    if not options.here:
        prepare_browser(options.all)
    chosen = [] if options.all else ["-m", "not long"]
    rows = [run_pytest(python, "browser", ["tests/browser", *chosen])]
    rows.append(run_pytest(python, "simulated Colab", ["tests/colab/test_colab.py", *chosen]))
    others = "tests/colab/test_other_pythons.py"
    for version in ("3.12", "3.13") if options.all else ():
        rows.append(run_pytest(python, f"Python {version}", [others, "-k", version]))
    return rows


def prepare_browser(everywhere: bool) -> None:
    """Install what drives a browser, where there is one; on a CI machine that browser, too."""
    if find_chromium() is None and os.environ.get("CI"):
        apt_install("chromium")
    content = (ROOT / "requirements/browser.txt").read_bytes() + stamp_text(
        "requirements/constraints.txt"
    ).encode()
    stamp, wanted = VENV / "browser.txt", hashlib.sha256(content).hexdigest()
    found = stamp.read_text(encoding="utf8") if stamp.is_file() else ""
    if found == wanted or not (everywhere or find_chromium()):
        return
    requirements = str(ROOT / "requirements/browser.txt")
    pip_install(VENV, ["-r", requirements, "-c", str(ROOT / "requirements/constraints.txt")])
    stamp.write_text(wanted, encoding="utf8")


def apt_install(package: str) -> None:
    """Install a Debian package if this is root on such a system; say so if it does not work."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return
    say(f"CI: installing {package}")
    for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        ran = subprocess.run(
            ["apt-get", "--quiet=2", *command], stdin=subprocess.DEVNULL, capture_output=True
        )
        if ran.returncode != 0:
            say(f"apt-get {command[0]} failed: the tests in a browser will be skipped.")
            return


def nbval(path: Path, timeout: int) -> list[str]:
    """Arguments that make pytest run a notebook, compare every output and check every claim."""
    sanitize = ROOT / "tests" / "notebooks" / "sanitize.cfg"
    arguments = [
        str(path),
        "-p",
        "tests.notebooks.plugin",
        "--nbval",
        f"--nbval-sanitize-with={sanitize}",
    ]
    return [*arguments, f"--nbval-cell-timeout={timeout}", "--nbval-current-env"]


def run_pytest(python: Path, name: str, arguments: list[str]) -> dict:
    """One pytest process; returns its row of the final table."""
    say(f"\n== {name}")
    command = [str(python), "-m", "pytest", "-q", "-rs", "--no-header"]
    with tempfile.TemporaryDirectory() as scratch:
        junit = Path(scratch) / "junit.xml"
        command += [f"--junitxml={junit}", *arguments]
        start = time.perf_counter()
        code = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL).returncode
        seconds = time.perf_counter() - start
        row = {"name": name, "seconds": seconds, **count(junit)}
    no_tests = code == 5
    if code != 0 and not no_tests and row["failed"] == 0:
        row["failed"] = 1  # pytest itself did not get to the end
    return row


def count(junit: Path) -> dict:
    """Passed, failed and skipped tests (for a notebook: cells) of a JUnit file."""
    if not junit.is_file():
        return {"passed": 0, "failed": 0, "skipped": 0}
    total = {"tests": 0, "failures": 0, "errors": 0, "skipped": 0}
    for suite in ElementTree.parse(junit).getroot().iter("testsuite"):
        for key in total:
            total[key] += int(suite.get(key, 0))
    failed = total["failures"] + total["errors"]
    passed = total["tests"] - failed - total["skipped"]
    return {"passed": passed, "failed": failed, "skipped": total["skipped"]}


def report(rows: list[dict], budgets: dict) -> int:
    """Print the table and the closing line; 0 only if all passed."""
    say(f"\n{'':24}{'tests or cells':>16}{'failed':>8}{'seconds':>10}{'budget':>8}")
    for row in rows:
        budget = budgets.get(row["name"], budgets["solutions"])
        tests = row["passed"] + row["failed"] + row["skipped"]
        over = "  over its budget" if row["seconds"] > budget else ""
        say(f"{row['name']:24}{tests:16}{row['failed']:8}{row['seconds']:10.1f}{budget:8}{over}")
    seconds = sum(row["seconds"] for row in rows)
    say(f"{'everything':24}{'':24}{seconds:10.1f}{budgets['everything']:8}")
    passed, failed, skipped = (sum(row[k] for row in rows) for k in ("passed", "failed", "skipped"))
    if skipped:
        say(f"{skipped} skipped")
    say(f"\n{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


def refresh(options: argparse.Namespace) -> int:
    """Run notebooks top to bottom and store their outputs."""
    paths = notebooks(options.numbers)
    return run_inside(environment(options), "run_and_store", *map(str, paths))


def check(options: argparse.Namespace) -> int:
    """Style of code and notebooks, notebook hygiene, and the list of cells not compared."""
    python = environment(options)
    steps = [
        ["ruff", "check", "."],
        ["ruff", "format", "--check", "."],
        [
            "pytest",
            "-q",
            "--no-header",
            "tests/notebooks/test_notebooks.py",
            "tests/unit/test_architecture.py",
        ],
    ]
    codes = [subprocess.run([str(python), "-m", *step], cwd=ROOT).returncode for step in steps]
    say("\nCells whose output is not compared, and why:")
    for path in notebooks():
        for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
            if "nbval-ignore-output" in cell["metadata"].get("tags", []):
                say(f"  {path.stem:24}{cell['id']}  {cell['metadata'].get('reason', 'NO REASON')}")
    return max(codes)


def study(options: argparse.Namespace) -> int:
    """Go on with the study behind a notebook; every finished run is kept."""
    modules = project()["tool"]["course"]["studies"]
    if options.number not in modules:
        raise Trouble(
            f"No study belongs to {options.number}. There are: {', '.join(sorted(modules))}."
        )
    python = environment(options)
    if run_inside(python, "fetch_and_describe") != 0:
        return 1
    command = [str(python), "-m", f"tools.experiments.{modules[options.number]}"]
    if options.limit is not None:
        command += ["--limit", str(options.limit)]
    if options.processes is not None:
        command += ["--processes", str(options.processes)]
    return subprocess.run(command, cwd=ROOT).returncode


def site(options: argparse.Namespace) -> int:
    """Write the course as web pages; nothing is run, and nothing is loaded from elsewhere."""
    command = [str(environment(options)), "-m", "tools.site.build"]
    return subprocess.run(command, cwd=ROOT).returncode


def fork(options: argparse.Namespace) -> int:
    """Put another address, and another version, wherever the course names its own."""
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", options.address):
        raise Trouble(
            "Colab opens GitHub only: give an address like https://github.com/OWNER/NAME."
        )
    facts = project()["project"]
    old = (facts["urls"]["Repository"], f"v{facts['version']}")
    new = (options.address, options.version or old[1])
    if not re.fullmatch(r"v\d+\.\d+\.\d+", new[1]):
        raise Trouble("The version must look like v1.2.3: the tag of a release.")
    for path in [*ROOT.glob("*.md"), *ROOT.glob("*.cff"), *notebooks(), ROOT / "pyproject.toml"]:
        before = path.read_bytes()
        after = readdress(before.decode("utf8"), old, new)
        if path.suffix == ".ipynb":
            after = with_fresh_ids(after)
        if after.encode("utf8") != before:
            files.update(path, before, after.encode("utf8"))
            say(f"changed {path.relative_to(ROOT)}")
    return 0


def readdress(text: str, old: tuple[str, str], new: tuple[str, str]) -> str:
    """Replace the (address, tag) `old` by `new`: links, Colab badges, setup cells, versions."""
    slug = [address.removeprefix("https://github.com/") for address, _ in (old, new)]
    for before, after in (
        (rf"(?<=github\.com/){re.escape(slug[0])}(?![\w-])", slug[1]),
        (rf"(?<=colab\.research\.google\.com/github/){re.escape(slug[0])}(?![\w-])", slug[1]),
        (rf"(?<={re.escape(slug[1])}/blob/){re.escape(old[1])}(?=/)", new[1]),
        (rf'(?<=VERSION = \\"){re.escape(old[1])}(?=\\")', new[1]),
        (rf'(?m)(?<=^version = "){re.escape(old[1][1:])}(?="$)', new[1][1:]),
        (rf"(?m)(?<=^version: ){re.escape(old[1][1:])}$", new[1][1:]),
    ):
        text = re.sub(before, after, text)
    return text


def clean(options: argparse.Namespace) -> int:
    """Remove what the commands made and nobody changed; say what was left, and why."""
    clean_environments()
    clean_downloads()
    clean_outputs()
    clean_caches()
    return 0


def clean_environments() -> None:
    """Remove the virtual environments that the course made."""
    for venv in sorted(set(ROOT.glob(".venv*")) - {ROOT / ARCHIVES}):
        if venv.name in ENVIRONMENTS and is_ours(venv):
            files.remove_marked(venv)
            say(f"removed {venv.name}")
        else:
            say(f"left {venv.name}: it does not bear this course's mark")


def clean_downloads() -> None:
    """Remove weights and data, each file only if it is what `data/sources.toml` lists."""
    folder = ROOT / "data" / "downloads"
    known = files.written_in(folder)
    for name, source in sources().items():
        known += [(f"{name}/{member}", digest) for member, digest in members_of(name, source)]
        known.append((f"{name}.lock", files.EMPTY))
    remove_and_say(folder, known, "not what data/sources.toml lists")
    archives = [(source["archive"], source["sha256"]) for source in sources().values()]
    remove_and_say(ROOT / ARCHIVES, archives, "not what data/sources.toml lists")


def members_of(name: str, source: dict) -> list[tuple[str, str]]:
    """Path and SHA-256 of each file that a source brings; where one hash is for all, if it fits."""
    folder = ROOT / "data" / "downloads" / name
    if "tree" not in source:
        return list(source["members"].items())
    if not folder.is_dir() or files.tree_sha256(folder) != source["tree"]:
        return []
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [(path.relative_to(folder).as_posix(), files.sha256(path)) for path in paths]


def clean_outputs() -> None:
    """Remove pages that the commands wrote; what was trained, reported or predicted stays."""
    for name in ("site", "slides", "sheets"):
        folder = OUTPUTS / name
        known = manifest_of(folder) + files.written_in(folder)
        remove_and_say(folder, known, "put there by somebody else, or changed since")
    for path in sorted(OUTPUTS.iterdir()) if OUTPUTS.is_dir() else []:
        if path.name not in ("site", "slides", "sheets"):
            say(f"left {path.relative_to(ROOT)}: your own results; remove them yourself")
    files.remove_if_empty(OUTPUTS)


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
    """Remove known files below a folder, and say so, or what was left and why."""
    if not folder.is_dir():
        return
    files.remove_known(folder, known)
    files.remove_if_empty(folder)
    left = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    if left:
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        say(f"left in {folder.relative_to(ROOT)}: {', '.join(left[:3])}{more} ({why})")
    else:
        say(f"removed {folder.relative_to(ROOT)}")


def clean_caches() -> None:
    """Remove what pytest, ruff and Hypothesis keep to be faster the next time."""
    for name, inside in CACHES.items():
        try:
            if files.is_there(ROOT / name):
                files.remove_cache(ROOT / name, inside)
                say(f"removed {name}")
        except files.ForeignError as error:
            say(f"left {name}: {error}")


# ---------------------------------------------------------------- a notebook as it is stored

WIDGET = "application/vnd.jupyter.widget-view+json"
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def cleaned(notebook: dict) -> dict:
    """A notebook that was just run, in the one form in which it is stored.

    Two runs with equal outputs give equal files: ids stay, counts come from the order of the
    cells, and nothing is kept that depends on the time, the machine or the front end.
    """
    cells, count = [], 0
    for cell, digest in zip(notebook["cells"], cell_ids(notebook["cells"]), strict=True):
        keep = {key: cell["metadata"][key] for key in ("tags", "reason") if key in cell["metadata"]}
        new = {"cell_type": cell["cell_type"], "id": digest, "metadata": keep}
        new["source"] = lines(joined(cell["source"]))
        if cell["cell_type"] == "code":
            count += 1
            new["execution_count"] = count
            new["outputs"] = cleaned_outputs(cell["outputs"], count)
        cells.append(new)
    metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def cell_ids(cells: list[dict]) -> list[str]:
    """The cells' ids: the one a cell has stays, whatever becomes of its text; new ones get one.

    Claims about a notebook name its cells. A new id has eight hexadecimal digits, from the cell's
    kind and text; a cell whose id an earlier one bears, too, counts as new.
    """
    ids: list[str] = []
    for cell in cells:
        digest, source = cell.get("id", ""), joined(cell["source"])
        if not re.fullmatch(r"[0-9a-f]{8}", digest) or digest in ids:
            digest = short_hash(("md" if cell["cell_type"] == "markdown" else "code") + source)
        while digest in ids:
            digest = short_hash(digest + source)
        ids.append(digest)
    return ids


def short_hash(text: str) -> str:
    """The first eight hexadecimal digits of SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def cleaned_outputs(outputs: list[dict], count: int) -> list[dict]:
    """Streams merged and as they look in the end, no widgets, errors without library frames."""
    kept: list[dict] = []
    for output in outputs:
        kind = output["output_type"]
        if kind == "stream":
            text = joined(output["text"])
            if kept and kept[-1].get("name") == output["name"]:
                text = joined(kept.pop()["text"]) + text
            kept.append({"name": output["name"], "output_type": "stream", "text": text})
        elif kind == "error":
            frames = own_frames(output["traceback"])
            kept.append({key: output[key] for key in ("ename", "evalue", "output_type")})
            kept[-1]["traceback"] = frames
        elif WIDGET not in output["data"]:
            data = {mime: stored(mime, output["data"][mime]) for mime in sorted(output["data"])}
            kept.append({"data": data, "metadata": output["metadata"], "output_type": kind})
            if kind == "execute_result":
                kept[-1]["execution_count"] = count
    for output in kept:
        if output["output_type"] == "stream":
            output["text"] = lines(as_seen(output["text"]))
    return [output for output in kept if output.get("text") != []]


def stored(mime: str, value: object) -> object:
    """Text as a list of lines, pictures and JSON as they are."""
    is_text = mime.startswith("text/") or mime == "image/svg+xml"
    return lines(joined(value)) if is_text else value


def as_seen(text: str) -> str:
    """What a terminal shows in the end: a carriage return starts its line anew."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def own_frames(traceback: list[str]) -> list[str]:
    """A traceback without the frames of libraries, which name paths of this machine."""
    ours = ("Cell In[", "Traceback")
    own = [part for part in traceback[1:-1] if ANSI.sub("", part).startswith(ours)]
    return [*traceback[:1], *own, *traceback[-1:]] if len(traceback) > 1 else traceback


def joined(text: str | list[str]) -> str:
    """A notebook's text, which may be stored as a list of lines."""
    return text if isinstance(text, str) else "".join(text)


def lines(text: str) -> list[str]:
    """Text as notebooks store it; split at newlines only, so that nothing else is lost."""
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def as_text(notebook: dict) -> str:
    """The file of a notebook."""
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def with_fresh_ids(text: str) -> str:
    """A notebook's file after its cells were edited."""
    notebook = json.loads(text)
    for cell, digest in zip(notebook["cells"], cell_ids(notebook["cells"]), strict=True):
        cell["id"] = digest
    return as_text(notebook)


# ---------------------------------------------------------------- run by the Python of .venv


def fetch_and_describe() -> None:
    """Fetch weights and data, then print what this machine is and what is on its disk.

    What a pack did not bring may be missing where there is no network; anything else may not.
    """
    from helpers import downloads, runtime
    from tools.teaching import pack as packing

    missing, not_brought = [], packing.not_brought(ROOT)
    for name in sorted(downloads.sources(), key=not_brought.count):
        if name in not_brought:  # no long waiting for a network that nobody promised
            os.environ |= {"PIP_RETRIES": "0", "PIP_DEFAULT_TIMEOUT": "10"}
        try:
            downloads.folder(name)
        except downloads.DownloadError as error:
            if name not in not_brought:
                sys.exit(str(error))
            missing.append(name)
    print(runtime.describe().to_string(header=False))
    for name in missing:
        needed = " and ".join(packing.needed_by(name, ROOT)) or "no"
        print(
            f"{name:14} not here: the pack did not bring it. `python3 tasks.py lab` fetches it "
            f"where there is a network. Needed by notebook {needed}."
        )
    for name in [name for name in downloads.sources() if name not in missing]:
        size = sum(path.stat().st_size for path in downloads.folder(name).rglob("*"))
        print(f"{name:14} {size / 1e6:,.0f} MB in data/downloads/{name}")


def run_and_store() -> None:
    """Run the notebooks named on the command line; a failing one stays as it was.

    So does one that was edited while it ran.
    """
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    timeout = project()["tool"]["course"]["cell_timeout"]
    for path in map(Path, sys.argv[1:]):
        start = time.perf_counter()
        before = path.read_bytes()
        notebook = nbformat.reads(before.decode("utf8"), as_version=4)
        place = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            notebook, timeout=timeout, kernel_name="python3", resources=place, record_timing=False
        )
        client.on_cell_complete = lambda cell, cell_index: print(".", end="", flush=True)
        print(path.stem, end=" ", flush=True)
        try:
            client.execute()
        except CellExecutionError:
            sys.exit(f"\n{path.name}, and nothing was stored: {failure(notebook)}")
        try:
            files.update(path, before, as_text(cleaned(notebook)).encode("utf8"))
        except files.ForeignError:
            sys.exit(
                f"\n{path.name} was edited while it ran, so nothing was stored and your edit is "
                f"still there.\nRun it again: python3 tasks.py refresh {path.name[:2]}"
            )
        print(f" {time.perf_counter() - start:.1f} s")


def failure(notebook: dict) -> str:
    """The cell that failed: its id, its text, and the error with the line that raised it."""
    errors = [
        (cell, output)
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if output["output_type"] == "error"
        and "raises-exception" not in cell.metadata.get("tags", [])
    ]
    cell, error = errors[0]
    frames = "\n".join(own_frames(error["traceback"]))
    return f"cell {cell['id']} failed.\n\n{joined(cell['source'])}\n\n{frames}"


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
    added[lab].add_argument("--port", type=int, default=8888)
    added[lab].add_argument("--ip", default="localhost")
    added[lab].add_argument("--from", dest="pack", default="")
    added[pack].add_argument("folder", nargs="?", default=str(OUTPUTS / "pack"))
    added[pack].add_argument("--without", nargs="+", default=[])
    added[slides].add_argument("numbers", nargs="*")
    for function in (lab, pack, test):
        added[function].add_argument("--torch-index", default="")
        added[function].add_argument("--cuda", action="store_true")
    for function in (test, refresh, check, study, slides, site):
        added[function].add_argument("--here", action="store_true")
    added[test].add_argument("--fast", action="store_true")
    added[test].add_argument("--all", action="store_true")
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
    try:
        check_python()
        if not arguments or {"-h", "--help"} & set(arguments):
            print(f"usage: {HELP}", end="")
            return 0
        options = parser().parse_args(arguments)
        return options.function(options)
    except (Trouble, files.StorageError) as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Run the same command again: it repairs what was left.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
