"""Claims about 03, losses and gradients. Ranges "of five seeds" are in notebook_bands.csv."""

import math

import numpy as np
import torch

from tests.notebooks.claims import after


@after("bbc0e16b")
def the_arrays_have_the_shapes_of_the_text(X, X_validation, Y):
    """Section 1: 2,000 training sentences, 853 of validation, 384 numbers each, two classes."""
    assert X.shape == (2000, 384) and X_validation.shape == (853, 384) and Y.shape == (2000, 2)


@after("bbc0e16b")
def training_columns_are_standardized_and_validation_columns_nearly(X, X_validation):
    """Section 1: "Close to 0, not equal to it"."""
    assert np.abs(X.mean(axis=0)).max() < 1e-9 and np.abs(X.std(axis=0) - 1).max() < 1e-9
    assert 0.01 < np.abs(X_validation.mean(axis=0)).max() < 0.3


@after("9a5b1ed1")
def the_network_learns_6194_numbers(weights):
    """Section 2: 16 · 384 + 16 + 2 · 16 + 2 = 6,194."""
    assert sum(w.size for w in weights.values()) == 16 * 384 + 16 + 2 * 16 + 2 == 6194


@after("0b83141a")
def the_stable_sigmoid_is_the_sigmoid(sigmoid):
    """Section 2: the form with tanh is the same function."""
    assert np.allclose(sigmoid(np.array([-2.0, 2.0])), 1 / (1 + np.exp([2.0, -2.0])), atol=1e-15)


@after("008956de")
def only_the_stable_softmax_survives_large_logits(naive_softmax, softmax):
    """Section 2: "Both rows are equal, as they must be"; the naive one gave nan."""
    with np.errstate(over="ignore", invalid="ignore"):
        assert np.isnan(naive_softmax(np.array([[1000.0, 999.0]]))).all()
    rows = softmax(np.array([[1.0, 0.0], [1000.0, 999.0]]))
    assert np.allclose(rows, [0.7311, 0.2689], atol=1e-4)


@after("dcb8fb05")
def the_loss_from_the_logits_is_finite(cross_entropy, softmax, sure, other, picked, summed):
    """Section 3: "1000: very wrong, but a number"; picking and summing agree."""
    assert cross_entropy(sure, other) == 1000 and softmax(sure)[0, 1] == 0
    assert abs(picked - summed) < 1e-12


@after("2d668843")
def our_cross_entropy_is_torchs(cross_entropy, Z2, Y, by_torch):
    """Section 3: why torch asks for logits."""
    assert abs(cross_entropy(Z2, Y) - by_torch) < 1e-12


@after("2d668843")
def the_random_network_is_worse_than_one_half_for_all(cross_entropy, Z2, Y):
    """Section 3: "a little worse than one that always says ½". Five seeds: 0.705 to 0.861."""
    assert math.log(2) < cross_entropy(Z2, Y) < 0.94


@after("a18a56ff")
def the_binary_form_is_the_same_loss(binary, stable, cross_entropy, Z2, Y):
    """Section 3: "The same number", from large logits as well as from small ones."""
    assert abs(binary - cross_entropy(Z2, Y)) < 1e-12
    assert abs(stable - binary) < 1e-12


@after("40be5ce1")
def the_squared_error_is_torchs(mean_squared_error, guesses, ratings):
    """Section 3: squares 1, 0, 1, 4; mean 1.5."""
    by_torch = torch.nn.functional.mse_loss(torch.tensor(guesses), torch.tensor(ratings)).item()
    assert mean_squared_error(guesses, ratings) == by_torch == 1.5


@after("54e0ffc4")
def the_wrong_cross_entropy_is_delighted(wrong_loss, right_loss, n):
    """Section 3, mistake 1: 0.0005 a sentence where the right loss is 3.4."""
    assert wrong_loss / n < 0.001 and 3 < right_loss < 4


@after("5dcb9d8b")
def a_sigmoid_cannot_reach_the_ratings(mean_squared_error, sigmoid, z_right, z_wrong, ratings):
    """Section 3, mistake 3: "The loss of 5 is the squared distance"; without it, 0."""
    assert mean_squared_error(z_right, ratings) < 1e-9
    assert 5 < mean_squared_error(sigmoid(z_wrong), ratings) < 5.05


@after("d7042220")
def the_slope_predicts_the_change(change, slope):
    """Section 4: "to better than a hundredth of it"."""
    assert abs(change - 0.01 * slope) < 0.01 * abs(change)


@after("a0cf275b")
def both_sides_are_better_and_best_near_1e5(sizes, one_sided, both_sided):
    """Section 4: both errors fall, then rise; ε = 1e-5 from both sides is a good place."""
    assert both_sided[7] < 1e-9 and abs(sizes[7] - 1e-5) < 1e-12
    assert both_sided.min() < one_sided.min() / 50
    assert both_sided[0] > 1e-6 and both_sided[-1] > 1e-6 and one_sided[-1] > 10 * both_sided[-1]


@after("825ddfdd")
def the_slope_at_the_logits_is_p_minus_y(gap, derived, measured):
    """Section 5: the measured slopes agree."""
    assert gap(derived, measured) < 1e-6


