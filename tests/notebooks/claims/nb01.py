"""What 01_tokenization says about its numbers: where no band is named, they are exact."""

import unicodedata

import numpy as np
import torch

from tests.notebooks.claims import after


@after("a6678d9a")
def there_are_8528_reviews(texts, everything):
    """Section 1, and section 7: "the 8,528 reviews"; the split is fixed."""
    assert (len(texts), len(everything)) == (5970, 8528)


@after("0e19586c")
def a_review_has_about_110_characters(texts):
    """Section 2: "Six numbers for two words, and about 110 for a review"."""
    assert len("a film") == 6
    assert np.median([len(text) for text in texts]) == 111


@after("7cb997b5")
def more_than_half_of_the_words_occur_once(once, word_counts):
    """Section 3: "More than half: 55 %"."""
    assert round(len(once) / len(word_counts), 2) == 0.55


@after("4f9e20ca")
def few_words_are_unknown_but_most_sentences_have_one(unknown, unknown_words, hit_sentences):
    """Section 3: "Only 6.6 % of the words …, but … 66 % of the sentences have a hole"."""
    assert round(unknown_words, 3) == 0.066 and round(hit_sentences, 2) == 0.66
    assert hit_sentences > 5 * unknown_words
    assert {"unelected", "incurious"} <= set(unknown)


@after("1b09a88d")
def the_vocabulary_has_whole_words_and_continuations(vocabulary, id_of, inside):
    """Section 4: 30,522 tokens; `able` and `##able` are two of them, `##plot` does not exist."""
    assert len(vocabulary) == len(id_of) == 30_522 and len(inside) == 5828
    assert id_of["able"] != id_of["##able"]
    assert "plot" in id_of and "##plot" not in id_of


@after("014b202e")
def cafe_has_two_lengths():
    """Section 5: "4 and 5: two texts that look the same on the screen and are not equal"."""
    lengths = [len(unicodedata.normalize(form, "café")) for form in ("NFC", "NFD")]
    assert lengths == [4, 5]


@after("21533e1a")
def accents_go_and_the_stroke_of_o_stays(normalize):
    """Section 5: both forms end as `cafe`; "The last line is a surprise"."""
    for form in ("NFC", "NFD"):
        assert normalize(unicodedata.normalize(form, "Café NOIR")) == "cafe noir"
    assert normalize("El Niño") == "el nino" and normalize("ØRSTED") == "ørsted"


@after("1577705f")
def punctuation_cuts(pre_tokenize, string):
    """Section 6: "Three: `don`, `'`, `t`"; "the 32 signs on an English keyboard"."""
    assert pre_tokenize("don't") == ["don", "'", "t"]
    assert pre_tokenize("great-looking --") == ["great", "-", "looking", "-", "-"]
    assert len(string.punctuation) == 32


@after("df6fe19d")
def the_longest_piece_wins_even_if_it_is_no_part(wordpiece, id_of):
    """Section 7: `un ##watch ##able`, but `heart ##war ##ming`, for `##warm` is not there."""
    assert wordpiece("unwatchable") == ["un", "##watch", "##able"]
    assert wordpiece("heartwarming") == ["heart", "##war", "##ming"] and "##warm" not in id_of
    assert len(wordpiece("xqz")) == 3


@after("df6fe19d")
def words_of_more_than_100_characters_are_unknown(wordpiece):
    """Section 7: "The same happens to words of more than 100 characters"."""
    assert wordpiece("z" * 101) == ["[UNK]"] and "[UNK]" not in wordpiece("z" * 100)


@after("99ba8a6b")
def by_hand_and_library_are_equal_on_every_review(same, by_hand):
    """Section 7, "All of them, and not one holds an `[UNK]`", and the recap."""
    assert all(same) and len(same) == 8528
    assert not any("[UNK]" in tokens for tokens in by_hand)


@after("22ed4633")
def the_nasty_strings_are_what_the_text_says(nasty):
    """Section 7: control characters, a flag, a joined family, a final sigma, 101 letters."""
    text = "".join(nasty)
    assert len(nasty) == 17
    assert all(part in text for part in ("\x00", "🇩🇪", "\u200d", "Σ", "z" * 101))


