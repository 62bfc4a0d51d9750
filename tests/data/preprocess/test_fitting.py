"""Fitted statistics against the golden matrix, NumPy and scikit-learn."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.preprocessing import StandardScaler

from trainwright.data.preprocess import choose_preprocess, fit_preprocessor, fitting
from trainwright.data.preprocess.fitting import count_levels, mean_and_std
from trainwright.errors import InputError
from trainwright.recipe import PreprocessSection

GOLDEN = json.loads((Path(__file__).parents[2] / "reference" / "golden.json").read_text())["standardize"]


class StandIn:
    """A part that holds its pictures and counts how many were read."""

    def __init__(self, images: np.ndarray) -> None:
        self.stored = torch.from_numpy(images)
        self.read = 0

    def __len__(self) -> int:
        return len(self.stored)

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        self.read += len(rows)
        return self.stored[rows]


def random_part(*shape: int) -> StandIn:
    return StandIn(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def test_golden_matrix():
    x = np.array(GOLDEN["x"])
    columns = [mean_and_std(x[:, column], np.ones((1, len(x)), dtype=np.int64)) for column in range(x.shape[1])]
    mean = np.array([column[0][0] for column in columns])
    std = np.array([column[1][0] for column in columns])
    assert np.abs(mean - GOLDEN["mean"]).max() < 6e-5
    assert np.abs(std - GOLDEN["std"]).max() < 6e-5
    assert np.abs((x - mean) / std - GOLDEN["standardized"]).max() < 5e-4


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 5), st.integers(1, 5))))
@settings(max_examples=60, deadline=None)
def test_equals_numpy(images):
    preprocessor = fit_preprocessor(PreprocessSection(), StandIn(images))
    values = images.astype(np.float64).transpose(1, 0, 2, 3).reshape(images.shape[1], -1) / 255
    assert np.abs(preprocessor.mean_C.numpy() - values.mean(axis=1)).max() < 1e-12
    for channel, row in enumerate(values):
        if (row == row[0]).all():
            assert channel in preprocessor.constant_channels
            assert preprocessor.std_C[channel] == 1
        else:
            assert channel not in preprocessor.constant_channels
            assert abs(preprocessor.std_C[channel].item() - row.std(ddof=1)) < 1e-12


def test_standardized_pictures_agree_with_scikit_learn():
    part = random_part(40, 3, 8, 8)
    preprocessor = fit_preprocessor(PreprocessSection(), part)
    finished = preprocessor.apply(part.stored).double()
    rows = part.stored.permute(0, 2, 3, 1).reshape(-1, 3).double().numpy()
    # scikit-learn divides by n, we by n - 1.
    wanted = StandardScaler().fit_transform(rows) * ((len(rows) - 1) / len(rows)) ** 0.5
    assert np.abs(finished.permute(0, 2, 3, 1).reshape(-1, 3).numpy() - wanted).max() < 1e-5


def test_reads_once_in_chunks(monkeypatch):
    monkeypatch.setattr(fitting, "CHUNK_BYTES", 3 * 2 * 5 * 5)
    part = random_part(10, 2, 5, 5)
    counts = count_levels(part)
    # One picture more, to learn the shape.
    assert part.read == 11
    for channel in range(2):
        assert np.array_equal(counts[channel], np.bincount(part.stored[:, channel].flatten(), minlength=256))


@pytest.mark.parametrize("center", ["none", "channel"])
@pytest.mark.parametrize("scale", ["none", "channel"])
def test_switches(center, scale):
    preprocessor = fit_preprocessor(PreprocessSection(center=center, scale=scale), random_part(5, 3, 4, 4))
    assert preprocessor.center == (center != "none")
    assert preprocessor.scale == (scale != "none")


def test_the_numbers_of_loaded_weights_are_taken_only_where_asked_for():
    source = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    part = random_part(5, 3, 4, 4)
    own = fit_preprocessor(PreprocessSection(center="channel", scale="channel"), part)
    taken = fit_preprocessor(PreprocessSection(center="pretrained", scale="pretrained"), part, source=source)
    assert taken.mean_C.tolist() == list(source[0])
    assert taken.std_C.tolist() == list(source[1])
    mixed = fit_preprocessor(PreprocessSection(center="channel", scale="pretrained"), part, source=source)
    assert torch.equal(mixed.mean_C, own.mean_C)
    assert mixed.std_C.tolist() == list(source[1])


def test_without_loaded_weights_their_numbers_cannot_be_taken():
    with pytest.raises(InputError, match="nothing is known of what the net's weights were trained with") as error:
        fit_preprocessor(PreprocessSection(center="channel", scale="pretrained"), random_part(5, 3, 4, 4))
    assert "--set preprocess.scale=channel" in str(error.value)


def test_auto_is_the_channel_or_what_the_weights_were_trained_with():
    for pretrained, value in ((False, "channel"), (True, "pretrained")):
        choices = choose_preprocess(PreprocessSection(scale="none"), pretrained=pretrained)
        assert [(choice.key, choice.value) for choice in choices] == [("preprocess.center", value)]
