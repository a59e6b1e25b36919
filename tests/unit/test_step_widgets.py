"""Temperature, ball and replay: what the scripts compute is what the helpers compute."""

import gzip
import json

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers import batching, checkpoints, corpora, metrics, training, widgets
from helpers.widgets import calibration, recording, valleys
from tests.unit import javascript, small
from tests.unit.figures import page, shown
from tools.experiments import replay_table, score_tables

labels, scores = calibration.stored()
TAUS = [0.5, 0.77, 1.0, 1.21, 1.29, 2.0, 2.11, 2.38, 4.0]
CALIBRATION = ["scores.js", "calibration.js"]


# ---------------------------------------------------------------- where a figure begins


@pytest.mark.parametrize(
    "name, options, said",
    [
        ("temperature", {"epoch": 2}, "epochs 1 and 3"),
        ("temperature", {"tau": 0}, "from 0.5 to 4"),
        ("temperature", {"tau": float("nan")}, "from 0.5 to 4"),
        ("descent", {"curve": "three valleys"}, "'one valley' and 'two valleys'"),
        ("descent", {"rate": 0}, "from 0.01 to 1.2"),
        ("descent", {"rate": float("nan")}, "from 0.01 to 1.2"),
        ("descent", {"start": 2.1}, "from -2 to 2"),
        ("replay", {"step": 81}, "steps 0 to 80"),
        ("replay", {"step": 0.5}, "steps 0 to 80"),
    ],
)
def test_what_a_figure_cannot_show_is_refused_by_name(name, options, said):
    (given,) = options
    with pytest.raises(ValueError, match=said) as caught:
        getattr(widgets, name)(**options)
    assert str(caught.value).startswith(f"{given} = ")


def test_a_figure_begins_where_it_is_told_to():
    inside = page(shown("temperature", epoch=1, tau=1.5))
    assert 'value="1" checked' in inside and 'step="0.01" value="1.5"' in inside
    inside = page(shown("descent", curve="two valleys", rate=0.4, start=2))
    assert 'value="1" checked' in inside and 'value="0.4"' in inside and 'value="2"' in inside
    assert 'step="1" value="37"' in page(shown("replay", step=37))


def test_a_number_is_written_with_a_minus_that_no_zero_has():
    numbers = [-2, -0.0004, -0.0005, 0, 1.25]
    found = javascript.gives(["draw.js"], "data.map((each) => signed(each, 3))", numbers)
    assert found == ["−2.000", "0.000", "−0.001", "0.000", "1.250"]


# ---------------------------------------------------------------- temperature


def test_the_stored_scores_are_those_recorded_for_both_epochs():
    packed = (widgets.STATIC / calibration.SCORES).read_bytes()
    assert json.loads(gzip.decompress(packed)) == score_tables.by_epoch()
    assert set(scores) == {1, 3} and len(labels) == 853


def logits_of(epoch: int, tau: float) -> np.ndarray:
    """Logits with these differences, divided by a temperature: (n, 2)."""
    return np.stack([-scores[epoch] / 2, scores[epoch] / 2], axis=1) / tau


@pytest.mark.parametrize("epoch", [1, 3])
def test_the_script_judges_as_the_helpers_do_at_every_temperature(epoch):
    given = {"labels": labels.tolist(), "scores": scores[epoch].tolist(), "taus": TAUS}
    expression = "data.taus.map((t) => judge(data.labels, data.scores, t, 10))"
    for tau, found in zip(TAUS, javascript.gives(CALIBRATION, expression, given), strict=True):
        logits = logits_of(epoch, tau)
        p = np.exp(logits[:, 1]) / np.exp(logits).sum(axis=1)
        expected = {
            "accuracy": metrics.accuracy(metrics.confusion_matrix(labels, p >= 0.5, 2)),
            "ece": metrics.expected_calibration_error(labels, p),
            "brier": metrics.brier_score(labels, p),
            "nll": metrics.negative_log_likelihood(labels, logits),
        }
        assert found == pytest.approx(expected, abs=1e-12), tau


