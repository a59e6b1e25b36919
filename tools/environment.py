"""The virtual environment of the course: made, brought up to date, linked to this clone.

Standard library only: it runs before anything is installed.

    python3 -m tools.environment [--cuda]    set up what is missing, fetch weights and data
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from helpers import children, files, pip_errors
from tools import lab, project

LINK = "sft-unveiled.pth"
# What the commands make; `clean` removes them.
MADE = (".venv", ".venv-lowest", ".venv-colab", ".venv-colab-3.12", ".venv-colab-3.13")

# Measured: Python 3.11 on Linux, July to November 2026. What `lab` says beforehand.
WHEELS_MB = 262  # all packages but torch
TORCH_MB = {"cpu": 192, "cuda": 2740}  # the cuda figure with the 18 packages it brings along
# .venv (2,100 with torch for processors), weights and data (590 with the converted model), and
# room for pip to unpack and keep the packages.
DISK_MB = {"cpu": 3500, "cuda": 9500}
MEANINGS = {
    "disk full": f"The disk is full. The set-up needs {DISK_MB['cpu'] / 1000:.1f} GB: make room "
    "and run the same command again.",
    "no network": "The package index cannot be reached. The first set-up needs a network, once.\n"
    "Connect and run the same command again; afterwards the course works without.",
    "certificate": "The certificate of the package index is not trusted here. In a Wi-Fi with a "
    "login page, log in with a browser first;\nbehind a proxy that reads along, set PIP_CERT to "
    "the file of its certificate. Then run the same command again.",
    "nothing offered": "The package index has nothing that fits this Python and system, or the "
    "login page of a Wi-Fi answered in its place:\nlog in with a browser and run the same command "
    "again. If it fails again, this is why:\n  {errors}",
    "cut off": "The connection was cut off or stood still. Run the same command again. On a slow "
    "line, set\nPIP_DEFAULT_TIMEOUT to 120 (seconds) first, so that pip has more patience.",
    "no archive": "What arrived is no package: it was cut off, or something on the way sent a page "
    "of its own.\nLog in with a browser if this Wi-Fi wants that, or try another network, and run "
    "the same command again. pip said:\n  {errors}",
    "other bytes": "What arrived is not what the package index lists: it was cut off, or something "
    "on the way changed it.\nRun the same command again; if it says the same, try another network.",
    "": "The installation failed. Run the same command again; if it fails again, this is why:\n"
    "  {errors}",
}


def python_for(here: bool = False, torch_index: str = "", cuda: bool = False) -> Path:
    """The Python to use: this one if it shall be `here`, else that of `.venv`."""
    return Path(sys.executable) if here else set_up(torch_index=torch_index, cuda=cuda)


def hand_over(python: Path, module: str, *arguments: str) -> int:
    """Run a module of this clone with another Python, in its root; returns the exit code.

    A signal that ends this process ends the module, too.
    """
    command = [str(python), "-m", module, *arguments]
    options = {"wait": lab.wait_until_stopped, "env": project.surroundings()}
    return lab.serve(command, project.ROOT, **options)


def python_of(venv: Path) -> Path:
    """The Python inside a virtual environment."""
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def stamp_text(constraints: str) -> str:
    """What a complete installation leaves behind: its Python, and a hash of what it followed."""
    names = ("requirements.txt", "requirements/dev.txt", constraints)
    content = b"".join((project.ROOT / name).read_bytes() for name in names)
    return f"{sys.version}\n{files.sha256_bytes(content)}\n"


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
    venv: Path = project.VENV,
    constraints: str = "requirements/constraints.txt",
    torch_index: str = "",
    cuda: bool = False,
    wheels: Path | None = None,
) -> Path:
    """Make the virtual environment if it is missing or incomplete, bring it up to date if not.

    One process does so at a time; others wait, and then find the work done. With a folder of
    `wheels` nothing else is asked, no index and no network.

    Returns:
        The environment's Python.
    """
    wanted = stamp_text(constraints)
    if stamp_found(venv) != wanted:
        check_free(venv)
        with alone(venv):
            if stamp_found(venv) != wanted:
                install(venv, wanted, constraints, torch_index, cuda, wheels)
    link(venv)
    return python_of(venv)


def lock_of(venv: Path) -> Path:
    """The empty file whose lock a set-up of this environment holds."""
    return venv.with_name(f".sft-unveiled-{venv.name}.lock")


@contextmanager
def alone(venv: Path) -> Iterator[None]:
    """Be the only one that installs into an environment; wait for another one, and say so."""
    waiting = (
        f"Another command is setting up {venv.name} in this folder. Waiting until it is done; "
        "Ctrl-C ends the waiting."
    )
    with files.alone(lock_of(venv), lambda: project.say(waiting)):
        yield


def install(
    venv: Path,
    wanted: str,
    constraints: str,
    torch_index: str,
    cuda: bool,
    wheels: Path | None,
) -> None:
    """Install what is wanted, into a new environment or on top of an older state of it.

    The stamp is written last: an installation that was interrupted has none, and is made anew.
    """
    ours, found = is_ours(venv), stamp_found(venv)
    if ours and found.startswith(sys.version):
        project.say(f"The requirements have changed: bringing {venv.name} up to date.")
        (venv / "installed.txt").write_text("", encoding="utf8")  # incomplete, until it is done
    else:
        check_free(venv)
        check_disk("cpu")
        remake(venv)
        if wheels is None:
            announce(venv, constraints, torch_index, cuda)
    if torch_index:
        only_torch = ["--no-deps", "--index-url", torch_index, "torch"]
        pip_install(venv, [*only_torch, "-c", str(project.ROOT / constraints)])
    closed = ["--isolated", "--no-index", "--find-links", str(wheels)] if wheels else []
    pip_install(venv, [*closed, *wanted_packages(constraints)])
    quiet_jupyter(venv)
    (venv / "installed.txt").write_text(wanted, encoding="utf8")


def wanted_packages(constraints: str) -> list[str]:
    """What pip is asked for: all that reading, testing and teaching need."""
    return ["-r", str(project.ROOT / "requirements/dev.txt"), "-c", str(project.ROOT / constraints)]


def check_disk(kind: str, folder: Path | None = None) -> None:
    """Raise `Trouble` if the set-up would not fit; `kind` is a key of `DISK_MB`."""
    megabytes = DISK_MB[kind]
    files.check_space("The set-up", megabytes, folder or project.ROOT, project.Trouble, unit="GB")


def check_free(venv: Path) -> None:
    """Raise `Trouble` if something lies there that the course did not make."""
    empty = venv.is_dir() and not venv.is_symlink() and not any(venv.iterdir())
    if files.is_there(venv) and not empty and not is_ours(venv):
        raise project.Trouble(
            f"{venv} is there already, and this course did not make it. It is the place of the "
            "course's own virtual environment.\nNothing was changed. Rename it, or remove it "
            "yourself if you do not need it, and run the same command again."
        )


def remake(venv: Path) -> None:
    """An empty virtual environment, in place of what an interrupted set-up left."""
    if files.is_marked(venv):
        project.say(f"{venv.name} is incomplete: making it anew.")
        files.remove_marked(venv)
    project.say(
        f"Set-up, once: a virtual environment in {venv.name}, and in it the course's packages."
    )
    files.make_marked(venv)
    make_venv(venv)


def make_venv(venv: Path) -> None:
    """Make an empty virtual environment, or say why this Python cannot."""
    command = [sys.executable, "-m", "venv", str(venv)]
    code, said = children.finished(command)
    if code != 0:
        raise project.Trouble(explain_venv(said))


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
    total = (
        WHEELS_MB
        + TORCH_MB[kind]
        + sum(source["bytes"] for source in project.sources().values()) / 1e6
    )
    project.say(
        f"About {total:,.0f} MB to download: torch {TORCH_MB[kind]:,} MB, other packages "
        f"{WHEELS_MB} MB, the rest weights and data. {DISK_MB[kind] / 1000:.1f} GB of disk."
    )
    if kind == "cuda" and not cuda and shutil.which("nvidia-smi") is None:
        raise project.Trouble(cuda_for_nothing("lab"))


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
    command += ["--ignore-installed", "--no-input", "torch", "-c", str(project.ROOT / constraints)]
    said = ""
    with tempfile.TemporaryDirectory() as scratch:
        options = {"env": dict(os.environ, TMPDIR=scratch), **children.AS_TEXT}
        with children.bound(command, **options) as pip:
            for line in pip.stdout:
                said += line
                if names_wheel(line):
                    return "cuda" if is_cuda(said) else "cpu"
            if pip.wait() != 0:
                raise project.Trouble(explain_pip(said))
    return "cuda" if is_cuda(said) else "cpu"


def names_wheel(line: str) -> bool:
    """Whether a line of pip's names the torch wheel it is about to fetch."""
    fetches = re.search(r"(Processing|Downloading|Using cached) .*torch-\S+\.whl", line)
    return fetches is not None and ".whl.metadata" not in line


