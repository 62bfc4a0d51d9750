"""The learning rate: too high, too low; and a sign that is turned, which looks like one too high."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from trainwright.diagnosis.advising import advice, other_rate, peak_rate
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import CLEAR, mann_kendall, middle, windows
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    MIDDLING,
    best_skill,
    diverged,
    early_spike,
    far_enough,
    first_loss,
    knows_little,
    reference_loss,
    stalled,
    train_skill,
    trained_skills_W,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import at_height_B, elasticities_B, normalized, relative_updates_B, trust_B
from trainwright.diagnosis.suspicion import Rule, Suspicion

EARLY, SHORT = 8, 0.02
"""How many steps are the first ones, and by what share of its length a short one moves the median weight."""

USUAL_MOVE = 2e-3
"""By what share of its length a step moves the median weight in runs that learn well."""

HUNCH = 3.0
"""Times the usual limit up to which a low rate is suspected, though not told unless an experiment confirms it."""

TOO_HIGH_BRINGS = (
    "exploding-gradients",
    "gradient-spikes",
    "dead-units",
    "saturated-units",
    "non-finite-loss",
    "vanishing-gradients",
    "batchnorm-statistics-stale",
    "model-too-small",
    "class-imbalance-harmful",
    "batch-too-small",
    "labels-shuffled",
    "precision-overflow",
    "precision-underflow",
    "weight-decay-too-strong",
    "missing-normalization",
    "trained-too-long",
    "warmup-missing",
    "overfitting",
)
"""What a rate that is too high brings about."""


def diverges(course: Course) -> Suspicion | None:
    """Finds a rate that is too high by its end: no number at all, or a loss above that of knowing nothing."""
    if not len(course.losses_S) or _against(course) is not None:
        return None
    losses, first, rate = course.losses_S, first_loss(course), peak_rate(course)
    stop = course.history.stop
    broken = bool((~np.isfinite(losses)).any()) or (stop is not None and stop.kind == "non-finite-loss")
    jump = _jump(course)
    if broken:
        finite = losses[np.isfinite(losses)]
        rose = len(finite) > 0 and float(finite[-3:].max()) > 1.5 * max(first, reference_loss(course))
        at_once = len(finite) <= 20 and math.isfinite(first)
        if not (rose or at_once or jump > limit("update.jump", 0.3) or _overshoots(course, 1.0)[0] >= 0.5):
            return None
        where = int(course.steps_S[np.flatnonzero(~np.isfinite(losses))[0]]) if len(finite) < len(losses) else None
        where = course.last_step if where is None else where
        summary = f"the loss went from {first:.3g} to no number at step {where}, with a learning rate of {rate:.3g}"
        strength = 0.95 if rose or jump > limit("update.jump", 0.3) else 0.7
    elif diverged(course):
        last = float(windows(losses, 12)[-1])
        where = int(course.steps_S[np.flatnonzero(losses > max(first, reference_loss(course)))[0]])
        summary = f"the loss rose from {first:.3g} to {last:.3g} with a learning rate of {rate:.3g}; an answer that "
        summary += f"knows nothing has {reference_loss(course):.3g}"
        strength = 0.9
    else:
        return None
    return Suspicion(
        code="learning-rate-too-high",
        strength=strength,
        persistent=broken or len(losses) >= 20,
        harmful=True,
        fatal=True,
        summary=f"the learning rate is too high: {summary}" + _moved(jump),
        evidence={"first_loss": first, "last_loss": float(losses[-1]), "learning_rate": rate, "largest_move": jump},
        advice=other_rate(course, _shorter(jump)),
        since_step=where,
        explains=TOO_HIGH_BRINGS,
        experiment=None if broken else "rate-lower",
        source="Bottou 2012; the relative move of a step is near 0.001 in runs that learn well",
    )


def kills(course: Course) -> Suspicion | None:
    """Finds a rate that threw the net out in its first steps, so that it answers the same ever after."""
    jump, overshoot = _jump(course), _overshoots(course, 0.25, first=True)
    thrown = jump > limit("update.jump", 0.3) or (overshoot[0] > 0.5 and overshoot[1] >= 3)
    up = early_spike(course) >= limit("spike.times", 1.5)  # from there a loss may fall for long, to that of nothing
    if not (up or (thrown and stalled(course))) or not knows_little(course, LOW):
        return None
    if _against(course) is not None or diverged(course):
        return None
    return Suspicion(
        code="learning-rate-too-high",
        strength=0.85 if jump > limit("update.jump", 0.3) else 0.7,
        persistent=True,
        harmful=True,
        fatal=True,
        summary=f"the learning rate {peak_rate(course):.3g} is too high: the first steps threw the net out, and since "
        f"then it knows next to nothing (skill {best_skill(course):.2f})" + _moved(jump),
        evidence={"largest_move": jump, "overshooting_steps": overshoot[0], "skill": best_skill(course)},
        advice=other_rate(course, _shorter(jump)),
        since_step=int(course.probes("step")[0]),
        explains=TOO_HIGH_BRINGS,
        experiment="rate-lower",
    )


def throws(course: Course) -> Suspicion | None:
    """Finds a rate that was too high at its height: the loss went far above knowing nothing there and came back late.

    Where that is at the very start, and the net then learns, only the first steps were too long.
    """
    losses, level = course.losses_S, max(first_loss(course), reference_loss(course))
    if len(losses) < 40 or not level > 0 or _against(course) is not None or diverged(course):
        return None
    over_W = windows(losses, 50) / level
    high = over_W > limit("spike.times", 1.5)
    at = int(np.argmax(high)) * len(losses) // len(high)
    if high.mean() < limit("thrown.share", 0.06) or at < len(losses) // 10:
        return None
    skill, rate = train_skill(course), float(course.rates_S[at])
    return Suspicion(
        code="learning-rate-too-high",
        strength=0.8,
        persistent=True,
        harmful=far_enough(course) and skill < MIDDLING,
        summary=f"the learning rate {peak_rate(course):.3g} is too high: from step {course.steps_S[at]:.0f} on, at "
        f"{rate:.3g}, the loss was thrown up to {np.nanmax(over_W) * level:.3g}, where knowing nothing costs "
        f"{reference_loss(course):.3g}, and the net knows little to this day (skill {skill:.2f})",
        evidence={"highest_loss": float(np.nanmax(over_W) * level), "learning_rate": rate, "skill": skill},
        advice=other_rate(course, 0.1),
        since_step=int(course.steps_S[at]),
        explains=TOO_HIGH_BRINGS,
    )


def bounces(course: Course) -> Suspicion | None:
    """Finds a rate that is too high by its steps: many of them raise the loss of their own batch.

    Healthy runs at a high rate do so now and then, and still learn; so the loss must also stand still far from its
    end.
    """
    late, counted = _overshoots(course, 1 / 3)
    before, counted_before = _overshoots(course, 2 / 3)
    usual = limit("overshoots.share", 0.35)
    if counted < 4 or counted_before < 8 or late <= usual or _against(course) is not None:
        return None
    skill = train_skill(course)
    harmful = far_enough(course) and stalled(course) and skill < DONE
    return Suspicion(
        code="learning-rate-too-high",
        strength=0.5 + 0.4 * min(1.0, (late - usual) / (1 - usual)),
        persistent=before > usual,
        harmful=harmful,
        summary=f"the learning rate {peak_rate(course):.3g} is too high: {late:.0%} of the last {counted} steps looked "
        f"at raised the loss of their own batch instead of lowering it"
        + (f", and training bounces at a skill of {skill:.2f}" if harmful else ""),
        evidence={"overshooting_steps": late, "steps_looked_at": counted, "skill": skill},
        advice=other_rate(course, 1 / 3),
        since_step=int(course.probes("step")[-counted]),
        explains=TOO_HIGH_BRINGS,
        experiment="rate-lower",
        source="ratio of actual to predicted change, as in trust-region methods (Conn et al. 2000)",
    )


def turned(course: Course) -> Suspicion | None:
    """Finds a loss whose sign is turned, or gradients of another one: from the first step on short steps lead uphill.

    A rate that is too high overshoots by steps that are long; a short one can only miss what it promises by a little.
    """
    times = _against(course)
    if times is None or not (diverged(course) or knows_little(course, MIDDLING)):
        return None
    return Suspicion(
        code="loss-sign-flipped",
        strength=0.9,
        persistent=True,
        harmful=True,
        fatal=True,
        summary=f"from the first step on, each step changes the loss by {times:.2g} times what its gradient promises, "
        "although it is short: what is minimized is not this loss but its opposite; a sign is turned",
        evidence={"median_trust_ratio": times, "relative_update": middle(relative_updates_B(course)[:EARLY])},
        advice={"do": "look for a minus in front of the loss or of the gradients, or maximize=True in the optimizer"},
        since_step=int(course.probes("step")[0]),
        explains=("learning-rate-too-high", *TOO_HIGH_BRINGS),
    )


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
    skill, skills = train_skill(course), trained_skills_W(course)
    if skill >= DONE:
        return None
    flat_out = len(skills) >= 4 and _levels_off(skills)
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


def _against(course: Course) -> float | None:
    """Gives the median trust ratio of the first steps where each is short and leads uphill all the same, else None."""
    trust, moves = trust_B(course)[:EARLY], relative_updates_B(course)[:EARLY]
    told = trust[np.isfinite(trust)]
    if len(told) < 4 or not (told < -0.3).all() or not middle(moves) < SHORT:
        return None
    return middle(told)


def _jump(course: Course) -> float:
    """Finds the largest move of the median weight in a step of the first quarter, as a share of its length."""
    moves = relative_updates_B(course)
    steps = course.probes("step")
    early = moves[steps <= max(4.0, 0.25 * course.last_step)]
    finite = early[np.isfinite(early)]
    return float(finite.max()) if len(finite) else math.nan


def _overshoots(course: Course, share: float, *, first: bool = False) -> tuple[float, int]:
    """Counts the steps that raised the loss of their own batch, among the last (first) share of those looked at."""
    trust: Numbers = trust_B(course)
    trust = trust[~np.isnan(trust)]
    count = max(1, math.ceil(len(trust) * share))
    part = trust[:count] if first else trust[-count:]
    return (float((part < 0).mean()), len(part)) if len(trust) else (0.0, 0)


def _shorter(jump: float) -> float:
    """Gives the factor that makes the longest step a long one of the usual kind, and a tenth at most."""
    return float(np.clip(5 * USUAL_MOVE / jump, 1e-9, 0.1)) if jump > 0 else 0.1


def _longer_steps(course: Course, move: float) -> Mapping[str, Any]:
    """Advises a rate that makes steps of the usual length, or an epsilon that does not shorten those of Adam."""
    watch = course.history.watch
    epsilon = None if watch is None else watch.settings.get("eps")
    if isinstance(epsilon, float) and epsilon > 1e-4:
        return advice(course, {"optim.eps": 1e-8}, f"set eps to 1e-8 instead of {epsilon:g}, which shortens all steps")
    return other_rate(course, float(np.clip(USUAL_MOVE / max(move, 1e-9), 3, 1e6)))


def _levels_off(skills: Numbers) -> bool:
    """Says whether a curve that rose gained in its second half less than a fifth of what it gained in its first."""
    half = len(skills) // 2
    gained, gains = skills[half] - skills[0], skills[-1] - skills[half]
    return bool(gained > LOW and gains < 0.2 * gained)


def _moved(jump: float) -> str:
    return f"; one step moved the median weight by {jump:.3g} of its own length" if jump > 0.03 else ""


def _creeping(course: Course) -> str:
    accuracies = course.epochs("train_accuracy")
    creeps = len(accuracies) >= 3 and mann_kendall(accuracies) > CLEAR
    return ", although accuracy creeps up" if creeps and train_skill(course) < MIDDLING else ""


OPTIMIZATION = (
    Rule("learning-rate-too-high", diverges, frozenset({"steps"})),
    Rule("learning-rate-too-high", kills, frozenset({"steps", "probes"})),
    Rule("learning-rate-too-high", throws, frozenset({"steps"})),
    Rule("learning-rate-too-high", bounces, frozenset({"steps", "probes", "trust"})),
    Rule("loss-sign-flipped", turned, frozenset({"steps", "probes", "trust"})),
    Rule("learning-rate-too-low", too_low, frozenset({"watch", "probes"})),
)
