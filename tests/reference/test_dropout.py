from itertools import product

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import dropout
from reference.checking import assert_equal, by_differences, by_torch, normal, seeds


@given(st.lists(st.integers(1, 5), min_size=1, max_size=3), st.floats(0, 0.95), seeds)
def test_torch_and_differences_agree_under_torchs_mask(shape, probability, seed):
    x, g = normal(*shape, seed=seed), normal(*shape, seed=seed + 1)

    def drop(inputs: torch.Tensor) -> torch.Tensor:
        torch.manual_seed(seed)
        return F.dropout(inputs, probability, training=True)

    kept = (drop(torch.ones(shape, dtype=torch.float64)) > 0).numpy()
    expected, (dx,) = by_torch(drop, g, x)
    assert_equal(dropout.forward(x, kept, probability), expected)
    assert_equal(dropout.backward(g, kept, probability), dx)
    assert_equal(dx, by_differences(lambda x: dropout.forward(x, kept, probability), g, x), 1e-8)


@given(st.floats(0, 0.95), seeds)
def test_the_mean_over_all_masks_is_the_input(probability, seed):
    x = normal(4, seed=seed)
    mean = np.zeros(4)
    for mask in product([0, 1], repeat=4):
        chance = np.prod([1 - probability if kept else probability for kept in mask])
        mean += chance * dropout.forward(x, np.array(mask), probability)
    assert_equal(mean, x)
