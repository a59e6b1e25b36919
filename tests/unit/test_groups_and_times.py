"""Parts of one's own file that keep groups whole, or the order of time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.dummy import DummyClassifier

from helpers import own_data, validation
from helpers.own_data.grouping import fill_with_groups, moment
from tools import own_file

WORDS = ["late again", "never came", "works fine", "looks lovely", "too small", "smells odd"]
PARTS = ["train", "validation", "test"]
FAST = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def table(n=120, **columns):
    """A file of n texts of two classes that alternate, with further columns."""
    texts = [f"text number {i} is {WORDS[i % 6]}" for i in range(n)]
    labels = ["ham" if i % 2 else "spam" for i in range(n)]
    return pd.DataFrame({"text": texts, "label": labels} | columns)


def load(folder, rows, text="text", label="label", name="mine.csv", **options):
    """The file, loaded; every row is in a part or left out."""
    path = folder / name
    rows.to_csv(path, index=False)
    mine = own_data.load(path, text, label, **options)
    assert mine.rows == sum(map(len, mine.datasets.values())) + len(mine.dropped)
    return mine


def cells(mine, rows, column):
    """The cells of a column of the file, part by part."""
    found = {part: [rows[column][row - 2] for row in mine.datasets[part]["row"]] for part in PARTS}
    assert all(found.values())
    return found


def assert_no_group_in_two_parts(found):
    train, validation, test = (set(found[part]) for part in PARTS)
    assert not (train & validation | train & test | validation & test)


def assert_in_order(found):
    assert max(found["train"]) < min(found["validation"])
    assert max(found["validation"]) < min(found["test"])


def shares(mine):
    sizes = [len(mine.datasets[part]) for part in PARTS]
    return [size / sum(sizes) for size in sizes]


# ---------------------------------------------------------------- groups


@given(sizes=st.lists(st.integers(1, 9), min_size=20, max_size=60))
@FAST
def test_no_group_stands_in_two_parts(sizes, tmp_path):
    groups = [f"g{number}" for number, size in enumerate(sizes) for _ in range(size)]
    rows = table(len(groups), customer=groups)
    mine = load(tmp_path, rows, group_column="customer")
    found = cells(mine, rows, "customer")
    assert_no_group_in_two_parts(found)
    for share, wanted in zip(shares(mine), (0.7, 0.1, 0.2), strict=True):
        assert abs(share - wanted) <= 9 / len(groups) + 0.01
    for part in PARTS:
        assert set(mine.datasets[part]["label"]) == {0, 1}
    assert any("groups of 'customer', none of them in two parts" in note for note in mine.notes)


def test_rows_alone_would_tear_the_groups_apart_and_a_note_says_so(tmp_path):
    rows = table(customer=[f"g{i // 4}" for i in range(120)])
    mine = load(tmp_path, rows)
    with pytest.raises(AssertionError):
        assert_no_group_in_two_parts(cells(mine, rows, "customer"))
    [note] = [note for note in mine.notes if "GROUP_COLUMN" in note]
    assert "of 30 values of 'customer' that repeat" in note and '= "customer"' in note
    assert not any("GROUP_COLUMN" in note for note in load(tmp_path, table()).notes)
    once = table(customer=[f"g{i}" for i in range(120)])
    assert not any("GROUP_COLUMN" in note for note in load(tmp_path, once).notes)
    few = table(customer=[f"g{i % 5}" for i in range(120)])
    assert not any("GROUP_COLUMN" in note for note in load(tmp_path, few).notes)
    other = table(colour=[f"g{i // 4}" for i in range(120)])
    assert not any("GROUP_COLUMN" in note for note in load(tmp_path, other).notes)


def test_groups_are_cut_the_same_way_whatever_the_order_of_the_rows(tmp_path):
    rows = table(customer=[f"g{i // 3}" for i in range(120)])
    other = rows.sample(frac=1, random_state=1, ignore_index=True)
    first = cells(load(tmp_path, rows, group_column="customer"), rows, "customer")
    second = cells(load(tmp_path, other, group_column="customer"), other, "customer")
    assert {part: set(found) for part, found in first.items()} == {
        part: set(found) for part, found in second.items()
    }


def test_groups_written_in_two_ways_are_one(tmp_path):
    names = [f"{('Ana', 'ana ')[i % 2]} {i // 4}" for i in range(120)]
    rows = table(customer=names)
    found = cells(load(tmp_path, rows, group_column="customer"), rows, "customer")
    keys = {part: [" ".join(name.lower().split()) for name in own] for part, own in found.items()}
    assert_no_group_in_two_parts(keys)


def test_the_parts_say_which_group_a_row_has_so_that_folds_can_keep_it(tmp_path):
    rows = table(customer=[f"{('Ana', 'ana ')[i % 2]} {i // 4}" for i in range(120)])
    train = load(tmp_path, rows, group_column="customer").datasets["train"]
    assert set(train["group"]) < {f"ana {number}" for number in range(30)}
    fold = validation.cross_validate(train, validation.Estimator(DummyClassifier()), groups="group")
    for group in set(train["group"]):
        assert len(set(fold.fold[np.array(train["group"]) == group])) == 1
    assert "group" not in load(tmp_path, rows).datasets["train"].column_names


@pytest.mark.parametrize("written", ["{}", "{}.0", "00{}", " {} "])
def test_a_group_is_one_however_a_program_wrote_its_number(written, tmp_path):
    """A column of whole numbers with an empty cell is often written as 12.0 instead of 12."""
    rows = table(customer=[float(i // 4) for i in range(120)])
    test = apart(tmp_path, "test.csv", customer=[written.format(i // 4) for i in range(40)])
    mine = load(tmp_path, rows, group_column="customer", test=test)
    assert len(mine.dropped) == 40
    assert set(mine.dropped["reason"]) == {"its group is also in 'test.csv'"}


def test_cells_that_mean_empty_are_no_group_that_repeats(tmp_path):
    rows = table(user_id=["null"] * 60 + [f"g{i // 2}" for i in range(22)] + list(range(38)))
    assert not any("GROUP_COLUMN" in note for note in load(tmp_path, rows).notes)


def test_a_row_without_a_group_is_left_out_and_listed(tmp_path):
    groups = [f"g{i // 4}" for i in range(120)]
    groups[7], groups[50], groups[51] = "", "nan", " "
    mine = load(tmp_path, table(customer=groups), group_column="customer")
    assert list(mine.dropped["row"]) == [9, 52, 53] and set(mine.dropped["reason"]) == {"no group"}
    rows = table(customer=[*groups[:60], *[""] * 60])
    notes = load(tmp_path, rows, group_column="customer").notes
    assert any("(52%) are left out" in note and note.endswith("no group") for note in notes)


def test_a_group_larger_than_a_part_is_learned_from(tmp_path):
    groups = ["large"] * 80 + [f"g{i // 4}" for i in range(40)]
    mine = load(tmp_path, rows := table(customer=groups), group_column="customer")
    found = cells(mine, rows, "customer")
    assert_no_group_in_two_parts(found)
    assert "large" in found["train"]
    huge = ["large"] * 110 + [f"g{i}" for i in range(10)]
    mine = load(tmp_path, rows := table(customer=huge), group_column="customer")
    assert "large" in cells(mine, rows, "customer")["train"]
    assert any(note.startswith("the parts are train 9") and "70%" in note for note in mine.notes)
    assert any("the largest has 110 row(s)" in note for note in mine.notes)


def test_three_large_groups_fill_three_parts(tmp_path):
    rows = table(customer=[f"g{i // 40}" for i in range(120)])
    found = cells(load(tmp_path, rows, group_column="customer"), rows, "customer")
    assert sorted(map(len, found.values())) == [40, 40, 40]
    assert_no_group_in_two_parts(found)


def test_too_few_groups(tmp_path):
    rows = table(customer=[f"g{i % 2}" for i in range(120)])
    with pytest.raises(own_data.LabelError, match="has 2 different groups; the 3 parts") as error:
        load(tmp_path, rows, group_column="customer")
    assert "leave GROUP_COLUMN away" in str(error.value)


def test_a_class_of_which_no_group_is_left_to_learn_from(tmp_path):
    """Its rows are one group; where it goes, two parts lack it."""
    rows = table(customer=[f"g{i // 4}" for i in range(120)])
    rows.loc[:11, ["label", "customer"]] = ["eggs", "farm"]
    mine = load(tmp_path, rows, group_column="customer")
    found = [note for note in mine.notes if "has no row of 'eggs'" in note]
    assert [note.split()[1] for note in found] == ["validation", "test"]
    assert mine.names.index("eggs") in mine.datasets["train"]["label"]


def test_a_part_without_a_class_gets_the_smallest_group_with_it_that_train_can_spare():
    rows_per_class = np.array([[4, 0], [4, 2], [3, 1], [5, 0], [5, 0]], float)
    chosen = np.array([0, 0, 0, 1, 2])
    fill_with_groups(chosen, rows_per_class.sum(axis=1), rows_per_class > 0, 3)
    assert chosen.tolist() == [0, 0, 1, 1, 2]  # group 1 is the last of train with that class


def test_a_class_is_learned_from_if_it_can_be(tmp_path):
    """By size alone its only group would go to the test part."""
    sizes = {"first": 400, "second": 350, "third": 310} | {f"g{i}": 1 for i in range(20)}
    groups = [name for name, size in sizes.items() for _ in range(size)]
    rows = table(len(groups), label="ham", customer=groups)
    rows.loc[750:759, "label"] = "eggs"
    mine = load(tmp_path, rows, group_column="customer")
    assert mine.names.index("eggs") in mine.datasets["train"]["label"]
    found = cells(mine, rows, "customer")
    assert_no_group_in_two_parts(found)
    assert set(found["test"]) == {"second"}


def test_each_label_of_several_is_learned_from_if_it_can_be(tmp_path):
    """Also one that comes with a rarer one only, and in one group."""
    sizes = {"first": 400, "second": 350, "third": 310} | {f"g{i}": 1 for i in range(20)}
    groups = [name for name, size in sizes.items() for _ in range(size)]
    rows = table(len(groups), label="ham", customer=groups)
    rows.loc[[*range(12), *range(750, 762)], "label"] = "eggs"
    rows.loc[750:761, "label"] = "eggs;jam"
    rows.loc[12:13, "label"] = "spam"
    rows.loc[[14, 15, *range(410, 420)], "label"] = "spam"
    mine = load(tmp_path, rows, group_column="customer", label_separator=";")
    has = np.array(mine.datasets["train"]["label"])
    assert has.any(axis=0).all()


def test_classes_that_are_one_group_each_leave_no_other_part(tmp_path):
    rows = table(customer=[f"g{i // 40}" for i in range(120)])
    rows["label"] = [("eggs", "ham", "spam")[i // 40] for i in range(120)]
    with pytest.raises(own_data.LabelError) as error:
        load(tmp_path, rows, group_column="customer")
    assert "in too few groups" in str(error.value) or "belong to groups" in str(error.value)
    assert "again" not in str(error.value)


def test_a_class_of_three_groups_is_in_each_part(tmp_path):
    rows = table(400, customer=[f"g{i // 4}" for i in range(400)])
    for place in (0, 100, 200):
        rows.loc[place : place + 3, "label"] = "eggs"
    mine = load(tmp_path, rows, group_column="customer")
    assert all(mine.names.index("eggs") in mine.datasets[part]["label"] for part in PARTS)
    assert_no_group_in_two_parts(cells(mine, rows, "customer"))


# ---------------------------------------------------------------- time


@given(seed=st.integers(0, 2**16), days=st.integers(5, 200))
@FAST
def test_learned_from_before_chosen_by_before_tested_on(seed, days, tmp_path):
    rng = pd.Series(range(120)).sample(frac=1, random_state=seed).to_numpy() % days
    dates = (pd.Timestamp("2024-01-31") + pd.to_timedelta(rng, "D")).strftime("%Y-%m-%d")
    rows = table(date=dates)
    mine = load(tmp_path, rows, time_column="date")
    found = cells(mine, rows, "date")
    assert_in_order(found)
    largest = rows["date"].value_counts().max() / 120
    assert abs(shares(mine)[0] - 0.7) <= largest + 0.01
    assert abs(shares(mine)[2] - 0.2) <= 2 * largest + 0.01
    [note] = [note for note in mine.notes if "in the order of 'date'" in note]
    assert f"train {min(found['train'])} to {max(found['train'])}, validation" in note


def test_seventy_ten_and_twenty_per_cent_where_no_time_repeats(tmp_path):
    rows = table(year=list(range(1, 121)))
    mine = load(tmp_path, rows, time_column="year")
    assert [len(mine.datasets[part]) for part in PARTS] == [84, 12, 24]
    assert_in_order(cells(mine, rows, "year"))  # as numbers: 9 before 10
    assert mine.datasets["train"]["row"][:] != sorted(mine.datasets["train"]["row"])


def test_three_years_are_three_parts(tmp_path):
    rows = table(year=[2022 + i % 3 for i in range(120)])
    mine = load(tmp_path, rows, time_column="year")
    assert {part: set(own) for part, own in cells(mine, rows, "year").items()} == {
        "train": {2022}, "validation": {2023}, "test": {2024},
    }  # fmt: skip
    assert any("the parts are train 33%" in note for note in mine.notes)
    with pytest.raises(own_data.LabelError, match="2 different times; the 3 parts"):
        load(tmp_path, table(year=[2022 + i % 2 for i in range(120)]), time_column="year")


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("2024-03-31", "2024-04-01"),
        ("2024-03-31 09:05", "2024-03-31 10:00"),
        ("2024-03-31T23:00:00+00:00", "2024-03-31T20:00:00-05:00"),
        ("2024-03", "2024-11"),
        ("999", "1000.5"),
        ("20240331", "20240401"),
        ("2024/3/9", "2024-03-10"),
        ("2024.03.31 9:05", "2024.03.31 10:00:30.5"),
        ("2024/9", "2024/10"),
        ("2024-03-31 14:05:00 UTC", "2024-03-31T14:05:01Z"),
        ("2024-03-31 16:05:00 +0200", "2024-03-31 14:05:01 GMT"),
        ("2024-W05", "2024-W06-3"),
        ("20240331T1405", "20240331T1406"),
        ("-3", "2"),
    ],
)
def test_times_are_put_in_their_order(earlier, later):
    (kind, one), (same, other) = moment(earlier), moment(later)
    assert kind == same and one < other


@pytest.mark.parametrize(
    "cell",
    ["03/04/2024", "31.03.2024", "March 3", "2024-13-01", "2024/31/12", "2024-3/1", "soon"],
)
def test_a_time_that_may_mean_two_things_is_not_read(cell, tmp_path):
    assert moment(cell) is None
    dates = [f"2024-01-{1 + i % 28:02}" for i in range(120)]
    mine = load(tmp_path, table(date=[cell, *dates[1:]]), time_column="date")
    assert [*mine.dropped["reason"]] == ["the time cannot be read"]
    with pytest.raises(own_data.FileError, match="cannot be put in order for sure") as error:
        load(tmp_path, table(date=[cell] * 3 + dates[3:]), time_column="date")
    assert f"such as {cell!r} in row 2" in str(error.value) and "2024-03-31" in str(error.value)


@pytest.mark.parametrize("form", ["%d%m%Y", "%m%d%Y", "%m.%Y"])
def test_dates_with_the_year_at_the_end_are_no_numbers(form, tmp_path):
    """As numbers, 1 February 2024 (1022024) would come before 31 January (31012024)."""
    dates = pd.date_range("2022-01-05", periods=120, freq="6D").strftime(form)
    with pytest.raises(own_data.FileError, match=r"120 cells of 'date' .* in order for sure"):
        load(tmp_path, table(date=dates), time_column="date")
    with pytest.raises(own_data.FileError, match="in order for sure"):
        load(tmp_path, table(date=dates.str.lstrip("0")), time_column="date")


def test_times_of_two_kinds_and_rows_without_a_time(tmp_path):
    dates = [f"2024-01-{1 + i % 28:02}" for i in range(120)]
    with pytest.raises(own_data.FileError, match=r"of different kinds: .+a number"):
        load(tmp_path, table(date=["2024", *dates[1:]]), time_column="date")
    with pytest.raises(own_data.FileError, match="a date with a time zone"):
        load(tmp_path, table(date=[dates[0] + "T00:00Z", *dates[1:]]), time_column="date")
    mine = load(tmp_path, table(date=["", *dates[1:]]), time_column="date")
    assert [*mine.dropped["reason"]] == ["no time"]


def test_a_class_that_came_up_later_cannot_be_learned(tmp_path):
    rows = table(year=list(range(120)))
    rows.loc[100:, "label"] = "eggs"
    with pytest.raises(own_data.LabelError, match="train part has no row of the class 'eggs'"):
        load(tmp_path, rows, time_column="year")
    rows = table(year=list(range(120)))
    rows.loc[:20, "label"] = "eggs"
    notes = load(tmp_path, rows, time_column="year").notes
    assert sum("has no row of 'eggs'" in note for note in notes) == 2


# ---------------------------------------------------------------- both, and other kinds of file


def test_with_both_no_group_is_in_two_parts_and_the_past_comes_first(tmp_path):
    rows = table(240, year=list(range(240)), customer=[f"g{i // 5}" for i in range(240)])
    rows.loc[[3, 5, 170], "customer"] = ["late", "mid", "mid"]
    rows.loc[230, "customer"] = "late"
    mine = load(tmp_path, rows, group_column="customer", time_column="year")
    assert_no_group_in_two_parts(cells(mine, rows, "customer"))
    assert_in_order(cells(mine, rows, "year"))
    lost = mine.dropped[mine.dropped["reason"] == "its group comes again in a later part"]
    assert {5, 7} <= set(lost["row"]) and len(lost) < 12
    assert any(note.startswith(f"{len(lost)} row(s) are left out") for note in mine.notes)
    always = table(year=list(range(120)), customer=[f"g{i % 6}" for i in range(120)])
    with pytest.raises(own_data.LabelError, match=r"left for the train part"):
        load(tmp_path, always, group_column="customer", time_column="year")


def test_a_class_that_loses_its_rows_to_groups_that_come_again_is_noticed(tmp_path):
    customers = [f"g{i % 12}" if i % 2 and i % 7 else f"once {i}" for i in range(240)]
    rows = table(240, year=list(range(240)), customer=customers)
    both = {"group_column": "customer", "time_column": "year"}
    told = [note for note in load(tmp_path, rows, **both).notes if "depends on the label" in note]
    assert len(told) == 1 and "rows labelled 'ham', but 0 of" in told[0]
    rows["label"] = [i + 300 * (i % 2) for i in range(240)]
    notes = load(tmp_path, rows, regression=True, **both).notes
    assert sum("depends on the label: its mean is" in note for note in notes) == 1


def test_a_likely_group_is_asked_for_where_only_the_time_is_kept(tmp_path):
    rows = table(day=[i * 37 % 120 for i in range(120)], user_id=[f"g{i // 4}" for i in range(120)])
    notes = load(tmp_path, rows, time_column="day").notes
    assert sum('GROUP_COLUMN = "user_id"' in note for note in notes) == 1


def test_numbers(tmp_path):
    rows = table(label=[i * 0.5 for i in range(120)], customer=[f"g{i // 4}" for i in range(120)])
    mine = load(tmp_path, rows, regression=True, group_column="customer")
    assert_no_group_in_two_parts(cells(mine, rows, "customer"))
    means = [sum(own["label"]) / len(own) for own in mine.datasets.values()]
    assert max(means) - min(means) < 15  # of 60: low, middle and high ones are in each part
    rows["day"] = range(120)
    mine = load(tmp_path, rows, regression=True, time_column="day")
    assert_in_order(cells(mine, rows, "day"))


def test_several_labels_and_pairs(tmp_path):
    rows = table(200, customer=[f"g{i // 4}" for i in range(200)], day=list(range(200)))
    rows["tags"] = [["a", "b", "a;b", "c;a"][i % 4] for i in range(200)]
    rows["other"] = [WORDS[i % 5] for i in range(200)]
    options = {"label": "tags", "label_separator": ";"}
    mine = load(tmp_path, rows, group_column="customer", **options)
    assert mine.multi_label and mine.names == ["a", "b", "c"]
    assert_no_group_in_two_parts(cells(mine, rows, "customer"))
    assert_in_order(cells(load(tmp_path, rows, time_column="day", **options), rows, "day"))
    mine = load(tmp_path, rows, text=["text", "other"], group_column="customer")
    assert "text_pair" in mine.datasets["train"].column_names
    assert_no_group_in_two_parts(cells(mine, rows, "customer"))


# ---------------------------------------------------------------- files given apart


def apart(folder, name, **columns):
    """A file of forty other texts."""
    rows = table(40, **columns)
    rows["text"] = [f"{name} {text}" for text in rows["text"]]
    rows.to_csv(folder / name, index=False)
    return folder / name


def test_groups_of_a_test_file_are_not_learned_from(tmp_path):
    rows = table(customer=[f"g{i // 4}" for i in range(120)])
    test = apart(tmp_path, "test.csv", customer=["G3", "g 3", "new", "g9"] * 10)
    mine = load(tmp_path, rows, group_column="customer", test=test)
    assert len(mine.datasets["test"]) == 40
    train, validation = (
        {rows["customer"][row - 2] for row in mine.datasets[part]["row"]} for part in PARTS[:2]
    )
    assert not {"g3", "g9"} & (train | validation) and not train & validation
    assert len(mine.dropped) == 8
    assert set(mine.dropped["reason"]) == {"its group is also in 'test.csv'"}
    dev = apart(tmp_path, "dev.csv", customer=["g9", "g5"] * 20)
    mine = load(tmp_path, rows, group_column="customer", test=test, validation=dev)
    assert len(mine.datasets["validation"]) == 20 and len(mine.datasets["train"]) == 108
    reasons = mine.dropped["reason"].value_counts()
    assert reasons["in 'dev.csv': its group is also in 'test.csv'"] == 20
    assert reasons["its group is also in 'dev.csv'"] == 4


def test_what_is_learned_from_is_before_a_test_file(tmp_path):
    rows = table(day=list(range(120)))
    test = apart(tmp_path, "test.csv", day=list(range(110, 150)))
    mine = load(tmp_path, rows, time_column="day", test=test)
    train, validation = (
        [rows["day"][row - 2] for row in mine.datasets[part]["row"]] for part in PARTS[:2]
    )
    assert max(train) < min(validation) and max(validation) < 110
    assert len(train) == 99 and len(validation) == 11 and len(mine.datasets["test"]) == 40
    assert set(mine.dropped["reason"]) == {"not before the first row of 'test.csv'"}
    dev = apart(tmp_path, "dev.csv", day=list(range(80, 120)))
    mine = load(tmp_path, rows, time_column="day", test=test, validation=dev)
    assert len(mine.datasets["train"]) == 80 and len(mine.datasets["validation"]) == 30


def test_a_validation_file_alone_cannot_be_in_the_order_of_time(tmp_path):
    """What is cut for the test part would come before it."""
    dev = apart(tmp_path, "dev.csv", day=list(range(80, 120)))
    with pytest.raises(own_data.FileError, match=r"'dev\.csv' needs a test file beside it"):
        load(tmp_path, table(day=list(range(120))), time_column="day", validation=dev)


def test_a_file_apart_needs_the_column_too(tmp_path):
    test = apart(tmp_path, "test.csv")
    rows = table(customer=[f"g{i // 4}" for i in range(120)])
    with pytest.raises(own_data.ColumnNotFoundError, match=r"'test\.csv' has no column 'customer'"):
        load(tmp_path, rows, group_column="customer", test=test)


def test_columns_that_are_not_there_or_named_twice(tmp_path):
    rows = table(customer=[f"g{i // 4}" for i in range(120)])
    with pytest.raises(own_data.ColumnNotFoundError) as error:
        load(tmp_path, rows, group_column="costumer")
    assert "Did you mean 'customer'? Set GROUP_COLUMN" in str(error.value)
    with pytest.raises(own_data.ColumnNotFoundError) as error:
        load(tmp_path, rows, time_column="date")
    assert "Set TIME_COLUMN to one of them" in str(error.value)
    with pytest.raises(own_data.ColumnNotFoundError, match=r"^LABEL_COLUMN and GROUP_COLUMN are"):
        load(tmp_path, rows, group_column="label")


def test_the_command_knows_both(tmp_path):
    path = tmp_path / "mine.csv"
    table(day=list(range(120)), customer=[f"g{i // 4}" for i in range(120)]).to_csv(path)
    common = [str(path), "--text", "text", "--label", "label"]
    asked = own_file.parser().parse_args([*common, "--group", "customer", "--time", "day"])
    notes = own_file.loaded(asked).notes
    assert any("'customer', none of them" in note for note in notes)
    assert any("in the order of 'day'" in note for note in notes)
