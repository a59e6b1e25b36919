"""What 01_tokenization says about its numbers: where no band is named, they are exact."""

import unicodedata

import numpy as np
import torch

from tests.notebooks.claims import after


@after("a6678d9a")
def there_are_8528_reviews(texts, everything):
    """The first cell and section 1: "all of our 8,528 reviews"; the split is fixed."""
    assert (len(texts), len(everything)) == (5970, 8528)


@after("0e19586c")
def a_review_has_more_than_a_hundred_characters(texts):
    """Section 2: "a typical review becomes more than a hundred"."""
    assert len("a film") == 6
    assert np.median([len(text) for text in texts]) == 111


@after("7cb997b5")
def more_than_half_of_the_words_occur_once(once, word_counts):
    """Section 3: "More than half of them: 55 %"."""
    assert round(len(once) / len(word_counts), 2) == 0.55


@after("4f9e20ca")
def few_words_are_unknown_but_most_sentences_have_one(unknown, total, with_unknown, validation):
    """Section 3: "Only 6.6 % of the words …, but … 66 % contain at least one"."""
    words, sentences = len(unknown) / total, with_unknown / len(validation)
    assert round(words, 3) == 0.066 and round(sentences, 2) == 0.66
    assert sentences > 5 * words
    assert {"unelected", "incurious"} <= set(unknown)


@after("2614b37f")
def the_vocabulary_is_a_list_with_ids(vocabulary, id_of):
    """Section 4: 30,522 tokens, each once; `film` is line 2143; spare places; usual words first."""
    assert len(vocabulary) == len(id_of) == 30_522 and id_of["film"] == 2143
    assert "[unused0]" in vocabulary[:5]
    assert max(id_of["to"], id_of["was"]) < id_of["raven"]


@after("1b09a88d")
def the_vocabulary_has_whole_words_and_continuations(id_of, inside):
    """Section 4: `able` and `##able` are two tokens; "there is a `plot`, but no `##plot`"."""
    assert len(inside) == 5828
    assert id_of["able"] != id_of["##able"]
    assert "plot" in id_of and "##plot" not in id_of


@after("c542319f")
def the_first_two_rounds_find_un_and_watch(piece, end, word, id_of):
    """Section 5: "It stops at `un`"; then `##watch`; "A third round would … find it at once"."""
    assert (word, piece, end) == ("unwatchable", "##watch", 7)
    assert not any(word[:stop] in id_of for stop in range(3, len(word) + 1))
    assert "##able" in id_of


@after("df6fe19d")
def the_longest_piece_wins_even_if_a_shorter_one_leads_further(wordpiece, id_of):
    """Section 5: `needles` is taken, though `need` and `##lessly` would have been a good cut."""
    assert wordpiece("unwatchable") == ["un", "##watch", "##able"]
    assert wordpiece("moviegoers") == ["movie", "##go", "##ers"]
    assert wordpiece("heartwarming") == ["heart", "##war", "##ming"]
    assert wordpiece("needlessly") == ["needles", "##sl", "##y"]
    assert {"need", "##lessly"} <= set(id_of)
    assert len(wordpiece("xqz")) == 3


@after("df6fe19d")
def the_drawing_of_wordpiece_is_right(id_of):
    """Section 5, the drawing: which pieces were looked up and not found, and which were found."""
    word = "heartwarming"
    assert not any(word[:end] in id_of for end in range(6, 13)) and "heart" in id_of
    assert not any("##" + word[5:end] in id_of for end in range(9, 13)) and "##war" in id_of
    assert "##ming" in id_of


@after("6ca7994e")
def only_the_first_spelling_is_cut_well(wordpiece, id_of):
    """Section 6: "Only the first": capital and accent give `[UNK]`, and `##!` is not `!`."""
    found = [wordpiece(word) for word in ("film", "Film", "café", "film!")]
    assert found == [["film"], ["[UNK]"], ["[UNK]"], ["film", "##!"]]
    assert id_of["!"] != id_of["##!"]
    taken_apart = unicodedata.normalize("NFD", "".join(id_of))
    assert not any(unicodedata.category(character) == "Mn" for character in taken_apart)
    assert not any(token.lower() != token for token in id_of if token[0] != "[")


