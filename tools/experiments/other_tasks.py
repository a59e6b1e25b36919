"""Notebook 14's study: labels for tokens, answers in a text, pairs, and text to text.

    python3 tasks.py study 14 [--limit N] [--processes N]

All on the course's messages and what was written beside them, translation on sentences made by
rules. Rates are chosen on the validation part (seed 100, rows with `scored` "validation"), then
three seeds are scored on the test part. The language model gets one training on four tasks, with
the settings of notebook 12 and no choice. `other_tasks_said.csv` keeps everything that was said
about a test part, one JSON list a row, in the order of the part.
"""

import json
from functools import cache

import numpy as np
from datasets import Dataset, DatasetDict, concatenate_datasets
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import chat, checkpoints, lora, other_tasks, runtime, training
from helpers.chat import course
from helpers.training import TrainingConfig
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "other_tasks.csv"
SAID = MEASURED / "other_tasks_said.csv"
KEYS = ["scored", "task", "model", "rate", "seed"]
RATES = {
    "tags": (3e-5, 1e-4, 3e-4, 1e-3),
    "answers": (2e-5, 5e-5, 1e-4, 3e-4),
    "pairs": (5e-5, 1e-4, 3e-4),
}
EPOCHS = {"tags": 10, "answers": 10, "pairs": 6}
SEEDS, CHOICE_SEED = range(3), 100
FULL, NO_TYPES = "fine-tuned", "fine-tuned, no token types"
BASELINES = {
    "tags": ("most frequent tag", "frozen features"),
    "answers": ("never an answer", "most words in common"),
    "pairs": ("TF-IDF, cosine", "frozen, cosine"),
}
LANGUAGE_MODEL, BEFORE = "SmolLM2, LoRA", "SmolLM2, before"
TEXT_EPOCHS = 2
LONGEST = 256  # tokens read


def planned() -> list[dict]:
    """The choices and the baselines."""
    entries = [
        ("validation", task, FULL, rate, CHOICE_SEED) for task in RATES for rate in RATES[task]
    ]
    entries += [("test", task, name, 0.0, 0) for task in BASELINES for name in BASELINES[task]]
    return [dict(zip(KEYS, entry, strict=True)) for entry in entries]


def planned_then() -> list[dict]:
    """The encoder's runs, with the rate that was best on validation, and the language model."""
    rows = runs.read(RESULTS, KEYS)
    tries = rows[rows["scored"] == "validation"]
    entries = []
    for task in RATES:
        own = tries[tries["task"] == task]
        if len(own) == len(RATES[task]):
            rate = float(own.loc[own["figure"].idxmax(), "rate"])
            entries += [("test", task, FULL, rate, seed) for seed in SEEDS]
            if task == "pairs":
                entries += [("test", task, NO_TYPES, rate, seed) for seed in SEEDS]
    entries += [("test", "texts", BEFORE, 0.0, 0)]
    entries += [("test", "texts", LANGUAGE_MODEL, 1e-3, seed) for seed in SEEDS]
    return [dict(zip(KEYS, entry, strict=True)) for entry in entries]


@cache
def inbox() -> DatasetDict:
    """The messages."""
    return course.load()[0]


def config(task: str, rate: float, seed: int) -> TrainingConfig:
    """The hyperparameters of an encoder's run; the epoch with the lowest validation loss stays."""
    return TrainingConfig(
        epochs=EPOCHS[task],
        batch_size=16,
        learning_rate=rate,
        max_length=LONGEST,
        best_metric="validation_loss",
        seed=seed,
    )


def note(entry: dict, part: str, said: list) -> None:
    """Keep what was said about a test part."""
    text = json.dumps(said, ensure_ascii=False)
    kept = {name: entry[name] for name in ("task", "model", "seed")}
    runs.append(SAID, kept | {"part": part, "said": text})


# ---------------------------------------------------------------- a tag for each word


def tags(entry: dict) -> dict:
    """Spans found in messages; the figure is their F1."""
    part = inbox()[entry["scored"]]
    found = TAGGERS.get(entry["model"], tagged_by_encoder)(part, entry)
    note(entry, entry["scored"], found) if entry["scored"] == "test" else None
    return {"figure": other_tasks.span_f1(other_tasks.spans_of(part), found)}


def tagged_by_encoder(part: Dataset, entry: dict) -> list:
    """By the fine-tuned encoder."""
    named = {"label_names": other_tasks.TAGS, "seed": entry["seed"]}
    tokenizer, model = checkpoints.load_with_head("tokens", **named)
    rows = {
        name: other_tasks.encode_spans(tokenizer, inbox()[name]) for name in ("train", "validation")
    }
    settings = config("tags", entry["rate"], entry["seed"])
    other_tasks.learn(model, tokenizer, *rows.values(), other_tasks.tag_losses, settings)
    return other_tasks.find_spans(model, tokenizer, other_tasks.texts_of(part))


