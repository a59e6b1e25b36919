"""Graders of notebook 03, losses and gradients."""

from collections.abc import Callable

import numpy as np
import torch

from helpers.exercises import Verdict, exercise, gave_nothing, is_close, right, wrong

LOGITS, TARGET = np.array([2.0, 0.0, 1.0]), 1
NAMES = ("W1", "b1", "W2", "b2", "X")


def probabilities(logits: np.ndarray) -> np.ndarray:
    """Softmax of the logits of one sentence."""
    powers = np.exp(logits - logits.max())
    return powers / powers.sum()


@exercise("03-1")
def one_sentence(loss: float, gradient: list[float]) -> Verdict:
    """Cross-entropy of the logits (2, 0, 1) for the second class, and its gradient."""
    p = probabilities(LOGITS)
    y = np.eye(3)[TARGET]
    expected = -np.log(p[TARGET])
    if is_close(loss, -np.log(p[0])):
        return wrong("loss: that is class 0. Classes count from 0, so class 1 is the middle one.")
    if is_close(loss, -np.log2(p[TARGET])) or is_close(loss, -np.log10(p[TARGET])):
        return wrong("loss: the logarithm is the natural one, np.log.")
    if is_close(loss, -expected):
        return wrong("loss: the minus is missing. The logarithm of a probability is negative.")
    if is_close(loss, p[TARGET]):
        return wrong("loss: that is the probability of the right class. Take minus its logarithm.")
    if not is_close(loss, expected):
        return wrong("loss: minus the logarithm of what softmax gives to class 1.")
    if is_close(gradient, p):
        return wrong("gradient: those are the probabilities. Subtract y, the row (0, 1, 0).")
    if is_close(gradient, y - p):
        return wrong("gradient: the sign. It is p − y; descent subtracts it later.")
    if is_close(gradient, -y / p):
        return wrong("gradient: that is the slope along the probabilities. Along logits: p − y.")
    if is_close(gradient, (p - y) / 3):
        return wrong("gradient: the mean runs over sentences, and here is one. Do not divide.")
    if not is_close(gradient, p - y):
        return wrong("gradient: three numbers, p − y; they add up to 0.")
    return right("The right class is pulled up, the others are pushed down, and the sum is 0.")


GRADIENTS = ([0.5, 1.0], [0.4, -1.0], [0.1, 0.3], [-0.2, 0.2])


def trajectory(function: Callable, momentum: float) -> np.ndarray:
    """The weight after each step of a learner's function."""
    weight, velocity, path = np.array([1.0, -2.0]), np.zeros(2), []
    for gradient in GRADIENTS:
        answer = function(weight.copy(), np.array(gradient), velocity.copy(), 0.1, momentum)
        weight, velocity = (np.asarray(part, dtype=np.float64) for part in answer)
        path.append(weight)
    return np.array(path)


