"""Components of the colors against NumPy's covariance of all pixels at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from trainwright.data.augment import color_components, components


class Pictures:
    def __init__(self, images_NCHW: torch.Tensor) -> None:
        self.images_NCHW = images_NCHW

    def __len__(self) -> int:
        return len(self.images_NCHW)

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        return self.images_NCHW[rows]


@pytest.mark.parametrize("chunk", [1, 10_000, 10**9])
def test_components_are_those_of_the_covariance(monkeypatch, chunk):
    monkeypatch.setattr(components, "CHUNK_BYTES", chunk)
    generator = torch.Generator().manual_seed(0)
    common = torch.randint(0, 200, (30, 1, 9, 7), generator=generator)
    images = (common + torch.randint(0, 50, (30, 3, 9, 7), generator=generator)).to(torch.uint8)
    got = color_components(Pictures(images)).double().numpy()
    wanted = np.cov(images.transpose(0, 1).reshape(3, -1).numpy())
    assert np.allclose(got @ got.T, wanted, rtol=1e-5)
    roots = np.sqrt(np.linalg.eigvalsh(wanted)[::-1])
    assert np.allclose(np.linalg.norm(got, axis=0), roots, rtol=1e-5)
    assert (got[np.abs(got).argmax(axis=0), range(3)] > 0).all()


def test_pictures_of_one_value_have_no_components():
    assert not color_components(Pictures(torch.full((2, 3, 4, 4), 7, dtype=torch.uint8))).any()
