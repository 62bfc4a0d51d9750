"""The learning rate that a run plans, before any step is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

MOST_SPANS = 300
"""So many spans of steps keep their lowest and highest rate; more would be closer than pixels."""


@dataclass(frozen=True, kw_only=True)
class PlannedRates:
    """The rate at chosen steps, counted from 1: all of a short run; of a long one, what its curve turns on.

    `peak_step` is the first with the highest rate. The rate of `plateau` falls as the validation decides, so that only
    its warm-up is known, which `known_in_advance` says.
    """

    schedule: str
    epochs: int
    steps_per_epoch: int
    steps: tuple[int, ...]
    rates: tuple[float, ...]
    peak_step: int
    peak_rate: float
    known_in_advance: bool


def planned_rates(schedule: str, epochs: int, steps_per_epoch: int, rates: Sequence[float]) -> PlannedRates:
    """Chooses which of all steps a chart needs: first, last, quarters, and the lowest and highest of equal spans.

    Args:
        schedule: its name.
        epochs: of the run.
        steps_per_epoch: optimizer steps an epoch.
        rates: learning rate of every step of the run, in order; at least one.
    """
    total = len(rates)
    edges = [round(total * span / MOST_SPANS) for span in range(MOST_SPANS + 1)]
    chosen = {0, total // 4, total // 2, 3 * total // 4, total - 1}
    for start, end in pairwise(edges):
        if start < end:
            chosen |= {min(range(start, end), key=rates.__getitem__), max(range(start, end), key=rates.__getitem__)}
    places = sorted(chosen) if total > 2 * MOST_SPANS else range(total)
    peak = max(range(total), key=rates.__getitem__)
    return PlannedRates(
        schedule=schedule,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        steps=tuple(place + 1 for place in places),
        rates=tuple(rates[place] for place in places),
        peak_step=peak + 1,
        peak_rate=rates[peak],
        known_in_advance=schedule != "plateau",
    )
