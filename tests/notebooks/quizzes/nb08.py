"""Answers to the quiz of notebook 08."""

import numpy as np
from scipy import stats
from sklearn.tree import DecisionTreeClassifier
from torch.utils.flop_counter import FlopCounterMode

from helpers import checkpoints, measured, metrics
from helpers.measured import what_it_buys
from tests.notebooks.quizzes import LONG, Truth, batch


def operations(rank: int | None = None) -> dict[str, int]:
    """Operations of the products of a training step: in all, forward, and pooler with head.

    A rank asks for LoRA; None trains everything.
    """
    model = checkpoints.load(attn_implementation="eager")[1]
    if rank:
        what_it_buys.restrict(model, what_it_buys.LORA)
        for module in model.modules():
            if isinstance(module, what_it_buys.LoRA):
                module.A.data, module.B.data = module.A.data[:rank], module.B.data[:, :rank]
    with FlopCounterMode(display=False) as counter:
        loss = model(*batch(*[LONG] * 8)).logits.sum()
        forward = counter.get_total_flops()
        of = counter.get_flop_counts()
        loss.backward()
    outside = sum(sum(of[name].values()) for name in of if name.endswith(("pooler", "classifier")))
    return {"step": counter.get_total_flops(), "forward": forward, "pooler and head": outside}


def question_1() -> Truth:
    """Operations counted: a full step, LoRA's of rank 8 and of rank 1."""
    full, lora, thin = operations(), operations(8), operations(1)
    return {
        "a": thin["step"] < full["step"] / 50,
        "b": abs(lora["forward"] / full["forward"] - 1) < 0.05
        and 0.6 < lora["step"] / full["step"] < 0.75,
        "c": lora["pooler and head"] > 0 and lora["pooler and head"] > lora["step"] / 2,
    }


def question_2() -> Truth:
    """Recorded runs on at most 128 labels, against a coin's 853 of 1,705."""
    rows = measured.table("what_it_buys").query("scored == 'test' and flipped == 0 and n <= 128")

    def above_a_coin(model: str) -> bool:
        runs = rows[(rows["model"] == model) & (rows["n"] >= 64)]
        return bool((runs["right"] > stats.binom.ppf(0.9999, 1705, 0.5)).all())

    tuned, frozen = above_a_coin("fine-tuned"), above_a_coin("frozen features")
    steps = rows.loc[rows["model"] == "fine-tuned", "steps"].min()
    return {
        "a": not tuned,
        "b": not frozen,
        "c": tuned and frozen and steps > 3 * np.ceil(100 / 32),
    }


def question_3() -> Truth:
    """Labels of which 8 % are faulty: what a perfect model shows, and one that learns them all."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 5))
    true = (X[:, 0] + X[:, 1] > 0).astype(int)
    given = np.where(rng.random(4000) < 0.08, 1 - true, true)
    perfect = (true[2000:] == given[2000:]).mean()
    low, high = metrics.wilson(perfect * 2000, 2000)
    full, stopped = (DecisionTreeClassifier(max_leaf_nodes=n, random_state=0) for n in (None, 30))
    by_heart, less = (tree.fit(X[:2000], given[:2000]) for tree in (full, stopped))
    assert by_heart.score(X[:2000], given[:2000]) == 1
    return {
        "a": low <= 0.91 <= high,
        "b": perfect > 0.96,
        "c": by_heart.score(X[2000:], true[2000:]) > less.score(X[2000:], true[2000:]),
    }


QUESTIONS = [question_1, question_2, question_3]
