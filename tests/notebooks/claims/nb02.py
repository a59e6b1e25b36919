"""What 02_loading_bert says about its numbers: in fp32 on the processor, and mostly exact."""

from itertools import pairwise

import numpy as np
import torch
from torch.nn.functional import cosine_similarity

from tests.notebooks.claims import after

CLOSE = 1e-5  # the notebook's line between "the same" and "not the same"


@after("87e0398e")
def the_file_holds_the_numbers_of_the_library(weights, library, header):
    """Section 1: "Equal bit for bit"; 103 of 104 tensors are learned numbers."""
    assert set(weights) == set(library) and len(weights) == 103
    assert len(header) - 1 == 104
    assert all(torch.equal(weights[name], library[name]) for name in library)


@after("052c840a")
def the_letters_stand_for_these_numbers(V, H, L, A, D, F):
    """Section 2, the table of symbols."""
    assert (V, H, L, A, D, F) == (30522, 384, 6, 12, 32, 1536)


@after("052c840a")
def row_7592_means_hello(folder, V):
    """Section 1: "Row 7,592 … means "hello" only because line 7,592 … says so"."""
    vocabulary = (folder / "vocab.txt").read_text(encoding="utf8").splitlines()
    assert len(vocabulary) == V and vocabulary[7592] == "hello"


@after("301ed3a4")
def the_sum_is_right_to_the_last_parameter(total, in_file, encoder, one_layer):
    """Section 3: "The sum is right to the last parameter"; 22,713,216."""
    assert total == in_file == sum(p.numel() for p in encoder.parameters()) == 22_713_216
    assert one_layer == 1_774_464


@after("301ed3a4")
def the_size_of_the_file_follows(folder, header_length, total):
    """Section 3: 4 bytes for each parameter, plus the header and 512 unlearned positions."""
    size = (folder / "model.safetensors").stat().st_size
    assert size == 8 + header_length + 4 * total + 8 * 512


@after("301ed3a4")
def the_word_table_is_more_than_half(V, H, L, one_layer, total):
    """Section 3: "More than half"; "The six layers, where the work is done, are 47 %"."""
    share = V * H / total
    assert share > 0.5 and round(share, 3) == 0.516
    assert round(L * one_layer / total, 2) == 0.47


@after("301ed3a4")
def the_feed_forward_part_is_twice_the_attention(feed_forward, attention):
    """Section 3: "Inside a layer the feed-forward part is twice the attention"."""
    assert round(feed_forward / attention, 2) == 2.0


@after("39c01cd7")
def the_embeddings_are_reproduced(embedded, output):
    """Section 4: "The embeddings are reproduced", to 1e-5."""
    assert (embedded - output.hidden_states[0]).abs().max() < CLOSE


@after("ff17f06a")
def nobody_looks_at_padding(on_padding, attention_weights, padding):
    """Section 5: "Exactly zero on padding, not "nearly"", and every row sums to 1."""
    assert padding.any() and on_padding.max() == 0
    assert ((attention_weights.sum(-1) - 1).abs() < CLOSE).all()


@after("b95f5623")
def the_attention_weights_are_the_library_s(attention_weights, output):
    """Section 5: "library: < 1e-5"."""
    assert (attention_weights - output.attentions[0]).abs().max() < CLOSE


@after("6ee8aa76")
def every_stage_is_the_library_s(pairs, real, L):
    """Section 5, the table: "Yes, at every stage", though there is padding in this batch."""
    assert len(pairs) == L + 1 and (~real).any()
    for mine, theirs in pairs:
        assert (mine[real] - theirs[real]).abs().max() < CLOSE


@after("6ee8aa76")
def every_layer_changes_the_vectors(states, real):
    """Section 5: the equality above is not that of vectors that stay as they are."""
    for one, following in pairwise(states):
        assert (one[real] - following[real]).abs().max() > 0.1


@after("ffa8089a")
def three_heads_have_their_places(shares, strongest, A):
    """Section 6: "practically all" before, "about 70 %" after, 75 % on `[CLS]`; 72 heads."""
    heads = {"token before": (0, 2), "token after": (1, 8), "[CLS]": (2, 9)}
    assert strongest == heads
    assert shares["[CLS]"].numel() == 72 and A == 12
    most = [shares[target][place].item() for target, place in heads.items()]
    assert most[0] > 0.99 and 0.67 < most[1] < 0.75 and 0.72 < most[2] < 0.78


