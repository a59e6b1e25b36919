"""The glossary has the terms that 00 to 04 introduce, and every letter of a formula.

Only set formulas are read (`$$ … $$`), of 00 to 10, and letters with the marks above them, not
their indices. A letter must have a row that names the notebook. What a row says is not tested.
"""

import re

import pytest

from tests.conftest import load
from tools import notebook_file, project

TEXT = (project.ROOT / "docs" / "glossary.md").read_text(encoding="utf8")
TERMS, SYMBOLS = (
    [row.strip("| ").split(" | ") for row in part.splitlines() if re.match(r"\| (?!---)", row)][1:]
    for part in TEXT.split("\n## Symbols\n")
)
# Those that the field uses and a reader will look for elsewhere.
EXPECTED = """
    Transformer, self-attention, activation function, non-linearity, hyperparameter, generalize,
    regularization, baseline, tensor, batch, epoch, overfitting, parameter, weight, bias, token,
    vocabulary, residual connection, softmax, logit, optimizer, gradient, gradient descent,
    supervised fine-tuning, instruction tuning, pretraining, embedding, DataLoader, patience,
    warm-up, loss, learning rate, encoder, decoder, LayerNorm, dropout, backpropagation, label
""".replace("\n", " ").split(",")
# Bold because the sentence leans on it, not because it is a term.
EMPHASIS = {
    *("and", "or", "no", "not", "new", "real", "fresh", "order", "context", "same weights", "all"),
    *("one", "two", "five", "ten", "half", "more than half", "practically all", "no difference"),
    *("write", "read", "measure", "explain", "recognize", "turn", "cut", "notice", "w", "score"),
    *("scores", "find weights with a smaller loss", "multiply the slopes along the way"),
    *("what the network said, minus what is right", "in float64", "every shape fits", "xor"),
    *("our checkpoint has no masked-language head", "predict, then run", "afterwards you can"),
    *("a probe on your own data", "if a model hub is reachable", "first layer"),
}


def names(term: str) -> set[str]:
    """What one entry is looked up by: each of its names, without what stands in brackets."""
    plain = re.sub(r"\([^)]*\)|`", "", term).lower()
    return {name.strip() for name in plain.split(",")}


KNOWN = {name for term, *_ in TERMS for name in names(term)}


def is_known(said: str) -> bool:
    """Whether the glossary has this term, in the singular or as it is."""
    said = said.lower().strip("`")
    endings = ("", "s", "es")
    return any(said.removesuffix(ending) in KNOWN for ending in endings)


def is_lead(said: str) -> bool:
    """Whether a bold text opens a paragraph, answers, or states a figure; terms do none of it."""
    return bool(re.search(r"^\"|[.:?)]$|\d|[%$]", said))


def unexplained(notebook: dict) -> list[str]:
    """Bold texts of a notebook that neither the glossary nor the list of emphasis has."""
    found = []
    for cell in notebook["cells"][1:]:
        text = notebook_file.joined(cell["source"])
        if cell["cell_type"] == "code" or re.match(r"#+ .*(?:[Ee]xercise|[Qq]uiz)|\*\*\d\.", text):
            continue
        for said in re.findall(r"\*\*([^*\n]+)\*\*", text):
            if not (is_lead(said) or is_known(said) or said.lower() in EMPHASIS):
                found.append(f"{cell['id']}: {said}")
    return found


def test_terms_that_the_first_notebooks_introduce_are_in_the_glossary(course):
    if course.stem[:2] > "04":
        pytest.skip("its terms are in the glossary as far as somebody thought of them")
    assert unexplained(load(course)) == []


def test_a_term_that_nobody_explains_is_named_and_emphasis_is_not():
    text = "**Weights** and **quoins**. **A common mistake:** **85 %**, **and** **Mind the gap.**"
    cells = [{"cell_type": "markdown", "id": name, "source": text} for name in ("first", "a")]
    assert unexplained({"cells": cells}) == ["a: quoins"]


