"""What 02_loading_bert says about its numbers: in fp32 on the processor, and mostly exact."""

from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from tests.notebooks.claims import after

CLOSE = 1e-5  # the notebook's line between "equal" and "not equal"


def apart(one, other):
    """The largest difference of two tensors."""
    return (one - other).abs().max().item()


# ---------------------------------------------------------------- 2. A checkpoint is a folder


@after("052c840a")
def the_letters_stand_for_these_numbers(V, H, L, A, D, F):
    """Section 2, the table of symbols."""
    assert (V, H, L, A, D, F) == (30522, 384, 6, 12, 32, 1536)


@after("052c840a")
def row_7592_means_hello(folder, V):
    """Section 2: "Row 7,592 … means "hello" only because line 7,592 … says so"."""
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf8").splitlines()
    assert len(vocabulary) == V and vocabulary[7592] == "hello"
    assert (vocabulary[2143], vocabulary[1037]) == ("film", "a")


@after("222b4434")
def a_layer_has_sixteen_tensors(parameters, L):
    """Section 2: "Sixteen tensors"; section 6: six linear layers in each layer."""
    assert sum(name.startswith("encoder.layer.0.") for name in parameters) == 16
    for layer in range(L):
        of_layer = [t for name, t in parameters.items() if f"encoder.layer.{layer}." in name]
        assert sum(tensor.dim() == 2 for tensor in of_layer) == 6 == L


@after("85f57f53")
def embeddings_are_more_than_half(counts, in_file):
    """Section 2: 22.7 million, "more than half" embeddings, the layers "less than half"."""
    assert in_file == 22_713_216 and round(in_file / 1e6, 1) == 22.7
    assert counts["embeddings"] > in_file / 2 > counts["encoder"] > counts["pooler"]


@after("d9cb21d5")
def the_drawing_has_these_ids(tokenizer, word):
    """Section 1, the drawing: 101, 1996, 2314, 2924, 102; section 3: eight tokens."""
    assert tokenizer("the river bank")["input_ids"] == [101, 1996, 2314, 2924, 102]
    assert word.shape == (8, 384)


@after("d9cb21d5")
def positions_end_at_511(parameters):
    """Section 3: 512 rows, so no more than 512 tokens; two rows for types."""
    assert parameters["embeddings.position_embeddings.weight"].shape == (512, 384)
    assert parameters["embeddings.token_type_embeddings.weight"].shape == (2, 384)


@after("79e5f171")
def bank_has_one_row(ids, money_ids):
    """Section 3: "The same id, so the same row"."""
    assert ids[6] == money_ids[6] == 2924 and ids != money_ids


# ---------------------------------------------------------------- 4 and 5. By hand


@after("4657df41")
def bank_keeps_just_under_half(bank_weights):
    """Section 4: 0.17, 0.34 and 0.49: not more than half for itself."""
    assert [round(w, 2) for w in bank_weights.tolist()] == [0.17, 0.34, 0.49]


@after("d644cb15")
def bank_moves_towards_river(bank_weights, x):
    """Section 4: (0.57, 1.00), nearer to "river" than (1, 1); what "river" adds to the second
    number, "the" takes away."""
    new = bank_weights @ x
    assert [round(v, 2) for v in new.tolist()] == [0.57, 1.00]
    assert (new - x[1]).norm() < (x[2] - x[1]).norm()
    up, down = bank_weights[1] * (x[1, 1] - x[2, 1]), bank_weights[0] * (x[0, 1] - x[2, 1])
    assert up > 0 > down and abs(up + down) < 0.005


@after("75823e25")
def rows_add_up_to_one_and_columns_do_not(all_weights, bank_weights):
    """Section 4: the last row is that of "bank"; "each *row* adds up to 1"."""
    assert apart(all_weights[2], bank_weights) < CLOSE
    assert apart(all_weights.sum(1), torch.ones(3)) < CLOSE < apart(all_weights.sum(0), 1)


@after("3e678bae")
def the_corner_of_the_matrix_makes_the_query(query, query_matrix):
    """Section 5: columns (0, 0) and (2, 0), so "bank" asks with (0, 2), "river" with nothing."""
    assert query_matrix.T.tolist() == [[0, 0], [2, 0]]
    assert query[2].tolist() == [0, 2] and not query[1].any()


