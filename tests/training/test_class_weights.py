from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from sklearn.utils import compute_class_weight

from trainwright.errors import InputError
from trainwright.recipe import LossSection
from trainwright.training.class_weights import class_weights

CLASSES = ("cat", "dog", "an owl")
SHARES = [0.5, 0.3, 0.2]


def weights_of(text: str, name: str = "cross-entropy", shares=SHARES):
    return class_weights(LossSection(name=name, class_weights=text), CLASSES, shares)  # type: ignore[arg-type]


def test_nothing_is_weighted_unless_asked():
    assert weights_of("none") is None


@given(st.lists(st.integers(1, 50), min_size=3, max_size=3))
def test_balanced_weights_are_those_of_scikit_learn(counts):
    labels = np.repeat(np.arange(3), counts)
    shares = [count / sum(counts) for count in counts]
    wanted = compute_class_weight("balanced", classes=np.arange(3), y=labels)
    assert torch.allclose(weights_of("balanced", shares=shares).double(), torch.from_numpy(wanted), rtol=1e-5)


@given(st.lists(st.floats(0.1, 50), min_size=3, max_size=3))
def test_given_weights_keep_their_ratios_and_have_mean_one_over_pictures(given_weights):
    text = ", ".join(f"{name}={weight:.6f}" for name, weight in zip(CLASSES, given_weights, strict=True))
    weights = weights_of(text).double()
    assert (weights * torch.tensor(SHARES)).sum().item() == pytest.approx(1, rel=1e-5)
    assert (weights[1] / weights[0]).item() == pytest.approx(given_weights[1] / given_weights[0], rel=1e-3)


def test_weights_of_logistic_stand_as_they_are():
    assert weights_of("an owl=3", "logistic").tolist() == [1, 1, 3]
    assert weights_of("balanced", "logistic").tolist() == pytest.approx([1, 7 / 3, 4])


def test_unknown_and_repeated_classes_are_refused():
    with pytest.raises(InputError, match="a class that the data do not have: 'dgo'") as error:
        weights_of("dgo=2")
    assert "did you mean 'dog'?" in str(error.value)
    with pytest.raises(InputError, match="names 'cat' twice"):
        weights_of("cat=2, cat=3")


@pytest.mark.parametrize("text", ["cat", "cat=", "=2", "cat=-1", "cat=0", "cat=0.0", "cat=1e3", "cat=2,", "some"])
def test_other_texts_are_refused(text):
    with pytest.raises(ValidationError, match="a text like"):
        LossSection(class_weights=text)


def test_weights_make_rare_classes_count_alike():
    labels = torch.tensor([0] * 380 + [1] * 20)
    weights = class_weights(LossSection(name="cross-entropy", class_weights="balanced"), ("a", "b"), [0.95, 0.05])
    sums = [weights[k] * (labels == k).sum() for k in range(2)]
    assert math.isclose(sums[0], sums[1], rel_tol=1e-6)
