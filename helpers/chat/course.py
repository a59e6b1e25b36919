"""The course's own messages as conversations: sort a message, with one word or as JSON."""

import json

import pandas as pd
from datasets import Dataset, DatasetDict

from helpers import downloads, own_data
from helpers.chat.conversations import Message

MESSAGES, ITEMS = "messages.csv", "messages_items.csv"
SORT = "Sort the customer's message. Answer with one word: {}."
EXTRACT = 'Sort the customer\'s message. Answer as JSON: {{"intent": …, "item": …}}. Intents: {}.'


def load() -> tuple[DatasetDict, list[str]]:
    """The course's messages in the parts of notebook 13, and the names of their eight intents.

    Returns:
        `train`, `validation`, `test` with the columns `text` and `label`; the names by label.
    """
    mine = own_data.load(downloads.DATA / MESSAGES, "message", "intent")
    return mine.datasets, mine.names


def instruction(names: list[str]) -> str:
    """The system message that asks for one word."""
    return SORT.format(in_words(names))


def in_words(names: list[str]) -> str:
    """ "a, b or c"."""
    return f"{', '.join(names[:-1])} or {names[-1]}"


def conversation(system: str, text: str, answer: str | None = None) -> list[Message]:
    """A message under an instruction, and the answer if there is one."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": text}]
    return messages + ([] if answer is None else [{"role": "assistant", "content": answer}])


def sorting(part: Dataset, names: list[str]) -> Dataset:
    """Conversations whose answer is the intent, in one word: a column `messages`."""
    system = instruction(names)
    pairs = zip(part["text"], part["label"], strict=True)
    rows = [conversation(system, text, names[label]) for text, label in pairs]
    return Dataset.from_dict({"messages": rows})


def items() -> dict[str, str | None]:
    """For each kept message, by its text, the thing it is about, or None (data/messages.md)."""
    options = {"dtype": str, "keep_default_na": False}
    tables = [pd.read_csv(downloads.DATA / name, **options) for name in (MESSAGES, ITEMS)]
    both = tables[0].merge(tables[1], on="ticket")
    pairs = zip(both["message"].str.strip(), both["item"], strict=True)
    return {text: item or None for text, item in pairs}


def extracting(part: Dataset, names: list[str]) -> Dataset:
    """Conversations whose answer is a JSON object with the intent and the item."""
    system, item_of = EXTRACT.format(in_words(names)), items()
    rows = []
    for text, label in zip(part["text"], part["label"], strict=True):
        answer = json.dumps(
            {"intent": names[label], "item": item_of[text.strip()]}, ensure_ascii=False
        )
        rows.append(conversation(system, text, answer))
    return Dataset.from_dict({"messages": rows})
