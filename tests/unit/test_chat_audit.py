"""The audit of an instruction set: it names what is wrong, and is silent where nothing is."""

import copy
import functools

import pytest
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import DataCollatorForLanguageModeling

from helpers import chat, checkpoints
from helpers.chat import course, mistakes
from helpers.chat.audit import CHECKS, audit

IGNORED, BOS, END, LINE = -100, 1, 2, 198  # SmolLM2's ids; its padding token is the end token
HEADER = [BOS, 520, 9531, LINE]  # <|im_start|>, ass, istant, line break
SAID = "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
MARKED = (  # the same text, with the marks that apply_chat_template needs for its mask
    "{{'<|im_start|>' + message['role'] + '\n'}}{% if message['role'] == 'assistant' %}"
    "{% generation %}{{message['content'] + '<|im_end|>'}}{% endgeneration %}{% else %}"
    "{{message['content'] + '<|im_end|>'}}{% endif %}{{'\n'}}"
)


@functools.cache
def smollm2():
    """The library's tokenizer."""
    return checkpoints.load_tokenizer("smollm2")


def templated(change):
    """A tokenizer of its own with another chat template."""
    tokenizer = copy.deepcopy(smollm2())
    tokenizer.chat_template = change(tokenizer.chat_template)
    assert tokenizer.chat_template != smollm2().chat_template
    return tokenizer


def found(result) -> dict[str, list[int]]:
    """Rows by check, without messages."""
    return {finding.check: finding.rows for finding in result.findings}


def conversation(text, *said, system=None):
    """The user says `text`, then answer and question alternate."""
    roles = [["user", "assistant"][i % 2] for i in range(1 + len(said))]
    messages = [{"role": r, "content": c} for r, c in zip(roles, [text, *said], strict=True)]
    return [{"role": "system", "content": system}] * (system is not None) + messages


def as_messages(conversations):
    """A data set with a column `messages`."""
    return Dataset.from_dict({"messages": conversations})


def encoded(conversations):
    """Lists of ids and labels, right ones."""
    examples = [chat.encode(smollm2(), messages) for messages in conversations]
    return [example.input_ids for example in examples], [example.labels for example in examples]


def as_ids(ids, labels, **columns):
    """A data set with ids and labels."""
    return Dataset.from_dict({"input_ids": ids, "labels": labels, **columns})


def prompts_of(conversations):
    """The ids at inference, row by row."""
    return [
        chat.render(smollm2(), chat.prompt_of(messages), add_prompt=True)
        for messages in conversations
    ]


def last_answer(labels):
    """Where the last run of labels begins, and the position of its end token."""
    end = max(t for t, label in enumerate(labels) if label != IGNORED)
    return max(t for t in range(end + 1) if labels[t - 1] == IGNORED != labels[t]), end


RIGHT = [
    conversation("Where is my parcel?", "delivery", system="Sort the message."),
    conversation("The lamp is broken 😢", "defect"),
    conversation("Hello", "Hi there!", "How are you?", "Fine, thank you. And you?"),
    conversation("  Name\n\ntwo\tfruits. ", "Apples,\n\n  pears \n"),
]

# Any text that SmolLM2 has tokens for (not for all control characters), odd white space and emoji
# included, but none that spells a special token.
ANY = st.characters(max_codepoint=0x3FFFF, exclude_categories=["Cs", "Cc"])
TEXT = st.text(ANY, max_size=12) | st.text("ab .\n\t 😀👍🏽é\u00a0\u3000", max_size=8)
PLAIN = TEXT.filter(lambda text: "<|" not in text)
ANSWER = PLAIN.map(lambda text: text.lstrip() or "yes")


@st.composite
def right_conversations(draw, least=1):
    """Conversations of one to three answers; the row's number keeps their prompts apart."""
    conversations = []
    for row in range(draw(st.integers(least, 4))):
        answers = draw(st.lists(ANSWER, min_size=1, max_size=3))
        said = [part for answer in answers for part in (answer, draw(PLAIN))][:-1]
        system = draw(st.none() | PLAIN)
        conversations.append(conversation(f"{row}{draw(PLAIN)}", *said, system=system))
    return conversations