def tagged_by_frequency(part: Dataset, entry: dict) -> list:
    """By the tag that each word has most often in training; "O" for a new word."""
    return other_tasks.look_up_spans(
        other_tasks.most_frequent_tags(inbox()["train"]), other_tasks.texts_of(part)
    )


def tagged_by_features(part: Dataset, entry: dict) -> list:
    """By a logistic regression on the frozen encoder's vector of each word's first piece."""
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    train = other_tasks.encode_spans(tokenizer, inbox()["train"])
    features = np.concatenate(other_tasks.word_vectors(encoder, tokenizer, train))
    labels = [label for row in train for label in row.labels if label >= 0]
    regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000, C=0.01))
    regression.fit(features, labels)
    rows = other_tasks.word_vectors(encoder, tokenizer, other_tasks.encode_spans(tokenizer, part))
    named = [[other_tasks.TAGS[i] for i in regression.predict(row)] for row in rows]
    pairs = zip(other_tasks.texts_of(part), named, strict=True)
    return [other_tasks.spans_read(tokenizer, text, row) for text, row in pairs]


TAGGERS = {"most frequent tag": tagged_by_frequency, "frozen features": tagged_by_features}

# ---------------------------------------------------------------- answers in a text


def answers(entry: dict) -> dict:
    """Answers to questions; the figure is the mean F1 of their words."""
    questions = other_tasks.questions_of(inbox()[entry["scored"]])
    if entry["model"] == FULL:
        said = answered(questions, entry)
    elif entry["model"] == "never an answer":
        said = [""] * len(questions)
    else:
        said = [other_tasks.word_overlap(question) for question in questions]
    note(entry, entry["scored"], said) if entry["scored"] == "test" else None
    pairs = list(zip(said, (question.answer for question in questions), strict=True))
    exact = np.mean([other_tasks.exact_match(*pair) for pair in pairs])
    return {"figure": np.mean([other_tasks.token_f1(*pair) for pair in pairs]), "exact": exact}


def answered(questions: list, entry: dict) -> list[str]:
    """By the fine-tuned encoder."""
    tokenizer, model = checkpoints.load_with_head("answers", seed=entry["seed"])
    rows = {
        name: [
            place.encoded
            for place in other_tasks.encode_questions(
                tokenizer, other_tasks.questions_of(inbox()[name])
            )
        ]
        for name in ("train", "validation")
    }
    settings = config("answers", entry["rate"], entry["seed"])
    other_tasks.learn(model, tokenizer, *rows.values(), other_tasks.answer_losses, settings)
    return other_tasks.answer(model, tokenizer, questions)


# ---------------------------------------------------------------- pairs


def pairs(entry: dict) -> dict:
    """Whether two texts want the same; the figure is the accuracy."""
    parts = {name: other_tasks.pairs_of(inbox()[name]) for name in inbox()}
    if entry["model"] in (FULL, NO_TYPES):
        tokenizer, model, scores = crossed(parts, entry)
        threshold = 0.0
    else:
        scores = {
            name: cosines(entry["model"], parts["train"], part) for name, part in parts.items()
        }
        threshold = best_threshold(scores["train"], parts["train"]["label"][:])
    said = np.asarray(scores[entry["scored"]])
    right = (said > threshold) == np.asarray(parts[entry["scored"]]["label"])
    found = {"figure": float(right.mean()), "threshold": threshold}
    if entry["scored"] == "test":
        note(entry, "test", np.round(said, 4).tolist())
        easy = other_tasks.pairs_of(inbox()["test"], same_label=False)
        if entry["model"] in (FULL, NO_TYPES):
            scored, found_first = (
                [score_pairs(tokenizer, model, easy)],
                first_by_cross(tokenizer, model),
            )
        else:
            scored = [cosines(entry["model"], parts["train"], easy)]
            found_first = first_by_cosine(entry["model"], parts["train"])
        note(entry, "easy", np.round(scored[0], 4).tolist())
        found |= found_first
    return found


def crossed(parts: dict, entry: dict) -> tuple:
    """The cross-encoder: tokenizer, model, and for each part logit 1 minus logit 0."""
    tokenizer, model = checkpoints.load(seed=entry["seed"])
    if entry["model"] == NO_TYPES:
        model.config.type_vocab_size = 1  # then the course's batches leave the types out
    settings = config("pairs", entry["rate"], entry["seed"])
    training.fine_tune(model, tokenizer, parts["train"], parts["validation"], settings)
    names = ("validation", "test")
    return tokenizer, model, {name: score_pairs(tokenizer, model, parts[name]) for name in names}


