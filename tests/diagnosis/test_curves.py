from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trainwright.diagnosis.curves import mann_kendall, noise, spread, standard_error, tail, theil_sen, windows

CURVES = arrays(np.float64, st.integers(3, 40), elements=st.integers(-9, 9).map(float))


@given(CURVES)
def test_the_slope_is_that_of_scipy(y: np.ndarray):
    x = np.arange(len(y), dtype=np.float64) ** 1.5
    assert theil_sen(x, y) == pytest.approx(scipy.stats.theilslopes(y, x)[0], abs=1e-12)


@given(CURVES)
def test_the_trend_is_as_likely_as_kendalls_tau_of_scipy(y: np.ndarray):
    if len(set(y.tolist())) == 1:
        assert mann_kendall(y) == 0
        return
    statistic, chance = scipy.stats.kendalltau(np.arange(len(y)), y, method="asymptotic")
    assert 2 * scipy.stats.norm.sf(abs(mann_kendall(y))) == pytest.approx(chance, rel=1e-6)
    assert math.copysign(1, mann_kendall(y)) == math.copysign(1, statistic) or mann_kendall(y) == 0


@given(CURVES, st.floats(0.1, 10), st.floats(-5, 5))
def test_a_trend_knows_no_scale_and_turns_with_its_curve(y: np.ndarray, scale: float, shift: float):
    assert mann_kendall(y * scale + shift) == pytest.approx(mann_kendall(y))
    assert mann_kendall(-y) == pytest.approx(-mann_kendall(y))


def test_one_outlier_in_five_does_not_move_the_slope():
    x = np.arange(20.0)
    y = 3 * x
    y[[2, 9, 15, 18]] = [1e6, -1e6, 1e9, math.inf]
    assert theil_sen(x, y) == pytest.approx(3.0, rel=0.2)


def test_long_curves_are_thinned_and_keep_slope_and_trend():
    x = np.arange(100_000.0)
    y = 0.5 * x + np.random.default_rng(0).normal(0, 1000, len(x))
    assert theil_sen(x, y) == pytest.approx(0.5, rel=0.01)
    assert mann_kendall(y) > 20


@pytest.mark.parametrize("y", [[], [1.0], [1.0, 2.0], [1.0, 2.0, math.nan]])
def test_too_few_points_have_no_trend(y: list[float]):
    assert mann_kendall(np.array(y)) == 0


def test_no_slope_without_two_places():
    assert math.isnan(theil_sen(np.array([1.0, 1.0]), np.array([2.0, 3.0])))
    assert math.isnan(theil_sen(np.array([]), np.array([])))


def test_windows_are_medians_in_order_and_pass_over_what_is_not_finite():
    assert windows(np.array([1.0, math.nan, 3.0, math.inf, 10.0, 12.0]), 3).tolist() == [1.0, 3.0, 11.0]
    assert math.isnan(windows(np.array([math.nan, math.nan, 1.0]), 2)[0])
    assert windows(np.array([5.0]), 20).tolist() == [5.0]


def test_scatter_is_that_of_a_normal_distribution():
    values = np.random.default_rng(1).normal(3.0, 2.0, 20_000)
    assert spread(values) == pytest.approx(2.0, rel=0.03)
    assert noise(values + np.arange(len(values)) * 0.01) == pytest.approx(2.0, rel=0.03)
    assert math.isnan(spread(np.array([math.nan])))
    assert math.isnan(noise(np.array([1.0])))


def test_the_error_of_an_accuracy_is_binomial_and_never_nothing():
    assert standard_error(0.9, 400) == pytest.approx(0.015)
    assert standard_error(1.0, 50) == 0.02
    assert math.isnan(standard_error(0.5, 0))


def test_the_tail_has_at_least_one_point():
    assert tail(np.array([1.0, 2.0, 3.0]), 0.01).tolist() == [3.0]