@functools.cache
def marked():
    """A tokenizer whose template says what the assistant wrote."""
    return templated(lambda template: template.replace(SAID, MARKED))


def by_marks(conversations):
    """Ids and labels as the library makes them from a template with generation marks."""
    options = {"return_dict": True, "return_assistant_tokens_mask": True}
    rows = [marked().apply_chat_template(c, **options) for c in conversations]
    ids = [row["input_ids"] for row in rows]
    labels = [
        [t if one else IGNORED for t, one in zip(row, mask, strict=True)]
        for row, mask in zip(ids, (row["assistant_masks"] for row in rows), strict=True)
    ]
    return as_ids(ids, labels)


def padded(conversations, left=False, with_mask=True):
    """One batch, its labels padded by position; padding and end token are the same."""
    examples = [chat.encode(smollm2(), messages) for messages in conversations]
    rows = [tensor.tolist() for tensor in chat.pad(examples, END)]
    if left:
        rows = [
            [row[sum(mask) :] + row[: sum(mask)] for row, mask in zip(part, rows[1], strict=True)]
            for part in rows
        ]
    return as_ids(rows[0], rows[2], **({"attention_mask": rows[1]} if with_mask else {}))


KINDS = {
    "messages": as_messages,
    "ids": lambda conversations: as_ids(*encoded(conversations)),
    "marks": by_marks,
    "padded": padded,
    "padded without mask": functools.partial(padded, with_mask=False),
    "padded at the left": functools.partial(padded, left=True),
    "padded at the left without mask": functools.partial(padded, left=True, with_mask=False),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=15)
@given(conversations=right_conversations())
def test_right_conversations_have_no_findings(kind, conversations):
    dataset, prompts = KINDS[kind](conversations), prompts_of(conversations)
    result = audit(dataset, smollm2(), 8192, prompts)
    assert result and result.ok and found(result) == {}
    ids, labels = encoded(conversations)
    trained = sum(label != IGNORED for row in labels for label in row)
    assert result.trained_share == trained / sum(map(len, ids))


# Errors planted in ids and labels of row i: name of the check that must find it, and how.


def mask_end(ids, labels):
    labels[last_answer(labels)[1]] = IGNORED


def mask_end_of_first(ids, labels):
    labels[next(t for t, label in enumerate(labels) if label == END)] = IGNORED


def remove_end(ids, labels):
    end = last_answer(labels)[1]
    del ids[end], labels[end]


def remove_end_of_first(ids, labels):
    end = next(t for t, label in enumerate(labels) if label == END)
    del ids[end], labels[end]


def mask_all(ids, labels):
    labels[:] = [IGNORED] * len(ids)


def train_all(ids, labels):
    labels[:] = ids


def train_one_of_prompt(ids, labels):
    labels[1] = ids[1]


def shift(ids, labels):
    labels[:] = [*labels[1:], IGNORED]


def shift_and_shorten(ids, labels):
    del ids[-1], labels[0]


def foreign_in_answer(ids, labels):
    labels[last_answer(labels)[0]] = 7


def padding_id_in_prompt(ids, labels):
    labels[1] = END


def begin_twice(ids, labels):
    ids.insert(0, BOS)
    labels.insert(0, IGNORED)


def train_padding(ids, labels):
    ids.extend([END] * 3)
    labels.extend([END] * 3)


def other_header(ids, labels):
    while (
        header := next((t for t in range(len(ids)) if ids[t : t + 4] == HEADER), None)
    ) is not None:
        ids[header : header + 4] = [18, 4093, 42, LINE]


def lose_label(ids, labels):
    del labels[0]


