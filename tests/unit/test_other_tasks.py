"""Other heads and scores: equal to the library's, to the known scripts' and to brute force."""

import csv
import re
import string
from collections import Counter
from functools import cache
from itertools import chain, combinations, pairwise

import numpy as np
import pytest
import sacrebleu
import torch
from datasets import Dataset
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch.nn.functional import cross_entropy
from transformers import BertConfig, BertForQuestionAnswering, BertForTokenClassification

from helpers import batching, checkpoints, downloads, other_tasks, training
from helpers.chat import course
from helpers.other_tasks import KINDS, TAGS, Encoded, Question, Span
from helpers.other_tasks.heads import IGNORED, Labelled, padded_labels
from helpers.other_tasks.spans import pieces_of
from tests.unit.small import TINY, config

INBOX, INTENTS = course.load()
PARTS = list(INBOX)
TOKENIZER = checkpoints.load_tokenizer()
NO_DROPOUT = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
TOLERANCE = 1e-6
KEPT = {text for part in PARTS for text in other_tasks.texts_of(INBOX[part])}


def rows_of(name: str) -> list[dict[str, str]]:
    """A file of the course, read by nothing but `csv`."""
    with (downloads.DATA / name).open(encoding="utf8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def tickets() -> dict[str, str]:
    """Text of each kept message by its ticket."""
    kept = {row["ticket"] for row in rows_of("messages_items.csv")}
    rows = rows_of("messages.csv")
    return {row["ticket"]: row["message"].strip() for row in rows if row["ticket"] in kept}


@cache
def all_questions() -> list[Question]:
    """The 1,058 questions."""
    return [q for part in PARTS for q in other_tasks.questions_of(INBOX[part])]


def small(kind: str):
    """A BERT of one narrow layer with random weights in which words matter, under a head."""
    torch.manual_seed(3)
    head = {"tokens": BertForTokenClassification, "answers": BertForQuestionAnswering}[kind]
    labels = {"num_labels": len(TAGS) if kind == "tokens" else 2}
    model = head(BertConfig(**TINY, **NO_DROPOUT, **labels))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(6 if parameter.dim() > 1 else 1)
    checkpoints.remember(model, precision="fp32", max_length=256)
    return model.eval()


@cache
def examples(kind: str, part: str = "validation") -> list[Encoded]:
    """A part of the messages, or the questions about it, as a model reads them."""
    if kind == "tokens":
        return other_tasks.encode_spans(TOKENIZER, INBOX[part])
    questions = other_tasks.questions_of(INBOX[part])
    return [place.encoded for place in other_tasks.encode_questions(TOKENIZER, questions)]


LOSSES = {"tokens": other_tasks.tag_losses, "answers": other_tasks.answer_losses}


def library_loss(model, kind: str, batch: list[Encoded]) -> torch.Tensor:
    """What the library's own heads say of a padded batch with labels."""
    ids = [row.input_ids for row in batch]
    inputs = batching.inputs_of(ids, TOKENIZER.pad_token_id, model, multiple_of=4)
    if kind == "tokens":
        labels = torch.full_like(inputs["input_ids"], IGNORED)
        for row, one in zip(labels, batch, strict=True):
            row[: len(one.labels)] = torch.tensor(one.labels)
        return model(**inputs, labels=labels).loss
    first, last = torch.tensor([row.labels for row in batch]).T
    return model(**inputs, start_positions=first, end_positions=last).loss


def gradients(model, loss) -> dict[str, torch.Tensor]:
    model.zero_grad()
    loss.backward()
    return {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}


# ---------------------------------------------------------------- spans and tags


@st.composite
def marked(draw) -> tuple[str, list[Span]]:
    """A text, and spans of whole words that do not overlap, in their order."""
    pieces = st.sampled_from(["pans", "é", "12", ".", "€", "don", "'", "❤", "\x97", "x_1"])
    gaps = st.sampled_from([" ", "  ", "\n", ""])
    text = "".join(draw(pieces) + draw(gaps) for _ in range(draw(st.integers(0, 12))))
    words = other_tasks.words_of(text)
    found, at = [], 0
    while at < len(words):
        length = draw(st.integers(0, 3))
        inside = words[at : at + length]
        if inside:
            found.append(Span(inside[0][1], inside[-1][2], draw(st.sampled_from(KINDS))))
        at += max(1, length)
    return text, found


@given(marked())
def test_spans_become_tags_and_tags_the_same_spans(case):
    text, spans = case
    tags = other_tasks.tags_of(text, spans)
    assert len(tags) == len(other_tasks.words_of(text))
    assert other_tasks.spans_from(text, tags) == spans


@example("é-mail ❤\ufe0f: 5 €, x_1\n")
@given(st.text())
def test_words_are_all_of_a_text_but_its_spaces(text):
    words = other_tasks.words_of(text)
    assert "".join(word for word, _, _ in words) == "".join(text.split())
    assert all(text[start:end] == word for word, start, end in words)
    assert all(one[2] <= other[1] for one, other in pairwise(words))


@pytest.mark.parametrize(("start", "end", "shown"), [(1, 4, "ans"), (0, 3, "pan"), (0, 5, "pans ")])
def test_a_span_that_is_not_made_of_whole_words_is_shown(start, end, shown):
    with pytest.raises(ValueError, match=rf"^'{shown}' \({start} to {end}\) is not made of whole"):
        other_tasks.tags_of("pans cost 5 euros", [Span(start, end, "product")])


@pytest.mark.parametrize("max_length", [256, 12])
@pytest.mark.parametrize("part", PARTS)
def test_the_label_of_each_word_stands_at_its_first_token(part, max_length):
    """By the library's own numbers of words; in `validation` and `test` whole and cut."""
    for text, spans in zip(
        other_tasks.texts_of(INBOX[part]), other_tasks.spans_of(INBOX[part]), strict=True
    ):
        tags = other_tasks.tags_of(text, spans)
        found = other_tasks.encode_words(TOKENIZER, text, tags, max_length)
        words = [word for word, _, _ in other_tasks.words_of(text)]
        options = {"truncation": True, "max_length": max_length}
        theirs = TOKENIZER(words, is_split_into_words=True, **options)
        numbers, expected = theirs.word_ids(), []
        for i, word in enumerate(numbers):
            first = word is not None and numbers.index(word) == i
            expected.append(TAGS.index(tags[word]) if first else IGNORED)
        assert found == Encoded(theirs["input_ids"], expected)


def by_the_script(tags: list[str]) -> set[tuple[str, int, int]]:
    """Chunks as the script of CoNLL 2000 and 2003 finds them: `startOfChunk`, `endOfChunk`."""
    found, start, before, kind_before = set(), 0, "O", ""
    for i, tag in enumerate([*tags, "O"]):
        place, _, kind = tag.partition("-")
        if before != "O" and (place in ("B", "O") or kind != kind_before):
            found.add((kind_before, start, i - 1))
        if place != "O" and (place == "B" or before == "O" or kind != kind_before):
            start = i
        before, kind_before = place, kind
    return found


def read_tags(rows: list[list[str]]) -> list[list[Span]]:
    return [other_tasks.spans_from(" ".join("w" * len(row)), row) for row in rows]


tagged = st.lists(st.tuples(*[st.sampled_from(TAGS[:5])] * 2), max_size=9)


@given(st.lists(tagged, max_size=3), st.sampled_from([None, *KINDS]))
def test_f1_of_spans_is_that_of_the_conll_script(texts, kind):
    expected, found = ([[pair[i] for pair in text] for text in texts] for i in (0, 1))
    chunks = [
        {(row, *chunk) for row, tags in enumerate(rows) for chunk in by_the_script(tags)}
        for rows in (expected, found)
    ]
    wanted, given_ = ({c for c in own if kind in (None, c[1])} for own in chunks)
    counts = len(wanted & given_), len(given_), len(wanted)
    spans = read_tags(expected), read_tags(found)
    assert other_tasks.span_counts(*spans, kind) == counts
    f1 = 2 * counts[0] / (counts[1] + counts[2]) if counts[1] + counts[2] else 0
    assert other_tasks.span_f1(*spans, kind) == pytest.approx(f1)


# One letter per word: B-order, I-order, B-product, …; the numbers are those that seqeval 1.2.2
# gave in its default mode.
LETTERS = dict(zip("OBbPpAaDd", TAGS, strict=True))
SEQEVAL = [
    (["OPpO", "DdO"], ["OPpO", "DOO"], 0.5),
    (["PpPp"], ["Pppp"], 0.0),
    (["OpdD"], ["OpdD"], 1.0),
    (["ppO", "Odd"], ["PpO", "ODd"], 1.0),
    (["Pd"], ["PD"], 1.0),
    (["OO"], ["OO"], 0.0),
    (["OAaaBb"], ["OAaOBb"], 0.5),
    (["PpDd", "OOO"], ["pPdD", "OAO"], 0.0),
    (["Bpb"], ["BPB"], 1.0),
]


@pytest.mark.parametrize(("expected", "found", "f1"), SEQEVAL)
def test_f1_of_spans_is_seqeval_s(expected, found, f1):
    spans = [read_tags([[LETTERS[c] for c in row] for row in rows]) for rows in (expected, found)]
    assert other_tasks.span_f1(*spans) == pytest.approx(f1)


def test_words_are_tagged_by_what_they_mostly_are_and_new_ones_are_outside():
    tag_of = other_tasks.most_frequent_tags(INBOX["train"])
    counts = Counter()
    for text, spans in zip(
        other_tasks.texts_of(INBOX["train"]), other_tasks.spans_of(INBOX["train"]), strict=True
    ):
        for span in spans:
            counts[text[span.start : span.end].lower()] += span.kind == "product"
    assert counts["kettle"] and tag_of["kettle"] == "B-product" and tag_of["the"] == "O"
    spans = other_tasks.look_up_spans(tag_of, ["The KETTLE frobnicates", ""])
    assert spans == [[Span(4, 10, "product")], []]


# ---------------------------------------------------------------- losses and training


@pytest.mark.parametrize("kind", LOSSES)
def test_losses_and_gradients_are_the_library_s(kind):
    """On real messages of several lengths, so that there is padding."""
    model, batch = small(kind), examples(kind)[:8]
    assert len({len(row.input_ids) for row in batch}) > 3
    task = Labelled(TOKENIZER, batch, batch, config(), LOSSES[kind])
    task.network(model)
    rows = task.rows(model, list(range(len(batch))))
    ours, theirs = task.loss(rows, []), library_loss(model, kind, batch)
    assert ours.item() == pytest.approx(theirs.item(), abs=TOLERANCE)
    counts = [sum(label != IGNORED for label in row.labels) for row in batch]
    assert rows[:, 1].tolist() == (counts if kind == "tokens" else [1] * len(batch))
    found, expected = gradients(model, ours), gradients(model, theirs)
    assert found.keys() == expected.keys()
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, atol=TOLERANCE), name
    assert max(float(gradient.abs().max()) for gradient in expected.values()) > 1e-3


