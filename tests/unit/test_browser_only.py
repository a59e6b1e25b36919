"""Containers for those who bring only a browser. They cannot be run here: their form is held."""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tools import environment, project

OLDEST_PYTHON = project.project()["project"]["requires-python"].removeprefix(">=")
DEVCONTAINER = json.loads((project.ROOT / ".devcontainer/devcontainer.json").read_text("utf8"))
KNOWN = {
    "name",
    "image",
    "hostRequirements",
    "postCreateCommand",
    "postAttachCommand",
    "forwardPorts",
    "portsAttributes",
}


def test_the_devcontainer_has_known_keys_and_the_oldest_python():
    assert set(DEVCONTAINER) == KNOWN
    assert DEVCONTAINER["image"].endswith(f":{OLDEST_PYTHON}")
    room = int(DEVCONTAINER["hostRequirements"]["storage"].removesuffix("gb"))
    assert room * 1000 > 2 * environment.DISK_MB["cuda"]


def test_the_devcontainer_sets_up_and_then_fetches(monkeypatch):
    """The command it calls, with nothing installed; a machine without a GPU gets CUDA, too."""
    python, *module = DEVCONTAINER["postCreateCommand"].split()
    assert (python, module[:2]) == ("python3", ["-m", "tools.environment"])
    called = []
    monkeypatch.setattr(environment, "set_up", lambda **asked: called.append(asked) or "python")
    monkeypatch.setattr(environment, "hand_over", lambda *given: called.append(given) or 0)
    monkeypatch.setattr(sys, "argv", module[1:])
    assert environment.main() == 0
    assert called == [{"torch_index": "", "cuda": True}, ("python", "tools.describe")]
    assert importlib.util.find_spec("tools.describe")


def test_the_devcontainer_forwards_the_port_on_which_lab_listens():
    assert DEVCONTAINER["postAttachCommand"] == "python3 tasks.py lab --no-browser"
    port = re.search(r'"--port", default="(\d+)"', (project.ROOT / "tasks.py").read_text())
    assert DEVCONTAINER["forwardPorts"] == [int(port[1])]
    assert list(DEVCONTAINER["portsAttributes"]) == [port[1]]


def torch_range(text: str, name: str) -> str:
    """What follows a package's name on its line."""
    return re.search(rf"(?m)^[ -]*{name}([<>=].*)$", text)[1]


def test_binder_takes_torch_from_the_range_of_the_requirements():
    text = (project.ROOT / "binder/environment.yml").read_text(encoding="utf8")
    environment = yaml.safe_load(text)
    assert set(environment) == {"name", "channels", "dependencies"}
    requirements = (project.ROOT / "requirements.txt").read_text(encoding="utf8")
    assert torch_range(text, "pytorch-cpu") == torch_range(requirements, "torch")
    assert f"python={OLDEST_PYTHON}" in environment["dependencies"]


def test_binder_installs_all_the_rest_at_the_verified_versions(tmp_path):
    """The real script, with a stand-in for Python that keeps what it is given."""
    if shutil.which("bash") is None:
        pytest.skip("there is no bash")
    stand_in = tmp_path / "python"
    stand_in.write_text(
        '#!/bin/bash\nif [ "$1" = -m ]; then cp "$6" "$HOME/r"; cp "$8" "$HOME/c"; fi\n'
        'echo "$@" >> "$HOME/called"\n',
        encoding="utf8",
    )
    stand_in.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "HOME": str(tmp_path)}
    script = ["bash", str(project.ROOT / "binder/postBuild")]
    subprocess.run(script, cwd=project.ROOT, env=environment, check=True)
    for kept, name in (("r", "requirements.txt"), ("c", "requirements/constraints.txt")):
        lines = (project.ROOT / name).read_text(encoding="utf8").splitlines()
        without = [line for line in lines if not re.match(r"torch[<>=]", line)]
        assert len(without) == len(lines) - 1
        assert (tmp_path / kept).read_text(encoding="utf8").splitlines() == without
    called = (tmp_path / "called").read_text(encoding="utf8").splitlines()
    assert called[1] == "-m tools.describe"
    assert Path(project.ROOT / "binder/postBuild").stat().st_mode & 0o100
