"""What 12_instruction_tuning says about its numbers."""

import math
import re

import torch
from datasets import Dataset
from transformers import LlamaConfig, LlamaForCausalLM

from helpers import chat
from helpers.chat import mistakes
from helpers.measured import instruction_tuning as recorded
from tests.notebooks.claims import after

RIVALS = ("fine-tuned encoder", "frozen features", "TF-IDF")
NUMBER = re.compile(r"[+-]\d+\.\d")
SIZES = {"hidden_size": 16, "intermediate_size": 16, "num_attention_heads": 2}


@after("c5795d6b")
def the_model_has_135_million_parameters(parameters):
    """Section 1: "135 million parameters, six times as many as the MiniLM"."""
    assert parameters == 134_515_008
    assert 5.8 < parameters / 22_713_216 < 6.2


@after("688d9648")
def five_tokens_and_a_logit_for_each_of_the_vocabulary(logits, input_ids):
    """Section 1: five tokens, 49,152 logits at each position."""
    assert tuple(logits.shape) == (1, 5, 49_152) and input_ids.shape == (1, 5)


@after("bf4fef96")
def paris_gets_more_than_half(probabilities, tokenizer):
    """Section 1: "Paris" is far ahead, with more than half of the probability."""
    best = probabilities.topk(2)
    assert tokenizer.decode(best.indices[0]) == " Paris"
    assert best.values[0] > 0.5 and best.values[0] > 3 * best.values[1]


@after("08acb9c6")
def no_weight_points_ahead(masked):
    """Section 2: rows add up to 1, nothing above the diagonal, the first weight is 1."""
    weights = masked.softmax(dim=1)
    assert torch.equal(weights, weights.tril()) and weights[0, 0] == 1
    assert torch.allclose(weights.sum(dim=1), torch.ones(4))


@after("30d5a958")
def only_the_last_position_changes(logits, other_logits):
    """Section 2: only at the last one."""
    changed = (logits - other_logits).abs().amax(dim=2)[0] > 1e-3
    assert changed.tolist() == [False] * 4 + [True]


@after("9bb33019")
def the_loop_writes_what_the_library_writes(written, library):
    """Section 3: the same tokens."""
    assert torch.equal(written, library)


@after("8f760d18")
def the_model_ends_its_answer_itself(answer, tokenizer):
    """Section 4: the token after the full stop is the end token, and then it goes on."""
    tokens = tokenizer.convert_ids_to_tokens(answer)
    after_the_stop = tokens[tokens.index(".") + 1 :]
    assert after_the_stop[0] == "<|im_end|>" and len(after_the_stop) > 1


@after("be20ef91")
def the_answer_has_four_tokens(before, ids, tokenizer):
    """Section 5: two for the word, the end token, a line break."""
    assert ids[: len(before)] == before
    assert tokenizer.convert_ids_to_tokens(ids[len(before) :]) == ["def", "ect", "<|im_end|>", "Ċ"]


@after("be20ef91")
def the_whole_generation_prompt_is_found_once(ids_of):
    """Quiz, question 3: in the ids, it marks the answer, even if the message says "assistant"."""
    asks = [{"role": "user", "content": "your assistant was rude"}]
    before, ids = ids_of(asks, True), ids_of([*asks, {"role": "assistant", "content": "defect"}])
    header = before[len(ids_of(asks)) :]
    ends = [t for t in range(len(header), len(ids)) if ids[t - len(header) : t] == header]
    assert ends == [len(before)]


@after("3c64a1d7")
def three_labels_count(labels):
    """Section 5: "Only three of these labels count"."""
    assert sum(label != -100 for label in labels) == 3 and labels[-1] == -100


@after("eb4a32e0")
def the_loss_by_hand_is_the_models_own(by_hand, by_library):
    """Section 5: the same number; somebody who guesses blindly would have 10.8."""
    assert round(math.log(49_152), 1) == 10.8
    assert torch.isclose(by_hand, by_library, atol=1e-5)


@after("11775deb")
def untrained_it_does_not_comply(zero_shot, names):
    """Section 6: none of the answers is one of the eight words."""
    assert not any(answer.text.strip().lower() in names for answer in zero_shot)