@pytest.mark.parametrize("epoch", [1, 3])
def test_the_bins_are_those_of_the_helpers(epoch):
    given = {"labels": labels.tolist(), "scores": scores[epoch].tolist(), "taus": TAUS}
    expression = "data.taus.map((t) => reliability(data.labels, warmed(data.scores, t), 10))"
    for tau, rows in zip(TAUS, javascript.gives(CALIBRATION, expression, given), strict=True):
        table = metrics.reliability_table(labels, 1 / (1 + np.exp(-scores[epoch] / tau)))
        assert [row["bin"] for row in rows] == table.index.tolist()
        assert [row["n"] for row in rows] == table["n"].tolist()
        assert [row["said"] for row in rows] == pytest.approx(table["probability"].tolist())
        assert [row["happened"] for row in rows] == pytest.approx(table["share"].tolist())


def test_an_edge_belongs_to_the_bin_below_it_as_in_the_helpers():
    edges = np.linspace(0, 1, 11)
    around = np.concatenate([edges, np.nextafter(edges, 0), np.nextafter(edges, 1)]).clip(0, 1)
    happened = np.arange(len(around)) % 2
    given = {"labels": happened.tolist(), "p": around.tolist()}
    rows = javascript.gives(CALIBRATION, "reliability(data.labels, data.p, 10)", given)
    table = metrics.reliability_table(happened, around)
    assert [[row["bin"], row["n"]] for row in rows] == table["n"].reset_index().to_numpy().tolist()


@settings(max_examples=15)  # each asks Node.js anew
@given(
    st.lists(st.tuples(st.integers(0, 1), st.floats(-800, 800)), min_size=1, max_size=60),
    st.floats(0.5, 4),
)
def test_a_temperature_moves_no_prediction_and_every_measure_stays_finite(rows, tau):
    expression = "[1, data.tau].map((t) => judge(...data.columns, t, 10))"
    given = {"columns": [*map(list, zip(*rows, strict=True))], "tau": tau}
    before, now = javascript.gives(CALIBRATION, expression, given)
    assert before["accuracy"] == now["accuracy"]
    logits = np.array([[0, score / tau] for _, score in rows])
    expected = metrics.negative_log_likelihood([label for label, _ in rows], logits)
    assert now["nll"] == pytest.approx(expected, abs=1e-9)
    assert 0 <= now["ece"] <= 1 and 0 <= now["brier"] <= 1


@pytest.mark.parametrize("epoch", [1, 3])
def test_the_buttons_find_the_lowest_of_the_sliders_temperatures(epoch):
    grid = [round(0.5 + step / 100, 2) for step in range(351)]
    given = {"labels": labels.tolist(), "scores": scores[epoch].tolist(), "taus": grid}
    curve = "data.taus.map((t) => ({ temperature: t, ...judge(data.labels, data.scores, t, 10) }))"
    expression = (
        f"(() => {{ const c = {curve}; return ['nll', 'ece'].map((m) => lowest(c, m)); }})()"
    )
    nll, ece = javascript.gives(CALIBRATION, expression, given)
    assert abs(nll - metrics.fit_temperature(labels, logits_of(epoch, 1))) <= 0.005
    errors = [metrics.expected_calibration_error(labels, 1 / (1 + np.exp(-scores[epoch] / t)))
              for t in grid]  # fmt: skip
    assert ece == grid[int(np.argmin(errors))]


def test_the_words_tell_the_measures_at_one_and_at_the_best_temperature():
    said = shown("temperature")["text/plain"]
    assert "epoch 3, τ = 1.00: ECE 0.118, cross-entropy 0.544" in said
    assert "epoch 3, τ = 2.11: ECE 0.052, cross-entropy 0.420" in said


# ---------------------------------------------------------------- the ball

CASES = [
    (curve, start, rate)
    for curve in valleys.CURVES
    for start in (-2.0, -0.7, 0.1, 1.3, 2.0)
    for rate in (0.01, 0.1, 0.4, 0.5, 0.8, 1.0, 1.2)
]


