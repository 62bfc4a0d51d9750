from __future__ import annotations

import math
from dataclasses import replace

import pytest

from trainwright.reporting.views.curves import curves, step_curve
from trainwright.runs import EpochRecord, StepRecord, StopRecord


def epoch(number: int, *, best: bool, valid: float | None = 0.5) -> EpochRecord:
    return EpochRecord(
        epoch=number,
        step=number * 10,
        learning_rate=0.1,
        train_loss=1.0 / number,
        train_accuracy=0.6,
        valid_loss=valid,
        valid_accuracy=valid,
        best=best,
        train_time_s=1.0,
        valid_time_s=0.1,
        pictures_per_s=100.0,
        data_wait_share=0.0,
        memory_mib=1.0,
    )


def steps(count: int, norm: float | None = 1.0) -> list[StepRecord]:
    return [
        StepRecord(step=n, epoch=1, learning_rate=n / 1000, loss=float(n), gradient_norm_before_clip=norm)
        for n in range(1, count + 1)
    ]


def test_curves_are_columns_and_mark_the_best_epoch() -> None:
    rows = [epoch(1, best=True), epoch(2, best=True), epoch(3, best=False)]
    view = curves(rows, None)
    assert view.epochs == (1, 2, 3)
    assert view.train_loss == pytest.approx((1.0, 0.5, 1 / 3))
    assert view.best_epoch == 2


def test_the_end_of_training_decides_which_epoch_was_kept() -> None:
    stop = StopRecord(reason="x", kind="completed", epoch=3, step=30, best_epoch=3, train_time_s=1.0)
    assert curves([epoch(2, best=True), epoch(3, best=False)], stop).best_epoch == 3


def test_no_epochs_and_no_validation() -> None:
    assert curves([], None).best_epoch is None
    assert curves([epoch(1, best=True, valid=None)], None).valid_loss == (None,)


def test_the_second_stage_has_lines_of_its_own() -> None:
    second = replace(epoch(3, best=False, valid=None), stage="retrain")
    view = curves([epoch(1, best=True), epoch(2, best=False), second], None)
    assert view.train_loss == (1.0, 0.5, None)
    assert view.retrain_loss == (None, None, pytest.approx(1 / 3))
    assert view.retrain_accuracy == (None, None, 0.6)
    assert view.valid_loss[-1] is None
    assert view.best_epoch == 1


def test_no_point_averages_over_both_stages() -> None:
    view = step_curve(steps(10), 4, most=4)
    assert view.steps == (2.0, 4.0, 6.0, 9.0)
    assert view.second_from == 2
    assert step_curve(steps(10), 10).second_from is None
    assert step_curve(steps(10), 0).second_from == 0


def test_few_steps_are_shown_one_by_one() -> None:
    view = step_curve(steps(5))
    assert view.span == 1
    assert view.steps == (1, 2, 3, 4, 5)
    assert view.gradient_norms == (1.0,) * 5


def test_many_steps_are_averaged_over_equal_spans() -> None:
    view = step_curve(steps(10), most=4)
    assert view.span == 3
    assert view.steps == (2.0, 5.0, 8.0, 10.0)
    assert view.losses == (2.0, 5.0, 8.0, 10.0)
    assert view.rates == pytest.approx((0.002, 0.005, 0.008, 0.010))


def test_gradient_norms_that_were_not_recorded_are_left_out() -> None:
    assert step_curve(steps(5, norm=None)).gradient_norms == ()
    assert step_curve([]).steps == ()


def test_a_loss_that_is_not_finite_stays_so() -> None:
    broken = [*steps(2), StepRecord(step=3, epoch=1, learning_rate=0.1, loss=math.nan)]
    assert math.isnan(step_curve(broken).losses[-1])
