"""Max-pooling in NumPy: of each window the largest number goes on.

N pictures · C channels · H W pixels in · Y X pixels out · I J pixels of a window, down and across

Source: Zhou & Chellappa 1988; CS231n course notes, "Convolutional Neural Networks", pooling layer.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray
from numpy.lib.stride_tricks import sliding_window_view


def forward(images_NCHW: ndarray, window: int, *, stride: int, padding: int = 0) -> ndarray:
    """Computes y[n,c,y,x] = max over i, j of x[n, c, y·stride + i, x·stride + j], N C Y X; the padding never wins.

    >>> forward(np.array([[[[1, 2, 0, 5], [3, 0, 4, 1]]]]), 2, stride=2).tolist()
    [[[[3.0, 5.0]]]]
    """
    return _windows(images_NCHW, window, stride, padding).max(axis=-1)


def backward(gradient_NCYX: ndarray, images_NCHW: ndarray, window: int, *, stride: int, padding: int = 0) -> ndarray:
    """Sends the gradient of each window to the pixel that won it, of equals to the first by rows; the rest gets 0.

    A pixel that won several windows, where they overlap, gets the sum.

    Returns: ∂L/∂x, N C H W.
    """
    count, channels, height, width = images_NCHW.shape
    winner_NCYX = _windows(images_NCHW, window, stride, padding).argmax(axis=-1)
    n, c, y, x = np.indices(gradient_NCYX.shape)
    padded_NCHW = np.zeros((count, channels, height + 2 * padding, width + 2 * padding))
    place = (n, c, y * stride + winner_NCYX // window, x * stride + winner_NCYX % window)
    np.add.at(padded_NCHW, place, gradient_NCYX)
    return padded_NCHW[:, :, padding : padding + height, padding : padding + width]


def _windows(images_NCHW: ndarray, window: int, stride: int, padding: int) -> ndarray:
    """Gives the pixels of each window in a row, N C Y X IJ."""
    around = ((0, 0), (0, 0), (padding, padding), (padding, padding))
    padded_NCHW = np.pad(images_NCHW.astype(float), around, constant_values=-np.inf)
    windows_NCYXIJ = sliding_window_view(padded_NCHW, (window, window), axis=(2, 3))[:, :, ::stride, ::stride]
    return windows_NCYXIJ.reshape(*windows_NCYXIJ.shape[:4], window * window)
