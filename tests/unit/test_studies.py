"""Studies: runs that are kept one by one, and what is computed from the recorded ones."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import time
import types
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers import corpora, measured, metrics, validation
from helpers.measured import class_imbalance as imbalance
from helpers.measured import evaluation, messages_crossed
from helpers.measured.cross_validation import hits
from tools import project
from tools.experiments import class_imbalance, runs, what_it_buys
from tools.experiments import cross_validation as study


def test_a_study_goes_on_where_it_was_stopped(tmp_path, capsys):
    planned = [{"model": "one", "seed": seed} for seed in range(4)]
    results, ran = tmp_path / "results.csv", []

    def run(model, seed):
        ran.append(seed)
        return {"accuracy": seed / 10}

    runs.drive(planned, run, results, limit=1)
    runs.drive(planned, run, results, limit=2)
    runs.drive(planned, run, results, limit=100)
    runs.drive(planned, run, results, limit=100)
    assert ran == [0, 1, 2, 3]
    rows = pd.read_csv(results)
    assert rows["accuracy"].tolist() == [0.0, 0.1, 0.2, 0.3]
    assert {"seconds", "date", "commit", "processor", "torch"} <= set(rows.columns)
    assert "4 of 4: model one, seed 3" in capsys.readouterr().out


def test_a_run_that_fails_leaves_the_file_as_it_was(tmp_path):
    results = tmp_path / "results.csv"
    runs.append(results, {"seed": 0})
    before = results.read_bytes()
    with pytest.raises(ZeroDivisionError):
        runs.drive([{"seed": 1}], lambda seed: 1 / 0, results, limit=1)
    assert results.read_bytes() == before


def learn(model: str, seed: int) -> dict:
    """A run that also keeps something beside its row; one presses Ctrl-C, if a file says so."""
    place = Path(os.environ["STUDY_PLACE"])
    if seed == 3 and (place / "stop").exists():
        (place / "stop").unlink()
        os.kill(os.getppid(), signal.SIGINT)
        time.sleep(5)
    runs.append(place / "beside.csv", {"seed": seed, "process": os.getpid()})
    return {"process": os.getpid(), "threads": torch.get_num_threads()}


def drive_in_two() -> None:
    """What `python -m tools.experiments.NAME --processes 2` does."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
    planned = [{"model": "one", "seed": seed} for seed in range(6)]
    place = Path(os.environ["STUDY_PLACE"])
    runs.drive(planned, learn, place / "results.csv", limit=100, processes=2)


def test_runs_spread_over_processes_are_written_by_one_and_gone_on_with(tmp_path):
    """Ctrl-C in the fourth of six runs; the second call does what is missing."""
    (tmp_path / "stop").touch()
    command = [sys.executable, "-c", "from tests.unit import test_studies as t; t.drive_in_two()"]
    environment = dict(os.environ, STUDY_PLACE=str(tmp_path))
    codes = [
        subprocess.run(command, cwd=project.ROOT, env=environment).returncode for _ in range(2)
    ]
    assert codes[0] != 0 and codes[1] == 0
    rows, beside = (pd.read_csv(tmp_path / name) for name in ("results.csv", "beside.csv"))
    assert sorted(rows["seed"]) == sorted(beside["seed"]) == list(range(6))
    both = rows.merge(beside, on="seed")
    assert (both["process_x"] == both["process_y"]).all() and rows["process"].nunique() >= 2
    assert (rows["threads"] == 1).all()
    assert not list(tmp_path.glob("*.partial"))


def test_programs_that_append_to_one_file_lose_no_row(tmp_path):
    """Between reading a file and replacing it, another one had written: its row was gone."""
    results = tmp_path / "rows.csv"

    def append_thirty(program):
        for number in range(30):
            runs.append(results, {"program": program, "number": number})

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(append_thirty, range(3)))
    rows = pd.read_csv(results)
    assert rows.groupby("program")["number"].apply(list).tolist() == [list(range(30))] * 3
    assert [path.name for path in tmp_path.iterdir()] == ["rows.csv"]


def test_ctrl_c_between_the_rows_of_a_run_waits_for_the_last_of_them(tmp_path, monkeypatch):
    def run(seed):
        runs.append(tmp_path / "beside.csv", {"seed": seed})
        return {}

    def pressed():  # asked for when the row beside is written and that of the results is not
        signal.raise_signal(signal.SIGINT)
        return {}

    monkeypatch.setattr(runs, "provenance", pressed)
    with pytest.raises(KeyboardInterrupt):
        runs.drive([{"seed": 0}, {"seed": 1}], run, tmp_path / "results.csv", limit=2)
    for name in ("results.csv", "beside.csv"):
        assert pd.read_csv(tmp_path / name)["seed"].tolist() == [0]


