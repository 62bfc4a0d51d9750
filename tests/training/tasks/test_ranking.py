from __future__ import annotations

import math

import pytest
import torch

from trainwright.recipe import LossSection
from trainwright.training.tasks import Answers, Ranking, task_from

TASK = Ranking(LossSection(name="margin-ranking", margin=0.5))
NAMES = ("a", "b", "c", "d")
PAIRS = torch.tensor([[0, 1], [1, 2], [3, 0], [2, 3]])
ANSWERS = Answers(torch.tensor([[3.0], [1.0], [1.0], [3.5]]), torch.zeros(4, 1), PAIRS)
"""Right by 2, a tie, right by 0.5, wrong by 2.5."""


def test_pairs_in_the_right_order_are_counted_and_ties_are_none():
    record = TASK.judge(ANSWERS, names=NAMES, part="test", epoch=1)
    assert (record.pairs, record.pair_accuracy, record.ties, record.pictures) == (4, 0.5, 1, 4)
    low, high = record.pair_accuracy_interval
    assert low < 0.5 < high
    assert record.figures == {"pair_accuracy": 0.5}
    assert [(m.better, m.worse, m.row, m.worse_row, m.lead) for m in record.mistakes] == [
        ("c", "d", 2, 3, 2.5),
        ("b", "c", 1, 2, 0.0),
    ]


def test_the_loss_is_that_of_the_pairs():
    assert TASK.losses(ANSWERS).tolist() == pytest.approx([0.0, 0.5, 0.0, 3.0])
    verdict = TASK.verdict(ANSWERS)
    assert (verdict.score, verdict.loss, verdict.accuracy) == (0.5, pytest.approx(3.5 / 4), None)
    logistic = Ranking(LossSection(name="pair-logistic"))
    blind = Answers(torch.zeros(4, 1), torch.zeros(4, 1), PAIRS)
    assert logistic.losses(blind).tolist() == pytest.approx([math.log(2)] * 4)
    assert TASK.losses(blind).tolist() == pytest.approx([0.5] * 4)


def test_in_a_batch_pairs_follow_each_other():
    scores = torch.tensor([[2.0], [1.0], [0.0], [0.0], [1.0], [3.0], [5.0], [4.0]])
    assert TASK.hits(scores, torch.zeros(8)).item() == 4
    assert TASK.verdict(Answers(scores, torch.zeros(8, 1))).score == 0.5


def test_of_some_pictures_the_pairs_among_them_are_left():
    some = ANSWERS.of(torch.tensor([True, False, True, True]))
    assert some.pairs_P2 is not None
    assert some.pairs_P2.tolist() == [[2, 0], [1, 2]]
    assert some.judged == 2
    assert TASK.judge(some, names=("a", "c", "d"), part="other", epoch=1).pair_accuracy == 0.5
    assert Answers(torch.zeros(3, 1), torch.zeros(3)).judged == 3


def test_scores_of_views_are_averaged_and_a_snapshot_brings_the_task_back():
    assert TASK.averaged([torch.tensor([[1.0]]), torch.tensor([[2.0]])]).tolist() == [[1.5]]
    for task in (TASK, Ranking(LossSection(name="pair-logistic"))):
        assert task_from({"classes": ["score"], "task": task.described()}) == task
