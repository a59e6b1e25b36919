"""Claims about 11, why this label. Most are about recorded rows; sections 4 to 10 also train."""

import numpy as np
import torch

from helpers import explain, measured, metrics, training, widgets
from helpers.measured import explanations
from tests.notebooks.claims import after


@after("11b00002")
def the_first_row_is_random(rows, sentence, words):
    """Section 1: row A is random, row B integrated gradients."""
    assert np.allclose(rows["A"] + 0.5, sentence["scores"]["random order"])
    assert np.allclose(rows["B"], sentence["scores"]["integrated gradients"]) and len(words) == 8


@after("11d00002")
def the_numbers_add_up_to_three(x, toy_model):
    """Section 3: 3 in all, 2.4 of "great"; tanh(3) is 0.9951."""
    assert np.isclose(x.sum().item(), 3) and np.isclose(x[1].sum().item(), 2.4)
    assert round(toy_model(x).item(), 4) == 0.9951


@after("11d00004")
def the_gradient_knows_no_difference(slope):
    """Section 3: 0.0099 for all six numbers, the derivative of tanh at 3."""
    assert torch.allclose(slope, torch.full((3, 2), 1 - np.tanh(3) ** 2), atol=1e-6)
    assert round(slope[0, 0].item(), 4) == 0.0099


@after("11d00006")
def great_has_six_times_the_score_of_film(times_input):
    """Section 3: six times, and 0.03 together."""
    assert np.isclose(times_input[1].item() / times_input[2].item(), 6)
    assert round(times_input.sum().item(), 2) == 0.03


@after("11d00008")
def integrated_gradients_become_complete(integrated):
    """Section 3: 0.5421 with one step, 0.9951 with 32, as tanh(3)."""
    assert round(float(integrated(1).sum()), 4) == 0.5421
    assert round(float(integrated(32).sum()), 4) == 0.9951


@after("11d00010")
def leave_one_out_misses_what_words_share(without, toy_model, x, one, both):
    """Section 3: 0.458 without "great"; of two, 0.005 without one and 0.463 without both."""
    assert round(without[1], 3) == 0.458 and max(without[0], without[2]) < 0.01
    twice = torch.cat([x.detach(), x.detach()[1:2]])
    left = [toy_model(twice[rows]).item() for rows in ([0, 1, 2, 3], [0, 1, 2], [0, 2])]
    assert np.allclose([one, both], [left[0] - left[1], left[0] - left[2]], atol=1e-6)
    assert (round(float(one), 3), round(float(both), 3)) == (0.005, 0.463)


@after("11e00002", learning=True)
def the_model_has_learned_to_judge_reviews(model, tokenizer, raw_datasets):
    """Section 4: two epochs. The study's models reach 83 % and more; 08's random weights 72.8 %."""
    validation = raw_datasets["validation"]
    said = training.predict(model, tokenizer, validation["text"]).argmax(axis=1)
    assert (said == np.array(validation["label"])).mean() > 0.775


@after("11e00004")
def ten_words_and_two_signs(own_words, vectors, ids, model):
    """Section 4: twelve tokens of 384 numbers; no token of the table has a vector of zeros."""
    assert len(own_words) == 10 and vectors.shape == (1, 12, 384) and ids.shape == (1, 12)
    assert model.get_input_embeddings().weight.norm(dim=1).min() > 0.1


@after("11e00008")
def the_gap_becomes_small(model, tokenizer, own_words, label, of_text, of_masks):
    """Section 4: with 64 steps it is small beside the sum, which is then the printed change."""
    scores, gap = explain.integrated_gradients(model, tokenizer, own_words, label, 64)
    assert abs(gap) < 0.1 * max(1, abs(scores.sum()))
    assert np.isclose(scores.sum() - gap, of_text - of_masks, atol=1e-3)


@after("11e00010")
def the_probability_flattens_the_gradient(flat, slope, probability_of_it):
    """Section 4: multiplied by p(1 - p), at most a quarter, and 0.018 at a difference of 4."""
    p = probability_of_it.item()
    ratio = (flat.norm() / slope.norm()).item()
    assert np.isclose(ratio, p * (1 - p), rtol=1e-3) and ratio <= 0.25