@after("1a73fafe")
def the_other_two_losses_have_the_same_pattern(
    gap, sigmoid, s, t, of_binary, q, ratings, of_squares
):
    """Section 5: (p - y) / n and 2 (ŷ - y) / n."""
    assert gap((sigmoid(s) - t) / 5, of_binary) < 1e-6
    assert gap(2 * (q - ratings) / 4, of_squares) < 1e-6


@after("32573dd2")
def the_wrong_losses_have_wrong_slopes(gap, only_positive, t, derived, no_mean, bent, q, ratings):
    """Section 5: only the positive sentences, twice as large, and a push where none is due."""
    assert ((np.abs(only_positive).sum(axis=1) > 1e-9) == (t == 1)).all() and 0 < t.sum() < 5
    right = 2 * (q - ratings) / 4
    assert gap(only_positive, derived) > 0.1 and abs(gap(no_mean, right) - 1) < 1e-6
    assert gap(bent, right) > 0.5 and bent[1] > 0.1


@after("97081860")
def along_the_probabilities_the_slope_is_another(gap, T, softmax, Z, along_p, derived):
    """Section 5: -y / p, and not p - y."""
    assert gap(-T / softmax(Z) / 5, along_p) < 1e-6 and gap(derived, along_p) > 0.1


@after("d9e9b6a9")
def measuring_takes_two_passes_for_each_weight(gap, weights, derived, measured, passes, bert):
    """Section 6: all four agree; 12,388 passes, and 45 million for BERT."""
    assert max(gap(derived[name], measured[name]) for name in weights) < 1e-6
    assert passes == 2 * 6194 == 12_388 and round(2 * bert / 1e6) == 45


@after("fddc2f1f")
def autograd_finds_the_same_gradients(gap, weights, gradients, library):
    """Section 6: "Paper, measurement and library agree"."""
    assert max(gap(gradients[name], library[name]) for name in weights) < 1e-6


@after("c6bfea3a")
def the_right_formulas_agree(off_right):
    """Section 7: first the right formulas before the judge."""
    assert max(off_right.values()) < 1e-6


@after("3db8db9a")
def slipped_biases_leave_b2_without_a_slope(slipped, off_slipped):
    """Section 7, mistake 1: "Exactly 0: nothing in the network uses b2"."""
    assert (slipped["b2"] == 0).all() and min(off_slipped.values()) > 0.05


@after("608ea233")
def without_the_slope_at_the_output_gradients_are_far_too_large(off_output, out):
    """Section 7, mistake 2: σ′ is never above ¼."""
    assert min(off_output.values()) > 1 and (out * (1 - out)).max() <= 0.25


@after("e29b505f")
def missing_weights_spoil_only_layer_1(off_lost):
    """Section 7, mistake 3, and quiz question 2 (b)."""
    assert off_lost["W2"] < 1e-6 and off_lost["b2"] < 1e-6
    assert min(off_lost["W1"], off_lost["b1"]) > 0.05


@after("8946f20c")
def a_transpose_too_many_is_found(off_turned):
    """Section 7, mistake 4."""
    assert min(off_turned.values()) > 0.05


@after("cb970e64")
def the_misplaced_slope_is_nearly_right(off_misplaced):
    """Section 7, mistake 5: "the shapes are right, and so, nearly, is the size"."""
    assert min(off_misplaced.values()) > 0.05 and max(off_misplaced.values()) < 0.3


@after("3adc6418")
def the_wrong_order_is_found(off_order):
    """Section 7, mistake 6."""
    assert min(off_order.values()) > 0.05


@after("78f6606b")
def two_of_five_mistakes_pass_in_silence(silent):
    """Section 7: "Shapes stop three of the five; the other two pass in silence"."""
    assert [name[0] for name in silent] == ["2", "5"]


@after("a5f372c3", learning=True)
def forty_steps_reach_nearly_three_in_four(after):
    """Section 8: five seeds 0.720 to 0.741 on validation. Shuffled labels gave 0.44 to 0.52, a BERT
    with random weights 0.59 to 0.61 (three seeds each)."""
    assert 0.709 < after["validation_accuracy"] < 0.752


@after("a5f372c3")
def before_the_first_step_it_is_a_coin(before):
    """Section 8: "From a coin". Five seeds: 0.491 to 0.502."""
    assert 0.45 < before["validation_accuracy"] < 0.55


@after("a5f372c3")
def the_loss_falls_at_every_step(history, after):
    """Section 8; training accuracy, 78 %, is above that of validation, 73 %."""
    assert history["loss"].is_monotonic_decreasing
    assert after["accuracy"] > after["validation_accuracy"]


@after("038bd2a0")
def the_wrong_gradient_falls_as_well_and_about_as_far(loss_of, misled, before, after):
    """Section 8: the loss alone does not give mistake 5 away."""
    assert loss_of(misled) < before["loss"] - 0.1
    assert abs(loss_of(misled) - after["loss"]) < 0.1