@after("e7d17327")
def sixteen_bytes_instead_of_four(million):
    """Section 7: four bytes, and sixteen; seven billion weights would need 112 GB."""
    assert round(4 * million) == 538 and round(16 * million) == 2152
    assert 7e9 * 16 == 112e9


@after("0b38ea71")
def a_few_percent_are_trained(trained, parameters):
    """Section 7: what is trained is 3.6 % of all weights."""
    assert trained == 4_884_480 and round(100 * trained / parameters, 1) == 3.6


@after("b9a2e113")
def the_helper_computes_the_models_own_loss(ours, theirs):
    """Section 8: the same loss."""
    assert torch.isclose(ours, theirs, atol=1e-4)


@after("db410d59")
def the_loss_falls_far(losses):
    """Section 8: 47 steps; far below its first value."""
    assert len(losses) == 47
    assert sum(losses[-10:]) / 10 < losses[0] / 3


@after("407787de", learning=True)
def the_trained_model_is_far_above_chance(answers, expected, names):
    """Section 9: answers are valid and stop, and more are right than guessing would reach."""
    score = chat.score(answers, expected, chat.one_of(names))
    assert score.loc["valid", "share"] > 0.95 and score.loc["stopped", "share"] > 0.95
    assert score.loc["exact", "low"] > 1 / 8


@after("4e67bf70")
def the_collator_masks_the_end_token(batch, ids):
    """Section 10: the end token of the answer has the label −100, its word has not."""
    labels = batch["labels"][0].tolist()
    assert labels[-2] == -100 and ids[-2] == 2 and labels[-3] == ids[-3]


@after("58099cea")
def nothing_is_marked_and_the_loss_is_not_a_number(marked, model, ids):
    """Section 10: no token is marked, the loss is nan, and its gradients are 0."""
    assert sum(marked["assistant_masks"]) == 0
    loss = model(torch.tensor([ids]), labels=torch.full((1, len(ids)), -100)).loss
    assert math.isnan(loss)
    small = LlamaForCausalLM(LlamaConfig(vocab_size=50, num_hidden_layers=1, **SIZES))
    small(torch.tensor([[1, 2, 3]]), labels=torch.full((1, 3), -100)).loss.backward()
    assert all((p.grad == 0).all() for p in small.parameters())


@after("b3b6de68")
def without_a_trained_end_no_answer_stops(wrong_answers, answers, expected, names):
    """Section 10: not one answer stops or is exact, on the same data, steps and seed."""
    wrong = chat.score(wrong_answers, expected, chat.one_of(names))
    right = chat.score(answers, expected, chat.one_of(names))
    assert wrong.loc["stopped", "count"] == 0 and wrong.loc["exact", "count"] == 0
    assert right.loc["stopped", "count"] > 100


@after("81d7e35d")
def recorded_errors_are_as_told():
    """Section 10: three seeds each; two mistakes are the same training; the prompt costs points."""
    runs = recorded.matching(
        recorded.table(recorded.RUNS), task="word", weights="lora", rate=1e-3, epochs=1
    ).set_index(["labels", "seed"])
    assert (runs.loc["right", "stopped"] >= 103).all()
    for labels in ("pad is end", "no end"):
        assert len(runs.loc[labels]) == 3
        assert (runs.loc[labels, "stopped"] == 0).all() and (runs.loc[labels, "exact"] == 0).all()
    same = ["loss_first", "loss_last", "validation_loss", "news_loss"]
    assert runs.loc["pad is end", same].equals(runs.loc["no end", same])
    assert (runs.loc["shifted", "exact"] == 0).all() and (runs["loss_last"] < 1.5).all()
    assert (runs["loss_last"] < runs["loss_first"] / 2).all()
    assert (runs.loc["prompt trained", "exact"] < runs.loc["right", "exact"]).all()


