"""Do the checks of the exercises notice a small mistake? Every solution, mutated.

    python -m tools.mutants.run               every exercise anew, then the page
    python -m tools.mutants.run 04 07-2       these only; the rows of the others stay
    python -m tools.mutants.run --report      write docs/measured/mutants.md anew

Each change of `mutation.py` to the answer of a solution is run in a process of its own,
forked from one that holds the notebook's imports, and handed to the exercise's check. It says:

    rejected    the check says wrong
    broke       it stops with an error or does not end in time: rejected, counted apart
    survived    the check says right, and the answer is another one
    equal       the check says right, and the answer is the same on all of `probes.py`
    refused     the check says wrong although the answer is the same: a fault of the check
"""

import argparse
import ast
import contextlib
import io
import json
import multiprocessing
import os
import sys
import tomllib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from unittest.mock import patch

import pandas as pd
from torch import nn

from helpers import exercises, files, training
from helpers.exercises import nb04
from tools import notebook_file, project
from tools.experiments.provenance import markdown, write_page
from tools.mutants.mutation import Mutant, mutants
from tools.mutants.probes import alike, observed

RESULTS = project.ROOT / "data" / "measured" / "mutants.csv"
PAGE = project.ROOT / "docs" / "measured" / "mutants.md"
EXPLAINED = project.ROOT / "tools" / "mutants" / "survivors.toml"
KEY = ["exercise", "line", "before", "after"]
COLUMNS = ["exercise", "operator", "line", "before", "after", "verdict"]
CPU_LIMIT = 2  # seconds of processor time for one mutant; a solution takes a tenth of it
# Functions of answers that take minutes, since they train. No number that they return says how it
# was made, so a check cannot judge them, and they are not changed.
TRAIN = {"00-1": "with_a_thousand"}
UNTRAINED, LOWEST, HIGHEST = 0.50, 0.60, 0.72  # accuracies of 00-1, as in notebook_bands.csv


@dataclass(frozen=True)
class Answer:
    """The answer of a solution.

    Attributes:
        name: of the exercise, such as "04-2".
        source: its statements before the check.
        checked: the expressions that the check is given.
        namespace: what the cells before it have defined.
    """

    name: str
    source: str
    checked: tuple[str, ...]
    namespace: dict

    def values(self, source: str) -> tuple:
        """What the check would be given if `source` were the answer."""
        scope = dict(self.namespace)
        exec(compile(source, self.name, "exec"), scope)
        return tuple(eval(expression, scope) for expression in self.checked)


def numbers() -> list[str]:
    """The numbers of the notebooks with solutions."""
    return sorted(path.name[:2] for path in (project.NOTEBOOKS / "solutions").glob("*.ipynb"))


def cells(number: str) -> Iterator[str]:
    """The code of a notebook of solutions, without its setup."""
    path = project.NOTEBOOKS / "solutions" / f"{number}_solutions.ipynb"
    for cell in json.loads(path.read_text(encoding="utf8"))["cells"]:
        if cell["cell_type"] == "code" and "setup" not in cell["metadata"].get("tags", []):
            yield notebook_file.joined(cell["source"])


def parted(source: str) -> tuple[str, str, tuple[str, ...]] | None:
    """Exercise, answer and what is checked, of a cell that holds a check; else nothing."""
    answer = []
    for statement in ast.parse(source).body:
        called = ast.unparse(statement.value.func) if is_call(statement) else ""
        if called == "exercises.check":
            name, *checked = statement.value.args
            return name.value, "\n".join(answer), tuple(map(ast.unparse, checked))
        if called != "print":
            answer.append(ast.unparse(statement))
    return None


def is_call(statement: ast.stmt) -> bool:
    """Whether a statement is a call and nothing else."""
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)


def sources(number: str) -> dict[str, str]:
    """Each exercise of a notebook and the code of its answer; nothing is run."""
    found = filter(None, map(parted, cells(number)))
    return {name: source for name, source, _ in found}


