"""Checks of notebook 02: one attention head, a masked mean, a causal mask.

The functions are tried on several inputs of different shapes. A wrong one gets the hint of the
first mistake that explains its answers to all of them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

LOW_ENOUGH = -10_000.0  # added to a score of usual size, it leaves nothing after softmax


def alike(given: list, expected: list, tolerance: float = 1e-4) -> bool:
    """Whether all answers are these, in shape and value."""
    return all(is_close(g, e, tolerance) for g, e in zip(given, expected, strict=True))


# ---------------------------------------------------------------- 02-1


def heads() -> list[tuple[Tensor, ...]]:
    """Inputs of an attention head: x, w_q, w_k, w_v, with different T, H and D."""
    generator = torch.Generator().manual_seed(0)
    return [
        (
            torch.randn(t, h, generator=generator),
            *(torch.randn(h, d, generator=generator) for _ in range(3)),
        )
        for t, h, d in ((4, 6, 3), (7, 5, 2), (5, 5, 5), (1, 3, 4))
    ]


def head(
    x: Tensor, w_q: Tensor, w_k: Tensor, w_v: Tensor, by: str = "root of D", dim: int = 1
) -> Tensor:
    """The new vectors of one attention head, with another divisor or axis if asked for."""
    query, key, value = x @ w_q, x @ w_k, x @ w_v
    width = query.shape[1]
    divisor = {"root of D": width**0.5, "D": width, "1": 1, "root of H": x.shape[1] ** 0.5}[by]
    return torch.softmax(query @ key.T / divisor, dim=dim) @ value


HEAD_MISTAKES = (
    (
        lambda x, q, k, v: head(x, q, k, v, by="1"),
        "The scores are not divided by the root of D, which is how many numbers a query has.",
    ),
    (
        lambda x, q, k, v: head(x, q, k, v, by="D"),
        "The scores are divided by D; the square root of D is asked for.",
    ),
    (
        lambda x, q, k, v: head(x, q, k, v, by="root of H"),
        "The root is that of H, the width of a token's vector. Take D, the width of a query.",
    ),
    (
        lambda x, q, k, v: head(x, q, k, v, dim=0),
        "Softmax runs over the columns. Each row of weights must add up to 1: dim=1.",
    ),
    (
        lambda x, q, k, v: head(x, k, q, v),
        "Query and key are exchanged: row i of the scores belongs to the query of token i.",
    ),
    (
        lambda x, q, k, v: head(x, q, k, k),
        "The weights are right, but they are multiplied with the keys. Values are averaged.",
    ),
    (
        lambda x, q, k, v: head(x, q, k, q),
        "The weights are right, but they are multiplied with the queries. Values are averaged.",
    ),
    (
        lambda x, q, k, v: (x @ q) @ (x @ k).T / q.shape[1] ** 0.5 @ (x @ v),
        "Softmax is missing: scores are not yet weights.",
    ),
    (
        lambda x, q, k, v: torch.softmax((x @ q) @ (x @ k).T / q.shape[1] ** 0.5, dim=1),
        "Those are the attention weights. One step is left: multiply them with the values.",
    ),
    (
        lambda x, q, k, v: torch.softmax((x @ q) @ (x @ k).T / q.shape[1] ** 0.5, dim=1) @ x,
        "The weights are right, but they are multiplied with x. Make the values first: x @ w_v.",
    ),
    (
        lambda x, q, k, v: x @ v,
        "Those are the values alone. They still have to be averaged with the attention weights.",
    ),
    (
        lambda x, q, k, v: torch.softmax(x @ x.T / q.shape[1] ** 0.5, dim=1) @ (x @ v),
        "The scores compare x with itself. Compare queries with keys.",
    ),
)


@exercise("02-1")
def attention_head(one_head: Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]) -> Verdict:
    """A function that computes the new vectors of one attention head."""
    inputs = heads()
    given = []
    for tensors in inputs:
        copies = [tensor.clone() for tensor in tensors]
        given.append(one_head(*copies))
        if nothing := gave_nothing(given[-1]):
            return nothing
        if any(not torch.equal(c, t) for c, t in zip(copies, tensors, strict=True)):
            return wrong("Your function changes its input. Make new tensors instead.")
    if alike(given, [head(*tensors) for tensors in inputs]):
        return right("This is the heart of the Transformer, and you wrote it.")
    for mistaken, hint in HEAD_MISTAKES:
        if alike(given, [mistaken(*tensors) for tensors in inputs]):
            return wrong(hint)
    if alike(given[:1], [head(*inputs[0])]):
        return wrong("Right for one shape, wrong for another. Is a number such as D fixed in it?")
    shape, wanted = tuple(torch.as_tensor(given[0]).shape), tuple(head(*inputs[0]).shape)
    if shape != wanted:
        return wrong(f"The shape is {shape}; (T, D) = {wanted} is asked for.")
    return wrong("Not the new vectors. Try it on the three tokens of section 5, step by step.")


# ---------------------------------------------------------------- 02-2


def batches() -> list[tuple[Tensor, Tensor]]:
    """Hidden states and masks: padding on the right, on the left, on both sides, nowhere."""
    generator = torch.Generator().manual_seed(0)
    masks = (
        [[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]],
        [[0, 0, 1, 1], [0, 1, 1, 1]],
        [[0, 1, 1, 1, 0, 0], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]],
        [[1, 1, 1]],
    )
    return [
        (torch.randn(len(rows), len(rows[0]), width, generator=generator) + 1, torch.tensor(rows))
        for rows, width in zip(masks, (4, 3, 5, 2), strict=True)
    ]


def mean_of_real(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over the real tokens, (B, H)."""
    real = mask[:, :, None]
    return (hidden * real).sum(1) / real.sum(1)


