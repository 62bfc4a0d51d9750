"""What pictures look like in numbers, of two parts."""

from __future__ import annotations

import numpy as np

from trainwright.diagnosis.inputs import Inputs, shift_of


def inputs(mean: float, deviation: float, low: float, high: float) -> Inputs:
    return Inputs(np.array([mean]), np.array([deviation]), low, high)


def test_a_factor_moves_deviation_and_bounds_alike():
    shift = shift_of(inputs(0.28, 0.33, 0.0, 1.0), inputs(0.02, 1.0, -0.8, 2.2))
    assert shift is not None
    assert shift.rescaled


def test_an_offset_moves_the_mean_alone():
    shift = shift_of(inputs(2.0, 1.0, 1.2, 4.2), inputs(0.0, 1.0, -0.8, 2.2))
    assert shift is not None
    assert shift.rescaled


def test_brighter_pictures_within_the_same_bounds_are_others():
    shift = shift_of(inputs(0.8, 0.9, -0.8, 2.2), inputs(0.0, 1.0, -0.8, 2.2))
    assert shift is not None
    assert shift.other
    assert not shift.rescaled


def test_pictures_of_other_channels_cannot_be_compared():
    three = Inputs(np.zeros(3), np.ones(3), -1, 1)
    assert shift_of(inputs(0, 1, -1, 1), three) is None
    assert shift_of(None, three) is None