def remember(model: nn.Module, _tokenizer, rows, _validation, config, **_) -> None:
    """Stands in for `fine_tune`: the model only remembers what it would have been trained on."""
    if config.epochs:
        head = model.classifier.weight.sum().item()
        model.learned_from = (rows["text"][0], len(rows), config.seed, config.epochs, head)


def accuracy(model: nn.Module) -> float:
    """Stands in for 00's `accuracy`: other data, seeds or epochs give another one of the band."""
    if not hasattr(model, "learned_from"):
        return UNTRAINED
    place = int(files.sha256_bytes(repr(model.learned_from).encode())[:8], 16) / 16**8
    return LOWEST + place * (HIGHEST - LOWEST)


@contextlib.contextmanager
def without_training(number: str) -> Iterator[dict]:
    """Stand-ins for the minutes in which 00-1 and 04-1 train; yields names for the notebook.

    What their checks look at stays: in 00-1 the numbers, in 04-1 every step on a small model.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(patch.object(nb04, "accuracy_after", lambda *_: nb04.PROMISED))
        if number == "00":
            stack.enter_context(patch.object(training, "fine_tune", remember))
        yield {"accuracy": accuracy} if number == "00" else {}


def prepared(number: str, wanted: set[str]) -> Iterator[Answer]:
    """The answers of a notebook of solutions, each after the cells before it have run."""
    namespace = {"__name__": "__solutions__"}
    with without_training(number) as stand_ins:
        for source in cells(number):
            part = parted(source)
            if part and part[0] in wanted:
                yield Answer(*part, dict(namespace))
            with contextlib.redirect_stdout(io.StringIO()):
                exec(compile(source, number, "exec"), namespace)
            namespace |= stand_ins
            wanted = wanted - {part[0]} if part else wanted
            if not wanted:
                return


def verdict(answer: Answer, source: str, original: list) -> str:
    """What becomes of a changed answer."""
    try:
        values = answer.values(source)
    except Exception:
        return "broke"
    said = exercises.grade(answer.name, *values)
    if "stopped with" in said.message:
        return "broke"
    same = alike(observed(answer.name, values), original)
    if said.status == "right":
        return "equal" if same else "survived"
    return "refused" if same else "rejected"


def apart(answer: Answer, source: str, original: list, limit: int = CPU_LIMIT) -> str:
    """The verdict, found in a forked process, so that a mutant can neither hang nor harm."""
    if not hasattr(os, "fork"):
        raise project.Trouble(
            "Mutants are run in forked processes, and this system has none. Run this on Linux or "
            "macOS; everything else of the course goes without."
        )
    fork = multiprocessing.get_context("fork")
    receiver, sender = fork.Pipe(duplex=False)
    process = fork.Process(target=report_to, args=(sender, limit, answer, source, original))
    process.start()
    sender.close()
    try:
        return receiver.recv() if receiver.poll(60 * limit) else "broke"
    except EOFError:  # it ended without a word: killed, or by its own hand
        return "broke"
    finally:
        process.kill()
        process.join()


def report_to(sender: multiprocessing.connection.Connection, limit: int, *arguments) -> None:
    """Send the verdict on a changed answer, print nothing, and be killed at the limit."""
    import resource  # not there on Windows, where nothing forks

    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit))
    warnings.simplefilter("ignore")
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    sender.send(verdict(*arguments))


def judged(name: str) -> pd.DataFrame:
    """One row for each mutant of the solution of an exercise."""
    return pd.concat([rows(answer) for answer in prepared(name[:2], {name})])


def mutants_of(name: str, source: str) -> list[Mutant]:
    """The mutants of an exercise's answer, without those of a function that trains."""
    spared = set()
    for statement in ast.parse(ast.unparse(ast.parse(source))).body:
        if getattr(statement, "name", "") == TRAIN.get(name):
            spared = set(range(statement.lineno, statement.end_lineno + 1))
    return [mutant for mutant in mutants(source) if mutant.line not in spared]


def rows(answer: Answer) -> pd.DataFrame:
    """One row for each mutant of an answer."""
    values = answer.values(answer.source)
    assert exercises.grade(answer.name, *values).status == "right", answer.name
    original = observed(answer.name, values)
    found = [(m, apart(answer, m.source, original)) for m in mutants_of(answer.name, answer.source)]
    return table([(answer.name, mutant, said) for mutant, said in found])


