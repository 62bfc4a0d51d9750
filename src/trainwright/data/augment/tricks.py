"""What each trick does with its strength and its random numbers, and the order in which tricks happen to a picture.

A trick is a row of a table: how many random words it wants of a picture, and a function from them to maps (geometry),
matrices (color) or boxes (occlusion). Every setting of the section `augment` that is a trick has exactly one row.

Legend: N pictures, M words a picture, C channels, D = C+1, H W height and width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from trainwright.recipe import AugmentSection, decided, dose

from . import color, geometry
from .elementary import exp, root
from .occlusion import cutout_boxes, erasing_boxes
from .randomness import below, unit

PATCH = 224
"""Side of a picture in the units of scale_jitter."""

WIDEST = 4 / 3
"""Sides of the windows of resized_crop, longest in shortest (Szegedy et al. 2015, section 6)."""


@dataclass(frozen=True)
class GeometryTrick:
    """`maps(words_NM, strength, height, width)` gives float32 N 2 3; `whole` says that no pixel needs its neighbors."""

    words: int
    maps: Callable[[Tensor, Any, int, int], Tensor]
    whole: bool = False


@dataclass(frozen=True)
class ColorTrick:
    """`matrices(words_NM, strength, means_NC, components_CC)` gives float32 N C D.

    The means are those of each picture after the tricks before; the components are those of the training part, each
    column an eigenvector times the root of its eigenvalue, in stored values. Each is given where `means` or
    `components` asks for it. With `color` it is for pictures of three channels only.
    """

    words: int
    matrices: Callable[[Tensor, Any, Tensor, Tensor | None], Tensor]
    color: bool = False
    means: bool = False
    components: bool = False


@dataclass(frozen=True)
class OcclusionTrick:
    """`boxes(words_NM, strength, height, width)` gives int32 N 4."""

    words: int
    boxes: Callable[[Tensor, float, int, int], Tensor]


def doses(section: AugmentSection) -> dict[str, tuple[Any, float]]:
    """Lists the tricks that are on: name → strength and the probability that it happens to a picture.

    Args:
        section: decided, without `auto`.
    """
    found: dict[str, tuple[Any, float]] = {}
    for name in (*GEOMETRY, LENS, *COLOR, NOISE, *OCCLUSION):
        value = decided(getattr(section, name))
        if name in ("flip", "vertical_flip"):
            strength, probability = 1.0, float(value)
        elif name == "scale_jitter":
            strength, probability = value, 0.0 if value == "none" else 1.0
        else:
            strength, probability = dose(value)
        if strength and probability:
            found[name] = strength, probability
    return found


def jitter_range(value: str) -> tuple[float, float]:
    """Reads `256-480` as factors by which a picture is enlarged.

    >>> jitter_range("224-448")
    (1.0, 2.0)
    """
    low, high = value.split("-")
    return int(low) / PATCH, int(high) / PATCH


def both_ways(words_N: Tensor, strength: float) -> Tensor:
    """Draws uniformly from −strength to strength: float32 N (or N M)."""
    return (2.0 * unit(words_N) - 1.0) * strength


def _factors(words_N: Tensor, strength: float) -> Tensor:
    """Draws uniformly from 1 − strength to 1 + strength."""
    return 1.0 + both_ways(words_N, strength)


def _crop_padding(words_N2: Tensor, strength: float, _height: int, _width: int) -> Tensor:
    padding = int(strength)
    return geometry.shift_maps(below(words_N2, 2 * padding + 1) - padding)


def _scale_jitter(words_N3: Tensor, strength: str, height: int, width: int) -> Tensor:
    low, high = jitter_range(strength)
    unit_N3 = unit(words_N3)
    share_N = 1.0 / (low + (high - low) * unit_N3[:, 0])
    corners_N2 = unit_N3[:, 1:] * (1.0 - share_N[:, None])
    return geometry.window_maps(corners_N2, share_N[:, None].expand(-1, 2), height, width)


def _resized_crop(words_N4: Tensor, strength: float, height: int, width: int) -> Tensor:
    unit_N4 = unit(words_N4)
    area_N = strength + (1.0 - strength) * unit_N4[:, 0]
    ratio_N = exp((2.0 * unit_N4[:, 1] - 1.0) * math.log(WIDEST))
    # Where a side would be longer than the picture it is as long as it, and the other one keeps the area (torchvision
    # draws again, up to ten times).
    width_N, height_N = root(area_N * ratio_N), root(area_N / ratio_N)
    sizes_N2 = torch.stack(
        [
            torch.where(height_N > 1, area_N, width_N.clamp(max=1.0)),
            torch.where(width_N > 1, area_N, height_N.clamp(max=1.0)),
        ],
        dim=1,
    )
    return geometry.window_maps(unit_N4[:, 2:] * (1.0 - sizes_N2), sizes_N2, height, width)


def _stretch(words_N1: Tensor, strength: float, height: int, width: int) -> Tensor:
    root_N = exp(both_ways(words_N1[:, 0], math.log1p(strength)) / 2)
    return geometry.zoom_maps(torch.stack([root_N, 1.0 / root_N], dim=1), height, width)


def _scale(words_N1: Tensor, strength: float, height: int, width: int) -> Tensor:
    return geometry.zoom_maps(_factors(words_N1, strength).expand(-1, 2), height, width)


def _translate(words_N2: Tensor, strength: float, height: int, width: int) -> Tensor:
    return geometry.shift_maps(both_ways(words_N2, strength) * torch.tensor([width, height], device=words_N2.device))


def _fancy_pca(words_N3: Tensor, strength: float, _: Tensor, components_CC: Tensor | None) -> Tensor:
    assert components_CC is not None
    share_N3 = (words_N3.to(torch.float64) + 0.5) * 2.0**-32
    normal_N3 = torch.special.ndtri(share_N3).to(torch.float32) * strength
    return color.offset_matrices((components_CC * normal_N3[:, None, :]).sum(dim=2))


GEOMETRY: Mapping[str, GeometryTrick] = {
    "scale_jitter": GeometryTrick(3, _scale_jitter),
    "resized_crop": GeometryTrick(4, _resized_crop),
    "crop_padding": GeometryTrick(2, _crop_padding, whole=True),
    "flip": GeometryTrick(0, lambda words, _s, _h, width: geometry.flip_maps(_all(words), width), whole=True),
    "vertical_flip": GeometryTrick(
        0, lambda words, _s, height, _w: geometry.flip_maps(_all(words), height, vertical=True), whole=True
    ),
    "stretch": GeometryTrick(1, _stretch),
    "scale": GeometryTrick(1, _scale),
    "shear": GeometryTrick(2, lambda words, s, height, width: geometry.shear_maps(both_ways(words, s), height, width)),
    "rotate": GeometryTrick(
        1, lambda words, s, height, width: geometry.rotation_maps(both_ways(words[:, 0], s), height, width)
    ),
    "translate": GeometryTrick(2, _translate),
}
"""In the order in which they happen to a picture."""

COLOR: Mapping[str, ColorTrick] = {
    "brightness": ColorTrick(
        1, lambda words, s, means, _: color.brightness_matrices(_factors(words[:, 0], s), means.shape[1])
    ),
    "contrast": ColorTrick(
        1,
        lambda words, s, means, _: color.contrast_matrices(_factors(words[:, 0], s), color.gray(means), means.shape[1]),
        means=True,
    ),
    "saturation": ColorTrick(1, lambda words, s, *_: color.saturation_matrices(_factors(words[:, 0], s)), color=True),
    "hue": ColorTrick(1, lambda words, s, *_: color.hue_matrices(both_ways(words[:, 0], s)), color=True),
    "fancy_pca": ColorTrick(3, _fancy_pca, color=True, components=True),
}
"""In the order in which they happen to a picture; normalization comes last."""

OCCLUSION: Mapping[str, OcclusionTrick] = {
    "cutout": OcclusionTrick(2, lambda words, s, height, width: cutout_boxes(words, int(s), height, width)),
    "erase": OcclusionTrick(4, lambda words, s, height, width: erasing_boxes(unit(words), s, height, width)),
}

LENS, NOISE = "lens", "noise"
"""The two tricks that are neither map, matrix nor box: one number a picture, and two keys a picture."""

WORDS = {LENS: 1, NOISE: 2} | {
    name: trick.words for table in (GEOMETRY, COLOR, OCCLUSION) for name, trick in table.items()
}
"""Random words that each trick wants of a picture; one more decides whether it happens, where it need not."""


def _all(words_NM: Tensor) -> Tensor:
    return torch.ones(len(words_NM), dtype=torch.bool, device=words_NM.device)
