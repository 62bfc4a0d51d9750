"""The preview shows the pictures that the net saw."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwright.data.augment import NOTHING, preview_grid, trick_sheet
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


def test_a_sheet_shows_each_trick_by_itself_and_all_together():
    images = torch.randint(0, 256, (3, 1, 24, 24), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    preprocessor = Preprocessor.from_statistics([0.4], [0.2])
    section = NOTHING.model_copy(update={"flip": 1.0, "brightness": 0.5})
    sheet = np.asarray(trick_sheet(section, images, torch.arange(3), preprocessor, seed=0))
    # Original, flip, brightness, all together; pictures of 24 pixels are enlarged four times.
    assert sheet.shape == (34 + 3 * 98 - 2, 4 * 98 - 2, 3)
    cell = sheet[34 + 98 : 34 + 98 + 96 : 4]
    original, flipped = cell[:, 0:96:4, 0], cell[:, 98 : 98 + 96 : 4, 0]
    assert np.array_equal(original, images[1, 0].numpy())
    assert np.array_equal(flipped, np.fliplr(images[1, 0].numpy()))
    brighter, both = cell[:, 196 : 196 + 96 : 4, 0], cell[:, 294 : 294 + 96 : 4, 0]
    assert not np.array_equal(brighter, original)
    assert np.array_equal(both, np.fliplr(brighter))
    assert (sheet[:30, :90] == 0).any(), "the column has a name"
