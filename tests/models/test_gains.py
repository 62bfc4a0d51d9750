"""Gains against torch's, and against SciPy's integral of the definition."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special
from torch import nn

from trainwright.models.gains import CLASSES, NEGATIVE_SLOPES, SMOOTH, find_activation, gain

BY_HAND: dict[str, Callable[[float], float]] = {
    "sigmoid": special.expit,
    "tanh": np.tanh,
    "elu": lambda z: z if z > 0 else np.expm1(z),
    "selu": lambda z: 1.0507009873554805 * (z if z > 0 else 1.6732632423543772 * np.expm1(z)),
    "silu": lambda z: z * special.expit(z),
    "gelu": lambda z: z * special.ndtr(z),
    "mish": lambda z: z * np.tanh(np.log1p(np.exp(z))),
    "hardswish": lambda z: z * min(max(z + 3, 0), 6) / 6,
    "softplus": lambda z: np.log1p(np.exp(z)),
}


@pytest.mark.parametrize("activation", sorted(SMOOTH))
def test_a_gain_keeps_the_second_moment(activation):
    def integrand(z: float) -> float:
        return BY_HAND[activation](z) ** 2 * math.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)

    moment = integrate.quad(integrand, -12, 12, points=[-3, 0, 3])[0]
    assert gain(activation) == pytest.approx(1 / math.sqrt(moment), rel=1e-7)


def test_rectifiers_have_the_gain_of_torch():
    assert gain("relu") == nn.init.calculate_gain("relu")
    assert gain("leaky-relu", 0.1) == nn.init.calculate_gain("leaky_relu", 0.1)
    assert gain("linear") == nn.init.calculate_gain("linear")
    assert gain("tanh") == pytest.approx(nn.init.calculate_gain("tanh"), rel=0.05)


@given(st.floats(0, 1))
def test_a_steeper_slope_needs_less_gain(slope):
    assert gain("linear") <= gain("leaky-relu", slope) <= gain("relu")


def test_the_larger_of_two_normal_numbers_has_a_mean_square_of_one():
    pairs_N2 = np.random.default_rng(0).normal(size=(400_000, 2))
    assert gain("maxout") == pytest.approx(1 / math.sqrt((pairs_N2.max(axis=1) ** 2).mean()), rel=0.01)


def test_a_random_slope_counts_by_its_mean_square():
    slopes = np.random.default_rng(0).uniform(1 / 8, 1 / 3, 100_000)
    assert NEGATIVE_SLOPES["rrelu"] == pytest.approx(math.sqrt((slopes**2).mean()), rel=0.01)
    assert find_activation(nn.Sequential(nn.RReLU()))[1] == pytest.approx(NEGATIVE_SLOPES["rrelu"])


def test_every_class_has_a_gain():
    assert set(CLASSES.values()) <= {*NEGATIVE_SLOPES, *SMOOTH, "maxout"}


@pytest.mark.parametrize(
    ("modules", "found"),
    [
        ([], ("relu", None)),
        ([nn.Tanh()], ("tanh", None)),
        ([nn.SiLU(), nn.Sigmoid(), nn.SiLU()], ("silu", None)),
        ([nn.LeakyReLU(0.2)], ("leaky-relu", 0.2)),
        ([nn.PReLU(8, init=0.125)], ("prelu", 0.125)),
    ],
)
def test_the_activation_used_most_is_found(modules, found):
    assert find_activation(nn.Sequential(*modules)) == found