@after("21533e1a")
def accents_go_and_the_stroke_of_o_stays(normalize):
    """Section 6: `ñ` becomes `n`; the stroke of `Ø` stays."""
    for form in ("NFC", "NFD"):
        assert normalize(unicodedata.normalize(form, "Café NOIR")) == "cafe noir"
    assert normalize("El Niño") == "el nino" and normalize("ØRSTED") == "ørsted"


@after("1577705f")
def punctuation_cuts(pre_tokenize):
    """Section 6: "Into three: `don`, `'` and `t`"; the hyphen splits as well."""
    assert pre_tokenize("don't") == ["don", "'", "t"]
    assert pre_tokenize("great-looking --") == ["great", "-", "looking", "-", "-"]


@after("43838559")
def the_first_attempt_differs_on_47_reviews(different, everything):
    """Section 7, before `clean`: 47, and each holds a control character."""
    assert len(different) == 47
    hidden = [text for text in everything if any(unicodedata.category(c) == "Cc" for c in text)]
    assert set(different) <= set(hidden)


@after("1c9f7a9d")
def the_first_example_holds_a_control_character(example, tokenize, tokenizer):
    """Section 7: "`\\x96`, a *control character*": `[UNK]` by hand, dropped by the library."""
    assert "\x96" in example and unicodedata.category("\x96") == "Cc"
    assert "[UNK]" in tokenize(example) and "[UNK]" not in tokenizer.tokenize(example)
    assert b"\x96".decode("cp1252") == "–"


@after("99ba8a6b")
def by_hand_and_library_are_equal_on_every_review(by_hand, by_library):
    """Section 7, "Equal on all of them … no review contains an `[UNK]`", and the recap."""
    assert by_hand == by_library and len(by_hand) == 8528
    assert not any("[UNK]" in tokens for tokens in by_hand)


@after("3bf73170")
def the_special_tokens_are_101_and_102(encode, tokenizer):
    """Section 8: "The ids are the same as ours", and the drawing of section 1."""
    ids = encode("An unwatchable FILM!")
    assert ids == tokenizer("An unwatchable FILM!")["input_ids"]
    assert ids == [101, 2019, 4895, 18866, 3085, 2143, 999, 102]


@after("3c48a995")
def one_text_has_one_type_and_no_padding(encoded):
    """Section 8: `token_type_ids` are all 0, `attention_mask` all 1."""
    assert set(encoded["token_type_ids"]) == {0} and set(encoded["attention_mask"]) == {1}


@after("35f7009d")
def two_faces_have_the_same_ids(tokenizer, happy, angry):
    """Section 10: both became `[UNK]`, whose id is 100."""
    ids = tokenizer(happy)["input_ids"]
    assert ids == tokenizer(angry)["input_ids"] and 100 in ids


@after("e939f211")
def the_way_back_does_not_lead_to_the_original(returned):
    """Section 10: the price is `$ 5. 00`, the line break is gone, the emoji is unknown."""
    assert returned.startswith("[CLS] the cafe isn ' t open and") and "\n" not in returned
    assert "$ 5. 00" in returned and "[UNK] [SEP]" in returned and "well - spent" in returned


@after("e939f211")
def decoding_removes_the_space_before_a_comma_and_a_full_stop(tokenizer):
    """Section 10: "It also removes the space before some punctuation marks"; not before all."""
    back = tokenizer.decode(tokenizer("slow , ' slower .")["input_ids"])
    assert back == "[CLS] slow, ' slower. [SEP]"


@after("fb9ee064")
def no_review_is_too_long(lengths, tokenizer):
    """Section 11: most between 10 and 50 tokens; few below 4 or above 64; 3 to 78, not 512."""
    assert (lengths.min(), np.median(lengths), lengths.max()) == (3, 27, 78)
    assert lengths.max() < tokenizer.model_max_length == 512
    assert np.mean((lengths >= 10) & (lengths <= 50)) > 0.85
    assert np.mean((lengths < 4) | (lengths > 64)) < 0.002


