"""Parts that keep groups whole, or the order of time: no group in two parts, the past before."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from helpers import corpora, files
from helpers.own_data.cells import NUMBER, key_of
from helpers.own_data.checks import LabelError
from helpers.own_data.losses import FORM, notes_on_labels
from helpers.own_data.reading import Reading
from helpers.own_data.rows import Columns
from helpers.own_data.sources import FileError

PARTS = ("train", "validation", "test")
SHARES = {"validation": corpora.VALIDATION_SHARE, "test": corpora.TEST_SHARE}
# Year, month and perhaps day, with one sign between them; a time of day; a time zone.
DATE = re.compile(
    r"(\d{4})([-/.])(\d{1,2})(?:\2(\d{1,2})(?:[T ]+(\d{1,2})(:[\d:.,]+))?)?"
    r"\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
# What is a number by its signs, and a date with its year at the end: 31032024, 3312024, 03.2024.
YEAR_LAST = re.compile(
    r"((0?[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])|(0?[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])"
    r"|(0?[1-9]|1[0-2])\.)(19|20)\d\d",
    re.ASCII,
)
# Of numbers that begin with a year: what may be a month, and a day, without a zero before it.
UNEVEN = re.compile(
    r"(19|20)\d\d(\.(1[0-2]|0?[1-9])|(1[0-2]|0?[1-9])(0?[1-9]|[12]\d|3[01])?)", re.ASCII
)
WHOLE = re.compile(r"0*(\d+)(\.0*)?")
AGAIN = "its group comes again in a later part"
OFF = 0.05  # a part's share of the rows may differ by so much without a note
MANY_GROUPS, REPEATED = 10, 0.2  # from so many values, and of such a share of the rows, on


def prepare(main: Reading, apart: dict[str, Reading], columns: Columns) -> None:
    """Read times, and leave out what would stand in two parts, or come too late, of files apart.

    A group of the test file stands in no other part, and one of the validation file not in what is
    learned from. What is learned from comes before the first row to choose by, and that before the
    first row of the test file.

    Raises:
        FileError: times that cannot be put in order for sure, or a validation file whose test part
            would be cut from what comes before it.
    """
    readings = [main, *apart.values()]
    if columns.time and [*apart] == ["validation"]:
        raise FileError(
            f"with TIME_COLUMN, {apart['validation'].table.path.name!r} needs a test file beside "
            "it: a test part that is cut from the first file would come before the validation "
            "part. Give both files, or neither."
        )
    if columns.time:
        read_times(readings, columns.time)
    if columns.group:
        for reading in readings:
            reading.rows["group"] = reading.rows["group"].map(group_key)
    order = [apart[part] for part in ("test", "validation") if part in apart]
    for place, reading in enumerate(order):
        for other in [*order[place + 1 :], main]:
            leave_out_against(other, reading, columns)


def group_key(cell: str) -> str:
    """What is equal for one group, also if a program made 12.0 of 12, or 7 of 007."""
    key = key_of(cell)
    whole = WHOLE.fullmatch(key)
    return whole[1] if whole else key


def leave_out_against(other: Reading, reading: Reading, columns: Columns) -> None:
    """Leave out rows whose group is in a file given apart, or that are not before its first row."""
    file = reading.table.path.name
    if columns.group:
        shared = other.rows["group"].isin(set(reading.rows["group"]))
        other.leave_out(shared, f"its group is also in {file!r}")
    if columns.time and len(reading.rows):
        late = other.rows["time"] >= reading.rows["time"].min()
        other.leave_out(late, f"not before the first row of {file!r}")


def read_times(readings: list[Reading], column: str) -> None:
    """Make times comparable; `when` keeps how they were written.

    Raises:
        FileError: times that cannot be put in order for sure.
    """
    kinds: dict[str, str] = {}
    for reading in readings:
        rows, file = reading.rows, reading.table.path.name
        found = rows["time"].map(moment)
        bad = found.isna() | is_out_of_order(rows["time"])
        if bad.sum() >= FORM:
            raise FileError(
                f"{bad.sum():,} cells of {column!r} in {file!r} cannot be put in order for sure, "
                f"such as {rows['time'][bad].iloc[0]!r} in row {rows['row'][bad].iloc[0]}. "
                f"{WRITE_TIMES}"
            )
        reading.rows = rows.assign(when=rows["time"], time=found.map(lambda one: one and one[1]))
        reading.leave_out(bad, "the time cannot be read")
        reading.rows["time"] = reading.rows["time"].astype(float)
        kinds |= {one[0]: cell for one, cell in zip(found[~bad], rows["time"][~bad], strict=True)}
    if len(kinds) > 1:
        examples = " and ".join(f"{cell!r} ({kind})" for kind, cell in kinds.items())
        raise FileError(
            f"the times in {column!r} are of different kinds: {examples}. Write all of them in "
            "one way."
        )


def is_out_of_order(cells: pd.Series) -> bool:
    """Whether times are numbers by their signs, and no numbers by their order.

    That are dates with the year at the end, and months or days without a zero before them: 2024.2,
    which is February, comes before 2024.11, and 20242 before 202411, but 202411 before 20252.
    """
    if cells.map(YEAR_LAST.fullmatch).notna().all():
        return True
    return cells.map(UNEVEN.fullmatch).notna().all() and cells.map(len).nunique() > 1


WRITE_TIMES = (
    "Is the day or the month first? Write year, month, day: 2024-03-31, or 2024-03-31 14:05. (In "
    "a spreadsheet: the cell format yyyy-mm-dd.) Plain numbers, such as years, are read, too."
)


def moment(cell: str) -> tuple[str, float] | None:
    """The kind of a time and its place in the order; None if it is written in another way.

    What is not written counts as its beginning: a day as its midnight, a month as its first day.
    """
    if NUMBER.fullmatch(cell):
        return "a number", float(cell)
    parts = DATE.fullmatch(cell)
    if parts:
        year, _, month, day, hour, minutes, zone = parts.groups()
        time = f"T{int(hour or 0):02}{minutes or ':00'}"
        offset = zone if zone and zone[0] in "+-" else "+00:00" * bool(zone)
        cell = f"{year}-{int(month):02}-{int(day or 1):02}{time}{offset}"
    try:
        found = datetime.fromisoformat(cell)
    except ValueError:
        return None
    if found.tzinfo:
        return "a date with a time zone", found.timestamp()
    return "a date", found.replace(tzinfo=UTC).timestamp()


def shares_of(given: Iterable[str]) -> dict[str, float]:
    """The share of each part that is cut, in the order of time; the rest is learned from."""
    shares = {part: share for part, share in SHARES.items() if part not in given}
    return {"train": 1 - sum(shares.values())} | shares


def with_parts(main: Reading, given: Iterable[str], columns: Columns) -> None:
    """Give each row its `part`, and leave out what breaks the promise of `columns`.

    With both a group and a time, time comes first: rows of a group that comes again in a later part
    are left out of the earlier one.

    Raises:
        LabelError: too few groups or times, or a part of which nothing is left.
    """
    shares = shares_of(given)
    by_time, rows = columns.time is not None, main.rows
    main.rows = rows.assign(part=cut_times(main, shares) if by_time else cut_groups(main, shares))
    if by_time and columns.group:
        later: set[str] = set()
        for part in reversed(shares):
            rows = main.rows
            again = (rows["part"] == part) & rows["group"].isin(later)
            main.leave_out(again, AGAIN)
            later |= set(main.rows["group"][main.rows["part"] == part])
    why = "the rows of some class are in too few groups. Collect rows of it from more groups, or"
    cure = f"{why} leave GROUP_COLUMN away."
    if by_time:
        cure = "every group in it comes again later. Leave GROUP_COLUMN or TIME_COLUMN away."
    for part in shares:
        if not (main.rows["part"] == part).any():
            file = main.table.path.name
            raise LabelError(f"no row of {file!r} is left for the {part} part: {cure}")


def cut_times(main: Reading, shares: dict[str, float]) -> pd.Series:
    """The part of each row, the earliest rows first; rows of the same time stay together.

    A part may be larger or smaller than its share by the rows of one time.
    """
    times, sizes = np.unique(main.rows["time"], return_counts=True)
    parts = [*shares]
    check_enough(main, len(times), len(parts), "TIME_COLUMN", "different times")
    before, last = sizes.cumsum() / sizes.sum(), -1
    target, ends = 0.0, []
    for place, part in enumerate(parts[:-1]):
        target += shares[part]
        left = len(parts) - 1 - place  # parts that come later, each with a time of its own
        free = np.arange(last + 1, len(times) - left)
        last = int(free[np.abs(before[free] - target).argmin()])
        ends.append(times[last])
    return (
        pd.Series(parts, dtype=object)
        .reindex(np.searchsorted(ends, main.rows["time"]))
        .set_axis(main.rows.index)
    )


def cut_groups(main: Reading, shares: dict[str, float]) -> pd.Series:
    """The part of each row: groups as wholes, the classes in proportion as far as that goes.

    Where the train part would lack a class, its smallest group is learned from, and all others are
    placed anew. That depends on nothing but the file.
    """
    rows, parts = main.rows, len(shares)
    counts = pd.crosstab(rows["group"], rows["stratum"] if "stratum" in rows else rows["label"])
    check_enough(main, len(counts), parts, "GROUP_COLUMN", "different groups")
    keys = [files.sha256_bytes(f"{corpora.SPLIT_SEED}{name}".encode()) for name in counts.index]
    table, has = counts.to_numpy(float), labels_of_groups(rows, counts.index)
    sizes = table.sum(axis=1)
    order, fixed = np.lexsort((keys, -sizes)), []
    while True:
        chosen = placed(table, [*shares.values()], order, fixed)
        fill_with_groups(chosen, sizes, has, parts)
        lacks = np.flatnonzero(~has[chosen == 0].any(axis=0))
        if not len(lacks) or len(fixed) > len(table) - parts:
            break
        able = np.flatnonzero(has[:, lacks[0]])
        fixed.append(int(able[sizes[able].argmin()]))
    return rows["group"].map(dict(zip(counts.index, np.array([*shares])[chosen], strict=True)))


def labels_of_groups(rows: pd.DataFrame, groups: pd.Index) -> np.ndarray:
    """Whether each group has a row of each class or label, shape (G, C); C is 0 for numbers."""
    if pd.api.types.is_float_dtype(rows["label"]):
        return np.zeros((len(groups), 0), bool)
    flat = rows[["group", "label"]].explode("label")
    return (pd.crosstab(flat["group"], flat["label"]).reindex(groups, fill_value=0) > 0).to_numpy()


def placed(
    table: np.ndarray, shares: list[float], order: np.ndarray, fixed: list[int]
) -> np.ndarray:
    """The part of each group, shape (G,), 0 is train.

    The largest groups come first, groups of one size in the order of a hash of their names. Each
    goes where the sum of (rows there − rows wanted)² / rows wanted, over parts and classes, grows
    least.

    Args:
        table: rows per group and class, shape (G, C).
        shares: of each part.
        order: of the groups.
        fixed: groups that are learned from, whatever the sum.
    """
    wanted = np.outer(shares, table.sum(axis=0))
    there, chosen = np.zeros_like(wanted), np.zeros(len(table), int)
    there[0] = table[fixed].sum(axis=0)
    for group in order[~np.isin(order, fixed)]:
        growth = (2 * (there - wanted) + table[group]) * table[group] / wanted
        chosen[group] = growth.sum(axis=1).argmin()
        there[chosen[group]] += table[group]
    return chosen


def fill_with_groups(chosen: np.ndarray, sizes: np.ndarray, has: np.ndarray, parts: int) -> None:
    """Move a group to each part that is empty or lacks a class, where the train part can spare it.

    Args:
        chosen: the part of each group, shape (G,), 0 is train; changed in place.
        sizes: rows of each group, shape (G,).
        has: whether it has a row of each class, shape (G, C).
    """
    has = np.hstack([np.ones((len(has), 1), bool), has])  # "any group at all", as if a class
    for part in range(1, parts):
        for column in range(has.shape[1]):
            if has[chosen == part, column].any():
                continue
            train = chosen == 0
            twice = has[train].sum(axis=0) > 1  # classes that train keeps without one group
            able = np.flatnonzero(train & has[:, column] & (~has | twice).all(axis=1))
            if len(able):
                chosen[able[sizes[able].argmin()]] = part


def check_enough(main: Reading, found: int, least: int, setting: str, what: str) -> None:
    """Raise `LabelError` if there are fewer groups or times than parts."""
    if found < least:
        raise LabelError(
            f"{main.table.path.name!r} has {found} {what}; the {least} parts that are cut need at "
            f"least one each. Is it the right column? If so, leave {setting} away: then the parts "
            "are cut row by row, and a figure on the test part holds for the same groups and "
            "times only."
        )


def remarks_on_parts(
    main: Reading,
    parts: dict[str, pd.DataFrame],
    names: list[str] | None,
    given: Iterable[str],
    columns: Columns,
) -> list[str]:
    """What should be known about parts that keep groups or time; or that break a likely group.

    Args:
        names: of the classes or labels; None for numbers.
        given: the parts whose files were given apart.
    """
    found = []
    if not columns.group:
        likely = columns.watched(main.table.header).get("group")
        found += remarks_on_straddling(parts, likely, columns.missing)
    if not (columns.group or columns.time):
        return found
    if columns.group:
        sizes = pd.concat(parts.values())["group"].value_counts()
        found.append(
            f"{len(sizes):,} groups of {columns.group!r}, none of them in two parts; the largest "
            f"has {sizes.iloc[0]:,} row(s)"
        )
    if columns.time:
        spans = (f"{part} {span_of(rows)}" for part, rows in parts.items())
        found.append(f"in the order of {columns.time!r}: {', '.join(spans)}")
    again = main.dropped["row"][main.dropped["reason"] == AGAIN]
    if len(again):
        found.append(
            f"{len(again):,} row(s) are left out because their group comes again in a later part: "
            "no group stands in two parts, and the past comes first"
        )
        lost = called(again.map(main.lost), names)
        found += notes_on_labels(AGAIN, lost, called(main.rows["label"], names))
    cut = {part: len(parts[part]) for part in shares_of(given)}
    off = [len(rows) / sum(cut.values()) for rows in (parts[part] for part in cut)]
    wanted = shares_of(given).values()
    if any(abs(one - other) > OFF for one, other in zip(off, wanted, strict=True)):
        shares = ", ".join(f"{part} {share:.0%}" for part, share in zip(cut, off, strict=True))
        meant = ", ".join(f"{share:.0%}" for share in wanted)
        found.append(
            f"the parts are {shares} of the rows, not {meant}, because what belongs together stays "
            "together"
        )
    return found


def called(labels: pd.Series, names: list[str] | None) -> pd.Series:
    """Labels by name, one after another where a text has several; numbers as they are."""
    if names is None:
        return labels
    return labels.explode().dropna().map(lambda own: own if isinstance(own, str) else names[own])


def remarks_on_straddling(
    parts: dict[str, pd.DataFrame], column: str | None, missing: frozenset[str]
) -> list[str]:
    """A note if rows that seem to belong together stand in more than one part.

    Args:
        column: the one that is called like a group; None if there is none.
        missing: cells of it that stand for no group.
    """
    if column is None:
        return []
    rows = pd.concat([rows.assign(part=part) for part, rows in parts.items()])
    groups = rows[~rows["group"].fillna("").str.lower().isin(missing)].groupby("group")["part"]
    repeated = groups.size()[groups.size() > 1]
    if len(repeated) < MANY_GROUPS or repeated.sum() < REPEATED * len(rows):
        return []
    torn = int((groups.nunique() > 1).sum())
    return [
        f"{torn:,} of {len(repeated):,} values of {column!r} that repeat have rows in more than "
        "one part. If such rows belong together, the test part holds what was partly learned: set "
        f'GROUP_COLUMN = "{column}"'
    ] * (torn > 0)


def span_of(rows: pd.DataFrame) -> str:
    """From when to when the rows of a part are."""
    ordered = rows.sort_values("time")["when"]
    return f"{ordered.iloc[0]} to {ordered.iloc[-1]}"