def test_every_label_counts_alike_however_many_its_text_has():
    """Two texts of 1 and of many words, each alone and unpadded, against the batch of both."""
    texts = ["Hello", other_tasks.texts_of(INBOX["validation"])[1]]
    tags = [["B-date"], None]
    model = small("tokens")
    batch = [other_tasks.encode_words(TOKENIZER, *pair) for pair in zip(texts, tags, strict=True)]
    logits, labels = [], []
    for row in batch:
        logits.append(model(input_ids=torch.tensor([row.input_ids])).logits[0])
        labels.append(torch.tensor(row.labels))
    picked = [own != IGNORED for own in labels]
    alone = torch.cat([x[chosen] for x, chosen in zip(logits, picked, strict=True)])
    wanted = torch.cat([x[chosen] for x, chosen in zip(labels, picked, strict=True)])
    assert picked[0].sum() == 1 < 5 < picked[1].sum()
    expected = gradients(model, cross_entropy(alone, wanted))
    task = Labelled(TOKENIZER, batch, batch, config(), other_tasks.tag_losses)
    task.network(model)
    found = gradients(model, task.loss(task.rows(model, [0, 1]), []))
    for name, gradient in expected.items():
        assert torch.allclose(found[name], gradient, atol=1e-5), name


def test_labels_of_a_batch_are_padded_for_tokens_and_left_alone_for_answers():
    tokens = [Encoded([101, 7, 102], [IGNORED, 4, IGNORED]), Encoded([101, 102], [IGNORED] * 2)]
    assert padded_labels(tokens, 4).tolist() == [[IGNORED, 4, IGNORED, IGNORED], [IGNORED] * 4]
    assert padded_labels(tokens[1:], 4).tolist() == [[IGNORED] * 4]
    ends = [Encoded([101, 5, 102, 6, 102], [3, 3]), Encoded([101, 5, 102], [0, 0])]
    assert padded_labels(ends, 8).tolist() == [[3, 3], [0, 0]]


