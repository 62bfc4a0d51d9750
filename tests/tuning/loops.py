"""Small loops of one's own on pictures that a net learns in an instant: the side on which a bright bar stands."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.tuning import subject_of_loop
from trainwright.tuning.subject import Subject


def bars(count: int = 512, *, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Gives standardized pictures 1 × 8 × 8 of 4 classes, and their classes."""
    generator = torch.Generator().manual_seed(seed)
    labels_N = torch.randint(0, 4, (count,), generator=generator)
    images_NCHW = torch.randn(count, 1, 8, 8, generator=generator) * 0.5
    for row, label in enumerate(labels_N.tolist()):
        images_NCHW[row, 0, :, 2 * label : 2 * label + 2] += 2.0
    return (images_NCHW - 0.5) / 1.0, labels_N


def batches_of(images_NCHW: Tensor, labels_N: Tensor, size: int = 64) -> list[tuple[Tensor, Tensor]]:
    return list(zip(images_NCHW.split(size), labels_N.split(size), strict=True))


def net(outputs: int = 4, *, norm: bool = True) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8) if norm else nn.Identity(),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(8 * 64, outputs),
    )


def subject(model: nn.Module | None = None, *, lr: float = 0.05, **given: Any) -> Subject:
    """Describes a healthy loop, but for what is given."""
    model = net() if model is None else model
    given.setdefault("optimizer", torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9))
    given.setdefault("valid_loader", batches_of(*bars(seed=1)))
    given.setdefault("loss", F.cross_entropy)
    return subject_of_loop(model, given.pop("loader", batches_of(*bars())), **given)
