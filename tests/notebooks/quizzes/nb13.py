"""Answers to the quiz of notebook 13."""

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from helpers import own_data, validation
from helpers.baselines import mean_features
from tests.notebooks.quizzes import Truth
from tools import project

MESSAGES = project.ROOT / "data" / "messages.csv"
APPLICATIONS = [
    "I would like to apply for the position of warehouse manager at your company.",
    "Please find attached my CV for the open role in your marketing team.",
    "I am looking for an internship in software development this summer.",
    "Dear hiring team, with ten years of experience as an accountant I want to join you.",
    "Are you hiring? I have worked as a driver and could start next month.",
    "With this letter I apply for the job of assistant in your head office.",
]


def question_1() -> Truth:
    """A file with one text under two labels: what of it is left for training and scoring."""
    lines = [f"message number {i} about {'yn'[i % 2]},{'yn'[i % 2]}" for i in range(40)]
    twice = ["Money back please!,y", "money back please,n"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mine.csv"
        path.write_text("\n".join(["text,label", *twice, *lines]), encoding="utf8")
        data = own_data.load(path, "text", "label")
    texts = [text for part in data.datasets.values() for text in part["text"]]
    kept = sum("oney back" in text for text in texts)
    return {"a": kept == 2, "b": kept == 1, "c": kept == 0 and len(data.dropped) == 2}


def question_2() -> Truth:
    """Intervals of two leads on 105 texts: 88 against 84 right, and 78 against 48."""

    def interval(both: int, only_first: int, only_second: int) -> tuple[float, float]:
        counts = [both, only_first, only_second, 105 - both - only_first - only_second]
        first, second = (np.repeat(values, counts) for values in ([1, 1, 0, 0], [1, 0, 1, 0]))
        return validation.paired_bootstrap(first, second)

    low, high = interval(76, 12, 8)
    large_lead = interval(38, 40, 10)[0]
    return {"a": low > 0, "b": low < 0 and high > 2 * 0.035, "c": large_lead <= 0}


def question_3() -> Truth:
    """A linear model of eight intents reads a job application; then trained longer, then with
    a class of its own for such texts."""
    rows = pd.read_csv(MESSAGES).dropna()
    rows["intent"] = rows["intent"].str.strip().str.lower()
    rows = rows.groupby("intent").head(12)
    X, other = mean_features(rows["message"]), mean_features(APPLICATIONS)
    y = rows["intent"].to_numpy()
    few, many = (LogisticRegression(C=c, max_iter=2000).fit(X, y) for c in (1, 100))
    application = other[:1]
    sigmoids = expit(few.decision_function(application)).max()
    surest = [model.predict_proba(application).max() for model in (few, many)]
    ninth = LogisticRegression(max_iter=2000).fit(
        np.vstack([X, other[1:]]), np.append(y, ["other"] * 5)
    )
    sums_to_one = bool(np.isclose(few.predict_proba(application).sum(), 1))
    return {
        "a": sigmoids < 0.5,
        "b": sums_to_one and len(few.classes_) == 8 and ninth.predict(application)[0] == "other",
        "c": surest[1] < surest[0],
    }


QUESTIONS = [question_1, question_2, question_3]
