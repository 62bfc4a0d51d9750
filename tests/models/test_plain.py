from __future__ import annotations

import pytest
from torch import nn

from trainwright.models.plain import Plain


@pytest.mark.parametrize(("width", "depth", "img_size", "stages"), [(6, 1, 8, 2), (8, 2, 28, 3), (4, 3, 64, 4)])
def test_parameters_counted_by_hand(width: int, depth: int, img_size: int, stages: int) -> None:
    net = Plain(classes=5, channels=3, img_size=img_size, width=width, depth=depth)
    total, before = 0, 3
    for stage in range(stages):
        for _ in range(depth):
            after = width * 2**stage
            total += 9 * before * after + 2 * after
            before = after
    total += before * 5 + 5
    assert sum(parameter.numel() for parameter in net.parameters()) == total


def test_layers_follow_one_another_without_a_way_around() -> None:
    net = Plain(classes=5, channels=1, img_size=28, width=8, depth=2)
    kinds = [[type(layer).__name__ for layer in stage.children()] for stage in net.stages]
    unit = ["Conv2d", "BatchNorm2d", "ReLU"]
    assert kinds == [[*unit, *unit, "MaxPool2d"], [*unit, *unit, "MaxPool2d"], [*unit, *unit]]
    assert not any(isinstance(module, nn.Identity) for module in net.modules())
