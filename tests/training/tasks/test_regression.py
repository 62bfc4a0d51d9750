from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from trainwright.data import Scale
from trainwright.recipe import LossSection
from trainwright.runs import figure_names
from trainwright.training.tasks import Answers, Regression, task_from
from trainwright.training.tasks.regression import column_score

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
    for of, asked_of in ((task(), asked), (one, alone)):
        named = figure_names("regression", of.names)
        assert named.valid == tuple(of.verdict(asked_of).figures)
        assert named.tested == tuple(judged(asked_of, of).figures)


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
    assert [score.mae_interval for score in single.per_column] == [None, None]


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
    asked = answers(1000)
    points = judged(asked).per_column[1].points
    truth = SCALE.restored(asked.labels_N.double().numpy())[:, 1]
    said = SCALE.restored(asked.logits_NK.double().numpy())[:, 1]
    rows = [place * 1000 // 400 for place in range(400)]
    assert [true for true, _ in points] == pytest.approx(truth[rows].tolist(), abs=1e-6)
    assert [told for _, told in points] == pytest.approx(said[rows].tolist(), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(-9, 9), st.sampled_from([0.0, 1.0, 1.7e9]), st.integers(3, 60), st.integers(0, 9))
def test_figures_do_not_depend_on_the_unit_or_the_zero(power, offset, count, seed):
    draw = np.random.default_rng(seed)
    unit = 10.0**power
    truth = draw.integers(0, 50, count) * unit + offset * unit
    truth[0] += 50 * unit
    said = truth + draw.normal(0, 5, count) * unit
    score = column_score("x", torch.from_numpy(said), torch.from_numpy(truth), 0.0)
    assert score.r2 == pytest.approx(metrics.r2_score(truth, said), rel=1e-5, abs=1e-5)
    assert score.rmse == pytest.approx(metrics.root_mean_squared_error(truth, said), rel=1e-5)
    assert score.mae == pytest.approx(metrics.mean_absolute_error(truth, said), rel=1e-5)
    assert score.spearman == pytest.approx(stats.spearmanr(truth, said).statistic, abs=1e-5)


@given(st.integers(-6, 6), st.integers(0, 99))
def test_what_was_given_in_few_digits_is_told_in_few_digits(power, seed):
    given_N1 = (np.random.default_rng(seed).integers(-99, 99, (30, 1)) / 4) * 10.0**power
    scale = Scale.of(given_N1)
    through_N1 = scale.restored(torch.from_numpy(scale.standardized(given_N1)).float().double().numpy())
    told = [scale.told(0, value) for value in through_N1[:, 0].tolist()]
    assert [f"{value:.12g}" for value in told] == [f"{value:.12g}" for value in given_N1[:, 0].tolist()]
