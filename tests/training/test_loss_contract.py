"""What every loss keeps to; a new one is tested by standing in LOSSES.

Legend: N pictures, K classes, or columns of numbers.
"""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from trainwright.recipe import LOSSES_OF, LossSection
from trainwright.training.losses import LOSSES, build_loss

CLASSES = 5
NUMBERS, PAIRS = LOSSES_OF["regression"], LOSSES_OF.get("ranking", ())
pytestmark = pytest.mark.parametrize("name", sorted(LOSSES))
seeds, counts = st.integers(0, 10_000), st.integers(1, 9)


def drawn(name: str, count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draws scores N K and what is true: class numbers N, numbers N K, or of pairs that the first is better.

    Numbers are at least 0.1 off, and the better one lags behind by as much, so that no kink is near.
    """
    draw = torch.Generator().manual_seed(seed)
    scores = 2 * torch.randn(count, CLASSES, generator=draw)
    off = 0.1 + torch.randn(count, CLASSES, generator=draw).abs()
    if name in NUMBERS:
        return scores, scores + off * torch.where(torch.rand(count, CLASSES, generator=draw) < 0.5, -1.0, 1.0)
    if name in PAIRS:
        return torch.stack([scores[:, 0], scores[:, 0] + off[:, 0]], dim=1).reshape(-1, 1), torch.zeros(2 * count)
    return scores, torch.randint(CLASSES, (count,), generator=draw)


def each(name: str) -> int:
    """Tells how many pictures go together."""
    return 2 if name in PAIRS else 1


def loss_of(name: str):
    smoothed = {"label_smoothing": 0.1} if name in LOSSES_OF["classification"] else {}
    return build_loss(LossSection(name=name, **smoothed))


def close(found: Tensor, expected: Tensor) -> bool:
    return torch.allclose(found, expected, rtol=1e-5, atol=1e-6)


@given(counts, seeds)
def test_a_batch_gives_one_finite_number_that_is_not_below_zero(name, count, seed):
    loss = loss_of(name)(*drawn(name, count, seed), None)
    assert loss.shape == ()
    assert loss.dtype == torch.float32
    assert -1e-6 <= loss.item() < float("inf")


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_scores_of_half_precision_are_judged_in_float32(name, dtype):
    scores, labels = drawn(name, 7, 0)
    rounded = scores.to(dtype)
    loss = loss_of(name)(rounded, labels, None)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, loss_of(name)(rounded.float(), labels, None))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss_of(name)(rounded, labels, None), loss)


@given(counts, seeds)
def test_a_small_step_down_the_gradient_lowers_it_as_the_gradient_says(name, count, seed):
    scores, labels = drawn(name, count, seed)
    scores.requires_grad_()
    loss = loss_of(name)(scores, labels, None)
    (gradient,) = torch.autograd.grad(loss, scores)
    assert gradient.isfinite().all()
    slope = gradient.square().sum().item()
    assert slope > 0
    length = 0.02 / slope**0.5
    ahead, behind = (loss_of(name)(scores + way * length * gradient, labels, None).item() for way in (1, -1))
    assert behind < loss.item() < ahead
    assert (ahead - behind) / (2 * length) == pytest.approx(slope, rel=0.02)


@pytest.mark.parametrize("size", [1e3, 1e6])
def test_scores_of_any_size_leave_loss_and_gradient_finite(name, size):
    scores, labels = drawn(name, 6, 1)
    large = (size * scores).requires_grad_()
    loss = loss_of(name)(large, labels, None)
    (gradient,) = torch.autograd.grad(loss, large)
    assert loss.isfinite()
    assert gradient.isfinite().all()


@given(counts, seeds)
def test_the_order_of_pictures_does_not_matter(name, count, seed):
    scores, labels = drawn(name, count, seed)
    weights = (1 + torch.arange(count) / count).repeat_interleave(each(name))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(seed))
    order = (each(name) * order[:, None] + torch.arange(each(name))).flatten()
    for before, after in ((None, None), (weights, weights[order])):
        assert close(loss_of(name)(scores[order], labels[order], after), loss_of(name)(scores, labels, before))


@given(counts, seeds)
def test_a_batch_that_stands_twice_costs_the_same(name, count, seed):
    scores, labels = drawn(name, count, seed)
    twice = loss_of(name)(scores.repeat(2, 1), torch.cat([labels, labels]), None)
    assert close(twice, loss_of(name)(scores, labels, None))


@given(counts, seeds, st.floats(0, 4, width=16))
def test_weights_count_pictures(name, count, seed, weight):
    """All of 1 change nothing, the loss is linear in them, and a picture without weight has no part in it."""
    scores, labels = drawn(name, count, seed)
    scores.requires_grad_()
    plain, one = loss_of(name)(scores, labels, None), torch.ones(len(scores))
    assert close(loss_of(name)(scores, labels, one), plain)
    assert close(loss_of(name)(scores, labels, weight * one), weight * plain)
    weights = one.clone()
    weights[: each(name)] = 0
    (gradient,) = torch.autograd.grad(loss_of(name)(scores, labels, weights), scores)
    assert not gradient[: each(name)].any()
    assert gradient[each(name) :].any(dim=1).all()
