"""Graders of notebook 12, instruction tuning: labels of a conversation, the loss, merging LoRA.

Each function is tried on several inputs. A wrong one gets the hint of the first mistake that
explains its answers to all of them; else the first input that it gets wrong.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax
from torch.overrides import TorchFunctionMode
from transformers import PreTrainedTokenizerBase

from helpers import chat, checkpoints
from helpers.exercises import (
    Verdict,
    as_array,
    exercise,
    gave_nothing,
    is_close,
    right,
    unanswered,
    wrong,
)

Message = dict[str, str]
IGNORED = chat.IGNORED

# ---------------------------------------------------------------- 12-1


def said(*texts: str, system: str | None = None) -> list[Message]:
    """A conversation in which user and assistant take turns, under an instruction if there is one.

    Args:
        texts: what they say; the user begins.
    """
    messages = [{"role": "system", "content": system}] if system else []
    roles = ("user", "assistant")
    return messages + [{"role": roles[i % 2], "content": text} for i, text in enumerate(texts)]


SHORT = "Answer in one short sentence."
LIST = "Answer with one of these words:\ndefect\nrefund"
# What is special about a conversation, and the conversation.
CONVERSATIONS: list[tuple[str, list[Message]]] = [
    (
        "a conversation of two turns",
        said("Hello!", "Good morning to you.", "Who wrote Emma?", "Jane Austen did.", system=SHORT),
    ),
    (
        "a conversation of one turn",
        said("What is the capital of France?", "It is Paris, on the Seine.", system=SHORT),
    ),
    (
        "a conversation of three turns",
        said("Tea?", "Yes, please!", "Milk?", "No milk.", "Sugar?", "Two spoons.", system=SHORT),
    ),
    (
        "a conversation without system message",
        said("Who wrote Emma?", "Jane Austen did.", "When?", "Around 1815, in Hampshire."),
    ),
    (
        "messages with blanks and line breaks",
        said("  Two\n\nlines \n", "One,\nand another. ", "\n\tAgain", " fine\n", system=SHORT),
    ),
    ("an answer of one token", said("Why?", "because", "Where is it?", "here")),
    (
        "answers that occur earlier",
        said("defect", "defect", "refund please", "refund", system=LIST),
    ),
    ("two equal answers", said("It broke.", "defect", "No defect?", "defect", system=LIST)),
    (
        'messages with the word "assistant"',
        said("assistant\nAre you one?", "An assistant, yes.", "Bad assistant\nBye", "Goodbye."),
    ),
]
# What a function most likely does that is wrong for one of these only.
MOST_LIKELY = {
    "answers that occur earlier": "Your function finds the words in an earlier message.",
    "two equal answers": "Your function finds the words at the other answer.",
    'messages with the word "assistant"': "Your function takes it for the header of an answer.",
}
RENDERED = (
    "Do not search: the beginning rendered with add_generation_prompt=True tells where the answer "
    "starts."
)


@cache
def tokenizer() -> PreTrainedTokenizerBase:
    """The tokenizer of the notebook's model."""
    return checkpoints.load_tokenizer(checkpoints.CAUSAL_CHECKPOINT)


def ids_of(messages: list[Message], add_prompt: bool = False) -> list[int]:
    """Token ids of a conversation, as the notebook's function gives them."""
    return chat.render(tokenizer(), messages, add_prompt)


@dataclass(frozen=True)
class Turn:
    """Where an answer lies among the ids of its conversation.

    Attributes:
        header: place of the `<|im_start|>` before it.
        begin: place of its first token.
        end: place behind its end token.
        through: place behind the line break.
        answer: its ids, alone.
    """

    header: int
    begin: int
    end: int
    through: int
    answer: list[int]


def turns_of(messages: list[Message]) -> list[Turn]:
    """The answers of a conversation that does not begin with one."""
    found = []
    for i, message in enumerate(messages):
        if message["role"] == "assistant":
            through = len(ids_of(messages[: i + 1]))
            header, begin = (len(ids_of(messages[:i], prompt)) for prompt in (False, True))
            answer = tokenizer()(message["content"])["input_ids"]
            found.append(Turn(header, begin, through - 1, through, answer))
    return found


