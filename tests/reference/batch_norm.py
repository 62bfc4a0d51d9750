"""Batch normalization in NumPy, training and evaluation, with the full gradient.

N pictures · F maps (or features) · M numbers of one map in the batch: N for features N F, N·H·W for maps N F H W

Source: Ioffe & Szegedy 2015, algorithms 1 and 2; the gradient of section 3, gathered into one line.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy import ndarray


class Batch(NamedTuple):
    """What a training step keeps for the way back, and moves the running statistics with."""

    outputs: ndarray
    standardized: ndarray
    mean_F: ndarray
    variance_F: ndarray
    eps: float


def forward(inputs: ndarray, scale_F: ndarray, shift_F: ndarray, *, eps: float = 1e-5) -> Batch:
    """Computes x̂ = (x − μ) / √(σ² + ε) and y = γ x̂ + β, with mean μ and variance σ² of the batch for each map.

    The variance is that of the M numbers at hand, divided by M.

    >>> forward(np.array([[1.0], [3.0]]), np.array([10.0]), np.array([5.0]), eps=0.0).outputs.tolist()
    [[-5.0], [15.0]]
    """
    mean_F, variance_F = inputs.mean(_over(inputs)), inputs.var(_over(inputs))
    standardized = (inputs - _wide(mean_F, inputs)) / np.sqrt(_wide(variance_F, inputs) + eps)
    outputs = _wide(scale_F, inputs) * standardized + _wide(shift_F, inputs)
    return Batch(outputs, standardized, mean_F, variance_F, eps)


def backward(gradient: ndarray, batch: Batch, scale_F: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Computes the gradients of inputs, scale and shift:

    ∂L/∂β = Σ g,  ∂L/∂γ = Σ g x̂,  ∂L/∂x = γ / √(σ² + ε) · (g − ∂L/∂β / M − x̂ · ∂L/∂γ / M)

    A number moves the mean and the variance of its map as well. So what is left of g has no part along a shift of the
    batch and none along its scale: neither would change x̂.
    """
    over = _over(gradient)
    numbers = gradient.size // gradient.shape[1]
    shift_F, stretch_F = gradient.sum(over), (gradient * batch.standardized).sum(over)
    left = gradient - (_wide(shift_F, gradient) + batch.standardized * _wide(stretch_F, gradient)) / numbers
    return _wide(scale_F / np.sqrt(batch.variance_F + batch.eps), gradient) * left, stretch_F, shift_F


def moved(running_F: ndarray, of_batch_F: ndarray, momentum: float) -> ndarray:
    """Moves a running statistic towards that of a batch by the share `momentum`."""
    return (1 - momentum) * running_F + momentum * of_batch_F


def unbiased(batch: Batch) -> ndarray:
    """Gives the variances divided by M − 1, as estimates for all data; the running ones are made of these."""
    numbers = batch.outputs.size // batch.outputs.shape[1]
    return batch.variance_F * numbers / (numbers - 1)


def evaluate(
    inputs: ndarray, scale_F: ndarray, shift_F: ndarray, mean_F: ndarray, variance_F: ndarray, *, eps: float = 1e-5
) -> ndarray:
    """Computes y = γ (x − μ) / √(σ² + ε) + β with the running statistics: one scale and one shift a map."""
    slope_F = scale_F / np.sqrt(variance_F + eps)
    return _wide(slope_F, inputs) * (inputs - _wide(mean_F, inputs)) + _wide(shift_F, inputs)


def evaluate_backward(gradient: ndarray, scale_F: ndarray, variance_F: ndarray, *, eps: float = 1e-5) -> ndarray:
    """Computes ∂L/∂x = γ / √(σ² + ε) · g: running statistics do not move with the input."""
    return _wide(scale_F / np.sqrt(variance_F + eps), gradient) * gradient


def _over(inputs: ndarray) -> tuple[int, ...]:
    """Names the axes that a map's statistics are taken over: all but its own."""
    return (0, *range(2, inputs.ndim))


def _wide(values_F: ndarray, like: ndarray) -> ndarray:
    return values_F.reshape(1, -1, *(1,) * (like.ndim - 2))
