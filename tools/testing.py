"""The tests in groups, then a table of them: what `tasks.py test` starts.

python -m tools.testing [--fast] [--all [--again]] [--record] [--here]
"""

import argparse
import os
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from helpers import children
from tools import environment, project, stages, verified

# Two files of tests at a time, with a core for each. A test that hung is not given to a new
# process: it would hang there, too, and again in each that replaces it.
BY_FILES = ["-n", "2", "--dist", "loadfile", "--max-worker-restart=0"]
NO_TESTS = 5  # exit status of pytest
# Seconds that one small test may take before it counts as stuck; pyproject.toml has a longer limit
# for those that run notebooks. And for what only --all runs: such a test may install an environment
# before it begins.
STUCK, STUCK_LONG = 600, 7200
SHORT = ["-m", "not long"]
LOWEST = "requirements/lowest.txt"


def parser() -> argparse.ArgumentParser:
    """What can be asked for; `tasks.py --help` explains it."""
    asked = argparse.ArgumentParser(description=__doc__)
    for name in ("--fast", "--all", "--again", "--record", "--here"):
        asked.add_argument(name, action="store_true")
    return asked


def main() -> int:
    """Unit tests, then each notebook by itself, then a table."""
    options = parser().parse_args()
    goes_on = "\nFinished stages are kept: the same command goes on with the others.\n"
    return project.ended(lambda: test(options), goes_on if options.all else "")


def test(options: argparse.Namespace) -> int:
    """All groups of tests that the options ask for, with the Python that runs this."""
    if options.again and not options.all:
        raise project.Trouble("--again belongs to --all: without it, all tests run each time.")
    python = Path(sys.executable)
    if environment.hand_over(python, "tools.describe") != 0:
        return 1
    course, start = project.project()["tool"]["course"], time.perf_counter()
    if options.all:
        if not options.here:  # first of all: both add packages to the state
            environment.add("serving")  # else its tests run where it is installed
        if not options.here and not options.fast:
            environment.prepare_browser(True)
        whole = planned(python, course, options)
        rows, seconds = stages.run(whole, options.again), stages.total(whole)
    else:
        rows = [row for stage in planned(python, course, options) for row in stage.run()]
        seconds = time.perf_counter() - start
    if options.record:
        verified.record(verified.from_table(rows, options.all))
        if options.all:
            stages.record_seconds()
    return report(rows, course["budgets"], seconds)


def stuck_after(seconds: int) -> list[str]:
    """Arguments that end a test which takes longer.

    The first limit is a thread of Python's, which names the test; the second one, a minute later,
    needs no turn of the interpreter and ends what holds it.
    """
    watch = [f"faulthandler_timeout={seconds + 60}", "faulthandler_exit_on_timeout=true"]
    return [f"--timeout={seconds}", *(part for option in watch for part in ("-o", option))]


def planned(python: Path, course: dict, options: argparse.Namespace) -> list[stages.Stage]:
    """The stages that the options ask for, in their order."""
    elsewhere = ["--ignore=tests/browser", "--ignore=tests/colab"]
    units = ["tests", *elsewhere, "-m", "not slow and not long", *BY_FILES, *stuck_after(STUCK)]
    slow = ["tests", *elsewhere, "-m", "slow and not long", *BY_FILES]
    long = ["tests", *elsewhere, "-m", "long", *stuck_after(STUCK_LONG)]
    group = partial(one_group, course["budgets"], lambda: python)
    found = [group("unit tests", units)]
    found += [] if options.fast else [group("controls", slow)]
    found.append(every_notebook(python, course, options.fast))
    found += [] if options.fast else in_other_environments(group, options)
    if options.all:
        lowest = partial(environment.set_up, project.ROOT / ".venv-lowest", LOWEST)
        found.append(group("long tests", long))
        found.append(one_group(course["budgets"], lowest, "lowest versions", units))
    return found


def one_group(
    budgets: dict, python: Callable[[], Path], name: str, arguments: list[str]
) -> stages.Stage:
    """A stage of one pytest process, with a Python that may have to be made first."""
    return stages.Stage(name, lambda: [run_pytest(python(), name, arguments)], budgets[name])


def every_notebook(python: Path, course: dict, fast: bool) -> stages.Stage:
    """The stage of the notebooks: all of them, or those that do not train."""
    budgets, left_out = course["budgets"], course["trains"] if fast else []
    stems = [path.stem for path in project.notebooks() if path.stem not in left_out]
    limit = sum(budgets.get(stem, budgets["solutions"]) for stem in stems)
    name = "notebooks, no training" if fast else "notebooks"
    return stages.Stage(name, lambda: notebooks(python, course, fast), limit)


def in_other_environments(
    group: Callable[[str, list[str]], stages.Stage], options: argparse.Namespace
) -> list[stages.Stage]:
    """Notebooks where learners run them: in a browser, in a simulated Colab, on other Pythons."""
    patient = stuck_after(STUCK_LONG)
    browser = group("browser", ["tests/browser", *(patient if options.all else SHORT)])
    if not options.all:
        return [browser if options.here else after(environment.prepare_browser, browser)]
    # its own environment takes minutes to make
    colab = group("simulated Colab", ["tests/colab/test_colab.py", *patient])
    others = "tests/colab/test_other_pythons.py"
    versions = [
        group(f"Python {version}", [others, "-k", version, *patient])
        for version in ("3.12", "3.13")
    ]
    return [browser, colab, *versions]


