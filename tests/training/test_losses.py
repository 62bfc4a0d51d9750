"""Every loss against torch or NumPy, its value and slope by hand, and the laws that it keeps."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import softmax_cross_entropy
from trainwright.data import Mix
from trainwright.errors import InputError
from trainwright.recipe import LossSection
from trainwright.training.losses import (
    LOSSES,
    absolute_error,
    build_loss,
    check_smoothing,
    cross_entropy,
    kullback_leibler,
    logistic,
    margin_ranking,
    pair_logistic,
    smooth_absolute_error,
    smoothed,
    squared_error,
)
from trainwright.training.step import mixed_loss

SCORES = torch.tensor([[3.2, 5.1, -1.7]])


def test_lecture_figures_for_three_scores():
    scores = SCORES.clone().requires_grad_()
    loss = cross_entropy(scores, torch.tensor([0]))
    loss.backward()
    assert loss.item() == pytest.approx(2.04, abs=0.005)
    assert scores.softmax(dim=1)[0].tolist() == pytest.approx([0.13, 0.869, 0.001], abs=0.0005)
    assert scores.grad is not None
    assert scores.grad[0].tolist() == pytest.approx([-0.87, 0.869, 0.001], abs=0.0005)


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes():
    assert cross_entropy(torch.zeros(4, 10), torch.arange(4)).item() == pytest.approx(2.302585, abs=1e-6)


@given(st.integers(2, 12), st.floats(0, 0.45), st.integers(0, 1000))
def test_smoothing_spares_the_right_class(classes, smoothing, seed):
    rng = np.random.default_rng(seed)
    logits, labels = rng.normal(size=(5, classes)), rng.integers(classes, size=5)
    ours = cross_entropy(torch.from_numpy(logits), torch.from_numpy(labels), smoothing=smoothing)
    written = softmax_cross_entropy.forward(logits, softmax_cross_entropy.smoothed(labels, classes, smoothing))
    assert ours.item() == pytest.approx(written, rel=1e-4, abs=1e-5)


def test_weights_of_mean_one_scale_each_picture():
    logits, labels = torch.randn(3, 4, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2])
    single = [cross_entropy(logits[i : i + 1], labels[i : i + 1]).item() for i in range(3)]
    weighted = cross_entropy(logits, labels, weights_N=torch.tensor([2.0, 1.0, 0.0]))
    assert weighted.item() == pytest.approx((2 * single[0] + single[1]) / 3, rel=1e-6)


def test_loss_of_half_precision_logits_is_computed_in_float32():
    assert cross_entropy(SCORES.bfloat16(), torch.tensor([0])).dtype == torch.float32


@pytest.mark.parametrize(("smoothing", "classes"), [(0.5, 2), (0.95, 10)])
def test_smoothing_that_hides_the_right_class_is_refused(smoothing, classes):
    with pytest.raises(InputError, match="no more likely than a wrong one") as error:
        check_smoothing(smoothing, classes)
    assert "loss.label_smoothing" in str(error.value)
    assert math.isclose((classes - 1) / classes, float(str(error.value).split("below ")[1].split()[0]), abs_tol=1e-3)


def test_usual_smoothing_passes():
    check_smoothing(0.1, 2)


def numbers(seed: int, *shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def entropy(targets_NK: torch.Tensor) -> torch.Tensor:
    return torch.special.entr(targets_NK.double()).sum(dim=1).mean()


def mixed_with(others_N: torch.Tensor, share: float) -> Mix:
    count = len(others_N)
    empty = torch.zeros(count, 1, 1, 1, dtype=torch.uint8)
    return Mix(empty, others_N, others_N, None, torch.full((count,), share), torch.zeros(count, 4, dtype=torch.int32))


@given(st.integers(2, 9), st.floats(0, 0.49), st.integers(0, 1000))
def test_smoothed_labels_are_distributions_that_spare_the_right_class(classes, smoothing, seed):
    labels = torch.randint(classes, (6,), generator=torch.Generator().manual_seed(seed))
    targets = smoothed(labels, classes, smoothing)
    assert torch.allclose(targets.sum(dim=1), torch.ones(6), atol=1e-6)
    assert torch.allclose(targets[range(6), labels], torch.full((6,), 1 - smoothing), atol=1e-6)
    assert torch.allclose(targets.min(dim=1).values, torch.full((6,), smoothing / (classes - 1)), atol=1e-6)


def test_divergence_from_hard_labels_is_cross_entropy():
    logits, labels = numbers(0, 8, 5), torch.arange(8) % 5
    assert torch.allclose(
        kullback_leibler(logits, F.one_hot(labels, 5).float()), F.cross_entropy(logits, labels), atol=1e-6
    )


@given(st.integers(2, 7), st.floats(0.01, 0.45), st.floats(0, 1, width=32), st.integers(0, 1000))
def test_divergence_is_cross_entropy_less_the_entropy_of_smoothed_and_mixed_labels(classes, smoothing, share, seed):
    draw = torch.Generator().manual_seed(seed)
    logits = numbers(seed, 5, classes).requires_grad_()
    labels, others = (torch.randint(classes, (5,), generator=draw) for _ in range(2))
    mix = mixed_with(others, share)
    losses = {
        name: mixed_loss(build_loss(LossSection(name=name, label_smoothing=smoothing)), logits, labels, None, mix)
        for name in ("kl", "cross-entropy")
    }
    targets = share * smoothed(labels, classes, smoothing) + (1 - share) * smoothed(others, classes, smoothing)
    assert losses["cross-entropy"].item() - losses["kl"].item() == pytest.approx(entropy(targets).item(), abs=1e-4)
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in losses.values()]
    assert torch.allclose(*slopes, atol=1e-5), "the entropy of the labels does not hang on the weights"


def test_divergence_from_itself_is_nothing():
    targets = numbers(1, 4, 3).softmax(dim=1)
    assert kullback_leibler(targets.log(), targets).item() == pytest.approx(0, abs=1e-6)


def test_divergence_of_mixed_labels_counts_each_by_its_weight():
    logits, labels, others = numbers(2, 2, 3), torch.tensor([0, 0]), torch.tensor([2, 2])
    weightless = mixed_with(others, 0.3)
    weightless = Mix(**{**vars(weightless), "weights_N": torch.zeros(2)})
    loss_of = build_loss(LossSection(name="kl", label_smoothing=0.0))
    loss = mixed_loss(loss_of, logits, labels, torch.tensor([1.0, 2.0]), weightless)
    wanted = (torch.tensor([0.3, 0.6]) * F.cross_entropy(logits, labels, reduction="none")).sum() / 2
    assert loss.item() == pytest.approx(wanted.item(), rel=1e-5)
    nothing = mixed_loss(loss_of, logits, labels, torch.zeros(2), weightless)
    assert nothing.item() == 0.0


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 1000))
def test_logistic_is_the_log_likelihood_of_coins(count, labels, seed):
    logits = numbers(seed, count, labels).double().numpy()
    truth = np.random.default_rng(seed).integers(0, 2, (count, labels))
    p = 1 / (1 + np.exp(-logits))
    wanted = -(truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()
    ours = logistic(torch.from_numpy(logits), torch.from_numpy(truth).float())
    assert ours.item() == pytest.approx(wanted, abs=1e-5)


def test_logistic_of_classes_takes_each_against_all_others():
    logits, labels = numbers(3, 4, 3), torch.tensor([0, 2, 1, 1])
    ours = build_loss(LossSection(name="logistic", label_smoothing=0.2))(logits, labels, None)
    targets = torch.full((4, 3), 0.1)
    targets[range(4), labels] = 0.8
    assert ours.item() == pytest.approx(F.binary_cross_entropy(logits.sigmoid(), targets).item(), rel=1e-5)


def test_weights_of_logistic_labels_count_the_term_of_those_that_hold():
    logits, truth = torch.zeros(1, 2), torch.tensor([[1.0, 0.0]])
    ours = logistic(logits, truth, positive_K=torch.tensor([3.0, 5.0]))
    assert ours.item() == pytest.approx((3 + 1) * math.log(2) / 2, rel=1e-6)


@given(st.integers(1, 5), st.integers(1, 4), st.floats(0.1, 4), st.integers(0, 1000))
def test_errors_of_numbers_by_their_formulas(count, columns, beta, seed):
    outputs, targets = numbers(seed, count, columns), numbers(seed + 1, count, columns)
    r = (outputs - targets).double().numpy()
    assert squared_error(outputs, targets).item() == pytest.approx((r**2).mean(), rel=1e-5)
    assert absolute_error(outputs, targets).item() == pytest.approx(np.abs(r).mean(), rel=1e-5)
    bent = np.where(np.abs(r) < beta, r**2 / (2 * beta), np.abs(r) - beta / 2)
    assert smooth_absolute_error(outputs, targets, beta=beta).item() == pytest.approx(bent.mean(), rel=1e-5)


@given(st.floats(0.2, 3))
def test_smooth_error_has_no_jump_and_no_kink_at_beta(beta):
    r = torch.tensor([[beta * (1 - 1e-4)], [beta * (1 + 1e-4)]], requires_grad=True)
    losses = [smooth_absolute_error(row[None], torch.zeros(1, 1), beta=beta) for row in r]
    assert losses[0].item() == pytest.approx(losses[1].item(), rel=1e-3)
    slope = torch.autograd.grad(losses[0] + losses[1], r)[0]
    assert slope[:, 0].tolist() == pytest.approx([1, 1], abs=1e-3)


@given(st.integers(1, 6), st.floats(0.1, 3), st.integers(0, 1000))
def test_ranking_losses_equal_those_of_torch_and_fall_as_the_better_one_leads(pairs, margin, seed):
    scores = numbers(seed, 2 * pairs, 1)
    better, worse = scores[::2, 0], scores[1::2, 0]
    wanted = F.margin_ranking_loss(better, worse, torch.ones(pairs), margin=margin)
    assert margin_ranking(scores, margin=margin).item() == pytest.approx(wanted.item(), abs=1e-5)
    coin = F.binary_cross_entropy_with_logits(better - worse, torch.ones(pairs))
    assert pair_logistic(scores).item() == pytest.approx(coin.item(), abs=1e-5)
    led = scores.clone()
    led[::2] += 0.5
    for loss_of in (margin_ranking, pair_logistic):
        assert loss_of(led).item() <= loss_of(scores).item()
        assert loss_of(scores + 3).item() == pytest.approx(loss_of(scores).item(), abs=1e-5), "only differences count"


def test_pairs_count_by_their_weights():
    scores = torch.tensor([[1.0], [1.5], [0.0], [0.0]])
    weights = torch.tensor([2.0, 2.0, 0.0, 0.0])
    assert margin_ranking(scores, weights_N=weights).item() == pytest.approx(1.5)
    assert pair_logistic(scores, weights_N=weights).item() == pytest.approx(math.log1p(math.exp(0.5)), rel=1e-6)


@given(st.integers(0, 1000))
def test_weights_of_one_change_no_loss(seed):
    outputs, targets, ones = numbers(seed, 6, 3), torch.rand(6, 3), torch.ones(6)
    for loss_of in (logistic, squared_error, absolute_error, smooth_absolute_error):
        assert loss_of(outputs, targets, weights_N=ones).item() == pytest.approx(loss_of(outputs, targets).item())
    targets = targets / targets.sum(dim=1, keepdim=True)
    weighted = kullback_leibler(outputs, targets, weights_N=ones)
    assert weighted.item() == pytest.approx(kullback_leibler(outputs, targets).item())


NUMBERS = ("l2", "l1", "smooth-l1")


@pytest.mark.parametrize("name", NUMBERS)
@given(share=st.floats(0, 1, width=32), seed=st.integers(0, 1000))
def test_of_mixed_pictures_the_numbers_are_blended(name, share, seed):
    outputs, own, others = (numbers(seed + more, 4, 2) for more in range(3))
    loss_of = build_loss(LossSection(name=name))
    blended = share * own + (1 - share) * others
    assert mixed_loss(loss_of, outputs, own, None, mixed_with(others, share)).item() == pytest.approx(
        loss_of(outputs, blended, None).item(), abs=1e-5
    )


@pytest.mark.parametrize("name", sorted(set(LOSSES) - {"margin-ranking", "pair-logistic"}))
def test_every_loss_of_half_precision_is_finite_and_has_a_slope(name):
    logits = (30 * numbers(4, 6, 4)).bfloat16().requires_grad_()
    section = LossSection(name=name) if name in NUMBERS else LossSection(name=name, label_smoothing=0.1)
    labels = numbers(5, 6, 4) if name in NUMBERS else torch.arange(6) % 4
    loss = build_loss(section)(logits, labels, None)
    loss.backward()
    assert loss.dtype == torch.float32
    assert math.isfinite(loss.item())
    assert logits.grad is not None
    assert logits.grad.isfinite().all()
    assert logits.grad.any()


def test_class_weights_scale_the_loss_of_each_picture():
    logits, labels, weights = numbers(5, 3, 2), torch.tensor([0, 1, 1]), torch.tensor([0.5, 2.0])
    loss_of = build_loss(LossSection(name="cross-entropy", label_smoothing=0.0), weights)
    ours = loss_of(logits, labels, None)
    losses = F.cross_entropy(logits, labels, reduction="none")
    assert ours.item() == pytest.approx((losses * torch.tensor([0.5, 2.0, 2.0])).mean().item(), rel=1e-6)
    both = loss_of(logits, labels, torch.tensor([2.0, 1.0, 0.0]))
    assert both.item() == pytest.approx((losses * torch.tensor([1.0, 2.0, 0.0])).mean().item(), rel=1e-6)
