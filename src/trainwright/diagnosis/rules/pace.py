"""Too slow: steps that are too short, or too few."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainwright.diagnosis.advising import advice, other_rate, peak_rate
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.curves import CLEAR, mann_kendall, middle, windows
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    MIDDLING,
    WINDOWS,
    best_skill,
    diverged,
    far_enough,
    reference_loss,
    train_skill,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import (
    at_height_B,
    elasticities_B,
    normalized,
    pictures_an_epoch,
    relative_updates_B,
    trust_B,
)
from trainwright.diagnosis.suspicion import Rule, Suspicion

USUAL_MOVE = 2e-3
"""By what share of its length a step moves the median weight in runs that learn well."""

HUNCH = 3.0
"""Times the usual limit up to which a low rate is suspected, though not told unless an experiment confirms it."""

FEW_BATCHES, ENOUGH_STEPS = 20, 400
"""Batches of which an epoch should have at least as many, and steps of a training that has enough of them."""


def too_low(course: Course) -> Suspicion | None:
    """Finds a rate that is too low: steps so short that the whole run can move the weights but little, and needs more.

    Each step does what its gradient promised (trust ratio about 1), the loss depends on the weights as in any net, and
    at the present pace the net would not be done at the end of the run.
    """
    watch, height = course.history.watch, at_height_B(course)
    every = relative_updates_B(course)
    counted, every = every[height & np.isfinite(every)], every[np.isfinite(every)]
    if watch is None or len(every) < 3 or not len(counted):
        return None
    # Where hardly a step was looked at while the rate was high, the longest of all stands for what those were.
    move = float(np.median(counted)) if len(counted) >= 3 else float(every.max())
    steps = max(watch.steps_planned or 0, course.last_step)
    travel = move * steps
    trust = trust_B(course)[height]
    trust = trust[np.isfinite(trust)]
    short = len(trust) < 4 or float(np.median(trust)) > limit("trust.short", 0.85)
    alive = middle(elasticities_B(course)) > limit("elasticity.low", 1e-3)
    usual = limit("travel.low.normalized", 0.3) if normalized(course) else limit("travel.low.plain", 0.12)
    if not short or not alive or travel > HUNCH * usual:
        return None
    skill = train_skill(course)
    if skill >= DONE:
        return None
    flat_out = _levels_off(course)
    harmful = far_enough(course) and not flat_out and best_skill(course) < limit("low.skill", 0.8)
    return Suspicion(
        code="learning-rate-too-low",
        strength=min(1.0, 0.5 + 0.2 * math.log10(usual / max(travel, 1e-9))),
        persistent=True,
        harmful=harmful,
        summary=f"the learning rate {peak_rate(course):.3g} is too low: a step moves the weights by {move:.1e} of "
        f"their length, which makes {travel:.2g} in all {steps} steps, and "
        + ("the loss hardly moves" if skill < LOW else "the net is far from done")
        + f" (skill {skill:.2f}), smoothly{_creeping(course)}",
        evidence={
            "relative_update": move,
            "travel": travel,
            "median_trust_ratio": float(np.median(trust)) if len(trust) else None,
            "skill": skill,
        },
        advice=_longer_steps(course, move),
        since_step=int(course.probes("step")[0]),
        explains=("model-too-small", "class-imbalance-harmful", "stopped-too-early", "batch-too-small"),
        experiment="rate-higher",
        source="Karpathy 2015: updates near 0.001 of the weights",
    )


def too_few(course: Course) -> Suspicion | None:
    """Finds a training of so few steps that at no rate they bring a net far, though each did what it promised."""
    stop, watch, steps = course.history.stop, course.history.watch, course.last_step
    if stop is None or stop.kind != "completed" or watch is None or not 4 <= steps < limit("few.steps", 60):
        return None
    trust = trust_B(course)[np.isfinite(trust_B(course))]
    skill = best_skill(course)
    if len(trust) < 3 or middle(trust) < limit("trust.fine", 0.3) or skill >= limit("low.skill", 0.8):
        return None
    crawls = middle(relative_updates_B(course)[at_height_B(course)]) < USUAL_MOVE / 20
    epochs = len(course.history.epochs)
    return Suspicion(
        code="stopped-too-early",
        strength=0.75,
        persistent=True,
        harmful=not diverged(course),
        summary=f"the training had {steps} steps in all"
        + (f", {epochs} epoch{'s' if epochs > 1 else ''} of {steps / epochs:.0f}" if epochs else "")
        + (f" batches of {watch.batch_size} pictures" if epochs and watch.batch_size else "")
        + f"; each did what it promised (trust ratio {middle(trust):.2f}), but they are too few: the net is far from "
        f"done (skill {skill:.2f})",
        evidence={"steps": steps, "epochs": epochs, "median_trust_ratio": middle(trust), "skill": skill},
        advice=_more_steps(course, epochs),
        since_step=steps,
        explains=("model-too-small", "trained-too-long", *(() if crawls else ("learning-rate-too-low",))),
        source="Godbole et al. 2023, Deep Learning Tuning Playbook",
    )


def _longer_steps(course: Course, move: float) -> Mapping[str, Any]:
    """Advises a rate that makes steps of the usual length, or an epsilon that does not shorten those of Adam."""
    watch = course.history.watch
    epsilon = None if watch is None else watch.settings.get("eps")
    if isinstance(epsilon, float) and epsilon > 1e-4:
        return advice(course, {"optim.eps": 1e-8}, f"set eps to 1e-8 instead of {epsilon:g}, which shortens all steps")
    return other_rate(course, float(np.clip(USUAL_MOVE / max(move, 1e-9), 3, 1e6)))


def _more_steps(course: Course, epochs: int) -> Mapping[str, Any]:
    """Advises smaller batches where an epoch has only a few, else more epochs, for some hundreds of steps."""
    watch = course.history.watch
    size, pictures = None if watch is None else watch.batch_size, pictures_an_epoch(course)
    if size and pictures / size < FEW_BATCHES and pictures >= 2 * FEW_BATCHES:
        smaller = 2 ** int(math.log2(pictures / FEW_BATCHES))
        return advice(course, {"optim.batch_size": smaller}, f"make batches of {smaller} pictures instead of {size}")
    longer = math.ceil(max(epochs, 1) * ENOUGH_STEPS / course.last_step)
    return advice(course, {"training.epochs": longer}, f"train for {longer} epochs instead of {epochs}")


def _levels_off(course: Course) -> bool:
    """Says whether the net learned, and in the second half of the steps at height less than a fifth of what before.

    Where the rate comes down any loss levels off, so that part tells nothing.
    """
    losses, rates = course.losses_S, course.rates_S
    high = ~(rates < 0.5 * peak_rate(course)) if len(rates) else np.zeros(0, dtype=bool)
    skills = 1 - windows(losses[high] if high.sum() >= 4 else losses, WINDOWS) / (reference_loss(course) or math.nan)
    if len(skills) < 4:
        return False
    half = len(skills) // 2
    gained, gains = skills[half] - skills[0], skills[-1] - skills[half]
    return bool(gained > LOW and skills[half] > LOW and gains < 0.2 * gained)


def _creeping(course: Course) -> str:
    accuracies = course.epochs("train_accuracy")
    creeps = len(accuracies) >= 3 and mann_kendall(accuracies) > CLEAR
    return ", although accuracy creeps up" if creeps and train_skill(course) < MIDDLING else ""


PACE = (
    Rule("learning-rate-too-low", too_low, frozenset({"watch", "probes"})),
    Rule("stopped-too-early", too_few, frozenset({"watch", "probes", "trust"})),
)
