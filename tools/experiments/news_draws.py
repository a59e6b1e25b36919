"""Notebook 07's study: a hundred news articles, drawn ten times, for everything that can learn.

    python3 tasks.py study 07 [--limit N] [--processes N]

Epochs and rate of the encoder are chosen by five folds within the validation part ("choice").
Draw d takes 100 articles from the train and test parts together and is scored on the 988 others
("draw"): TF-IDF, frozen features, and the encoder on different pieces of the text. "folds" is
five-fold cross-validation within a draw's 100. In "20 random" and "20 close" a draw gets 20 more
articles out of 400, which are then not scored. From draw to draw the hundred and the seed of the
training change together.
A row a run in data/measured/news_draws.csv, and what was predicted for each article in
data/measured/news_draws_predictions.csv: 202 runs, 86 processor minutes.
"""

import math
import time
from functools import cache, lru_cache

import numpy as np
import pandas as pd
from datasets import Dataset, concatenate_datasets
from sklearn.model_selection import train_test_split
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import baselines, checkpoints, corpora, runtime, training, validation
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "news_draws.csv"
PREDICTIONS = MEASURED / "news_draws_predictions.csv"
KEYS = ["stage", "model", "draw", "epochs", "rate"]
DRAWS, SIZE, CANDIDATES, ADDED = range(10), 100, 400, 20

TFIDF, TFIDF_128, FROZEN_128, FROZEN = "tf-idf", "tf-idf 128", "frozen 128", "frozen 512"
HEAD, BOTH_ENDS, WINDOWS = "head 128", "head+tail 128", "windows 128"
LONG, BOTH_ENDS_LONG, WINDOWS_LONG = "head 512", "head+tail 512", "windows 512"
CONTROL = "labels shuffled"
BASELINES = (TFIDF, TFIDF_128, FROZEN_128, FROZEN)
ADDITIONS = ("20 random", "20 close")

GRID = [(3, 1e-4), (3, 3e-4), (6, 3e-4), (3, 1e-3)]
# Of the cells of GRID within one standard error of the most right in "choice", those with the
# fewest epochs; of these the lowest loss. `chosen` computes it again.
EPOCHS, RATE = 3, 3e-4


def planned() -> list[dict]:
    """The runs, in an order in which every part of the list is already of use."""
    tuned, few = (EPOCHS, RATE), DRAWS[:2]
    runs = [("choice", model, fold, 0, 0.0) for model in (TFIDF, FROZEN) for fold in range(5)]
    runs += [("choice", HEAD, fold, *cell) for cell in GRID for fold in range(5)]
    runs += [("draw", model, draw, 0, 0.0) for model in BASELINES for draw in DRAWS]
    runs += [("folds", FROZEN, draw, 0, 0.0) for draw in DRAWS]
    runs += [(stage, TFIDF, draw, 0, 0.0) for draw in DRAWS for stage in ADDITIONS]
    runs += [("draw", model, d, *tuned) for d in few for model in (HEAD, WINDOWS)]
    runs += [("draw", HEAD, draw, *tuned) for draw in DRAWS[len(few) :]]
    runs += [("draw", CONTROL, draw, *tuned) for draw in range(2)]
    runs += [("draw", BOTH_ENDS, draw, *tuned) for draw in DRAWS[:3]]
    runs += [("draw", LONG, draw, *tuned) for draw in few]
    runs += [("draw", BOTH_ENDS, draw, *tuned) for draw in DRAWS[3:]]
    runs += [("draw", WINDOWS, draw, *tuned) for draw in DRAWS[len(few) :]]
    runs += [(stage, FROZEN, draw, 0, 0.0) for draw in DRAWS for stage in ADDITIONS]
    runs += [
        ("draw", model, d, *tuned) for d in DRAWS[len(few) :] for model in (LONG, WINDOWS_LONG)
    ]
    runs += [("draw", WINDOWS_LONG, draw, *tuned) for draw in few]
    runs += [(stage, HEAD, draw, *tuned) for draw in DRAWS for stage in ADDITIONS]
    runs += [("draw", BOTH_ENDS_LONG, draw, *tuned) for draw in DRAWS]
    return [dict(zip(KEYS, run, strict=True)) for run in runs]