def hand_written(model, kind: str, rows: list[Encoded], chosen: training.TrainingConfig) -> None:
    """The loop of notebook 04 with the library's loss, in a few lines."""
    optimizer = training.make_optimizer(model, chosen)
    lengths, step = [len(row.input_ids) for row in rows], 0
    steps = chosen.epochs * -(-len(rows) // chosen.batch_size)
    model.train()
    for epoch in range(chosen.epochs):
        for batch in batching.bucketed(lengths, chosen.batch_size, (chosen.seed, epoch)):
            library_loss(model, kind, [rows[i] for i in batch]).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), chosen.max_grad_norm)
            for group in optimizer.param_groups:
                group["lr"] = training.learning_rate_at(step, steps, chosen)
            optimizer.step()
            optimizer.zero_grad()
            step += 1
    model.eval()


@pytest.mark.parametrize("kind", LOSSES)
def test_learning_is_the_loop_written_by_hand_and_lowers_the_loss(kind):
    rows, chosen = examples(kind)[:40], config(epochs=3, best_metric="epoch")
    model, other = small(kind), small(kind)
    run = other_tasks.learn(model, TOKENIZER, rows, rows[:9], LOSSES[kind], chosen)
    hand_written(other, kind, rows, chosen)
    for (name, found), expected in zip(
        model.state_dict().items(), other.state_dict().values(), strict=True
    ):
        assert torch.allclose(found, expected, atol=1e-4), name
    history = [row["validation_loss"] for row in run.rows]
    assert history[-1] < history[0] - 0.01
    assert not model.training


@pytest.mark.parametrize("kind", LOSSES)
def test_the_validation_loss_is_the_mean_over_all_labels(kind):
    """More rows than are computed at once; the epoch with the lowest one stays by itself."""
    model, rows = small(kind), examples(kind)[:40]
    task = Labelled(TOKENIZER, rows, rows, config(), LOSSES[kind])
    task.network(model)
    found = task.evaluate(model)["validation_loss"]
    counts = [sum(x != IGNORED for x in row.labels) if kind == "tokens" else 1 for row in rows]
    with torch.no_grad():
        batches = batching.in_batches(range(len(rows)), 32)
        losses = [library_loss(model, kind, [rows[i] for i in batch]) for batch in batches]
        weights = [sum(counts[i] for i in batch) for batch in batches]
    expected = sum(float(x) * w for x, w in zip(losses, weights, strict=True)) / sum(weights)
    assert found == pytest.approx(expected, abs=1e-5)
    run = other_tasks.learn(model, TOKENIZER, rows[:4], rows[:2], LOSSES[kind])
    assert run.config.best_metric == "validation_loss"


def test_other_rows_and_other_labels_are_other_data():
    rows = examples("tokens")
    swapped = [Encoded(rows[0].input_ids, [0, *rows[0].labels[1:]]), *rows[1:]]
    prints = [
        Labelled(TOKENIZER, part, rows, config(), other_tasks.tag_losses).fingerprints()
        for part in (rows, rows[1:], swapped)
    ]
    assert len({found["training part"] for found in prints}) == 3
    assert len({found["validation part"] for found in prints}) == 1


# ---------------------------------------------------------------- a checkpoint under a new head


def test_labels_of_tokens_need_names():
    with pytest.raises(ValueError, match="needs label_names"):
        checkpoints.load_with_head("tokens")


@pytest.mark.parametrize("empty", ["training", "validation"])
def test_an_empty_part_is_refused_by_name(empty):
    rows = examples("tokens")
    parts = [[] if name == empty else rows for name in ("training", "validation")]
    model = checkpoints.load_with_head("tokens", label_names=TAGS)[1]
    with pytest.raises(training.TrainingError, match=f"the {empty} part holds no example"):
        other_tasks.learn(model, TOKENIZER, *parts, other_tasks.tag_losses)


def test_an_unknown_head_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="kind is 'pairs'; choose tokens or answers"):
        checkpoints.load_with_head("pairs")


