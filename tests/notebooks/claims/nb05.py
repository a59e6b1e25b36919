"""Claims about 05, evaluation. Most are about recorded logits; sections 8 and 13 train."""

import numpy as np
import pandas as pd
import torch
from scipy import stats
from sklearn import metrics as library
from sklearn.calibration import calibration_curve
from torch.nn.functional import cross_entropy

from helpers import corpora, measured, metrics, training
from tests.notebooks.claims import after


def percent(*shares: float) -> list[float]:
    """As the text prints them: with one digit."""
    return [round(100 * share, 1) for share in shares]


@after("70ad38af")
def the_recorded_logits_are_of_these_sentences(raw_datasets, recorded, about, labels):
    """Section 1: 853 sentences, 426 of them positive; epoch 1 was the best."""
    assert about["best_epoch"] == 1 and len(labels) == 853 and labels.sum() == 426
    same_sentences = corpora.fingerprint(raw_datasets["validation"])
    assert about["fingerprints"]["validation"] == same_sentences
    assert (recorded[recorded["part"] == "validation"]["label"] == labels).all()


@after("70ad38af")
def two_of_the_first_three_are_wrong(predictions, logits, labels):
    """Section 1: the larger logit is the prediction; two of the three are wrong."""
    assert (predictions == logits.argmax(axis=1)).all()
    assert (predictions[:3] != labels[:3]).tolist() == [True, True, False]


@after("477f657f")
def the_four_counts_are_the_confusion_matrix(matrix, labels, predictions, TP, FP, FN, TN):
    """Section 2: 156 mistakes, 47 and 109 of them."""
    assert matrix.tolist() == [[TN, FP], [FN, TP]] == [[380, 47], [109, 317]]
    assert (matrix == library.confusion_matrix(labels, predictions)).all()
    assert (matrix == metrics.confusion_matrix(labels, predictions)).all()
    assert FP + FN == 156


@after("477f657f")
def accuracy_stands_beside_its_dummy(accuracy, always_negative, TP, FP, FN, TN):
    """Section 2: 81.7 %, where a model that reads nothing gets 50.1 %; rows 89 % and 74 %."""
    assert percent(accuracy, always_negative) == [81.7, 50.1]
    assert round(TN / (TN + FP), 2) == 0.89 and round(TP / (TP + FN), 2) == 0.74


@after("c0418c83")
def ours_the_helpers_and_the_librarys_figures_agree(
    matrix, precision, recall, specificity, f1, by_library
):
    """Section 3: precision, recall, specificity, F1; F1 is the harmonic mean."""
    three = (metrics.precision, metrics.recall, metrics.specificity)
    helpers = [*(metric(matrix)[1] for metric in three), metrics.f1(matrix)[1]]
    assert np.allclose([precision, recall, specificity, f1], by_library, atol=1e-12)
    assert np.allclose(helpers, by_library, atol=1e-12)
    assert abs(f1 - 2 / (1 / precision + 1 / recall)) < 1e-12


@after("c0418c83")
def the_reluctant_model_is_precise_and_misses_much(precision, recall, specificity, wrong_recall):
    """Section 3: 87, 74 and 89 %; the wrong recall is off by 13 points; F1 of the dummy is 0.67."""
    assert [round(100 * v) for v in (precision, recall, specificity)] == [87, 74, 89]
    assert round(wrong_recall - recall, 3) == 0.127 and round(2 * 426 / (853 + 426), 2) == 0.67


@after("4b20aa2f")
def nothing_to_divide_by_is_not_a_number(never, by_library):
    """Sections 3 and 4: ours says nan, for precision and for Matthews' coefficient."""
    assert np.isnan(metrics.precision(never)[1]) and by_library == 0
    assert np.isnan(metrics.matthews(never))


@after("7c50992e")
def the_averages_are_the_librarys(lopsided, labels, predictions, rows, mcc):
    """Section 4: macro, weighted, micro and Matthews; micro F1 is accuracy."""
    gold, said = labels[rows], predictions[rows]
    for how in ("macro", "weighted", "micro"):
        ours = metrics.average(metrics.f1, lopsided, how)
        assert abs(ours - library.f1_score(gold, said, average=how)) < 1e-12
    assert abs(metrics.average(metrics.f1, lopsided, "micro") - metrics.accuracy(lopsided)) < 1e-12
    assert abs(mcc - library.matthews_corrcoef(labels, predictions)) < 1e-12
    assert abs(metrics.matthews(lopsided) - library.matthews_corrcoef(gold, said)) < 1e-12


