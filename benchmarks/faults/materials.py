"""From a spec to tensors: pictures as the net gets them, with whatever is wrong with them.

Legend: N pictures, C channels, S side
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from spec import Spec
from torch import Tensor
from torch.nn import functional as F

import pictures

Pair = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Materials:
    """`train` as the loop has them, `clean` the same without false labels; `test` is judged by nobody but the key, in
    the form of the training pictures."""

    train: Pair
    valid: Pair
    test: Pair
    classes: int


def prepare(spec: Spec) -> Materials:
    """Reads pictures, brings them into the form for the net, and does to them what the spec says."""
    parts = pictures.load(spec.data)
    rng = np.random.default_rng(1000 + spec.seed)
    images, labels = parts.train
    chosen = rng.permutation(len(labels))[: spec.pictures]
    images, labels = images[chosen], labels[chosen].copy()
    if spec.rare < 1.0:
        keep = (labels == 0) | (rng.random(len(labels)) < spec.rare)
        for label in range(1, parts.classes):
            keep[np.flatnonzero(labels == label)[:2]] = True
        images, labels = images[keep], labels[keep]
    true_labels = labels.copy()
    _mislabel(spec, labels, parts.classes, rng)
    valid_images, valid_labels = (part[: spec.valid_pictures] for part in parts.valid)
    leaked = round(spec.leak * len(valid_labels))
    if leaked:
        taken = rng.permutation(len(labels))[:leaked]
        valid_images = np.concatenate([images[taken], valid_images[leaked:]])
        valid_labels = np.concatenate([true_labels[taken], valid_labels[leaked:]])
    form = _Form(images, spec)
    train = form(images, spec.center, spec.scale)
    valid = form(
        valid_images,
        spec.center if spec.valid_center is None else spec.valid_center,
        spec.scale if spec.valid_scale is None else spec.valid_scale,
    )
    test = form(parts.test[0], spec.center, spec.scale)
    for place in rng.permutation(len(labels))[: spec.broken]:
        train[place, :, 3, 3] = math.nan
    return Materials(
        train=(train, torch.from_numpy(labels)),
        valid=(_shifted(valid, spec), torch.from_numpy(valid_labels)),
        test=(test, torch.from_numpy(parts.test[1])),
        classes=parts.classes,
    )


def _mislabel(spec: Spec, labels: np.ndarray, classes: int, rng: np.random.Generator) -> None:
    if spec.noise:
        wrong = rng.random(len(labels)) < spec.noise
        labels[wrong] = rng.permutation(labels[wrong]) if spec.noise >= 1 else rng.integers(classes, size=wrong.sum())
    if spec.swapped:
        one, two = (labels == 0), (labels == 1)
        turned = rng.random(len(labels)) < spec.swapped
        labels[one & turned], labels[two & turned] = 1, 0


class _Form:
    """Brings pictures into the form for the net, by the channels' statistics of the training pictures."""

    def __init__(self, images: np.ndarray, spec: Spec) -> None:
        floats = images / 255.0
        self.mean = torch.tensor(floats.mean((0, 2, 3)), dtype=torch.float32)[:, None, None]
        self.deviation = torch.tensor(floats.std((0, 2, 3)), dtype=torch.float32)[:, None, None]
        self.blank = math.ceil(spec.blank * images.shape[1])

    def __call__(self, images: np.ndarray, center: bool, scale: float) -> Tensor:
        out_NCSS = torch.from_numpy(images).float() / 255.0
        if center:
            out_NCSS = (out_NCSS - self.mean) / self.deviation
        out_NCSS[:, : self.blank] = 0.0
        return out_NCSS * scale


def _shifted(images_NCSS: Tensor, spec: Spec) -> Tensor:
    out_NCSS = images_NCSS + spec.shift * images_NCSS.std()
    if spec.blur > 1:
        side = spec.blur // 2
        out_NCSS = F.avg_pool2d(F.pad(out_NCSS, (side,) * 4, mode="replicate"), spec.blur, 1)
    generator = torch.Generator().manual_seed(spec.seed)
    return out_NCSS + spec.snow * images_NCSS.std() * torch.randn(out_NCSS.shape, generator=generator)


def order_of(labels: Tensor, block: int | None) -> Tensor:
    """Gives the order of an epoch: shuffled, or sorted by class and shuffled within blocks of so many."""
    if block is None:
        return torch.randperm(len(labels))
    by_class = torch.argsort(labels, stable=True)
    return torch.cat([part[torch.randperm(len(part))] for part in by_class.split(max(1, block))])


def augment(images_NCSS: Tensor, policy: str) -> Tensor:
    """Changes a batch at random, as a policy says."""
    if policy == "none":
        return images_NCSS
    n, _, side, _ = images_NCSS.shape
    if policy == "light":
        return _moved(images_NCSS, turn=0.1, move=0.1, flip=False)
    if policy == "flips":
        return _moved(images_NCSS, turn=0.1, move=0.1, flip=True)
    if policy == "heavy":
        out_NCSS = _moved(images_NCSS, turn=0.3, move=0.15, flip=False)
        return _cut(out_NCSS, side // 4) + 0.2 * torch.randn_like(out_NCSS)
    if policy == "turned":
        return _moved(images_NCSS, turn=math.pi, move=0.1, flip=True)
    if policy == "cut":
        return _cut(images_NCSS, round(0.8 * side))
    if policy == "snow":
        return images_NCSS + 3.0 * torch.randn_like(images_NCSS)
    if policy == "upside down":
        return images_NCSS.flip(2)
    if policy == "half turned":
        return torch.where(torch.rand(n, 1, 1, 1) < 0.5, images_NCSS.flip(2, 3), images_NCSS)
    raise ValueError(policy)


def _moved(images_NCSS: Tensor, turn: float, move: float, flip: bool) -> Tensor:
    n = len(images_NCSS)
    angle = (2 * torch.rand(n) - 1) * turn
    matrix_N23 = torch.zeros(n, 2, 3)
    matrix_N23[:, 0, 0], matrix_N23[:, 0, 1] = torch.cos(angle), -torch.sin(angle)
    matrix_N23[:, 1, 0], matrix_N23[:, 1, 1] = torch.sin(angle), torch.cos(angle)
    if flip:
        matrix_N23[:, 0] *= torch.where(torch.rand(n, 1) < 0.5, -1.0, 1.0)
    matrix_N23[:, :, 2] = (2 * torch.rand(n, 2) - 1) * 2 * move
    grid = F.affine_grid(matrix_N23, list(images_NCSS.shape), align_corners=False)
    return F.grid_sample(images_NCSS, grid, padding_mode="border", align_corners=False)


def _cut(images_NCSS: Tensor, hole: int) -> Tensor:
    n, _, side, _ = images_NCSS.shape
    top, left = (torch.randint(0, side - hole + 1, (n, 1, 1, 1)) for _ in range(2))
    rows, columns = torch.arange(side)[None, None, :, None], torch.arange(side)[None, None, None, :]
    inside = (rows >= top) & (rows < top + hole) & (columns >= left) & (columns < left + hole)
    return images_NCSS.masked_fill(inside, 0.0)
