"""Inverted dropout in NumPy, with the mask given, so that nothing is left to chance.

Source: Srivastava et al. 2014, sections 4 and 10; CS231n course notes, "Regularization" (the inverted form).
"""

from __future__ import annotations

from numpy import ndarray


def forward(inputs: ndarray, kept: ndarray, probability: float) -> ndarray:
    """Computes x·m / (1 − p) in training; m is 0 with probability p, so that the mean over masks is x. At test: x.

    Args:
        kept: the mask m of zeros and ones, shaped as the inputs.
        probability: p, [0, 1).

    >>> import numpy as np
    >>> forward(np.array([1.0, 2.0, 3.0]), np.array([1, 0, 1]), 0.5).tolist()
    [2.0, 0.0, 6.0]
    """
    return inputs * kept / (1 - probability)


def backward(gradient: ndarray, kept: ndarray, probability: float) -> ndarray:
    """Computes ∂L/∂x = g·m / (1 − p): what was dropped had no part in the loss."""
    return gradient * kept / (1 - probability)