@after("81d7e35d")
def answers_of_the_spoiled_runs_are_as_told():
    """Section 10: on and on; of the shifted ones 261 of 315 are empty, most others pieces."""
    answers = recorded.table(recorded.ANSWERS, keep_default_na=False)
    endless = recorded.matching(answers, labels="pad is end", seed=0)["answer"]
    assert endless.str.startswith("defect\ndefect\n").any()
    shifted = recorded.matching(answers, labels="shifted")["answer"]
    empty = shifted.str.strip() == ""
    assert empty.sum() == 261 and len(shifted) == 315
    assert (shifted[~empty].str.match("ect|ancell|und|illing")).mean() > 0.5


@after("23e62e44")
def the_table_says_what_the_text_says(table):
    """Section 9: hardly better than guessing; about half; 69 %; a fifth of the encoder's size."""
    exact = table["exact"]
    assert exact["SmolLM2, LoRA, two epochs"].round() == 69
    assert 45 < exact["SmolLM2, LoRA, one epoch"] < 55
    assert all(exact[name] < 20 for name in table.index if "shot" in name)
    full = table.loc["SmolLM2, all weights, one epoch"]
    one = table.loc["SmolLM2, LoRA, one epoch"]
    assert [*full[["from", "to"]].round()] == [63, 65] and [*one[["from", "to"]].round()] == [
        40,
        59,
    ]
    assert 5.8 < 134_515_008 / 22_713_216 < 6.2


@after("23e62e44")
def the_commonest_answer_is_hardly_better_than_chance(expected):
    """Section 9: always giving the commonest answer of the test messages would reach 13.3 %."""
    commonest = max(map(expected.count, set(expected)))
    assert round(100 * commonest / len(expected), 1) == 13.3


@after("72eb9080")
def the_pairs_say_what_the_text_says():
    """Section 9: far above TF-IDF; frozen features and encoder: the intervals contain zero."""
    words = {rival: recorded.paired("SmolLM2, LoRA, two epochs", rival) for rival in RIVALS}
    gains = {rival: [*map(float, NUMBER.findall(said)[-3:])] for rival, said in words.items()}
    assert gains["TF-IDF"][1] > 10
    for rival in ("frozen features", "fine-tuned encoder"):
        assert gains[rival][1] < 0 < gains[rival][2]
    assert abs(gains["frozen features"][0]) < 1 and round(gains["fine-tuned encoder"][0]) == -5


@after("170ba7f3")
def the_capitals_are_gone_and_the_news_is_not():
    """Section 14: 22 before, hardly any after, at any rate; the loss on news rose with the rate."""
    runs = recorded.matching(recorded.table(recorded.RUNS), task="word")
    before = runs[runs["labels"] == "none"].iloc[0]
    assert before["capitals"] == 22 and before["capitals_of"] == 30
    right = runs[runs["labels"] == "right"]
    assert len(right) == 15 and (right["capitals"] <= 3).all()
    rise = right["news_loss"] - before["news_loss"]
    high = right["rate"].isin([1e-3, 1e-4])
    assert (rise[high] > 0.02).all() and (rise[~high].abs() < 0.04).all()
    assert (
        rise[high & (right["weights"] == "full")].max()
        < rise[high & (right["weights"] == "lora")].min()
    )
    lora = rise[high & (right["weights"] == "lora")].mean()
    assert 0.13 < 1 - math.exp(-lora) < 0.17  # "the right token became some 15 % less likely"
    for _, of in right[right["epochs"] == 1].groupby("weights"):
        means = of.groupby("rate")["exact"].mean()  # rates rise: the higher one has learned more
        assert len(means) == 2 and means.is_monotonic_increasing


@after("ee88e23b")
def top_p_is_the_librarys(ours, theirs, logits):
    """Section 12: the same tokens are kept; at temperature 2, "Paris" keeps 5 %."""
    assert torch.equal(ours, theirs)
    hot = (logits / 2.0).softmax(dim=0).max()
    assert 0.045 < hot < 0.055


@after("cb2b104e")
def the_cache_changes_no_token(greedy_with_cache, input_ids, written):
    """Section 13: the same tokens; 183 against 62 processed."""
    assert torch.equal(greedy_with_cache(input_ids, 10), written)
    assert 60 + 61 + 62 == 183 and 60 + 1 + 1 == 62