def chosen() -> tuple[int, float]:
    """Epochs and rate by the rule above, from the recorded runs."""
    rows = pd.read_csv(RESULTS)
    rows = rows[(rows["stage"] == "choice") & (rows["model"] == HEAD)]
    rows = rows.assign(right=rows["accuracy"] * rows["n"], loss=rows["loss"] * rows["n"])
    cells = rows.groupby(["epochs", "rate"])[["right", "loss", "n"]].sum()
    share = cells["right"] / cells["n"]
    error = math.sqrt(share.max() * (1 - share.max()) / cells["n"].iloc[0])
    near = cells[share >= share.max() - error]
    near = near[near.index.get_level_values("epochs") == near.index[0][0]]
    epochs, rate = near["loss"].idxmin()
    return int(epochs), float(rate)


@cache
def articles(stage: str) -> Dataset:
    """The validation part for "choice", the two other parts together for all else."""
    parts = corpora.load("news")
    if stage == "choice":
        return parts["validation"]
    return concatenate_datasets([parts["train"], parts["test"]])


def drawn(labels: np.ndarray, draw: int, size: int = SIZE) -> np.ndarray:
    """Rows of `size` articles, each class with its share, in order."""
    rows = np.arange(len(labels))
    return np.sort(train_test_split(rows, train_size=size, stratify=labels, random_state=draw)[0])


# ---------------------------------------------------------------- pieces of a long text


def word_pieces(
    text: str, tokenizer: PreTrainedTokenizerBase
) -> tuple[list[tuple[int, int]], list[int]]:
    """From where to where each token stands in the text, and the number of its word."""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
    return encoded["offset_mapping"], encoded.word_ids()


def passage(text: str, pieces: tuple[list, list], start: int, stop: int) -> str:
    """Tokens start to stop as text; a word that began before `start` is left out."""
    spans, words = pieces
    while 0 < start < stop - 1 and words[start] == words[start - 1]:
        start += 1
    return text[spans[start][0] : spans[stop - 1][1]]


def head_and_tail(text: str, tokenizer: PreTrainedTokenizerBase, head: int, tail: int) -> str:
    """The first `head` and the last `tail` tokens of a text; all of it if it has no more."""
    pieces = word_pieces(text, tokenizer)
    n = len(pieces[0])
    if n <= head + tail:
        return text
    return passage(text, pieces, 0, head) + "\n" + passage(text, pieces, n - tail, n)


def windows(text: str, tokenizer: PreTrainedTokenizerBase, size: int) -> list[str]:
    """As few windows of `size` tokens as cover a text, evenly spread; they overlap if they must."""
    pieces = word_pieces(text, tokenizer)
    n = len(pieces[0])
    starts = np.linspace(0, max(0, n - size), math.ceil(n / size)).astype(int)
    return [passage(text, pieces, start, min(start + size, n)) for start in starts]


# ---------------------------------------------------------------- models


def config(epochs: int, rate: float, max_length: int, seed: int) -> training.TrainingConfig:
    """Batches of 8, because 100 articles make few steps; the last epoch stays."""
    return training.TrainingConfig(
        epochs=epochs,
        learning_rate=rate,
        batch_size=8,
        max_length=max_length,
        best_metric="epoch",
        seed=seed,
    )


def learn(
    train: Dataset, epochs: int = EPOCHS, rate: float = RATE, max_length: int = 128, seed: int = 0
) -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """Fine-tune the encoder, from the checkpoint.

    Beyond 128 tokens with the library's fused attention, which is faster there, and for it
    without dropout of attention weights.
    """
    fused = {"attn_implementation": "sdpa", "attention_probs_dropout_prob": 0.0}
    options = fused if max_length > 128 else {}
    tokenizer, model = checkpoints.load(num_labels=3, seed=seed, **options)
    watched = train.select(range(8))  # fine_tune asks for some; they choose nothing
    training.fine_tune(model, tokenizer, train, watched, config(epochs, rate, max_length, seed))
    return tokenizer, model


