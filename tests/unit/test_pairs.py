"""Pairs of texts: read, trained on and predicted as the library does it."""

import numpy as np
import pandas as pd
import pytest
import torch
from datasets import Dataset, DatasetDict, List, Value
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from transformers import (
    DistilBertConfig,
    DistilBertForSequenceClassification,
    RobertaConfig,
    RobertaForSequenceClassification,
)

from helpers import (
    baselines,
    batching,
    checkpoints,
    corpora,
    own_data,
    report,
    training,
    validation,
)
from tests.unit.small import TINY, config, tiny
from tests.unit.test_training import press_stop_at, weights_equal

TOKENIZER = checkpoints.load_tokenizer()
PAIRS = [
    ("a film", "a play of some length"),
    ("a long and [SEP] winding film " * 12, "short"),
    ("short", "a much longer one , and then some " * 30),
    ("one", "other"),
]


def rows(n):
    """Premise and hypothesis: 1 if they name the same colour."""
    colours = ["red", "green", "blue"]
    first, second = zip(*((colours[i % 3], colours[i // 3 % 3]) for i in range(n)), strict=True)
    return Dataset.from_dict(
        {
            "text": [f"the house is {a}" for a in first],
            "text_pair": [f"it is {b}" for b in second],
            "label": [int(a == b) for a, b in zip(first, second, strict=True)],
        }
    )


def by_library(model, tokenizer, pairs, max_length):
    """Logits of one pair after the other, by the tokenizer's own call."""
    model.eval()
    found = []
    for first, second in pairs:
        batch = tokenizer(
            first, second, truncation=True, max_length=max_length, return_tensors="pt"
        )
        with torch.inference_mode():
            found.append(model(**batch).logits[0])
    return torch.stack(found)


def test_inputs_are_texts_or_pairs():
    part = rows(3)
    assert corpora.inputs(part)[1] == ("the house is green", "it is red")
    assert corpora.inputs(part.remove_columns("text_pair"))[1] == "the house is green"


def test_pairs_are_tokenized_as_the_library_does_it():
    for max_length in (12, 64):
        found = batching.tokenize(PAIRS, TOKENIZER, max_length)
        known = TOKENIZER(
            *map(list, zip(*PAIRS, strict=True)), truncation=True, max_length=max_length
        )
        assert found == known["input_ids"]
        assert [ids.types for ids in found] == known["token_type_ids"]
        assert all(set(ids.types) == {0, 1} for ids in found)
    lengths = [len(ids) for ids in TOKENIZER(*map(list, zip(*PAIRS, strict=True)))["input_ids"]]
    for max_length in (5, 12, 64, 128):
        share = batching.cut_share(PAIRS, TOKENIZER, max_length)
        assert share == np.mean([n > max_length for n in lengths])


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        ([("a", "b"), ("a", None)], "row 1 holds .* where a pair"),
        ([("a", "b"), "a"], "row 1 holds 'a' where a pair"),
        (["a", ("a", "b")], "row 1 holds .* where a text should be"),
        ([("a",)], "row 0 holds .* where a pair"),
        ([("a", "b", "c")], "row 0 holds .* where a pair"),
    ],
)
def test_a_row_that_is_no_pair_is_named(texts, said):
    with pytest.raises(TypeError, match=said):
        batching.tokenize(texts, TOKENIZER)


def test_logits_of_pairs_are_the_library_s():
    tokenizer, model = checkpoints.load(seed=0, num_hidden_layers=2)
    for max_length in (12, 64):
        found = training.predict(
            model, tokenizer, PAIRS, 3, max_length=max_length, precision="fp32"
        )
        known = by_library(model, tokenizer, PAIRS, max_length)
        assert np.abs(found - known.numpy()).max() < 1e-5
    turned = training.predict(model, tokenizer, [pair[::-1] for pair in PAIRS], precision="fp32")
    assert np.abs(turned - training.predict(model, tokenizer, PAIRS, precision="fp32")).max() > 1e-4


def called_with(model, texts):
    """By which names a model is called when it predicts."""
    names = []
    model.register_forward_pre_hook(lambda *given: names.append([*given[2]]), with_kwargs=True)
    training.predict(model, TOKENIZER, texts, precision="fp32")
    return names


def test_the_module_that_averages_gradients_hides_no_types():
    assert batching.reads_types(torch.nn.DataParallel(tiny()[1]))


def test_a_single_text_is_read_with_no_further_tensor():
    assert called_with(tiny()[1], ["a film"]) == [["input_ids", "attention_mask"]]
    assert called_with(tiny()[1], PAIRS[:1]) == [["input_ids", "attention_mask", "token_type_ids"]]


@pytest.mark.parametrize(
    "model",
    [
        DistilBertForSequenceClassification(
            DistilBertConfig(dim=16, hidden_dim=32, n_layers=1, n_heads=2)
        ),
        RobertaForSequenceClassification(
            RobertaConfig(
                vocab_size=30522,
                hidden_size=16,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                type_vocab_size=1,
                pad_token_id=0,
            )
        ),
    ],
    ids=["DistilBERT", "RoBERTa"],
)
def test_a_model_without_types_reads_pairs_and_is_given_none(model):
    assert called_with(model, PAIRS) == [["input_ids", "attention_mask"]]


def test_a_tokenizer_without_types_gives_none(monkeypatch):
    monkeypatch.setattr(TOKENIZER, "model_input_names", ["input_ids", "attention_mask"])
    [found] = batching.tokenize(PAIRS[:1], TOKENIZER)
    assert type(found) is list and found.count(102) == 2


def test_training_and_validation_read_the_second_text_too():
    """The first texts are all alike, so they say nothing of the label."""
    second = ["it is red", "it is green"] * 36
    columns = {"text": ["the house"] * 72, "text_pair": second, "label": [0, 1] * 36}
    train, validation = Dataset.from_dict(columns), Dataset.from_dict(columns).select(range(12))
    tokenizer, model = tiny()
    settings = config(epochs=10, learning_rate=1e-2, best_metric="accuracy")
    run = training.fine_tune(model, tokenizer, train, validation, settings)
    assert run.history["accuracy"].max() == 1 and run.history["train_loss"].min() < 0.3


def test_parts_of_which_only_one_has_pairs_are_refused():
    train, single = rows(9), rows(9).remove_columns("text_pair")
    for parts in ((train, single), (single, train)):
        tokenizer, model = tiny()
        with pytest.raises(corpora.DataError, match="part has no column text_pair"):
            training.fine_tune(model, tokenizer, *parts, config(epochs=1))


@pytest.mark.parametrize("names", [["no", "yes"], None])
def test_a_report_of_classes_or_numbers_shows_both_texts(names):
    part = rows(20).add_column("row", list(range(2, 22)))
    if names is None:
        part = part.cast_column("label", Value("float64"))
    parts = DatasetDict(dict.fromkeys(("train", "validation", "test"), part))
    dropped = pd.DataFrame(columns=["row", "reason", "text"])
    mine = own_data.OwnData("mine.csv", 60, parts, names, dropped, [])
    outputs = np.random.default_rng(0).normal(size=(20, 2 if names else 1))
    one_epoch = [{"epoch": 1, "accuracy": 0.5}]
    run = training.TrainingRun(training.TrainingConfig(epochs=1), 1, rows=one_epoch)
    result = report.Result(mine, run, {"fine-tuned": outputs})
    found = report.errors(result)
    assert found.columns.tolist()[:4] == ["row", "text", "text_pair", "label"]
    for _, row in found.iterrows():
        assert row["text_pair"] == part["text_pair"][row["row"] - 2]
    assert "it is blue" in report.page(result)
    assert '{"text": "a text", "text_pair": "the other"}' in report.model_card(result, "m")


def test_the_first_loss_is_that_of_the_library_s_batch():
    part = rows(9)
    tokenizer, model = checkpoints.load(
        pretrained=False, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, **TINY
    )
    logits = by_library(model, tokenizer, corpora.inputs(part), 128)
    expected = torch.nn.functional.cross_entropy(logits, torch.tensor(part["label"][:]))
    run = training.fine_tune(model, tokenizer, part, part, config(epochs=1))
    assert run.history["train_loss"][0] == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("kind", ["numbers", "several labels"])
def test_pairs_may_have_numbers_or_several_labels(kind):
    part = rows(18)
    labels = [float(i) for i in part["label"]]
    column, width = labels, 1
    if kind == "several labels":
        column, width = [[a, 1 - a] for a in labels], 2
    part = part.remove_columns("label").add_column("label", column)
    if width == 2:
        part = part.cast_column("label", List(Value("float32"), length=2))
    tokenizer, model = checkpoints.load(num_labels=width, pretrained=False, **TINY)
    training.fine_tune(model, tokenizer, part, part, config(epochs=1))
    assert training.predict(model, tokenizer, corpora.inputs(part)).shape == (18, width)


def test_a_run_on_pairs_goes_on_and_not_with_other_second_texts(tmp_path):
    train, settings = rows(36), config(epochs=2)
    tokenizer, whole = tiny()
    whole_run = training.fine_tune(whole, tokenizer, train, train, settings)
    tokenizer, model = tiny()
    options = {"output_dir": tmp_path, "on_step": press_stop_at(2)}
    with pytest.raises(KeyboardInterrupt):
        training.fine_tune(model, tokenizer, train, train, settings, **options)
    others = train.remove_columns("text_pair").add_column("text_pair", ["x"] * 36)
    with pytest.raises(training.TrainingError, match="other rows"):
        training.resume(tmp_path, others, train)
    _, resumed, run = training.resume(tmp_path, train, train)
    assert run.rows == whole_run.rows and weights_equal(whole, resumed)


def test_features_of_pairs_are_the_means_of_the_library_s_states():
    tokenizer, encoder = checkpoints.load_tokenizer(), checkpoints.load_encoder()
    found = baselines.mean_features(PAIRS, 64)
    depths = baselines.layer_means(encoder, batching.tokenize(PAIRS, tokenizer, 64))
    for pair, row, deepest in zip(PAIRS, found, depths[-1], strict=True):
        batch = tokenizer(*pair, truncation=True, max_length=64, return_tensors="pt")
        with torch.inference_mode():
            expected = encoder(**batch).last_hidden_state[0].mean(0).numpy()
        assert np.abs(expected - row).max() < 1e-5
        assert np.abs(expected - deepest).max() < 1e-5


def test_pairs_are_joined_for_models_of_words_and_single_texts_stay():
    assert baselines.joined([("a", "b"), ("c", "d")]) == ["a b", "c d"]
    assert baselines.joined(["a", "b"]) == ["a", "b"]


def test_cross_validation_reads_both_texts_and_keeps_equal_pairs_together():
    """The first texts are all alike: who reads only those is no better than chance."""
    second = [f"{'red' if i % 2 else 'green'} {i % 20}" for i in range(40)]
    columns = {"text": ["a house"] * 40, "text_pair": second, "label": [i % 2 for i in range(40)]}
    seen = []

    def note(train, texts, seed, folder):
        seen.append((set(corpora.inputs(train)), set(texts)))
        return np.array([[0.0, 1.0] if "red" in pair[1] else [1.0, 0.0] for pair in texts])

    found = validation.cross_validate(Dataset.from_dict(columns), note, k=2)
    assert found.hits().all() and not any(learned & held for learned, held in seen)
    words = validation.Estimator(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    assert validation.cross_validate(Dataset.from_dict(columns), words, k=2).hits().mean() > 0.9
    tuned = validation.FineTuned(config(epochs=1), options={"pretrained": False, **TINY})
    scores = tuned(Dataset.from_dict(columns), [("a house", "red 1")], 0, None)
    assert scores.shape == (1, 2)


def test_cross_validation_of_several_labels_is_refused():
    part = Dataset.from_dict({"text": ["a", "b"], "label": [[0.0, 1.0], [1.0, 0.0]]})
    with pytest.raises(validation.ValidationError, match="needs one label per text"):
        validation.cross_validate(part, lambda *given: None, k=2)
