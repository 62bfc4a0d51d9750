from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from trainwright.runs import figure_names
from trainwright.training.tasks import Answers, MultiLabel, task_from
from trainwright.training.tasks.multi_label import average_precisions

NAMES = ("cat", "dog", "owl")
TASK = MultiLabel(NAMES)


def answers(seed: int = 0, count: int = 120) -> Answers:
    draw = torch.Generator().manual_seed(seed)
    truth = (torch.rand(count, 3, generator=draw) < torch.tensor([0.5, 0.2, 0.05])).float()
    return Answers(torch.randn(count, 3, generator=draw) + 2 * truth - 1, truth)


def judged(given: Answers):
    names = [f"picture-{row}" for row in range(len(given.labels_N))]
    return TASK.judge(given, names=names, part="test", epoch=2)


@pytest.mark.parametrize("seed", range(3))
def test_figures_equal_scikit_learn(seed):
    asked = answers(seed)
    record = judged(asked)
    truth, chances = asked.labels_N.numpy(), asked.logits_NK.double().sigmoid().numpy()
    said = chances >= 0.5
    assert record.mean_average_precision == pytest.approx(metrics.average_precision_score(truth, chances), rel=1e-6)
    assert record.f1_micro == pytest.approx(metrics.f1_score(truth, said, average="micro"))
    assert record.f1_macro == pytest.approx(metrics.f1_score(truth, said, average="macro"))
    assert record.exact_match == pytest.approx(metrics.accuracy_score(truth, said))
    assert record.hamming_loss == pytest.approx(metrics.hamming_loss(truth, said))
    expected = sum(metrics.log_loss(truth[:, k], chances[:, k], labels=[0, 1]) for k in range(3)) / 3
    assert record.loss == pytest.approx(expected, rel=1e-6)
    precision, recall, f1, pictures = metrics.precision_recall_fscore_support(truth, said, zero_division=0.0)
    for k, score in enumerate(record.per_label):
        assert (score.label, score.pictures) == (NAMES[k], pictures[k])
        assert (score.precision, score.recall, score.f1) == pytest.approx((precision[k], recall[k], f1[k]))


def test_the_verdict_of_an_epoch_is_the_judgement_in_short():
    asked = answers()
    verdict, record = TASK.verdict(asked), judged(asked)
    assert verdict.score == record.mean_average_precision
    assert verdict.loss == record.loss
    assert verdict.accuracy is None
    assert verdict.figures == {
        "mean_average_precision": record.mean_average_precision,
        "f1_macro": record.f1_macro,
    }
    named = figure_names("multi-label", ())
    assert (named.valid, named.tested) == (tuple(verdict.figures), tuple(record.figures))
    assert named.sure == tuple(name for name in named.tested if hasattr(record, f"{name}_interval"))


def test_a_label_that_holds_nowhere_has_no_average_precision_and_does_not_count():
    asked = answers()
    asked.labels_N[:, 2] = 0
    record = judged(asked)
    assert record.per_label[2].average_precision is None
    assert record.per_label[2].recall is None
    first_two = [score.average_precision for score in record.per_label[:2]]
    assert record.mean_average_precision == pytest.approx(sum(x for x in first_two if x is not None) / 2)
    asked.labels_N[:] = 0
    assert judged(asked).mean_average_precision is None
    assert TASK.verdict(asked).score == -TASK.verdict(asked).loss


def test_mistakes_are_the_surest_wrong_labels_in_order():
    asked = answers(count=60)
    record = judged(asked)
    doubts = [1 - m.probability if m.holds else m.probability for m in record.mistakes]
    assert doubts == sorted(doubts, reverse=True)
    assert len(record.mistakes) == min(24, round((1 - record.exact_match) * 60))
    for mistake in record.mistakes:
        k = NAMES.index(mistake.label)
        assert mistake.holds == bool(asked.labels_N[mistake.row, k])
        assert mistake.holds != (mistake.probability >= 0.5)


@given(st.integers(0, 1000), st.integers(2, 5))
def test_views_are_averaged_as_probabilities(seed, views):
    draw = torch.Generator().manual_seed(seed)
    logits = [torch.randn(4, 3, generator=draw) for _ in range(views)]
    mean = torch.stack([one.sigmoid() for one in logits]).mean(dim=0)
    assert torch.allclose(TASK.averaged(logits).sigmoid(), mean, atol=1e-6)


@given(st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=5))
def test_the_average_of_sure_views_is_finite_and_between_them(views):
    views_V13 = [torch.tensor([view]) for view in views]
    mean_13, stacked = TASK.averaged(views_V13), torch.stack(views_V13)
    assert mean_13.isfinite().all()
    assert (mean_13 >= stacked.amin(dim=0) - 1e-4).all()
    assert (mean_13 <= stacked.amax(dim=0) + 1e-4).all()
    assert TASK.losses(Answers(mean_13, torch.tensor([[0.0, 1.0, 1.0]]))).isfinite().all()


def test_scores_that_are_all_sure_are_still_told_apart():
    asked = Answers(torch.tensor([[18.0], [20.0], [25.0]]), torch.tensor([[0.0], [1.0], [1.0]]))
    assert average_precisions(asked) == [1.0]
    assert average_precisions(Answers(asked.logits_NK * 40, asked.labels_N)) == [1.0]


def test_nothing_known_costs_ln_2_and_nothing_is_right_or_wrong():
    blind = Answers(torch.zeros(5, 3), answers().labels_N[:5])
    assert TASK.losses(blind).tolist() == pytest.approx([math.log(2)] * 5)
    assert TASK.hits(blind.logits_NK, blind.labels_N) is None


def test_a_snapshot_brings_its_task_back():
    assert task_from({"classes": list(NAMES), "task": TASK.described()}) == TASK
