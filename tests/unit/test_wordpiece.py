"""The tokenizer written by hand in notebook 01 gives what the library gives."""

import ast
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers import checkpoints, corpora
from tests.conftest import load
from tools import notebook_file, project

TOKENIZER = checkpoints.load_tokenizer("minilm")
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
EMOJI = [chr(code) for block in (range(0x1F300, 0x1F650), range(0x2600, 0x2700)) for code in block]
JOINERS = ["\u200d", "\ufe0f", "\U0001f3fd", "\U0001f1e9", "\U0001f1ea"]


def by_hand() -> dict:
    """What the notebook's cells tagged `defines` import, assign and define."""
    kinds = (ast.Import, ast.ImportFrom, ast.Assign, ast.AugAssign, ast.FunctionDef)
    notebook = load(project.NOTEBOOKS / "01_tokenization.ipynb")
    names: dict = {}
    for cell in notebook["cells"]:
        if "defines" in cell["metadata"].get("tags", []):
            tree = ast.parse(notebook_file.joined(cell["source"]))
            tree.body = [node for node in tree.body if isinstance(node, kinds)]
            exec(compile(tree, cell["id"], "exec"), names)
    return names


NAMES = by_hand()
tokenize, encode, normalize = NAMES["tokenize"], NAMES["encode"], NAMES["normalize"]


def is_settled(character: str) -> bool:
    """Whether Unicode has filed a character under the same category since version 3.2.

    The library carries tables of 2015 and Python newer ones, so for others they may differ.
    """
    category = unicodedata.category(character)
    return category not in ("Cn", "Cs") and category == unicodedata.ucd_3_2_0.category(character)


SETTLED = [c for c in map(chr, range(sys.maxunicode + 1)) if is_settled(c)]
by_category: dict[str, list[str]] = {}
for settled in SETTLED:
    by_category.setdefault(unicodedata.category(settled), []).append(settled)

# Every category as likely as any other, and what tokenizers stumble over more likely still.
accents = st.sampled_from(by_category["Mn"])
controls = st.sampled_from(by_category["Cc"] + by_category["Cf"] + ["\ufffd"])
any_kind = st.sampled_from(sorted(by_category)).flatmap(lambda k: st.sampled_from(by_category[k]))
latin = st.sampled_from([chr(code) for code in range(0x20, 0x250) if is_settled(chr(code))])
chinese = st.sampled_from([chr(code) for code in range(0x4E00, 0x9FA6)])
characters = st.one_of(
    latin, any_kind, accents, controls, chinese, st.sampled_from(EMOJI + JOINERS)
)
pieces = st.sampled_from([token for token in TOKENIZER.vocab if token not in SPECIAL])
long_words = st.integers(95, 105).map(lambda n: "a" * n)
texts = st.lists(st.one_of(characters, characters, pieces, long_words, st.just(" ")), max_size=30)
texts = texts.map("".join).filter(lambda text: not any(token in text for token in SPECIAL))


@given(texts)
def test_tokens_are_equal_on_any_text(text):
    assert tokenize(text) == TOKENIZER.tokenize(text)


@given(texts)
def test_ids_are_equal_on_any_text(text):
    assert encode(text) == TOKENIZER(text)["input_ids"]


@given(texts, st.sampled_from(SPECIAL), texts)
def test_brackets_in_a_text_are_only_brackets(before, special, after):
    text = before + special + after
    assert tokenize(text) == TOKENIZER.tokenize(text, split_special_tokens=True)


@given(texts)
def test_normalizing_twice_changes_nothing_more(text):
    once = normalize(text)
    assert normalize(once).split() == once.split()


def test_tokens_are_equal_on_every_review():
    raw_datasets = corpora.load("reviews")
    everything = [text for part in raw_datasets.values() for text in part["text"][:]]
    assert len(everything) == 8528
    assert [encode(text) for text in everything] == TOKENIZER(everything)["input_ids"]


def test_every_settled_character_is_normalized_and_cut_alike():
    """Joined by spaces, each between letters, so that one call of the library covers many."""
    library = TOKENIZER.backend_tokenizer
    for start in range(0, len(SETTLED), 2000):
        text = " ".join(f"a{c}b" for c in SETTLED[start : start + 2000])
        assert normalize(text) == library.normalizer.normalize_str(text)
        cut = [word for word, _ in library.pre_tokenizer.pre_tokenize_str(normalize(text))]
        assert NAMES["pre_tokenize"](normalize(text)) == cut


@pytest.mark.parametrize("length", [99, 100, 101, 102])
def test_words_of_more_than_100_characters_are_unknown(length):
    word = "z" * length
    assert tokenize(word) == TOKENIZER.tokenize(word)
    assert (tokenize(word) == ["[UNK]"]) == (length > 100)
