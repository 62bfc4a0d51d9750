"""Rules about figures that are too noisy to read."""

from __future__ import annotations

import numpy as np
import pytest

from diagnosis.histories import BLIND, alarming, course, learning
from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.rules.noise import batch_too_small, validation_too_small
from trainwright.runs import Finding, History

TINY = {"batch_size": 2, "classes": 10}


@pytest.mark.parametrize("look", [batch_too_small, validation_too_small])
def test_a_healthy_run_is_left_alone(look):
    assert look(course()) is None


def scattered(step: int) -> float:
    return BLIND * float(np.random.default_rng(step).exponential())


def test_a_noisy_curve_from_a_tiny_batch_is_told_in_words():
    found = batch_too_small(course(loss=scattered, watch=TINY, clean={"loss": learning}))
    assert found is not None
    assert "2 pictures a batch" in found.summary
    assert "too noisy to read" in found.summary
    assert not alarming(found)


def test_it_harms_where_fixed_pictures_are_answered_by_jumps_too():
    jumping = {"loss": lambda step: BLIND * (0.5 + 0.9 * ((step // 40) % 2))}
    found = batch_too_small(course(loss=scattered, watch=TINY, clean=jumping))
    assert alarming(found)
    assert "32" in found.advice["do"]


def test_it_harms_where_steps_follow_their_batches_and_nothing_is_learned():
    blind = {"loss": BLIND + 0.001}
    seen = {
        "loss": lambda step: BLIND + 0.2 * (step % 3),
        "clean": blind,
        "batched": blind,
        "valid": blind,
        "watch": TINY,
    }
    found = batch_too_small(course(**seen, probe={"half_cosine": -0.05}))
    assert alarming(found)
    assert "nothing is learned" in found.summary
    assert batch_too_small(course(**seen, probe={"half_cosine": 0.3})) is None
    assert batch_too_small(course(**seen, probe={"half_cosine": -0.05, "updates": (1e-7,) * 4})) is None


def test_the_same_scatter_of_a_larger_batch_has_another_cause():
    assert batch_too_small(course(loss=scattered, clean={"loss": learning})) is None


def test_a_tiny_batch_of_which_the_halves_agree_is_large_enough():
    assert batch_too_small(course(loss=scattered, watch=TINY, probe={"half_cosine": 0.5})) is None


def test_a_tiny_batch_with_a_calm_curve_is_well():
    assert batch_too_small(course(watch=TINY)) is None


def test_a_recipe_gets_a_larger_batch():
    found = batch_too_small(course(Known({"optim.batch_size": 2}), loss=scattered, watch=TINY))
    assert found is not None
    assert found.advice == {"optim.batch_size": 32}


SMALL = {"pictures": 40, "accuracy": lambda step: 0.8 + 0.025 * ((step // 40) % 3)}


def test_a_small_validation_part_is_a_note():
    found = validation_too_small(course(valid=SMALL))
    assert found is not None
    assert not alarming(found)
    assert found.evidence["standard_error"] == pytest.approx(0.059, abs=0.003)


def test_a_difference_that_chance_does_not_make_can_be_seen_in_a_small_part():
    assert validation_too_small(course(valid=SMALL | {"accuracy": lambda step: 0.1 + 0.002 * step})) is None
    assert validation_too_small(course(valid=SMALL | {"pictures": 0})) is None  # a loop that does not tell how many


def test_what_the_audit_told_is_not_told_twice():
    small = course(valid=SMALL)
    told = Finding(code="validation-too-small", severity="warn", summary="the valid part has 40 pictures")
    again = Course(History(**{**vars(small.history), "findings": (told,)}))
    assert validation_too_small(again) is None
