"""What every optimizer keeps to; a new one is tested by standing in OPTIMIZERS, and those of timm are here, too."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torch import Tensor, nn

from trainwright.recipe import OptimSection
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer
from trainwright.training.parameter_groups import set_rates

OF_TIMM = ("timm:lamb", "timm:lion", "timm:nadamw")
RATES = {"adagrad": 0.05, "timm:lion": 1e-3}
"""Rates at which Rosenbrock's valley is walked in 300 steps; 1e-3 where none is named."""
pytestmark = pytest.mark.parametrize("name", [*sorted(OPTIMIZERS), *OF_TIMM])


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(4 * 4, 2))


def steps(net: nn.Module, optimizer: torch.optim.Optimizer, count: int) -> Iterator[Tensor]:
    """Makes steps on batches that are the same in every call; yields each loss before its step."""
    draw = torch.Generator().manual_seed(1)
    for _ in range(count):
        optimizer.zero_grad()
        images, labels = torch.randn(8, 1, 4, 4, generator=draw), torch.randint(2, (8,), generator=draw)
        loss = nn.functional.cross_entropy(net(images), labels)
        loss.backward()
        yield loss
        optimizer.step()


def weights_of(net: nn.Module) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in net.named_parameters()}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return all(torch.equal(one[name], other[name]) for name in one)


def test_lowers_rosenbrock(name):
    point = nn.Parameter(torch.tensor([[-1.0, 1.5]]))
    holder = nn.Module()
    holder.point = point
    optimizer = build_optimizer(OptimSection(name=name, lr=RATES.get(name, 1e-3), weight_decay=0.0), holder)

    def rosenbrock() -> torch.Tensor:
        x, y = point[0]
        return (1 - x) ** 2 + 100 * (y - x**2) ** 2

    first = rosenbrock().item()
    for _ in range(300):
        optimizer.zero_grad()
        rosenbrock().backward()
        optimizer.step()
    assert rosenbrock().item() < 0.5 * first


def test_holds_exactly_the_trainable_parameters_and_leaves_the_others_alone(name):
    net = small_net()
    net[0].weight.requires_grad_(False)
    optimizer = build_optimizer(OptimSection(name=name, lr=0.01, weight_decay=0.1), net)
    held = [id(p) for group in optimizer.param_groups for p in group["params"]]
    assert sorted(held) == sorted(id(p) for p in net.parameters() if p.requires_grad)
    before = weights_of(net)
    list(steps(net, optimizer, 3))
    moved = {key for key, value in weights_of(net).items() if not torch.equal(value, before[key])}
    assert moved - {"0.bias"} == set(before) - {"0.weight", "0.bias"}, "the bias has a normalization behind it"


def test_a_rate_of_zero_moves_nothing(name):
    """Also no decay: whatever moves a weight is scaled by the rate, as a warm-up from 0 expects."""
    net = small_net()
    optimizer = build_optimizer(OptimSection(name=name, lr=0.1, weight_decay=0.5), net)
    set_rates(optimizer, 0.0)
    before = weights_of(net)
    list(steps(net, optimizer, 3))
    assert equal(weights_of(net), before)


def test_is_a_function_of_weights_and_gradients_alone(name):
    ended = []
    for noise in range(2):
        net = small_net()
        optimizer = build_optimizer(OptimSection(name=name, lr=0.01, weight_decay=0.01), net)
        torch.manual_seed(noise)
        list(steps(net, optimizer, 4))
        ended.append(weights_of(net))
    assert equal(*ended)


def test_a_parameter_without_a_gradient_stays(name):
    """A head that the loss does not reach in this step, say."""
    net = small_net()
    net.unused = nn.Linear(3, 3)
    optimizer = build_optimizer(OptimSection(name=name, lr=0.01, weight_decay=0.1), net)
    before = {key: value.detach().clone() for key, value in net.unused.named_parameters()}
    walked = nn.Sequential(*[net[place] for place in range(5)])
    list(steps(walked, optimizer, 3))
    assert equal(dict(net.unused.named_parameters()), before)
