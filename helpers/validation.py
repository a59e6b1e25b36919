"""How sure are we? Folds, cross-validation that can be killed, paired comparisons."""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from joblib import Parallel, delayed
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from helpers import baselines, batching, checkpoints, corpora, files, metrics, storage, training
from helpers.metrics import Values

Groups = Sequence[Hashable]  # what each row belongs to, such as a customer
# Learns from a data set, then gives log-probabilities or logits (n, C) for texts it has not seen.
# It is handed no labels of those texts. The last two: the seed, and a folder for checkpoints.
FitPredict = Callable[[Dataset, list[batching.Text], int, Path | None], np.ndarray]
FILE = "scores.npy"
LAST_OF_TWO_EPOCHS = training.TrainingConfig(epochs=2, best_metric="epoch")


class ValidationError(ValueError):
    """A comparison or a split that cannot be made; the message names the cause and the cure."""


def folds(
    labels: Values,
    texts: Sequence[batching.Text] | None = None,
    k: int = 5,
    seed: int = 0,
    groups: Groups | None = None,
) -> np.ndarray:
    """Deal examples to k folds with (nearly) equal proportions of the classes.

    Args:
        labels: class ids, shape (n,).
        texts: n texts, or pairs of texts; those that are equal after `corpora.normalized` go to
            the same fold.
        k, seed: number of folds; for the order in which each class is dealt.
        groups: n values. Rows with the same value (a customer, a film, a document) go to the same
            fold, and so does what they are tied to by an equal text.

    Returns:
        The fold (0 … k − 1) in which each example is held out: int64, shape (n,). Without equal
        texts and groups these are scikit-learn's `StratifiedKFold`. With them, the sizes of the
        folds and the proportions of the classes hold only as far as whole groups go.

    Raises:
        ValidationError: k below 2 or above the size of a class, one class, lengths that differ; a
            row without a group; a class that one fold would hold alone.
    """
    labels = metrics.as_classes(labels, "labels")
    classes = np.unique(labels)
    if k < 2:
        raise ValidationError(
            f"k is {k}. It must be at least 2: one part to learn from, one to score on."
        )
    if len(classes) < 2:
        raise ValidationError(
            f"all {len(labels):,} labels are {classes[0]}; at least two classes are needed."
        )
    together = tied(len(labels), texts, groups)
    sizes = np.array([len(set(together[labels == c])) for c in classes])
    if k > sizes.min():
        unit = "different example(s)" if groups is None else "group(s)"
        raise ValidationError(
            f"k is {k}, but class {classes[sizes.argmin()]} has {sizes.min()} {unit}: some folds "
            "would have none. Take a smaller k, or collect more of that class."
        )
    if together.max() + 1 < len(labels):
        splits = StratifiedGroupKFold(k).split(labels, labels, shuffled(together, seed))
    else:
        splits = StratifiedKFold(k, shuffle=True, random_state=seed).split(labels, labels)
    fold = np.empty(len(labels), np.int64)
    for number, (_, held_out) in enumerate(splits):
        fold[held_out] = number
    check_folds(labels, fold, k)
    return fold


def shuffled(together: np.ndarray, seed: int) -> np.ndarray:
    """Groups under other numbers, so that equal ones are dealt in an order that the seed gives.

    `StratifiedGroupKFold` can do it by itself, but scikit-learn 1.6, which Colab has, then deals
    each group as if it had another group's labels. The order is that of scikit-learn 1.9.

    Args:
        together: numbers from 0 on, of which none is left out, shape (n,).
    """
    order = np.random.RandomState(seed).permutation(together.max() + 1)
    return np.argsort(order)[together]


