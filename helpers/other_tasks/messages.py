"""What was written beside the course's messages: spans, questions, shorter and other wordings."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from datasets import Dataset

from helpers import downloads
from helpers.other_tasks.answers import Question
from helpers.other_tasks.spans import Span

MESSAGES, KEPT, SPANS = "messages.csv", "messages_items.csv", "messages_spans.csv"
QUESTIONS, REWRITTEN = "messages_questions.csv", "messages_rewritten.csv"


class Rewritten(NamedTuple):
    """A message said otherwise.

    Attributes:
        subject: a subject line of 2 to 7 words.
        polite: the same facts in a polite, neutral register.
        paraphrase: the same wish in another customer's words.
    """

    subject: str
    polite: str
    paraphrase: str


def table(name: str) -> pd.DataFrame:
    """A file of the course with everything in it as text."""
    return pd.read_csv(downloads.DATA / name, dtype=str, keep_default_na=False)


def by_text(name: str, make: Callable[[pd.DataFrame], object]) -> dict[str, object]:
    """For each message, by its text, what `make` makes of its rows in a file.

    Args:
        name: a file with a column `ticket`; messages without a row there get an empty table. Of a
            message that came twice, the ticket counts that `own_data.load` keeps.
    """
    messages, rows = table(MESSAGES), table(name)
    messages = messages[messages["ticket"].isin(table(KEPT)["ticket"])]
    groups = dict(iter(rows.groupby("ticket")))
    none = rows.iloc[:0]
    pairs = zip(messages["ticket"], messages["message"].str.strip(), strict=True)
    return {text: make(groups.get(ticket, none)) for ticket, text in pairs}


def spans_of(part: Dataset) -> list[list[Span]]:
    """The spans of each message of a part, in its order (data/messages_more.md)."""

    def make(rows: pd.DataFrame) -> list[Span]:
        return [
            Span(int(start), int(end), kind)
            for start, end, kind in rows[["start", "end", "kind"]].itertuples(index=False)
        ]

    found = by_text(SPANS, make)
    return [found[text.strip()] for text in part["text"]]


def questions_of(part: Dataset) -> list[Question]:
    """The questions about the messages of a part, two of each, in its order."""

    def make(rows: pd.DataFrame) -> list[tuple[str, str, int | None]]:
        starts = [int(start) if start else None for start in rows["start"]]
        return list(zip(rows["question"], rows["answer"], starts, strict=True))

    found = by_text(QUESTIONS, make)
    return [Question(text.strip(), *q) for text in part["text"] for q in found[text.strip()]]


def rewritten_of(part: Dataset) -> list[Rewritten]:
    """Subject, polite form and paraphrase of each message of a part, in its order."""

    def make(rows: pd.DataFrame) -> Rewritten | None:
        return Rewritten(*rows.iloc[0][list(Rewritten._fields)]) if len(rows) else None

    found = by_text(REWRITTEN, make)
    return [found[text.strip()] for text in part["text"]]


def pairs_of(part: Dataset, seed: int = 0, same_label: bool = True) -> Dataset:
    """Pairs of a message and another wording: its own (1), and one of another message (0).

    Args:
        part: columns `text` and `label`.
        seed: which other message; the same seed gives the same pairs.
        same_label: the other message has the same intent, so that the subject alone does not tell;
            False: another intent.

    Returns:
        Columns `text`, `text_pair`, `label`; the 2n rows alternate.
    """
    labels, rng = np.asarray(part["label"]), np.random.default_rng(seed)
    texts = [text.strip() for text in part["text"]]
    wordings = [rewritten.paraphrase for rewritten in rewritten_of(part)]
    rows = []
    for i, text in enumerate(texts):
        fits = (labels == labels[i]) == same_label
        other = rng.choice([j for j in np.flatnonzero(fits) if j != i])
        rows += [(text, wordings[i], 1), (text, wordings[other], 0)]
    return Dataset.from_dict(
        dict(zip(("text", "text_pair", "label"), zip(*rows, strict=True), strict=True))
    )