@after("f6df4277")
def a_query_finds_the_river(weights_by_query, value):
    """Section 5: 0.62 of the weight, a third each for "river", the vector (0.34, 1.24)."""
    assert round(weights_by_query[2, 1].item(), 2) == 0.62
    assert apart(weights_by_query[1], 1 / 3) < CLOSE
    assert [round(v, 2) for v in (weights_by_query @ value)[2].tolist()] == [0.34, 1.24]


# ---------------------------------------------------------------- 6. Heads


@after("cf30ad90")
def long_vectors_make_softmax_an_all_or_nothing_choice(plain, scaled):
    """Section 6: 0.95 at a length of 384; after dividing "about 0.35 at all three lengths"."""
    assert 0.93 < plain < 0.97 and 0.33 < scaled < 0.38
    draw = torch.Generator().manual_seed(0)
    for length in (2, 32, 384):
        query, keys = (torch.randn(1000, n, length, generator=draw) for n in (1, 8))
        largest = torch.softmax((query * keys).sum(2) / length**0.5, dim=1).max(1).values
        assert 0.30 < largest.mean() < 0.39


@after("cf8d53e2")
def one_head_is_the_library_s(p, output):
    """Section 6: "Our head gives the same weights as the library's"."""
    assert apart(p, output.attentions[0][0, 0]) < CLOSE


@after("ffa8089a")
def one_head_looks_at_the_token_before(before):
    """Section 6: head 2 gives "practically all of its weight" to "river"; others give little."""
    assert len(before) == 12 and before.index(max(before)) == 2
    assert before[2] > 0.99 and min(before) < 0.05


@after("2a62bb70")
def it_does_so_from_every_token(p, strongest):
    """Section 6: "every token looks at the token just before it", `[CLS]` at itself."""
    assert strongest == 2
    assert (p.diagonal(-1) > 0.98).all() and p[0, 0] > 0.98


# ---------------------------------------------------------------- 7. The other parts


@after("088b066b")
def three_rounds_make_all_vectors_equal(toy):
    """Section 7: after three rounds of attention alone, one vector for all."""
    assert apart(toy, toy[0]) < CLOSE


@after("ae625e43")
def residuals_keep_tokens_apart_and_let_them_grow(toy):
    """Section 7: "still different", by 2 and 3 here; "two to three times as long"."""
    assert (toy[0] - toy[1]).abs().round().tolist() == [2, 3]
    before = torch.tensor([[0.5, 0.0], [0.0, 1.5], [1.0, 1.0]])
    for _ in range(3):
        following = before + torch.softmax(before @ before.T / 2**0.5, dim=1) @ before
        growth = following.norm(dim=1) / before.norm(dim=1)
        assert growth.min() > 1.7 and growth.max() < 2.7
        before = following
    assert apart(following, toy) < CLOSE


@after("ae625e43")
def their_directions_come_closer_all_the_same(toy):
    """Section 7: "compared with their lengths, the differences are smaller than at the start"."""
    one, other = toy[:2]  # at right angles before, equal after three rounds without residuals
    assert 0.3 < torch.cosine_similarity(one, other, dim=0) < 0.99


@after("650092ec")
def a_thousandfold_vector_comes_out_the_same(standardize, small):
    """Section 7: "A vector that is a thousand times larger comes out the same"."""
    assert apart(standardize(small), standardize(1000 * small)) < CLOSE


@after("02828c9a")
def the_embeddings_are_reproduced(embedded, output):
    """Section 7: the step after the three tables, to 1e-5."""
    assert apart(embedded, output.hidden_states[0][0]) < CLOSE


@after("fd4df324")
def two_linear_layers_are_one_and_gelu_changes_that(v, first, second, once, twice):
    """Section 7: equal to one matrix, biases, too; with GELU "no single matrix" will do."""
    assert apart((v @ first) @ second, v @ (first @ second)) < 1e-4
    assert apart(2 * v @ first @ second, 2 * (v @ first @ second)) < 1e-4
    assert apart(twice, 2 * once) > 0.1
    bias, other_bias = torch.ones(16), torch.ones(4)
    together = v @ (first @ second) + (bias @ second + other_bias)
    assert apart((v @ first + bias) @ second + other_bias, together) < 1e-4


# ---------------------------------------------------------------- 8. The whole layer


