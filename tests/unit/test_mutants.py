"""The checker of the checkers: its mutants, its verdicts, and the page that it wrote."""

import os

import pytest

from helpers import exercises
from tests.notebooks.test_exercises import CASES
from tools.mutants import run as mutants
from tools.mutants.mutation import mutants as mutants_of
from tools.mutants.probes import PROBES, alike, observed

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="mutants run in forked processes")
FOUND = mutants.recorded()
# Right answers that give something else than the solution, and may.
OTHERWISE = {
    "02-2": "takes float32 only",
    "02-3": "forbids with minus infinity",
    "03-1": "from one side, or by autograd",
    "04-1": "lets the library compute the loss",
    "04-2": "changes the gradients it is given",
    "05-2": "computes in float32",
    "05-3": "computes in float32",
    "08-2": "draws other positions",
}
LIVE = ["05-1", "04-3"]  # a few seconds each


def changed(source: str) -> dict[str, set[str]]:
    """The changed lines of a code by kind of mistake."""
    found = {}
    for mutant in mutants_of(source):
        found.setdefault(mutant.operator, set()).add(mutant.after)
    return found


def test_each_kind_of_mistake_is_made():
    assert changed("a = b + c")["arithmetic"] == {"a = b - c", "a = b * c"}
    assert changed("a = b - c")["swapped operands"] == {"a = c - b"}
    assert changed("a = b <= c")["comparison"] == {"a = b < c", "a = b >= c"}
    assert changed("a = b and c")["boolean"] == {"a = b or c", "a = b", "a = c"}
    assert changed("a = 3")["constant"] == {"a = 4", "a = 2"}
    assert changed("a = x[i:]")["slice"] == {"a = x[:]", "a = x[i + 1:]", "a = x[i - 1:]"}
    assert changed("a = x[m]")["the other part"] == {"a = x[~m]"}
    assert "a = x.sum(axis=0)" in changed("a = x.sum(axis=1)")["axis"]
    assert "a = x.sum()" in changed("a = x.mean()")["function"]
    assert "a = f(x, average='micro')" in changed("a = f(x, average='macro')")["constant"]
    assert "a = d['test']" in changed("a = d['validation']")["constant"]
    assert "a = x.std()" in changed("a = x.std(ddof=1)")["keyword dropped"]
    assert changed("a = f(x, y)")["swapped arguments"] == {"a = f(y, x)"}
    assert changed("a, b = c")["swapped order"] == {"b, a = c"}
    assert changed("if a:\n    b = c")["negated condition"] == {"if not a:"}
    assert changed("a += b")["update"] == {"a = b", "a -= b"}
    assert changed("a = -b")["negation dropped"] == {"a = b"}
    assert changed("a = b if c else d")["one side of a condition"] >= {"a = b", "a = d"}
    assert changed("a = x.T")["transpose dropped"] == {"a = x"}
    assert changed("a = b / c")["times 100"] == {"a = 100 * (b / c)"}
    assert changed("def f(a, b):\n    return a")["another name"] == {"return b"}
    loop = "def f(a):\n    for b in a:\n        c = b\n    return c"
    assert changed(loop)["return inside the loop"] == {"return c"}


def test_texts_are_not_changed():
    assert changed('def f():\n    """Mean of 3."""\n    g(f"{3} of 4")')["constant"] == {
        "g(f'{4} of 4')",
        "g(f'{2} of 4')",
    }


@needs_fork
def test_a_mutant_can_neither_hang_nor_kill():
    answer = mutants.Answer("00-3", "n = 6400", ("n",), {})
    assert mutants.apart(answer, "while True: pass", [6400], limit=1) == "broke"
    assert mutants.apart(answer, "import os; os._exit(0)", [6400]) == "broke"


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("n = 6400", "equal"),
        ("n = 6400.000000000001", "equal"),
        ("n = 80", "rejected"),
        ("n = m", "broke"),
    ],
)
def test_verdicts(source, said):
    answer = mutants.Answer("00-3", "n = 6400", ("n",), {})
    assert mutants.verdict(answer, source, [6400]) == said


def test_a_check_that_accepts_another_answer_lets_a_mutant_survive(monkeypatch):
    monkeypatch.setitem(exercises.GRADERS, "00-3", lambda n: exercises.right("Always."))
    answer = mutants.Answer("00-3", "n = 6400", ("n",), {})
    assert mutants.verdict(answer, "n = 80", [6400]) == "survived"


def test_a_check_that_turns_the_right_answer_away_is_at_fault(monkeypatch):
    monkeypatch.setitem(exercises.GRADERS, "00-3", lambda n: exercises.wrong("Never."))
    answer = mutants.Answer("00-3", "n = 6400", ("n",), {})
    assert mutants.verdict(answer, "n = 6400", [6400]) == "refused"


@pytest.mark.filterwarnings("ignore:Mean of empty slice")  # NumPy's, where nothing is answered
@pytest.mark.parametrize("name", PROBES)
def test_right_answers_agree_on_the_probes(name):
    """Two right functions are alike on inputs the check never saw; a wrong one is not."""
    first, *others = CASES[name].right
    seen = observed(name, first)
    assert not any(isinstance(outcome, str) for outcome in seen), "a probe is not allowed"
    for other in others:
        assert alike(observed(name, other), seen) or name in OTHERWISE
    assert not any(alike(observed(name, answers), seen) for answers, _ in CASES[name].wrong[:3])


# ---------------------------------------------------------------- what is recorded


def test_the_rows_are_those_of_todays_solutions():
    expected = []
    for number in mutants.numbers():
        for name, source in mutants.sources(number).items():
            made = mutants.mutants_of(name, source)
            expected += [(name, m.operator, m.line, m.before, m.after) for m in made]
    rows = FOUND[mutants.COLUMNS[:-1]].itertuples(index=False, name=None)
    assert sorted(rows) == sorted(expected)
    assert not FOUND.duplicated(mutants.KEY).any()


def test_every_exercise_has_mutants():
    assert set(FOUND["exercise"]) == set(CASES)


def test_nearly_all_mutants_that_run_are_rejected_everywhere():
    for _, verdicts in FOUND.groupby(FOUND["exercise"].str[:2])["verdict"]:
        assert mutants.share(verdicts, "rejected") >= 0.95
    assert mutants.share(FOUND["verdict"], "rejected") >= 0.95


def test_no_check_refuses_a_right_answer():
    assert "refused" not in set(FOUND["verdict"])


def test_each_survivor_is_explained_and_nothing_else():
    survivors = FOUND.loc[FOUND["verdict"] == "survived", mutants.KEY]
    assert set(mutants.explanations()) == set(survivors.itertuples(index=False, name=None))


def test_the_page_is_what_the_rows_give():
    assert mutants.PAGE.read_text(encoding="utf8") == mutants.report()


def verdicts_of(name: str) -> list[tuple]:
    rows = FOUND.loc[FOUND["exercise"] == name, [*mutants.KEY, "verdict"]]
    return sorted(rows.itertuples(index=False, name=None))


def live(name: str) -> list[tuple]:
    rows = mutants.judged(name)[[*mutants.KEY, "verdict"]]
    return sorted(rows.itertuples(index=False, name=None))


@needs_fork
@pytest.mark.parametrize("name", LIVE)
def test_the_verdicts_of_a_few_exercises_are_those_recorded(name):
    assert live(name) == verdicts_of(name)


@needs_fork
@pytest.mark.long
@pytest.mark.parametrize("name", sorted(set(CASES) - set(LIVE)))
def test_all_verdicts_are_those_recorded(name):
    assert live(name) == verdicts_of(name)
