"""Two judges of a gradient that was worked out by hand: torch's own, and differences of the function itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from hypothesis import strategies as st
from numpy import ndarray

seeds = st.integers(0, 2**32 - 1)


def distinct(*shape: int, seed: int) -> ndarray:
    """Draws float64 numbers that differ from each other and from 0 by 0.05 at least, half of them below 0.

    So a small step changes neither which number is the largest nor any sign.
    """
    count = int(np.prod(shape))
    numbers = np.random.default_rng(seed).permutation(count) - count // 2 + 0.5
    return (0.1 * numbers).reshape(shape)


def normal(*shape: int, seed: int) -> ndarray:
    """Draws float64 numbers from N(0, 1)."""
    return np.random.default_rng(seed).normal(size=shape)


def by_torch(
    function: Callable[..., torch.Tensor], gradient: ndarray | float, *arrays: ndarray
) -> tuple[ndarray, list[ndarray]]:
    """Runs torch forward and backward in float64.

    Args:
        function: of as many tensors as there are arrays.
        gradient: of the loss with respect to what the function returns, in its shape.

    Returns: what the function returns, and the gradient of each array.
    """
    leaves = [torch.from_numpy(array.copy()).requires_grad_() for array in arrays]
    output = function(*leaves)
    output.backward(torch.as_tensor(gradient, dtype=torch.float64))
    return output.detach().numpy(), [np.zeros(0) if leaf.grad is None else leaf.grad.numpy() for leaf in leaves]


def by_differences(
    function: Callable[[ndarray], ndarray | float], gradient: ndarray | float, array: ndarray
) -> ndarray:
    """Estimates the gradient of Σ gradient · function(array), a number at a time, from both sides.

    The error is of the order of 1e-9 where the function is smooth: step² and rounding/step.
    """
    step = 1e-5
    estimate = np.zeros(array.shape)
    for place in np.ndindex(array.shape):
        ahead, behind = array.copy(), array.copy()
        ahead[place] += step
        behind[place] -= step
        estimate[place] = np.sum(gradient * (function(ahead) - function(behind))) / (2 * step)
    return estimate


def assert_equal(found: ndarray | float, expected: ndarray | float, within: float = 1e-10) -> None:
    """Compares shapes, and numbers relative to the largest of them, or to 1 where that is smaller."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=within * max(1.0, np.abs(expected).max(initial=0)))
