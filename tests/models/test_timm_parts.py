from __future__ import annotations

import pytest
import torch
from timm.layers import DropPath
from torch import nn

from trainwright.errors import InputError
from trainwright.models.building import build_model, check_model
from trainwright.models.normalizations import BatchInstanceNorm2d
from trainwright.models.timm_parts import refuse_unused
from trainwright.recipe import ModelSection


def built(name: str, img_size: int = 64, **settings: object) -> nn.Module:
    section = ModelSection(name=name, **settings)  # pyright: ignore[reportArgumentType]
    return build_model(section, classes=3, channels=3, img_size=img_size)


def refused(name: str, **settings: object) -> InputError:
    with pytest.raises(InputError) as caught:
        built(name, **settings)
    return caught.value


def kinds(model: nn.Module) -> set[str]:
    return {type(module).__name__ for module in model.modules()}


@pytest.mark.parametrize(
    ("name", "activation", "kind"),
    [
        ("resnet18", "leaky-relu", "LeakyReLU"),
        ("resnet18", "rrelu", "RReLU"),
        ("regnetx_002", "elu", "ELU"),
        ("convnext_atto", "relu", "ReLU"),
        ("vit_tiny_patch16_224", "tanh", "Tanh"),
    ],
)
def test_an_activation_is_used_everywhere(name, activation, kind):
    model = built(name, activation=activation)
    native = {"ReLU", "GELU"} - {kind}
    assert kind in kinds(model)
    assert not native & kinds(model)
    assert model.training
    assert model(torch.randn(2, 3, 64, 64)).isfinite().all()


def test_a_leaky_slope_reaches_the_model():
    slopes = {
        m.negative_slope
        for m in built("resnet18", activation="leaky-relu", leaky_slope=0.1).modules()
        if isinstance(m, nn.LeakyReLU)
    }
    assert slopes == {0.1}


@pytest.mark.parametrize(
    ("normalization", "kind"), [("group", "GroupNorm"), ("layer", "GroupNorm1"), ("instance", "InstanceNorm2d")]
)
def test_a_normalization_takes_the_place_of_all_others(normalization, kind):
    model = built("resnet18", normalization=normalization)
    assert kind in kinds(model)
    assert "BatchNorm2d" not in kinds(model)
    model(torch.randn(2, 3, 64, 64)).sum().backward()


def test_batch_instance_normalization_in_a_resnet():
    model = built("resnet18", normalization="batch-instance")
    assert sum(isinstance(module, BatchInstanceNorm2d) for module in model.modules()) == 20


def test_blocks_of_timm_are_skipped():
    rates = [m.drop_prob for m in built("resnet18", stochastic_depth=0.2).modules() if isinstance(m, DropPath)]
    assert max(rates) == pytest.approx(0.2)


def test_what_remains_is_named():
    error = refused("mobilenetv3_small_100", activation="tanh")
    assert error.problem == "the model 'mobilenetv3_small_100' does not take model.activation: tanh"
    assert error.got.startswith("relu in blocks.0.0.bn1.act, ")
    error = refused("densenet121", stochastic_depth=0.2)
    assert error.problem == "the model 'densenet121' does not take model.stochastic_depth: 0.2"
    assert "unexpected keyword argument" in error.got
    assert refused("vit_tiny_patch16_224", normalization="batch").got == "expected 4D input (got 3D input)"


def test_only_what_is_to_blame_is_named_and_larger_pictures_where_they_help():
    with pytest.raises(InputError) as caught:
        built("test_resnet", img_size=32, activation="prelu", normalization="batch-instance")
    assert caught.value.problem == "the model 'test_resnet' does not take model.normalization: batch-instance"
    assert "spatial element" in caught.value.got
    assert caught.value.hint.startswith("a larger --img-size, or leave model.normalization out")
    built("test_resnet", img_size=96, activation="prelu", normalization="batch-instance")
    assert refused("vit_tiny_patch16_224", normalization="batch").hint.startswith("leave model.normalization out")


def test_the_size_is_not_blamed_on_a_normalization():
    with pytest.raises(InputError, match="takes no pictures of 8×8 pixels"):
        built("vit_tiny_patch16_224", img_size=8, normalization="group")


@pytest.mark.parametrize(("key", "value"), [("activation", "maxout"), ("normalization", "none")])
def test_what_no_timm_model_takes_is_told_before_it_is_built(key, value):
    with pytest.raises(InputError) as caught:
        check_model(ModelSection(name="resnet18", **{key: value}))
    assert caught.value.problem == f"timm's models take no model.{key}: {value}"


@pytest.mark.parametrize(
    ("model", "settings", "got"),
    [
        (nn.Sequential(nn.Flatten()), {"activation": "tanh"}, "it runs nowhere in this model"),
        (nn.Sequential(nn.Flatten()), {"normalization": "batch"}, "it stands nowhere in this model"),
        (nn.Sequential(nn.LayerNorm(4), nn.BatchNorm2d(3)), {"normalization": "batch"}, "LayerNorm in 0"),
        (nn.Sequential(DropPath(0.0)), {"stochastic_depth": 0.1}, "no block is ever left out"),
        (nn.Sequential(nn.Tanh(), nn.ReLU()), {"activation": "tanh"}, "relu in 1"),
    ],
)
def test_arguments_that_are_taken_and_not_used_are_found_out(model, settings, got):
    with pytest.raises(InputError) as caught:
        refuse_unused(model.eval(), ModelSection(name="resnet18", **settings), torch.randn(1, 3, 4, 4))
    assert caught.value.got == got
