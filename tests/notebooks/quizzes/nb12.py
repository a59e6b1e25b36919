"""Answers to the quiz of notebook 12."""

from functools import cache
from unittest.mock import patch

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerBase

from helpers import chat, checkpoints
from tests.notebooks.quizzes import Truth, raises

ANSWERS = {
    "My kettle is broken.": "defect",
    "Where is my parcel?": "delivery",
    "I want my money back.": "refund",
    "Please close my account.": "account",
    "Is the lamp waterproof?": "question",
    "The bill is too high.": "billing",
}
SYSTEM = "Sort."


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """The tokenizer of the notebook's model."""
    return checkpoints.load_tokenizer(checkpoints.CAUSAL_CHECKPOINT)


def small_model(vocabulary: int) -> LlamaForCausalLM:
    """A causal model of the notebook's kind, of one layer and random weights."""
    sizes = {"hidden_size": 32, "intermediate_size": 64, "max_position_embeddings": 64}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        config = LlamaConfig(
            vocab_size=vocabulary,
            num_hidden_layers=1,
            num_attention_heads=2,
            bos_token_id=None,
            eos_token_id=None,
            **sizes,
        )
        return LlamaForCausalLM(config)


def train(model: LlamaForCausalLM, ids: Tensor, labels: Tensor, steps: int, rate: float) -> None:
    """Steps of AdamW on one batch, ids and labels of shape (B, T), with the model's own loss."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=rate)
    for _ in range(steps):
        model(ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def message(text: str, answer: str) -> list[dict[str, str]]:
    """A message to sort, with its answer."""
    pairs = zip(("system", "user", "assistant"), (SYSTEM, text, answer), strict=True)
    return [{"role": role, "content": content} for role, content in pairs]


def messages_as_batch() -> tuple[Tensor, Tensor, int]:
    """Ids and labels (B, T) of the messages, in a vocabulary of their own, and the end token.

    Padding is on the right, so a causal model does not see it.
    """
    examples = [chat.encode(tokenizer(), message(*pair)) for pair in ANSWERS.items()]
    rows = [torch.tensor(example.input_ids) for example in examples]
    marks = [torch.tensor(example.labels) for example in examples]
    ids = pad_sequence(rows, batch_first=True, padding_value=tokenizer().pad_token_id)
    labels = pad_sequence(marks, batch_first=True, padding_value=chat.IGNORED)
    known, ids_here = torch.unique(ids, return_inverse=True)
    end = int((known == tokenizer().eos_token_id).nonzero())
    return ids_here, torch.where(labels == chat.IGNORED, chat.IGNORED, ids_here), end


def share_of_endless(model: LlamaForCausalLM, ids: Tensor, labels: Tensor, end: int) -> float:
    """Share of messages whose answer is right and then goes on without the end token."""
    endless = []
    for row, marks in zip(ids, labels, strict=True):
        *answer, _ = row[marks != chat.IGNORED].tolist()  # the end token is the last one
        begin = int((marks != chat.IGNORED).nonzero()[0])
        written = row[:begin].tolist()
        for _ in range(len(answer) + 4):
            written.append(int(model(torch.tensor([written])).logits[0, -1].argmax()))
        new = written[begin:]
        endless.append(new[: len(answer)] == answer and end not in new)
    return sum(endless) / len(endless)


def question_1() -> Truth:
    """A small model sorts messages, trained wrongly in three ways. Which gives the symptom?

    In one of them the labels of the end token are missing, as from a collator that masks by id.
    """
    ids, labels, end = messages_as_batch()
    spoiled = labels.masked_fill(ids == end, chat.IGNORED)

    def symptom(trained_on: Tensor, steps: int = 60, rate: float = 1e-2) -> bool:
        model = small_model(int(ids.max()) + 1)
        train(model, ids, trained_on, steps, rate)
        return share_of_endless(model, ids, labels, end) > 0.5

    assert not symptom(labels), "trained as it should be, it stops"
    return {
        "a": symptom(labels, rate=1.0),
        "b": symptom(spoiled),
        "c": any(symptom(labels, steps) for steps in (1, 5, 10, 20)),
    }


def question_2() -> Truth:
    """Numbers in a circle, with labels shifted by hand: what a model learns from them."""
    circle = torch.arange(28) % 7
    shifted = torch.cat([circle[1:], torch.tensor([chat.IGNORED])])
    model = small_model(7)
    fails = raises(model, circle[None], labels=shifted[None])
    loss = model(circle[None], labels=shifted[None]).loss
    next_but_one = cross_entropy(model(circle[None]).logits[0, :-2], circle[2:])
    train(model, circle[None], shifted[None], steps=60, rate=1e-2)
    said = model(circle[None]).logits[0, :-2].argmax(dim=1)
    return {
        "a": fails,
        "b": torch.equal(said, circle[1:-1]),
        "c": torch.equal(said, circle[2:]) and torch.allclose(loss, next_but_one),
    }


def question_3() -> Truth:
    """A message that holds the word "assistant": where it occurs, how it is cut, what is rendered.

    Slower would be what renders more often, since that takes most of the time.
    """
    conversation = message("Your assistant was rude.", "defect")
    text = tokenizer().apply_chat_template(conversation, tokenize=False)
    tokens = tokenizer().tokenize(text)
    in_header = tokenizer().tokenize("<|im_start|>assistant")[1:]
    occurs_elsewhere = text.count("assistant") > text.count("<|im_start|>assistant")
    cut_differently = "Ġassistant" in tokens and in_header == ["ass", "istant"]

    renderings = {"by rendering": 0, "by searching": 1}  # to search, one renders the whole
    renderer = type(tokenizer()).apply_chat_template

    def counted(*arguments: object, **options: object) -> object:
        renderings["by rendering"] += 1
        return renderer(*arguments, **options)

    with patch.object(type(tokenizer()), "apply_chat_template", counted):
        chat.encode(tokenizer(), conversation)
    return {
        "a": renderings["by searching"] > renderings["by rendering"],
        "b": occurs_elsewhere and cut_differently,
        "c": tokenizer().decode(tokenizer()(text)["input_ids"]) != text,
    }


QUESTIONS = [question_1, question_2, question_3]
