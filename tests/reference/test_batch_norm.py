import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional as F

from reference import batch_norm
from reference.checking import assert_equal, by_differences, by_torch, normal, seeds

few = st.integers(1, 4)
shapes = st.one_of(
    st.tuples(st.integers(2, 6), few), st.tuples(few, few, few, few).filter(lambda s: s[0] * s[2] * s[3] > 1)
)
"""Features N F and maps N F H W, of at least two numbers a map."""
EPS = 1e-3
"""Larger than usual, so that batches of two numbers that lie near each other are no worse conditioned than others."""


@settings(max_examples=50)
@given(shapes, seeds)
def test_torch_and_differences_agree_in_training(shape, seed):
    x, g = normal(*shape, seed=seed), normal(*shape, seed=seed + 1)
    scale, shift = normal(shape[1], seed=seed + 2), normal(shape[1], seed=seed + 3)
    expected, (dx, dscale, dshift) = by_torch(
        lambda x, scale, shift: F.batch_norm(x, None, None, scale, shift, training=True, eps=EPS), g, x, scale, shift
    )
    batch = batch_norm.forward(x, scale, shift, eps=EPS)
    assert_equal(batch.outputs, expected)
    found = batch_norm.backward(g, batch, scale)
    for gradient, torchs in zip(found, (dx, dscale, dshift), strict=True):
        assert_equal(gradient, torchs)

    def again(x=x, scale=scale, shift=shift):
        return batch_norm.forward(x, scale, shift, eps=EPS).outputs

    assert_equal(found[0], by_differences(lambda x: again(x=x), g, x), 1e-5)
    assert_equal(found[1], by_differences(lambda scale: again(scale=scale), g, scale), 1e-8)
    assert_equal(found[2], by_differences(lambda shift: again(shift=shift), g, shift), 1e-8)


@given(shapes, seeds)
def test_a_batch_that_is_shifted_or_stretched_gives_the_same(shape, seed):
    x, g = normal(*shape, seed=seed), normal(*shape, seed=seed + 1)
    scale, shift = normal(shape[1], seed=seed + 2), normal(shape[1], seed=seed + 3)
    batch = batch_norm.forward(x, scale, shift, eps=0.0)
    assert_equal(batch_norm.forward(3 * x + 7, scale, shift, eps=0.0).outputs, batch.outputs, 1e-6)
    dx, _, _ = batch_norm.backward(g, batch, scale)
    over = (0, *range(2, x.ndim))
    without_statistics = batch_norm.evaluate_backward(g, scale, batch.variance_F, eps=0.0)
    size = np.abs(without_statistics).max()
    assert_equal(dx.sum(over) / size, np.zeros(shape[1]), 1e-6)
    assert_equal((dx * batch.standardized).sum(over) / size, np.zeros(shape[1]), 1e-6)


@given(shapes, seeds)
def test_torch_and_differences_agree_in_evaluation(shape, seed):
    x, g = normal(*shape, seed=seed), normal(*shape, seed=seed + 1)
    scale, shift, mean = (normal(shape[1], seed=seed + place) for place in (2, 3, 4))
    variance = normal(shape[1], seed=seed + 5) ** 2 + 0.1
    running = torch.from_numpy(mean), torch.from_numpy(variance)
    expected, (dx,) = by_torch(
        lambda x: F.batch_norm(x, *running, torch.from_numpy(scale), torch.from_numpy(shift), eps=EPS), g, x
    )
    assert_equal(batch_norm.evaluate(x, scale, shift, mean, variance, eps=EPS), expected)
    gradient = batch_norm.evaluate_backward(g, scale, variance, eps=EPS)
    assert_equal(gradient, dx)
    assert_equal(
        gradient,
        by_differences(lambda x: batch_norm.evaluate(x, scale, shift, mean, variance, eps=EPS), g, x),
        1e-8,
    )


def test_running_statistics_move_as_torchs_do():
    layer = nn.BatchNorm2d(3, momentum=0.25).double()
    mean, variance = np.zeros(3), np.ones(3)
    for step in range(4):
        x = normal(5, 3, 2, 2, seed=step)
        layer(torch.from_numpy(x))
        batch = batch_norm.forward(x, np.ones(3), np.zeros(3))
        mean = batch_norm.moved(mean, batch.mean_F, 0.25)
        variance = batch_norm.moved(variance, batch_norm.unbiased(batch), 0.25)
    assert_equal(mean, layer.running_mean.numpy())
    assert_equal(variance, layer.running_var.numpy())
