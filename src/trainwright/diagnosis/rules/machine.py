"""The machine: waiting for data, numbers that are none, and runs taken up again.

S steps
"""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import skill_of
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import StepRecord


def data_starved(course: Course) -> Suspicion | None:
    """Finds training that waits for its data through most of its time; the first epoch, which warms up, is left out."""
    rows = [row for row in course.history.epochs.rows if math.isfinite(row.data_wait_share)][1:]
    if len(rows) < 2:
        return None
    shares = np.array([row.data_wait_share for row in rows])
    usual, waited_s = float(np.median(shares)), float(sum(row.data_wait_share * row.train_time_s for row in rows))
    most = limit("data_starved.share", 0.4)
    if usual < most or min(shares[-2:]) < most:
        return None
    return Suspicion(
        code="data-starved",
        strength=min(1.0, 0.5 + usual - most),
        persistent=True,
        # In a loop of somebody else it may do anything between its steps.
        harmful=bool(course.known.recipe) and waited_s > limit("data_starved.seconds", 30.0),
        summary=f"{usual:.0%} of the time training is waiting for the next batch ({waited_s:.0f} s after the first "
        + ("epoch): data comes too slowly" if course.known.recipe else "epoch), or does something else between steps"),
        evidence={"share_of_time_waiting": usual, "waited_s": waited_s, "epochs": len(rows)},
        advice={"machine.workers": 2 * workers}
        if isinstance(workers := course.known.recipe.get("machine.workers"), int) and workers
        else {
            "do": "more num_workers and persistent_workers=True in the DataLoader, or pictures kept decoded and small"
        },
        since_step=rows[0].step,
    )


def non_finite_loss(course: Course) -> Suspicion | None:
    """Finds the first step whose loss is no number, and the first place where it can be seen that it began."""
    told = any(finding.code == "non-finite-loss" for finding in course.history.findings if finding.confidence is None)
    broken = [row for row in course.history.steps.rows if not math.isfinite(row.loss)]
    if told or not broken:
        return None
    first, where = broken[0], _first_place(course)
    last_good = next((row for row in reversed(course.history.steps.rows) if _before(row, first)), None)
    inputs = where == "the pictures"
    went = f"; before, at step {last_good.step}, it was {last_good.loss:.3g}" if last_good else ", from the first on"
    return Suspicion(
        code="non-finite-loss",
        strength=1.0 if inputs or last_good is None else 0.7,
        persistent=len(broken) >= 2,
        harmful=True,
        exact=True,
        fatal=len(broken) >= 2,
        summary=f"the training loss became {first.loss} at step {first.step}{went}; "
        + (f"the first place known to hold such numbers is {where}" if where else "where it began was not seen"),
        evidence={
            "first_step": first.step,
            "steps_that_are_no_number": len(broken),
            "last_loss_before": None if last_good is None else last_good.loss,
            "first_place": where,
            "learning_rate": first.learning_rate,
        },
        advice=_against_non_finite(course, inputs, first.learning_rate),
        since_step=first.step,
        layers=(where,) if where and not inputs else (),
    )


def _before(row: StepRecord, other: StepRecord) -> bool:
    return row.step < other.step and math.isfinite(row.loss)


def _against_non_finite(course: Course, inputs: bool, rate: float) -> dict[str, object]:
    if inputs:
        return {"do": "find the pictures that hold NaN or infinity, and what makes them, such as a division by 0"}
    if "optim.lr" in course.known.recipe:
        return {"optim.lr": float(f"{rate / 10:.3g}"), "optim.clip_norm": 1.0}
    return {"do": f"lr={rate / 10:.3g}, and clip_grad_norm_(model.parameters(), 1.0) before the step"}


def _first_place(course: Course) -> str | None:
    """Names the pictures, the first layer, or the first tensor that was seen to hold numbers that are none."""
    for row in course.history.probes.rows:
        seen = (*row.input_mean, *row.input_deviation)
        if any(not math.isfinite(value) for value in seen):
            return "the pictures"
    for units in course.history.units.rows:
        for layer, mean, deviation in zip(course.layers, units.mean, units.deviation, strict=False):
            if any(value is not None and not math.isfinite(value) for value in (mean, deviation)):
                return layer.name
    for row in course.history.probes.rows:
        for tensor, size in zip(course.tensors, row.gradients, strict=False):
            if size is not None and not math.isfinite(size):
                return tensor.name
    return None


def resume_mismatch(course: Course) -> Suspicion | None:
    """Finds a loss that jumps up where a run was taken up again, and does not soon come back.

    The step of the size of the jump must be unlike the steps around: above their scatter on both sides.
    """
    for point in reversed(course.history.resumes):
        before_S = _around(course, point.step - 40, point.step)
        after_S = _around(course, point.step + 1, point.step + 40)
        if min(len(before_S), len(after_S)) < 4:
            continue
        level, later = float(np.median(before_S)), float(np.median(after_S))
        scatter = 1.4826 * max(float(np.median(np.abs(part - np.median(part)))) for part in (before_S, after_S))
        scatters = (later - level) / max(scatter, 1e-3 * abs(level), 1e-12)
        lost = skill_of(course, level) - skill_of(course, later)
        if scatters < limit("resume_mismatch.scatters", 4.0) or later < 1.25 * level:
            continue
        rates = [_rate_near(course, point.step, side) for side in (-1, 1)]
        return Suspicion(
            code="resume-mismatch",
            strength=min(0.95, 0.5 + 0.05 * scatters),
            persistent=len(after_S) >= 8,
            harmful=not lost < 0.05,
            summary=f"where the run was taken up again, after step {point.step}, the loss jumped from {level:.3g} to "
            f"{later:.3g}, {scatters:.0f} times its usual scatter: what was loaded is not what was left",
            evidence={
                "loss_before": level,
                "loss_after": later,
                "jump_by_scatter": scatters,
                "rate_before": rates[0],
                "rate_after": rates[1],
            },
            advice={
                "do": "load the states of the optimizer, the schedule and the normalization too, not the weights alone"
            },
            since_step=point.step,
            explains=("learning-rate-too-high", "gradient-spikes", "warmup-missing"),
        )
    return None


def _around(course: Course, first: int, last: int) -> Numbers:
    losses_S = course.losses_S[(course.steps_S >= first) & (course.steps_S <= last)]
    return losses_S[np.isfinite(losses_S)]


def _rate_near(course: Course, step: int, side: int) -> float | None:
    """Gives the rate of the nearest step on one side of a step."""
    there = course.rates_S[course.steps_S <= step] if side < 0 else course.rates_S[course.steps_S > step][::-1]
    return float(there[-1]) if len(there) else None


MACHINE = (
    Rule("data-starved", data_starved, frozenset({"epochs"})),
    Rule("non-finite-loss", non_finite_loss, frozenset({"steps"})),
    Rule("resume-mismatch", resume_mismatch, frozenset({"steps"})),
)
