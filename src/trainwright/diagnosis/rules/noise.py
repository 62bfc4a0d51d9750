"""Figures too noisy to read: batches or validation sets that are too small for what is asked of them."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.counting import share_error
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.curves import CLEAR, mann_kendall, noise
from trainwright.diagnosis.harm import clean_skills, knows_little
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import moves_well, told_before
from trainwright.diagnosis.suspicion import Rule, Suspicion


def batch_too_small(course: Course) -> Suspicion | None:
    """Finds batches of so few pictures that the loss cannot be read, or that steps follow their noise.

    It harms where the answers about the fixed training pictures jump as well, without getting better; or where nothing
    is learned although weights move and each step does for its own batch what the gradients promise, and gradients of
    a batch's halves have nothing in common.
    """
    size = None if course.history.watch is None else course.history.watch.batch_size
    losses_S = course.losses_S[np.isfinite(course.losses_S)]
    if size is None or size > limit("batch_too_small.pictures", 8) or len(losses_S) < 64 or not course.blind_loss:
        return None
    recent = losses_S[len(losses_S) // 2 :]
    scatter = noise(recent) / max(float(np.mean(recent)), 1e-12)
    noisy = scatter > limit("batch_too_small.scatter", 0.6) and float(np.mean(recent)) > 0.15 * course.blind_loss
    cosine = course.probes("half_cosine")
    cosine = cosine[np.isfinite(cosine)]
    agreement = float(np.median(cosine)) if len(cosine) else math.nan
    clean = clean_skills(course)
    clean = clean[np.isfinite(clean)]
    later = clean[len(clean) // 2 :]
    jumps = float(np.std(later)) if len(later) >= 4 else math.nan
    better = mann_kendall(later) > CLEAR
    jumping = jumps > limit("batch_too_small.jumps", 0.15) and not better and bool(np.max(later) < 0.6)
    unlike = size == 1 or (len(cosine) >= 3 and agreement < 0.1)
    lost = unlike and moves_well(course) and knows_little(course) and not better
    if agreement > limit("batch_too_small.agreement", 0.15) or not (noisy or lost):
        return None
    pictures = "1 picture" if size == 1 else f"{size} pictures"
    scattered = f"with {pictures} a batch the loss scatters by {scatter:.0%} of its mean from step to step"
    told = "the curve is too noisy to read" if noisy else "steps follow the noise of their batches"
    if lost:
        halves = "" if size == 1 else f", gradients of a batch's halves have nothing in common (cosine {agreement:.2f})"
        told += f"{halves}, and nothing is learned"
    elif jumping:
        told += f", and skill on fixed pictures jumps by {jumps:.2f} without getting better"
    return Suspicion(
        code="batch-too-small",
        strength=0.6 if lost and not noisy else min(0.9, 0.5 + 0.2 * (scatter - 0.6)),
        persistent=jumping or lost,
        harmful=jumping or lost,
        summary=f"{scattered}: {told}",
        evidence={
            "pictures_a_batch": size,
            "scatter_by_mean": scatter,
            "half_batch_cosine_median": agreement,
            "deviation_of_skill_on_training_pictures": jumps,
        },
        advice=advice(
            course,
            {"optim.batch_size": 32},
            "batch_size=32, or gradients of several batches added before each step; or a smaller rate",
        ),
        since_step=int(course.steps_S[len(course.steps_S) // 2]),
        explains=("stopped-too-early", "model-too-small"),
    )


def validation_too_small(course: Course) -> Suspicion | None:
    """Finds a validation part whose accuracies differ less between epochs than chance makes them differ. A note."""
    looks = [row for row in course.answers("valid") if row.accuracy is not None and row.pictures]
    if len(looks) < 4 or told_before(course, "validation-too-small"):
        return None
    pictures, accuracies = looks[-1].pictures, np.array([row.accuracy for row in looks], dtype=np.float64)
    later = accuracies[len(accuracies) // 2 :]
    error, spread = share_error(float(np.mean(later)), pictures), float(np.ptp(later))
    if pictures >= limit("validation_too_small.pictures", 100) or spread > 4 * error:
        return None
    return Suspicion(
        code="validation-too-small",
        strength=0.6,
        persistent=True,
        harmful=False,
        summary=f"{pictures} validation pictures give an accuracy a standard error of {error:.1%}; all later looks lie "
        f"within {spread:.1%}, so which of them is best is chance",
        evidence={"valid_pictures": pictures, "standard_error": error, "spread_of_later_accuracies": spread},
        advice={"data.valid_share": 0.2}
        if course.known.recipe
        else {"do": "a larger validation part, or the mean over several folds"},
        since_step=looks[-1].step,
    )


NOISE = (
    Rule("batch-too-small", batch_too_small, frozenset({"steps", "watch"})),
    Rule("validation-too-small", validation_too_small, frozenset({"valid answers"})),
)
