"""Checks of notebook 02: parameters of a head, a masked mean, a causal mask."""

from collections.abc import Callable

import torch
from torch import Tensor

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

WIDTH, LAYER, ENCODER = 384, 1_774_464, 22_713_216
HEAD = 5 * WIDTH + 5
KEPT = ENCODER - 4 * LAYER
LOWEST = torch.finfo(torch.float32).min


@exercise("02-1")
def head_and_layers(head: float, kept: float) -> Verdict:
    """Parameters of a five-class head, and of the encoder with two of its six layers."""
    if is_close(head, 5 * WIDTH):
        return wrong("The head also has a bias for each class. Add them to the weights.")
    if is_close(head, WIDTH + 5):
        return wrong("Each of the five classes has a weight for each of the 384 places: multiply.")
    if not is_close(head, HEAD):
        return wrong("The head is a linear layer from width 384 to width 5: weights and biases.")
    if is_close(kept, ENCODER / 3, 1):
        return wrong("A third of the layers is not a third of the model: the tables stay whole.")
    if is_close(kept, ENCODER - 2 * LAYER):
        return wrong("That keeps four layers. Two are to be kept, so four have to go.")
    if is_close(kept, 2 * LAYER):
        return wrong("Those are the two layers alone. The tables and the pooler stay too.")
    if is_close(kept, KEPT - WIDTH * WIDTH - WIDTH):
        return wrong("The head is right. In the second figure the pooler is missing.")
    if not is_close(kept, KEPT):
        return wrong(
            "The head is right. For the encoder, take four times `one_layer` from `total`."
        )
    return right(
        "1,925 and 15,615,360: two thirds of the layers gone, two thirds of the model left."
    )


@exercise("02-2")
def masked_mean(mean_pool: Callable[[Tensor, Tensor], Tensor]) -> Verdict:
    """A function that averages the vectors of real tokens."""
    generator = torch.Generator().manual_seed(0)
    hidden = torch.randn(3, 5, 4, generator=generator) + 1
    mask = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [1, 1, 0, 0, 0]])
    real = mask[:, :, None]
    answer = mean_pool(hidden.clone(), mask.clone())
    if nothing := gave_nothing(answer):
        return nothing
    total, count = (hidden * real).sum(1), real.sum(1)
    if is_close(answer, hidden.mean(1)):
        return wrong("That averages over padding too. Use the mask.")
    if is_close(answer, total / mask.shape[1]):
        return wrong("The sum is right. Divide by the number of real tokens of each row, not by T.")
    if is_close(answer, total):
        return wrong("That is the sum over the real tokens. Divide it by their number.")
    if is_close(answer, hidden.sum(1) / count):
        return wrong("The divisor is right, but the sum still contains the vectors of padding.")
    if is_close(answer, hidden[:, 0]):
        return wrong("That is the vector of [CLS]. The mean over all real tokens is asked for.")
    if isinstance(answer, Tensor) and answer.shape != total.shape:
        return wrong(
            f"The shape is {tuple(answer.shape)}; (B, H) = {tuple(total.shape)} is asked for. "
            "Sum over the tokens, axis 1."
        )
    if not is_close(answer, total / count, 1e-5):
        return wrong(
            "Not the mean of the real tokens. Try it on one sentence without padding first."
        )
    return right("The mean no longer depends on how much padding a sentence has.")


@exercise("02-3")
def causal(causal_mask: Callable[[Tensor], Tensor]) -> Verdict:
    """A function that makes the additive mask of a model that looks only to the left."""
    mask = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0]])
    answer = causal_mask(mask.clone())
    if nothing := gave_nothing(answer):
        return nothing
    left, real = torch.ones(4, 4).tril(), mask[:, None, None, :]
    allowed = (left * real).bool()
    if not isinstance(answer, Tensor):
        return wrong("The function should return a tensor of shape (B, 1, T, T).")
    if answer.isnan().any():
        return wrong("There are NaNs in it: 0 × −inf is NaN. Use torch.finfo(torch.float32).min.")
    if answer.shape != allowed.shape:
        return wrong(f"The shape is {tuple(answer.shape)}, but (B, 1, T, T) is (2, 1, 4, 4) here.")
    if torch.equal(answer.float(), allowed.float()):
        return wrong(
            "That marks what is allowed with 1. An additive mask is 0 there, very low elsewhere."
        )
    open_to = answer > LOWEST / 2
    if torch.equal(open_to, ~allowed):
        return wrong("Allowed and forbidden are exchanged: 0 where a token may look.")
    if torch.equal(open_to, (left.T * real).bool()):
        return wrong(
            "Those tokens look to the right. Row i may see columns up to i: tril, not triu."
        )
    if torch.equal(open_to, (torch.ones(4, 4).tril(-1) * real).bool()):
        return wrong("A token may also look at itself: the diagonal belongs to it.")
    if torch.equal(open_to, left.bool().expand(2, 1, 4, 4)):
        return wrong("The direction is right, but padding can still be seen. Use the mask as well.")
    if torch.equal(open_to, real.bool().expand(2, 1, 4, 4)):
        return wrong("That is BERT's own mask, both directions. Forbid the columns after i.")
    if torch.equal(answer == 0, allowed) and not torch.equal(open_to, allowed):
        return wrong("The zeros are right. Elsewhere must stand torch.finfo(torch.float32).min.")
    if not torch.equal(open_to, allowed) or answer[allowed].any():
        return wrong("Not 0 exactly where j ≤ i and j is real. Print it for one short sentence.")
    return right("With it, your encoder would be a decoder: each token sees only what came before.")
