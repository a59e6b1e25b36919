"""The measuring programs: what they count, compare, plan, keep and write; never a time."""

import importlib

import matplotlib
import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from helpers import batching, checkpoints, corpora, runtime, speedups, training
from tests.unit.small import TINY
from tools import project
from tools.experiments import (
    cost_against_size,
    prediction_speed,
    provenance,
    runs,
    serving_speed,
    where_time_goes,
)

matplotlib.use("Agg")

TWO_LAYERS = TINY | {"num_hidden_layers": 2}
# Children are made by a server that has imported what they need; those of test_faults by the same.
if cost_against_size.HAS_FORK:
    cost_against_size.FRESH.set_forkserver_preload(
        ["tests.unit.test_faults", "tools.experiments.cost_against_size"]
    )
PROGRAMS = (
    "prediction_speed",
    "cost_against_size",
    "where_time_goes",
    "busy_machine",
    "precision_choice",
    "estimate_against_time",
    "serving_speed",
)


@pytest.fixture(scope="module")
def reviews():
    return corpora.load("reviews")


@pytest.fixture(scope="module")
def texts(reviews):
    return reviews["validation"]["text"][:14]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A stored model whose logits are far from 0, so that labels are no matter of rounding."""
    tokenizer, model = checkpoints.load(seed=0)
    with torch.no_grad():
        model.classifier.weight.mul_(20)
    path = tmp_path_factory.mktemp("model")
    training.save(model, tokenizer, path)
    return path


# ---------------------------------------------------------------- what is written


@pytest.mark.parametrize("name", PROGRAMS)
def test_the_paper_is_what_the_recorded_rows_give(name):
    program = importlib.import_module(f"tools.experiments.{name}")
    assert program.RESULTS.exists() == program.PAGE.exists()
    if program.RESULTS.exists():
        assert program.PAGE.read_text(encoding="utf8") == program.report()


def test_a_spread_is_the_median_and_the_range():
    assert provenance.spread([3.0, 1.0, 2.0]) == "2.00 (1.00 to 3.00)"
    assert provenance.spread([0.5], "{:.0%}") == "50%"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([6.0, 7.0, 8.0], ": met by the median, reached in 3 of 3 rounds"),
        ([5.9, 6.1, 6.2], ": met by the median, reached in 2 of 3 rounds"),
        ([5.0, 5.9, 6.5], ": not met by the median, reached in 1 of 3 rounds"),
    ],
)
def test_a_verdict_says_in_how_many_rounds_a_goal_was_reached(values, words):
    assert provenance.verdict(values, 6.0).endswith(words)


# ---------------------------------------------------------------- prediction


@pytest.mark.parametrize("by_length", [False, True])
def test_the_pipeline_gives_the_logits_of_predict_in_the_order_of_the_texts(
    folder, texts, by_length
):
    tokenizer, model = training.load(folder)
    ours = training.predict(model, tokenizer, texts, precision="fp32")
    pipe = prediction_speed.transformers.pipeline("text-classification", str(folder))
    theirs = prediction_speed.by_pipeline(pipe, texts, by_length, batch_size=4)
    assert np.ptp(ours) > 0.1
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5)


def test_rounds_are_kept_gone_on_with_and_hold_every_sentence_once(texts, tmp_path, monkeypatch):
    folder = tmp_path / "model"
    training.save(*reversed(checkpoints.load(pretrained=False, **TWO_LAYERS)), folder)
    monkeypatch.setattr(prediction_speed, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(prediction_speed, "BATCH_SIZES", (2, 4))
    for rounds in (1, 1, 3):
        prediction_speed.run(rounds, texts, folder)
    rows = prediction_speed.done()
    kinds = list(prediction_speed.KINDS)
    tried = rows[rows["stage"] == prediction_speed.CHOOSING]
    assert set(tried[["configuration", "batch_size"]].itertuples(index=False, name=None)) == {
        (kind, size) for kind in kinds for size in (2, 4)
    }
    names = [prediction_speed.OURS, "predict, fp32", prediction_speed.RIVAL, *kinds]
    measured = rows[rows["stage"] != prediction_speed.CHOOSING]
    assert list(measured[["stage", "configuration"]].itertuples(index=False, name=None)) == [
        (str(number), name) for number in range(3) for name in names
    ]
    assert (measured.groupby("configuration")["compared"].sum() == len(texts)).all()
    equal = measured[measured["configuration"] == "predict, fp32"]
    assert (equal["labels_differ"] == 0).all()
    assert (equal["largest_difference"] <= prediction_speed.TOLERANCE).all()
    assert f"{len(texts)} review sentences" in prediction_speed.report()


def test_the_batch_size_is_the_fastest_of_its_kind():
    tried = [("a", 8, 10.0), ("a", 16, 12.0), ("b", 8, 9.0), ("b", 16, 7.0)]
    rows = pd.DataFrame(tried, columns=["configuration", "batch_size", "per_second"])
    rounds = pd.DataFrame([("a", 64, 99.0)], columns=rows.columns).assign(stage="0")
    rows = pd.concat([rows.assign(stage=prediction_speed.CHOOSING), rounds])
    assert prediction_speed.chosen(rows) == {"a": 16, "b": 8}


def test_a_ratio_is_taken_within_a_round():
    rows = pd.DataFrame(
        [
            ("0", "predict", 60.0),
            ("0", "other", 10.0),
            ("1", "predict", 80.0),
            ("1", "other", 40.0),
        ],
        columns=["stage", "configuration", "per_second"],
    )
    assert prediction_speed.ratios(rows).tolist() == [1.0, 6.0, 1.0, 2.0]


# ---------------------------------------------------------------- cost against size


def recorded(power=1.0, base=100.0):
    """Synthetic rows of every point: time grows with a power of the size, memory by a bit."""
    rows = pd.DataFrame(cost_against_size.planned())
    where = provenance.provenance() | {"precision": "bfloat16", "threads": 2}
    return rows.assign(
        seconds_taken=(1 + rows["round"]) * rows["size"].astype(float) ** power,
        peak_memory_mb=base + rows["size"] / 1e6,
        **where,
    )


def test_every_series_grows_sixteenfold_in_every_round():
    planned = pd.DataFrame(cost_against_size.planned())
    assert not planned.duplicated().any()
    for (what, varied), smallest in cost_against_size.SMALLEST.items():
        for _, points in planned[(planned["what"] == what) & (planned["varied"] == varied)].groupby(
            "round"
        ):
            factors = points["size"] // smallest
            assert {1, 2, 4, 8, 16} <= set(factors)
    rows = planned[planned["what"] == "a CSV, no network"]["size"]
    assert rows.max() == 1_000_000


@pytest.mark.parametrize("power", [0.0, 1.0, 1.7])
def test_a_slope_is_the_power_with_which_the_cost_grows(power):
    rows = recorded(power)
    for _, series in rows.groupby(["what", "varied"]):
        assert np.allclose(cost_against_size.slopes(series, "seconds_taken"), power)
    assert f"{power:.2f} ({power:.2f} to {power:.2f})" in provenance.markdown(
        cost_against_size.table(rows)
    )


@pytest.mark.parametrize("tokens", [8, 33, 128])
def test_a_text_has_the_tokens_asked_for(tokens):
    rows = cost_against_size.examples(5, tokens, 3)
    found = batching.tokenize(rows["text"], checkpoints.load_tokenizer(), max_length=512)
    assert [len(ids) for ids in found] == [tokens] * 5
    assert rows["label"][:] == [0, 1, 2, 0, 1]


def test_points_are_measured_in_their_own_process_kept_and_gone_on_with(tmp_path, monkeypatch):
    monkeypatch.setattr(cost_against_size, "RESULTS", tmp_path / "results.csv")
    # Memory that this process holds and a fresh one does not.
    ballast = np.ones(400_000_000 // 8)
    points = [
        {"processor": runtime.processor(), "round": 0, "what": what, "varied": varied, "size": size}
        for what, varied, size in (("a CSV, no network", "rows", 50), ("predict", "texts", 3))
    ]
    for limit in (1, 2):
        runs.drive(points, cost_against_size.in_fresh_process, cost_against_size.RESULTS, limit)
    rows = pd.read_csv(cost_against_size.RESULTS)
    assert rows[list(points[0])].to_dict("records") == points
    assert (rows["seconds_taken"] > 0).all()
    assert rows["peak_memory_mb"].max() < runtime.memory_mb()
    assert len(ballast)


def test_a_csv_that_loses_rows_is_no_measurement(monkeypatch):
    monkeypatch.setattr(
        cost_against_size.own_data, "predict_file", lambda *_: {"rows": 3, "predicted": 2}
    )
    with pytest.raises(RuntimeError, match="3 rows were given"):
        cost_against_size.predict_csv(3, network=False)


def test_the_paper_on_cost_says_what_memory_a_million_rows_took(tmp_path, monkeypatch):
    monkeypatch.setattr(cost_against_size, "RESULTS", tmp_path / "results.csv")
    recorded(1.0).to_csv(cost_against_size.RESULTS, index=False)
    words = "Memory of a CSV, no network: 100 MB for 1,000 rows, 101 MB for 1,000,000 (+1.0 MB)."
    assert words in cost_against_size.report()


def test_the_page_of_findings_quotes_what_a_million_rows_took():
    rows = pd.read_csv(cost_against_size.RESULTS)
    rows = rows[rows["what"] == "a CSV"].groupby("size").median(numeric_only=True)
    memory = rows["peak_memory_mb"]
    findings = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())
    minutes = rows.loc[10**6, "seconds_taken"] / 60
    said = f"a million short texts take {memory[10**6]:.0f} MB and {minutes:.0f} minutes to predict"
    assert f"{said}, a thousand {memory[1000]:.0f} MB" in findings


# ---------------------------------------------------------------- where time goes


@pytest.mark.parametrize(("batch", "tokens", "labels"), [(1, 1, 2), (4, 12, 3), (3, 40, 7)])
def test_the_formula_counts_the_operations_that_torch_counts(batch, tokens, labels):
    _, model = checkpoints.load(pretrained=False, num_labels=labels, **TWO_LAYERS)
    model.train()
    with FlopCounterMode(display=False) as forward:
        logits = training.logits_of(model, [[5] * tokens] * batch, 0, torch.float32)
    if tokens % 4 == 0:
        assert forward.get_total_flops() == where_time_goes.forward_flops(
            model.config, batch, tokens
        )
    with FlopCounterMode(display=False) as backward:
        logits.sum().backward()
    padded = tokens + -tokens % 4
    step = where_time_goes.step_flops(model.config, batch, padded)
    assert forward.get_total_flops() + backward.get_total_flops() == step


def test_the_operations_of_an_epoch_are_those_that_fine_tune_does(reviews):
    train, validation = reviews["train"].select(range(40)), reviews["train"].select(range(2))
    config = training.TrainingConfig(epochs=1, batch_size=16, precision="fp32")
    tokenizer, model = checkpoints.load(pretrained=False, **TWO_LAYERS)
    with FlopCounterMode(display=False) as counted:
        training.fine_tune(model, tokenizer, train, validation, config)
    lengths = [len(ids) for ids in batching.tokenize(train["text"], tokenizer)]
    batches = batching.bucketed(lengths, 16, (config.seed, 0))
    longest = max(lengths[:2])
    scored = where_time_goes.forward_flops(model.config, 2, longest + -longest % 4)
    epoch = where_time_goes.epoch_flops(model.config, lengths, batches)
    assert counted.get_total_flops() == epoch + scored


@pytest.mark.parametrize("dropout", [0.0, 0.1])
def test_the_shares_are_of_the_whole_and_dropout_has_one_only_when_it_is_on(reviews, dropout):
    changes = {"hidden_dropout_prob": dropout, "attention_probs_dropout_prob": dropout}
    tokenizer, model = checkpoints.load(pretrained=False, **TWO_LAYERS, **changes)
    rows = reviews["train"].select(range(8))
    config = training.TrainingConfig(epochs=1, batch_size=4, precision="fp32")
    before = speedups.light_dropout
    found = where_time_goes.profiled(
        lambda: training.fine_tune(model, tokenizer, rows, rows.select(range(4)), config)
    )
    assert speedups.light_dropout is before
    assert found.pop("profiled_seconds") > 0
    assert set(found) == set(where_time_goes.GROUPS)
    assert sum(found.values()) == pytest.approx(1)
    assert (found.pop("dropout") > 0) == (dropout > 0)
    assert min(found.values()) > 0


def test_runs_take_turns_and_a_run_says_everything_that_the_paper_needs(tmp_path, monkeypatch):
    planned = where_time_goes.planned()
    assert [run["precision"] for run in planned] == ["bf16", "fp32"] * where_time_goes.ROUNDS
    monkeypatch.setattr(where_time_goes, "RESULTS", tmp_path / "results.csv")
    monkeypatch.setattr(where_time_goes, "SQUARES", (16,))
    monkeypatch.setattr(where_time_goes, "product_speed", lambda *_: 2e12)
    tiny = checkpoints.load(pretrained=False, **TWO_LAYERS)
    monkeypatch.setattr(checkpoints, "load", lambda seed: tiny)
    rows = where_time_goes.run("fp32", sentences=48, profiled_sentences=40)
    assert rows["reached_tflops"] == pytest.approx(
        rows["steps"] * rows["gflop_a_step"] / rows["seconds_taken"] / 1e3, rel=1e-2
    )
    assert rows["share_of_peak"] == pytest.approx(rows["reached_tflops"] / 2, rel=1e-2, abs=1e-4)
    runs.drive(planned[:2], lambda **_: rows, where_time_goes.RESULTS, limit=2)
    assert "median in bf16 is" in where_time_goes.report().replace("\n", " ")


# ---------------------------------------------------------------- serving


def test_the_page_on_serving_quotes_the_recorded_rows():
    words = " ".join((project.ROOT / "docs" / "serving.md").read_text(encoding="utf8").split())
    rows = pd.read_csv(serving_speed.RESULTS)
    served = rows["stage"].astype(str).str.startswith("server")
    figures = ["per_second", "p50_ms", "labels_differ", "right"]
    middle = rows.groupby("configuration")[figures].median()
    for name, own in middle[~middle["labels_differ"].isna()].iterrows():
        if name not in serving_speed.DIRECT:
            engine = name.replace("torch", "PyTorch")
            line = f"| {engine} | {own['per_second']:,.0f} | {own['p50_ms']:.1f} | "
            differ = f"{own['labels_differ']:.0f} of 853 |"
            assert line + (differ if name != serving_speed.REFERENCE else "|") in words
    assert set(rows[~served]["compared"]) == {853} and rows["processor"].nunique() == 1
    shares = {kind: middle.loc[f"ONNX Runtime, int8, {kind}"] for kind in ("dynamic", "calibrated")}
    changed = [f"{own['labels_differ'] / 853:.1%}"[:-1] for own in shares.values()]
    assert "{} and {} % of the labels changed".format(*changed) in words
    right = [middle.loc[serving_speed.REFERENCE], *shares.values()]
    said = "fell from {} to {} and {} %".format(*(f"{own['right'] / 8.53:.1f}" for own in right))
    assert said in words
    one, eight = (middle.loc[f"OpenVINO, bf16, {n} clients"] for n in (1, 8))
    asked = f"{one['per_second']:.0f} requests a second from one client"
    assert f"{asked} and {eight['per_second']:.0f} from eight" in words
    assert f"rose from {one['p50_ms']:.1f} to {eight['p50_ms']:.1f} ms" in words
    best = middle["per_second"][~middle["labels_differ"].isna()].idxmax()
    assert best == "OpenVINO, bf16"
