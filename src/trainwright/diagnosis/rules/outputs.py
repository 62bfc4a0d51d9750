"""Loss and output: what the net gives out, and what is made of it."""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.course import Course
from trainwright.diagnosis.suspicion import Rule, Suspicion

SUM_TOLERANCE = 1e-3
"""How far a picture's outputs may add up beside 1 and still be probabilities, in float16 rounding."""


def negative_loss(course: Course) -> Suspicion | None:
    """Finds a training loss below 0, which no cross-entropy, squared or absolute error can have."""
    below = np.flatnonzero(course.losses_S < 0)
    if not len(below):
        return None
    share, lowest = len(below) / len(course.losses_S), float(np.nanmin(course.losses_S))
    return Suspicion(
        code="negative-loss",
        strength=1.0,
        persistent=len(below) >= 2,
        harmful=True,
        exact=True,
        summary=f"the training loss is below 0 in {share:.0%} of the steps, down to {lowest:.3g}; a loss of this kind "
        "cannot be",
        evidence={"share_of_steps_below_0": share, "lowest_loss": lowest},
        advice={"do": "give the loss what it expects: nll_loss wants log-probabilities, cross_entropy raw scores"},
        since_step=int(course.steps_S[below[0]]),
        explains=("learning-rate-too-high",),
    )


def softmax_twice(course: Course) -> Suspicion | None:
    """Finds outputs that are probabilities already in front of a loss that takes a softmax itself.

    Every picture's outputs lie in [0, 1] and add up to 1, before training and after; then cross-entropy cannot fall
    below ln(1 + (K-1)/e).
    """
    rows = course.answers("train")
    if course.classes is None or course.classes < 2:
        return None
    for row in rows:
        if row.output_low is None or row.output_high is None or row.sum_low is None or row.sum_high is None:
            return None
        if (
            row.output_low < 0
            or row.output_high > 1
            or max(abs(row.sum_low - 1), abs(row.sum_high - 1)) > SUM_TOLERANCE
        ):
            return None
    floor = math.log(1 + (course.classes - 1) / math.e)
    return Suspicion(
        code="softmax-twice",
        strength=1.0,
        persistent=len(rows) >= 2,
        harmful=True,
        exact=True,
        summary=f"the net gives out probabilities (all between 0 and 1, adding up to 1 for each picture), and the loss "
        f"takes a softmax of them once more; it cannot fall below {floor:.2f}",
        evidence={"lowest_possible_loss": floor, "looks": len(rows)},
        advice={"do": "leave the softmax at the end of the net out; cross_entropy makes it itself"},
        since_step=rows[0].step,
        explains=("learning-rate-too-low", "model-too-small", "vanishing-gradients"),
        source="Karpathy 2019; the floor is the loss of the surest right answer",
    )


OUTPUTS = (
    Rule("negative-loss", negative_loss, frozenset({"steps"})),
    Rule("softmax-twice", softmax_twice, frozenset({"answers"})),
)
