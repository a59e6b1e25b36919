"""Right and wrong answers to the exercises of notebook 02."""

import torch

from tests.notebooks.cases import Cases

LOWEST = torch.finfo(torch.float32).min


def in_four_lines(x, w_q, w_k, w_v):
    query, key, value = x @ w_q, x @ w_k, x @ w_v
    return torch.softmax(query @ key.T / query.shape[1] ** 0.5, dim=1) @ value


def token_by_token(x, w_q, w_k, w_v):
    rows = []
    for token in x:
        scores = torch.stack([(token @ w_q) @ (other @ w_k) for other in x]) / w_q.shape[1] ** 0.5
        shares = scores.exp() / scores.exp().sum()
        rows.append(sum(s * (other @ w_v) for s, other in zip(shares, x, strict=True)))
    return torch.stack(rows)


def by_the_library(x, w_q, w_k, w_v):
    attention = torch.nn.functional.scaled_dot_product_attention
    return attention((x @ w_q)[None], (x @ w_k)[None], (x @ w_v)[None])[0].numpy()


def as_lists(x, w_q, w_k, w_v):
    return in_four_lines(x, w_q, w_k, w_v).tolist()


def head(x, w_q, w_k, w_v, divisor=None, dim=1):
    query, key, value = x @ w_q, x @ w_k, x @ w_v
    return torch.softmax(query @ key.T / (divisor or query.shape[1] ** 0.5), dim=dim) @ value


def no_softmax(x, w_q, w_k, w_v):
    return (x @ w_q) @ (x @ w_k).T / w_q.shape[1] ** 0.5 @ (x @ w_v)


def shares_only(x, w_q, w_k, w_v):
    return torch.softmax((x @ w_q) @ (x @ w_k).T / w_q.shape[1] ** 0.5, dim=1)


def without_keys(x, w_q, w_k, w_v):
    return torch.softmax(x @ x.T / w_q.shape[1] ** 0.5, dim=1) @ (x @ w_v)


def in_place(x, w_q, w_k, w_v):
    answer = in_four_lines(x, w_q, w_k, w_v)
    x += 1
    return answer


def last_token_only(x, w_q, w_k, w_v):
    return in_four_lines(x, w_q, w_k, w_v)[-1]


def with_a_residual(x, w_q, w_k, w_v):
    return in_four_lines(x, w_q, w_k, w_v) + x @ w_q


