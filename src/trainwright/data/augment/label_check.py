"""Whether a trick moves pictures into other classes, measured on the training pictures before anything is learned.

Every picture is classified by the picture that looks most like it, pixel by pixel: once among the other pictures, once
among these and the altered copies of these. Where a copy of another class stands nearer than any picture of its own
class, the trick has made of one class what looks like another: a 6 turned upside down beside the nines.

Legend: N pictures, C channels, H W height and width, F features of a picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import adaptive_avg_pool2d

from trainwright.data.pictures import LabelledPictures

from .apply import resample
from .augmenter import Augmenter
from .color import scaling_matrix
from .geometry import flip_maps, identity_maps, rotation_maps
from .plan import untouched

MOST_COMPARED = 2_000
"""Pictures that are looked at, spread evenly over the training part: enough to see 1 % more errors."""

SIDE = 16
"""Pixels a side to which larger pictures are reduced before they are compared."""

DOUBT = 0.01
"""Probability of so many more errors by chance below which a trick is called harmful."""


COPIES = 8
"""Altered copies of each picture by which a whole policy is checked, each as another epoch draws it."""

AT_ONCE = 64
"""Pictures that are read and altered at a time."""

ALL = torch.ones(1, dtype=torch.bool)


class NumberedPictures(LabelledPictures, Protocol):
    """Labelled pictures with the sample ids that their random numbers hang on, int64 N."""

    @property
    def samples_N(self) -> Tensor: ...


Alterations = Callable[[int, int], list[Tensor]]
"""Gives the maps, 1 2 3 each, that alter pictures of a height and width."""


@dataclass(frozen=True)
class LabelCheck:
    """How many of some pictures are called rightly by their nearest neighbor, without and with altered copies.

    `lost` were right without the copies and are wrong with them, `won` the other way round; `chance` is the probability
    of at least so many lost among all that changed, if copies did neither harm nor good (sign test).
    """

    pictures: int
    right: int
    lost: int
    won: int
    chance: float

    @property
    def harmful(self) -> bool:
        return self.chance < DOUBT


def check_flip(part: LabelledPictures) -> LabelCheck:
    """Checks horizontal mirroring on up to MOST_COMPARED pictures."""
    return _check(part, lambda _, width: [flip_maps(ALL, width)], whole_pixels=True)


def check_vertical_flip(part: LabelledPictures) -> LabelCheck:
    """Checks turning pictures upside down in a mirror."""
    return _check(part, lambda height, _: [flip_maps(ALL, height, vertical=True)], whole_pixels=True)


def check_rotation(part: LabelledPictures, degrees: float) -> LabelCheck:
    """Checks turning pictures by up to an angle: both ends and, above 90 degrees, the half of it."""
    angles = [degrees, -degrees] + ([degrees / 2, -degrees / 2] if degrees > 90 else [])
    return _check(
        part,
        lambda height, width: [rotation_maps(torch.tensor([angle]), height, width) for angle in angles],
    )


def check_policy(
    part: NumberedPictures, augmenter: Augmenter, keep_time: Callable[[], None] = lambda: None
) -> LabelCheck | None:
    """Checks all that happens to pictures in training together, with COPIES of each; None where nothing does.

    Mixing is not looked at: it mixes the labels, too.

    Args:
        part, augmenter: of training.
        keep_time: called before AT_ONCE pictures are altered; may raise to break off.
    """
    if not augmenter.alters:
        return None
    count = min(MOST_COMPARED, len(part))
    rows_N = torch.arange(count) * len(part) // count

    def altered(some: Tensor, epoch: int) -> Tensor:
        keep_time()
        return _reduced(augmenter.train(part.images(some), part.samples_N[some], epoch))

    def seen(epoch: int) -> Tensor:
        return torch.cat([altered(some, epoch) for some in rows_N.split(AT_ONCE)])

    plain_NF = torch.cat([_reduced(augmenter.evaluate(part.images(some))) for some in rows_N.split(AT_ONCE)])
    return _compared(plain_NF, map(seen, range(1, COPIES + 1)), part.labels_N[rows_N])


def _check(part: LabelledPictures, alterations: Alterations, *, whole_pixels: bool = False) -> LabelCheck:
    count = min(MOST_COMPARED, len(part))
    rows_N = torch.arange(count) * len(part) // count
    channels, height, width = part.images(rows_N[:1]).shape[1:]
    nothing_C = torch.zeros(channels)
    features_NF = _features(part, rows_N, identity_maps(1), nothing_C, whole_pixels=True)
    mean_C = features_NF.view(count, channels, -1).mean(dim=(0, 2))
    altered = (
        _features(part, rows_N, map_123, mean_C, whole_pixels=whole_pixels) for map_123 in alterations(height, width)
    )
    return _compared(features_NF, altered, part.labels_N[rows_N])


def _compared(features_NF: Tensor, copies: Iterable[Tensor], labels_N: Tensor) -> LabelCheck:
    """Counts whose nearest neighbor changes its class where altered copies stand among the pictures."""
    from scipy.stats import binomtest

    nearest_N, labels_of_N = _nearest(features_NF, features_NF, labels_N)
    right_N = labels_of_N == labels_N
    for altered_NF in copies:
        distance_N, labels = _nearest(features_NF, altered_NF, labels_N)
        labels_of_N = torch.where(distance_N < nearest_N, labels, labels_of_N)
        nearest_N = torch.minimum(distance_N, nearest_N)
    right_now_N = labels_of_N == labels_N
    lost, won = int((right_N & ~right_now_N).sum()), int((~right_N & right_now_N).sum())
    chance = binomtest(lost, lost + won, alternative="greater").pvalue if lost else 1.0
    return LabelCheck(len(labels_N), int(right_N.sum()), lost, won, float(chance))


def _features(part: LabelledPictures, rows_N: Tensor, map_123: Tensor, fill_C: Tensor, *, whole_pixels: bool) -> Tensor:
    """Gives the pixels of altered pictures, reduced to at most SIDE × SIDE: float32 N F. Reads some at a time."""
    features: list[Tensor] = []
    for some in rows_N.split(AT_ONCE):
        images_NCHW = part.images(some)
        count, channels = images_NCHW.shape[:2]
        plan = untouched(count, scaling_matrix(torch.ones(channels), torch.zeros(channels)))
        plan = replace(plan, maps_N23=map_123.expand(count, 2, 3), whole_pixels=whole_pixels)
        pixels_NCHW = resample(images_NCHW, plan, fill="constant", constant_C=fill_C)
        features.append(_reduced(pixels_NCHW))
    return torch.cat(features)


def _reduced(pixels_NCHW: Tensor) -> Tensor:
    """Averages pixels down to at most SIDE × SIDE: N F, on the CPU."""
    return adaptive_avg_pool2d(pixels_NCHW, min(SIDE, *pixels_NCHW.shape[2:])).flatten(1).cpu()


def _nearest(features_NF: Tensor, others_NF: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Finds for each picture the nearest of the others, never its own copy: distance N, label N."""
    distance_NN = torch.cdist(features_NF, others_NF)
    distance_NN.fill_diagonal_(torch.inf)
    distance_N, place_N = distance_NN.min(dim=1)
    return distance_N, labels_N[place_N]
