"""What a trained model says about the messages: spans, answers, and vectors to compare."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
import torch
from datasets import Dataset
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from helpers import batching
from helpers.other_tasks.answers import Question, best_span, encode_questions
from helpers.other_tasks.heads import IGNORED, Encoded, outputs_of
from helpers.other_tasks.messages import rewritten_of, spans_of
from helpers.other_tasks.spans import (
    TAGS,
    Span,
    encode_words,
    pieces_of,
    spans_from,
    tags_of,
    words_of,
)


def texts_of(part: Dataset) -> list[str]:
    """The messages of a part without spaces around them."""
    return [text.strip() for text in part["text"]]


def encode_spans(tokenizer: PreTrainedTokenizerBase, part: Dataset) -> list[Encoded]:
    """Each message of a part with the tags of its spans."""
    rows = zip(texts_of(part), spans_of(part), strict=True)
    return [encode_words(tokenizer, text, tags_of(text, spans)) for text, spans in rows]


def find_spans(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> list[list[Span]]:
    """The spans that a fine-tuned model marks; words beyond the length it reads are outside."""
    encoded, found = [encode_words(tokenizer, text) for text in texts], []
    outputs = outputs_of(model, tokenizer, encoded)
    for text, example, said in zip(texts, encoded, outputs, strict=True):
        pairs = zip(said["logits"].argmax(dim=1).tolist(), example.labels, strict=True)
        tags = [TAGS[i] for i, label in pairs if label != IGNORED]
        found.append(spans_read(tokenizer, text, tags))
    return found


def spans_read(tokenizer: PreTrainedTokenizerBase, text: str, tags: Sequence[str]) -> list[Span]:
    """The spans of a text, from a tag for each word that `encode_words` gives a label.

    The other words are outside: those cut off, and those of which the tokenizer keeps nothing.
    """
    read = [word for word in pieces_of(tokenizer, text)[1] if word is not None]
    tag_of = dict(zip(read, tags, strict=True))
    return spans_from(text, [tag_of.get(i, "O") for i in range(len(words_of(text)))])


def most_frequent_tags(part: Dataset) -> dict[str, str]:
    """For each word of a part, in lower case, the tag that it has most often."""
    counts: dict[str, Counter] = defaultdict(Counter)
    for text, spans in zip(texts_of(part), spans_of(part), strict=True):
        for (word, _, _), tag in zip(words_of(text), tags_of(text, spans), strict=True):
            counts[word.lower()][tag] += 1
    return {word: tags.most_common(1)[0][0] for word, tags in counts.items()}


def look_up_spans(tag_of: dict[str, str], texts: Sequence[str]) -> list[list[Span]]:
    """Spans by the tag of each word alone; a new word is outside."""
    return [
        spans_from(text, [tag_of.get(word.lower(), "O") for word, _, _ in words_of(text)])
        for text in texts
    ]


def answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, questions: Sequence[Question]
) -> list[str]:
    """The answers that a fine-tuned model points to; "" where it says that there is none."""
    places = encode_questions(tokenizer, questions)
    said = outputs_of(model, tokenizer, [place.encoded for place in places])
    found = []
    for question, place, logits in zip(questions, places, said, strict=True):
        span = best_span(logits["start_logits"], logits["end_logits"], place.characters)
        found.append(question.text[span[0] : span[1]] if span else "")
    return found


def word_vectors(
    encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, examples: Sequence[Encoded]
) -> list[np.ndarray]:
    """Per text, the encoder's vector of the first piece of each word: (words, H)."""
    found = []
    with torch.inference_mode():
        for example in examples:
            inputs = batching.inputs_of([example.input_ids], tokenizer.pad_token_id, encoder)
            hidden = encoder(**inputs).last_hidden_state[0]
            found.append(hidden[torch.tensor(example.labels) != IGNORED].cpu().numpy())
    return found


def sentence_vectors(
    encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, texts: Sequence[str]
) -> np.ndarray:
    """The mean of each text's token vectors, at length 1: shape (n, H)."""
    token_ids = batching.tokenize(texts, tokenizer)
    found = np.empty((len(token_ids), encoder.config.hidden_size), dtype=np.float32)
    with torch.inference_mode():
        for batch in batching.sorted_batches([len(ids) for ids in token_ids], 64):
            rows = [token_ids[i] for i in batch]
            inputs = batching.inputs_of(rows, tokenizer.pad_token_id, encoder)
            hidden = encoder(**inputs).last_hidden_state
            weights = inputs["attention_mask"].unsqueeze(-1).float()
            mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
            found[batch] = torch.nn.functional.normalize(mean, dim=1).cpu().numpy()
    return found


def texts_and_wordings(part: Dataset) -> tuple[list[str], list[str]]:
    """The messages of a part, and the paraphrase of each."""
    return texts_of(part), [rewritten.paraphrase for rewritten in rewritten_of(part)]


def found_first(scores: np.ndarray) -> np.ndarray:
    """For each row of an (n, n) table, whether its own column has the highest score."""
    return scores.argmax(axis=1) == np.arange(len(scores))
