"""The preview shows the pictures that the net saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwright.data.augment import preview_grid
from trainwright.data.preprocess import Preprocessor


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_lie_in_rows(channels):
    images = torch.randint(0, 256, (5, channels, 4, 6), dtype=torch.uint8)
    preprocessor = Preprocessor.from_statistics([0.4] * channels, [0.2] * channels)
    grid = preview_grid(preprocessor.apply(images), preprocessor)
    # Five pictures: three columns, two rows, gaps of two pixels.
    assert grid.shape == ((10, 22) if channels == 1 else (10, 22, 3))
    assert grid.dtype == np.uint8
    fourth = images[3].permute(1, 2, 0).numpy()
    assert np.array_equal(grid[6:10, 0:6], fourth[:, :, 0] if channels == 1 else fourth)
    assert (grid[4:6] == 255).all()


def test_no_more_than_the_limit():
    preprocessor = Preprocessor.from_statistics([0.0], [1.0])
    assert preview_grid(torch.zeros(100, 1, 2, 2), preprocessor, limit=4).shape == (6, 6)
