"""What pictures look like in numbers, and how those of two parts differ.

C channels
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainwright.runs import AnswersRecord

from .course import Course, Numbers
from .limits import limit


@dataclass(frozen=True)
class Inputs:
    """Mean and deviation of each channel, and the bounds of all numbers."""

    mean_C: Numbers
    deviation_C: Numbers
    low: float
    high: float


def batches_inputs(course: Course) -> Inputs | None:
    """Gives what training batches looked like, in the median over those that were looked at."""
    rows = [row for row in course.history.probes.rows if row.input_mean and row.input_low is not None]
    rows = [row for row in rows if len(row.input_mean) == len(rows[-1].input_mean)]
    if not rows:
        return None
    return Inputs(
        np.median(np.array([row.input_mean for row in rows]), axis=0),
        np.median(np.array([row.input_deviation for row in rows]), axis=0),
        min(row.input_low for row in rows if row.input_low is not None),
        max(row.input_high for row in rows if row.input_high is not None),
    )


def answers_inputs(row: AnswersRecord) -> Inputs | None:
    """Gives what the pictures of some answers look like; None where it was not measured."""
    if not row.input_mean or row.input_low is None or row.input_high is None:
        return None
    return Inputs(np.array(row.input_mean), np.array(row.input_deviation), row.input_low, row.input_high)


@dataclass(frozen=True)
class Shift:
    """How inputs differ from others.

    `mean` is how far that of a channel moved, in deviations of the other; `deviation` is its by the other's. `misfit`
    is how far both bounds lie from where multiplying and moving all numbers alike would put them, in spans.
    """

    mean: float
    deviation: float
    misfit: float

    @property
    def rescaled(self) -> bool:
        """Whether all numbers look multiplied and moved alike: another preprocessing."""
        factor = limit("preprocessing.factor", 1.6)
        much = not 1 / factor < self.deviation < factor or self.mean > limit("preprocessing.offset", 1.0)
        return much and self.misfit < limit("preprocessing.misfit", 0.25)

    @property
    def other(self) -> bool:
        """Whether they look like pictures of another kind."""
        factor = limit("validation_shifted.factor", 1.6)
        return self.mean > limit("validation_shifted.mean", 0.5) or not 1 / factor < self.deviation < factor


def shift_of(one: Inputs | None, other: Inputs | None) -> Shift | None:
    """Compares inputs with others of as many channels; None where they cannot be compared."""
    if one is None or other is None or len(one.mean_C) != len(other.mean_C):
        return None
    size = max(float(np.sqrt(np.mean(other.deviation_C**2))), 1e-12)
    factor = max(float(np.sqrt(np.mean(one.deviation_C**2))), 1e-12) / size
    here, there = float(one.mean_C.mean()), float(other.mean_C.mean())
    misfits = [
        abs(mine - here - factor * (its - there)) for mine, its in ((one.low, other.low), (one.high, other.high))
    ]
    return Shift(
        mean=float(np.abs(one.mean_C - other.mean_C).max()) / size,
        deviation=factor,
        misfit=sum(misfits) / max(factor * (other.high - other.low), 1e-12),
    )
