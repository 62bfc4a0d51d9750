"""The course of the learning rate: without a warm-up, gone too soon."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice, peak_rate
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.curves import CLEAR, mann_kendall, middle, tail, windows
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    diverged,
    early_losses,
    early_spike,
    first_loss,
    knows_little,
    reference_loss,
    train_skill,
    trained_skills_W,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.suspicion import Rule, Suspicion


def schedule_mismatch(course: Course) -> Suspicion | None:
    """Finds a schedule that is over long before training is: the rate is gone while there was much to learn."""
    rates, peak = course.rates_S, peak_rate(course)
    if len(rates) < 20 or not peak > 0:
        return None
    gone = np.flatnonzero(rates >= limit("schedule.gone", 0.02) * peak)
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
        explains=(
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "stopped-too-early",
            "trained-too-long",
        ),
    )


def warmup_missing(course: Course) -> Suspicion | None:
    """Finds first steps at the full rate that threw the net back, so that it spent long on getting where it began."""
    losses, rates = course.losses_S, course.rates_S
    if len(losses) < 40 or not np.isfinite(losses).all() or diverged(course):
        return None
    first, level = first_loss(course), max(first_loss(course), reference_loss(course))
    worst, peak_at = early_spike(course) * level, int(np.argmax(early_losses(course)))
    if early_spike(course) < limit("spike.times", 1.5) or rates[0] < 0.5 * peak_rate(course):
        return None
    if knows_little(course, LOW):  # it never came back, and lower first steps alone would not help
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


SCHEDULE = (
    Rule("schedule-mismatch", schedule_mismatch, frozenset({"steps"})),
    Rule("warmup-missing", warmup_missing, frozenset({"steps"})),
)