def filled(ids: list[int], *spans: tuple[int, int]) -> list[int]:
    """Labels that are the ids between these places and −100 elsewhere."""
    labels = [IGNORED] * len(ids)
    for begin, end in spans:
        labels[begin:end] = ids[begin:end]
    return labels


def right_labels(ids: list[int], turns: list[Turn]) -> list[int]:
    """The labels: each answer with its end token."""
    return filled(ids, *((turn.begin, turn.end) for turn in turns))


def shifted_left(ids: list[int], turns: list[Turn]) -> list[int]:
    """A mistake: the labels moved by hand, as the model will move them once more."""
    return [*right_labels(ids, turns)[1:], IGNORED]


def shifted_right(ids: list[int], turns: list[Turn]) -> list[int]:
    """A mistake: the labels moved the other way."""
    return [IGNORED, *right_labels(ids, turns)[:-1]]


def ends_everywhere(ids: list[int], turns: list[Turn]) -> list[int]:
    """A mistake: the end tokens of all messages carry loss."""
    end, labels = tokenizer().eos_token_id, right_labels(ids, turns)
    return [i if i == end else label for i, label in zip(ids, labels, strict=True)]


def searched(ids: list[int], turns: list[Turn], which: slice, more: int = 1) -> list[int]:
    """A mistake: the answers where their ids occur among all ids.

    Args:
        which: of the places where one is found.
        more: how many tokens behind it carry loss as well.
    """
    spans = []
    for turn in turns:
        length = len(turn.answer)
        places = [t for t in range(len(ids)) if ids[t : t + length] == turn.answer]
        spans += [(place, place + length + more) for place in places[which]]
    return filled(ids, *spans)


FIRST, LAST, EACH = slice(1), slice(-1, None), slice(None)
Labelling = Callable[[list[int], list[Turn]], list[int]]
# Mistaken labels of (ids, turns), and their hint.
LABEL_MISTAKES: list[tuple[Labelling, str]] = [
    (
        lambda ids, turns: filled(ids, *((t.begin, t.through) for t in turns)),
        "The line break behind the end token carries loss. The model stops at the end token, so "
        "the labels end with it: one token earlier.",
    ),
    (
        lambda ids, turns: filled(ids, *((t.begin, t.end - 1) for t in turns)),
        "The end token <|im_end|> carries no loss, so the model would never learn to stop. It "
        "belongs to the answer.",
    ),
    (
        lambda ids, turns: right_labels(ids, turns[-1:]),
        "Only the last answer carries loss. Every answer of the assistant must.",
    ),
    (
        lambda ids, turns: right_labels(ids, turns[:1]),
        "Only the first answer carries loss. Every answer of the assistant must.",
    ),
    (
        lambda ids, turns: list(ids),
        "Everything carries loss: the instruction and the user's messages too. Label them −100.",
    ),
    (
        lambda ids, turns: filled(ids),
        "No token carries loss. Put the ids of the answers into the labels.",
    ),
    (
        shifted_left,
        "Your labels are shifted by one place. The model shifts them itself: a label stands where "
        "its token stands.",
    ),
    (
        shifted_right,
        "Your labels come one place too late. A label stands where its token stands.",
    ),
    (
        lambda ids, turns: filled(ids, *((t.header, t.end) for t in turns)),
        "The header <|im_start|>assistant carries loss. The program writes it, not the model: "
        "render the beginning with add_generation_prompt=True.",
    ),
    (
        lambda ids, turns: filled(ids, *((t.header, t.through) for t in turns)),
        "The whole message of the assistant carries loss. Leave out its header, for which "
        "add_generation_prompt=True is there, and the line break at its end.",
    ),
    (
        lambda ids, turns: filled(ids, (turns[0].begin, len(ids) - 1)),
        "From the first answer on, everything carries loss, also what the user says after it. "
        "Each answer ends at its own end token.",
    ),
    (
        lambda ids, turns: filled(ids, (turns[0].begin, len(ids))),
        "From the first answer on, everything carries loss, down to the last line break. Each "
        "answer ends at its own end token.",
    ),
    (
        ends_everywhere,
        "The end tokens of the other messages carry loss too. Only those of the answers should.",
    ),
    *(
        (
            lambda ids, turns, w=which, m=more: searched(ids, turns, w, m),
            f"Your function finds an answer where its words occur elsewhere. {RENDERED}",
        )
        for which in (FIRST, LAST, EACH)
        for more in (0, 1, 2)
    ),
]


