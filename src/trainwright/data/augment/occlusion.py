"""Which parts of a picture are hidden: boxes.

Legend: N pictures; a box is (top, left, bottom, right) in pixels, bottom and right not included.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .elementary import exp, root

SMALLEST, SLIMMEST = 0.02, 3.3
"""Random erasing's smallest share of the area and longest side in shortest sides (Zhong et al. 2020, section 4.2)."""


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


def erasing_boxes(unit_N4: Tensor, largest: float, height: int, width: int) -> Tensor:
    """Places a rectangle of random area, shape and place wholly inside the picture.

    Args:
        unit_N4: in [0, 1), for area, shape, row and column.
        largest: share of the picture's area; the smallest is SMALLEST, or this where it is less.
        height, width: of the picture, pixels.

    Returns: int32 N 4. The logarithm of height : width is uniform between those of 1 : SLIMMEST and SLIMMEST; a side
        that would be longer than the picture is as long as it.

    Source: Zhong et al. 2020, algorithm 1, which draws again where the rectangle does not fit.
    """
    smallest = min(SMALLEST, largest)
    area_N = (smallest + (largest - smallest) * unit_N4[:, 0]) * height * width
    slimness_N = exp((2.0 * unit_N4[:, 1] - 1.0) * math.log(SLIMMEST))
    size_2 = torch.tensor([height, width], device=unit_N4.device)
    sides_N2 = torch.stack([root(area_N * slimness_N), root(area_N / slimness_N)], dim=1)
    sides_N2 = torch.minimum(sides_N2.round().to(torch.int64), size_2)
    corner_N2 = (unit_N4[:, 2:] * (size_2 - sides_N2 + 1)).to(torch.int64)
    return torch.cat([corner_N2, corner_N2 + sides_N2], dim=1).to(torch.int32)


def inside_boxes(boxes_NB4: Tensor, height: int, width: int) -> Tensor:
    """Marks the pixels inside each picture's boxes: bool N 1 H W."""
    y_H = torch.arange(height, device=boxes_NB4.device)
    x_W = torch.arange(width, device=boxes_NB4.device)
    top, left, bottom, right = boxes_NB4[:, :, :, None].unbind(dim=2)
    rows_NBH = (y_H >= top) & (y_H < bottom)
    columns_NBW = (x_W >= left) & (x_W < right)
    return (rows_NBH[:, :, :, None] & columns_NBW[:, :, None, :]).any(dim=1, keepdim=True)
