"""The learning rate: too high, too low; and a sign that is turned, which looks like one too high."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import bearable_rate, other_rate, peak_rate
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import middle, windows
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
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import SHORT_MOVE, learning_D, relative_updates_B, trust_B
from trainwright.diagnosis.suspicion import Rule, Suspicion

EARLY = 8
"""How many steps are the first ones."""

SURE_BATCH = 16
"""Pictures of a batch from which on its loss alone says what the net knows."""

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
        if where is None:
            where = course.last_step if stop is None else stop.step + 1
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
        advice=bearable_rate(course),
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
        advice=bearable_rate(course),
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


def forgets(course: Course) -> Suspicion | None:
    """Finds a rate that was too high at its height: what the net had learned before it lost there, for good.

    A decay of weights can do the same, but then they shrink.
    """
    watch, losses, rates = course.history.watch, course.losses_S, course.rates_S
    few = watch is None or (watch.batch_size or SURE_BATCH) < SURE_BATCH
    if few or course.blind_loss is None or len(losses) < 20 or not np.isfinite(losses).all():
        return None
    skills = 1 - losses / course.blind_loss
    best = int(np.argmax(skills[: len(skills) // 2]))
    late, higher = middle(skills[-len(skills) // 3 :]), float(np.nanmax(rates[best:]))
    weights_BT = course.by_tensor("weights")[:, learning_D(course)]
    kept = middle(weights_BT[-1] / weights_BT[0])
    if (
        skills[best] < limit("forgotten.skill", 0.3)
        or best_skill(course) > LOW
        or not higher >= rates[best]
        or kept < 0.5
    ):
        return None
    return Suspicion(
        code="learning-rate-too-high",
        strength=0.8,
        persistent=late < LOW,
        harmful=far_enough(course),
        fatal=True,
        summary=f"the learning rate {peak_rate(course):.3g} is too high: at step {course.steps_S[best]:.0f}, at "
        f"{rates[best]:.3g}, the net already knew something (skill {skills[best]:.2f}); as the rate went up to "
        f"{higher:.3g} it lost all of that and never won it back (skill {late:.2f})",
        evidence={"skill_before": float(skills[best]), "learning_rate_then": float(rates[best]), "skill": late},
        advice=other_rate(course, float(np.clip(rates[best] / peak_rate(course), 1e-3, 0.3))),
        since_step=int(course.steps_S[best]),
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


def _against(course: Course) -> float | None:
    """Gives the median trust ratio of the first steps where each is short and leads uphill all the same, else None."""
    trust, moves = trust_B(course)[:EARLY], relative_updates_B(course)[:EARLY]
    told = trust[np.isfinite(trust)]
    if len(told) < 4 or not (told < -0.3).all() or not middle(moves) < SHORT_MOVE:
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


def _moved(jump: float) -> str:
    return f"; one step moved the median weight by {jump:.3g} of its own length" if jump > 0.03 else ""


OPTIMIZATION = (
    Rule("learning-rate-too-high", diverges, frozenset({"steps"})),
    Rule("learning-rate-too-high", kills, frozenset({"steps", "probes"})),
    Rule("learning-rate-too-high", throws, frozenset({"steps"})),
    Rule("learning-rate-too-high", forgets, frozenset({"steps", "probes", "watch"})),
    Rule("learning-rate-too-high", bounces, frozenset({"steps", "probes", "trust"})),
    Rule("loss-sign-flipped", turned, frozenset({"steps", "probes", "trust"})),
)
