from __future__ import annotations

import pytest
import torch

from trainwright.models.aspp import ASPP
from trainwright.models.parts import Parts


def test_shapes_and_parameters_by_hand():
    layer = ASPP(16, 2, Parts())
    assert layer(torch.randn(2, 16, 7, 5)).shape == (2, 16, 7, 5)
    assert [branch.dilation for branch in layer.branches] == [(1, 1), (2, 2), (4, 4), (6, 6)]
    # A 1×1 and three 3×3 convolutions and that of the mean, 16 → 4 each; norms of 20 and 16; the joining 1×1, 20 → 16.
    by_hand = 16 * 4 * (1 + 3 * 9 + 1) + 2 * 20 + 20 * 16 + 2 * 16
    assert sum(parameter.numel() for parameter in layer.parameters()) == by_hand


def test_every_position_sees_the_whole_map():
    layer = ASPP(4, 1, Parts(activation="tanh")).double().eval()
    maps_NFHW = torch.randn(1, 4, 9, 9, dtype=torch.float64, requires_grad=True)
    layer(maps_NFHW)[0, :, 0, 0].sum().backward()
    assert (maps_NFHW.grad != 0).all()


def test_the_mean_branch_alone_gives_every_position_the_same():
    layer = ASPP(4, 1, Parts()).eval()
    for branch in layer.branches:
        torch.nn.init.zeros_(branch.weight)
    after_NFHW = layer(torch.randn(1, 4, 5, 5))
    torch.testing.assert_close(after_NFHW, after_NFHW[..., :1, :1].expand_as(after_NFHW))


@pytest.mark.parametrize("normalization", ["batch", "instance", "layer", "batch-instance", "none"])
def test_gradient_of_a_single_picture(normalization):
    torch.manual_seed(0)
    layer = ASPP(4, 1, Parts(activation="tanh", normalization=normalization)).double()
    maps_NFHW = torch.randn(1, 4, 3, 3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, maps_NFHW)
