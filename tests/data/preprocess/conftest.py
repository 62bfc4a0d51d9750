"""A part of pictures that stands in memory."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch


class StandIn:
    """A part that holds its pictures and counts how many were read, and how many at once."""

    def __init__(self, images: np.ndarray) -> None:
        self.stored = torch.from_numpy(images)
        self.read = 0
        self.most_at_once = 0

    def __len__(self) -> int:
        return len(self.stored)

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        self.read += len(rows)
        self.most_at_once = max(self.most_at_once, len(rows))
        return self.stored[rows]


@pytest.fixture(scope="session")
def part_of() -> Callable[[np.ndarray], StandIn]:
    """Makes a part of given pictures: `part_of(images_NCHW)`."""
    return StandIn


@pytest.fixture(scope="session")
def random_part() -> Callable[..., StandIn]:
    """Makes a part of random pixels: `random_part(40, 3, 8, 8)`."""
    return lambda *shape: StandIn(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


@pytest.fixture(scope="session")
def smooth_part() -> Callable[..., StandIn]:
    """Makes a part of pictures whose neighboring pixels are alike, as in photographs: `smooth_part(40, 3, 8, 8)`."""

    def make(count: int, channels: int, height: int, width: int) -> StandIn:
        rng = np.random.default_rng(0)
        waves = rng.normal(size=(count, channels + 1, 3, 3))
        rows, columns = (np.cos(np.pi * np.arange(3)[:, None] * np.arange(n) / n) for n in (height, width))
        pictures = np.einsum("ncij,ih,jw->nchw", waves[:, :1] + 0.5 * waves[:, 1:], rows, columns)
        noisy = 128 + 25 * pictures + rng.normal(0, 4, pictures.shape)
        return StandIn(noisy.clip(0, 255).astype(np.uint8))

    return make
