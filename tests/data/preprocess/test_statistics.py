"""One exact pass: against NumPy, in any chunks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from trainwright.data.preprocess import statistics
from trainwright.data.preprocess.dimensions import Dimensions
from trainwright.data.preprocess.statistics import ValueSums, mean_and_std, measure

GOLDEN = json.loads((Path(__file__).parents[2] / "reference" / "golden.json").read_text())["standardize"]
PICTURES = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
)


def test_golden_matrix_by_levels():
    x = np.array(GOLDEN["x"])
    columns = [mean_and_std(x[:, column], np.ones((1, len(x)), dtype=np.int64)) for column in range(x.shape[1])]
    mean = np.array([column[0][0] for column in columns])
    std = np.array([column[1][0] for column in columns])
    assert np.abs(mean - GOLDEN["mean"]).max() < 6e-5
    assert np.abs(std - GOLDEN["std"]).max() < 6e-5
    assert np.abs((x - mean) / std - GOLDEN["standardized"]).max() < 5e-4


@pytest.mark.parametrize("rows", [1, 3, 10])
def test_golden_matrix_dimension_by_dimension(rows):
    """Its entries have four decimals, so that they are whole numbers of ten-thousandths."""
    whole = torch.tensor(GOLDEN["x"]).mul(10_000).round().to(torch.int32)[:, None, None, :]
    first, *later = whole.split(rows)
    sums = ValueSums(first)
    for chunk in later:
        sums.add(chunk)
    mean_CHW, std_CHW = sums.mean_CHW / 10_000, sums.std_CHW / 10_000
    assert np.abs(mean_CHW.flatten().numpy() - GOLDEN["mean"]).max() < 6e-5
    assert np.abs(std_CHW.flatten().numpy() - GOLDEN["std"]).max() < 6e-5
    dimensions = Dimensions.from_statistics(mean_CHW, std_CHW, sums.constant_CHW)
    finished = dimensions.apply(whole / 10_000.0)
    assert np.abs(finished.flatten(1).numpy() - GOLDEN["standardized"]).max() < 5e-4


@given(PICTURES, st.integers(1, 5))
@settings(max_examples=60)
def test_equals_numpy_in_any_chunks(part_of, images, rows):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(statistics, "CHUNK_BYTES", rows * images[0].size)
        found = measure(part_of(images), covariance=True)
    whole = measure(part_of(images), covariance=True)
    flat = images.reshape(len(images), -1).astype(np.float64)
    sums = found.each
    assert np.array_equal(sums.low_CHW.numpy(), images.min(axis=0))
    assert np.array_equal(sums.high_CHW.numpy(), images.max(axis=0))
    assert np.abs(sums.mean_CHW.flatten().numpy() - flat.mean(axis=0)).max() < 1e-10
    deviation = flat.std(axis=0, ddof=1) if len(images) > 1 else np.zeros(flat.shape[1])
    assert np.abs(sums.std_CHW.flatten().numpy() - deviation).max() < 1e-9
    assert np.array_equal(sums.constant_CHW.flatten().numpy(), (flat == flat[0]).all(axis=0))
    covariance = np.cov(flat, rowvar=False).reshape(flat.shape[1], -1) if len(images) > 1 else 0.0
    assert np.abs(found.covariance_VV.numpy() - covariance).max() < 1e-8
    # In chunks and at once: not one digit differs.
    assert torch.equal(found.covariance_VV, whole.covariance_VV)
    assert torch.equal(sums.std_CHW, whole.each.std_CHW)
    assert np.array_equal(found.levels_CL, whole.levels_CL)


@pytest.mark.parametrize("level", [0, 255])
def test_products_are_exact_at_the_largest_chunk(part_of, level):
    """The greatest sums that a chunk can give: all pictures the same, all pixels 0 (or all 255)."""
    images = np.full((2 * statistics.EXACT_ROWS + 1, 1, 1, 2), level, dtype=np.uint8)
    images[-1, 0, 0, 1] = 77
    found = measure(part_of(images), covariance=True)
    flat = images.reshape(len(images), -1).astype(np.float64)
    assert np.abs(found.covariance_VV.numpy() - np.cov(flat, rowvar=False)).max() < 1e-9
    assert (found.covariance_VV[0] == 0).all()


def test_reads_once_in_small_chunks(random_part, monkeypatch):
    monkeypatch.setattr(statistics, "CHUNK_BYTES", 3 * 2 * 5 * 5)
    part = random_part(10, 2, 5, 5)
    found = measure(part, each=True, covariance=True)
    # One picture more, to learn the shape.
    assert part.read == 11
    assert part.most_at_once == 3
    for channel in range(2):
        counted = np.bincount(part.stored[:, channel].flatten(), minlength=256)
        assert np.array_equal(found.levels_CL[channel], counted)


def test_measures_no_more_than_is_asked_for(random_part):
    assert measure(random_part(3, 1, 2, 2)).each is None
    assert measure(random_part(3, 1, 2, 2), each=True).covariance_VV is None