def whole_numbers(values: object) -> list[int] | None:
    """A flat list, array or tensor as a list of numbers; None for anything else."""
    try:
        return [int(value) for value in values]
    except (TypeError, ValueError, RuntimeError):
        return None


def fault_of_form(given: object, messages: list[Message], what: str) -> str | None:
    """What is wrong with an answer before one looks at its labels, as a hint."""
    if not hasattr(given, "__len__") or len(given) != 2:
        return "Return two lists: the ids, and the labels."
    ids, labels = map(whole_numbers, given)
    if ids is None or labels is None:
        return "Ids and labels must be two flat lists of whole numbers."
    expected = ids_of(messages)
    if ids != expected and labels == expected:
        return "The ids come first, then the labels: exchange the two."
    if ids == ids_of(messages, add_prompt=True):
        return "A header stands at the end of your ids. Take ids_of(messages), without a prompt."
    if ids != expected:
        return f"For {what}: the ids are not those of ids_of(messages)."
    if len(labels) != len(ids):
        return f"For {what}: {len(ids)} ids, {len(labels)} labels. Each token needs one label."
    return None


def first_fault(what: str, ids: list[int], labels: list[int], expected: list[int]) -> str:
    """A hint that names the first token with a wrong label."""
    t = next(t for t in range(len(ids)) if labels[t] != expected[t])
    token = tokenizer().decode(ids[t])
    return (
        f"For {what}: token {t}, {token!r}, has the label {labels[t]}. It should have "
        f"{expected[t]}."
    )


def another_mark(given: list[list[int]], expected: list[list[int]]) -> int | None:
    """The one number that stands where −100 should, if all else is right."""
    pairs = [pair for g, e in zip(given, expected, strict=True) for pair in zip(g, e, strict=True)]
    marks = {label for label, wanted in pairs if wanted == IGNORED}
    agree = all(label == wanted for label, wanted in pairs if wanted != IGNORED)
    return marks.pop() if agree and len(marks) == 1 else None


def fault_of_labels(given: list[list[int]]) -> str | None:
    """What is wrong with the labels of all conversations, as a hint."""
    known = [(ids_of(messages), turns_of(messages)) for _, messages in CONVERSATIONS]
    expected = [chat.encode(tokenizer(), messages).labels for _, messages in CONVERSATIONS]
    if given == expected:
        return None
    for mistaken, hint in LABEL_MISTAKES:
        if given == [mistaken(*pair) for pair in known]:
            return hint
    if (mark := another_mark(given, expected)) is not None:
        return f"Where nothing is learned, your label is {mark}. Only −100 is left out of the loss."
    number = next(n for n in range(len(given)) if given[n] != expected[n])
    what = CONVERSATIONS[number][0]
    if what in MOST_LIKELY:
        return f"For {what}, the labels are wrong. {MOST_LIKELY[what]} {RENDERED}"
    return first_fault(what, known[number][0], given[number], expected[number])


@exercise("12-1")
def labels_of_answers(function: Callable[[list[Message]], tuple[list, list]]) -> Verdict:
    """A function that returns the ids of a conversation and the labels of its answers."""
    labels = []
    for what, messages in CONVERSATIONS:
        handed_in = copy.deepcopy(messages)
        given = function(handed_in)
        if isinstance(given, (tuple, list)) and any(one is ... for one in given):
            return unanswered()
        if nothing := gave_nothing(given):
            return nothing
        if handed_in != messages:
            return wrong("Your function changes the messages. Leave them as they are.")
        if hint := fault_of_form(given, messages, what):
            return wrong(hint)
        labels.append(whole_numbers(given[1]))
    if hint := fault_of_labels(labels):
        return wrong(hint)
    return right("Each answer carries loss up to its end token, and nothing else does.")


# ---------------------------------------------------------------- 12-2


