"""Linear, logistic and perceptron models: what they score, their loss, and its gradient.

One network covers the three: layers of weights with tanh between them, and no hidden layer for the first two. The
output is a standardised number with half the squared error as its loss, or log-odds with the logistic loss. Arrays
are weights, then biases, layer by layer. Losses and gradients are sums over rows, so that departments' sums add up to
the whole's; `penalty` is apart, because it is of the model and not of any row.

Trees are in `federation.learning.ensemble`.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from federation.learning.artifact import Arrays, Floats
from federation.plan import Descent, Linear, Logistic, Model, Perceptron, Trees

Network = Linear | Logistic | Perceptron


def network_of(model: Model) -> Network:
    """Narrow a plan's model to one that learns by descent.

    Raises:
        ValueError: the model is made of trees, which have no arrays to descend in.
    """
    if isinstance(model, Trees):
        raise ValueError("trees do not descend")
    return model


def shapes_of(model: Network, width: int) -> tuple[tuple[int, ...], ...]:
    """The shapes of a model's arrays for inputs of this width."""
    hidden = model.hidden if isinstance(model, Perceptron) else ()
    return tuple(shape for wide, narrow in pairwise((width, *hidden, 1)) for shape in ((wide, narrow), (narrow,)))


def first_arrays(model: Network, width: int, seed: int) -> Arrays:
    """Where training begins: zeros, but for the weights of a perceptron, which zeros would leave all alike.

    Those are drawn as X. Glorot and Y. Bengio (AISTATS 2010) do, uniformly.
    """
    shapes = shapes_of(model, width)
    if not isinstance(model, Perceptron):
        return tuple(np.zeros(shape) for shape in shapes)
    random = np.random.default_rng(seed)
    reach = [np.sqrt(6 / sum(shape)) if len(shape) == 2 else 0.0 for shape in shapes]
    return tuple(random.uniform(-limit, limit, shape) for limit, shape in zip(reach, shapes, strict=True))


def scores(arrays: Arrays, inputs: Floats) -> Floats:
    """Score rows: the standardised number of a regression, or log-odds; shape (rows,)."""
    return _layers(arrays, inputs)[-1][:, 0]


def losses(model: Model, outputs: Floats, targets: Floats) -> Floats:
    """The loss of each row.

    Args:
        targets: 0 or 1, or the standardised number.
    """
    if isinstance(model, Linear):
        return (outputs - targets) ** 2 / 2
    return np.logaddexp(0.0, outputs) - targets * outputs


def loss_and_gradient(model: Network, arrays: Arrays, inputs: Floats, targets: Floats) -> tuple[float, Arrays]:
    """Add up the losses of all rows, and their gradients in the arrays."""
    layers = _layers(arrays, inputs)
    outputs = layers[-1][:, 0]
    # Both losses have the same gradient in the output: what was predicted less what is true.
    predicted = outputs if isinstance(model, Linear) else probabilities(outputs)
    error = (predicted - targets)[:, None]
    gradient: list[Floats] = []
    for index in reversed(range(0, len(arrays), 2)):
        below = layers[index // 2]
        gradient[:0] = [below.T @ error, error.sum(axis=0)]
        if index:
            error = (error @ arrays[index].T) * (1 - below**2)
    return float(losses(model, outputs, targets).sum()), tuple(gradient)


def penalty(model: Network, arrays: Arrays) -> tuple[float, Arrays]:
    """Half the squared norm of the weights times l2, and its gradient; biases are free."""
    pulls = tuple(model.l2 * array if array.ndim == 2 else np.zeros_like(array) for array in arrays)
    return sum(float((array**2).sum()) for array in arrays[::2]) * model.l2 / 2, pulls


def local_steps(
    model: Network, descent: Descent, arrays: Arrays, inputs: Floats, targets: Floats, random: np.random.Generator
) -> Arrays:
    """Train on some rows alone, by epochs of mini-batches; tell how far the arrays have moved.

    The gradient of a batch is that of its mean loss, of the penalty, and of mu / 2 times the squared distance to where
    the steps began (FedProx).
    """
    here = arrays
    for _ in range(descent.epochs if len(inputs) else 0):
        order = random.permutation(len(inputs))
        cuts = range(descent.batch, len(order), descent.batch) if descent.batch else ()
        for batch in np.split(order, cuts):
            _, gradient = loss_and_gradient(model, here, inputs[batch], targets[batch])
            _, pulls = penalty(model, here)
            here = tuple(
                now - descent.rate * (slope / len(batch) + pull + descent.mu * (now - given))
                for now, given, slope, pull in zip(here, arrays, gradient, pulls, strict=True)
            )
    return tuple(now - given for now, given in zip(here, arrays, strict=True))


def probabilities(log_odds: Floats) -> Floats:
    """The logistic function, which does not overflow."""
    return np.exp(-np.logaddexp(0.0, -log_odds))


def flatten(arrays: Arrays) -> Floats:
    """Lay arrays end to end."""
    return np.concatenate([array.ravel() for array in arrays])


def unflatten(flat: Floats, like: Arrays) -> Arrays:
    """Cut a flat vector into arrays of these shapes."""
    ends = np.cumsum([array.size for array in like])[:-1]
    return tuple(part.reshape(array.shape) for part, array in zip(np.split(flat, ends), like, strict=True))


def _layers(arrays: Arrays, inputs: Floats) -> list[Floats]:
    """The inputs, and what comes out of each layer."""
    layers = [inputs]
    for index in range(0, len(arrays), 2):
        through = layers[-1] @ arrays[index] + arrays[index + 1]
        layers.append(through if index + 2 == len(arrays) else np.tanh(through))
    return layers