@after("11f00004")
def gradient_and_attention_know_no_against(candidates):
    """Section 4: never below 0, while the other three have both signs."""
    for name in ("gradient", "attention, last layer", "attention rollout"):
        assert min(candidates[name]) >= 0
    assert len(candidates) == 6 == len(explanations.METHODS) - 1


@after("11080002")
def the_figure_has_the_sentence_that_is_asked_for():
    """Section 7: twenty sentences; the one of the question is there."""
    texts = [each["text"] for each in widgets.stored_words()]
    assert len(texts) == 20 and "hardly a film that comes along every day ." in texts


@after("110d0002")
def the_library_and_we_agree(model, tokenizer, own_words, label, library_scores):
    """Section 12: where captum is installed. `tests/unit/test_explain.py` compares word by word."""
    try:
        theirs = library_scores(20)
    except ImportError:
        return
    ours, _ = explain.integrated_gradients(model, tokenizer, own_words, label, steps=20)
    assert np.allclose(ours, theirs, atol=1e-3)


@after("11060010")
def leave_one_out_beats_a_random_order(falls):
    """Section 5: several times as much; a run gave 55 points beside 9."""
    assert falls["leave one out"] > 2 * max(falls["random order"], 5)


@after("11060010")
def the_sign_is_a_part_of_the_lead(falls):
    """Section 5: without its sign leave one out loses half (55 to 27 points in a run) and stays
    above attention (18). Five seeds kept 50 to 85 %."""
    unsigned = falls["leave one out, no sign"]
    assert unsigned < 0.95 * falls["leave one out"] and unsigned > falls["attention, last layer"]
    bands = measured.table("notebook_bands").query("notebook == '11_why_this_label'")
    by_seed = bands.pivot_table("value", ["processor", "seed"], "quantity")
    kept = by_seed["no_sign_falls"] / by_seed["leave_one_out_falls"]
    assert len(kept) == 5 and kept.min().round(2) == 0.50 and kept.max().round(2) == 0.85
    assert (by_seed["no_sign_falls"] > by_seed["attention_falls"]).all()


@after("11070008")
def a_random_head_turns_the_order_round_or_keeps_it(heads):
    """Section 6: integrated gradients over six heads -0.43, -0.43, 0.57, 0.15, -0.43 and -0.03 in
    a run: three below -0.3, one above 0.3. The gradient keeps 0.85 and more."""
    for name in ("gradient × input", "integrated gradients"):
        own = [head[name] for head in heads]
        assert min(own) < -0.2 and max(own) > 0.2
    assert sum(head["integrated gradients"] < -0.2 for head in heads) >= 2
    assert min(head["gradient"] for head in heads) > 0.7


@after("11070008")
def the_study_says_the_same_of_rollout_and_leave_one_out():
    """Section 6: three models; rollout keeps its order, leave one out −0.64, 0.32 and 0.66."""
    heads = explanations.randomized(by="seed").loc["head"]
    assert np.allclose(heads["attention rollout"], 1) and len(heads) == 3
    assert sorted(heads["leave one out"].round(2)) == [-0.64, 0.32, 0.66]


@after("11070005")
def attention_does_not_see_the_head(correlations):
    """Section 6: attention stays as it was with a random head, the gradient nearly: 0.90 in a run,
    and 0.66 with half of the layers at random; the two others change at once."""
    head = correlations.iloc[0]
    assert np.isclose(head["attention, last layer"], 1) and len(correlations) == 8
    assert head["gradient"] > 0.7 and correlations.loc["layer 4", "gradient"] > 0.4
    assert head[["gradient × input", "integrated gradients"]].max() < 0.6
    assert correlations.iloc[-1].max() < 0.6  # little is left where the whole model is random