@lru_cache(maxsize=1)
def learned(draw: int, epochs: int, rate: float, max_length: int) -> tuple:
    """`learn` of a draw; the windows of the same draw ask for the same model."""
    pool = articles("draw")
    rows = drawn(np.asarray(pool["label"]), draw)
    return learn(pool.select(rows), epochs, rate, max_length, draw)


def predict_windows(tokenizer, model, texts: list[str], max_length: int) -> np.ndarray:
    """The mean of the logits of a text's windows: (n, C)."""
    parts = [windows(text, tokenizer, max_length - 2) for text in texts]
    flat = [part for text_parts in parts for part in text_parts]
    logits = training.predict(model, tokenizer, flat, max_length=max_length)
    ends = np.cumsum([len(text_parts) for text_parts in parts])
    return np.stack([part.mean(axis=0) for part in np.split(logits, ends[:-1])])


@cache
def features(of_choice: bool, max_length: int) -> np.ndarray:
    """What the frozen encoder makes of the articles of "choice", or of all others, once."""
    texts = articles("choice" if of_choice else "draw")["text"]
    return baselines.mean_features(texts, max_length)


def cut(texts: list[str]) -> list[str]:
    """The part of each text that the encoder reads of it at 128 tokens."""
    tokenizer = checkpoints.load_tokenizer()
    return [windows(text, tokenizer, 126)[0] for text in texts]


def baseline(model: str, stage: str, train: np.ndarray, unseen: np.ndarray) -> np.ndarray:
    """Learn from some rows of the articles, give log-probabilities of others."""
    dataset = articles(stage)
    labels = np.asarray(dataset["label"])
    if model in (FROZEN, FROZEN_128):
        inputs = features(stage == "choice", 128 if model == FROZEN_128 else 512)
        fitted = baselines.on_features().fit(inputs[train], labels[train])
        return fitted.predict_log_proba(inputs[unseen])
    texts = cut(dataset["text"]) if model == TFIDF_128 else dataset["text"][:]
    texts = np.array(texts, dtype=object)
    return baselines.tfidf().fit(texts[train], labels[train]).predict_log_proba(texts[unseen])


def encoder(model: str, stage: str, train: np.ndarray, unseen: np.ndarray, **asked) -> np.ndarray:
    """Fine-tune on some rows of the articles, give logits of others."""
    draw, epochs, rate = asked["draw"], asked["epochs"], asked["rate"]
    dataset, length = articles(stage), 512 if model.endswith("512") else 128
    if model in (BOTH_ENDS, BOTH_ENDS_LONG):
        tokenizer, half = checkpoints.load_tokenizer(), length // 2 - 1
        both = {"text": [head_and_tail(t, tokenizer, half, half) for t in dataset["text"]]}
        dataset = Dataset.from_dict(both | {"label": dataset["label"][:]}, dataset.features)
    texts = [dataset["text"][i] for i in unseen]
    if stage == "draw" and model not in (BOTH_ENDS, BOTH_ENDS_LONG, CONTROL):
        tokenizer, fitted = learned(draw, epochs, rate, length)
    else:
        chosen = dataset.select(train)
        if model == CONTROL:
            chosen = corpora.with_shuffled_labels(chosen, draw)
        tokenizer, fitted = learn(chosen, epochs, rate, length, draw)
    if model in (WINDOWS, WINDOWS_LONG):
        return predict_windows(tokenizer, fitted, texts, length)
    return training.predict(fitted, tokenizer, texts, max_length=length)


# ---------------------------------------------------------------- runs


