"""Claims of an effect fail where nothing was done: called with what the untreated run gave."""

import math
import types

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import measured
from helpers.measured import class_imbalance
from tests.notebooks.claims import nb03, nb04, nb05

fails = pytest.raises(AssertionError)


def bands(notebook: str) -> pd.DataFrame:
    """What was recorded of a notebook, a row a run and a column a quantity."""
    rows = measured.table("notebook_bands")
    rows = rows[rows["notebook"] == notebook].astype({"value": float})
    return rows.pivot(index=["seed", "processor"], columns="quantity", values="value")


def test_03_neither_a_coin_nor_random_weights_pass_for_a_trained_network():
    runs = bands("03_losses_and_gradients")
    for learned in runs["after"]:
        nb03.forty_steps_reach_nearly_three_in_four({"validation_accuracy": learned})
    for untreated in (*runs["before"], 0.44, 0.52, 0.59, 0.61):
        with fails:
            nb03.forty_steps_reach_nearly_three_in_four({"validation_accuracy": untreated})


def test_03_a_batch_with_the_signs_of_a_coin_or_of_everything_does_not_pass():
    nb03.a_batch_is_a_rough_guide_and_exact_on_average([0.6, 0.66], 0.0)
    for same_sign, furthest in (([0.5, 0.5], 0.0), ([1.0, 1.0], 0.0), ([0.6, 0.66], 0.1)):
        with fails:
            nb03.a_batch_is_a_rough_guide_and_exact_on_average(same_sign, furthest)


def test_03_steps_that_do_not_shrink_with_changing_signs_do_not_pass():
    claim = nb03.a_step_of_adamw_is_as_long_as_the_rate_while_the_slope_is_steady
    claim({"always": 0.01, "small": 0.01, "in turn": 0.0007})
    with fails:
        claim({"always": 0.01, "small": 0.01, "in turn": 0.01})


def test_03_a_float32_check_that_cannot_tell_a_mistake_from_rounding_does_not_pass():
    claim = nb03.float32_tells_a_mistake_from_rounding_at_a_larger_wiggle
    claim({1e-2: (0.0002, 0.08), 1e-5: (0.33, 0.29)})
    with fails:
        claim({1e-2: (0.33, 0.29), 1e-5: (0.33, 0.29)})


@pytest.fixture
def loop() -> pd.DataFrame:
    """Ten recorded runs of notebook 04."""
    return bands("04_fine_tuning_loop")


def test_04_an_untrained_model_has_not_learned(loop):
    falling = np.linspace(0.7, 0.4, 64)
    for untrained, tuned in loop[["untrained", "after_bare_loop"]].to_numpy():
        nb04.the_bare_loop_learns(tuned, falling)
        with fails:
            nb04.the_bare_loop_learns(untrained, falling)


def test_04_a_good_rate_does_not_pass_for_one_that_is_too_high(loop):
    columns = ["after_bare_loop", "after_high", "high_loss"]
    for tuned, high, loss in loop[columns].to_numpy():
        nb04.a_rate_ten_times_too_high_loses_to_the_good_one(tuned, high)
        nb04.the_high_rate_ends_with_one_answer_for_every_sentence(high, loss)
        with fails:
            nb04.a_rate_ten_times_too_high_loses_to_the_good_one(tuned, tuned)
        with fails:
            nb04.the_high_rate_ends_with_one_answer_for_every_sentence(tuned, loss)


def test_04_a_fresh_encoder_does_not_pass_for_a_collapsed_one(loop):
    for before, collapsed in loop[["spread_before", "spread_after"]].dropna().to_numpy():
        nb04.the_high_rate_makes_all_sentences_alike(before, collapsed)
        with fails:
            nb04.the_high_rate_makes_all_sentences_alike(before, before)


def test_04_vectors_that_say_nothing_do_not_pass_for_ones_that_a_probe_can_read(loop):
    for probe in loop["probe_after"].dropna():
        nb04.a_probe_reads_more_than_nothing(probe)
    for coin in (0.47, 0.5, 0.53):
        with fails:
            nb04.a_probe_reads_more_than_nothing(coin)


def test_04_untrained_heads_do_not_pass_for_one_that_lost_everything(loop):
    for untrained in loop["untrained"]:
        with fails:
            nb04.the_high_rate_ends_with_one_answer_for_every_sentence(untrained, math.log(2))


@pytest.fixture
def start(monkeypatch) -> torch.nn.Module:
    """What is loaded, in place of BERT."""
    plain = torch.nn.Linear(2, 2)
    load = types.SimpleNamespace(load=lambda *arguments, **options: (None, plain))
    monkeypatch.setattr(nb04, "checkpoints", load)
    return plain


def moved(model: torch.nn.Module, by: float) -> torch.nn.Module:
    """A copy of a linear layer with every weight changed."""
    other = torch.nn.Linear(2, 2)
    other.load_state_dict({name: value + by for name, value in model.state_dict().items()})
    return other