@after("7c50992e")
def accuracy_rose_where_matthews_fell(lopsided, support, mcc, accuracy):
    """Section 4: of 80 sentences called positive, 33 are; 0.88 beside 0.64 and 0.50."""
    assert lopsided[:, 1].tolist() == [47, 33] and support.tolist() == [427, 43]
    assert accuracy < metrics.accuracy(lopsided) and round(metrics.accuracy(lopsided), 2) == 0.88
    assert round(mcc, 2) == 0.64 and round(metrics.matthews(lopsided), 2) == 0.50


@after("ddb1337d")
def a_higher_threshold_lowers_recall(by_threshold):
    """Section 5: accuracy is nearly the same at 0.3 and 0.5; at 0.3 both are 0.82."""
    assert np.diff(by_threshold["recall"]).max() < 0 and by_threshold["recall"].iloc[1] > 0.8
    assert by_threshold.iloc[1][["precision", "recall"]].round(2).tolist() == [0.82, 0.82]
    assert abs(by_threshold["accuracy"].iloc[1] - by_threshold["accuracy"].iloc[2]) < 0.002


@after("3cf14162")
def the_cheapest_threshold_is_near_the_arithmetic_one(cost, probabilities, labels, costs, best):
    """Section 5: 344 at 0.5, 276 at 0.88, and a little more, 292, at 5/6."""
    assert (cost(probabilities, labels, 0.5), costs.min()) == (344, 276) and round(best, 2) == 0.88
    assert cost(probabilities, labels, 5 / 6) == 292


@after("c50fbc33")
def the_roc_curve_is_the_librarys_and_the_helpers(
    labels, scores, false_rates, true_rates, by_library
):
    """Section 6: 615 points."""
    ours = metrics.roc_curve(labels, scores)
    assert np.allclose(false_rates, by_library[0]) and np.allclose(true_rates, by_library[1])
    assert np.allclose(false_rates, ours[0]) and np.allclose(true_rates, ours[1])


@after("c50fbc33")
def the_area_is_the_share_of_pairs(area, labels, scores, higher, tied):
    """Section 6: "The same 0.889, and not by chance"."""
    assert abs(area - library.roc_auc_score(labels, scores)) < 1e-12
    assert abs(area - (higher + 0.5 * tied).mean()) < 1e-12
    assert abs(area - metrics.auc(labels, scores)) < 1e-12 and round(area, 3) == 0.889


@after("161ad336")
def one_point_does_not_determine_the_curve(blunt, labels, predictions, area):
    """Section 6: the same point, and areas of 0.889 and 0.817; predictions lose 7 points."""
    found = metrics.confusion_matrix(labels, blunt.astype(int))
    assert abs(metrics.recall(found)[1] - 0.817) < 1e-3
    assert round(metrics.auc(labels, blunt), 3) == 0.817
    assert round(area - library.roc_auc_score(labels, predictions), 2) == 0.07


@after("1620c6e5")
def rare_positives_cost_precision_and_nothing_else(rare, half, recall):
    """Section 7: AUC and recall stay, accuracy rises, precision falls from 0.87 to 0.26."""
    assert (
        abs(rare["auc"].mean() - half["auc"]) < 0.01 and abs(rare["recall"].mean() - recall) < 0.02
    )
    assert rare["accuracy"].mean() > half["accuracy"] + 0.05
    assert round(half["precision"], 2) == 0.87 and round(rare["precision"].mean(), 2) == 0.26


@after("22655627")
def average_precision_is_the_librarys(labels, scores, precision_so_far, hits):
    """Section 7. The recorded scores are rounded, and ties among them are split by hand."""
    by_library = library.average_precision_score(labels, scores)
    assert abs(metrics.average_precision(labels, scores) - by_library) < 1e-12
    assert abs(precision_so_far[hits].mean() - by_library) < 2e-3


