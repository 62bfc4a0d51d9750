from __future__ import annotations

import math

import pytest

from diagnosis.histories import BLIND, course, learning
from trainwright.diagnosis import harm


def test_a_run_that_learned_is_not_harmed():
    learned = course()
    assert harm.train_skill(learned) == pytest.approx(0.955, abs=0.01)
    assert harm.valid_skill(learned) == pytest.approx(0.951, abs=0.01)
    assert not harm.knows_little(learned)
    assert not harm.diverged(learned)
    assert not harm.stalled(learned)


def test_a_run_that_stands_still_is_stalled_and_one_that_falls_is_not():
    assert harm.stalled(course(loss=lambda step: 1.2 + 0.1 * math.sin(step)))
    assert not harm.stalled(course(loss=lambda step: 1.2 - step / 4000 + 0.01 * math.sin(step)))


def test_little_skill_means_nothing_before_a_quarter_of_the_steps():
    early = {"loss": BLIND, "steps": 90, "watch": {"steps_planned": 400}, "stop": None}
    assert not harm.knows_little(course(**early))
    assert harm.knows_little(course(**early | {"steps": 110}))
    assert harm.knows_little(course(**early | {"steps": 60, "stop": "completed"})), "it is over"


def test_divergence_is_measured_against_the_start_and_against_knowing_nothing():
    assert harm.diverged(course(loss=lambda step: BLIND + step / 100))
    assert harm.diverged(course(loss=lambda step: math.nan if step > 50 else 1.0))
    assert not harm.diverged(course(loss=lambda step: 80 - step / 10)), "it began badly and gets better"
    assert not harm.diverged(course(loss=BLIND))


def test_a_loss_of_another_kind_is_compared_with_its_own_beginning():
    summed = course(loss=lambda step: 50 * learning(step), clean={"loss": learning}, batched={"loss": learning})
    assert harm.reference_loss(summed) == pytest.approx(50 * learning(1))
    assert harm.reference_loss(course()) == pytest.approx(BLIND)
    badly = course(loss=lambda step: 30 * learning(step))
    assert harm.reference_loss(badly) == pytest.approx(BLIND), "the answers say so, too"
    regression = course(watch={"classes": None})
    assert harm.reference_loss(regression) == pytest.approx(learning(1))


def test_clean_pictures_tell_where_training_is_made_hard():
    augmented = course(loss=1.5, clean={"loss": 0.2}, batched={"loss": 0.2})
    assert harm.train_skill(augmented) == pytest.approx(1 - 0.2 / BLIND)


def test_without_watching_epochs_and_steps_must_do():
    plain = course(watched=False)
    assert harm.reference_loss(plain) == pytest.approx(learning(1))
    assert harm.train_skill(plain) > 0.9
    assert math.isnan(harm.valid_skill(plain)), "nobody knows what knowing nothing costs"
