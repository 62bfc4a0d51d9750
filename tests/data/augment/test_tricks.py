"""One contract for every trick, fed from the tables; its parameters' distributions; torchvision as the reference."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode
from torchvision.transforms.v2 import functional as reference

from trainwright.data.augment import NOTHING, Augmenter, apply
from trainwright.data.augment.apply import resample
from trainwright.data.augment.color import (
    brightness_matrices,
    contrast_matrices,
    gray,
    hue_matrices,
    saturation_matrices,
    scaling_matrix,
)
from trainwright.data.augment.geometry import compose, rotation_maps, shear_maps, shift_maps, window_maps, zoom_maps
from trainwright.data.augment.plan import Plan, draw_plan, untouched
from trainwright.data.augment.policies import OFF
from trainwright.data.augment.tricks import COLOR, GEOMETRY, LENS, NOISE, OCCLUSION, WORDS, doses
from trainwright.data.preprocess import Preprocessor
from trainwright.recipe import AugmentSection

AS_IT_IS = Preprocessor.from_statistics([0.0] * 3, [1.0] * 3)
CENTERED = Preprocessor.from_statistics([0.4, 0.5, 0.6], [0.2, 0.25, 0.3])
AS_STORED = scaling_matrix(torch.ones(3), torch.zeros(3))
COMPONENTS = torch.tensor([[40.0, 9.0, 2.0], [38.0, 0.0, -4.0], [35.0, -10.0, 2.0]])

SOME = {
    "flip": 0.5,
    "vertical_flip": 0.5,
    "crop_padding": 3,
    "scale_jitter": "256-480",
    "resized_crop": 0.3,
    "rotate": 40.0,
    "scale": 0.3,
    "stretch": 0.5,
    "shear": 20.0,
    "translate": 0.2,
    "lens": 0.4,
    "brightness": 0.4,
    "contrast": 0.4,
    "saturation": 0.4,
    "hue": 0.2,
    "fancy_pca": 0.5,
    "noise": 0.1,
    "cutout": 6,
    "erase": 0.3,
}
DOSED = sorted(set(SOME) - {"flip", "vertical_flip", "crop_padding", "scale_jitter", "cutout"})


@pytest.fixture(params=["kernel", "gather"])
def path(request, monkeypatch):
    monkeypatch.setattr(apply, "WORTH_A_KERNEL", 0 if request.param == "kernel" else 10**18)


def smooth(count: int = 6, size: int = 24, *, low: float = 90.0, high: float = 160.0) -> torch.Tensor:
    """Pictures without edges and far from black and white, so that neither blending nor clipping makes a difference."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(count, 3, 4, 4, generator=generator)
    fine = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)
    return (low + (high - low) * fine.clamp(0, 1)).round().to(torch.uint8)


def augmenter(**settings) -> Augmenter:
    return Augmenter(NOTHING.model_copy(update=settings), CENTERED, seed=1, components_CC=COMPONENTS)


def drawn(name: str, value, count: int = 20_000, size: int = 32) -> Plan:
    section = NOTHING.model_copy(update={name: value})
    means_NC = torch.full((count, 3), 100.0)
    return draw_plan(
        doses(section),
        AS_STORED,
        torch.arange(count),
        seed=3,
        epoch=1,
        height=size,
        width=size,
        means_NC=means_NC,
        components_CC=COMPONENTS,
    )


def uniform(values: torch.Tensor, low: float, high: float) -> float:
    return stats.kstest(values.double().numpy(), stats.uniform(low, high - low).cdf).pvalue


def test_every_trick_is_a_setting_and_the_other_way_round():
    tricks = {*GEOMETRY, *COLOR, *OCCLUSION, LENS, NOISE}
    assert set(WORDS) == tricks == set(OFF) == set(SOME)
    assert tricks == set(AugmentSection.model_fields) - {"policy", "transform", "fill", "mixup", "cutmix"}


