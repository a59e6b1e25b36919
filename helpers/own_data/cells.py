"""Single cells: which are missing, which are numbers, and which texts and labels are the same."""

import re
import unicodedata
from collections.abc import Iterable

from helpers.own_data.sources import FileError

OWN_COLUMNS = ("row", "prediction", "probability", "note")  # what predictions get besides
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# What programs write into an empty cell, in any case of letters. Words that people use as well,
# such as "none" or "N/A", are texts and labels like others.
MISSING = frozenset({"", "nan", "null", "#n/a", "<na>", "nat", r"\n"})
AMBIGUOUS = frozenset({"na", "n/a"})  # a program's sign (R writes NA), or a person's answer
# Signs of a sentence at the end of a word, and quotation marks around it, do not count.
ENDS = re.compile("(?<!\\S)[\"'“‘«„‚]+|[.,;!?…。，！？、\"'”“’‘»]+(?=\\s|$)")
LONGEST_QUOTED = 1000  # characters; a mark behind more than that closes nothing
WORD = re.compile(r"[^\W\d_]+")
# What prose does not hold: other signs than those of sentences, a call, a statement's end.
CODE = re.compile(r"[^\w\s'’.,;:!?…()\"“”‘’«»„‚。，！？、–—-]|_|\w\(|;\s*$", re.MULTILINE)


def missing_words(asked: Iterable[str] | None) -> frozenset[str]:
    """The cells that count as missing, in small letters: an empty one always does.

    Args:
        asked: the words; None: `MISSING`.

    Raises:
        FileError: it is no list of words.
    """
    if asked is None:
        return MISSING
    is_list = isinstance(asked, Iterable) and not isinstance(asked, str)  # which is its letters
    words = [*asked] if is_list else [None]
    if not all(isinstance(word, str) for word in words):
        raise FileError(
            f"MISSING = {asked!r} is no list of words. Write each of them in quotes, and all of "
            'them in brackets: MISSING = ["none", "n/a"]. []: no word means that a cell is empty.'
        )
    return frozenset({"", *(word.strip().lower() for word in words)})


def same_text(text: str) -> str:
    """A key that is equal for copies of one text: they differ only in what changes no meaning.

    That is: spaces, sentence marks at the end of a word, quotation marks around it, and capitals.
    Everything else counts: emoji and other symbols, signs inside a word, accents and vowel signs of
    any script. In a text with the signs of a program or with capitals inside its words, capitals
    count, too.
    """
    plain = unicodedata.normalize("NFC", text)
    key = " ".join(ENDS.sub(without_end, plain).split())
    # `lower`, not `casefold`, which makes "ss" of "ß": in Maßen is not in Massen.
    return key if is_code(plain) else key.lower()


def without_end(found: re.Match) -> str:
    """What stays of the signs at an end of a word: those of inches and feet, as in 12\"."""
    text, start, sign = found.string, found.start(), found[0][0]
    if sign not in "\"'" or not text[max(0, start - 1) : start].isdigit():
        return " "
    opened = re.compile(rf"(?<!\S){sign}").search(text, max(0, start - LONGEST_QUOTED), start)
    return " " if opened else f"{sign} "


def is_code(text: str) -> bool:
    """Whether capitals may carry meaning: signs of a program, or a capital inside a word."""
    if CODE.search(text):
        return True
    return any(not (w.islower() or w.isupper() or w[1:].islower()) for w in capitals_in(text))


def capitals_in(text: str) -> list[str]:
    """The words of a text that hold a letter with a capital form."""
    return [word for word in WORD.findall(text) if word.lower() != word.upper()]


def key_of(label: str) -> str:
    """A label without what only a typist's hand made different: case, spaces, width of letters."""
    narrow = "".join(map(in_one_width, label))
    return " ".join(unicodedata.normalize("NFC", narrow).lower().split())


def in_one_width(letter: str) -> str:
    """A letter that East Asian keyboards write wide, or narrow, in its usual width."""
    is_other = unicodedata.decomposition(letter).startswith(("<wide>", "<narrow>"))
    return unicodedata.normalize("NFKC", letter) if is_other else letter


def form_of(cell: str) -> str:
    """How a cell is written: each run of digits as 9, each run of letters as a."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()))


def pieces_of(label: str, separator: str) -> list[str]:
    """The labels of a cell that holds several."""
    return [piece.strip() for piece in label.split(separator) if piece.strip()]
