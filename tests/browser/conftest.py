"""Shared by the tests in a browser: why they are skipped, the server, the seconds of each run."""

from collections.abc import Iterator

import pytest

from tools import environment

SECONDS = pytest.StashKey[dict[str, float]]()
CURE = "skipped: {}; CONTRIBUTING.md, under 'In a real browser', has the one line that cures it"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[SECONDS] = {}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print how long each notebook took in the browser."""
    for name, seconds in terminalreporter.config.stash[SECONDS].items():
        terminalreporter.write_line(f"browser seconds  {name:24}{seconds:8.1f}")


@pytest.fixture(scope="session")
def browser() -> Iterator:
    """Chromium through playwright; where one of them is missing, the tests say so."""
    if environment.find_chromium() is None:
        pytest.skip(CURE.format("no Chromium was found"))
    pytest.importorskip("playwright.sync_api", reason=CURE.format("playwright is not installed"))
    from tests.browser import lab

    with lab.chromium() as found:
        yield found


@pytest.fixture(scope="session")
def copy(tmp_path_factory: pytest.TempPathFactory):
    """A copy of the course that the tests may write into."""
    from tests.browser import lab

    return lab.make_copy(tmp_path_factory.mktemp("browser"))


@pytest.fixture(scope="session")
def server(browser, copy) -> Iterator[str]:
    """Address of the JupyterLab that `tasks.py lab` starts, serving the copy."""
    from tests.browser import lab

    with lab.jupyterlab(copy) as address:
        yield address