@after("22655627")
def average_precision_falls_with_the_share_of_positives(rare, half):
    """Section 7: 0.90 and 0.48, with an sd of 0.09."""
    assert half["average_precision"].round(2) == 0.90
    assert round(rare["average_precision"].mean(), 2) == 0.48
    assert round(rare["average_precision"].std(), 2) == 0.09


@after("7ce217ff")
def the_formula_gives_the_precision_of_the_draws(expected, rare, specificity):
    """Section 7: 0.258 and 0.256; 11 % of the negatives are called positive."""
    assert abs(expected - rare["precision"].mean()) < 0.01 and round(1 - specificity, 2) == 0.11


@after("fd9fe2fb")
def torchs_weighted_loss_is_the_weighted_mean(losses, weights):
    """Section 8: 0.65 and 1.58."""
    weighted = (weights * losses).sum() / weights.sum()
    assert (round(losses.mean(), 2), round(weighted, 2)) == (0.65, 1.58)
    logits, labels = torch.tensor([[0.0, 1.0], [2.0, 0.0]]), torch.tensor([0, 1])
    each = cross_entropy(logits, labels, reduction="none")
    by_torch = cross_entropy(logits, labels, torch.tensor([1.0, 10.0]))
    assert abs(by_torch - (each[0] + 10 * each[1]) / 11) < 1e-6


@after("a0d8640a")
def the_weighted_loss_wins_with_each_seed(study):
    """Section 8: "beat no remedy in each of the five seeds, in recall and in AUC"."""
    for column in ("recall", "auc"):
        by_seed = study.pivot(index="seed", columns="way", values=column)
        assert (by_seed["weighted loss"] > by_seed["as it is"]).all() and len(by_seed) == 5


@after("a0d8640a")
def the_means_of_the_study_are_those_of_the_text(ways):
    """Section 8: recall 0.23, 0.44, 0.30; precision 0.90, 0.88, 0.94; AUC 0.76, 0.81, 0.79. F1 and
    accuracy follow recall; one seed without a remedy found no positive."""
    recalls = ways["recall"].mean()
    assert recalls.round(2).tolist() == [0.23, 0.44, 0.30]
    assert ways["precision"].mean().round(2).tolist() == [0.90, 0.88, 0.94]
    assert ways["auc"].mean().round(2).tolist() == [0.76, 0.81, 0.79]
    assert (ways["f1"].mean().rank() == recalls.rank()).all()
    assert (ways["accuracy"].mean().rank() == recalls.rank()).all()
    assert ways["recall"].min()["as it is"] == 0 and (ways["recall"].size() == 5).all()


@after("a0d8640a")
def precision_where_one_in_eleven_is_positive(ways):
    """Section 8: "a precision of 0.4 to 0.6"."""
    recalls, false_rate = ways["recall"].mean(), 1 - ways["specificity"].mean()
    at_1_in_11 = recalls / (recalls + 10 * false_rate)
    assert at_1_in_11.min() > 0.4 and at_1_in_11.max() < 0.62


@after("4e9e924d", learning=True)
def the_weighted_run_is_ahead_of_its_twin(live, SEED):
    """Section 8: seed 100 finds 105 positives without weights and 211 with them; in the study seeds
    find 46 to 155 more. Not by calling everything positive: its AUC gained 0.012 to 0.070."""
    runs = measured.table("class_imbalance_live")
    (twin,) = runs[(runs["way"] == "as it is") & (runs["seed"] == 100 + SEED)].to_dict("records")
    assert live["tp"] > twin["tp"] + 20
    assert live["auc"] > twin["auc"] - 0.020


@after("fb03ba55", learning=True)
def the_live_run_is_one_more_of_its_kind(live, low, high):
    """Section 8: "our new run lies inside". Shuffled labels lie outside and find no positive."""
    assert low < live["auc"] < high and live["tp"] > 43


@after("fb03ba55")
def runs_without_weights_lie_inside_as_well(study, low, high):
    """Section 8: "the interval cannot tell a weighted run from one without weights"."""
    assert study[study["way"] == "as it is"]["auc"].between(low, high).all()


