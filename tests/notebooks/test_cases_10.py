"""Notebook 10's checks beyond the cases that have a hint each: more programs of the same kind."""

import pytest
import torch

from helpers import exercises
from helpers.exercises import nb10
from tests.notebooks.cases.nb10 import CASES, KEEP_RECORDS, N, accumulate, bytes_only, least_ms


@pytest.mark.parametrize("name", CASES)
def test_each_check_is_tried_against_programs_and_not_only_numbers(name):
    right = [answers for answers in CASES[name].right if callable(answers[0])]
    wrong = [answers for answers, _ in CASES[name].wrong if callable(answers[0])]
    assert len(right) >= 2 and len(wrong) >= 6


@pytest.mark.parametrize("program", KEEP_RECORDS)
def test_a_program_that_keeps_an_earlier_record_saves_no_memory(program):
    """Their gradient and their loss are right to the last digit: only when they work is not."""
    loss, gradient, _ = nb10.accumulated(program, 4)
    ours, wanted, _ = nb10.accumulated(accumulate, 4)
    assert abs(loss - ours) < 1e-12 and (gradient - wanted).abs().max() < 1e-12
    verdict = exercises.grade("10-2", program)
    assert verdict.status == "wrong" and "no memory is saved" in verdict.message


def test_the_record_of_a_part_is_gone_once_it_went_backward():
    _, watch = nb10.watched(accumulate, 3)
    assert [len(rows) for rows in watch.rows] == [3, 3, 3, 1]
    assert watch.kept and not any(watch.alive)


def test_bytes_alone_do_not_pass_on_a_slow_processor_with_fast_memory():
    assert exercises.grade("10-3", bytes_only).status == "wrong"


def test_without_the_head_whole_milliseconds_are_the_same_and_the_small_trials_tell():
    """Why the check asks for a function: for BERT-base the head cannot be seen."""
    without = nb10.least(nb10.BERT_BASE, 2, "pooler", "head")
    assert round(without) == round(nb10.least(nb10.BERT_BASE, 2))
    for sizes, speed in zip(nb10.SMALL, nb10.SPEEDS, strict=True):
        whole, parts = nb10.least(sizes, speed), nb10.products(*sizes)
        assert all(nb10.least(sizes, speed, part) < 0.999 * whole for part in parts)


def least_in_float32(*sizes_and_speed):
    return torch.tensor(least_ms(*sizes_and_speed))


def accumulate_in_float32(loss_of, rows, size):
    mean = torch.tensor(0.0)
    for part in torch.tensor(rows).split(size):
        loss = torch.tensor(len(part) / len(rows)) * loss_of(part)
        loss.backward()
        mean += loss.detach()
    return mean.item()


def saved_in_float32(peak, bandwidth):
    n = torch.tensor(float(N))
    return 1000 * torch.stack(
        [torch.tensor(49e9) / peak, torch.maximum(12 * n / peak, 28 * n / bandwidth)]
    )


@pytest.mark.parametrize(
    ("name", "program"),
    [("10-1", least_in_float32), ("10-2", accumulate_in_float32), ("10-3", saved_in_float32)],
)
def test_right_programs_in_float32_are_accepted(name, program):
    assert exercises.grade(name, program).status == "right"
