"""Right and wrong answers to the exercises of notebook 02."""

import torch

from tests.notebooks.cases import Cases

LOWEST = torch.finfo(torch.float32).min


def by_product(hidden, mask):
    return (hidden * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)


def by_einsum(hidden, mask):
    return torch.einsum("bth,bt->bh", hidden, mask.float()) / mask.sum(1)[:, None]


def row_by_row(hidden, mask):
    return torch.stack([h[m.bool()].mean(0) for h, m in zip(hidden, mask, strict=True)])


def allowed(mask, triangle=torch.tril, diagonal=0):
    size = mask.shape[1]
    return triangle(torch.ones(size, size), diagonal) * mask[:, None, None, :]


def by_factor(mask):
    return (1 - allowed(mask)) * LOWEST


def by_fill(mask):
    may = allowed(mask)
    return torch.zeros_like(may).masked_fill(may == 0, LOWEST)


def with_infinity(mask):
    may = allowed(mask)
    return torch.zeros_like(may).masked_fill(may == 0, float("-inf"))


CASES = {
    "02-1": Cases(
        right=[(1925, 15_615_360), (5 * 384 + 5, 22_713_216 - 4 * 1_774_464)],
        wrong=[
            ((1920, 15_615_360), "a bias for each class"),
            ((389, 15_615_360), "multiply"),
            ((770, 15_615_360), "from width 384 to width 5"),
            ((1925, 22_713_216 / 3), "the tables stay whole"),
            ((1925, 22_713_216 - 2 * 1_774_464), "keeps four layers"),
            ((1925, 2 * 1_774_464), "two layers alone"),
            ((1925, 15_615_360 - 147_840), "the pooler is missing"),
            ((1925, 1), "four times `one_layer`"),
        ],
    ),
    "02-2": Cases(
        right=[(by_product,), (by_einsum,), (row_by_row,)],
        wrong=[
            ((lambda hidden, mask: hidden.mean(1),), "averages over padding"),
            ((lambda hidden, mask: (hidden * mask[:, :, None]).mean(1),), "not by T"),
            (
                (lambda hidden, mask: (hidden * mask[:, :, None]).sum(1),),
                "Divide it by their number",
            ),
            ((lambda hidden, mask: hidden.sum(1) / mask.sum(1)[:, None],), "still contains"),
            ((lambda hidden, mask: hidden[:, 0],), "the vector of [CLS]"),
            ((lambda hidden, mask: hidden.mean(2),), "axis 1"),
            ((lambda hidden, mask: hidden.amax(1),), "without padding first"),
            ((lambda hidden, mask: hidden * mask,), "stopped with RuntimeError"),
        ],
    ),
    "02-3": Cases(
        right=[(by_factor,), (by_fill,), (with_infinity,)],
        wrong=[
            ((lambda mask: [[0]],), "return a tensor"),
            ((lambda mask: (1 - allowed(mask)) * float("-inf"),), "NaN"),
            ((lambda mask: by_factor(mask)[:, 0],), "(2, 1, 4, 4)"),
            ((lambda mask: (1 - allowed(mask)) * -10000.0,), "The zeros are right"),
            ((allowed,), "what is allowed with 1"),
            ((lambda mask: allowed(mask) * LOWEST,), "exchanged"),
            ((lambda mask: (1 - allowed(mask, torch.triu)) * LOWEST,), "tril, not triu"),
            ((lambda mask: (1 - allowed(mask, diagonal=-1)) * LOWEST,), "the diagonal"),
            ((lambda mask: by_factor(torch.ones_like(mask)),), "padding can still be seen"),
            (
                (lambda mask: ((1 - mask) * LOWEST)[:, None, None, :].expand(2, 1, 4, 4),),
                "BERT's own mask",
            ),
            ((lambda mask: torch.zeros(2, 1, 4, 4),), "Not 0 exactly"),
        ],
    ),
}