@after("fb03ba55")
def shuffled_labels_lie_outside_the_interval(study, weighted, shuffled, low, high):
    """Section 8: "runs that learn nothing lie outside"; they find no positive at all."""
    assert low < weighted.min() and weighted.max() < high
    assert shuffled.max() < low
    assert (study[study["way"] == "labels shuffled"]["tp"] == 0).all()


@after("8797f989")
def the_table_is_the_librarys(labels, probabilities, table):
    """Section 9: in the fourth bin, of 37, it said 34 % and 57 % were."""
    share, said = calibration_curve(labels, probabilities, n_bins=10)
    assert np.allclose(share, table["happened"]) and np.allclose(said, table["said"])
    assert table["n"][3] == 37 and table["happened"].round(2)[3] == 0.57


@after("bb3fe89e")
def the_calibration_error_is_more_than_luck(labels, probabilities, ece, middle, high):
    """Section 9: "Ours, 0.065, is not luck": perfect would be 0.027, and at most 0.040."""
    assert abs(ece - metrics.expected_calibration_error(labels, probabilities)) < 1e-12
    assert (round(middle, 3), round(high, 3)) == (0.027, 0.040)
    assert round(ece, 3) == 0.065 and ece > high


@after("2d6421eb")
def two_more_epochs_make_it_surer_and_hardly_righter(
    judge, labels, logits, later, later_probabilities, predictions
):
    """Section 9: ECE 0.118, four of five in the outermost bins, where 12 and 86 % are positive.
    Section 12: epoch 1 had won by two sentences."""
    assert judge(labels, logits)["ECE"] < judge(labels, later)["ECE"]
    assert round(judge(labels, later)["ECE"], 3) == 0.118
    outer = metrics.reliability_table(labels, later_probabilities)
    assert outer["share"].round(2).iloc[[0, -1]].tolist() == [0.12, 0.86]
    assert 0.78 < outer["n"].iloc[[0, -1]].sum() / 853 < 0.82
    assert (later.argmax(axis=1) == labels).sum() == (predictions == labels).sum() - 2


@after("2d6421eb")
def the_brier_score_is_the_librarys(judge, labels, logits, probabilities):
    """Section 9: its mean squared distance to what happened."""
    by_library = library.brier_score_loss(labels, probabilities)
    assert abs(judge(labels, logits)["Brier"] - by_library) < 1e-12


@after("bc48bae2")
def the_logits_are_too_large(labels, later, T_first, T_later):
    """Section 9: those of epoch 3 more than twice, those of epoch 1 by more than a quarter."""
    assert abs(T_later - metrics.fit_temperature(labels, later)) < 0.01
    assert (round(T_first, 2), round(T_later, 2)) == (1.29, 2.11)


@after("b4638669")
def our_intervals_are_the_helpers(wilson):
    """Section 10: 62.4 to 82.0 %, 79.0 to 84.2 %, and at least 95.1 %."""
    for hits, n in ((55, 75), (697, 853), (75, 75)):
        assert np.allclose(wilson(hits, n), metrics.wilson(hits, n))
    assert percent(*wilson(55, 75)) == [62.4, 82.0]
    assert percent(*wilson(697, 853)) == [79.0, 84.2]
    assert round(wilson(75, 75)[0], 3) == 0.951


@after("b720e0c7")
def wilson_covers_where_wald_does_not(shares):
    """Section 10: near 0.95 almost everywhere; Wald 53 and 16 times in 100, Wilson's corner 84."""
    known = shares.set_index(["interval", "n", "truth"])["coverage"].sort_index()
    assert known["wilson", 75].drop(0.9977).between(0.93, 0.97).all()
    assert round(known["wald", 75, 0.99], 2) == 0.53 and round(known["wald", 75, 0.9977], 2) == 0.16
    assert round(known["wilson", 75, 0.9977], 2) == 0.84


@after("78f377e2")
def bca_is_near_the_simple_bootstrap(auc_interval, low, high):
    """Section 10: 0.865 to 0.910."""
    assert np.allclose(auc_interval, (low, high), atol=0.004)
    assert np.round(auc_interval, 3).tolist() == [0.865, 0.910]


