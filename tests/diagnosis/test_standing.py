"""Where a run stands, read from made-up records."""

from __future__ import annotations

import math

import pytest

from diagnosis.histories import BLIND, course, records
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.standing import (
    at_chance,
    last_skill,
    moves_well,
    skill_of,
    told_before,
    trained_skill,
    unseen_skill,
)
from trainwright.runs import AnswersRecord, Finding, History


def test_skill_of_new_pictures_is_that_of_the_end_of_the_first_epoch():
    falling = course(loss=lambda step: BLIND * (1 - step / 1000), per_epoch=90, steps=360)
    assert unseen_skill(falling) == pytest.approx(0.0755, abs=1e-4)
    assert unseen_skill(falling, 2) == pytest.approx(0.0755 + 0.09, abs=1e-4)
    assert math.isnan(unseen_skill(falling, 99))


def test_skill_as_trained_is_that_of_the_last_quarter():
    assert trained_skill(course(loss=lambda step: BLIND if step <= 300 else 0.0)) == 1.0
    assert math.isnan(trained_skill(Course(History())))


def test_validation_is_taken_from_epochs_where_nobody_looked():
    unwatched = course(watched=False, epoch={"valid_loss": 0.5 * BLIND})
    assert math.isnan(last_skill(unwatched, "valid"))
    seen = Course(History.of([row for row in records(epoch={"valid_loss": 0.5 * BLIND}) if not _of_validation(row)]))
    assert last_skill(seen, "valid") == pytest.approx(0.5)


def test_a_loss_of_nothing_has_no_skill():
    assert math.isnan(skill_of(course(), None))
    assert skill_of(course(), BLIND) == pytest.approx(0.0)


def test_chance_is_naming_the_most_frequent_class():
    def answers(right: int) -> AnswersRecord:
        table = ((300, 0), (100 - right, right))
        accuracy = (300 + right) / 400
        return AnswersRecord(
            step=1, epoch=1, part="valid", mode="eval", pictures=400, loss=0.5, accuracy=accuracy, confusion_KK=table
        )

    assert at_chance(answers(0))
    assert at_chance(answers(20))
    assert at_chance(answers(40)) is False
    assert at_chance(AnswersRecord(step=1, epoch=1, part="valid", mode="eval", pictures=4, loss=None)) is None


def test_weights_that_hardly_move_or_overshoot_do_not_move_well():
    assert moves_well(course())
    assert not moves_well(course(probe={"updates": (1e-6,) * 4}))
    assert not moves_well(course(probe={"loss_after": lambda step: 9.0}))
    assert not moves_well(Course(History()))


def test_only_what_was_told_before_the_first_step_was_told_before():
    told = Finding(code="input-not-scaled", severity="warn", summary="of size 116")
    later = Finding(code="dead-units", severity="warn", summary="40 %", since_step=80)
    seen = Course(History(findings=(told, later)))
    assert told_before(seen, "input-not-scaled")
    assert not told_before(seen, "dead-units")


def _of_validation(row: object) -> bool:
    return isinstance(row, AnswersRecord) and row.part == "valid"
