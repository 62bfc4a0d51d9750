"""Color matrices against affine arithmetic in NumPy."""

from __future__ import annotations

import numpy as np
import torch

from trainwright.data.augment.color import compose, scaling_matrix


def test_compose_applies_in_order():
    generator = torch.Generator().manual_seed(0)
    matrices = [torch.randn(5, 3, 4, generator=generator) for _ in range(3)]
    pixel = np.array([10.0, 200.0, 90.0])
    joined = compose(*matrices)
    for picture in range(5):
        wanted = pixel
        for matrix in matrices:
            wanted = matrix[picture, :, :3].double().numpy() @ wanted + matrix[picture, :, 3].double().numpy()
        got = joined[picture].double().numpy() @ np.append(pixel, 1.0)
        assert np.allclose(got, wanted, rtol=1e-4, atol=1e-2)


def test_a_shared_matrix_joins_with_one_a_picture():
    shared = scaling_matrix(torch.tensor([2.0]), torch.tensor([1.0]))
    own = torch.tensor([[[3.0, 0.0]], [[5.0, 0.0]]])
    assert compose(own, shared).tolist() == [[[6.0, 1.0]], [[10.0, 1.0]]]
