"""Rules about the machine: waiting, numbers that are none, runs taken up again."""

from __future__ import annotations

import math

import pytest

from diagnosis.histories import LAYERS, alarming, course, learning, records
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.rules.machine import data_starved, non_finite_loss, resume_mismatch
from trainwright.runs import Finding, History, ResumeRecord


@pytest.mark.parametrize("look", [data_starved, non_finite_loss, resume_mismatch])
def test_a_healthy_run_is_left_alone(look):
    assert look(course()) is None


class TestDataStarved:
    def test_waiting_through_most_of_the_time(self):
        slow = {"epoch": {"data_wait_share": 0.7, "train_time_s": 60.0}}
        found = data_starved(course(Known(recipe={"machine.workers": 2}), **slow))
        assert alarming(found)
        assert found.evidence["waited_s"] == pytest.approx(9 * 42)
        assert found.advice == {"machine.workers": 4}
        foreign = data_starved(course(**slow))
        assert not alarming(foreign), "a loop of somebody else may do anything between its steps"
        assert "or does something else between steps" in foreign.summary
        assert "num_workers" in foreign.advice["do"]

    def test_waiting_of_a_second_harms_nobody(self):
        assert not alarming(data_starved(course(epoch={"data_wait_share": 0.7, "train_time_s": 0.1})))

    def test_only_the_first_epoch_waits_where_a_cache_fills(self):
        first = {"data_wait_share": lambda epoch: 0.9 if epoch == 1 else 0.05, "train_time_s": 60.0}
        assert data_starved(course(epoch=first)) is None

    def test_workers_are_doubled_where_they_are_a_setting(self):
        found = data_starved(
            course(Known({"machine.workers": 2}), epoch={"data_wait_share": 0.7, "train_time_s": 60.0})
        )
        assert found is not None
        assert found.advice == {"machine.workers": 4}


class TestNonFiniteLoss:
    def broken(self, step: int) -> float:
        return learning(step) if step < 90 else math.nan

    def test_the_first_step_and_the_last_good_loss(self):
        found = non_finite_loss(course(loss=self.broken))
        assert alarming(found)
        assert found.fatal
        assert found.since_step == 90
        assert found.evidence["last_loss_before"] == pytest.approx(learning(89))
        assert "was not seen" in found.summary

    def test_the_first_layer_is_named(self):
        def mean(step: int) -> tuple[float, ...]:
            return tuple(math.inf if step > 90 and index >= 4 else 0.1 for index in range(len(LAYERS)))

        found = non_finite_loss(course(loss=self.broken, units={"mean": mean}))
        assert found is not None
        assert found.layers == (LAYERS[4].name,)

    def test_the_first_tensor_is_named_where_layers_say_nothing(self):
        found = non_finite_loss(course(loss=self.broken, probe={"gradients": (0.1, math.nan, 0.1, 0.1)}))
        assert found is not None
        assert found.layers == ("conv2.weight",)

    def test_pictures_that_hold_nan_are_the_cause(self):
        found = non_finite_loss(course(loss=math.nan, probe={"input_mean": (math.nan,), "input_deviation": (1.0,)}))
        assert found is not None
        assert "the pictures" in found.summary
        assert "pictures that hold NaN" in found.advice["do"]
        assert found.layers == ()

    def test_a_recipe_gets_a_lower_rate_and_clipping(self):
        found = non_finite_loss(course(Known({"optim.lr": 0.1, "optim.clip_norm": 0.0}), loss=self.broken))
        assert found is not None
        assert found.advice == {"optim.lr": 0.01, "optim.clip_norm": 1.0}

    def test_what_the_loop_told_is_not_told_twice(self):
        told = Finding(code="non-finite-loss", severity="stop", summary="it began in conv1", since_step=90)
        assert non_finite_loss(Course(History.of([*records(loss=self.broken), told]))) is None


class TestResumeMismatch:
    def resumed(self, jump: float, lasting: int = 400) -> Course:
        def loss(step: int) -> float:
            return learning(step) + (jump if 200 < step <= 200 + lasting else 0.0)

        made = records(loss=loss)
        place = next(index for index, row in enumerate(made) if getattr(row, "step", 0) == 201)
        return Course(History.of([*made[:place], ResumeRecord(step=200, epoch=5, checkpoint="last"), *made[place:]]))

    def test_a_loss_that_jumps_where_a_run_was_taken_up(self):
        found = resume_mismatch(self.resumed(1.0))
        assert alarming(found)
        assert found.since_step == 200
        assert found.evidence["loss_after"] > 1.0

    def test_a_run_that_goes_on_as_it_was(self):
        assert resume_mismatch(self.resumed(0.0)) is None

    def test_a_few_steps_are_soon_forgotten(self):
        assert resume_mismatch(self.resumed(1.0, lasting=6)) is None
