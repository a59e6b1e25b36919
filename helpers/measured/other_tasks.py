"""Token labels, answers in a text, pairs, text to text: what three seeds said on the test parts.

`tools/experiments/other_tasks.py` made the rows.
"""

import json
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from functools import cache
from io import StringIO

import numpy as np
import pandas as pd
from datasets import DatasetDict
from scipy import stats

from helpers import metrics, other_tasks, validation
from helpers.chat import course
from helpers.measured.rows import table

RUNS, SAID = "other_tasks", "other_tasks_said"
FULL, NO_TYPES = "fine-tuned", "fine-tuned, no token types"
LANGUAGE_MODEL, BEFORE = "SmolLM2, LoRA", "SmolLM2, before"
MODELS = {
    "tags": ("most frequent tag", "frozen features", FULL),
    "answers": ("never an answer", "most words in common", FULL),
    "pairs": ("TF-IDF, cosine", "frozen, cosine", NO_TYPES, FULL),
}
FIRST_WORDS = 7  # of a message, as the simplest subject line


@cache
def inbox() -> DatasetDict:
    """The course's messages; the notebook has loaded them before and seen what was left out."""
    with redirect_stdout(StringIO()):
        return course.load()[0]


def said(task: str, model: str, part: str = "test") -> list[list]:
    """What a model said about each row of a part: one list for each seed.

    Args:
        task: "tags", "answers", "pairs", "answer", "subject", "polite" or "translate".

    Raises:
        ValueError: nothing was recorded of it.
    """
    rows = table(SAID, keep_default_na=False)
    chosen = rows[(rows[["task", "model", "part"]] == [task, model, part]).all(axis=1)]
    if chosen.empty:
        raise ValueError(f"Nothing was recorded of {task!r}, {model!r}, {part!r}.")
    return [json.loads(text) for text in chosen.sort_values("seed")["said"]]


def spans_said(model: str) -> list[list[list[other_tasks.Span]]]:
    """The spans that a model marked, for each seed and message of the test part."""
    return [
        [[other_tasks.Span(*span) for span in message] for message in seed]
        for seed in said("tags", model)
    ]


def span_values(model: str, kind: str | None = None) -> np.ndarray:
    """One number for each seed and test message whose mean over the messages is the F1 of spans.

    F1 is a ratio of two sums, 2R / (S + T), and has no value for one message. Its linearization
    has: F1 + (2r − F1 (s + t)) · n / (S + T). The spread of these numbers is, for many messages,
    that of the ratio (the delta method).

    Returns:
        Shape (seeds, messages).
    """
    expected = other_tasks.spans_of(inbox()["test"])
    return np.array([linearized(expected, found, kind) for found in spans_said(model)])


def linearized(expected: list, found: list, kind: str | None) -> np.ndarray:
    """The numbers of `span_values` for one seed."""
    pairs = zip(expected, found, strict=True)
    counts = np.array([other_tasks.span_counts([e], [f], kind) for e, f in pairs], dtype=float)
    right, both = counts[:, 0], counts[:, 1:].sum(axis=1)
    f1 = 2 * right.sum() / both.sum()
    return f1 + (2 * right - f1 * both) / both.mean()


def answer_values(
    model: str, score: Callable[[str, str], float], task: str = "answers"
) -> np.ndarray:
    """The mean score of a message's two questions, for each seed: shape (seeds, messages).

    Args:
        score: `other_tasks.exact_match` or `token_f1`.
        task: "answers", pointed to; or "answer", written by the language model.
    """
    questions = other_tasks.questions_of(inbox()["test"])
    values = [
        [score(plain(text), one.answer) for text, one in zip(seed, questions, strict=True)]
        for seed in said(task, model)
    ]
    return by_message(values)


def answers(score: Callable[[str, str], float]) -> dict[str, np.ndarray]:
    """`answer_values` of every model, the language model's written answers among them."""
    found = {model: answer_values(model, score) for model in MODELS["answers"]}
    return found | {LANGUAGE_MODEL: answer_values(LANGUAGE_MODEL, score, "answer")}


def plain(answer: str) -> str:
    """An answer as it counts: what the language model says where there is none becomes ""."""
    return "" if answer.strip().lower().rstrip(".") == other_tasks.NO_ANSWER else answer


