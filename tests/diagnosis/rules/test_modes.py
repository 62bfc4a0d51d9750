from __future__ import annotations

from diagnosis.histories import LAYERS, alarming, course, layer, learning
from trainwright.diagnosis.rules.modes import (
    batch_too_small_for_batchnorm,
    batchnorm_statistics_stale,
    evaluated_in_train_mode,
    trained_in_eval_mode,
)

WITHOUT_MODES = tuple(one for one in LAYERS if one.kind != "BatchNorm2d")


def test_validation_in_training_mode_is_told_exactly():
    found = evaluated_in_train_mode(course(valid={"called_in": "train"}))
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert "model.eval()" in found.advice["do"]
    assert evaluated_in_train_mode(course(valid={"called_in": "eval"})) is None
    mended = course(valid={"called_in": lambda step: "eval" if step == 400 else "train"})
    assert evaluated_in_train_mode(mended) is None


def test_a_loop_that_judges_in_training_mode_itself_is_told_too():
    found = evaluated_in_train_mode(course(valid={"mode": "train", "called_in": "train", "pictures": 0}))
    assert found is not None
    assert alarming(found)


def test_the_mode_is_a_note_where_it_makes_no_difference():
    found = evaluated_in_train_mode(course(layers=WITHOUT_MODES, valid={"called_in": "train"}))
    assert found is not None
    assert not alarming(found)
    found = trained_in_eval_mode(course(layers=WITHOUT_MODES, probe={"mode": "eval"}))
    assert found is not None
    assert not alarming(found)


def test_training_in_evaluation_mode_since_the_first_validation_is_told_exactly():
    found = trained_in_eval_mode(course(probe={"mode": lambda step: "train" if step <= 40 else "eval"}))
    assert found is not None
    assert alarming(found)
    assert "since step 50" in found.summary
    always = trained_in_eval_mode(course(probe={"mode": "eval"}))
    assert always is not None
    assert "all the time" in always.summary
    assert trained_in_eval_mode(course()) is None


def test_statistics_that_never_fit_are_found_and_a_single_lag_is_not():
    found = batchnorm_statistics_stale(course(clean={"loss": 2.5}))
    assert found is not None
    assert alarming(found)
    once = course(clean={"loss": lambda step: 2.5 if step == 400 else learning(max(1, step))})
    assert batchnorm_statistics_stale(once) is None
    early = course(clean={"loss": lambda step: 2.5 if step < 200 else learning(step)})
    assert batchnorm_statistics_stale(early) is None
    assert batchnorm_statistics_stale(course(layers=WITHOUT_MODES, clean={"loss": 2.5})) is None


def test_batches_of_two_are_too_small_where_they_cost_something():
    small = {"watch": {"batch_size": 2}, "clean": {"loss": 0.3}, "batched": {"loss": 0.3}}
    found = batch_too_small_for_batchnorm(course(loss=lambda step: max(1.4, learning(step)), **small))
    assert found is not None
    assert alarming(found)
    assert "from 2 pictures" in found.summary
    assert not alarming(batch_too_small_for_batchnorm(course(watch={"batch_size": 2})))
    assert batch_too_small_for_batchnorm(course()) is None


def test_a_batch_of_four_with_group_normalization_is_fine():
    groups = tuple(
        layer(one.name, "GroupNorm", one.units, one.shape[-1]) if "Batch" in one.kind else one for one in LAYERS
    )
    assert batch_too_small_for_batchnorm(course(layers=groups, watch={"batch_size": 4}, loss=1.5)) is None
