"""The arithmetic of more machines, on rows whose answers are known."""

import pandas as pd
import pytest

from helpers import checkpoints
from tools import project
from tools.experiments import more_processes as run


def rows(each=0.005, fixed=0.1, saved=0.03, reduce=0.2):
    """Three rounds of a machine whose step takes `fixed` + b × `each` seconds."""
    found = []
    for number in range(3):
        for name, (processes, threads, batch, frozen) in run.CONFIGURATIONS.items():
            slower = 2 / threads
            step = (fixed - saved * frozen + batch / processes * each) * slower
            found.append(
                {
                    "configuration": name,
                    "round": number,
                    "step_seconds": step + reduce * (processes > 1),
                    "all_reduce_seconds": reduce * (processes > 1),
                    "gradient_mb": 44.0 if frozen else 91.0,
                    "memory_mb": 1000,
                    "precision": "bf16",
                    "date": "2026-11-24",
                    "processor": "a processor",
                    "cores": "2",
                    "torch": "2.13.0",
                }
            )
    return pd.DataFrame(found)


def test_costs_of_a_step_are_found():
    cost = run.costs(rows())
    expected = {"each": 0.005, "fixed": 0.1, "fixed_frozen": 0.07, "all": 91e6, "frozen": 44e6}
    assert cost == pytest.approx(expected)


def test_a_ring_sends_what_patarasuk_and_yuan_say():
    assert run.all_reduced(100, 2) == 100
    assert run.all_reduced(100, 4) == 150
    assert run.all_reduced(100, 1) == 0


def test_speed_up_by_hand():
    """Two machines, 91 MB, 1 Gbit/s: 0.728 s to send, 0.26 s alone, 0.18 s with half a batch."""
    cost = run.costs(rows())
    assert run.speed_up(cost, 2, 1, 32) == pytest.approx(0.26 / (0.18 + 0.728))
    frozen = run.speed_up(cost, 2, 10, 32, frozen=True)
    assert frozen == pytest.approx(0.23 / (0.15 + 0.0352))


@pytest.mark.parametrize("machines", run.MACHINES)
@pytest.mark.parametrize("frozen", [False, True])
def test_at_the_break_even_batch_any_number_of_machines_is_as_fast_as_one(machines, frozen):
    cost = run.costs(rows())
    batch = run.break_even(cost, 1, frozen)
    assert run.speed_up(cost, machines, 1, batch, frozen) == pytest.approx(1)
    assert run.speed_up(cost, machines, 1, 2 * batch, frozen) > 1.05


def test_the_page_holds_the_check_and_the_tables():
    text = run.report(rows())
    assert "| sum | 560 | 560 | 560 |" in text
    assert "| measured / sum | 1.00 | 1.00 | 1.00 |" in text
    line = next(x for x in text.splitlines() if x.startswith("| one process, two threads |"))
    assert line.split(" | ")[1:4] == ["3", "32", "260 (260 to 260)"]
    names = [x.split(" | ")[0] for x in text.splitlines() if x.startswith(("| one", "| two proc"))]
    assert names[:3] == [f"| {name}" for name in (run.ONE, run.THREADS, run.TWO)]
    assert "91 MB a step for two" in text and "44 MB a step for two" in text


def test_the_page_on_machines_names_the_size_of_the_gradients():
    _, model = checkpoints.load()
    size = 4 * sum(parameter.numel() for parameter in model.parameters()) / 1e6
    page = " ".join((project.ROOT / "docs" / "more_machines.md").read_text("utf8").split())
    assert f"A step sends gradients of {size:.0f} MB" in page


def test_the_page_is_what_the_recorded_rows_give():
    recorded = run.report(pd.read_csv(run.RESULTS))
    assert (project.ROOT / "docs" / "measured" / "more_processes.md").read_text("utf8") == recorded


def test_the_page_on_machines_quotes_the_measurement():
    recorded = pd.read_csv(run.RESULTS)
    step = 1000 * recorded.groupby("configuration")["step_seconds"].median()
    page = " ".join((project.ROOT / "docs" / "more_machines.md").read_text("utf8").split())
    said = f"{step[run.TWO]:.0f} ms for a step of {run.BATCH} sentences, and one process with both"
    assert f"{said} cores needs {step[run.THREADS]:.0f}." in page
    ratio = next(x for x in run.report(recorded).splitlines() if x.startswith("| measured / sum"))
    assert f"took {ratio.split(' | ')[1]} times what it predicts" in page
    pays = [f"{run.break_even(run.costs(recorded), gigabits):.0f}" for gigabits in (1, 10)]
    assert f"a batch of {pays[0]} on at 1 Gbit/s, of {pays[1]} at 10 Gbit/s" in page