def is_cuda(said: str) -> bool:
    """Builds for processors only say "+cpu" in their version, or are less than half as large."""
    size = re.search(r"torch-\S+\.whl \((\d+)[\d.]* MB\)", said)
    return not re.search(r"torch-\S*(\+|%2B)cpu", said) and not (size and int(size[1]) < 300)


def pip_install(venv: Path, arguments: list[str]) -> None:
    """Install into `venv`, showing the large downloads; all pip said is kept in `pip.log`."""
    run_pip(venv, "install", arguments)


def run_pip(venv: Path, action: str, arguments: list[str]) -> None:
    """Run one of pip's commands; with `--isolated`, no file of settings is read either.

    pip keeps what it downloads, also what is no package. So where that is the fault, it is asked
    once more, and then fetches everything anew.
    """
    command = [str(python_of(venv)), "-m", "pip", action, "--no-input", "--progress-bar", "off"]
    code, said = logged(venv, [*command, *arguments])
    offline = "--no-index" in arguments
    if code != 0 and pip_errors.is_broken(said) and not offline:
        project.say("What arrived, or was kept from before, is no package: fetching it anew.")
        code, said = logged(venv, [*command, "--no-cache-dir", *arguments])
    if code != 0:
        raise project.Trouble(explain_pip(said, offline))


