"""What cannot be learned as it is, and what is kept but should be known."""

import difflib
import re
from itertools import combinations

import pandas as pd

from helpers import corpora
from helpers.own_data.rows import leave_out

LEAST_PER_CLASS, LEAST_ROWS, MOST_CLASSES, LONG = 10, 50, 50, 1000
MOJIBAKE = re.compile("[ÃÂ][\x80-\xbf]|â€")
ACCENTED = re.compile("[À-ÖØ-öø-ɏ]")
UMLAUTS = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue"})


class LabelError(corpora.DataError):
    """Labels that cannot be learned as they are; the message names the cure."""


def check_classes(
    rows: pd.DataFrame, dropped: pd.DataFrame, file: str, numeric: bool, drop_rare: bool
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Refuse too many or too few classes, and classes too small to be in all three parts."""
    sizes = rows["label"].value_counts()
    if len(sizes) > MOST_CLASSES:
        cure = "Is it the right column?"
        if numeric:
            cure = "To predict numbers: section 11 of the notebook, regression=True."
        raise LabelError(
            f"{file!r} has {len(sizes):,} different labels; {MOST_CLASSES} is the most. {cure}"
        )
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
        label = next((name for name in rare.index[::-1] if meant(name, sizes)), rare.index[-1])
        n, near = rare[label], meant(label, sizes)
        guess = f" Did you mean {near!r}?" if near else ""
        raise LabelError(
            f"label {label!r} has {n} row(s) after copies are removed; {LEAST_PER_CLASS} are the "
            f"least (about 7 to learn, 1 to choose, 2 to score).{guess} Correct or collect such "
            "rows, or set DROP_RARE = True to leave them out. Too small: "
            f"{', '.join(rare.index[:10])}."
        )
    return rows, dropped


def meant(label: str, sizes: pd.Series) -> str:
    """The other class whose name is spelt most like this one, or ""."""
    near = difflib.get_close_matches(label, sizes.index.drop(label), 1)
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


def remarks(rows: pd.DataFrame, names: list[str] | None) -> list[str]:
    """What a reader should know about rows that are kept."""
    found = []
    shares = rows["label"].value_counts(normalize=True)
    if names and shares.iloc[0] >= 0.8:
        found.append(
            f"{shares.iloc[0]:.0%} of the labels are {names[shares.index[0]]!r}: always saying so "
            "has that accuracy. Look at macro F1."
        )
    found += [
        f"labels {one!r} and {other!r} are spelt nearly alike: one class? Then correct the file"
        for one, other in spelt_alike(names or [])
    ]
    accented = rows["text"].map(lambda text: bool(ACCENTED.search(text))).mean()
    if accented > 0.2:
        found.append(
            f"{accented:.0%} of the texts have letters such as 'ü' or 'é', and the encoder learned "
            "from English: see 'Another language' in docs/own_csv.md"
        )
    counted = {
        f"longer than {LONG:,} characters: the model reads their beginning (max_length)": rows[
            "text"
        ].map(lambda text: len(text) > LONG),
        "mostly in letters that the encoder hardly knows (it learned from English)": rows[
            "text"
        ].map(lambda text: sum(ord(c) > 0x24F for c in text if c.isalpha()) > len(text) / 3),
        "with signs of a wrong ENCODING, such as 'Ã©' for 'é'": rows["text"].map(
            lambda text: bool(MOJIBAKE.search(text))
        ),
    }
    for words, which in counted.items():
        if which.any():
            found.append(
                f"{which.sum():,} text(s) {words}; first in row {rows['row'][which].min()}"
            )
    return found