@after("11070004")
def eight_steps_are_enough_for_an_order(few_reviews, real, model, tokenizer):
    """Section 6: the order of 64 steps, by a correlation of 0.99 over the eight reviews."""
    found = []
    for (words, its_label), scores in zip(few_reviews, real, strict=True):
        more, _ = explain.integrated_gradients(model, tokenizer, words, its_label, steps=64)
        found.append(explain.rank_correlation(scores["integrated gradients"], more))
    assert np.mean(found) > 0.97


@after("11090009")
def not_turns_blame_too_but_gives_it_less(leans, frames):
    """Section 8: "not" alone moves blame up (in a run from −3.74 to 1.30), and praise down by
    more; in the other frames negated blame stays below zero."""
    assert frames[:2] == ["the story is {} .", "the story is not {} ."]
    praise, blame = (leans[side] - leans[side][0] for side in ("praise", "blame"))
    assert leans["praise"][0] > 0 > leans["blame"][0] and blame[1] > 1
    assert (-praise[1:] > blame[1:]).all() and (leans["blame"][2:] < 0).all()


@after("110a0014")
def the_repair_works_on_its_own_templates_and_less_on_others(live):
    """Section 9: in a run 80 to 4 % on its own templates, 93 to 47 % on others; traps 20 to 16,
    as in the study's seed 0, whose control comes to 11 on the traps."""
    gain = live["before"] - live["after"]
    own, other = gain["repair's templates, blame"], gain["negated blame"]
    assert own > 50 and live.loc["repair's templates, blame", "after"] < 25
    assert other > 15 and live.loc["negated blame", "after"] > 20
    assert gain["traps"] > -30
    for column, version in (("before", "before"), ("after", "templates")):
        study = explanations.by_template(version)
        for test in live.index:
            assert abs(live.loc[test, column] - study[test].loc[0].mean()) < 30
    traps = [explanations.by_template(v)["traps"].loc[0].mean() for v in explanations.VERSIONS]
    assert np.allclose(traps, [19.8, 11.5, 15.6], atol=0.05)  # before, control, templates


@after("11c00004")
def one_row_names_words_that_matter(recorded_p, words):
    """Section 2: 0.727 without the random row's two words, 0.026 without the other's; with either
    pair alone near 0.970, and nothing but masks is positive, with 0.849."""
    place = {word: i for i, word in enumerate(words)}
    assert recorded_p([place["beautifully"], place["epic"]]) == 0.727
    assert recorded_p([place["beautifully"], place["never"]]) == 0.026
    for pair in (("beautifully", "epic"), ("beautifully", "never")):
        rest = [i for i, word in enumerate(words) if word not in pair]
        assert abs(recorded_p(rest) - 0.970) < 0.04
    assert recorded_p(range(len(words))) == 0.849


@after("110b0002")
def nothing_but_masks_is_called_positive(recorded):
    """Section 10: a sentence of masks lies at 0.83 to 0.91, an empty one at 0.517."""
    empty = [each["mask"][0] / 1000 for each in recorded]
    assert min(empty) > 0.82 and max(empty) < 0.91 and abs(np.mean(empty) - 0.85) < 0.01
    assert {each["delete"][0] for each in recorded} == {517}


@after("110b0002")
def one_word_often_decides(recorded, smallest_removal):
    """Section 10: "not", "never", "can't", "nowhere"; one sentence no removal turns."""
    found = {each["text"]: smallest_removal(each) for each in recorded}
    assert list(found.values()).count(["(none)"]) >= 1
    assert found["witty , contemplative , and sublimely beautiful ."] == ["(none)"]
    for word in ("not", "never", "can't", "nowhere"):
        assert [word] in found.values()


@after("110e0003")
def shapley_values_add_up_and_leave_one_out_does_not(both, change):
    """Section 13: −0.772 and −0.947; both name "not" first."""
    assert round(both["Shapley"].sum(), 3) == round(change, 3) == -0.772
    assert round(both["leave one out"].sum(), 3) == -0.947
    assert set(both.idxmin()) == {"not"}


