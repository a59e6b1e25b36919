"""Claims about notebook 13: a file's faults, few labels, a model of names and one of numbers."""

import math
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.linear_model import Ridge
from sklearn.model_selection import PredefinedSplit, cross_val_predict

from helpers import checkpoints, downloads, measured, metrics, own_data, report, training
from helpers.own_data.cells import missing_words, same_text
from tests.notebooks.claims import after


@after("1d99cf5f")
def words_of_programs_are_empty_and_those_of_people_are_not(MISSING):
    """Section 1: `nan` and `null` are found, `n/a` is not; a list takes the place of the usual.

    "Capitals make no difference: `NULL` is empty, too."
    """
    assert {"nan", "null"} <= missing_words(MISSING) and "n/a" not in missing_words(MISSING)
    assert missing_words(["N/A", "nan", "null"]) == {"", "n/a", "nan", "null"}
    lines = [f"{word} {i},{word}" for word in ("a", "b") for i in range(10)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "new.csv"
        path.write_text("\n".join(["text,label", *lines, "c,NULL", "d,N/A"]), encoding="utf8")
        left_out = own_data.load(path, "text", "label", missing=["n/a", "null"]).dropped
    assert left_out["text"].tolist() == ["c", "d"] and set(left_out["reason"]) == {"no label"}


@after("d61b1b52")
def nine_rows_can_teach_nothing(rows, found):
    """Section 2: "Nine rows"; two of them are one text with two labels."""
    assert (len(rows), found.sum(), found["two labels"], found["a copy"]) == (538, 9, 2, 3)


@after("8956e3ca")
def every_row_is_used_or_listed(mine):
    """Section 2: "No row disappears without being listed"."""
    kept = sum(len(part) for part in mine.datasets.values())
    assert kept + len(mine.dropped) == mine.rows
    assert (mine.rows, len(mine.dropped)) == (538, 9)


@after("8956e3ca")
def what_is_a_copy_and_what_is_not(mine):
    """Section 2: row 237 is a copy of row 35; an apostrophe and an emoji count.

    So do capitals in code (`x = A`), as the page of guarantees says.

    Capitals in prose, spaces, sentence marks at a word's end and quotation marks around it do not.
    """
    dropped = mine.dropped.set_index("row").loc[237]
    learned = pd.concat([part.to_pandas() for part in mine.datasets.values()]).set_index("row")
    assert dropped["reason"] == "same text as row 35" and dropped["text"] == "WONT TURN ON"
    assert learned.loc[35, "text"] == "wont turn on"
    assert same_text("WONT TURN ON") == same_text("wont turn on")
    for one, other in (("wont turn on", "won't turn on"), ("x = A", "x = a")):
        assert same_text(one) != same_text(other)
    assert same_text("wont turn on") != same_text("wont turn on 😡")
    for copy in ("Wont  turn, on!", "wont. turn on?", '"wont" turn on', '"Wont turn on"'):
        assert same_text(copy) == same_text("wont turn on")


@after("e9a0abbe")
def four_times_the_texts_halve_the_interval():
    """Section 3: from 71 to 87 % with 105 texts."""
    low, high = metrics.wilson(0.8 * 105, 105)
    low4, high4 = metrics.wilson(0.8 * 420, 420)
    assert (round(low, 2), round(high, 2)) == (0.71, 0.87)
    assert 1.9 < (high - low) / (high4 - low4) < 2.1


@after("5f2d8c71")
def a_language_model_sees_more_than_words(tfidf, frozen, labels):
    """Section 4: TF-IDF gets half right, frozen features three in four, guessing one in eight.

    Neither depends on the seed of a run: 0.507 and 0.771 (notebook_bands.csv).
    """
    assert 0.49 < tfidf.best_score_ < 0.53 and 0.75 < frozen.best_score_ < 0.79
    assert np.bincount(labels).max() / len(labels) < 0.15


@after("f61a5451")
def five_labels_with_features_beat_forty_with_words(curves):
    """Section 10: ahead of TF-IDF with 40 on average, 55 against 51 %.

    The bands, 49 to 60 % at the left end and 42 to 56 % at the right end, reach over one another.

    Seven seeds of ten draws: 0.554 to 0.572 at 5 labels and 0.751 to 0.774 at 40; TF-IDF 0.251 to
    0.267 and 0.470 to 0.512. Of twenty draws (notebook_bands.csv) they differ less.
    """
    mean = {name: np.mean(drawn, axis=1) for name, drawn in curves.items()}
    assert 0.54 < mean["frozen features"][0] < 0.59 and 0.74 < mean["frozen features"][3] < 0.79
    assert 0.24 < mean["TF-IDF"][0] < 0.28 and 0.46 < mean["TF-IDF"][3] < 0.53
    assert mean["frozen features"][0] > mean["TF-IDF"][3] + 0.03
    bands = [
        f(drawn)
        for drawn in (curves["frozen features"][0], curves["TF-IDF"][3])
        for f in (min, max)
    ]
    assert np.allclose(bands, [0.49, 0.60, 0.42, 0.56], atol=0.015) and bands[0] < bands[3]


@after("f61a5451")
def each_doubling_helps_and_the_first_one_most(curves):
    """Section 10: both rise, "the features most at the beginning"; which five one has matters."""
    mean = {name: np.mean(drawn, axis=1) for name, drawn in curves.items()}
    gains = np.diff(mean["frozen features"])
    assert gains.min() > 0 and gains[0] == gains.max() and np.diff(mean["TF-IDF"]).min() > 0
    assert 0.05 < np.ptp(curves["frozen features"][0]) < 0.2  # seven seeds: 0.076 to 0.125


@after("9a60cf1e")
def planted_mistakes_are_found_far_above_chance(planted, pool, tickets, suspicious, wrong_tickets):
    """Section 10: three of five; seven deals gave 2 to 4, chance a quarter of one."""
    assert 2 <= len(planted) <= 4 and 5 * 20 / len(pool) < 0.25
    assert tickets[suspicious[0]] in wrong_tickets
    assert 1434 in tickets[suspicious]  # "Do you charge a restocking fee?", labelled `return`


@after("9a60cf1e")
def one_planted_mistake_stays_hidden(own, tickets):
    """Section 10: "Where do I drop the parcel off?" reads like its wrong label."""
    assert (own < own[tickets == 1080]).sum() > 100


@after("9a60cf1e")
def few_rows_change_their_part_when_labels_are_corrected(mine):
    """Section 10: 4 of 529 rows, one into the test part and one out of it."""
    right = {1067: "refund", 1080: "return", 1126: "cancellation", 1257: "defect", 1485: "account"}
    rows = pd.read_csv(downloads.DATA / "messages.csv", keep_default_na=False)
    rows["intent"] = rows["ticket"].map(right).fillna(rows["intent"])
    with tempfile.TemporaryDirectory() as folder:
        rows.to_csv(Path(folder) / "messages.csv", index=False)
        other = own_data.load(Path(folder) / "messages.csv", "message", "intent")
    before, after_it = (
        {row: part for part, kept in one.datasets.items() for row in kept["row"]}
        for one in (mine, other)
    )
    moved = [row for row in before if before[row] != after_it[row]]
    assert before.keys() == after_it.keys() and (len(before), len(moved)) == (529, 4)
    assert sum(before[row] == "test" for row in moved) == 1
    assert sum(after_it[row] == "test" for row in moved) == 1


@after("d192294b")
def the_dials_have_the_lowest_validation_loss(tried):
    """Section 5: 2e-4 and 16, which overlaps with 1e-4 and 16 only; there it still fell at last."""
    best = tried.groupby(["learning_rate", "batch_size"])["validation_loss"].agg(
        ["mean", "min", "max"]
    )
    assert best["mean"].idxmin() == (2e-4, 16) and len(tried) == 12
    near = [(1e-4, 16), (2e-4, 16)]
    assert best.loc[near[0], "min"] < best.loc[near[1], "max"]
    assert best.drop(near)["min"].min() > best.loc[near, "max"].max()
    slow = tried[tried["learning_rate"] == 1e-4]
    assert (slow["best_epoch"] == 8).all() and len(slow) == 6


@after("0aca5769")
def validation_rises_from_one_in_eight_to_three_in_four(untrained, run):
    """Section 5: 11 and 77 % in the stored run, in the epoch that is kept.

    Seven seeds: 0.075 to 0.189, then 0.774 to 0.849 (notebook_bands.csv).
    """
    highest = run.history["accuracy"].max()
    assert 0.73 < highest < 0.89 and highest - untrained > 0.5


@after("0aca5769")
def the_validation_loss_turns_while_the_training_loss_falls(run):
    """Section 5: lowest before the last epoch, at 0.646 to 0.765 in epoch 4 to 7 of seven seeds.

    The rise to the last epoch was 0.016 to 0.081 (notebook_bands.csv).
    """
    validation, train = run.history["validation_loss"], run.history["train_loss"]
    assert 3 <= run.best_epoch <= 7 and 0.58 < validation.min() < 0.83
    assert validation.iloc[-1] > validation.min()
    assert train.is_monotonic_decreasing and train.iloc[-1] < 0.15


@after("ac2a4326", learning=True)
def fine_tuning_is_far_ahead_of_counting_words(table):
    """Section 6: about 74 %, TF-IDF 46 %, their intervals apart. Seven seeds: 0.724 to 0.771."""
    accuracy = table["accuracy"]
    assert 0.70 < accuracy["fine-tuned"] < 0.80
    assert table["accuracy low"]["fine-tuned"] > table["accuracy high"]["TF-IDF"]
    assert 0.245 < accuracy["fine-tuned"] - accuracy["TF-IDF"] < 0.34


@after("ac2a4326")
def the_comparison_with_words_is_marked(result, outputs):
    """Section 6: ahead of TF-IDF by 28.6 points, "*not* the comparison that was named beforehand".

    Seven recorded seeds were ahead by 26.7 to 31.4 points.
    """
    assert list(outputs)[1] == "TF-IDF"
    said, gain = report.comparison(result, "TF-IDF"), report.differences(result).loc["TF-IDF"]
    assert said.startswith("fine-tuned is ahead of TF-IDF") and said.endswith("beforehand.")
    assert "beforehand" not in report.comparison(result)
    assert 24.5 < gain["gain"] < 34 and gain["gain low"] > 10


@after("ac2a4326")
def these_texts_cannot_tell_fine_tuned_from_frozen(sentence, result):
    """Section 6: ahead by about five messages, and the paired interval reaches below zero.

    Five of five recorded seeds could not tell; seven were ahead by 2.9 to 7.6 points.
    """
    gain = report.differences(result).loc["frozen features"]
    assert "do not show whether fine-tuned is better than frozen features" in sentence
    assert gain["gain low"] < 0 < gain["gain"] < 10 and gain["gain high"] > 0


@after("ac2a4326")
def frozen_features_are_ahead_of_words_too(table, frozen, tfidf):
    """Section 6: 70 % against 46 %, the intervals apart; 77 and 51 % inside are within the luck."""
    accuracy, low, high = (table[f"accuracy{end}"] for end in ("", " low", " high"))
    assert 0.67 < accuracy["frozen features"] < 0.72 and 0.44 < accuracy["TF-IDF"] < 0.48
    assert low["frozen features"] > high["TF-IDF"] > low["TF-IDF"] > high["dummy"]
    assert low["frozen features"] < frozen.best_score_ < high["frozen features"]
    assert low["TF-IDF"] < tfidf.best_score_ < high["TF-IDF"]


@after("c4d9e7b2")
def every_message_of_the_pool_is_asked(hits, gain, low, high):
    """Section 6: 0.7 points behind, from −5.0 to 3.3; "learned from fewer messages", 305 of 339."""
    assert len(hits) == 424 and round(gain.mean(), 1) == -0.7
    assert (round(low, 1), round(high, 1)) == (-5.0, 3.3)
    assert low < 0 < high < 5 < 100 * (hits["fine-tuned"] - hits["TF-IDF"]).mean()
    assert math.floor(424 * 0.8) == 339 and round(339 * 0.9) == 305


@after("03e78402")
def about_one_message_in_four_is_wrong(errors, tuned, result):
    """Sections 7 and 9. Five seeds: 24 to 29 (notebook_bands.csv); frozen features make 32."""
    assert len(errors) == (tuned.argmax(axis=1) != result.labels).sum()
    assert errors["probability"].is_monotonic_decreasing
    assert 21 < len(errors) < 32


@after("ff3685b3")
def no_pair_of_classes_stands_out(tuned, result, mine):
    """Section 7: the largest number off the diagonal is 3, questions taken for a defect.

    Seeds 1 to 4: 2, 3, 4 and 3. Alone in front were returns taken for cancellations (4 of 13) and
    defects taken for deliveries (3 of 14); in the other two, several pairs.
    """
    matrix = metrics.confusion_matrix(result.labels, tuned.argmax(axis=1), len(mine.names))
    wrong = matrix - np.diag(np.diag(matrix))
    question, defect = map(mine.names.index, ("question", "defect"))
    assert 2 <= wrong.max() <= 4 and 1 <= wrong[question, defect] <= 3


@after("a4f4071f")
def the_report_runs_nothing_and_names_no_place(page):
    """Section 8: "It is one file, needs no network and runs nothing"."""
    assert "<h2>The surest errors</h2>" in page
    assert "How far fine-tuned is ahead of each other model on the same texts" in page
    assert "<script" not in page and "Content-Security-Policy" in page
    assert str(downloads.ROOT) not in page


@after("9454d3a2")
def the_card_states_the_measured_figure(card, table):
    """Section 8: "The figures in the card are computed"."""
    assert f"value: {round(float(table['accuracy']['fine-tuned']), 4)}" in card


@after("e3b7a915")
def the_stored_baseline_answers_as_before(again, outputs, names, mine, folder):
    """Section 8: "the same as before"; "so it is small"."""
    assert np.allclose(again, outputs["frozen features"][: len(again)], atol=1e-3)
    assert names == mine.names and (Path(folder) / "frozen.joblib").stat().st_size < 100_000


@after("84455c54")
def every_new_row_is_answered_or_has_a_reason(done, predicted, mine):
    """Section 9: 30 rows, 28 predictions, each one of the eight intents; no formula is left.

    `row` is the index of pandas plus 2. A probability is a number, or NaN beside a note.
    """
    assert done == {"rows": 30, "predicted": 28}
    assert (predicted["probability"].isna() == (predicted["note"] != "")).all()
    assert set(predicted.loc[predicted["note"] == "", "prediction"]) <= set(mine.names)
    own = pd.read_csv(downloads.DATA / "messages_new.csv", skip_blank_lines=False)
    assert predicted["row"].tolist() == (own.index + 2).tolist()
    formula = predicted.loc[predicted["row"] == 19, "message"]
    assert len(formula) == 1 and formula.iloc[0].startswith("'=1+1")


@after("84455c54")
def a_million_short_rows_take_six_minutes():
    """Section 9: "with very short texts, they took six minutes on two cores"; recorded once."""
    costs = measured.table("cost_against_size")
    [row] = costs[(costs["what"] == "a CSV") & (costs["size"] == 1_000_000)].to_dict("records")
    assert row["cores"] == 2 and round(row["seconds_taken"] / 60) == 6


@after("53de6820")
def plain_messages_are_right_and_strange_ones_get_an_intent(predicted):
    """Section 9: "The plain ones are right"; of the strange ones, probability is "no safe sign".

    Of three others of this kind two or three were right in five seeds (`new_clear` in
    notebook_bands.csv). A constant answer gets one.
    """
    by_row = predicted.set_index("row")
    assert by_row["message"][3].startswith("Still no sign of the order from the 12th, and the app")
    clear = {5: "billing", 8: "cancellation", 23: "defect"}
    assert sum(by_row["prediction"][row] == name for row, name in clear.items()) >= 2
    assert by_row["probability"][[16, 17, 18]].astype(float).max() > 0.5


@after("7be24f90")
def the_stored_simple_model_predicts_as_before(done, target, frozen, features_of, mine):
    """Section 9: it "needs only the next cell"."""
    answered = pd.read_csv(target, keep_default_na=False).query("note == ''")
    said = frozen.predict(features_of(answered["message"].tolist()))
    assert answered["prediction"].tolist() == [mine.names[i] for i in said]
    assert done == {"rows": 30, "predicted": 28}


@after("b2c97d05")
def no_review_stands_in_two_parts(numbers, review, shared):
    """Section 11: 72 % of the test sentences would share a review with a training sentence."""
    found = [set(review[numbers.datasets[part]["row"]]) for part in ("train", "validation", "test")]
    assert not (found[0] & found[1] | found[0] & found[2] | found[1] & found[2])
    assert shared.mean() == 0.72


@after("3c05da6e")
def groups_matter_little_here(torn):
    """Section 11: 0.975 by sentences, 0.983 by reviews, 0.008 apart; one draw varies by 0.01.

    The standard error of a mean of twenty is about 0.002.
    """
    apart, whole = np.mean(torn["sentences"]), np.mean(torn["whole reviews"])
    assert 0 < whole - apart < 0.01 * whole
    assert np.allclose([apart, whole], [0.975, 0.983], atol=2e-3)
    assert all(0.005 < np.std(errors, ddof=1) < 0.015 for errors in torn.values())
    errors = [np.std(found, ddof=1) / np.sqrt(len(found)) for found in torn.values()]
    assert all(0.0015 < error < 0.0025 for error in errors)
    assert whole - apart > 2 * np.hypot(*errors)


@after("3c05da6e")
def half_or_twice_the_punishment_changes_little(torn, units, pool_features, values, on_features):
    """Section 11: 30 is "about as strong as what the folds chose above", 1000 once standardized.

    "Half or twice as much gives nearly the same difference": twenty draws gave 0.008 and 0.007.
    """
    chosen = on_features.best_params_["ridge__alpha"] * pool_features.var(axis=0).mean()
    assert 30 / 2 < chosen < 30 * 2

    def error(alpha, unit, rng):
        fold = PredefinedSplit((rng.permutation(unit.max() + 1) % 5)[unit])
        said = cross_val_predict(Ridge(alpha=alpha), pool_features, values, cv=fold)
        return np.abs(said - values).mean()

    apart, whole = np.mean(torn["sentences"]), np.mean(torn["whole reviews"])
    for alpha in (15, 60):
        rng = np.random.default_rng(0)
        of = {name: np.mean([error(alpha, u, rng) for _ in range(20)]) for name, u in units.items()}
        gap = of["whole reviews"] - of["sentences"]
        assert gap > 0 and abs(gap - (whole - apart)) < 0.002


@after("3c05da6e")
def the_test_part_of_a_split_by_rows_was_harder():
    """Section 11: 0.73 to 0.80 in seven seeds, and 1.43 for the mean, more than of new reviews."""
    rows = measured.table("notebook_bands").groupby(["notebook", "quantity"])["value"]
    torn, whole = "13_your_own_csv, numbers by rows", "13_your_own_csv, numbers"
    own = rows.get_group((torn, "MAE"))
    assert (len(own), round(own.min(), 2), round(own.max(), 2)) == (7, 0.73, 0.80)
    assert own.min() > rows.get_group((whole, "MAE")).max()
    assert (rows.get_group((torn, "MAE_mean")).round(2) == 1.43).all()
    assert (rows.get_group((whole, "MAE_mean")).round(2) == 1.34).all()


@after("4569bcd4")
def features_learn_ratings_better_than_words(on_features, on_words, number_outputs):
    """Section 11: R² in the folds, 0.43 against 0.19; neither depends on the seed of a run.

    "The one with the higher R² is the rival."
    """
    assert next(iter(number_outputs)) == "ridge, frozen"
    assert 0.41 < on_features.best_score_ < 0.45 and 0.17 < on_words.best_score_ < 0.21


@after("f791f65c")
def the_loss_of_numbers_falls_below_that_of_the_mean(number_run, of_mean):
    """Section 11: below that of the mean from the first epoch on.

    Five seeds: 0.54 to 0.73 first, then 0.36 to 0.45.
    """
    losses = number_run.history["validation_loss"]
    assert losses.max() < 0.9 < 1.06 < of_mean < 1.07 and 0.31 < losses.min() < 0.5
    assert losses.iloc[0] - losses.min() > 0.1


@after("0f24b0e3", learning=True)
def fine_tuned_numbers_are_close(number_table):
    """Section 11. Five seeds: MAE 0.60 to 0.71, RMSE 0.80 to 0.93, r 0.81 to 0.86.

    Split by rows, seven seeds had an MAE of 0.73 to 0.80 on their own hundred test sentences
    ("13_your_own_csv, numbers by rows" in notebook_bands.csv), and always saying the mean 1.43.
    """
    fine_tuned = number_table.loc["fine-tuned"]
    assert 0.55 < fine_tuned["MAE"] < 0.77 and 0.74 < fine_tuned["RMSE"] < 0.99
    assert 0.78 < fine_tuned["r"] < 0.89


@after("0f24b0e3", learning=True)
def here_fine_tuning_is_ahead_of_ridge(number_result, number_sentence):
    """Section 11: "the paired interval of the difference lies above 0"; five gained 0.20 to 0.31.

    Section 6 had about as many test texts and could not tell.
    """
    assert "fine-tuned is ahead of ridge, frozen" in number_sentence
    gain = report.differences(number_result).loc["ridge, frozen"]
    assert gain["gain low"] > 0 and 0.15 < gain["gain"] < 0.36


@after("0f24b0e3")
def the_lead_stays_when_whole_reviews_are_drawn(
    number_result, in_units, number_outputs, review, parts
):
    """Section 11: "the difference stays above 0 when whole reviews are drawn"."""
    said = {"ridge": number_outputs["ridge, frozen"][:, 0], "fine-tuned": in_units[:, 0]}
    wrong = {name: np.abs(numbers - number_result.labels) for name, numbers in said.items()}
    whole = pd.factorize(review[parts["test"]["row"]])[0]
    gains, sizes = np.bincount(whole, wrong["ridge"] - wrong["fine-tuned"]), np.bincount(whole)
    drawn = np.random.default_rng(0).integers(len(gains), size=(4000, len(gains)))
    means = gains[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    assert len(gains) < 60 and np.quantile(means, 0.025) > 0


@after("0f24b0e3")
def ridge_and_the_mean_do_not_depend_on_the_seed(number_table):
    """Section 11: 0.91 and 1.12 for ridge, 1.34 for the mean."""
    errors = number_table["MAE"].drop("fine-tuned")
    assert np.allclose(errors, [0.9135, 1.1158, 1.3420], atol=0.01)


@after("653257f9")
def the_cloud_is_flatter_than_the_line(number_result, in_units):
    """Section 11: "the first number", a slope of about 0.8; 0.65 to 0.82 in five seeds."""
    assert 0.6 < np.polyfit(number_result.labels, in_units[:, 0], 1)[0] < 0.9


@after("653257f9")
def read_the_other_way_the_line_needs_no_stretching():
    """Section 11: its slope is 0.86 to 1.01 in five seeds (r² / slope in notebook_bands.csv)."""
    rows = measured.table("notebook_bands")
    rows = rows[rows["notebook"] == "13_your_own_csv, numbers"]
    seeds = rows.pivot(index="seed", columns="quantity", values="value")
    rises = seeds["r"] ** 2 / seeds["slope"]
    assert (len(rises), round(rises.min(), 2), round(rises.max(), 2)) == (5, 0.86, 1.01)


@after("653257f9")
def at_a_prediction_of_two_the_mean_label_is_near_two(number_result, in_units):
    """Section 11: a slope of about 0.9.

    "At a prediction of +2, it gives a mean label of 1.7 to 1.9": five seeds gave 1.68, 1.93, 1.89,
    1.89 and 1.83.
    """
    line = np.polyfit(in_units[:, 0], number_result.labels, 1)
    assert 0.8 < line[0] < 1.05 and 1.6 < np.polyval(line, 2) < 2


@after("75a27971")
def praise_comes_before_a_plain_sentence_and_a_complaint(of_new):
    """Section 11: clearly positive, near 0, clearly negative.

    Five seeds: 2.14 to 2.54, −0.73 to 0.19, −2.74 to −2.03 (notebook_bands.csv).
    """
    assert of_new[0] > 1.5 and abs(of_new[1]) < 1 and of_new[2] < -1.5


@after("c6ed8f8c")
def a_saved_regression_answers_in_the_unit_of_its_labels(
    answers, of_new, folder, number_table, NUMBER_LABEL
):
    """Section 11: without the mark of `save_model`, −2.5 "would come out as 0.08"."""
    assert np.allclose([answer["score"] for answer in answers], of_new, atol=1e-3)
    assert 1 / (1 + math.exp(2.5)) < 0.08 and answers[0]["label"] == NUMBER_LABEL
    card = (Path(folder) / "ratings" / "README.md").read_text(encoding="utf8")
    assert f"value: {round(float(number_table['MAE']['fine-tuned']), 4)}" in card


@after("2cd3df87")
def a_model_reads_128_tokens_unless_told_otherwise():
    """Sections 2, 5 and 7: "the first 128 tokens"; 512 is the most that the encoder can read."""
    assert training.TrainingConfig().max_length == 128
    assert checkpoints.load_encoder().config.max_position_embeddings == 512


@after("5e1f0012")
def rounding_moves_only_labels_near_a_border(exact, rounded, changed, OURS):
    """Section 13: a label changes only where its two largest logits are close together.

    Two runs: one of 53 messages and none changed; 0.05 and 0.03 was the largest move of a logit.
    """
    largest = np.sort(exact, axis=1)
    moved = np.abs(exact - rounded).max()
    apart = largest[:, -1] - largest[:, -2]
    assert 0 < moved < 0.2 and (apart[changed] <= 2 * moved).all()
    assert not OURS or (len(changed) == 53 and changed.sum() <= 2)
