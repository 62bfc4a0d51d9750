"""The learning rate and its course: too high, too low, without a warm-up, gone too soon."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice, other_rate, peak_rate
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import CLEAR, mann_kendall, middle, tail, windows
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    MIDDLING,
    best_skill,
    diverged,
    far_enough,
    first_loss,
    knows_little,
    reference_loss,
    stalled,
    train_skill,
    trained_skills_W,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import at_height_B, elasticities_B, relative_updates_B, trust_B
from trainwright.diagnosis.suspicion import Rule, Suspicion

USUAL_MOVE = 2e-3
"""By what share of its length a step moves the median weight in runs that learn well."""

TOO_HIGH_BRINGS = (
    "exploding-gradients",
    "gradient-spikes",
    "dead-units",
    "saturated-units",
    "non-finite-loss",
    "vanishing-gradients",
    "batchnorm-statistics-stale",
    "model-too-small",
    "batch-too-small",
    "labels-shuffled",
    "precision-overflow",
    "missing-normalization",
    "trained-too-long",
    "warmup-missing",
    "overfitting",
)
"""What a rate that is too high brings about."""


def diverges(course: Course) -> Suspicion | None:
    """Finds a rate that is too high by its end: no number at all, or a loss above that of knowing nothing."""
    if not len(course.losses_S):
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
        persistent=broken or len(losses) >= 2,
        harmful=True,
        fatal=True,
        summary=f"the learning rate is too high: {summary}" + _moved(jump),
        evidence={"first_loss": first, "last_loss": float(losses[-1]), "learning_rate": rate, "largest_move": jump},
        advice=other_rate(course, _shorter(jump)),
        since_step=where,
        explains=TOO_HIGH_BRINGS,
        source="Bottou 2012; the relative move of a step is near 0.001 in runs that learn well",
    )


def kills(course: Course) -> Suspicion | None:
    """Finds a rate that threw the net out in its first steps, so that it answers the same ever after."""
    jump, overshoot = _jump(course), _overshoots(course, 0.25, first=True)
    thrown = jump > limit("update.jump", 0.3) or (overshoot[0] > 0.5 and overshoot[1] >= 3)
    if not thrown or not knows_little(course, LOW) or not stalled(course) or diverged(course):
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
    )


def bounces(course: Course) -> Suspicion | None:
    """Finds a rate that is too high by its steps: more than half of them raise the loss of their own batch.

    Healthy runs at a high rate do so now and then, and still learn; so the loss must also stand still far from its
    end.
    """
    late, counted = _overshoots(course, 1 / 3)
    before, counted_before = _overshoots(course, 2 / 3)
    usual = limit("overshoots.share", 0.5)
    if counted < 4 or counted_before < 8 or late <= usual:
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
        source="ratio of actual to predicted change, as in trust-region methods (Conn et al. 2000)",
    )


def too_low(course: Course) -> Suspicion | None:
    """Finds a rate that is too low: steps so short that the whole run can move the weights but little, and needs more.

    Each step does what its gradient promised (trust ratio about 1), the loss depends on the weights as in any net, and
    at the present pace the net would not be done at the end of the run.
    """
    watch, height = course.history.watch, at_height_B(course)
    moves = relative_updates_B(course)[height]
    counted = moves[np.isfinite(moves)]
    if watch is None or len(counted) < 3:
        return None
    move = float(np.median(counted))
    steps = max(watch.steps_planned or 0, course.last_step)
    travel = move * steps
    trust = trust_B(course)[height]
    trust = trust[np.isfinite(trust)]
    short = len(trust) < 4 or float(np.median(trust)) > limit("trust.short", 0.85)
    alive = middle(elasticities_B(course)) > limit("elasticity.low", 1e-3)
    if not short or not alive or travel > limit("travel.low", 0.3):
        return None
    skill, skills = train_skill(course), trained_skills_W(course)
    if skill >= DONE:
        return None
    flat_out = len(skills) >= 4 and _levels_off(skills)
    harmful = far_enough(course) and not flat_out and best_skill(course) < limit("low.skill", 0.8)
    return Suspicion(
        code="learning-rate-too-low",
        strength=min(1.0, 0.5 + 0.2 * math.log10(limit("travel.low", 0.3) / max(travel, 1e-9))),
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
        advice=other_rate(course, float(np.clip(USUAL_MOVE / max(move, 1e-9), 3, 1e6))),
        since_step=int(course.probes("step")[0]),
        explains=("model-too-small", "stopped-too-early", "batch-too-small"),
        source="Karpathy 2015: updates near 0.001 of the weights",
    )


def schedule_mismatch(course: Course) -> Suspicion | None:
    """Finds a schedule that is over long before training is: the rate is gone while there was much to learn."""
    rates, peak = course.rates_S, peak_rate(course)
    if len(rates) < 20 or not peak > 0:
        return None
    gone = np.flatnonzero(rates >= limit("schedule.gone", 0.01) * peak)
    last = int(gone[-1]) + 1
    watch = course.history.watch
    planned = max(course.last_step, (watch.steps_planned or 0) if watch is not None else 0)
    since = float(course.steps_S[min(last, len(rates) - 1)])
    share = (planned - since) / planned
    waited = (course.last_step - since) / planned
    if last >= len(rates) or share < limit("schedule.share", 0.4) or waited < 0.1:
        return None
    skill, before = train_skill(course), trained_skills_W(course, 20)
    reached = middle(tail(1 - course.losses_S[:last] / reference_loss(course), 0.1))
    still = mann_kendall(windows(course.losses_S[last:], 10)) > -CLEAR or float(before[-1]) - reached < 0.1
    return Suspicion(
        code="schedule-mismatch",
        strength=min(1.0, 0.6 + 0.5 * share),
        persistent=True,
        harmful=skill < DONE and still,
        summary=f"the learning rate fell below {limit('schedule.gone', 0.01):.0%} of its peak at step {since:.0f} of "
        f"{planned}, so that {share:.0%} of the training changes next to nothing, at a skill of {skill:.2f}",
        evidence={"step": since, "share_of_steps_left": share, "peak_learning_rate": peak, "skill": skill},
        advice=advice(
            course,
            {"schedule.name": "cosine"},
            "call scheduler.step() as often as its length is counted in: once an epoch, or once a step with T_max in "
            "steps",
        ),
        since_step=int(since),
        explains=("learning-rate-too-low", "model-too-small", "stopped-too-early", "trained-too-long"),
    )


def warmup_missing(course: Course) -> Suspicion | None:
    """Finds first steps at the full rate that threw the net back, so that it spent long on getting where it began."""
    losses, rates = course.losses_S, course.rates_S
    if len(losses) < 40 or not np.isfinite(losses).all() or diverged(course):
        return None
    first, level = first_loss(course), max(first_loss(course), reference_loss(course))
    early = losses[: max(4, len(losses) // 10)]
    worst = float(early.max())
    below = np.flatnonzero(windows(losses, 50) < level)
    peak_at = int(np.argmax(early))
    if worst < limit("spike.times", 1.5) * level or rates[0] < 0.5 * peak_rate(course) or not len(below):
        return None
    back = float((windows(losses, 50) > level)[int(peak_at / len(losses) * 50) :].mean())
    slow = back > limit("spike.recovery", 0.1)
    return Suspicion(
        code="warmup-missing",
        strength=min(1.0, 0.5 + 0.1 * math.log2(worst / level) + back),
        persistent=True,
        harmful=slow and train_skill(course) < DONE,
        summary=f"the first steps at the full learning rate {rates[0]:.3g} threw the loss from {first:.3g} up to "
        f"{worst:.3g}, and {back:.0%} of the training went by before it was back",
        evidence={"first_loss": first, "highest_loss": worst, "share_of_steps_lost": back},
        advice=advice(
            course, {"schedule.warmup": 0.1}, "let the rate rise from a tenth over the first 5 % of the steps"
        ),
        since_step=int(course.steps_S[peak_at]),
        explains=("gradient-spikes", "dead-units"),
        source="Goyal et al. 2017",
    )


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
    Rule("learning-rate-too-high", bounces, frozenset({"steps", "probes", "trust"})),
    Rule("learning-rate-too-low", too_low, frozenset({"watch", "probes"})),
    Rule("schedule-mismatch", schedule_mismatch, frozenset({"steps"})),
    Rule("warmup-missing", warmup_missing, frozenset({"steps"})),
)