def tied(
    count: int, texts: Sequence[batching.Text] | None = None, groups: Groups | None = None
) -> np.ndarray:
    """Which rows must stay together, because a text or a group is the same, also by way of others.

    Args:
        count: n, the number of rows.
        texts, groups: as in `folds`; without both, every row stands alone.

    Returns:
        A number for each row, shape (n,), equal where they are tied; counted as they first appear.

    Raises:
        ValidationError: lengths that differ; a row without a group, or with a list as its group.
    """
    keys = []
    if texts is not None:
        if len(texts) != count:
            raise ValidationError(f"{count:,} labels, but {len(texts):,} texts.")
        keys.append(list(map(corpora.normalized, baselines.joined(texts))))
    if groups is not None:
        if len(groups) != count:
            raise ValidationError(f"{count:,} labels, but {len(groups):,} groups.")
        missing = pd.isna(pd.Series(list(groups), dtype=object)).to_numpy()
        if missing.any():
            raise ValidationError(
                f"{missing.sum():,} row(s) have no group, the first of them row {missing.argmax()} "
                "(counted from 0). Leave them out, or give each a group of its own."
            )
        keys.append(hashable(groups))
    rows, ties = np.arange(count), sparse.coo_array((count, count))
    for key in keys:
        codes, _ = pd.factorize(pd.Series(key, dtype=object))
        first = np.unique(codes, return_index=True)[1][codes]  # the first row with the same key
        ties = ties + sparse.coo_array((np.ones(count), (rows, first)), (count, count))
    _, found = connected_components(ties, directed=False)
    return pd.factorize(found)[0]


def hashable(groups: Groups) -> list[Hashable]:
    """The groups, or an error that names the first one that is no single value."""
    for row, group in enumerate(groups):
        try:
            hash(group)
        except TypeError:
            raise ValidationError(
                f"the group of row {row} (counted from 0) is a {type(group).__name__}. Give each "
                "row one value, such as a name or a number, or a tuple of several."
            ) from None
    return list(groups)


def check_folds(labels: np.ndarray, fold: np.ndarray, k: int) -> None:
    """Refuse folds of which one is empty, or holds all of a class, so that nobody can learn it."""
    for number in range(k):
        held_out = fold == number
        if not held_out.any():
            raise ValidationError(
                f"fold {number} of {k} would be empty: the rows that belong together are too large "
                "for so many folds. Take a smaller k."
            )
        if missing := sorted(set(labels[held_out]) - set(labels[~held_out])):
            raise ValidationError(
                f"all rows of class {missing[0]} would be in fold {number}, and none to learn it "
                "from. Take another k or seed, or collect that class from more groups."
            )


@dataclass(frozen=True)
class Estimator:
    """A scikit-learn classifier of texts as a `FitPredict`: log-probabilities, shape (n, C)."""

    estimator: BaseEstimator

    def __call__(
        self, train: Dataset, texts: list[batching.Text], seed: int, folder: Path | None
    ) -> np.ndarray:
        """Fit a fresh copy and score the texts; pairs are read as one text (`baselines.joined`)."""
        read = baselines.joined(corpora.inputs(train))
        fitted = clone(self.estimator).fit(read, train["label"][:])
        return fitted.predict_log_proba(baselines.joined(texts))


def load_scores(own: dict, place: Path, manifest: storage.Manifest) -> np.ndarray:
    """The scores of a finished fold, (n, C), from the folder that holds them.

    Args:
        own: plan, seed and fold that it must be of.
    """
    if manifest.facts != own:
        raise storage.StorageError(
            f"{place} belongs to another cross-validation, or is not the fold that its name says. "
            "Move it away and call this again."
        )
    return np.load(place / FILE, allow_pickle=False)


