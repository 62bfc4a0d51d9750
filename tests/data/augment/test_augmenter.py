"""The augmenter as training and prediction use it."""

from __future__ import annotations

import pytest
import torch

from trainwright.data.augment import NOTHING, Augmenter, apply
from trainwright.data.preprocess import Preprocessor, fit_preprocessor
from trainwright.recipe import PreprocessSection

ON = NOTHING.model_copy(update={"flip": 0.5, "crop_padding": 4, "cutout": 8})
CENTERED = Preprocessor.from_statistics([0.4, 0.5, 0.6], [0.2, 0.25, 0.3])


@pytest.fixture(params=["kernel", "gather"], autouse=True)
def path(request, monkeypatch):
    monkeypatch.setattr(apply, "WORTH_A_KERNEL", 0 if request.param == "kernel" else 10**18)


@pytest.fixture
def images():
    return torch.randint(0, 256, (20, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("channels_last", [False, True])
def test_strength_0_is_plain_normalization_bit_for_bit(images, channels_last):
    augmenter = Augmenter(NOTHING, CENTERED, seed=0, channels_last=channels_last)
    plain = images.float() * CENTERED.scale_C[:, None, None] + CENTERED.shift_C[:, None, None]
    for finished in (augmenter.train(images, torch.arange(20), 1), augmenter.evaluate(images)):
        assert torch.equal(finished, plain)
        assert finished.dtype == torch.float32
        layout = torch.channels_last if channels_last else torch.contiguous_format
        assert finished.is_contiguous(memory_format=layout)


def test_same_picture_same_epoch_same_result(images):
    augmenter, samples = Augmenter(ON, CENTERED, seed=3), torch.arange(100, 120)
    whole = augmenter.train(images, samples, 7)
    shuffle = torch.randperm(20)
    assert torch.equal(whole[shuffle], augmenter.train(images[shuffle], samples[shuffle], 7))
    assert torch.equal(whole[5:6], augmenter.train(images[5:6], samples[5:6], 7))
    # Two ranks that share the batch see what one sees.
    ranks = torch.cat([augmenter.train(images[rank::2], samples[rank::2], 7) for rank in (0, 1)])
    assert torch.equal(torch.cat([whole[0::2], whole[1::2]]), ranks)


def test_epochs_and_seeds_differ(images):
    samples = torch.arange(20)
    base = Augmenter(ON, CENTERED, seed=3).train(images, samples, 1)
    for other in (
        Augmenter(ON, CENTERED, seed=3).train(images, samples, 2),
        Augmenter(ON, CENTERED, seed=4).train(images, samples, 1),
    ):
        assert (base != other).flatten(1).any(dim=1).sum() >= 19


def test_pictures_stay_as_they_were(images):
    before = images.clone()
    augmenter = Augmenter(ON, CENTERED, seed=3)
    augmenter.train(images, torch.arange(20), 1)
    augmenter.evaluate(images)
    assert torch.equal(images, before)


@pytest.mark.parametrize(("center", "scale"), [(True, True), (True, False), (False, True), (False, False)])
def test_fill_is_the_training_mean(images, center, scale):
    mean, std = [0.4, 0.5, 0.6], [0.2, 0.25, 0.3]
    preprocessor = Preprocessor.from_statistics(mean, std, center=center, scale=scale)
    section = NOTHING.model_copy(update={"cutout": 63})
    finished = Augmenter(section, preprocessor, seed=0).train(images, torch.arange(20), 1)
    by_hand = [0.0 if center else m / (s if scale else 1.0) for m, s in zip(mean, std, strict=True)]
    # A square of 63 around any pixel of 32×32 reaches over every pixel but, at most, a border of one.
    assert torch.equal(finished[:, :, 1:31, 1:31], torch.tensor(by_hand)[:, None, None].expand(20, 3, 30, 30))


def test_values_stay_within_what_pixels_can_become(images):
    low = CENTERED.shift_C
    high = 255 * CENTERED.scale_C + CENTERED.shift_C
    for fill in ("constant", "edge", "reflect", "symmetric", "wrap"):
        section = ON.model_copy(update={"fill": fill})
        finished = Augmenter(section, CENTERED, seed=0).train(images, torch.arange(20), 1)
        assert finished.shape == images.shape
        assert (finished.amin(dim=(0, 2, 3)) >= low).all()
        assert (finished.amax(dim=(0, 2, 3)) <= high).all()


PIXEL_BY_PIXEL = [
    PreprocessSection(center="image", scale="image"),
    PreprocessSection(center="none", scale="minmax"),
    PreprocessSection(center="image", scale="none", whiten="pca"),
    PreprocessSection(center="image", scale="none", whiten="zca"),
]


class Pictures:
    def __init__(self, stored):
        self.stored = stored

    def __len__(self):
        return len(self.stored)

    def images(self, rows):
        return self.stored[rows]


@pytest.fixture(params=PIXEL_BY_PIXEL, ids=["image", "minmax", "pca", "zca"])
def fitted(request, images):
    return fit_preprocessor(request.param, Pictures(images[:, :, :16, :16]))


@pytest.mark.parametrize("channels_last", [False, True])
def test_what_differs_from_pixel_to_pixel_is_the_same_in_training_and_evaluation(images, fitted, channels_last):
    small = images[:, :, :16, :16].contiguous()
    augmenter = Augmenter(NOTHING, fitted, seed=0, channels_last=channels_last)
    trained, evaluated = augmenter.train(small, torch.arange(20), 1), augmenter.evaluate(small)
    assert torch.equal(trained, evaluated)
    assert torch.equal(evaluated, Augmenter(NOTHING, fitted, seed=0, channels_last=not channels_last).evaluate(small))
    layout = torch.channels_last if channels_last else torch.contiguous_format
    for finished in (trained, evaluated):
        assert finished.is_contiguous(memory_format=layout)
        assert torch.equal(fitted.invert(finished), small)


def test_borders_and_boxes_hold_the_mean_of_each_channel_whatever_follows(images, fitted):
    small = images[:, :, :16, :16].contiguous()
    padded = NOTHING.model_copy(update={"crop_padding": 8, "cutout": 4})
    seen = fitted.invert(Augmenter(padded, fitted, seed=0).train(small, torch.arange(20), 1))
    # In pixels, the same happens to the same places as without the further step.
    plain = Preprocessor.from_statistics(fitted.mean_C.tolist(), [1.0] * 3, center=False, scale=False)
    wanted = plain.invert(Augmenter(padded, plain, seed=0).train(small, torch.arange(20), 1))
    assert torch.equal(seen, wanted)
    filled = (seen == (255 * fitted.mean_C).round().to(torch.uint8)[:, None, None]).all(dim=1)
    assert filled.flatten(1).float().mean() > 0.2