def score_pairs(tokenizer, model, part: Dataset) -> np.ndarray:
    """Logit 1 minus logit 0 of each pair."""
    texts = list(zip(part["text"][:], part["text_pair"][:], strict=True))
    logits = training.predict(model, tokenizer, texts)
    return logits[:, 1] - logits[:, 0]


def vectors(name: str, train: Dataset, texts: list[str]) -> np.ndarray:
    """One vector of length 1 per text."""
    if name.startswith("TF-IDF"):
        known = TfidfVectorizer(sublinear_tf=True).fit(train["text"][:] + train["text_pair"][:])
        return known.transform(texts).toarray()
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    return other_tasks.sentence_vectors(encoder, tokenizer, texts)


def cosines(name: str, train: Dataset, part: Dataset) -> np.ndarray:
    """The cosine of each pair."""
    first, second = (vectors(name, train, part[column][:]) for column in ("text", "text_pair"))
    return (first * second).sum(axis=1)


def best_threshold(scores: np.ndarray, labels: list[int]) -> float:
    """The cosine above which to say "the same", with the most right answers in training."""
    wanted, tried = np.asarray(labels) == 1, np.unique(scores)
    return float(max(tried, key=lambda at: ((scores > at) == wanted).mean()))


def first_by_cosine(name: str, train: Dataset) -> dict:
    """How many test messages find their own paraphrase first among all, and the seconds it took."""
    texts, wordings = other_tasks.texts_and_wordings(inbox()["test"])
    with runtime.timer() as took:
        table = vectors(name, train, texts) @ vectors(name, train, wordings).T
    return {
        "first": float(other_tasks.found_first(table).mean()),
        "first_seconds": round(took["seconds"], 2),
    }


def first_by_cross(tokenizer, model) -> dict:
    """The same with every message read together with every wording."""
    texts, wordings = other_tasks.texts_and_wordings(inbox()["test"])
    both = [(text, wording) for text in texts for wording in wordings]
    part = Dataset.from_dict(dict(zip(("text", "text_pair"), zip(*both, strict=True), strict=True)))
    with runtime.timer() as took:
        table = score_pairs(tokenizer, model, part).reshape(len(texts), -1)
    return {
        "first": float(other_tasks.found_first(table).mean()),
        "first_seconds": round(took["seconds"], 2),
    }


# ---------------------------------------------------------------- text to text


def texts(entry: dict) -> dict:
    """One language model for four tasks, before or after a training on all of them."""
    tokenizer, model = checkpoints.load_causal()
    figures = {}
    if entry["model"] == LANGUAGE_MODEL:
        lora.add(model, rank=16, alpha=32, seed=entry["seed"])
        parts = [other_tasks.conversations(inbox(), name) for name in ("train", "validation")]
        mixed = [concatenate_datasets([*part.values()]) for part in parts]
        settings = chat.DEFAULTS | {"learning_rate": entry["rate"]}
        settings |= {"epochs": TEXT_EPOCHS, "seed": entry["seed"]}
        run = chat.fine_tune(model, tokenizer, *mixed, TrainingConfig(**settings))
        figures["validation_loss"] = run.rows[-1]["validation_loss"]
    for part in ("test", "new role"):
        for task, rows in other_tasks.conversations(inbox(), part).items():
            prompts = [chat.prompt_of(conversation) for conversation in rows["messages"]]
            said = chat.generate(model, tokenizer, prompts, max_new_tokens=80)
            stopped = np.mean([answer.stopped for answer in said])
            figures[f"stopped {task} {part}"] = round(float(stopped), 4)
            note(entry | {"task": task}, part, [answer.text.strip() for answer in said])
    return figures


WAYS = {"tags": tags, "answers": answers, "pairs": pairs, "texts": texts}


def run(**entry) -> dict:
    """One run, with the precision it was made in."""
    figures = WAYS[entry["task"]](entry)
    rounded = {name: round(float(value), 5) for name, value in figures.items()}
    return {"precision": runtime.precision_name(), "figures": json.dumps(rounded)} | {
        "figure": rounded.get("figure", "")
    }


def main() -> None:
    """Do the runs that are not there yet."""
    options = runs.options(__doc__)
    done = runs.drive(planned(), run, RESULTS, **options)
    options["limit"] -= done
    runs.drive(planned_then(), run, RESULTS, **options)


if __name__ == "__main__":
    main()
