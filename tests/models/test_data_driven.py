"""LSUV and the data-dependent scheme: unit variances, equal rates of change, and layers for which there are none."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models import build_model, initialize, layer_signals
from trainwright.models.data_driven import MOST_SCALED, fit_to_pictures
from trainwright.models.heads import affine_layers
from trainwright.models.signals import first_step
from trainwright.recipe import InitSection, ModelSection

LSUV = InitSection(scheme="lsuv", head="scheme")
DATA_DEPENDENT = InitSection(scheme="data-dependent", head="scheme")
WEIGHTED = ("Conv2d", "Linear")


def pictures(channels: int = 1, img_size: int = 16, number: int = 64) -> Tensor:
    return 1.5 * torch.rand(number, channels, img_size, img_size, generator=torch.Generator().manual_seed(3))


def chain(activation: type[nn.Module] = nn.ReLU, bias: bool = True) -> nn.Sequential:
    """A net without normalization, whose layers differ much in size."""
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(1, 12, 3, bias=bias),
        activation(),
        nn.Conv2d(12, 24, 3, groups=2, bias=bias),
        activation(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(24 * 36, 50, bias=bias),
        activation(),
        nn.Linear(50, 5, bias=bias),
    )


def net_of(name: str, init: InitSection) -> nn.Module:
    size = {"width": 8, "depth": 2} if name in ("small-resnet", "plain") else {}
    section = ModelSection(name=name, **size)
    return build_model(section, classes=5, channels=1, img_size=32, init=init)


@pytest.mark.parametrize("centered", [False, True])
@pytest.mark.parametrize("name", ["chain", "small-resnet", "plain", "resnet18", "vit_tiny_patch16_224"])
def test_lsuv_gives_every_layer_unit_variance(name, centered):
    init = InitSection(scheme="lsuv", head="scheme", centered_weight_norm=centered)
    images_NCHW = pictures(img_size=16 if name == "chain" else 32)
    net = chain() if name == "chain" else net_of(name, init)
    if name == "chain":
        initialize(net, init)
    fit_to_pictures(net, init, images_NCHW, seed=0)
    rows = [row for row in layer_signals(net, images_NCHW) if row.kind in WEIGHTED]
    assert len(rows) == len(affine_layers(net))
    assert [row.std for row in rows] == pytest.approx([1.0] * len(rows), abs=0.01)


def test_lsuv_keeps_directions():
    net = chain()
    initialize(net, LSUV)
    before = {name: layer.weight.detach().clone() for name, layer in affine_layers(net).items()}
    fit_to_pictures(net, LSUV, pictures(), seed=0)
    for name, layer in affine_layers(net).items():
        ratio = layer.weight.detach() / before[name]
        torch.testing.assert_close(ratio, torch.full_like(ratio, ratio.mean().item()), rtol=1e-4, atol=0)


@pytest.mark.parametrize("init", [LSUV, DATA_DEPENDENT])
def test_the_small_head_stays_and_nothing_else_is_left_behind(init):
    init = init.model_copy(update={"head": "small"})
    net = net_of("small-resnet", init)
    net.get_submodule("stages.1").eval()
    head = net.get_submodule("head")
    assert isinstance(head, nn.Linear)
    before = copy.deepcopy(head.state_dict())
    buffers = {name: buffer.clone() for name, buffer in net.named_buffers()}
    modes = [module.training for module in net.modules()]
    drawn = torch.get_rng_state()
    fit_to_pictures(net, init, pictures(img_size=32), seed=0)
    assert all(torch.equal(before[name], value) for name, value in head.state_dict().items())
    assert all(torch.equal(buffers[name], buffer) for name, buffer in net.named_buffers())
    assert [module.training for module in net.modules()] == modes
    assert torch.equal(torch.get_rng_state(), drawn)
    assert not any(module._forward_hooks for module in net.modules())
    assert all(parameter.grad is None for parameter in net.parameters())


@pytest.mark.parametrize("init", [LSUV, DATA_DEPENDENT])
def test_it_is_a_function_of_net_pictures_and_seed(init):
    first, again = (net_of("plain", init) for _ in range(2))
    for net in (first, again):
        fit_to_pictures(net, init, pictures(img_size=32), seed=4)
    assert all(torch.equal(a, b) for a, b in zip(first.parameters(), again.parameters(), strict=True))


def rates_of(net: nn.Module, images_NCHW: Tensor, seed: int) -> dict[str, float]:
    """The quotient of the paper worked out anew: root mean squares of gradient and weights under a random loss."""
    with first_step(net):
        logits_NK = net(images_NCHW)
        eta_NK = torch.randn(logits_NK.shape, generator=torch.Generator().manual_seed(seed))
        (logits_NK * eta_NK).sum().backward()
        return {
            name: (layer.weight.grad.square().mean().sqrt() / layer.weight.detach().square().mean().sqrt()).item()
            for name, layer in affine_layers(net).items()
        }


def spread(values: list[float]) -> float:
    return max(values) / min(values)


@pytest.mark.parametrize("bias", [True, False])
def test_a_chain_changes_at_one_rate_and_answers_as_before(bias):
    net = chain(bias=bias)
    initialize(net, DATA_DEPENDENT)
    within = copy.deepcopy(net)
    by_layer = layer_signals(within, pictures())
    assert spread([row.std for row in by_layer if row.kind in WEIGHTED]) > 1.5
    fit_to_pictures(net, DATA_DEPENDENT, pictures(), seed=5)
    rates = list(rates_of(net, pictures(), seed=5).values())
    assert spread(rates) == pytest.approx(1, abs=1e-3)
    with torch.no_grad():
        logits_NK = net(pictures())
    # The last layer's outputs have mean 0 (where there is a bias to make it) and deviation 1, whatever lies before.
    torch.testing.assert_close(logits_NK.std(dim=0), torch.ones(5), rtol=0.01, atol=0)
    if bias:
        torch.testing.assert_close(logits_NK.mean(dim=0), torch.zeros(5), rtol=0, atol=1e-3)


def test_every_output_of_a_layer_has_mean_zero_and_one_deviation():
    net = chain()
    initialize(net, DATA_DEPENDENT)
    fit_to_pictures(net, DATA_DEPENDENT, pictures(), seed=5)
    maps_NFHW = pictures()
    with torch.no_grad():
        for layer in net:
            maps_NFHW = layer(maps_NFHW)
            if type(layer).__name__ in WEIGHTED:
                stds_F, means_F = torch.std_mean(maps_NFHW.movedim(1, 0).flatten(1), dim=1)
                torch.testing.assert_close(stds_F, stds_F.mean().expand_as(stds_F), rtol=1e-3, atol=0)
                assert (means_F.abs() <= 1e-3 * stds_F).all()


def test_layers_in_front_of_normalizations_change_at_the_rate_of_the_head():
    net = net_of("plain", DATA_DEPENDENT)
    fit_to_pictures(net, DATA_DEPENDENT, pictures(img_size=32), seed=5)
    rates = rates_of(net, pictures(img_size=32), seed=5)
    assert len(rates) == 7
    assert spread(list(rates.values())) == pytest.approx(1, abs=0.02)


def test_a_layer_that_no_gradient_reaches_is_left_at_unit_variance():
    """Behind the first normalizations of residual branches stands a scale of 0."""
    net = net_of("small-resnet", DATA_DEPENDENT)
    fit_to_pictures(net, DATA_DEPENDENT, pictures(img_size=32), seed=5)
    rates = rates_of(net, pictures(img_size=32), seed=5)
    silent = [name for name, rate in rates.items() if rate == 0]
    assert silent
    assert all("conv" in name for name in silent)
    assert spread([rate for rate in rates.values() if rate > 0]) == pytest.approx(1, abs=0.02)
    stds_F: dict[str, Tensor] = {}
    for name in silent:
        net.get_submodule(name).register_forward_hook(
            lambda _layer, _inputs, maps_NFHW, name=name: stds_F.update({name: maps_NFHW.std(dim=(0, 2, 3))})
        )
    with first_step(net), torch.no_grad():
        net(pictures(img_size=32))
    assert list(stds_F) == silent
    assert all(torch.allclose(std_F, torch.ones_like(std_F), atol=0.01) for std_F in stds_F.values())


def test_layers_whose_scale_nothing_undoes_keep_it():
    """A tanh is not in proportion to its input, so that each layer in front of one stays at unit variance."""
    net = chain(nn.Tanh)
    initialize(net, DATA_DEPENDENT)
    fit_to_pictures(net, DATA_DEPENDENT, pictures(), seed=5)
    rows = [row for row in layer_signals(net, pictures()) if row.kind in WEIGHTED]
    assert [row.std for row in rows] == pytest.approx([1.0] * 4, abs=0.01)


def test_a_normalization_lets_a_layer_be_scaled_only_so_far():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 5))
    net[1].weight.data.fill_(1e-6)
    initialize(net, DATA_DEPENDENT)
    fit_to_pictures(net, DATA_DEPENDENT, pictures(), seed=0)
    assert layer_signals(net, pictures())[0].std >= 0.99 / MOST_SCALED


@pytest.mark.parametrize("init", [LSUV, DATA_DEPENDENT])
def test_a_constant_output_is_refused_by_the_layers_name(init):
    net = chain(bias=False)
    initialize(net, init)
    with pytest.raises(InputError, match="the layer '0' gives out the same number for all pictures") as caught:
        fit_to_pictures(net, init, torch.zeros(8, 1, 16, 16), seed=0)
    assert "standard deviation 0" in str(caught.value)
    assert "init.scheme=kaiming" in str(caught.value)


def test_a_single_constant_output_is_named_too():
    net = chain()
    initialize(net, DATA_DEPENDENT)
    with torch.no_grad():
        net[2].weight[7] = 0
    with pytest.raises(InputError, match=r"the layer '2' .*\n.*\n  got: standard deviation 0 in output 7 of 24"):
        fit_to_pictures(net, DATA_DEPENDENT, pictures(), seed=0)


@pytest.mark.parametrize("init", [LSUV, DATA_DEPENDENT])
def test_a_layer_that_scales_its_own_weights_is_refused(init):
    """timm's ScaledStdConv2d standardizes weights in every forward pass, so that their scale does nothing."""
    from timm.layers import ScaledStdConv2d

    net = nn.Sequential(ScaledStdConv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 196, 2))
    initialize(net, init)
    with pytest.raises(InputError, match="the output of the layer '0' does not follow the scale of its weights"):
        fit_to_pictures(net, init, 7 * pictures(), seed=0)


def test_a_layer_called_twice_is_scaled_by_its_first_call():
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(16, 16)

        def forward(self, images_NCHW: Tensor) -> Tensor:
            return self.layer(self.layer(images_NCHW))

    net = Twice()
    initialize(net, LSUV)
    fit_to_pictures(net, LSUV, pictures(), seed=0)
    rows = layer_signals(net, pictures())
    assert [row.name for row in rows] == ["layer", "layer, call 2"]
    assert rows[0].std == pytest.approx(1, abs=0.01)


def test_other_schemes_look_at_no_pictures():
    net = chain()
    before = copy.deepcopy(net.state_dict())
    fit_to_pictures(net, InitSection(scheme="kaiming"), torch.zeros(0), seed=0)
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