PLANTED = [
    ("end_token_masked", mask_end),
    ("end_token_masked", mask_end_of_first),
    ("no_end_token", remove_end),
    ("no_end_token", remove_end_of_first),
    ("no_labels", mask_all),
    ("prompt_trained", train_all),
    ("prompt_trained", train_one_of_prompt),
    ("labels_shifted", shift),
    ("labels_shifted", shift_and_shorten),
    ("foreign_labels", foreign_in_answer),
    ("foreign_labels", padding_id_in_prompt),
    ("padding_trained", train_padding),
    ("double_bos", begin_twice),
    ("other_template", other_header),
    ("cannot_encode", lose_label),
]


@pytest.mark.parametrize(("check", "plant"), PLANTED, ids=[plant.__name__ for _, plant in PLANTED])
@settings(max_examples=15)
@given(conversations=right_conversations(least=2), data=st.data())
def test_an_error_planted_in_a_row_is_named_with_this_row(check, plant, conversations, data):
    ids, labels = encoded(conversations)
    row = data.draw(st.integers(0, len(ids) - 1))
    plant(ids[row], labels[row])
    result = audit(as_ids(ids, labels), smollm2())
    assert found(result) == {check: [row]}
    assert result.findings[0].share == 1 / len(ids)
    assert result.findings[0].message.startswith(f"In 1 of {len(ids)} rows ")
    assert not result


@settings(max_examples=15)
@given(conversations=right_conversations(least=2), data=st.data())
def test_errors_in_messages_are_named_with_their_rows(conversations, data):
    row = data.draw(st.integers(1, len(conversations) - 1))

    def with_row(messages):
        return as_messages([*conversations[:row], messages, *conversations[row + 1 :]])

    mine = conversations[row]
    no_answer = with_row([m for m in mine if m["role"] != "assistant"])
    assert found(audit(no_answer, smollm2())) == {"cannot_encode": [row]}
    space = with_row([*mine[:-1], {"role": "assistant", "content": "  " + mine[-1]["content"]}])
    assert found(audit(space, smollm2())) == {"leading_space": [row]}
    assert found(audit(with_row(conversations[0]), smollm2())) == {"duplicates": [row]}
    other = [*conversations[0][:-1], {"role": "assistant", "content": "!" * 50}]
    assert found(audit(with_row(other), smollm2())) == {"contradictions": [0, row]}
    test = as_messages([mine])
    in_test = audit(as_messages(conversations), smollm2(), test=test)
    assert found(in_test) == {"in_test_part": [row]}


@settings(max_examples=15)
@given(conversations=right_conversations(least=2), data=st.data())
def test_a_prompt_that_training_did_not_read_is_named(conversations, data):
    row = data.draw(st.integers(0, len(conversations) - 1))
    dataset, prompts, own = as_messages(conversations), prompts_of(conversations), smollm2()
    before = chat.prompt_of(conversations[row])

    def with_row(prompt):
        return found(audit(dataset, own, prompts=[*prompts[:row], prompt, *prompts[row + 1 :]]))

    assert with_row(chat.render(own, before)) == {"prompt_without_header": [row]}
    assert with_row([BOS, *prompts[row]]) == {"prompt_double_bos": [row]}
    without = [m for m in before if m["role"] != "system"]
    changed = [{"role": "system", "content": "Be brief, or else."}, *without]
    differs = {"prompt_differs": [row]}
    assert with_row(chat.render(own, changed, add_prompt=True)) == differs
    assert with_row(prompts[row][:-1]) == differs
    assert with_row(chat.render(own, conversations[row])) == differs


# The six errors as the libraries and people make them.


@pytest.mark.parametrize("with_mask", [True, False])
def test_the_library_s_collator_hides_end_tokens(with_mask):
    collate = DataCollatorForLanguageModeling(smollm2(), mlm=False)
    batch = collate([{"input_ids": row} for row in encoded(RIGHT)[0]])
    mask = {"attention_mask": batch["attention_mask"].tolist()} if with_mask else {}
    dataset = as_ids(batch["input_ids"].tolist(), batch["labels"].tolist(), **mask)
    result = audit(dataset, smollm2())
    every = list(range(len(RIGHT)))
    # This collator also trains the prompts.
    assert found(result) == {"end_token_masked": every, "prompt_trained": every}
    assert "cannot learn to stop" in result.findings[0].message
    assert "by position, not by id" in result.findings[0].message