@after("ffa8089a")
def these_heads_look_where_others_do_not(shares):
    """Section 6: over all heads 8 % before and 5 % after, a tenth of what these heads give."""
    for target in ("token before", "token after"):
        assert shares[target].max() > 10 * shares[target].mean()


@after("ffa8089a")
def a_great_deal_of_attention_goes_to_cls(shares):
    """Section 6: "36 % over all heads", more than to both neighbours together."""
    neighbours = shares["token before"].mean() + shares["token after"].mean()
    assert 0.35 < shares["[CLS]"].mean() < 0.38
    assert shares["[CLS]"].mean() > 2 * neighbours


@after("4ce1e93a")
def looking_everywhere_alike_would_give_far_less(uniform, shares):
    """Section 6: 4 % on each token; random weights give about as much everywhere."""
    assert round(uniform.item(), 2) == 0.04
    assert all(share.max() > 15 * uniform for share in shares.values())


@after("6d0d80c1")
def the_pictures_show_these_lines(found):
    """Section 6, the figure: below the diagonal, above it "with some spread", first column."""
    before, following, first = found[0][0, 2], found[1][0, 8], found[2][0, 9]
    assert (before.diagonal(-1) > 0.9).all()
    assert 0.5 < following.diagonal(1).mean() < 0.9
    assert (first[:, 0] > 0.8).all()


@after("bbc1ca91")
def with_the_mask_the_company_of_a_sentence_does_not_matter(alone, masked):
    """Section 7: "With the mask the company of a sentence does not matter"."""
    assert (alone - masked).abs().max() < CLOSE


@after("bbc1ca91")
def without_the_mask_it_gets_another_vector(alone, masked, unmasked, alone_ids, pair_mask):
    """Section 7: cosine 0.70, where the same vectors have 1."""
    assert pair_mask.shape[1] > 4 * alone_ids.shape[1]
    assert cosine_similarity(alone, masked, dim=0) > 0.9999
    assert 0.65 < cosine_similarity(alone, unmasked, dim=0) < 0.75


@after("4a421af8")
def the_head_by_hand_is_the_library_s(logits, theirs):
    """Section 8: "library: < 1e-5"."""
    assert (logits - theirs).abs().max() < CLOSE


@after("4a421af8")
def the_head_has_770_new_numbers(new, model, total):
    """Section 8: "770 new numbers on top of 22.7 million old ones"."""
    assert new == {"classifier.weight", "classifier.bias"}
    assert sum(model.state_dict()[name].numel() for name in new) == 770
    assert sum(p.numel() for p in model.parameters()) == total + 770


@after("06c7ac17")
def an_untrained_head_has_no_opinion(positive):
    """Section 8: "All probabilities are close to one half". Over 20 seeds: 0.47 to 0.53."""
    assert positive.min() > 0.45 and positive.max() < 0.55


@after("92e97d73")
def a_thousand_heads_are_a_coin_on_average(accuracies):
    """Section 8: "On average a coin, 50 %"."""
    assert len(accuracies) == 1000 and abs(accuracies.mean() - 0.5) < 0.01


@after("92e97d73")
def a_single_head_may_be_lucky(accuracies):
    """Section 8: "a single one is anywhere between 42 and 59 %", so 57 % may be luck."""
    assert 0.40 < accuracies.min() < 0.44 and 0.57 < accuracies.max() < 0.61


@after("e2d3e975")
def a_seed_decides_the_head(same, other, model, stock_head):
    """Section 8: the library's call needs a seed first; `checkpoints.load` takes one."""
    assert torch.equal(same, model.classifier.weight) and not torch.equal(other, same)
    assert torch.equal(stock_head(0), stock_head(0)) and not torch.equal(stock_head(), stock_head())


@after("e2d3e975")
def loading_leaves_the_random_numbers_as_they_were(checkpoints, CHECKPOINT):
    """Section 8: `checkpoints.load` "left your global random numbers as they were"."""
    before = torch.get_rng_state()
    checkpoints.load(CHECKPOINT, seed=1)
    assert torch.equal(before, torch.get_rng_state())