@pytest.mark.parametrize(("kind", "names"), [("tokens", TAGS), ("answers", ())])
def test_only_the_head_comes_from_the_seed_and_the_global_generator_stays(kind, names):
    torch.manual_seed(5)
    before = torch.get_rng_state()
    states = [
        checkpoints.load_with_head(kind, label_names=names, seed=seed)[1].state_dict()
        for seed in (0, 1, 0)
    ]
    assert torch.equal(torch.get_rng_state(), before)
    one, other, again = states
    changed = {name for name in one if not torch.equal(one[name], other[name])}
    head = "classifier.weight" if kind == "tokens" else "qa_outputs.weight"
    assert changed == {head}
    assert all(torch.equal(one[name], again[name]) for name in one)
    encoder = checkpoints.load_encoder().state_dict()
    shared = [name for name in encoder if f"bert.{name}" in one]
    assert len(shared) > 50
    assert all(torch.equal(encoder[name], one[f"bert.{name}"]) for name in shared)


def test_a_head_for_tokens_knows_the_names_of_its_labels():
    _, model = checkpoints.load_with_head("tokens", label_names=TAGS)
    assert model.config.id2label == dict(enumerate(TAGS)) and not model.training
    assert model.config.label2id == {name: i for i, name in enumerate(TAGS)}
    assert model.classifier.out_features == 9
    assert checkpoints.load_with_head("answers")[1].qa_outputs.out_features == 2


# ---------------------------------------------------------------- what a model says


@pytest.mark.parametrize("kind", LOSSES)
def test_outputs_do_not_depend_on_order_or_company(kind):
    model, rows = small(kind).train(), examples(kind)[:40]
    together = other_tasks.outputs_of(model, TOKENIZER, rows)
    backwards = other_tasks.outputs_of(model, TOKENIZER, rows[::-1])[::-1]
    assert model.training
    for row, found, same in zip(rows, together, backwards, strict=True):
        (alone,) = other_tasks.outputs_of(model, TOKENIZER, [row])
        assert found.keys() == same.keys() == alone.keys()
        assert ("logits" in found) == (kind == "tokens")
        for name, values in alone.items():
            assert len(values) == len(row.input_ids)
            assert torch.allclose(values, found[name], atol=1e-4)
            assert torch.allclose(values, same[name], atol=1e-4)


def test_spans_and_answers_are_the_same_alone_and_among_others():
    texts, model = other_tasks.texts_of(INBOX["validation"])[:20], small("tokens")
    spans = other_tasks.find_spans(model, TOKENIZER, texts)
    assert sum(map(len, spans)) > 20
    assert spans == [other_tasks.find_spans(model, TOKENIZER, [text])[0] for text in texts]
    assert spans[::-1] == other_tasks.find_spans(model, TOKENIZER, texts[::-1])
    questions, model = other_tasks.questions_of(INBOX["validation"])[:20], small("answers")
    answers = other_tasks.answer(model, TOKENIZER, questions)
    assert any(answers)
    assert all(found in q.text for found, q in zip(answers, questions, strict=True))
    assert answers == [other_tasks.answer(model, TOKENIZER, [one])[0] for one in questions]
    assert answers[::-1] == other_tasks.answer(model, TOKENIZER, questions[::-1])


def test_a_word_without_a_token_does_not_move_the_spans_behind_it():
    """A control character, or the sign that makes an emoji of a heart: the tokenizer drops them."""
    model = small("tokens")
    for text in other_tasks.texts_of(INBOX["validation"])[:9]:
        (plain,) = other_tasks.find_spans(model, TOKENIZER, [text])
        for lost in ("\x97", "\ufe0f"):
            (found,) = other_tasks.find_spans(model, TOKENIZER, [f"{lost} {text}"])
            assert found == [Span(s.start + 2, s.end + 2, s.kind) for s in plain]


def test_words_that_a_model_does_not_read_are_outside():
    (long,) = [t for t in KEPT if len(other_tasks.words_of(t)) > 256]
    read = [word for word in pieces_of(TOKENIZER, long)[1] if word is not None]
    spans = other_tasks.spans_read(TOKENIZER, long, ["B-date"] * len(read))
    assert spans == [Span(*place[1:], "date") for place in other_tasks.words_of(long)[: len(read)]]
    assert len(read) < len(other_tasks.words_of(long))
    assert other_tasks.find_spans(small("tokens"), TOKENIZER, [""]) == [[]]


def test_vectors_of_texts_and_words_are_those_of_each_text_alone():
    encoder = checkpoints.load_encoder(num_hidden_layers=1)
    texts = other_tasks.texts_of(INBOX["validation"])[:12]
    found = other_tasks.sentence_vectors(encoder, TOKENIZER, texts)
    rows = other_tasks.word_vectors(encoder, TOKENIZER, examples("tokens")[:12])
    for text, vector, own, row in zip(texts, found, rows, examples("tokens"), strict=False):
        with torch.no_grad():
            whole = encoder(**TOKENIZER(text, return_tensors="pt")).last_hidden_state[0]
            hidden = encoder(input_ids=torch.tensor([row.input_ids])).last_hidden_state[0]
        mean = whole.mean(dim=0)
        assert np.allclose(vector, (mean / mean.norm()).numpy(), atol=1e-4)
        firsts = [i for i, label in enumerate(row.labels) if label != IGNORED]
        assert np.allclose(own, hidden[firsts].numpy(), atol=1e-4)
        assert len(own) == len(other_tasks.words_of(text))


def test_found_first_is_a_row_s_own_column():
    table = np.array([[3.0, 1, 2], [5, 4, 0], [0, 1, 9]])
    assert other_tasks.found_first(table).tolist() == [True, False, True]


# ---------------------------------------------------------------- answers in a text


def said_by(place, text: str) -> str:
    """What the labels of an encoded question point to; "" for the first token."""
    first, last = place.encoded.labels
    if (first, last) == (0, 0):
        return ""
    return text[place.characters[first][0] : place.characters[last][1]]


