"""Shared by all tests: the course's notebooks as data."""

import json
import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from IPython.core.inputtransformer2 import TransformerManager

from tools import project

if "PYTEST_XDIST_WORKER" in os.environ:  # as many processes as cores: a thread for each
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# Whoever starts the tests in the background of a script, or with nohup, lets them ignore Ctrl-C or
# the end of the terminal, and whatever they start as well; a test of such a signal would wait for
# ever. A handler of one's own is not inherited.
for name, handler in (("SIGINT", signal.default_int_handler), ("SIGHUP", lambda *_: None)):
    number = getattr(signal, name, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)

# No test asserts a wall-clock time: on a busy machine an example may take as long as it likes.
settings.register_profile("course", deadline=None)
settings.load_profile("course")

# `course`: the notebooks of the series. `every`: these and the solutions.
COURSE = [path for path in project.notebooks() if path.parent == project.NOTEBOOKS]
EVERY = project.notebooks()


def load(path: Path) -> dict:
    """A notebook as it is stored."""
    return json.loads(path.read_text(encoding="utf8"))


def as_python(cell: dict) -> str:
    """A code cell as a program; `%pip` becomes the call that IPython makes of it."""
    return TransformerManager().transform_cell("".join(cell["source"]))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `course` or `every` once a notebook."""
    for name, paths in (("course", COURSE), ("every", EVERY)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, paths, ids=[path.stem for path in paths])


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The course's web pages, built once."""
    from tools.site import build

    target = tmp_path_factory.mktemp("site") / "pages"
    build.build(target)
    return target