@after("3196d1d0")
def truncation_keeps_the_separator_and_loses_the_verdict(tokenizer, short, verdict, id_of):
    """Section 11: "The special tokens are kept, and words are cut off"."""
    assert len(short) == 12 and (short[0], short[-1]) == (id_of["[CLS]"], id_of["[SEP]"])
    assert "loved" in verdict and "loved" not in tokenizer.decode(short)


@after("ef4873b9")
def the_drawing_of_padding_is_right(input_ids, attention_mask):
    """Section 12: "Compare this with the drawing, position by position. It is the same."."""
    assert input_ids[0].tolist() == [101, 1037, 11771, 2143, 1012, 102]
    assert input_ids[1].tolist() == [101, 4895, 18866, 3085, 102, 0]
    assert input_ids[2].tolist() == [101, 2204, 102, 0, 0, 0]
    assert attention_mask.sum(1).tolist() == [6, 5, 3]


@after("9bd64fcc")
def nearly_half_of_one_batch_is_padding(batch):
    """Section 12: "It is 45 %"; "the other 31"."""
    assert len(batch) == 32 and round(1 - batch.sum() / (32 * batch.max()), 2) == 0.45


@after("a8297b65")
def without_the_mask_the_same_sentence_gets_the_other_label(positive, alone, padded):
    """Section 13: "from just below one half to just above it", because of 54 `[PAD]`s."""
    assert padded.shape[1] - alone.shape[1] == 54
    assert 0.48 < positive(alone) < 0.5 < positive(padded) < 0.52


@after("a8297b65")
def with_the_mask_the_answer_is_the_one_it_gave_alone(positive, alone, padded, mask):
    """Section 13, "all three decimals"; without it the answer moves a hundred times as far."""
    assert abs(positive(padded, mask) - positive(alone)) < 1e-5
    assert abs(positive(padded) - positive(alone)) > 1e-3


@after("6fce1c2c")
def the_tables_have_other_shapes(table, glove, model):
    """Section 14: 30,522 rows of 384 numbers, and 400,000 of 50."""
    assert table.shape == (30_522, 384) and glove.shape == (400_000, 50)
    assert model.dtype == torch.float32  # section 13: fp32


@after("7811be0f")
def another_numbering_is_another_sentence(glove_ids, vocabulary):
    """Section 14: "A separator, two entries that were never used, and a senator!"."""
    read = [vocabulary[i] for i in glove_ids]
    assert read[0] == "[SEP]" and read[2] == "senator"
    assert sum(token.startswith("[unused") for token in read) == 2


@after("dea5bac1")
def a_greek_s_at_the_end_of_a_word_stays_ordinary(normalize):
    """Section 15: only `lower` looks at the neighbours; Chinese gets its spaces."""
    assert normalize("a\u00a0电影").split() == ["a", "电", "影"]
    assert normalize("ΟΔΟΣ")[-1] == "σ" and "ΟΔΟΣ".lower()[-1] == "ς"


@after("a3ce1955")
def words_of_more_than_100_characters_are_unknown(tokenize):
    """Section 15: "a word of more than 100 characters becomes `[UNK]`"."""
    assert tokenize("z" * 101) == ["[UNK]"] and "[UNK]" not in tokenize("z" * 100)


@after("22ed4633")
def the_nasty_strings_are_what_the_text_says(nasty, tokenize, tokenizer, everything):
    """Section 15: control characters, a flag, a joined family, a final sigma, 101 letters."""
    text = "".join(nasty)
    assert len(nasty) == 17
    assert all(part in text for part in ("\x00", "🇩🇪", "\u200d", "Σ", "z" * 101))
    assert all(tokenize(text) == tokenizer.tokenize(text) for text in everything[::20])


@after("94f93944")
def other_languages_are_cut_into_crumbs(cut):
    """Section 16: 10 tokens in English, 32 in Russian, 13 in Chinese, of which 9 say nothing."""
    lengths = {language: len(tokens) for language, tokens in cut.items()}
    assert list(lengths.values()) == [10, 12, 15, 12, 32, 15, 14, 13]
    assert max(lengths, key=lengths.get) == "Russian"
    assert cut["Chinese"].count("[UNK]") == 9 and cut["German"][5:7] == ["abe", "##r"]


