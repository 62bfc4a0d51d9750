"""Mean and standard deviation of every channel, exact, in one pass over the training part.

Legend: N pictures, C channels, H W height and width, L levels of a stored value (256).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from trainwright.errors import InputError
from trainwright.recipe import Choice, PreprocessSection

from .preprocessor import Preprocessor

LEVELS = 256
CHUNK_BYTES = 8 * 2**20


class Pictures(Protocol):
    """What fitting needs of a part: how many pictures, and the pictures at some rows, uint8 N C H W."""

    def __len__(self) -> int: ...

    def images(self, rows: Tensor, /) -> Tensor: ...


def fit_preprocessor(
    section: PreprocessSection, part: Pictures, *, source: tuple[Sequence[float], Sequence[float]] | None = None
) -> Preprocessor:
    """Measures mean and sample standard deviation (n−1, n pixels) of each channel.

    Args:
        section: decided, without `auto`.
        part: the training pictures, at least one.
        source: mean and deviation of u/255 that loaded weights were trained with, C numbers each.

    Raises:
        InputError: the section says `pretrained`, and there is no source.
    """
    wanted = [key for key in ("center", "scale") if getattr(section, key) == "pretrained"]
    if wanted and source is None:
        raise InputError(
            "nothing is known of what the net's weights were trained with",
            expected="a timm model with loaded weights",
            got="pretrained",
            where=f"preprocess.{wanted[0]}",
            hint=f"--set preprocess.{wanted[0]}=channel",
        )
    mean_C, std_C = (values.tolist() for values in mean_and_std(np.arange(LEVELS) / 255.0, count_levels(part)))
    if source is not None:
        mean_C = source[0] if section.center == "pretrained" else mean_C
        std_C = source[1] if section.scale == "pretrained" else std_C
    return Preprocessor.from_statistics(mean_C, std_C, center=section.center != "none", scale=section.scale != "none")


def choose_preprocess(section: PreprocessSection, *, pretrained: bool) -> list[Choice]:
    """Decides the settings that are still `auto`.

    Args:
        section: may hold `auto`.
        pretrained: whether the net is one of timm's and its weights are loaded.
    """
    value = "pretrained" if pretrained else "channel"
    reason = (
        "weights go on working on what they were trained with" if pretrained else "zero-center, scale, no whitening"
    )
    keys = [key for key in ("center", "scale") if getattr(section, key) == "auto"]
    return [Choice(f"preprocess.{key}", value, reason) for key in keys]


def count_levels(part: Pictures) -> np.ndarray:
    """Counts how often each stored value occurs in each channel: int64 C L. Reads the pictures once, in chunks.

    Pillow counts, because it takes the bytes as they are: 0.5 ns a value, where np.bincount makes them int64 first, in
    8 times the memory, and takes 11 ns.
    """
    one = part.images(torch.arange(1))
    channels = one.shape[1]
    step = max(1, CHUNK_BYTES // one.numel())
    counts_CL = np.zeros((channels, LEVELS), dtype=np.int64)
    for start in range(0, len(part), step):
        images_NCHW = part.images(torch.arange(start, min(start + step, len(part)))).numpy()
        for channel in range(channels):
            plane = np.ascontiguousarray(images_NCHW[:, channel]).reshape(-1, images_NCHW.shape[-1])
            counts_CL[channel] += np.array(Image.fromarray(plane).histogram())
    return counts_CL


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
