"""Right and wrong answers to the exercises of notebook 03."""

import numpy as np
import torch
from torch.nn.functional import cross_entropy

from tests.notebooks.cases import Cases

# ---------------------------------------------------------------- 03-1


def gradient_of(loss, w, eps=1e-5):
    gradient = torch.zeros_like(w)
    for i in range(len(w)):
        up, down = w.clone(), w.clone()
        up[i] += eps
        down[i] -= eps
        gradient[i] = (loss(up) - loss(down)) / (2 * eps)
    return gradient


def descend(loss, w, learning_rate):
    return w - learning_rate * gradient_of(loss, w)


def as_a_list_from_one_side(loss, w, learning_rate):
    new = []
    for i in range(len(w)):
        up = w.clone()
        up[i] += 1e-6
        new.append(float(w[i]) - learning_rate * float(loss(up) - loss(w)) / 1e-6)
    return new


def by_autograd(loss, w, learning_rate):
    leaf = w.clone().requires_grad_()
    loss(leaf).backward()
    return (leaf - learning_rate * leaf.grad).detach().numpy()


def restored_by_hand(loss, w, learning_rate):
    gradient = []
    for i in range(len(w)):
        kept = w[i].item()
        w[i] = kept + 1e-4
        above = loss(w).item()
        w[i] = kept - 1e-4
        below = loss(w).item()
        w[i] = kept
        gradient.append((above - below) / 2e-4)
    return w - learning_rate * torch.tensor(gradient)


def uphill(loss, w, learning_rate):
    return w + learning_rate * gradient_of(loss, w)


def in_place(loss, w, learning_rate):
    w -= learning_rate * gradient_of(loss, w)
    return w


def without_a_copy(loss, w, learning_rate):
    gradient = torch.zeros_like(w)
    for i in range(len(w)):
        up = w
        up[i] += 1e-5
        above = loss(up)
        up[i] -= 2e-5
        gradient[i] = (above - loss(up)) / 2e-5
    return w - learning_rate * gradient


def moved_one_by_one(loss, w, learning_rate):
    w = w.clone()
    for i in range(len(w)):
        w[i] -= learning_rate * gradient_of(loss, w)[i]
    return w


def divided_by_one_eps(loss, w, learning_rate):
    return w - learning_rate * 2 * gradient_of(loss, w)


def one_side_over_two_eps(loss, w, learning_rate):
    return w - learning_rate * gradient_of(loss, w) / 2


def not_divided(loss, w, learning_rate):
    return w - learning_rate * 2e-5 * gradient_of(loss, w)


def no_rate(loss, w, learning_rate):
    return w - gradient_of(loss, w)


def fixed_rate(loss, w, learning_rate):
    return w - 0.1 * gradient_of(loss, w)


def signs_only(loss, w, learning_rate):
    return w - learning_rate * gradient_of(loss, w).sign()


def first_weight_only(loss, w, learning_rate):
    gradient = gradient_of(loss, w)
    gradient[1:] = 0
    return w - learning_rate * gradient


def gradient_alone(loss, w, learning_rate):
    return gradient_of(loss, w)


def one_slope_for_all(loss, w, learning_rate):
    return w - learning_rate * (loss(w + 1e-5) - loss(w - 1e-5)) / 2e-5


def the_loss_instead(loss, w, learning_rate):
    return loss(w - learning_rate * gradient_of(loss, w))


# ---------------------------------------------------------------- 03-2


def p_minus_y(p, y):
    return p - y


def minus_log(p, right_class):
    return -torch.log(p[right_class])


def by_formula(logits, right_class, gradient=p_minus_y, loss=minus_log):
    p = torch.softmax(logits, dim=0)
    y = torch.zeros_like(p)
    y[right_class] = 1
    return loss(p, right_class), gradient(p, y)


def in_numpy(logits, right_class):
    powers = np.exp(logits.numpy())
    p = powers / powers.sum()
    return -np.log(p[right_class]), p - np.eye(len(p))[right_class]


