"""Views of a picture: windows where they should be, mirror images of the same."""

from __future__ import annotations

import pytest
import torch

from trainwright.data.augment import NOTHING, Augmenter, view_maps
from trainwright.data.augment.views import VIEWS
from trainwright.data.preprocess import Preprocessor
from trainwright.errors import InputError


@pytest.mark.parametrize(("name", "count"), [("none", 1), ("flip", 2), ("five", 5), ("ten", 10), ("scales", 6)])
def test_every_kind_has_its_views(name, count):
    maps_V23 = view_maps(name, 16, 16)
    assert maps_V23.shape == (count, 2, 3)
    corners = maps_V23 @ torch.tensor([[-0.5, -0.5, 1.0], [15.5, 15.5, 1.0]]).T
    assert corners.min() >= -0.5 - 1e-5
    assert corners.max() <= 15.5 + 1e-5
    assert set(VIEWS) == {"none", "flip", "five", "ten", "scales"}


def test_a_view_of_nothing_is_the_picture_and_a_flip_its_mirror_image():
    images = torch.randint(0, 256, (4, 3, 16, 16), dtype=torch.uint8)
    augmenter = Augmenter(NOTHING, Preprocessor.from_statistics([0.4, 0.5, 0.6], [0.2, 0.25, 0.3]), seed=0)
    plain, mirrored = (augmenter.view(images, map_23[None]) for map_23 in view_maps("flip", 16, 16))
    assert torch.allclose(plain, augmenter.evaluate(images), atol=1e-5)
    assert torch.allclose(mirrored, plain.flip(3), atol=1e-5)


def test_the_second_of_five_is_the_top_left_corner():
    images = torch.zeros(1, 1, 16, 16, dtype=torch.uint8)
    images[:, :, :2, :2] = 255
    augmenter = Augmenter(NOTHING, Preprocessor.from_statistics([0.0], [1.0]), seed=0)
    sums = [augmenter.view(images, map_23[None]).sum().item() for map_23 in view_maps("five", 16, 16)]
    assert sums[1] == max(sums) > 4
    assert max(sums[2:]) < 0.2, "no more than what half a pixel lets in"
    assert sums[0] < sums[1]


def test_views_that_do_not_exist_are_refused():
    with pytest.raises(InputError, match="no such views of a picture"):
        view_maps("twelve", 8, 8)