def test_with_a_padding_token_of_its_own_masking_by_id_is_right():
    tokenizer = templated(lambda template: template + " ")
    tokenizer.pad_token = "<|endoftext|>"
    collate = DataCollatorForLanguageModeling(tokenizer, mlm=False)
    batch = collate([{"input_ids": row} for row in encoded(RIGHT)[0]])
    dataset = as_ids(batch["input_ids"].tolist(), batch["labels"].tolist())
    assert list(found(audit(dataset, tokenizer))) == ["prompt_trained"]
    ids, labels = encoded(RIGHT)
    mask_end(ids[0], labels[0])
    cause = audit(as_ids(ids, labels), tokenizer).findings[0].message
    assert "by id" not in cause and "reach to its end token" in cause


def test_an_end_token_that_the_text_lacks_is_missed():
    ids = [smollm2()("Name a fruit.")["input_ids"] + HEADER + [31041] for _ in range(2)]
    labels = [[IGNORED] * (len(row) - 1) + [31041] for row in ids]
    ids[1].insert(0, 7), labels[1].insert(0, IGNORED)
    assert found(audit(as_ids(ids, labels), smollm2())) == {"no_end_token": [0, 1]}


def test_a_template_without_end_tokens_is_named_by_row():
    tokenizer = templated(lambda template: template.replace("<|im_end|>", ""))
    result = audit(as_messages(RIGHT), tokenizer)
    assert found(result) == {"cannot_encode": [0, 1, 2, 3]}
    assert "writes no '<|im_end|>'" in result.findings[0].message


def test_a_template_without_generation_marks_masks_everything():
    rows = [
        smollm2().apply_chat_template(c, return_dict=True, return_assistant_tokens_mask=True)
        for c in RIGHT
    ]
    assert not any(any(row["assistant_masks"]) for row in rows)
    labels = [[IGNORED] * len(row["input_ids"]) for row in rows]
    result = audit(as_ids([row["input_ids"] for row in rows], labels), smollm2())
    assert found(result) == {"everything_masked": [0, 1, 2, 3]}
    assert result.trained_share == 0
    assert "{% generation %}" in result.findings[0].message


def test_labels_equal_to_the_ids_train_the_prompt():
    ids, _ = encoded(RIGHT)
    result = audit(as_ids(ids, ids), smollm2())
    assert found(result) == {"prompt_trained": [0, 1, 2, 3]}
    tokens = sum(map(len, ids))
    assert result.trained_share == (tokens - len(ids)) / tokens  # nothing foresees a first token


@pytest.mark.parametrize("plant", [shift, shift_and_shorten])
def test_shifted_labels_are_called_shifted_and_nothing_else(plant):
    ids, labels = encoded(RIGHT)
    for row in range(len(ids)):
        plant(ids[row], labels[row])
    result = audit(as_ids(ids, labels), smollm2(), prompts=prompts_of(RIGHT))
    assert found(result) == {"labels_shifted": [0, 1, 2, 3]}
    assert "token after next" in result.findings[0].message


MISTRAL = (
    "{% for message in messages %}{% if message['role'] == 'user' %}{{ '[INST] ' + "
    "message['content'] + ' [/INST]' }}{% else %}{{ message['content'] + '<|im_end|>' }}"
    "{% endif %}{% endfor %}"
)
# What names each of the five in `mistakes.versions`, in its order.
NAMES = [
    "end_token_masked",
    "no_end_token",
    "everything_masked",
    "prompt_trained",
    "labels_shifted",
]
PLAIN_HEADER = (  # roles without special tokens
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\n' + message['content'] + "
    "'<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\n' }}{% endif %}"
)


