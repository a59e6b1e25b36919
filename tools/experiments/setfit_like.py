"""Another way to learn from 8 to 64 labels: pairs first, then a regression, after SetFit.

    python -m tools.experiments.setfit_like [--limit N] [--processes N]

Tunstall and others (2022) tune a sentence encoder on pairs made of the few labelled sentences, so
that two of one class get similar vectors (cosine 1) and two of different classes do not (cosine
0), and then fit a logistic regression on the vectors. Here is that, in short: for each sentence 20
of its class and 20 of the other, drawn with replacement (10 and 10 with 64 labels, to save time);
one pass in batches of 16 pairs; the mean squared error of the cosines. The encoder is that of the
course, which was tuned for sentence similarity before, as SetFit asks.

The learning rate is chosen on the validation part (16 labels, two draws). Then the study's draws 0
to 4 are taken and scored on the test part and on the fresh sentences, and hits are kept. At 8
labels, which the study does not have, the other three models run as well: the regressions with four
folds, as each class has four sentences. All in fp32, and all runs of one model on one kind of
processor.
"""

import numpy as np
import pandas as pd
import torch
from datasets import Dataset
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import baselines, batching, checkpoints, runtime, training
from helpers.measured.what_it_buys import AT_LEAST, FROZEN, FULL, PAIRS, RATE, TFIDF
from tools.experiments import runs, what_it_buys
from tools.experiments.provenance import MEASURED
from tools.experiments.what_it_buys import hits_of, learned_from, part_of

RESULTS = MEASURED / "setfit_like.csv"
KEYS = ["scored", "model", "n", "rate", "seed"]
RATES, CHOICE_SIZE, CHOICE_SEEDS = (2e-5, 1e-4, 5e-4), 16, (100, 101)
SIZES, FEWEST, SEEDS = (16, 8, 64, 32), 8, range(5)
PARTNERS, MOST_PAIRS, BATCH = 20, 1280, 16


def planned() -> list[dict]:
    """The runs among which the rate is chosen, and those of other models at 8 labels."""
    choice = [
        ("validation", PAIRS, CHOICE_SIZE, rate, seed) for rate in RATES for seed in CHOICE_SEEDS
    ]
    others = [("test", model, FEWEST, 0.0, seed) for model in (TFIDF, FROZEN) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in choice + others]


def chosen(rows: pd.DataFrame) -> float | None:
    """The rate with the most right answers on validation, over both draws; None before all ran."""
    tries = rows[rows["scored"] == "validation"]
    if len(tries) < len(CHOICE_SEEDS) * len(RATES):
        return None
    return float(tries.groupby("rate")["right"].sum().idxmax())


def planned_then(rows: pd.DataFrame) -> list[dict]:
    """The draws with the rate that was chosen, and full fine-tuning at 8 labels."""
    rate = chosen(rows)
    if rate is None:
        return []
    ours = [("test", PAIRS, n, rate, seed) for n in SIZES for seed in SEEDS]
    full = [("test", FULL, FEWEST, RATE[FULL], seed) for seed in SEEDS]
    return [dict(zip(KEYS, run, strict=True)) for run in ours + full]


def run(scored: str, model: str, n: int, rate: float, seed: int) -> dict:
    """Learn from n labels; keep which sentences are right."""
    few, _ = learned_from(model, n, 0, seed)
    parts = [scored] if scored == "validation" else [scored, "fresh"]
    answers = WAYS[model](few, parts, rate, seed)
    return {"steps": steps_of(model, n), "precision": "float32"} | hits_of(parts, answers)


