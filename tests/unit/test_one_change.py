"""The ladder of changes ends at `fine_tune`, and each line changes one thing."""

import itertools
import os
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import torch

from helpers import batching, checkpoints, corpora, runtime, speedups, training
from tools.experiments import one_change_at_a_time as ladder


def test_each_line_changes_one_thing():
    loops = list(ladder.ladder().values())
    for before, after in itertools.pairwise(loops):
        changed = {key for key in asdict(before) if asdict(before)[key] != asdict(after)[key]}
        # The kernel of light attention is the eager one with the light dropout; "bf16" is forced
        # on its own line only.
        assert len(changed - {"precision"}) <= 1 or changed == {"light", "attention"}
        assert changed


def test_the_last_line_is_the_loop_of_fine_tune():
    """Three steps of both from the same seed: the same weights, bit for bit."""
    rows = corpora.load("reviews")["train"].select(range(96))
    loop = list(ladder.ladder().values())[-1]
    config = training.TrainingConfig(epochs=1, warmup_share=0.0, seed=3)
    tokenizer, tuned = checkpoints.load()
    training.fine_tune(tuned, tokenizer, rows, rows.select(range(32)), config)

    model = ladder.make_model(loop)
    optimizer = ladder.make_optimizer(model, loop)
    token_ids = batching.tokenize(rows["text"], tokenizer)
    labels = torch.tensor(rows["label"][:])
    order = batching.bucketed([len(ids) for ids in token_ids], 32, (3, 0))
    runtime.set_seed(3)
    with speedups.word_gradient_kept(model):
        for step, batch in enumerate(order):
            rate = training.learning_rate_at(step, 3, config)
            chosen = [token_ids[i] for i in batch]
            ladder.one_step(model, loop, optimizer, chosen, labels[batch], rate)
    for (name, one), other in zip(tuned.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(one, other), name


@pytest.mark.parametrize("line", ["padded to the longest", "bf16", ladder.SHORT, "dropout off"])
def test_a_model_works_as_its_line_says(line):
    loop = ladder.loop_of(line)
    model = ladder.make_model(loop)
    assert model.config._attn_implementation == loop.attention
    kinds = {type(m) for m in model.modules() if isinstance(m, torch.nn.Dropout)}
    assert kinds == {speedups.LightDropout if loop.light else torch.nn.Dropout}
    assert (model.config.hidden_dropout_prob > 0) == loop.dropout
    assert hasattr(model.config, "short_last_layer") == loop.short_last_layer


def test_the_forward_pass_written_out_is_the_same_function():
    """In fp32 without dropout: three steps lead to the weights of the library's forward pass."""
    rows = corpora.load("reviews")["train"].select(range(24))
    token_ids = batching.tokenize(rows["text"], checkpoints.load_tokenizer())
    labels = torch.tensor(rows["label"][:])
    loop = replace(ladder.loop_of("dropout off"), precision="fp32", attention="eager")
    trained = []
    for way in (loop, replace(loop, written_out=True)):
        model = ladder.make_model(way)
        optimizer, stepped = ladder.make_optimizer(model, way), ladder.stepped_by(way, model)
        with speedups.word_gradient_kept(model):
            for batch in (range(8), range(8, 16), range(16, 24)):
                chosen = [token_ids[i] for i in batch]
                ladder.one_step(stepped, way, optimizer, chosen, labels[list(batch)])
        trained.append((type(stepped).__name__, model))
    (_, library), (name, by_hand) = trained
    assert name == "WrittenOut"
    pairs = zip(library.named_parameters(), by_hand.parameters(), strict=True)
    far = {named[0]: (named[1] - own).abs().max().item() for named, own in pairs}
    assert max(far.values()) < 1e-5, far


def test_batches_stand_for_the_epoch():
    """The mean padded length of each round's sample is within 3 % of the epoch's."""
    lengths = np.random.default_rng(0).integers(5, 70, 6000)
    for line in ("padded to the longest", "buckets"):
        batches = ladder.make_batches(ladder.loop_of(line), lengths, 0)

        def mean(batches):
            return np.mean([lengths[batch].max() for batch in batches])

        samples = [ladder.representative(batches, lengths, 8, n) for n in range(ladder.ROUNDS)]
        for sample in samples:
            assert mean(sample) == pytest.approx(mean(batches), rel=0.03)
        assert len({tuple(batch) for sample in samples for batch in sample}) == 8 * ladder.ROUNDS


def test_a_gain_is_the_ratio_within_a_round():
    names = list(ladder.LINES)
    rows = [
        {"round": r, "line": line, "samples_per_second": (r + 1) * 2.0**i}
        for r in range(2)
        for i, line in enumerate(names)
    ]
    found = ladder.gains(pd.DataFrame(rows)).set_index(["line", "round"])["gain"]
    assert names[0] not in found.index.get_level_values("line")
    for line in list(ladder.ladder())[1:]:
        assert (found[line] == 2).all()
    # A choice is held against the ladder's last line, not against the choices before it.
    assert [found[line].tolist() for line in ladder.apart()] == [
        [2.0] * 2,
        [4] * 2,
        [8] * 2,
        [16] * 2,
    ]


def test_a_line_that_was_measured_in_fewer_rounds_has_a_gain_in_those():
    last, *_, written_out = list(ladder.ladder())[-1], *ladder.apart()
    rows = [{"round": r, "line": last, "samples_per_second": 2.0} for r in range(3)]
    rows.append({"round": 2, "line": written_out, "samples_per_second": 3.0})
    found = ladder.gains(pd.DataFrame(rows))
    assert found.to_dict("records") == [{"round": 2, "line": written_out, "gain": 1.5}]


def test_a_run_starts_its_process_with_the_pages_of_its_line(monkeypatch):
    seen = {}

    def stub(command, env, **_):
        seen[command[command.index("--line") + 1]] = env["THP_MEM_ALLOC_ENABLE"]
        return type("Done", (), {"stdout": '{"step_ms": 1}'})

    monkeypatch.setattr(ladder.subprocess, "run", stub)
    monkeypatch.setitem(os.environ, "THP_MEM_ALLOC_ENABLE", "1")
    assert ladder.run("buckets", 0) == {"step_ms": 1}
    ladder.run("large pages", 0)
    assert seen == {"buckets": "0", "large pages": "1"}


def test_the_plan_holds_every_line_once_a_round_and_compiles_last():
    planned = pd.DataFrame(ladder.planned())
    assert planned["line"].iloc[-1] == ladder.COMPILED
    rounds = planned[planned["line"] != ladder.COMPILED].groupby("round")["line"]
    assert [sorted(lines) for _, lines in rounds] == [sorted(ladder.LINES)] * ladder.ROUNDS


def test_the_page_says_what_the_rows_give():
    """What the page of findings quotes of them is held in test_benchmarks."""
    assert ladder.report() == ladder.PAGE.read_text(encoding="utf8")