def test_the_terms_that_the_field_uses_are_there():
    assert [term.strip() for term in EXPECTED if not is_known(term.strip())] == []


def test_a_term_has_one_entry_and_stands_in_its_place():
    every = [name for term, *_ in TERMS for name in names(term)]
    twice = {name for name in every if every.count(name) > 1}
    assert twice <= {"learning curve", "precision", "warm-up", "classifier"}
    letters = [re.sub(r"[^a-z0-9² ]", "", term.lower()) for term, *_ in TERMS]
    assert letters == sorted(letters)
    assert all(len(row) == 3 for row in TERMS + SYMBOLS)


# ---------------------------------------------------------------- symbols

GREEK = "alpha beta gamma delta varepsilon epsilon eta theta kappa lambda mu pi rho sigma tau Phi"
NO_SYMBOL = r"\\(?:text|operatorname|begin|end)\{[^{}]*\}"
SYMBOL = re.compile(
    r"\\(?:bar|hat|mathcal)\s*(?:\{\\hat\s*[a-zA-Z]\}|\{[a-zA-Z]\}|\s[a-zA-Z]|[a-zA-Z](?![a-zA-Z]))"
    rf"|\\(?:{'|'.join(GREEK.split())})(?![a-zA-Z])|[TF][PN](?![a-z])|[a-zA-Z]"
)


def symbols(formula: str) -> set[str]:
    """The letters of a formula with their marks: no words, no names of functions, no indices."""
    while re.search(NO_SYMBOL, formula):
        formula = re.sub(NO_SYMBOL, " ", formula)
    formula = re.sub(r"_(?:\{[^{}]*\}|\\?[a-zA-Z]+|\d)", " ", formula)
    known = rf"(?:bar|hat|mathcal|{'|'.join(GREEK.split())})(?![a-zA-Z])"
    formula = re.sub(rf"\\(?!{known})[a-zA-Z]+", " ", formula)
    return {re.sub(r"[\s{}]", "", found) for found in SYMBOL.findall(formula)}


def listed() -> dict[str, set[str]]:
    """The notebooks that the table names for each letter."""
    found: dict[str, set[str]] = {}
    for said, _, where in SYMBOLS:
        for formula in re.findall(r"\$([^$]+)\$", said):
            first = SYMBOL.search(re.sub(NO_SYMBOL, " ", formula))[0]
            letter = re.sub(r"[\s{}]", "", first)
            found.setdefault(letter, set()).update(where.split())
    return found


def test_every_letter_of_a_formula_is_in_the_table_with_this_notebook(course):
    if course.stem[:2] > "10":
        pytest.skip("only inline formulas")
    found = {}
    for cell in load(course)["cells"]:
        text = notebook_file.joined(cell["source"]) if cell["cell_type"] == "markdown" else ""
        for formula in re.findall(r"\$\$(.+?)\$\$", text, re.DOTALL):
            for letter in symbols(formula):
                where = listed().get(letter, set())
                if not where & {course.stem[:2], "all"}:
                    found.setdefault(cell["id"], set()).add(letter)
    assert found == {}


def test_a_symbol_has_one_row():
    rows = [formula for said, *_ in SYMBOLS for formula in re.findall(r"\$([^$]+)\$", said)]
    twice = {formula for formula in rows if rows.count(formula) > 1}
    assert twice == {"r"}  # Pearson's, and as an index


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r"\frac{\partial\mathcal{L}}{\partial w_k} = \sigma", {r"\mathcalL", "w", r"\sigma"}),
        (r"\bar x \pm t_{J-1}\, s\, \sqrt{1 + \tfrac1n}", {r"\barx", "t", "s", "n"}),
        (r"\text{recall} = \frac{TP}{TP + FN}", {"TP", "FN"}),
        (r"\bar{\hat y} \text{ for } \operatorname{softmax}(z)", {r"\bar\haty", "z"}),
    ],
)
def test_the_letters_of_a_formula_are_found(formula, expected):
    assert symbols(formula) == expected
