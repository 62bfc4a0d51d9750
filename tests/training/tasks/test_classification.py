from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from trainwright.training.tasks import Answers, Classification, task_from

LOGITS = torch.randn(40, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(40) % 3


def test_classes_each_for_itself_have_probabilities_of_their_own():
    alone = Classification(("a", "b", "c"), each_alone=True)
    assert torch.allclose(alone.probabilities(LOGITS), LOGITS.double().sigmoid())
    wanted = F.binary_cross_entropy(LOGITS.double().sigmoid(), F.one_hot(LABELS, 3).double())
    assert alone.verdict(Answers(LOGITS, LABELS)).loss == pytest.approx(wanted.item())
    assert alone.losses(Answers(torch.zeros(2, 3), LABELS[:2])).tolist() == pytest.approx([math.log(2)] * 2)
    views = alone.averaged([LOGITS, -LOGITS])
    assert torch.allclose(views.sigmoid(), torch.full((40, 3), 0.5), atol=1e-6)
    record = alone.judge(Answers(LOGITS, LABELS), names=["x"] * 40, part="test", epoch=1)
    assert record.accuracy == (LOGITS.argmax(dim=1) == LABELS).double().mean().item()
    assert record.mistakes[0].probability == pytest.approx(max(m.probability for m in record.mistakes))


@pytest.mark.parametrize("each_alone", [False, True])
@given(views=st.lists(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), min_size=1, max_size=5))
def test_views_are_averaged_as_probabilities_however_sure(each_alone, views):
    task = Classification(("a", "b", "c"), each_alone)
    views_V13 = [torch.tensor([view]) for view in views]
    averaged_13 = task.averaged(views_V13)
    assert averaged_13.isfinite().all()
    mean_13 = torch.stack([task.probabilities(view_13) for view_13 in views_V13]).mean(dim=0)
    assert torch.allclose(task.probabilities(averaged_13), mean_13, rtol=1e-4, atol=1e-6)
    assert task.losses(Answers(averaged_13, torch.tensor([0]))).isfinite().all()


@pytest.mark.parametrize("each_alone", [False, True])
def test_a_snapshot_brings_its_task_back(each_alone):
    task = Classification(("a", "b"), each_alone)
    assert task_from({"classes": ["a", "b"], "task": task.described()}) == task


def test_snapshots_of_earlier_versions_name_no_task_and_are_classification():
    assert task_from({"classes": ["a", "b"]}) == Classification(("a", "b"))