@pytest.mark.parametrize("template", ["its own", "plain header", "no header"])
@pytest.mark.parametrize("which", range(5), ids=NAMES)
def test_each_mistake_of_the_notebook_is_named_alone(which, template):
    others = {"plain header": PLAIN_HEADER, "no header": MISTRAL}
    own = smollm2() if template == "its own" else templated(lambda _: others[template])
    conversations = RIGHT[template == "no header" :]  # that one has no place for a system message
    examples = [chat.encode(own, messages) for messages in conversations]
    prompts = [chat.render(own, chat.prompt_of(c), add_prompt=True) for c in conversations]

    spoilt = list(mistakes.versions(examples, END).values())

    def audited(version):
        rows = as_ids([e.input_ids for e in version], [e.labels for e in version])
        return audit(rows, own, prompts=prompts)

    assert spoilt[0] == examples and len(spoilt) == 1 + len(NAMES)
    assert audited(examples).names == []
    assert found(audited(spoilt[1 + which])) == {NAMES[which]: [*range(len(examples))]}


def test_a_template_that_does_not_only_append_is_named_by_row():
    own = templated(lambda template: "{{ messages | length }}" + template)
    assert found(audit(as_messages(RIGHT), own)) == {"cannot_encode": [0, 1, 2, 3]}


def test_a_system_message_on_one_side_is_quoted():
    sorted_by = [conversation("Hello", "other", system="Sort the message.")]
    bare = prompts_of([conversation("Hello", "other")])
    message = audit(as_messages(sorted_by), smollm2(), prompts=bare).findings[0].message
    assert "training reads 'Sort the message.<|im_end|>" in message
    assert "inference 'You are a helpful AI assistant named" in message


def test_a_prompt_that_begins_twice_and_differs_besides_is_called_different():
    bare = [[BOS, *prompt] for prompt in prompts_of([conversation("Hello", "other")])]
    trained = as_messages([conversation("Hello", "other", system="Sort the message.")])
    assert found(audit(trained, smollm2(), prompts=bare)) == {"prompt_differs": [0]}


# Cut rows.


@pytest.mark.parametrize("missing", [1, 3, 40])
def test_an_answer_cut_at_its_end_is_truncated(missing):
    ids, labels = encoded([*RIGHT, conversation("Count.", "one two " * 50)])
    size = len(ids[4]) - 1 - missing
    cut_ids, cut_labels = [row[:size] for row in ids], [row[:size] for row in labels]
    dataset = as_ids(cut_ids, cut_labels)
    assert found(audit(dataset, smollm2(), max_length=size)) == {"truncated": [4]}
    assert found(audit(dataset, smollm2())) == {"no_end_token": [4]}
    assert found(audit(as_ids(ids, labels), smollm2(), max_length=len(ids[4]))) == {}


def test_only_the_last_answer_of_a_row_of_full_length_counts_as_cut():
    ids, labels = encoded(RIGHT[2:])
    remove_end_of_first(ids[0], labels[0])
    remove_end(ids[1], labels[1])
    cut = as_ids([ids[0][:-3], ids[1]], [labels[0][:-3], labels[1]])
    assert len(ids[1]) < len(ids[0]) - 3
    checks = found(audit(cut, smollm2(), max_length=len(ids[0]) - 3))
    assert checks == {"no_end_token": [0, 1], "truncated": [0]}


@pytest.mark.parametrize("kind", ["messages", "ids"])
def test_an_answer_longer_than_allowed_loses_its_beginning(kind):
    conversations = [*RIGHT, conversation("Count.", "one two " * 50)]
    dataset, (ids, labels) = KINDS[kind](conversations), encoded(conversations)
    header = last_answer(labels[4])[0] - len(HEADER)
    fits = len(ids[4]) - header
    assert found(audit(dataset, smollm2(), max_length=fits)) == {}
    result = audit(dataset, smollm2(), max_length=fits - 1)
    assert found(result) == {"truncated": [4]}
    assert f"max_length = {fits - 1} cuts" in result.findings[0].message