def torch_trajectory(momentum: float, **options: object) -> np.ndarray:
    """The same steps by torch.optim.SGD."""
    weight = torch.tensor([1.0, -2.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.1, momentum=momentum, **options)
    path = []
    for gradient in GRADIENTS:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        optimizer.step()
        path.append(weight.detach().numpy().copy())
    return np.array(path)


@exercise("03-2")
def nesterov(function: Callable) -> Verdict:
    """One step of Nesterov's momentum, as torch.optim.SGD(nesterov=True) does it."""
    answer = function(np.array([1.0, -2.0]), np.array([0.5, 1.0]), np.zeros(2), 0.1, 0.9)
    if nothing := gave_nothing(answer):
        return nothing
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        return wrong("Return two things: the new weight and the new velocity.")
    if is_close(answer[0], [0.5, 1.0]):
        return wrong("The order is turned: first the new weight, then the new velocity.")
    given = trajectory(function, 0.9)
    expected = torch_trajectory(0.9, nesterov=True)
    if is_close(given, torch_trajectory(0.9), 1e-9):
        return wrong("That is plain momentum. Step along gradient + momentum × new velocity.")
    if is_close(given, torch_trajectory(0.0), 1e-9):
        return wrong("That is plain descent. Did you return the new velocity, and use it?")
    if is_close(given[0], 2 * np.array([1.0, -2.0]) - expected[0], 1e-9):
        return wrong("The first step goes uphill: subtract learning_rate × direction.")
    if not is_close(given[0], expected[0], 1e-9):
        return wrong(
            "The first step is off. From velocity 0 the new velocity is the gradient g, so the "
            "step is learning_rate × (g + momentum × g)."
        )
    if not is_close(given, expected, 1e-9):
        return wrong(
            "The first step is right, the second is not: the new velocity is momentum × old "
            "velocity + gradient, and it must be returned for the next step."
        )
    if not is_close(trajectory(function, 0.5), torch_trajectory(0.5, nesterov=True), 1e-9):
        return wrong("momentum is not always 0.9: use the argument.")
    return right("Equal to torch.optim.SGD(nesterov=True) over four steps.")


def example() -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Five sentences of three numbers, one-hot rows of two classes, weights with h = 4."""
    rng = np.random.default_rng(3)
    shapes = {"W1": (4, 3), "b1": (4,), "W2": (2, 4), "b2": (2,)}
    weights = {name: rng.normal(0, 0.7, shape) for name, shape in shapes.items()}
    return rng.normal(0, 1, (5, 3)), np.eye(2)[[0, 1, 1, 0, 1]], weights


def torch_gradients(hidden: Callable = torch.tanh) -> dict[str, np.ndarray]:
    """Gradients of the example by autograd, for the input too."""
    X, Y, weights = example()
    leaves = {n: torch.tensor(a, requires_grad=True) for n, a in (weights | {"X": X}).items()}
    Z1 = leaves["X"] @ leaves["W1"].T + leaves["b1"]
    logits = hidden(Z1) @ leaves["W2"].T + leaves["b2"]
    torch.nn.functional.cross_entropy(logits, torch.tensor(Y)).backward()
    return {name: leaf.grad.numpy() for name, leaf in leaves.items()}


def same(given: object, expected: np.ndarray) -> bool:
    """Whether a gradient agrees to 1e-6."""
    return is_close(given, expected, 1e-6)


@exercise("03-3")
def tanh_network(function: Callable) -> Verdict:
    """Gradients of a network with tanh in its hidden layer, for the input too."""
    X, Y, weights = example()
    given = function(X, Y, {name: array.copy() for name, array in weights.items()})
    if nothing := gave_nothing(given):
        return nothing
    if not isinstance(given, dict) or set(given) != set(NAMES):
        return wrong("Return a dictionary with the keys W1, b1, W2, b2 and X.")
    expected = torch_gradients()
    for name in NAMES:
        shape = np.shape(given[name])
        if shape != expected[name].shape:
            return wrong(f"{name}: shape {shape}. A gradient has the shape of its own array.")
    if same(given["b2"], 5 * expected["b2"]):
        return wrong("b2 is five times too large, and so is the rest: the loss is a mean over n.")
    if same(given["b2"], -expected["b2"]):
        return wrong("The sign of b2 is turned: the gradient at the logits is (P − Y) / n.")
    if same(given["W1"], torch_gradients(torch.sigmoid)["W1"]):
        return wrong("That is the network of section 6, with σ. Here the hidden layer is tanh.")
    if not same(given["W2"], expected["W2"]) or not same(given["b2"], expected["b2"]):
        return wrong(
            "Begin at the output: W2 or b2 is off. They need the forward pass with tanh and "
            "(P − Y) / n."
        )
    if same(given["W1"], with_slope(lambda Z1: sigmoid_slope(Z1))["W1"]):
        return wrong("W1: forward is tanh, but backward still has σ′. The slope of tanh is 1 − A².")
    if same(given["W1"], with_slope(lambda Z1: 1 - np.tanh(np.tanh(Z1)) ** 2)["W1"]):
        return wrong("W1: the slope was taken at A. A is tanh(Z1) already: 1 − A², no second tanh.")
    if same(given["W1"], with_slope(np.ones_like)["W1"]):
        return wrong("W1: the slope of tanh is missing on the way through the hidden layer.")
    if not same(given["W1"], expected["W1"]) or not same(given["b1"], expected["b1"]):
        return wrong("W2 and b2 are right; W1 or b1 is not. Check δ1 = (δ2 @ W2) * (1 - A**2).")
    if not same(given["X"], expected["X"]):
        return wrong("All weights are right; X is not. One step further back: δ1 times W1.")
    return right("All five equal autograd's; the one for X is what BERT would be trained with.")


def sigmoid_slope(Z: np.ndarray) -> np.ndarray:
    """The derivative of the sigmoid at Z."""
    value = 0.5 * (1 + np.tanh(0.5 * Z))
    return value * (1 - value)


def with_slope(slope: Callable[[np.ndarray], np.ndarray]) -> dict[str, np.ndarray]:
    """Gradients of the example's hidden layer with a slope in place of that of tanh."""
    X, Y, weights = example()
    Z1 = X @ weights["W1"].T + weights["b1"]
    logits = np.tanh(Z1) @ weights["W2"].T + weights["b2"]
    delta2 = (np.apply_along_axis(probabilities, 1, logits) - Y) / len(X)
    delta1 = (delta2 @ weights["W2"]) * slope(Z1)
    return {"W1": delta1.T @ X, "b1": delta1.sum(axis=0)}
