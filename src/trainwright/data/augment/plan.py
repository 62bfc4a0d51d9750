"""What will happen to each picture of a batch, as numbers: decided before a pixel is touched.

Legend: N pictures, C channels, D = C+1, H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from trainwright.recipe import AugmentSection, decided

from .geometry import compose, flip_maps, identity_maps, shift_maps
from .occlusion import cutout_boxes, no_boxes
from .randomness import below, unit, words


@dataclass(frozen=True, eq=False)
class Plan:
    """One map, one colour matrix and one hidden box a picture.

    Attributes:
        maps_N23: float32, from a pixel of the new picture to its place in the old one (geometry.py).
        colours_NCD: float32, from stored channel values to what the net sees (colour.py); N may be 1, shared by all.
        boxes_N4: int32, hidden part (occlusion.py).
        whole_pixels: every map only mirrors and moves by whole pixels, so that no pixel needs its neighbors. A promise
            that lets a GPU, which cannot look at the maps without waiting, read one pixel in place of four.
    """

    maps_N23: Tensor
    colours_NCD: Tensor
    boxes_N4: Tensor
    whole_pixels: bool

    def to(self, device: torch.device) -> Plan:
        """Moves the numbers to where the pictures are."""
        if self.maps_N23.device == device == self.colours_NCD.device:
            return self
        maps, colours, boxes = (
            tensor.to(device, non_blocking=True) for tensor in (self.maps_N23, self.colours_NCD, self.boxes_N4)
        )
        return replace(self, maps_N23=maps, colours_NCD=colours, boxes_N4=boxes)


def untouched(count: int, colours_1CD: Tensor) -> Plan:
    """Plans nothing but normalization, for N = count pictures."""
    device = colours_1CD.device
    return Plan(identity_maps(count, device), colours_1CD, no_boxes(count, device), whole_pixels=True)


def draw_plan(
    section: AugmentSection,
    colours_1CD: Tensor,
    samples_N: Tensor,
    *,
    seed: int,
    epoch: int,
    height: int,
    width: int,
) -> Plan:
    """Draws what happens to each picture in this epoch; a pure function of its arguments, picture by picture.

    Args:
        section: decided, without `auto`.
        colours_1CD: normalization (colour.py).
        samples_N: stable sample ids, int64.
        height, width: of the pictures, pixels.

    Source: He et al. 2016, section 4.2 (flip and random crop with padding); DeVries & Taylor 2017 (cutout).
    """
    flip, padding, side = decided(section.flip), decided(section.crop_padding), decided(section.cutout)
    wanted = {"flip": 1} if flip > 0 else {}
    wanted |= {"crop": 2} if padding > 0 else {}
    wanted |= {"cutout": 2} if side > 0 else {}
    drawn = words(seed, epoch, samples_N, wanted)
    plan = untouched(len(samples_N), colours_1CD.to(samples_N.device))
    maps = []
    if "crop" in drawn:
        maps.append(shift_maps(below(drawn["crop"], 2 * padding + 1) - padding))
    if "flip" in drawn:
        maps.append(flip_maps(unit(drawn["flip"])[:, 0] < flip, width))
    if maps:
        plan = replace(plan, maps_N23=compose(*maps))
    if "cutout" in drawn:
        plan = replace(plan, boxes_N4=cutout_boxes(drawn["cutout"], side, height, width))
    return plan
