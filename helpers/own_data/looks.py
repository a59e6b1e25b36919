"""What a column holds by its look: texts, labels or numbers. Only for advice, never for reading."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from helpers.own_data.cells import NUMBER

# Letters of scripts that write no spaces between words: Thai, Lao, Burmese, Khmer, East Asian ones.
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
LOOKED_AT = 200  # rows
FEW_WORDS = 1.5  # a column with fewer words per cell than that holds names or ids, no texts


@dataclass(frozen=True)
class Look:
    """What the cells of a column look like.

    Attributes:
        words: mean number of words of the cells that are filled.
        filled, distinct: how many cells are filled, and with how many different values.
        numbers: whether all of them are numbers.
    """

    words: float
    filled: int
    distinct: int
    numbers: bool

    @property
    def is_text(self) -> bool:
        """Whether the cells could be texts that a person wrote."""
        return self.words > FEW_WORDS and not self.numbers

    @property
    def is_label(self) -> bool:
        """Whether few values are repeated."""
        return 0 < self.distinct <= max(1, self.filled / 2)


def look(cells: Iterable[str]) -> Look:
    """The look of a column's cells."""
    filled = [cell.strip() for cell in cells if cell.strip()]
    words = sum(map(words_in, filled)) / max(1, len(filled))
    numbers = bool(filled) and all(NUMBER.fullmatch(cell) for cell in filled)
    return Look(words, len(filled), len(set(filled)), numbers)


def words_in(cell: str) -> float:
    """How many words a cell holds; where no spaces part them, two letters are about one."""
    return max(len(cell.split()), len(UNSPACED.findall(cell)) / 2)


def looks(rows: list[list[str]], width: int) -> list[Look]:
    """The looks of the columns of a table, from the rows that have all of them."""
    whole = [row for row in rows if len(row) == width]
    return [look(row[place] for row in whole) for place in range(width)]


def text_place(seen: list[Look]) -> int | None:
    """The column with the longest texts, or None if no column holds any."""
    texts = [place for place, column in enumerate(seen) if column.is_text]
    return max(texts, key=lambda place: seen[place].words, default=None)


def label_place(seen: list[Look], text: int | None) -> int | None:
    """The column of labels: the fewest values, but more than one if there is such a column."""
    places = [p for p, column in enumerate(seen) if column.is_label and p != text]
    return min(places, key=lambda p: (seen[p].distinct < 2, seen[p].distinct), default=None)


def modal_width(rows: list[list[str]]) -> tuple[int, float]:
    """The commonest number of fields of the rows, and the share of the rows that have it."""
    if not rows:
        return 0, 0.0
    (width, times), *_ = Counter(map(len, rows)).most_common(1)
    return width, times / len(rows)


def regularity(rows: list[list[str]]) -> tuple[bool, float, int]:
    """How much rows look like a table of texts and labels; to compare delimiters, larger is more.

    Whether there is a column of each; the share of the rows of the commonest width; that width.
    """
    width, share = modal_width(rows)
    if width < 2:
        return False, 0.0, 0
    seen = looks(rows, width)
    text = text_place(seen)
    label = label_place(seen, text)
    both = text is not None and label is not None and seen[label].distinct > 1
    return both, round(share, 2), width


def begins_with_data(rows: list[list[str]]) -> bool:
    """Whether the first row looks like those below it, and not like the names of columns.

    One of its fields is a repeated value, or a number, of the column below; or it is a text of
    several words in a column of texts.
    """
    first, below = rows[0], rows[1:]
    if len(first) < 2 or len(below) < 2:
        return False
    seen = looks(below, len(first))
    return repeats_a_label(rows) or any(
        (column.numbers and NUMBER.fullmatch(cell.strip()))
        or (column.is_text and len(cell.split()) > 3)
        for cell, column in zip(first, seen, strict=True)
    )


def repeats_a_label(rows: list[list[str]]) -> bool:
    """Whether a field of the first row is one of the repeated values of its column below."""
    first, below = rows[0], [row for row in rows[1:] if len(row) == len(rows[0])]
    seen = looks(below, len(first))
    columns = [{row[place].strip() for row in below} for place in range(len(first))]
    return any(
        column.is_label and bool(cell.strip()) and cell.strip() in values
        for cell, column, values in zip(first, seen, columns, strict=True)
    )


def leading_labels(lines: list[str]) -> list[str]:
    """The words with which all lines of a file begin, if they look like labels before a text.

    Few words, repeated, nearly each followed by a text; [] if not.
    """
    filled = [line.split(" ", 1) for line in lines if line.strip()]
    cut = [pair for pair in filled if len(pair) == 2]
    if len(cut) < 10 or len(cut) < 0.9 * len(filled):
        return []
    labels = Counter(label for label, _ in cut)
    seen = look(text for _, text in cut)
    one = next(iter(labels))
    sorted_by_label = len(labels) == 1 and bool(NUMBER.fullmatch(one) or one.startswith("__"))
    few = sorted_by_label or 1 < len(labels) <= len(cut) / 4
    return [label for label, _ in labels.most_common()] if few and seen.is_text else []
