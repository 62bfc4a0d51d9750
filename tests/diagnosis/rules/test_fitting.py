from __future__ import annotations

import math

from diagnosis.histories import BLIND, alarming, course, learning, weight
from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.fitting import (
    big_gap,
    cut_short,
    dropped_out,
    model_too_small,
    overfitting,
    stopped_too_early,
    trained_too_long,
)

LONG = {"steps": 800, "per_epoch": 40}
"""20 epochs."""


def rising(epoch: int) -> float:
    return 0.9 + 0.15 * max(0, epoch - 4)


def test_a_validation_loss_that_rises_while_training_goes_on_falling_is_overfitting():
    learned = {"valid_loss": rising, "valid_accuracy": lambda epoch: 0.7 - 0.003 * epoch}
    found = overfitting(course(**LONG, epoch=learned))
    assert found is not None
    assert alarming(found)
    assert "learns its pictures by heart" in found.summary


def test_a_net_that_only_grows_too_sure_is_a_note():
    sure = {"valid_loss": rising, "valid_accuracy": lambda epoch: 0.7 + 0.005 * epoch}
    found = overfitting(course(**LONG, epoch=sure))
    assert found is not None
    assert not alarming(found)
    assert "still rises" in found.summary


def test_a_noisy_or_better_validation_is_none():
    assert overfitting(course(**LONG)) is None
    noisy = {"valid_loss": lambda epoch: 0.9 + 0.3 * math.sin(5 * epoch)}
    assert overfitting(course(**LONG, epoch=noisy)) is None
    above = {"valid_loss": 0.3, "train_loss": 0.8}
    assert overfitting(course(**LONG, epoch=above)) is None


def test_a_big_gap_that_grew_is_told_with_both_accuracies():
    gap = {"valid_accuracy": lambda epoch: min(0.6, 0.45 + 0.05 * epoch)}
    found = big_gap(course(**LONG, epoch=gap))
    assert found is not None
    assert alarming(found)
    assert "96% of the training pictures are right, but only 60% of the others" in found.summary


def test_a_gap_from_the_start_is_another_distribution():
    shifted = {"valid_accuracy": 0.4, "train_accuracy": 0.95}
    assert big_gap(course(**LONG, epoch=shifted, clean={"accuracy": 0.95})) is None


def test_no_gap_at_a_low_level_is_a_net_too_small_where_it_has_few_weights():
    low = {"loss": lambda step: 1.4 + 0.9 * math.exp(-step / 30) + 0.02 * math.sin(step), "steps": 800}
    found = model_too_small(course(**low, watch={"batch_size": 100}))
    assert found is not None
    assert alarming(found)
    assert "at a low level and without a gap" in found.summary
    assert "pictures tell no more" in found.summary
    roomy = model_too_small(course(**low, watch={"batch_size": 1}))
    assert roomy is not None
    assert not alarming(roomy)


def test_a_net_that_still_learns_or_has_a_gap_is_not_too_small():
    assert model_too_small(course()) is None
    assert model_too_small(course(loss=lambda step: 2.2 - step / 500)) is None
    low = {"loss": lambda step: 1.2 + 0.02 * math.sin(step)}
    assert model_too_small(course(**low, valid={"loss": 2.0})) is None


def test_the_advice_doubles_the_width_of_a_recipe():
    low = {"loss": lambda step: 1.4 + 0.9 * math.exp(-step / 30) + 0.02 * math.sin(step), "steps": 800}
    found = model_too_small(course(Known(recipe={"model.width": 8}), **low))
    assert found is not None
    assert found.advice == {"model.width": 16}


def test_a_net_with_hardly_any_weights_is_made_as_wide_as_its_pictures_ask():
    """2,000 pictures and 162 weights: 25 times as many are roomy, which takes 8 times the width."""
    convs = (weight("conv1", (2, 1, 3, 3)), weight("conv2", (2, 2, 3, 3)), weight("conv3", (2, 2, 3, 3)))
    narrow = course(Known(recipe={"model.width": 2}), loss=1.3, tensors=(*convs, weight("head", (18, 4))))
    found = model_too_small(narrow)
    assert found is not None
    assert found.advice == {"model.width": 16}


def test_a_dropout_that_leaves_hardly_anything_is_named():
    known = Known(recipe={"model.dropout": 0.9, "model.spatial_dropout": 0.0})
    found = dropped_out(course(known, loss=BLIND))
    assert found is not None
    assert alarming(found)
    assert "model.dropout 0.9 leaves 10% of what its layers answer" in found.summary
    assert found.advice == {"model.dropout": 0.2}
    assert "dead-units" in found.explains
    assert dropped_out(course(known)) is None, "it learns all the same"
    assert dropped_out(course(Known(recipe={"model.dropout": 0.5}), loss=BLIND)) is None


def test_advice_leaves_out_what_is_set_already():
    set_so = course(Known(recipe={"a": 1, "b": 2}))
    assert advice(set_so, {"a": 1, "b": 3}, "words") == {"b": 3}
    assert advice(set_so, {"a": 1}, "words") == {"do": "words"}
    assert advice(set_so, {"a": 2, "c": 3}, "words") == {"do": "words"}, "it has no c"


def test_a_run_that_was_winning_at_its_end_stopped_too_early():
    winning = {"loss": lambda step: 2.3 - step / 250}
    found = stopped_too_early(course(**winning))
    assert found is not None
    assert alarming(found)
    assert found.advice == {"do": "train for 20 epochs instead of 10"}
    annealed = course(**winning, rate=lambda step: 0.1 * (1 - step / 401))
    assert stopped_too_early(annealed) is None, "its schedule came to its end"
    assert stopped_too_early(course(**winning, stop=None)) is None, "it goes on"
    assert stopped_too_early(course()) is None


def test_a_run_cut_off_before_its_planned_end_stopped_too_early():
    half = {"steps": 120, "watch": {"steps_planned": 400}}
    found = cut_short(course(**half))
    assert found is not None
    assert alarming(found)
    assert "after 120 of 400 planned steps" in found.summary
    assert cut_short(course(**half, stop="interrupted")) is None, "somebody wanted it so"
    assert cut_short(course(**half, stop=None)) is None
    assert cut_short(course(**half, loss=1.0)) is None, "it learned no more"
    assert cut_short(course(**half, per_epoch=20, epoch={"valid_loss": lambda epoch: abs(epoch - 2) + 1.0})) is None
    assert cut_short(course()) is None


def test_a_second_half_that_won_nothing_is_a_note_and_lost_accuracy_an_alarm():
    best_early = {"valid_accuracy": lambda epoch: 0.8 - 0.004 * abs(epoch - 5)}
    found = trained_too_long(course(**LONG, epoch=best_early))
    assert found is not None
    assert not alarming(found)
    lost = {"valid_accuracy": lambda epoch: 0.8 - 0.02 * max(0, epoch - 5)}
    assert alarming(trained_too_long(course(**LONG, epoch=lost)))
    kept = trained_too_long(course(Known(recipe={"training.epochs": 20}), **LONG, epoch=lost))
    assert kept is not None
    assert not alarming(kept)
    assert kept.advice["training.epochs"] < 10
    assert trained_too_long(course(**LONG)) is None


def test_curves_of_learning_are_none_of_these():
    usual = course(loss=lambda step: max(0.02, learning(step)))
    assert [rule(usual) for rule in (overfitting, big_gap, model_too_small)] == [None] * 3
