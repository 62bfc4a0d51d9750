import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import relu
from reference.checking import assert_equal, by_differences, by_torch, distinct, normal, seeds


@given(st.lists(st.integers(1, 4), min_size=1, max_size=4), seeds)
def test_torch_and_differences_agree(shape, seed):
    x, g = distinct(*shape, seed=seed), normal(*shape, seed=seed)
    expected, (dx,) = by_torch(F.relu, g, x)
    assert_equal(relu.forward(x), expected)
    assert_equal(relu.backward(g, x), dx)
    assert_equal(relu.backward(g, x), by_differences(relu.forward, g, x), 1e-8)


def test_the_gradient_at_zero_is_zero_as_in_torch():
    x, g = np.array([0.0, -0.0]), np.ones(2)
    assert relu.backward(g, x).tolist() == by_torch(F.relu, g, x)[1][0].tolist() == [0, 0]
