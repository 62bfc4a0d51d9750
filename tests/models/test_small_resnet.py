from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwright.models.small_resnet import GlobalPool, ResidualBlock, SmallResNet


def by_hand(channels: int, classes: int, width: int, depth: int, stages: int, entry: int) -> int:
    """Parameters, summed with pencil and paper: 3·3·in·out a convolution, 2·out a normalization."""

    def conv(size: int, channels_in: int, channels_out: int) -> int:
        return size * size * channels_in * channels_out + 2 * channels_out

    before = entry or width
    total = conv(3, channels, before)
    if entry:
        total += 2 * conv(3, entry, entry)
    for stage in range(stages):
        after = width * ((1, 2, 6, 12) if entry else (1, 2, 4))[stage]
        last_of_several = stage == stages - 1 and depth > 1
        for block in range(depth - 1 if last_of_several else depth):
            total += conv(3, before, after) + conv(3, after, after)
            if block == 0 and before != after:
                total += conv(1, before, after)
            before = after
    return total + 2 * before * classes + classes


@pytest.mark.parametrize(
    ("img_size", "stages"), [(8, 2), (12, 2), (13, 3), (28, 3), (32, 3), (48, 3), (49, 4), (64, 4), (96, 4)]
)
@pytest.mark.parametrize(("width", "depth"), [(8, 1), (16, 2)])
def test_parameters_counted_by_hand(img_size: int, stages: int, width: int, depth: int) -> None:
    net = SmallResNet(classes=7, channels=3, img_size=img_size, width=width, depth=depth)
    entry = width // 2 if img_size > 16 else 0
    assert sum(parameter.numel() for parameter in net.parameters()) == by_hand(3, 7, width, depth, stages, entry)


def test_maps_halve_from_stage_to_stage() -> None:
    net = SmallResNet(classes=10, channels=1, img_size=28, width=8, depth=1)
    maps_NFHW = net.stem(torch.zeros(2, 1, 28, 28))
    shapes = [maps_NFHW.shape[1:]]
    for stage in net.stages:
        maps_NFHW = stage(maps_NFHW)
        shapes.append(maps_NFHW.shape[1:])
    assert shapes == [(4, 28, 28), (4, 28, 28), (8, 14, 14), (16, 7, 7), (48, 4, 4)]


def test_a_fresh_block_passes_its_input_on() -> None:
    maps_NFHW = torch.rand(2, 8, 6, 6)
    assert torch.equal(ResidualBlock(8, 8, stride=1)(maps_NFHW), maps_NFHW)


@pytest.mark.parametrize("size", [4, 5, 7])
def test_both_ways_of_a_halving_block_meet(size: int) -> None:
    assert ResidualBlock(8, 16, stride=2)(torch.rand(2, 8, size, size)).shape == (
        2,
        16,
        (size + 1) // 2,
        (size + 1) // 2,
    )


def test_a_shortcut_averages_before_it_mixes() -> None:
    block = ResidualBlock(1, 2, stride=2)
    assert isinstance(block.shortcut, nn.Sequential)
    pooled_NFHW = block.shortcut[0](torch.tensor([[[[1.0, 3.0, 5.0], [5.0, 7.0, 9.0], [2.0, 4.0, 6.0]]]]))
    # The border's windows average the pixels that exist.
    assert pooled_NFHW.tolist() == [[[[4.0, 7.0], [3.0, 6.0]]]]


def test_global_pool_gives_means_then_maxima() -> None:
    maps_NFHW = torch.tensor([[[[1.0, 2.0], [3.0, 6.0]], [[0.0, 0.0], [0.0, 8.0]]]])
    assert GlobalPool()(maps_NFHW).tolist() == [[3.0, 2.0, 6.0, 8.0]]


def test_a_deep_net_starts_as_the_shallow_one_does() -> None:
    """With scales of 0, blocks that keep their shape change nothing at the start, however many there are."""
    torch.manual_seed(0)
    net = SmallResNet(classes=3, channels=1, img_size=8, width=8, depth=12).eval()
    maps_NFHW = net.stem(torch.randn(2, 1, 8, 8))
    assert torch.equal(net.stages[0](maps_NFHW), maps_NFHW)
