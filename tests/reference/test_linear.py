from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import linear
from reference.checking import assert_equal, by_differences, by_torch, normal, seeds

few = st.integers(1, 6)


@given(few, few, few, seeds)
def test_torch_and_differences_agree(samples, inputs, outputs, seed):
    x, w, b = normal(samples, inputs, seed=seed), normal(outputs, inputs, seed=seed + 1), normal(outputs, seed=seed + 2)
    g = normal(samples, outputs, seed=seed + 3)
    expected, (dx, dw, db) = by_torch(F.linear, g, x, w, b)
    assert_equal(linear.forward(x, w, b), expected)
    found = linear.backward(g, x, w)
    for gradient, torchs in zip(found, (dx, dw, db), strict=True):
        assert_equal(gradient, torchs)
    assert_equal(found[0], by_differences(lambda x: linear.forward(x, w, b), g, x), 1e-8)
    assert_equal(found[1], by_differences(lambda w: linear.forward(x, w, b), g, w), 1e-8)
    assert_equal(found[2], by_differences(lambda b: linear.forward(x, w, b), g, b), 1e-8)
