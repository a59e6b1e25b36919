"""The tests in groups, then a table of them: what `tasks.py test` starts.

python -m tools.testing [--fast] [--all] [--record] [--here]
"""

import argparse
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tools import environment, project, verified

# Two files of tests at a time, with a core for each.
BY_FILES = ["-n", "2", "--dist", "loadfile"]


def parser() -> argparse.ArgumentParser:
    """What can be asked for; `tasks.py --help` explains it."""
    asked = argparse.ArgumentParser(description=__doc__)
    for name in ("--fast", "--all", "--record", "--here"):
        asked.add_argument(name, action="store_true")
    return asked


def main() -> int:
    """Unit tests, then each notebook by itself, then a table."""
    return test(parser().parse_args())


def test(options: argparse.Namespace) -> int:
    """All groups of tests that the options ask for, with the Python that runs this."""
    python = Path(sys.executable)
    if environment.hand_over(python, "tools.describe") != 0:
        return 1
    course = project.project()["tool"]["course"]
    elsewhere = ["--ignore=tests/browser", "--ignore=tests/colab"]
    units = ["tests", *elsewhere, "-m", "not slow and not long", *BY_FILES]
    rows = [run_pytest(python, "unit tests", units)]
    if not options.fast:
        slow = ["tests", *elsewhere, "-m", "slow and not long", *BY_FILES]
        rows.append(run_pytest(python, "controls", slow))
    for path in project.notebooks():
        if options.fast and path.stem in course["trains"]:
            continue
        rows.append(run_pytest(python, path.stem, nbval(path, course["cell_timeout"])))
    if not options.fast:
        rows += in_other_environments(python, options)
    if options.all:
        rows.append(run_pytest(python, "long tests", ["tests", *elsewhere, "-m", "long"]))
        lowest = environment.set_up(project.ROOT / ".venv-lowest", "requirements/lowest.txt")
        rows.append(run_pytest(lowest, "lowest versions", units))
    if options.record:
        verified.record(verified.from_table(rows, options.all))
    return report(rows, course["budgets"])


def in_other_environments(python: Path, options: argparse.Namespace) -> list[dict]:
    """Notebooks where learners run them: in a browser, in a simulated Colab, on other Pythons."""
    if not options.here:
        environment.prepare_browser(options.all)
    chosen = [] if options.all else ["-m", "not long"]
    rows = [run_pytest(python, "browser", ["tests/browser", *chosen])]
    rows.append(run_pytest(python, "simulated Colab", ["tests/colab/test_colab.py", *chosen]))
    others = "tests/colab/test_other_pythons.py"
    for version in ("3.12", "3.13") if options.all else ():
        rows.append(run_pytest(python, f"Python {version}", [others, "-k", version]))
    return rows


def nbval(path: Path, timeout: int) -> list[str]:
    """Arguments that make pytest run a notebook, compare every output and check every claim."""
    arguments = [str(path), "-p", "tests.notebooks.plugin", "--nbval", "--nbval-current-env"]
    return [*arguments, f"--nbval-cell-timeout={timeout}"]


def run_pytest(python: Path, name: str, arguments: list[str]) -> dict:
    """One pytest process; returns its row of the final table."""
    project.say(f"\n== {name}")
    command = [str(python), "-m", "pytest", "-q", "-rs", "--no-header"]
    with tempfile.TemporaryDirectory() as scratch:
        junit = Path(scratch) / "junit.xml"
        command += [f"--junitxml={junit}", *arguments]
        start = time.perf_counter()
        code = subprocess.run(command, cwd=project.ROOT, stdin=subprocess.DEVNULL).returncode
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
    project.say(f"\n{'':24}{'tests or cells':>16}{'failed':>8}{'seconds':>10}{'budget':>8}")
    for row in rows:
        budget = budgets.get(row["name"], budgets["solutions"])
        tests = row["passed"] + row["failed"] + row["skipped"]
        over = "  over its budget" if row["seconds"] > budget else ""
        project.say(
            f"{row['name']:24}{tests:16}{row['failed']:8}{row['seconds']:10.1f}{budget:8}{over}"
        )
    seconds = sum(row["seconds"] for row in rows)
    project.say(f"{'everything':24}{'':24}{seconds:10.1f}{budgets['everything']:8}")
    passed, failed, skipped = (sum(row[k] for row in rows) for k in ("passed", "failed", "skipped"))
    if skipped:
        project.say(f"{skipped} skipped")
    project.say(f"\n{passed} passed, {failed} failed")
    return 0 if failed == 0 and passed > 0 else 1


if __name__ == "__main__":
    sys.exit(project.ended(main))
