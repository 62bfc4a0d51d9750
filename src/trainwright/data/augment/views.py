"""Test-time augmentation: fixed views of one picture, whose probabilities are averaged.

Legend: V views; maps as in geometry.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from trainwright.errors import InputError

from .geometry import compose, flip_maps, identity_maps, window_maps

CROP = 7 / 8
"""Side of a crop in sides of the picture: 224 of 256 (Krizhevsky et al. 2012, section 4.1)."""

SCALES = (1.0, 7 / 8, 3 / 4)
"""Sides of the central windows of `scales`."""


def view_maps(name: str, height: int, width: int) -> Tensor:
    """Lists the views of a picture as maps: float32 V 2 3, the plain picture first where it is among them.

    Raises:
        InputError: no such set of views.
    """
    if name not in VIEWS:
        raise InputError("no such views of a picture", expected=f"one of {', '.join(VIEWS)}", got=name, where="--tta")
    return VIEWS[name](height, width)


def _windows(places: list[tuple[float, float, float]], height: int, width: int) -> Tensor:
    """Enlarges windows, each given by its side and the left and top of it in shares of what is left over."""
    sides = torch.tensor([[side, side] for side, _, _ in places])
    corners = torch.tensor([[left * (1 - side), top * (1 - side)] for side, left, top in places])
    return window_maps(corners, sides, height, width)


def _with_flips(maps_V23: Tensor, width: int) -> Tensor:
    flips = flip_maps(torch.ones(len(maps_V23), dtype=torch.bool), width)
    return torch.cat([maps_V23, compose(maps_V23, flips)])


def _five(height: int, width: int) -> Tensor:
    corners = [(CROP, left, top) for top in (0.0, 1.0) for left in (0.0, 1.0)]
    return _windows([(CROP, 0.5, 0.5), *corners], height, width)


def _scales(height: int, width: int) -> Tensor:
    return _with_flips(_windows([(side, 0.5, 0.5) for side in SCALES], height, width), width)


VIEWS: Mapping[str, Callable[[int, int], Tensor]] = {
    "none": lambda _height, _width: identity_maps(1),
    "flip": lambda _height, width: _with_flips(identity_maps(1), width),
    "five": _five,
    "ten": lambda height, width: _with_flips(_five(height, width), width),
    "scales": _scales,
}
"""The picture; it and its mirror image; center and corners; these mirrored too; three scales, each mirrored too."""
