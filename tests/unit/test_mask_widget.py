"""The mask microscope: its tokens are the library's, and its labels are those of the mask."""

import copy
import gzip
import itertools
import json
import random
import re
import subprocess
import sys

import pytest
from tokenizers import pre_tokenizers

from helpers import chat, checkpoints, widgets
from helpers.widgets.masks import TABLES, TRIES, conversation, trained
from tests.unit import figures, javascript, widget_texts
from tools.experiments import chat_tables

IGNORED, END = -100, 2
HALVES = range(0xD800, 0xE000)  # of surrogate pairs: no characters
RUN = """
const { readFileSync } = require("node:fs"), { gunzipSync } = require("node:zlib");
const [packed, expression, ...scripts] = process.argv.slice(1);
const stored = JSON.parse(gunzipSync(readFileSync(packed)).toString("utf8"));
const { change, data } = JSON.parse(readFileSync(0, "utf8"));
const code = scripts.map((script) => readFileSync(script, "utf8")).join("");
const work = new Function("stored", "data",
  `${code}; const tables = readTables(stored); return ${expression};`);
process.stdout.write(JSON.stringify(work({ ...stored, ...change }, data)));
"""
MARKED = [  # the template's two places that change when an answer is marked as one
    ("'\n' + message['content'] + '<|im_end|>' + '\n'}}", "'\n'}}{SAID}{{'\n'}}"),
    (
        "{SAID}",
        "{% if message['role'] == 'assistant' %}{% generation %}{{ message['content'] + "
        "'<|im_end|>' }}{% endgeneration %}{% else %}{{ message['content'] + '<|im_end|>' }}"
        "{% endif %}",
    ),
]


@pytest.fixture(scope="module")
def tokenizer():
    """The library's own."""
    return checkpoints.load_tokenizer("smollm2")


@pytest.fixture(scope="module")
def shown() -> dict[str, str]:
    """What the figure displays, by kind."""
    return figures.shown("masks")


def javascript_gives(expression: str, data: object, **change: object):
    """What the scripts give for an expression of `tables` and `data`.

    Args:
        expression: in JavaScript.
        data: what it works on.
        change: entries of the stored tables that are to be others.
    """
    node = javascript.find_node()
    if node is None:
        pytest.skip("skipped: Node.js was not found; the tests in a browser compare the same texts")
    files = [str(widgets.STATIC / name) for name in ("bpe.js", "chat.js")]
    command = [node, "-e", RUN, str(widgets.STATIC / TABLES), expression, *files]
    options = {"capture_output": True, "encoding": "utf8"}
    sent = json.dumps({"change": change, "data": data})
    done = subprocess.run(command, input=sent, check=False, **options)
    assert done.returncode == 0, done.stderr[-1000:]
    return json.loads(done.stdout)


def test_the_words_mark_the_answer_and_its_end_token_as_trained(shown, tokenizer):
    (first, *_) = TRIES.values()
    listed = shown["text/plain"].partition("line break): ")[2].removesuffix(".").split(" | ")
    pairs = [re.fullmatch(r".+ (\d+)( \(trained\))?", each, re.DOTALL).groups() for each in listed]
    ids, marks = marked(tokenizer, first)
    assert [int(number) for number, _ in pairs] == ids
    assert [note is not None for _, note in pairs] == marks
    assert (
        "def 1604 (trained) | ect 374 (trained) | <|im_end|> 2 (trained) | ↵ 198."
        in (shown["text/plain"])
    )


# ---------------------------------------------------------------- the tokenizer


def test_the_scripts_know_every_token_of_the_library(tokenizer):
    found = javascript_gives("data.map((id) => bytesOf(tables, id))", list(range(len(tokenizer))))
    signs, special = chat_tables.byte_signs(), set(tokenizer.all_special_tokens)
    assert len(found) == 49_152
    for token, number in tokenizer.get_vocab().items():
        is_special = token in special or number in tokenizer.added_tokens_decoder
        written = token.encode() if is_special else bytes(signs[each] for each in token)
        assert bytes(found[number]) == written, token


