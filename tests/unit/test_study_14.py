"""What the pages say of the other tasks is what the recorded rows give."""

import json

import numpy as np
import pytest

from helpers import other_tasks
from helpers.measured import other_tasks as recorded
from helpers.measured.rows import table
from tools import project
from tools.experiments import other_tasks as study

FINDINGS = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())


def ends(values, written="{mean:.0f} % ({low:.0f} to {high:.0f})"):
    """A mean in percent with its interval, as the page writes it."""
    mean, low, high = 100 * np.array(recorded.interval(values))
    return written.format(mean=mean, low=low, high=high)


def ahead(
    values, model, rival, written="{mean:.1f} points ahead of the {rival} ({low:.1f} to {high:.1f})"
):
    """A lead, as the page writes it."""
    lead = recorded.lead(values, model, rival)
    return written.format(rival=rival, **lead)


def test_the_findings_quote_the_spans():
    values = {model: recorded.span_values(model) for model in recorded.MODELS["tags"]}
    said = "F1 of **{mean:.0f} %** ({low:.0f} to {high:.0f})"
    assert ends(values[recorded.FULL], said) in FINDINGS
    frozen, known = (100 * values[m].mean() for m in ("frozen features", "most frequent tag"))
    assert f"frozen features {frozen:.0f}, a list of known words {known:.0f};" in FINDINGS
    assert ahead(values, recorded.FULL, "frozen features") in FINDINGS


def test_the_findings_quote_the_answers():
    values = recorded.answers(other_tasks.exact_match)
    said = "**{mean:.0f} %** of 210 questions ({low:.0f} to {high:.0f}; always"
    assert ends(values[recorded.FULL], said) in FINDINGS
    assert f'always "not said": {100 * values["never an answer"].mean():.0f});' in FINDINGS
    said = "**{mean:.0f} %** ({low:.0f} to {high:.0f}). 8 to 12 of its answers"
    assert ends(values[recorded.LANGUAGE_MODEL], said) in FINDINGS
    foreign = recorded.invented()["not from the message"]
    written = foreign[recorded.LANGUAGE_MODEL]
    assert (written.min(), written.max()) == (8, 12) and foreign[recorded.FULL].sum() == 0


def test_the_findings_quote_the_pairs():
    values = {model: recorded.pair_values(model) for model in recorded.MODELS["pairs"]}
    said = "**{mean:.0f} %** of 210 pairs ({low:.0f} to {high:.0f})"
    assert ends(values["frozen, cosine"], said) in FINDINGS
    assert "on 742 pairs on " + ends(values[recorded.FULL]) in FINDINGS
    assert f"TF-IDF on {100 * values['TF-IDF, cosine'].mean():.0f};" in FINDINGS
    lead = recorded.lead(values, "frozen, cosine", recorded.FULL)
    assert (
        "{mean:.1f} points ahead of the cross-encoder ({low:.1f} to {high:.1f})".format(**lead)
        in FINDINGS
    )


def test_the_findings_quote_the_written_texts():
    exact = recorded.exact_values(recorded.LANGUAGE_MODEL)
    assert ends(exact, "**{mean:.0f} %** of 120 exactly ({low:.0f} to {high:.0f})") in FINDINGS
    old, new = ([w for w, _ in recorded.wrong_objects(p)] for p in ("test", "new role"))
    assert f"in {min(new)} to {max(new)} of 60 sentences" in FINDINGS
    assert f"in {min(old)} to {max(old)} of 120" in FINDINGS
    subject = recorded.lead(recorded.rouge_l("subject"), recorded.LANGUAGE_MODEL, "first words")
    said = "{mean:.1f} points above the message's first seven words ({low:.1f} to {high:.1f})"
    assert said.format(**subject) in FINDINGS
    polite = recorded.lead(recorded.rouge_l("polite"), recorded.LANGUAGE_MODEL, "copy")
    assert "({mean:+.1f}, {low:.1f} to {high:+.1f})".format(**polite) in FINDINGS


def test_the_linearized_values_have_the_f1_as_their_mean():
    """The mean over messages is the F1 of all spans together, for each model and kind."""
    expected = other_tasks.spans_of(recorded.inbox()["test"])
    for model in recorded.MODELS["tags"]:
        for kind in (None, "date"):
            found = [other_tasks.span_f1(expected, f, kind) for f in recorded.spans_said(model)]
            assert np.allclose(recorded.span_values(model, kind).mean(axis=1), found)


def test_the_rates_were_chosen_on_validation():
    rows = table("other_tasks")
    for task, rates in study.RATES.items():
        tries = rows[(rows["scored"] == "validation") & (rows["task"] == task)]
        assert set(tries["rate"]) == set(rates) and set(tries["seed"]) == {study.CHOICE_SEED}
        best = tries.loc[tries["figure"].idxmax(), "rate"]
        tested = rows[(rows["scored"] == "test") & (rows["task"] == task) & (rows["rate"] > 0)]
        assert set(tested["rate"]) == {best} and len(tested) % len(study.SEEDS) == 0


def test_every_answer_of_a_part_was_kept():
    sizes = {"tags": 105, "answers": 210, "pairs": 210, "answer": 210, "subject": 105}
    sizes |= {"polite": 105, "translate": 120}
    for row in table("other_tasks_said").itertuples():
        size = 60 if row.part == "new role" else sizes[row.task]
        assert len(json.loads(row.said)) == size, (row.task, row.model, row.seed, row.part)


def test_what_was_not_recorded_is_named():
    with pytest.raises(ValueError, match="'tags', 'nobody', 'test'"):
        recorded.said("tags", "nobody")


def test_translations_have_the_interval_of_seeds_and_sentences():
    """By hand: the widest of what sentences, seeds or both alone would give is not exceeded by far.

    The spread over seeds alone (69 to 74) would promise too much: 120 sentences are few.
    """
    values = recorded.exact_values(recorded.LANGUAGE_MODEL)
    table = recorded.translation_table()
    mean, low, high = table.loc[(recorded.LANGUAGE_MODEL, "test"), ["exact", "low", "high"]]
    assert mean == round(100 * values.mean(), 1)
    sentences = 196 * values.mean(axis=0).std(ddof=1) / np.sqrt(values.shape[1])
    assert high - mean == pytest.approx(mean - low, abs=0.11)
    assert 0.8 * sentences < high - mean < 2 * sentences
    assert low < 100 * values.mean(axis=1).min() and high > 100 * values.mean(axis=1).max()


def test_no_hit_of_120_is_no_proof_of_none():
    table = recorded.translation_table()
    before = table.loc[(recorded.BEFORE, "test"), ["exact", "low", "high"]]
    assert before.tolist() == [0.0, 0.0, 3.1]  # Wilson: z² / (n + z²)
    wilson = 100 * 1.96**2 / (120 + 1.96**2)
    assert wilson == pytest.approx(3.1, abs=0.01)
