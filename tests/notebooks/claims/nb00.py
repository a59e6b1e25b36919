"""What 00_start_here says about its numbers. Bands: five seeds on each of two processors."""

import hashlib
import random
from unittest.mock import patch

import numpy as np
import torch

from helpers.measured import table
from tests.notebooks.claims import after


def recorded(quantity):
    """What other seeds gave, as recorded."""
    rows = table("notebook_bands")
    here = (rows["notebook"] == "00_start_here") & (rows["quantity"] == quantity)
    assert here.sum() >= 5
    return rows.loc[here, "value"]


@after("daad99b6")
def the_machine_has_what_the_course_needs():
    """Section 3: this is a machine on which the course runs."""
    assert tuple(map(int, torch.__version__.split("+")[0].split(".")[:2])) >= (2, 11)


@after("daad99b6")
def the_last_line_is_the_precision_of_training(runtime):
    """Section 3: "The last line is the precision that training will use here"."""
    last = runtime.describe()["this machine"].tail(1)
    assert last.index[0] == "precision"
    assert last.iloc[0] == str(runtime.best_precision(runtime.best_device())).split(".")[1]


@after("e6c7f549")
def short_numbers_must_be_half_as_fast_again(runtime):
    """Section 3: "decides for bfloat16 only where it is at least 1.5 times as fast"."""
    measure = runtime.best_precision.__wrapped__
    for gain, chosen in ((1.4, torch.float32), (1.6, torch.bfloat16)):
        speed = {torch.float32: 1.0, torch.bfloat16: gain}
        with patch.object(runtime, "matmul_tflops", lambda dtype, *_, s=speed: s[dtype]):
            assert measure(torch.device("cpu")) == chosen


@after("118de14f")
def another_seed_gives_other_numbers():
    """Section 3: two lines of three are equal."""
    lines = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        lines.append(torch.randint(100, (5,)).tolist())
    assert lines[0] == lines[1] != lines[2]


@after("922fbf2e")
def set_seed_seeds_three_libraries(runtime):
    """Section 3: "Three libraries draw numbers in this course, so three are seeded"."""
    drawn = []
    for seed in (7, 7, 8):
        runtime.set_seed(seed)
        drawn.append((random.random(), np.random.rand(), torch.rand(1).item()))
    assert drawn[0] == drawn[1]
    assert all(a != b for a, b in zip(drawn[1], drawn[2], strict=True))


@after("89e2fead")
def the_weights_are_the_right_ones(found, expected, megabytes):
    """Section 3: 91 MB, and a fingerprint of 64 characters equal to the listed one."""
    assert found == expected and len(found) == 64
    assert round(megabytes) == 91


@after("89e2fead")
def one_changed_byte_gives_another_fingerprint(weights, expected):
    """Section 3: "One changed byte gives another fingerprint"."""
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    assert hashlib.sha256(changed).hexdigest() != expected


@after("a4acb7b1")
def an_untrained_head_is_undecided(before):
    """Section 4: "so close to half and half". Ten runs gave 0.490 to 0.505 (notebook_bands.csv)."""
    assert 0.48 < before[1] < 0.52


@after("a4acb7b1")
def the_encoder_has_six_layers(model):
    """Section 3: "a small BERT with 6 layers"."""
    assert model.config.num_hidden_layers == 6


@after("1f45fed2")
def an_untrained_model_is_a_coin(untrained, validation_labels):
    """Section 4: 53 % of 853; half of the recorded range is added on each side."""
    assert len(validation_labels) == 853
    assert 0.44 < untrained < 0.56


@after("1f45fed2")
def five_random_heads_were_close_to_a_coin():
    """Section 4: "Five random heads … gave between 47 and 53 %" (notebook_bands.csv)."""
    heads = recorded("untrained")
    assert (round(heads.min(), 2), round(heads.max(), 2)) == (0.47, 0.53)


@after("ed86889c", learning=True)
def a_minute_of_training_makes_three_out_of_four(tuned):
    """Section 5: "about three out of four". Ten runs gave 0.748 to 0.774 (notebook_bands.csv)."""
    assert 0.735 < tuned < 0.787


@after("ed86889c", learning=True)
def training_gains_more_than_twenty_points(untrained, tuned):
    """Section 5, "From a coin to …", on one seed. Ten runs gained 0.226 to 0.293."""
    assert tuned - untrained > 0.2


@after("ed86889c")
def a_third_of_the_training_sentences_was_shown(few, reviews):
    """Section 5: "with a third of the training sentences"."""
    assert 0.32 < len(few) / len(reviews["train"]) < 0.35


@after("c1b2ffde", learning=True)
def the_sentence_is_now_called_positive(before, after):
    """Section 5: 0.5 before, "about 90 %" after. Ten runs gave 0.887 to 0.911 after."""
    assert 0.86 < after[1] < 0.94
    assert after[1] - before[1] > 0.35


@after("175c83f4")
def the_error_is_three_points_with_853_and_ten_with_75(standard_error):
    """Section 6, and the quiz: the standard error of 53 % is "almost two points"."""
    assert round(2 * standard_error(0.75, 853), 2) == 0.03
    assert round(2 * standard_error(0.75, 75), 2) == 0.10
    assert round(standard_error(0.53, 853), 3) == 0.017


@after("175c83f4")
def a_report_of_73_percent_means_63_to_83(standard_error):
    """Section 6: "Whoever reports 73 % on 75 examples has said: … between 63 and 83 %"."""
    twice = 2 * standard_error(0.73, 75)
    assert (round(0.73 - twice, 2), round(0.73 + twice, 2)) == (0.63, 0.83)
