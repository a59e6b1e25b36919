"""What 00_start_here says about its numbers. Bands: five seeds on each of two processors.

What the twelve sentences do was recorded with five seeds on one processor.
"""

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


@after("423beb26")
def a_rule_about_fun_is_right_once_and_wrong_once(reviews):
    """Section 1: the first sentence obeys the rule, the third does not."""
    first, _, third = reviews["train"].select(range(3))
    assert "funny" in first["text"] and first["label"] == 1
    assert "fun" in third["text"] and third["label"] == 0


@after("423beb26")
def the_parts_are_those_of_the_drawing(reviews):
    """Section 4, the drawing: 5,970, 853 and 1,705, together 8,528; half are positive."""
    sizes = [len(reviews[part]) for part in ("train", "validation", "test")]
    assert sizes == [5970, 853, 1705] and sum(sizes) == 8528
    assert abs(np.mean(reviews["validation"]["label"]) - 0.5) < 0.001


@after("a4acb7b1")
def an_untrained_head_is_undecided(probabilities):
    """Section 2: "nearly equal". Ten runs gave 0.490 to 0.505 (notebook_bands.csv)."""
    assert 0.48 < probabilities[1] < 0.52


@after("a4acb7b1")
def the_encoder_is_a_small_bert(model):
    """Section 5: "6 layers … and 22.7 million weights"; the drawing: 384 numbers."""
    assert model.config.num_hidden_layers == 6 and model.config.hidden_size == 384
    assert round(model.base_model.num_parameters() / 1e6, 1) == 22.7


@after("a4acb7b1")
def the_tokens_are_those_of_the_drawing(tokenizer):
    """The drawing: "a warm film" and its ids."""
    assert tokenizer("a warm film")["input_ids"] == [101, 1037, 4010, 2143, 102]


@after("1f45fed2")
def an_untrained_model_is_a_coin(untrained, validation_labels):
    """Section 2: 53 % of 853; half of the recorded range is added on each side."""
    assert len(validation_labels) == 853
    assert 0.44 < untrained < 0.56


@after("1f45fed2")
def five_random_heads_were_close_to_a_coin():
    """Section 2: five random heads, "between 47 and 53 %" (notebook_bands.csv)."""
    heads = recorded("untrained")
    assert (round(heads.min(), 2), round(heads.max(), 2)) == (0.47, 0.53)


@after("ed86889c", learning=True)
def a_minute_of_training_makes_three_out_of_four(tuned):
    """Section 3: "three right answers out of four". Ten runs gave 0.748 to 0.774."""
    assert 0.735 < tuned < 0.787


@after("ed86889c")
def two_processors_differ_by_a_point_or_two():
    """Section 7: the same seed on another processor (notebook_bands.csv); section 3 warns of it."""
    first, second = np.array(recorded("tuned")).reshape(2, 5)  # seeds 0 to 4 on each
    assert 0.01 < abs(first - second).max() < 0.025


@after("ed86889c", learning=True)
def training_gains_more_than_twenty_points(untrained, tuned):
    """Section 3, "From coin tossing to …", on one seed. Ten runs gained 0.226 to 0.293."""
    assert tuned - untrained > 0.2


@after("ed86889c")
def a_third_of_the_training_sentences_was_shown(few, reviews):
    """Section 4: "we used about a third of these sentences"."""
    assert 0.32 < len(few) / len(reviews["train"]) < 0.35


@after("770d27dc", learning=True)
def the_plain_sentences_find_their_side_and_the_tricky_ones_do_not(right):
    """Section 3: "the eight plain sentences … the four tricky ones", so in five of five seeds."""
    assert right.tolist() == [True] * 8 + [False] * 4


@after("770d27dc")
def so_it_was_with_five_seeds():
    """Section 3: "the same with all five seeds that we tried" (notebook_bands.csv)."""
    assert set(recorded("plain_right")) == {8} and set(recorded("tricky_right")) == {0}


@after("c1b2ffde", learning=True)
def the_sentence_of_section_2_is_now_called_positive(probabilities, after):
    """The figure: from the middle to about 0.9. Ten runs gave 0.887 to 0.911 after."""
    assert 0.86 < after[0] < 0.94
    assert after[0] - probabilities[1] > 0.35


@after("00a3f11b", learning=True)
def the_drawing_shows_what_the_trained_model_gives(logits, powers):
    """The drawing: "a warm film" has logits −0.8 and 1.0, so 14 % and 86 %."""
    assert np.allclose(logits, [-0.8, 1.0], atol=0.3)
    assert 0.78 < powers[1] / powers.sum() < 0.92


@after("00a3f11b")
def the_vector_in_the_drawing_is_that_of_the_first_token(model, tokenizer):
    """The drawing: the vector of [CLS] has 384 numbers and begins with −0.4 and 0.2."""
    ids = tokenizer("a warm film", return_tensors="pt")["input_ids"].to(model.device)
    model.eval()
    with torch.inference_mode():
        first = model.base_model(ids).last_hidden_state[0, 0].float().cpu()
    assert len(first) == 384
    assert np.allclose(first[:2], [-0.4, 0.2], atol=0.1)


@after("175c83f4")
def the_error_is_three_points_with_853_and_ten_with_75(standard_error):
    """Section 4, and the quiz: two standard errors of 53 % are 3.4 points."""
    assert round(2 * standard_error(0.75, 853), 2) == 0.03
    assert round(2 * standard_error(0.75, 75), 2) == 0.10
    assert round(2 * standard_error(0.53, 853), 3) == 0.034


@after("175c83f4")
def a_report_of_75_percent_on_75_examples_means_65_to_85(standard_error):
    """Section 4: 75 % on 75 examples may be "anything from 65 to 85 %"."""
    twice = 2 * standard_error(0.75, 75)
    assert (round(0.75 - twice, 2), round(0.75 + twice, 2)) == (0.65, 0.85)


@after("118de14f")
def what_is_faster_decides_the_precision(runtime):
    """Section 7: 16 bits where training is faster with them; the course measures it."""
    measure = runtime.best_precision.__wrapped__
    for gain, chosen in ((2.1, torch.float32), (3.5, torch.bfloat16)):
        speed = {torch.float32: 1.0, torch.bfloat16: gain}
        with patch.object(runtime, "matmul_tflops", lambda dtype, *_, s=speed: s[dtype]):
            assert measure(torch.device("cpu")) == chosen


@after("118de14f")
def the_same_seed_gives_the_same_numbers(runtime):
    """Section 7: two lines of three are equal."""
    lines = []
    for seed in (0, 0, 1):
        runtime.set_seed(seed)
        lines.append(np.random.randint(100, size=5).tolist())
    assert lines[0] == lines[1] != lines[2]
