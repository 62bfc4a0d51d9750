"""Cutout boxes: every center as likely, cut off at the border."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trainwright.data.augment.occlusion import cutout_boxes, no_boxes
from trainwright.data.augment.randomness import words


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


def test_no_boxes_hide_nothing():
    assert no_boxes(2).tolist() == [[0, 0, 0, 0], [0, 0, 0, 0]]