@pytest.mark.parametrize("name", sorted(SOME))
@pytest.mark.usefixtures("path")
class TestEveryTrick:
    def test_changes_pictures_and_keeps_their_form(self, name):
        images = smooth()
        finished = augmenter(**{name: SOME[name]}).train(images, torch.arange(6), 1)
        assert finished.shape == images.shape
        assert finished.dtype == torch.float32
        assert finished.isfinite().all()
        plain = augmenter().train(images, torch.arange(6), 1)
        assert (finished != plain).flatten(1).any(dim=1).sum() >= 1

    def test_hangs_on_the_picture_and_the_epoch_alone(self, name):
        images, samples = smooth(), torch.arange(50, 56)
        one = augmenter(**{name: SOME[name]})
        whole = one.train(images, samples, 4)
        assert torch.equal(whole.flip(0), one.train(images.flip(0), samples.flip(0), 4))
        assert torch.equal(whole[2:3], one.train(images[2:3], samples[2:3], 4))
        assert not torch.equal(whole, one.train(images, samples, 5))

    def test_touches_neither_the_given_pictures_nor_anybody_s_generator(self, name):
        images, before = smooth(), torch.get_rng_state()
        augmenter(**{name: SOME[name]}).train(images, torch.arange(6), 1)
        assert torch.equal(images, smooth())
        assert torch.equal(torch.get_rng_state(), before)

    def test_takes_pictures_that_are_not_square_and_batches_of_one(self, name):
        for height, width in ((12, 31), (31, 12)):
            images = smooth(1, 31)[:, :, :height, :width]
            finished = augmenter(**{name: SOME[name]}).train(images, torch.arange(1), 1)
            assert finished.shape == (1, 3, height, width)
            assert finished.isfinite().all()


@pytest.mark.parametrize("name", sorted(set(DOSED) - {"resized_crop", "erase"}))
@pytest.mark.usefixtures("path")
def test_almost_no_strength_changes_almost_nothing(name):
    images = smooth()
    plain = augmenter().train(images, torch.arange(6), 1)
    # At the border a hair's breadth would let in a hair's breadth of the constant.
    finished = augmenter(**{name: 1e-5, "fill": "edge"}).train(images, torch.arange(6), 1)
    assert (finished - plain).abs().max() < 1e-3


@pytest.mark.parametrize("name", DOSED)
def test_a_dose_happens_as_often_as_it_says(name):
    images = smooth(2, 16).repeat(300, 1, 1, 1)
    one = augmenter(**{name: f"{SOME[name]} @ 0.3"})
    plain = augmenter().train(images, torch.arange(600), 1)
    changed = (one.train(images, torch.arange(600), 1) != plain).flatten(1).any(dim=1).sum().item()
    assert stats.binomtest(changed, 600, 0.3).pvalue > 1e-4


