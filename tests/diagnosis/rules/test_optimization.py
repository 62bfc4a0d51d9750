from __future__ import annotations

import math

import pytest

from diagnosis.histories import BLIND, alarming, course, learning, records
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.rules.optimization import (
    bounces,
    diverges,
    forgets,
    kills,
    throws,
    turned,
)
from trainwright.diagnosis.rules.schedule import warmup_missing
from trainwright.runs import History, StepRecord


def test_a_rate_of_a_million_ends_in_no_number_and_is_called_too_high():
    burst = course(
        loss=lambda step: BLIND if step == 1 else math.nan,
        rate=1e6,
        steps=2,
        stop="non-finite-loss",
        probe={"updates": (1e5,) * 4, "loss_after": math.nan},
    )
    found = diverges(burst)
    assert found is not None
    assert alarming(found)
    assert found.fatal
    assert "the learning rate is too high" in found.summary
    assert "no number at step 2" in found.summary
    assert found.advice == {"do": "set the learning rate to 0.04 instead of 1e+06"}


def test_a_run_that_ends_before_its_first_step_record_is_judged_by_its_probes():
    broken = [
        one
        for one in records(loss=BLIND, rate=50.0, steps=3, stop="non-finite-loss")
        if not isinstance(one, StepRecord)
    ]
    found = diverges(Course(History.of(broken)))
    assert found is not None
    assert "to no number at step 4" in found.summary


def test_a_loss_that_rises_above_knowing_nothing_is_divergence():
    found = diverges(course(loss=lambda step: BLIND * (1 + step / 50), rate=2.0))
    assert found is not None
    assert alarming(found)
    assert found.fatal
    assert "rose from" in found.summary
    assert diverges(course()) is None


def test_a_net_that_begins_badly_and_learns_does_not_diverge():
    assert diverges(course(loss=lambda step: 50 * math.exp(-step / 30) + 2.5)) is None


def test_no_number_after_a_long_good_course_is_not_blamed_on_the_rate():
    late = course(loss=lambda step: learning(step) if step < 400 else math.nan, stop="non-finite-loss")
    assert diverges(late) is None


def test_first_steps_that_kill_the_net_are_told_as_a_rate_too_high():
    killed = course(
        loss=lambda step: 30.0 if step == 2 else BLIND,
        rate=3.0,
        probe={"updates": lambda step: ((2.0 if step < 4 else 0.0),) * 4},
    )
    found = kills(killed)
    assert found is not None
    assert alarming(found)
    assert found.fatal
    assert "dead-units" in found.explains
    assert kills(course()) is None


def test_a_loss_thrown_up_at_first_that_never_comes_below_knowing_nothing_is_a_rate_too_high():
    def falling(step: int) -> float:
        return BLIND if step == 1 else BLIND + 50 * math.exp(-step / 80)

    found = kills(course(loss=falling, rate=3.0, clean={"loss": BLIND}, valid={"loss": BLIND}))
    assert found is not None
    assert alarming(found)
    assert warmup_missing(course(loss=falling, rate=3.0, clean={"loss": BLIND}, valid={"loss": BLIND})) is None


def test_a_rate_too_high_at_its_height_throws_the_loss_up_in_the_middle():
    def thrown(step: int) -> float:
        return learning(step) if step < 100 else 1.9 + 6 * math.exp(-(step - 100) / 40)

    found = throws(course(loss=thrown, rate=lambda step: 10.0 * math.sin(math.pi * step / 400), clean={"loss": 1.9}))
    assert found is not None
    assert alarming(found)
    assert found.since_step == pytest.approx(100, abs=10)
    assert throws(course()) is None
    assert throws(course(loss=lambda step: 30.0 if step == 150 else learning(step))) is None, "a single step"
    recovered = course(loss=lambda step: 9.0 if 100 <= step < 140 else learning(step))
    assert not alarming(throws(recovered)), "it learned all the same"


def test_steps_that_raise_their_own_loss_are_too_long_where_training_stands_still():
    bouncing = {"loss_after": 5.0, "loss": 1.2, "updates": (0.05,) * 4}
    found = bounces(course(loss=lambda step: 1.2 + 0.3 * math.sin(step), probe=bouncing))
    assert found is not None
    assert alarming(found)
    assert found.advice == {"do": "set the learning rate to 0.033 instead of 0.1"}
    still_learning = bounces(course(probe={"loss_after": 5.0}))
    assert still_learning is None or not alarming(still_learning)
    once = course(loss=1.2, probe={"loss": 1.2, "loss_after": lambda step: 5.0 if step % 30 == 0 else 1.19})
    assert bounces(once) is None


def test_a_recipe_gets_a_setting_and_a_foreign_loop_a_sentence():
    bouncing = {"loss_after": 5.0, "loss": 1.2, "updates": (0.05,) * 4}
    ours = course(Known(recipe={"optim.lr": 0.1}), loss=lambda step: 1.2 + 0.3 * math.sin(step), probe=bouncing)
    found = bounces(ours)
    assert found is not None
    assert found.advice == {"optim.lr": 0.033}


def test_short_steps_that_lead_uphill_from_the_first_on_have_a_sign_turned():
    uphill = {"updates": (1e-3,) * 4, "predicted_change": -0.01, "loss_after": lambda step: BLIND + 0.1, "loss": BLIND}
    found = turned(course(loss=lambda step: BLIND + step / 50, probe=uphill))
    assert found is not None
    assert alarming(found)
    assert found.code == "loss-sign-flipped"
    assert "-10 times what its gradient promises" in found.summary
    assert diverges(course(loss=lambda step: BLIND + step / 50, probe=uphill)) is None
    long = uphill | {"updates": (0.2,) * 4}
    assert turned(course(loss=lambda step: BLIND + step / 50, probe=long)) is None
    assert turned(course()) is None


def test_the_rate_advised_is_one_at_which_the_first_step_is_a_usual_one():
    """The first step moves by 0.02 at 0.4, and the second, thrown out, by 2: usual is 0.004 between both."""
    thrown = course(
        loss=lambda step: BLIND if step == 1 else 50.0 * step,
        rate=lambda step: 0.4 if step <= 4 else 10.0,
        probe={"updates": lambda step: (0.02 if step == 1 else 2.0,) * 4, "learning_rate": 0.4},
    )
    found = diverges(thrown)
    assert found is not None
    assert found.advice == {"do": f"set the learning rate to {0.004 / math.sqrt(0.05 * 5):.2g} instead of 10"}


def test_what_was_learned_and_lost_for_good_as_the_rate_went_up_was_lost_by_the_rate():
    def lost(step: int) -> float:
        return BLIND - step / 50 if step <= 50 else BLIND + 0.01 * math.sin(step)

    def rate(step: int) -> float:
        return min(1.0, step / 100)

    found = forgets(course(loss=lost, rate=rate))
    assert found is not None
    assert alarming(found)
    assert "at step 50, at 0.5, the net already knew something (skill 0.43)" in found.summary
    assert found.advice == {"do": "set the learning rate to 0.3 instead of 1"}
    assert {"dead-units", "model-too-small"} <= set(found.explains)
    assert forgets(course(loss=lost, rate=rate, clean={"loss": 0.5})) is None, "the probe set is known all the same"
    shrunk = {"weights": lambda step: (1.0 if step == 1 else 0.1,) * 4}
    assert forgets(course(loss=lost, rate=rate, probe=shrunk)) is None, "a decay made it forget"
    assert forgets(course(loss=lost, rate=rate, watch={"batch_size": 4})) is None, "four pictures prove nothing"
    assert forgets(course(loss=BLIND, rate=rate)) is None, "nothing was learned"