def first_tokens(hidden: Tensor, mask: Tensor) -> Tensor:
    """The mean over as many tokens from the left as are real: right only without left padding."""
    counts = mask.sum(1).tolist()
    return torch.stack([row[:n].mean(0) for row, n in zip(hidden, counts, strict=True)])


MEAN_MISTAKES = (
    (lambda h, m: h.mean(1), "That averages over padding too. Use the mask."),
    (
        lambda h, m: (h * m[:, :, None]).mean(1),
        "The sum is right. Divide by the number of real tokens of each row, not by T.",
    ),
    (
        lambda h, m: (h * m[:, :, None]).sum(1),
        "That is the sum over the real tokens. Divide it by their number.",
    ),
    (
        lambda h, m: h.sum(1) / m.sum(1)[:, None],
        "The divisor is right, but the sum still contains the vectors of padding.",
    ),
    (
        lambda h, m: (h * m[:, :, None]).sum(1) / m.sum(),
        "The divisor counts the real tokens of the whole batch. Count them row by row.",
    ),
    (
        lambda h, m: (h * m[:, :, None]).sum(1) / m.sum(1).max(),
        "Each row has a number of real tokens of its own; you divide all rows by the largest.",
    ),
    (
        first_tokens,
        "Right only if padding is at the end. It may be at the start: ask the mask which are real.",
    ),
    (
        lambda h, m: h[:, 0],
        "That is the vector of the first position. The mean over all real tokens is asked for.",
    ),
    (
        lambda h, m: h.masked_fill(m[:, :, None] == 0, -1e9).amax(1),
        "That is the largest value of the real tokens. Their mean is asked for.",
    ),
    (
        lambda h, m: mean_of_real(h, 1 - m).nan_to_num(),
        "That is the mean over the padding: the mask is used the wrong way round.",
    ),
)


@exercise("02-2")
def masked_mean(mean_pool: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """A function that averages the vectors of real tokens."""
    inputs = batches()
    given = []
    for hidden, mask in inputs:
        copies = hidden.clone(), mask.clone()
        given.append(mean_pool(*copies))
        if nothing := gave_nothing(given[-1]):
            return nothing
        if not (torch.equal(copies[0], hidden) and torch.equal(copies[1], mask)):
            return wrong("Your function changes its input. Make a new tensor instead.")
    if alike(given, [mean_of_real(*one) for one in inputs]):
        return right("The mean no longer depends on how much padding a sentence has.")
    for mistaken, hint in MEAN_MISTAKES:
        if alike(given, [mistaken(*one) for one in inputs]):
            return wrong(hint)
    shape, wanted = tuple(torch.as_tensor(given[0]).shape), tuple(mean_of_real(*inputs[0]).shape)
    if shape != wanted:
        return wrong(
            f"The shape is {shape}; (B, H) = {wanted} is asked for. Sum over the tokens, axis 1."
        )
    if torch.as_tensor(given[0]).isnan().any() or torch.as_tensor(given[2]).isnan().any():
        return wrong("There are NaNs in it. What do you divide by?")
    return wrong("Not the mean of the real tokens. Try it on one sentence without padding first.")


# ---------------------------------------------------------------- 02-3

MASKS = (
    [[1, 1, 1, 1], [1, 1, 0, 0]],
    [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 1, 1, 0, 0]],
    [[1]],
)


