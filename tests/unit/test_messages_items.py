"""The item of each message: one for every kept message, found in its words, as the card counts."""

import csv
import re

import pytest

from helpers import downloads, own_data

CARD = (downloads.DATA / "messages.md").read_text(encoding="utf8")


@pytest.fixture(scope="module")
def messages() -> dict[str, str]:
    """Text of each message by its ticket."""
    with (downloads.DATA / "messages.csv").open(encoding="utf8", newline="") as file:
        return {row["ticket"]: row["message"] for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def items() -> list[tuple[str, str]]:
    """(ticket, item) of each row."""
    with (downloads.DATA / "messages_items.csv").open(encoding="utf8", newline="") as file:
        return [(row["ticket"], row["item"]) for row in csv.DictReader(file)]


def test_there_is_one_row_for_each_message_that_is_kept(messages, items):
    """By the text: `own_data.load` keeps no ticket number."""
    mine = own_data.load(downloads.DATA / "messages.csv", "message", "intent")
    kept = sorted(text for rows in mine.datasets.values() for text in rows["text"])
    assert sorted(messages[ticket] for ticket, _ in items) == kept
    assert len({ticket for ticket, _ in items}) == len(items) == 529


def test_each_item_is_a_word_or_two_of_its_message(messages, items):
    for ticket, item in items:
        text = messages[ticket].lower()
        assert not item or re.search(rf"\b{re.escape(item)}\b", text), (ticket, item)
        assert item == item.lower().strip() and len(item.split()) <= 2, (ticket, item)


def test_the_card_counts_what_is_in_the_file(items):
    kept, empty = map(int, re.search(r"(\d+) of the\s+(\d+) messages", CARD).groups()[::-1])
    assert (kept, empty) == (len(items), sum(not item for _, item in items))
    assert f"each of the {len(items)} kept messages" in CARD
    agreed = re.search(r"agreed exactly on (\d+) of (\d+)", CARD).groups()
    assert agreed[1] == str(len(items)) and int(agreed[0]) == len(items) - 12
    for example in re.findall(r"\(`([a-z ]+)`, `([a-z ]+)`\)", CARD)[0]:
        assert example in {item for _, item in items}
