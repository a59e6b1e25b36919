"""Right and wrong answers to the exercises of notebook 03."""

import numpy as np
import torch

from tests.notebooks.cases import Cases

P = np.exp([2.0, 0.0, 1.0]) / np.exp([2.0, 0.0, 1.0]).sum()
Y = np.array([0.0, 1.0, 0.0])
LOSS = -np.log(P[1])


def nesterov(weight, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weight - learning_rate * (gradient + momentum * velocity), velocity


def nesterov_with_the_rate_in_the_velocity(weight, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity - learning_rate * gradient
    return weight + momentum * velocity - learning_rate * gradient, velocity


def turned_order(*arguments):
    return nesterov(*arguments)[::-1]


def weight_only(*arguments):
    return nesterov(*arguments)[0]


def plain_momentum(weight, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weight - learning_rate * velocity, velocity


def plain_descent(weight, gradient, velocity, learning_rate, momentum):
    return weight - learning_rate * gradient, velocity


def uphill(weight, gradient, velocity, learning_rate, momentum):
    velocity = momentum * velocity + gradient
    return weight + learning_rate * (gradient + momentum * velocity), velocity


def forgetful(weight, gradient, velocity, learning_rate, momentum):
    new = momentum * velocity + gradient
    return weight - learning_rate * (gradient + momentum * new), velocity


def old_velocity(weight, gradient, velocity, learning_rate, momentum):
    step = gradient + momentum * (momentum * gradient + velocity)
    return weight - learning_rate * step, momentum * velocity + gradient


def always_nine_tenths(weight, gradient, velocity, learning_rate, momentum):
    return nesterov(weight, gradient, velocity, learning_rate, 0.9)


def softmax(Z):
    powers = np.exp(Z - Z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def gradients(X, Y, weights, slope=lambda A: 1 - A**2, hidden=np.tanh, n=None, sign=1):
    A = hidden(X @ weights["W1"].T + weights["b1"])
    delta2 = sign * (softmax(A @ weights["W2"].T + weights["b2"]) - Y) / (n or len(X))
    delta1 = (delta2 @ weights["W2"]) * slope(A)
    return {
        "W1": delta1.T @ X,
        "b1": delta1.sum(axis=0),
        "W2": delta2.T @ A,
        "b2": delta2.sum(axis=0),
        "X": delta1 @ weights["W1"],
    }


def by_autograd(X, Y, weights):
    leaves = {n: torch.tensor(a, requires_grad=True) for n, a in (weights | {"X": X}).items()}
    hidden = torch.tanh(leaves["X"] @ leaves["W1"].T + leaves["b1"])
    logits = hidden @ leaves["W2"].T + leaves["b2"]
    torch.nn.functional.cross_entropy(logits, torch.tensor(Y)).backward()
    return {name: leaf.grad for name, leaf in leaves.items()}


def by_slopes(X, Y, weights):
    everything = {name: array.copy() for name, array in (weights | {"X": X}).items()}
    found = {name: np.zeros_like(array) for name, array in everything.items()}

    def loss():
        A = np.tanh(everything["X"] @ everything["W1"].T + everything["b1"])
        P = softmax(A @ everything["W2"].T + everything["b2"])
        return -(Y * np.log(P)).sum(axis=1).mean()

    for name, array in everything.items():
        for place in np.ndindex(array.shape):
            kept = array[place]
            array[place] = kept + 1e-5
            up = loss()
            array[place] = kept - 1e-5
            found[name][place] = (up - loss()) / 2e-5
            array[place] = kept
    return found


def sigmoid(Z):
    return 1 / (1 + np.exp(-Z))


def sigmoid_network(X, Y, weights):
    return gradients(X, Y, weights, slope=lambda A: A * (1 - A), hidden=sigmoid)


def sigmoid_slope_backward(X, Y, weights):
    """tanh forward, the derivative of the sigmoid, at Z1, backward."""
    Z1 = X @ weights["W1"].T + weights["b1"]
    return gradients(X, Y, weights, slope=lambda A: sigmoid(Z1) * (1 - sigmoid(Z1)))


def slope_at_the_output(X, Y, weights):
    return gradients(X, Y, weights, slope=lambda A: 1 - np.tanh(A) ** 2)


def no_slope(X, Y, weights):
    return gradients(X, Y, weights, slope=np.ones_like)


def sum_over_sentences(X, Y, weights):
    return gradients(X, Y, weights, n=1)


def turned_sign(X, Y, weights):
    return gradients(X, Y, weights, sign=-1)


def transposed(X, Y, weights):
    right = gradients(X, Y, weights)
    return right | {"W1": right["W1"].T}


def without_input(X, Y, weights):
    right = gradients(X, Y, weights)
    return {name: right[name] for name in ("W1", "b1", "W2", "b2")}


def linear_hidden(X, Y, weights):
    return gradients(X, Y, weights, slope=np.ones_like, hidden=lambda Z: Z)


def mean_for_b1(X, Y, weights):
    right = gradients(X, Y, weights)
    return right | {"b1": right["b1"] / len(X)}


def input_gradient_of_one(X, Y, weights):
    right = gradients(X, Y, weights)
    return right | {"X": right["X"] * len(X)}


CASES = {
    "03-1": Cases(
        right=[(LOSS, P - Y), (2.4076, [0.6652, -0.9100, 0.2447]), (torch.tensor(LOSS), P - Y)],
        wrong=[
            ((-np.log(P[0]), P - Y), "class 0"),
            ((-np.log10(P[1]), P - Y), "natural"),
            ((np.log(P[1]), P - Y), "minus is missing"),
            ((P[1], P - Y), "probability of the right class"),
            ((1.0, P - Y), "what softmax gives to class 1"),
            ((LOSS, P), "Subtract y"),
            ((LOSS, Y - P), "the sign"),
            ((LOSS, -Y / P), "along the probabilities"),
            ((LOSS, (P - Y) / 3), "Do not divide"),
            ((LOSS, P[1] - 1), "three numbers"),
        ],
    ),
    "03-2": Cases(
        right=[(nesterov,), (nesterov_with_the_rate_in_the_velocity,)],
        wrong=[
            ((turned_order,), "order is turned"),
            ((weight_only,), "two things"),
            ((plain_momentum,), "plain momentum"),
            ((plain_descent,), "plain descent"),
            ((uphill,), "uphill"),
            ((forgetful,), "must be returned"),
            ((old_velocity,), "The first step is off"),
            ((always_nine_tenths,), "not always 0.9"),
        ],
    ),
    "03-3": Cases(
        right=[(gradients,), (by_autograd,), (by_slopes,)],
        wrong=[
            ((sigmoid_network,), "with σ"),
            ((sigmoid_slope_backward,), "still has σ′"),
            ((slope_at_the_output,), "no second tanh"),
            ((no_slope,), "slope of tanh is missing"),
            ((sum_over_sentences,), "a mean over n"),
            ((turned_sign,), "sign"),
            ((transposed,), "shape (3, 4)"),
            ((without_input,), "keys"),
            ((linear_hidden,), "Begin at the output"),
            ((mean_for_b1,), "W2 and b2 are right"),
            ((input_gradient_of_one,), "One step further back"),
        ],
    ),
}
