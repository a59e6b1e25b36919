"""What a section costs to compute, and what a notebook takes of memory: run, and written down.

    python -m tools.teaching.minutes 00 04 05     runs these notebooks and appends to both tables
    python -m tools.teaching.minutes              all of the series

`minutes.csv` has a row a section and run, `memory.csv` a row a notebook and run. Rows of sections
that a notebook no longer has are removed. Nothing is stored in the notebooks. `cpu_seconds` is
processor time, which other programs on the machine hardly change; `seconds` is what the clock said.
Set OMP_NUM_THREADS=1 to see what one core takes.
"""

import argparse
import time
from pathlib import Path

import nbformat
import psutil
from nbclient import NotebookClient

from helpers import files
from tools import project
from tools.experiments import runs
from tools.experiments.provenance import provenance
from tools.notebook_sections import OPENING, heading, plain, read, sections

MINUTES = project.ROOT / "data" / "measured" / "minutes.csv"
MEMORY = project.ROOT / "data" / "measured" / "memory.csv"
# Asked of the kernel when all cells have run. Linux counts in KiB, macOS in bytes.
PEAK = """
import resource, sys, torch
unit = 1e6 if sys.platform == "darwin" else 1e6 / 1024
peaks = [resource.getrusage(who).ru_maxrss / unit
         for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
print(*(round(peak) for peak in peaks), torch.get_num_threads())
"""


def run(path: Path) -> tuple[dict[str, list[float]], list[int]]:
    """Run a notebook in a fresh kernel.

    Returns:
        By section, seconds of the clock and of the processor; and, in MB, the peaks of the kernel
        and of the largest process that it started, followed by the threads that torch used.
    """
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    client = NotebookClient(notebook, timeout=None, kernel_name="python3", resources=place)
    spent, current = {OPENING: [0.0, 0.0]}, OPENING
    with client.setup_kernel():
        kernel = psutil.Process(client.km.provisioner.process.pid)
        for index, cell in enumerate(notebook.cells):
            current = heading(cell) or current
            before = clocks(kernel)
            client.execute_cell(cell, index)
            used = [after - at for after, at in zip(clocks(kernel), before, strict=True)]
            so_far = spent.get(current, [0.0, 0.0])
            spent[current] = [a + b for a, b in zip(so_far, used, strict=True)]
        notebook.cells.append(nbformat.v4.new_code_cell(PEAK))
        answer = client.execute_cell(notebook.cells[-1], len(notebook.cells) - 1)
    said = "".join(
        o.text for o in answer.outputs if o.get("name") == "stdout"
    )  # in one piece or two
    return spent, [int(word) for word in said.split()]


def clocks(process: psutil.Process) -> list[float]:
    """Seconds of the clock, and of the processor for a process and those it has waited for."""
    times = process.cpu_times()
    cpu = times.user + times.system + times.children_user + times.children_system
    return [time.perf_counter(), cpu]


def forget(path: Path) -> None:
    """Remove what was measured of sections that the notebook no longer has."""
    there = {plain(title) for title in sections(read(path))}
    before = MINUTES.read_bytes()
    rows = runs.as_text(before)
    gone = (rows["notebook"] == path.stem) & ~rows["section"].map(plain).isin(there)
    if gone.any():
        files.update(MINUTES, before, rows[~gone].to_csv(index=False).encode("utf8"))


def record(path: Path) -> None:
    """Run one notebook and write down what it took."""
    forget(path)
    facts = provenance()
    spent, (kernel, child, threads) = run(path)
    facts["threads"] = threads
    rows = [
        {"notebook": path.stem, "section": name, "seconds": round(wall, 1)}
        | {"cpu_seconds": round(cpu, 1)}
        | facts
        for name, (wall, cpu) in spent.items()
    ]
    runs.append(MINUTES, *rows)
    peaks = {"notebook": path.stem, "kernel_mb": kernel, "child_mb": child}
    runs.append(MEMORY, peaks | facts)
    wall, cpu = (sum(column) for column in zip(*spent.values(), strict=True))
    print(f"{path.stem}: {wall:.0f} s, {cpu:.0f} CPU s, kernel {kernel} MB, child {child} MB")


if __name__ == "__main__":
    asked = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    asked.add_argument("numbers", nargs="*")
    for notebook_path in project.notebooks(asked.parse_args().numbers):
        if notebook_path.parent == project.NOTEBOOKS:
            record(notebook_path)
