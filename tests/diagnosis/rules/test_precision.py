from __future__ import annotations

import math

from diagnosis.histories import alarming, course, layer
from trainwright.diagnosis.rules.precision import precision_overflow, precision_underflow

SCATTERED = {"zero_gradients": (0.1, 0.8, 0.9, 0.2)}


def test_zeros_scattered_over_living_units_are_underflow():
    found = precision_underflow(course(loss=2.1, probe=SCATTERED, watch={"dtype": "float16"}))
    assert found is not None
    assert alarming(found)
    assert "float16" in found.summary
    assert found.layers == ("conv2", "conv3")
    assert not alarming(precision_underflow(course(probe=SCATTERED)))


def test_zeros_of_dead_units_and_of_pixels_that_are_always_0_are_not():
    assert precision_underflow(course(loss=2.1, units={"unfed": (0.9,) * 10}, probe=SCATTERED)) is None
    assert precision_underflow(course(loss=2.1, units={"dead": (0.9,) * 10}, probe=SCATTERED)) is None
    assert precision_underflow(course(loss=2.1, probe={"zero_gradients": (0.9, 0.0, 0.0, 0.0)})) is None


def test_zeros_of_whole_units_that_are_off_are_not():
    halves = {"zero_gradients": (0.1, 0.5, 0.75, 0.2)}
    assert precision_underflow(course(loss=2.1, probe=halves)) is None, "8 and 12 of 16 units"


def test_zeros_of_a_filter_that_meets_padding_only_are_not():
    layers = (layer("conv1"), layer("conv2", size=1), layer("conv3", size=1), layer("head", "Linear", 10, 0))
    assert precision_underflow(course(loss=2.1, probe=SCATTERED, watch={"layers": layers})) is None


def test_steps_left_out_again_and_again_are_overflow_and_a_few_at_the_start_are_not():
    often = {
        "gradients": lambda step: (math.inf, 0.1, 0.1, 0.1) if step % 20 else (0.1,) * 4,
        "updates": lambda step: (0.0,) * 4 if step % 20 else (0.005,) * 4,
    }
    found = precision_overflow(course(loss=1.9, probe=often))
    assert found is not None
    assert alarming(found)
    assert found.evidence["share_of_steps_left_out"] > 0.4
    at_first = {
        "gradients": lambda step: (math.inf,) * 4 if step < 4 else (0.1,) * 4,
        "updates": lambda step: (0.0,) * 4 if step < 4 else (0.005,) * 4,
    }
    assert precision_overflow(course(loss=1.9, probe=at_first)) is None