@dataclass(frozen=True)
class FineTuned:
    """Fine-tuning as a `FitPredict`; every call starts from the checkpoint again.

    With `config.best_metric` "epoch" the last epoch stays. With any other, a stratified tenth of
    the training folds is kept back to choose the epoch: never the fold that is scored.

    Attributes:
        config: the hyperparameters; its seed is replaced by the seed of each call.
        checkpoint, num_labels, options: what `checkpoints.load` takes.
    """

    config: training.TrainingConfig = LAST_OF_TWO_EPOCHS
    checkpoint: str = checkpoints.CHECKPOINT
    num_labels: int = 2
    options: dict = field(default_factory=dict)

    def __call__(
        self, train: Dataset, texts: list[batching.Text], seed: int, folder: Path | None
    ) -> np.ndarray:
        """Fine-tune, or go on from the newest checkpoint in `folder`, and give logits."""
        config = replace(self.config, seed=seed)
        parts = train, train.select(range(min(64, len(train))))
        if config.best_metric != "epoch":
            inner = folds(train["label"], corpora.inputs(train), 10) == 0
            parts = train.select(np.flatnonzero(~inner)), train.select(np.flatnonzero(inner))
        if folder and storage.stored_checkpoints(folder):
            tokenizer, model, _ = training.resume(folder, *parts)
        else:
            origin = self.checkpoint, self.num_labels, seed
            tokenizer, model = checkpoints.load(*origin, **self.options)
            training.fine_tune(model, tokenizer, *parts, config, output_dir=folder)
        return training.predict(model, tokenizer, texts)


@dataclass(frozen=True)
class CrossValidation:
    """What k-fold cross-validation gave.

    Attributes:
        table: one row per fold and seed: `fold`, `seed`, `n_train`, `n`, all of `metrics.summary`,
            `loss` (cross-entropy), `largest_share` (how much the commonest prediction has).
        fold: the fold in which each example was held out, shape (n,).
        labels: shape (n,).
        scores: for each seed the out-of-fold scores, shape (n, C).
    """

    table: pd.DataFrame
    fold: np.ndarray
    labels: np.ndarray
    scores: dict[int, np.ndarray]

    def hits(self, seed: int = 0) -> np.ndarray:
        """Whether each example was right when it was held out: bool, shape (n,)."""
        return self.scores[seed].argmax(axis=1) == self.labels


def figures(labels: np.ndarray, scores: np.ndarray) -> dict[str, float]:
    """The figures of one held-out fold: labels (n,), scores (n, C)."""
    matrix = metrics.confusion_matrix(labels, scores.argmax(axis=1), scores.shape[1])
    found = metrics.summary(matrix) | {"loss": metrics.negative_log_likelihood(labels, scores)}
    return found | {"largest_share": float(matrix.sum(axis=0).max() / matrix.sum())}


