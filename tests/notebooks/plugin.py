"""pytest -p tests.notebooks.plugin --nbval …: claims are checked between a notebook's cells.

The notebook is run once, in its own folder, each of its cells as nbval runs it anyway. After a cell
that has claims comes one cell more that checks them and must say nothing.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbval.plugin import IPyNbCell, IPyNbFile

from tests.notebooks.claims import call, claims_of

ROOT = Path(__file__).resolve().parents[2]


class WithClaims(IPyNbFile):
    """A notebook whose claims are checked, too."""

    def setup(self) -> None:
        """Start the kernel; one at a time, or two might find the same ports free."""
        with FileLock(Path(tempfile.gettempdir()) / "sft-unveiled-kernels.lock"):
            super().setup()

    def collect(self) -> Iterator[IPyNbCell]:
        """The notebook's own cells, and after some of them one that checks."""
        name = self.path.stem
        cells = {holds.cell for holds in claims_of(name)}
        for item in super().collect():
            yield item
            if item.cell.id in cells:
                checking = nbformat.v4.new_code_cell(call(name, item.cell.id))
                yield IPyNbCell.from_parent(
                    self,
                    name=f"{item.name}, claims",
                    cell_num=item.cell_num,
                    cell=checking,
                    options=defaultdict(bool, check=True),
                )


@pytest.hookimpl(wrapper=True)
def pytest_collect_file(file_path: Path, parent: pytest.Collector):
    """Where nbval would run a notebook, run it with its claims."""
    collected = yield
    return [
        WithClaims.from_parent(parent, path=file_path) if isinstance(one, IPyNbFile) else one
        for one in collected
    ]


def pytest_configure() -> None:
    """Let kernels import the claims; where two notebooks run at a time, give each a core."""
    if "PYTEST_XDIST_WORKER" in os.environ:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])
    )
