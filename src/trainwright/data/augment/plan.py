"""What will happen to each picture of a batch, as numbers: decided before a pixel is touched.

Legend: N pictures, C channels, D = C+1, B boxes, L normal numbers, H W height and width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from . import color, geometry
from .noise import normals_on
from .randomness import unit, words
from .tricks import COLOR, GEOMETRY, LENS, NOISE, OCCLUSION, WORDS, both_ways


@dataclass(frozen=True, eq=False)
class Noise:
    """Gaussian noise on stored values.

    Attributes:
        std_N: float32, standard deviation in steps of a stored value (0 to 255).
        keys_N2: int64, two random 32-bit words (noise.py).
        normals_L: float32, the normal numbers they choose from (noise.normals_on).
    """

    std_N: Tensor
    keys_N2: Tensor
    normals_L: Tensor

    def to(self, device: torch.device) -> Noise:
        """Moves the numbers to where the pictures are."""
        std_N, keys_N2 = (tensor.to(device, non_blocking=True) for tensor in (self.std_N, self.keys_N2))
        return Noise(std_N, keys_N2, normals_on(device))


@dataclass(frozen=True, eq=False)
class Plan:
    """One map, one color matrix and some hidden boxes a picture; bent by a lens and noisy where that is asked for.

    Attributes:
        maps_N23: float32, from a pixel of the new picture to its place in the old one (geometry.py).
        colors_NCD: float32, from stored channel values to what the net sees (color.py); N may be 1, shared by all.
        boxes_NB4: int32, hidden parts (occlusion.py).
        whole_pixels: every map only mirrors and moves by whole pixels, so that no pixel needs its neighbors. A promise
            that lets a GPU, which cannot look at the maps without waiting, read one pixel in place of four.
        lens_N: float32, radial distortion in front of the map, or None.
        noise: or None.
    """

    maps_N23: Tensor
    colors_NCD: Tensor
    boxes_NB4: Tensor
    whole_pixels: bool
    lens_N: Tensor | None = None
    noise: Noise | None = None

    def to(self, device: torch.device) -> Plan:
        """Moves the numbers to where the pictures are."""
        if self.maps_N23.device == device == self.colors_NCD.device:
            return self

        def moved(tensor: Tensor) -> Tensor:
            return tensor.to(device, non_blocking=True)

        return replace(
            self,
            maps_N23=moved(self.maps_N23),
            colors_NCD=moved(self.colors_NCD),
            boxes_NB4=moved(self.boxes_NB4),
            lens_N=None if self.lens_N is None else moved(self.lens_N),
            noise=None if self.noise is None else self.noise.to(device),
        )


def untouched(count: int, colors_1CD: Tensor) -> Plan:
    """Plans nothing but normalization, for N = count pictures."""
    device = colors_1CD.device
    boxes_N04 = torch.zeros(count, 0, 4, dtype=torch.int32, device=device)
    return Plan(geometry.identity_maps(count, device), colors_1CD, boxes_N04, whole_pixels=True)


def draw_plan(
    doses: Mapping[str, tuple[Any, float]],
    colors_1CD: Tensor,
    samples_N: Tensor,
    *,
    seed: int,
    epoch: int,
    height: int,
    width: int,
    means_NC: Tensor | None = None,
    components_CC: Tensor | None = None,
) -> Plan:
    """Draws what happens to each picture in this epoch; a pure function of its arguments, picture by picture.

    Args:
        doses: tricks that are on (tricks.doses).
        colors_1CD: normalization (color.py).
        samples_N: stable sample ids, int64.
        height, width: of the pictures, pixels.
        means_NC: mean stored value of each channel of each picture; wanted where contrast is on.
        components_CC: principal components of the training part; wanted where fancy_pca is on.
    """
    wanted = {name: WORDS[name] + (probability < 1) for name, (_, probability) in doses.items()}
    drawn = words(seed, epoch, samples_N, wanted)
    happens = {
        name: unit(drawn[name][:, -1]) < probability for name, (_, probability) in doses.items() if probability < 1
    }
    plan = untouched(len(samples_N), colors_1CD.to(samples_N.device))

    maps = []
    for name, trick in GEOMETRY.items():
        if name in doses:
            own_N23 = trick.maps(_own(drawn[name], name), doses[name][0], height, width)
            maps.append(_where(happens.get(name), own_N23, plan.maps_N23))
            plan = replace(plan, whole_pixels=plan.whole_pixels and trick.whole)
    if maps:
        plan = replace(plan, maps_N23=geometry.compose(*maps))
    if LENS in doses:
        lens_N = both_ways(drawn[LENS][:, 0], doses[LENS][0])
        lens_N = _where(happens.get(LENS), lens_N, torch.zeros_like(lens_N))
        plan = replace(plan, lens_N=lens_N, whole_pixels=False)
    plan = replace(plan, colors_NCD=_colors(doses, drawn, happens, plan.colors_NCD, means_NC, components_CC))
    if NOISE in doses:
        std_N = torch.full_like(plan.maps_N23[:, 0, 0], 255.0 * doses[NOISE][0])
        std_N = _where(happens.get(NOISE), std_N, torch.zeros_like(std_N))
        noise = Noise(std_N, _own(drawn[NOISE], NOISE), normals_on(std_N.device))
        plan = replace(plan, noise=noise, whole_pixels=False)
    boxes = []
    for name, trick in OCCLUSION.items():
        if name in doses:
            own_N4 = trick.boxes(_own(drawn[name], name), doses[name][0], height, width)
            boxes.append(_where(happens.get(name), own_N4, torch.zeros_like(own_N4)))
    return replace(plan, boxes_NB4=torch.stack(boxes, dim=1)) if boxes else plan


def _colors(
    doses: Mapping[str, tuple[Any, float]],
    drawn: Mapping[str, Tensor],
    happens: Mapping[str, Tensor],
    last_1CD: Tensor,
    means_NC: Tensor | None,
    components_CC: Tensor | None,
) -> Tensor:
    """Joins the color tricks that are on, and the normalization after them: float32 N C D, or 1 C D without tricks."""
    none_1C = torch.zeros_like(last_1CD[:, :, 0])
    nothing_1CD = color.scaling_matrix(none_1C[0] + 1, none_1C[0])
    joined_NCD = nothing_1CD
    for name, trick in COLOR.items():
        if name in doses:
            seen_NC = color.seen_through(joined_NCD, means_NC) if trick.means and means_NC is not None else none_1C
            own_NCD = trick.matrices(_own(drawn[name], name), doses[name][0], seen_NC, components_CC)
            joined_NCD = color.compose(joined_NCD, _where(happens.get(name), own_NCD, nothing_1CD))
    return last_1CD if joined_NCD is nothing_1CD else color.compose(joined_NCD, last_1CD)


def _own(words_NM: Tensor, name: str) -> Tensor:
    """Leaves out the word that decides whether the trick happens."""
    return words_NM[:, : WORDS[name]] if WORDS[name] else words_NM


def _where(happens_N: Tensor | None, own: Tensor, nothing: Tensor) -> Tensor:
    """Takes each picture's own value where the trick happens to it."""
    if happens_N is None:
        return own
    return torch.where(happens_N.view(-1, *[1] * (own.ndim - 1)), own, nothing)
