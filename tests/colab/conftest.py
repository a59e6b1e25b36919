"""Shared by the tests in the simulated Colab: what answers for the public address; seconds."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.colab import runtime
from tools import environment, project

RUNS = pytest.StashKey[dict[str, runtime.Ran]]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[RUNS] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each notebook and its setup cell took."""
    for name, ran in terminalreporter.config.stash[RUNS].items():
        text = f"colab seconds  {name:26}{ran.seconds:8.1f}, setup cell {ran.setup_seconds:5.1f}"
        terminalreporter.write_line(text)


@pytest.fixture(scope="session")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A bare repository with the course as it is in this tree, under its tag."""
    return runtime.publish(tmp_path_factory.mktemp("public"))


@pytest.fixture(scope="session")
def colab(request: pytest.FixtureRequest) -> None:
    """Colab's packages: hundreds of MB, so a reader's `tasks.py test` does not fetch them."""
    wanted = os.environ.get("CI") or request.config.getoption("markexpr") == ""
    if not (wanted or runtime.venv_of(runtime.PYTHON).is_dir()):
        pytest.skip("skipped: `tasks.py test --all` fetches Colab's packages, or CI=1 does")
    try:
        runtime.colab_python()
    except LookupError as trouble:
        pytest.skip(f"skipped: {trouble}")
    except project.Trouble as trouble:
        if str(trouble) != environment.cuda_for_nothing("lab"):
            raise  # or a mistake of ours would pass as a skip
        pytest.skip(f"skipped: {trouble}")
