"""A recipe that reads its own curve, and a small search on the validation part."""

import math
from dataclasses import replace

import numpy as np
import pytest

from helpers import baselines, report, storage, training
from tests.unit.small import config, few, tiny
from tests.unit.test_multi_label import result
from tests.unit.test_training import weights_equal


def run(train_losses, validation_losses, rate=1e-4, best_metric="validation_loss", **changes):
    """A finished run with these curves."""
    pairs = zip(train_losses, validation_losses, strict=True)
    rows = [
        {"epoch": i, "train_loss": a, "validation_loss": b}
        for i, (a, b) in enumerate(pairs, start=1)
    ]
    settings = {"learning_rate": rate, "best_metric": best_metric, "epochs": len(rows)}
    asked = training.TrainingConfig(**settings | changes)
    return training.TrainingRun(asked, epoch=len(rows), rows=rows)


def test_overfitting_from_the_start_asks_for_a_lower_rate():
    said = training.advice(run([0.6, 0.3, 0.1], [0.5, 0.6, 0.7]))
    assert said.startswith("The first of 3 epochs stayed") and "learning_rate = 3e-05." in said
    assert len(said.split(". ")) <= 2


def test_a_curve_that_still_falls_asks_for_more_epochs():
    said = training.advice(run([0.6, 0.5, 0.4], [0.6, 0.5, 0.4]))
    assert "The last of 3 epoch(s) stayed" in said
    assert "epochs = 6" in said and "resume(…, epochs=6)" in said
    assert "epochs = 2" in training.advice(run([0.6], [0.6]))


def test_a_training_loss_that_hardly_falls_asks_for_another_rate():
    flat = [0.69, 0.69, 0.68]
    assert "Raise the learning rate: learning_rate = 3e-04." in training.advice(run(flat, flat))
    assert "Raise" in training.advice(run(flat, flat[::-1]))  # the first stayed, by luck
    assert "Raise" in training.advice(run([0.69, 0.72], [0.6, 0.5]))
    high = training.advice(run(flat, flat, rate=1e-3))
    assert "too high: learning_rate = 1e-04." in high


def test_a_curve_with_its_best_in_the_middle_needs_nothing():
    assert training.advice(run([0.6, 0.4, 0.2], [0.6, 0.5, 0.55])) == ""


def test_a_metric_that_is_highest_before_anything_is_learned_is_no_overfitting():
    """Seen with several labels: at first all get the same labels, and F1 is higher than later."""
    early = run([0.7, 0.65, 0.6], [0.68, 0.66, 0.64], best_metric="micro_f1")
    for row, value in zip(early.rows, (0.64, 0.5, 0.6), strict=True):
        row["micro_f1"] = value
    said = training.advice(early)
    assert said.startswith("The last of 3 epoch(s) had the lowest validation loss")
    early.rows[1]["validation_loss"] = 0.6
    assert training.advice(early) == ""


def test_several_labels_of_which_none_is_given_ask_for_much_longer_training():
    """As on a file of 28 feelings: the loss falls to that of saying no to everything."""
    learned = run([0.3, 0.16, 0.15, 0.15], [0.3, 0.16, 0.14, 0.15], best_metric="validation_loss")
    for row in learned.rows:
        row["micro_f1"] = 0.0
    said = training.advice(learned)
    assert "all probabilities are below 0.5" in said and "epochs = 16" in said
    learned.rows[2]["micro_f1"] = 0.2
    assert training.advice(learned) == ""


def test_the_hyperparameters_that_are_named_can_be_had_as_such():
    first = run([0.6, 0.3, 0.1], [0.5, 0.6, 0.7], rate=3e-4)
    assert training.next_config(first) == replace(first.config, learning_rate=1e-4)
    last = run([0.6, 0.5, 0.4], [0.6, 0.5, 0.4])
    assert training.next_config(last) == replace(last.config, epochs=6)
    assert training.next_config(run([0.6, 0.4, 0.2], [0.6, 0.5, 0.55])) is None
    flat = run([0.69, 0.69, 0.69], [0.69, 0.69, 0.69])
    assert training.next_config(flat).learning_rate == float(f"{3 * flat.config.learning_rate:.0e}")


def test_a_run_that_is_not_over_says_nothing_yet():
    assert training.advice(training.TrainingRun(training.TrainingConfig())) == ""
    assert training.advice(run([0.6, 0.4], [0.6, 0.5], epochs=3)) == ""


def test_patience_ends_a_run_that_can_be_read():
    stopped = run([0.6, 0.4, 0.2], [0.5, 0.6, 0.7], epochs=9, patience=2)
    assert training.advice(stopped).startswith("The first of 3 epochs stayed")


def test_where_the_last_epoch_always_stays_the_validation_loss_is_read():
    said = training.advice(run([0.6, 0.3, 0.1], [0.5, 0.6, 0.7], best_metric="epoch"))
    assert said.startswith("The first of 3 epochs had the lowest validation loss")
    assert training.advice(run([0.6, 0.4, 0.2], [0.6, 0.5, 0.55], best_metric="epoch")) == ""


# ---------------------------------------------------------------- search


@pytest.fixture(scope="module")
def parts():
    return few(48, 32)


def make_model():
    return tiny()[1]


TOKENIZER = tiny()[0]
CONFIGS = [config(epochs=2, learning_rate=rate) for rate in (1e-5, 1e-2, 1e-3)]


