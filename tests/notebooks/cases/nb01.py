"""Answers to the exercises of notebook 01."""

from helpers import checkpoints
from tests.notebooks.cases import Cases

TOKENIZER = checkpoints.load_tokenizer("minilm")


def tokenize(text):
    return TOKENIZER.tokenize(text)


def pieces_per_word(texts):
    return sum(len(tokenize(text)) for text in texts) / sum(len(text.split()) for text in texts)


def pieces_of_the_joined_text(texts):
    joined = " ".join(texts)
    return len(tokenize(joined)) / len(joined.split())


def upside_down(texts):
    return 1 / pieces_per_word(texts)


def with_the_frame(texts):
    pieces = sum(len(TOKENIZER(text)["input_ids"]) for text in texts)
    return pieces / sum(len(text.split()) for text in texts)


def mean_of_ratios(texts):
    return sum(len(tokenize(text)) / len(text.split()) for text in texts) / len(texts)


def not_divided(texts):
    return sum(len(tokenize(text)) for text in texts)


def characters(texts):
    return sum(map(len, texts)) / sum(len(text.split()) for text in texts)


def stops_at_the_first(texts):
    for text in texts:
        return len(tokenize(text)) / len(text.split())


def forgets_return(texts):
    pieces_per_word(texts)


def windows(ids, max_length, overlap):
    room, found, start = max_length - 2, [], 0
    while True:
        found.append([101, *ids[start : start + room], 102])
        if start + room >= len(ids):
            return found
        start += room - overlap


def windows_by_range(ids, max_length, overlap):
    room = max_length - 2
    last = max(1, len(ids) - overlap)
    starts = range(0, last, room - overlap)
    return [[101, *ids[start : start + room], 102] for start in starts]


def without_frame(ids, max_length, overlap):
    return [window[1:-1] for window in windows(ids, max_length, overlap)]


def frame_not_counted(ids, max_length, overlap):
    return windows(ids, max_length + 2, overlap)


def only_the_first(ids, max_length, overlap):
    return [[101, *ids[: max_length - 2], 102]]


def step_without_the_frame(ids, max_length, overlap):
    starts = range(0, max(1, len(ids)), max_length - overlap)
    return [[101, *ids[start : start + max_length - 2], 102] for start in starts]


def no_overlap(ids, max_length, overlap):
    return windows(ids, max_length, 0)


def one_window_too_many(ids, max_length, overlap):
    step = max_length - 2 - overlap
    starts = range(0, max(1, len(ids)), step)
    return [[101, *ids[start : start + max_length - 2], 102] for start in starts]


CASES = {
    "01-1": Cases(
        right=[(44 / 76, 2 / 15), (0.58, 0.13)],
        wrong=[
            ((32 / 76, 13 / 15), "share of real tokens"),
            ((44, 2), "Divide by all positions: rows × longest row"),
            ((44 / 76, 2 / 76), "smaller rectangle: 3 × 5"),
            ((44 / 32, 2 / 13), "divided by the tokens"),
            ((0.3, 0.2), "Draw the rectangle"),
        ],
    ),
    "01-2": Cases(
        right=[(pieces_per_word,), (pieces_of_the_joined_text,)],
        wrong=[
            ((upside_down,), "Turn the fraction over"),
            ((with_the_frame,), "You counted [CLS] and [SEP]"),
            ((mean_of_ratios,), "averaged one ratio a text"),
            ((not_divided,), "That is a count"),
            ((characters,), "You counted characters"),
            ((stops_at_the_first,), "stops at one text"),
            ((forgets_return,), "returns None"),
            ((lambda texts: 1.4,), "whatever they are"),
        ],
    ),
    "01-3": Cases(
        right=[(windows,), (windows_by_range,)],
        wrong=[
            ((without_frame,), "101 in front and 102 behind"),
            ((frame_not_counted,), "too long: the frame takes two"),
            ((only_the_first,), "lost at the end"),
            ((step_without_the_frame,), "lost between two windows"),
            ((no_overlap,), "last `overlap` ids of the one before"),
            ((one_window_too_many,), "The last window adds nothing"),
            ((lambda ids, max_length, overlap: None,), "returns None"),
            ((lambda ids, max_length, overlap: [101, *ids, 102],), "each of them a list of ids"),
            ((lambda ids, max_length, overlap: [],), "no window at all"),
        ],
    ),
}
