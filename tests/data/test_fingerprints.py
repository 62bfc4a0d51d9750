"""Thumbnails against a plain mean, and what standardizing must not notice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainwright.data.fingerprints import averaging, fingerprint, standardized, thumbnails


@pytest.mark.parametrize("size", [8, 16, 64])
def test_thumbnails_are_means_of_blocks(size: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, 2, size, size), dtype=np.uint8)
    step = size // 8
    expected = images.reshape(3, 2, 8, step, 8, step).mean(axis=(3, 5))
    assert np.allclose(thumbnails(images, 8), expected, atol=1e-3)


@given(st.integers(1, 70), st.integers(1, 40))
def test_rows_of_averaging_sum_to_one(size: int, side: int) -> None:
    matrix = averaging(size, side)
    assert matrix.shape == (side, size)
    assert np.allclose(matrix.sum(axis=1), 1, atol=1e-5)
    assert np.allclose(matrix.sum(axis=0), side / size, atol=1e-5)


def test_a_fingerprint_is_luma() -> None:
    images = np.zeros((1, 3, 8, 8), np.uint8)
    images[0, 1] = 100
    assert np.unique(fingerprint(images)).tolist() == [59]
    assert fingerprint(images[:, 1:2])[0, 0] == 100


@settings(deadline=None)
@given(st.floats(0.3, 3), st.floats(-50, 50))
def test_brightness_and_contrast_do_not_count(contrast: float, brightness: float) -> None:
    row = np.random.default_rng(1).random((1, 64)) * 100
    assert np.allclose(standardized(row), standardized(contrast * row + brightness), atol=1e-3)
    assert np.allclose(np.linalg.norm(standardized(row), axis=1), 1, atol=1e-5)
