"""Right and wrong answers to the exercises of notebook 12."""

from functools import cache

import numpy as np
import torch
from torch.nn.functional import cross_entropy, log_softmax, nll_loss, one_hot

from helpers import checkpoints
from tests.notebooks.cases import Cases


@cache
def tokenizer():
    return checkpoints.load_tokenizer(checkpoints.CAUSAL_CHECKPOINT)


def ids_of(messages, add_generation_prompt=False):
    return tokenizer().apply_chat_template(
        messages, add_generation_prompt=add_generation_prompt, return_dict=False
    )


def labels_of(messages):
    ids = ids_of(messages)
    labels = [-100] * len(ids)
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            begin = len(ids_of(messages[:i], add_generation_prompt=True))
            end = len(ids_of(messages[: i + 1])) - 1
            labels[begin:end] = ids[begin:end]
    return ids, labels


def labels_from_the_right(messages):
    """Another shape: everything carries loss at first, and tensors are returned."""
    ids = torch.tensor(ids_of(messages))
    labels = ids.clone()
    behind = len(ids)
    for i in reversed(range(len(messages))):
        if messages[i]["role"] != "assistant":
            continue
        labels[len(ids_of(messages[: i + 1])) - 1 : behind] = -100
        behind = len(ids_of(messages[:i], True))
    labels[:behind] = -100
    return torch.stack([ids, labels])


def labels_by_counting(messages):
    """Another shape: from each `<|im_start|>`, whose header has four tokens, to its end token."""
    ids = np.array(ids_of(messages))
    labels = np.full(len(ids), -100)
    ends = np.flatnonzero(ids == tokenizer().eos_token_id)
    starts = np.flatnonzero(ids == tokenizer().convert_tokens_to_ids("<|im_start|>"))
    roles = [message["role"] for message in messages]
    for role, start, end in zip(roles[::-1], starts[::-1], ends[::-1], strict=False):
        if role == "assistant":
            labels[start + 4 : end + 1] = ids[start + 4 : end + 1]
    return ids.tolist(), labels.tolist()


def labels_between(begin_of, end_of):
    """A wrong program whose answers begin and end elsewhere."""

    def function(messages):
        ids = ids_of(messages)
        labels = [-100] * len(ids)
        for i, message in enumerate(messages):
            if message["role"] == "assistant":
                begin, end = begin_of(messages, i), end_of(messages, i)
                labels[begin:end] = ids[begin:end]
        return ids, labels

    return function


def begin_of(messages, i):
    return len(ids_of(messages[:i], add_generation_prompt=True))


def header_of(messages, i):
    return len(ids_of(messages[:i]))


def break_of(messages, i):
    return len(ids_of(messages[: i + 1])) - 1


with_the_line_break = labels_between(begin_of, lambda m, i: break_of(m, i) + 1)
without_the_end = labels_between(begin_of, lambda m, i: break_of(m, i) - 1)
with_the_header = labels_between(header_of, break_of)
whole_messages = labels_between(header_of, lambda m, i: break_of(m, i) + 1)
from_the_first_answer_on = labels_between(begin_of, lambda m, i: len(ids_of(m)) - 1)
to_the_last_line_break = labels_between(begin_of, lambda m, i: len(ids_of(m)))
one_token_late = labels_between(lambda m, i: begin_of(m, i) + 1, break_of)


def return_inside_the_loop(messages):
    ids = ids_of(messages)
    labels = [-100] * len(ids)
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            begin, end = begin_of(messages, i), break_of(messages, i)
            labels[begin:end] = ids[begin:end]
            return ids, labels


def a_new_list_each_time(messages):
    """The labels begin anew with each answer, so the earlier ones are lost."""
    ids = ids_of(messages)
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            labels = [-100] * len(ids)
            begin, end = begin_of(messages, i), break_of(messages, i)
            labels[begin:end] = ids[begin:end]
    return ids, labels


def everything(messages):
    ids = ids_of(messages)
    return ids, list(ids)


def nothing(messages):
    ids = ids_of(messages)
    return ids, [-100] * len(ids)


def shifted_by_hand(messages):
    ids, labels = labels_of(messages)
    return ids, [*labels[1:], -100]


def shifted_the_other_way(messages):
    ids, labels = labels_of(messages)
    return ids, [-100, *labels[:-1]]


def cut_by_hand(messages):
    ids, labels = labels_of(messages)
    return ids, labels[1:]


def search_for_the_answer(messages):
    ids = ids_of(messages)
    labels = [-100] * len(ids)
    for message in messages:
        if message["role"] == "assistant":
            answer = tokenizer()(message["content"])["input_ids"]
            for t in range(len(ids)):
                if ids[t : t + len(answer)] == answer:
                    labels[t : t + len(answer) + 1] = ids[t : t + len(answer) + 1]
                    break
    return ids, labels


