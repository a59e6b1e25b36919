"""What is left out of a file, seen as a whole: a large share, one class, or one form is no chance.

Rows that are missing at random cost a little; rows that are missing for a reason change what is
learned. So whatever follows a rule gets a note.
"""

import re
from collections import Counter
from collections.abc import Mapping

import numpy as np
import pandas as pd
from scipy.stats import fisher_exact, mannwhitneyu

from helpers.own_data.cells import form_of, pieces_of
from helpers.own_data.checks import LabelError
from helpers.own_data.records import BACKSLASH, NOT_DOUBLED
from helpers.own_data.rows import Columns, numbers_only

LARGE, LEAST = 0.10, 5  # a share of the rows, and a number of them, that get a note
FORM = 3  # so many cells that cannot be used and are written alike are no chance
DEPENDS, NOTABLE = 0.001, 0.05  # p value, and share of a class, of a loss that depends on the label
THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
COPIES, CONFLICTS = "copies of another row", "texts with more than one label"
UNKNOWN = "labels that are not learned"
GROUPS, LATE = "groups of a file given apart", "not before the rows of a file given apart"
FIELDS, BYTES = "another number of fields than the header", "bytes that are no text"
NOTED = {BYTES, NOT_DOUBLED, BACKSLASH}  # `counting` has told how many there are


def kind_of(reason: str) -> str:
    """The reason of a row that is left out without what belongs to this row only; "" for a class.

    Rows of small classes are left out because the reader asked for it.
    """
    kinds = {
        r"(in .*: )?same text as row": COPIES,
        r"(in .*: )?one text, labels": CONFLICTS,
        r"\d+ fields where": FIELDS,
        r"byte 0x": BYTES,
        r"class .* has fewer": "",
        r"its group is also in": GROUPS,
        r"not before the first row of": LATE,
        r"label .* is not learned": UNKNOWN,
        r"the label cell": "a label cell that is neither 0 nor 1",
    }
    return next((kind for form, kind in kinds.items() if re.match(form, reason)), reason)


def notes_on_losses(
    dropped: pd.DataFrame,
    labels: Mapping[int, str | float],
    kept: pd.Series,
    total: int,
    columns: Columns,
) -> list[str]:
    """Notes on what is left out by a rule.

    Args:
        dropped: `row` and `reason`.
        labels: of rows that are left out, as far as they have one.
        kept: labels of the rows that are used.
        total: number of rows of the file.
        columns: which hold what, for the advice.
    """
    kinds = dropped["reason"].map(kind_of)
    found = notes_on_missing(dropped, labels, total)
    for kind, rows in dropped.groupby(kinds, sort=False)["row"]:
        large = len(rows) >= max(LEAST, LARGE * total)
        if kind and kind not in NOTED and (large or (kind == FIELDS and len(rows) >= FORM)):
            share, first = f"{len(rows) / total:.0%}", rows.min()
            found.append(
                f"{len(rows):,} of {total:,} rows ({share}) are left out, first row {first}: "
                f"{kind}{cure(kind, columns)}"
            )
        if kind not in ("", "no label", UNKNOWN):
            lost = pd.Series([own_labels(labels[row], columns) for row in rows if row in labels])
            lost = lost.explode()
            found += notes_on_labels(kind, lost, kept)
    return found


def own_labels(found: str | float | tuple, columns: Columns) -> object:
    """The label of a row that is left out, or all labels of a cell that may hold several."""
    if columns.separator is not None and isinstance(found, str):
        return tuple(pieces_of(found, columns.separator))
    return found


def cure(kind: str, columns: Columns) -> str:
    """What to do about many rows that are left out for one reason, or ""."""
    text, label = columns.texts[0], columns.labels[0]
    unmarked = ". If an empty cell means that the label does not apply, write 0 there"
    cures = {
        "no label": unmarked * (len(columns.labels) > 1),
        CONFLICTS: ". Did several people label each text? Then take their majority first, for "
        "instance with pandas: "
        f"table.groupby({text!r})[{label!r}].agg(lambda found: found.mode()[0])",
        FIELDS: ". Perhaps texts hold the delimiter and are not quoted",
    }
    return cures.get(kind, "")


