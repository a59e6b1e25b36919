"""What cannot be learned as it is, and what is kept but should be known."""

import difflib
import re
from collections import Counter
from itertools import combinations

import pandas as pd

from helpers import corpora
from helpers.own_data.cells import AMBIGUOUS, NUMBER, key_of, pieces_of
from helpers.own_data.encodings import is_misread, other_readings
from helpers.own_data.looks import FEW_WORDS, look
from helpers.own_data.rows import leave_out

LEAST_PER_CLASS, LEAST_ROWS, MOST_CLASSES, LONG = 10, 50, 50, 1000
SEPARATORS = ";|,/"
ACCENTED = re.compile("[À-ÖØ-öø-ɏ]")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


class LabelError(corpora.DataError):
    """Labels that cannot be learned as they are; the message names the cure."""


def check_classes(
    rows: pd.DataFrame,
    dropped: pd.DataFrame,
    file: str,
    drop_rare: bool,
    most: int = MOST_CLASSES,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Refuse too many or too few classes, and classes too small to be in all three parts."""
    sizes = rows["label"].value_counts()
    check_number_of_labels(sizes, file, most)
    rare = sizes[sizes < LEAST_PER_CLASS]
    if drop_rare and len(rare):
        which = rows["label"].isin(rare.index)
        reason = "class " + rows["label"] + f" has fewer than {LEAST_PER_CLASS} rows"
        rows, dropped = leave_out(rows, dropped, which, reason)
        sizes = sizes.drop(rare.index)
    if len(sizes) < 2:
        label = f": {sizes.index[0]!r}" if len(sizes) else ""
        raise LabelError(
            f"{file!r} has {len(sizes)} class(es) to learn{label}. At least 2 are needed."
        )
    if len(rare) and not drop_rare:
        raise LabelError(too_rare(rare, sizes))
    return rows, dropped


def check_number_of_labels(sizes: pd.Series, file: str, most: int) -> None:
    """Refuse more labels than `most`, and say what may be meant by them."""
    if len(sizes) <= most:
        return
    numeric = all(NUMBER.fullmatch(label) for label in sizes.index)
    cure = "Is it the right column?"
    if numeric:
        cure = "To predict numbers: section 11 of the notebook, regression=True."
    several = suspected_separator(sizes)
    if several:
        cure = several_labels(several)
    enough = sizes[sizes >= LEAST_PER_CLASS]
    if len(enough) > 1 and not numeric:
        cure += f" If these are your classes, set MOST_CLASSES = {len(sizes)}."
    raise LabelError(f"{file!r} has {len(sizes):,} different labels; {most} is the most. {cure}")


def too_rare(rare: pd.Series, sizes: pd.Series) -> str:
    """The message about classes of fewer rows than are needed."""
    label = next((name for name in rare.index[::-1] if meant(name, sizes)), rare.index[-1])
    near = meant(label, sizes)
    guess = f" Did you mean {near!r}?" if near else ""
    several = suspected_separator(sizes)
    if several:
        guess += f" {several_labels(several)}"
    return (
        f"label {label!r} has {rare[label]} row(s) after copies are removed; {LEAST_PER_CLASS} are "
        f"the least (about 7 to learn, 1 to choose, 2 to score).{guess} Correct or collect such "
        "rows, or set DROP_RARE = True to leave them out. Too small: "
        f"{', '.join(rare.index[:10])}."
    )


def check_several(
    labels: pd.Series, file: str, names: list[str], drop_rare: bool, most: int
) -> tuple[pd.Series, list[str], list[str]]:
    """Refuse, or take from every text, labels with too few texts that have them or lack them.

    Args:
        labels: a tuple of labels per text.
        names: of all labels.

    Returns:
        The labels, the names that are left, and notes.
    """
    times = labels.explode().value_counts().reindex(names, fill_value=0)
    check_number_of_labels(times, file, most)
    common = times[len(labels) - times < LEAST_PER_CLASS]
    rare = times[times < LEAST_PER_CLASS]
    if len(common) or (len(rare) and not drop_rare):
        name, which = (*common.index, *rare.index)[0], "lack" if len(common) else "have"
        n = len(labels) - times[name] if len(common) else times[name]
        raise LabelError(
            f"only {n} row(s) {which} the label {name!r}; {LEAST_PER_CLASS} are the least (about 7 "
            "to learn, 1 to choose, 2 to score). Collect such rows, leave that label away, or set "
            "DROP_RARE = True to take labels that few rows have from all of them."
        )
    left = [name for name in names if name not in rare.index]
    if not left:
        raise LabelError(f"{file!r} has no label to learn: each has too few rows.")
    notes = [
        f"label {name!r} was taken from {n} row(s): fewer than {LEAST_PER_CLASS} have it"
        for name, n in rare.items()
    ]
    return labels.map(lambda found: tuple(n for n in found if n in left)), left, notes


def suspected_separator(sizes: pd.Series) -> str:
    """A character that seems to separate several labels of a cell, or "".

    At least two labels hold it, and most pieces of these occur in more than one label.
    """
    for separator in SEPARATORS:
        cut = {label: pieces_of(label, separator) for label in sizes.index}
        joined = [pieces for pieces in cut.values() if len(pieces) > 1]
        if len(joined) < 2:
            continue
        times = Counter(key_of(piece) for pieces in cut.values() for piece in set(pieces))
        found = {key_of(piece) for pieces in joined for piece in pieces}
        if 2 * sum(times[piece] > 1 for piece in found) > len(found):
            return separator
    return ""


def several_labels(separator: str) -> str:
    """What to do about cells that hold several labels."""
    return (
        f"Cells seem to hold several labels, separated by {separator!r}: if so, a text can be "
        "learned with all of them, though not in notebook 13: 'Several labels per text' in "
        f"docs/own_csv.md says how (LABEL_SEPARATOR = {separator!r})."
    )


def meant(label: str, sizes: pd.Series) -> str:
    """The other class whose name is spelt most like this one, or is the same number; or ""."""
    others = sizes.index.drop(label)
    if NUMBER.fullmatch(label):
        return next((o for o in others if NUMBER.fullmatch(o) and float(o) == float(label)), "")
    near = difflib.get_close_matches(label, others, 1)
    return near[0] if near and len(near[0]) > 2 else ""


def spelt_alike(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of names that may be one class in two spellings: 'Rückgabe' and 'Rueckgabe'.

    Case, punctuation and how an umlaut is written do not count. Names that differ in their numbers
    alone, such as 'level 1' and 'level 2', are two; so are those without three letters in a row.
    """
    keys = {name: re.sub(r"[\W_]", "", name.casefold().translate(UMLAUTS)) for name in names}

    def are_alike(one: str, other: str) -> bool:
        if one == other:
            return True
        numbers_differ = re.sub(r"\d", "", one) == re.sub(r"\d", "", other)
        return not numbers_differ and difflib.SequenceMatcher(None, one, other).ratio() > 0.9

    worded = [name for name in names if re.search(r"[^\W\d]{3}", keys[name])]
    return [pair for pair in combinations(worded, 2) if are_alike(*map(keys.get, pair))]


def equal_numbers(names: list[str]) -> list[tuple[str, str]]:
    """Pairs of names that are one number in two spellings: '1' and '1.0', '010' and '10'."""
    first: dict[float, str] = {}
    found = []
    for name in names:
        if NUMBER.fullmatch(name):
            one = first.setdefault(float(name), name)
            found += [(one, name)] * (one != name)
    return found


def check_numbers(rows: pd.DataFrame, file: str, dropped: pd.DataFrame) -> None:
    """Refuse numbers that are too few, all equal, or mostly written in another way."""
    bad = dropped[dropped["reason"] == "the label is no number"]
    if len(bad) > len(rows):
        raise LabelError(
            f"{len(bad):,} labels of {file!r} are no numbers (first in row {bad['row'].min()}). "
            "Write 3.5, not 3,5 or 70 %; for names leave regression=True away."
        )
    if len(rows) < LEAST_ROWS:
        raise LabelError(f"{file!r} has {len(rows)} usable rows; {LEAST_ROWS} are the least.")
    if rows["label"].nunique() < 2:
        raise LabelError(f"all labels of {file!r} are {rows['label'].iloc[0]:g}: nothing to learn.")


def remarks(rows: pd.DataFrame, names: list[str] | None, encoding: str = "utf-8") -> list[str]:
    """What a reader should know about rows that are kept.

    Args:
        rows: `row`, `text` and `label`, as an id where there are `names`.
        names: of classes; None for numbers, or several labels per text.
        encoding: in which the texts were read.
    """
    found = remarks_on_classes(rows["label"], names) if names else []
    texts = rows["text"]
    accented = texts.map(lambda text: bool(ACCENTED.search(text))).mean()
    if accented > 0.2:
        found.append(
            f"{accented:.0%} of the texts have letters such as 'ü' or 'é', and the encoder learned "
            "from English: see 'Another language' in docs/own_csv.md"
        )
    counted = {
        f"longer than {LONG:,} characters: the model reads their beginning (max_length)": texts.map(
            lambda text: len(text) > LONG
        ),
        "mostly in letters that the encoder hardly knows (it learned from English)": texts.map(
            lambda text: mostly_far(text[:LONG])
        ),
        "with signs of a wrong ENCODING, such as 'Ã©' for 'é'": texts.map(
            lambda text: is_misread(text, encoding)
        ),
    }
    for words, which in counted.items():
        if which.any():
            first = rows["row"][which].idxmin()
            more = other_readings(texts[first], encoding) if "ENCODING" in words else ""
            found.append(
                f"{which.sum():,} text(s) {words}; first in row {rows['row'][first]}{more}"
            )
    return found


def mostly_far(text: str) -> bool:
    """Whether more than a third of a text are letters of other alphabets than the Latin one."""
    return not text.isascii() and sum(ord(c) > 0x24F and c.isalpha() for c in text) > len(text) / 3


def remarks_on_classes(labels: pd.Series, names: list[str]) -> list[str]:
    """What a reader should know about the names of the classes, and about their shares."""
    found = []
    shares = labels.value_counts(normalize=True)
    if shares.iloc[0] >= 0.8:
        found.append(
            f"{shares.iloc[0]:.0%} of the labels are {names[shares.index[0]]!r}: always saying so "
            "has that accuracy. Look at macro F1."
        )
    found += [
        f"labels {one!r} and {other!r} are spelt nearly alike: one class? Then correct the file"
        for one, other in spelt_alike(names)
    ]
    found += [
        f"labels {one!r} and {other!r} are the same number, and two classes here: one class? Then "
        "correct the file"
        for one, other in equal_numbers(names)
    ]
    found += [
        f"the label {name!r} is a class here. If it means that there is none, set MISSING = "
        f"[{name!r}]"
        for name in names
        if name.lower() in AMBIGUOUS
    ]
    separator = suspected_separator(pd.Series(0, index=names))
    return found + ([several_labels(separator).rstrip(".")] if separator else [])


def remark_on_column(texts: pd.Series, column: str, better: str | None) -> list[str]:
    """A note if texts are single words or numbers; `better`: a column with longer texts."""
    seen = look(texts)
    if seen.words > FEW_WORDS and not seen.numbers:
        return []
    instead = f" Perhaps TEXT_COLUMN = {better!r} is meant." if better and better != column else ""
    return [
        f"the texts in {column!r} have about one word each, such as {texts.iloc[0][:30]!r}: is it "
        f"the right column?{instead}"
    ]
