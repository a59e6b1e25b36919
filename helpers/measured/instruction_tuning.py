"""Instruction tuning of SmolLM2 on the course's messages, beside other models: recorded rows.

`instruction_tuning.py`, `messages_compared.py`, `raw_text.py` and `chat_speed.py` in
`tools/experiments` made them.
"""

import json
from collections.abc import Sequence

import numpy as np
import pandas as pd

from helpers import metrics
from helpers.measured.rows import table

RUNS, ANSWERS, STEPS = (
    "instruction_tuning",
    "instruction_tuning_answers",
    "instruction_tuning_steps",
)
OTHERS, OTHERS_ANSWERS = "messages_compared", "messages_compared_answers"
RAW, SPEED = "raw_text", "chat_speed"
CONVERSATIONS = 48  # in each run of `chat_speed`
# The rates at which both ways of training were compared first.
RATE = {"lora": 1e-3, "full": 1e-4}
WAYS = {
    "SmolLM2, LoRA, one epoch": {"weights": "lora", "rate": RATE["lora"], "epochs": 1},
    "SmolLM2, LoRA, two epochs": {"weights": "lora", "rate": RATE["lora"], "epochs": 2},
    "SmolLM2, all weights, one epoch": {"weights": "full", "rate": RATE["full"], "epochs": 1},
}
ORDER = [
    "SmolLM2, LoRA, two epochs",
    "SmolLM2, LoRA, one epoch",
    "SmolLM2, all weights, one epoch",
    "few-shot, likeliest",
    "few-shot, generated",
    "zero-shot, likeliest",
    "zero-shot, generated",
    "fine-tuned encoder",
    "frozen features",
    "TF-IDF",
]
# What a way of answering needs on the disk: fp32 weights of the encoder, bf16 of SmolLM2.
MEGABYTES = {"SmolLM2": 269, "few": 269, "zero": 269, "fine-tuned": 91, "frozen": 91, "TF-IDF": 1}
ERRORS = ("right", "pad is end", "no end", "shifted", "prompt trained")


