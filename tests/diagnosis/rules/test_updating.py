from __future__ import annotations

from dataclasses import replace

from diagnosis.histories import LAYERS, TENSORS, alarming, course, learning, weight
from trainwright.diagnosis.course import Known
from trainwright.diagnosis.rules.updating import (
    accumulation_scale,
    as_drawn,
    detached,
    frozen_by_mistake,
    optimizer_holds_other_model,
    optimizer_misses_parameters,
    stale_gradients,
)


def net(**changes: dict[str, object]):
    """The usual net with fields of some tensors changed, by layer."""
    return tuple(replace(one, **changes.get(one.layer, {})) for one in TENSORS)


def test_a_tensor_that_the_optimizer_misses_is_named_exactly():
    found = optimizer_misses_parameters(course(tensors=net(conv2={"moved": False})))
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert not found.fatal
    assert found.layers == ("conv2",)
    assert "conv2.weight" in found.summary
    assert found.evidence["tensors_missed"] == 1


def test_an_optimizer_of_nothing_makes_going_on_pointless():
    nothing = {one.layer: {"moved": False} for one in TENSORS}
    found = optimizer_misses_parameters(course(tensors=net(**nothing)))
    assert found is not None
    assert found.fatal


def test_a_head_moved_alone_is_a_note_while_it_learns():
    only_head = {name: {"moved": False} for name in ("conv1", "conv2", "conv3")}
    found = optimizer_misses_parameters(course(tensors=net(**only_head)))
    assert found is not None
    assert not alarming(found)
    found = optimizer_misses_parameters(course(tensors=net(**only_head), loss=2.2))
    assert alarming(found)


def test_what_is_frozen_and_left_out_is_not_missed():
    frozen = {name: {"moved": False, "trainable": False} for name in ("conv1", "conv2", "conv3")}
    assert optimizer_misses_parameters(course(tensors=net(**frozen))) is None
    assert frozen_by_mistake(course(tensors=net(**frozen))) is None
    in_the_optimizer = {name: {"trainable": False} for name in ("conv1", "conv2", "conv3")}
    assert frozen_by_mistake(course(tensors=net(**in_the_optimizer))) is None


def test_an_optimizer_of_another_model_is_told_as_such():
    nothing = {one.layer: {"moved": False} for one in TENSORS}
    spoiled = course(tensors=net(**nothing), watch={"strangers": 4}, loss=2.3)
    found = optimizer_holds_other_model(spoiled)
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert found.fatal
    assert "4 tensors that are not of this model" in found.summary
    assert optimizer_misses_parameters(spoiled) is None


def test_a_loss_with_weights_of_its_own_is_no_other_model():
    assert optimizer_holds_other_model(course(watch={"strangers": 1})) is None


def test_a_frozen_head_is_a_mistake():
    found = frozen_by_mistake(course(tensors=net(head={"trainable": False})))
    assert found is not None
    assert alarming(found)
    assert found.layers == ("head",)


def test_a_backbone_frozen_at_random_is_a_mistake_once_nothing_is_learned():
    frozen = {name: {"trainable": False} for name in ("conv1", "conv2", "conv3")}
    found = frozen_by_mistake(course(tensors=net(**frozen), loss=2.28))
    assert found is not None
    assert alarming(found)
    assert "next to nothing" in found.summary


def test_a_frozen_backbone_is_known_by_its_weights_as_drawn_or_trained():
    he, glorot = 2**0.5, 1.0
    drawn = tuple(replace(one, deviation=(one.deviation or 0) * he) for one in TENSORS[:3])
    assert as_drawn(drawn)
    assert as_drawn([replace(one, deviation=(one.deviation or 0) * glorot) for one in TENSORS[1:3]])
    assert not as_drawn([replace(one, deviation=(one.deviation or 0) * 1.2) for one in TENSORS[:3]])
    assert not as_drawn(drawn[:1]), "one alone may be chance"
    net_of_drawn = tuple(replace(one, trainable=False) for one in drawn) + TENSORS[3:]
    half_learned = {"loss": lambda step: max(0.8, learning(step))}
    found = frozen_by_mistake(course(tensors=net_of_drawn, **half_learned))
    assert found is not None
    assert not alarming(found)
    assert "never trained" in found.summary
    trained = {name: {"trainable": False, "deviation": 0.2} for name in ("conv1", "conv2", "conv3")}
    assert frozen_by_mistake(course(tensors=net(**trained), **half_learned)) is None


def test_weights_that_no_backward_reaches_are_found_and_dead_ones_are_not():
    without = course(probe={"gradients": (None, None, 0.1, 0.1)})
    found = detached(without)
    assert found is not None
    assert alarming(found)
    assert found.layers == ("conv1", "conv2")
    assert detached(course(probe={"gradients": (0.0, 0.0, 0.1, 0.1)})) is None
    assert detached(course()) is None


def test_layers_that_are_never_called_may_go_without_gradient():
    tensors = (*TENSORS, weight("auxiliary"))
    assert detached(course(tensors=tensors, layers=LAYERS, probe={"gradients": (0.1, 0.1, 0.1, 0.1, None)})) is None


def test_old_gradients_are_told_from_clipped_and_accumulated_ones():
    stale = course(probe={"fresh": lambda step: 1.0 if step == 1 else 0.7, "kept": lambda step: 1.0 + 0.1 * step})
    found = stale_gradients(stale)
    assert found is not None
    assert alarming(found)
    assert found.exact
    assert "zero_grad" in found.advice["do"]
    assert found.since_step == 2
    assert stale_gradients(course(probe={"fresh": 0.7, "kept": 4.0, "left": 0.0})) is None, "noise that a loop adds"
    assert stale_gradients(course(probe={"fresh": 0.7, "kept": 1.5, "left": 0.9})) is not None
    clipped_by_value = course(probe={"fresh": 0.7, "kept": 0.4})
    assert stale_gradients(clipped_by_value) is None
    accumulated = course(probe={"backwards": 4, "fresh": 1.0, "kept": 1.0})
    assert stale_gradients(accumulated) is None


def test_a_sum_over_batches_is_suspected_where_steps_are_too_long():
    long = {"backwards": 8, "updates": (0.2,) * 4}
    found = accumulation_scale(course(probe=long, loss=2.1))
    assert found is not None
    assert alarming(found)
    assert "8 batches" in found.summary
    assert accumulation_scale(course(probe={"backwards": 8}, loss=2.1)) is None
    assert accumulation_scale(course(probe=long)) is None, "it learns well"
    assert accumulation_scale(course(probe=long, loss=2.1, watch={"optimizer": "AdamW"})) is None
    ours = course(Known(recipe={"optim.lr": 0.1}), probe=long, loss=2.1)
    assert accumulation_scale(ours) is None, "our loop takes the mean"