def logged(venv: Path, command: list[str]) -> tuple[int, str]:
    """Run pip and show what stands for more than a moment; its exit code, and all that it said."""
    settings = {"PIP_CONFIG_FILE": os.devnull} if "--isolated" in command else {}
    options = {"env": os.environ | settings, **children.AS_TEXT}
    said = ""
    with (
        (venv / "pip.log").open("a", encoding="utf8") as log,
        children.bound(command, **options) as pip,
    ):
        for line in pip.stdout:
            log.write(line)
            said += line
            show_download(line)
        return pip.wait(), said


def show_download(line: str) -> None:
    """Pass on those of pip's lines that stand for more than a moment."""
    large = re.search(r"Downloading (\S+?)-(\d[^-]*)-\S+ \((\d+\.?\d* [MG]B)\)", line)
    local = re.search(r"Processing \S*/(torch)-([^-]*)-", line)
    if large:
        project.say("  download {} {} ({})".format(*large.groups()))
    elif local:
        project.say("  unpack {} {}".format(*local.groups()).replace("%2B", "+"))
    elif line.startswith("Installing collected packages"):
        project.say(f"  install {line.count(',') + 1} packages; this takes a minute or two")


def explain_pip(said: str, offline: bool = False) -> str:
    """The cause of pip's failure, with the cure; `offline`, no network had a part in it."""
    told = ("disk full", "") if offline else MEANINGS
    return pip_errors.explain(said, {cause: MEANINGS[cause] for cause in told}, last=3)


def link(venv: Path) -> None:
    """Let the environment's Python import this clone's `helpers` from anywhere: one .pth file.

    No package is built, so that it works without a network. The path in it is relative: a clone
    that is moved as a whole stays linked. Where nothing can be written, a notebook still finds the
    clone around it.
    """
    version = "python{}.{}".format(*sys.version_info[:2])
    packages = venv / ("Lib" if os.name == "nt" else f"lib/{version}") / "site-packages"
    text = f"{os.path.relpath(project.ROOT, packages)}\n"
    if not is_ours(venv) or not packages.is_dir():
        return
    with suppress(OSError):
        files.update(packages / LINK, files.read_before(packages / LINK), text.encode())


def quiet_jupyter(venv: Path) -> None:
    """Keep JupyterLab from asking the network for news and updates."""
    settings = venv / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": False}
    overrides = {"@jupyterlab/apputils-extension:notification": quiet}
    (settings / "overrides.json").write_text(json.dumps(overrides), encoding="utf8")


# ---------------------------------------------------------------- a browser for the tests


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


def prepare_browser(everywhere: bool) -> None:
    """Install what drives a browser, where there is one; on a CI machine that browser, too."""
    if find_chromium() is None and os.environ.get("CI"):
        apt_install("chromium")
    if everywhere or find_chromium():
        add("browser")


def add(name: str) -> None:
    """Install what `requirements/NAME.txt` lists into `.venv`, once for each state of the file.

    Raises `Trouble` for an environment that the course did not make, or a link to one.
    """
    own, constraints = f"requirements/{name}.txt", "requirements/constraints.txt"
    content = (project.ROOT / own).read_bytes() + stamp_text(constraints).encode()
    stamp, wanted = project.VENV / f"{name}.txt", files.sha256_bytes(content)
    if stamp.is_file() and stamp.read_text(encoding="utf8") == wanted:
        return
    check_free(project.VENV)
    arguments = ["-r", str(project.ROOT / own), "-c", str(project.ROOT / constraints)]
    with alone(project.VENV):
        pip_install(project.VENV, arguments)
        stamp.write_text(wanted, encoding="utf8")


def apt_install(package: str) -> None:
    """Install a Debian package if this is root on such a system; say so if it does not work."""
    if not (shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0):
        return
    project.say(f"CI: installing {package}")
    for command in (["update"], ["install", "--yes", "--no-install-recommends", package]):
        ran = subprocess.run(
            ["apt-get", "--quiet=2", *command], stdin=subprocess.DEVNULL, capture_output=True
        )
        if ran.returncode != 0:
            project.say(f"apt-get {command[0]} failed: the tests in a browser will be skipped.")
            return


def main() -> int:
    """What a container does when it is made: set up, then fetch weights and data."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--cuda", action="store_true")
    python = python_for(cuda=asked.parse_args().cuda)
    return hand_over(python, "tools.describe")


if __name__ == "__main__":
    sys.exit(project.ended(main))