@after("6ee64be9")
def the_library_learns_the_same(apart, weights_apart, moved):
    """Section 17: the same losses and weights, up to rounding."""
    assert apart < 1e-3 and weights_apart < moved / 100


@after("75d94360")
def at_first_the_wrong_answer_is_likelier(reference):
    """Section 18: below 0, the model finds "delivery" likelier than "defect"."""
    assert reference < 0


@after("ea36c234")
def the_margin_grows_from_zero(margin, loss):
    """Section 18: ln 2 at first; after one step the margin is positive."""
    assert margin > 0 and loss < math.log(2)


@after("8235b88a")
def four_bits_tell_sixteen_values_apart(codes, error):
    """Section 18: codes from 0 to 15; with two 16-bit numbers per 32 weights, five bits each."""
    assert codes.min() == 0 and codes.max() == 15 and 0.01 < error < 0.2
    assert (32 * 4 + 2 * 16) / 32 == 5


@after("7852901f")
def a_little_weight_on_the_prompt_did_no_harm():
    """Section 15: 34 to 37 instead of 42 to 62; with 0.1 one or two more, and fifteen."""
    right = recorded.prompt_weights()
    assert [right[1.0].min(), right[1.0].max(), right[0.0].min(), right[0.0].max()] == [
        34,
        37,
        42,
        62,
    ]
    assert sorted(right[0.1] - right[0.0]) == [1, 2, 15]


@after("7be1c0d4")
def each_of_the_five_is_named_and_nothing_else(examples, tokenizer):
    """Section 10: nothing in the right labels, and one name for each mistake."""
    versions = mistakes.versions(examples[:8], tokenizer.eos_token_id).values()
    rows = [Dataset.from_list([vars(example) for example in version]) for version in versions]
    assert [chat.audit(dataset, tokenizer).names for dataset in rows] == [
        [],
        ["end_token_masked"],
        ["no_end_token"],
        ["everything_masked"],
        ["prompt_trained"],
        ["labels_shifted"],
    ]


@after("c64f2e18")
def each_slip_is_named_by_its_prompts(asked, asked_about, tokenizer):
    """Section 10: all three slips of mistake 6, and nothing where the prompt is as in training."""
    names = [chat.audit(asked_about, tokenizer, prompts=ids).names for ids in asked.values()]
    assert names == [[], ["prompt_without_header"], ["prompt_differs"], ["prompt_double_bos"]]


@after("5292e91d")
def the_collators_batch_has_mistakes_one_and_four(columns, tokenizer):
    """Section 10: both are named."""
    found = chat.audit(Dataset.from_dict(columns), tokenizer).findings
    assert {finding.check for finding in found} == {"end_token_masked", "prompt_trained"}


@after("da52f8d4")
def the_endless_answers_begin_well(begins, expected):
    """Section 10: the model did learn to sort: far more begin rightly than guessing would reach."""
    assert begins > 2 * len(expected) / 8


@after("5c73a1b6")
def without_its_header_no_answer_is_exact(asked, right, model, tokenizer):
    """Section 10: the model writes the missing header first."""
    given = chat.continue_ids(model, tokenizer, asked["no generation prompt"][:4], 12)
    assert not any(answer.text == word for answer, word in zip(given, right, strict=False))
    assert given[0].text.startswith("<|im_start|>assistant")


@after("53e8b00d")
def what_is_drawn_continues_the_text(drawn, input_ids):
    """Section 12: ten tokens more."""
    assert torch.equal(drawn[:, : input_ids.shape[1]], input_ids)
    assert drawn.shape[1] <= input_ids.shape[1] + 10


@after("9d599014")
def it_does_not_say_the_capital(chat, model, tokenizer, question):
    """Section 14: one word, and not the right one."""
    text = chat.generate(model, tokenizer, [question])[0].text
    assert "Paris" not in text and len(text.split()) == 1


@after("5ac1e470")
def some_test_messages_name_an_item_that_is_new(known, right_objects, is_new):
    """Section 11: a test message's thing may be one that no training message names."""
    assert len(right_objects) == 105 and 0 < sum(is_new) < 20 and None not in known


