from __future__ import annotations

import math
from dataclasses import replace

from diagnosis.histories import BLIND, LAYERS, TENSORS, alarming, course, layer, learning, weight
from trainwright.diagnosis.rules.initialization import (
    initialization_too_large,
    initialization_too_small,
    symmetric_initialization,
)

DEPTH = 10
STACK = tuple(weight(f"linear{number}", (100, 100)) for number in range(DEPTH))
STACKED = tuple(
    layer(f"{kind.lower()}{number}", kind, 100, 0) for number in range(DEPTH) for kind in ("Linear", "Tanh")
)


def stack(gain: float):
    return tuple(replace(one, deviation=gain / 10) for one in STACK)


def falling(factor: float):
    """Deviations of the outputs of the stack before training, each layer a factor times the one before."""
    return tuple(factor ** (place // 2) for place in range(2 * DEPTH))


def test_filters_that_began_equal_and_still_are_stand_exactly():
    tensors = tuple(replace(one, twins=1.0, deviation=0.0) for one in TENSORS)
    zero = course(tensors=tensors, loss=BLIND, units={"deviation": (0.0,) * len(LAYERS)})
    found = symmetric_initialization(zero)
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert found.fatal
    assert "all filters of 3 of 3 hidden layers began equal (constant, such as all zero)" in found.summary
    assert "vanishing-gradients" in found.explains


def test_a_head_of_zeros_is_usual():
    tensors = (*TENSORS[:-1], replace(TENSORS[-1], twins=1.0, deviation=0.0))
    assert symmetric_initialization(course(tensors=tensors)) is None


def test_a_layer_of_zeros_that_came_apart_is_usual():
    tensors = (TENSORS[0], replace(TENSORS[1], twins=1.0, deviation=0.0), *TENSORS[2:])
    assert symmetric_initialization(course(tensors=tensors)) is None


def test_a_run_taken_up_again_did_not_begin_here():
    tensors = tuple(replace(one, twins=1.0) for one in TENSORS)
    later = course(tensors=tensors, watch={"step": 40}, units={"deviation": (0.0,) * len(LAYERS)})
    assert symmetric_initialization(later) is None


def test_weights_ten_times_too_large_are_found_where_the_net_takes_long_to_come_back():
    tensors = tuple(replace(one, deviation=(one.deviation or 0) * 10) for one in TENSORS)
    slow = course(tensors=tensors, loss=lambda step: 60 * math.exp(-step / 40) + 1)
    found = initialization_too_large(slow)
    assert found is not None
    assert alarming(found)
    assert "10 times as large" in found.summary
    assert found.evidence["share_of_steps_lost"] > 0.2
    assert "saturated-units" in found.explains
    quick = course(tensors=tensors, loss=lambda step: learning(step) + (60 if step < 4 else 0))
    assert not alarming(initialization_too_large(quick))
    assert initialization_too_large(course()) is None


def test_weights_too_large_behind_gates_that_begin_closed_show_as_they_open():
    tensors = tuple(replace(one, deviation=(one.deviation or 0) * 10) for one in TENSORS)
    opening = {"loss": BLIND, "steps": 8, "stop": "non-finite-loss", "watch": {"steps_planned": 400}}
    found = initialization_too_large(course(tensors=tensors, **opening))
    assert found is not None
    assert alarming(found)
    assert found.fatal
    assert "after 8 steps, all of them short, it breaks down" in found.summary
    assert "non-finite-loss" in found.explains
    long = {"probe": {"updates": (0.5,) * 4}}
    assert initialization_too_large(course(tensors=tensors, **opening, **long)) is None, "steps are too long"
    assert initialization_too_large(course(**opening)) is None, "weights are as usual"


def test_a_loss_that_is_summed_over_the_batch_is_no_large_initialization():
    summed = course(loss=lambda step: 50 * learning(step), clean={"loss": learning}, batched={"loss": learning})
    assert initialization_too_large(summed) is None


def test_tanh_with_a_deviation_of_0_01_lets_signals_die():
    small = course(tensors=stack(0.1), layers=STACKED, loss=BLIND, units={"deviation": falling(0.1)})
    found = initialization_too_small(small)
    assert found is not None
    assert alarming(found)
    assert "shrink by 8.0 powers of ten" in found.summary
    assert "vanishing-gradients" in found.explains


def test_normalization_is_immune_and_usual_weights_are_none_of_it():
    assert initialization_too_small(course(loss=BLIND, units={"deviation": (1e-9,) * len(LAYERS)})) is None
    usual = course(tensors=stack(0.577), layers=STACKED, loss=BLIND, units={"deviation": falling(0.5)})
    assert initialization_too_small(usual) is None, "a matter of the activation, then"
    learns = course(tensors=stack(0.3), layers=STACKED, units={"deviation": falling(0.3)})
    assert not alarming(initialization_too_small(learns))