def by_message(values: Sequence[Sequence[float]]) -> np.ndarray:
    """Means over the two neighbours that belong to one message: (seeds, 2n) to (seeds, n)."""
    return np.asarray(values, dtype=float).reshape(len(values), -1, 2).mean(axis=2)


def pair_values(model: str, part: str = "test") -> np.ndarray:
    """Whether the two pairs of a message were judged right, their mean: (seeds, messages).

    Args:
        part: "test", where both texts of a pair have the same intent; or "easy", where those that
            do not match have different ones.
    """
    rows = table(RUNS)
    own = rows[(rows[["scored", "task", "model"]] == ["test", "pairs", model]).all(axis=1)]
    thresholds = [json.loads(text)["threshold"] for text in own.sort_values("seed")["figures"]]
    scores = np.asarray(said("pairs", model, part))
    right = (scores > np.reshape(thresholds, (-1, 1))) == np.tile(
        [True, False], scores.shape[1] // 2
    )
    return by_message(right)


def found_first() -> pd.DataFrame:
    """Of 105 messages, the share (%) that finds its own paraphrase first among 105, by model.

    Returns:
        `found first (%)`, the mean of the seeds, and `readings`: how many texts or pairs the
        encoder reads for it. TF-IDF has no encoder.
    """
    rows, count = table(RUNS), len(inbox()["test"])
    rows = rows[(rows["scored"] == "test") & (rows["task"] == "pairs")]
    readings = {"TF-IDF, cosine": 0, "frozen, cosine": 2 * count, FULL: count**2}
    found = {}
    for model, number in readings.items():
        own = [json.loads(text)["first"] for text in rows[rows["model"] == model]["figures"]]
        found[model] = {"found first (%)": round(100 * np.mean(own), 1), "readings": number}
    return pd.DataFrame(found).T.astype({"readings": int})


def text_values(task: str, model: str, score: Callable[[str, str], float]) -> np.ndarray:
    """A score of each written text beside the expected one: shape (seeds, texts).

    Args:
        task: "subject" or "polite".
        model: a recorded one, or "first words" or "copy", which need no model.
    """
    part = inbox()["test"]
    expected = [getattr(one, task) for one in other_tasks.rewritten_of(part)]
    rows = [without_model(model)] if model in ("first words", "copy") else said(task, model)
    return np.array(
        [[score(text, right) for text, right in zip(row, expected, strict=True)] for row in rows]
    )


def without_model(name: str) -> list[str]:
    """The test messages themselves, or their first seven words."""
    texts = other_tasks.texts_of(inbox()["test"])
    return texts if name == "copy" else [" ".join(t.split()[:FIRST_WORDS]) for t in texts]


def translations(model: str, part: str = "test") -> pd.DataFrame:
    """Exact translations (%), BLEU and chrF, a row for each seed."""
    expected = other_tasks.sentences()[part]["answer"][:]
    rows = []
    for found, exact in zip(
        said("translate", model, part), exact_values(model, part).mean(axis=1), strict=True
    ):
        scores = other_tasks.bleu(found, expected), other_tasks.chrf(found, expected)
        rows.append({"exact": 100 * exact, "BLEU": scores[0], "chrF": scores[1]})
    return pd.DataFrame(rows)


def exact_values(model: str, part: str = "test") -> np.ndarray:
    """1 for each translation that is exactly the expected one, else 0: (seeds, sentences)."""
    expected = np.array(other_tasks.sentences()[part]["answer"][:])
    return (np.array(said("translate", model, part)) == expected).astype(float)