def steps_of(model: str, n: int) -> int:
    """How many steps a run makes."""
    return {PAIRS: 2 * partners_of(n) * n // BATCH, FULL: AT_LEAST}.get(model, 0)


def partners_of(n: int) -> int:
    """How many partners of each kind a sentence gets, where there are n."""
    return min(PARTNERS, MOST_PAIRS // (2 * n))


def pairs_of(labels: np.ndarray, partners: int, rng: np.random.Generator) -> np.ndarray:
    """For each example `partners` of its class and as many of another, in a random order.

    Args:
        labels: shape (n,), at least two of each class.

    Returns:
        Rows (i, j, 1 if both have one label else 0), shape (2 · partners · n, 3); i is never j.
    """
    pairs, everyone = [], np.arange(len(labels))
    for i, label in enumerate(labels):
        alike = everyone[(labels == label) & (everyone != i)]
        unlike = everyone[labels != label]
        pairs += [(i, j, 1) for j in rng.choice(alike, partners)]
        pairs += [(i, j, 0) for j in rng.choice(unlike, partners)]
    return rng.permutation(np.array(pairs))


def vectors_of(encoder: PreTrainedModel, token_ids: list[list[int]], pad_id: int) -> Tensor:
    """Mean of the last hidden states over each text's tokens, of length 1: shape (B, H)."""
    inputs = batching.inputs_of(token_ids, pad_id, encoder)
    hidden = encoder(**inputs).last_hidden_state
    weights = inputs["attention_mask"].unsqueeze(-1).float()
    means = (hidden * weights).sum(1) / weights.sum(1)
    return torch.nn.functional.normalize(means, dim=1)


def pair_loss(first: Tensor, second: Tensor, alike: Tensor) -> Tensor:
    """Mean squared distance of the cosines of B pairs of unit vectors from 1 or 0."""
    return ((first * second).sum(dim=1) - alike).square().mean()


def tune_on_pairs(
    encoder: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    few: Dataset,
    rate: float,
    seed: int,
    partners: int,
) -> list[float]:
    """One pass over the pairs of `few`, in place; the loss of each step."""
    rng = np.random.default_rng([seed, 2])
    pairs = pairs_of(np.asarray(few["label"]), partners, rng)
    token_ids = batching.tokenize(few["text"], tokenizer)
    config = training.TrainingConfig(learning_rate=rate, precision="fp32", seed=seed)
    optimizer, losses = training.make_optimizer(encoder, config), []
    batches = [pairs[at : at + BATCH] for at in range(0, len(pairs), BATCH)]
    encoder.train()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        for step, batch in enumerate(batches):
            rows, places = np.unique(batch[:, :2], return_inverse=True)  # each sentence read once
            read = vectors_of(encoder, [token_ids[i] for i in rows], tokenizer.pad_token_id)
            first, second = (read[at] for at in places.reshape(-1, 2).T)
            alike = torch.as_tensor(batch[:, 2], dtype=torch.float32, device=first.device)
            at = training.learning_rate_at(step, len(batches), config)
            loss = pair_loss(first, second, alike)
            losses.append(training.train_step(encoder, loss, optimizer, at, config.max_grad_norm))
    encoder.eval()
    return losses


def vectors(
    encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: list[str]
) -> np.ndarray:
    """Vectors of texts in their order, with dropout off: shape (n, H)."""
    token_ids = batching.tokenize(texts, tokenizer)
    found = np.empty((len(token_ids), encoder.config.hidden_size), np.float32)
    with torch.inference_mode():
        for batch in batching.sorted_batches([len(ids) for ids in token_ids], 64):
            chosen_ids = [token_ids[i] for i in batch]
            found[batch] = vectors_of(encoder, chosen_ids, tokenizer.pad_token_id).cpu()
    return found


def on_pairs(few: Dataset, parts: list[str], rate: float, seed: int) -> list[np.ndarray]:
    """Answers of a logistic regression on the encoder that was tuned on pairs."""
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    encoder = encoder.to(runtime.best_device())
    tune_on_pairs(encoder, tokenizer, few, rate, seed, partners_of(len(few)))
    head = LogisticRegression().fit(vectors(encoder, tokenizer, few["text"][:]), few["label"][:])
    return [head.predict(vectors(encoder, tokenizer, part_of(part)["text"][:])) for part in parts]


def on_words(few: Dataset, parts: list[str], _: float, seed: int) -> list[np.ndarray]:
    """Answers of the study's TF-IDF, which at 8 labels chooses by four folds."""
    estimator = baselines.tfidf(seed).set_params(cv=folds(len(few), seed))
    fitted = estimator.fit(few["text"][:], few["label"][:])
    return [fitted.predict(part_of(part)["text"][:]) for part in parts]


def on_frozen(few: Dataset, parts: list[str], _: float, seed: int) -> list[np.ndarray]:
    """Answers of the study's frozen features, which at 8 labels choose by four folds."""
    estimator = baselines.on_features(seed).set_params(cv=folds(len(few), seed))
    fitted = estimator.fit(baselines.mean_features(few["text"][:]), few["label"][:])
    return [fitted.predict(what_it_buys.features(part)[0]) for part in parts]


def folds(n: int, seed: int) -> StratifiedKFold:
    """Five stratified folds, or as many as each class has examples."""
    return StratifiedKFold(min(5, n // 2), shuffle=True, random_state=seed)


def fully(few: Dataset, parts: list[str], rate: float, seed: int) -> list[np.ndarray]:
    """Answers of full fine-tuning by the rule of the study."""
    scores, _ = what_it_buys.trained(FULL, few, parts, rate, AT_LEAST, seed, "fp32")
    return [found.argmax(axis=1) for found in scores]


WAYS = {PAIRS: on_pairs, TFIDF: on_words, FROZEN: on_frozen, FULL: fully}


def main() -> None:
    """Do the runs that are not there yet: the choice first."""
    options = runs.options(__doc__)
    runs.refuse_two_processors(planned(), RESULTS, ["model"])
    options["limit"] -= runs.drive(planned(), run, RESULTS, **options)
    then = planned_then(runs.read(RESULTS, KEYS))
    runs.refuse_two_processors(then, RESULTS, ["model"])
    runs.drive(then, run, RESULTS, **options)


if __name__ == "__main__":
    main()