def test_04_two_untrained_models_do_not_pass_for_two_equal_loops(start):
    trained, rest = moved(start, 0.001), ("minilm", 0, [])
    nb04.the_helper_ends_with_the_same_weights(nb04.largest_move, trained, trained, *rest)
    with fails:
        nb04.the_helper_ends_with_the_same_weights(nb04.largest_move, start, start, *rest)


def test_04_a_validation_loss_that_never_turns_does_not_pass():
    history = pd.DataFrame({"train_loss": np.linspace(0.7, 0.01, 10)})
    for validation, best in ((np.linspace(0.69, 0.5, 10), 10), (np.full(10, 0.69), 1)):
        history["validation_loss"] = validation
        run = types.SimpleNamespace(history=history, best_epoch=best)
        with fails:
            nb04.few_sentences_are_learned_by_heart(run, history["validation_loss"])


def test_05_an_unweighted_run_does_not_pass_for_a_weighted_one():
    """What notebook 05 prints of its live run passes; what the same seed gave without weights,
    what shuffled labels gave, and a model that calls everything positive fail."""
    nb05.the_weighted_run_is_ahead_of_its_twin({"tp": 211, "auc": 0.8074}, 0)
    without = measured.table("class_imbalance_live").to_dict("records")
    for live in (*without, {"tp": 0, "auc": 0.57}, {"tp": 426, "auc": 0.57}):
        with fails:
            nb05.the_weighted_run_is_ahead_of_its_twin(live, 0)


def test_05_a_temperature_of_one_does_not_pass_for_a_fitted_one():
    for _, run in bands("05_evaluation").iterrows():
        own = {"ECE": run["ECE"], "cross-entropy": run["cross-entropy"]}
        fitted = {f"{name} with τ": run[f"{name}_with_T"] for name in own}
        nb05.a_temperature_repairs_your_own_model(own | fitted)
        with fails:
            nb05.a_temperature_repairs_your_own_model(
                own | {f"{name} with τ": value for name, value in own.items()}
            )


def test_05_neither_shuffled_labels_nor_the_bare_loop_pass_for_the_full_run():
    for run in bands("05_evaluation")[["accuracy", "F1", "AUC"]].to_dict("records"):
        nb05.your_own_model_is_like_the_recorded_ones(run)
    for accuracy in (0.5, 0.79):
        with fails:
            nb05.your_own_model_is_like_the_recorded_ones(
                {"accuracy": accuracy, "F1": 0.83, "AUC": 0.91}
            )


def test_05_a_threshold_that_saves_nothing_does_not_pass_for_one_that_does():
    claim = nb05.all_three_beat_the_habit_and_no_winner_among_them_is_shown
    noise = pd.DataFrame(np.random.default_rng(0).normal(0, 1, (1705, 5)))
    noise = 0.011 * (noise - noise.mean()) / noise.sem()

    def judged(means):
        saved = noise + means
        claim(noise, saved, pd.DataFrame({"saved": saved.mean(), "half": 1.96 * saved.sem()}))

    judged([0.07, 0.09, 0.08, 0.017, 0.013])
    for means in ([0, 0, 0, 0.017, 0.013], [0.07, 0.09, 0.08, 0.05, 0.013]):
        with fails:
            judged(means)


def test_05_scores_without_weights_do_not_pass_for_a_better_order():
    claim = nb05.that_it_ranks_better_is_no_chance_of_seeds_or_sentences
    labels = measured.table("evaluation_logits").query("part == 'validation'")["label"].to_numpy()
    ways = {way: class_imbalance.recorded(way) for way in class_imbalance.WAYS}
    claim(ways, labels)
    for other in ("as it is", "positives copied"):
        with fails:
            claim(ways | {"weighted loss": ways[other]}, labels)


def test_05_a_temperature_that_does_nothing_does_not_pass_for_a_repair():
    claim = nb05.a_repair_is_shown_for_epoch_3_and_not_for_epoch_1
    calibrated = pd.DataFrame({"ECE": [0.0495, 0.0425, 0.0970, 0.0460]})
    mean, shown, not_shown = np.array([0.462]), np.array([0.028, 0.067]), np.array([-0.008, 0.021])
    claim(calibrated, not_shown, shown, mean)
    for first, later in ((not_shown, np.array([-0.01, 0.01])), (shown, shown)):
        with fails:
            claim(calibrated, first, later, mean)


def test_05_seeds_that_differ_more_than_epochs_do_not_pass_for_the_opposite():
    claim = nb05.what_looked_like_the_seed_is_partly_the_epoch
    runs = pd.DataFrame(
        {"ECE": [0.0495, 0.1024, 0.0659, 0.0628, 0.0407], "kept": [1, 3, 2, np.nan, np.nan]}
    )
    claim(runs, [0.0495, 0.0736, 0.0970])
    with fails:
        claim(runs, [0.0495, 0.0500, 0.0510])
