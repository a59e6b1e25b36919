"""Answers to the exercises of notebook 01."""

import numpy as np
import torch

from helpers import batching, checkpoints
from tests.notebooks.cases import Cases

TOKENIZER = checkpoints.load_tokenizer("minilm")
ID_OF = TOKENIZER.get_vocab()


def tokenize(text):
    return TOKENIZER.tokenize(text)


# ---------------------------------------------------------------- 01-1: WordPiece


def wordpiece(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start > 0 else ""
        end = len(word)
        while end > start and mark + word[start:end] not in vocabulary:
            end -= 1
        if end == start:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def wordpiece_by_recursion(word, vocabulary, mark=""):
    if not word:
        return ()
    for end in range(len(word), 0, -1):
        if mark + word[:end] in vocabulary:
            rest = wordpiece_by_recursion(word[end:], vocabulary, "##")
            return ("[UNK]",) if rest == ("[UNK]",) else (mark + word[:end], *rest)
    return ("[UNK]",)


def wordpiece_over_a_list(word, vocabulary):
    """Asks the pieces, not the places."""
    found, rest, mark = [], word, ""
    while rest:
        fitting = [p for p in vocabulary if (p[:2] == "##") == (mark == "##")]
        fitting = [p for p in fitting if rest.startswith(p.removeprefix("##"))]
        if not fitting:
            return ["[UNK]"]
        best = max(fitting, key=len)
        found.append(best)
        rest, mark = rest[len(best.removeprefix("##")) :], "##"
    return found


def shortest_first(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        for end in range(start + 1, len(word) + 1):
            if mark + word[start:end] in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def without_marks(word, vocabulary):
    return [piece.removeprefix("##") for piece in wordpiece(word, vocabulary)]


def marks_added_afterwards(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            if word[start:end] in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(("##" if start else "") + word[start:end])
        start = end
    return pieces


def keeps_what_it_found(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        for end in range(len(word), start, -1):
            if mark + word[start:end] in vocabulary:
                break
        else:
            return [*pieces, "[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def skips_what_does_not_fit(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        for end in range(len(word), start, -1):
            if mark + word[start:end] in vocabulary:
                pieces.append(mark + word[start:end])
                break
        start = end
    return pieces


def one_round(word, vocabulary):
    for end in range(len(word), 0, -1):
        if word[:end] in vocabulary:
            return [word[:end]]
    return ["[UNK]"]


def never_a_single_character(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        mark = "##" if start else ""
        for end in range(len(word), start + 1, -1):
            if mark + word[start:end] in vocabulary:
                break
        else:
            return ["[UNK]"]
        pieces.append(mark + word[start:end])
        start = end
    return pieces


def start_stands_still(word, vocabulary):
    pieces, start = [], 0
    while start < len(word):
        for end in range(len(word), start, -1):
            if word[start:end] in vocabulary:
                pieces.append(word[start:end])
                break
    return pieces


def always_the_course_s_vocabulary(word, vocabulary):
    return wordpiece(word, ID_OF)


def one_text(word, vocabulary):
    return " ".join(wordpiece(word, vocabulary))


# ---------------------------------------------------------------- 01-2: a padded batch


def rows_of(texts, max_length):
    return [
        [101, *[ID_OF[token] for token in tokenize(text)[: max_length - 2]], 102] for text in texts
    ]


def padded(rows, longest=None, filler=0, front=False):
    longest = longest or max(map(len, rows))
    ids = [[*row, *[filler] * (longest - len(row))] for row in rows]
    mask = [[1] * len(row) + [0] * (longest - len(row)) for row in rows]
    if front:
        ids = [[*[filler] * (longest - len(row)), *row] for row in rows]
        mask = [line[::-1] for line in mask]
    return ids, mask


def encode_batch(texts, max_length):
    return padded(rows_of(texts, max_length))


def encode_batch_as_tensors(texts, max_length):
    return batching.pad(rows_of(texts, max_length), pad_id=0)


def encode_batch_as_arrays(texts, max_length):
    ids = np.array(encode_batch(texts, max_length)[0])
    return ids, ids != 0


def encode_batch_by_the_library(texts, max_length):
    given = TOKENIZER(
        texts, truncation=True, max_length=max_length, padding=True, return_tensors="pt"
    )
    return [given["input_ids"], given["attention_mask"]]


def not_padded(texts, max_length):
    rows = rows_of(texts, max_length)
    return rows, [[1] * len(row) for row in rows]


def padded_in_front(texts, max_length):
    return padded(rows_of(texts, max_length), front=True)


def padded_to_the_limit(texts, max_length):
    return padded(rows_of(texts, max_length), longest=max_length)


def not_truncated(texts, max_length):
    return padded(rows_of(texts, 512))


def two_too_long(texts, max_length):
    return padded(rows_of(texts, max_length + 2))


def separator_cut_off(texts, max_length):
    return padded([row[:max_length] for row in rows_of(texts, 512)])


def without_special_tokens(texts, max_length):
    return padded([row[1:-1] for row in rows_of(texts, max_length + 2)])


def cut_too_much(texts, max_length):
    return padded(rows_of(texts, max_length - 2))


def filled_with_unknown(texts, max_length):
    return padded(rows_of(texts, max_length), filler=100)


def everything_is_real(texts, max_length):
    ids, mask = encode_batch(texts, max_length)
    return ids, np.ones_like(mask)


def mask_of_zeros(texts, max_length):
    ids, mask = encode_batch(texts, max_length)
    return ids, np.zeros_like(mask)


def mask_upside_down(texts, max_length):
    ids, mask = encode_batch(texts, max_length)
    return ids, 1 - np.array(mask)


def mask_without_special_tokens(texts, max_length):
    ids, mask = encode_batch(texts, max_length)
    return ids, np.array(mask) * (np.array(ids) != 101) * (np.array(ids) != 102)


def mask_first(texts, max_length):
    return encode_batch(texts, max_length)[::-1]


def only_two_rows(texts, max_length):
    return encode_batch(texts[:2], max_length)


def only_ids(texts, max_length):
    return torch.tensor(encode_batch(texts, max_length)[0])


def tokens_of_the_whole_list(texts, max_length):
    rows = rows_of([" ".join(texts)], max_length)
    return padded(rows)


# ---------------------------------------------------------------- 01-3: windows


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


def uses_up_its_list(ids, max_length, overlap):
    found = windows(ids, max_length, overlap)
    ids.clear()
    return found


CASES = {
    "01-1": Cases(
        right=[(wordpiece,), (wordpiece_by_recursion,), (wordpiece_over_a_list,)],
        wrong=[
            ((shortest_first,), "A longer piece fits"),
            ((without_marks,), "begin with ##, and only those"),
            ((marks_added_afterwards,), "together with its ##"),
            ((keeps_what_it_found,), "the whole word is unknown"),
            ((skips_what_does_not_fit,), "Somewhere in this word no piece fits"),
            ((one_round,), "Go on until it is used up"),
            ((never_a_single_character,), "down to one character"),
            ((start_stands_still,), "never ends"),
            ((always_the_course_s_vocabulary,), "not in this vocabulary"),
            ((one_text,), "Return a list of pieces"),
            ((lambda word, vocabulary: [],), "The list is empty"),
            ((lambda word, vocabulary: None,), "returns None"),
        ],
    ),
    "01-2": Cases(
        right=[
            (encode_batch,),
            (encode_batch_as_tensors,),
            (encode_batch_as_arrays,),
            (encode_batch_by_the_library,),
        ],
        wrong=[
            ((not_padded,), "not equally long"),
            ((padded_in_front,), "The padding is in front"),
            ((padded_to_the_limit,), "longest row of this batch, no further"),
            ((not_truncated,), "longer than `max_length`"),
            ((separator_cut_off,), "lost its [SEP]"),
            ((without_special_tokens,), "begins with [CLS]"),
            ((cut_too_much,), "Too much was cut"),
            ((filled_with_unknown,), "Padding has the id 0"),
            ((everything_is_real,), "1 everywhere"),
            ((mask_of_zeros,), "0 everywhere"),
            ((mask_upside_down,), "wrong way round"),
            ((mask_without_special_tokens,), "also [CLS] and [SEP]. Expected"),
            ((mask_first,), "ids first and the mask second"),
            ((only_two_rows,), "one row for each of the 3 texts"),
            ((only_ids,), "Return two things"),
            ((lambda texts, max_length: None,), "returns None"),
        ],
    ),
    "01-3": Cases(
        right=[(windows,), (windows_by_range,)],
        wrong=[
            ((without_frame,), "101 in front and 102 behind"),
            ((frame_not_counted,), "too long: 101 and 102 take two"),
            ((only_the_first,), "lost at the end"),
            ((step_without_the_frame,), "lost between two windows"),
            ((no_overlap,), "last `overlap` ids of the one before"),
            ((one_window_too_many,), "The last window adds nothing"),
            ((uses_up_its_list,), "changes the list"),
            ((lambda ids, max_length, overlap: None,), "returns None"),
            ((lambda ids, max_length, overlap: [101, *ids, 102],), "each of them a list of ids"),
            ((lambda ids, max_length, overlap: [],), "no window at all"),
        ],
    ),
}
