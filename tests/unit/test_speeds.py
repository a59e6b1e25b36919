"""Recorded speeds: compared within a round, with an interval, on one processor."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers import checkpoints, plots, speedups
from helpers.measured import speeds


def rounds(**lines: list[float]) -> pd.DataFrame:
    """Rows of a benchmark: a line's speed in each round."""
    return pd.DataFrame(
        [
            {"round": number, "line": line, "samples_per_second": speed}
            for line, of_line in lines.items()
            for number, speed in enumerate(of_line)
        ]
    )


def test_the_rows_are_those_of_one_processor():
    first, other = (speeds.recorded("one_change_at_a_time", name) for name in ("", "AMD"))
    assert first["processor"].nunique() == other["processor"].nunique() == 1
    assert "amx" in first["processor"].iloc[0] and "AMD" in other["processor"].iloc[0]


def test_a_processor_that_was_not_there_is_named_with_those_that_were():
    with pytest.raises(ValueError, match=r'No "Z80" among the processors .*AMD EPYC'):
        speeds.recorded("one_change_at_a_time", "Z80")


def test_a_gain_is_taken_within_a_round():
    """The second round runs at half the speed; both ratios are 2, and the interval is narrow."""
    table = speeds.gains(rounds(slow=[10, 5, 20], quick=[20.2, 9.9, 40]), {"quick": "slow"})
    assert table.loc["quick", "mean"] == pytest.approx(2, rel=0.01)
    assert 1.9 < table.loc["quick", "low"] < 2 < table.loc["quick", "high"] < 2.1
    assert table.loc["quick", ["before", "after"]].tolist() == [10, 20.2]


def test_a_round_that_one_of_the_two_lacks_does_not_count():
    table = speeds.gains(rounds(slow=[10, 10, 10], quick=[20, 22]), {"quick": "slow"})
    assert table.loc["quick", "rounds"] == 2


def test_the_interval_is_students_of_the_logarithms():
    ratios = pd.Series([1.1, 1.3, 0.9, 1.2])
    found, logs = speeds.interval(ratios), np.log(ratios)
    low, high = stats.t.interval(0.95, 3, logs.mean(), stats.sem(logs))
    assert list(found.values()) == pytest.approx(np.exp([logs.mean(), low, high]).tolist())


def test_turned_over_it_is_turned_over():
    ratios = pd.Series([1.1, 1.3, 0.9])
    one, other = speeds.interval(ratios), speeds.interval(1 / ratios)
    turned = [1 / other[name] for name in ("mean", "high", "low")]
    assert list(one.values()) == pytest.approx(turned)


def test_the_ladder_leads_from_its_first_line_to_its_last_without_a_gap():
    lines = [speeds.PADDED, *speeds.LADDER]
    assert list(speeds.LADDER.values()) == lines[:-1] and lines[-1] == speeds.LAST


def test_differences_are_those_of_the_same_seed_and_processor():
    columns = ["processor", "seed", "configuration", "accuracy"]
    runs = [("a", 0, "x", 0.8), ("a", 0, "y", 0.7), ("b", 0, "x", 0.5), ("b", 0, "y", 0.6)]
    runs += [("b", 1, "x", 0.9)]
    found = speeds.differences(pd.DataFrame(runs, columns=columns), "x", "y", "accuracy")
    assert found.tolist() == pytest.approx([0.1, -0.1])


def test_growth_is_from_the_smallest_size_to_sixteen_times_of_it_in_each_round():
    rows = pd.DataFrame({"size": [2, 32, 64, 2, 32], "seconds_taken": [1, 12, 99, 3, 30]})
    rows = rows.assign(what="f", varied="texts", round=[0, 0, 0, 1, 1], peak_memory_mb=100)
    assert speeds.grown(rows, "f", "texts") == {"time": [10, 12], "memory": [1, 1]}


def test_shares_are_of_the_undisturbed_speed_of_the_same_round():
    rows = [("default", 2, 0, 0, 10), ("default", 2, 1, 0, 20)]
    rows += [("default", 2, 0, 1, 5), ("default", 2, 1, 1, 2), ("asleep", 2, 0, 1, 9)]
    columns = ["policy", "threads", "round", "busy", "sentences_per_second"]
    found = speeds.shares(pd.DataFrame(rows, columns=columns), busy=1)
    assert found.loc[("default", 2)].tolist() == pytest.approx([0.3, 0.1, 0.5])
    assert found.loc[("asleep", 2), "median"] == pytest.approx(0.9)


def test_a_forest_of_ratios_is_grey_where_no_difference_is_shown():
    table = pd.DataFrame({"mean": [2.0, 1.0], "low": [1.5, 0.9], "high": [2.5, 1.2]}, ["a", "b"])
    _, axes = plots.new(5, 2)
    plots.ratios(axes, table, (0.8, 3))
    points = [line for line in axes.lines if line.get_marker() == "o"]
    assert [point.get_color() for point in points] == [plots.BLUE, plots.GREY]
    assert [float(np.ravel(point.get_xdata())[0]) for point in points] == [2.0, 1.0]
    assert [text.get_text() for text in axes.texts] == [
        "2.00 (1.50 to 2.50)",
        "1.00 (0.90 to 1.20)",
    ]


def test_the_librarys_dropout_goes_back_in_and_the_logits_stay():
    _, model = checkpoints.load(pretrained=False, num_hidden_layers=1, hidden_size=24)
    ids = torch.tensor([[101, 102]])
    with torch.no_grad():
        before = model.eval()(ids).logits
        speedups.library_dropout(model)
        kinds = {type(part) for part in model.modules() if isinstance(part, torch.nn.Dropout)}
        assert kinds == {torch.nn.Dropout}
        assert torch.equal(model(ids).logits, before)
