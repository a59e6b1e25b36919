"""The three parts of a file, cut as in `corpora` or given apart: every class is in each.

With groups or times the parts keep these instead (`grouping`).
"""

from collections.abc import Iterable

import pandas as pd

from helpers import corpora
from helpers.own_data.checks import LabelError
from helpers.own_data.grouping import shares_of, with_parts
from helpers.own_data.reading import Reading
from helpers.own_data.rows import Columns, keys_of


def leave_out_known(main: Reading, apart: dict[str, Reading]) -> None:
    """Leave out what stands in a file that is given apart: the test part stays as it is.

    A text of the test file stands in no other part, and one of the validation file not in what is
    learned from.
    """
    order = [apart[part] for part in ("test", "validation") if part in apart]
    for place, reading in enumerate(order):
        first = dict(zip(keys_of(reading.rows)[::-1], reading.rows["row"][::-1], strict=True))
        for other in [*order[place + 1 :], main]:
            known = keys_of(other.rows).map(first)
            reason = (
                "same text as row "
                + known.fillna(0).astype(int).astype(str)
                + f" of {reading.table.path.name!r}"
            )
            other.leave_out(known.notna(), reason)


def check_labels_of(apart: dict[str, Reading], names: list[str] | None, drop_rare: bool) -> None:
    """Give the labels of files given apart their ids.

    Args:
        names: of what is learned; None for numbers.
        drop_rare: leave out rows with another label instead of stopping.

    Raises:
        LabelError: a label that is not learned, or no row that can be used.
    """
    for reading in apart.values():
        check_some_left(reading)
        if names is None:
            continue
        unknown = reading.rows["label"].map(lambda own: sorted({*labels_in(own)} - {*names}))
        bad = unknown.map(bool)
        if bad.any() and not drop_rare:
            row, label = reading.rows["row"][bad].iloc[0], unknown[bad].iloc[0][0]
            raise LabelError(
                f"row {row} of {reading.table.path.name!r} has the label {label!r}, which is not "
                f"learned from the first file ({bad.sum():,} such row(s)). It knows: "
                f"{', '.join(names)}. Correct that file, or set DROP_RARE = True to leave such "
                "rows out."
            )
        reading.leave_out(bad, "label " + unknown.map(", ".join) + " is not learned")
        check_some_left(reading)
        if not isinstance(reading.rows["label"].iloc[0], tuple):
            reading.rows["label"] = reading.rows["label"].map(names.index)


def check_some_left(reading: Reading) -> None:
    """Raise `LabelError` if no row of a file that is given apart can be used."""
    if not len(reading.rows):
        raise LabelError(
            f"no row of {reading.table.path.name!r} can be used: each was left out, most often: "
            f"{reading.dropped['reason'].mode()[0]}. Is it the right file?"
        )


def cut(main: Reading, apart: dict[str, Reading], columns: Columns) -> dict[str, pd.DataFrame]:
    """Train, validation and test: 70, 10 and 20 % where none is given apart.

    With a test file, a tenth of the first file is for validation and the rest is learned from.
    """
    rows = main.rows
    if "stratum" not in rows and len(rows) and isinstance(rows["label"].iloc[0], tuple):
        main.rows = rows.assign(stratum=rarest(rows["label"]))
    whole = columns.group is not None or columns.time is not None
    if whole:
        with_parts(main, apart, columns)
    parts = corpora.split(main.rows)
    if not whole:
        fill(parts)
    for part, reading in apart.items():
        parts["train"] = pd.concat([parts["train"], parts[part]])
        parts[part] = reading.rows
    return parts


def rarest(labels: pd.Series) -> pd.Series:
    """Of all labels of a text the one that fewest texts have; "" where there is none."""
    times = labels.explode().value_counts()
    return labels.map(lambda own: min(own, key=lambda name: (times[name], name), default=""))


def fill(parts: dict[str, pd.DataFrame]) -> None:
    """Move a row of each class that validation or test lacks there, from the train part.

    A class of ten rows may miss a part by the way rows are counted off. Numbers have no classes.
    """
    if pd.api.types.is_float_dtype(parts["train"]["label"]):
        return
    for part in ("validation", "test"):
        for label in missing_in(parts, part):
            train = parts["train"]
            index = next(i for i, own in train["label"].items() if label in labels_in(own))
            parts[part] = pd.concat([parts[part], train.loc[[index]]])
            parts["train"] = train.drop(index)


def missing_in(parts: dict[str, pd.DataFrame], part: str) -> list:
    """The labels of the train part that a part has in no row."""
    there = {label for own in parts[part]["label"] for label in labels_in(own)}
    return sorted({x for own in parts["train"]["label"] for x in labels_in(own)} - there)


def labels_in(own: object) -> tuple:
    """The labels of a row: one, or a tuple of several."""
    return own if isinstance(own, tuple) else (own,)


def check_classes_of(
    parts: dict[str, pd.DataFrame], names: list[str] | None, given: Iterable[str]
) -> list[str]:
    """Notes on classes that a part lacks because groups or times stay together.

    Args:
        names: of the classes or labels; None for numbers.
        given: the parts whose files were given apart: these are as they are.

    Raises:
        LabelError: the train part lacks one.
    """
    if names is None:
        return []
    found = {}
    for part in shares_of(given):
        there = {x for own in parts[part]["label"] for x in labels_in(own)}
        there = {name if isinstance(name, str) else names[name] for name in there}
        found[part] = [name for name in names if name not in there]
    if found["train"]:
        raise LabelError(
            f"the train part has no row of the class {found['train'][0]!r}: its rows belong to "
            "groups, or to a time, that another part has. Collect rows of it from more groups or "
            "from earlier on, take the class out of the file, or leave GROUP_COLUMN and "
            "TIME_COLUMN away."
        )
    return [
        f"the {part} part has no row of {', '.join(map(repr, lacks))}: nothing can be said about "
        "that there"
        for part, lacks in found.items()
        if lacks
    ]
