"""Normalization of channels and its inverse; what follows pixel by pixel is tested in test_fitting.py."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.preprocess import Preprocessor

statistic = st.lists(st.floats(0.01, 1.0), min_size=3, max_size=3)
ALL_LEVELS = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16)


@given(statistic, statistic, st.booleans(), st.booleans())
@settings(max_examples=40, deadline=None)
def test_equals_the_formula_and_inverts(mean, std, center, scale):
    preprocessor = Preprocessor.from_statistics(mean, std, center=center, scale=scale)
    finished = preprocessor.apply(ALL_LEVELS)
    for channel in range(3):
        by_hand = (ALL_LEVELS[0, channel].double() / 255 - mean[channel] * center) / (std[channel] if scale else 1.0)
        assert torch.allclose(finished[0, channel].double(), by_hand, rtol=1e-5, atol=1e-5)
    assert torch.equal(preprocessor.invert(finished), ALL_LEVELS)


def test_a_constant_channel_is_not_divided():
    preprocessor = Preprocessor.from_statistics([0.2, 0.5], [0.0, 0.1])
    assert preprocessor.constant_channels == (0,)
    pixel = torch.full((1, 2, 1, 1), 51, dtype=torch.uint8)
    assert preprocessor.apply(pixel)[0, :, 0, 0].tolist() == pytest.approx([0.0, -3.0], abs=1e-6)


def test_inverse_cuts_to_what_a_picture_can_hold():
    preprocessor = Preprocessor.from_statistics([0.5], [0.25])
    assert preprocessor.invert(torch.tensor([[[[-9.0, 9.0, 0.002]]]])).flatten().tolist() == [0, 255, 128]