@after("3bf73170")
def the_frame_is_101_and_102(encode, tokenizer):
    """Section 8: "Equal again: 101 is `[CLS]`, 102 is `[SEP]`"."""
    ids = encode("An unwatchable film.")
    assert ids == tokenizer("An unwatchable film.")["input_ids"]
    assert ids[0] == 101 and ids[-1] == 102


@after("3c48a995")
def a_pair_has_two_separators_and_two_types(pair):
    """Section 8: "0 for the first, 1 for the second"; the mask is all ones."""
    assert pair["token_type_ids"] == [0] * 6 + [1] * 3 and pair["input_ids"].count(102) == 2
    assert set(pair["attention_mask"]) == {1}


@after("0eda426a")
def a_text_may_hold_the_real_separator_unless_told_otherwise(tokenizer, tokenize):
    """Section 8: "With `split_special_tokens=True` it reads brackets as brackets"."""
    text = "good [SEP] bad"
    assert "[SEP]" in tokenizer.tokenize(text) and "[SEP]" not in tokenize(text)
    assert tokenizer.tokenize(text, split_special_tokens=True) == tokenize(text)


@after("e939f211")
def the_way_back_does_not_lead_to_the_original(returned):
    """Section 9: the price has become `$ 5. 00`, and the emoji is `[UNK]`."""
    assert returned.startswith("[CLS] the cafe isn ' t open") and "\n" not in returned
    assert "$ 5. 00" in returned and "[UNK] [SEP]" in returned


@after("5cecf2ae")
def most_reviews_come_back_unchanged_but_for_spaces(kept, changed):
    """Section 9: "98 %"; the others lost an accent or an invisible sign."""
    assert round(np.mean(kept), 2) == 0.98
    assert sum("\x96" in text for text in changed) == 18
    assert sum("é" in text for text in changed) == 51


@after("35f7009d")
def two_faces_have_the_same_ids(tokenizer, happy, angry):
    """Section 10: "The same ids. Both faces are `[UNK]` (100)"."""
    assert happy != angry and 100 in tokenizer(happy)["input_ids"]
    assert tokenizer(happy)["input_ids"] == tokenizer(angry)["input_ids"]


@after("06f4be74")
def two_chinese_verdicts_have_the_same_ids(tokenizer, good, bad):
    """Section 10: "this film is good" and "this film is bad", in Chinese."""
    assert good != bad and tokenizer(good)["input_ids"] == tokenizer(bad)["input_ids"]


@after("94f93944")
def other_languages_are_cut_into_crumbs(cut):
    """Section 10: 10 tokens in English, 32 in Russian, 13 in Chinese, of which 9 say nothing."""
    lengths = {language: len(tokens) for language, tokens in cut.items()}
    assert list(lengths.values()) == [10, 12, 15, 12, 32, 15, 14, 13]
    assert cut["Chinese"].count("[UNK]") == 9 and cut["German"][5:7] == ["abe", "##r"]


@after("94f93944")
def russian_is_more_than_twice_as_long_as_the_next(cut):
    """Section 10, the picture: "Russian more than twice as long as the next"."""
    *_, next_longest, longest = sorted(len(tokens) for tokens in cut.values())
    assert len(cut["Russian"]) == longest > 2 * next_longest


@after("fb9ee064")
def no_review_is_too_long(lengths, tokenizer):
    """Section 11: around 27 tokens, a thin tail to 78; "BERT accepts 512"."""
    assert (lengths.min(), np.median(lengths), lengths.max()) == (3, 27, 78)
    assert lengths.max() < tokenizer.model_max_length == 512
    assert np.mean(lengths > 50) < 0.05


@after("3196d1d0")
def truncation_keeps_the_separator_and_loses_the_verdict(tokenizer, short, verdict, id_of):
    """Section 11: "`[SEP]` is kept; the words go. Here they were the verdict"."""
    assert len(short) == 12 and short[-1] == id_of["[SEP]"]
    assert "loved" in verdict and "loved" not in tokenizer.decode(short)


