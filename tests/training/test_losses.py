import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from reference import softmax_cross_entropy
from trainwright.errors import InputError
from trainwright.training.losses import check_smoothing, cross_entropy

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
