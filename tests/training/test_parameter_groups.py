"""Which parameters decay, and how fast each layer learns."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwright.models import build_model, layer_numbers
from trainwright.recipe import InitSection, ModelSection, OptimSection
from trainwright.training.optimizers import OPTIMIZERS, build_optimizer
from trainwright.training.parameter_groups import parameter_groups, top_rate
from trainwright.training.step import set_rate


def by_name(model: nn.Module, weight_decay: float = 0.1, layer_decay: float = 1.0) -> dict[str, tuple[float, float]]:
    """Gives (share of the rate, weight decay) of every trainable parameter."""
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    groups = parameter_groups(model, weight_decay, layer_decay)
    return {names[id(p)]: (group["lr_scale"], group["weight_decay"]) for group in groups for p in group["params"]}


def test_only_filters_and_matrices_decay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(4, 2))
    decayed, spared = parameter_groups(model, 0.1)
    assert [tuple(p.shape) for p in decayed["params"]] == [(4, 1, 3, 3), (2, 4)]
    assert decayed["weight_decay"] == 0.1
    assert spared["weight_decay"] == 0.0
    assert len(spared["params"]) == 5


def test_a_normalization_over_several_axes_does_not_decay():
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.LayerNorm([4, 2, 2]), nn.RMSNorm([4, 2, 2]))
    assert {name for name, (_, decay) in by_name(model).items() if decay > 0} == {"0.weight"}


@pytest.mark.parametrize("name", sorted(OPTIMIZERS))
def test_without_a_gradient_only_filters_and_matrices_move(name):
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.PReLU(2), nn.Linear(2, 2))
    before = {key: parameter.detach().clone() for key, parameter in model.named_parameters()}
    optimizer = build_optimizer(OptimSection(name=name, lr=0.1, weight_decay=1.0), model)
    for parameter in model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    moved = {key for key, parameter in model.named_parameters() if not torch.equal(parameter, before[key])}
    assert moved == {"0.weight", "3.weight"}


@pytest.mark.parametrize("name", ["small-resnet", "plain"])
def test_rates_of_our_nets_fall_layer_by_layer_towards_the_input(name):
    section = ModelSection(name=name, width=4, depth=2)
    model = build_model(section, classes=3, channels=1, img_size=28)
    shares = by_name(model, layer_decay=0.5)
    assert set(shares) == {key for key, _ in model.named_parameters()}
    numbers = layer_numbers(model)
    top = max(numbers.values())
    assert {number for key, number in numbers.items() if key.startswith("head")} == {top}
    assert list(numbers.values()) == sorted(numbers.values())
    assert set(numbers.values()) == set(range(top + 1))
    assert all(share == 0.5 ** (top - numbers[key]) for key, (share, _) in shares.items())
    if name == "plain":
        below_the_head = [module for module in model.modules() if isinstance(module, nn.Conv2d)]
    else:
        below_the_head = [model.stem, *(block for stage in model.stages for block in stage)]
    assert top == len(below_the_head)


@pytest.mark.parametrize("name", ["small-resnet", "plain"])
def test_computed_weights_leave_every_layer_its_rate(name):
    section = ModelSection(name=name, width=4, depth=2)
    centered = InitSection(scheme="native", centered_weight_norm=True)
    size = {"classes": 3, "channels": 1, "img_size": 28}
    expected = by_name(build_model(section, **size), layer_decay=0.5)
    shares = by_name(build_model(section, **size, init=centered), layer_decay=0.5)
    assert any("parametrizations" in key for key in shares)
    assert {share for key, (share, _) in shares.items() if key.startswith("head")} == {1.0}
    for key, (share, _) in shares.items():
        layer, _, rest = key.partition(".parametrizations.weight.")
        assert share == expected[f"{layer}.weight" if rest else key][0], key


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "convnext_atto"])
def test_groups_of_timm_s_nets_are_those_of_timm(name):
    from timm.optim import param_groups_layer_decay

    model = build_model(ModelSection(name=name), classes=3, channels=3, img_size=32)
    spare = getattr(model, "no_weight_decay", set)()
    theirs: dict[int, tuple[float, float]] = {}
    for group in param_groups_layer_decay(model, 0.1, no_weight_decay_list=spare, layer_decay=0.7):
        theirs |= {id(p): (group["lr_scale"], group["weight_decay"]) for p in group["params"]}
    ours = by_name(model, 0.1, 0.7)
    assert len(ours) == len(theirs)
    for key, parameter in model.named_parameters():
        assert ours[key] == pytest.approx(theirs[id(parameter)]), key
    alike = by_name(model, 0.1)
    assert {key: decay for key, (_, decay) in alike.items()} == {key: decay for key, (_, decay) in ours.items()}


def test_the_schedule_moves_every_layer_by_its_share():
    model = build_model(ModelSection(name="plain", width=4, depth=1), classes=3, channels=1, img_size=8)
    section = OptimSection(lr=0.5, weight_decay=0.1, layer_decay=0.5)
    optimizer = build_optimizer(section, model)
    assert set_rate(optimizer, section, 0.25) == 0.125
    assert top_rate(optimizer) == 0.125
    layers = max(layer_numbers(model).values()) + 1
    rates = sorted({group["lr"] for group in optimizer.param_groups}, reverse=True)
    assert rates == [0.125 * 0.5**below for below in range(layers)]


def test_frozen_parameters_are_in_no_group():
    model = build_model(ModelSection(name="plain", width=4, depth=1), classes=3, channels=1, img_size=8)
    model.stages.requires_grad_(False)
    assert set(by_name(model, layer_decay=0.5)) == {"head.weight", "head.bias"}
    assert by_name(model, layer_decay=0.5)["head.weight"] == (1.0, 0.1)
