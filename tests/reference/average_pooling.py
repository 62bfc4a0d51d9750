"""Average pooling in NumPy: a convolution whose weights are all 1/(I·J), over each channel by itself.

N pictures · C channels · H W pixels in · Y X pixels out

Source: LeCun et al. 1998, section II (subsampling).
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray

from reference import convolution


def forward(images_NCHW: ndarray, window: int, *, stride: int, padding: int = 0) -> ndarray:
    """Computes the mean of each window, N C Y X; zeros of the padding count.

    >>> forward(np.array([[[[1, 2, 0, 5], [3, 0, 4, 1]]]]), 2, stride=2).tolist()
    [[[[1.5, 2.5]]]]
    """
    means = convolution.forward(
        _each_channel(images_NCHW), _equal_shares(window), np.zeros(1), stride=stride, padding=padding
    )
    return means.reshape(*images_NCHW.shape[:2], *means.shape[2:])


def backward(gradient_NCYX: ndarray, size: tuple[int, int], window: int, *, stride: int, padding: int = 0) -> ndarray:
    """Shares the gradient of each window out equally among its pixels: ∂L/∂x, N C H W.

    Args:
        size: H and W of the pictures.
    """
    shares = convolution.input_gradient(
        _each_channel(gradient_NCYX), _equal_shares(window), size, stride=stride, padding=padding
    )
    return shares.reshape(*gradient_NCYX.shape[:2], *size)


def _each_channel(maps_NCHW: ndarray) -> ndarray:
    """Takes each channel for a picture of its own: (N·C) 1 H W."""
    return maps_NCHW.reshape(-1, 1, *maps_NCHW.shape[2:])


def _equal_shares(window: int) -> ndarray:
    return np.full((1, 1, window, window), 1 / window**2)