def test_an_earlier_answer_may_be_cut_off_as_a_whole():
    dataset = as_messages([conversation("a", "b", "c", "d " * 50)])
    ids = encoded(dataset["messages"])[0][0]
    second = max(t for t in range(len(ids)) if ids[t] == BOS)
    assert audit(dataset, smollm2(), max_length=len(ids) - second)


def test_a_row_that_lost_its_header_is_truncated_not_in_another_form():
    ids, labels = encoded([conversation("Count.", "one two " * 50)])
    dataset = as_ids([ids[0][-60:]], [labels[0][-60:]])
    assert found(audit(dataset, smollm2(), max_length=60)) == {"truncated": [0]}


def test_a_row_that_lost_its_answer_has_no_labels():
    ids, labels = encoded([conversation("Count. " * 50, "one"), RIGHT[1]])
    dataset = as_ids([row[:90] for row in ids], [row[:90] for row in labels])
    assert found(audit(dataset, smollm2(), max_length=90)) == {"no_labels": [0]}


# White space, templates, test parts, and what is no mistake.


def test_white_space_that_merges_with_the_header_is_found_in_ids_too():
    spaced = [*RIGHT, conversation("Hello", "  Hi")]
    dataset = by_marks(spaced)
    result = audit(dataset, smollm2(), prompts=prompts_of(spaced))
    assert found(result) == {"leading_space": [4]}


def test_what_follows_an_end_token_and_a_header_may_be_trained():
    ids, labels = encoded(RIGHT)
    for row, own in zip(ids, labels, strict=True):
        begin, end = last_answer(own)
        own[begin - len(HEADER) : end + 2] = row[begin - len(HEADER) : end + 2]
    assert audit(as_ids(ids, labels), smollm2())


def test_only_the_last_answer_may_be_trained():
    ids, labels = encoded(RIGHT)
    for own in labels:
        begin = last_answer(own)[0]
        own[:begin] = [IGNORED] * begin
    assert audit(as_ids(ids, labels), smollm2())


def test_the_word_assistant_in_a_message_is_no_header():
    conversations = [conversation("im_start assistant\nassistant\n", "assistant\n, yes")]
    for kind in KINDS.values():
        assert audit(kind(conversations), smollm2(), prompts=prompts_of(conversations))


def test_a_template_without_a_header_is_read_by_its_labels():
    tokenizer = templated(lambda _: MISTRAL)
    conversations = [conversation("a", "b"), conversation("c", "d", "e", "f")]
    dataset = as_messages(conversations)
    examples = [chat.encode(tokenizer, c) for c in conversations]
    prompts = [chat.render(tokenizer, chat.prompt_of(c), add_prompt=True) for c in conversations]
    assert audit(dataset, tokenizer, prompts=prompts)
    ids, labels = ([getattr(e, part) for e in examples] for part in ("input_ids", "labels"))
    assert audit(as_ids(ids, labels), tokenizer, prompts=prompts)
    batch = chat.pad(examples, END)
    assert audit(as_ids(batch[0].tolist(), batch[2].tolist()), tokenizer, prompts=prompts)
    shifted = as_ids([ids[0], ids[1][:-1]], [labels[0], labels[1][1:]])
    assert found(audit(shifted, tokenizer)) == {"labels_shifted": [1]}
    labels[1][-1] = IGNORED
    assert found(audit(as_ids(ids, labels), tokenizer)) == {"end_token_masked": [1]}
    labels[1] = ids[1]
    assert found(audit(as_ids(ids, labels), tokenizer)) == {"prompt_trained": [1]}
    ids[1], labels[1] = ids[1][:-1], [IGNORED] * (len(ids[1]) - 2) + [ids[1][-2]]
    assert found(audit(as_ids(ids, labels), tokenizer)) == {"no_end_token": [1]}