def test_the_labels_of_every_question_give_back_its_answer():
    questions = all_questions()
    assert len(questions) == 1058
    for one, place in zip(
        questions, other_tasks.encode_questions(TOKENIZER, questions), strict=True
    ):
        assert said_by(place, one.text) == one.answer, one
        ids, types = place.encoded.input_ids, place.encoded.input_ids.types
        assert len(ids) == len(place.characters) == len(types) <= 256
        asked = TOKENIZER(one.question)["input_ids"]
        assert ids[: len(asked)] == asked and not any(place.characters[: len(asked)])
        assert types == [0] * len(asked) + [1] * (len(ids) - len(asked))


@pytest.mark.parametrize("max_length", [32, 40])
def test_an_answer_that_is_cut_away_is_none(max_length):
    cut = 0
    questions = all_questions()
    places = other_tasks.encode_questions(TOKENIZER, questions, max_length)
    for one, place in zip(questions, places, strict=True):
        read = max(c[1] for c in place.characters if c)
        there = one.start is not None and one.start + len(one.answer) <= read
        assert said_by(place, one.text) == (one.answer if there else ""), one
        cut += one.start is not None and not there
    assert cut > 5


@st.composite
def pointed(draw):
    """Logits of T tokens of which those from 1 to some are the question, and the longest answer."""
    asked, read = draw(st.integers(1, 4)), draw(st.integers(0, 8))
    total = asked + read + 3
    seed, shift = draw(st.integers(0, 10**6)), draw(st.sampled_from([-2.0, 0.0, 2.0]))
    start, end = torch.randn(2, total, generator=torch.Generator().manual_seed(seed))
    start[0] += shift
    characters = [None] * (asked + 2) + [(3 * i, 3 * i + 2) for i in range(read)] + [None]
    return start, end, characters, draw(st.integers(1, 9))


@settings(max_examples=300)
@given(pointed())
def test_the_best_span_is_that_of_brute_force(case):
    """Every pair of tokens is tried; those that end early, are too long or leave the text lose."""
    start, end, characters, longest = case
    scores = {None: float(start[0] + end[0])}
    for first, begin in enumerate(characters):
        for last, stop in enumerate(characters):
            if begin and stop and first <= last < first + longest:
                scores[begin[0], stop[1]] = float(start[first] + end[last])
    found = other_tasks.best_span(*case)
    assert found == max(scores, key=scores.get)
    assert found is None or found[0] < found[1]


def test_a_certain_model_cannot_point_into_the_question_or_backwards():
    characters = [None, None, None, (0, 4), (5, 9), None]
    start, end = torch.tensor([[0.0, 99, 0, 1, 9, 99], [0.0, 99, 0, 9, 1, 99]])
    assert other_tasks.best_span(start, end, characters) in ((0, 4), (0, 9), (5, 9))
    assert other_tasks.best_span(start, end, characters) == (0, 4)
    start[0] = end[0] = 9
    assert other_tasks.best_span(start, end, characters) is None


def normalize_answer(text: str) -> str:
    """As in SQuAD's evaluate-v2.0.py."""
    text = "".join(ch for ch in text.lower() if ch not in set(string.punctuation))
    return " ".join(re.sub(re.compile(r"\b(a|an|the)\b", re.UNICODE), " ", text).split())


def compute_f1(gold: str, found: str) -> float:
    """As there."""
    gold_tokens, found_tokens = normalize_answer(gold).split(), normalize_answer(found).split()
    same = sum((Counter(gold_tokens) & Counter(found_tokens)).values())
    if len(gold_tokens) == 0 or len(found_tokens) == 0:
        return int(gold_tokens == found_tokens)
    if same == 0:
        return 0
    precision, recall = same / len(found_tokens), same / len(gold_tokens)
    return 2 * precision * recall / (precision + recall)


ANSWERS = [
    ("The red lamp", "a red lamp.", True, 1.0),
    ("RED  lamp", "red lamp", True, 1.0),
    ("e-reader", "ereader", True, 1.0),
    ("don't", "dont", True, 1.0),
    ("12.50 euros", "1250 euros", True, 1.0),
    ("e-reader", "e reader", False, 0.0),
    ("two lamps and two cups", "two cups", False, 4 / 7),
    ("two two", "two", False, 2 / 3),
    ("two two", "two two two", False, 4 / 5),
    ("", "", True, 1.0),
    ("", "the", True, 1.0),
    ("", "lamp", False, 0.0),
    ("a another", "another", True, 1.0),
]


@pytest.mark.parametrize(("found", "expected", "exact", "f1"), ANSWERS)
def test_answers_are_compared_by_words_without_articles_case_and_punctuation(
    found, expected, exact, f1
):
    for pair in ((found, expected), (expected, found)):
        assert other_tasks.exact_match(*pair) == exact
        assert other_tasks.token_f1(*pair) == pytest.approx(f1)


phrases = st.lists(
    st.sampled_from(["the", "a", "An", "Lamp", "lamp", "e-", "12.5", "€", "–", "don't", "ĉ", "\n"])
).map(" ".join) | st.text(max_size=12)


@given(phrases, phrases)
def test_answers_are_scored_as_by_squad_s_script(found, expected):
    same = normalize_answer(found) == normalize_answer(expected)
    assert other_tasks.exact_match(found, expected) == same
    assert other_tasks.token_f1(found, expected) == pytest.approx(compute_f1(expected, found))


def test_the_part_with_the_most_words_of_the_question_is_found():
    text = "Hello! My lamp broke on Monday, and the shop is closed. Thanks"
    ask = Question(text, "When did the lamp break on?", "", None)
    assert other_tasks.word_overlap(ask) == "My lamp broke on Monday"
    assert other_tasks.word_overlap(ask._replace(question="Who wrote?")) == ""


# ---------------------------------------------------------------- how much of a text is in another

