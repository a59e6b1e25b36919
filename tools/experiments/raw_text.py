"""More text or more labels: SmolLM2 on the bare messages, then on messages with their answers.

    python -m tools.experiments.raw_text [--limit N]

One row per seed in raw_text.csv: the model as it came, after one epoch on the train messages as
plain text (every token trained, no instruction, no answer), and after one more epoch on messages
with answers. Each answer to a test message is in raw_text_answers.csv. The runs with answers
alone, one epoch and two, are those of `instruction_tuning`. Nothing is chosen on the test part.
Notebook 12 reads both.
"""

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import chat, checkpoints, lora, runtime, training
from helpers.chat import course, skills
from tools.experiments import runs
from tools.experiments.instruction_tuning import BATCH, LONGEST, RATE
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "raw_text.csv"
ANSWERS = MEASURED / "raw_text_answers.csv"
PLANNED = [{"seed": seed} for seed in range(3)]
STAGES = ("messages", "answers")


def run(seed: int) -> dict:
    """One epoch on plain messages, one on pairs; what the model can after each."""
    datasets, names = course.load()
    parts = {part: course.sorting(datasets[part], names) for part in datasets}
    tokenizer, model = checkpoints.load_causal()
    lora.add(model, seed=seed)
    texts = datasets["test"]["text"][:]
    row = {"message_loss_before": round(skills.loss_on(model, tokenizer, texts), 4)}
    for stage in STAGES:
        examples = plain(datasets["train"], tokenizer) if stage == "messages" else parts["train"]
        config = training.TrainingConfig(
            epochs=1,
            batch_size=BATCH,
            learning_rate=RATE["lora"],
            max_length=512,
            precision="fp32",
            best_metric="epoch",
            seed=seed,
        )
        with runtime.timer() as took:
            result = chat.fine_tune(model, tokenizer, examples, parts["validation"], config)
        found = {
            "seconds": round(took["seconds"], 1),
            "steps": result.step,
            "message_loss": round(skills.loss_on(model, tokenizer, texts), 4),
            **tested(model, tokenizer, parts["test"], names, {"seed": seed, "stage": stage}),
        }
        row |= {f"{name}_{stage}": value for name, value in found.items()}
    return row


def plain(part: Dataset, tokenizer: PreTrainedTokenizerBase) -> Dataset:
    """The messages as a language model's training text: each token is a label."""
    ids = tokenizer(part["text"][:])["input_ids"]
    return Dataset.from_dict({"input_ids": ids, "labels": ids})


def tested(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    part: Dataset,
    names: list[str],
    keys: dict,
) -> dict:
    """Exact answers of the test part: as generated, and as the likeliest of the eight names."""
    prompts = [chat.prompt_of(conversation) for conversation in part["messages"]]
    expected = [conversation[-1]["content"] for conversation in part["messages"]]
    answers = chat.generate(model, tokenizer, prompts, LONGEST["word"])
    likeliest = chat.log_likelihoods(model, tokenizer, prompts, names).argmax(dim=1)
    chosen = [names[label] for label in likeliest]
    rows = [
        keys | {"row": i, "answer": answer.text, "stopped": int(answer.stopped), "likeliest": name}
        for i, (answer, name) in enumerate(zip(answers, chosen, strict=True))
    ]
    runs.append(ANSWERS, *rows)
    counts = chat.score(answers, expected, chat.one_of(names))["count"].to_dict()
    hits = sum(name == right for name, right in zip(chosen, expected, strict=True))
    return counts | {"likeliest": hits, "of": len(answers)}


def main() -> None:
    """Do the runs that are missing."""
    runs.drive(PLANNED, run, RESULTS, **runs.options(__doc__.splitlines()[0]))


if __name__ == "__main__":
    main()
