"""Cosine, sine, tangent, exponential and root of a few numbers a picture.

On a CPU NumPy computes them, in float64: torch hands even 256 numbers to a library that wakes all its threads, which
takes 0.1 to 0.3 ms a call, and leaves them spinning for more than 3 ms on the cores that the kernel is about to use.
Measured in one process, 256 pictures of 64×64 take two thirds of the time with NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor


def cos(radians: Tensor) -> Tensor:
    """Gives the cosine of each number, float32, any shape."""
    return _each(np.cos, torch.cos, radians)


def sin(radians: Tensor) -> Tensor:
    """Gives the sine of each number, float32, any shape."""
    return _each(np.sin, torch.sin, radians)


def tan(radians: Tensor) -> Tensor:
    """Gives the tangent of each number, float32, any shape."""
    return _each(np.tan, torch.tan, radians)


def exp(exponents: Tensor) -> Tensor:
    """Gives e to the power of each number, float32, any shape."""
    return _each(np.exp, torch.exp, exponents)


def root(squares: Tensor) -> Tensor:
    """Gives the square root of each number, float32, any shape.

    >>> root(torch.tensor([4.0, 2.0])).tolist()
    [2.0, 1.4142135381698608]
    """
    return _each(np.sqrt, torch.sqrt, squares)


def _each(by_numpy: Callable[[np.ndarray], np.ndarray], by_torch: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """Computes in float64 and rounds once, so that devices agree but where the last digits of float64 decide."""
    if values.device.type == "cpu":
        return torch.from_numpy(np.asarray(by_numpy(values.to(torch.float64).numpy()))).to(torch.float32)
    if values.device.type == "mps":  # which has no float64
        return by_torch(values)
    return by_torch(values.to(torch.float64)).to(torch.float32)