ALPHABET = st.sampled_from("abcAB 01.,'éĉŭ漢ß\u00a0\n")
short = st.text(ALPHABET, max_size=30)
worded = st.lists(st.sampled_from(["la", "kato", "ĉevalo", "n", "a,", "."]), max_size=9).map(
    " ".join
)
pairs = st.lists(st.tuples(worded, worded) | st.tuples(short, short), min_size=1, max_size=4)


def divided(texts: list[tuple[str, str]]) -> tuple[list[str], list[str]]:
    return [found for found, _ in texts], [expected for _, expected in texts]


@settings(max_examples=200)
@example([("la kato vidas la ĉevalon nun", "la kato vidas la ĉevalon")])
@given(pairs)
def test_bleu_is_sacrebleu_s(texts):
    found, expected = divided(texts)
    theirs = sacrebleu.BLEU(tokenize="none", smooth_method="none").corpus_score(found, [expected])
    assert other_tasks.bleu(found, expected) == pytest.approx(theirs.score, abs=1e-6)


@settings(max_examples=200)
@example([("la kato vidas la ĉevalon nun", "la kato vidas la ĉevalon"), ("", "ĝi"), ("a", "")])
@given(pairs)
def test_chrf_is_sacrebleu_s(texts):
    found, expected = divided(texts)
    theirs = sacrebleu.CHRF().corpus_score(found, [expected]).score
    assert other_tasks.chrf(found, expected) == pytest.approx(theirs, abs=1e-6)


def test_both_are_sacrebleu_s_on_the_translations():
    """Word for word from one sentence to the next: partly right, so that no score is 0 or 100."""
    expected = other_tasks.sentences()["test"]["answer"][:]
    found = expected[1:] + expected[:1]
    found = found[:60] + expected[60:]
    bleu = sacrebleu.BLEU(tokenize="none", smooth_method="none").corpus_score(found, [expected])
    chrf = sacrebleu.CHRF().corpus_score(found, [expected])
    assert 20 < bleu.score < 90 and 20 < chrf.score < 90
    assert other_tasks.bleu(found, expected) == pytest.approx(bleu.score)
    assert other_tasks.chrf(found, expected) == pytest.approx(chrf.score)


# With the F1 of ROUGE-1, -2 and -L that rouge-score 0.1.2 gave, without stemming.
ROUGE = [
    ("Refund for a broken lamp", "Broken lamp: refund not received", [0.6, 0.25, 0.4]),
    (
        "The app asks for my old password",
        "App keeps asking for an old password",
        [0.571429, 0.166667, 0.571429],
    ),
    ("it's 2.50 €, isn't it?", "It is 2.50 euros", [0.5, 0.2, 0.5]),
    ("La ĉevalo vidas la aŭton", "La ĉevaloj vidis la aŭtojn", [0.5, 0.2, 0.5]),
    ("the cat the cat the mat", "the mat the cat", [0.8, 0.5, 0.6]),
    ("one", "two", [0.0, 0.0, 0.0]),
    ("", "something", [0.0, 0.0, 0.0]),
    ("delivery", "Delivery", [1.0, 0.0, 1.0]),
]


@pytest.mark.parametrize(("found", "expected", "scores"), ROUGE)
def test_rouge_is_that_of_the_rouge_score_package(found, expected, scores):
    ours = [other_tasks.rouge(found, expected, n) for n in (1, 2, None)]
    assert ours == pytest.approx(scores, abs=1e-6)


def subsequences(words: list[str]) -> set[tuple[str, ...]]:
    """All of them, by brute force."""
    return {c for n in range(len(words) + 1) for c in combinations(words, n)}


few_words = st.lists(st.sampled_from(["a", "b", "C", "c", "é"]), max_size=6)


@given(few_words, few_words, st.sampled_from([1, 2, 3, None]))
def test_rouge_is_brute_force(found, expected, n):
    """Runs are struck out one by one; for ROUGE-L all subsequences are compared."""
    given_, wanted = (["".join(w.split("é")).lower() for w in row] for row in (found, expected))
    given_, wanted = ([w for w in row if w] for row in (given_, wanted))
    if n is None:
        common = max(map(len, subsequences(given_) & subsequences(wanted)))
        assert other_tasks.longest_common(given_, wanted) == common
    else:
        given_, wanted = (
            [row[i : i + n] for i in range(len(row) - n + 1)] for row in (given_, wanted)
        )
        left = list(wanted)
        common = sum(1 for run in given_ if run in left and not left.remove(run))
    precision, recall = common / max(1, len(given_)), common / max(1, len(wanted))
    f1 = 2 * precision * recall / (precision + recall) if common else 0
    score = other_tasks.rouge(" ".join(found), " ".join(expected), n)
    assert score == pytest.approx(f1)


# ---------------------------------------------------------------- pairs, sentences, conversations


@pytest.mark.parametrize("same_label", [True, False])
@pytest.mark.parametrize("part", PARTS)
def test_pairs_are_a_message_with_its_own_wording_and_with_another_s(part, same_label):
    rows = INBOX[part]
    texts, wordings = other_tasks.texts_and_wordings(rows)
    own, label_of = (
        dict(zip(texts, wordings, strict=True)),
        dict(zip(texts, rows["label"], strict=True)),
    )
    of_wording = {wording: text for text, wording in own.items()}
    assert len(of_wording) == len(own) == len(texts)
    found = other_tasks.pairs_of(rows, seed=1, same_label=same_label)
    assert found["label"][:] == [1, 0] * len(texts) and found["text"][:] == [
        t for t in texts for _ in "12"
    ]
    for text, wording, label in zip(found["text"], found["text_pair"], found["label"], strict=True):
        other = of_wording[wording]  # both are of this part
        assert (other == text) == (label == 1)
        if label == 0:
            assert (label_of[other] == label_of[text]) == same_label