def test_the_stored_tables_are_those_of_the_library(tokenizer, monkeypatch):
    stored = json.loads(gzip.decompress((widgets.STATIC / TABLES).read_bytes()))
    monkeypatch.setattr(chat_tables, "kinds", dict)  # slow; the texts below hold the characters
    assert chat_tables.tables(tokenizer) == stored | {"characters": {}}


@pytest.fixture(scope="module")
def texts() -> list[str]:
    """What both tokenizers cut."""
    found = widget_texts.chat_texts()
    assert len(found) > 1000
    return found


def test_the_scripts_cut_every_text_as_the_library_does(tokenizer, texts):
    expression = "data.map((text) => tokenize(tables, text).flatMap(({ ids }) => ids))"
    found = javascript_gives(expression, texts)
    expected = tokenizer(texts, add_special_tokens=False)["input_ids"]
    for text, ids, wanted in zip(texts, found, expected, strict=True):
        assert ids == wanted, text


def library_words(backend, text: str) -> list[str]:
    """The words that the library cuts a text without special tokens into."""
    return [text[start:end] for _, (start, end) in backend.pre_tokenizer.pre_tokenize_str(text)]


def test_the_scripts_show_the_words_that_the_library_cuts(tokenizer, texts):
    texts = [text for text in texts if "<|" not in text and "<repo" not in text]
    found = javascript_gives("data.map((text) => words(tables, text))", texts)
    for text, words in zip(texts, found, strict=True):
        assert words == library_words(tokenizer.backend_tokenizer, text)


def test_every_character_is_of_the_kind_that_the_library_says(tokenizer):
    codes = range(0, sys.maxunicode + 1, 7)
    around = [f"a{chr(code)}1{chr(code)}!{chr(code)} " for code in codes if code not in HALVES]
    texts = ["".join(around[start : start + 1000]) for start in range(0, len(around), 1000)]
    found = javascript_gives("data.map((text) => words(tables, text))", texts)
    for text, words in zip(texts, found, strict=True):
        assert words == library_words(tokenizer.backend_tokenizer, text)


def test_half_of_a_surrogate_pair_is_left_out(tokenizer):
    expression = "data.map((text) => tokenize(tables, text).flatMap(({ ids }) => ids))"
    found = javascript_gives(expression, ["kettle \ud83d broken", "\udc00", "a\ude0a\ud83db"])
    whole = ["kettle  broken", "", "ab"]
    assert found == tokenizer(whole, add_special_tokens=False)["input_ids"]


def test_a_tokenizer_that_splits_digits_is_followed_too(tokenizer):
    backend = copy.deepcopy(tokenizer.backend_tokenizer)
    digits = pre_tokenizers.Digits(individual_digits=True)
    level = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.pre_tokenizer = pre_tokenizers.Sequence([digits, level])
    assert chat_tables.splits_digits(backend.pre_tokenizer)
    expression = "data.map((text) => tokenize(tables, text).flatMap(({ ids }) => ids))"
    some = ["a  1", "\n\n12 3", *widget_texts.hard_texts(200, seed=1)]
    wanted = [backend.encode(text, add_special_tokens=False).ids for text in some]
    assert javascript_gives(expression, some, digits=True) == wanted
    assert javascript_gives(expression, some, digits=False) != wanted


# ---------------------------------------------------------------- chats and labels


def conversations() -> list[list[dict[str, str]]]:
    """The figure's examples, empty messages, and hard ones with one or two turns."""
    draw, hard = random.Random(0), iter(widget_texts.hard_texts(900, seed=2))
    found = [*TRIES.values()]
    found += [conversation("", ""), conversation("\n", "\n\nYes. \n", system=" ")]
    for _ in range(150):
        # At a character that has no token the library's mask, though not its ids, goes astray.
        contents = [next(hard).lstrip("\x04\x06") for _ in range(draw.choice([2, 4]))]
        found.append(conversation(*contents, system=draw.choice(["", next(hard)])))
    return found


def marked(tokenizer, messages: list[dict[str, str]]) -> tuple[list[int], list[bool]]:
    """Ids and mask from the library, whose template is told where the answers are."""
    template = tokenizer.chat_template
    for old, new in MARKED:
        assert template.count(old) == 1
        template = template.replace(old, new)
    options = {"return_dict": True, "return_assistant_tokens_mask": True}
    found = tokenizer.apply_chat_template(messages, chat_template=template, **options)
    return found["input_ids"], [bool(kept) for kept in found["assistant_masks"]]


