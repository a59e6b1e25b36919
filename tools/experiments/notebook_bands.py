"""The bands of the notebooks' assertions: their own cells, run with other seeds, per processor.

    python -m tools.experiments.notebook_bands 04_fine_tuning_loop --seeds 0 1 2 3 4

The cells tagged `measured` run in order with another SEED; what they leave behind is recorded in
notebook_bands.csv.
"""

import argparse
import json

import pandas as pd

from helpers import downloads, runtime
from tools.experiments import runs
from tools.experiments.provenance import MEASURED, provenance

RESULTS = MEASURED / "notebook_bands.csv"
QUANTITIES = {
    "00_start_here": {
        "untrained": "untrained",
        "tuned": "tuned",
        "sentence_before": "probabilities[1]",
        "sentence_after": "after[0]",
        "plain_right": "right[:8].sum()",
        "tricky_right": "right[8:].sum()",
        "plain_nearest_to_half": "abs(after[:8] - 0.5).min()",
        "tricky_nearest_to_half": "abs(after[8:] - 0.5).min()",
    },
    "solutions/00_solutions": {"tuned": "share"},
    "03_losses_and_gradients": {
        "untrained_loss": "before['loss']",
        "before": "before['validation_accuracy']",
        "after": "after['validation_accuracy']",
        "lowest_step": "lowest",
        "rise": "longer['validation_loss'].iloc[-1] - longer['validation_loss'].min()",
        "best_rate_sgd": "best_rate['SGD']",
        "best_rate_adamw": "best_rate['AdamW']",
    },
    "04_fine_tuning_loop": {
        "untrained": "untrained",
        "after_bare_loop": "after_bare_loop",
        "loss_fall": "sum(losses[:16]) / 16 - sum(losses[-16:]) / 16",
        "after_high": "after_high",
        "high_loss": "last_losses",
        "spread_before": "spread_before",
        "spread_after": "spread_after",
        "probe_before": "probe.fit(cls_vectors(fresh, part), part['label'][:])"
        ".score(before, validation['label'][:])",
        "probe_after": "after_probe",
        "after_rescue": "(train_like_the_helper(rescued := checkpoints.load(CHECKPOINT, seed=SEED,"
        " label_names=label_names)[1], padded(some), 1e-3), accuracy(rescued, validation))[1]",
        "overfit_train_loss": "overfitted.history['train_loss'].iloc[-1]",
        "overfit_rise": "losses_by_epoch.iloc[-1] - losses_by_epoch.min()",
        "overfit_best_epoch": "overfitted.best_epoch",
    },
    "05_evaluation": {
        "accuracy": "own['accuracy']",
        "F1": "own['F1']",
        "AUC": "own['AUC']",
        "ECE": "judge(test_labels, own_test)['ECE']",
        "ECE_with_T": "judge(test_labels, own_test, own_temperature)['ECE']",
        "cross-entropy": "judge(test_labels, own_test)['cross-entropy']",
        "cross-entropy_with_T": "judge(test_labels, own_test, own_temperature)['cross-entropy']",
    },
    "06_cross_validation": {
        "holdout_lowest": "lucky.min()",
        "holdout_highest": "lucky.max()",
        "holdout_sd": "lucky.std()",
        "holdout_pairs_apart": "(apart > 0.03).mean()",
        "sorted": "(out_of_fold(unshuffled) == labels).mean()",
        "folds_lowest": "deals.min()",
        "folds_highest": "deals.max()",
        "calmer": "lucky.std() / deals.std()",
        "words": "words_result.table['accuracy'].mean()",
        "tuned": "tuned.table['accuracy'].mean()",
        "tuned_lowest_gain": "(tuned.table['accuracy'] - words_result.table['accuracy']).min()",
        "tuned_fold_sd": "tuned.table['accuracy'].std()",
        "dummy": "dummy.table['accuracy'].mean()",
        "own_torn": "by_way['own label'].iloc[:, 0].mean()",
        "own_whole": "by_way['own label'].iloc[:, 1].mean()",
        "own_new": "by_way['own label'].iloc[:, 2].mean()",
        "editorial_torn": "by_way['label of its editorial'].iloc[:, 0].mean()",
        "editorial_whole": "by_way['label of its editorial'].iloc[:, 1].mean()",
        "editorial_new": "by_way['label of its editorial'].iloc[:, 2].mean()",
        "own_torn_off_lowest": "(by_way['own label'].iloc[:, 0]"
        " - by_way['own label'].iloc[:, 2]).min()",
        "own_torn_off_highest": "(by_way['own label'].iloc[:, 0]"
        " - by_way['own label'].iloc[:, 2]).max()",
        "own_whole_off_lowest": "(by_way['own label'].iloc[:, 1]"
        " - by_way['own label'].iloc[:, 2]).min()",
        "own_whole_off_highest": "(by_way['own label'].iloc[:, 1]"
        " - by_way['own label'].iloc[:, 2]).max()",
        "editorial_torn_off_lowest": "(by_way['label of its editorial'].iloc[:, 0]"
        " - by_way['label of its editorial'].iloc[:, 2]).min()",
        "editorial_torn_off_highest": "(by_way['label of its editorial'].iloc[:, 0]"
        " - by_way['label of its editorial'].iloc[:, 2]).max()",
        "editorial_whole_off_lowest": "(by_way['label of its editorial'].iloc[:, 1]"
        " - by_way['label of its editorial'].iloc[:, 2]).min()",
        "editorial_whole_off_highest": "(by_way['label of its editorial'].iloc[:, 1]"
        " - by_way['label of its editorial'].iloc[:, 2]).max()",
        "copies": "faked['copies'].mean()",
        "vocabulary": "faked['vocabulary'].mean()",
        "vocabulary_lowest": "faked['vocabulary'].min()",
        "vocabulary_highest": "faked['vocabulary'].max()",
        "chosen_words": "faked['chosen_words'].mean()",
        "chosen_words_honest": "drawn['chosen_words'][:, 0].mean()",
        "best_of_fifty": "faked['best_of_fifty'].mean()",
        "nested_gap": "best_inner - nested_accuracy",
        "nested_choices": "len(set(chosen))",
    },
    "08_what_fine_tuning_buys": {
        "two_people": "(first == second).mean()",
        "kappa": "cohen(first, second)",
        "fleiss": "fleiss(counts_of(15))",
        "one_person": "votes[1]",
        "majority_of_nine": "votes[9]",
        "doubtful_wrong": "where['mean'].iloc[0]",
        "clear_wrong": "where['mean'].iloc[-1]",
    },
    "11_why_this_label": {
        "accuracy": "(explain.probability(model, tokenizer, raw_datasets['validation']['text'][:])"
        ".round() == raw_datasets['validation']['label'][:]).mean()",
        "random_order_falls": "falls['random order']",
        "leave_one_out_falls": "falls['leave one out']",
        "no_sign_falls": "falls['leave one out, no sign']",
        "attention_falls": "falls['attention, last layer']",
        "head_gradient": "correlations.iloc[0]['gradient']",
        "head_integrated": "correlations.iloc[0]['integrated gradients']",
        "head_times_input": "correlations.iloc[0]['gradient × input']",
        "layer_4_gradient": "correlations.loc['layer 4', 'gradient']",
        "embeddings_highest": "correlations.iloc[-1].max()",
        "heads_integrated_lowest": "min(head['integrated gradients'] for head in heads)",
        "heads_integrated_highest": "max(head['integrated gradients'] for head in heads)",
        "heads_gradient_lowest": "min(head['gradient'] for head in heads)",
        "plain_praise": "leans['praise'][0]",
        "plain_blame": "leans['blame'][0]",
        "not_moves_blame": "leans['blame'][1] - leans['blame'][0]",
        "not_moves_praise": "leans['praise'][1] - leans['praise'][0]",
        "negated_blame_elsewhere": "leans['blame'][2:].max()",
        "own_templates_before": 'live.loc["repair\'s templates, blame", "before"]',
        "own_templates_after": 'live.loc["repair\'s templates, blame", "after"]',
        "negated_blame_before": "live.loc['negated blame', 'before']",
        "negated_blame_after": "live.loc['negated blame', 'after']",
        "traps_before": "live.loc['traps', 'before']",
        "traps_after": "live.loc['traps', 'after']",
    },
    "12_instruction_tuning": {
        "first_loss": "losses[0]",
        "last_loss": "sum(losses[-10:]) / 10",
        "exact": "sum(a.text == r and a.stopped for a, r in zip(answers, expected))",
        "valid": "sum(a.text in names for a in answers)",
        "stopped": "sum(a.stopped for a in answers)",
        "wrong_stopped": "sum(a.stopped for a in wrong_answers)",
        "wrong_exact": "sum(a.text == r and a.stopped for a, r in zip(wrong_answers, expected))",
        "begins": "begins",
    },
    "13_your_own_csv": {
        "tfidf_inside": "tfidf.best_score_",
        "frozen_inside": "frozen.best_score_",
        "frozen_5": "np.mean(curves['frozen features'][0])",
        "frozen_40": "np.mean(curves['frozen features'][3])",
        "frozen_5_spread": "np.ptp(curves['frozen features'][0])",
        "tfidf_5": "np.mean(curves['TF-IDF'][0])",
        "tfidf_40": "np.mean(curves['TF-IDF'][3])",
        "planted_found": "len(planted)",
        "untrained": "untrained",
        "best_epoch": "run.best_epoch",
        "validation_loss": "run.history['validation_loss'].min()",
        "validation_loss_rise": "run.history['validation_loss'].iloc[-1]"
        " - run.history['validation_loss'].min()",
        "validation": "run.history['accuracy'].max()",
        "tuned": "table['accuracy']['fine-tuned']",
        "tuned_macro_f1": "table['macro F1']['fine-tuned']",
        "frozen": "table['accuracy']['frozen features']",
        "tfidf": "table['accuracy']['TF-IDF']",
        "dummy": "table['accuracy']['dummy']",
        "cannot_tell_from_frozen": "report.comparison(result).startswith('These')"
        " and 'frozen' in report.comparison(result)",
        "errors": "len(report.errors(result))",
        "surest_error": "report.errors(result)['probability'].max()",
        "new_clear": "sum(mine.names[i] == name for i, name in zip("
        "training.predict(model, tokenizer, pd.read_csv(NEW_PATH)['message'].iloc[[1, 3, 7]])"
        ".argmax(axis=1), ('delivery', 'billing', 'question')))",
    },
    "13_your_own_csv, numbers": {
        "frozen_inside": "on_features.best_score_",
        "tfidf_inside": "on_words.best_score_",
        "first_loss": "number_run.history['validation_loss'].iloc[0]",
        "lowest_loss": "number_run.history['validation_loss'].min()",
        "best_epoch": "number_run.best_epoch",
        "MAE": "report.scores(number_result).loc['fine-tuned', 'MAE']",
        "RMSE": "report.scores(number_result).loc['fine-tuned', 'RMSE']",
        "r": "report.scores(number_result).loc['fine-tuned', 'r']",
        "MAE_frozen": "report.scores(number_result).loc['ridge, frozen', 'MAE']",
        "MAE_tfidf": "report.scores(number_result).loc['ridge, TF-IDF', 'MAE']",
        "MAE_mean": "report.scores(number_result).loc['the mean', 'MAE']",
        "gain": "report.differences(number_result).iloc[0]['gain']",
        "gain_low": "report.differences(number_result).iloc[0]['gain low']",
        "spread": "in_units.std() / number_result.labels.std()",
        "slope": "np.polyfit(number_result.labels, in_units[:, 0], 1)[0]",
        "torn_gain": "np.mean(torn['whole reviews']) - np.mean(torn['sentences'])",
        "new_good": "of_new[0]",
        "new_neutral": "of_new[1]",
        "new_bad": "of_new[2]",
    },
    "14_other_tasks, spans": {
        "validation_loss": "min(row['validation_loss'] for row in run.rows)",
        "span_f1": "span_f1(spans['test'], found)",
        "span_f1_list": "span_f1(spans['test'], looked_up)",
    },
    "14_other_tasks, answers": {
        "first_loss": "run.rows[0]['validation_loss']",
        "validation_loss": "min(row['validation_loss'] for row in run.rows)",
        "backwards": "backwards",
        "half": "half",
    },
    "14_other_tasks, pairs": {
        "train_loss_falls": "run.rows[0]['train_loss'] - run.rows[-1]['train_loss']",
        "validation_loss": "min(row['validation_loss'] for row in run.rows)",
    },
    "14_other_tasks, translations": {
        "right_before": "sum(a.text.strip() in expected for a in before)",
        "exact": "len(expected) - len(wrong)",
    },
}


