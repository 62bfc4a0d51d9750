"""Cutout boxes: every center as likely, cut off at the border."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trainwright.data.augment.occlusion import cutout_boxes, erasing_boxes
from trainwright.data.augment.randomness import uniform, words


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_boxes_hold_their_center_and_stay_inside(side, height, width, one, other):
    top, left, bottom, right = cutout_boxes(torch.tensor([[one, other]]), side, height, width)[0].tolist()
    row, column = one * height >> 32, other * width >> 32
    assert 0 <= top <= row < bottom <= height
    assert 0 <= left <= column < right <= width
    assert (top, bottom) == (max(0, row - side // 2), min(height, row - side // 2 + side))
    assert (left, right) == (max(0, column - side // 2), min(width, column - side // 2 + side))


def test_every_center_is_as_likely():
    # Side 1: the box is its center.
    boxes_N4 = cutout_boxes(words(0, 0, torch.arange(40_000), {"cutout": 2})["cutout"], 1, 8, 10)
    places = torch.bincount(boxes_N4[:, 0] * 10 + boxes_N4[:, 1], minlength=80)
    assert stats.chisquare(places.numpy()).pvalue > 1e-4


@given(
    st.lists(st.floats(0, 1, exclude_max=True, width=32), min_size=4, max_size=4),
    st.floats(0.001, 1.0),
    st.integers(1, 60),
    st.integers(1, 60),
)
@settings(max_examples=200, deadline=None)
def test_erased_boxes_stay_inside_and_below_the_largest_share(unit, largest, height, width):
    top, left, bottom, right = erasing_boxes(torch.tensor([unit]), largest, height, width)[0].tolist()
    assert 0 <= top <= bottom <= height
    assert 0 <= left <= right <= width
    # Sides are rounded to whole pixels: half a pixel more in either direction.
    assert max(0, bottom - top - 0.5) * max(0, right - left - 0.5) <= largest * height * width + 1e-3


def test_erased_areas_and_shapes_are_spread_as_the_paper_says():
    unit_N4 = uniform(0, 0, torch.arange(20_000), "erase", 4)
    boxes_N4 = erasing_boxes(unit_N4, 0.2, 1000, 1000).double()
    height, width = boxes_N4[:, 2] - boxes_N4[:, 0], boxes_N4[:, 3] - boxes_N4[:, 1]
    assert stats.kstest((height * width / 1e6).numpy(), stats.uniform(0.02, 0.18).cdf).pvalue > 1e-4
    slimness = torch.log(height / width) / torch.log(torch.tensor(3.3))
    assert stats.kstest(slimness.numpy(), stats.uniform(-1, 2).cdf).pvalue > 1e-4
