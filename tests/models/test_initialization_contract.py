"""What every scheme of initialization keeps to, on every kind of net; a new one is tested by standing in SCHEMES."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainwright.models import build_model, initialize
from trainwright.models.data_driven import SCHEMES_ON_PICTURES, fit_to_pictures
from trainwright.models.heads import affine_layers, head_layers
from trainwright.models.initialization import SCHEMES
from trainwright.recipe import InitSection, ModelSection

NETS = {
    "small-resnet": ModelSection(name="small-resnet", width=8, depth=1),
    "plain": ModelSection(name="plain", width=8, depth=1),
    "timm": ModelSection(name="test_resnet"),
}
CLASSES, SIZE = 5, 32
UNDRAWN = ("native", "zeros")
"""Schemes that draw nothing of their own."""
IMAGES = torch.randn(24, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))

every_net = pytest.mark.parametrize("net", sorted(NETS))
every_scheme = pytest.mark.parametrize("scheme", sorted(SCHEMES))
all_that_draw = pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - set(UNDRAWN)))
all_that_set = pytest.mark.parametrize("scheme", sorted(set(SCHEMES) - {"native"}))


def started(scheme: str, net: str, *, seed: int = 1, head: str = "small") -> nn.Module:
    """Builds a net as training does, the look at pictures included."""
    init = InitSection.model_validate({"scheme": scheme} | ({} if scheme in UNDRAWN else {"head": head}))
    model = build_model(NETS[net], classes=CLASSES, channels=3, img_size=SIZE, seed=seed, init=init)
    fit_to_pictures(model, init, IMAGES, seed=seed)
    return model


def weights(model: nn.Module) -> dict[str, Tensor]:
    return {f"{name}.weight": layer.weight.detach() for name, layer in affine_layers(model).items()}


@every_scheme
@every_net
def test_the_seed_decides_and_nothing_else(scheme, net):
    one = started(scheme, net).state_dict()
    torch.rand(11)
    before = torch.get_rng_state()
    other = started(scheme, net).state_dict()
    assert torch.equal(torch.get_rng_state(), before), "the generator of the caller stays where it was"
    assert all(torch.equal(one[key], other[key]) for key in one)


@every_scheme
@every_net
def test_another_seed_draws_every_layer_anew(scheme, net):
    one, other = (weights(started(scheme, net, seed=seed)) for seed in (1, 2))
    for key in one:
        assert torch.equal(one[key], other[key]) == (scheme == "zeros"), key


@all_that_set
@every_net
@pytest.mark.parametrize("head", ["small", "scheme"])
def test_no_weight_is_left_unset_and_nothing_else_is_touched(scheme, net, head):
    model = build_model(NETS[net], classes=CLASSES, channels=3, img_size=SIZE)
    layers = affine_layers(model)
    others = {key: value.clone() for key, value in model.state_dict().items() if key.rpartition(".")[0] not in layers}
    with torch.no_grad():
        for layer in layers.values():
            for parameter in layer.parameters():
                parameter.fill_(math.nan)
    initialize(model, InitSection.model_validate({"scheme": scheme} | ({} if scheme in UNDRAWN else {"head": head})))
    state = model.state_dict()
    assert all(value.isfinite().all() for value in state.values())
    assert all(torch.equal(state[key], value) for key, value in others.items())
    assert not any(layer.bias.any() for layer in layers.values() if layer.bias is not None)


@all_that_draw
@every_net
def test_what_it_draws_is_neither_constant_nor_lopsided(scheme, net):
    for key, weight in weights(started(scheme, net, head="scheme")).items():
        assert weight.isfinite().all(), key
        assert weight.std() > 0, key
        assert weight.mean().abs() < 5 * weight.std() / math.sqrt(weight.numel()), key


@every_scheme
@every_net
def test_the_first_answers_are_guesses_and_the_first_gradient_is_finite(scheme, net):
    model = started(scheme, net)
    logits = model(IMAGES)
    assert logits.shape == (len(IMAGES), CLASSES)
    loss = nn.functional.cross_entropy(logits, torch.arange(len(IMAGES)) % CLASSES)
    assert loss.item() == pytest.approx(math.log(CLASSES), abs=0.5)
    loss.backward()
    assert all(parameter.grad.isfinite().all() for parameter in model.parameters() if parameter.grad is not None)
    (head,) = head_layers(model).values()
    assert bool(head.weight.grad.any()) == (scheme != "zeros")


@all_that_set
@every_net
def test_biases_start_at_zero_unless_pictures_move_them(scheme, net):
    model = started(scheme, net)
    (head,) = head_layers(model).values()
    assert not head.bias.any(), "a small head stays as it is"
    if scheme not in SCHEMES_ON_PICTURES:
        assert not any(layer.bias.any() for layer in affine_layers(model).values() if layer.bias is not None)
