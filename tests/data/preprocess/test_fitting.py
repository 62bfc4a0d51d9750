"""What is fitted, for every center and scale, against the golden matrix, NumPy and scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from trainwright.data.preprocess import fit_preprocessor
from trainwright.errors import InputError
from trainwright.recipe import PreprocessSection

GOLDEN = json.loads((Path(__file__).parents[2] / "reference" / "golden.json").read_text())["standardize"]
PICTURES = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))
)


def test_golden_matrix_through_the_public_function(part_of):
    """Ten pictures of four pixels; a stored value is a 255th, so that entries are off by up to half of one."""
    images = np.round(np.array(GOLDEN["x"]) * 255).astype(np.uint8)[:, None, None, :]
    preprocessor = fit_preprocessor(PreprocessSection(center="image", scale="image"), part_of(images))
    dimensions = preprocessor.dimensions
    assert np.abs(dimensions.offset_CHW.flatten().numpy() - GOLDEN["mean"]).max() < 0.5 / 255
    assert np.abs(dimensions.divisor_CHW.flatten().numpy() - GOLDEN["std"]).max() < 0.5 / 255
    finished = preprocessor.apply(torch.from_numpy(images))
    assert np.abs(finished.flatten(1).numpy() - GOLDEN["standardized"]).max() < 1.5 / 255 / min(GOLDEN["std"])


@given(PICTURES)
@settings(max_examples=60)
def test_channels_equal_numpy(part_of, images):
    preprocessor = fit_preprocessor(PreprocessSection(), part_of(images))
    assert preprocessor.dimensions is None
    values = images.astype(np.float64).transpose(1, 0, 2, 3).reshape(images.shape[1], -1) / 255
    assert np.abs(preprocessor.mean_C.numpy() - values.mean(axis=1)).max() < 1e-12
    for channel, row in enumerate(values):
        if (row == row[0]).all():
            assert channel in preprocessor.constant_channels
            assert preprocessor.std_C[channel] == 1
        else:
            assert channel not in preprocessor.constant_channels
            assert abs(preprocessor.std_C[channel].item() - row.std(ddof=1)) < 1e-12


def test_standardized_channels_agree_with_scikit_learn(random_part):
    part = random_part(40, 3, 8, 8)
    finished = fit_preprocessor(PreprocessSection(), part).apply(part.stored).double()
    rows = part.stored.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    # scikit-learn divides by n, we by n - 1.
    wanted = StandardScaler().fit_transform(rows) * ((len(rows) - 1) / len(rows)) ** 0.5
    assert np.abs(finished.permute(0, 2, 3, 1).reshape(-1, 3).numpy() - wanted).max() < 1e-5


def test_standardized_dimensions_agree_with_scikit_learn(random_part):
    part = random_part(40, 3, 8, 8)
    finished = fit_preprocessor(PreprocessSection(center="image", scale="image"), part).apply(part.stored)
    rows = part.stored.flatten(1).double().numpy()
    wanted = StandardScaler().fit_transform(rows) * (39 / 40) ** 0.5
    assert np.abs(finished.flatten(1).numpy() - wanted).max() < 2e-5


@given(PICTURES)
@settings(max_examples=40)
def test_minmax_agrees_with_scikit_learn_and_a_constant_becomes_0(part_of, images):
    preprocessor = fit_preprocessor(PreprocessSection(center="none", scale="minmax"), part_of(images))
    finished = preprocessor.apply(torch.from_numpy(images)).flatten(1).numpy()
    rows = images.reshape(len(images), -1).astype(np.float64)
    varies = rows.min(axis=0) < rows.max(axis=0)
    wanted = np.where(varies, MinMaxScaler((-1, 1)).fit_transform(rows), 0.0)
    assert np.abs(finished - wanted).max() < 1e-4


MEANS = {
    "none": lambda x: 0.0,
    "channel": lambda x: x.mean(axis=(0, 2, 3))[:, None, None],
    "image": lambda x: x.mean(0),
}
DEVIATIONS = {
    "none": lambda x: 1.0,
    "channel": lambda x: x.transpose(1, 0, 2, 3).reshape(x.shape[1], -1).std(axis=1, ddof=1)[:, None, None],
    "image": lambda x: x.std(axis=0, ddof=1),
}


@pytest.mark.parametrize("center", MEANS)
@pytest.mark.parametrize("scale", DEVIATIONS)
def test_every_center_goes_with_every_scale(random_part, center, scale):
    part = random_part(30, 3, 4, 5)
    preprocessor = fit_preprocessor(PreprocessSection(center=center, scale=scale), part)
    x = part.stored.double().numpy() / 255
    by_hand = (x - MEANS[center](x)) / DEVIATIONS[scale](x)
    assert np.abs(preprocessor.apply(part.stored).numpy() - by_hand).max() < 1e-5
    assert torch.equal(preprocessor.invert(preprocessor.apply(part.stored)), part.stored)


@given(PICTURES, st.sampled_from(["none", "channel", "image"]), st.sampled_from(["none", "channel", "image", "minmax"]))
@settings(max_examples=80)
def test_what_is_constant_stays_finite_and_every_picture_comes_back(part_of, images, center, scale):
    section = PreprocessSection(center="none" if scale == "minmax" else center, scale=scale)
    preprocessor = fit_preprocessor(section, part_of(images))
    other = torch.from_numpy(255 - images)
    for pictures in (torch.from_numpy(images), other):
        finished = preprocessor.apply(pictures)
        assert finished.isfinite().all()
        assert torch.equal(preprocessor.invert(finished), pictures)


def test_borders_are_filled_with_the_mean_of_the_channel_before_the_mean_image_is_subtracted(random_part):
    part = random_part(30, 3, 4, 5)
    plain = fit_preprocessor(PreprocessSection(center="channel", scale="channel"), part)
    for section in (PreprocessSection(center="image", scale="image"), PreprocessSection(center="none", scale="minmax")):
        preprocessor = fit_preprocessor(section, part)
        assert torch.equal(preprocessor.fill_C, plain.mean_C.float())
        assert preprocessor.scale_C.tolist() == [pytest.approx(1 / 255)] * 3
        assert preprocessor.shift_C.tolist() == [0.0] * 3


@pytest.mark.parametrize("center", ["none", "channel"])
@pytest.mark.parametrize("scale", ["none", "channel"])
def test_channels_alone_stay_in_the_one_pass(random_part, center, scale):
    preprocessor = fit_preprocessor(PreprocessSection(center=center, scale=scale), random_part(5, 3, 4, 4))
    assert preprocessor.center == (center != "none")
    assert preprocessor.scale == (scale != "none")
    pixels = torch.rand(2, 3, 4, 4)
    assert preprocessor.finish(pixels) is pixels


def test_the_numbers_of_loaded_weights_are_taken_only_where_asked_for(random_part):
    source = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    part = random_part(5, 3, 4, 4)
    own = fit_preprocessor(PreprocessSection(center="channel", scale="channel"), part)
    taken = fit_preprocessor(PreprocessSection(center="pretrained", scale="pretrained"), part, source=source)
    assert taken.mean_C.tolist() == list(source[0])
    assert taken.std_C.tolist() == list(source[1])
    mixed = fit_preprocessor(PreprocessSection(center="channel", scale="pretrained"), part, source=source)
    assert torch.equal(mixed.mean_C, own.mean_C)
    assert mixed.std_C.tolist() == list(source[1])
    image = fit_preprocessor(PreprocessSection(center="image", scale="pretrained"), part, source=source)
    by_hand = (part.stored.double() / 255 - part.stored.double().mean(0) / 255) / torch.tensor(source[1])[:, None, None]
    assert torch.allclose(image.apply(part.stored).double(), by_hand, atol=1e-5)


def test_without_loaded_weights_their_numbers_cannot_be_taken(random_part):
    with pytest.raises(InputError, match="nothing is known of what the net's weights were trained with") as error:
        fit_preprocessor(PreprocessSection(center="channel", scale="pretrained"), random_part(5, 3, 4, 4))
    assert "--set preprocess.scale=channel" in str(error.value)