def interval(values: np.ndarray, confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean and interval: for other seeds and messages, or with one run for other messages only."""
    if len(values) > 1:
        return validation.two_way_interval(values, confidence, few_draws=True)
    mean, error = values.mean(), values.std(ddof=1) / np.sqrt(values.size)
    half = stats.t.ppf((1 + confidence) / 2, values.size - 1) * error
    return mean, mean - half, mean + half


def compared(values: dict[str, np.ndarray]) -> pd.DataFrame:
    """Means in percent with their intervals, a row for each model: `mean`, `low`, `high`."""
    found = {name: 100 * np.array(interval(own)) for name, own in values.items()}
    return pd.DataFrame(found, index=["mean", "low", "high"]).T


def in_words(table: pd.DataFrame) -> str:
    """The means of a table of `compared`, for whoever cannot see the figure."""
    return " ".join(f"{name}: {row['mean']:.0f} %." for name, row in table.iterrows())


def lead(values: dict[str, np.ndarray], model: str, rival: str) -> pd.Series:
    """How far a model is ahead, in points, paired by message, with its interval."""
    differences = 100 * (values[model] - values[rival])
    return pd.Series(interval(differences), index=["mean", "low", "high"])


def exact_interval(model: str, part: str = "test") -> tuple[float, float, float]:
    """Share of exact translations with its interval: `interval`, or of one run Wilson's.

    One run may have no hit at all, of which `interval` could not say how sure it is.
    """
    values = exact_values(model, part)
    if len(values) > 1:
        return interval(values)
    return values.mean(), *metrics.wilson(values.sum(), values.size)


def translation_table() -> pd.DataFrame:
    """Exact translations (%) with their interval, BLEU and chrF, the last two as seeds' means."""
    rows = {}
    for model, part in ((BEFORE, "test"), (LANGUAGE_MODEL, "test"), (LANGUAGE_MODEL, "new role")):
        exact = dict(zip(("exact", "low", "high"), exact_interval(model, part), strict=True))
        scores = translations(model, part)[["BLEU", "chrF"]].mean()
        rows[model, part] = {name: 100 * share for name, share in exact.items()} | dict(scores)
    return pd.DataFrame(rows).T.round(1)


def examples(task: str, rows: Sequence[int]) -> list[tuple[str, str, str]]:
    """Of some test messages: the text, what seed 0 wrote, and what was expected."""
    part = inbox()["test"]
    texts, written = other_tasks.texts_of(part), said(task, LANGUAGE_MODEL)[0]
    expected = [getattr(one, task) for one in other_tasks.rewritten_of(part)]
    return [(texts[i], written[i], expected[i]) for i in rows]


def rouge_l(task: str) -> dict[str, np.ndarray]:
    """ROUGE-L of each written text: of the simplest rival, the model before, and after."""
    rival = {"subject": "first words", "polite": "copy"}[task]
    return {
        model: text_values(task, model, other_tasks.rouge)
        for model in (rival, BEFORE, LANGUAGE_MODEL)
    }


def invented() -> pd.DataFrame:
    """How many of the 210 answers are written words that the message does not hold, by seed.

    Returns:
        Columns `answered` (not "not said"), `not from the message` (answers that are no part of
        it), and `answered although not said`: of the 47 questions that the message does not
        answer. A row for each seed of each model.
    """
    questions, rows = other_tasks.questions_of(inbox()["test"]), {}
    for model, task in ((FULL, "answers"), (LANGUAGE_MODEL, "answer")):
        for seed, texts in enumerate(said(task, model)):
            answers_given = [plain(text) for text in texts]
            pairs = list(zip(answers_given, questions, strict=True))
            foreign = [a for a, q in pairs if a.lower() not in q.text.lower()]  # "" is in all
            rows[model, seed] = {
                "answered": sum(map(bool, answers_given)),
                "not from the message": len(foreign),
                "answered although not said": sum(bool(a) and not q.answer for a, q in pairs),
            }
    return pd.DataFrame(rows).T.rename_axis(index=["model", "seed"])


def wrong_objects(part: str) -> list[tuple[int, int]]:
    """In how many translations the last word is another noun than expected, whatever its ending.

    Returns:
        For each seed that number, and how many translations there are.
    """
    expected = [right.split()[-1] for right in other_tasks.sentences()[part]["answer"]]
    counts = []
    for found in said("translate", LANGUAGE_MODEL, part):
        last = [(text.split() or [""])[-1] for text in found]
        wrong = [a.rstrip("jn") != b.rstrip("jn") for a, b in zip(last, expected, strict=True)]
        counts.append((sum(wrong), len(wrong)))
    return counts


def not_copied(seed: int) -> list[tuple[str, str, str]]:
    """Written answers with words that are not in the message: question, answer, expected answer."""
    questions = other_tasks.questions_of(inbox()["test"])
    answers_given = [plain(text) for text in said("answer", LANGUAGE_MODEL)[seed]]
    return [
        (one.question, text, one.answer)
        for text, one in zip(answers_given, questions, strict=True)
        if text.lower() not in one.text.lower()
    ]