def logits_and_labels() -> list[tuple[str, Tensor, Tensor]]:
    """What is special about them, logits (T, V) and labels (T,)."""
    no = IGNORED
    labels = {
        "an answer at the end": [no, no, no, 3, 0, 4, no],
        "two answers": [no, 7, 1, no, no, no, 2, 110, 5, no, no],
        "a label at the last position": [no, no, 4, 111],
        "a label at the first position, which no logits predict": [3, no, no, 2, no, 6],
        "a label everywhere": [0, 5, 2, 5, 1],
        "one trained token": [no, no, no, no, 6, no, no, no],
    }
    generator = torch.Generator().manual_seed(12)
    found = []
    for what, row in labels.items():
        logits = 2 * torch.randn(len(row), 120, generator=generator)
        found.append((what, logits, torch.tensor(row)))
    far = 60 * torch.randn(6, 120, generator=generator)
    return [*found, ("large logits", far, torch.tensor([no, no, 3, 4, 1, no]))]


def shifted_loss(logits: Tensor, labels: Tensor, **options: object) -> Tensor:
    """Cross-entropy of the tokens that carry loss; with other options a mistake."""
    return cross_entropy(logits[:-1], labels[1:], **options)


def picked(values: Tensor, labels: Tensor) -> Tensor:
    """Of each row that predicts a token with loss, the number at that token."""
    kept = labels[1:] != IGNORED
    return values[:-1][kept, labels[1:][kept]]


def indexed_with_ignored(logits: Tensor, labels: Tensor) -> Tensor:
    """A mistake: −100 is read as a place counted from the end of the vocabulary."""
    return -log_softmax(logits[:-1], 1)[torch.arange(len(labels) - 1), labels[1:]].mean()


TOO_MANY = "Tokens with the label −100 count in your loss. Leave these positions out."
Loss = Callable[[Tensor, Tensor], Tensor]
# Mistaken losses of (logits, labels), and their hint.
LOSS_MISTAKES: list[tuple[Loss, str]] = [
    (
        lambda logits, labels: cross_entropy(logits, labels),
        "The shift is missing: the logits at a position predict the next token. Compare "
        "logits[:-1] with labels[1:].",
    ),
    (
        lambda logits, labels: cross_entropy(logits[:-1], labels[:-1]),
        "You drop the last position of both, which shifts nothing. Drop the last logits and the "
        "first label.",
    ),
    (
        lambda logits, labels: cross_entropy(logits[1:], labels[1:]),
        "You drop the first position of both, which shifts nothing. Drop the last logits and the "
        "first label.",
    ),
    (
        lambda logits, labels: cross_entropy(logits[1:], labels[:-1]),
        "That is shifted the wrong way: each position would predict the token before it. Compare "
        "logits[:-1] with labels[1:].",
    ),
    (lambda logits, labels: shifted_loss(logits, labels.clamp(min=0)), TOO_MANY),
    (indexed_with_ignored, TOO_MANY),
    (
        lambda logits, labels: shifted_loss(logits, labels, reduction="sum"),
        "That is the sum. Divide it by the number of tokens that carry loss.",
    ),
    (
        lambda logits, labels: shifted_loss(logits, labels, reduction="sum") / len(labels),
        "You divide by T. Divide by the number of tokens that carry loss.",
    ),
    (
        lambda logits, labels: shifted_loss(logits, labels, reduction="sum") / (len(labels) - 1),
        "You divide by T − 1. Divide by the number of tokens that carry loss; where the label is "
        "−100, nothing is counted.",
    ),
    (
        lambda logits, labels: (
            shifted_loss(logits, labels, reduction="sum") / (labels != IGNORED).sum()
        ),
        "Your sum is right, but you count the labels before the shift. The first one has no "
        "logits, so count those of labels[1:].",
    ),
    (
        lambda logits, labels: shifted_loss(logits.softmax(1), labels),
        "You take a softmax twice. log_softmax wants the logits as they are.",
    ),
    (
        lambda logits, labels: -picked(logits.softmax(1), labels).mean(),
        "You average probabilities. Take their logarithm first: log_softmax.",
    ),
    (
        lambda logits, labels: 1 - picked(logits.softmax(1), labels).mean(),
        "That is 1 minus the mean probability. Cross-entropy is minus the mean log-probability.",
    ),
    (
        lambda logits, labels: -picked(logits.softmax(1), labels).mean().log(),
        "You take the logarithm of a mean. First the logarithm of each probability, then the mean.",
    ),
    (
        lambda logits, labels: -picked(logits, labels).mean(),
        "Those are the logits themselves. log_softmax makes log-probabilities of them.",
    ),
    (
        lambda logits, labels: -shifted_loss(logits, labels),
        "The sign is missing: a log-probability is negative, a loss is positive.",
    ),
    (
        lambda logits, labels: -picked(log_softmax(logits, 0), labels).mean(),
        "The softmax runs over the positions. It must run over the vocabulary: dim=1.",
    ),
    (
        lambda logits, labels: -log_softmax(logits, 1)[:-1][labels[1:] != IGNORED].amax(1).mean(),
        "You take the likeliest token at each position. Take the one that the label names.",
    ),
]


