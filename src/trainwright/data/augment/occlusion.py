"""Which part of a picture is hidden: one box a picture.

Legend: N pictures; a box is (top, left, bottom, right) in pixels, bottom and right not included.
"""

from __future__ import annotations

import torch
from torch import Tensor


def cutout_boxes(words_N2: Tensor, side: int, height: int, width: int) -> Tensor:
    """Places a square whose center is any pixel of the picture; what reaches over the border is cut off.

    Args:
        words_N2: random words in [0, 2³²), for the center's row and column.
        side: of the square, pixels.
        height, width: of the picture, pixels.

    Returns: int32 N 4.

    Source: DeVries & Taylor 2017, section 3.2 (the center anywhere, so that pictures without a hole occur too).

    >>> cutout_boxes(torch.tensor([[0, 2**31]]), 4, 8, 8).tolist()
    [[0, 2, 2, 6]]
    """
    size_2 = torch.tensor([height, width], device=words_N2.device)
    start_N2 = ((words_N2 * size_2) >> 32) - side // 2
    corners_N4 = torch.cat([start_N2.clamp(min=0), torch.minimum(start_N2 + side, size_2)], dim=1)
    return corners_N4.to(torch.int32)


def no_boxes(count: int, device: torch.device | None = None) -> Tensor:
    """Hides nothing: int32 N 4, all zero."""
    return torch.zeros(count, 4, dtype=torch.int32, device=device)