def notes_on_missing(
    dropped: pd.DataFrame, labels: Mapping[int, str | float], total: int
) -> list[str]:
    """Notes on words that count as a missing label and occur often: perhaps they are a class."""
    rows = dropped["row"][dropped["reason"] == "no label"]
    words = Counter(labels[row] for row in rows if row in labels)
    return [
        f"{times:,} label(s) are {word!r}, which programs write into an empty cell: these rows are "
        f"left out. If it is a class, set MISSING = []"
        for word, times in words.most_common()
        if word and times >= max(2, min(LEAST, NOTABLE * total))
    ]


def notes_on_labels(kind: str, lost: pd.Series, kept: pd.Series) -> list[str]:
    """Notes on a loss that falls on some labels more than chance explains."""
    if len(lost) < FORM:
        return []
    if pd.api.types.is_numeric_dtype(kept):
        return note_on_numbers(kind, lost, kept)
    found, names = [], lost.value_counts()
    for name, gone in names.items():
        stay = int((kept == name).sum())
        others = [len(lost) - gone, len(kept) - stay]
        p = fisher_exact([[gone, stay], others], alternative="greater").pvalue
        if gone >= FORM and gone >= NOTABLE * (gone + stay) and p < DEPENDS / len(names):
            found.append(
                f"what is left out depends on the label: {gone:,} of {gone + stay:,} rows labelled "
                f"{name!r}, but {others[0]:,} of {sum(others):,} others ({kind})"
            )
    return found


def note_on_numbers(kind: str, lost: pd.Series, kept: pd.Series) -> list[str]:
    """A note on a loss that falls on large or small numbers."""
    numbers = pd.to_numeric(lost, errors="coerce").dropna()
    if len(numbers) < FORM or not len(kept) or mannwhitneyu(numbers, kept).pvalue >= DEPENDS:
        return []
    return [
        f"what is left out depends on the label: its mean is {numbers.mean():.6g} in "
        f"{len(numbers):,} such rows, {kept.mean():.6g} in those that are used ({kind})"
    ]


def numbers_in(
    rows: pd.DataFrame, dropped: pd.DataFrame, file: str
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Rows whose labels are numbers, as float64; the others are left out; and notes.

    Raises:
        LabelError: numbers are written in a form that is not read (`check_forms`).
    """
    labels = rows["label"]
    rows, dropped = numbers_only(rows, dropped)
    gone = ~labels.index.isin(rows.index)
    check_forms(labels[gone], dropped["row"].tail(gone.sum()), file)
    words = Counter(labels[gone])
    notes = [
        f"{times:,} labels are {word!r}, which is no number: these rows are left out. If it stands "
        "for one, such as 0, write that"
        for word, times in words.items()
        if times >= FORM
    ]
    return rows, dropped, notes + note_on_points(labels[~gone])


def note_on_points(cells: pd.Series) -> list[str]:
    """A note on points that may separate thousands: 1.002 beside 15 and 320.

    That is where each number with a point is written so, and others have none.
    """
    pointed = cells[cells.str.contains(".", regex=False)]
    if not FORM <= len(pointed) < len(cells) or not pointed.str.fullmatch(THOUSANDS).all():
        return []
    value = float(pointed.iloc[0])
    return [
        f"{len(pointed):,} labels have just three digits behind a point, the others no point: "
        f"{pointed.iloc[0]!r} was read as {value:g}. If points separate thousands here, take them "
        "out of the file"
    ]


def check_forms(labels: pd.Series, rows: pd.Series, file: str) -> None:
    """Refuse numbers of which some are written in a form that is not read.

    Args:
        labels, rows: the labels that are no numbers, and their rows.

    Raises:
        LabelError: at least three of them are written alike, with digits: `1,002`, `70 %`. Leaving
            them out would leave out prices from 1,000 on, say.
    """
    forms = labels.map(form_of)
    counted = Counter(form for form in forms if "9" in form)
    if not counted or counted.most_common(1)[0][1] < FORM:
        return
    form, times = counted.most_common(1)[0]
    first = int(np.flatnonzero(forms == form)[0])
    raise LabelError(
        f"{times:,} labels of {file!r} are written like {labels.iloc[first]!r} (first in row "
        f"{rows.iloc[first]}), which is not read as a number. Leaving them out would change what "
        "is learned. Write 1234.5: no separators of thousands, a point, a plain hyphen for minus, "
        "no unit."
    )


def with_losses(error: LabelError, notes: list[str]) -> LabelError:
    """An error about classes, with the losses that may be its cause."""
    return LabelError(" ".join([str(error), *(f"Note: {note}." for note in notes)]))