class Calls(TorchFunctionMode):
    """Notices whether a function of torch is called."""

    def __init__(self, function: Callable) -> None:
        super().__init__()
        self.function, self.seen = function, False

    def __torch_function__(
        self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None
    ) -> object:
        self.seen |= func is self.function
        return func(*args, **(kwargs or {}))


def called(function: Loss, logits: Tensor, labels: Tensor) -> tuple[object, bool]:
    """What a loss function returns, and whether it let torch's cross_entropy do the work."""
    with Calls(cross_entropy) as calls:
        return function(logits, labels), calls.seen


def fault_of_loss(given: list[object], inputs: list[tuple[str, Tensor, Tensor]]) -> str | None:
    """What is wrong with the losses of all inputs, as a hint; the last one has large logits."""
    expected = [shifted_loss(*pair) for _, *pair in inputs]
    if alike(given, expected):
        return None
    for mistaken, hint in LOSS_MISTAKES:
        if alike(given[:-1], [mistaken(*pair) for _, *pair in inputs[:-1]]):
            return hint
    if alike(given[:-1], expected[:-1]):
        return (
            "With large logits, a probability is rounded to 0 and its logarithm is minus infinity. "
            "log_softmax does both at once and does not round."
        )
    n = next(n for n in range(len(given)) if not is_close(given[n], expected[n]))
    if (shape := shape_of(given[n])) != ():
        return f"Return one number, the mean.{f' Yours has the shape {shape}.' if shape else ''}"
    return (
        f"For {inputs[n][0]}: labels {inputs[n][2].tolist()} give {float(expected[n]):.4f}, and "
        f"you return {float(given[n]):.4f}."
    )


def shape_of(value: object) -> tuple[int, ...] | None:
    """The shape of a number, an array or a tensor; None for anything else."""
    try:
        return as_array(value).shape
    except (TypeError, ValueError, RuntimeError):
        return None


def alike(given: list, expected: list) -> bool:
    """Whether all answers are these, in shape and value."""
    return all(is_close(g, e) for g, e in zip(given, expected, strict=True))


@exercise("12-2")
def loss_by_hand(function: Loss) -> Verdict:
    """A function that returns the mean cross-entropy of the tokens that carry loss."""
    inputs, losses = logits_and_labels(), []
    for _, logits, labels in inputs:
        handed_in = logits.clone(), labels.clone()
        try:
            given, by_torch = called(function, *handed_in)
        except (IndexError, RuntimeError) as error:
            if f"index {IGNORED} is out of bounds" not in str(error):
                raise
            return wrong("−100 is no token: keep the positions with another label before you look.")
        if nothing := gave_nothing(given):
            return nothing
        if by_torch:
            return wrong("That is torch's cross_entropy. Write it yourself, with log_softmax.")
        if not (torch.equal(handed_in[0], logits) and torch.equal(handed_in[1], labels)):
            return wrong("Your function changes its input. Make new tensors instead.")
        losses.append(given)
    if hint := fault_of_loss(losses, inputs):
        return wrong(hint)
    return right("That is the loss with which language models are trained.")


# ---------------------------------------------------------------- 12-3


def matrices() -> list[tuple[Tensor, Tensor, Tensor, float]]:
    """W, A, B and alpha, with different shapes; the first is neither square nor of rank 1."""
    generator = torch.Generator().manual_seed(12)
    sizes = [
        (5, 4, 2, 3.0),
        (3, 6, 2, 8),
        (4, 4, 3, 2.0),
        (6, 3, 1, 0.5),
        (3, 7, 3, 16),
        (2, 2, 4, 1),
    ]
    return [
        (*(torch.randn(*shape, generator=generator) for shape in ((o, i), (r, i), (o, r))), alpha)
        for o, i, r, alpha in sizes
    ]


