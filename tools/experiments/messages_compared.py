"""The course's test messages, sorted by other models than the fine-tuned SmolLM2.

    python -m tools.experiments.messages_compared [--limit N]

One row per run in messages_compared.csv, and each answer in messages_compared_answers.csv: the
untrained SmolLM2 with and without examples in its prompt, the encoder of notebook 13 with its
settings, frozen features and TF-IDF. Nothing is chosen on the test part. Notebook 12 reads both.
"""

from collections.abc import Callable

from datasets import DatasetDict

from helpers import baselines, chat, checkpoints, runtime, training
from helpers.chat import course
from helpers.chat.conversations import Message
from tools.experiments import runs
from tools.experiments.provenance import MEASURED

RESULTS = MEASURED / "messages_compared.csv"
ANSWERS = MEASURED / "messages_compared_answers.csv"
SHOTS = 8  # examples in a prompt: one for each intent
PLANNED = [
    *({"model": model, "seed": 0} for model in ("TF-IDF", "frozen features")),
    *({"model": "fine-tuned encoder", "seed": seed} for seed in range(3)),
    {"model": "zero-shot, generated", "seed": 0},
    {"model": "zero-shot, likeliest", "seed": 0},
    *({"model": "few-shot, generated", "seed": seed} for seed in range(3)),
    *({"model": "few-shot, likeliest", "seed": seed} for seed in range(3)),
]


def run(model: str, seed: int) -> dict:
    """Answers to the test messages, and the seconds that learning and answering took."""
    datasets, names = course.load()
    took, answers = ways()[model](datasets, names, seed)
    expected = [names[label] for label in datasets["test"]["label"]]
    pairs = list(zip(answers, expected, strict=True))
    runs.append(
        ANSWERS,
        *(
            {"model": model, "seed": seed, "row": i, "answer": answer, "expected": right}
            for i, (answer, right) in enumerate(pairs)
        ),
    )
    row = {"exact": sum(answer == right for answer, right in pairs), "of": len(pairs)}
    row["valid"] = sum(answer in names for answer in answers)
    return row | {name: round(seconds, 1) for name, seconds in took.items()}


Outcome = tuple[dict[str, float], list[str]]


def ways() -> dict[str, Callable[[DatasetDict, list[str], int], Outcome]]:
    """The models by their names."""
    return {
        "TF-IDF": by_words,
        "frozen features": by_features,
        "fine-tuned encoder": by_encoder,
        "zero-shot, generated": lambda *given: generated(*given, shots=0),
        "zero-shot, likeliest": lambda *given: likeliest(*given, shots=0),
        "few-shot, generated": lambda *given: generated(*given, shots=SHOTS),
        "few-shot, likeliest": lambda *given: likeliest(*given, shots=SHOTS),
    }


def pool(datasets: DatasetDict) -> tuple[list[str], list[int]]:
    """Texts and labels of train and validation together, as notebook 13 gives them to baselines."""
    texts = [*datasets["train"]["text"], *datasets["validation"]["text"]]
    return texts, [*datasets["train"]["label"], *datasets["validation"]["label"]]


def by_words(datasets: DatasetDict, names: list[str], seed: int) -> Outcome:
    """Logistic regression on TF-IDF."""
    texts, labels = pool(datasets)
    with runtime.timer() as learning:
        fitted = baselines.tfidf(seed).fit(texts, labels)
    with runtime.timer() as answering:
        found = fitted.predict(datasets["test"]["text"][:])
    return seconds(learning, answering), [names[label] for label in found]


def by_features(datasets: DatasetDict, names: list[str], seed: int) -> Outcome:
    """Logistic regression on features of the frozen encoder."""
    texts, labels = pool(datasets)
    with runtime.timer() as learning:
        fitted = baselines.on_features(seed).fit(baselines.mean_features(texts), labels)
    with runtime.timer() as answering:
        found = fitted.predict(baselines.mean_features(datasets["test"]["text"][:]))
    return seconds(learning, answering), [names[label] for label in found]


def by_encoder(datasets: DatasetDict, names: list[str], seed: int) -> Outcome:
    """The encoder of 22.7 million parameters, fine-tuned with the settings of notebook 13."""
    tokenizer, model = checkpoints.load(num_labels=len(names), seed=seed)
    config = training.TrainingConfig(
        epochs=8, batch_size=16, learning_rate=2e-4, best_metric="validation_loss", seed=seed
    )
    with runtime.timer() as learning:
        training.fine_tune(model, tokenizer, datasets["train"], datasets["validation"], config)
    with runtime.timer() as answering:
        logits = training.predict(model, tokenizer, datasets["test"]["text"][:])
    return seconds(learning, answering), [names[label] for label in logits.argmax(axis=1)]


def prompts(datasets: DatasetDict, names: list[str], seed: int, shots: int) -> list[list[Message]]:
    """The test messages under the instruction, after so many examples from the train part."""
    begin = course.conversation(course.instruction(names), "")[:1] + examples(
        datasets, names, seed, shots
    )
    return [[*begin, {"role": "user", "content": text}] for text in datasets["test"]["text"]]


def examples(datasets: DatasetDict, names: list[str], seed: int, shots: int) -> list[Message]:
    """Messages with their answers, drawn by a seed: one per intent, up to 25 words."""
    train = datasets["train"].shuffle(seed=seed)
    found: dict[int, list[Message]] = {}
    for text, label in zip(train["text"], train["label"], strict=True):
        if label not in found and len(text.split()) <= 25 and len(found) < shots:
            answer = {"role": "assistant", "content": names[label]}
            found[label] = [{"role": "user", "content": text}, answer]
    return [message for pair in found.values() for message in pair]


def generated(datasets: DatasetDict, names: list[str], seed: int, shots: int) -> Outcome:
    """What the untrained SmolLM2 writes."""
    tokenizer, model = checkpoints.load_causal()
    asked = prompts(datasets, names, seed, shots)
    with runtime.timer() as answering:
        answers = chat.generate(model, tokenizer, asked, max_new_tokens=12)
    return seconds({"seconds": 0.0}, answering), [answer.text.strip() for answer in answers]


def likeliest(datasets: DatasetDict, names: list[str], seed: int, shots: int) -> Outcome:
    """Which of the eight words the untrained SmolLM2 finds the likeliest answer."""
    tokenizer, model = checkpoints.load_causal()
    asked = prompts(datasets, names, seed, shots)
    with runtime.timer() as answering:
        found = chat.log_likelihoods(model, tokenizer, asked, names).argmax(dim=1)
    return seconds({"seconds": 0.0}, answering), [names[label] for label in found]


def seconds(learning: dict[str, float], answering: dict[str, float]) -> dict[str, float]:
    """Both times as columns."""
    return {"learn_seconds": learning["seconds"], "answer_seconds": answering["seconds"]}


def main() -> None:
    """Do the runs that are missing."""
    runs.drive(PLANNED, run, RESULTS, **runs.options(__doc__.splitlines()[0]))


if __name__ == "__main__":
    main()
