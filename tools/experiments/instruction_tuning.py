"""Instruction tuning of SmolLM2 on the course's messages: label errors, weights, forgetting.

    python -m tools.experiments.instruction_tuning [--limit N]

One row per run in instruction_tuning.csv, and each answer to a test message in
instruction_tuning_answers.csv. Nothing is chosen on the test part. Notebook 12 reads both.
"""

from collections.abc import Callable
from functools import cache, partial

import numpy as np
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import chat, checkpoints, corpora, lora, runtime, training
from helpers.chat import course, mistakes, skills
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "instruction_tuning.csv"
ANSWERS = MEASURED / "instruction_tuning_answers.csv"
STEPS = MEASURED / "instruction_tuning_steps.csv"
BATCH, EPOCHS = 8, 1
LONGEST = {"word": 12, "json": 40}  # tokens of an answer before it is cut off
SEEDS = range(3)


def entry(task: str, labels: str, weights: str, rate: float, epochs: int, seed: int) -> dict:
    """The columns that tell a run from the others."""
    return {
        "task": task,
        "labels": labels,
        "weights": weights,
        "rate": rate,
        "epochs": epochs,
        "seed": seed,
    }


# The rate of LoRA is that of a pilot run of two epochs, scored on validation (0.85 exact). There,
# the word table was trained too, by a mistake that was mended before the first run of this list.
RATE = {"lora": 1e-3, "full": 1e-4}
ERRORS = [
    entry("word", labels, "lora", RATE["lora"], EPOCHS, seed)
    for seed in SEEDS
    for labels in ("right", "pad is end", "no end", "shifted", "prompt trained")
]
FULL = [entry("word", "right", "full", RATE["full"], EPOCHS, seed) for seed in SEEDS]
LONGER = [entry("word", "right", "lora", RATE["lora"], 2, seed) for seed in SEEDS]
WEIGHTED = [entry("word", "prompt 0.1", "lora", RATE["lora"], EPOCHS, seed) for seed in SEEDS]
FORGETTING = [
    entry("word", "right", weights, rate, EPOCHS, seed)
    for seed in SEEDS
    for weights, rate in (("lora", 3e-4), ("full", 3e-5))
]
AS_JSON = [entry("json", "right", "lora", RATE["lora"], 2, seed) for seed in SEEDS]
# More rates, for the record: scored on validation only.
PILOT = [
    entry("pilot", "right", weights, rate, EPOCHS, 100)
    for weights, rates in (("lora", (5e-4, 1e-3, 2e-3)), ("full", (5e-5, 1e-4, 2e-4)))
    for rate in rates
]
BEFORE = [entry("word", "none", "none", 0.0, 0, 0)]
PLANNED = [
    *ERRORS[:5],
    *BEFORE,
    *ERRORS[5:],
    *FULL,
    *LONGER,
    *WEIGHTED,
    *AS_JSON,
    *FORGETTING,
    *PILOT,
]


def run(task: str, labels: str, weights: str, rate: float, epochs: int, seed: int) -> dict:
    """Train once; the figures of its last epoch, its answers, and what it forgot.

    With labels "none" nothing is trained: the model as it came.
    """
    datasets, names = course.load()
    make = course.extracting if task == "json" else course.sorting
    parts = {part: make(datasets[part], names) for part in datasets}
    tokenizer, model = checkpoints.load_causal()
    if weights == "lora":
        lora.add(model, seed=seed)
    keys = entry(task, labels, weights, rate, epochs, seed)
    if labels == "none":
        before = tested(model, tokenizer, parts["test"], task, names, keys)
        return before | remembered(model, tokenizer)
    prompt_weight = 0.1 if labels == "prompt 0.1" else 0.0
    examples = spoiled(parts["train"], labels, tokenizer)
    config = training.TrainingConfig(
        epochs=epochs,
        batch_size=BATCH,
        learning_rate=rate,
        max_length=512,
        precision="fp32",
        best_metric="epoch",
        seed=seed,
    )
    losses: list[float] = []
    with runtime.timer() as took:
        result = chat.fine_tune(
            model,
            tokenizer,
            examples,
            parts["validation"],
            config,
            prompt_weight,
            on_step=lambda run: losses.append(run.loss),
        )
    row = {"train_seconds": round(took["seconds"], 1), **figures(result, losses)}
    for step, loss in enumerate(losses):
        runs.append(STEPS, keys | {"step": step, "loss": f"{loss:.4f}"})
    if task != "pilot":
        row |= tested(model, tokenizer, parts["test"], task, names, keys)
        row |= remembered(model, tokenizer)
    return row


def spoiled(part: Dataset, labels: str, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """The training part with these labels, as columns `input_ids` and `labels`."""
    end = tokenizer.eos_token_id
    change: dict[str, Callable] = {
        "pad is end": partial(mistakes.pad_is_end, pad_id=tokenizer.pad_token_id),
        "no end": partial(mistakes.no_end, end=end),
        "prompt trained": mistakes.prompt_trained,
        "shifted": mistakes.shifted,
    }
    examples = chat.examples_of(part, tokenizer)
    changed = [change.get(labels, lambda example: example)(example) for example in examples]
    return Dataset.from_dict(
        {
            "input_ids": [example.input_ids for example in changed],
            "labels": [example.labels for example in changed],
        }
    )


def figures(result: training.TrainingRun, losses: list[float]) -> dict:
    """What the training itself logged, and what validation says."""
    last = result.rows[-1]
    return {
        "steps": result.step,
        "loss_first": round(losses[0], 4),
        "loss_last": round(float(np.mean(losses[-10:])), 4),
        "validation_loss": round(last["validation_loss"], 4),
        "validation_exact": round(last["exact_match"], 4),
    }


def tested(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    part: Dataset,
    task: str,
    names: list[str],
    keys: dict,
) -> dict:
    """Generated answers to the test messages: counts, and each answer as a row of its own."""
    prompts = [chat.prompt_of(conversation) for conversation in part["messages"]]
    expected = [conversation[-1]["content"] for conversation in part["messages"]]
    answers = chat.generate(model, tokenizer, prompts, LONGEST[task])
    is_valid = chat.json_with("intent", "item") if task == "json" else chat.one_of(names)
    counts = chat.score(answers, expected, is_valid)["count"]
    rows = [
        keys | {"row": i, "answer": answer.text, "stopped": int(answer.stopped)}
        for i, answer in enumerate(answers)
    ]
    runs.append(ANSWERS, *rows)
    return counts.to_dict() | {"of": len(answers)}


def remembered(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> dict:
    """What the model still can: loss on news articles, and questions about capitals."""
    right = skills.capitals_right(model, tokenizer)
    return {
        "news_loss": round(skills.loss_on(model, tokenizer, news_texts()), 4),
        "capitals": right,
        "capitals_of": len(skills.CAPITALS),
    }


@cache
def news_texts() -> tuple[str, ...]:
    """Sixteen articles of the test part of `news`."""
    return tuple(corpora.load("news")["test"]["text"][:16])


def main() -> None:
    """Do the runs that are missing."""
    options = runs.options(__doc__.splitlines()[0])
    runs.drive(PLANNED, run, RESULTS, **options)


if __name__ == "__main__":
    main()