@after("c90a3391")
def peft_learns_the_same(apart_at_end):
    """Section 17: the same losses and matrices."""
    assert apart_at_end < 1e-4


@after("23e62e44")
def other_rates_were_tried_on_validation():
    """Section 9: 45, 66 and 66 % for LoRA; 75, 74 and 74 % for all weights."""
    runs = recorded.matching(recorded.table(recorded.RUNS), task="pilot").sort_values("rate")
    for weights, shares in (("lora", [45, 66, 66]), ("full", [75, 74, 74])):
        exact = recorded.matching(runs, weights=weights)["validation_exact"]
        assert [round(100 * share) for share in exact] == shares


@after("23e62e44")
def validation_messages_were_easier_for_all_six():
    """Section 9: each of the six recorded runs had a higher share there than on the test."""
    runs = recorded.matching(
        recorded.table(recorded.RUNS), task="word", labels="right", epochs=1
    ).query("rate in (1e-3, 1e-4)")
    assert sorted(runs["weights"]) == ["full"] * 3 + ["lora"] * 3
    assert (runs["validation_exact"] > runs["exact"] / runs["of"]).all()


@after("fb25df9a")
def the_form_is_learned_and_the_items_are_as_good_as_a_list(right_objects, is_new, found):
    """Section 11: all valid; hardly more items than the list; 6 to 8 of the 11 new ones."""
    table = recorded.as_json(right_objects, is_new)
    assert (table["valid"] == 105).all() and len(table) == 3
    assert sum(found) == 81 and sum(is_new) == 11
    assert not any(hit and new for hit, new in zip(found, is_new, strict=True))
    assert [table["new items"].min(), table["new items"].max()] == [6, 8]
    ranges = [(table[name].min(), table[name].max()) for name in ("item", "both")]
    assert ranges == [(84, 86), (52, 56)]  # and so does docs/findings.md


@after("9d599014")
def who_learned_longer_answers_still_names_some_capitals():
    """Section 14: the models of section 11 still named 8 or 9."""
    runs = recorded.matching(recorded.table(recorded.RUNS), task="json")
    assert sorted(set(runs["capitals"])) == [8, 9]


@after("91e9bcbe")
def more_text_did_not_bring_more_answers():
    """Section 16: 4.75 to 3.89, then about 4.4; 58 to 61, within 42 to 62; twice, 71 to 75."""
    both = recorded.table(recorded.RAW)
    assert len(both) == 3 and (both["exact_messages"] == 0).all()
    assert [both["likeliest_messages"].min(), both["likeliest_messages"].max()] == [13, 15]
    assert [both["exact_answers"].min(), both["exact_answers"].max()] == [58, 61]
    assert (both["message_loss_before"].round(2) == 4.75).all()
    assert both["message_loss_messages"].mean().round(2) == 3.89
    assert 4.3 < both["message_loss_answers"].mean() < 4.45
    runs = recorded.matching(recorded.table(recorded.RUNS), task="word", labels="right", rate=1e-3)
    once, twice = (runs[runs["epochs"] == epochs]["exact"] for epochs in (1, 2))
    assert [once.min(), once.max(), twice.min(), twice.max()] == [42, 62, 71, 75]


@after("cfb6df68")
def encoder_and_list_are_ahead_of_the_language_model(looked_up, right_objects, is_new):
    """Section 11: both right in 58 to 61, SmolLM2 in 52 to 56; on known items the list is ahead."""
    both = []
    for seed in range(3):
        intents = recorded.answers_of("fine-tuned encoder", seed)
        answers = [{"intent": i, "item": item} for i, item in zip(intents, looked_up, strict=True)]
        both.append(sum(a == r for a, r in zip(answers, right_objects, strict=True)))
    assert [min(both), max(both)] == [58, 61]
    table = recorded.as_json(right_objects, is_new)
    others = table["item"] - table["new items"]
    assert [others.min(), others.max()] == [76, 78]


