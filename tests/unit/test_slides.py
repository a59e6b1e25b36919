"""Slides: everything that is asked, drawn or quizzed is on them, and they need nothing else."""

import base64
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
    assert sum(slide.count("<img") + slide.count("<iframe") for slide in shown) >= drawn
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
    names = [name for name in sections(notebook) if name != OPENING]
    core = [name for name in names if slides.DEEPER not in name]
    titles = [slug(name) for name in core + [name for name in names if name not in core]]
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


SVG = """<svg viewBox="0 0 4 4" width="4" height="4"><style>
.a { fill: red; }
@media (prefers-color-scheme: dark) {
  .a { fill: blue; }
}
</style><rect id="r" class="a"/></svg>"""


def drawn(mime: str, data: str) -> dict:
    shown = {
        "data": {mime: data, "text/plain": "words"},
        "metadata": {mime: {"alt": 'a "red" box'}},
    }
    return {
        "cell_type": "code",
        "source": "draw()",
        "outputs": [shown | {"output_type": "display"}],
    }


@pytest.mark.parametrize(("mime", "data"), [("image/png", "aGVs\nbG8=\n"), ("image/svg+xml", SVG)])
def test_a_picture_of_either_kind_has_a_slide_with_its_words(mime, data):
    cells = [{"cell_type": "markdown", "source": "## 1. A\n\nText."}, drawn(mime, data)]
    cells += [{"cell_type": "markdown", "source": "It is red."}]
    shown = slides.of_section("1. A", cells)[-1]
    kind, inside = re.search(
        r'<img src="data:([^;]+);base64,([^"]+)" alt="a &quot;red', shown
    ).groups()
    seen = base64.b64decode(inside).decode()
    assert kind == mime and "It is red." in shown
    assert seen == (
        "hello" if mime == "image/png" else re.sub(r"@media.*?\n}\n", "", SVG, flags=re.S)
    )


def test_a_question_in_a_quote_comes_before_the_picture_that_answers_it():
    quote = "Text.\n\n> **Predict, then run:** which colour?\n>\n> Two lines."
    cells = [
        {"cell_type": "markdown", "source": f"## 1. A\n\n{quote}"},
        drawn("image/svg+xml", SVG),
    ]
    asked, answer = slides.of_section("1. A", cells)
    assert "class=ask" in asked and "which colour?" in asked and "Two lines." in asked
    assert "draw()" in asked and "<img" not in asked and "<img" in answer


def test_optional_sections_come_last_and_are_announced():
    texts = [
        "# A\n\nPromise.",
        "## 1. Going deeper: B\n\nRest.",
        "## 2. C\n\nCore.",
        "## Recap\n\nDone.",
    ]
    notebook = {"cells": [{"cell_type": "markdown", "source": text} for text in texts]}
    shown = slides.of_notebook(notebook)
    found = [re.search(r"<h2>(.*?)</h2>", one)[1] for one in shown]
    assert found[2:] == ["2. C", "Recap", "Going deeper", "1. Going deeper: B"]
    assert "can be skipped" in shown[-2]
    assert re.findall(r'href="#([^"]+)', shown[1])[-1] == slug("1. Going deeper: B")


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


def test_no_paragraph_stands_on_two_slides(course):
    shown = slides.of_notebook(load(course))
    paragraphs = [p for one in shown for p in set(re.findall(r"<p>(.{60,}?)</p>", one, re.DOTALL))]
    asked_before = [p for p in paragraphs if p.startswith("<strong>")]  # a quiz's, with its answer
    assert len(set(paragraphs)) >= len(paragraphs) - len(asked_before) // 2, [
        p for p in set(paragraphs) if paragraphs.count(p) > 1
    ]


def test_a_figure_to_be_moved_is_on_its_slide(course):
    notebook = load(course)
    outputs = [output for cell in notebook["cells"] for output in cell.get("outputs", [])]
    shown = "".join(slides.of_notebook(notebook))
    assert shown.count(slides.WIDGET) == sum(bool(slides.widget(output)) for output in outputs)
