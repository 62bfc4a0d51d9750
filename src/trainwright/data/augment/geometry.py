"""Where each pixel of a new picture comes from: one 2×3 map a picture, whatever the number of tricks.

A map takes the position (x, y) of a pixel in the new picture to its position in the old one; pixel centers lie at whole
numbers, (0, 0) is the top left. A trick of geometry is a function that returns such maps, and `compose` joins them,
so that a picture is resampled once.

Legend: N pictures; a map is [[a, b, tx], [c, d, ty]], x_old = a·x + b·y + tx, y_old = c·x + d·y + ty.
"""

from __future__ import annotations

import torch
from torch import Tensor


def identity_maps(count: int, device: torch.device | None = None) -> Tensor:
    """Leaves every picture as it is: float32 N 2 3."""
    return torch.eye(2, 3, device=device).expand(count, 2, 3)


def flip_maps(flipped_N: Tensor, width: int) -> Tensor:
    """Mirrors the pictures that are marked, left to right.

    Args:
        flipped_N: bool, which pictures.
        width: of the picture, pixels.

    Returns: float32 N 2 3.

    Source: Krizhevsky et al. 2012, section 4.1.

    >>> flip_maps(torch.tensor([True]), 8)[0].tolist()
    [[-1.0, 0.0, 7.0], [0.0, 1.0, 0.0]]
    """
    maps_N23 = identity_maps(len(flipped_N), flipped_N.device).clone()
    flipped = flipped_N.to(torch.float32)
    maps_N23[:, 0, 0] -= 2.0 * flipped
    maps_N23[:, 0, 2] = (width - 1) * flipped
    return maps_N23


def shift_maps(shifts_N2: Tensor) -> Tensor:
    """Moves the window over the old picture: the random crop of a padded picture is a shift by whole pixels.

    Args:
        shifts_N2: (dx, dy) from a pixel of the new picture to its place in the old one, pixels.

    Returns: float32 N 2 3.

    >>> shift_maps(torch.tensor([[3, -1]]))[0].tolist()
    [[1.0, 0.0, 3.0], [0.0, 1.0, -1.0]]
    """
    maps_N23 = identity_maps(len(shifts_N2), shifts_N2.device).clone()
    maps_N23[:, :, 2] = shifts_N2.to(torch.float32)
    return maps_N23


def compose(first_N23: Tensor, *later_N23: Tensor) -> Tensor:
    """Joins tricks into one map, in the order in which they happen to the picture.

    Written out in products and sums, because a matrix product on a GPU may round whole numbers (TF32).

    >>> shift, flip = shift_maps(torch.tensor([[3, 0]])), flip_maps(torch.tensor([True]), 8)
    >>> compose(shift, flip)[0].tolist()
    [[-1.0, 0.0, 10.0], [0.0, 1.0, 0.0]]
    """
    joined_N23 = first_N23
    for map_N23 in later_N23:
        linear_N22 = joined_N23[:, :, :2]
        moved_N23 = (linear_N22[:, :, :, None] * map_N23[:, None, :, :]).sum(dim=2)
        joined_N23 = torch.cat([moved_N23[:, :, :2], moved_N23[:, :, 2:] + joined_N23[:, :, 2:]], dim=2)
    return joined_N23
