"""Rules about pictures as the net gets them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from diagnosis.histories import BLIND, alarming, course, records
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.rules.augmenting import augmentation_harmful
from trainwright.diagnosis.rules.pictures import (
    augmentation_on_validation,
    input_channel_constant,
    input_not_scaled,
    preprocessing_differs,
    train_validation_leak,
    validation_shifted,
)
from trainwright.runs import Finding, History

USUAL = {"input_mean": (0.02,), "input_deviation": (1.0,), "input_low": -0.8, "input_high": 2.2}
"""Standardized pictures."""

DIVIDED = {"input_mean": (0.28,), "input_deviation": (0.33,), "input_low": 0.0, "input_high": 1.0}
"""The same, only divided by 255."""

RULES = [
    augmentation_harmful,
    augmentation_on_validation,
    input_channel_constant,
    input_not_scaled,
    preprocessing_differs,
    train_validation_leak,
    validation_shifted,
]
POOR = {"loss": 2.2, "accuracy": 0.3}


@pytest.mark.parametrize("look", RULES)
@pytest.mark.parametrize("inputs", [USUAL, DIVIDED, USUAL | {"input_low": -2.7, "input_high": 2.7}])
def test_a_healthy_run_is_left_alone_however_its_pictures_are_scaled(look, inputs):
    assert (
        look(course(probe=inputs, clean=inputs, valid=inputs | {"inputs_id": "a", "shared": 0, "shared_of": 500}))
        is None
    )


class TestPreprocessingDiffers:
    def test_validation_that_is_not_standardized(self):
        found = preprocessing_differs(course(probe=USUAL, valid=DIVIDED | POOR))
        assert alarming(found)
        assert "0.02 ± 1 in training" in found.summary
        assert "0.28 ± 0.33 in validation" in found.summary

    def test_it_is_a_note_where_validation_loses_nothing(self):
        found = preprocessing_differs(course(probe=USUAL, valid=DIVIDED))
        assert found is not None
        assert not alarming(found)

    @pytest.mark.parametrize("mixed", [{"input_deviation": (0.75,)}, {"input_low": -3.0, "input_high": 4.0}])
    def test_mixed_and_noisy_training_pictures_are_prepared_alike(self, mixed):
        assert preprocessing_differs(course(probe=USUAL | mixed, valid=USUAL | POOR)) is None


class TestValidationShifted:
    def test_new_training_pictures_are_known_at_once_and_validation_is_not(self):
        found = validation_shifted(
            course(valid=USUAL | {"loss": 2.5}, probe=USUAL, epoch={"valid_loss": 2.5}, per_epoch=80)
        )
        assert alarming(found)
        assert found.since_step == 80

    def test_a_gap_that_grows_is_learning_by_heart(self):
        """Validation is as good as new training pictures in the first epochs, and lost later."""
        found = validation_shifted(
            course(
                valid={"loss": lambda step: 0.5 + 0.005 * step},
                epoch={"valid_loss": lambda epoch: 0.5 + 0.2 * epoch},
                per_epoch=80,
            )
        )
        assert found is None

    def test_a_net_that_is_poor_in_evaluation_mode_has_another_fault(self):
        found = validation_shifted(
            course(valid={"loss": 2.5}, clean={"loss": 2.5}, epoch={"valid_loss": 2.5}, per_epoch=80)
        )
        assert found is None

    def test_validation_above_training_is_usual_with_augmentation_and_dropout(self):
        """The loss as trained is high, clean training pictures and validation are answered alike."""
        found = validation_shifted(
            course(loss=1.4, clean={"accuracy": 0.9, "loss": 0.4}, valid={"accuracy": 0.9, "loss": 0.4})
        )
        assert found is None

    def test_clean_training_pictures_far_below_validation_are_a_bad_split(self):
        found = validation_shifted(
            course(clean={"accuracy": 0.6, "loss": 1.2}, valid={"accuracy": 0.9, "loss": 0.4, "pictures": 400})
        )
        assert alarming(found)
        assert "bad split" in found.summary

    def test_of_few_validation_pictures_chance_makes_as_much(self):
        found = validation_shifted(
            course(clean={"accuracy": 0.7, "loss": 1.2}, valid={"accuracy": 0.85, "loss": 0.6, "pictures": 30})
        )
        assert found is None


class TestLeak:
    def test_pictures_in_both_parts(self):
        found = train_validation_leak(course(valid={"shared": 60, "shared_of": 500}))
        assert alarming(found)
        assert found.exact
        assert "60 of 500" in found.summary

    def test_a_single_one_is_a_note(self):
        found = train_validation_leak(course(valid={"shared": 1, "shared_of": 500}))
        assert found is not None
        assert not alarming(found)

    def test_what_the_audit_told_is_not_told_twice(self):
        told = Finding(code="train-validation-leak", severity="warn", summary="60 pictures in both")
        made = records(valid={"shared": 60, "shared_of": 500})
        assert train_validation_leak(Course(History.of([told, *made]))) is None


class TestAugmentationOnValidation:
    SAME: ClassVar[dict[str, Any]] = {
        "confusion_KK": ((200, 50), (50, 200)),
        "input_deviation": (1.0,),
        "input_low": -1.0,
        "input_high": 2.0,
    }

    def test_pictures_that_change_from_look_to_look(self):
        found = augmentation_on_validation(
            course(
                valid=self.SAME | POOR | {"inputs_id": str, "input_mean": lambda step: (0.001 * (step % 70),)},
            )
        )
        assert alarming(found)
        assert found.evidence["looks_that_differ"] == 10

    def test_another_order_changes_no_mean(self):
        found = augmentation_on_validation(course(valid=self.SAME | {"inputs_id": str, "input_mean": (0.1,)}))
        assert found is None

    def test_other_pictures_have_other_classes(self):
        others = {"inputs_id": str, "input_mean": lambda step: (0.001 * step,)}
        others["confusion_KK"] = lambda step: ((200 - step % 70, 50), (50 + step % 70, 200))
        assert augmentation_on_validation(course(valid=self.SAME | others)) is None


class TestAugmentationHarmful:
    def test_altered_pictures_are_known_and_clean_ones_are_not(self):
        found = augmentation_harmful(
            course(clean={"loss": 2.4}, batched={"loss": 2.2, "accuracy": 0.2}, valid={"loss": 2.4})
        )
        assert alarming(found)

    def test_a_net_that_is_poor_in_evaluation_mode_alone_has_another_fault(self):
        assert augmentation_harmful(course(clean={"loss": 2.4}, batched={"loss": 0.3}, valid={"loss": 2.4})) is None

    @pytest.mark.parametrize("trained", [1.2, 1.8])
    def test_heavy_augmentation_keeps_clean_pictures_easier(self, trained):
        assert augmentation_harmful(course(loss=trained, clean={"loss": 0.5}, batched={"loss": 0.6})) is None


class TestInputNotScaled:
    RAW: ClassVar[dict[str, Any]] = {
        "input_mean": (73.0,),
        "input_deviation": (90.0,),
        "input_low": 0.0,
        "input_high": 255.0,
    }

    def test_pixels_up_to_255_where_little_is_learned(self):
        found = input_not_scaled(course(loss=BLIND, clean={"loss": BLIND}, batched={"loss": BLIND}, probe=self.RAW))
        assert alarming(found)
        assert "116" in found.summary
        assert "divide pixels by 255 once" in found.advice["do"]

    def test_a_normalization_that_absorbs_it_makes_it_a_note(self):
        found = input_not_scaled(course(probe=self.RAW))
        assert found is not None
        assert not alarming(found)

    def test_pixels_divided_twice(self):
        twice = {"input_mean": (0.001,), "input_deviation": (0.0013,), "input_low": 0.0, "input_high": 0.004}
        found = input_not_scaled(course(loss=BLIND, clean={"loss": BLIND}, probe=twice))
        assert alarming(found)
        assert "twice" in found.advice["do"]

    def test_what_the_checks_told_is_not_told_twice(self):
        told = Finding(code="input-not-scaled", severity="warn", summary="116 instead of 1")
        assert input_not_scaled(Course(History.of([told, *records(loss=BLIND, probe=self.RAW)]))) is None


class TestInputChannelConstant:
    FLAT: ClassVar[dict[str, Any]] = {
        "input_mean": (0.1, 0.5, 0.2),
        "input_deviation": (1.0, 0.0, 1.0),
        "input_low": -1.0,
        "input_high": 1.0,
    }

    def test_a_channel_that_says_nothing_is_a_note(self):
        found = input_channel_constant(course(probe=self.FLAT, valid=self.FLAT))
        assert found is not None
        assert found.evidence["channels"] == [1]
        assert not alarming(found)

    def test_it_harms_where_validation_has_it(self):
        found = input_channel_constant(
            course(probe=self.FLAT, valid=self.FLAT | POOR | {"input_deviation": (1.0, 1.0, 1.0)})
        )
        assert alarming(found)
        assert "in training alone" in found.summary

    def test_gray_pictures_all_of_one_value_are_no_case_for_it(self):
        assert input_channel_constant(course(probe=USUAL | {"input_deviation": (0.0,)})) is None


def test_advice_is_a_setting_where_there_is_one():
    raw = replace(course(loss=BLIND, probe=TestInputNotScaled.RAW), known=Known({"preprocess.center": "none"}))
    found = input_not_scaled(raw)
    assert found is not None
    assert found.advice == {"preprocess.center": "channel", "preprocess.scale": "channel"}