@after("58e977fe")
def three_ways_to_pad_agree(input_ids, attention_mask, collated, helped_ids, helped_mask):
    """Section 11: by hand, the library's collator, and the course's `pad`."""
    assert input_ids.equal(collated["input_ids"]) and input_ids.equal(helped_ids)
    assert attention_mask.equal(collated["attention_mask"]) and attention_mask.equal(helped_mask)
    assert 0 in attention_mask


@after("1a648545")
def random_batches_are_a_third_to_more_than_half_padding(low, middle, high):
    """Section 11. Eight seeds gave 35.9 to 36.8, 47.2 to 47.5 and 57.7 to 58.4 %."""
    assert 0.354 < low < 0.373 and 0.47 < middle < 0.477 and 0.573 < high < 0.588


@after("4074cdc0")
def random_order_wastes_nearly_half(padding_share, shuffled):
    """Section 11: "Nearly half". 300 random orders gave 47.2 to 48.4 %."""
    assert 0.466 < padding_share(shuffled) < 0.49


@after("4074cdc0")
def sorting_the_same_sentences_removes_the_waste(padding_share, shuffled, lengths):
    """Section 11: "sorted, it is less than one percent", 47 points fewer than drawn at random."""
    ordered = padding_share(np.sort(lengths))
    assert 0 < ordered < 0.01
    assert 0.45 < padding_share(shuffled) - ordered < 0.49


@after("4074cdc0")
def filling_up_to_128_wastes_most(padding_share, shuffled, lengths):
    """Section 11: 78.6 %, more than at random."""
    always = 1 - lengths.mean() / 128
    assert round(always, 3) == 0.786 and always > padding_share(shuffled) + 0.25


@after("b4f9138a")
def the_rows_of_the_sorted_batch_end_at_nearly_the_same_place(halves):
    """Section 11, the picture: "all rows end at nearly the same place"; left they do not."""
    spread = {name: batch.max() - batch.min() for name, batch in halves.items()}
    assert spread["sorted"] <= 1 and spread["random order"] > 20


@after("a8297b65")
def without_the_mask_the_same_sentence_gets_the_other_label(positive, right, alone, padded):
    """Section 11: "here from below one half to above it", because of 54 `[PAD]`s."""
    assert padded.shape[1] - alone.shape[1] == 54
    assert right < 0.5 < positive(input_ids=padded)


@after("a8297b65")
def with_the_mask_the_answer_is_the_one_it_gave_alone(positive, right, padded, mask):
    """Section 11, "to 1e-5 in fp32"; without it the answer moves a hundred times as far."""
    assert abs(positive(input_ids=padded, attention_mask=mask) - right) < 1e-5
    assert abs(positive(input_ids=padded) - right) > 1e-3


@after("ecc5e550")
def one_vector_for_bank_is_that_of_money(cosine):
    """Section 12: "money won"; bank-credit 0.76, bank-river 0.41."""
    assert cosine("bank", "credit") > cosine("bank", "river") + 0.3


@after("ecc5e550")
def good_and_bad_are_close(cosine):
    """Section 12: "`good` and `bad` lie at 0.80", nearer than bank and credit."""
    assert 0.79 < cosine("good", "bad") < 0.81
    assert cosine("good", "bad") > cosine("bank", "credit")


@after("6758cf43")
def one_word_in_seven_has_no_row(missing, word_counts, row_of):
    """Section 12: 14 %, among them `didn't`, though `did` and `n't` have rows."""
    assert round(len(missing) / len(word_counts), 2) == 0.14
    assert "didn't" in missing and {"did", "n't"} <= row_of.keys()


@after("8ce22e6d")
def the_tables_have_other_shapes(table, glove, model):
    """Section 12: 30,522 rows of 384 numbers, and 400,000 of 50; six layers behind the first."""
    assert table.shape == (30_522, 384) and glove.shape == (400_000, 50)
    assert model.config.num_hidden_layers == 6