Merge = Callable[[Tensor, Tensor, Tensor, float], Tensor]
# Mistaken matrices of (W, A, B, alpha), and their hint.
MERGE_MISTAKES: list[tuple[Merge, str]] = [
    (
        lambda W, A, B, alpha: W + alpha * B @ A,
        "The rank is missing: the correction is multiplied by alpha / r.",
    ),
    (
        lambda W, A, B, alpha: W + B @ A,
        "The factor is missing: the correction is multiplied by alpha / r.",
    ),
    (
        lambda W, A, B, alpha: W + B @ A / len(A),
        "You divide by r, but alpha is missing: the factor is alpha / r.",
    ),
    (
        lambda W, A, B, alpha: W + len(A) / alpha * B @ A,
        "The factor is upside down: alpha / r, not r / alpha.",
    ),
    (
        lambda W, A, B, alpha: W + alpha * len(A) * B @ A,
        "You multiply by r. The factor is alpha / r.",
    ),
    (
        lambda W, A, B, alpha: W + alpha / A.shape[1] * B @ A,
        "You divide by the number of inputs. A has the shape (r, in), so r is A.shape[0].",
    ),
    (
        lambda W, A, B, alpha: W + alpha / B.shape[0] * B @ A,
        "You divide by the number of outputs. B has the shape (out, r), so r is B.shape[1].",
    ),
    (
        lambda W, A, B, alpha: W + alpha // len(A) * B @ A,
        "alpha // r drops what is behind the decimal point. Divide with a single slash.",
    ),
    (
        lambda W, A, B, alpha: W + alpha / len(A) ** 0.5 * B @ A,
        "You divide by the root of r. The factor of section 7 is alpha / r.",
    ),
    (
        lambda W, A, B, alpha: alpha / len(A) * (W + B @ A),
        "The factor belongs to the correction alone. W stays as it is.",
    ),
    (
        lambda W, A, B, alpha: alpha / len(A) * B @ A,
        "That is the correction alone. Add it to W.",
    ),
    (
        lambda W, A, B, alpha: W - alpha / len(A) * B @ A,
        "You subtract the correction. The layer computes the sum of the two.",
    ),
    (
        lambda W, A, B, alpha: (W + alpha / len(A) * B @ A).T,
        "That is the matrix with rows and columns exchanged. It must have the shape of W.",
    ),
    (lambda W, A, B, alpha: W, "You return W as it was. Add the correction."),
]


def merged(W: Tensor, A: Tensor, B: Tensor, alpha: float) -> Tensor:
    """The one matrix that computes what the three compute."""
    return W + alpha / len(A) * (B @ A)


@exercise("12-3")
def merge_lora(function: Merge) -> Verdict:
    """A function that adds the correction of LoRA to its matrix."""
    inputs, given = matrices(), []
    for W, A, B, alpha in inputs:
        handed_in = W.clone(), A.clone(), B.clone()
        try:
            given.append(function(*handed_in, alpha))
        except RuntimeError as error:
            if "shape" not in str(error) and "size" not in str(error):
                raise
            return wrong("The shapes do not fit. B @ A has the shape of W; A @ B has not.")
        if nothing := gave_nothing(given[-1]):
            return nothing
        if not torch.equal(handed_in[0], W):
            return wrong("Your function changes W itself. Make a new matrix: W + …, not W += ….")
        if not (torch.equal(handed_in[1], A) and torch.equal(handed_in[2], B)):
            return wrong("Your function changes A or B. Make new matrices instead.")
    if alike(given, [merged(*one) for one in inputs]):
        return right("One matrix instead of three, and the same answers in less time.")
    for mistaken, hint in MERGE_MISTAKES:
        if alike(given, [mistaken(*one) for one in inputs]):
            return wrong(hint)
    if alike(given[:1], [merged(*inputs[0])]):
        return wrong("Right for one shape, wrong for another. Is a number such as r fixed in it?")
    shape, wanted = shape_of(given[0]), tuple(inputs[0][0].shape)
    if shape is None:
        return wrong("Return a matrix with the shape of W.")
    if shape != wanted:
        return wrong(f"The shape is {shape}; that of W is {wanted}.")
    return wrong("Not the merged matrix. Compute both on a vector x, by section 7, and compare.")
