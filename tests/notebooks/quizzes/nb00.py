"""Answers to the quiz of notebook 00."""

import torch
from scipy import stats

from helpers import checkpoints
from tests.notebooks.quizzes import SHORT, Truth, batch, classifier


def question_1() -> Truth:
    """What makes it supervised: without it there is no loss. Each is taken away in turn."""
    ids, mask = batch(SHORT)
    label = torch.tensor([1])
    unpretrained = checkpoints.load(pretrained=False, num_hidden_layers=1)[1]
    here = classifier()[1](ids, mask, labels=label).loss  # nobody watches this test
    unlabelled = classifier()[1](ids, mask).loss
    return {
        "a": here is None,
        "b": here is not None and unlabelled is None,
        "c": unpretrained(ids, mask, labels=label).loss is None,
    }


def question_2() -> Truth:
    """What comes out of the model for one sentence."""
    tokenizer, model = classifier()
    output = model(*batch(SHORT))
    probabilities = output.logits.softmax(-1)
    sums_to_one = bool(torch.isclose(probabilities.sum(), torch.ones(())))
    return {
        "a": model.can_generate() or output.logits.shape[-1] == len(tokenizer),
        "b": probabilities.shape == (1, 2) and sums_to_one,
        "c": set(output) != {"logits"},
    }


def question_3() -> Truth:
    """Where 95 % of the coins land that are thrown 853 times."""
    low, high = (count / 853 for count in stats.binom.interval(0.95, 853, 0.5))
    return {"a": high < 0.53, "b": low <= 0.53 <= high, "c": low > 0.53}


QUESTIONS = [question_1, question_2, question_3]