@after("d7b3b33f")
def five_mistakes_about_new_items_and_four_are_forms(right_objects, is_new, known):
    """Section 11: what the run with seed 0 wrote instead."""
    written = [recorded.read(answer)["item"] for answer in recorded.json_answers(seed=0)]
    rows = zip(written, right_objects, is_new, strict=True)
    wrong = {(w["item"], item) for item, w, new in rows if new and item != w["item"]}
    assert wrong == {
        ("helmets", "helmet"),
        ("e-bikes", "e-bike"),
        ("e-bike", "ebike"),
        ("pillows", " pillows"),
        ("hook", "mirror"),
    }
    new_items = [w["item"] for w, new in zip(right_objects, is_new, strict=True) if new]
    things = [item for item in new_items if item in ("camera", "mirror", "hook")]
    assert len(things) == 4 and len(new_items) - len(things) == 7
    roots = ("heater", "machine", "bike", "pillow", "helmet")  # each a known item, or a part of one
    assert all(any(root in item for root in roots) for item in set(new_items) - set(things))
    assert all(any(root in item for item in known) for root in roots)


@after("2d0bf436")
def our_loop_is_faster_than_trls():
    """Section 17: four and two times with LoRA, 2.5 to 2.7 and 1.4 with all weights; memory."""
    table = recorded.speed()
    speed, memory = table["conversations/s"], table["peak memory, MB"]
    names = ("chat.fine_tune, fp32", "chat.fine_tune, defaults")
    lora, full = ([speed[weights, name] for name in names] for weights in ("LoRA", "all weights"))
    assert all(3.7 < s / speed["LoRA", "trl, defaults"] < 4.4 for s in lora)
    assert all(1.8 < s / speed["LoRA", "trl, best"] < 2.4 for s in lora)
    assert all(2.4 < s / speed["all weights", "trl, defaults"] < 2.8 for s in full)
    assert all(1.3 < s / speed["all weights", "trl, best"] < 1.5 for s in full)
    saved = 1 - memory["LoRA", names[0]] / memory["all weights", names[0]]
    assert 1 / 3 < saved < 0.4
    assert 1.5 < lora[0] / full[0] < 1.7
    assert abs(speed["LoRA", "trl, defaults"] - speed["all weights", "trl, defaults"]) < 0.1
    for weights in ("LoRA", "all weights"):
        of = memory[weights]
        assert of["trl, defaults"] < of[names[0]] < of["trl, best"]
    assert all(memory["LoRA", name] < memory["all weights", name] for name in memory["LoRA"].index)


@after("23e62e44")
def other_seeds_of_the_live_run_are_as_told():
    """Section 9: 56 to 65 right with the seeds 1 to 4; no answer of the spoiled run stops."""
    rows = recorded.table("notebook_bands")
    rows = rows[rows["notebook"] == "12_instruction_tuning"]
    values = rows.pivot_table(index="seed", columns="quantity", values="value")
    assert values.loc[0, "exact"] == 65
    assert [values["exact"].drop(0).min(), values["exact"].drop(0).max()] == [56, 65]
    assert (values[["wrong_stopped", "wrong_exact"]] == 0).all(axis=None)
    assert (values[["valid", "stopped"]] == 105).all(axis=None)


@after("81d7e35d")
def half_of_the_words_are_single_tokens(tokenizer, names, expected):
    """Section 10: four of the eight words, and about half of the right answers."""
    single = {name for name in names if len(tokenizer(name)["input_ids"]) == 1}
    assert len(single) == 4 and "question" in single
    assert len(tokenizer("defect")["input_ids"]) == 2
    assert 0.4 < sum(word in single for word in expected) / len(expected) < 0.6


@after("092afd2d")
def a_twenty_fifth_of_all_tokens_belongs_to_the_answers(examples):
    """Sections 10 and 15: about 4 % of all tokens; 0.1 × 96 is more than twice 4."""
    answers = sum(label != chat.IGNORED for e in examples for label in e.labels)
    assert round(100 * answers / sum(len(e.input_ids) for e in examples)) == 4
    assert 0.1 * 96 > 2 * 4