@after("7811be0f")
def glove_rows_are_padding_and_unused_places(glove_ids, vocabulary):
    """Section 12: "Padding and three places that were never used"."""
    read = [vocabulary[i] for i in glove_ids]
    assert read.count("[PAD]") == 2
    assert sum(token.startswith("[unused") for token in read) == 3


@after("3d0e110f")
def two_words_have_the_same_row_by_chance(same_row, shared, row_of):
    """Section 12: 2 of 22,877; `unwatchable` has row 118,217."""
    assert (len(same_row), len(shared)) == (2, 22_877)
    assert row_of["unwatchable"] == 118_217


@after("e6c64b66")
def the_paraphrase_is_nearer_than_the_river(compare, id_of):
    """Section 12: 0.83 and 0.19 with WordPiece ids."""
    paraphrase, river = compare(id_of)
    assert abs(paraphrase - 0.83) < 0.02 and abs(river - 0.19) < 0.02


@after("e6c64b66")
def under_the_other_numbering_the_river_is_nearer(compare, row_of):
    """Section 12: "With the other numbering the river is *nearer* than the paraphrase"."""
    paraphrase, river = compare(row_of)
    assert river > paraphrase


@after("ab89914e")
def two_river_banks_stay_close(river, swim, money):
    """Section 12: "stay close (0.96), river and money move apart (0.76)"."""
    assert abs(river @ swim - 0.96) < 0.02 and abs(river @ money - 0.76) < 0.02


@after("ab89914e")
def the_layers_move_the_two_banks_apart(model, encode, id_of, river, swim, money):
    """Section 12: "Same row going in, different vectors coming out".

    Before the first layer only the position differs: a gap of 0.04 there, of 0.20 after the last.
    """
    sentences = (
        "she sat on the bank of the river and watched the boats .",
        "he swam to the bank of the river .",
        "the bank raised its interest rates on loans .",
    )
    vectors = []
    for ids in map(encode, sentences):
        with torch.inference_mode():
            embedded = model.bert.embeddings(torch.tensor([ids]))[0]
        vectors.append(torch.nn.functional.normalize(embedded[ids.index(id_of["bank"])], dim=0))
    first, second, third = vectors
    assert river @ swim - river @ money > 3 * (first @ second - first @ third)


@after("53af70cb")
def tokenize_drops_the_second_text(tokenizer):
    """Section 13: "It takes the first and silently drops the second"; a call keeps both."""
    texts = ["a fine film", "a dull film"]
    assert tokenizer.tokenize(texts) == ["a", "fine", "film"]
    assert len(tokenizer(texts)["input_ids"]) == 2


@after("2e7cf400")
def the_old_argument_is_ignored(BertTokenizer, vocabulary_file):
    """Section 13: "It knows its five special tokens and nothing else, numbered 0 to 4"."""
    strange = BertTokenizer(vocab_file=str(vocabulary_file))
    assert strange("a fine film")["input_ids"] == [2, 1, 1, 1, 3] and len(strange) == 5
    assert len(BertTokenizer(vocab=str(vocabulary_file))) == 30_522


@after("27e69260")
def padding_behind_changes_nothing_and_in_front_half(read_alone, read_behind, front_gap):
    """Section 13: "Behind: none to 1e-5. In front: on average half the size …"."""
    assert (read_behind - read_alone).abs().max() < 1e-5
    assert 0.45 < front_gap / read_alone.abs().mean() < 0.58


@after("27e69260")
def the_answers_of_the_quiz_hold(id_of, row_of, vocabulary, positive, padded, mask, tokenizer):
    """Quiz: 1 (b), another row of the same table; 2 (c), another answer; 3 (c), `É` is lost."""
    assert id_of["film"] != row_of["film"] < len(vocabulary)
    masked = positive(input_ids=padded, attention_mask=mask)
    assert abs(positive(input_ids=padded) - masked) > 1e-3
    assert tokenizer.decode(tokenizer("É")["input_ids"], skip_special_tokens=True) == "e"
