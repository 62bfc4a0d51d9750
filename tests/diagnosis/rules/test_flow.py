from __future__ import annotations

from diagnosis.histories import BLIND, LAYERS, TENSORS, alarming, course, layer, weight
from trainwright.diagnosis.rules.flow import (
    dead_units,
    exploding_gradients,
    missing_normalization,
    saturated_units,
    vanishing_gradients,
)

DEPTH = 12
STACK = tuple(weight(f"linear{number}", (100, 100)) for number in range(DEPTH))
STACKED = tuple(
    layer(f"{kind.lower()}{number}", kind, 100, 0) for number in range(DEPTH) for kind in ("Linear", "Sigmoid")
)
DEEP = {"tensors": STACK, "layers": STACKED}
RELUS = [place for place, one in enumerate(LAYERS) if one.kind == "ReLU"]


def dead(share: float, *, at_start: float = 0.0):
    """A column in which the last ReLU is dead to some share, after the start."""

    def column(step: int) -> tuple[float | None, ...]:
        now = share if step else at_start
        return tuple((now if place == RELUS[-1] else 0.0) if place in RELUS else None for place in range(len(LAYERS)))

    return column


def flowing(decades_a_layer: float):
    return {"gradients": tuple(10.0 ** (decades_a_layer * (place - DEPTH)) for place in range(DEPTH))}


def test_gradients_that_vanish_are_found_where_the_net_learns_little():
    found = vanishing_gradients(course(**DEEP, loss=BLIND, probe=flowing(0.6)))
    assert found is not None
    assert alarming(found)
    assert "powers of ten" in found.summary
    assert found.layers == ("linear0", "linear1", "linear2")
    assert not alarming(vanishing_gradients(course(**DEEP, probe=flowing(0.6))))
    assert vanishing_gradients(course(**DEEP, loss=BLIND, probe=flowing(0.1))) is None


def test_gradients_that_explode_are_found():
    found = exploding_gradients(course(**DEEP, loss=lambda step: BLIND + step / 50, probe=flowing(-0.6)))
    assert found is not None
    assert alarming(found)
    assert found.fatal
    assert exploding_gradients(course(**DEEP, loss=BLIND, probe=flowing(-0.1))) is None
    assert not alarming(exploding_gradients(course(**DEEP, probe=flowing(-0.6))))


def test_a_branch_that_begins_closed_or_a_size_that_is_normalized_away_explodes_nothing():
    def opening(step: int) -> tuple[float, ...]:
        return flowing(-0.6)["gradients"] if step <= 4 else (0.1,) * DEPTH

    assert exploding_gradients(course(**DEEP, loss=2.2, probe={"gradients": opening})) is None
    alone = [weight(f"conv{number}", (16, 16, 3, 3), normalized=True) for number in range(5)]
    shortcut = weight("shortcut", (16, 1, 1, 1), normalized=True)
    small = {"gradients": (0.1,) * 5 + (1e-6, 0.1)}
    found = exploding_gradients(course(tensors=(*alone, shortcut, weight("head", (10, 16))), loss=2.2, probe=small))
    assert found is None, "a single input in front of a normalization has no gradient to speak of"
    found = exploding_gradients(
        course(tensors=(*alone, weight("conv5", normalized=True), weight("head", (10, 16))), loss=2.2, probe=small)
    )
    assert alarming(found)


def test_a_deep_net_without_normalization_is_suspected_behind_other_causes():
    found = missing_normalization(course(**DEEP, loss=BLIND, probe=flowing(0.4)))
    assert found is not None
    assert found.strength == 0.5
    assert missing_normalization(course(loss=BLIND)) is None


def test_units_that_died_in_training_are_found_where_the_net_does_badly():
    found = dead_units(course(loss=2.2, units={"dead": dead(0.97)}))
    assert found is not None
    assert alarming(found)
    assert "97% of the units of relu3 are dead" in found.summary
    assert found.since_step == 40
    assert not alarming(dead_units(course(units={"dead": dead(0.97)}))), "the net does well"


def test_a_whole_layer_without_life_before_training_is_found_too():
    found = dead_units(course(loss=BLIND, units={"dead": dead(1.0, at_start=1.0)}))
    assert found is not None
    assert alarming(found)
    assert found.fatal


def test_sparsity_is_not_death_and_a_few_dead_units_are_usual():
    assert dead_units(course(loss=2.2, units={"zeros": (0.95,) * len(LAYERS)})) is None
    assert dead_units(course(loss=2.2, units={"dead": dead(0.3)})) is None
    assert dead_units(course(loss=2.2, units={"dead": dead(0.6, at_start=0.55)})) is None


def test_death_in_a_single_look_does_not_stay():
    once = dead_units(course(loss=2.2, units={"dead": lambda step: dead(0.97)(step if step == 400 else 0)}))
    assert once is None


def test_saturated_sigmoids_are_found_and_gates_are_not():
    flat = {"saturated": tuple(0.9 if one.kind == "Sigmoid" else None for one in STACKED)}
    found = saturated_units(course(**DEEP, loss=BLIND, units=flat))
    assert found is not None
    assert alarming(found)
    assert "90%" in found.summary
    assert found.since_step == 0
    assert not alarming(saturated_units(course(**DEEP, units=flat)))
    gated = (*LAYERS, layer("gate", "Sigmoid", 16, 0))
    gates = {"saturated": (None,) * len(LAYERS) + (0.9,), "dead": None}
    narrow = {name: (0.0,) * len(gated) for name in ("mean", "deviation", "zeros", "correlation")}
    units = narrow | gates | {"dead": (None,) * len(gated)}
    assert saturated_units(course(tensors=TENSORS, layers=gated, loss=BLIND, units=units)) is None