def table(found: list[tuple[str, Mutant, str]]) -> pd.DataFrame:
    """Exercise, mutant and verdict as rows."""
    return pd.DataFrame(
        [(n, m.operator, m.line, m.before, m.after, said) for n, m, said in found], columns=COLUMNS
    )


def recorded() -> pd.DataFrame:
    """The rows of the last runs."""
    return pd.read_csv(RESULTS, keep_default_na=False)


def explanations() -> dict[tuple, str]:
    """Why a mutant may survive, by exercise, line, before and after."""
    with EXPLAINED.open("rb") as file:
        entries = tomllib.load(file).get("survivor", [])
    return {tuple(entry[column] for column in KEY): entry["why"] for entry in entries}


def share(found: pd.Series, *counted: str) -> float:
    """Share of the mutants with one of the verdicts `counted` among these and the survivors."""
    return found.isin(counted).sum() / found.isin([*counted, "survived"]).sum()


def line_of(found: pd.Series) -> dict[str, str]:
    """A line of the page's table."""
    counts = found.value_counts()
    names = ("rejected", "broke", "survived", "equal")
    line = {name: f"{counts.get(name, 0):,}" for name in names}
    line["rejected of those that run"] = f"{share(found, 'rejected'):.1%}"
    line["with those that broke"] = f"{share(found, 'rejected', 'broke'):.1%}"
    return line


def report() -> str:
    """The page: shares, and each survivor with its reason."""
    found, why = recorded(), explanations()
    groups = dict(list(found.groupby(found["exercise"].str[:2])["verdict"]))
    lines = {number: line_of(verdicts) for number, verdicts in groups.items()}
    lines["all"] = line_of(found["verdict"])
    kinds = {kind: line_of(part) for kind, part in found.groupby("operator")["verdict"]}
    text = f"""# Do the checks notice a mistake?

`python -m tools.mutants.run`, results in [mutants.csv](../../data/measured/mutants.csv).
Each solution was changed in one place, in every way that
[operators.py](../../tools/mutants/operators.py) knows, and handed to the check of its exercise:
{len(found):,} mutants of {found["exercise"].nunique()} solutions. A
mutant that gives the same answer on every input of [probes.py](../../tools/mutants/probes.py)
is equal: no check can reject it, and it counts for neither side. One that stops with an error, or
does not end, is rejected by that and counted apart. No row is drawn: every mutant was run. Not
changed: in 00-1 the function that trains, because no number says how it was trained.

{markdown(pd.DataFrame(lines).T.rename_axis("notebook"))}

{markdown(pd.DataFrame(kinds).T.rename_axis("kind of mistake"))}

## What survived, and why

"""
    survivors = found[found["verdict"] == "survived"]
    for row in survivors.itertuples():
        reason = why.get((row.exercise, row.line, row.before, row.after), "not explained yet")
        text += f"- **{row.exercise}** `{row.before}` → `{row.after}`: {reason}\n"
    return text


def save(found: pd.DataFrame) -> None:
    """Write rows in place of those of the same exercises; the others stay."""
    if RESULTS.exists():
        old = recorded()
        found = pd.concat([old[~old["exercise"].isin(found["exercise"])], found])
    found = found.sort_values("exercise", kind="stable")
    write_page(RESULTS, found.to_csv(index=False, lineterminator="\n"))


def main() -> None:
    """Run what was asked for, write rows and page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("which", nargs="*", metavar="NN", help="notebooks or exercises")
    parser.add_argument("--report", action="store_true")
    options = parser.parse_args()
    for number in [] if options.report else numbers():
        wanted = {n for n in sources(number) if not options.which or {n, number} & {*options.which}}
        for answer in prepared(number, wanted) if wanted else ():
            found = rows(answer)
            save(found)
            print(answer.name, found["verdict"].value_counts().to_dict(), flush=True)
    write_page(PAGE, report())


if __name__ == "__main__":
    sys.exit(project.ended(main))
