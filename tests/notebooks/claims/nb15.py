"""Claims about 15, the claims revisited: its counts, its recorded numbers, its formulas.

That every row of the ledger leads to a cell, and every computed verdict is the written one, is
tested in `tests/notebooks/test_ledger.py`.
"""

import numpy as np
import torch

from helpers import measured, metrics, other_tasks
from helpers.measured import (
    cross_validation,
    domains,
    instruction_tuning,
    ledger,
    ledger_rows,
    what_it_buys,
)
from tests.notebooks.claims import after


@after("15200002")
def over_words_the_lead_is_shown_and_over_frozen_features_it_is_not(tuned):
    """Section 2: "In two of the five draws fine-tuning was behind" frozen features."""
    leads = {r: what_it_buys.lead(tuned, what_it_buys.hits(r, 64)) for r in RIVALS}
    assert leads["TF-IDF"]["low"] > 0 > leads["frozen features"]["low"]
    assert leads["frozen features"]["high"] > 0 and leads["frozen features"]["ahead"] == "3 of 5"


RIVALS = ("frozen features", "TF-IDF")


@after("15200004")
def below_zero_on_the_left_and_above_it_on_the_right(few):
    """Section 2: at every size up to 256; at 512 above zero on both sides."""
    assert few.index.tolist() == [16, 32, 64, 128, 256, 512]
    assert (few["over frozen features"] > 0).tolist() == [False] * 5 + [True]
    assert (few["over TF-IDF"] > 0).all()


@after("15200006")
def by_hand_and_by_the_helper_it_is_the_same_verdict(verdict):
    """Section 2: the claim holds if the rival counts words."""
    assert verdict == ledger.computed("few_labels") == ledger.IF


@after("15200008")
def with_other_rows_it_is_another_verdict(worse):
    """Section 2: ten points worse throughout."""
    assert ledger.few_labels(*worse) == ledger.NOT_HERE


@after("1520000a")
def all_computed_verdicts_are_as_written(decided, again):
    """Section 2: "decided by recorded rows and a rule"; the bars of the rules."""
    assert (again == decided["verdict"]).all() and len(decided) == len(ledger.RULES)
    assert (ledger.FEW, ledger.PRECISE, ledger.MUCH) == (512, 95, 60 * 60)
    curves = ledger_rows.curves()
    words = {p: ledger.beyond_words(curves.assign(**{"TF-IDF": p})) for p in (60.0, 60.1)}
    assert words == {60.0: ledger.IF, 60.1: ledger.WRONG}  # ten points above a coin


@after("15300002")
def the_ledger_has_as_many_claims_of_each_verdict(totals):
    """Section 3, and findings.md: 119 claims; holds 21, holds if 33, not here 9, wrong 40, 16."""
    assert totals.tolist() == [21, 33, 9, 40, 16] and totals.sum() == 119
    assert totals.index.tolist() == list(ledger.VERDICTS)


@after("15300004")
def one_claim_about_results_is_wrong_and_most_wrong_ones_are_formulas_or_the_program():
    """Section 3. Section 7: nothing holds without a condition, and two do not hold here."""
    assert ledger.counts("part").loc["applications"].tolist() == [0, 7, 2, 0, 7]
    by_part = ledger.counts("part")["wrong"]
    rows = ledger.claims().query("part == 'results' and verdict == 'wrong'")
    assert rows["says"].str.startswith("Nobody").tolist() == [True]
    assert by_part[["formulas", "listing"]].sum() == 25 and by_part.sum() == 40  # and findings.md


@after("1520000a")
def the_results_are_as_the_table_says():
    """Section 4, table: leads, times and losses of notebook 08, hours and articles of 07."""
    curves, seconds = ledger_rows.curves(), ledger_rows.seconds()
    assert curves[ledger_rows.TUNED].round().loc[[64, 5970]].tolist() == [65, 84]
    assert round(curves.loc[5970, "TF-IDF"], 1) == 76.5 and ledger.PRECISE == 95
    assert ledger_rows.gains_in_a_minute().min() > 20
    assert seconds.round().loc[["fine-tuned", "frozen features", "TF-IDF"]].tolist() == [36, 5, 2]
    lacks = ledger_rows.without_pretraining()["mean"].round()
    assert (lacks.min(), lacks.max()) == (11, 14)
    over, words = (what_it_buys.leads("fine-tuned", one) for one in ("frozen features", "TF-IDF"))
    assert [round(table["mean"][64], 1) for table in (over, words)] == [0.7, 8.3]
    assert over["mean"].round(1).loc[[512, 1024]].tolist() == [4.8, 6.7]
    few = curves.loc[:512].sub(curves.loc[:512, "TF-IDF"], axis=0)
    assert (few["frozen features"] > few["fine-tuned"] / 2).all()  # "most of the lead"
    assert over.index[(over["low"] > 0)].tolist() == [512, 1024, 2048, 5970]
    news = ledger_rows.news_leads()
    assert (news["low"] < 0).all() and (news["high"] > 0).all() and len(news) == 2


