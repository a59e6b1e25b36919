"""What is wrong with an instruction set, found before anything is trained on it.

Nearly every mistake in instruction tuning is silent: training runs, its loss falls, and only the
answers are bad. The mistakes can be seen in the token ids and labels, though, so `audit` reads
them and says what it finds. Each check is a function in `CHECKS`.
"""

import html
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import pandas as pd
from datasets import Dataset
from jinja2 import TemplateError
from transformers import PreTrainedTokenizerBase

from helpers import corpora
from helpers.chat.conversations import IGNORED, Conversation, encode, prompt_of, render

NAMED = 5  # row numbers that a table gives as examples
SHOWN = 8  # tokens quoted where two sequences of ids first differ
PROBE = [{"role": "user", "content": "x"}]
# What a chat template raises for messages that it cannot render; ConversationError is one of them.
UNRENDERED = (ValueError, TypeError, LookupError, TemplateError)


@dataclass(frozen=True)
class Finding:
    """One kind of mistake, with all rows that have it.

    Attributes:
        check: name of the check, a key of `CHECKS`.
        rows: numbers of the rows, ascending, from 0.
        share: of the data set's rows, 0 to 1.
        message: cause and cure.
    """

    check: str
    rows: list[int]
    share: float
    message: str


@dataclass(frozen=True)
class Audit:
    """The result of `audit`, true if nothing was found.

    Attributes:
        findings: in the order of `CHECKS`.
        trained_share: share of all tokens that carry loss, 0 to 1; padding is no token here.
        number_of_rows: rows of the data set.
    """

    findings: list[Finding]
    trained_share: float
    number_of_rows: int

    @property
    def ok(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def names(self) -> list[str]:
        """The checks that found something."""
        return [found.check for found in self.findings]

    def __bool__(self) -> bool:
        return self.ok

    def table(self) -> pd.DataFrame:
        """One row per finding: check, number of rows, their share, the first rows, message."""
        columns = ["check", "rows", "share", "first_rows", "message"]
        cells = [
            (found.check, len(found.rows), found.share, found.rows[:NAMED], found.message)
            for found in self.findings
        ]
        return pd.DataFrame(cells, columns=columns)

    def summary(self) -> str:
        """One sentence on the whole data set."""
        count = len(self.findings)
        found = {0: "nothing was", 1: "1 kind of mistake"}.get(count, f"{count} kinds of mistakes")
        return (
            f"{self.number_of_rows:,} rows, {self.trained_share:.1%} of all tokens carry loss: "
            f"{found} found."
        )

    def __str__(self) -> str:
        lines = [f"- {found.check}: {found.message}" for found in self.findings]
        return "\n".join([self.summary(), *lines])

    def _repr_html_(self) -> str:
        """The table as a notebook shows it, with its messages in full."""
        said = f"<p>{html.escape(self.summary())}</p>"
        if self.ok:
            return said
        with pd.option_context("display.max_colwidth", None):
            return said + self.table().to_html(index=False, formatters={"share": "{:.1%}".format})


@dataclass(frozen=True)
class Answer:
    """Where an answer is among the ids of a row.

    Attributes:
        header: position of the header's first token, such as `<|im_start|>`.
        begin: position of the first token after the header.
        end: position of the end token, None if there is none before the next turn.
        limit: position after the last token of this turn.
    """

    header: int
    begin: int
    end: int | None
    limit: int


@dataclass(frozen=True)
class Row:
    """A row without its padding.

    Attributes:
        number: in the data set, from 0.
        ids: all T token ids, also those before `first`.
        labels: T labels; if they had been shifted by hand, shifted back.
        answers: in their order.
        first: position from which training reads the row: what exceeds `max_length` is cut off.
        has_header: whether the header of an answer occurs.
        merged: whether an answer's white space has become one token with the end of its header.
        shifted: whether the labels had been shifted by hand.
        foreign: how many labels are neither −100 nor the id at their place, unless shifted.
        trained_padding: how many tokens of padding carried a label.
    """

    number: int
    ids: list[int]
    labels: list[int]
    answers: list[Answer]
    first: int
    has_header: bool = True
    merged: bool = False
    shifted: bool = False
    foreign: int = 0
    trained_padding: int = 0

    @property
    def trained(self) -> int:
        """How many tokens carry loss: nothing comes before the first one that could foresee it."""
        return sum(label != IGNORED for label in self.labels[self.first + 1 :])


class Marks:
    """The ids by which a tokenizer's own template marks turns and ends.

    The header of an answer is what the template adds for `add_generation_prompt=True`, so it is
    found by rendering one short conversation with it and without. In SmolLM2's template it is
    `<|im_start|>`, `ass`, `istant` and a line break. In ids that anybody's code made, an answer
    begins behind these ids. We do not search for the word "assistant" itself: its ids depend on
    what comes before it, and a user may write it as well.
    """

    def __init__(self, tokenizer: PreTrainedTokenizerBase) -> None:
        self.tokenizer = tokenizer
        self.stop, self.bos = tokenizer.eos_token_id, tokenizer.bos_token_id
        self.pad = tokenizer.pad_token_id
        self.header = generation_prompt(tokenizer)
        # The line break at the header's end may merge with white space that an answer begins with.
        # Only what comes before it is there in any case.
        solid = [i for i, t in enumerate(self.header) if not tokenizer.decode([t]).isspace()]
        self.core = self.header[: solid[-1] + 1] if solid else []
        special = self.core and self.core[0] in tokenizer.all_special_ids
        self.turn = self.core[:1] if special else self.core

    def text(self, ids: Sequence[int]) -> str:
        """Decoded, with special tokens."""
        return self.tokenizer.decode(list(ids))

    def quoted_stop(self) -> str:
        """The end token's text, or that there is none."""
        return repr(self.tokenizer.eos_token) if self.stop is not None else "(eos_token is not set)"


@dataclass(frozen=True)
class Given:
    """What a check sees: the rows that could be read, and what the caller passed.

    Attributes:
        size: rows of the data set.
        unreadable: row number to reason.
        unstripped: rows in which an answer's white space merges with its header.
    """

    marks: Marks
    size: int
    rows: list[Row]
    unreadable: dict[int, str]
    unstripped: list[int]
    max_length: int | None
    prompts: Sequence[Sequence[int]] | None
    test: Dataset | None

    def rows_where(self, is_wrong: Callable[[Row], object]) -> list[int]:
        """Numbers of the rows for which something holds."""
        return [row.number for row in self.rows if is_wrong(row)]


Found = tuple[list[int], str]  # numbers of rows, and how the message goes on after "In 3 of 9 rows"


def audit(
    dataset: Dataset,
    tokenizer: PreTrainedTokenizerBase,
    max_length: int | None = None,
    prompts: Sequence[Sequence[int]] | None = None,
    test: Dataset | None = None,
) -> Audit:
    """Look for mistakes in an instruction set before it is trained on.

    Args:
        dataset: a column `messages`, encoded as `fine_tune` does; or columns `input_ids` and
            `labels` made by any code, padded or not, with or without `attention_mask`.
        tokenizer: the one that made the ids, with the chat template used at inference.
        max_length: as in training. A longer row is cut at the left, as `fine_tune` does; a row of
            just this length may have been cut before.
        prompts: for each row, the ids that the model will be given to write this row's last answer.
        test: the test part, of either kind, to find its prompts in the training part. Prompts count
            as equal after `corpora.normalized`, so without looking at punctuation.

    Returns:
        The findings; false in an `if` when there are any.

    Raises:
        ValueError: the data set is empty or lacks these columns, or `prompts` has another length.
    """
    check_input(dataset, prompts)
    if test is not None:
        check_input(test)
    marks = Marks(tokenizer)
    read = read_ids if is_encoded(dataset) else read_messages
    readout = read(dataset.with_format(None), marks, max_length)
    given = Given(marks, len(dataset), *readout, max_length, prompts, test)
    findings = []
    for name, check in CHECKS.items():
        numbers, text = check(given)
        if numbers:
            share = len(numbers) / given.size
            whole = f"In {len(numbers):,} of {given.size:,} rows {text}"
            findings.append(Finding(name, sorted(numbers), share, whole))
    tokens = sum(len(row.ids) - row.first for row in given.rows)
    return Audit(findings, sum(row.trained for row in given.rows) / max(1, tokens), given.size)


def is_encoded(dataset: Dataset) -> bool:
    """Whether somebody's code has made ids and labels already."""
    return {"input_ids", "labels"} <= set(dataset.column_names)


def check_input(dataset: Dataset, prompts: Sequence[Sequence[int]] | None = None) -> None:
    """Raise `ValueError` for what cannot be audited at all."""
    names = dataset.column_names
    if "messages" not in names and not is_encoded(dataset):
        raise ValueError(
            f"the data set has the columns {', '.join(names)}. An audit needs a column messages, "
            "or input_ids and labels. Rename the column, or encode the data set first."
        )
    if not len(dataset):
        raise ValueError("the data set has no rows, so there is nothing to audit.")
    if prompts is not None and len(prompts) != len(dataset):
        raise ValueError(
            f"there are {len(prompts)} prompts for {len(dataset)} rows. Pass one prompt per row, "
            "in the same order."
        )


def generation_prompt(tokenizer: PreTrainedTokenizerBase) -> list[int]:
    """Ids of an answer's header; none if the template has no such header, or there is no template.

    Some templates (Mistral's, for example) end the user's turn with a token of its own and write
    nothing before an answer. Answers are then taken to be where the labels are.
    """
    try:
        with_header = render(tokenizer, PROBE, add_prompt=True)
        without = render(tokenizer, PROBE)
    except UNRENDERED:
        return []
    return with_header[len(without) :] if with_header[: len(without)] == without else []


Readout = tuple[list[Row], dict[int, str], list[int]]


def read_messages(dataset: Dataset, marks: Marks, max_length: int | None) -> Readout:
    """Rows from conversations; those that cannot be encoded, and why; those with white space."""
    rows, unreadable, unstripped = [], {}, []
    for number, conversation in enumerate(dataset["messages"]):
        try:
            example = encode(marks.tokenizer, conversation)
        except UNRENDERED as error:
            if encodes_when_stripped(marks.tokenizer, conversation):
                unstripped.append(number)
            else:
                unreadable[number] = str(error)
            continue
        # `encode` puts labels on the answers and nowhere else, so they show where the answers are.
        answers = answers_by_labels(example.input_ids, example.labels, marks)
        first = first_kept(example.input_ids, max_length)
        rows.append(Row(number, example.input_ids, example.labels, answers, first))
    return rows, unreadable, unstripped


def encodes_when_stripped(tokenizer: PreTrainedTokenizerBase, conversation: Conversation) -> bool:
    """Whether only the white space at an answer's beginning keeps a conversation from encoding."""
    try:
        stripped = [
            message | {"content": message["content"].lstrip()}
            if message["role"] == "assistant"
            else message
            for message in conversation
        ]
        encode(tokenizer, stripped)
    except (*UNRENDERED, AttributeError):
        return False
    return True


def first_kept(ids: list[int], max_length: int | None) -> int:
    """Position of the first token that training reads."""
    return 0 if max_length is None else max(0, len(ids) - max_length)


def read_ids(dataset: Dataset, marks: Marks, max_length: int | None) -> Readout:
    """Rows from ids and labels; those that cannot be read, and why; those with merged headers."""
    columns = [dataset["input_ids"][:], dataset["labels"][:]]
    has_mask = "attention_mask" in dataset.column_names
    masks = dataset["attention_mask"][:] if has_mask else [None] * len(dataset)
    rows, unreadable = [], {}
    for number, (ids, labels, mask) in enumerate(zip(*columns, masks, strict=True)):
        if len(ids) != len(labels) or not ids:
            unreadable[number] = f"it has {len(ids)} token ids and {len(labels)} labels."
        else:
            rows.append(read_row(number, ids, labels, mask, marks, max_length))
    return rows, unreadable, [row.number for row in rows if row.merged]


def read_row(
    number: int,
    ids: list[int],
    labels: list[int],
    mask: list[int] | None,
    marks: Marks,
    max_length: int | None,
) -> Row:
    """One row of ids and labels, as a `Row`."""
    begin, end = unpadded(ids, mask, marks)
    padding = [*labels[:begin], *labels[end:]]
    foreign = sum(label not in (IGNORED, t) for t, label in zip(ids, labels, strict=True))
    was_cut_short = end == len(ids)
    ids, labels = ids[begin:end], labels[begin:end]
    shifted = is_shifted(ids, labels)
    if shifted:  # all other checks see the labels as they were meant
        last = [labels[-1]] if was_cut_short and labels[-1] != IGNORED else []  # ids[:-1], ids[1:]
        ids, labels = ids + last, [IGNORED, *labels][: len(ids + last)]
    answers, merged = answers_by_headers(ids, marks)
    return Row(
        number,
        ids,
        labels,
        answers or answers_by_labels(ids, labels, marks),
        first_kept(ids, max_length),
        has_header=bool(answers) or not marks.header,
        merged=merged,
        shifted=shifted,
        foreign=0 if shifted else foreign,
        trained_padding=sum(label != IGNORED for label in padding),
    )


def unpadded(ids: list[int], mask: list[int] | None, marks: Marks) -> tuple[int, int]:
    """Where the real tokens of a row begin and end.

    Without an attention mask, equal padding tokens at the ends are taken for padding. If padding
    and end token are the same, the first of them may end the answer; it does where the last turn
    has no end token otherwise.
    """
    if mask is not None:
        real = [i for i, one in enumerate(mask) if one]
        return (real[0], real[-1] + 1) if real else (0, len(ids))
    begin, end = 0, len(ids)
    while end > 1 and ids[end - 1] == marks.pad:
        end -= 1
    while begin < end - 1 and ids[begin] == marks.pad != marks.bos:
        begin += 1
    turns = positions(ids[:end], marks.turn)
    is_open = marks.stop not in ids[turns[-1] if turns else end : end]
    put_back = end < len(ids) and marks.pad == marks.stop and is_open
    return begin, end + put_back


def is_shifted(ids: list[int], labels: list[int]) -> bool:
    """Whether each label is the next token's id, rather than the id at its own place."""
    pairs = list(zip(ids, labels, strict=True))
    if all(label in (IGNORED, t) for t, label in pairs) or labels[-1] == ids[-1]:
        return False
    trained = [
        (t, label) for t, label in zip(ids[1:], labels[:-1], strict=True) if label != IGNORED
    ]
    return bool(trained) and all(label == t for t, label in trained)


def positions(ids: list[int], part: list[int]) -> list[int]:
    """Where `part` begins among the ids; nowhere if it is empty."""
    if not part:
        return []
    return [i for i, t in enumerate(ids) if t == part[0] and ids[i : i + len(part)] == part]


def answers_by_headers(ids: list[int], marks: Marks) -> tuple[list[Answer], bool]:
    """The answers behind each header among the ids, and whether a header's end has merged."""
    turns, answers, merged = [*positions(ids, marks.turn), len(ids)], [], False
    for header in positions(ids, marks.core):
        begin, wanted = header + len(marks.core), marks.header[len(marks.core) :]
        behind = ids[begin : begin + len(wanted)]
        if behind == wanted[: len(behind)]:
            begin += len(behind)
        else:
            merged, begin = True, begin + 1
        limit = min(turn for turn in turns if turn > header)
        answers.append(Answer(header, begin, first_of(marks.stop, ids, begin, limit), limit))
    return answers, merged


def answers_by_labels(ids: list[int], labels: list[int], marks: Marks) -> list[Answer]:
    """The answers taken to be where labels are, each with an end token that may follow.

    What carries loss from the row's beginning on cannot be an answer: a prompt comes first.
    """
    trained = [False, *(label != IGNORED for label in labels), False]
    changes = [i for i, (one, two) in enumerate(pairwise(trained)) if one != two]
    answers = []
    for begin, limit in zip(changes[::2], changes[1::2], strict=True):
        if begin > 1:
            end = first_of(marks.stop, ids, begin, min(limit + 1, len(ids)))
            before = begin - len(marks.header)
            header = before if ids[max(0, before) : begin] == marks.header else begin
            answers.append(Answer(header, begin, end, max(limit, (end or 0) + 1)))
    return answers


def first_of(wanted: int | None, ids: list[int], begin: int, limit: int) -> int | None:
    """Position of an id from `begin` to before `limit`."""
    return next((t for t in range(begin, limit) if ids[t] == wanted), None)


# The checks: which rows, and what the message says after "In 3 of 9 rows".


def cannot_encode(given: Given) -> Found:
    """Conversations that raise, and ids without as many labels."""
    numbers = sorted(given.unreadable)
    first = f"{numbers[0]}: {given.unreadable[numbers[0]]}" if numbers else ""
    return numbers, f"the conversation cannot be encoded. The first is row {first}"


def leading_space(given: Given) -> Found:
    """White space at an answer's beginning that becomes one token with the header's end."""
    return given.unstripped, (
        "an answer begins with white space, which the tokenizer merges with the end of the "
        "answer's header, so that training never reads the header as it is at inference. Strip "
        "the answers."
    )


def everything_masked(given: Given) -> Found:
    """No row carries any loss: error 3."""
    numbers = given.rows_where(lambda row: not row.trained)
    return numbers if len(numbers) == len(given.rows) else [], (
        "no token carries loss: every label is -100, so nothing will be learned. A chat template "
        "without {% generation %} marks gives such labels; mark the answers in it, or pass the "
        "conversations in a column messages."
    )


def no_labels(given: Given) -> Found:
    """Some rows carry no loss."""
    numbers = given.rows_where(lambda row: not row.trained)
    return [] if len(numbers) == len(given.rows) else numbers, (
        "no token carries loss, so these rows teach nothing. Either the answer was cut off, then "
        "raise max_length, or it was never marked as one, then correct its labels."
    )


def end_token_masked(given: Given) -> Found:
    """Answers are learned without their end tokens: error 1."""
    cure = "Let the labels of an answer reach to its end token."
    if given.marks.pad == given.marks.stop:
        cure = (
            "Mask padding by position, not by id: the padding token and the end token are the same "
            f"here, so a collator that hides every {given.marks.quoted_stop()} hides the ends of "
            "the answers too."
        )
    return given.rows_where(lambda row: any(hides_end(row, one) for one in row.answers)), (
        f"the end token carries no loss, so the model cannot learn to stop. {cure}"
    )


def hides_end(row: Row, answer: Answer) -> bool:
    """Whether an answer carries loss, but its end token does not."""
    said = row.labels[answer.begin : answer.limit]
    is_hidden = answer.end is not None and row.labels[answer.end] == IGNORED
    return is_hidden and any(label != IGNORED for label in said)


def no_end_token(given: Given) -> Found:
    """Answers that do not end, and not because they were cut: error 2."""

    def is_wrong(row: Row) -> bool:
        is_open = [answer.end is None for answer in row.answers]
        return any(is_open[:-1]) or (any(is_open) and not cut_at_the_right(row, given.max_length))

    return given.rows_where(is_wrong), (
        f"an answer has no end token {given.marks.quoted_stop()}, so the model never sees where "
        "to stop. Add it to every answer, as the chat template does. If your template ends answers "
        "with another token, make it the tokenizer's eos_token; if rows were cut, pass max_length."
    )


def cut_at_the_right(row: Row, max_length: int | None) -> bool:
    """Whether a row is just as long as allowed, and its last answer does not end."""
    return len(row.ids) == max_length and bool(row.answers) and row.answers[-1].end is None


def truncated(given: Given) -> Found:
    """Answers of which `max_length` leaves only a part."""

    def is_wrong(row: Row) -> bool:
        at_left = any(
            one.header < row.first < (one.limit if one.end is None else one.end + 1)
            for one in row.answers
        )
        lost_header = not row.has_header and len(row.ids) == given.max_length and row.trained
        return at_left or lost_header or cut_at_the_right(row, given.max_length)

    return given.rows_where(is_wrong), (
        f"max_length = {given.max_length} cuts an answer, so the model learns from a part of it "
        "that has lost its beginning or its end. Raise max_length, or leave these rows out."
    )


def prompt_trained(given: Given) -> Found:
    """Tokens outside the answers carry loss: error 4.

    A header may carry loss, and so may what the template writes between an end token and the next
    turn: such tokens are always the same, and harmless.
    """

    def is_wrong(row: Row) -> bool:
        inside = {t for one in row.answers for t in range(one.header, one.limit)}
        own = (t for t in range(1, len(row.ids)) if row.labels[t] == row.ids[t])
        return any(t not in inside for t in own)

    return given.rows_where(lambda row: row.has_header and is_wrong(row)), (
        "the prompt carries loss like the answer, so the model also learns to write prompts. Set "
        "the labels of the prompt to -100; if you mean to train it, give fine_tune a prompt_weight."
    )


def labels_shifted(given: Given) -> Found:
    """Each label is the next token's id: error 5."""
    return given.rows_where(lambda row: row.shifted), (
        "the labels are shifted: each is the id of the next token. The model shifts them once "
        "more, so it learns the token after next. Pass labels at the same places as input_ids."
    )


def foreign_labels(given: Given) -> Found:
    """Labels that are neither −100 nor the token's id."""
    return given.rows_where(lambda row: row.foreign), (
        "a label is neither -100 nor the id of its token. Models here ignore -100 only, so any "
        "other number, the padding token's id included, is learned. Set such labels to -100."
    )


def padding_trained(given: Given) -> Found:
    """More than one token of padding carries loss."""
    return given.rows_where(lambda row: row.trained_padding > 1), (
        "the padding carries loss. It is easy to foresee, so the loss looks too good. Set the "
        "labels of padding to -100, wherever attention_mask is 0."
    )


def double_bos(given: Given) -> Found:
    """Two tokens for the beginning."""
    bos = given.marks.bos
    return given.rows_where(lambda row: bos is not None and row.ids[:2] == [bos, bos]), (
        f"the text begins with {given.marks.tokenizer.bos_token!r} twice. The template has "
        "written one already: tokenize its text with add_special_tokens=False."
    )


def other_template(given: Given) -> Found:
    """Rows in which the header of an answer does not occur."""

    def is_wrong(row: Row) -> bool:
        return not row.has_header and row.trained > 0 and len(row.ids) != given.max_length

    return given.rows_where(is_wrong), (
        f"the header {given.marks.text(given.marks.header)!r}, which the tokenizer's template "
        "writes before an answer, does not occur. At inference the model would be asked in another "
        "form than it was taught: encode the rows with this template."
    )


def prompt_without_header(given: Given) -> Found:
    """Prompts that end before the answer's header: error 6."""
    numbers = [row.number for row, kind, _ in compared(given) if kind == "without header"]
    return numbers, (
        "the prompt at inference ends before the header "
        f"{given.marks.text(given.marks.header)!r}, behind which the model learned to answer. "
        "Render prompts with add_generation_prompt=True."
    )


def prompt_double_bos(given: Given) -> Found:
    """Prompts that begin twice, while training does not: error 6."""
    numbers = [row.number for row, kind, _ in compared(given) if kind == "double bos"]
    return numbers, (
        f"the prompt at inference begins with {given.marks.tokenizer.bos_token!r} twice, and "
        "training with one. Tokenize the template's text with add_special_tokens=False."
    )


def prompt_differs(given: Given) -> Found:
    """Prompts that training has not read in this form, such as another system message: error 6."""
    different = [(row, prompt) for row, kind, prompt in compared(given) if kind == "differs"]
    return [row.number for row, _ in different], (
        "the prompt at inference is not what training reads before the answer. "
        f"{difference(given.marks, *different[0]) if different else ''} Use the same template and "
        "the same system message on both sides."
    )


def compared(given: Given) -> list[tuple[Row, str, list[int]]]:
    """The rows that have a prompt at inference: how it compares with training, and the prompt."""
    if given.prompts is None:
        return []
    rows = [row for row in given.rows if row.answers and not row.merged]
    prompts = [list(given.prompts[row.number]) for row in rows]
    return [
        (row, comparison(row, prompt, given.marks.bos), prompt)
        for row, prompt in zip(rows, prompts, strict=True)
    ]


def comparison(row: Row, prompt: list[int], bos: int | None) -> str:
    """ "equal", "without header", "double bos" or "differs"."""
    if row.ids[: len(prompt)] == prompt:
        if len(prompt) in [one.begin for one in row.answers]:
            return "equal"
        return "without header" if len(prompt) in [one.header for one in row.answers] else "differs"
    begins_twice = bos is not None and prompt[:2] == [bos, bos]
    if begins_twice and comparison(row, prompt[1:], None) == "equal":
        return "double bos"
    return "differs"


def difference(marks: Marks, row: Row, prompt: list[int]) -> str:
    """Where a prompt first differs from what training reads, in a sentence."""
    pairs = zip(row.ids, prompt, strict=False)
    shorter = min(len(row.ids), len(prompt))
    place = next((i for i, (one, two) in enumerate(pairs) if one != two), shorter)
    trained, asked = (marks.text(ids[place : place + SHOWN]) for ids in (row.ids, prompt))
    return (
        f"In row {row.number} they differ from token {place} on: training reads {trained!r}, "
        f"inference {asked!r}."
    )


def duplicates(given: Given) -> Found:
    """Rows with the same ids as a row before them."""
    seen: set[tuple[int, ...]] = set()
    numbers = []
    for row in given.rows:
        key = tuple(row.ids)
        if key in seen:
            numbers.append(row.number)
        seen.add(key)
    return numbers, (
        "the conversation is a copy of one before it, so it counts twice. Leave the copies out, "
        "and split into parts only after that."
    )


def contradictions(given: Given) -> Found:
    """Rows with the same prompt and different last answers."""
    answers = defaultdict(lambda: defaultdict(list))
    for row in given.rows:
        if row.answers:
            last = row.answers[-1]
            end = last.limit if last.end is None else last.end
            said = tuple(row.ids[last.begin : end])
            answers[tuple(row.ids[: last.begin])][said].append(row.number)
    groups = [group.values() for group in answers.values() if len(group) > 1]
    return [number for group in groups for numbers in group for number in numbers], (
        "the prompt is that of another row, but the answer is a different one. Keep the right one; "
        "where both are right, the model can only learn to choose by chance."
    )


def in_test_part(given: Given) -> Found:
    """Training rows whose prompt is also one of the test part."""
    if given.test is None:
        return [], ""
    marks = given.marks
    known = {asked(marks, ids) for ids in prompts_of_test(given.test, marks)}
    numbers = [
        row.number
        for row in given.rows
        if row.answers and asked(marks, row.ids[: row.answers[-1].begin]) in known
    ]
    return numbers, (
        "the prompt is also one of the test part, so a score there would partly measure memory. "
        "Leave these rows out of the training part."
    )


def prompts_of_test(test: Dataset, marks: Marks) -> list[list[int]]:
    """The ids of each test prompt, up to the last answer; all ids where there is no answer."""
    if is_encoded(test):
        rows = read_ids(test.with_format(None), marks, None)[0]
        return [row.ids[: row.answers[-1].begin] if row.answers else row.ids for row in rows]
    prompts = []
    for messages in test.with_format(None)["messages"]:
        try:
            has_answer = any(message["role"] == "assistant" for message in messages)
            before = prompt_of(messages) if has_answer else messages
            prompts.append(render(marks.tokenizer, before, add_prompt=True))
        except UNRENDERED:
            continue  # what cannot be rendered cannot be asked either
    return prompts


def asked(marks: Marks, ids: list[int]) -> str:
    """What a prompt says, normalized, without a system message: that often differs in form only."""
    starts = [0, *positions(ids, marks.turn), len(ids)]
    turns = [
        marks.tokenizer.decode(ids[begin:end], skip_special_tokens=True)
        for begin, end in pairwise(starts)
    ]
    said = "\n".join(turn for turn in turns if not turn.startswith("system"))
    text = corpora.normalized(said)
    # Emoji alone leave nothing but the names of the roles; then the text counts as it is.
    return text if set(text.split()) - {"user", "assistant", "model"} else said.strip()


CHECKS: dict[str, Callable[[Given], Found]] = {
    check.__name__: check
    for check in (
        cannot_encode,
        leading_space,
        everything_masked,
        no_labels,
        end_token_masked,
        no_end_token,
        truncated,
        prompt_trained,
        labels_shifted,
        foreign_labels,
        padding_trained,
        double_bos,
        other_template,
        prompt_without_header,
        prompt_double_bos,
        prompt_differs,
        duplicates,
        contradictions,
        in_test_part,
    )
}