def test_the_same_seed_gives_the_same_pairs_and_another_does_not():
    one, again, other = (
        other_tasks.pairs_of(INBOX["validation"], seed=seed)["text_pair"][:] for seed in (0, 0, 1)
    )
    assert one == again != other and one[::2] == other[::2]


LEXICON = rows_of("esperanto.csv")
NOUNS = {
    row[form]: (row["esperanto"], form == "second", row["english"])
    for row in LEXICON
    for form in ("english", "second")
    if row["kind"] == "noun"
}
VERBS = {
    row[form]: (row["esperanto"][:-1], form)
    for row in LEXICON
    for form in ("english", "second", "third")
    if row["kind"] == "verb"
}
OTHERS = {row["english"]: row for row in LEXICON if row["kind"] in ("adjective", "number")}


def translated(english: str) -> str:
    """By the eight rules of the card, from the English words alone, from left to right."""
    words, found, after_verb = english.split(), [], False
    for i, word in enumerate(words):
        if word in VERBS:
            stem, form = VERBS[word]
            mood = "os" if words[i - 1] == "will" else {"third": "is"}.get(form, "as")
            found.append(stem + mood)
            after_verb = True
        elif word == "the":
            found.append("la")
        elif word in NOUNS or OTHERS.get(word, {}).get("kind") == "adjective":
            noun = next(w for w in words[i:] if w in NOUNS)
            form = NOUNS[word][0] if word in NOUNS else OTHERS[word]["esperanto"]
            found.append(form + "j" * NOUNS[noun][1] + "n" * after_verb)
        elif word in OTHERS:
            found.append(OTHERS[word]["esperanto"])
        else:
            assert word in ("a", "an", "will")
    return " ".join(found)


def test_translations_follow_the_rules():
    plural_objects = 0
    for rows in other_tasks.sentences().values():
        for english, esperanto in zip(rows["text"], rows["answer"], strict=True):
            assert esperanto == translated(english), english
            plural_objects += esperanto.endswith("jn")
    assert plural_objects > 100


def test_the_english_agrees_with_itself():
    for rows in other_tasks.sentences().values():
        for english in rows["text"]:
            words = english.split()
            at = next(i for i, word in enumerate(words) if word in VERBS)
            subject = next(word for word in words if word in NOUNS)
            form, plural = VERBS[words[at]][1], NOUNS[subject][1]
            if words[at - 1] != "will" and form != "third":
                assert form == ("english" if plural else "second"), english
            assert words[at - 1] != "will" or form == "english"
            for i, (word, following) in enumerate(pairwise(words)):
                if word in ("a", "an"):
                    assert (word == "an") == (following[0] in "aeiou"), english
                    noun = next(w for w in words[i:] if w in NOUNS)
                    assert not NOUNS[noun][1], english


@pytest.mark.parametrize("seed", [0, 1])
def test_no_sentence_stands_twice_and_every_word_is_known_from_training(seed):
    parts = other_tasks.sentences(seed)
    sizes = {"train": 400, "validation": 60, "test": 120, "new role": 60}
    assert {name: len(rows) for name, rows in parts.items()} == sizes
    for column in ("text", "answer"):
        every = [text for rows in parts.values() for text in rows[column]]
        assert len(set(every)) == len(every)
    known = {word for text in parts["train"]["text"] for word in text.split()}
    for rows in parts.values():
        assert not {word for text in rows["text"] for word in text.split()} - known


@pytest.mark.parametrize("seed", [0, 1])
def test_four_nouns_are_objects_only_where_the_role_is_new(seed):
    parts = other_tasks.sentences(seed)
    objects = {
        name: {NOUNS[text.split()[-1]][2] for text in rows["text"]} for name, rows in parts.items()
    }
    only = set(other_tasks.ONLY_SUBJECTS)
    assert objects["new role"] == only
    assert not only & (objects["train"] | objects["validation"] | objects["test"])
    subjects = {
        NOUNS[next(w for w in text.split() if w in NOUNS)][2] for text in parts["train"]["text"]
    }
    assert only <= subjects
    assert parts["train"]["text"][:] == other_tasks.sentences(seed)["train"]["text"][:]


def test_conversations_of_training_and_test_share_no_message():
    found = {part: other_tasks.conversations(INBOX, part) for part in [*PARTS, "new role"]}
    assert set(found["new role"]) == {"translate"}
    asked = {}
    for part, tasks in found.items():
        if part != "new role":
            assert set(tasks) == {"translate", "answer", "subject", "polite"}
        for task, rows in tasks.items():
            for system, user, assistant in rows["messages"]:
                assert system["content"] == other_tasks.SYSTEM[task]
                assert user["content"].strip() and assistant["content"].strip()
                text = (
                    user["content"].partition("\n\nQuestion: ")[0]
                    if task == "answer"
                    else user["content"]
                )
                asked.setdefault(part, set()).add(text)
    for one, other in combinations(asked, 2):
        assert not asked[one] & asked[other]
    assert sum(len(own & KEPT) for own in asked.values()) == 529
    questions = other_tasks.questions_of(INBOX["test"])
    answers = [row[-1]["content"] for row in found["test"]["answer"]["messages"]]
    assert answers == [q.answer or other_tasks.NO_ANSWER for q in questions]


# ---------------------------------------------------------------- the files


def test_every_kept_message_finds_its_rows_whichever_copy_is_kept():
    """Of copies and of one text under two tickets, those rows count whose ticket is kept."""
    assert len(KEPT) == len(set(tickets().values())) == len(tickets()) == 529
    assert set(tickets().values()) == KEPT
    spans = {ticket: [] for ticket in tickets()}
    for row in rows_of("messages_spans.csv"):
        spans[row["ticket"]].append(Span(int(row["start"]), int(row["end"]), row["kind"]))
    rewritten = {row["ticket"]: row for row in rows_of("messages_rewritten.csv")}
    part = Dataset.from_dict({"text": [f" {text}\n" for text in tickets().values()]})
    assert other_tasks.spans_of(part) == list(spans.values())
    for ticket, found in zip(tickets(), other_tasks.rewritten_of(part), strict=True):
        assert found._asdict() == {name: rewritten[ticket][name] for name in found._fields}