@after("1a648545")
def random_batches_are_a_third_to_more_than_half_padding(low, middle, high):
    """Section 17: 45 % was ordinary. Eight seeds gave 35.9–36.8, 47.2–47.5 and 57.7–58.4 %."""
    assert 0.354 < low < 0.373 and 0.47 < middle < 0.477 and 0.573 < high < 0.588
    assert low < 0.45 < high


@after("4074cdc0")
def random_order_wastes_nearly_half(padding_share, shuffled):
    """Section 17: "nearly half". 300 random orders gave 47.2 to 48.4 %."""
    assert 0.466 < padding_share(shuffled) < 0.49


@after("4074cdc0")
def sorting_the_same_sentences_removes_the_waste(padding_share, shuffled, lengths):
    """Section 17: "sorted it is less than one percent", 47 points fewer than drawn at random."""
    ordered = padding_share(np.sort(lengths))
    assert 0 < ordered < 0.01
    assert 0.45 < padding_share(shuffled) - ordered < 0.49


@after("4074cdc0")
def filling_up_to_128_wastes_most(padding_share, shuffled, lengths):
    """Section 17: 78.6 %, more than at random."""
    always = 1 - lengths.mean() / 128
    assert round(always, 3) == 0.786 and always > padding_share(shuffled) + 0.25


@after("b4f9138a")
def the_rows_of_the_sorted_batch_end_at_nearly_the_same_place(halves):
    """Section 17, the picture: "all rows end at nearly the same place"; left they do not."""
    spread = {name: batch.max() - batch.min() for name, batch in halves.items()}
    assert spread["sorted"] <= 1 and spread["random order"] > 20
    left = halves["random order"]
    assert np.mean(left < 0.6 * left.max()) > 0.5


@after("0eda426a")
def a_text_may_hold_the_real_separator_unless_told_otherwise(tokenizer, tokenize):
    """Section 18: "With `split_special_tokens=True` it reads the brackets as …"."""
    text = "good [SEP] bad"
    assert "[SEP]" in tokenizer.tokenize(text) and "[SEP]" not in tokenize(text)
    assert tokenizer.tokenize(text, split_special_tokens=True) == tokenize(text)


@after("5206db6e")
def a_pair_has_two_separators_and_two_types(pair):
    """Section 18: a separator behind each text; section 8: 0 for the first, 1 for the second."""
    assert pair["token_type_ids"] == [0] * 6 + [1] * 3 and pair["input_ids"].count(102) == 2


@after("53af70cb")
def tokenize_drops_the_second_text(tokenizer):
    """Section 19: "It takes the first text and silently drops the second"; a call keeps both."""
    texts = ["a fine film", "a dull film"]
    assert tokenizer.tokenize(texts) == ["a", "fine", "film"]
    assert len(tokenizer(texts)["input_ids"]) == 2


@after("2e7cf400")
def the_old_argument_is_ignored(BertTokenizer, vocabulary_file):
    """Section 19: "It knows its five special tokens and nothing else, numbered 0 to 4"."""
    strange = BertTokenizer(vocab_file=str(vocabulary_file))
    assert strange("a fine film")["input_ids"] == [2, 1, 1, 1, 3] and len(strange) == 5
    assert len(BertTokenizer(vocab=str(vocabulary_file))) == 30_522


@after("27e69260")
def padding_behind_changes_nothing_and_in_front_half(read_alone, behind_gap, front_gap):
    """Section 19: behind nothing changes; in front "about half of its typical size"."""
    assert behind_gap < 1e-5
    assert 0.45 < front_gap / read_alone.abs().mean() < 0.58


@after("27e69260")
def the_answers_of_the_quiz_hold(id_of, row_of, vocabulary, positive, padded, mask, tokenizer):
    """Quiz: 1 (b), another row of the same table; 2 (c), another answer; 3 (c), `É` is lost."""
    assert id_of["film"] != row_of["film"] < len(vocabulary)
    assert abs(positive(padded) - positive(padded, mask)) > 1e-3
    assert tokenizer.decode(tokenizer("É")["input_ids"], skip_special_tokens=True) == "e"
