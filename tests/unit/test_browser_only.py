"""Containers for those who bring only a browser. They cannot be run here: their form is held."""

import inspect
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

import tasks

DEVCONTAINER = json.loads((tasks.ROOT / ".devcontainer/devcontainer.json").read_text("utf8"))
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
    assert DEVCONTAINER["image"].endswith(":{}.{}".format(*tasks.OLDEST_PYTHON))
    room = int(DEVCONTAINER["hostRequirements"]["storage"].removesuffix("gb"))
    assert room * 1000 > 2 * tasks.DISK_MB["cuda"]


def test_the_devcontainer_sets_up_with_functions_that_there_are(monkeypatch):
    called = []

    def stand_in(name):
        signature = inspect.signature(getattr(tasks, name))
        return lambda *given, **named: called.append((name, signature.bind(*given, **named)))

    for name in ("set_up", "run_inside"):
        monkeypatch.setattr(tasks, name, stand_in(name))
    code = re.fullmatch(r'python3 -c "(.*)"', DEVCONTAINER["postCreateCommand"])[1]
    with pytest.raises(SystemExit):
        exec(code, {})
    assert [name for name, _ in called] == ["set_up", "run_inside"]
    assert hasattr(tasks, called[1][1].arguments["function"])


def test_the_devcontainer_forwards_the_port_on_which_lab_listens():
    command = DEVCONTAINER["postAttachCommand"].removeprefix("python3 tasks.py ").split()
    options = tasks.parser().parse_args(command)
    assert options.function is tasks.lab
    assert DEVCONTAINER["forwardPorts"] == [options.port]
    assert list(DEVCONTAINER["portsAttributes"]) == [str(options.port)]


def torch_range(text: str, name: str) -> str:
    """What follows a package's name on its line."""
    return re.search(rf"(?m)^[ -]*{name}([<>=].*)$", text)[1]


def test_binder_takes_torch_from_the_range_of_the_requirements():
    text = (tasks.ROOT / "binder/environment.yml").read_text(encoding="utf8")
    environment = yaml.safe_load(text)
    assert set(environment) == {"name", "channels", "dependencies"}
    requirements = (tasks.ROOT / "requirements.txt").read_text(encoding="utf8")
    assert torch_range(text, "pytorch-cpu") == torch_range(requirements, "torch")
    assert "python={}.{}".format(*tasks.OLDEST_PYTHON) in environment["dependencies"]


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
    script = ["bash", str(tasks.ROOT / "binder/postBuild")]
    subprocess.run(script, cwd=tasks.ROOT, env=environment, check=True)
    for kept, name in (("r", "requirements.txt"), ("c", "requirements/constraints.txt")):
        lines = (tasks.ROOT / name).read_text(encoding="utf8").splitlines()
        without = [line for line in lines if not re.match(r"torch[<>=]", line)]
        assert len(without) == len(lines) - 1
        assert (tmp_path / kept).read_text(encoding="utf8").splitlines() == without
    called = (tmp_path / "called").read_text(encoding="utf8").splitlines()
    assert called[1] == "-c import tasks; tasks.fetch_and_describe()"
    assert Path(tasks.ROOT / "binder/postBuild").stat().st_mode & 0o100