@after("1cf4b994")
def one_layer_is_the_library_s(encoder_layer, embedded, output):
    """Section 8: "it gives the same numbers as the library"."""
    assert apart(encoder_layer(embedded, 0), output.hidden_states[1][0]) < CLOSE


@after("6ee8aa76")
def every_stage_is_the_library_s(states, output, L):
    """Section 8: "It does, at every layer", and each layer changes the vectors."""
    assert len(states) == L + 1
    for mine, theirs in zip(states, output.hidden_states, strict=True):
        assert apart(mine, theirs[0]) < CLOSE
    assert all(apart(one, following) > 0.1 for one, following in pairwise(states))


def alikeness(x):
    """The cosine of each pair of tokens, shape (T, T)."""
    x = x / x.norm(dim=1, keepdim=True)
    return x @ x.T


@after("6ee8aa76")
def residual_connections_keep_the_eight_tokens_apart(
    states, self_attention, feed_forward, layer_norm, L
):
    """Section 7: "far from alike" after six layers; without them "practically the same".

    The mean cosine of two tokens is 0.37; over 256 validation sentences it is 0.34.
    """
    others = ~torch.eye(8, dtype=torch.bool)
    assert alikeness(states[L])[others].mean() < 0.4
    x = states[0]
    for layer in range(L):
        name = f"encoder.layer.{layer}"
        x = layer_norm(self_attention(x, layer), f"{name}.attention.output.LayerNorm")
        x = layer_norm(feed_forward(x, layer), f"{name}.output.LayerNorm")
    assert alikeness(x).min() > 0.999


# ---------------------------------------------------------------- 9. The mask


@after("5eaf67a6")
def the_mask_gives_padding_nothing(scores, to_add, bank_weights):
    """Section 9: 0.28 for the padding, more than "river" gets; 0 with the mask, and the rest
    as in section 4."""
    without = torch.softmax(scores, dim=0)
    assert round(without[3].item(), 2) == 0.28 and without[3] > without[1]
    masked = torch.softmax(scores + to_add, dim=0)
    assert masked[3] == 0 and apart(masked[:3], bank_weights) < CLOSE


@after("bbc1ca91")
def with_the_mask_the_other_sentences_make_no_difference(alone, masked):
    """Section 9: "the other sentences in the batch make no difference"."""
    assert apart(alone, masked) < CLOSE


@after("bbc1ca91")
def without_the_mask_it_gets_another_vector(alone, masked, unmasked, alone_ids, pair_mask):
    """Section 9: cosine 0.70, where the same vectors have 1.00."""
    assert pair_mask.shape[1] > 4 * alone_ids.shape[1]
    assert cosine_similarity(alone, masked, dim=0) > 0.9999
    assert 0.65 < cosine_similarity(alone, unmasked, dim=0) < 0.75


# ---------------------------------------------------------------- 10. One word, two meanings


@after("b9763daa")
def glove_s_bank_is_about_money(glove_cosines, row_of, glove):
    """Section 19: 400,000 words; "the money sense dominates it": credit 0.76, river 0.41."""
    assert len(glove) == 400_000
    assert glove_cosines[row_of["credit"]] > 0.7 > 0.5 > glove_cosines[row_of["river"]]


@after("91058b25")
def before_the_first_layer_all_banks_are_nearly_the_same(cosines_of, bank_texts):
    """Section 10: "before the first layer, all eight vectors are nearly the same"."""
    assert cosines_of("bank", bank_texts, 0).min() > 0.95


@after("91058b25")
def the_pattern_is_that_of_the_positions(cosines_of, bank_texts, tokenizer):
    """Section 10: "Where "bank" has the same position in both …, they are exactly the same"."""
    number = tokenizer.convert_tokens_to_ids("bank")
    places = torch.tensor([tokenizer(text)["input_ids"].index(number) for text in bank_texts])
    same = places[:, None] == places
    cosines = cosines_of("bank", bank_texts, 0)
    assert cosines[same].min() > 1 - CLOSE and cosines[~same].max() < 1 - 1e-3


@after("771cf925")
def the_banks_of_a_kind_resemble_each_other(money, river, mixed):
    """Section 10: means 0.83, 0.88, 0.74; the ranges overlap: 0.82 and 0.79."""
    means = [round(values.mean().item(), 2) for values in (money, river, mixed)]
    assert means == [0.83, 0.88, 0.74] and len(money) == len(river) == 6
    assert mixed.max() > money.min()
    assert round(mixed.max().item(), 2) == 0.82 and round(money.min().item(), 2) == 0.79


