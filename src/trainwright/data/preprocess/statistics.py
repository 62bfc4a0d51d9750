"""What one pass over the training part measures, exactly.

Stored values are whole numbers, and so are their sums: no chunk size, order or number of threads changes a digit.

Legend: N pictures, C channels, H W height and width, V = C·H·W values of a picture, L levels of a stored value (256).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainwright.data.ingest import Progress
from trainwright.data.pictures import Pictures, in_chunks

LEVELS = 256
CHUNK_BYTES = 8 * 2**20
MIDDLE = 128
EXACT_ROWS = 1024
"""Pictures whose products add up exactly in float32: 1024 · 128² = 2²⁴, up to which it holds every whole number."""


@dataclass(frozen=True, eq=False)
class Statistics:
    """What was measured, in stored values.

    Attributes:
        levels_CL: int64, how often each stored value occurs in each channel.
        each: sums of each pixel and channel, where they were asked for.
        covariance_VV: float64, between the values of a picture, in C H W order, where it was asked for.
    """

    levels_CL: np.ndarray
    each: ValueSums | None = None
    covariance_VV: Tensor | None = None


class ValueSums:
    """Sums of each of a picture's values (a pixel's channel), over all pictures that were added; final.

    Attributes:
        count: pictures N.
        sum_CHW, squares_CHW: int64.
        low_CHW, high_CHW: smallest and largest value.

    >>> sums = ValueSums(torch.tensor([[[[2, 7]]], [[[3, 7]]], [[[4, 7]]]]))
    >>> sums.mean_CHW.flatten().tolist(), sums.std_CHW.flatten().tolist(), sums.constant_CHW.flatten().tolist()
    ([3.0, 7.0], [1.0, 0.0], [False, True])
    """

    def __init__(self, images_NCHW: Tensor) -> None:
        first_CHW = images_NCHW[0]
        self.count = 0
        self.sum_CHW = torch.zeros(first_CHW.shape, dtype=torch.int64)
        self.squares_CHW = torch.zeros(first_CHW.shape, dtype=torch.int64)
        self.low_CHW = self.high_CHW = first_CHW
        self.add(images_NCHW)

    def add(self, images_NCHW: Tensor) -> None:
        """Adds pictures of whole numbers whose squares fit into 32 bits."""
        values_NCHW = images_NCHW.to(torch.int32)
        self.count += len(values_NCHW)
        self.low_CHW = torch.minimum(self.low_CHW, images_NCHW.amin(dim=0))
        self.high_CHW = torch.maximum(self.high_CHW, images_NCHW.amax(dim=0))
        self.sum_CHW += values_NCHW.sum(dim=0)
        self.squares_CHW += values_NCHW.square().sum(dim=0)

    @property
    def constant_CHW(self) -> Tensor:
        """Tells where all pictures hold the same value."""
        return self.low_CHW == self.high_CHW

    @property
    def mean_CHW(self) -> Tensor:
        """Gives the mean: float64."""
        return self.sum_CHW.double() / self.count

    @property
    def std_CHW(self) -> Tensor:
        """Gives the sample standard deviation (divided by N−1): float64, exactly 0 where constant."""
        spread_CHW = self.count * self.squares_CHW.double() - self.sum_CHW.double().square()
        pairs = self.count * max(self.count - 1, 1)
        return (spread_CHW.clamp(min=0) / pairs).sqrt().masked_fill(self.constant_CHW, 0.0)


def measure(
    part: Pictures, *, each: bool = False, covariance: bool = False, progress: Progress | None = None
) -> Statistics:
    """Reads the pictures once, in chunks, and measures all that is asked for on the way.

    Args:
        part: at least one picture.
        each: whether sums of each pixel and channel are wanted.
        covariance: whether the covariance between the values of a picture is wanted: float64 V V.
        progress: told after every chunk where the covariance is wanted, which can take minutes.
    """
    one = part.images(torch.arange(1))
    levels_CL = np.zeros((one.shape[1], LEVELS), dtype=np.int64)
    sums: ValueSums | None = None
    products_VV = torch.zeros(one.numel(), one.numel(), dtype=torch.float64) if covariance else None
    at_once = CHUNK_BYTES // one.numel()
    done = 0
    for images_NCHW in in_chunks(part, min(at_once, EXACT_ROWS) if covariance else at_once):
        levels_CL += count_levels(images_NCHW)
        if sums is not None:
            sums.add(images_NCHW)
        elif each or covariance:
            sums = ValueSums(images_NCHW)
        if products_VV is not None:
            products_VV += _products(images_NCHW)
            done += len(images_NCHW)
            if progress is not None:
                progress(f"measuring how {one.numel():,} values of a picture vary together", done, len(part))
    if products_VV is not None and sums is not None:
        _turn_into_covariance(products_VV, sums)
    return Statistics(levels_CL, sums, products_VV)


def count_levels(images_NCHW: Tensor) -> np.ndarray:
    """Counts how often each stored value occurs in each channel: int64 C L.

    Pillow counts, because it takes the bytes as they are: 0.5 ns a value, where np.bincount makes them int64 first, in
    8 times the memory, and takes 11 ns.
    """
    planes_CNHW = images_NCHW.numpy().swapaxes(0, 1)
    rows = (np.ascontiguousarray(plane_NHW).reshape(-1, plane_NHW.shape[-1]) for plane_NHW in planes_CNHW)
    return np.array([Image.fromarray(row).histogram() for row in rows])


def mean_and_std(levels_L: Sequence[float] | np.ndarray, counts_CL: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Computes mean and sample standard deviation (divided by n−1) from counts, in float64.

    Args:
        levels_L: the values that occur.
        counts_CL: how often each occurs in each channel.

    Returns: mean C, std C; the deviation is exactly 0 where a channel holds one value only.

    >>> mean, std = mean_and_std([1.0, 3.0], np.array([[2, 2], [5, 0]]))
    >>> mean.tolist(), (std**2).round(9).tolist()
    ([2.0, 1.0], [1.333333333, 0.0])
    """
    levels_L = np.asarray(levels_L, dtype=np.float64)
    total_C = counts_CL.sum(axis=1)
    mean_C = counts_CL @ levels_L / total_C
    squares_C = (counts_CL * (levels_L[None, :] - mean_C[:, None]) ** 2).sum(axis=1)
    constant_C = (counts_CL > 0).sum(axis=1) <= 1
    std_C = np.where(constant_C, 0.0, np.sqrt(squares_C / np.maximum(total_C - 1, 1)))
    return mean_C, std_C


def _products(images_NCHW: Tensor) -> Tensor:
    """Sums the products of all pairs of values, less the middle level, over a chunk: float32 V V, exact."""
    values_NV = images_NCHW.flatten(1).to(torch.float32).sub_(MIDDLE)
    return values_NV.T @ values_NV


def _turn_into_covariance(products_VV: Tensor, sums: ValueSums) -> None:
    """Makes the sample covariance (divided by N−1) of sums of products, where they stand."""
    sum_V = (sums.sum_CHW - MIDDLE * sums.count).flatten().double()
    products_VV.mul_(sums.count).addr_(sum_V, sum_V, alpha=-1).div_(sums.count * max(sums.count - 1, 1))
