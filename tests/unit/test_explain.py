"""Word scores: equal to captum's and to brute force, and right where the truth is known."""

from functools import cache
from itertools import pairwise, permutations
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from helpers import checkpoints, explain
from helpers.explain import behaviour
from helpers.explain.attributions import attention_layers, rollout_matrix
from helpers.explain.words import lean_of_vectors, pieces

WORDS = ["a", "gorgeous", ",", "unforgettably", "witty", "movie", "."]


@cache
def small():
    """Tokenizer and a classifier of two layers with random weights, in which words do matter."""
    tokenizer, model = checkpoints.load(pretrained=False, num_hidden_layers=2, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(4 if parameter.dim() > 1 else 1)
    return tokenizer, model.eval()


class BagOfWords(nn.Module):
    """Logits 0 and w · (sum of the tokens' vectors): what each word adds is known exactly."""

    def __init__(self, tokenizer) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(tokenizer.vocab_size, 3)
        self.weight = nn.Parameter(torch.randn(3))
        with torch.no_grad():
            self.table.weight[tokenizer.mask_token_id] = 0  # so that a masked word adds nothing
        self.config = SimpleNamespace(num_labels=2, max_position_embeddings=512)
        self.device = torch.device("cpu")

    def get_input_embeddings(self) -> nn.Embedding:
        return self.table

    def forward(self, input_ids=None, attention_mask=None, inputs_embeds=None):
        vectors = self.table(input_ids) if inputs_embeds is None else inputs_embeds
        total = (vectors * attention_mask[..., None]).sum(dim=1) @ self.weight
        return SimpleNamespace(logits=torch.stack([torch.zeros_like(total), total], dim=1))


def truth_of(model: BagOfWords, tokenizer, words: list[str]) -> np.ndarray:
    """What each word of a bag adds."""
    own = [
        model.table(torch.tensor(tokenizer(w, add_special_tokens=False)["input_ids"]))
        for w in words
    ]
    return np.array([float((vectors.sum(dim=0) @ model.weight).detach()) for vectors in own])


def test_on_a_bag_of_words_all_methods_find_what_each_word_adds():
    tokenizer, _ = small()
    model = BagOfWords(tokenizer)
    truth = truth_of(model, tokenizer, WORDS)
    found = explain.gradient_times_input(model, tokenizer, WORDS, 1)
    integrated, gap = explain.integrated_gradients(model, tokenizer, WORDS, 1, steps=3)

    def lean(texts):
        return explain.lean(model, tokenizer, texts)

    for scores in (found, integrated, explain.leave_one_out(lean, WORDS)):
        assert np.allclose(scores, truth, atol=1e-5)
    assert np.allclose(explain.leave_one_out(lean, WORDS, explain.deleted), truth, atol=1e-5)
    assert np.allclose(explain.gradient_times_input(model, tokenizer, WORDS, 0), -truth, atol=1e-5)
    assert abs(gap) < 1e-5


def test_integrated_gradients_are_captums():
    attr = pytest.importorskip("captum.attr")
    tokenizer, model = small()
    own = pieces(model, tokenizer, WORDS)
    baseline = own.ids.clone()
    baseline[0, 1:-1] = tokenizer.mask_token_id

    def leaning(ids):
        logits = model(input_ids=ids, attention_mask=torch.ones_like(ids)).logits
        return logits[:, 1] - logits[:, 0]

    layer = attr.LayerIntegratedGradients(leaning, model.get_input_embeddings())
    theirs = layer.attribute(own.ids, baseline, n_steps=20, method="riemann_middle")
    theirs = theirs[0].sum(dim=-1)[1:-1].detach().numpy()
    ours, _ = explain.integrated_gradients(model, tokenizer, WORDS, 1, steps=20)
    by_word = [theirs[(own.word[1:-1] == w).numpy()].sum() for w in range(len(WORDS))]
    assert np.allclose(ours, by_word, atol=1e-4)
    assert np.abs(ours).max() > 0.01


def test_the_completeness_gap_is_what_lacks_and_becomes_small():
    tokenizer, model = small()
    scores, gap = explain.integrated_gradients(model, tokenizer, WORDS, 1, steps=200)
    few, gap_of_few = explain.integrated_gradients(model, tokenizer, WORDS, 1, steps=1)
    own = pieces(model, tokenizer, WORDS)
    blank = torch.where(own.word[None, :] >= 0, tokenizer.mask_token_id, own.ids)
    with torch.no_grad():
        vectors = torch.cat([model.get_input_embeddings()(ids) for ids in (blank, own.ids)])
        start, end = lean_of_vectors(model, vectors, 1).tolist()
    assert gap == pytest.approx(scores.sum() - (end - start), abs=1e-5)
    assert abs(gap) < 1e-2 * max(1, abs(end - start)) < 1 and abs(gap) < abs(gap_of_few)
    assert len(few) == len(WORDS)


def test_gradients_are_those_of_finite_differences():
    tokenizer, model = small()
    own = pieces(model, tokenizer, WORDS)
    model = model.double()
    try:
        vectors, step = own.vectors.double(), 1e-3
        with torch.no_grad():
            up, down = (
                lean_of_vectors(model, vectors * torch.where(own.word == 1, 1 + s, 1)[:, None], 1)
                for s in (step, -step)
            )
    finally:
        model.float()
    expected = float((up - down) / (2 * step))
    found = explain.gradient_times_input(model, tokenizer, WORDS, 1)[1]
    assert found == pytest.approx(expected, rel=5e-3, abs=1e-3)
    lengths = explain.gradient(model, tokenizer, WORDS, 1)
    assert (lengths > 0).all() and np.allclose(
        lengths, explain.gradient(model, tokenizer, WORDS, 0)
    )


@pytest.mark.parametrize("remove", [explain.masked, explain.deleted])
def test_leave_one_out_asks_for_each_sentence_without_one_word(remove):
    values = {"a": 1.0, "b": -2.0, "c": 4.0, "[MASK]": 0.5}

    def score(texts):
        return np.array([sum(values[word] for word in text.split()) for text in texts])

    words = ["a", "b", "c"]
    expected = [score(["a b c"])[0] - score([remove(words, {i})])[0] for i in range(3)]
    assert np.allclose(explain.leave_one_out(score, words, remove), expected)


def test_attention_and_rollout_rows_add_up_to_one():
    tokenizer, model = small()
    own = pieces(model, tokenizer, WORDS)
    layers = attention_layers(model, own.ids)
    assert len(layers) == 2
    for rows in (*layers, rollout_matrix(layers)):
        assert torch.allclose(rows.sum(dim=1), torch.ones(len(own.word)), atol=1e-5)
    for scores in (f(model, tokenizer, WORDS) for f in (explain.attention, explain.rollout)):
        assert len(scores) == len(WORDS) and (scores >= 0).all() and 0 < scores.sum() < 1


def test_rollout_by_hand_on_three_tokens():
    one = torch.tensor([[0.0, 1.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    two = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert torch.allclose(rollout_matrix([one, two])[0], torch.tensor([0.25, 0.25, 0.5]))


@given(values=st.lists(st.floats(-9, 9), min_size=8, max_size=8))
def test_shapley_values_are_means_over_all_orders_of_arrival(values):
    expected = np.zeros(3)
    for order in permutations(range(3)):
        subset = 0
        for word in order:
            expected[word] += (values[subset | 1 << word] - values[subset]) / 6
            subset |= 1 << word
    assert np.allclose(explain.shapley(values), expected)
    assert explain.shapley(values).sum() == pytest.approx(values[-1] - values[0], abs=1e-9)


def probability_of_bag(texts):
    """A planted model: only “good” and “bad” count."""
    sums = [text.split().count("good") - text.split().count("bad") for text in texts]
    return 1 / (1 + np.exp(-2.0 * np.array(sums)))


def test_the_examination_prefers_the_words_that_count():
    sentences = [text.split() for text in ("the film is really good", "a very bad , long film")]
    right = [np.array([w in ("good", "bad") for w in words], float) for words in sentences]
    scores = {"right": right, "wrong": [-own for own in right]}
    for remove in (explain.masked, explain.deleted):
        found = explain.faithfulness(probability_of_bag, sentences, [1, 0], scores, remove=remove)
        own = found["right"]["comprehensiveness"]
        assert own.shape == (2, len(explain.SHARES))
        assert np.allclose(own, 1 / (1 + np.exp(-2)) - 0.5)
        assert np.allclose(found["right"]["sufficiency"], 0)
        assert (found["wrong"]["comprehensiveness"][:, 0] == 0).all()
        assert (found["wrong"]["sufficiency"][:, 0] > 0.3).all()


@settings(max_examples=30)
@given(length=st.integers(1, 9), seed=st.integers(0, 999))
def test_what_is_removed_and_what_is_kept_are_each_others_complement(length, seed):
    words = [f"w{i}" for i in range(length)]
    asked = []

    def score(texts):
        asked.extend(texts)
        return np.linspace(0.2, 0.9, len(texts))

    own = np.random.default_rng(seed).random(length)
    explain.faithfulness(score, [words], [1], {"x": [own]}, (0.3,), explain.deleted)
    assert len(asked) == len(set(asked))
    top = np.argsort(-own)[: explain.how_many(length, 0.3)]
    gone = " ".join(w for i, w in enumerate(words) if i not in top)
    kept = " ".join(w for i, w in enumerate(words) if i in top)
    assert {gone, kept} <= set(asked)


@pytest.mark.parametrize(("words", "share", "count"), [(10, 0.3, 3), (7, 0.5, 4), (3, 0.1, 1)])
def test_a_share_of_a_sentence_is_rounded_up(words, share, count):
    assert explain.how_many(words, share) == count


def test_randomizing_goes_from_the_head_down_and_spares_the_model():
    _, model = small()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    names, changed_by_stage = [], []
    for name, changed in explain.randomized_from_the_top(model, seed=0):
        names.append(name)
        state = changed.state_dict()
        changed_by_stage.append({k for k in before if not torch.equal(before[k], state[k])})
    assert names == ["head", "layer 2", "layer 1", "embeddings"]
    assert all(a < b for a, b in pairwise(changed_by_stage))
    assert not any("encoder" in name for name in changed_by_stage[0])
    assert all(torch.equal(value, model.state_dict()[name]) for name, value in before.items())


def test_a_word_in_pieces_has_one_score_and_text_and_words_give_the_same_tokens():
    tokenizer, model = small()
    own = pieces(model, tokenizer, WORDS)
    assert own.ids[0].tolist() == tokenizer(" ".join(WORDS))["input_ids"]
    assert own.word.tolist().count(3) > 1 and int(own.word.max()) == len(WORDS) - 1


def test_a_word_without_tokens_has_no_score_and_the_others_keep_theirs():
    """Some reviews hold control characters, which the tokenizer drops."""
    tokenizer, model = small()
    with_it = [*WORDS[:2], "\x97", *WORDS[2:]]
    plain, found = (explain.gradient_times_input(model, tokenizer, w, 1) for w in (WORDS, with_it))
    assert found[2] == 0 and np.allclose(np.delete(found, 2), plain)
    assert len(explain.attention(model, tokenizer, [*WORDS, "\x97"])) == len(WORDS) + 1


def test_errors_name_cause_and_cure():
    tokenizer, model = small()
    with pytest.raises(explain.ExplainError, match=r"text\.split"):
        explain.gradient(model, tokenizer, [], 1)
    assert len(explain.gradient(model, tokenizer, ["film"] * 126, 1)) == 126  # and [CLS], [SEP]
    with pytest.raises(explain.ExplainError, match="more than the 128"):
        explain.gradient(model, tokenizer, ["film"] * 127, 1)  # where `lean` would cut
    with pytest.raises(explain.ExplainError, match="at least 1"):
        explain.integrated_gradients(model, tokenizer, WORDS, 1, steps=0)
    with pytest.raises(explain.ExplainError, match="sentence 0 has 1 words and 2 values"):
        explain.faithfulness(len, [["a"]], [1], {"x": [np.ones(2)]})
    with pytest.raises(explain.ExplainError, match="every subset"):
        explain.shapley([1.0, 2.0, 3.0])
    _, three = checkpoints.load(pretrained=False, num_hidden_layers=1, num_labels=3)
    with pytest.raises(explain.ExplainError, match="3 outputs"):
        explain.lean(three, tokenizer, ["a film"])
    with pytest.raises(explain.ExplainError, match="3 outputs"):
        explain.probability(three, tokenizer, ["a film"])
    for method in (explain.gradient, explain.gradient_times_input, explain.integrated_gradients):
        with pytest.raises(explain.ExplainError, match="3 outputs"):
            method(three, tokenizer, WORDS, 2)


def test_a_constant_list_of_scores_correlates_with_nothing():
    assert explain.rank_correlation([1, 1, 1], [1, 2, 3]) == 0
    assert explain.rank_correlation([1, 2, 3], [10, 20, 30]) == pytest.approx(1)


def test_the_repair_shares_no_template_and_no_word_with_the_tests():
    repair = explain.repair_sentences()
    assert len(repair) == repair["text"].nunique() == 100 and repair["label"].mean() == 0.5
    learned = set(repair["text"])
    cases = explain.negation_tests()
    assert not learned & {case.text for case in cases}
    words = {word for text in learned for word in text.split()}
    scored = [c for c in cases if not c.test.startswith("repair")]
    assert not words & {*behaviour.GOOD, *behaviour.BAD}
    new = {*behaviour.REPAIR_NEW_GOOD, *behaviour.REPAIR_NEW_BAD}
    assert not words & new and len({c.template for c in scored}) == 26


def test_a_planted_model_fails_where_it_must():
    cases = [
        *explain.negation_tests(),
        *explain.sarcasm_and_titles(),
        *explain.invariance_tests(["a perfectly normal sentence ."]),
        *explain.direction_tests(),
    ]
    good, bad = {"good", "funny", "moving"}, {"bad", "boring", "dull"}

    def reads_single_words(texts):
        sums = [sum(w in good for w in t.split()) - sum(w in bad for w in t.split()) for t in texts]
        return 1 / (1 + np.exp(-np.array(sums, float)))

    own = [case for case in cases if set(case.text.split()) & (good | bad)]
    now, before = (
        reads_single_words([getattr(c, f) or c.text for c in own]) for f in ("text", "other")
    )
    failed = explain.fails(own, now, before)
    rates = {
        test: table.to_numpy().mean() for test, table in explain.by_template(own, failed).items()
    }
    assert rates["plain words"] == 0 and rates["negated praise"] == rates["negated blame"] == 1
    assert rates["names"] == rates["“very”"] == rates["“slightly”"] == 0


def test_a_direction_test_lets_small_changes_pass():
    up = explain.Case("x", "up", "t", "a", other="b")
    down = up._replace(kind="down")
    moved = np.array([0.5, 0.5]), np.array([0.54, 0.54])
    assert not explain.fails([up, down], *moved).any()
    assert explain.fails([up, down], np.array([0.4, 0.4]), np.array([0.5, 0.5])).tolist() == [
        True,
        False,
    ]


def test_a_typing_error_swaps_two_letters_inside_one_word():
    texts = ["an unforgettable film about patience .", "so so ."]
    cases = [c for c in explain.invariance_tests(texts) if c.test == "typing errors"]
    assert len(cases) == 1
    pairs = zip(cases[0].text.split(), texts[0].split(), strict=True)
    changed = [(a, b) for a, b in pairs if a != b]
    assert len(changed) == 1
    a, b = changed[0]
    assert sorted(a) == sorted(b) and a[0] == b[0] and a[-1] == b[-1]
