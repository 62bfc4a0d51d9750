import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from reference import softmax_cross_entropy
from reference.checking import assert_equal, by_differences, by_torch, normal, seeds

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())


@given(st.integers(1, 5), st.integers(2, 7), st.floats(0, 0.4), st.floats(0.1, 300), seeds)
def test_torch_and_differences_agree(samples, classes, smoothing, size, seed):
    scores = size * normal(samples, classes, seed=seed)
    labels = np.random.default_rng(seed).integers(classes, size=samples)
    targets = softmax_cross_entropy.smoothed(labels, classes, smoothing)
    expected, (theirs,) = by_torch(lambda s: F.cross_entropy(s, torch.from_numpy(targets)), 1.0, scores)
    assert_equal(softmax_cross_entropy.forward(scores, targets), expected)
    gradient = softmax_cross_entropy.backward(scores, targets)
    assert_equal(gradient, theirs)
    assert_equal(
        gradient, by_differences(lambda s: softmax_cross_entropy.forward(s, targets), 1.0, scores), 1e-8 * max(1, size)
    )
    assert_equal(softmax_cross_entropy.softmax(scores), F.softmax(torch.from_numpy(scores), dim=1).numpy())
    assert_equal(gradient.sum(axis=1), np.zeros(samples))


def test_figures_of_the_lecture():
    golden = GOLDEN["softmax_cross_entropy"]
    scores = np.array([golden["scores"]])
    targets = softmax_cross_entropy.smoothed(np.array([golden["target"]]), 3)
    assert softmax_cross_entropy.softmax(scores)[0] == pytest.approx(golden["probabilities"], abs=0.0005)
    assert softmax_cross_entropy.forward(scores, targets) == pytest.approx(golden["loss"], abs=0.005)
    assert softmax_cross_entropy.backward(scores, targets)[0] == pytest.approx(golden["gradient"], abs=0.0005)


def test_equal_scores_cost_the_logarithm_of_the_number_of_classes():
    first = GOLDEN["first_loss"]
    targets = softmax_cross_entropy.smoothed(np.array([3]), first["classes"])
    loss = softmax_cross_entropy.forward(np.zeros((1, first["classes"])), targets)
    assert loss == pytest.approx(first["value"], abs=1e-6)