def search_behind_the_last_one(messages):
    """It goes on where the last answer ended, which is not enough: a question may hold the word."""
    ids = ids_of(messages)
    labels, t = [-100] * len(ids), 0
    for message in messages:
        if message["role"] == "assistant":
            answer = tokenizer()(message["content"])["input_ids"]
            t = next(p for p in range(t, len(ids)) if ids[p : p + len(answer)] == answer)
            labels[t : t + len(answer) + 1] = ids[t : t + len(answer) + 1]
            t += len(answer)
    return ids, labels


def search_for_the_header(messages):
    """It looks for "assistant" and a line break, wherever they are, up to the next end token."""
    ids = ids_of(messages)
    labels = [-100] * len(ids)
    header = tokenizer().convert_tokens_to_ids(["ass", "istant", "Ċ"])
    for t in range(3, len(ids)):
        if ids[t - 3 : t] == header:
            end = ids.index(tokenizer().eos_token_id, t) + 1
            labels[t:end] = ids[t:end]
    return ids, labels


def every_end_token(messages):
    ids, labels = labels_of(messages)
    end = tokenizer().eos_token_id
    return ids, [i if i == end else label for i, label in zip(ids, labels, strict=True)]


def zero_for_nothing(messages):
    ids, labels = labels_of(messages)
    return ids, [0 if label == -100 else label for label in labels]


def as_for_two_turns(messages):
    """The places of the two answers are fixed: behind a system message."""
    ids = ids_of(messages)
    labels = [-100] * len(ids)
    for i in (2, 4):
        if i < len(messages):
            begin, end = begin_of(messages, i), break_of(messages, i)
            labels[begin:end] = ids[begin:end]
    return ids, labels


def each_message_alone(messages):
    """The template puts its own system message before each of them."""
    ids = [i for message in messages for i in ids_of([message])]
    return ids, [-100] * len(ids)


def ids_with_a_prompt(messages):
    ids = ids_of(messages, add_generation_prompt=True)
    labels = labels_of(messages)[1]
    return ids, labels + [-100] * (len(ids) - len(labels))


def labels_first(messages):
    return labels_of(messages)[::-1]


def labels_alone(messages):
    return labels_of(messages)[1]


def rows_of_a_batch(messages):
    return [[ids] for ids in labels_of(messages)]


def messages_taken_out(messages):
    """It empties the list while it works."""
    found = labels_of(messages)
    messages.pop()
    return found


def loss_of(logits, labels):
    logits, labels = logits[:-1], labels[1:]
    kept = labels != -100
    log_probabilities = log_softmax(logits[kept], dim=1)
    return -log_probabilities[torch.arange(len(log_probabilities)), labels[kept]].mean()


def loss_in_a_loop(logits, labels):
    """Another shape: position by position, and a plain number."""
    losses = []
    for t in range(len(labels) - 1):
        if labels[t + 1] >= 0:
            losses.append(torch.logsumexp(logits[t], dim=0) - logits[t, labels[t + 1]])
    return (sum(losses) / len(losses)).item()


def loss_with_gather(logits, labels):
    kept = labels.roll(-1)[:-1] != -100
    safe = labels[1:].clamp(min=0)
    log_probabilities = logits.log_softmax(dim=-1)[:-1].gather(1, safe[:, None])[:, 0]
    return -(log_probabilities * kept).sum() / kept.sum()


def loss_with_one_hot(logits, labels):
    """Another shape: all tokens of the vocabulary, of which one counts."""
    kept = torch.where(labels[1:] != -100)[0]
    wanted = one_hot(labels[1:][kept], logits.shape[1])
    return -(wanted * log_softmax(logits[kept], dim=1)).sum() / len(kept)


def loss_with_nll(logits, labels):
    return nll_loss(log_softmax(logits[:-1], dim=1), labels[1:])


def log_probabilities_at(logits, labels):
    kept = labels != -100
    return log_softmax(logits[kept], dim=1)[torch.arange(kept.sum()), labels[kept]]


def no_shift(logits, labels):
    return -log_probabilities_at(logits, labels).mean()


def shifted_backwards(logits, labels):
    return -log_probabilities_at(logits[1:], labels[:-1]).mean()


def last_of_both_dropped(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[:-1]).mean()


def first_of_both_dropped(logits, labels):
    return -log_probabilities_at(logits[1:], labels[1:]).mean()


def ignored_as_zero(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[1:].clamp(min=0)).mean()


def ignored_as_an_index(logits, labels):
    log_probabilities = log_softmax(logits[:-1], dim=1)
    return -log_probabilities.gather(1, labels[1:, None]).mean()


