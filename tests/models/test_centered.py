"""Centered weight normalization: what the layers compute with, what is learned, what is saved."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from trainwright.errors import InputError
from trainwright.models import build_model, initialize, layer_table, plain_state
from trainwright.models.centered import CenteredWeightNorm, center_weights, set_weight
from trainwright.models.heads import affine_layers
from trainwright.recipe import InitSection, ModelSection

CENTERED = InitSection(scheme="kaiming", centered_weight_norm=True)
TINY = ModelSection(name="small-resnet", width=8, depth=1)


def tiny(img_size: int = 8) -> nn.Module:
    return build_model(TINY, classes=3, channels=1, img_size=img_size, seed=0, init=CENTERED)


@pytest.mark.parametrize("name", ["small-resnet", "plain", "resnet18", "mobilenetv3_small_100"])
def test_weights_have_mean_zero_and_the_length_of_the_gain(name):
    section = ModelSection(name=name, **({"width": 8, "depth": 1} if name in ("small-resnet", "plain") else {}))
    net = build_model(section, classes=3, channels=1, img_size=32, init=CENTERED)
    for key, layer in affine_layers(net).items():
        rows = layer.weight.detach().flatten(1)
        if rows.shape[1] == 1:
            assert not parametrize.is_parametrized(layer)
            continue
        gain_O = layer.parametrizations.weight.original1
        assert rows.mean(dim=1).abs().max() <= 1e-6, key
        torch.testing.assert_close((rows / gain_O[:, None]).norm(dim=1), torch.ones(len(rows)))


def test_the_start_is_what_the_scheme_drew_without_its_mean():
    plain = build_model(TINY, classes=3, channels=1, img_size=8, seed=0, init=InitSection(scheme="kaiming"))
    drawn = plain.state_dict()["stem.0.weight"]
    torch.testing.assert_close(plain_state(tiny())["stem.0.weight"], drawn - drawn.mean(dim=(1, 2, 3), keepdim=True))


def test_the_gradient_is_that_of_the_formula():
    torch.manual_seed(0)
    proxy = torch.randn(3, 2, 2, 2, dtype=torch.float64, requires_grad=True)
    gain_O = torch.rand(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(CenteredWeightNorm(), (proxy, gain_O))


def test_proxy_and_gain_invert_the_weights():
    norm = CenteredWeightNorm()
    weight = torch.randn(4, 6, dtype=torch.float64)
    weight -= weight.mean(dim=1, keepdim=True)
    torch.testing.assert_close(norm(*norm.right_inverse(weight)), weight)


def test_steps_leave_the_weights_centered_and_move_the_gain():
    net = tiny()
    before = {name: parameter.clone() for name, parameter in net.named_parameters()}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(torch.randn(8, 1, 8, 8)), torch.arange(8) % 3).backward()
        optimizer.step()
    conv = affine_layers(net)["stem.0"]
    assert conv.weight.flatten(1).mean(dim=1).abs().max() <= 1e-6
    # In front of a normalization the gain has no gradient but rounding; in the head it has.
    for key in ("stem.0.parametrizations.weight.original0", "head.parametrizations.weight.original1"):
        assert not torch.equal(dict(net.named_parameters())[key], before[key])


def test_only_the_proxy_decays():
    """The gain is a vector, and the optimizer's groups know vectors by their shape."""
    shapes = {name: parameter.ndim for name, parameter in tiny().named_parameters() if "parametrizations" in name}
    assert {name.rpartition(".")[2]: ndim for name, ndim in shapes.items() if "head" not in name} == {
        "original0": 4,
        "original1": 1,
    }


def test_saved_weights_are_those_of_a_net_that_knows_nothing_of_it():
    net = tiny().eval()
    twin = build_model(TINY, classes=3, channels=1, img_size=8).eval()
    twin.load_state_dict(plain_state(net))
    images_NCHW = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        assert torch.equal(twin(images_NCHW), net(images_NCHW))
    assert plain_state(twin).keys() == twin.state_dict().keys()


def test_a_layer_of_its_own_is_saved_by_its_own_name():
    layer = nn.Linear(4, 2)
    center_weights(layer)
    assert plain_state(layer).keys() == {"weight", "bias"}


def test_it_can_be_copied():
    net = tiny()
    twin = copy.deepcopy(net)
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), twin.parameters(), strict=True))


def test_the_table_of_layers_counts_what_is_learned_and_knows_the_layers_again():
    net = tiny()
    rows = layer_table(net, channels=1, img_size=8)
    plain = layer_table(build_model(TINY, classes=3, channels=1, img_size=8), channels=1, img_size=8)
    assert [(row.name, row.kind, row.multiply_adds) for row in rows] == [
        (row.name, row.kind, row.multiply_adds) for row in plain
    ]
    assert sum(row.parameters for row in rows) == sum(parameter.numel() for parameter in net.parameters())


def test_weights_can_be_set_as_they_are_used():
    for centered in (False, True):
        layer = nn.Linear(6, 4)
        if centered:
            center_weights(layer)
        wanted = 3 * layer.weight.detach()
        set_weight(layer, wanted)
        torch.testing.assert_close(layer.weight, wanted)


def test_equal_weights_are_refused_by_the_layers_name():
    net = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    nn.init.constant_(net[1].weight, 0.1)
    with pytest.raises(InputError, match="the layer '1' starts with equal weights") as caught:
        initialize(net, InitSection(scheme="native", centered_weight_norm=True))
    assert "init.centered_weight_norm" in str(caught.value)