def cross_validate(
    dataset: Dataset,
    fit_predict: FitPredict,
    k: int = 5,
    seeds: Iterable[int] = (0,),
    fold_seed: int = 0,
    output_dir: Path | str | None = None,
    processes: int = 1,
    groups: str | Groups | None = None,
) -> CrossValidation:
    """Hold out each fold once, for every seed, and learn from the others.

    Args:
        dataset: columns `text` and `label`, of pairs also `text_pair`. Equal texts go to the same
            fold.
        fit_predict: `FineTuned(...)`, `Estimator(...)` or your own function.
        output_dir: for finished folds, and for checkpoints of those under way. Whoever is killed
            calls again with the same arguments, and gets the result of an uninterrupted run.
        processes: how many folds at a time (joblib), dividing the threads among them. Scores are
            those of one process with so few threads, if `config` names a precision.
        groups: a column of the data set, or n values, that say which rows belong together (those of
            one customer): they go to the same fold. What `fit_predict` divides further, such as the
            tenth that `FineTuned` keeps back to choose an epoch, does not know them.

    Raises:
        ValidationError: see `folds`; several labels per text; an `output_dir` of another run;
            scores not finite or (n, C); a column of groups that is not there.
    """
    if corpora.is_multi_label(dataset):
        raise ValidationError(
            "cross_validate needs one label per text, and these rows may have several. Compare on "
            "a test part instead (helpers.report), or choose one label."
        )
    labels, inputs = np.asarray(dataset["label"]), corpora.inputs(dataset)
    if isinstance(groups, str):
        groups = column_of(dataset, groups)
    fold, num_labels = folds(labels, inputs, k, fold_seed, groups), int(labels.max()) + 1
    plan = {"data": corpora.fingerprint(dataset), "k": k, "fold_seed": fold_seed}
    plan["fit_predict"] = described(fit_predict)
    plan["groups"] = (
        None if groups is None else files.sha256_bytes(tied(len(labels), None, groups).tobytes())
    )
    output_dir = storage.absolute(output_dir)
    if output_dir:
        claim(output_dir, plan)
    threads = max(1, torch.get_num_threads() // processes)

    def scores_of(seed: int, number: int) -> np.ndarray:
        """What is stored of a held-out fold, or learned now and stored."""
        place = output_dir / f"seed-{seed}-fold-{number}" if output_dir else None
        own = {"plan": plan, "seed": int(seed), "fold": int(number)}
        if place and files.is_there(place):
            return storage.read_folder(place, partial(load_scores, own))
        torch.set_num_threads(threads)
        held_out = fold == number
        train, unseen = (dataset.select(np.flatnonzero(rows)) for rows in (~held_out, held_out))
        folder = place.with_name(f"{place.name}-training") if place else None
        found = np.asarray(fit_predict(train, corpora.inputs(unseen), seed, folder))
        if found.shape != (len(unseen), num_labels) or not np.isfinite(found).all():
            given = f"fold {number}, seed {seed}: fit_predict gave shape {found.shape}, or NaN"
            raise ValidationError(f"{given}. It must give finite {len(unseen), num_labels}.")
        if place:
            storage.write_folder(place, lambda new: np.save(new / FILE, found), own)
            storage.remove_run(folder)
        return found

    planned = [(seed, number) for seed in dict.fromkeys(seeds) for number in range(k)]
    found = Parallel(n_jobs=processes, backend="loky")(delayed(scores_of)(*key) for key in planned)
    rows, scores = [], {seed: np.empty((len(labels), num_labels)) for seed, _ in planned}
    for (seed, number), its_scores in zip(planned, found, strict=True):
        scores[seed][fold == number] = its_scores
        row = {"fold": number, "seed": seed, "n_train": sum(fold != number), "n": len(its_scores)}
        rows.append(row | figures(labels[fold == number], its_scores))
    return CrossValidation(pd.DataFrame(rows), fold, labels, scores)


def column_of(dataset: Dataset, name: str) -> list:
    """A column that says which rows belong together."""
    if name not in dataset.column_names:
        columns = ", ".join(dataset.column_names)
        raise ValidationError(f'groups="{name}": the data set has no such column, only {columns}.')
    return dataset[name][:]


def described(fit_predict: FitPredict) -> str:
    """By what a way of learning is recognized when it is called again, perhaps in a new process."""
    # An estimator's usual text leaves out its middle, and then two of them can look alike.
    if isinstance(fit_predict, Estimator):
        text = fit_predict.estimator.__repr__(N_CHAR_MAX=10**6)
        return re.sub(r" at 0x[0-9a-fA-F]+", "", f"Estimator({text})")
    return training.name_of(fit_predict)


def claim(output_dir: Path, plan: dict) -> None:
    """Write the plan of a run into its folder, or refuse the folder of another."""
    folder = output_dir / "plan"
    if not files.is_there(folder):
        text = json.dumps(plan)
        storage.write_folder(folder, lambda new: (new / "plan.json").write_text(text, "utf8"))
    there = storage.read_folder(
        folder, lambda place, _: json.loads((place / "plan.json").read_text("utf8"))
    )
    differing = [name for name, value in plan.items() if there.get(name) != value]
    if differing:
        raise ValidationError(
            f"{output_dir} holds a cross-validation with a different {', '.join(differing)}. "
            "Call it with the same arguments to go on, or choose another output_dir."
        )


def as_pair(first: Values, second: Values) -> tuple[np.ndarray, np.ndarray]:
    """Hits (0 or 1) of two models on the same examples, as bool, shape (n,) each."""
    pair = metrics.paired(first, second, "hits of the second model", 2)
    return pair[0] == 1, metrics.as_classes(pair[1], "hits", 2) == 1


def mcnemar(first: Values, second: Values) -> tuple[int, int, float]:
    """Exact test on the examples that exactly one of two models gets right (McNemar 1947).

    Args:
        first, second: whether each model is right on each example, shape (n,), same order.

    Returns:
        How many only the first has right, how many only the second, and the two-sided p-value: a
        coin's chance of a split at least as uneven. Where no example differs it is 1.
    """
    first, second = as_pair(first, second)
    counts = int((first & ~second).sum()), int((second & ~first).sum())
    return *counts, float(stats.binomtest(counts[0], sum(counts)).pvalue) if any(counts) else 1.0


def paired_bootstrap(first: Values, second: Values, **options) -> tuple[float, float]:
    """95 % interval (BCa, Efron 1987) of the difference of two accuracies on the same examples.

    Args: as for `mcnemar`; options as for `metrics.bca_interval`.
    """
    first, second = as_pair(first, second)
    return metrics.bca_interval(
        lambda a, b: a.mean(axis=-1) - b.mean(axis=-1), first, second, vectorized=True, **options
    )


def corrected_t(
    differences: Values, test_train_ratio: float, confidence: float = 0.95
) -> tuple[float, float, float]:
    """Corrected resampled t test of J paired differences (Nadeau and Bengio 2003).

    Training sets overlap, so the differences are not independent: their mean varies with
    (1/J + n_test/n_train) s², where the plain t test says s²/J.

    Args:
        differences: of two models on the same J held-out parts, shape (J,).
        test_train_ratio: n_test / n_train; 1 / (k − 1) for k folds, 0 for the plain t test.

    Returns:
        Lower and upper end of the interval of the mean difference, and the two-sided p-value.

    Raises:
        ValidationError: fewer than two differences, or all of them equal.
    """
    differences = metrics.as_array(differences, "differences")
    count = len(differences)
    if count < 2 or np.ptp(differences) == 0:
        raise ValidationError("a t test needs at least two differences, and not all of them equal.")
    error = differences.std(ddof=1) * np.sqrt(1 / count + test_train_ratio)
    half = stats.t.ppf((1 + confidence) / 2, count - 1) * error
    p_value = 2 * stats.t.sf(abs(differences.mean()) / error, count - 1)
    return differences.mean() - half, differences.mean() + half, float(p_value)


def two_way_interval(
    differences: np.ndarray, confidence: float = 0.95, few_draws: bool = False
) -> tuple[float, float, float]:
    """Mean of paired differences, and its interval where all draws are scored on the same examples.

    Chance has two ways in: which draws there were, and which examples. The variance of the mean is
    s²/J over the means of the J draws plus s²/n over the means of the n examples. What belongs to
    neither is counted in both, and t has J − 1 degrees of freedom for all of it, so the interval is
    rather too wide than too narrow.

    Args:
        differences: one model minus another, shape (J, n), J and n at least 2; NaN where a draw did
            not score an example.
        confidence: of the interval.
        few_draws: with three draws, t with two degrees of freedom doubles an interval that owes
            its width to the examples. Then take the degrees of freedom of Satterthwaite (1946),
            which weigh both parts of the variance by their size; simulated, 93 to 99 of 100
            such intervals held the mean where 95 should.

    Returns:
        Mean of the draws' means, lower and upper end, in the unit of the differences.

    Raises:
        ValidationError: not two rows and two columns, not counting examples that no draw scored;
            a draw that scored none.
    """
    differences = np.asarray(differences, dtype=float)
    there = ~np.isnan(differences)
    scored = differences[:, there.any(axis=0)] if differences.ndim == 2 else differences
    if scored.ndim != 2 or min(scored.shape) < 2 or not there.any(axis=1).all():
        raise ValidationError(
            f"differences have shape {differences.shape}. Give one row for each draw and one "
            "column for each example, at least two of both that are not all NaN."
        )
    by_draw, by_example = (np.nanmean(scored, axis=axis) for axis in (1, 0))
    parts = np.array([means.var(ddof=1) / len(means) for means in (by_draw, by_example)])
    degrees = float(len(by_draw) - 1)
    if few_draws and parts.sum() > 0:
        own = np.array([len(by_draw) - 1, len(by_example) - 1])
        degrees = parts.sum() ** 2 / (parts**2 / own).sum()
    half = stats.t.ppf((1 + confidence) / 2, degrees) * np.sqrt(parts.sum())
    return by_draw.mean(), by_draw.mean() - half, by_draw.mean() + half


def examples_needed(difference: float, discordant: float, power: float = 0.8) -> int:
    """Test examples with which McNemar's test at 5 % finds a difference (Connor 1987).

    Args:
        difference: of the two accuracies, 0.01 for a point.
        discordant: share of examples that exactly one of the two models gets right.
        power: how often the difference shall be found if it is there.
    """
    if not 0 < abs(difference) <= discordant <= 1 or not 0 < power < 1:
        needed = "0 < difference ≤ discordant ≤ 1 and 0 < power < 1"
        raise ValidationError(f"{difference}, {discordant}, {power}: {needed} is needed.")
    by_chance = stats.norm.ppf(0.975) * np.sqrt(discordant)
    to_find = stats.norm.ppf(power) * np.sqrt(discordant - difference**2)
    return int(np.ceil(((by_chance + to_find) / difference) ** 2))


def variance_components(table: pd.DataFrame, column: str = "accuracy") -> pd.DataFrame:
    """How much of the spread goes with the fold, with the seed, with neither.

    Two-way analysis of variance of a table with one row for each `fold` and `seed`; intervals by
    Williams (1962) for fold and seed, by chi-square for the rest. Both are for normal values.

    Returns for "fold", "seed" and "rest": `df`, `sd` (a component below 0 counts as 0), and its
    95 % interval `low`, `high`.
    """
    grid = table.pivot(index="fold", columns="seed", values=column)
    if grid.isna().any(axis=None) or min(grid.shape) < 2:
        raise ValidationError("every fold with every seed, at least two of each, once.")
    folds_, seeds_ = grid.shape
    fold_effect, seed_effect = (grid.mean(axis=axis) - grid.stack().mean() for axis in (1, 0))
    rest = grid.sub(fold_effect, axis=0).sub(seed_effect, axis=1) - grid.stack().mean()
    squares = {
        "fold": (seeds_, fold_effect),
        "seed": (folds_, seed_effect),
        "rest": (1, rest.stack()),
    }
    freedom = {"fold": folds_ - 1, "seed": seeds_ - 1, "rest": (folds_ - 1) * (seeds_ - 1)}
    mean = {name: times * (x**2).sum() / freedom[name] for name, (times, x) in squares.items()}
    rows = []
    for name, (times, _) in squares.items():
        df, ends = freedom[name], (0.975, 0.025)
        subtract = 0 if name == "rest" else mean["rest"]
        factors = [0, 0] if name == "rest" else stats.f.ppf(ends, df, freedom["rest"])
        chi = stats.chi2.ppf(ends, df) / df
        low, high = (mean[name] - np.multiply(factors, mean["rest"])) / (times * chi)
        variances = np.maximum([(mean[name] - subtract) / times, low, high], 0)
        rows.append([df, *np.sqrt(variances)])
    return pd.DataFrame(rows, list(squares), ["df", "sd", "low", "high"])