def test_a_module_that_runs_as_main_is_found_by_its_name(monkeypatch):
    """Other processes have another `__main__`."""
    main = types.ModuleType("__main__")
    main.__spec__ = importlib.util.find_spec("tools.experiments.cross_validation")
    monkeypatch.setitem(sys.modules, "__main__", main)
    as_main = types.FunctionType(study.run.__code__, {}, "run")
    as_main.__module__ = "__main__"
    assert runs.importable(as_main) is study.run
    assert runs.importable(learn) is learn


def test_every_study_has_its_module_and_an_unknown_one_is_named():
    modules = project.project()["tool"]["course"]["studies"]
    for name in modules.values():
        assert (project.ROOT / "tools" / "experiments" / f"{name}.py").is_file()
    command = [sys.executable, "tasks.py", "study", "99", "--here"]
    ran = subprocess.run(command, cwd=project.ROOT, capture_output=True, text=True)
    assert ran.returncode == 1
    assert f"No study belongs to 99. There are: {', '.join(modules)}" in ran.stderr


def grid(fold_sd, seed_sd, rest_sd, rng, folds=5, seeds=5):
    values = rng.normal(0, rest_sd, (folds, seeds))
    values += rng.normal(0, fold_sd, (folds, 1)) + rng.normal(0, seed_sd, (1, seeds))
    cells = [(fold, seed) for fold in range(folds) for seed in range(seeds)]
    return pd.DataFrame(cells, columns=["fold", "seed"]).assign(accuracy=values.ravel())


def test_components_of_variance_are_found_on_average_and_covered_by_their_intervals():
    rng, true = np.random.default_rng(0), {"fold": 2.0, "seed": 0.5, "rest": 1.0}
    found = [validation.variance_components(grid(*true.values(), rng)) for _ in range(300)]
    for name, sd in true.items():
        table = pd.DataFrame([one.loc[name] for one in found])
        assert np.mean(table["sd"] ** 2) == pytest.approx(sd**2, rel=0.2)
        covered = ((table["low"] <= sd) & (sd <= table["high"])).mean()
        assert 0.92 < covered < 0.99


def test_the_rest_is_what_two_way_analysis_of_variance_leaves():
    table = grid(1, 1, 1, np.random.default_rng(1))
    values = table.pivot(index="fold", columns="seed", values="accuracy").to_numpy()
    rest = values - values.mean(0) - values.mean(1)[:, None] + values.mean()
    found = validation.variance_components(table)
    assert found.loc["rest", "sd"] == pytest.approx(np.sqrt((rest**2).sum() / 16))
    low, high = np.sqrt((rest**2).sum() / stats.chi2.ppf([0.975, 0.025], 16))
    assert found.loc["rest", ["low", "high"]].tolist() == pytest.approx([low, high])


def test_a_table_with_holes_has_no_components():
    table = grid(1, 1, 1, np.random.default_rng(1))
    with pytest.raises(ValueError, match="every fold with every seed"):
        validation.variance_components(table[:-1])


def test_the_page_of_findings_quotes_the_study():
    findings = (project.ROOT / "docs" / "findings.md").read_text(encoding="utf8")
    runs = pd.read_csv(study.RESULTS).assign(accuracy=lambda rows: 100 * rows["accuracy"])
    of = {name: rows["accuracy"] for name, rows in runs.groupby("model")}
    means = f"**{of[study.ENCODER].mean():.1f} %** against **{of[study.TFIDF].mean():.1f} %**"
    only = validation.mcnemar(hits(study.ENCODER), hits(study.TFIDF))
    sd = validation.variance_components(runs[runs["model"] == study.ENCODER])["sd"]
    words = " ".join(findings.split())
    alone = f"on {only[0]} of them only BERT was right, and on {only[1]} only TF-IDF"
    assert means in words and alone in words
    low, high = of[study.ENCODER].min(), of[study.ENCODER].max()
    assert f"lands between {low:.1f} and {high:.1f} %" in words
    assert f"by {sd['fold']:.1f} points, the luck of training by {sd['rest']:.1f}" in words


def test_the_recorded_hits_are_those_of_the_recorded_accuracies():
    runs, recorded = pd.read_csv(study.RESULTS), pd.read_csv(study.HITS)
    together = runs.merge(recorded, on=study.KEYS, validate="one_to_one")
    assert len(together) == len(study.planned()) == len(runs)
    assert (together["hits"].str.len() == together["n"]).all()
    share = together["hits"].str.count("r") / together["n"]
    assert share.tolist() == pytest.approx(together["accuracy"].tolist())
    assert len(hits(study.ENCODER, 4)) == len(hits(study.TFIDF)) == 6823