def added(stage: str, draw: int) -> tuple[np.ndarray, np.ndarray]:
    """The 20 articles that a draw gets, and the 588 that are scored then.

    400 of the 988 others are candidates. "20 close" takes those for which TF-IDF, fitted on the
    draw's 100, finds its two likeliest classes closest; "20 random" takes any.
    """
    labels = np.asarray(articles("draw")["label"])
    train = drawn(labels, draw)
    others = np.setdiff1d(np.arange(len(labels)), train)
    shuffled = np.random.default_rng(draw).permutation(others)
    candidates, scored = shuffled[:CANDIDATES], np.sort(shuffled[CANDIDATES:])
    if stage == "20 random":
        return np.sort(candidates[:ADDED]), scored
    return np.sort(closest(draw, tuple(candidates))), scored


@cache
def closest(draw: int, candidates: tuple[int, ...]) -> np.ndarray:
    """The candidates whose two likeliest classes are closest for TF-IDF, closest first."""
    train, rows = drawn(np.asarray(articles("draw")["label"]), draw), np.array(candidates)
    ranked = np.sort(np.exp(baseline(TFIDF, "draw", train, rows)), axis=1)
    return rows[np.argsort(ranked[:, -1] - ranked[:, -2], kind="stable")[:ADDED]]


def parts(stage: str, draw: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Rows to learn from and rows to score; several pairs for "folds"."""
    dataset = articles(stage)
    labels, rows = np.asarray(dataset["label"]), np.arange(len(dataset))
    if stage == "choice":
        held_out = validation.folds(labels, dataset["text"], 5) == draw
        return [(rows[~held_out], rows[held_out])]
    train = drawn(labels, draw)
    if stage == "folds":
        fold = validation.folds(labels[train], k=5, seed=draw)
        return [(train[fold != number], train[fold == number]) for number in range(5)]
    if stage in ADDITIONS:
        more, scored = added(stage, draw)
        return [(np.sort(np.append(train, more)), scored)]
    return [(train, np.setdiff1d(rows, train))]


def run(stage: str, model: str, draw: int, epochs: int, rate: float) -> dict:
    """Learn from the rows of a run and score the others; store what was predicted for each."""
    began, entry = (
        time.process_time(),
        dict(zip(KEYS, (stage, model, draw, epochs, rate), strict=True)),
    )
    labels = np.asarray(articles(stage)["label"])
    scores = np.full((len(labels), 3), np.nan)
    for train, unseen in parts(stage, draw):
        if model in BASELINES:
            scores[unseen] = baseline(model, stage, train, unseen)
        else:
            scores[unseen] = encoder(
                model, stage, train, unseen, draw=draw, epochs=epochs, rate=rate
            )
    seconds = time.process_time() - began
    scored = ~np.isnan(scores[:, 0])
    predicted = "".join(
        str(row.argmax()) if there else "." for row, there in zip(scores, scored, strict=True)
    )
    there = runs.read(PREDICTIONS, KEYS)
    if not (there[KEYS] == pd.Series(entry)).all(axis=1).any():
        runs.append(PREDICTIONS, entry | {"predicted": predicted})
    row = {"n_train": len(train), "n": int(scored.sum()), "cpu_seconds": round(seconds, 1)}
    row |= {"precision": runtime.precision_name()}
    return row | validation.figures(labels[scored], scores[scored])


def predictions(
    stage: str, model: str, draw: int, epochs: int = 0, rate: float = 0.0
) -> np.ndarray:
    """The class predicted for each article, −1 where it was not scored: int64, shape (n,)."""
    rows, wanted = runs.read(PREDICTIONS, KEYS), (stage, model, draw, epochs, rate)
    found = rows[(rows[KEYS] == pd.Series(wanted, KEYS)).all(axis=1)]
    return np.array([-1 if c == "." else int(c) for c in found["predicted"].item()])


def main() -> None:
    """Do the runs that are not there yet."""
    runs.drive(planned(), run, RESULTS, **runs.options(__doc__))


if __name__ == "__main__":
    main()
