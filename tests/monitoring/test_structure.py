"""Whether a net is an affine map of its input."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from monitoring.plain_loop import pictures
from trainwright.monitoring.structure import is_affine

IMAGES = pictures(8).images_NCHW


def deep(act: nn.Module) -> nn.Module:
    torch.manual_seed(0)
    layers = [nn.Sequential(nn.Conv2d(8 if i else 3, 8, 3, padding=1), nn.BatchNorm2d(8), act) for i in range(8)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 4)).eval()


def test_ten_layers_without_an_activation_are_affine():
    assert is_affine(deep(nn.Identity()), IMAGES) is True


@pytest.mark.parametrize("act", [nn.ReLU(), nn.GELU(), nn.Tanh(), nn.LeakyReLU(0.9), nn.Hardswish()])
def test_an_activation_bends(act):
    assert is_affine(deep(act), IMAGES) is False


def test_a_softmax_at_the_end_bends():
    assert is_affine(nn.Sequential(deep(nn.Identity()), nn.Softmax(1)), IMAGES) is False


def test_a_net_that_answers_all_alike_tells_nothing():
    net = nn.Linear(3, 2)
    nn.init.zeros_(net.weight)
    assert is_affine(net, torch.randn(8, 3)) is None


def test_coarse_numbers_and_single_pictures_tell_nothing():
    assert is_affine(lambda x: x.bfloat16(), IMAGES) is None
    assert is_affine(lambda x: x, IMAGES[:1]) is None
    assert is_affine(lambda x: x, IMAGES.long()) is None