@after("095d06e5")
def dropout_gives_four_answers_and_its_absence_one(with_dropout, without):
    """Section 8: "In training mode four calls give four answers, in evaluation mode one"."""
    assert len(set(with_dropout)) == 4 and len(set(without)) == 1


@after("60525394")
def fifteen_percent_of_ordinary_tokens_are_chosen(chosen, ordinary, labels):
    """Section 9, the rule: 70 of 444 here; all others get the label −100."""
    assert (int(chosen.sum()), int(ordinary.sum())) == (70, 444)
    assert not (chosen & ~ordinary).any()
    assert (labels[~chosen] == -100).all() and (labels[chosen] >= 0).all()


@after("4fc8f4bf")
def most_of_the_chosen_become_masks(inputs, masked_ids, chosen, tokenizer):
    """Section 9, the rule: 80 % `[MASK]`, 10 % as they are; 53 and 8 of 70 here."""
    assert int((inputs[chosen] == tokenizer.mask_token_id).sum()) == 53
    assert int((inputs[chosen] == masked_ids[chosen]).sum()) == 8
    assert torch.equal(inputs[~chosen], masked_ids[~chosen])


@after("c5602ea6")
def the_loss_starts_where_guessing_starts(loss, math, V):
    """Section 9: 10.5, and ln(30,522) = 10.33."""
    assert round(math.log(V), 2) == 10.33
    assert abs(loss.item() - math.log(V)) < 0.4


@after("792cdc35")
def minus_100_is_ignored(loss, ignoring):
    """Section 9: "`cross_entropy` ignores the others and gives the same number"."""
    assert abs(loss.item() - ignoring.item()) < CLOSE


@after("c9834242")
def the_loss_falls_at_every_step(losses):
    """Section 9: "The loss falls at every step": 10.5, 9.0, 7.7, 6.8, 6.1 here."""
    assert all(later < earlier - 0.2 for earlier, later in pairwise(losses))
    assert losses[-1] < losses[0] - 3


@after("cfe3a2cd")
def before_the_first_layer_a_word_has_one_vector(texts_of, tokenizer, weights):
    """Section 10: the row of the word table "is one and the same in all eight sentences"."""
    for word, sentences in texts_of.items():
        number = tokenizer.convert_tokens_to_ids(word)
        assert len(sentences) == 8 and number != tokenizer.unk_token_id
        assert all(tokenizer(text)["input_ids"].count(number) == 1 for text in sentences)
        assert weights["embeddings.word_embeddings.weight"][number].any()


@after("cfe3a2cd")
def senses_differ_after_the_layers_and_not_before(
    cosines, cosines_of, texts_of, same_sense, other_sense
):
    """Section 10: "higher within a sense …, for each of the four words, by about 0.1".

    At layer 0, where vectors differ by their position alone, the gaps are 0.01 at most.
    """

    def gaps(of):
        return [(c[same_sense].mean() - c[other_sense].mean()).item() for c in of]

    last, first = gaps(cosines.values()), gaps(cosines_of(word, 0) for word in texts_of)
    assert min(last) > 0.05 and 0.08 < np.mean(last) < 0.10
    assert max(first) < 0.02 and min(last) > 4 * max(first)


@after("771cf925")
def the_ranges_overlap_for_all_words_but_plot(cosines, same_sense, other_sense):
    """Section 10: "The ranges overlap, though, for all words but `plot`"."""
    overlap = {w: (c[other_sense].max() > c[same_sense].min()).item() for w, c in cosines.items()}
    assert overlap == {"bank": True, "bat": True, "spring": True, "plot": False}


@after("201773f2")
def neighbours_have_the_same_sense_after_the_layers(nearest_share, L):
    """Section 10: 30 of 32 at layer 6, 15 at layer 0, where chance is about 14."""
    (last, n), (first, _) = nearest_share(L), nearest_share(0)
    assert n == 32 and last >= 29
    assert abs(first - 14) <= 2 and last - first >= 13


@after("650d0991")
def random_weights_reach_about_60_percent(right_random):
    """Section 11: "about 60 %, not 50". Three random encoders gave 58.7 to 61.9 % at all depths."""
    accuracy = right_random.mean(1)
    assert accuracy.min() > 0.57 and accuracy.max() < 0.64
    assert accuracy.max() - accuracy[0] < 0.02, "Depth adds nothing to that"


