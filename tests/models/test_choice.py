from __future__ import annotations

import pytest
import torch

from trainwright.models.building import build_model
from trainwright.models.choice import choose_model
from trainwright.recipe.model import ModelSection


def chosen(section: ModelSection | None = None, **situation: object) -> dict[str, object]:
    everything = {"img_size": 28, "channels": 1, "classes": 10, "pictures": 55_000, "device": "cpu", **situation}
    choices = choose_model(section or ModelSection(), **everything)  # pyright: ignore[reportArgumentType]
    return {choice.key: choice.value for choice in choices}


@pytest.mark.parametrize(
    ("img_size", "pictures", "device", "name"),
    [
        (8, 1_500, "cpu", "small-resnet"),
        (28, 55_000, "cpu", "small-resnet"),
        (96, 5_000, "cuda", "small-resnet"),
        (97, 5_000, "cpu", "regnetx_002"),
        (224, 500_000, "cpu", "regnetx_002"),
        (224, 5_000, "cuda:1", "resnet18"),
        (224, 500_000, "cuda", "resnet50"),
        (224, 5_000, "mps", "resnet18"),
    ],
)
def test_names(img_size: int, pictures: int, device: str, name: str) -> None:
    assert chosen(img_size=img_size, pictures=pictures, device=device)["model.name"] == name


def test_width_and_depth_of_our_own_nets() -> None:
    assert chosen() == {"model.name": "small-resnet", "model.width": 32, "model.depth": 2}
    assert chosen(img_size=8) == {"model.name": "small-resnet", "model.width": 32, "model.depth": 1}
    assert chosen(device="cuda")["model.width"] == 32
    assert chosen(device="cuda", img_size=8)["model.width"] == 32
    assert chosen(ModelSection(name="plain")) == {"model.width": 64, "model.depth": 2}


def test_what_the_user_gave_is_left_alone() -> None:
    assert chosen(ModelSection(name="plain", width=16, depth=3)) == {}
    assert chosen(ModelSection(width=16)) == {"model.name": "small-resnet", "model.depth": 2}


def test_timm_models_have_no_width_and_depth() -> None:
    assert chosen(ModelSection(name="resnet34")) == {}
    assert chosen(img_size=224) == {"model.name": "regnetx_002"}


@pytest.mark.parametrize("img_size", [28, 224])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_reasons_carry_the_numbers(img_size: int, device: str) -> None:
    choices = choose_model(ModelSection(), img_size=img_size, channels=3, classes=7, pictures=12_345, device=device)
    for choice in choices:
        assert f"12,345 color pictures of {img_size}×{img_size} pixels in 7 classes" in choice.reason
        assert ("on a CPU" if device == "cpu" else "on cuda") in choice.reason


@pytest.mark.parametrize("img_size", [4, 8, 28, 96, 128])
@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_what_is_chosen_can_be_built(img_size: int, device: str) -> None:
    values = {key.removeprefix("model."): value for key, value in chosen(img_size=img_size, device=device).items()}
    section = ModelSection(**values)  # pyright: ignore[reportArgumentType]
    net = build_model(section, classes=3, channels=1, img_size=img_size).eval()
    assert net(torch.zeros(1, 1, img_size, img_size)).shape == (1, 3)


LARGE = {"img_size": 224, "channels": 3, "classes": 2, "pictures": 5_000, "task": "classification"}


@pytest.mark.parametrize("device", ["cpu", "cuda"])
@pytest.mark.parametrize(
    ("given", "name", "why"),
    [
        ({"width": 16}, "small-resnet", "model.width is given, and only our own nets take it"),
        ({"depth": 1}, "small-resnet", "model.depth is given"),
        ({"aspp": 1}, "small-resnet", "model.aspp is given"),
        ({"dilation": 2}, "small-resnet", "model.dilation is given"),
        ({"spatial_dropout": 0.1}, "small-resnet", "model.spatial_dropout is given"),
        ({"activation": "maxout"}, "small-resnet", "model.activation is given"),
        ({"normalization": "none"}, "small-resnet", "model.normalization is given"),
        ({"pooling": "stride"}, "plain", "model.pooling is given, and only plain has it"),
        ({"pooling": "max", "width": 16}, "plain", "model.pooling is given, and only plain has it"),
    ],
)
def test_what_only_our_nets_take_chooses_one_of_them(device, given, name, why):
    asked_for = [f"model.{field}" for field in given]
    first = choose_model(ModelSection(**given), **LARGE, device=device, asked_for=asked_for)[0]
    assert (first.key, first.value) == ("model.name", name)
    assert why in first.reason


def test_what_timm_takes_too_leaves_the_choice_alone():
    given = {"activation": "gelu", "dropout": 0.1, "stochastic_depth": 0.1, "normalization": "group"}
    asked_for = [f"model.{field}" for field in given]
    assert choose_model(ModelSection(**given), **LARGE, device="cpu", asked_for=asked_for)[0].value == "regnetx_002"


def test_pooling_asks_for_plain_on_small_pictures_too():
    asked_for = ["model.pooling"]
    assert chosen(ModelSection(pooling="average"), asked_for=asked_for) == {
        "model.name": "plain",
        "model.width": 64,
        "model.depth": 2,
    }


@pytest.mark.parametrize("normalization", ["native", "batch", "instance", "layer", "group", "batch-instance"])
def test_the_net_that_is_chosen_for_large_pictures_takes_the_normalization(normalization):
    section = ModelSection(normalization=normalization)
    first = choose_model(section, **LARGE, device="cpu", asked_for=["model.normalization"])[0]
    build_model(section.model_copy(update={"name": first.value}), classes=2, channels=3, img_size=128)
    if normalization in ("instance", "batch-instance"):
        assert f"it takes model.normalization: {normalization}, which regnetx_002 does not" in first.reason
