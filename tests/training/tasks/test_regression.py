from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn import metrics

from trainwright.data import Scale
from trainwright.recipe import LossSection
from trainwright.training.tasks import Answers, Regression, task_from

SCALE = Scale((10.0, -2.0), (4.0, 0.5))


def task(name: str = "l2", beta: float = 1.0) -> Regression:
    return Regression(("width", "height"), SCALE, LossSection(name=name, beta=beta))  # type: ignore[arg-type]


def answers(count: int = 90) -> Answers:
    draw = torch.Generator().manual_seed(3)
    truth = torch.randn(count, 2, generator=draw)
    return Answers(truth + 0.4 * torch.randn(count, 2, generator=draw), truth)


def judged(asked: Answers, of: Regression | None = None):
    names = [f"picture-{row}" for row in range(len(asked.labels_N))]
    return (of or task()).judge(asked, names=names, part="test", epoch=1)


def test_errors_are_in_the_units_of_the_user_and_equal_scikit_learn():
    asked = answers()
    truth, said = (SCALE.restored(one.double().numpy()) for one in (asked.labels_N, asked.logits_NK))
    for d, score in enumerate(judged(asked).per_column):
        assert score.mae == pytest.approx(metrics.mean_absolute_error(truth[:, d], said[:, d]))
        assert score.rmse == pytest.approx(metrics.root_mean_squared_error(truth[:, d], said[:, d]))
        assert score.r2 == pytest.approx(metrics.r2_score(truth[:, d], said[:, d]))
        assert score.spearman == pytest.approx(stats.spearmanr(truth[:, d], said[:, d]).statistic, abs=1e-5)
        assert score.rmse_of_mean == pytest.approx(np.sqrt(((truth[:, d] - SCALE.mean[d]) ** 2).mean()))
        low, high = score.mae_interval
        assert low < score.mae < high
        error = np.abs(truth[:, d] - said[:, d])
        assert high - low == pytest.approx(2 * 1.96 * error.std(ddof=1) / np.sqrt(90), rel=1e-3)


def test_the_verdict_goes_by_the_mean_share_of_the_variance():
    asked = answers()
    verdict, record = task().verdict(asked), judged(asked)
    assert verdict.score == verdict.figures["r2"] == record.figures["r2"]
    assert list(record.figures) == ["r2", "mae_width", "rmse_width", "mae_height", "rmse_height"]
    assert verdict.loss == record.loss
    one = Regression(("width",), Scale((0.0,), (1.0,)), LossSection(name="l2"))
    alone = Answers(asked.logits_NK[:, :1], asked.labels_N[:, :1])
    assert list(one.verdict(alone).figures) == ["r2", "mae", "rmse"]


@pytest.mark.parametrize("name", ["l2", "l1", "smooth-l1"])
def test_losses_of_pictures_have_the_mean_of_the_loss(name):
    asked, of = answers(), task(name, 0.5)
    assert of.losses(asked).mean().item() == pytest.approx(of.verdict(asked).loss, rel=1e-5)


def test_where_nothing_varies_there_is_no_share_and_the_loss_decides():
    asked = answers(3)
    same = Answers(asked.logits_NK, torch.zeros(3, 2))
    assert task().verdict(same).score == -task().verdict(same).loss
    assert [score.r2 for score in judged(same).per_column] == [None, None]
    flat = Answers(torch.zeros(3, 2), asked.labels_N)
    assert [score.spearman for score in judged(flat).per_column] == [None, None]
    single = judged(Answers(asked.logits_NK[:1], asked.labels_N[:1]))
    assert single.per_column[0].mae_interval[1] == float("inf")


def test_the_farthest_off_come_first():
    asked = answers()
    record = judged(asked)
    off = [(asked.logits_NK - asked.labels_N).abs()[mistake.row].max().item() for mistake in record.mistakes]
    assert off == sorted(off, reverse=True)
    assert len(off) == 24
    first = record.mistakes[0]
    d = ("width", "height").index(first.column)
    assert first.value == pytest.approx(asked.labels_N[first.row, d].item() * SCALE.deviation[d] + SCALE.mean[d])


def test_views_are_averaged_as_numbers_and_a_snapshot_brings_the_task_back():
    views = [torch.tensor([[1.0, 2.0]]), torch.tensor([[3.0, 0.0]])]
    assert task().averaged(views).tolist() == [[2.0, 1.0]]
    assert task().hits(views[0], views[1]) is None
    for of in (task(), task("smooth-l1", 0.3)):
        again = task_from({"classes": ["width", "height"], "task": of.described()})
        assert again == of


def test_the_points_of_many_pictures_are_spread_over_all():
    points = judged(answers(1000)).per_column[0].points
    assert len(points) == 400