@after("11090006")
def negated_blame_and_sarcasm_fail(before):
    """Section 8: nearly all of negated blame, little of negated praise, much of sarcasm."""
    assert before.loc["negated blame", "mean"] > 75 and before.loc["sarcasm", "mean"] > 50
    assert before.loc["negated praise", "mean"] < 30 and before.loc["“very”", "mean"] < 10
    assert (before["high"] <= 100).all() and (before["low"] >= 0).all()


@after("110a0004")
def the_repair_reaches_its_own_templates_most(means, negation):
    """Section 9: own templates nearly repaired, others in part; the control does neither."""
    blame = ["repair's templates, blame", "negated blame"]
    own, other = (means["more reviews"][test] - means["templates"][test] for test in blame)
    assert own > other + 10 and other > 10 and means["templates"][blame[0]] < 20
    assert means["templates"][blame[1]] > 30 and len(negation) == 6


@after("110a0002")
def no_adjective_of_the_repair_is_in_the_other_tests_of_negation(repair, cases):
    """Section 9: what they share are only the small words of the templates."""
    tests = {"plain words", "negated praise", "negated blame", "traps"}
    others = {word for case in cases if case.test in tests for word in case.text.split()}
    shared = others & {word for text in repair["text"] for word in text.split()}
    assert shared == {".", "a", "is", "it", "not", "the", "was"}


@after("110a0004")
def three_answers_of_praise_became_wrong(means):
    """Section 9: 4.0 % of 25 sentences and three models are three answers of 75, beside the control
    -15.9 to 23.9 points."""
    assert round(means["templates"]["repair's templates, praise"] / 100 * 75, 6) == 3
    assert means["before"]["repair's templates, praise"] == 0
    change = explanations.rates("templates", minus="more reviews")
    found = change.loc["repair's templates, praise", ["low", "high"]].round(1).tolist()
    assert found == [-15.9, 23.9]


@after("11090007")
def the_plainest_template_fails_in_half_and_the_others_more(cases):
    """Section 8: half of "is not bad", all of "is anything but"; and what all three models say of
    the two sentences that the text quotes."""
    failed = explanations.failed("before")
    texts = [case.text for case in cases]
    assert not failed[:, texts.index("the film is not good .")].any()
    assert failed[:, texts.index("the acting isn't boring at all .")].all()
    own = explanations.by_template("before")["negated blame"].mean()
    assert own.pop("the {noun} is not {word} .") == 50 and own.min() > 80 and len(own) == 9
    assert own["the {noun} is anything but {word} ."] == 100


@after("11090007")
def no_failure_leaves_room():
    """Section 8: none in eight templates leaves room up to about 32 %."""
    assert round(100 * metrics.wilson(0, 8)[1]) == 32


@after("11090004")
def two_of_200_reviews_have_no_word_to_misspell(cases, raw_datasets):
    """Section 8: two letters swapped, in 198 of the 200 reviews that were drawn."""
    pairs = [(case.text, case.other) for case in cases if case.test == "typing errors"]
    assert len(pairs) == 198 == explanations.COUNT - 2
    assert {other for _, other in pairs} < set(raw_datasets["test"]["text"])
    for text, other in pairs:
        right = " ".join(other.split())
        changed = [i for i, (a, b) in enumerate(zip(text, right, strict=True)) if a != b]
        assert len(changed) == 2 and changed[1] == changed[0] + 1
        assert sorted(text) == sorted(right)


@after("11060004")
def two_methods_lead_two_are_in_between_and_two_near_chance(tables):
    """Section 5: three groups, by comprehensiveness."""
    mean = tables["comprehensiveness"]["mean"]
    top, middle = ["integrated gradients", "leave one out"], ["gradient", "attention, last layer"]
    low = ["attention rollout", "gradient × input"]
    assert mean[top].min() > 1.4 * mean[middle].max() and mean[middle].min() > mean[low].max()
    assert mean[middle].max() - mean[middle].min() < 4
    assert 1.5 < mean[middle].mean() / mean["random order"] < 2.7
    assert tables["sufficiency"].loc[top, "mean"].max() < 5