# ---------------------------------------------------------------- 18. Masked language modelling


@after("3555270b")
def the_table_is_used_twice(guesser):
    """Section 18: "it is the table of embeddings again" (tied weights); "one and the same" bias."""
    table = guesser.bert.embeddings.word_embeddings.weight
    predictions = guesser.cls.predictions
    assert predictions.decoder.weight is table and predictions.decoder.bias is predictions.bias


@after("f545e7cd")
def the_masked_language_head_is_the_library_s(guess_logits, theirs):
    """Section 18: difference < 1e-5."""
    assert guess_logits.shape == (30522,) and apart(guess_logits, theirs) < CLOSE


@after("c5602ea6")
def a_new_head_guesses_blindly(probabilities, ids, hidden_place, V):
    """Section 18: "Next to nothing, about as much as blind guessing"."""
    assert 0.2 < probabilities[ids[hidden_place]] * V < 5


# ---------------------------------------------------------------- 12. The head


@after("4a421af8")
def the_head_by_hand_is_the_library_s(logits, theirs):
    """Section 12: difference < 1e-5."""
    assert apart(logits, theirs) < CLOSE


@after("f8e65c05")
def the_head_has_770_new_numbers(model, in_file):
    """Section 12: "770 new parameters on top of 22.7 million old ones"; the biases are 0."""
    assert sum(p.numel() for p in model.classifier.parameters()) == 770
    assert sum(p.numel() for p in model.parameters()) == in_file + 770
    assert not model.classifier.bias.any()


@after("06c7ac17")
def an_untrained_head_has_no_opinion(positive):
    """Section 12: "All probabilities are close to one half". Over 20 seeds: 0.47 to 0.53."""
    assert len(positive) == 256 and positive.min() > 0.45 and positive.max() < 0.55


@after("9638e9a6")
def a_seed_decides_the_head(first, second, checkpoints, CHECKPOINT, model):
    """Sections 22 and 12: another head each time, but with `checkpoints.load` always the same."""
    assert not torch.equal(first, second)
    same = checkpoints.load(CHECKPOINT, num_labels=2, seed=0)[1].classifier.weight
    assert torch.equal(same, model.classifier.weight)


@after("095d06e5")
def dropout_gives_four_answers_and_its_absence_one(with_dropout, without, config):
    """Section 22: "four calls give four answers", in evaluation one; a tenth is set to 0."""
    assert len(set(with_dropout)) == 4 and len(set(without)) == 1
    assert config.hidden_dropout_prob == 0.1


# ---------------------------------------------------------------- 13. The probe


@after("650d0991")
def random_weights_reach_about_60_percent(right_random):
    """Section 13: 61 %, "not 50". Three random encoders gave 58.7 to 61.9 % at all depths."""
    accuracy = right_random.mean(1)
    assert accuracy.min() > 0.57 and accuracy.max() < 0.64
    assert accuracy.max() - accuracy[0] < 0.02, "section 20: depth adds nothing"


@after("650d0991")
def pretrained_weights_are_8_to_14_points_better(right, right_random):
    """Sections 13 and 20: 12 points, 73 against 61 %, after the last layer; 8 to 14 at all."""
    gain = np.round(100 * (right.mean(1) - right_random.mean(1)))
    assert gain[0] == 8 and set(gain[1:]) <= {10, 11, 12, 13, 14} and gain[6] == 12
    assert round(gain.mean()) in (10, 11, 12)


@after("650d0991")
def embeddings_reach_69_percent_and_layers_more(right):
    """Section 20: 69 % for the embeddings; 74 and 75 % after the fourth and fifth layer."""
    accuracy = right.mean(1)
    assert right.shape[1] == 853
    assert round(accuracy[0], 2) == 0.69 and accuracy[1:].min() > accuracy[0] + 0.02
    assert accuracy.argmax() == 5 and accuracy[6] < accuracy[4]
    assert abs(accuracy[4] - 0.74) < 0.01 and abs(accuracy[5] - 0.75) < 0.01


@after("b1df1f80")
def the_bars_are_three_points_long(right, right_random):
    """Section 20: "about three points long in each direction"."""
    for hits in (right, right_random):
        share = hits.mean(1)
        bars = 2 * np.sqrt(share * (1 - share) / hits.shape[1])
        assert (np.round(100 * bars) == 3).all()


