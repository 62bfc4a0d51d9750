from __future__ import annotations

import math
from pathlib import Path

import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from trainwright.errors import InputError
from trainwright.models.building import build, build_model
from trainwright.models.timm_models import build_timm, check_timm_name, source_preprocessing
from trainwright.models.weights import load_weights
from trainwright.recipe.model import ModelSection


def refusal(name: str, *, img_size: int = 64) -> str:
    with pytest.raises(InputError) as caught:
        build_timm(ModelSection(name=name), classes=3, channels=3, img_size=img_size)
    return str(caught.value)


@pytest.mark.parametrize("name", ["resnet18", "mobilenetv3_small_100", "efficientnet_lite0", "regnetx_002"])
@pytest.mark.parametrize(("channels", "classes", "img_size"), [(1, 2, 32), (3, 11, 48)])
def test_any_model_is_sized_by_the_data(name: str, channels: int, classes: int, img_size: int) -> None:
    model = build_timm(ModelSection(name=name), classes=classes, channels=channels, img_size=img_size)
    assert model.training
    assert model(torch.zeros(2, channels, img_size, img_size)).shape == (2, classes)


def test_first_loss_of_resnet18_is_near_ln_k() -> None:
    model = build_model(ModelSection(name="resnet18"), classes=10, channels=3, img_size=32)
    images_NCHW = torch.randn(32, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    loss = nn.functional.cross_entropy(model(images_NCHW), torch.arange(32) % 10)
    assert loss.item() == pytest.approx(math.log(10), abs=0.5)


def test_first_weights_are_a_function_of_the_seed() -> None:
    section = ModelSection(name="mobilenetv3_small_100")
    first, again, other = (
        build_model(section, classes=3, channels=1, img_size=32, seed=seed).state_dict() for seed in (1, 1, 2)
    )
    assert all(torch.equal(first[key], again[key]) for key in first)
    assert not torch.equal(first["classifier.weight"], other["classifier.weight"])


@pytest.mark.parametrize(("img_size", "patches"), [(64, 16), (48, 9), (50, 9)])
def test_a_model_of_fixed_size_is_built_for_the_size_at_hand(img_size: int, patches: int) -> None:
    model = build_timm(ModelSection(name="vit_tiny_patch16_224"), classes=3, channels=1, img_size=img_size)
    assert model.get_parameter("pos_embed").shape[1] == patches + 1


def test_dropout_stands_in_front_of_the_head() -> None:
    model = build_timm(ModelSection(name="resnet18", dropout=0.5), classes=3, channels=1, img_size=32)
    assert model.drop_rate == 0.5


def test_a_mistyped_name_gets_the_nearest_ones() -> None:
    text = refusal("resnet81")
    assert "there is no model 'resnet81'" in text
    assert "did you mean 'resnet18' or " in text
    assert "Traceback" not in text


def test_our_own_nets_are_among_the_nearest() -> None:
    assert "did you mean 'small-resnet'" in refusal("small_resnet")


def test_a_name_like_no_other_gets_the_way_to_all_names() -> None:
    assert "prints all names" in refusal("zzzzqq")


def test_an_unknown_tag_gets_the_known_ones() -> None:
    text = refusal("resnet18.a1_in2k")
    assert "no weights with the tag 'a1_in2k' for the model 'resnet18'" in text
    assert "resnet18.a1_in1k, resnet18.a2_in1k" in text
    check_timm_name("resnet18.a1_in1k")


@pytest.mark.parametrize(
    ("name", "img_size", "native"), [("inception_v3", 32, 299), ("convnext_atto", 8, 224), ("halonet_h1", 64, 256)]
)
def test_a_picture_that_does_not_fit_is_told(name: str, img_size: int, native: int) -> None:
    text = refusal(name, img_size=img_size)
    assert f"the model '{name}' takes no pictures of {img_size}×{img_size} pixels with 3 channels" in text
    assert f"--img-size {native}" in text


def test_a_size_that_the_model_refuses_when_built_is_told() -> None:
    assert "takes no pictures of 33×33 pixels" in refusal("nest_tiny", img_size=33)


@pytest.fixture(scope="module")
def source_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of a resnet18 as timm's hub would hold them: three channels, a thousand classes."""
    torch.manual_seed(3)
    file = tmp_path_factory.mktemp("timm") / "resnet18.safetensors"
    save_file(timm.create_model("resnet18", pretrained=False).state_dict(), file)
    return file


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_file_of_weights_is_loaded_as_timm_itself_does(source_file: Path, channels: int) -> None:
    section = ModelSection(name="resnet18", weights=str(source_file))
    built = build(section, classes=10, channels=channels, img_size=32, seed=0)
    overlay = {"file": str(source_file)}
    reference = timm.create_model(
        "resnet18", pretrained=True, pretrained_cfg_overlay=overlay, num_classes=10, in_chans=channels
    )
    for key, tensor in reference.state_dict().items():
        if not key.startswith("fc."):
            assert torch.equal(built.model.state_dict()[key], tensor), key
    assert built.weights is not None
    assert built.weights.head_replaced
    assert built.weights.adapted == (() if channels == 3 else ("conv1.weight",))
    assert (dict(built.weights.skipped), built.weights.missing) == ({}, ())


def test_the_summary_names_what_was_adapted(source_file: Path) -> None:
    report = load_weights(build_timm(ModelSection(name="resnet18"), classes=10, channels=1, img_size=32), source_file)
    assert report.summary() == (
        "120 tensors loaded; conv1.weight fitted to the number of channels; a new head for these classes"
    )


def test_position_embeddings_are_resized_by_timms_own_translation(tmp_path: Path) -> None:
    file = tmp_path / "vit.safetensors"
    save_file(timm.create_model("vit_tiny_patch16_224", pretrained=False).state_dict(), file)
    section = ModelSection(name="vit_tiny_patch16_224", weights=str(file))
    built = build(section, classes=10, channels=3, img_size=64, seed=0)
    assert built.weights is not None
    assert "pos_embed" in built.weights.loaded
    assert built.weights.missing == ()


def test_weights_of_another_timm_model_are_refused(source_file: Path) -> None:
    for name in ("resnet34", "vit_tiny_patch16_224", "mobilenetv3_small_100"):
        with pytest.raises(InputError, match=r"is of another model\n(.*\n)*.*tensors matched"):
            load_weights(build_timm(ModelSection(name=name), classes=10, channels=3, img_size=64), source_file)


def test_source_preprocessing_is_that_of_the_loaded_weights(source_file: Path) -> None:
    def source(channels: int, weights: str) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
        section = ModelSection(name="resnet18", weights=weights)
        return source_preprocessing(build_model(section, classes=2, channels=channels, img_size=32))

    assert source(3, "none") is None
    assert source(3, str(source_file)) == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    gray = source(1, str(source_file))
    assert gray is not None
    assert gray[0] == pytest.approx((0.449,))
    assert gray[1] == pytest.approx((0.226,))
    assert source(4, str(source_file)) == ((0.485, 0.456, 0.406, 0.485), (0.229, 0.224, 0.225, 0.229))
    assert source_preprocessing(nn.Linear(2, 2)) is None
