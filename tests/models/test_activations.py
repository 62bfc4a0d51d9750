"""One contract for every activation, fed from the registry; those of our own by numbers worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainwright.models.activations import ACTIVATIONS, PIECES, Doubled, Maxout
from trainwright.models.gains import CLASSES

every_activation = pytest.mark.parametrize("name", sorted(ACTIVATIONS))

AT_MINUS_2_AND_3 = {
    "relu": (0.0, 3.0),
    "leaky-relu": (-0.2, 3.0),
    "prelu": (-0.5, 3.0),
    "rrelu": (-2 * (1 / 8 + 1 / 3) / 2, 3.0),
    "elu": (math.exp(-2) - 1, 3.0),
    "selu": (1.0507009873554805 * 1.6732632423543772 * (math.exp(-2) - 1), 3 * 1.0507009873554805),
    "silu": (-2 / (1 + math.exp(2)), 3 / (1 + math.exp(-3))),
    "gelu": (-(1 - math.erf(2 / math.sqrt(2))), 1.5 * (1 + math.erf(3 / math.sqrt(2)))),
    "mish": (-2 * math.tanh(math.log1p(math.exp(-2))), 3 * math.tanh(math.log1p(math.exp(3)))),
    "hardswish": (-2 * 1 / 6, 3.0),
    "softplus": (math.log1p(math.exp(-2)), math.log1p(math.exp(3))),
    "sigmoid": (1 / (1 + math.exp(2)), 1 / (1 + math.exp(-3))),
    "tanh": (math.tanh(-2), math.tanh(3)),
}


def maps(channels: int) -> Tensor:
    return torch.randn(4, channels, 3, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize("name", sorted(AT_MINUS_2_AND_3))
def test_values_by_hand_at_test_time(name):
    layer = ACTIVATIONS[name](1, 0.1).eval()
    below, above = layer(torch.tensor([-2.0, 3.0]).reshape(2, 1, 1, 1)).flatten().tolist()
    assert (below, above) == pytest.approx(AT_MINUS_2_AND_3[name], rel=1e-5)


def test_every_activation_is_worked_by_hand_here():
    assert {*AT_MINUS_2_AND_3, "maxout"} == set(ACTIVATIONS)


@every_activation
def test_shape_gradient_and_memory_layout(name):
    pieces = PIECES.get(name, 1)
    layer = ACTIVATIONS[name](6, 0.1).double().eval()
    before_NFHW = maps(6 * pieces).requires_grad_()
    after_NFHW = layer(before_NFHW.clone())
    assert after_NFHW.shape == (4, 6, 3, 3)
    assert torch.autograd.gradcheck(lambda values: layer(values.clone()), before_NFHW)
    strided = layer(before_NFHW.detach().to(memory_format=torch.channels_last))
    torch.testing.assert_close(strided, after_NFHW.detach())


@every_activation
def test_channels_last_stays_so_forward_and_backward(name):
    before_NFHW = maps(6 * PIECES.get(name, 1)).to(memory_format=torch.channels_last).requires_grad_()
    seen = []
    twin_NFHW = before_NFHW * 1
    twin_NFHW.register_hook(seen.append)
    after_NFHW = ACTIVATIONS[name](6, 0.1).double().train()(twin_NFHW)
    after_NFHW.backward(torch.ones_like(after_NFHW))
    assert [tensor.is_contiguous(memory_format=torch.channels_last) for tensor in (after_NFHW, *seen)] == [True] * 2


def test_the_doubled_of_channels_last_is_so_too():
    assert Doubled()(maps(3).to(memory_format=torch.channels_last)).is_contiguous(memory_format=torch.channels_last)


@every_activation
def test_its_class_is_known_to_the_gains(name):
    assert CLASSES[type(ACTIVATIONS[name](2, 0.1)).__name__] == name


def test_prelu_learns_one_slope_a_channel():
    layer = ACTIVATIONS["prelu"](5, 0.1)
    assert isinstance(layer, nn.PReLU)
    assert layer.weight.tolist() == [0.25] * 5


def test_rrelu_draws_slopes_in_training_and_keeps_positive_numbers():
    layer = ACTIVATIONS["rrelu"](1, 0.1).train()
    slopes = -layer(-torch.ones(1, 1, 100, 100)).flatten()
    assert (slopes >= 1 / 8).all()
    assert (slopes <= 1 / 3).all()
    assert slopes.mean().item() == pytest.approx(11 / 48, rel=0.01)
    assert slopes.std().item() == pytest.approx((1 / 3 - 1 / 8) / math.sqrt(12), rel=0.05)
    assert torch.equal(layer(torch.ones(1, 1, 2, 2)), torch.ones(1, 1, 2, 2))


def test_maxout_is_the_larger_of_two_linear_maps():
    layer = nn.Sequential(nn.Conv2d(1, 2, 1), Maxout())
    layer[0].weight.data = torch.tensor([2.0, -1.0]).reshape(2, 1, 1, 1)
    layer[0].bias.data = torch.tensor([1.0, 4.0])
    images_NCHW = torch.tensor([-1.0, 1.0, 3.0]).reshape(3, 1, 1, 1)
    # 2x + 1 against 4 − x: 5, 3 (both), 7.
    assert layer(images_NCHW).flatten().tolist() == [5.0, 3.0, 7.0]


def test_maxout_of_a_sum_with_doubled_channels_is_the_sum_with_the_larger():
    own_NFHW, found_NFHW = maps(3), maps(6)
    summed = Maxout()(Doubled()(own_NFHW) + found_NFHW)
    torch.testing.assert_close(summed, own_NFHW + Maxout()(found_NFHW))
    assert torch.autograd.gradcheck(Doubled(), own_NFHW.requires_grad_())
