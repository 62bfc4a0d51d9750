"""The linear layer in NumPy: every output is a weighted sum of all inputs.

N samples · I inputs · O outputs

Source: Rumelhart, Hinton & Williams 1986 (the gradients); CS231n course notes, "Backpropagation, Intuitions".
"""

from __future__ import annotations

from numpy import ndarray


def forward(inputs_NI: ndarray, weights_OI: ndarray, bias_O: ndarray) -> ndarray:
    """Computes y = x Wᵀ + b, N O.

    >>> import numpy as np
    >>> forward(np.array([[1, 2]]), np.array([[3, 4], [5, 6]]), np.array([0, 1])).tolist()
    [[11, 18]]
    """
    return inputs_NI @ weights_OI.T + bias_O


def backward(gradient_NO: ndarray, inputs_NI: ndarray, weights_OI: ndarray) -> tuple[ndarray, ndarray, ndarray]:
    """Computes ∂L/∂x = g W, ∂L/∂W = gᵀ x and ∂L/∂b = Σₙ g from g = ∂L/∂y.

    What an input is worth to the loss is the sum over the outputs that it goes into, what a weight is worth the sum
    over the samples that it was used for.

    Returns: the gradients of inputs N I, weights O I and bias O.
    """
    return gradient_NO @ weights_OI, gradient_NO.T @ inputs_NI, gradient_NO.sum(axis=0)
