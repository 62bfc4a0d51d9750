"""One transfer for all numbers, and sketches of fixed size."""

from __future__ import annotations

import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from trainwright.monitoring.readings import SKETCHED, Readings, evenly, sketch
from trainwright.runs import SKETCH_HIGH, SKETCH_LOW


def test_all_come_back_under_their_names_and_are_forgotten():
    readings = Readings()
    readings.add("one", torch.tensor(2.0))
    readings.add("table", torch.arange(4).reshape(2, 2))
    assert readings.fetch() == {"one": [2.0], "table": [0.0, 1.0, 2.0, 3.0]}
    assert readings.fetch() == {}


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50))
def test_a_sketch_counts_by_powers_of_two(numbers):
    expected = [0] * (SKETCH_HIGH - SKETCH_LOW + 2)
    for number in numbers:
        size = abs(number)
        exponent = math.floor(math.log2(size)) if size > 0 else SKETCH_LOW - 1
        expected[min(max(exponent - SKETCH_LOW + 1, 0), len(expected) - 1)] += 1
    assert sketch(torch.tensor(numbers)).tolist() == expected


def test_what_is_no_number_is_counted_last():
    assert sketch(torch.tensor([math.nan, math.inf, -math.inf]))[-1] == 3


def test_of_large_tensors_a_part_is_counted_spread_over_all():
    numbers = torch.arange(5 * SKETCHED)
    few = evenly(numbers)
    assert len(few) == SKETCHED
    assert few[-1] >= numbers[-1] - 5
    assert len(evenly(torch.arange(SKETCHED + 1))) <= SKETCHED
