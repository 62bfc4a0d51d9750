"""Folded nets answer as those they were made of, in random states that no normalization is neutral in."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from trainwright.errors import InputError
from trainwright.models import build_model, fuse
from trainwright.models.drops import drop_connections
from trainwright.recipe import ModelSection

FULLY = ["resnet18", "mobilenetv3_small_100", "efficientnet_lite0", "regnetx_002"]


def stirred(model: nn.Module) -> nn.Module:
    """Gives normalizations scales, shifts and statistics that matter."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor, low in ((module.running_var, 0.5), (module.running_mean, -0.5)):
                tensor.uniform_(low, low + 1)
            if module.affine:
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.uniform_(module.bias, -0.5, 0.5)
    return model.eval()


def norms(model: nn.Module) -> int:
    return sum(isinstance(module, nn.BatchNorm2d) for module in model.modules())


def check(model: nn.Module, img_size: int) -> nn.Module:
    before = {key: value.clone() for key, value in model.state_dict().items()}
    fused = fuse(model, channels=3, img_size=img_size)
    images_NCHW = torch.randn(4, 3, img_size, img_size)
    with torch.no_grad():
        expected_NK = model(images_NCHW)
        torch.testing.assert_close(fused(images_NCHW), expected_NK, atol=1e-4 * expected_NK.std().item(), rtol=1e-4)
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    return fused


@pytest.mark.parametrize("name", ["small-resnet", "plain"])
@pytest.mark.parametrize("activation", ["native", "maxout", "prelu"])
def test_our_nets_lose_every_batch_normalization(name, activation):
    section = ModelSection(name=name, width=8, depth=2, activation=activation)
    model = stirred(build_model(section, classes=4, channels=3, img_size=28))
    assert norms(check(model, 28)) == 0


@pytest.mark.parametrize("name", FULLY)
def test_so_do_timm_models_with_convolutions_in_front(name):
    model = stirred(build_model(ModelSection(name=name), classes=4, channels=3, img_size=64))
    assert norms(check(model, 64)) == 0


def test_what_stands_behind_several_convolutions_at_once_stays():
    section = ModelSection(name="plain", width=8, depth=1, aspp=1)
    assert norms(check(stirred(build_model(section, classes=4, channels=3, img_size=28)), 28)) == 1


def test_what_stands_in_front_of_a_convolution_stays():
    model = stirred(build_model(ModelSection(name="densenet121"), classes=4, channels=3, img_size=64))
    assert 0 < norms(check(model, 64)) < norms(model)


@pytest.mark.parametrize("name", ["levit_128s", "efficientformer_l1"])
def test_what_a_net_keeps_of_earlier_pictures_is_not_copied(name):
    model = stirred(build_model(ModelSection(name=name), classes=4, channels=3, img_size=224))
    model(torch.zeros(1, 3, 224, 224))
    fuse(model, channels=3, img_size=224)
    assert not any(module.training for module in model.modules())


class Branched(nn.Module):
    """Uses what its convolution gives out twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)

    def forward(self, images_NCHW: torch.Tensor) -> torch.Tensor:
        maps_NFHW = self.convolution(images_NCHW)
        return (self.norm(maps_NFHW) + maps_NFHW).mean((2, 3))


class Twice(nn.Module):
    """Runs one convolution and one normalization twice."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution, self.norm = nn.Conv2d(3, 3, 3, padding=1), nn.BatchNorm2d(3)

    def forward(self, images_NCHW: torch.Tensor) -> torch.Tensor:
        return self.norm(self.convolution(self.norm(self.convolution(images_NCHW))))


@pytest.mark.parametrize("model", [Branched(), Twice(), nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4))])
def test_what_cannot_be_folded_is_told(model):
    with pytest.raises(InputError, match="no batch normalization stands right behind a convolution"):
        fuse(stirred(model), channels=3, img_size=16)


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("plain", {"normalization": "none"}, "Plain with model.normalization: none"),
        ("plain", {"normalization": "layer"}, "Plain with model.normalization: layer (GroupNorm)"),
        (
            "plain",
            {"normalization": "batch-instance"},
            "Plain with model.normalization: batch-instance (BatchInstanceNorm2d)",
        ),
        ("convnext_atto", {}, "ConvNeXt with LayerNorm2d"),
    ],
)
def test_the_normalization_that_cannot_be_folded_is_named(name, given, says):
    sizes = {"width": 4, "depth": 1} if name == "plain" else {}
    section = ModelSection(name=name, **sizes, **given)
    model = build_model(section, classes=4, channels=3, img_size=32)
    with pytest.raises(InputError) as caught:
        fuse(model, channels=3, img_size=32, normalization=section.normalization)
    assert caught.value.got == says


def test_weights_that_are_computed_are_left_alone():
    model = build_model(ModelSection(name="plain", width=4, depth=1), classes=4, channels=3, img_size=16)
    drop_connections(model, 0.5)
    with pytest.raises(InputError, match="no batch normalization"):
        fuse(model, channels=3, img_size=16)


def test_instance_and_batch_mixed_are_left_alone():
    section = ModelSection(name="plain", width=4, depth=1, normalization="batch-instance")
    with pytest.raises(InputError, match="no batch normalization"):
        fuse(build_model(section, classes=4, channels=3, img_size=16), channels=3, img_size=16)