def the_sum(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[1:]).sum()


def divided_by_all(logits, labels):
    return the_sum(logits, labels) / len(labels)


def divided_by_all_but_one(logits, labels):
    return -(log_probabilities_at(logits[:-1], labels[1:]).sum() / (len(labels) - 1))


def divided_before_the_shift(logits, labels):
    return the_sum(logits, labels) / (labels != -100).sum()


def softmax_twice(logits, labels):
    return -log_probabilities_at(logits.softmax(dim=1)[:-1], labels[1:]).mean()


def mean_probability(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[1:]).exp().mean()


def logarithm_of_the_mean(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[1:]).exp().mean().log()


def softmax_then_log(logits, labels):
    kept = labels[1:] != -100
    probabilities = logits[:-1][kept].softmax(dim=1)
    return -probabilities[torch.arange(kept.sum()), labels[1:][kept]].log().mean()


def no_softmax(logits, labels):
    kept = labels[1:] != -100
    return -logits[:-1][kept][torch.arange(kept.sum()), labels[1:][kept]].mean()


def no_sign(logits, labels):
    return log_probabilities_at(logits[:-1], labels[1:]).mean()


def softmax_over_positions(logits, labels):
    kept = labels[1:] != -100
    log_probabilities = log_softmax(logits, dim=0)[:-1][kept]
    return -log_probabilities[torch.arange(kept.sum()), labels[1:][kept]].mean()


def likeliest_token(logits, labels):
    return -log_softmax(logits[:-1][labels[1:] != -100], dim=1).max(dim=1).values.mean()


def one_loss_a_token(logits, labels):
    return -log_probabilities_at(logits[:-1], labels[1:])


def by_torch(logits, labels):
    return cross_entropy(logits[:-1], labels[1:])


def changes_the_labels(logits, labels):
    kept = labels[1:] != -100
    labels[labels == -100] = 0
    each = log_softmax(logits[:-1], dim=1)[torch.arange(len(kept)), labels[1:]]
    return -each[kept].mean()


def mean_of_each_answer(logits, labels):
    """Runs of trained tokens are averaged first, so a short answer weighs as much as a long one."""
    means, run = [], []
    for t in range(1, len(labels)):
        if labels[t] != -100:
            run.append(log_softmax(logits[t - 1], dim=0)[labels[t]])
        if run and (labels[t] == -100 or t == len(labels) - 1):
            means.append(-sum(run) / len(run))
            run = []
    return sum(means) / len(means)


def merge(W, A, B, alpha):
    return W + alpha / A.shape[0] * B @ A


def merge_column_by_column(W, A, B, alpha):
    """Another shape: the layer itself, asked what it makes of each unit vector."""
    columns = []
    for x in torch.eye(W.shape[1], dtype=W.dtype):
        columns.append(W @ x + alpha / len(A) * (B @ (A @ x)))
    return torch.stack(columns, dim=1)


def merge_in_place_on_a_copy(W, A, B, alpha):
    merged = W.clone()
    for row, column in zip(A, B.T, strict=True):
        merged += alpha / B.shape[1] * torch.outer(column, row)
    return merged


def merge_as_arrays(W, A, B, alpha):
    return W.numpy() + (alpha / A.shape[0]) * (A.numpy().T @ B.numpy().T).T


def a_before_b(W, A, B, alpha):
    return W + alpha / A.shape[0] * A @ B


def alpha_alone(W, A, B, alpha):
    return W + alpha * B @ A


def rank_from_the_inputs(W, A, B, alpha):
    return W + alpha / A.shape[1] * B @ A


def rank_from_the_outputs(W, A, B, alpha):
    return W + alpha / len(B) * B @ A


def no_scale(W, A, B, alpha):
    return W + B @ A


def rank_alone(W, A, B, alpha):
    return W + B @ A / A.shape[0]


def upside_down(W, A, B, alpha):
    return W + A.shape[0] / alpha * B @ A


def whole_division(W, A, B, alpha):
    return W + alpha // A.shape[0] * B @ A


def root_of_the_rank(W, A, B, alpha):
    return W + alpha / A.shape[0] ** 0.5 * B @ A


def scale_everything(W, A, B, alpha):
    return alpha / A.shape[0] * (W + B @ A)


def in_place(W, A, B, alpha):
    W += alpha / A.shape[0] * B @ A
    return W


def scale_b_in_place(W, A, B, alpha):
    B *= alpha / A.shape[0]
    return W + B @ A


def transposed(W, A, B, alpha):
    return W.T + alpha / A.shape[0] * A.T @ B.T


def correction_alone(W, A, B, alpha):
    return alpha / A.shape[0] * B @ A


def subtracted(W, A, B, alpha):
    return W - alpha / A.shape[0] * B @ A