def may_look(mask: Tensor) -> Tensor:
    """Whether token i (row) may look at token j (column): (B, T, T)."""
    size = mask.shape[1]
    return torch.ones(size, size).tril().bool() & mask[:, None, :].bool()


def both_ways(mask: Tensor) -> Tensor:
    """BERT's own mask: everything but padding."""
    return mask[:, None, :].bool().expand(-1, mask.shape[1], -1)


def of_triangle(diagonal: int, transposed: bool = False) -> Callable[[Tensor], Tensor]:
    """What would be allowed with another triangle."""

    def allowed(mask: Tensor) -> Tensor:
        triangle = torch.ones(mask.shape[1], mask.shape[1]).tril(diagonal).bool()
        return (triangle.T if transposed else triangle) & mask[:, None, :].bool()

    return allowed


CAUSAL_MISTAKES = (
    (
        lambda m: ~may_look(m),
        "Allowed and forbidden are exchanged: 0 where a token may look.",
    ),
    (
        of_triangle(0, transposed=True),
        "Those tokens look to the right. Row i may see columns up to i: tril, not triu.",
    ),
    (of_triangle(-1), "A token may also look at itself: the diagonal belongs to it."),
    (of_triangle(1), "Each token sees one that comes later. Row i ends at column i."),
    (
        lambda m: may_look(torch.ones_like(m)),
        "The direction is right, but padding can still be seen. Use the mask as well.",
    ),
    (both_ways, "That is BERT's own mask, both directions. Forbid the columns after i."),
    (
        lambda m: may_look(torch.ones_like(m)) | both_ways(m),
        "Both conditions must hold: not later AND not padding. Yours allows either.",
    ),
    (
        lambda m: may_look(torch.ones_like(m)) & m[:, :, None].bool(),
        "Padding is forbidden as the looking token (row). Forbid it as the one looked at (column).",
    ),
    (
        lambda m: may_look(m[:1]).expand(len(m), -1, -1),
        "All sentences get the mask of the first one. Each has padding of its own.",
    ),
)


@exercise("02-3")
def causal(causal_mask: Callable[[Tensor], Tensor]) -> Verdict:
    """A function that makes the additive mask of a model that looks only to the left."""
    masks = [torch.tensor(rows) for rows in MASKS]
    given = []
    for mask in masks:
        copy = mask.clone()
        answer = causal_mask(copy)
        if nothing := gave_nothing(answer):
            return nothing
        if not torch.equal(copy, mask):
            return wrong("Your function changes its input. Make a new tensor instead.")
        answer = torch.as_tensor(answer)
        wanted = tuple(may_look(mask).shape)
        if answer.dtype == torch.bool:
            return wrong("That says True and False. Numbers to add are asked for: 0 and −1e9.")
        if tuple(answer.shape) != wanted:
            return wrong(f"The shape is {tuple(answer.shape)}, but (B, T, T) is {wanted} here.")
        given.append(answer.double())
    if any(answer.isnan().any() for answer in given):
        return wrong("There are NaNs in it: 0 × −inf is NaN. Use a huge finite number, −1e9.")
    allowed = [may_look(mask) for mask in masks]
    if any(answer.isinf().any() for answer in given):
        if all(answer[~may].isinf().all() for answer, may in zip(given, allowed, strict=True)):
            return wrong("A row in which all is −inf becomes NaN in softmax. Use −1e9 instead.")
        return wrong(
            "There is an infinity in it: twice the lowest number is −inf. Combine the two "
            "conditions first, then make numbers of them."
        )
    if alike(given, [one.double() for one in allowed]):
        return wrong(
            "That marks what is allowed with 1. An additive mask is 0 there, very low elsewhere."
        )
    open_to = [answer > LOW_ENOUGH for answer in given]
    if all(map(torch.equal, open_to, allowed)):
        if any(answer[may].any() for answer, may in zip(given, allowed, strict=True)):
            return wrong("Where a token may look, nothing is added: exactly 0.")
        return right("With it, BERT becomes a decoder: each token sees only what came before.")
    if all(map(torch.equal, [answer == 0 for answer in given], allowed)):
        return wrong("The zeros are right. What is forbidden must be far lower, such as −1e9.")
    for mistaken, hint in CAUSAL_MISTAKES:
        if all(map(torch.equal, open_to, [mistaken(mask) for mask in masks])):
            return wrong(hint)
    if torch.equal(open_to[0], allowed[0]):
        return wrong("Right with padding at the end, wrong with padding at the start.")
    return wrong("Not 0 exactly where j ≤ i and j is real. Print it for one short sentence.")
