"""What is measured in every layer, against NumPy and autograd; and that the net is left as it was."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from trainwright.models import build_model, layer_signals, layer_table
from trainwright.models.normalizations import BatchInstanceNorm2d
from trainwright.models.signals import BINS, PASSED_ON, SATURATED
from trainwright.recipe import InitSection, ModelSection


def small_net() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(inplace=True),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(3 * 16, 4),
        nn.Tanh(),
    )


def test_moments_shares_and_histogram_are_those_of_numpy():
    net = small_net()
    images_NCHW = torch.randn(8, 1, 6, 6)
    rows = layer_signals(net, images_NCHW)
    assert [row.kind for row in rows] == ["Conv2d", "BatchNorm2d", "ReLU", "Linear", "Tanh"]
    net[3].eval()
    values = images_NCHW
    for layer, row in zip((layer for layer in net if type(layer).__name__ not in PASSED_ON), rows, strict=True):
        with torch.no_grad():
            values = layer(values.flatten(1) if isinstance(layer, nn.Linear) else values.clone())
        numbers = values.numpy().astype(np.float64)
        assert row.output_shape == tuple(values.shape[1:])
        assert (row.mean, row.std) == pytest.approx((numbers.mean(), numbers.std()), abs=1e-6)
        assert row.zeros == (numbers == 0).mean()
        assert (row.low, row.high) == pytest.approx((numbers.min(), numbers.max()), abs=1e-6)
        assert sum(row.counts) == numbers.size
        assert len(row.counts) == BINS
        expected = np.histogram(numbers, BINS)[0]
        assert np.abs(np.cumsum(row.counts) - np.cumsum(expected)).max() <= 2  # rounding at the edges of bins


def test_gradients_are_those_of_each_pictures_own_loss():
    net = nn.Sequential(nn.Linear(4, 5), nn.ReLU(inplace=True), nn.Linear(5, 3))
    inputs_NF, labels_N = torch.randn(6, 4), torch.arange(6) % 3
    rows = layer_signals(net, inputs_NF, lambda logits_NK: nn.functional.cross_entropy(logits_NK, labels_N))
    hidden_NF = net[0](inputs_NF).detach().requires_grad_()
    logits_NK = net[2](hidden_NF.relu())
    (gradient_NF,) = torch.autograd.grad(nn.functional.cross_entropy(logits_NK, labels_N, reduction="sum"), hidden_NF)
    assert rows[0].gradient_std == pytest.approx(gradient_NF.std(correction=0).item(), rel=1e-5)
    probabilities_NK = logits_NK.detach().softmax(dim=1)
    last_NK = probabilities_NK - nn.functional.one_hot(labels_N, 3)
    assert rows[2].gradient_std == pytest.approx(last_NK.std(correction=0).item(), rel=1e-5)
    assert layer_signals(net, inputs_NF)[0].gradient_std is None


@pytest.mark.parametrize(
    ("activation", "slope"), [(nn.Tanh(), lambda y: 1 - y**2), (nn.Sigmoid(), lambda y: 4 * y * (1 - y))]
)
def test_saturated_is_where_the_slope_is_below_a_twentieth(activation, slope):
    inputs_N = torch.linspace(-8, 8, 4001)[None]
    (row,) = layer_signals(nn.Sequential(activation), inputs_N)
    y = activation(inputs_N)
    assert row.saturated == pytest.approx((slope(y) < 0.05).double().mean().item(), abs=1e-3)
    assert 0.3 < row.saturated < 0.9
    assert type(activation).__name__ in SATURATED


def test_numbers_that_are_not_finite_do_not_hide_the_others():
    class Broken(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.tensor([[1.0, math.inf, 3.0, math.nan]])

    (row,) = layer_signals(nn.Sequential(Broken()), torch.zeros(1))
    assert not math.isfinite(row.mean)
    assert (row.low, row.high, sum(row.counts)) == (1.0, 3.0, 2)


def test_an_output_without_a_finite_number_has_an_empty_histogram():
    class Lost(nn.Module):
        def forward(self, images: Tensor) -> Tensor:
            return torch.full((2, 2), math.nan)

    (row,) = layer_signals(nn.Sequential(Lost()), torch.zeros(1))
    assert sum(row.counts) == 0


def test_outputs_of_whole_numbers_and_of_several_tensors_are_passed_over():
    class Pair(nn.Module):
        def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
            return images, images

    class Count(nn.Module):
        def forward(self, pair: tuple[Tensor, Tensor]) -> Tensor:
            return pair[0].long()

    assert layer_signals(nn.Sequential(Pair(), Count()), torch.zeros(2, 2)) == []


def test_the_net_is_left_as_it_was():
    section = ModelSection(name="small-resnet", width=8, depth=1, dropout=0.5)
    init = InitSection(scheme="kaiming", centered_weight_norm=True)
    net = build_model(section, classes=3, channels=1, img_size=8, init=init)
    net.get_submodule("stages.0").eval()
    for parameter in net.parameters():
        parameter.grad = torch.ones_like(parameter)
    before, modes = copy.deepcopy(net.state_dict()), [module.training for module in net.modules()]
    drawn = torch.get_rng_state()
    rows = layer_signals(net, torch.randn(4, 1, 8, 8, generator=torch.Generator().manual_seed(0)), torch.mean)
    assert torch.equal(torch.get_rng_state(), drawn)
    assert [module.training for module in net.modules()] == modes
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert all((parameter.grad == 1).all() for parameter in net.parameters())
    assert not any(module._forward_hooks for module in net.modules())
    assert not any("parametrizations" in row.name or row.kind.startswith("Parametrized") for row in rows)


def test_batch_instance_normalization_is_one_layer():
    """What it gives out is told, and not that of the batch normalization inside of it."""
    torch.manual_seed(0)
    norm = BatchInstanceNorm2d(3)
    norm.rho.data.fill_(0.5)
    norm.weight.data.fill_(2.0)
    norm.bias.data.fill_(1.0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), norm, nn.ReLU())
    images_NCHW = torch.randn(4, 1, 8, 8)
    rows = layer_signals(model, images_NCHW, lambda maps: maps.square().mean())
    assert [(row.name, row.kind) for row in rows] == [("0", "Conv2d"), ("1", "BatchInstanceNorm2d"), ("2", "ReLU")]
    out = norm.train()(model[0](images_NCHW)).detach()
    assert rows[1].mean == pytest.approx(out.mean().item(), abs=1e-6)
    assert rows[1].std == pytest.approx(out.std(correction=0).item(), rel=1e-5)
    assert rows[1].gradient_std > 0
    table = [(row.name, row.parameters) for row in layer_table(model, channels=1, img_size=8)]
    assert table == [("0", 30), ("1", 9), ("2", 0)]