def unchanged(W, A, B, alpha):
    return W.clone()


def rank_of_two(W, A, B, alpha):
    return W + alpha / 2 * B @ A


def one_direction_only(W, A, B, alpha):
    return W + alpha / A.shape[0] * torch.outer(B[:, 0], A[0])


def sum_along_the_inputs(W, A, B, alpha):
    return (W + alpha / A.shape[0] * B @ A).sum(dim=1)


CASES = {
    "12-1": Cases(
        right=[(labels_of,), (labels_from_the_right,), (labels_by_counting,)],
        wrong=[
            ((with_the_line_break,), "The line break behind the end token carries loss"),
            ((without_the_end,), "never learn to stop"),
            ((a_new_list_each_time,), "Only the last answer"),
            ((return_inside_the_loop,), "Only the first answer"),
            ((everything,), "Everything carries loss"),
            ((nothing,), "No token carries loss"),
            ((shifted_by_hand,), "shifted by one place"),
            ((shifted_the_other_way,), "one place too late"),
            ((cut_by_hand,), "Each token needs one label"),
            ((with_the_header,), "The header"),
            ((whole_messages,), "The whole message"),
            ((from_the_first_answer_on,), "what the user says after it"),
            ((to_the_last_line_break,), "down to the last line break"),
            ((one_token_late,), "has the label -100"),
            ((search_for_the_answer,), "its words occur elsewhere"),
            ((search_behind_the_last_one,), "For answers that occur earlier"),
            ((search_for_the_header,), "takes it for the header"),
            ((every_end_token,), "The end tokens of the other messages"),
            ((zero_for_nothing,), "your label is 0"),
            ((as_for_two_turns,), "a conversation of three turns"),
            ((each_message_alone,), "not those of ids_of"),
            ((ids_with_a_prompt,), "without a prompt"),
            ((labels_first,), "exchange the two"),
            ((labels_alone,), "Return two lists"),
            ((rows_of_a_batch,), "flat lists"),
            ((messages_taken_out,), "changes the messages"),
        ],
    ),
    "12-2": Cases(
        right=[
            (loss_of,),
            (loss_in_a_loop,),
            (loss_with_gather,),
            (loss_with_one_hot,),
            (loss_with_nll,),
        ],
        wrong=[
            ((no_shift,), "The shift is missing"),
            ((shifted_backwards,), "the wrong way"),
            ((last_of_both_dropped,), "drop the last position of both"),
            ((first_of_both_dropped,), "drop the first position of both"),
            ((ignored_as_zero,), "count in your loss"),
            ((ignored_as_an_index,), "−100 is no token"),
            ((the_sum,), "That is the sum"),
            ((divided_by_all,), "You divide by T."),
            ((divided_by_all_but_one,), "You divide by T − 1"),
            ((divided_before_the_shift,), "before the shift"),
            ((softmax_twice,), "softmax twice"),
            ((mean_probability,), "You average probabilities"),
            ((logarithm_of_the_mean,), "logarithm of a mean"),
            ((softmax_then_log,), "With large logits"),
            ((no_softmax,), "the logits themselves"),
            ((no_sign,), "The sign is missing"),
            ((softmax_over_positions,), "over the positions"),
            ((likeliest_token,), "the likeliest token"),
            ((one_loss_a_token,), "Return one number"),
            ((by_torch,), "torch's cross_entropy"),
            ((changes_the_labels,), "changes its input"),
            ((mean_of_each_answer,), "For two answers"),
        ],
    ),
    "12-3": Cases(
        right=[
            (merge,),
            (merge_column_by_column,),
            (merge_in_place_on_a_copy,),
            (merge_as_arrays,),
        ],
        wrong=[
            ((alpha_alone,), "The rank is missing"),
            ((rank_from_the_inputs,), "the number of inputs"),
            ((rank_from_the_outputs,), "the number of outputs"),
            ((a_before_b,), "The shapes do not fit"),
            ((no_scale,), "The factor is missing"),
            ((rank_alone,), "alpha is missing"),
            ((upside_down,), "upside down"),
            ((whole_division,), "single slash"),
            ((root_of_the_rank,), "the root of r"),
            ((scale_everything,), "to the correction alone"),
            ((in_place,), "changes W itself"),
            ((scale_b_in_place,), "changes A or B"),
            ((transposed,), "rows and columns exchanged"),
            ((correction_alone,), "That is the correction alone"),
            ((subtracted,), "You subtract"),
            ((unchanged,), "as it was"),
            ((rank_of_two,), "fixed in it"),
            ((sum_along_the_inputs,), "The shape is"),
            ((one_direction_only,), "Not the merged matrix"),
        ],
    ),
}
