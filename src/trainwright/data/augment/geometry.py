"""Where each pixel of a new picture comes from: one 2×3 map a picture, whatever the number of tricks.

A map takes the position (x, y) of a pixel in the new picture to its position in the old one; pixel centers lie at whole
numbers, (0, 0) is the top left. A trick of geometry is a function that returns such maps, and `compose` joins them,
so that a picture is resampled once.

Lens distortion is the one trick that no map can hold: it bends the straight lines that maps keep. It is one number a
picture, and the new pixel's position is bent before the map takes it (gather.py, kernel.py).

Legend: N pictures; a map is [[a, b, tx], [c, d, ty]], x_old = a·x + b·y + tx, y_old = c·x + d·y + ty.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .elementary import cos, sin, tan


def identity_maps(count: int, device: torch.device | None = None) -> Tensor:
    """Leaves every picture as it is: float32 N 2 3."""
    return torch.eye(2, 3, device=device).expand(count, 2, 3)


def flip_maps(flipped_N: Tensor, size: int, *, vertical: bool = False) -> Tensor:
    """Mirrors the pictures that are marked, left to right or top to bottom.

    Args:
        flipped_N: bool, which pictures.
        size: width of the picture, or its height where it is turned upside down; pixels.

    Returns: float32 N 2 3.

    Source: Krizhevsky et al. 2012, section 4.1.

    >>> flip_maps(torch.tensor([True]), 8)[0].tolist()
    [[-1.0, 0.0, 7.0], [0.0, 1.0, 0.0]]
    """
    maps_N23 = identity_maps(len(flipped_N), flipped_N.device).clone()
    flipped = flipped_N.to(torch.float32)
    axis = 1 if vertical else 0
    maps_N23[:, axis, axis] -= 2.0 * flipped
    maps_N23[:, axis, 2] = (size - 1) * flipped
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


def window_maps(corners_N2: Tensor, sizes_N2: Tensor, height: int, width: int) -> Tensor:
    """Enlarges a window of each picture to the whole of it.

    Args:
        corners_N2: (left, top) edge of the window, as shares of width and height, 0 to 1.
        sizes_N2: its width and height, as shares of the picture's.
        height, width: of the picture, pixels.

    Returns: float32 N 2 3. Edges meet edges: pixel x covers [x − ½, x + ½].

    >>> window_maps(torch.tensor([[0.5, 0.0]]), torch.tensor([[0.5, 1.0]]), 4, 8)[0].tolist()
    [[0.5, 0.0, 3.75], [0.0, 1.0, 0.0]]
    """
    size_2 = torch.tensor([width, height], device=sizes_N2.device)
    offset_N2 = corners_N2 * size_2 + 0.5 * sizes_N2 - 0.5
    return torch.cat([torch.diag_embed(sizes_N2), offset_N2[:, :, None]], dim=2)


def rotation_maps(degrees_N: Tensor, height: int, width: int) -> Tensor:
    """Turns pictures about their center, counter-clockwise for positive angles: float32 N 2 3."""
    cosine, sine = cos(torch.deg2rad(degrees_N)), sin(torch.deg2rad(degrees_N))
    return about_center(torch.stack([cosine, -sine, sine, cosine], dim=1).view(-1, 2, 2), height, width)


def zoom_maps(factors_N2: Tensor, height: int, width: int) -> Tensor:
    """Enlarges pictures about their center by a factor along x and one along y, below 1 makes them smaller: N 2 3."""
    return about_center(torch.diag_embed(1.0 / factors_N2), height, width)


def shear_maps(degrees_N2: Tensor, height: int, width: int) -> Tensor:
    """Slants pictures about their center: by the first angle along x, then by the second along y: float32 N 2 3.

    A positive angle moves what lies above the center to the right, what lies left of it down.
    """
    tangent_N2 = tan(torch.deg2rad(degrees_N2))
    one, none = torch.ones_like(tangent_N2[:, 0]), torch.zeros_like(tangent_N2[:, 0])
    along_x = torch.stack([one, tangent_N2[:, 0], none, one], dim=1).view(-1, 2, 2)
    along_y = torch.stack([one, none, tangent_N2[:, 1], one], dim=1).view(-1, 2, 2)
    return compose(about_center(along_x, height, width), about_center(along_y, height, width))


def about_center(linear_N22: Tensor, height: int, width: int) -> Tensor:
    """Completes linear maps so that the picture's center stays where it is: float32 N 2 3."""
    center_2 = torch.tensor([(width - 1) / 2, (height - 1) / 2], device=linear_N22.device)
    offset_N2 = center_2 - (linear_N22 * center_2).sum(dim=2)
    return torch.cat([linear_N22, offset_N2[:, :, None]], dim=2)


def lens_scale(height: int, width: int) -> float:
    """Gives the number that makes a squared distance from the center, in pixels², 1 in the picture's corners.

    >>> lens_scale(3, 3), lens_scale(1, 1)
    (0.5, 0.0)
    """
    squared_diagonal = (height - 1) ** 2 + (width - 1) ** 2
    return 4.0 / squared_diagonal if squared_diagonal else 0.0


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
