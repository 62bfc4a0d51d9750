"""What is told of units, against units of which it is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from monitoring.plain_loop import pictures
from trainwright.monitoring import Pictures
from trainwright.monitoring.looks import Looks
from trainwright.runs import SKETCH_HIGH, SKETCH_LOW, UnitsRecord


def looked(net: nn.Module, shown: Pictures | None = None) -> UnitsRecord:
    looks = Looks(net, None, shown or pictures(200), None, loss_of=None, classes=None, batch_size=32)
    looks.get_to_know()
    units, _ = looks.look(0, 0, None, [None] * len(looks.layers))
    assert units is not None
    return units


def conv(outputs: int = 8) -> nn.Conv2d:
    torch.manual_seed(0)
    return nn.Conv2d(3, outputs, 3, padding=1)


@torch.no_grad()
def test_planted_dead_and_always_active_units():
    first = conv()
    first.bias[:2], first.bias[2] = -100.0, 100.0
    units = looked(nn.Sequential(first, nn.ReLU(inplace=True)))
    assert units.dead == (None, 0.25)
    assert units.always_on == (None, 0.125)
    assert units.constant[1] == 0.25


@torch.no_grad()
def test_a_unit_that_is_active_once_is_not_dead():
    first = nn.Linear(192, 2)
    first.weight.zero_()
    first.weight[0, 0], first.bias[:] = 1.0, torch.tensor([-9.5, -1.0])
    shown = torch.zeros(200, 192)
    shown[77, 0] = 10.0
    units = looked(nn.Sequential(first, nn.ReLU()), Pictures(shown))
    assert units.dead[1] == 0.5
    assert units.zeros[1] == pytest.approx(399 / 400)


@torch.no_grad()
def test_functions_die_like_modules():
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = conv()

        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(self.first(x))

    net = Functional()
    net.first.bias[:2] = -100.0
    assert looked(net).dead == (None, 0.25)


@pytest.mark.parametrize("act", [nn.Tanh(), nn.Sigmoid(), nn.Softsign(), nn.Hardtanh(-1, 2), nn.Hardsigmoid()])
@torch.no_grad()
def test_planted_saturated_units(act):
    first = conv()
    first.weight[:4] *= 0.1
    first.bias[:4] = 0.0
    first.weight[4:] *= 1.0
    first.bias[4:] = torch.tensor([60.0, -60.0, 60.0, -60.0])
    assert looked(nn.Sequential(first, act)).saturated == (None, 0.5)


@torch.no_grad()
def test_the_limit_of_saturation_is_a_mean_slope_of_a_twentieth():
    first = nn.Linear(1, 2)
    first.weight.zero_()
    first.bias[:] = torch.tensor([math.atanh(math.sqrt(0.951)), math.atanh(math.sqrt(0.949))])
    assert looked(nn.Sequential(first, nn.Tanh()), Pictures(torch.ones(8, 1))).saturated[1] == 0.5


def test_activations_that_are_neither_are_told_neither():
    units = looked(nn.Sequential(conv(), nn.GELU(), nn.Conv2d(8, 2, 1), nn.LeakyReLU()))
    assert units.dead == (None,) * 4
    assert units.saturated == (None,) * 4
    assert units.always_on[:3] == (None,) * 3
    assert units.always_on[3] is not None


@torch.no_grad()
def test_moments_and_zeros_are_those_of_all_numbers_at_once():
    net, shown = nn.Sequential(conv(), nn.ReLU()), pictures(200)
    shown.images_NCHW[:100] += 30.0  # chunks differ, and are large against what they scatter by
    units, out = looked(net, shown), net(shown.images_NCHW).double()
    assert units.mean[1] == pytest.approx(float(out.mean()), rel=1e-5)
    assert units.deviation[1] == pytest.approx(float(out.std(correction=0)), rel=1e-5)
    assert units.zeros[1] == pytest.approx(float((out == 0).double().mean()), abs=1e-6)


@torch.no_grad()
def test_correlation_of_features_is_numpys():
    torch.manual_seed(0)
    net, shown = nn.Linear(12, 9), torch.randn(300, 12)
    told = looked(net, Pictures(shown)).correlation[0]
    between = np.abs(np.corrcoef(net(shown).numpy().T))
    assert told == pytest.approx(between[~np.eye(9, dtype=bool)].mean(), rel=1e-4)


@torch.no_grad()
def test_equal_maps_correlate_wholly_and_a_single_unit_with_nothing():
    net = conv()
    net.weight[:] = net.weight[:1].clone()
    units = looked(net)
    assert units.correlation[0] == pytest.approx(1.0, abs=1e-4)
    assert looked(conv(1)).correlation == (None,)


def test_a_map_that_only_its_mean_holds_still_is_not_constant():
    """Instance normalization gives every map of every picture the same mean and size."""
    units = looked(nn.Sequential(conv(), nn.InstanceNorm2d(8)))
    assert units.constant == (0.0, 0.0)
    assert units.mean[1] == pytest.approx(0.0, abs=1e-5)


def test_sketches_have_fixed_size():
    units = looked(nn.Sequential(conv(), nn.ReLU()))
    assert [len(row) for row in units.sketches] == [SKETCH_HIGH - SKETCH_LOW + 2] * 2
    share = units.sketches[1][0] / sum(units.sketches[1])
    assert share == pytest.approx(units.zeros[1], abs=0.02)


def test_windows_of_a_picture_belong_to_it():
    class Windows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(3, 5)

        def forward(self, x: Tensor) -> Tensor:
            windows = x.unfold(2, 4, 4).unfold(3, 4, 4).permute(0, 2, 3, 4, 5, 1).reshape(-1, 16, 3)
            return self.inner(windows).reshape(len(x), -1, 5).mean(1)

    units = looked(Windows())
    assert units.mean[0] is not None
    assert units.constant == (0.0,)


def test_a_layer_that_is_not_called_again_is_told_as_not_measured():
    class Sometimes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second, self.calls = nn.Linear(3, 3), nn.Linear(3, 3), 0

        def forward(self, x: Tensor) -> Tensor:
            self.calls += 1
            return self.second(self.first(x)) if self.calls == 1 else self.first(x)

    units = looked(Sometimes(), Pictures(torch.randn(8, 3)))
    assert units.mean[0] is not None
    assert units.mean[1] is None
    assert units.sketches[1] == ()