def ways(cases: list[tuple[str, float, float]]) -> list[list[float]]:
    """Where the script has the ball after each step."""
    given = [[valleys.CURVES[curve][0], start, rate] for curve, start, rate in cases]
    expression = f"data.map((each) => descend(...each, {valleys.STEPS}))"
    return javascript.gives(["valleys.js"], expression, given)


def test_the_script_rolls_the_ball_exactly_where_python_does():
    for case, places in zip(CASES, ways(CASES), strict=True):
        assert places == valleys.descend(*case), case


@pytest.mark.parametrize("curve, start, rate", CASES)
def test_the_ball_takes_the_steps_of_torchs_optimizer(curve, start, rate):
    w = torch.tensor(start, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=rate)
    for place in valleys.descend(curve, start, rate):
        assert place == pytest.approx(w.item(), rel=1e-6, abs=1e-6)
        loss = sum(c * w**power for power, c in enumerate(valleys.CURVES[curve][0]))
        assert valleys.loss_at(curve, w.item()) == pytest.approx(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@given(st.floats(-2, 2), st.floats(0.01, 1.2))
def test_in_the_one_valley_each_step_multiplies_w_by_one_minus_twice_the_rate(start, rate):
    places = valleys.descend("one valley", start, rate)
    steps = np.arange(len(places))
    assert places == pytest.approx((start * (1 - 2 * rate) ** steps).tolist(), rel=1e-9, abs=1e-12)


@given(st.sampled_from([*valleys.CURVES]), st.floats(-2, 2), st.floats(0.01, 0.18))
def test_with_a_small_rate_no_step_ever_raises_the_loss(curve, start, rate):
    """Both curves bend by less than 11 from −2 to 2, so a rate below 2/11 goes down only."""
    losses = [valleys.loss_at(curve, w) for w in valleys.descend(curve, start, rate)]
    assert np.diff(losses).max() <= 1e-12


def test_the_named_valleys_are_the_lowest_points_of_their_surroundings():
    for curve, (_, spots) in valleys.CURVES.items():
        for place, _ in spots:
            assert abs(valleys.slope_at(curve, place)) < 0.01
            around = [valleys.loss_at(curve, place + step) for step in (-0.1, 0.1)]
            assert valleys.loss_at(curve, place) < min(around)
    (lower, called), (higher, _) = valleys.CURVES["two valleys"][1]
    heights = [valleys.loss_at("two valleys", place) for place in (lower, higher)]
    assert heights[0] < heights[1] and "lower" in called


@pytest.mark.parametrize(
    "curve, start, rate, verdict",
    [
        ("one valley", -2, 0.01, "on its way"),
        ("one valley", -2, 0.1, "arrived"),
        ("one valley", -2, 0.5, "arrived"),
        ("one valley", -2, 0.9, "arrived"),
        ("one valley", -2, 0.98, "to and fro"),
        ("one valley", -2, 1.0, "to and fro"),
        ("one valley", -2, 1.02, "higher"),
        ("one valley", -2, 1.2, "gone"),
        ("two valleys", 2, 0.1, "arrived"),
        ("two valleys", 2, 0.7, "to and fro"),
        ("two valleys", 2, 1.0, "gone"),
    ],
)
def test_what_became_of_the_ball_is_said_in_one_word(curve, start, rate, verdict):
    expression = "verdict(data[0], descend(...data))"
    given = [valleys.CURVES[curve][0], start, rate, valleys.STEPS]
    assert javascript.gives(["valleys.js"], expression, given) == verdict


def test_no_start_of_the_slider_lies_on_a_top_where_the_ball_would_stay():
    for curve, (_, spots) in valleys.CURVES.items():
        for start in np.arange(-20, 21) / 10:
            if abs(valleys.slope_at(curve, start)) < 0.05:
                assert min(abs(start - place) for place, _ in spots) < 0.1, (curve, start)


# ---------------------------------------------------------------- the replay


def test_the_recorded_run_is_that_of_notebook_04s_section_on_overfitting():
    run, config = recording.stored(), replay_table.CONFIG
    assert len(run["epochs"]) == config.epochs == 10 and len(run["steps"]) == 10 * 256 // 32
    assert (run["rate"], run["warmup"], run["size"]) == (1e-4, 0.1, 32)
    assert config.learning_rate == run["rate"] and config.warmup_share == run["warmup"]
    assert config.batch_size == run["size"] and config.best_metric == "validation_loss"


def test_every_epochs_training_loss_is_the_mean_of_its_batches():
    run = recording.stored()
    batches = np.array([loss for loss, *_ in run["steps"]]).reshape(10, 8)
    assert batches.mean(axis=1) == pytest.approx(
        [row["train_loss"] for row in run["epochs"]], abs=2e-4
    )


def test_the_sentences_are_those_of_the_reviews_and_what_is_said_is_a_probability():
    run, reviews = recording.stored(), corpora.load("reviews")
    train, validation = reviews["train"][:256], reviews["validation"]
    for row, (text, label) in run["texts"].items():
        assert (train["text"][int(row)], train["label"][int(row)]) == (text, label)
    known = dict(zip(validation["text"], validation["label"], strict=True))
    assert len(run["watched"]) == 4 and run["validation"] == len(validation)
    assert all(known[text] == label for text, label in run["watched"])
    said = np.array([run["before"], *(step[2:] for step in run["steps"])])
    assert said.shape == (81, 4) and said.min() >= 0 and said.max() <= 1
    assert all(str(row) in run["texts"] for _, row, *_ in run["steps"])


def test_the_sentence_of_a_step_is_the_shortest_of_its_batch():
    run, config = recording.stored(), replay_table.CONFIG
    texts = corpora.load("reviews")["train"][:256]["text"]
    lengths = [len(ids) for ids in batching.tokenize(texts, checkpoints.load_tokenizer("minilm"))]
    batches = [
        batch
        for epoch in range(config.epochs)
        for batch in batching.bucketed(lengths, config.batch_size, (replay_table.SEED, epoch))
    ]
    expected = [replay_table.shortest(texts, batch) for batch in batches]
    assert [row for _, row, *_ in run["steps"]] == expected


def test_the_first_step_has_rate_zero_so_nothing_has_moved_after_it():
    run = recording.stored()
    assert run["steps"][0][2:] == run["before"]


def test_looking_after_each_step_changes_nothing_of_a_run():
    parts, runs = small.few(48, 16), []
    for looks in (False, True):
        tokenizer, model = small.tiny()

        def look(run, tokenizer=tokenizer, model=model):
            training.predict(model, tokenizer, ["so funny , then nothing .", "a movie"])

        options = {"on_step": look} if looks else {}
        run = training.fine_tune(model, tokenizer, *parts, small.config(epochs=2), **options)
        runs.append((run.rows, [weight.tolist() for weight in model.parameters()]))
    assert runs[0] == runs[1]


def replayed() -> list[dict]:
    """What the script knows after each step."""
    expression = "Array.from({ length: data.steps.length + 1 }, (_, step) => after(data, step))"
    return javascript.gives(["steps.js"], expression, recording.stored())


def test_the_script_has_the_learning_rates_of_the_helper():
    rates = [each["rate"] for each in replayed()[1:]]
    expected = [training.learning_rate_at(step, 80, replay_table.CONFIG) for step in range(80)]
    assert rates == pytest.approx(expected, abs=1e-15)


def test_after_each_step_the_script_knows_what_the_run_knew_and_no_more():
    run, found = recording.stored(), replayed()
    assert found[0]["probabilities"] == run["before"] and found[0]["measured"] is None
    for step, each in enumerate(found[1:], start=1):
        loss, row, *probabilities = run["steps"][step - 1]
        assert (each["loss"], each["probabilities"]) == (loss, probabilities)
        assert [each["text"], each["label"]] == run["texts"][str(row)]
        assert (each["epoch"], each["batch"]) == (1 + (step - 1) // 8, 1 + (step - 1) % 8)
        assert (each["ended"], each["endsEpoch"]) == (step // 8, step % 8 == 0)
        done = run["epochs"][: step // 8]
        assert each["measured"] == (done[-1] if done else None)
        losses = [row["validation_loss"] for row in done]
        assert each["best"] == (1 + int(np.argmin(losses)) if losses else 0)
    assert found[-1]["best"] == run["best"]
