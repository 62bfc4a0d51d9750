from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import average_pooling
from reference.checking import assert_equal, by_differences, by_torch, normal, seeds

windows = st.tuples(st.integers(1, 3), st.integers(1, 3), st.integers(0, 1)).filter(lambda way: 2 * way[2] <= way[0])
sides = st.integers(3, 7)


@given(windows, sides, sides, st.integers(1, 2), seeds)
def test_torch_and_differences_agree(way, height, width, channels, seed):
    window, stride, padding = way
    how = {"stride": stride, "padding": padding}
    x = normal(2, channels, height, width, seed=seed)
    found = average_pooling.forward(x, window, **how)
    g = normal(*found.shape, seed=seed + 1)
    expected, (dx,) = by_torch(lambda x: F.avg_pool2d(x, window, **how), g, x)
    assert_equal(found, expected)
    gradient = average_pooling.backward(g, (height, width), window, **how)
    assert_equal(gradient, dx)
    assert_equal(gradient, by_differences(lambda x: average_pooling.forward(x, window, **how), g, x), 1e-8)


@given(st.integers(1, 3), seeds)
def test_one_window_over_the_whole_map_is_its_mean(side, seed):
    x = normal(2, 3, side, side, seed=seed)
    assert_equal(average_pooling.forward(x, side, stride=1)[:, :, 0, 0], x.mean(axis=(2, 3)))
