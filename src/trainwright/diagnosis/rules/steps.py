"""What shapes a step beside its rate: clipping, spikes of the gradient, weight decay, momentum."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from trainwright.diagnosis.advising import advice, bearable_rate
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import middle, spread
from trainwright.diagnosis.harm import (
    DONE,
    MIDDLING,
    average_lags,
    best_skill,
    diverged,
    far_enough,
    knows_little,
    shipped_skill,
    stalled,
    train_skill,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import (
    at_height_B,
    learning_D,
    rates_B,
    relative_updates_B,
    total_gradients_B,
)
from trainwright.diagnosis.suspicion import Rule, Suspicion

from .optimization import TOO_HIGH_BRINGS
from .updating import SCALE_FREE

ALWAYS = 0.95
"""Share of steps that counts as nearly always."""

AT_THE_LIMIT = 0.02
"""Relative scatter of the clipped norm below which it is that of a limit, not of gradients."""


def clipping_too_tight(course: Course) -> Suspicion | None:
    """Finds gradients that are nearly always cut to a small part of their length, where that slows the net down.

    What the optimizer got has the same norm every time, which gradients by themselves never have; a loss scale that is
    divided out shortens gradients, too, but leaves their norms as unequal as they are.
    """
    watch, total = course.history.watch, total_gradients_B(course)
    kept = course.probes("kept")
    seen = np.isfinite(kept) & np.isfinite(total) & (total > 0)
    if watch is None or seen.sum() < 4 or any(name in watch.optimizer for name in SCALE_FREE):
        return None
    shortened = float(np.median(kept[seen]))
    constant = spread(total[seen]) < AT_THE_LIMIT * float(np.median(total[seen]))
    share = float((kept[seen] < 0.999).mean())
    skill = train_skill(course)
    if not constant or share < ALWAYS or shortened > limit("clip.kept", 0.3) or skill >= DONE:
        return None
    steps = max(watch.steps_planned or 0, course.last_step)
    travel = middle(relative_updates_B(course)[at_height_B(course)]) * steps
    slow = travel < limit("clip.travel", 0.5)
    return Suspicion(
        code="clipping-too-tight",
        strength=min(1.0, 0.6 + 0.2 * math.log10(limit("clip.kept", 0.3) / max(shortened, 1e-9))),
        persistent=True,
        harmful=slow and far_enough(course),
        summary=f"clipping cuts the gradient in {share:.0%} of the steps, to {shortened:.2g} of its length "
        f"(median), so "
        f"that a step has the same length whatever the net would need; all {steps} steps together can move the weights "
        f"by {travel:.2g} of their length",
        evidence={"share_of_steps_clipped": share, "median_share_kept": shortened, "travel": travel, "skill": skill},
        advice=_wider(course, float(np.median(total[seen])) / shortened),
        since_step=int(course.probes("step")[seen][0]),
        explains=("learning-rate-too-low", "model-too-small", "class-imbalance-harmful", "stopped-too-early"),
        source="own choice; the limit to try is the median norm of the gradients themselves",
    )


def gradient_spikes(course: Course) -> Suspicion | None:
    """Finds single steps with a gradient far beyond all others, after which the net knows less than before.

    A rise of the rate, as at a restart, is meant to shake the net and does not count.
    """
    norms, places = _norms(course)
    if len(norms) < 30 or diverged(course):
        return None
    logs = np.log10(np.where(norms > 0, norms, np.nan))
    usual, scatter = middle(logs), max(spread(logs), 0.05)
    late = places > 0.1 * course.last_step
    high = np.flatnonzero(late & (logs > usual + max(1.0, 6 * scatter)))
    harmed = [int(places[index]) for index in high if _skill_fell(course, float(places[index]))]
    if not harmed:
        return None
    worst = float(np.nanmax(norms[high]))
    return Suspicion(
        code="gradient-spikes",
        strength=min(1.0, 0.5 + 0.1 * len(harmed)),
        persistent=len(harmed) >= 2,
        harmful=len(harmed) >= 2 and train_skill(course) < DONE,
        summary=f"{len(high)} steps had gradients far beyond all others (up to {worst / 10**usual:.0f} times the "
        f"median), and after {len(harmed)} of them the net knew clearly less than before",
        evidence={"spikes": len(high), "spikes_that_cost": len(harmed), "largest_over_median": worst / 10**usual},
        advice=advice(
            course,
            {"optim.clip_norm": float(f"{10**usual * 2:.2g}")},
            f"clip the gradient's norm at {10**usual * 2:.2g}, twice its median, and look at the pictures of step "
            f"{harmed[0]}",
        ),
        since_step=harmed[0],
        source="Pascanu et al. 2013",
    )


def weight_decay_too_strong(course: Course) -> Suspicion | None:
    """Finds a decay that makes the net forget within a few steps what it learned.

    1/(rate x decay) is the number of steps after which decay alone leaves a third of a weight (with momentum that
    many fewer). Healthy runs forget over thousands of steps. In Adam, decay and gradient are weighed directly. Where
    the decay is a usual one, the rate is the one of the two that is too high.
    """
    watch, columns = course.history.watch, learning_D(course)
    decayed = [index for index in columns if course.tensors[index].weight_decay > 0]
    weights_BT = course.by_tensor("weights")
    if watch is None or not decayed or len(weights_BT) < 4:
        return None
    decay = float(np.median([course.tensors[index].weight_decay for index in decayed]))
    rate = middle(rates_B(course)[at_height_B(course)])
    if not rate > 0:
        return None
    momentum = _number(watch.settings.get("momentum"), 0.0)
    memory = (1 - min(momentum, 0.999)) / (rate * decay)
    pull = middle(decay * weights_BT[:, decayed] / course.by_tensor("gradients")[:, decayed])
    shortest = limit("decay.memory_steps", 150)
    strong, how = memory < shortest, f"forgets within {memory:.0f} steps what was learned"
    if watch.optimizer == "Adam":  # there it is part of the gradient, whose scale is divided out
        strong, how = pull > limit("decay.pull", 2.0), f"pulls {pull:.2g} times as hard as the gradient"
    skill, lags = train_skill(course), average_lags(course)
    if lags:  # the weights turn over faster than their average follows
        skill = min(skill, shipped_skill(course))
    if not strong or skill >= DONE:
        return None
    shrunk = middle(weights_BT[-1, decayed] / weights_BT[0, decayed])
    if shrunk > 1:  # decay does not hold down what has grown
        return None
    turn = middle(course.by_tensor("turns")[-max(2, len(weights_BT) // 3) :, decayed])
    low = lags or skill < MIDDLING or (stalled(course) and skill < limit("decay.skill", 0.8))
    harmful = far_enough(course) and low
    found = Suspicion(
        code="weight-decay-too-strong",
        strength=float(np.clip(0.6 + 0.2 * math.log10(shortest / memory), 0.6, 1.0)),
        persistent=True,
        harmful=harmful,
        summary=f"weight decay {decay:g} at a learning rate of {rate:.3g} {how}; weights have {shrunk:.2g} of their "
        f"first length"
        + (f", and the average of them, which is shipped, stays at a skill of {skill:.2f}" if lags else "")
        + (f", and training stays at a skill of {skill:.2f}" if harmful and not lags else ""),
        evidence={
            "weight_decay": decay,
            "learning_rate": rate,
            "memory_steps": memory,
            "decay_over_gradient": pull,
            "weights_over_first": shrunk,
            "median_turn_radians": turn,
            "skill": skill,
        },
        advice=advice(
            course,
            {"optim.weight_decay": float(f"{decay / 100:.2g}")},
            f"set weight_decay to {decay / 100:.2g} instead of {decay:g}",
        ),
        since_step=int(course.probes("step")[0]),
        explains=(
            "model-too-small",
            "class-imbalance-harmful",
            "learning-rate-too-low",
            "vanishing-gradients",
            "dead-units",
            "stopped-too-early",
        ),
        source="van Laarhoven 2017; Kosson et al. 2023: time constant of weight decay",
    )
    longest = float(np.nanmax(relative_updates_B(course), initial=0.0))
    if decay > limit("decay.usual", 2e-3) or longest < limit("update.long", 0.05):
        return found
    return replace(
        found,
        code="learning-rate-too-high",
        summary=f"the learning rate {rate:.3g} is too high: with it even the usual {found.summary}",
        evidence={**found.evidence, "largest_move": longest},
        advice=bearable_rate(course),
        explains=(*TOO_HIGH_BRINGS, *found.explains),
    )


def momentum_extreme(course: Course) -> Suspicion | None:
    """Finds a momentum that averages over so many steps that the run has hardly time to turn round."""
    watch = course.history.watch
    if watch is None:
        return None
    betas: Any = watch.settings.get("betas")
    momentum = _number(betas[0] if isinstance(betas, list | tuple) and betas else watch.settings.get("momentum"), 0.0)
    horizon = 1 / max(1 - momentum, 1e-9)
    steps = max(watch.steps_planned or 0, course.last_step)
    usual = limit("momentum.high", 0.97)
    if momentum <= usual or horizon < limit("momentum.share_of_run", 0.05) * steps:
        return None
    skill = train_skill(course)
    harmful = diverged(course) or (far_enough(course) and (knows_little(course, MIDDLING) or skill < DONE))
    return Suspicion(
        code="momentum-extreme",
        strength=0.9 if harmful else 0.6,
        persistent=True,
        harmful=harmful,
        fatal=diverged(course),
        summary=f"momentum {momentum:g} averages the gradient over {horizon:.0f} steps, of {steps} in all, and makes "
        f"every step {horizon:.0f} times as long in the end as the learning rate says (skill {best_skill(course):.2f})",
        evidence={"momentum": momentum, "horizon_steps": horizon, "steps": steps, "skill": skill},
        advice=advice(
            course,
            {"optim.beta1" if isinstance(betas, list | tuple) else "optim.momentum": 0.9},
            f"set momentum to 0.9 instead of {momentum:g}",
        ),
        since_step=watch.step,
        explains=(
            "learning-rate-too-high",
            "learning-rate-too-low",
            "exploding-gradients",
            "gradient-spikes",
            "warmup-missing",
            "model-too-small",
            "class-imbalance-harmful",
            "dead-units",
            "saturated-units",
        ),
        source="Sutskever et al. 2013",
    )


def _norms(course: Course) -> tuple[Numbers, Numbers]:
    """Gives gradient norms and the steps they belong to: those of all steps where they were recorded, else probes'."""
    norms = np.array(
        [math.nan if value is None else value for value in course.history.steps["gradient_norm_before_clip"]]
    )
    if np.isfinite(norms).sum() >= 30:
        return norms, course.steps_S
    return total_gradients_B(course), course.probes("step")