# ---------------------------------------------------------------- Going deeper


@after("eda52734")
def the_file_has_104_tensors(header):
    """Section 14: the header and one entry that is no tensor."""
    assert len(header) - 1 == 104 and "__metadata__" in header


@after("92037197")
def the_file_holds_the_numbers_of_the_library(table, loaded):
    """Section 14: "The table that we cut out of the file equals" the library's."""
    assert torch.equal(table, loaded["embeddings.word_embeddings.weight"])


@after("301ed3a4")
def the_sum_is_right_to_the_last_parameter(total, in_file, encoder, one_layer):
    """Section 15: "The sum is right to the last parameter"; 22,713,216."""
    assert total == in_file == sum(p.numel() for p in encoder.parameters()) == 22_713_216
    assert one_layer == 1_774_464


@after("301ed3a4")
def the_size_of_the_file_follows(file, header, header_length, total):
    """Section 15: 8 bytes for a length, the header, 4 per parameter, 8 per position."""
    assert file.stat().st_size == 8 + header_length + 4 * total + 8 * 512
    assert (header_length, file.stat().st_size) == (11_408, 90_868_376)
    (positions,) = (entry for entry in header.values() if entry.get("dtype") == "I64")
    assert positions["shape"] == [1, 512]


@after("301ed3a4")
def the_feed_forward_part_is_twice_the_attention(feed_forward_size, attention):
    """Section 15: "the feed-forward network is twice as large as the attention"."""
    assert round(feed_forward_size / attention, 2) == 2.0


@after("4ce1e93a")
def three_heads_have_their_places(shares, A):
    """Section 16: "practically all" before, 71 % after, 75 % on `[CLS]`; 72 heads."""
    heads = {"token before": (0, 2), "token after": (1, 8), "[CLS]": (2, 9)}
    most = {target: divmod(share.argmax().item(), A) for target, share in shares.items()}
    assert most == heads and shares["[CLS]"].numel() == 72
    before, following, first = (share.max() for share in shares.values())
    assert before > 0.99 and 0.67 < following < 0.75 and 0.72 < first < 0.78


@after("4ce1e93a")
def these_heads_look_where_others_do_not(shares, mask_64):
    """Section 16: over all heads 8 % and 5 %, a tenth of these; alike would be 4 %."""
    for target in ("token before", "token after"):
        assert shares[target].max() > 10 * shares[target].mean()
    uniform = (1 / mask_64.sum(1)).mean()
    assert round(uniform.item(), 2) == 0.04
    assert all(share.max() > 15 * uniform for share in shares.values())


@after("4ce1e93a")
def a_great_deal_of_attention_goes_to_cls(shares):
    """Section 16: "36 % of the weight goes to `[CLS]`"."""
    neighbours = shares["token before"].mean() + shares["token after"].mean()
    assert 0.35 < shares["[CLS]"].mean() < 0.38
    assert shares["[CLS]"].mean() > 2 * neighbours


@after("9541601c")
def all_at_once_is_the_library_s(p, attentions):
    """Section 17: "equal to the library's"."""
    assert apart(p, attentions[0]) < CLOSE


@after("60525394")
def fifteen_percent_of_ordinary_tokens_are_chosen(chosen, ordinary, labels):
    """Section 18: 70 of 444 here; all others get the label −100."""
    assert (int(chosen.sum()), int(ordinary.sum())) == (70, 444)
    assert not (chosen & ~ordinary).any()
    assert (labels[~chosen] == -100).all() and (labels[chosen] >= 0).all()


@after("4fc8f4bf")
def most_of_the_chosen_become_masks(inputs, train_ids, chosen, tokenizer):
    """Section 18, 80 % `[MASK]`, 10 % as they are; 53 and 8 of 70 here; 15 % in all."""
    assert int((inputs[chosen] == tokenizer.mask_token_id).sum()) == 53
    assert int((inputs[chosen] == train_ids[chosen]).sum()) == 8
    assert torch.equal(inputs[~chosen], train_ids[~chosen])


@after("c9834242")
def the_loss_starts_a_little_above_that_of_guessing(losses, V):
    """Section 18: 10.6, and ln(30,522) = 10.33."""
    assert round(np.log(V), 2) == 10.33 and 0 < losses[0] - np.log(V) < 0.4


