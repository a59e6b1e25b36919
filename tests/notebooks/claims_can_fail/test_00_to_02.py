"""Claims called with what the untreated run gives: each must fail, or it says nothing.

Values are recorded rows, stored outputs, or what follows for a classifier that cannot tell.
"""

import numpy as np
import pytest
import torch

from helpers.measured import table
from tests.notebooks.claims import nb00, nb01, nb02


def recorded(notebook: str, quantity: str) -> list[float]:
    """A quantity of all recorded runs of a notebook."""
    rows = table("notebook_bands")
    return rows[(rows["notebook"] == notebook) & (rows["quantity"] == quantity)]["value"].tolist()


UNTRAINED = recorded("00_start_here", "untrained")
UNDECIDED = np.array([0.5, 0.5])
LENGTHS = np.array([3, 27, 78])


@pytest.mark.parametrize("accuracy", UNTRAINED)
def test_00_an_untrained_model_is_not_three_out_of_four(accuracy):
    with pytest.raises(AssertionError):
        nb00.a_minute_of_training_makes_three_out_of_four(accuracy)
    with pytest.raises(AssertionError):
        nb00.training_gains_more_than_twenty_points(min(UNTRAINED), accuracy)


def test_00_an_untrained_head_does_not_call_the_sentence_positive():
    with pytest.raises(AssertionError):
        nb00.the_sentence_of_section_2_is_now_called_positive(UNDECIDED, UNDECIDED)


@pytest.mark.parametrize("answer", [0, 1])
def test_00_one_answer_for_all_twelve_sentences_is_no_learning(answer):
    labels = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 0])
    with pytest.raises(AssertionError):
        nb00.the_plain_sentences_find_their_side_and_the_tricky_ones_do_not(labels == answer)


def test_00_a_head_that_was_sure_before_is_not_undecided():
    with pytest.raises(AssertionError):
        nb00.an_untrained_head_is_undecided(np.array([0.1, 0.9]))


@pytest.mark.parametrize("share", [0.477, 0.007])
def test_01_the_waste_does_not_vanish_where_sorting_changes_nothing(share):
    with pytest.raises(AssertionError):
        nb01.sorting_the_same_sentences_removes_the_waste(lambda order: share, LENGTHS, LENGTHS)


@pytest.mark.parametrize("answers", [(0.499, 0.499), (0.507, 0.507), (0.507, 0.499)])
def test_01_a_neighbour_that_changes_nothing_gives_no_other_label(answers):
    rows = [torch.ones(1, 5), torch.ones(2, 59)]
    with pytest.raises(AssertionError):
        nb01.without_the_mask_the_same_sentence_gets_the_other_label(
            lambda ids: answers[len(ids) - 1], *rows
        )


@pytest.mark.parametrize("hits", [15, 18, 22])
def test_02_no_more_neighbours_of_the_same_sense_is_no_finding(hits):
    with pytest.raises(AssertionError):
        nb02.neighbours_have_the_same_sense_after_the_layers(lambda layer: (hits, 32), 6)


def test_02_a_word_table_that_knows_senses_is_no_chance():
    """22 of 32 at layer 0 would be more than chance, whatever layer 6 says."""
    shares = {0: (22, 32), 6: (30, 32)}
    with pytest.raises(AssertionError):
        nb02.neighbours_have_the_same_sense_after_the_layers(shares.get, 6)


def test_02_banks_that_all_resemble_each_other_are_not_told_apart():
    same = torch.full((6,), 0.96)
    with pytest.raises(AssertionError):
        nb02.the_banks_of_a_kind_resemble_each_other(same, same, torch.full((16,), 0.96))


@pytest.mark.parametrize("masked", [0.28, 0.001])
def test_02_a_mask_that_leaves_something_is_none(masked):
    scores, bank = torch.tensor([0.354, 1.061, 1.414, 1.202]), torch.tensor([0.169, 0.343, 0.488])
    with pytest.raises(AssertionError):
        to_add = torch.tensor([0.0, 0.0, 0.0, -6.0 if masked < 0.01 else 0.0])
        nb02.the_mask_gives_padding_nothing(scores, to_add, bank)


def test_02_attention_that_mixes_nothing_does_not_make_vectors_equal():
    with pytest.raises(AssertionError):
        nb02.three_rounds_make_all_vectors_equal(torch.eye(3))


def test_02_equal_vectors_are_not_kept_apart_by_a_residual_connection():
    with pytest.raises(AssertionError):
        nb02.residuals_keep_tokens_apart_and_let_them_grow(torch.tensor([[4.0, 8.0]] * 3))


def test_02_two_layers_that_double_with_their_input_are_one_matrix():
    v, first, second = torch.ones(4), torch.ones(4, 16), torch.ones(16, 4)
    once = v @ first @ second
    with pytest.raises(AssertionError):
        nb02.two_linear_layers_are_one_and_gelu_changes_that(v, first, second, once, 2 * once)


def test_02_tokens_that_are_alike_after_six_layers_are_not_kept_apart():
    alike = [torch.ones(8, 4)] * 7
    same = [lambda x, *_: x] * 3
    with pytest.raises(AssertionError):
        nb02.residual_connections_keep_the_eight_tokens_apart(alike, *same, 6)


def test_02_six_layers_as_good_as_five_and_layers_without_gain_are_no_findings():
    with pytest.raises(AssertionError):
        nb02.five_layers_beat_the_embeddings(lambda one, other: (65, 46, 0.087), range(7))
    with pytest.raises(AssertionError):
        nb02.five_layers_against_six_prove_no_difference(lambda *_: (113, 62, 0.0001), range(7))


def test_02_a_loss_that_stays_does_not_fall():
    with pytest.raises(AssertionError):
        nb02.the_loss_falls_at_every_step([10.5] * 5)


def test_02_random_weights_do_not_pass_for_pretrained():
    """Hits at the rate of random weights at every depth, against themselves."""
    random = np.arange(853) < 0.61 * 853
    right_random = np.stack([random] * 7)
    nb02.random_weights_reach_about_60_percent(right_random)
    with pytest.raises(AssertionError):
        nb02.pretrained_weights_are_8_to_14_points_better(right_random, right_random)
    with pytest.raises(AssertionError):
        nb02.embeddings_reach_69_percent_and_layers_more(right_random)


def test_02_a_constant_answer_does_not_pass_for_random_weights():
    half = np.arange(853) < 853 / 2
    with pytest.raises(AssertionError):
        nb02.random_weights_reach_about_60_percent(np.stack([half] * 7))