def by_product(hidden, mask):
    return (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def by_einsum(hidden, mask):
    return torch.einsum("bth,bt->bh", hidden, mask.float()) / mask.sum(1)[:, None]


def row_by_row(hidden, mask):
    return torch.stack([h[m.bool()].mean(0) for h, m in zip(hidden, mask, strict=True)])


def as_numbers(hidden, mask):
    return row_by_row(hidden, mask).numpy().tolist()


def nanmean(hidden, mask):
    return hidden.masked_fill(mask[:, :, None] == 0, torch.nan).nanmean(dim=1)


def only_right_padding(hidden, mask):
    return torch.stack([h[: m.sum()].mean(0) for h, m in zip(hidden, mask, strict=True)])


def up_to_the_last(hidden, mask):
    """Right padding is cut off; padding in front stays in."""
    ends = [int(m.nonzero().max()) + 1 for m in mask]
    return torch.stack([h[:end].mean(0) for h, end in zip(hidden, ends, strict=True)])


def zeros_in_place(hidden, mask):
    hidden *= mask[:, :, None]
    return hidden.sum(1) / mask.sum(1, keepdim=True)


def allowed(mask, triangle=torch.tril, diagonal=0):
    size = mask.shape[1]
    return triangle(torch.ones(size, size), diagonal) * mask[:, None, :]


def by_factor(mask):
    return (1 - allowed(mask)) * LOWEST


def a_billion(mask):
    return (allowed(mask) - 1) * 1e9


def by_fill(mask):
    may = allowed(mask)
    return torch.zeros_like(may).masked_fill(may == 0, LOWEST)


def place_by_place(mask):
    size = mask.shape[1]
    return [
        [[0.0 if j <= i and row[j] else -1e9 for j in range(size)] for i in range(size)]
        for row in mask.tolist()
    ]


def by_minimum(mask):
    size = mask.shape[1]
    later = (1 - torch.ones(size, size).tril()) * LOWEST
    return torch.minimum(later, ((1 - mask) * LOWEST)[:, None, :]).numpy()


def two_masks_of_a_billion(mask):
    size = mask.shape[1]
    return (1 - torch.ones(size, size).tril()) * -1e9 + ((1 - mask) * -1e9)[:, None, :]


def sum_of_two_masks(mask):
    size = mask.shape[1]
    return (1 - torch.ones(size, size).tril()) * LOWEST + ((1 - mask) * LOWEST)[:, None, :]


def with_infinity(mask):
    may = allowed(mask)
    return torch.zeros_like(may).masked_fill(may == 0, float("-inf"))


def either(mask):
    size = mask.shape[1]
    may = torch.ones(size, size).tril().bool() | mask[:, None, :].bool()
    return (~may) * -1e9


def padding_in_rows(mask):
    size = mask.shape[1]
    return (1 - torch.ones(size, size).tril() * mask[:, :, None]) * -1e9


def counted_from_the_left(mask):
    """Takes for granted that real tokens come first."""
    real = torch.arange(mask.shape[1]) < mask.sum(1, keepdim=True)
    return a_billion(real.long())


CASES = {
    "02-1": Cases(
        right=[(in_four_lines,), (token_by_token,), (by_the_library,), (as_lists,)],
        wrong=[
            ((lambda x, q, k, v: head(x, q, k, v, divisor=1),), "not divided by the root"),
            ((lambda x, q, k, v: head(x, q, k, v, divisor=q.shape[1]),), "divided by D;"),
            (
                (lambda x, q, k, v: head(x, q, k, v, divisor=x.shape[1] ** 0.5),),
                "that of H",
            ),
            ((lambda x, q, k, v: head(x, q, k, v, dim=0),), "over the columns"),
            ((lambda x, q, k, v: head(x, k, q, v),), "exchanged"),
            ((lambda x, q, k, v: head(x, q, k, k),), "with the keys"),
            ((lambda x, q, k, v: head(x, q, k, q),), "with the queries"),
            ((no_softmax,), "Softmax is missing"),
            ((shares_only,), "Those are the attention weights"),
            ((lambda x, q, k, v: shares_only(x, q, k, v) @ x,), "multiplied with x"),
            ((lambda x, q, k, v: x @ v,), "values alone"),
            ((without_keys,), "compare x with itself"),
            ((lambda x, q, k, v: head(x, q, k, v, divisor=3**0.5),), "Right for one shape"),
            ((in_place,), "changes its input"),
            ((last_token_only,), "(T, D) = (4, 3)"),
            ((with_a_residual,), "Not the new vectors"),
            ((lambda x, q, k, v: (x @ q) @ (x @ k),), "stopped with RuntimeError"),
        ],
    ),
    "02-2": Cases(
        right=[(by_product,), (by_einsum,), (row_by_row,), (as_numbers,), (nanmean,)],
        wrong=[
            ((lambda hidden, mask: hidden.mean(1),), "averages over padding"),
            ((lambda hidden, mask: (hidden * mask[:, :, None]).mean(1),), "not by T"),
            (
                (lambda hidden, mask: (hidden * mask[:, :, None]).sum(1),),
                "Divide it by their number",
            ),
            ((lambda hidden, mask: hidden.sum(1) / mask.sum(1)[:, None],), "still contains"),
            (
                (lambda hidden, mask: (hidden * mask[:, :, None]).sum(1) / mask.sum(),),
                "the whole batch",
            ),
            (
                (lambda hidden, mask: (hidden * mask[:, :, None]).sum(1) / mask.sum(1).max(),),
                "by the largest",
            ),
            ((only_right_padding,), "padding is at the end"),
            ((up_to_the_last,), "without padding first"),
            ((zeros_in_place,), "changes its input"),
            ((lambda hidden, mask: hidden[:, 0],), "the first position"),
            (
                (lambda hidden, mask: hidden.masked_fill(mask[:, :, None] == 0, -1e9).amax(1),),
                "the largest value",
            ),
            ((lambda hidden, mask: hidden.mean(2),), "axis 1"),
            ((lambda hidden, mask: hidden * mask,), "stopped with RuntimeError"),
        ],
    ),
    "02-3": Cases(
        right=[
            (by_factor,),
            (a_billion,),
            (by_fill,),
            (place_by_place,),
            (by_minimum,),
            (two_masks_of_a_billion,),
        ],
        wrong=[
            ((lambda mask: [[0]],), "The shape is (1, 1)"),
            ((lambda mask: (1 - allowed(mask)) * float("-inf"),), "NaN"),
            ((sum_of_two_masks,), "twice the lowest"),
            ((with_infinity,), "all is −inf"),
            ((lambda mask: by_factor(mask)[0],), "(2, 4, 4)"),
            ((lambda mask: (1 - allowed(mask)) * -100.0,), "The zeros are right"),
            ((lambda mask: (1 - allowed(mask)) * -1e9 + 1,), "nothing is added"),
            ((allowed,), "what is allowed with 1"),
            ((lambda mask: allowed(mask) == 1,), "True and False"),
            ((lambda mask: allowed(mask) * LOWEST,), "exchanged"),
            ((lambda mask: (1 - allowed(mask, torch.triu)) * LOWEST,), "tril, not triu"),
            ((lambda mask: (1 - allowed(mask, diagonal=-1)) * LOWEST,), "the diagonal"),
            ((lambda mask: (1 - allowed(mask, diagonal=1)) * LOWEST,), "one that comes later"),
            ((lambda mask: by_factor(torch.ones_like(mask)),), "padding can still be seen"),
            (
                (lambda mask: ((1 - mask) * LOWEST)[:, None, :].repeat(1, mask.shape[1], 1),),
                "BERT's own mask",
            ),
            ((either,), "allows either"),
            ((padding_in_rows,), "as the looking token"),
            ((lambda mask: by_factor(mask[:1]).repeat(len(mask), 1, 1),), "the first one"),
            ((counted_from_the_left,), "padding at the end"),
            ((lambda mask: torch.zeros(len(mask), *2 * mask.shape[1:]),), "Not 0 exactly"),
        ],
    ),
}
