"""Statistics of counts, against simulation and against figures that a person can check by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from trainwright.diagnosis.counting import apart, chance, error_pattern, recalls_K, share_error, table_KK, unevenness
from trainwright.runs import AnswersRecord


def test_batches_drawn_by_chance_are_even_on_average_and_rarely_far_from_it():
    rng = np.random.default_rng(0)
    shares_K = np.array([0.5, 0.2, 0.1, 0.1, 0.05, 0.03, 0.02])
    found = [unevenness(rng.multinomial(16, shares_K, size=12).astype(float)) for _ in range(400)]
    uneven, errors = np.array(found).T
    assert abs(uneven.mean() - 1) < 0.02
    assert abs(errors.mean()) < 0.1
    assert 0.7 < errors.std() < 1.1
    assert errors.max() < 6


def test_sorted_batches_are_far_from_even():
    counts_BK = np.kron(np.eye(5), np.array([[16.0], [16.0]]))
    uneven, errors = unevenness(counts_BK)
    assert uneven > 10
    assert errors > 20


def test_batches_of_one_class_or_a_single_batch_say_nothing():
    assert unevenness(np.array([[4.0, 0.0], [4.0, 0.0]])) == (1.0, 0.0)
    assert unevenness(np.array([[4.0, 4.0]])) == (1.0, 0.0)


def test_evenness_is_that_of_a_contingency_table():
    counts_BK = np.random.default_rng(1).multinomial(30, [0.3, 0.3, 0.4], size=6).astype(float)
    reference = stats.chi2_contingency(counts_BK)
    assert unevenness(counts_BK)[0] == pytest.approx(reference.statistic / reference.dof)


def test_mistakes_by_chance_have_no_pattern_and_those_with_likes_have():
    rng = np.random.default_rng(2)
    true = rng.integers(0, 10, 600)
    wrong = np.where(rng.random(600) < 0.3, rng.integers(0, 10, 600), true)
    likes = np.where(rng.random(600) < 0.3, true ^ 1, true)
    by_chance, counted = error_pattern(_confusion(wrong, true))
    assert 0.7 < by_chance < 1.4
    assert counted == (wrong != true).sum()
    assert error_pattern(_confusion(true, likes))[0] > 5


def test_no_mistake_has_no_pattern():
    assert error_pattern(np.eye(4) * 9) == (math.inf, 0)


def test_two_classes_have_no_pattern():
    assert error_pattern(np.array([[9.0, 3.0], [2.0, 9.0]])) == (math.inf, 5)


def test_recalls_and_chance():
    confusion_KK = np.array([[6.0, 2.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]])
    assert chance(confusion_KK) == 0.8
    assert recalls_K(confusion_KK)[:2].tolist() == [0.75, 0.5]
    assert np.isnan(recalls_K(confusion_KK)[2])


def test_a_share_of_nothing_right_has_an_error_above_0():
    assert 0.01 < share_error(0.0, 50) < 0.05
    assert share_error(0.5, 996) == pytest.approx(0.5 / math.sqrt(1000))


def test_shares_apart():
    assert apart(0.9, 0, 0.1, 50) == 0.0
    assert apart(0.9, 100, 0.1, 100) == -apart(0.1, 100, 0.9, 100)
    assert apart(0.6, 400, 0.5, 400) == pytest.approx(2.85, abs=0.03)


def test_answers_without_confusion_have_no_table():
    answers = AnswersRecord(step=0, epoch=0, part="train", mode="eval", pictures=4, loss=1.0)
    assert table_KK(answers) is None


def _confusion(true: np.ndarray, named: np.ndarray) -> np.ndarray:
    confusion_KK = np.zeros((10, 10))
    np.add.at(confusion_KK, (true, named), 1)
    return confusion_KK
