"""What a model could do before it was fine-tuned: is it still there afterwards?"""

from collections.abc import Sequence

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers.chat.conversations import Example
from helpers.chat.generation import generate
from helpers.chat.learning import foresee

# Common knowledge; the model's own answer decides which of these it knew before.
CAPITALS = {
    "France": "Paris",
    "Germany": "Berlin",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Portugal": "Lisbon",
    "Austria": "Vienna",
    "Greece": "Athens",
    "Poland": "Warsaw",
    "Hungary": "Budapest",
    "Sweden": "Stockholm",
    "Norway": "Oslo",
    "Denmark": "Copenhagen",
    "Finland": "Helsinki",
    "Ireland": "Dublin",
    "Belgium": "Brussels",
    "Russia": "Moscow",
    "Ukraine": "Kyiv",
    "Japan": "Tokyo",
    "China": "Beijing",
    "South Korea": "Seoul",
    "Thailand": "Bangkok",
    "Indonesia": "Jakarta",
    "Egypt": "Cairo",
    "Kenya": "Nairobi",
    "Canada": "Ottawa",
    "Mexico": "Mexico City",
    "Cuba": "Havana",
    "Peru": "Lima",
    "Chile": "Santiago",
    "Argentina": "Buenos Aires",
}
QUESTION = "What is the capital of {}?"
TOKENS = 128  # of each text on which the loss is measured


def capitals_right(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> int:
    """How many of thirty questions about capitals are answered with the right name in them."""
    prompts = [[{"role": "user", "content": QUESTION.format(name)}] for name in CAPITALS]
    answers = generate(model, tokenizer, prompts, max_new_tokens=16)
    pairs = zip(answers, CAPITALS.values(), strict=True)
    return sum(city in answer.text for answer, city in pairs)


def loss_on(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> float:
    """Mean cross-entropy per token on plain texts, in nats: their first 128 tokens each."""
    ids = tokenizer(list(texts), truncation=True, max_length=TOKENS)["input_ids"]
    rows = foresee(model, tokenizer, [Example(row, row) for row in ids])
    with torch.no_grad():
        return (rows[:, 0].sum() / rows[:, 1].sum()).item()