def test_each_span_is_its_text_at_its_place_and_made_of_whole_words():
    spans = {}
    for row in rows_of("messages_spans.csv"):
        text, start, end = tickets()[row["ticket"]], int(row["start"]), int(row["end"])
        assert text[start:end] == row["text"] and row["kind"] in KINDS, row
        spans.setdefault(row["ticket"], []).append(Span(start, end, row["kind"]))
    for ticket, own in spans.items():
        assert all(one.end <= other.start for one, other in pairwise(own)), ticket
        text = tickets()[ticket]
        assert other_tasks.spans_from(text, other_tasks.tags_of(text, own)) == own, ticket


def test_each_message_has_two_questions_and_each_answer_stands_where_it_says():
    rows = rows_of("messages_questions.csv")
    assert Counter(row["ticket"] for row in rows) == dict.fromkeys(tickets(), 2)
    for row in rows:
        assert row["question"].strip() and (row["answer"] == "") == (row["start"] == ""), row
        if row["start"]:
            start, text = int(row["start"]), tickets()[row["ticket"]]
            assert text[start : start + len(row["answer"])] == row["answer"] != "", row


def test_each_message_is_said_otherwise_once():
    rows = rows_of("messages_rewritten.csv")
    assert sorted(row["ticket"] for row in rows) == sorted(tickets())
    for row in rows:
        assert 2 <= len(row["subject"].split()) <= 7, row
        texts = [row[name].strip() for name in ("subject", "polite", "paraphrase")]
        assert all(texts) and len({*texts, tickets()[row["ticket"]]}) == 4, row


def test_the_words_of_esperanto_end_as_their_kind_and_stand_once():
    assert len(LEXICON) == 51
    ends = {"noun": "o", "verb": "i", "adjective": "a", "number": ""}
    for row in LEXICON:
        assert row["esperanto"].endswith(ends[row["kind"]]), row
        filled = {"noun": "english second", "verb": "english second third"}.get(
            row["kind"], "english"
        )
        assert {name for name, value in row.items() if value} == {
            "kind",
            "esperanto",
            *filled.split(),
        }
    for words in ([row["esperanto"] for row in LEXICON], [*NOUNS, *VERBS, *OTHERS]):
        assert len(set(words)) == len(words)
    forms = [row[form] for row in LEXICON for form in ("english", "second", "third") if row[form]]
    assert len(set(forms)) == len(forms)
    assert Counter(row["kind"] for row in LEXICON) == {
        kind: len(other_tasks.lexicon()[kind]) for kind in ends
    }
    assert set(other_tasks.ONLY_SUBJECTS) <= {row["english"] for row in LEXICON}


# ---------------------------------------------------------------- the cards


def card(name: str) -> str:
    """A card as one line."""
    return " ".join((downloads.DATA / f"{name}.md").read_text(encoding="utf8").split())


def counted(name: str, first: str) -> list[int]:
    """The numbers in the first row of a card's tables that begins so."""
    lines = (downloads.DATA / f"{name}.md").read_text(encoding="utf8").splitlines()
    row = next(line for line in lines if line.startswith(f"| {first} |"))
    return [int(cell) for cell in row.split("|") if cell.strip().isdigit()]


def with_sum(numbers: list[int]) -> list[int]:
    return [*numbers, sum(numbers)]


def test_the_card_counts_the_spans_and_the_questions():
    text = card("messages_more")
    spans = [list(chain(*other_tasks.spans_of(INBOX[part]))) for part in PARTS]
    for kind in KINDS:
        expected = with_sum([sum(s.kind == kind for s in own) for own in spans])
        assert counted("messages_more", f"`{kind}`") == expected
    assert counted("messages_more", "all") == with_sum([len(own) for own in spans])
    without = sum(not own for part in PARTS for own in other_tasks.spans_of(INBOX[part]))
    assert f"{without} of the 529 messages have none" in text
    starts = [[q.start for q in other_tasks.questions_of(INBOX[part])] for part in PARTS]
    answered = [sum(start is not None for start in own) for own in starts]
    assert counted("messages_more", "answered") == with_sum(answered)
    unanswered = [len(own) - n for own, n in zip(starts, answered, strict=True)]
    assert counted("messages_more", "unanswered") == with_sum(unanswered)
    assert all(start is not None for own in starts for start in own[::2])
    lengths = [len(q.answer.split()) for q in all_questions()]
    assert f"{lengths.count(1)} are one word, and the longest has {max(lengths)}" in text
    marked_twice = [int(n) for n in re.search(r"(\d+) and (\d+) spans, (\d+) of", text).groups()]
    f1 = 200 * marked_twice[2] / sum(marked_twice[:2])
    assert f"an F1 of {f1:.1f} %" in text


def test_the_card_of_esperanto_counts_the_words_and_the_sentences():
    text = card("esperanto")
    kinds = Counter(row["kind"] for row in LEXICON)
    said = "{noun} nouns, {verb} verbs, {adjective} adjectives and {number} numbers"
    assert said.format(**kinds) in text and f"from {len(LEXICON)} words" in text
    for part, rows in other_tasks.sentences().items():
        assert re.search(rf"\| {part} \| {len(rows)} \|", text)
    assert all(f"`{noun}`" in text for noun in other_tasks.ONLY_SUBJECTS)
    english, esperanto = re.search(r'"([a-z ]+)" is `([a-zĉĝŝŭ ]+)`\. The sentences', text).groups()
    assert translated(english) == esperanto
