"""Study 08: what is drawn, what each treatment changes and nothing else, what was recorded."""

import copy
import itertools
import json
import math

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats
from torch import nn

from helpers import baselines, checkpoints, corpora, training
from helpers.measured import what_it_buys
from tools import project
from tools.experiments import what_it_buys as study


@pytest.fixture(scope="module")
def labels():
    return np.asarray(corpora.load("reviews")["train"]["label"])


@pytest.fixture(scope="module")
def rows():
    return pd.read_csv(study.RESULTS)


@pytest.fixture(scope="module")
def network():
    return checkpoints.load(seed=0)


def test_draws_are_nested_balanced_and_another_for_another_seed(labels):
    for seed in (0, 1):
        sizes = (*study.SIZES, 5970)
        draws = [study.draw(labels, n, seed) for n in sizes]
        for small, large in itertools.pairwise(draws):
            assert set(small) < set(large)
        for n, drawn in zip(sizes, draws, strict=True):
            assert len(set(drawn)) == n and labels[drawn].sum() == n / 2
    assert set(study.draw(labels, 64, 0)) != set(study.draw(labels, 64, 1))
    assert set(study.draw(labels, 5970, 0)) == set(range(5970))


def test_noise_turns_over_the_share_it_says_in_each_class_and_less_is_part_of_more(labels):
    given = labels[study.draw(labels, 1024, 0)]
    turned = {share: study.flip(given, share, 0) != given for share in (0, *study.NOISE)}
    for share, changed in turned.items():
        for label in (0, 1):
            assert changed[given == label].sum() == round(share / 100 * 512)
    for less, more in itertools.pairwise(study.NOISE):
        assert not (turned[less] & ~turned[more]).any()
    assert (study.flip(given, 20, 0) != study.flip(given, 20, 1)).any()


def test_other_labels_leave_texts_and_label_names():
    few = corpora.load("reviews")["train"].select(range(10))
    other = study.relabelled(few, 1 - np.asarray(few["label"]))
    assert other["text"][:] == few["text"][:] and other.features == few.features
    assert (np.asarray(other["label"]) + np.asarray(few["label"]) == 1).all()


def test_two_epochs_or_as_many_steps_as_asked():
    assert study.epochs_for(5970, 60) == 2 and study.epochs_for(64, 0) == 2
    for n, asked in itertools.product(study.SIZES, (study.FEWER, study.AT_LEAST)):
        epochs, batches = study.epochs_for(n, asked), math.ceil(n / 32)
        assert epochs == 2 or (epochs - 1) * batches < asked <= epochs * batches


def trainable(model):
    return {name for name, p in model.named_parameters() if p.requires_grad}


def test_each_way_trains_what_it_names_and_nothing_else(network):
    tokenizer, plain = network
    texts = corpora.load("reviews")["train"]["text"][:4]
    before = training.predict(plain, tokenizer, texts, precision="fp32")
    head = ("bert.pooler", "classifier")
    allowed = {
        study.TOP: (*head, "bert.encoder.layer.4.", "bert.encoder.layer.5."),
        study.LORA: (*head, *(f"bert.encoder.layer.{i}.attention.self" for i in range(6))),
    }
    for method, places in allowed.items():
        model = copy.deepcopy(plain)
        study.restrict(model, method)
        found = trainable(model)
        assert found and all(name.startswith(places) for name in found)
        after = training.predict(model, tokenizer, texts, precision="fp32")
        assert np.abs(after - before).max() < 1e-6
        if method == study.LORA:
            in_encoder = {name for name in found if "encoder" in name}
            assert len(in_encoder) == 24 and all(name.endswith((".A", ".B")) for name in in_encoder)


def test_training_leaves_what_is_frozen_and_moves_the_rest(network):
    tokenizer, plain = network
    few = corpora.load("reviews")["train"].select(range(16))
    model = copy.deepcopy(plain)
    study.restrict(model, study.LORA)
    start = {name: p.detach().clone() for name, p in model.named_parameters()}
    moving = trainable(model)
    config = training.TrainingConfig(
        epochs=3, best_metric="epoch", freeze_word_embeddings=True, precision="fp32"
    )
    training.fine_tune(model, tokenizer, few, few.select(range(2)), config)
    moved = {name for name, p in model.named_parameters() if not torch.equal(p, start[name])}
    assert moved == moving


def test_a_correction_of_rank_r_beside_the_layer():
    layer = nn.Linear(6, 5).requires_grad_(False)
    lora = what_it_buys.LoRA(layer, rank=2, alpha=6)
    x = torch.randn(3, 4, 6)
    assert torch.equal(lora(x), layer(x))
    lora.B.data.normal_()
    by_weights = layer(x) + x @ (3 * lora.B @ lora.A).T
    assert torch.allclose(lora(x), by_weights, atol=1e-5)
    assert torch.linalg.matrix_rank(lora.B @ lora.A) == 2


def test_the_lora_of_the_notebook_is_that_of_the_study():
    path = project.ROOT / "notebooks" / "08_what_fine_tuning_buys.ipynb"
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    sources = ("".join(cell["source"]) for cell in cells)
    source = next(text for text in sources if text.startswith("class LoRA"))
    names: dict = {"nn": nn, "torch": torch, "math": math}
    exec(source, names)
    torch.manual_seed(0)
    theirs, x = names["LoRA"](nn.Linear(8, 8)), torch.randn(2, 8)
    ours = what_it_buys.LoRA(copy.deepcopy(theirs.linear))
    ours.load_state_dict(theirs.state_dict())
    ours.B.data.normal_()
    theirs.B.data.copy_(ours.B.data)
    assert torch.equal(ours(x), theirs(x)) and len(source.splitlines()) <= 15