def after(prepare: Callable[[bool], None], stage: stages.Stage) -> stages.Stage:
    """A stage that first prepares what it needs on an ordinary machine."""

    def run() -> list[dict]:
        prepare(False)
        return stage.run()

    return replace(stage, run=run)


def notebooks(python: Path, course: dict, fast: bool) -> list[dict]:
    """Every notebook, the longest first, two at a time where memory allows; a row for each.

    So 04 is done when 05 begins, which otherwise would train the same model once more.
    """
    left_out = course["trains"] if fast else []
    paths = [path for path in project.notebooks() if path.stem not in left_out]
    paths.sort(key=lambda path: -course["budgets"].get(path.stem, 0))
    first, *others = paths
    (longest, *options) = nbval(first, course["cell_timeout"])
    given = [longest, *map(str, others), *options]
    if not two_at_a_time():
        return run_pytest_by_file(python, "notebooks", given)
    given += [*BY_FILES, "--no-loadscope-reorder"]  # else the one with most cells would come first
    return [row | {"cores": 1} for row in run_pytest_by_file(python, "notebooks", given)]


def two_at_a_time() -> bool:
    """Whether two notebooks fit into memory, each of which may take 3.5 GB."""
    if not hasattr(os, "sysconf"):
        return False
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") > 10e9


def nbval(path: Path, timeout: int) -> list[str]:
    """Arguments that make pytest run a notebook, compare every output and check every claim."""
    arguments = [str(path), "-p", "tests.notebooks.plugin", "--nbval", "--nbval-current-env"]
    return [*arguments, f"--nbval-cell-timeout={timeout}"]


def run_pytest(python: Path, name: str, arguments: list[str]) -> dict:
    """One pytest process; returns its row of the final table."""
    code, seconds, cases = run_cases(python, name, arguments)
    row = {"name": name, "seconds": seconds, **count(cases)}
    if code not in (0, NO_TESTS) and row["failed"] == 0:
        row["failed"] = 1  # pytest itself did not get to the end
    return row


def run_pytest_by_file(python: Path, name: str, arguments: list[str]) -> list[dict]:
    """One pytest process for several notebooks; a row for each, and one for what belongs to none.

    The seconds of a notebook are those of its cells and of starting its kernel.
    """
    code, seconds, cases = run_cases(python, name, arguments)
    rows = []
    for path in project.notebooks():
        own = [case for case in cases if f".{case.get('classname')}".endswith(f".{path.name}")]
        took = sum(float(case.get("time", 0)) for case in own)
        rows += [{"name": path.stem, "seconds": took, **count(own)}] if own else []
    project.say(f"{len(rows)} notebooks in {seconds:.0f} seconds")
    if code != 0 and not sum(row["failed"] for row in rows):
        rows.append({"name": name, "seconds": 0.0, "passed": 0, "failed": 1, "skipped": 0})
    return rows


def run_cases(python: Path, name: str, arguments: list[str]) -> tuple[int, float, list]:
    """One pytest process: its exit status, the seconds it took, the cases of its JUnit file."""
    project.say(f"\n== {name}")
    command = [str(python), "-m", "pytest", "-q", "-rs", "--no-header"]
    with tempfile.TemporaryDirectory() as scratch:
        junit = Path(scratch) / "junit.xml"
        command += [f"--junitxml={junit}", *arguments]
        start = time.perf_counter()
        with children.bound(
            command, cwd=project.ROOT
        ) as process:  # it ends when this one is killed
            code = process.wait()
        seconds = time.perf_counter() - start
        found = list(ElementTree.parse(junit).iter("testcase")) if junit.is_file() else []
    return code, seconds, found


def count(cases: list) -> dict:
    """Passed, failed and skipped among the test cases (for a notebook: cells) of a JUnit file."""
    outcomes = [{child.tag for child in case} for case in cases]
    failed = sum(bool(tags & {"failure", "error"}) for tags in outcomes)
    skipped = sum("skipped" in tags for tags in outcomes)
    return {"passed": len(cases) - failed - skipped, "failed": failed, "skipped": skipped}


def report(rows: list[dict], budgets: dict, seconds: float = 0.0) -> int:
    """Print the table and the closing line; 0 only if all passed.

    Args:
        rows: of the groups, `cores` where a group ran on another number of them than two, and
            `earlier`, a time, where an earlier call ran it.
        budgets: seconds on two cores, by name; what has none is a solution.
        seconds: what everything took.
    """
    project.say(f"\n{'':24}{'tests or cells':>16}{'failed':>8}{'seconds':>10}{'budget':>8}")
    for row in rows:
        budget = budgets.get(row["name"], budgets["solutions"])
        tests = row["passed"] + row["failed"] + row["skipped"]
        allowed = budget * 2 / row.get("cores", 2)  # budgets are those of two cores
        over = "  over its budget" if row["seconds"] > allowed else ""
        over = over or ("  one core" if "cores" in row else "")
        over += f"  run {row['earlier']}" if "earlier" in row else ""
        project.say(
            f"{row['name']:24}{tests:16}{row['failed']:8}{row['seconds']:10.1f}{budget:8}{over}"
        )
    project.say(f"{'everything':24}{'':24}{seconds:10.1f}{budgets['everything']:8}")
    passed, failed, skipped = (sum(row[k] for row in rows) for k in ("passed", "failed", "skipped"))
    if skipped:
        project.say(f"{skipped} skipped")
    project.say(f"\n{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(main())