@pytest.fixture(scope="module")
def train():
    return corpora.load("reviews")["train"]


def test_rare_positives_are_as_many_as_said_and_drawn_by_the_seed(train):
    rows = imbalance.imbalanced(train, 0)
    assert np.bincount(rows["label"]).tolist() == [1000, 100] and len(set(rows["text"])) == 1100
    assert imbalance.imbalanced(train, 0)["text"][:] == rows["text"][:]
    assert imbalance.imbalanced(train, 1)["text"][:] != rows["text"][:]


def test_each_way_of_training_changes_what_it_names_and_nothing_else(train):
    rows = imbalance.imbalanced(train, 0)
    as_it_is, plain = imbalance.prepared("as it is", rows, 0)
    weighted_rows, weighted = imbalance.prepared("weighted loss", rows, 0)
    copied, loss = imbalance.prepared("positives copied", rows, 0)
    shuffled, _ = imbalance.prepared(imbalance.CONTROL, rows, 0)
    assert as_it_is["text"][:] == weighted_rows["text"][:] == shuffled["text"][:] == rows["text"][:]
    assert plain is loss and weighted.keywords["weight"].tolist() == [1, 10]
    assert np.bincount(copied["label"]).tolist() == [1000, 1000]
    assert set(copied["text"]) == set(rows["text"])
    assert np.bincount(shuffled["label"]).tolist() == [1000, 100]
    assert shuffled["label"][:] != rows["label"][:]


def test_the_recorded_runs_of_the_imbalance_study_are_complete_and_count_all_reviews():
    rows = pd.read_csv(class_imbalance.RESULTS)
    ways = {*imbalance.WAYS, imbalance.CONTROL}
    assert set(zip(rows["way"], rows["seed"], strict=True)) == {
        (way, seed) for way in ways for seed in range(5)
    }
    assert (rows[["tp", "fp", "fn", "tn"]].sum(axis=1) == 853).all() and len(rows) == 20


def test_the_recorded_scores_of_the_imbalance_study_give_its_counts():
    labels = np.array(imbalance.data()["validation"]["label"])
    for name, ways in (("class_imbalance", imbalance.WAYS), ("class_imbalance_live", ["as it is"])):
        rows = pd.read_csv(class_imbalance.RESULTS.with_name(f"{name}.csv")).sort_values("seed")
        for way in ways:
            scores, of_way = imbalance.recorded(way, name), rows[rows["way"] == way]
            assert scores.shape == (len(of_way), 853)
            for one, row in zip(scores, of_way.itertuples(), strict=True):
                matrix = metrics.confusion_matrix(labels, one > 0, 2)
                assert matrix.ravel().tolist() == [row.tn, row.fp, row.fn, row.tp]
                assert abs(metrics.auc(labels, one) - row.auc) < 0.0005


def test_ways_that_are_compared_ran_on_one_processor_with_one_version():
    """The control is older; nothing pairs it with a run of the others."""
    rows = measured.table("class_imbalance")
    compared = rows[rows["way"].isin(imbalance.WAYS)]
    for column in ("processor", "cores", "torch", "transformers"):
        assert compared[column].nunique() == 1, column


def test_runs_that_kept_no_scores_are_named():
    for way in (imbalance.CONTROL, "weihted loss"):
        with pytest.raises(ValueError, match=f"no scores of '{way}'. Take one of as it is"):
            imbalance.recorded(way)


def test_the_means_of_the_study_are_those_of_its_scores():
    labels, means = np.array(imbalance.data()["validation"]["label"]), imbalance.means()
    assert means.index.tolist() == list(imbalance.WAYS) and means.index.name == "way"
    for way in imbalance.WAYS:
        assert means.loc[way].to_dict() == imbalance.figures(labels, imbalance.recorded(way) > 0)


def test_the_figures_of_some_runs_are_their_means():
    labels, called = np.array([0, 0, 1, 1]), np.array([[0, 1, 1, 1], [0, 0, 0, 0]]) > 0
    found = imbalance.figures(labels, called)
    assert found["recall"] == 0.5 and found["specificity"] == 0.75
    assert found["precision"] == 2 / 3 and found["accuracy"] == 0.625


def test_recorded_logits_are_found_by_part_and_epoch_and_what_is_not_there_is_named():
    recorded = pd.read_csv(project.ROOT / "data" / "measured" / "evaluation_logits.csv")
    for part, n in (("train", 1705), ("validation", 853), ("test", 1705)):
        found = evaluation.logits(part, epoch=2)
        rows = recorded[recorded["part"] == part]
        assert found.shape == (n, 2)
        assert (found == rows[["epoch2_logit0", "epoch2_logit1"]].to_numpy()).all()
    for wrong in (("tset", 1), ("test", 4)):
        with pytest.raises(ValueError, match="recorded are train, validation, test"):
            evaluation.logits(*wrong)


