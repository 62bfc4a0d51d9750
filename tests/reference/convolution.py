"""The convolution of nets in NumPy, forward and backward. One function does all three: `correlate`.

N pictures · C channels in · F maps out · H W pixels in · Y X pixels out · I J taps of a kernel, down and across

Nets call convolution what mathematics calls cross-correlation: the kernel is not turned.

Source: LeCun et al. 1998, section II; Dumoulin & Visin 2016, A guide to convolution arithmetic (transposed
convolution, section 4); the gradients worked out from the sums.
"""

from __future__ import annotations

import numpy as np
from numpy import ndarray


def correlate(pictures_NCHW: ndarray, kernels_FCIJ: ndarray, *, stride: int = 1, dilation: int = 1) -> ndarray:
    """Lays each kernel over each picture wherever it fits, and sums products:

    y[n,f,y,x] = Σ_c Σ_i Σ_j x[n, c, y·stride + i·dilation, x·stride + j·dilation] · w[f,c,i,j]

    Returns: N F Y X with Y = ⌊(H − dilation·(I−1) − 1) / stride⌋ + 1, and X alike.
    """
    taps_down, taps_across = kernels_FCIJ.shape[2:]
    height, width = pictures_NCHW.shape[2:]
    rows = (height - dilation * (taps_down - 1) - 1) // stride + 1
    columns = (width - dilation * (taps_across - 1) - 1) // stride + 1
    sums_NFYX = np.zeros((len(pictures_NCHW), len(kernels_FCIJ), rows, columns))
    for i in range(taps_down):
        for j in range(taps_across):
            top, left = i * dilation, j * dilation
            seen_NCYX = pictures_NCHW[
                :, :, top : top + stride * (rows - 1) + 1 : stride, left : left + stride * (columns - 1) + 1 : stride
            ]
            sums_NFYX += np.einsum("ncyx,fc->nfyx", seen_NCYX, kernels_FCIJ[:, :, i, j])
    return sums_NFYX


def forward(
    images_NCHW: ndarray,
    weights_FCIJ: ndarray,
    bias_F: ndarray,
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> ndarray:
    """Computes y = w ⋆ pad(x) + b, N F Y X with Y = ⌊(H + 2·padding − dilation·(I−1) − 1) / stride⌋ + 1.

    >>> edge = np.array([[[[-1, 1]]]])
    >>> forward(np.array([[[[0, 0, 5, 5]]]]), edge, np.zeros(1)).tolist()
    [[[[0.0, 5.0, 0.0]]]]
    """
    sums_NFYX = correlate(_padded(images_NCHW, padding), weights_FCIJ, stride=stride, dilation=dilation)
    return sums_NFYX + bias_F[:, None, None]


def bias_gradient(gradient_NFYX: ndarray) -> ndarray:
    """Computes ∂L/∂b = Σₙ Σ_y Σ_x g: the bias goes into every pixel of its map."""
    return gradient_NFYX.sum(axis=(0, 2, 3))


def weight_gradient(
    gradient_NFYX: ndarray,
    images_NCHW: ndarray,
    taps: tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> ndarray:
    """Computes ∂L/∂w as a convolution of the padded pictures with the gradient g:

    ∂L/∂w[f,c,i,j] = Σₙ Σ_y Σ_x pad(x)[n, c, y·stride + i·dilation, x·stride + j·dilation] · g[n,f,y,x]

    It is `correlate` with the sums over other letters: channels take the place of pictures, pictures that of channels,
    the gradient is the kernel; what was the stride is now the distance between the kernel's taps, and the other way
    round. Rows that no window reached make further sums at the end, which belong to no weight.

    Args:
        taps: I and J.

    Returns: F C I J.
    """
    pictures_CNHW = _padded(images_NCHW, padding).swapaxes(0, 1)
    sums_CFIJ = correlate(pictures_CNHW, gradient_NFYX.swapaxes(0, 1), stride=dilation, dilation=stride)
    return sums_CFIJ[:, :, : taps[0], : taps[1]].swapaxes(0, 1)


def input_gradient(
    gradient_NFYX: ndarray,
    weights_FCIJ: ndarray,
    size: tuple[int, int],
    *,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
) -> ndarray:
    """Computes ∂L/∂x as a convolution of the gradient g with the turned kernels, known as transposed convolution:

    ∂L/∂pad(x)[n,c,h,w] = Σ_f Σ_i Σ_j g[n,f,y,x] · w[f,c,i,j], where y·stride + i·dilation = h and x alike

    The pixels of g are spread `stride` apart with zeros between, and all around lie as many zeros as the kernel reaches
    out. Kernels are turned by half a turn and change inputs for outputs. Pixels that no window reached get 0, and those
    of the padding are cut off.

    Args:
        size: H and W of the pictures.

    Returns: N C H W.
    """
    taps_down, taps_across = weights_FCIJ.shape[2:]
    spread_NFYX = _spread(gradient_NFYX, stride)
    around = ((0, 0), (0, 0), (dilation * (taps_down - 1),) * 2, (dilation * (taps_across - 1),) * 2)
    turned_CFIJ = weights_FCIJ.swapaxes(0, 1)[:, :, ::-1, ::-1]
    reached_NCHW = correlate(np.pad(spread_NFYX, around), turned_CFIJ, dilation=dilation)
    padded = (size[0] + 2 * padding, size[1] + 2 * padding)
    missing = [(0, whole - part) for whole, part in zip(padded, reached_NCHW.shape[2:], strict=True)]
    whole_NCHW = np.pad(reached_NCHW, ((0, 0), (0, 0), *missing))
    return whole_NCHW[:, :, padding : padding + size[0], padding : padding + size[1]]


def _padded(images_NCHW: ndarray, padding: int) -> ndarray:
    return np.pad(images_NCHW, ((0, 0), (0, 0), (padding, padding), (padding, padding)))


def _spread(gradient_NFYX: ndarray, stride: int) -> ndarray:
    """Puts stride − 1 zeros between neighbors."""
    count, maps, rows, columns = gradient_NFYX.shape
    spread_NFYX = np.zeros((count, maps, stride * (rows - 1) + 1, stride * (columns - 1) + 1))
    spread_NFYX[:, :, ::stride, ::stride] = gradient_NFYX
    return spread_NFYX
