"""What a fine-tuned encoder is compared with: simpler models that are tuned as carefully.

All choose their hyperparameters by five-fold cross-validation within the rows they learn from.
With `multi_label=True` a text may have several labels: to be fitted on a matrix of zeros and ones,
shape (n, C ≥ 2), with a model of its own for each label; `predict_proba` then has shape (n, C).
"""

from collections.abc import Iterable

import numpy as np
import torch
from sklearn.base import TransformerMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from helpers import batching, checkpoints, runtime

TFIDF_GRID = {
    "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)],
    "logisticregression__C": [0.3, 1.0, 3.0, 10.0, 30.0],
}
FEATURES_GRID = {"logisticregression__C": [0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 1.0]}

TFIDF_RIDGE_GRID = {
    "tfidfvectorizer__ngram_range": [(1, 1), (1, 2)],
    "ridge__alpha": [0.1, 0.3, 1.0, 3.0, 10.0],
}
FEATURES_RIDGE_GRID = {"ridge__alpha": [10.0, 30.0, 100.0, 300.0, 1000.0, 3000.0]}


def inner_folds(seed: int) -> StratifiedKFold:
    """Five stratified folds of the rows that are learned from."""
    return StratifiedKFold(5, shuffle=True, random_state=seed)


def tfidf(seed: int = 0, multi_label: bool = False) -> GridSearchCV:
    """Logistic regression on TF-IDF of words or of words and pairs, to be fitted on texts.

    Pairs of texts pass `joined` first.
    """
    return classifier(TfidfVectorizer(sublinear_tf=True), TFIDF_GRID, seed, multi_label)


def on_features(seed: int = 0, multi_label: bool = False) -> GridSearchCV:
    """Logistic regression on standardized features of a frozen encoder (`mean_features`)."""
    return classifier(StandardScaler(), FEATURES_GRID, seed, multi_label)


def classifier(
    features: TransformerMixin, grid: dict[str, list], seed: int, multi_label: bool
) -> GridSearchCV:
    """Logistic regression on features, tuned by accuracy, or by micro F1 for several labels.

    Several labels cannot be stratified: their folds are those of `KFold`.
    """
    logistic = LogisticRegression(max_iter=2000)
    if not multi_label:
        return GridSearchCV(make_pipeline(features, logistic), grid, cv=inner_folds(seed))
    inside = "onevsrestclassifier__estimator__"
    grid = {name.replace("logisticregression__", inside): tried for name, tried in grid.items()}
    model = make_pipeline(features, OneVsRestClassifier(logistic))
    folds = KFold(5, shuffle=True, random_state=seed)
    return GridSearchCV(model, grid, cv=folds, scoring="f1_micro")


def joined(pairs: Iterable[batching.Text]) -> list[str]:
    """Pairs of texts as one text each, for models that read words; single texts stay.

    What is lost: in which of the two a word stood, and so whether both have it. What is added: a
    pair of words across the seam.
    """
    return [text if isinstance(text, str) else " ".join(text) for text in pairs]


def tfidf_ridge(seed: int = 0) -> GridSearchCV:
    """Ridge regression on TF-IDF of words or of words and pairs: texts to numbers."""
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True), Ridge())
    return GridSearchCV(model, TFIDF_RIDGE_GRID, cv=KFold(5, shuffle=True, random_state=seed))


def ridge_on_features(seed: int = 0) -> GridSearchCV:
    """Ridge regression on standardized features of a frozen encoder (`mean_features`)."""
    model = make_pipeline(StandardScaler(), Ridge())
    return GridSearchCV(model, FEATURES_RIDGE_GRID, cv=KFold(5, shuffle=True, random_state=seed))


def mean_features(
    texts: Iterable[batching.Text],
    max_length: int = 128,
    batch_size: int = 64,
    checkpoint: str = checkpoints.CHECKPOINT,
) -> np.ndarray:
    """Mean of the last hidden states of the frozen encoder over each text's, or pair's, tokens.

    Returns:
        float32, shape (n, H); padding does not count.
    """
    tokenizer = checkpoints.load_tokenizer(checkpoint)
    encoder = checkpoints.load_encoder(checkpoint)
    encoder = encoder.to(runtime.best_device())
    token_ids = batching.tokenize(texts, tokenizer, max_length)
    features = np.empty((len(token_ids), encoder.config.hidden_size), np.float32)
    for batch in batching.sorted_batches([len(ids) for ids in token_ids], batch_size):
        chosen = [token_ids[i] for i in batch]
        inputs = batching.inputs_of(chosen, tokenizer.pad_token_id, encoder)
        with torch.inference_mode():
            hidden = encoder(**inputs).last_hidden_state
        weights = inputs["attention_mask"].unsqueeze(-1).float()
        features[batch] = ((hidden * weights).sum(1) / weights.sum(1)).cpu().numpy()
    return features


def layer_means(
    encoder: torch.nn.Module, token_ids: list[list[int]], batch_size: int = 64
) -> np.ndarray:
    """Mean of the hidden states over each text's tokens, at every depth.

    Args:
        encoder: a frozen encoder with L layers, in evaluation mode.
        token_ids: n texts as ids, not padded.
        batch_size: texts per batch.

    Returns:
        float64, shape (L + 1, n, H): the embeddings, then each layer; padding does not count.
    """
    depth, width = encoder.config.num_hidden_layers, encoder.config.hidden_size
    means = np.zeros((depth + 1, len(token_ids), width))
    batches = batching.sorted_batches([len(ids) for ids in token_ids], batch_size)
    for batch in runtime.progress(batches, desc=f"{len(token_ids):,} sentences"):
        inputs = batching.inputs_of([token_ids[i] for i in batch], 0, encoder)
        with torch.inference_mode():
            states = encoder(**inputs, output_hidden_states=True).hidden_states
        real = inputs["attention_mask"].unsqueeze(-1)
        for k, hidden in enumerate(states):
            means[k, batch] = (hidden * real).sum(1) / real.sum(1)
    return means