def test_the_runs_whose_kept_epoch_is_known_are_the_same_ones_in_both_tables():
    runs = evaluation.calibration_of_runs()
    tested = pd.read_csv(project.ROOT / "data" / "measured" / "review_accuracy.csv")
    tested = tested[tested["part"] == "test"].groupby("seed").first()
    assert runs.index.tolist() == [0, 1, 2, 3, 4]
    known = runs.dropna()
    assert known["kept"].tolist() == [1, 3, 2] and known.index.tolist() == [0, 1, 2]
    assert np.allclose(known["accuracy"], tested.loc[[0, 1, 2], "test_accuracy"], atol=1e-12)


def test_people_have_rated_a_text_or_not():
    ratings = corpora.load("ratings")["test"]
    found = evaluation.human_means([ratings["text"][0], "nobody has ever rated this sentence 17"])
    assert abs(found[0] - ratings["label"][0]) < 1e-6 and np.isnan(found[1])


@pytest.mark.parametrize("of_runs", [0.0, 0.05])
def test_the_interval_with_both_chances_errs_on_the_wide_side(of_runs):
    """Studies of two equal models, five runs on 200 sentences: 0 is inside in 95 % at least."""
    rng, inside = np.random.default_rng(0), []
    for _ in range(400):
        difference = of_runs * rng.normal(size=(5, 1)) + 0.3 * rng.normal(size=200)
        mean, low, high = validation.two_way_interval(difference + 0.3 * rng.normal(size=(5, 200)))
        assert low < mean < high
        inside.append(low < 0 < high)
    assert np.mean(inside) > 0.95


def test_the_seed_of_the_live_run_is_recorded_without_weights():
    rows = pd.read_csv(class_imbalance.LIVE)
    assert rows[["way", "seed"]].values.tolist() == [["as it is", class_imbalance.LIVE_SEED]]
    assert (rows[["tp", "fp", "fn", "tn"]].sum(axis=1) == 853).all()


def test_the_recorded_logits_belong_to_the_reviews_as_they_are_split():
    recorded = pd.read_csv(project.ROOT / "data" / "measured" / "evaluation_logits.csv")
    facts = json.loads((project.ROOT / "data" / "measured" / "evaluation_logits.json").read_text())
    for part, dataset in corpora.load("reviews").items():
        assert facts["fingerprints"][part] == corpora.fingerprint(dataset)
        labels = recorded.loc[recorded["part"] == part, "label"].tolist()
        assert labels == dataset["label"][: len(labels)] and len(labels) >= 853


def test_hits_on_the_messages_are_those_that_were_recorded():
    found = messages_crossed.hits()
    rows = measured.table("messages_crossed").groupby("model")["accuracy"].mean()
    assert len(found) == 424 and found.min().min() == 0 and found.max().max() == 1
    assert (found.mean() - rows).abs().max() < 1e-4


def test_seeds_of_one_setting_come_from_one_kind_of_processor(tmp_path, monkeypatch):
    results = tmp_path / "rows.csv"
    planned = [{"model": name, "n": 16, "seed": seed} for name in ("a", "b") for seed in (0, 1)]
    monkeypatch.setattr(runs.runtime, "processor", lambda: "this one")
    runs.refuse_two_processors([], results, ["model", "n"])
    runs.refuse_two_processors(planned, results, ["model", "n"])  # nothing there yet
    there = pd.DataFrame(planned[:2]).assign(processor="another")
    there.to_csv(results, index=False)  # all seeds of "a": whole, and from one kind
    runs.refuse_two_processors(planned, results, ["model", "n"])
    there.head(1).to_csv(results, index=False)  # one is missing and would come from here
    with pytest.raises(SystemExit, match=r"rows\.csv holds runs of model a, n 16 from another"):
        runs.refuse_two_processors(planned, results, ["model", "n"])
    there.head(1).assign(processor="this one").to_csv(results, index=False)
    runs.refuse_two_processors(planned, results, ["model", "n"])


def test_recorded_hits_of_one_setting_come_from_one_kind_of_processor():
    rows = measured.table("what_it_buys_hits")
    kinds = rows.groupby(what_it_buys.KEYS[:-1])["processor"].nunique()
    assert len(kinds) and (kinds == 1).all()


def test_a_band_of_a_notebook_has_one_value_for_each_seed_and_processor():
    """A merge once brought superseded rows back, and a mean over both was quoted."""
    rows = measured.table("notebook_bands")
    doubled = rows.duplicated(["quantity", "notebook", "seed", "processor"])
    assert len(rows) and rows[doubled].empty
