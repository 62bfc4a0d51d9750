"""PCA and ZCA against scikit-learn, SciPy and what whitening promises."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.decomposition import PCA

from trainwright.data.preprocess import fit_preprocessor, statistics, whitening
from trainwright.errors import InputError
from trainwright.recipe import PreprocessSection

SMALL = 1e-8


def section(kind: str, epsilon: float = SMALL) -> PreprocessSection:
    return PreprocessSection(center="image", scale="none", whiten=kind, epsilon=epsilon)


def flat(pixels: torch.Tensor) -> np.ndarray:
    return pixels.flatten(1).double().numpy()


def test_pca_is_scikit_learns_signs_included(smooth_part):
    part = smooth_part(300, 3, 4, 5)
    found = fit_preprocessor(section("pca"), part)
    wanted = PCA(whiten=True, svd_solver="full").fit(flat(part.stored) / 255)
    assert np.abs(found.whitening.eigenvalues_V.numpy() / wanted.explained_variance_ - 1).max() < 1e-9
    assert np.abs(found.whitening.eigenvectors_VV.T.numpy() - wanted.components_).max() < 1e-6
    finished = flat(found.apply(part.stored))
    assert np.abs(finished - wanted.transform(flat(part.stored) / 255)).max() < 1e-2
    # On pictures that it has not seen, too.
    other = 255 - part.stored
    assert np.abs(flat(found.apply(other)) - wanted.transform(flat(other) / 255)).max() < 1e-2


@pytest.mark.parametrize(("kind", "by_hand"), [("pca", [2**0.5, 2**0.5]), ("zca", [2.0, 0.0])])
def test_two_pixels_worked_by_hand(kind, by_hand):
    """Variances 4 along (1, 1)/√2 and 1 along (1, −1)/√2: (3, 1) has the components (4, 2)/√2, divided by 2 and 1."""
    covariance_VV = torch.tensor([[2.5, 1.5], [1.5, 2.5]], dtype=torch.float64)
    found = whitening.fit_whitening(kind, covariance_VV, 0.0)
    assert found.eigenvalues_V.tolist() == pytest.approx([4, 1])
    pixels = torch.tensor([3.0, 1.0]).view(1, 1, 1, 2)
    signs = found.eigenvectors_VV[0].sign() if kind == "pca" else torch.ones(2)
    assert (found.apply(pixels).flatten() * signs).tolist() == pytest.approx(by_hand, abs=1e-5)


def test_the_largest_entry_of_each_eigenvector_is_positive(smooth_part):
    vectors = fit_preprocessor(section("pca"), smooth_part(200, 1, 5, 5)).whitening.eigenvectors_VV
    largest = vectors.abs().argmax(dim=0)
    assert (vectors[largest, torch.arange(25)] > 0).all()


@pytest.mark.parametrize("kind", ["pca", "zca"])
@pytest.mark.parametrize("epsilon", [SMALL, 1e-3])
def test_nothing_is_correlated_any_more(smooth_part, kind, epsilon):
    part = smooth_part(400, 3, 4, 4)
    found = fit_preprocessor(section(kind, epsilon), part)
    finished = flat(found.apply(part.stored))
    assert np.abs(finished.mean(axis=0)).max() < 1e-3
    variances, vectors = found.whitening.eigenvalues_V.numpy(), found.whitening.eigenvectors_VV.double().numpy()
    shrunk = np.diag(variances / (variances + epsilon))
    wanted = shrunk if kind == "pca" else vectors @ shrunk @ vectors.T
    assert np.abs(np.cov(finished, rowvar=False) - wanted).max() < 1e-3
    if epsilon == SMALL:
        assert np.abs(np.cov(finished, rowvar=False) - np.eye(48)).max() < 1e-3


def test_zca_is_the_inverse_root_of_the_covariance_and_the_nearest_to_the_pictures(smooth_part):
    part = smooth_part(300, 1, 4, 4)
    pixels = flat(part.stored) / 255
    found = fit_preprocessor(section("zca"), part)
    matrix = found.whitening._matrix(torch.device("cpu")).double().numpy()
    root = scipy.linalg.inv(scipy.linalg.sqrtm(np.cov(pixels, rowvar=False) + SMALL * np.eye(16)))
    assert np.abs(matrix - matrix.T).max() < 1e-4 * np.abs(matrix).max()
    assert np.abs(matrix - root).max() < 1e-4 * np.abs(matrix).max()
    centered = pixels - pixels.mean(axis=0)
    rng = np.random.default_rng(0)
    turns = [scipy.stats.ortho_group.rvs(16, random_state=rng) for _ in range(20)]
    distances = [((centered @ matrix @ turn - centered) ** 2).sum() for turn in (np.eye(16), *turns)]
    assert min(distances) == distances[0]


PICTURES = arrays.arrays(
    np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 3), st.integers(1, 4), st.integers(1, 4))
)


@given(PICTURES, st.sampled_from(["pca", "zca"]), st.sampled_from([1e-4, 1e-2, 1.0]))
@settings(max_examples=60)
def test_every_picture_comes_back(part_of, images, kind, epsilon):
    """Fewer pictures than pixels, and pixels that never change, included."""
    preprocessor = fit_preprocessor(section(kind, epsilon), part_of(images))
    for pictures in (torch.from_numpy(images), torch.from_numpy(255 - images)):
        finished = preprocessor.apply(pictures)
        assert finished.isfinite().all()
        assert finished.shape == pictures.shape
        assert torch.equal(preprocessor.invert(finished), pictures)


def test_chunks_change_no_digit(smooth_part, monkeypatch):
    part = smooth_part(100, 3, 4, 4)
    whole = fit_preprocessor(section("zca"), part)
    monkeypatch.setattr(statistics, "CHUNK_BYTES", 7 * 48)
    chunked = fit_preprocessor(section("zca"), part)
    assert torch.equal(chunked.whitening.eigenvectors_VV, whole.whitening.eigenvectors_VV)
    assert torch.equal(chunked.apply(part.stored), whole.apply(part.stored))


def test_a_region_of_half_precision_does_not_blur_it(smooth_part):
    part = smooth_part(100, 1, 4, 4)
    preprocessor = fit_preprocessor(section("zca", 1e-4), part)
    with torch.autocast("cpu", torch.bfloat16):
        within = preprocessor.apply(part.stored)
        back = preprocessor.invert(within)
    assert torch.equal(within, preprocessor.apply(part.stored))
    assert torch.equal(back, part.stored)


def test_pictures_too_large_for_the_memory_are_refused_before_anything_is_read(random_part, monkeypatch):
    monkeypatch.setattr(whitening, "free_memory", lambda: 4 * 2**30)
    part = random_part(2, 3, 224, 224)
    with pytest.raises(InputError, match="too large to be whitened") as error:
        fit_preprocessor(section("zca"), part)
    assert part.read == 1
    assert error.value.expected == "at most 56×56 pixels, by the 4.0 GiB of memory that are free"
    assert error.value.got == "224×224×3: 150,528 dimensions, whose covariance and eigenvectors need 1,012.9 GiB"
    assert error.value.where == "preprocess.whiten"
    assert error.value.hint.startswith("--img-size 32, or without whitening: --set preprocess.whiten=none")


def test_the_largest_size_that_is_named_is_taken(monkeypatch):
    monkeypatch.setattr(whitening, "free_memory", lambda: 4 * 2**30)
    whitening.check_whitening(3, 56, 56)
    with pytest.raises(InputError):
        whitening.check_whitening(3, 57, 57)
    # However much memory there is, LAPACK counts its own room in 32 bits.
    monkeypatch.setattr(whitening, "free_memory", lambda: 2**60)
    whitening.check_whitening(1, 181, 181)
    with pytest.raises(InputError, match="at most 181×181 pixels"):
        whitening.check_whitening(1, 182, 182)
