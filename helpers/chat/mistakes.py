"""Five ways to spoil the labels of a conversation without any error message (notebook 12)."""

from collections.abc import Sequence

from helpers.chat.conversations import IGNORED, Example


def pad_is_end(example: Example, pad_id: int) -> Example:
    """Labels masked by id, as a collator does that hides the padding token wherever it occurs.

    Where the padding token is also the end token, the answer's end is hidden with it.
    """
    pairs = zip(example.input_ids, example.labels, strict=True)
    return Example(example.input_ids, [IGNORED if i == pad_id else label for i, label in pairs])


def no_end(example: Example, end: int) -> Example:
    """The text ends with the answer's last word: nobody wrote the end token behind it."""
    last = max(t for t, label in enumerate(example.labels) if label == end)
    return Example(example.input_ids[:last], example.labels[:last])


def all_masked(example: Example) -> Example:
    """No token carries loss, as with a template that does not mark its answers."""
    return Example(example.input_ids, [IGNORED] * len(example.labels))


def prompt_trained(example: Example) -> Example:
    """Every token carries loss: instruction, message and answer alike."""
    return Example(example.input_ids, list(example.input_ids))


def shifted(example: Example) -> Example:
    """Labels moved by one place by hand. The model moves them again."""
    return Example(example.input_ids, [*example.labels[1:], IGNORED])


def versions(examples: Sequence[Example], end: int) -> dict[str, list[Example]]:
    """The same examples six times: with right labels, and with each of the five mistakes.

    Args:
        end: id of the end token, which is the padding token, too.
    """
    return {
        "right labels": list(examples),
        "1 padding is the end": [pad_is_end(example, end) for example in examples],
        "2 no end token": [no_end(example, end) for example in examples],
        "3 everything masked": [all_masked(example) for example in examples],
        "4 prompt trained": [prompt_trained(example) for example in examples],
        "5 shifted by hand": [shifted(example) for example in examples],
    }
