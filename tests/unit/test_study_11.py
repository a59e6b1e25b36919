"""The rows of notebook 11's study: complete, and read as they were written."""

import numpy as np
import pytest

from helpers import corpora, explain, measured
from helpers.measured import explanations as recorded
from tools import project

SEEDS = [0, 1, 2]


def test_every_seed_was_examined_and_tested():
    rows = measured.table("explanations")
    for part in ("behaviour", "examination", "randomized"):
        assert sorted(rows.loc[rows["part"] == part, "seed"]) == SEEDS
    curves = measured.table("explanations_curves")
    ways = 2 * 2 * len(explain.SHARES)
    assert (curves.groupby(["seed", "method"]).size() == ways).all()
    assert len(curves) == len(SEEDS) * len(recorded.METHODS) * ways


def test_a_random_head_leaves_attention_as_it_was_and_the_last_stage_nothing_of_the_others():
    each, mean = recorded.randomized(by="seed"), recorded.randomized()
    assert len(each) == 3 * len(mean) and list(mean) == list(recorded.METHODS)
    assert np.allclose(mean, each.groupby(level="stage", sort=False).mean())
    assert np.allclose(each.loc["head", ["attention, last layer", "attention rollout"]], 1)
    own = ["gradient × input", "integrated gradients", "leave one out"]
    assert mean.loc["embeddings", own].abs().max() < 0.2


def test_the_reviews_are_two_hundred_of_the_test_part_and_always_the_same():
    test = corpora.load("reviews")["test"]
    found = recorded.sentences(test)
    assert found == recorded.sentences(test) and len(found) == 200
    assert {len(words) for words in found} <= set(range(5, 26))
    assert {" ".join(words) for words in found} <= {" ".join(t.split()) for t in test["text"]}


@pytest.mark.parametrize("way", ["mask", "delete"])
def test_falls_are_those_of_seeds_sentences_and_shares(way):
    for method in recorded.METHODS:
        found = recorded.falls(method, "comprehensiveness", way)
        assert found.shape == (3, 200, 4) and np.abs(found).max() <= 1
    random = recorded.falls(recorded.RANDOM, "sufficiency", way)
    assert random[:, :, 0].mean() > random[:, :, -1].mean(), "more words kept, less lost"
    with pytest.raises(ValueError, match="Nothing was recorded"):
        recorded.falls("astrology", "sufficiency", way)


def test_a_lead_over_itself_is_nothing_and_intervals_hold_their_means():
    table = recorded.areas("comprehensiveness")
    assert ((table["low"] < table["mean"]) & (table["mean"] < table["high"])).all()
    leads = recorded.areas("comprehensiveness", beside=recorded.RANDOM)
    gap = table["mean"].drop(recorded.RANDOM) - table["mean"][recorded.RANDOM]
    assert np.allclose(leads["mean"], gap)


def test_a_failure_is_recorded_for_every_case_and_rates_never_lack_an_interval():
    for version in recorded.VERSIONS:
        assert recorded.failed(version).shape == (3, len(recorded.all_cases()))
        assert recorded.failed(version, "test").shape == (3, 1705)
        rates = recorded.rates(version)
        assert (rates["high"] > rates["low"]).all() and rates["low"].min() >= 0
        assert rates["high"].max() <= 100


def test_a_change_of_rates_has_the_interval_of_seeds_and_templates_cut_at_a_hundred():
    """By hand: the variances of both means are added, and t has two degrees of freedom (4.303)."""
    found = recorded.rates("templates", minus="more reviews")
    test = "repair's templates, blame"
    chosen = [i for i, case in enumerate(recorded.all_cases()) if case.test == test]
    one, other = (recorded.failed(v)[:, chosen] for v in ("templates", "more reviews"))
    changes = 100 * (one - other).reshape(3, 5, 5).mean(axis=2)  # five words of each template
    spread = changes.mean(axis=1).var(ddof=1) / 3 + changes.mean(axis=0).var(ddof=1) / 5
    mean, half = changes.mean(), 4.30265 * np.sqrt(spread)
    assert mean - half < -100, "or else there is nothing to cut"
    assert found.loc[test, "low"] == -100
    assert np.allclose(found.loc[test, ["mean", "high"]], [mean, mean + half], atol=0.01)
    assert found["low"].min() >= -100 and found["high"].max() <= 100


def test_the_repair_and_its_control_share_their_reviews():
    train = corpora.load("reviews")["train"]
    control, repair = (recorded.repair_rows(train, with_it, 0) for with_it in (False, True))
    assert len(control) == len(repair) == 1000
    assert control["text"][:900] == repair["text"][:900]
    assert set(repair["text"][900:]) == set(explain.repair_sentences()["text"])
    assert repair.features == train.features


def test_the_page_of_findings_says_what_the_rows_give():
    page = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())
    fall = recorded.areas("comprehensiveness")
    leads = recorded.areas("comprehensiveness", beside="random order")
    for name, words in (
        ("integrated gradients", "**{:.1f} points** for integrated gradients ({:.1f} to {:.1f})"),
        ("leave one out", "**{:.1f}** for leaving one word out ({:.1f} to {:.1f})"),
        ("random order", "by {:.1f} for a random order ({:.1f} to {:.1f})"),
    ):
        assert words.format(*fall.loc[name, ["mean", "low", "high"]]) in page
    for name, points in (("gradient × input", "{:+.1f} points"), ("attention rollout", "{:+.1f}")):
        said = f"({points}, {{:.1f}} to {{:+.1f}})"
        assert said.format(*leads.loc[name, ["mean", "low", "high"]]) in page
    kept = recorded.randomized().loc["head", "gradient"]
    assert f"correlates with its real order by {kept:.2f} (three models" in page
    before, after = (recorded.rates(version)["mean"] for version in ("before", "templates"))
    assert f"in {before['negated praise']:.1f} % of the cases" in page
    assert f"in **{before['negated blame']:.1f} %**" in page
    ours, others = after["repair's templates, blame"], after["negated blame"]
    assert f"to {ours:.1f} % in the same templates and to {others:.1f} % in others" in page
    gain = recorded.rates("templates", minus="more reviews").loc["negated blame"]
    said = f"gain is {-gain['mean']:.1f} points, and its interval over ten templates includes zero"
    assert f"{said} ({-gain['high']:.1f} to {-gain['low']:+.1f})" in page
    change = recorded.change_in_accuracy("templates", "more reviews")
    said = "({:+.1f} points, {:.1f} to {:+.1f})"
    assert said.format(*change[["mean", "low", "high"]]) in page
