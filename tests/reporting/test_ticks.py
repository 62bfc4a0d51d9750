from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainwright.reporting.charts.ticks import axis, log_axis, wants_log

numbers = st.floats(-1e6, 1e6).filter(lambda value: value == 0 or abs(value) > 1e-6)


@given(st.lists(numbers, min_size=1, max_size=20))
def test_every_value_lies_on_the_axis(values: list[float]) -> None:
    chosen = axis(values)
    assert all(-1e-6 <= chosen.place(value) <= 1 + 1e-6 for value in values)
    assert 2 <= len(chosen.ticks) <= 9
    assert list(chosen.ticks) == sorted(set(chosen.ticks))


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=20))
def test_whole_axes_have_whole_ticks(values: list[int]) -> None:
    chosen = axis(values, whole=True)
    assert all(float(tick).is_integer() for tick in chosen.ticks)
    assert all(0 <= chosen.place(value) <= 1 for value in values)


@given(st.lists(st.floats(1e-12, 1e12), min_size=1, max_size=20))
def test_every_positive_value_lies_on_the_log_axis(values: list[float]) -> None:
    chosen = log_axis(values)
    assert all(-1e-9 <= chosen.place(value) <= 1 + 1e-9 for value in values)


def test_ticks_are_round() -> None:
    assert axis([3.0, 17.0]).ticks == (0.0, 5.0, 10.0, 15.0, 20.0)
    assert axis([0.5, 0.93], floor=0.0).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert axis([1, 30], whole=True, at_most=7).ticks == (5.0, 10.0, 15.0, 20.0, 25.0, 30.0)


def test_one_value_and_no_value_have_an_axis() -> None:
    assert axis([0.7]).low < 0.7 < axis([0.7]).high
    assert axis([0.0]).low < axis([0.0]).high
    assert axis([0.3], floor=0.0).low == 0.0
    assert axis([math.nan]).ticks[0] == 0.0


@given(st.lists(st.floats(-1e6, 1.0, allow_subnormal=False), min_size=1, max_size=20))
def test_an_axis_that_ends_at_1_holds_all_values(values: list[float]) -> None:
    chosen = axis(values, within=(-math.inf, 1))
    assert chosen.low < chosen.high <= 1
    assert all(-1e-6 <= chosen.place(value) <= 1 + 1e-6 for value in values)


@given(st.lists(st.floats(0.0, 100.0, allow_subnormal=False), min_size=1, max_size=20))
def test_an_axis_of_per_cent_ends_at_0_and_100(values: list[float]) -> None:
    chosen = axis(values, within=(0, 100))
    assert chosen.low >= 0
    assert chosen.high <= 100
    assert len(chosen.ticks) >= 2
    assert all(-1e-6 <= chosen.place(value) <= 1 + 1e-6 for value in values)


def test_a_bound_holds_where_all_values_are_equal() -> None:
    assert axis([100.0, 100.0], within=(0, 100)).ticks == (90.0, 92.0, 94.0, 96.0, 98.0, 100.0)
    assert axis([1.0], within=(-math.inf, 1)).high == 1.0
    assert axis([0.0], within=(0, 100)).ticks == (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    assert axis([100.0]).high == 110.0


def test_log_only_where_small_values_would_lie_flat() -> None:
    assert wants_log([0.01, 1.0])
    assert not wants_log([0.5, 2.0])
    assert not wants_log([-1.0, 100.0])
    assert not wants_log([])
    assert wants_log([0.01, 1.0, math.inf])


def test_log_axis_thins_out_many_decades() -> None:
    assert len(log_axis([1e-9, 1e6]).ticks) <= 7
    assert log_axis([0.02, 2.3]).place(0.1) == pytest.approx(1 / 3)
