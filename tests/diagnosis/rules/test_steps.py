from __future__ import annotations

import math
from dataclasses import replace

from diagnosis.histories import BLIND, TENSORS, alarming, course, learning
from trainwright.diagnosis.rules.steps import (
    clipping_too_tight,
    gradient_spikes,
    momentum_extreme,
    weight_decay_too_strong,
)

DECAYED = tuple(replace(one, weight_decay=0.1, normalized=False) for one in TENSORS)


def test_clipping_that_always_cuts_and_slows_is_found():
    tight = {"kept": lambda step: 0.01 + 0.005 * math.sin(step), "gradients": (0.005,) * 4, "updates": (1e-4,) * 4}
    found = clipping_too_tight(course(loss=lambda step: BLIND - step / 1000, probe=tight))
    assert found is not None
    assert alarming(found)
    assert found.evidence["median_share_kept"] < 0.02
    assert not alarming(clipping_too_tight(course(probe=tight))), "the net learns all the same"


def test_clipping_on_half_of_the_steps_and_loss_scales_are_none_of_it():
    half = {"kept": lambda step: 0.2 if step % 20 else 1.0, "gradients": lambda s: (0.1 * (1 + s % 7),) * 4}
    assert clipping_too_tight(course(loss=2.2, probe=half)) is None
    scaled = {"kept": 2.0**-16, "gradients": lambda step: (0.1 * (1 + step % 7),) * 4, "updates": (1e-4,) * 4}
    assert clipping_too_tight(course(loss=2.2, probe=scaled)) is None


def test_spikes_that_cost_what_was_learned_are_found():
    def hurt(step: int) -> float:
        return learning(step) + (1.5 * math.exp(-((step % 100) - 50) / 15) if step > 100 and step % 100 >= 50 else 0.0)

    norm = {"norm": lambda step: 100.0 if step > 100 and step % 100 == 50 else 1.0 + 0.1 * math.sin(step)}
    found = gradient_spikes(course(loss=hurt, **norm))
    assert found is not None
    assert found.evidence["spikes_that_cost"] == 3
    assert gradient_spikes(course(**norm)) is None, "they cost nothing"
    restarts = course(loss=hurt, rate=lambda step: 0.1 if step % 100 >= 50 else 0.01, **norm)
    assert gradient_spikes(restarts) is None, "restarts are meant to shake"


def test_a_decay_that_forgets_within_steps_is_found_where_the_net_stays_low():
    strong = course(tensors=DECAYED, loss=lambda step: 1.9 + 0.05 * math.sin(step))
    found = weight_decay_too_strong(strong)
    assert found is not None
    assert alarming(found)
    assert round(found.evidence["memory_steps"]) == 10
    assert found.advice == {"do": "set weight_decay to 0.001 instead of 0.1"}
    usual = tuple(replace(one, weight_decay=5e-4) for one in TENSORS)
    assert weight_decay_too_strong(course(tensors=usual, loss=2.0)) is None
    assert not alarming(weight_decay_too_strong(course(tensors=DECAYED)))


def test_a_usual_decay_that_forgets_does_so_by_the_rate():
    usual = tuple(replace(one, weight_decay=5e-4, normalized=False) for one in TENSORS)
    long = {"probe": {"updates": (0.1,) * 4, "learning_rate": 10.0}}
    found = weight_decay_too_strong(course(tensors=usual, loss=BLIND, rate=10.0, **long))
    assert found is not None
    assert alarming(found)
    assert found.code == "learning-rate-too-high"
    assert "the learning rate 10 is too high: with it even the usual weight decay 0.0005" in found.summary
    assert found.advice == {"do": "set the learning rate to 0.4 instead of 10"}
    short = weight_decay_too_strong(course(tensors=usual, loss=BLIND, rate=10.0, probe={"learning_rate": 10.0}))
    assert short is not None
    assert short.code == "weight-decay-too-strong"


def test_a_decay_is_judged_by_the_average_of_weights_where_that_lags_behind():
    """The net itself does well, and what is shipped, of which the epochs tell, does not follow it."""
    behind = {"valid_loss": 1.5}
    found = weight_decay_too_strong(course(tensors=DECAYED, loss=0.4, epoch=behind))
    assert found is not None
    assert alarming(found)
    assert "the average of them, which is shipped, stays at a skill of 0.35" in found.summary
    assert not alarming(weight_decay_too_strong(course(tensors=DECAYED, loss=0.4)))


def test_a_momentum_of_0_999_is_found_and_0_9_is_not():
    extreme = {"settings": {"lr": 0.1, "momentum": 0.999}}
    found = momentum_extreme(course(watch=extreme, loss=2.0))
    assert found is not None
    assert alarming(found)
    assert "1000 steps" in found.summary
    assert "learning-rate-too-high" in found.explains
    assert momentum_extreme(course(loss=2.0)) is None
    assert not alarming(momentum_extreme(course(watch=extreme)))
    adam = {"settings": {"lr": 1e-3, "betas": (0.999, 0.999)}, "optimizer": "Adam"}
    assert alarming(momentum_extreme(course(watch=adam, loss=2.0)))
    assert momentum_extreme(course(watch={"settings": {"betas": (0.9, 0.999)}}, loss=2.0)) is None