@after("038bd2a0")
def the_misplaced_slope_lies_between_019_and_025(sigmoid, A):
    """Section 8: "never negative, and not far from A (1 - A)"."""
    assert (sigmoid(A) * (1 - sigmoid(A))).min() > 0.19 and (A * (1 - A)).max() <= 0.25


@after("b41e7398")
def the_promise_holds_for_the_training_loss_only(longer, lowest):
    """Section 8: "On validation the loss turns long before step 200 and rises". Five seeds: lowest
    at step 45 to 57, a rise of 0.050 to 0.061 from there to step 200."""
    assert longer["loss"].is_monotonic_decreasing
    assert 39 < lowest < 63
    assert 0.044 < longer["validation_loss"].iloc[-1] - longer["validation_loss"].min() < 0.067


@after("61f25c80")
def batches_are_exactly_right_only_on_average(gap, of_batches, full, cosines):
    """Section 9: "no batch points against the full gradient, and none points exactly along it"."""
    assert gap(of_batches.mean(axis=0), full) < 1e-9
    assert np.min(cosines) > 0 and np.max(cosines) < 0.9


@after("cd67995c")
def an_epoch_of_batches_equals_about_forty_full_steps(by_sgd, history, longer):
    """Section 9: SGD gets much further from the same reading."""
    assert by_sgd < history["loss"][1] - 0.05 and 30 < (longer["loss"] > by_sgd).sum() < 55


@after("56ea6926")
def our_optimizers_are_torchs(differences):
    """Section 10: "Equal at every step, up to rounding"."""
    assert max(differences.values()) < 1e-9


@after("7eb40d7c")
def the_first_step_of_adamw_has_the_length_of_the_rate(weight):
    """Section 10: "All by the learning rate"; the last slope was -0.5."""
    assert abs(weight[0] - 0.01) < 1e-6


@after("2a4e6fe9")
def two_mistakes_with_adamw_are_far_off(first_without_hats, of_adam):
    """Section 10: 3.2 times too long; Adam with weight decay is another optimizer."""
    assert round(first_without_hats, 1) == 3.2
    assert of_adam > 0.05


@after("c57a4e1e")
def the_valleys_lie_far_apart(best_rate):
    """Section 11: at 10 and at about 0.03. Five seeds: SGD's best rate was 10 each time, AdamW's
    0.03 four times and 0.1 once."""
    assert math.isclose(best_rate["SGD"], 10) and 0.03 < best_rate["AdamW"] < 0.11


@after("c57a4e1e")
def the_rate_of_one_is_none_for_the_other(scan):
    """Section 11: SGD's best rate is on AdamW's wall; at AdamW's, SGD has hardly begun."""
    assert scan["AdamW"][np.argmin(scan["SGD"])] > math.log(2)
    assert scan["SGD"][np.argmin(scan["AdamW"])] > 0.6


@after("c57a4e1e")
def too_small_leads_nowhere_and_too_large_over_the_valley(scan, loss_of, by_hand, sgd):
    """Section 11: a valley, then a wall; at rate 10 SGD's loss first jumps far above ln 2."""
    for losses in scan.values():
        assert losses[0] > min(losses) + 0.1 and losses[-1] > math.log(2)
    assert max(loss_of(w) for w in by_hand(sgd, 40, 10.0)) > 2 * math.log(2)


@after("b195bd86")
def fifteen_of_twenty_find_the_solution(ends, stuck):
    """Section 12: five end at ½ ln 2."""
    assert (ends < 0.05).sum() == 15 and stuck.sum() == 5
    assert np.abs(ends[stuck] - math.log(2) / 2).max() < 0.01


@after("4ecb9c49")
def a_stuck_network_says_one_half_to_two_corners(losses, softmax, forward, corners, found):
    """Section 12: "It still goes downhill, ever more slowly"."""
    assert 0 < losses[-1000] - losses[-1] < 0.01
    answers = np.sort(softmax(forward(corners, found)[-1])[:, 1])
    assert ((answers > 0.4) & (answers < 0.6)).sum() == 2


@after("c74b2796")
def backward_fills_in_gradients_and_step_moves_weights(layer, at_first, gradient):
    """Section 13: who does what."""
    assert not torch.equal(layer, at_first) and torch.equal(layer.grad, gradient)
    assert torch.allclose(layer, at_first - 0.3 * gradient, atol=1e-12)


@after("cc5558a2")
def measured_slopes_teach_as_well(square_loss, small, before_steps):
    """Section 13: "It learns", without any backpropagation: 0.48 to 0.24."""
    assert square_loss(small) < before_steps - 0.1


@after("ec5ea45b")
def two_softmaxes_have_a_floor(floor):
    """Quiz question 1 (b)."""
    assert round(floor, 2) == 0.31 == round(-math.log(0.7311), 2)


@after("ec5ea45b")
def twice_the_batch_twice_the_slopes_of_a_sum(judged, ratings, guesses, no_mean):
    """Quiz question 3 (c)."""
    doubled = judged(lambda q: ((q - np.tile(ratings, 2)) ** 2).sum() / 2, np.tile(guesses, 2))
    assert abs(doubled.sum() / no_mean.sum() - 2) < 1e-6