@after("650d0991")
def pretrained_weights_are_8_to_14_points_better(right, right_random):
    """Section 11: "8 points more for the word table alone and 10 to 14 for the layers"."""
    gain = np.round(100 * (right.mean(1) - right_random.mean(1)))
    assert gain[0] == 8 and set(gain[1:]) <= {10, 11, 12, 13, 14}
    assert round(gain.mean()) in (10, 11, 12), "the recap: about ten points"


@after("650d0991")
def a_bag_of_words_reaches_69_percent_and_layers_more(right):
    """Section 11: "a bag of words, 69 %"; more up to the fourth or fifth layer, then less."""
    accuracy = right.mean(1)
    assert round(accuracy[0], 2) == 0.69 and accuracy[1:].min() > accuracy[0] + 0.02
    assert accuracy.argmax() in (4, 5) and accuracy[6] < accuracy[4]


@after("723b8080")
def four_layers_beat_the_word_table(paired, right):
    """Section 11: 105 to 57, "less than once in a thousand times"."""
    won, lost, p_value = paired(right[4], right[0])
    assert won > lost + 30 and p_value < 0.001


@after("723b8080")
def four_layers_against_six_prove_no_difference(paired, right):
    """Section 11: 73 to 57, "about one time in five": no difference is proven."""
    won, lost, p_value = paired(right[4], right[6])
    assert won > lost and 0.1 < p_value < 0.3


@after("b1df1f80")
def intervals_are_three_points_each_way(interval, right):
    """Section 11: "about three points each way, and neighbours overlap"."""
    ends = np.array([interval(hits) for hits in right])
    assert (np.round(50 * (ends[:, 1] - ends[:, 0])) == 3).all()
    assert (ends[:-1, 1] > ends[1:, 0]).all()


@after("c21ebb14")
def three_layers_are_the_third_stage_of_six(short, output, real):
    """Section 12: "computes exactly the third stage of the full one", and not its last."""
    assert (short - output.hidden_states[3])[real].abs().max() < CLOSE
    assert (short - output.hidden_states[6])[real].abs().max() > 0.1


@after("c21ebb14")
def three_quarters_of_the_parameters_remain(short_encoder, total, one_layer):
    """Section 12: "77 % of the parameters remain"."""
    kept = sum(p.numel() for p in short_encoder.parameters())
    assert kept == total - 3 * one_layer and round(kept / total, 2) == 0.77


@after("c21ebb14")
def the_pooler_was_never_trained(weights):
    """Section 12: "all of its 384 biases are exactly 0", which those of the layers are not."""
    assert not weights["pooler.dense.bias"].any() and len(weights["pooler.dense.bias"]) == 384
    assert weights["encoder.layer.0.output.dense.bias"].any()


@after("f5459009")
def the_card_says_so(card, tokenizer, weights):
    """Section 13, the first row of the table: English, Apache-2.0, no case, 512 and 128 tokens."""
    assert "license: apache-2.0" in card and "language: en" in card
    assert "limited to 128 tokens" in card
    assert len(weights["embeddings.position_embeddings.weight"]) == 512
    assert tokenizer.tokenize("US") == tokenizer.tokenize("us")


@after("559208c4")
def only_the_classifier_s_weights_differ_between_seeds(changed, one):
    """Quiz 1 (b): `classifier.weight`; the bias is zero each time."""
    assert changed == ["classifier.weight"] and not one.classifier.bias.any()


@after("559208c4")
def without_the_root_attention_becomes_flatter(sharp, flat, math, D):
    """Quiz 2 (c): 0.35 and 0.14; √32 is 5.7."""
    assert flat < sharp - 0.15
    assert round(math.sqrt(D), 1) == 5.7


@after("559208c4")
def position_512_has_no_row(weights, H):
    """Quiz 3 (a): "Position 512 (counted from 0) has no row"."""
    assert weights["embeddings.position_embeddings.weight"].shape == (512, H)


@after("87e0398e")
def positions_end_at_511(encoder):
    """Section on the parts of the checkpoint: the positions are 0 … 511."""
    assert encoder.config.max_position_embeddings - 1 == 511