class TestDistributions:
    def test_rotate(self):
        maps = drawn("rotate", 30.0).maps_N23
        assert uniform(torch.rad2deg(torch.atan2(maps[:, 1, 0], maps[:, 0, 0])), -30, 30) > 1e-4

    def test_scale(self):
        assert uniform(1 / drawn("scale", 0.2).maps_N23[:, 0, 0], 0.8, 1.2) > 1e-4

    def test_stretch_is_even_in_the_logarithm_and_keeps_the_area(self):
        maps = drawn("stretch", 0.5).maps_N23
        assert uniform(torch.log(maps[:, 1, 1] / maps[:, 0, 0]), -math.log(1.5), math.log(1.5)) > 1e-4
        assert torch.allclose(maps[:, 0, 0] * maps[:, 1, 1], torch.ones(20_000), atol=1e-5)

    def test_shear(self):
        maps = drawn("shear", 20.0).maps_N23
        assert uniform(torch.rad2deg(torch.atan(maps[:, 0, 1])), -20, 20) > 1e-4

    def test_translate(self):
        shifts = drawn("translate", 0.25).maps_N23[:, :, 2] / 32
        assert uniform(shifts[:, 0], -0.25, 0.25) > 1e-4
        assert uniform(shifts[:, 1], -0.25, 0.25) > 1e-4
        assert abs(np.corrcoef(shifts.T.numpy())[0, 1]) < 0.03

    def test_scale_jitter(self):
        maps = drawn("scale_jitter", "256-480").maps_N23
        assert uniform(224 / maps[:, 0, 0], 256, 480) > 1e-4
        # The window's edge lies anywhere between those of the picture.
        size = maps[:, 0, 0]
        edge = (maps[:, 0, 2] - 0.5 * size + 0.5) / 32
        assert uniform(edge / (1 - size), 0, 1) > 1e-4

    def test_resized_crop(self):
        maps = drawn("resized_crop", 0.1).maps_N23
        width, height = maps[:, 0, 0], maps[:, 1, 1]
        assert (width <= 1).all()
        assert (height <= 1).all()
        assert uniform(width * height, 0.1, 1.0) > 1e-4, "the area is kept, also where a side is cut"
        ratio = torch.log(width / height).abs()
        assert ratio.max() < math.log(4 / 3) + 1e-4
        small = width * height < 0.7
        assert uniform(torch.log(width / height)[small], -math.log(4 / 3), math.log(4 / 3)) > 1e-4

    def test_lens(self):
        assert uniform(drawn("lens", 0.3).lens_N, -0.3, 0.3) > 1e-4

    def test_brightness(self):
        assert uniform(drawn("brightness", 0.3).colors_NCD[:, 0, 0], 0.7, 1.3) > 1e-4

    def test_contrast(self):
        assert uniform(drawn("contrast", 0.3).colors_NCD[:, 1, 1], 0.7, 1.3) > 1e-4

    def test_saturation(self):
        # The matrix is f·I + (1 − f)·w: outside the diagonal stands (1 − f)·w.
        assert uniform(1 - drawn("saturation", 0.3).colors_NCD[:, 0, 1] / 0.587, 0.7, 1.3) > 1e-4

    def test_fancy_pca_adds_normal_amounts_of_each_component(self):
        offsets = drawn("fancy_pca", 0.1).colors_NCD[:, :, 3].double()
        amounts = torch.linalg.solve(COMPONENTS.double(), offsets.T) / 0.1
        for amount in amounts:
            assert stats.kstest(amount.numpy(), "norm").pvalue > 1e-4
        assert np.abs(np.corrcoef(amounts.numpy()) - np.eye(3)).max() < 0.03

    def test_noise_has_the_standard_deviation_that_was_asked_for(self):
        images = torch.full((20, 3, 24, 24), 128, dtype=torch.uint8)
        section = NOTHING.model_copy(update={"noise": 0.1})
        added = Augmenter(section, AS_IT_IS, seed=0).train(images, torch.arange(20), 1) - 128 / 255
        assert stats.kstest((added / 0.1).flatten().double().numpy(), "norm").pvalue > 1e-4


def ours(images: torch.Tensor, maps_123: torch.Tensor) -> torch.Tensor:
    count = len(images)
    plan = Plan(maps_123.expand(count, 2, 3), AS_STORED, untouched(count, AS_STORED).boxes_NB4, whole_pixels=False)
    return resample(images, plan, fill="constant", constant_C=torch.zeros(3))


@pytest.mark.usefixtures("path")
class TestAgainstTorchvision:
    @pytest.mark.parametrize("degrees", [0.0, 7.0, -33.0, 90.0, 180.0])
    def test_rotation(self, degrees):
        images = smooth()
        wanted = reference.rotate(images.float(), degrees, interpolation=InterpolationMode.BILINEAR)
        got = ours(images, rotation_maps(torch.tensor([degrees]), 24, 24))
        assert (got - wanted).abs().max() < 0.01

    @pytest.mark.parametrize(
        ("angle", "translate", "scale", "shear"),
        [(0, [3, -2], 1.0, [0, 0]), (0, [0, 0], 1.3, [0, 0]), (0, [0, 0], 0.7, [0, 0]), (0, [0, 0], 1.0, [12, 0])],
    )
    def test_affine(self, angle, translate, scale, shear):
        images = smooth()
        wanted = reference.affine(
            images.float(), angle, translate, scale, shear, interpolation=InterpolationMode.BILINEAR
        )
        # torchvision moves the picture by `translate`, and slants to the other side.
        maps = compose(
            shift_maps(-torch.tensor([translate], dtype=torch.float32)),
            zoom_maps(torch.tensor([[scale, scale]]), 24, 24),
            shear_maps(torch.tensor([[shear[0], 0.0]]), 24, 24),
        )
        assert (ours(images, maps) - wanted).abs().max() < 0.01

    def test_window(self):
        images = smooth()
        wanted = reference.resized_crop(images.float(), 6, 3, 12, 15, [24, 24], antialias=False)
        corner, size = torch.tensor([[3 / 24, 6 / 24]]), torch.tensor([[15 / 24, 12 / 24]])
        got = ours(images, window_maps(corner, size, 24, 24))
        # Beyond the window torchvision sees its edge, and we what lies there: inside they are equal.
        assert (got - wanted)[:, :, 1:-1, 1:-1].abs().max() < 0.01

    @pytest.mark.parametrize("factor", [0.7, 1.0, 1.25])
    def test_colors(self, factor):
        images = smooth(low=100, high=150)
        floats, factors = images.float() / 255, torch.full((6,), factor)
        means = apply.channel_means(images)
        pairs = [
            (brightness_matrices(factors, 3), reference.adjust_brightness(floats, factor)),
            (saturation_matrices(factors), reference.adjust_saturation(floats, factor)),
            (contrast_matrices(factors, gray(means), 3), reference.adjust_contrast(floats, factor)),
        ]
        for colors_NCD, wanted in pairs:
            plan = Plan(untouched(6, AS_STORED).maps_N23, colors_NCD, untouched(6, AS_STORED).boxes_NB4, True)
            got = resample(images, plan, fill="constant", constant_C=torch.zeros(3)) / 255
            assert (got - wanted).abs().max() < 2e-4