def test_the_default_grid_is_as_large_as_that_of_the_baseline_on_words():
    configs = training.grid(max_length=64)
    assert len(configs) == math.prod(map(len, baselines.TFIDF_GRID.values()))
    assert len(set(configs)) == len(configs) and {one.max_length for one in configs} == {64}


def test_each_configuration_is_a_run_of_its_own_and_the_best_one_is_kept(parts, capsys):
    found = training.search(make_model, TOKENIZER, *parts, CONFIGS)
    lines = [line for line in capsys.readouterr().out.splitlines() if " of 3: " in line]
    assert len(lines) == 3 and lines[0].startswith(
        "1 of 3: learning_rate 1e-05, epochs 2: best_epoch"
    )
    assert found.table["learning_rate"].tolist() == [1e-5, 1e-2, 1e-3]
    for (_, row), asked in zip(found.table.iterrows(), CONFIGS, strict=True):
        model = make_model()
        alone = training.fine_tune(model, TOKENIZER, *parts, asked)
        assert row["best_epoch"] == alone.best_epoch
        assert row["validation_loss"] == alone.rows[alone.best_epoch - 1]["validation_loss"]
        assert row["accuracy"] == alone.rows[alone.best_epoch - 1]["accuracy"]
        if row["chosen"]:
            assert weights_equal(model, found.model) and alone.rows == found.run.rows
    assert found.table["chosen"].sum() == 1
    assert found.table["validation_loss"].idxmin() == found.table["chosen"].idxmax()
    assert found.run.tried == 3


def test_the_same_search_gives_the_same_result(parts):
    first, second = (training.search(make_model, TOKENIZER, *parts, CONFIGS[1:]) for _ in range(2))
    assert first.table.equals(second.table) and weights_equal(first.model, second.model)


def scripted(figures):
    """Metrics by a script: one accuracy per epoch."""
    left = iter(figures)
    return lambda prediction: {"accuracy": next(left)}


@pytest.mark.parametrize(
    ("figures", "chosen"),
    [([0.5, 0.8, 0.7], 2), ([0.5, 0.5, 0.9], 3), ([float("nan"), 0.1, float("nan")], 2)],
)
def test_the_metric_of_the_configurations_decides(parts, figures, chosen):
    configs = [config(epochs=1, best_metric="accuracy", seed=seed) for seed in range(3)]
    found = training.search(make_model, TOKENIZER, *parts, configs, scripted(figures))
    assert found.table["chosen"].idxmax() == chosen and found.table["seed"].tolist() == [0, 1, 2]


def test_of_equal_metrics_the_lower_validation_loss_decides(parts):
    configs = [replace(one, best_metric="accuracy") for one in CONFIGS]
    found = training.search(make_model, TOKENIZER, *parts, configs, lambda _: {"accuracy": 0.5})
    assert found.table["chosen"].idxmax() == found.table["validation_loss"].idxmin()


def test_where_the_last_epoch_stays_its_validation_loss_decides(parts):
    configs = [config(epochs=n, best_metric="epoch", learning_rate=1e-2) for n in (3, 1)]
    found = training.search(make_model, TOKENIZER, *parts, configs)
    assert found.table["best_epoch"].tolist() == [3, 1]
    assert found.table["chosen"].idxmax() == found.table["validation_loss"].idxmin()


def test_a_run_that_diverges_is_a_row_and_the_search_goes_on(parts, capsys):
    configs = [config(epochs=1, learning_rate=rate) for rate in (1e30, 1e-3)]
    found = training.search(make_model, TOKENIZER, *parts, configs)
    assert "1 of 2: learning_rate 1e+30, epochs 1: diverged" in capsys.readouterr().out
    assert np.isnan(found.table["validation_loss"][1]) and found.run.config.learning_rate == 1e-3
    with pytest.raises(training.DivergedError, match="every run diverged"):
        training.search(make_model, TOKENIZER, *parts, configs[:1])


def test_what_cannot_be_compared_is_refused_before_anything_is_trained(parts):
    model = make_model()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    mixed = [config(), config(best_metric="accuracy")]
    for make, configs, said in (
        (make_model, [], "no configuration"),
        (lambda: model, mixed, "different best_metric: accuracy, validation_loss"),
        (tiny, CONFIGS, "gave a tuple.*second"),
    ):
        with pytest.raises(training.TrainingError, match=said):
            training.search(make, TOKENIZER, *parts, configs)
    assert all((model.state_dict()[name] == tensor).all() for name, tensor in before.items())


def test_a_model_that_is_trained_already_is_refused(parts):
    model = make_model()
    with pytest.raises(training.TrainingError, match="the same model twice"):
        training.search(lambda: model, TOKENIZER, *parts, [config(epochs=1)] * 2)


def test_the_report_says_that_a_search_was_done():
    found = result()
    assert "configurations" not in report.page(found)
    found.run.tried = 10
    said = "chosen among 10 configurations, by accuracy on the validation part"
    assert said in report.page(found) and said in report.model_card(found, "m")


def test_a_stored_run_of_a_version_without_searches_can_still_be_read(parts, tmp_path, monkeypatch):
    model = make_model()
    training.fine_tune(model, TOKENIZER, *parts, config(epochs=1), output_dir=tmp_path)
    read = storage.read_training

    def without(checkpoint):
        asked, state = read(checkpoint)
        del state["tried"]
        return asked, state

    monkeypatch.setattr(storage, "read_training", without)
    _, _, again = training.resume(tmp_path, *parts)
    assert again.tried == 0 and again.epoch == 1