def matching(rows: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """The rows in which these columns have these values."""
    kept = np.logical_and.reduce([rows[name] == value for name, value in wanted.items()])
    return rows[kept]


def hits() -> pd.DataFrame:
    """Whether each answer to a test message was exactly right: (models and seeds) × 105 messages.

    A written answer is right if it is the expected word and the model stopped behind it.
    """
    others = table(OTHERS_ANSWERS, keep_default_na=False)
    expected = others[others["model"] == "TF-IDF"].set_index("row")["expected"]
    others["hit"] = others["answer"] == others["expected"]
    frames = [others[["model", "seed", "row", "hit"]]]
    own = matching(table(ANSWERS, keep_default_na=False), task="word", labels="right")
    own["hit"] = (own["answer"].str.strip() == own["row"].map(expected)) & (own["stopped"] == 1)
    for name, way in WAYS.items():
        frames.append(matching(own, **way).assign(model=name)[["model", "seed", "row", "hit"]])
    found = pd.concat(frames)
    return found.pivot(index=["model", "seed"], columns="row", values="hit").astype(float)


def compared() -> pd.DataFrame:
    """Exact answers of every model to the 105 test messages, in percent.

    Returns:
        Per model: `runs`, the mean `exact` of them, `low` and `high` (Wilson, for the mean number
        of right messages, so they cover which messages the test part has), `from` and `to` over
        the runs, the mean of their `train s` (seconds, on one core), and `MB` on the disk.
    """
    found, rows = hits(), {}
    for model in ORDER:
        if model in found.index.get_level_values("model"):
            shares = found.loc[model].mean(axis=1)
            messages = found.shape[1]
            low, high = metrics.wilson(shares.mean() * messages, messages)
            figures = [shares.mean(), low, high, shares.min(), shares.max()]
            size = next(mb for name, mb in MEGABYTES.items() if model.startswith(name))
            figures = [round(100 * share, 1) for share in figures]
            rows[model] = [len(shares), *figures, training_seconds(model), size]
    columns = ["runs", "exact", "low", "high", "from", "to", "train s", "MB"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def training_seconds(model: str) -> int:
    """Mean seconds of training of a model of `compared`; 0 for one that was not trained."""
    if model in WAYS:
        runs = matching(table(RUNS), task="word", labels="right", **WAYS[model])
        return round(runs["train_seconds"].mean())
    return round(matching(table(OTHERS), model=model)["learn_seconds"].mean())


def paired(first: str, second: str) -> str:
    """The difference of two models on the same messages, each averaged over its runs.

    The interval (BCa bootstrap over messages) covers which messages the test part has; what other
    seeds would change is in it only as far as the averages smooth it.
    """
    found = hits()
    one, other = (found.loc[model].mean(axis=0).to_numpy() for model in (first, second))
    low, high = metrics.bca_interval(
        lambda a, b: a.mean(axis=-1) - b.mean(axis=-1), one, other, vectorized=True
    )
    gain = 100 * (one - other).mean()
    return f"{first} minus {second}: {gain:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"


def errors() -> pd.DataFrame:
    """What five kinds of labels do, three seeds each: losses as logged, and shares in percent."""
    runs = matching(table(RUNS), task="word", weights="lora", rate=RATE["lora"], epochs=1)
    rows = {}
    for labels in ERRORS:
        of = matching(runs, labels=labels)
        rows[labels] = [
            f"{of['loss_first'].mean():.2f}",
            f"{of['loss_last'].mean():.2f}",
            in_range(100 * of["stopped"] / of["of"]),
            in_range(100 * of["valid"] / of["of"]),
            in_range(100 * of["exact"] / of["of"]),
        ]
    columns = ["first loss", "last loss", "stopped %", "valid %", "exact %"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def prompt_weights() -> pd.DataFrame:
    """Exact answers, of 105, if each token of the prompt counts 0, 0.1 or 1: one row per seed."""
    runs = matching(table(RUNS), task="word", weights="lora", rate=RATE["lora"], epochs=1)
    weight = {"right": 0.0, "prompt 0.1": 0.1, "prompt trained": 1.0}
    kept = runs[runs["labels"].isin(weight)]
    kept = kept.assign(weight=kept["labels"].map(weight))
    return kept.pivot(index="seed", columns="weight", values="exact").astype(int)


def in_range(values: pd.Series, form: str = "{:.0f}") -> str:
    """The mean of some figures, with the smallest and the largest behind it."""
    mean, low, high = (form.format(value) for value in (values.mean(), values.min(), values.max()))
    return f"{mean} ({low} to {high})"


def as_json(expected: Sequence[dict], is_new: Sequence[bool]) -> pd.DataFrame:
    """Answers in JSON to the test messages, one row per seed: how many are right, and in what.

    Args:
        expected: the right objects, with `intent` and `item`, in the order of the messages.
        is_new: for each, whether no training message has its item.

    Returns:
        Per seed: answers that are `valid` JSON with these two keys, right `intent`, right `item`,
        `both` right, and right items among the `new` ones.
    """
    written = matching(table(ANSWERS, keep_default_na=False), task="json", labels="right")
    rows = {}
    for seed, of in written.groupby("seed"):
        answers = [read(text) for text in of.sort_values("row")["answer"]]
        pairs = list(zip(answers, expected, strict=True))
        item = [answer.get("item", "") == right["item"] for answer, right in pairs]
        rows[f"seed {seed}"] = {
            "valid": sum(set(answer) == {"intent", "item"} for answer in answers),
            "intent": sum(answer.get("intent") == right["intent"] for answer, right in pairs),
            "item": sum(item),
            "both": sum(answer == right for answer, right in pairs),
            "new items": sum(hit and new for hit, new in zip(item, is_new, strict=True)),
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def answers_of(model: str, seed: int) -> list[str]:
    """What another model of `compared` answered to the test messages, in their order."""
    rows = matching(table(OTHERS_ANSWERS, keep_default_na=False), model=model, seed=seed)
    return rows.sort_values("row")["answer"].tolist()


def json_answers(seed: int) -> list[str]:
    """What the model wrote to the test messages, in their order, in the run with this seed."""
    written = matching(table(ANSWERS, keep_default_na=False), task="json", seed=seed)
    return written.sort_values("row")["answer"].tolist()


def read(text: str) -> dict:
    """The JSON object of an answer; an empty one if it is none."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def raw_text() -> pd.DataFrame:
    """Training on bare messages, on messages with answers, and on both one after the other.

    Returns:
        Per way: `steps`; the `loss on messages` of the test part, as plain text; how many of 105
        answers are exact as `generated`, and if the `likeliest` of the eight words is taken. Means
        of three seeds, with the lowest and the highest.
    """
    both, runs = table(RAW), matching(table(RUNS), task="word", weights="lora", rate=RATE["lora"])
    right = runs[runs["labels"] == "right"]
    once, twice = (right[right["epochs"] == epochs] for epochs in (1, 2))
    zero = table(OTHERS).set_index("model")["exact"]
    before = f"{both['message_loss_before'].iloc[0]:.2f}"
    rows = {"nothing": [0, before, str(zero["zero-shot, generated"])]}
    rows["nothing"].append(str(zero["zero-shot, likeliest"]))
    for way, stage, before_it in (
        ("messages", "messages", 0),
        ("messages, then answers", "answers", both["steps_messages"].iloc[0]),
    ):
        rows[way] = [
            both[f"steps_{stage}"].iloc[0] + before_it,
            in_range(both[f"message_loss_{stage}"], "{:.2f}"),
            in_range(both[f"exact_{stage}"]),
            in_range(both[f"likeliest_{stage}"]),
        ]
    for way, of in (("answers", once), ("answers, two epochs", twice)):
        rows[way] = [of["steps"].iloc[0], "", in_range(of["exact"]), ""]
    columns = ["steps", "loss on messages", "generated", "likeliest"]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    order = ["nothing", "messages", "answers", "messages, then answers", "answers, two epochs"]
    return found.loc[order].astype({"steps": int}).rename_axis("trained on")


def speed() -> pd.DataFrame:
    """Training SmolLM2 with our loop and with trl's: conversations a second, and peak memory.

    Returns:
        Per way, medians of the rounds on the processor that was measured last.
    """
    rows = table(SPEED)
    rows = rows[(rows["processor"] == rows["processor"].iloc[-1]) & (rows["weights"] != "none")]
    rows = rows.assign(speed=CONVERSATIONS / rows["seconds"])
    of = rows.groupby(["weights", "name"], sort=False)[["speed", "peak_memory_mb"]].median()
    of.columns = ["conversations/s", "peak memory, MB"]
    return of.round({"conversations/s": 1, "peak memory, MB": 0})


def loss_curves() -> pd.DataFrame:
    """The loss of each step as it was logged, one column for each kind of labels, seed 0.

    Without "no end": its losses are those of "pad is end", to the last digit.
    """
    steps = matching(table(STEPS), task="word", weights="lora", rate=RATE["lora"], epochs=1, seed=0)
    curves = steps.pivot(index="step", columns="labels", values="loss")
    return curves[[labels for labels in ERRORS if labels != "no end"]]


def short(rate: float) -> str:
    """A learning rate as people write it: 1e-4."""
    return f"{rate:.0e}".replace("e-0", "e-")


def forgetting() -> pd.DataFrame:
    """What fine-tuning did to the loss on news articles and to thirty questions about capitals.

    The first row is the model as it came; `exact %` is about the course's test messages.
    """
    runs = matching(table(RUNS), task="word")
    runs = runs[runs["labels"].isin(["none", "right"])]
    rows = {}
    for (weights, rate, epochs), of in runs.groupby(["weights", "rate", "epochs"]):
        way = {"lora": "LoRA", "full": "all weights"}.get(weights, "before")
        name = f"{way}, rate {short(rate)}, {epochs} epoch" + "s" * (epochs > 1)
        exact = in_range(100 * of["exact"] / of["of"])
        news = in_range(of["news_loss"], "{:.2f}")
        rows["before" if way == "before" else name] = [
            len(of),
            exact,
            news,
            in_range(of["capitals"]),
        ]
    columns = ["runs", "exact %", "loss on news", "capitals of 30"]
    found = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    return found.loc[["before", *(name for name in found.index if name != "before")]]
