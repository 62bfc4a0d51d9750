"""Learning-rate schedules: pure functions of the step, as a share of the peak rate."""

from __future__ import annotations

import math
from collections.abc import Callable

from trainwright.recipe import ScheduleSection


def rate_factor(section: ScheduleSection, step: int, total: int) -> float:
    """Gives the rate of a step as a share of the peak rate.

    Args:
        section: the decided recipe's schedule.
        step: the step about to be made, 0 to total-1.
        total: number of optimizer steps of the whole run, at least 1.

    Returns: a factor from 0 to 1. The first step has `start_factor` where there is a warm-up, the last step of a
        falling schedule has `final_factor`, if there is more than one step after the warm-up.

    >>> [round(rate_factor(ScheduleSection(name="constant", warmup=0.5), step, 8), 2) for step in (0, 2, 4, 7)]
    [0.04, 0.52, 1.0, 1.0]
    """
    rising = warmup_steps(section, total)
    if step < rising:
        return RISES[section.name](section.start_factor, 1.0, step / rising)
    done = (step - rising) / max(total - 1 - rising, 1)
    return FALLS[section.name](section, done)


def warmup_steps(section: ScheduleSection, total: int) -> int:
    """Counts the steps before the peak; a run of more than one step always reaches its peak."""
    return min(round(section.warmup * total), total - 1)


def _linear(start: float, end: float, share: float) -> float:
    return start + (end - start) * share


def _cosine(start: float, end: float, share: float) -> float:
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2


RISES: dict[str, Callable[[float, float, float], float]] = {
    "one-cycle": _cosine,
    "cosine": _linear,
    "constant": _linear,
}
"""Every value of `schedule.name` and the shape of its warm-up: (start, end, share of the way) → factor."""

FALLS: dict[str, Callable[[ScheduleSection, float], float]] = {
    "one-cycle": lambda section, share: _cosine(1.0, section.final_factor, share),
    "cosine": lambda section, share: _cosine(1.0, section.final_factor, share),
    "constant": lambda section, share: 1.0,  # noqa: ARG005 - the shape of the table
}
"""Every value of `schedule.name` and its course after the peak: share of the way → factor."""