@after("c9834242")
def the_loss_falls_at_every_step(losses):
    """Section 18: "falls at every step": 10.6, 7.7, 6.2, 5.3, 4.5 here."""
    assert all(later < earlier - 0.2 for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0] - 3


@after("8e2dff7d")
def each_word_occurs_once_in_each_sentence(texts_of, tokenizer):
    """Sections 10 and 19: eight sentences a word, and one vector of it in each."""
    for word, sentences in texts_of.items():
        number = tokenizer.convert_tokens_to_ids(word)
        assert len(sentences) == 8 and number != tokenizer.unk_token_id
        assert all(tokenizer(text)["input_ids"].count(number) == 1 for text in sentences)


@after("8e2dff7d")
def senses_differ_after_the_layers_and_not_before(
    cosines, cosines_of, texts_of, same_sense, other_sense
):
    """Section 19: "higher within a meaning …, by about 0.1; for "bat" only by 0.06".

    At layer 0, where vectors differ by their position alone, the gaps are 0.01 at most.
    """

    def gaps(of):
        return [(c[same_sense].mean() - c[other_sense].mean()).item() for c in of]

    last = gaps(cosines.values())
    first = gaps(cosines_of(word, texts, 0) for word, texts in texts_of.items())
    assert list(cosines)[np.argmin(last)] == "bat" and round(min(last), 2) == 0.06
    assert 0.08 < np.mean(last) < 0.10
    assert max(first) < 0.02 and min(last) > 4 * max(first)


@after("8e2dff7d")
def the_ranges_overlap_for_all_words_but_plot(cosines, same_sense, other_sense):
    """Section 19: "The ranges overlap for every word but "plot""."""
    overlap = {w: (c[other_sense].max() > c[same_sense].min()).item() for w, c in cosines.items()}
    assert overlap == {"bank": True, "bat": True, "spring": True, "plot": False}


@after("201773f2")
def neighbours_have_the_same_sense_after_the_layers(nearest_share, L):
    """Section 19: 30 of 32 at layer 6, 15 at layer 0, where chance is about 14."""
    (last, n), (first, _) = nearest_share(L), nearest_share(0)
    assert n == 32 and last >= 29
    assert abs(first - 14) <= 2 and last - first >= 13


@after("723b8080")
def five_layers_beat_the_embeddings(paired, right):
    """Section 20: 113 to 62, "less than once in a thousand times"."""
    won, lost, p_value = paired(right[5], right[0])
    assert won > lost + 30 and p_value < 0.001


@after("723b8080")
def five_layers_against_six_prove_no_difference(paired, right):
    """Section 20: 65 to 46, "about one time in eleven": no difference is shown."""
    won, lost, p_value = paired(right[5], right[6])
    assert won > lost and 0.05 < p_value < 0.25


@after("c21ebb14")
def three_layers_are_the_third_stage_of_six(short, output):
    """Section 20: "computes exactly the third stage of the full one", and not its last."""
    assert apart(short, output.hidden_states[3]) < CLOSE
    assert apart(short, output.hidden_states[6]) > 0.1


@after("c21ebb14")
def three_quarters_of_the_parameters_remain(short_encoder, total, one_layer):
    """Section 20: "77 % of the parameters remain"."""
    kept = sum(p.numel() for p in short_encoder.parameters())
    assert kept == total - 3 * one_layer and round(kept / total, 2) == 0.77


@after("c21ebb14")
def the_pooler_was_never_trained(encoder):
    """Section 12: "its 384 biases are all exactly 0", which those of the layers are not."""
    assert not encoder.pooler.dense.bias.any() and len(encoder.pooler.dense.bias) == 384
    assert encoder.encoder.layer[0].output.dense.bias.any()


@after("f5459009")
def the_card_says_so(card, tokenizer, config):
    """Section 21, the first row of the table: English, Apache-2.0, no case, 512 and 128 tokens."""
    assert "license: apache-2.0" in card and "language: en" in card
    assert "limited to 128 tokens" in card
    assert config.max_position_embeddings == 512
    assert tokenizer.tokenize("US") == tokenizer.tokenize("us")


@after("671139d1")
def the_root_in_quiz_2(D):
    """Quiz 2 (c): √32 is 5.7."""
    assert round(D**0.5, 1) == 5.7
