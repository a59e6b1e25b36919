"""The study of domains: complete, recomputable, and each run changes what it names."""

import numpy as np
import pandas as pd
import pytest
import torch
from scipy import stats

from helpers import baselines, corpora, validation
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
    scored = runs[runs["model"] != study.TUNING]
    together = scored.merge(kept, on=study.KEYS, validate="one_to_one")
    assert len(together) == len(kept) == len(scored)
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


@pytest.fixture(scope="module")
def named(test_rows):
    """The test sentences with the name of their domain, as the notebook has them."""
    return test_rows.assign(domain=[study.DOMAINS[number] for number in test_rows["domain"]])


@pytest.mark.parametrize(
    ("measure", "library"),
    [
        ("pearson", lambda y, p: stats.pearsonr(y, p)[0]),
        ("spearman", lambda y, p: stats.spearmanr(y, p)[0]),
        ("absolute", lambda y, p: -abs(y - p).mean()),
        ("squared", lambda y, p: -((y - p) ** 2).mean()),
        ("sign", lambda y, p: (np.sign(y) == np.sign(p))[y != 0].mean()),
    ],
)
def test_shares_have_the_figure_as_their_mean(measure, library):
    rng = np.random.default_rng(0)
    labels = np.append(rng.normal(size=60), [0.0, 0.0])
    predicted = labels / 2 + rng.normal(size=(3, 62))
    found = np.nanmean(domains.shares(measure, labels, predicted), axis=-1)
    assert found.tolist() == pytest.approx([library(labels, one) for one in predicted])


@pytest.mark.parametrize("measure", ["pearson", "spearman"])
@pytest.mark.parametrize("r", [0.3, 0.9])
def test_shares_vary_as_much_as_a_correlation_does_on_other_sentences(measure, r):
    """Their standard error is the spread of the correlation over new samples, within a tenth."""
    rng, found, errors = np.random.default_rng(1), [], []
    for _ in range(600):
        labels, noise = rng.normal(size=(2, 300))
        predicted = r * labels + np.sqrt(1 - r**2) * noise
        shares = domains.shares(measure, labels, predicted)
        found.append(shares.mean())
        errors.append(shares.std(ddof=1) / np.sqrt(300))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.1)


def test_a_lead_of_correlations_is_paired_and_allows_for_both_chances(named):
    films, tweets = (study.MSE, "movie"), (study.MSE, "tweets")
    found = domains.lead(named, tweets, films, "tweets")
    of = {way: domains.by_seed(way, "tweets")["pearson"] for way in (films, tweets)}
    assert found["mean"] == pytest.approx((of[tweets] - of[films]).mean(), abs=1e-4)
    back = domains.lead(named, films, tweets, "tweets")
    assert back.tolist() == pytest.approx([-found["mean"], -found["high"], -found["low"]])
    plain = validation.corrected_t(of[tweets] - of[films], 0)[:2]
    assert found["low"] < plain[0] and plain[1] < found["high"]
    same = domains.lead(named, films, films, "tweets")
    assert same.tolist() == [0, 0, 0]


def test_a_lead_on_some_sentences_knows_only_these(named):
    there = (named["domain"] == "nyt").to_numpy()
    only = np.arange(there.sum()) < 300
    found = domains.lead(
        named, (study.MSE, "nyt"), domains.VADER, "nyt", only=np.tile(only, (5, 1))
    )
    few = named[there][only]
    kept = np.flatnonzero(there)[only]
    home, vader = (
        domains.predictions(*way)[:, kept] for way in ((study.MSE, "nyt"), domains.VADER)
    )
    r = [stats.pearsonr(few["label"], one)[0] for one in (*home, *vader)]
    assert found["mean"] == pytest.approx(np.mean(r[:-1]) - r[-1])


@pytest.mark.parametrize(("domain", "texts"), [("amazon", 300), ("nyt", 498)])
def test_sentences_without_neighbours_come_from_texts_that_no_draw_has(named, domain, texts):
    origin = corpora.origins(domain)
    assert len(set(origin.values())) == texts
    train = study.data()["train"]
    free = domains.without_neighbours(train, named, domain)
    of_test = np.array([origin[t] for t in named.loc[named["domain"] == domain, "text"]])
    for seed, alone in zip(study.SEEDS, free, strict=True):
        drawn = {origin[text] for text in study.draw(domain, study.ROWS, seed)["text"]}
        assert not set(of_test[alone]) & drawn and set(of_test[~alone]) <= drawn


def test_figures_by_seed_are_those_of_the_one_way_that_was_asked_for(runs):
    few = domains.by_seed((study.MSE, "movie", 800, 50), "tweets")
    same = runs[(runs["model"] == study.MSE) & (runs["source"] == "movie") & (runs["tweets"] == 50)]
    assert few["r2"].tolist() == same.sort_values("seed")["r2_tweets"].tolist()
    assert len(domains.by_seed((study.MSE, "movie"), "nyt")) == len(study.SEEDS)


def test_a_way_that_was_not_recorded_is_named_with_those_that_were(named):
    known = r"No run of \('mse', 'film', 800, 0\)\. There are: .*\('mse', 'movie', 800, 0\)"
    for ask in (
        lambda: domains.lead(named, ("mse", "film"), ("mse", "movie"), "tweets"),
        lambda: domains.by_seed(("mse", "film"), "tweets"),
    ):
        with pytest.raises(ValueError, match=known):
            ask()


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
    assert (
        f"with 200 ({mixed[200]:.2f}, alone {alone[200]:.2f}) they are not shown to help" in words
    )
    test = study.data()["test"].to_pandas()
    test["domain"] = [study.DOMAINS[number] for number in test["domain"]]
    over_vader = domains.lead(test, (study.MSE, "tweets"), domains.VADER, "tweets")
    assert over_vader["low"] < 0 < over_vader["high"]
    assert "no difference between these two is shown" in words
