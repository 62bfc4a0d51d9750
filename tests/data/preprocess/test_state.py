"""A preprocessor's way through a checkpoint."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.preprocess import Preprocessor, fit_preprocessor, preprocessor_from, preprocessor_state
from trainwright.errors import InputError
from trainwright.recipe import PreprocessSection

KINDS = [
    {"center": "channel", "scale": "channel"},
    {"center": "none", "scale": "none"},
    {"center": "image", "scale": "image"},
    {"center": "none", "scale": "minmax"},
    {"center": "image", "scale": "none", "whiten": "pca"},
    {"center": "image", "scale": "none", "whiten": "zca", "epsilon": 0.1},
]


def saved_and_loaded(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@given(st.sampled_from(KINDS), st.integers(1, 9), st.sampled_from([1, 3]), st.integers(1, 4), st.integers(0, 10))
@settings(max_examples=40)
def test_comes_back_the_same(part_of, kind, count, channels, side, seed):
    images = np.random.default_rng(seed).integers(0, 256, (count, channels, side, side), dtype=np.uint8)
    images[:, 0, 0, 0] = 7
    before = fit_preprocessor(PreprocessSection(**kind), part_of(images))
    after = preprocessor_from(saved_and_loaded(preprocessor_state(before)), channels=channels, img_size=side)
    assert torch.equal(after.apply(torch.from_numpy(images)), before.apply(torch.from_numpy(images)))
    finished = torch.randn(2, *images.shape[1:])
    assert torch.equal(after.invert(finished), before.invert(finished))
    assert torch.equal(after.fill_C, before.fill_C)
    assert after.constant_channels == before.constant_channels
    if before.dimensions is not None:
        assert torch.equal(after.dimensions.constant_CHW, before.dimensions.constant_CHW)


def test_the_given_numbers_of_channels_come_back():
    before = Preprocessor.from_statistics([0.2, 0.3, 0.4], [0.0, 0.1, 0.2], scale=False)
    after = preprocessor_from(saved_and_loaded(preprocessor_state(before)), channels=3, img_size=8)
    assert after.constant_channels == (0,)
    assert (after.center, after.scale) == (True, False)
    assert torch.equal(after.mean_C, before.mean_C)
    assert torch.equal(after.std_C, before.std_C)


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("mean_C", torch.zeros(3).double(), ["mean_C: torch.float64 (1,)", "torch.float64 (3,)"]),
        ("mean_C", torch.zeros(1), ["torch.float32 (1,)"]),
        ("std_C", torch.tensor([0.0]).double(), ["std_C: numbers above 0"]),
        ("offset_CHW", torch.full((1, 4, 4), torch.nan).double(), ["offset_CHW: finite numbers"]),
        ("divisor_CHW", -torch.ones(1, 4, 4).double(), ["divisor_CHW: numbers above 0", "-1"]),
        ("constant_CHW", None, ["constant_CHW: torch.bool (1, 4, 4)", "NoneType"]),
        ("eigenvectors_VV", torch.eye(9), ["eigenvectors_VV: torch.float32 (16, 16)", "(9, 9)"]),
        ("eigenvalues_V", -torch.ones(16).double(), ["eigenvalues_V, with epsilon added,: numbers above 0"]),
        ("epsilon", torch.nan, ["eigenvalues_V, with epsilon added,: numbers above 0", "nan"]),
        ("whiten", "zac", ["whiten: one of pca, zca", "'zac'"]),
    ],
)
def test_what_does_not_fit_is_refused(random_part, name, value, says):
    section = PreprocessSection(center="image", scale="none", whiten="zca")
    state = preprocessor_state(fit_preprocessor(section, random_part(30, 1, 4, 4)))
    with pytest.raises(InputError, match="the preprocessing in the checkpoint does not fit its net") as error:
        preprocessor_from({**state, name: value}, channels=1, img_size=4)
    assert all(word in str(error.value) for word in says), str(error.value)


def test_pictures_of_another_size_are_refused(random_part):
    state = preprocessor_state(
        fit_preprocessor(PreprocessSection(center="image", scale="none"), random_part(30, 1, 4, 4))
    )
    with pytest.raises(InputError, match=r"\(1, 5, 5\)"):
        preprocessor_from(state, channels=1, img_size=5)