@after("1520000a")
def a_quarter_of_the_labels_is_enough_beside_words_alone():
    """Section 4, table: at each of six sizes; beside frozen features at one of them."""
    curves = ledger_rows.curves()
    sizes = [n for n in curves.index if n // 4 in curves.index and n % 4 == 0]
    assert len(sizes) == 6
    tuned = curves.loc[[n // 4 for n in sizes], ledger_rows.TUNED].to_numpy()
    assert (tuned >= curves.loc[sizes, "TF-IDF"]).all()
    assert (tuned >= curves.loc[sizes, "frozen features"]).sum() == 1


@after("1520000a")
def from_random_weights_training_took_longer_and_led_to_less():
    """Section 4, table: at 1,024 labels 81 % after 36 seconds, and 67 % after 89 (medians)."""
    runs = ledger_rows.clean().query("n == 1024").groupby("model")
    names = ["fine-tuned", "random weights"]
    assert runs["accuracy"].mean()[names].round().tolist() == [81, 67]
    assert runs["cpu_seconds"].median()[names].round().tolist() == [36, 89]


@after("1520000a")
def a_part_of_the_weights_was_behind():
    """Section 5, table: LoRA by 2.8 points, the top layers by 3.8, at 1,024 labels; shown."""
    found = [what_it_buys.leads("fine-tuned", way, sizes=(1024,)) for way in ("LoRA", "top layers")]
    assert [round(table.loc[1024, "mean"], 1) for table in found] == [2.8, 3.8]
    assert all(table.loc[1024, "low"] > 0 for table in found)


@after("1520000a")
def two_epochs_of_all_labels_led_to_82_percent():
    """Section 12, table: of 5,970 labels. The article's 300 sentences make 30 steps."""
    assert round(100 * ledger_rows.epochs().mean()["validation_accuracy"][2]) == 82
    assert ledger_rows.curves().index.max() == 5970 and 3 * -(-300 // 32) == 30


@after("1520000a")
def what_wrong_labels_cost_is_shown_from_one_in_ten_on():
    """Section 4, table: 2.4 points (0.2 to 4.6) with one in ten."""
    lost = ledger_rows.lost_by_noise()
    ends = [round(lost.loc[10, end], 1) for end in ("mean", "low", "high")]
    assert ends == [2.4, 0.2, 4.6]
    assert lost.index.tolist() == [10, 20, 30, 40] and (lost["low"] > 0).all()
    assert round(lost["mean"][40]) == 22


@after("1520000a")
def two_of_six_methods_are_not_shown_to_beat_a_random_order():
    """Section 4, table; notebook 11."""
    lows = ledger_rows.faithful()["low"]
    assert len(lows) == 6 and (lows <= 0).sum() == 2
    assert (lows[["integrated gradients", "leave one out"]] > 25).all()


@after("1520000a")
def a_rate_ten_times_too_high_lost_26_to_29_points():
    """Section 5, table: paired by processor and seed. Section 12: every run at 1e-3 is a coin."""
    rates = ledger_rows.two_rates()
    lost = 100 * (rates["after_bare_loop"] - rates["after_high"])
    assert (round(lost.min()), round(lost.max())) == (26, 29) and len(rates) == 10
    assert rates["after_high"].nunique() == 1
    assert np.isclose(1e-3 / 1e-4, 10) and np.isclose(1e-3 / 2e-5, 50)


@after("1520000a")
def the_loss_rose_by_a_fifth_and_the_accuracy_stayed():
    """Section 5, table: from the second epoch to the third; the winner of twelve: 3 points."""
    means = ledger_rows.epochs().mean()
    assert 1.15 < means["validation_loss"][3] / means["validation_loss"][2] < 1.25
    assert abs(means["validation_accuracy"][3] - means["validation_accuracy"][2]) < 0.005
    winner = ledger_rows.winner()
    assert round(winner["validation"]) == 3 and winner["low"] < 0 < winner["high"]


@after("1520000a")
def tweets_are_read_best_by_a_model_of_tweets():
    """Sections 4 and 7, tables: 0.89, from films 0.73; a word list 0.87. A sigmoid halved R²."""
    home, guest = (domains.by_seed(("mse", s), "tweets").mean() for s in ("tweets", "movie"))
    words = domains.by_seed(domains.VADER, "tweets").mean()
    found = [round(one["pearson"], 2) for one in (home, guest, words)]
    assert found == [0.89, 0.73, 0.87]
    others = (domains.by_seed((way, "tweets"), "tweets").mean() for way in ("frozen", "tf-idf"))
    assert [round(one["pearson"], 2) for one in others] == [0.77, 0.65]
    above = (ledger_rows.tweet_leads()["low"] > 0).to_dict()
    assert above == {"TF-IDF": True, "frozen features": True, "VADER": False}
    squashed = domains.by_seed(("sigmoid", "tweets"), "tweets").mean()
    assert 0.4 < squashed["r2"] / home["r2"] < 0.55


@after("1520000a")
def the_squared_error_led_even_in_the_absolute_error():
    """Section 5, table: by 0.02, from 0.005 to 0.034."""
    found = ledger_rows.on_tweets(("mae", "tweets"), "absolute")
    assert [round(found["mean"], 2), *found[["low", "high"]].round(3)] == [0.02, 0.005, 0.034]


@after("1520000a")
def messages_are_sorted_as_the_table_says():
    """Section 7, table; section 9: 75, 70 and 46 %, 105 messages; one word of eight in 69 %."""
    compared = instruction_tuning.compared()["exact"]
    found = compared[["fine-tuned encoder", "frozen features", "TF-IDF"]].round().tolist()
    assert found == [75, 70, 46] and instruction_tuning.hits().shape[1] == 105
    assert round(compared["SmolLM2, LoRA, two epochs"]) == 69


@after("1520000a")
def of_120_sentences_in_a_language_of_51_words_about_71_percent_are_exact():
    """Section 7, table; none before. Section 9: about seven in ten."""
    assert sum(map(len, other_tasks.lexicon().values())) == 51
    assert len(other_tasks.sentences()["test"]["answer"]) == 120
    assert ledger_rows.translated().round().to_dict() == {"before": 0, "after": 71}


@after("1520000a")
def more_text_brought_no_more_answers():
    """Sections 9 and 14: 58 to 61 after both, 42 to 62 after answers alone, 71 to 75 after two."""
    both, once = ledger_rows.after_messages(), ledger_rows.after_answers()
    way = instruction_tuning.WAYS["SmolLM2, LoRA, two epochs"]
    runs = measured.table(instruction_tuning.RUNS)
    twice = instruction_tuning.matching(runs, task="word", labels="right", **way)["exact"]
    found = [(one.min(), one.max()) for one in (both, once, twice)]
    assert found == [(58, 61), (42, 62), (71, 75)] and {len(both), len(once), len(twice)} == {3}


@after("1520000a")
def of_thirty_capitals_22_were_named_and_hardly_any_after():
    """Section 14, table: 22 before, and 0 to 3 after training for one word."""
    named = instruction_tuning.forgetting()["capitals of 30"]
    ends = named.str.extract(r"\((\d+) to (\d+)\)").astype(int)
    assert ends.loc["before"].tolist() == [22, 22]
    after_it = ends.drop("before")
    assert (after_it[0].min(), after_it[1].max()) == (0, 3)


@after("1520000a")
def single_runs_scored_between_80_6_and_84_5_percent():
    """Section 9: the recorded runs of notebook 06."""
    runs = 100 * measured.table("cross_validation").query("model == 'fine-tuned'")["accuracy"]
    assert (round(runs.min(), 1), round(runs.max(), 1)) == (80.6, 84.5)
    assert cross_validation.KEYS == ["model", "fold", "seed"]


@after("15a00002")
def what_is_not_tested_is_listed_with_what_would_test_it(gaps):
    """Section 10."""
    assert len(gaps) == 16 and (gaps["would_test"] != "").all()


@after("15b00007")
def three_of_the_articles_formulas_have_another_shape_where_layers_differ():
    """Section 11: along h, W2 and W1, with 3 inputs, 4 hidden numbers and 2 outputs."""
    h, x, d_z, d_u = (torch.ones(n) for n in (4, 3, 2, 4))
    right = {"h": (4,), "W2": (2, 4), "W1": (4, 3), "b2": (2,), "b1": (4,)}
    article = {"h": d_z, "W2": torch.outer(h, d_z), "W1": torch.outer(x, d_u), "b2": d_z, "b1": d_u}
    differ = [name for name, size in right.items() if article[name].shape != size]
    assert differ == ["h", "W2", "W1"]


@after("15b00007")
def torch_agrees_with_every_right_formula_and_with_none_of_the_articles(rows):
    """Section 11: six slopes."""
    for by_torch, right, article in rows.values():
        assert torch.allclose(by_torch, right, atol=1e-6)
        assert not torch.allclose(by_torch, article, rtol=1e-2, atol=1e-3)
    assert len(rows) == 6


@after("15c00004")
def only_300_and_75_fit(fits):
    """Section 6: 260 of 300 and 55 of 75, of 289 to 320 training sentences."""
    assert fits == [(300, 75)] == ledger.sizes_behind(*ledger.PRINTED)
    assert [round(260 / 300, 4), round(55 / 75, 4)] == [0.8667, 0.7333]
    assert (9 * 32 + 1, 10 * 32) == (289, 320)


@after("15c00006")
def what_was_printed_last_is_325_of_375(low, high, together):
    """Section 6, recap: 62.4 to 82.0 %; 270 of 300, so 90 %; 98 % seen and 85 % new in 05."""
    assert [round(100 * end, 1) for end in (low, high)] == [62.4, 82.0]
    assert (low, high) == metrics.wilson(55, 75)
    assert together == [325] and 325 - 55 == 270 and 270 / 300 == 0.9