def _skill_fell(course: Course, step: float) -> bool:
    """Says whether the net knew clearly less in the steps after one than in those before, at no higher rate."""
    places, skills = course.steps_S, 1 - course.losses_S / max(middle(course.losses_S[:5]), 1e-12)
    reach = max(10.0, 0.03 * course.last_step)
    before = (places < step) & (places >= step - reach)
    after = (places > step) & (places <= step + reach)
    if before.sum() < 4 or after.sum() < 4 or course.rates_S[after].max() > 1.05 * course.rates_S[before].max():
        return False
    fall = float(np.median(skills[before]) - np.median(skills[after]))
    return fall > max(limit("spike.fall", 0.1), 3 * spread(skills[before]) / math.sqrt(before.sum()))


def _wider(course: Course, norm: float) -> dict[str, Any]:
    value = float(f"{norm:.2g}") if math.isfinite(norm) else 0.0
    return dict(advice(course, {"optim.clip_norm": value}, f"clip at a norm of {value:g}, or not at all"))


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, int | float) else otherwise


STEPS = (
    Rule("clipping-too-tight", clipping_too_tight, frozenset({"watch", "probes"})),
    Rule("gradient-spikes", gradient_spikes, frozenset({"steps"})),
    Rule("weight-decay-too-strong", weight_decay_too_strong, frozenset({"watch", "probes"})),
    Rule("momentum-extreme", momentum_extreme, frozenset({"watch"})),
)