# A section that stands alone: its name is the notebook's and a word of one's own.
SECTIONS = {
    "13_your_own_csv, numbers": "## 11. ",
    "14_other_tasks, spans": "## 2. ",
    "14_other_tasks, answers": "## 3. ",
    "14_other_tasks, pairs": "## 4. ",
    "14_other_tasks, translations": "## 5. ",
}


def measured_cells(notebook: str) -> list[str]:
    """Sources of the cells tagged `measured`.

    Of a section that stands alone: those before section 2, and those from its heading to the next.
    """
    path = downloads.ROOT / "notebooks" / f"{notebook.split(',')[0]}.ipynb"
    cells = json.loads(path.read_text(encoding="utf8"))["cells"]
    sources = ["".join(cell["source"]) for cell in cells]
    heading = SECTIONS.get(notebook, "")
    start = next(i for i, source in enumerate(sources) if source.startswith(heading))
    opening = next((i for i, source in enumerate(sources) if source.startswith("## 2. ")), 0)
    later = (i for i in range(start + 1, len(cells)) if sources[i].startswith("## "))
    inside = {*range(opening), *range(start, next(later, len(cells)))}
    measured = [i for i, c in enumerate(cells) if "measured" in c["metadata"].get("tags", [])]
    return [sources[i] for i in measured if not heading or i in inside]


def run(notebook: str, seed: int) -> pd.DataFrame:
    """All quantities of one seed, a row each."""
    names: dict = {}
    for source in measured_cells(notebook):
        exec(source.replace("SEED = 0", f"SEED = {seed}"), names)
    values = {name: float(eval(code, names)) for name, code in QUANTITIES[notebook].items()}
    rows = pd.DataFrame({"quantity": values.keys(), "value": values.values()})
    return rows.assign(notebook=notebook, seed=seed, **provenance())


def main() -> None:
    """Run the seeds that are not recorded yet and print the bands."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("notebook", choices=list(QUANTITIES))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    options = parser.parse_args()
    for seed in options.seeds:
        if RESULTS.exists():
            rows = pd.read_csv(RESULTS)
            there = (rows["notebook"] == options.notebook) & (rows["seed"] == seed)
            if (there & (rows["processor"] == runtime.processor())).any():
                continue
        rows = run(options.notebook, seed)
        runs.append(RESULTS, *rows.to_dict("records"))
    table = pd.read_csv(RESULTS).groupby(["notebook", "quantity"])["value"]
    print(table.agg(["count", "min", "mean", "max"]).round(3).to_string())


if __name__ == "__main__":
    main()
