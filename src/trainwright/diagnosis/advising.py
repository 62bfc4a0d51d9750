"""What to do, as settings where there is a recipe, else as a sentence for a loop that is not ours."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from .course import Course
from .measures import rates_B, relative_updates_B

FIRST_MOVE = 4e-3
"""By what share of its length the first step moves the median weight in runs that learn well, at their peak rate."""


def advice(course: Course, settings: Mapping[str, Any], sentence: str) -> Mapping[str, Any]:
    """Gives recipe keys with the values to try where the run has them all, else the sentence.

    What is set so already is left out; where nothing is left, the sentence stands.

    Args:
        settings: recipe key → value.
        sentence: the same in words of PyTorch.
    """
    recipe = course.known.recipe
    if all(key in recipe for key in settings) and (new := {k: v for k, v in settings.items() if recipe[k] != v}):
        return new
    return {"do": sentence}


def peak_rate(course: Course) -> float:
    """Finds the highest learning rate so far, or that of the optimizer; NaN where nobody tells."""
    told = np.concatenate([course.rates_S, course.probes("learning_rate")])  # of steps told, which may be few
    finite = told[np.isfinite(told)]
    if len(finite):
        return float(finite.max())
    watch = course.history.watch
    rate = None if watch is None else watch.settings.get("lr")
    return float(rate) if isinstance(rate, int | float) else math.nan


def other_rate(course: Course, factor: float) -> Mapping[str, Any]:
    """Advises a learning rate that is a factor times the present peak."""
    rate = peak_rate(course)
    value = float(f"{rate * factor:.2g}") if math.isfinite(rate) else math.nan
    if not math.isfinite(value):
        return {"do": f"multiply the learning rate by {factor:.2g}"}
    return advice(course, {"optim.lr": value}, f"set the learning rate to {value:.2g} instead of {rate:.2g}")


def bearable_rate(course: Course) -> Mapping[str, Any]:
    """Advises the peak rate at which the first steps are as long as usual, a tenth of the present one at most.

    What a step moves by the unit of the rate is taken from the first of all, and from the longest of the first few: a
    net whose head begins at 0 moves little at first, and one that was thrown out moves too much; so the middle of both.
    """
    moves, rates = relative_updates_B(course)[:4], rates_B(course)[:4]
    with np.errstate(all="ignore"):
        told = moves / rates
    told = told[np.isfinite(told) & (told > 0)]
    if not len(told):
        return other_rate(course, 0.1)
    bearable = FIRST_MOVE / math.sqrt(float(told[0]) * float(told.max()))
    return other_rate(course, float(np.clip(bearable / peak_rate(course), 1e-9, 0.1)))
