"""The study of domains: complete, recomputable, and each run changes what it names."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers import baselines, corpora
from helpers.measured import domains
from tools import project
from tools.experiments import domains as study


@pytest.fixture(scope="module")
def runs():
    return pd.read_csv(study.RESULTS)


@pytest.fixture(scope="module")
def test_rows():
    return study.data()["test"].to_pandas()


def test_every_planned_run_is_recorded_once(runs):
    planned = pd.DataFrame(study.planned())
    together = planned.merge(runs, on=study.KEYS, validate="one_to_one")
    assert len(together) == len(planned) == len(runs)
    assert runs[[column for column in runs if column.startswith("r2_")]].notna().all(axis=None)


def test_the_rate_is_the_one_with_the_lowest_squared_error_on_the_validation_part(runs):
    tuning = runs[runs["model"] == study.TUNING]
    errors = sum(tuning[f"rmse_{domain}"] ** 2 for domain in study.DOMAINS)
    assert tuning.loc[errors.idxmin(), "rate"] == study.RATE
    later = runs[~runs["model"].isin([study.TUNING, study.VADER, study.TFIDF, study.FEATURES])]
    assert set(later["rate"]) == {study.RATE}
    assert study.TUNING_SEED not in set(later["seed"])


def test_the_recorded_figures_are_those_of_the_recorded_predictions(runs, test_rows):
    kept = pd.read_csv(study.PREDICTIONS)
    trained = runs[~runs["model"].isin([study.TUNING, study.TFIDF, study.FEATURES])]
    together = trained.merge(kept, on=study.KEYS, validate="one_to_one")
    assert len(together) == len(kept) == len(trained)
    for _, row in together.iterrows():
        predicted = np.array(row["hundredths"].split(), dtype=int) / 100
        assert len(predicted) == len(test_rows)
        for number, domain in enumerate(study.DOMAINS):
            of_one = test_rows["domain"] == number
            found = study.figures(test_rows.loc[of_one, "label"].to_numpy(), predicted[of_one])
            for name, value in found.items():
                assert row[f"{name}_{domain}"] == pytest.approx(value, abs=2e-5)


def test_figures_are_the_library_s():
    rng = np.random.default_rng(0)
    labels = rng.normal(size=50)
    guesses = labels / 2 + rng.normal(size=50)
    found = study.figures(labels, guesses)
    assert found["pearson"] == pytest.approx(stats.pearsonr(labels, guesses)[0], abs=1e-5)
    assert found["spearman"] == pytest.approx(stats.spearmanr(labels, guesses)[0], abs=1e-5)
    spread = ((labels - labels.mean()) ** 2).sum()
    assert found["r2"] == pytest.approx(1 - ((labels - guesses) ** 2).sum() / spread, abs=1e-5)
    assert found["sign"] == pytest.approx(np.mean(np.sign(labels) == np.sign(guesses)), abs=1e-5)


def test_predictions_stand_in_the_order_of_their_seeds(runs):
    predicted = domains.predictions(study.MSE, "tweets")
    assert predicted.shape == (len(study.SEEDS), len(study.data()["test"]))
    rows = np.asarray(study.data()["test"]["domain"]) == 0
    labels = np.asarray(study.data()["test"]["label"])[rows]
    same = runs[(runs["model"] == study.MSE) & (runs["source"] == "tweets")]
    same = same[same["rows"] == study.ROWS].sort_values("seed")["pearson_tweets"]
    found = [stats.pearsonr(labels, one[rows])[0] for one in predicted]
    assert same.tolist() == pytest.approx(found, abs=2e-5)


def test_a_draw_holds_so_many_rows_of_the_domain_by_the_seed():
    for source in study.DOMAINS:
        rows = study.draw(source, study.ROWS, 0)
        assert len(set(rows["text"])) == study.ROWS
        assert set(rows["domain"]) == {study.DOMAINS.index(source)}
        assert rows["text"][:] == study.draw(source, study.ROWS, 0)["text"][:]
        assert rows["text"][:] != study.draw(source, study.ROWS, 1)["text"][:]
        assert rows["text"][:200] == study.draw(source, 200, 0)["text"][:]
    mixed = study.draw("all", study.ROWS, 0)
    assert np.bincount(mixed["domain"]).tolist() == [study.ROWS // 4] * 4


def test_each_way_of_training_changes_what_it_names_and_nothing_else():
    rows = study.draw("movie", study.ROWS, 0)
    plain, squared, outputs = study.prepared(study.MSE, rows, 0)
    for_mae, absolute, outputs_mae = study.prepared(study.MAE, rows, 0)
    assert plain["text"][:] == for_mae["text"][:] and plain["label"][:] == for_mae["label"][:]
    assert outputs == outputs_mae == 1
    z, y = torch.tensor([[1.0], [3.0]]), torch.tensor([0.0, -1.0])
    assert squared(z, y) == (1 + 16) / 2 and absolute(z, y) == (1 + 4) / 2
    same, squashed, one = study.prepared(study.SIGMOID, rows, 0)
    assert squashed(z, y) == squared(z.sigmoid(), y) and one == 1
    assert same["label"][:] == plain["label"][:]
    shuffled, _, _ = study.prepared(study.CONTROL, rows, 0)
    assert shuffled["text"][:] == rows["text"][:] and shuffled["label"][:] != rows["label"][:]
    assert sorted(shuffled["label"]) == sorted(rows["label"])


def test_classes_are_the_signs_of_the_same_rows():
    rows = study.draw("movie", study.ROWS, 0)
    named, loss, outputs = study.prepared(study.CLASSES, rows, 0)
    signed = [(t, y) for t, y in zip(rows["text"], rows["label"], strict=True) if y]
    assert named["text"][:] == [text for text, _ in signed]
    assert named["label"][:] == [int(label > 0) for _, label in signed]
    assert named.features["label"].names == ["negative", "positive"] and outputs == 2
    corpora.check_trainable({"train": named}, 2)
    assert loss is torch.nn.functional.cross_entropy


@pytest.mark.parametrize("model", [study.TFIDF, study.FEATURES])
def test_a_baseline_chooses_its_dials_within_the_rows_it_learns_from(model, monkeypatch):
    rows, held_out = (
        study.draw("tweets", 300, 0),
        study.draw("tweets", 400, 0).select(range(300, 400)),
    )
    searches = []
    for name in ("tfidf_ridge", "ridge_on_features"):
        make = getattr(baselines, name)
        keep = lambda seed, make=make: searches.append(make(seed)) or searches[-1]  # noqa: E731
        monkeypatch.setattr(baselines, name, keep)
    predicted = study.baseline(model, rows, 0)(held_out["text"][:])
    assert study.figures(np.asarray(held_out["label"]), predicted)["pearson"] > 0.3
    (search,) = searches
    grids = {study.TFIDF: baselines.TFIDF_RIDGE_GRID, study.FEATURES: baselines.FEATURES_RIDGE_GRID}
    assert all(
        search.best_params_[hyperparameter] in values
        for hyperparameter, values in grids[model].items()
    )
    assert search.n_splits_ == 5


def test_fewer_rows_get_as_many_steps():
    for rows in (100, 200, 400, 800):
        steps = study.epochs_for(rows) * -(-rows // 32)
        assert abs(steps - 75) <= 3
    assert study.epochs_for(1000) == 3


def test_the_lexicon_s_own_program_gives_what_its_authors_print():
    compound = study.vader()(["VADER is smart, handsome, and funny.", "Today sux", "The book."])
    assert compound.tolist() == [0.8316, -0.3612, 0.0]


def test_the_page_of_findings_quotes_the_study():
    table = domains.table()
    table = table[(table["rows"] == study.ROWS) & (table["tweets"] == 0)]
    r = table[table["model"] == study.MSE].groupby(["source", "target"])["pearson"].mean()
    every = domains.table()
    vader = every[(every["model"] == study.VADER) & (every["target"] == "tweets")]["pearson"].item()
    words = " ".join((project.ROOT / "docs" / "findings.md").read_text(encoding="utf8").split())
    said = f"**{r['movie', 'tweets']:.2f}**", f"{r['tweets', 'tweets']:.2f}", f"{vader:.2f}"
    sentence = "r = {} with the mean rating of tweets; trained on tweets {}; a word list with rules"
    assert (sentence + " and no training {}.").format(*said) in words
    few = domains.table()
    few = few[(few["model"] == study.MSE) & (few["target"] == "tweets")]
    few = few.groupby(["source", "rows", "tweets"])["pearson"].mean().round(2)
    alone, mixed = few["tweets"].xs(0, level="tweets"), few["movie", study.ROWS]
    assert f"help beside 50 tweets ({mixed[50]:.2f}, alone {alone[50]:.2f})" in words
    assert f"cost a little beside 200 ({mixed[200]:.2f}, alone {alone[200]:.2f})" in words
