"""Slides: everything that is asked, drawn or quizzed is on them, and they need nothing else."""

import re

import pytest

from tests.conftest import load
from tools.notebook_sections import OPENING, sections, slug
from tools.teaching import slides


def test_every_question_figure_and_quiz_answer_is_on_a_slide(course):
    notebook = load(course)
    shown = slides.of_notebook(notebook)
    cells = notebook["cells"]
    asked = sum(
        bool(slides.QUESTION.search(slides.source(c))) for c in cells if not slides.is_code(c)
    )
    drawn = sum(slides.draws(cell) for cell in cells if slides.is_code(cell))
    assert sum("class=ask" in slide for slide in shown) >= asked
    assert sum(slide.count("<img") for slide in shown) >= drawn
    assert sum("Quiz: the answer" in slide for slide in shown) == 3
    assert "Recap" in "".join(re.findall(r"<h2>.*?</h2>", "".join(shown)))


def test_slides_need_no_other_file_and_no_network(course):
    text = slides.page(course.stem, slides.of_notebook(load(course)))
    assert text.count("<section") == text.count("</section>") > 20
    assert not re.findall(r'(?:src|href)="(?!#|data:|https?://)[^"]*"', text)
    assert not re.findall(r'src="http|<link|@import|url\(', text)
    assert not re.findall(r"<img (?![^>]*alt=\"[^\"]{20})", text)


def test_the_second_slide_leads_to_every_section(course):
    notebook = load(course)
    shown = slides.of_notebook(notebook)
    linked = re.findall(r'href="#([^"]+)"', shown[1])
    first = [re.search(r'<section id="([^"]+)">', slide) for slide in shown]
    assert linked == [found[1] for found in first if found]
    titles = [slug(name) for name in sections(notebook) if name != OPENING]
    assert linked[: len(titles)] == titles  # exercises may stand below the quiz, with no heading
    assert linked[len(titles) :] in ([], ["exercises"])


def test_a_question_comes_before_its_answer():
    cells = [
        {"cell_type": "markdown", "source": "## 1. Six\n\n**Predict, then run:** 6 * 7?"},
        {
            "cell_type": "code",
            "source": "print(6 * 7)",
            "outputs": [{"output_type": "stream", "name": "stdout", "text": ["42\n"]}],
        },
        {"cell_type": "markdown", "source": "**42**, as $6 \\cdot 7$ says. And so on."},
    ]
    question, answer = slides.of_section("1. Six", cells)
    assert "6 * 7" in question and "42" not in question
    assert "42" in answer and "<math" in answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\nb\n\nc", ["a\nb", "c"]),
        ("a:\n$$x\n\ny$$\nb", ["a:", "$$x\n\ny$$", "b"]),
        ("```\na\n\nb\n```", ["```\na\n\nb\n```"]),
    ],
)
def test_formulas_and_fences_stay_in_one_piece(text, expected):
    assert slides.blocks(text) == expected
