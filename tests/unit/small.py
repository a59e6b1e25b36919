"""What many tests share: a tiny model, a few rows, a short run."""

from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import checkpoints, corpora, training

TINY = {
    "num_hidden_layers": 1,
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_attention_heads": 2,
    "vocab_size": 30522,
}


def tiny() -> tuple[PreTrainedTokenizerBase, PreTrainedModel]:
    """The course's tokenizer and a BERT of one narrow layer that has learned nothing."""
    return checkpoints.load(seed=0, pretrained=False, **TINY)


def few(train: int, validation: int) -> tuple[Dataset, Dataset]:
    """So many reviews of the two parts that a run needs."""
    reviews = corpora.load("reviews")
    return reviews["train"].select(range(train)), reviews["validation"].select(range(validation))


def config(**changes) -> training.TrainingConfig:
    """Six short epochs; the validation loss decides which one stays."""
    settings = {"epochs": 6, "batch_size": 16, "precision": "fp32", "learning_rate": 1e-3}
    return training.TrainingConfig(**settings | {"best_metric": "validation_loss"} | changes)
