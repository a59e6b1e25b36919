"""Every check is itself checked: blank, right, and each typical mistake with its own hint."""

import importlib
import inspect

import numpy as np
import pytest

from helpers import exercises
from helpers.exercises import nb04
from tests.conftest import COURSE
from tools import project

FOLDER = project.ROOT / "tests" / "notebooks" / "cases"
MODULES = sorted(path.stem for path in FOLDER.glob("nb[0-9][0-9].py"))
CASES = {}
for module in MODULES:
    CASES |= importlib.import_module(f"tests.notebooks.cases.{module}").CASES

FUNCTIONS = [name for name, cases in CASES.items() if callable(cases.right[0][0])]
RIGHT = [(name, answers) for name, cases in CASES.items() for answers in cases.right]
WRONG = [(name, *wrong) for name, cases in CASES.items() for wrong in cases.wrong]


@pytest.fixture(autouse=True)
def no_long_training(monkeypatch, request):
    """04-1 fine-tunes MiniLM once the steps are right; here only where a test is about that."""
    if "slow" not in request.keywords:
        monkeypatch.setattr(nb04, "accuracy_after", lambda *_: 0.75)


@pytest.mark.slow
def test_a_loop_with_the_right_steps_keeps_the_promise_of_04_1():
    (train,) = CASES["04-1"].right[0]
    assert exercises.grade("04-1", train).status == "right"


def test_a_loop_that_does_not_reach_the_promise_of_04_1_is_told_so(monkeypatch):
    monkeypatch.setattr(nb04, "accuracy_after", lambda *_: 0.65)
    (train,) = CASES["04-1"].right[0]
    verdict = exercises.grade("04-1", train)
    assert verdict.status == "wrong" and "only 65%" in verdict.message


@pytest.mark.parametrize("name", CASES)
def test_an_unanswered_exercise_is_open_and_does_not_raise(name, capsys):
    arity = len(CASES[name].right[0])
    assert exercises.grade(name, *[...] * arity).status == "open"
    exercises.check(name, *[...] * arity)
    assert capsys.readouterr().out.startswith(f"{name}: not answered yet")


@pytest.mark.parametrize(("name", "answers"), RIGHT)
def test_a_right_answer_is_accepted(name, answers):
    verdict = exercises.grade(name, *answers)
    assert verdict.status == "right", verdict.message


@pytest.mark.parametrize(("name", "answers", "fragment"), WRONG)
def test_a_typical_mistake_gets_its_hint(name, answers, fragment):
    verdict = exercises.grade(name, *answers)
    assert verdict.status == "wrong"
    assert fragment in verdict.message


@pytest.mark.parametrize("name", CASES)
def test_different_mistakes_get_different_hints(name):
    hints = [exercises.grade(name, *answers).message for answers, _ in CASES[name].wrong]
    assert len(hints) >= 3
    assert len(set(hints)) == len(hints)


@pytest.mark.parametrize("name", CASES)
def test_there_is_more_than_one_right_answer(name):
    assert len(CASES[name].right) >= 2


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_program_is_tried_against_six_wrong_ones(name):
    """Wrong programs, not only a changed sign in the right one."""
    right = [answers for answers in CASES[name].right if callable(answers[0])]
    wrong = [answers for answers, _ in CASES[name].wrong if callable(answers[0])]
    assert len(right) >= 2 and len(wrong) >= 6


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_that_returns_its_dots_is_open(name):
    assert exercises.grade(name, lambda *arguments: ...).status == "open"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_without_return_is_told_so(name):
    verdict = exercises.grade(name, lambda *arguments: None)
    assert verdict.status == "wrong"
    said = {"08-3": "None says never", "10-2": "loss_of was never called"}
    assert said.get(name, "returns None") in verdict.message


@pytest.mark.parametrize("name", CASES)
def test_nonsense_does_not_stop_the_notebook(name):
    arity = len(CASES[name].right[0])
    for nonsense in ("?", -1, [], object()):
        assert exercises.grade(name, *[nonsense] * arity).status == "wrong"


def test_every_grader_has_cases():
    for module in MODULES:
        importlib.import_module(f"helpers.exercises.{module}")
    assert set(exercises.GRADERS) == set(CASES)
    assert [f"nb{path.stem[:2]}" for path in COURSE] == MODULES
    assert all(inspect.getdoc(grader) for grader in exercises.GRADERS.values())


def test_what_is_said_about_random_labels_is_so():
    """The praise of 06-3 quotes what its data give."""
    nb06 = importlib.import_module("helpers.exercises.nb06")
    X, y, fold = nb06.RANDOM_LABELS
    honest, leaky = (
        (nb06.out_of_fold(X, y, fold, where) == y).mean() for where in ("inside", "everything")
    )
    assert honest == 0.5 and round(leaky, 2) == 0.72


def test_a_rounded_number_is_accepted_and_a_neighbour_is_not():
    exact = 0.01962613955563788
    accepted = [exact, 0.0196, 0.01963, np.float64(0.019626)]
    assert all(exercises.is_rounded(answer, exact, 4) for answer in accepted)
    refused = [0.02, 0.0197, 0.01959, 0.019593, [0.0196], None, "?"]
    assert not any(exercises.is_rounded(answer, exact, 4) for answer in refused)