@pytest.mark.parametrize("labels", [[IGNORED, IGNORED, IGNORED, 9], [IGNORED, IGNORED, END, END]])
def test_one_wrong_label_is_not_taken_for_shifted_labels(labels):
    tokenizer = templated(lambda _: MISTRAL)
    checks = found(audit(as_ids([[5, 6, 7, END]], [labels]), tokenizer))
    assert "foreign_labels" in checks and "labels_shifted" not in checks


@pytest.mark.parametrize("kind", ["messages", "ids"])
def test_test_prompts_are_compared_as_a_reader_would(kind):
    train = [*RIGHT, conversation("👍", "yes"), conversation("👎", "no")]
    test = [
        conversation("where is my PARCEL", "refund", system="Another system message."),
        conversation("The lamps are broken", "defect"),
        conversation("👎", "no"),
        conversation("How are you?", "Fine"),
    ]
    result = audit(KINDS[kind](train), smollm2(), test=KINDS[kind](test))
    assert found(result) == {"in_test_part": [0, 5]}
    mixed = audit(KINDS[kind](train), smollm2(), test=as_messages([c[:-1] for c in test]))
    assert found(mixed) == {"in_test_part": [0, 5]}


def test_conversations_that_no_template_renders_are_named_rather_than_raised():
    bad = [[], [{"role": "assistant", "content": "Hi"}], [{"role": "user", "content": None}]]
    result = audit(as_messages([RIGHT[0], *bad]), smollm2(), test=as_messages([RIGHT[1], *bad]))
    assert found(result) == {"cannot_encode": [1, 2, 3]}
    assert "The first is row 1: " in result.findings[0].message


# The result, and the course's own data.


def test_the_result_reads_well():
    ids, labels = encoded(RIGHT)
    right = audit(as_ids(ids, labels), smollm2())
    assert str(right).endswith("nothing was found.") and right._repr_html_().startswith("<p>4 rows")
    assert len(right.table()) == 0
    for row in range(len(ids)):
        mask_end(ids[row], labels[row])
    begin_twice(ids[2], labels[2])
    result = audit(as_ids(ids, labels), smollm2())
    table = result.table()
    assert list(table.columns) == ["check", "rows", "share", "first_rows", "message"]
    assert list(table["check"]) == ["end_token_masked", "double_bos"]
    assert list(table["rows"]) == [4, 1] and list(table["share"]) == [1.0, 0.25]
    shown = result._repr_html_()
    assert "2 kinds of mistakes" in shown and "hides the ends of the answers too." in shown
    assert "&lt;|im_end|&gt;" in shown and "25.0%" in shown
    assert "- double_bos: In 1 of 4 rows the text begins" in str(result)


def test_what_cannot_be_audited_says_why():
    right = as_messages(RIGHT)
    with pytest.raises(ValueError, match=r"has the columns text\. .* Rename the column"):
        audit(Dataset.from_dict({"text": ["a"]}), smollm2())
    with pytest.raises(ValueError, match="has the columns text"):
        audit(right, smollm2(), test=Dataset.from_dict({"text": ["a"]}))
    with pytest.raises(ValueError, match="no rows"):
        audit(right.select([]), smollm2())
    with pytest.raises(ValueError, match="1 prompts for 4 rows"):
        audit(right, smollm2(), prompts=[[1]])


def test_a_data_set_with_both_kinds_of_columns_is_read_as_training_reads_it():
    ids, labels = encoded(RIGHT)
    mask_end(ids[1], labels[1])
    both = as_ids(ids, labels, messages=RIGHT)
    assert found(audit(both.with_format("torch"), smollm2())) == {"end_token_masked": [1]}


@pytest.mark.parametrize("task", [course.sorting, course.extracting])
def test_nothing_is_wrong_with_the_course_s_conversations(task):
    parts, names = course.load()
    train, test = task(parts["train"], names), task(parts["test"], names)
    result = audit(train, smollm2(), 512, prompts_of(train["messages"]), test)
    assert found(result) == {}


def test_every_check_has_a_name_of_its_own_and_a_docstring():
    assert all(check.__doc__ and check.__name__ == name for name, check in CHECKS.items())