@after("78f377e2")
def bca_has_its_corner(coverage):
    """Section 10: with 10 positives among 200 it caught the truth in 90 %."""
    corner = coverage.query("of == 'auc' and n == 200 and prevalence == 0.05")["coverage"]
    assert corner.round(2).tolist() == [0.90]


@after("a3cef413")
def the_two_surest_errors_are_those_quoted(texts, loss):
    """Section 11: "charming" and "dead-on"; an eccentric little comic/thriller."""
    assert [texts[i][:30] for i in np.argsort(-loss)[:2]] == [
        "klein , charming in comedies l",
        "an eccentric little comic/thri",
    ]


@after("28ad8848")
def people_agree_with_the_labels_on_97_percent(agreeing, compared):
    """Section 11: the human ceiling."""
    assert (compared, round(100 * agreeing / compared, 1)) == (8483, 97.1)


@after("5e67f8a1")
def the_model_fails_where_people_hesitate(table, by_clearness):
    """Section 11: from 49 % to 91 %, rising; the first interval is 36 to 63 %."""
    assert table["right"].round(2).tolist() == [0.49, 0.60, 0.77, 0.88, 0.91]
    assert by_clearness.sum().iloc[0] == 24
    assert np.round(metrics.wilson(24, 49), 2).tolist() == [0.36, 0.63]


@after("c7e8ad23")
def the_model_contradicts_most_suspect_labels(against, suspects, correct, texts, labels):
    """Section 11: 15 of 20 (53 to 89 %), of all sentences 18 %; the one quoted is among them."""
    assert (against.sum(), len(suspects)) == (20, 15) and round(1 - correct.mean(), 2) == 0.18
    assert np.round(metrics.wilson(15, 20), 2).tolist() == [0.53, 0.89]
    assert 850 in suspects and labels[850] == 1
    assert texts[850].startswith("it's virtually impossible")


@after("a4f792b2")
def negation_is_a_suspicion_and_no_finding(slices, correct):
    """Section 11: 76.5 against 83.2 %, p = 0.04, times four 0.17; with "but", 81.2 %."""
    negation = slices["negation"]
    p = stats.fisher_exact(pd.crosstab(negation, correct)).pvalue
    assert percent(correct[negation].mean(), correct[~negation].mean()) == [76.5, 83.2]
    assert round(p, 2) == 0.04 and round(4 * p, 2) == 0.17
    assert percent(correct[slices["but, although, …"]].mean()) == [81.2]


@after("b9532c53")
def the_test_accuracy_is_that_of_the_text(result):
    """Section 12: 83.6 % (81.7 to 85.3)."""
    assert percent(*result["accuracy"]) == [83.6, 81.7, 85.3]


@after("315faecc")
def the_chosen_threshold_pays_on_the_test(
    cost, test_probabilities, test_labels, repaired, best, T_first
):
    """Section 12: 0.37, 0.30, 0.28, and 0.28 by arithmetic from repaired probabilities."""
    paid = [cost(test_probabilities, test_labels, t) / 1705 for t in (0.5, 5 / 6, best)]
    assert np.round(paid, 2).tolist() == [0.37, 0.30, 0.28]
    assert round(cost(repaired, test_labels, 5 / 6) / 1705, 2) == 0.28
    assert round(1 / (1 + np.exp(-T_first * np.log(5))), 2) == 0.89


@after("315faecc")
def its_lead_over_the_arithmetic_may_be_luck(test_probabilities, test_labels, best):
    """Section 12: 0.017 with a standard error of 0.011."""
    between = (test_probabilities >= 5 / 6) & (test_probabilities < best)
    saved_each = np.where(between, np.where(test_labels == 0, 5, -1), 0)
    assert round(saved_each.mean(), 3) == 0.017
    assert round(saved_each.std(ddof=1) / np.sqrt(1705), 3) == 0.011


@after("4ab8902c")
def temperature_halves_the_error_of_epoch_3(calibrated, perfect, test_probabilities):
    """Section 12: 0.097 to 0.046, cross-entropy lower by a fifth; epoch 1 0.050 to 0.042; luck
    alone gives 0.02; a mean probability of 0.46."""
    assert calibrated["ECE"].round(3).tolist() == [0.050, 0.042, 0.097, 0.046]
    assert calibrated["cross-entropy"].iloc[3] < 0.81 * calibrated["cross-entropy"].iloc[2]
    assert round(np.median(perfect), 2) == 0.02 and round(test_probabilities.mean(), 2) == 0.46