def test_the_recorded_runs_are_those_that_were_planned(rows):
    found = [tuple(row) for row in rows[study.KEYS].itertuples(index=False, name=None)]
    planned = [tuple(entry.values()) for entry in study.planned()]
    assert sorted(found) == sorted(planned) and len(set(planned)) == len(planned)
    sizes = {"validation": 853, "test": 1705}
    assert (rows["of"] == rows["scored"].map(sizes)).all()
    assert (rows["right"] <= rows["of"]).all() and (rows["cpu_seconds"] > 0).all()


def test_what_was_chosen_has_the_highest_accuracy_on_validation(rows):
    choices = rows[(rows["scored"] == "validation") & (rows["n"] == 1024)]
    tried = choices[(choices["steps"] == study.FEWER) & (choices["seed"] == 100)]
    for model, rate in study.RATE_AT_FEWER.items():
        of_model = tried[tried["model"] == model].set_index("rate")["right"]
        assert set(of_model.index) == set(study.RATES[model]) and of_model.idxmax() == rate
    again = choices[(choices["steps"] == study.AT_LEAST) & (choices["seed"] == 100)]
    for model, tried_again in study.RATES_AT_LEAST.items():
        of_model = again[again["model"] == model].set_index("rate")["right"]
        assert set(of_model.index) == set(tried_again) and of_model.idxmax() == study.RATE[model]
    assert (rows.loc[rows["scored"] == "validation", "seed"] >= 100).all()
    assert (rows.loc[rows["scored"] == "test", "seed"] < 100).all()


def test_the_steps_are_those_that_five_seeds_of_validation_chose(rows):
    """Paired by seed, and the interval of the mean difference lies above zero."""
    choices = rows[(rows["scored"] == "validation") & (rows["n"] == 1024)]
    of_full = choices[
        (choices["model"] == study.FULL) & (choices["rate"] == study.RATE[study.FULL])
    ]
    right = of_full.pivot(index="seed", columns="steps", values="right")
    assert right.index.tolist() == list(study.TUNING_SEEDS) and right.notna().all(axis=None)
    assert right.mean().idxmax() == study.AT_LEAST and set(right) == {study.FEWER, study.AT_LEAST}
    gain = right[study.AT_LEAST] - right[study.FEWER]
    assert stats.ttest_1samp(gain, 0).confidence_interval().low > 0


def test_every_tested_run_used_what_was_chosen(rows):
    tested = rows[(rows["scored"] == "test") & (rows["steps"] > 0)]
    first_rate = (tested["model"] == study.LORA) & (tested["rate"] != study.RATE[study.LORA])
    kept = tested[first_rate]
    assert (kept["rate"] == study.RATE_AT_FEWER[study.LORA]).all() and len(kept) == 5
    tested = tested[~first_rate]
    rates = tested["model"].map(study.RATE).fillna(study.RATE[study.FULL])
    assert (tested["rate"] == rates).all()
    random = tested["model"] == study.RANDOM
    assert (tested.loc[random, "steps"] == study.AT_LEAST_RANDOM).all()
    shorter = tested[~random & (tested["steps"] != study.AT_LEAST)]
    assert (shorter["steps"] == study.FEWER).all() and (shorter["model"] == study.FULL).all()
    assert sorted(shorter["n"].unique()) == [1024, 5970] and (shorter["flipped"] == 0).all()
    at_all = tested[tested["n"] == 5970]
    assert (at_all["epochs"] == study.epochs_for(5970, study.AT_LEAST)).all()


def test_recorded_rows_of_the_baselines_come_out_again(rows):
    train, test = study.data()["train"], study.data()["test"]
    drawn = study.draw(np.asarray(train["label"]), 64, 0)
    few = train.select(drawn)
    scores = baselines.tfidf(0).fit(few["text"][:], few["label"][:]).predict(test["text"][:])
    right = (scores == np.asarray(test["label"])).sum()
    row = rows[(rows["model"] == study.TFIDF) & (rows["n"] == 64) & (rows["seed"] == 0)]
    assert abs(right - row["right"].item()) <= 5


def test_the_control_learned_nothing(rows):
    control = rows[rows["model"] == study.CONTROL]
    assert len(control) >= 2 and ((control["right"] / 1705 - 0.5).abs() < 0.06).all()


def test_the_page_of_findings_quotes_the_study(rows):
    words = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())
    tested = rows[(rows["scored"] == "test") & (rows["flipped"] == 0) & (rows["seed"] < 5)]
    fewer = (tested["n"] == 1024) & (tested["steps"] == study.FEWER)
    table = tested[~fewer].pivot_table(index="n", columns="model", values="right", aggfunc="mean")
    gain = 100 * (table[study.FULL] - table[study.FROZEN]) / 1705
    assert f"**{gain[16]:+.1f}** and **{gain[64]:+.1f} points**" in words
    assert f"leads by {gain[256]:.1f}, with all 5,970 by {gain[5970]:.1f} points" in words
    lower = 100 * (table.loc[1024, study.FULL] - table.loc[1024, study.RANDOM]) / 1705
    assert f"ended {lower:.0f} points lower at 1,024 labels" in words
    noisy = rows[(rows["scored"] == "test") & (rows["flipped"] > 0)]
    noisy = noisy.pivot(index=["flipped", "seed"], columns="model", values="right")
    left = (100 * (noisy[study.FULL] - noisy[study.FROZEN]) / 1705).unstack("flipped")
    low, high = stats.ttest_1samp(left[20], 0).confidence_interval()
    assert f"encoder is {left[10].mean():.1f} points instead of {gain[1024]:.1f}" in words
    assert f"one in five ({left[20].mean():+.1f}, {low:+.1f} to {high:+.1f})" in words and low < 0