def as_a_list(logits, right_class):
    powers = [2.718281828459045 ** float(z) for z in logits]
    p = [power / sum(powers) for power in powers]
    loss = -float(np.log(p[right_class]))
    p[right_class] -= 1
    return [loss, p]


def logits_by_autograd(logits, right_class):
    leaf = logits.clone().requires_grad_()
    loss = cross_entropy(leaf, torch.tensor(right_class))
    loss.backward()
    return loss, leaf.grad


def aliased(logits, right_class):
    p = torch.softmax(logits, dim=0)
    gradient = p
    gradient[right_class] -= 1
    return -torch.log(p[right_class]), gradient


def changes_the_logits(logits, right_class):
    loss, gradient = by_formula(logits, right_class)
    logits -= gradient
    return loss, gradient


def with_loss(loss):
    return lambda logits, right_class: by_formula(logits, right_class, loss=loss)


def with_gradient(gradient):
    return lambda logits, right_class: by_formula(logits, right_class, gradient=gradient)


# ---------------------------------------------------------------- 03-3


def one_epoch(X, y, W, learning_rate, batch_size):
    W = W.clone().requires_grad_()
    optimizer = torch.optim.SGD([W], lr=learning_rate)
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        cross_entropy(X[rows] @ W.T, y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return W.detach()


def by_p_minus_y(X, y, W, learning_rate, batch_size, n=None, old=False, direction=-1, last=None):
    first, W = W.numpy(), W.numpy().copy()
    X, Y = X.numpy(), np.eye(len(W))[y.numpy()]
    for start in range(0, last or len(X), batch_size):
        rows = slice(start, start + batch_size)
        powers = np.exp(X[rows] @ (first if old else W).T)
        P = powers / powers.sum(axis=1, keepdims=True)
        W += direction * learning_rate * (P - Y[rows]).T @ X[rows] / (n or len(P))
    return W


def with_split(X, y, W, learning_rate, batch_size):
    for rows, labels in zip(X.split(batch_size), y.split(batch_size), strict=True):
        leaf = W.detach().clone().requires_grad_()
        cross_entropy(rows @ leaf.T, labels).backward()
        W = leaf - learning_rate * leaf.grad
    return W


def never_zeroed(X, y, W, learning_rate, batch_size):
    W = W.clone().requires_grad_()
    optimizer = torch.optim.SGD([W], lr=learning_rate)
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        cross_entropy(X[rows] @ W.T, y[rows]).backward()
        optimizer.step()
    return W.detach()


def without_step(X, y, W, learning_rate, batch_size):
    W = W.clone().requires_grad_()
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        cross_entropy(X[rows] @ W.T, y[rows]).backward()
    return W.detach()


def changes_the_weights(X, y, W, learning_rate, batch_size):
    W.requires_grad_()
    optimizer = torch.optim.SGD([W], lr=learning_rate)
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size)
        cross_entropy(X[rows] @ W.T, y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return W.detach()


def return_in_the_loop(X, y, W, learning_rate, batch_size):
    return one_epoch(X[:batch_size], y[:batch_size], W, learning_rate, batch_size)


def everything_at_once(X, y, W, learning_rate, batch_size):
    return one_epoch(X, y, W, learning_rate, len(X))


def row_by_row(X, y, W, learning_rate, batch_size):
    return one_epoch(X, y, W, learning_rate, 1)


def drops_the_last(X, y, W, learning_rate, batch_size):
    whole = len(X) // batch_size * batch_size
    return one_epoch(X[:whole], y[:whole], W, learning_rate, batch_size)


def summed(X, y, W, learning_rate, batch_size):
    return by_p_minus_y(X, y, W, learning_rate, batch_size, n=1)


def turned(X, y, W, learning_rate, batch_size):
    return by_p_minus_y(X, y, W, learning_rate, batch_size, direction=1)


def at_the_first_weights(X, y, W, learning_rate, batch_size):
    return by_p_minus_y(X, y, W, learning_rate, batch_size, old=True)


def lacks_a_row(X, y, W, learning_rate, batch_size):
    W = W.clone().requires_grad_()
    optimizer = torch.optim.SGD([W], lr=learning_rate)
    for start in range(0, len(X), batch_size):
        rows = slice(start, start + batch_size - 1)
        cross_entropy(X[rows] @ W.T, y[rows]).backward()
        optimizer.step()
        optimizer.zero_grad()
    return W.detach()


def backwards_order(X, y, W, learning_rate, batch_size):
    return one_epoch(X.flip(0), y.flip(0), W, learning_rate, batch_size)


def transposed(X, y, W, learning_rate, batch_size):
    return one_epoch(X, y, W, learning_rate, batch_size).T


CASES = {
    "03-1": Cases(
        right=[(descend,), (as_a_list_from_one_side,), (by_autograd,), (restored_by_hand,)],
        wrong=[
            ((uphill,), "uphill"),
            ((in_place,), "changed w itself"),
            ((moved_one_by_one,), "Measure all slopes first"),
            ((divided_by_one_eps,), "Twice too far"),
            ((one_side_over_two_eps,), "Half of the step"),
            ((not_divided,), "almost"),
            ((no_rate,), "learning rate is missing"),
            ((fixed_rate,), "Right for the first loss"),
            ((signs_only,), "Its size counts"),
            ((first_weight_only,), "Only the first weight"),
            ((gradient_alone,), "That is the gradient"),
            ((one_slope_for_all,), "all others unchanged"),
            ((the_loss_instead,), "one new weight for each weight"),
        ],
    ),
    "03-2": Cases(
        right=[(by_formula,), (in_numpy,), (as_a_list,), (logits_by_autograd,)],
        wrong=[
            ((with_loss(lambda p, r: -torch.log(p[r - 1])),), "class before"),
            ((with_loss(lambda p, r: -torch.log10(p[r])),), "natural"),
            ((with_loss(lambda p, r: torch.log(p[r])),), "minus is missing"),
            ((with_loss(lambda p, r: p[r]),), "probability of the right class"),
            ((with_loss(lambda p, r: -torch.log(p).mean()),), "not all classes"),
            ((with_loss(lambda p, r: -torch.log(p)),), "one number"),
            ((with_loss(lambda p, r: 2.4076),), "what softmax gives"),
            ((aliased,), "makes no copy"),
            ((changes_the_logits,), "Work on a copy"),
            ((with_gradient(lambda p, y: p),), "Subtract 1"),
            ((with_gradient(lambda p, y: y - p),), "the sign"),
            ((with_gradient(lambda p, y: -y / p),), "along the probabilities"),
            ((with_gradient(lambda p, y: (p - y) / len(p)),), "Do not divide"),
            ((with_gradient(lambda p, y: (p * y).sum() - 1),), "3 numbers for 3 classes"),
            ((lambda logits, right_class: by_formula(logits, right_class)[0],), "two things"),
        ],
    ),
    "03-3": Cases(
        right=[(one_epoch,), (by_p_minus_y,), (with_split,)],
        wrong=[
            ((never_zeroed,), "zero_grad"),
            ((without_step,), "have not moved"),
            ((changes_the_weights,), "changed W itself"),
            ((return_in_the_loop,), "Only the first batch"),
            ((everything_at_once,), "one step on all rows"),
            ((row_by_row,), "each single row"),
            ((drops_the_last,), "smaller batch is missing"),
            ((summed,), "not a sum"),
            ((turned,), "uphill"),
            ((at_the_first_weights,), "weights of the start"),
            ((lacks_a_row,), "lacks its last row"),
            ((backwards_order,), "in their order"),
            ((transposed,), "Return the new weights"),
        ],
    ),
}
