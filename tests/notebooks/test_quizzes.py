"""The right answer of every quiz question is computed, and the notebook says the same."""

import importlib
import re
from dataclasses import dataclass

import pytest

from tests.conftest import COURSE, load
from tests.notebooks.test_notebooks import markdown

QUESTION = re.compile(
    r"^\*\*(\d)\.(.*?)<details><summary>Answer</summary>(.*?)</details>", re.DOTALL | re.MULTILINE
)
CASES = [(path, number) for path in COURSE for number in (1, 2, 3)]


@dataclass(frozen=True)
class Question:
    """A quiz question as it stands in a notebook: choices, the letter said right, explanation."""

    choices: dict[str, str]
    said: str
    explanation: str


def quiz(path) -> dict[int, Question]:
    """The questions of a notebook by number."""
    text = re.split(r"^#+ .*Quiz.*$", markdown(load(path)), maxsplit=1, flags=re.MULTILINE)[1]
    found = {}
    for number, question, answer in QUESTION.findall(text):
        parts = re.split(r"(?:^- |^|  )\(([abc])\) ", question, flags=re.MULTILINE)
        choices = dict(zip(parts[1::2], map(str.strip, parts[2::2]), strict=True))
        said, explanation = re.fullmatch(
            r"\s*\*\*\(([abc])\)\.?\*\*(.*)", answer, re.DOTALL
        ).groups()
        found[int(number)] = Question(choices, said, explanation)
    return found


def computed(path, number: int) -> dict[str, bool]:
    """Which choices are so."""
    module = importlib.import_module(f"tests.notebooks.quizzes.nb{path.stem[:2]}")
    return {letter: bool(so) for letter, so in module.QUESTIONS[number - 1]().items()}


@pytest.mark.parametrize(("path", "number"), CASES, ids=lambda value: getattr(value, "stem", value))
def test_the_answer_said_right_is_the_one_computed(path, number):
    truth = computed(path, number)
    assert sorted(truth) == ["a", "b", "c"]
    assert [letter for letter, so in truth.items() if so] == [quiz(path)[number].said]


def test_there_are_three_questions_with_three_choices(course):
    questions = quiz(course)
    assert sorted(questions) == [1, 2, 3]
    for question in questions.values():
        assert sorted(question.choices) == ["a", "b", "c"]
        assert all(question.choices.values())


def test_every_wrong_choice_is_explained_without_running(course):
    for question in quiz(course).values():
        for letter in {"a", "b", "c"} - {question.said}:
            assert f"({letter})" in question.explanation
        assert len(question.explanation) > 100


def test_the_right_letter_is_not_always_the_same():
    said = [question.said for path in COURSE for question in quiz(path).values()]
    assert all(said.count(letter) >= 6 for letter in "abc"), said