def positions(mode: str) -> list[list[dict]]:
    """What the figure shows of each conversation."""
    expression = f"data.map((messages) => positions(tables, messages, '{mode}'))"
    return javascript_gives(expression, conversations())


def ids_of(found: list[dict]) -> list[int]:
    return [each["id"] for each in found]


def labels_of(found: list[dict]) -> list[int | None]:
    return [each["label"] for each in found]


def test_the_answers_are_trained_as_the_librarys_mask_says(tokenizer):
    for messages, found in zip(conversations(), positions("answers"), strict=True):
        ids, kept = marked(tokenizer, messages)
        labels = [n if is_kept else IGNORED for n, is_kept in zip(ids, kept, strict=True)]
        assert ids_of(found) == ids == tokenizer.apply_chat_template(messages)["input_ids"]
        assert labels_of(found) == [*labels[1:], None]
        assert [each["target"] for each in found] == [*ids[1:], None]


def test_python_marks_the_same_tokens_and_so_does_the_course(tokenizer):
    for messages in TRIES.values():
        ids, kept = trained(tokenizer, messages)
        example = chat.encode(tokenizer, messages)
        assert example.input_ids == ids
        assert [label != IGNORED for label in example.labels] == kept
    for messages in conversations():
        assert trained(tokenizer, messages) == marked(tokenizer, messages)


def test_the_newline_after_an_answer_and_the_header_before_it_are_never_trained():
    found = positions("answers")[1]
    learnt = [each for each in found if each["label"] not in (None, IGNORED)]
    assert {each["message"] for each in learnt} == {2, 4}
    assert [each["label"] for each in learnt].count(END) == 2
    for here, after in itertools.pairwise(found):
        if here["id"] == END or after["id"] == 1:  # 1 is <|im_start|>
            assert here["label"] == IGNORED


def test_everything_leaves_out_only_what_no_token_follows():
    for found in positions("everything"):
        assert labels_of(found) == [*ids_of(found)[1:], None]


def test_with_pad_as_eos_every_end_token_is_lost_and_nothing_else():
    for right, found in zip(positions("answers"), positions("padded"), strict=True):
        lost = [IGNORED if label == END else label for label in labels_of(right)]
        assert labels_of(found) == lost and ids_of(found) == ids_of(right)


def without_end(tokenizer, messages: list[dict[str, str]]) -> tuple[list[int], list[bool]]:
    """Ids and mask where the text has no end token after an answer, from the library's offsets."""
    text, spans = "", []
    if messages[0]["role"] != "system":
        text = chat_tables.opening(tokenizer)
    for message in messages:
        text += f"<|im_start|>{message['role']}\n"
        if message["role"] == "assistant" and message["content"]:
            spans.append((len(text), len(text) + len(message["content"])))
        text += message["content"] + ("\n" if message["role"] == "assistant" else "<|im_end|>\n")
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    places = encoded["offset_mapping"]
    kept = [any(a < end and b > start for start, end in spans) for a, b in places]
    return encoded["input_ids"], kept


def test_without_an_end_token_the_answer_alone_is_trained(tokenizer):
    for messages, found in zip(conversations(), positions("endless"), strict=True):
        ids, kept = without_end(tokenizer, messages)
        labels = [n if is_kept else IGNORED for n, is_kept in zip(ids, kept, strict=True)]
        assert ids_of(found) == ids
        assert labels_of(found) == [*labels[1:], None]
    assert END not in labels_of(positions("endless")[0])


def test_shifted_twice_every_position_gets_the_label_after_next():
    for right, found in zip(positions("answers"), positions("twice"), strict=True):
        assert ids_of(found) == ids_of(right)[:-1]
        assert labels_of(found) == labels_of(right)[1:]
        assert [each["target"] for each in found] == [each["target"] for each in right][1:]


def test_a_special_token_in_a_message_is_known_as_typed_by_hand():
    found = positions("answers")[2]
    assert [each["id"] for each in found if each["typed"]] == [END, 1]
    assert not any(each["typed"] for each in positions("answers")[0])