@after("edbde742")
def epoch_3_is_right_on_more_and_that_may_be_luck(recorded_logits, test_labels):
    """Section 12: 83.6 and 84.8 %; 89 sentences against 69."""
    first, third = (recorded_logits("test", e).argmax(axis=1) == test_labels for e in (1, 3))
    assert percent(first.mean(), third.mean()) == [83.6, 84.8]
    assert ((third & ~first).sum(), (first & ~third).sum()) == (89, 69)
    assert stats.binomtest(89, 89 + 69).pvalue > 0.1


@after("adb1254f")
def training_sentences_are_remembered(recorded, recorded_logits):
    """Section 12: 98.1 % on sentences it has seen three times."""
    seen = recorded[recorded["part"] == "train"]["label"].to_numpy()
    assert percent((recorded_logits("train", 3).argmax(axis=1) == seen).mean()) == [98.1]


@after("2d5f57ed")
def your_own_model_answers_every_sentence(own_validation, own_test):
    """Section 13: 853 and 1,705 pairs of logits."""
    assert own_validation.shape == (853, 2) and own_test.shape == (1705, 2)
    assert np.isfinite(own_validation).all() and np.isfinite(own_test).all()


@after("935d4ac9", learning=True)
def your_own_model_is_like_the_recorded_ones(own):
    """Section 13: five recorded seeds, one kind of processor (notebook_bands.csv): accuracy 0.836
    to 0.849, F1 0.825 to 0.845, AUC 0.907 to 0.924."""
    assert 0.829 < own["accuracy"] < 0.856
    assert 0.815 < own["F1"] < 0.855
    assert 0.898 < own["AUC"] < 0.933


@after("84ece74d")
def a_temperature_repairs_your_own_model(own):
    """Section 13: five recorded seeds: ECE with T 0.024 to 0.042, cross-entropy with T 0.354 to
    0.393, each lower than without."""
    assert 0.014 < own["ECE with T"] < 0.052 and 0.335 < own["cross-entropy with T"] < 0.412
    assert own["cross-entropy with T"] < own["cross-entropy"]


@after("84ece74d")
def a_temperature_lowered_both_with_each_recorded_seed():
    """Section 13: ECE and cross-entropy in each of the five; ECE from 0.041 to 0.102; a standard
    deviation of 0.6 points between seeds, beside 0.9 between samples."""
    bands = measured.table("notebook_bands")
    bands = bands[(bands["notebook"] == "05_evaluation") & bands["processor"].str.contains("amx")]
    bands = bands.pivot(index="seed", columns="quantity", values="value").astype(float)
    assert (bands["ECE_with_T"] < bands["ECE"]).all() and len(bands) >= 5
    assert (bands["cross-entropy_with_T"] < bands["cross-entropy"]).all()
    assert (round(bands["ECE"].min(), 3), round(bands["ECE"].max(), 3)) == (0.041, 0.102)
    assert 0.0055 < bands["accuracy"].std() < 0.0065
    assert round(np.sqrt(0.836 * 0.164 / 1705), 3) == 0.009


@after("adea9507")
def the_combined_metric_finds_the_same(found, f1, mcc):
    """Section 14: "Every figure of it you have computed"."""
    assert abs(found["f1"] - f1) < 1e-12 and found["mistakes"] == 156
    assert abs(found["matthews"] - mcc) < 1e-12


@after("67d69e1a")
def the_trainer_reports_the_same_figures(model, tokenizer, few, by_trainer):
    """Section 14: those of `helpers.metrics`, on 200 validation sentences."""
    logits = training.predict(model, tokenizer, few["text"], precision="fp32")
    found = metrics.confusion_matrix(few["label"][:], logits.argmax(axis=1), 2)
    for name, value in metrics.summary(found).items():
        assert abs(by_trainer[f"eval_{name}"] - value) < 1e-9
