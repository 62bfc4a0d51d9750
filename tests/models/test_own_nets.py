"""One contract for every net of ours, fed from the registry."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from trainwright.errors import InputError
from trainwright.models.building import OWN_BUILDERS, build_model
from trainwright.recipe.model import OWN_MODELS, ModelSection

every_net = pytest.mark.parametrize("name", OWN_MODELS)


def tiny(name: str, *, classes: int = 10, channels: int = 1, img_size: int = 28, **settings: object) -> nn.Module:
    section = ModelSection(**{"name": name, "width": 8, "depth": 1, **settings})  # pyright: ignore[reportArgumentType]
    return build_model(section, classes=classes, channels=channels, img_size=img_size)


def random_pictures(number: int, channels: int, img_size: int) -> Tensor:
    return torch.randn(number, channels, img_size, img_size, generator=torch.Generator().manual_seed(0))


def test_every_choice_of_the_recipe_has_exactly_one_builder() -> None:
    assert tuple(OWN_BUILDERS) == OWN_MODELS
    assert len(set(OWN_BUILDERS.values())) == len(OWN_MODELS)


@every_net
@pytest.mark.parametrize("img_size", [4, 7, 8, 16, 28, 32, 64, 96])
@pytest.mark.parametrize(("channels", "classes"), [(1, 2), (3, 10), (4, 101)])
def test_logits_have_one_column_a_class(name: str, img_size: int, channels: int, classes: int) -> None:
    model = tiny(name, classes=classes, channels=channels, img_size=img_size)
    logits_NK = model(random_pictures(2, channels, img_size))
    assert logits_NK.shape == (2, classes)
    assert logits_NK.isfinite().all()


@every_net
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_first_loss_is_near_ln_k(name: str, depth: int) -> None:
    model = tiny(name, depth=depth, width=16)
    logits_NK = model(random_pictures(64, 1, 28))
    loss = nn.functional.cross_entropy(logits_NK, torch.arange(64) % 10)
    assert loss.item() == pytest.approx(math.log(10), abs=0.1)


@every_net
def test_gradient_reaches_every_parameter(name: str) -> None:
    model = tiny(name, depth=2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    images_NCHW, labels_N = random_pictures(16, 1, 28), torch.arange(16) % 10
    # The scales that start at 0 hold the gradient back from what stands before them during the first step only.
    for _ in range(2):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images_NCHW), labels_N).backward()
        optimizer.step()
    without = [key for key, value in model.named_parameters() if value.grad is None or not value.grad.any()]
    assert without == []


@every_net
def test_a_picture_is_judged_alone_in_evaluation(name: str) -> None:
    model = tiny(name).eval()
    images_NCHW = random_pictures(6, 1, 28)
    with torch.no_grad():
        together_NK = model(images_NCHW)
        alone_NK = torch.cat([model(images_NCHW[at : at + 1]) for at in range(6)])
        turned_NK = model(images_NCHW.flip(0)).flip(0)
    torch.testing.assert_close(alone_NK, together_NK, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(turned_NK, together_NK, rtol=1e-4, atol=1e-6)


@every_net
def test_memory_layout_does_not_matter(name: str) -> None:
    model = tiny(name, channels=3).eval()
    images_NCHW = random_pictures(4, 3, 28)
    with torch.no_grad():
        expected_NK = model(images_NCHW)
        model.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]
        logits_NK = model(images_NCHW.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(logits_NK, expected_NK, rtol=1e-4, atol=1e-5)


@every_net
def test_a_handful_of_pictures_is_learned_by_heart(name: str) -> None:
    model = tiny(name, img_size=8, width=16)
    images_NCHW, labels_N = random_pictures(20, 1, 8), torch.arange(20) % 10
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images_NCHW), labels_N).backward()
        optimizer.step()
    assert (model(images_NCHW).argmax(1) == labels_N).all()


@every_net
def test_convolutions_start_with_the_deviation_of_he(name: str) -> None:
    model = tiny(name, width=64, channels=3, img_size=64, depth=2)
    for key, module in model.named_modules():
        if isinstance(module, nn.Conv2d) and module.weight.numel() > 10_000:
            fan_out = module.out_channels * math.prod(module.kernel_size)
            assert module.weight.std().item() == pytest.approx(math.sqrt(2 / fan_out), rel=0.05), key


@every_net
def test_dropout_works_in_training_only(name: str) -> None:
    model = tiny(name, dropout=0.5)
    images_NCHW = random_pictures(4, 1, 28)
    with torch.no_grad():
        assert not torch.equal(model(images_NCHW), model(images_NCHW))
        model.eval()
        assert torch.equal(model(images_NCHW), model(images_NCHW))


@every_net
def test_pictures_too_small_are_told(name: str) -> None:
    with pytest.raises(InputError, match=f"too small for the model '{name}'"):
        tiny(name, img_size=3)


@every_net
def test_a_net_can_be_exported(name: str) -> None:
    model = tiny(name).eval()
    images_NCHW = random_pictures(2, 1, 28)
    with torch.no_grad():
        exported = torch.export.export(model, (images_NCHW,)).module()
        torch.testing.assert_close(exported(images_NCHW), model(images_NCHW))
