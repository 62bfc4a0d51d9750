import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import max_pooling
from reference.checking import assert_equal, by_differences, by_torch, distinct, normal, seeds

windows = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1)).filter(lambda way: 2 * way[2] <= way[0])
"""Window, stride, and a padding of at most half a window, as torch wants it."""
sides = st.integers(3, 7)


@given(windows, sides, sides, st.integers(1, 2), seeds)
def test_torch_and_differences_agree(way, height, width, channels, seed):
    window, stride, padding = way
    how = {"stride": stride, "padding": padding}
    x = distinct(2, channels, height, width, seed=seed)
    found = max_pooling.forward(x, window, **how)
    g = normal(*found.shape, seed=seed)
    expected, (dx,) = by_torch(lambda x: F.max_pool2d(x, window, **how), g, x)
    assert_equal(found, expected)
    gradient = max_pooling.backward(g, x, window, **how)
    assert_equal(gradient, dx)
    assert_equal(gradient, by_differences(lambda x: max_pooling.forward(x, window, **how), g, x), 1e-8)


def test_of_equals_the_first_by_rows_gets_the_gradient_as_in_torch():
    x, g = np.zeros((1, 1, 4, 4)), normal(1, 1, 3, 3, seed=0)
    gradient = max_pooling.backward(g, x, 2, stride=1)
    assert_equal(gradient, by_torch(lambda x: F.max_pool2d(x, 2, stride=1), g, x)[1][0])
    assert_equal(gradient[0, 0, :3, :3], g[0, 0])


def test_a_pixel_that_wins_every_window_gets_all_of_the_gradient():
    x = np.zeros((1, 1, 3, 3))
    x[0, 0, 1, 1] = 1
    gradient = max_pooling.backward(np.array([[[[1.0, 2.0], [3.0, 4.0]]]]), x, 2, stride=1)
    assert gradient[0, 0].tolist() == [[0, 0, 0], [0, 10, 0], [0, 0, 0]]
