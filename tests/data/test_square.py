"""Squares: sizes, what is kept, and pictures that must not be touched."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from trainwright.data.square import decoded_side, fit_square

FITS = ["crop", "pad", "squash"]


@pytest.mark.parametrize("fit", FITS)
def test_a_picture_of_the_right_size_is_returned_itself(fit: str) -> None:
    image = Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8))
    assert fit_square(image, 8, fit) is image


def test_crop_keeps_the_middle() -> None:
    stripes = np.zeros((4, 12), np.uint8)
    stripes[:, 4:8] = 200
    assert np.asarray(fit_square(Image.fromarray(stripes), 4, "crop")).min() == 200


def test_pad_keeps_everything_on_black() -> None:
    square = np.asarray(fit_square(Image.fromarray(np.full((4, 8), 200, np.uint8)), 8, "pad"))
    assert square[:2].max() == 0
    assert square[2:6].min() == 200
    assert square[6:].max() == 0


def test_squash_keeps_everything() -> None:
    halves = np.zeros((4, 8), np.uint8)
    halves[:, 4:] = 200
    assert np.asarray(fit_square(Image.fromarray(halves), 2, "squash")).tolist() == [[0, 200], [0, 200]] or np.allclose(
        np.asarray(fit_square(Image.fromarray(halves), 2, "squash")), [[25, 175], [25, 175]], atol=30
    )


def test_halving_is_antialiased() -> None:
    checkers = (np.indices((16, 16)).sum(axis=0) % 2 * 255).astype(np.uint8)
    small = np.asarray(fit_square(Image.fromarray(checkers), 4, "crop"))
    assert np.abs(small.astype(int) - 127).max() < 10


@given(st.integers(1, 60), st.integers(1, 60), st.integers(1, 40), st.sampled_from(FITS), st.sampled_from(["L", "RGB"]))
def test_every_shape_becomes_the_square(width: int, height: int, side: int, fit: str, mode: str) -> None:
    square = fit_square(Image.new(mode, (width, height), 255 if mode == "L" else (255,) * 3), side, fit)
    assert square.size == (side, side)
    assert square.mode == mode
    if fit != "pad":
        assert np.asarray(square).min() == 255


@given(st.integers(1, 5000), st.integers(1, 5000), st.integers(1, 500), st.sampled_from(FITS))
def test_the_decisive_side_stays_exactly_what_is_needed(width: int, height: int, least: int, fit: str) -> None:
    size = decoded_side(width, height, least, fit)
    decisive = (max if fit == "pad" else min)(width, height)
    assert size[0] if decisive == width else size[1] == least
    scale = min(width // size[0], height // size[1])
    assert scale <= max(1, decisive // least) or decisive < least
