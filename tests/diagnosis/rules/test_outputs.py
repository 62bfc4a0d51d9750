"""Rules about the loss and what the net gives out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from diagnosis.histories import BLIND, alarming, course, learning
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.outputs import (
    class_weights_harmful,
    loss_reduction_sum,
    loss_sign_flipped,
    negative_loss,
    softmax_twice,
    targets_too_soft,
)

PROBABILITIES = {"output_low": 0.0, "output_high": 0.99, "sum_low": 0.9999, "sum_high": 1.0001}
SCORES = {"output_low": -7.0, "output_high": 9.0, "sum_low": -3.0, "sum_high": 4.0}
FLOOR = math.log(1 + 9 / math.e)


@pytest.mark.parametrize(
    "look",
    [negative_loss, softmax_twice, loss_reduction_sum, loss_sign_flipped, class_weights_harmful, targets_too_soft],
)
def test_a_healthy_run_is_left_alone(look):
    assert look(course(clean=SCORES)) is None


class TestNegativeLoss:
    def test_a_classifier_has_none(self):
        found = negative_loss(course(loss=lambda step: 0.5 - 0.01 * step))
        assert alarming(found)
        assert found.evidence["lowest_loss"] == pytest.approx(-3.5)
        assert found.since_step == 51

    def test_a_loss_of_unknown_kind_may_be_anything(self):
        assert negative_loss(course(loss=lambda step: 0.5 - 0.01 * step, watch={"classes": None})) is None


class TestSoftmaxTwice:
    def slow(self, step: int) -> float:
        return FLOOR + (BLIND - FLOOR) * math.exp(-step / 100)

    def test_probabilities_in_front_of_a_softmax(self):
        found = softmax_twice(course(loss=self.slow, clean=PROBABILITIES | {"loss": lambda step: self.slow(step)}))
        assert alarming(found)
        assert found.exact
        assert "1.46" in found.summary

    def test_a_loss_below_the_floor_takes_no_second_softmax(self):
        assert softmax_twice(course(clean=PROBABILITIES)) is None

    def test_a_logarithm_of_probabilities_falls_faster_than_a_softmax_of_them_would(self):
        """The answers, softmaxed once more by the watcher, lie at 1.95; the loss as trained is below that by far."""
        found = softmax_twice(
            course(loss=lambda step: max(1.5, BLIND - 0.004 * step), clean=PROBABILITIES | {"loss": 1.95})
        )
        assert found is None

    def test_scores_between_0_and_1_that_do_not_add_up_are_scores(self):
        assert softmax_twice(course(loss=self.slow, clean=PROBABILITIES | {"sum_high": 3.0})) is None

    def test_twenty_steps_are_waited_for(self):
        assert softmax_twice(course(steps=10, per_epoch=10, loss=self.slow, clean=PROBABILITIES)) is None


class TestLossReductionSum:
    def test_a_sum_is_told_by_the_size_of_the_batch(self):
        found = loss_reduction_sum(course(loss=lambda step: 50 * BLIND, clean={"loss": BLIND}, batched={"loss": BLIND}))
        assert alarming(found)
        assert found.evidence["times_the_loss_of_a_picture"] == pytest.approx(50)
        assert "50" in found.advice["do"]

    def test_where_it_learns_well_it_is_a_note(self):
        found = loss_reduction_sum(
            course(loss=lambda step: 50 * learning(step), clean={"loss": learning}, batched={"loss": learning})
        )
        assert found is not None
        assert not alarming(found)

    def test_a_net_that_begins_sure_and_wrong_is_none(self):
        assert (
            loss_reduction_sum(course(loss=50 * BLIND, clean={"loss": 48 * BLIND}, batched={"loss": 48 * BLIND}))
            is None
        )

    def test_without_the_size_of_a_batch_nobody_can_tell(self):
        assert loss_reduction_sum(course(loss=50 * BLIND, clean={"loss": BLIND}, watch={"batch_size": None})) is None


class TestLossSignFlipped:
    def rising(self, step: int) -> float:
        return BLIND + 0.02 * step

    def test_a_loss_that_is_the_cross_entropy_turned(self):
        found = loss_sign_flipped(
            course(loss=lambda step: -self.rising(step), clean={"loss": lambda step: self.rising(step)})
        )
        assert alarming(found)
        assert found.exact
        assert "negative-loss" in found.explains

    def test_steps_against_what_gradients_promise(self):
        found = loss_sign_flipped(
            course(
                loss=self.rising,
                clean={"loss": self.rising},
                probe={"predicted_change": -0.02, "loss_after": lambda step: self.rising(step) + 0.021},
            )
        )
        assert alarming(found)
        assert found.evidence["trust_ratio_median"] == pytest.approx(-1.05)

    def test_a_factor_below_0_of_any_size(self):
        found = loss_sign_flipped(
            course(
                loss=self.rising,
                clean={"loss": self.rising},
                probe={"predicted_change": -0.002, "loss_after": lambda step: self.rising(step) + 0.0201},
            )
        )
        assert alarming(found)
        assert found.evidence["trust_ratio_median"] == pytest.approx(-10.05)

    def test_an_optimizer_that_maximizes(self):
        found = loss_sign_flipped(
            course(
                loss=self.rising,
                clean={"loss": self.rising},
                probe={"predicted_change": 0.02, "loss_after": lambda step: self.rising(step) + 0.021},
            )
        )
        assert alarming(found)
        assert found.evidence["share_of_steps_uphill"] == 1.0

    def test_a_rate_too_high_overshoots_by_far_and_unevenly(self):
        found = loss_sign_flipped(
            course(
                loss=self.rising,
                clean={"loss": self.rising},
                probe={"predicted_change": -0.02, "loss_after": lambda step: self.rising(step) + 0.2 * (1 + step % 3)},
            )
        )
        assert found is None


def test_negative_log_likelihood_of_probabilities_is_no_turned_sign():
    """Its loss begins at -1/K, which is not the cross-entropy of any net turned."""
    falling = course(loss=lambda step: -0.1 - 0.002 * step, clean={"loss": lambda step: BLIND - 0.002 * step})
    assert loss_sign_flipped(falling) is None
    assert alarming(negative_loss(falling))


class TestClassWeightsHarmful:
    def skewed(self, moved: float) -> tuple[tuple[int, ...], ...]:
        """Classes 5 to 9 lose a share of their pictures to class 0."""
        lost = round(50 * moved)
        return tuple(
            tuple(50 - lost if row == column else lost if column == 0 else 0 for column in range(10))
            if row > 4
            else tuple(50 if row == column else 0 for column in range(10))
            for row in range(10)
        )

    def answers(self, moved: float, loss: float = 2.0) -> dict:
        return {"loss": loss, "accuracy": 1 - moved / 2, "confusion_KK": self.skewed(moved)}

    def test_answers_that_move_to_one_class_though_batches_are_even(self):
        spoiled = self.answers(0.6)
        found = class_weights_harmful(course(clean=spoiled, batched=spoiled, probe={"label_counts": (5,) * 10}))
        assert alarming(found)
        assert found.evidence["share_of_answers_moved"] == pytest.approx(0.3)
        assert found.evidence["class_named_too_often"] == 0
        assert "weight=" in found.advice["do"]

    def test_mixed_labels_are_no_counts_of_classes(self):
        spoiled = self.answers(0.6)
        assert class_weights_harmful(course(clean=spoiled, batched=spoiled, probe={"label_counts": ()})) is None

    def test_a_net_that_names_one_class_alone_is_weighted_only_where_its_loss_is_low(self):
        lone = tuple(tuple(50 if column == 0 else 0 for column in range(10)) for _ in range(10))
        spoiled = {"loss": 3.0, "accuracy": 0.1, "confusion_KK": lone}
        seen = {"clean": spoiled, "batched": spoiled, "probe": {"label_counts": (5,) * 10}}
        assert alarming(class_weights_harmful(course(**seen)))
        assert class_weights_harmful(course(loss=BLIND, **seen)) is None

    def test_a_plain_loss_as_low_as_the_trained_one_is_not_weighted(self):
        spoiled = self.answers(0.6, loss=0.15)
        assert class_weights_harmful(course(clean=spoiled, batched=spoiled, probe={"label_counts": (5,) * 10})) is None

    def test_batches_drawn_unevenly_are_a_sampler(self):
        spoiled = self.answers(0.6)
        counts = (30, 10, 2, 2, 1, 1, 1, 1, 1, 1)
        assert class_weights_harmful(course(clean=spoiled, batched=spoiled, probe={"label_counts": counts})) is None

    def test_mixed_labels_are_not_counted_and_nobody_can_tell(self):
        spoiled = self.answers(0.6)
        assert class_weights_harmful(course(clean=spoiled, batched=spoiled)) is None

    def test_a_recipe_without_weights_is_none_and_one_with_them_is_corrected(self):
        spoiled = self.answers(0.6)
        seen = {"clean": spoiled, "batched": spoiled, "probe": {"label_counts": (5,) * 10}}
        assert class_weights_harmful(course(Known({"loss.class_weights": "none"}), **seen)) is None
        found = class_weights_harmful(course(Known({"loss.class_weights": "balanced"}), **seen))
        assert found is not None
        assert found.advice == {"loss.class_weights": "none"}


class TestTargetsTooSoft:
    def unsure(self, quarter: float) -> dict:
        losses = tuple(np.linspace(0.8 * quarter, 2 * quarter, 512).round(3))
        return {"losses": losses, "accuracy": 0.95, "loss": 1.4 * quarter} | SCORES

    def test_a_net_that_is_right_and_never_sure(self):
        flat = course(loss=lambda step: 2.26 + 0.02 * math.sin(step), clean=self.unsure(1.2))
        found = targets_too_soft(flat)
        assert alarming(found)
        assert "label_smoothing" in found.advice["do"]

    def test_the_advice_names_the_setting_that_is_at_work(self):
        seen = {"loss": lambda step: 2.26 + 0.02 * math.sin(step), "clean": self.unsure(1.2)}
        found = targets_too_soft(course(Known({"loss.label_smoothing": 0.9, "augment.mixup": 0.0}), **seen))
        assert found is not None
        assert found.advice == {"loss.label_smoothing": 0.1}

    def test_usual_smoothing_leaves_sure_answers(self):
        assert targets_too_soft(course(loss=0.55, clean=self.unsure(0.2))) is None

    def test_a_net_whose_loss_as_trained_is_no_higher_may_become_sure(self):
        assert targets_too_soft(course(loss=1.7, clean=self.unsure(1.2))) is None

    def test_a_net_that_is_often_wrong_is_unsure_with_reason(self):
        assert targets_too_soft(course(loss=2.26, clean=self.unsure(1.2) | {"accuracy": 0.5})) is None