def test_hue_turns_i_and_q_and_keeps_luma():
    import colorsys

    pixel = (0.6, 0.3, 0.2)
    y, i, q = colorsys.rgb_to_yiq(*pixel)
    for turns in (0.1, -0.25, 0.5):
        matrix = hue_matrices(torch.tensor([turns]))[0, :, :3].double().numpy()
        got_y, got_i, got_q = colorsys.rgb_to_yiq(*(matrix @ np.array(pixel)))
        angle = -2 * math.pi * turns
        assert got_y == pytest.approx(y, abs=5e-3)
        assert got_i == pytest.approx(i * math.cos(angle) - q * math.sin(angle), abs=5e-3)
        assert got_q == pytest.approx(i * math.sin(angle) + q * math.cos(angle), abs=5e-3)


def test_hue_turns_the_way_that_hsv_turns():
    floats = smooth().float() / 255
    got = torch.einsum("ck,nkhw->nchw", hue_matrices(torch.tensor([0.02]))[0, :, :3], floats) - floats
    wanted = reference.adjust_hue(floats, 0.02) - floats
    # HSV changes luma as well; what is left beside it goes the same way.
    wanted = wanted - wanted.mean(dim=1, keepdim=True)
    got = got - got.mean(dim=1, keepdim=True)
    assert torch.nn.functional.cosine_similarity(got.flatten(), wanted.flatten(), dim=0) > 0.7


def test_gray_stays_gray_under_every_hue():
    matrices = hue_matrices(torch.linspace(-0.5, 0.5, 11))
    assert torch.allclose(matrices[:, :, :3].sum(dim=2), torch.ones(11, 3), atol=1e-5)


@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("bend", [-0.3, 0.4])
def test_lens_equals_scipy(bend):
    from dataclasses import replace

    from scipy import ndimage

    images = smooth()
    plan = replace(untouched(6, AS_STORED), lens_N=torch.full((6,), bend), whole_pixels=False)
    finished = resample(images, plan, fill="edge", constant_C=torch.zeros(3))
    y, x = np.mgrid[0:24, 0:24] - 11.5
    factor = 1 + bend * (x**2 + y**2) / (2 * 11.5**2)
    for channel in range(3):
        wanted = ndimage.map_coordinates(
            images[0, channel].double().numpy(), [11.5 + y * factor, 11.5 + x * factor], order=1, mode="nearest"
        )
        assert np.abs(finished[0, channel].numpy() - wanted).max() < 5e-3


def test_all_tricks_at_once_give_the_same_bits_on_both_paths(monkeypatch):
    images = smooth(40, 20)
    both = []
    for threshold in (0, 10**18):
        monkeypatch.setattr(apply, "WORTH_A_KERNEL", threshold)
        both.append(augmenter(**SOME).train(images, torch.arange(40), 1))
    assert torch.equal(*both)
