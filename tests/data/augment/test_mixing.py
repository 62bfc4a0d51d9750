"""Mixup and cutmix: shares of the right distribution, labels in the same proportion as pixels, nothing by batch."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from trainwright.data import Batch, Mix, Mixing, batches
from trainwright.data.augment import NOTHING
from trainwright.recipe import LossSection
from trainwright.training.losses import build_loss, cross_entropy
from trainwright.training.step import mixed_loss

HARD = build_loss(LossSection(name="cross-entropy", label_smoothing=0.0))


class Part:
    """Pictures whose every value is their class; 60 of them in 6 classes."""

    on_disk = False
    pairs_P2 = None
    weights_N = None

    def __init__(self, count: int = 60) -> None:
        self.labels_N = torch.arange(count) % 6
        self.samples_N = torch.arange(count) + 1000
        self.images_NCHW = (40 * self.labels_N).to(torch.uint8)[:, None, None, None].expand(count, 1, 8, 8)

    def __len__(self) -> int:
        return len(self.labels_N)

    def images(self, rows: torch.Tensor) -> torch.Tensor:
        return self.images_NCHW[rows]


def mixing(mixup: float = 0.0, cutmix: float = 0.0, pictures: int = 60) -> Mixing:
    return Mixing(mixup, cutmix, seed=3, pictures=pictures)


def test_nothing_is_mixed_unless_asked():
    assert Mixing.of(NOTHING, seed=0, pictures=9) is None
    assert Mixing.of(NOTHING.model_copy(update={"mixup": 0.2}), seed=0, pictures=9) == Mixing(0.2, 0.0, 0, 9)
    assert next(batches(Part(), 10, seed=0, epoch=1)).mix is None


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_mixups_shares_are_of_the_beta_distribution(alpha):
    share_N, boxes_N4 = mixing(mixup=alpha).shares(torch.arange(20_000), 1, 32, 32)
    # Half of the distribution, because close to 1 a float32 is too coarse for small α; it is symmetric.
    below = share_N[share_N < 0.5].double().numpy()
    assert stats.kstest(below, lambda share: 2 * stats.beta(alpha, alpha).cdf(share)).pvalue > 1e-4
    assert stats.binomtest(len(below), 20_000).pvalue > 1e-4
    assert not boxes_N4.any()


def test_cutmix_covers_the_share_that_was_drawn_where_the_border_lets_it():
    share_N, boxes_N4 = mixing(cutmix=1.0).shares(torch.arange(20_000), 1, 200, 200)
    inner = ((boxes_N4[:, :2] > 0) & (boxes_N4[:, 2:] < 200)).all(dim=1)
    covered = 1 - share_N[inner]
    # A square of side s fits around (1 − s)² of all centers, so weighted by the inverse what fits is Beta(1, 1) again.
    covered = covered.double()
    weights = (1 - covered.sqrt()).clamp(min=0.05) ** -2
    some = covered < 0.8
    for edge in (0.2, 0.4, 0.6):
        part = float(weights[covered < edge].sum() / weights[some].sum())
        assert abs(part - edge / 0.8) < 0.06
    area = (boxes_N4[:, 2] - boxes_N4[:, 0]) * (boxes_N4[:, 3] - boxes_N4[:, 1])
    assert torch.allclose(1 - area / 200**2, share_N)
    side = (boxes_N4[inner, 2] - boxes_N4[inner, 0]).double()
    assert (side - (boxes_N4[inner, 3] - boxes_N4[inner, 1])).abs().max() <= 1, "the box is as the picture, square"


def test_both_take_turns():
    share_N, boxes_N4 = mixing(mixup=1.0, cutmix=1.0).shares(torch.arange(4_000), 1, 32, 32)
    cut = int(boxes_N4.any(dim=1).sum())
    # Boxes too small to cover a pixel count as none; of Beta(1, 1) those are few.
    assert 0.46 < cut / 4_000 < 0.53
    assert ((share_N >= 0) & (share_N <= 1)).all()


def test_partners_are_any_picture_and_hang_on_the_sample_alone():
    one, samples = mixing(mixup=1.0), torch.arange(12_000)
    partners = one.partners(samples, 1)
    assert stats.chisquare(np.bincount(partners.numpy(), minlength=60)).pvalue > 1e-4
    shuffle = torch.randperm(12_000)
    assert torch.equal(partners[shuffle], one.partners(samples[shuffle], 1))
    assert not torch.equal(partners, one.partners(samples, 2))
    whole = one.shares(samples, 1, 8, 8)
    alone = one.shares(samples[40:50], 1, 8, 8)
    assert all(torch.equal(a[40:50], b) for a, b in zip(whole, alone, strict=True))


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_pixels_and_labels_are_shared_out_alike(kind, on_disk):
    part = Part()
    part.on_disk = on_disk
    for batch in batches(part, 20, seed=1, epoch=4, mixing=mixing(**{kind: 1.0})):
        assert batch.mix is not None
        mixed = batch.mix.blended(batch.images_NCHW.float(), batch.mix.images_NCHW.float())
        share = batch.mix.share_N
        wanted = 40 * (share * batch.labels_N + (1 - share) * batch.mix.labels_N)
        assert torch.allclose(mixed.mean(dim=(1, 2, 3)), wanted, atol=1e-3)
        if kind == "mixup":
            assert torch.allclose(mixed, wanted[:, None, None, None].expand_as(mixed), atol=1e-3)


@given(st.integers(2, 6), st.floats(0, 1, width=32), st.floats(0, 0.4))
@settings(max_examples=50, deadline=None)
def test_loss_is_that_of_the_mixed_label(classes, share, smoothing):
    generator = torch.Generator().manual_seed(classes)
    logits = torch.randn(5, classes, generator=generator, dtype=torch.float64).float()
    labels = torch.randint(classes, (5,), generator=generator)
    others = torch.randint(classes, (5,), generator=generator)
    shares = torch.full((5,), share)
    empty = torch.zeros(5, 1, 2, 2, dtype=torch.uint8)
    mix = Mix(empty, others, labels, None, shares, torch.zeros(5, 4, dtype=torch.int32))

    loss_of = build_loss(LossSection(name="cross-entropy", label_smoothing=smoothing))

    off = smoothing / (classes - 1)
    targets = torch.stack(
        [
            s * torch.full((classes,), off).index_fill(0, a, 1 - smoothing)
            + (1 - s) * torch.full((classes,), off).index_fill(0, b, 1 - smoothing)
            for s, a, b in zip(shares, labels, others, strict=True)
        ]
    )
    assert torch.allclose(targets.sum(dim=1), torch.ones(5), atol=1e-6), "labels stay a distribution"
    wanted = -(targets * logits.log_softmax(dim=1)).sum(dim=1).mean()
    assert torch.allclose(mixed_loss(loss_of, logits, labels, None, mix), wanted, atol=1e-5)
    doubled = mixed_loss(loss_of, logits, labels, torch.full((5,), 2.0), replace(mix, weights_N=torch.full((5,), 2.0)))
    assert torch.allclose(doubled, 2 * wanted, atol=1e-5)


def test_a_batch_without_a_mix_has_its_own_loss():
    batch = Batch(torch.zeros(1, 1, 2, 2, dtype=torch.uint8), torch.tensor([1]), torch.tensor([0]), None)
    logits = torch.tensor([[0.3, 0.1]])
    plain = mixed_loss(HARD, logits, batch.labels_N, None, None)
    assert torch.equal(plain, cross_entropy(logits, batch.labels_N))


def test_each_label_counts_by_the_weight_of_its_own_picture():
    logits = torch.zeros(2, 3, requires_grad=True)
    empty = torch.zeros(2, 1, 2, 2, dtype=torch.uint8)
    none = torch.zeros(2, 4, dtype=torch.int32)
    labels, others = torch.tensor([0, 0]), torch.tensor([2, 2])
    mix = Mix(empty, others, labels, torch.tensor([0.0, 0.0]), torch.tensor([0.3, 0.3]), none)

    mixed_loss(HARD, logits, labels, torch.tensor([1.0, 2.0]), mix).backward()
    # Pictures of class 2 weigh nothing: what is left is 0.3 and 0.6 of the own label's loss, over two pictures.
    wanted = torch.tensor([[0.3], [0.6]]) / 2 * (torch.full((2, 3), 1 / 3) - torch.tensor([1.0, 0.0, 0.0]))
    assert torch.allclose(logits.grad, wanted, atol=1e-6)