@after("11060006")
def the_winners_win_by_mask_and_by_deletion(by_mask, by_deletion):
    """Section 5: both ways of removing give the same picture."""
    for table in (by_mask, by_deletion):
        leads = table["comprehensiveness"].loc[["integrated gradients", "leave one out"]]
        assert (leads["low"] > 15).all()
        assert (table["sufficiency"].loc[leads.index, "high"] < -10).all()
    orders = [
        table["comprehensiveness"]["mean"].sort_values().index.tolist()
        for table in (by_mask, by_deletion)
    ]
    assert orders[0] == orders[1]
    shown = [
        set(table["comprehensiveness"].query("low > 0").index) for table in (by_mask, by_deletion)
    ]
    assert shown[0] == shown[1] == set(orders[0][2:])
    assert by_mask["sufficiency"].loc["attention, last layer", "high"] > 0


@after("11060002")
def half_of_the_words_at_random_cost_a_fifth():
    """Section 5: 19.8 points at half of the words; 33.3 and 36.6 at a tenth."""
    random, first, second = (
        explanations.curve(method, "comprehensiveness")["mean"].round(1)
        for method in ("random order", "integrated gradients", "leave one out")
    )
    assert (random[0.5], first[0.1], second[0.1]) == (19.8, 33.3, 36.6)


@after("11060007")
def between_the_two_winners():
    """Section 5: integrated gradients are ahead by 4.3 points (printed: 0.4 to 8.2); by deletion no
    lead is shown (-0.8 to 8.8)."""
    found = [
        explanations.areas("comprehensiveness", way, beside="leave one out")
        .loc["integrated gradients"]
        .round(1)
        .tolist()
        for way in ("mask", "delete")
    ]
    assert found == [[4.3, 0.4, 8.2], [4.0, -0.8, 8.8]]


@after("110a0007")
def negated_blame_improved_with_every_seed_and_the_traps_moved_both_ways(change, by_seed):
    """Section 9: traps up in two models, down in the third; negated blame by 33.3 to 51.7 points,
    in the mean −41.7 (−89.5 to 6.2); a gain is shown for the repair's own templates alone."""
    assert by_seed.loc["traps"].round(1).tolist() == [4.2, -2.1, 10.4]
    assert by_seed.loc["negated blame"].round(1).tolist() == [-33.3, -40.0, -51.7]
    assert np.allclose(by_seed.mean(axis=1), change["mean"])
    shown = change.index[change["high"] < 0].tolist()
    assert shown == ["repair's templates, blame"] and change.loc["negated blame", "high"] > 0
    means = change["mean"]
    assert 0.4 < means["negated blame"] / means["repair's templates, blame"] < 0.6


@after("110a0007")
def the_templates_differ(moved):
    """Section 9: −88.9 points for "never feels", none for "is anything but"; "is not", which comes
    close to the repair's, moves by no more than the mean."""
    own = moved["negated blame"].mean().round(1)
    assert own["the {noun} never feels {word} ."] == -88.9 == own.min()
    assert own["the {noun} is anything but {word} ."] == 0 == own.max()
    assert abs(own["the {noun} is not {word} ."]) <= 41.7


@after("110a0007")
def the_template_that_comes_close_makes_no_difference():
    """Section 9: without "the {noun} is not {word} ." the mean is the same and as open."""
    moved = explanations.by_template("templates", minus="more reviews")["negated blame"]
    others = moved.drop(columns="the {noun} is not {word} .").to_numpy()
    found = explanations.intervals({"others": others}).loc["others"]
    assert abs(found["mean"] + 41.7) < 1 and found["low"] < 0 < found["high"]


@after("110a0010")
def no_gain_on_the_test_part_is_shown(parts, raw_datasets):
    """Section 9: printed 0.1 points, −1.8 to 2.1, and with a negation 1.5, −4.2 to 7.3; these are
    396 reviews."""
    found = [
        explanations.change_in_accuracy("templates", "more reviews", only).round(1).tolist()
        for only in parts.values()
    ]
    assert found == [[0.1, -1.8, 2.1], [1.5, -4.2, 7.3]]
    assert sum(map(explanations.has_negation, raw_datasets["test"]["text"])) == 396
