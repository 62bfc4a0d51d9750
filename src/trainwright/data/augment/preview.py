"""The first augmented batch as one picture, to be looked at before anything is believed."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor

from trainwright.data.preprocess import Preprocessor

GAP = 2
PAPER = 255


def preview_grid(pixels_NCHW: Tensor, preprocessor: Preprocessor, *, limit: int = 64) -> np.ndarray:
    """Lays pictures out in rows, as even as they go, un-normalized, with white gaps between.

    Args:
        pixels_NCHW: as the net sees them; at least one.
        preprocessor: that made them.
        limit: largest number of pictures that are shown.

    Returns: uint8, H W for one channel, H W 3 for three.
    """
    pictures = preprocessor.invert(pixels_NCHW[:limit]).cpu().permute(0, 2, 3, 1).numpy()
    count, height, width, channels = pictures.shape
    columns = math.ceil(math.sqrt(count))
    rows = math.ceil(count / columns)
    grid = np.full((rows * (height + GAP) - GAP, columns * (width + GAP) - GAP, channels), PAPER, dtype=np.uint8)
    for index, picture in enumerate(pictures):
        top, left = index // columns * (height + GAP), index % columns * (width + GAP)
        grid[top : top + height, left : left + width] = picture
    return grid[:, :, 0] if channels == 1 else grid
