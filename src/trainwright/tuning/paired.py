"""What a trick is worth, from pairs of trials with the same seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainwright.runs import TrialRecord

Verdict = Literal["helps", "hurts", "cannot tell"]

CONFIDENCE = 0.95
"""Of an interval; of twenty tricks that do nothing, one is said to do something."""

MOST_SEEDS = 1_000
"""Above so many seeds nobody asks how many exactly."""


@dataclass(frozen=True)
class Effect:
    """What a trick adds to the score of the validation part, in its unit.

    Attributes:
        mean: of the differences, with less without; None where no pair came to a score.
        low, high: of the interval at CONFIDENCE by Student's t; None with fewer than two pairs.
        verdict: what follows.
        seeds: pairs that came to scores.
        needed: seeds at which a difference of this size, spread like this, would be clear; None where it is clear
            already, where nothing can be said, or where they would be more than MOST_SEEDS.
        cost: how much longer a trial takes with the trick, as a share of that without; None where nothing was measured.
        reason: of a verdict that the interval alone does not give.
    """

    mean: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    seeds: int
    needed: int | None
    cost: float | None
    reason: str = ""


def effect_of(pairs: Sequence[tuple[TrialRecord, TrialRecord]], *, grain: float = 0.0) -> Effect:
    """Judges a trick by pairs of trials with it and without it.

    The interval speaks of other seeds on the same parts of the data. A trick with which trials break down more often
    than without hurts, whatever the others come to, and the other way round.

    Args:
        pairs: (with, without), each of one seed.
        grain: the smallest difference that the score can show (1 / pictures for an accuracy); equal differences spread
            at least as rounding to it does.

    Source: Student 1908; Dietterich 1998, Approximate statistical tests, section 3 (paired by what else varies).
    """
    whole = [(on, off) for on, off in pairs if _finished(on) and _finished(off)]
    differences = [on.value - off.value for on, off in whole if on.value is not None and off.value is not None]
    cost = _cost(whole)
    broken_on, broken_off = (sum(not _finished(pair[side]) for pair in pairs) for side in (0, 1))
    mean = statistics.fmean(differences) if differences else None
    low, high = _interval(differences, grain) if len(differences) > 1 else (None, None)
    if broken_on != broken_off:
        verdict: Verdict = "hurts" if broken_on > broken_off else "helps"
        which = "with it" if broken_on > broken_off else "without it"
        reason = f"{max(broken_on, broken_off)} of {len(pairs)} trials broke down {which}"
        return Effect(mean, low, high, verdict, len(differences), None, cost, reason)
    if mean is None:
        return Effect(None, None, None, "cannot tell", 0, None, None, "every trial broke down, with it and without it")
    if low is None or high is None:
        return Effect(mean, None, None, "cannot tell", 1, None, cost, "one pair says nothing about chance")
    if low > 0 or high < 0:
        return Effect(mean, low, high, "helps" if low > 0 else "hurts", len(differences), None, cost)
    if not any(differences):
        return Effect(mean, low, high, "cannot tell", len(differences), None, cost, "every pair came to the same score")
    return Effect(mean, low, high, "cannot tell", len(differences), seeds_needed(differences, grain), cost)


def seeds_needed(differences: Sequence[float], grain: float = 0.0) -> int | None:
    """Counts the pairs at which an interval around this mean, with this spread, no longer holds 0.

    None where more than MOST_SEEDS are needed.

    >>> seeds_needed([0.01, 0.03, -0.01])
    18
    """
    mean, spread = abs(statistics.fmean(differences)), _spread(differences, grain)
    for seeds in range(2, MOST_SEEDS + 1):
        if _reach(spread, seeds) < mean:
            return seeds
    return None


def _interval(differences: Sequence[float], grain: float) -> tuple[float, float]:
    mean = statistics.fmean(differences)
    reach = _reach(_spread(differences, grain), len(differences))
    return mean - reach, mean + reach


def _spread(differences: Sequence[float], grain: float) -> float:
    """Gives the standard deviation, at least that of the difference of two numbers that were rounded to the grain."""
    return max(statistics.stdev(differences), grain / math.sqrt(6))


def _reach(spread: float, pairs: int) -> float:
    from scipy.stats import t

    return float(t.ppf((1 + CONFIDENCE) / 2, pairs - 1)) * spread / math.sqrt(pairs)


def _finished(record: TrialRecord) -> bool:
    return record.ended == "completed" and record.value is not None


def _cost(pairs: Sequence[tuple[TrialRecord, TrialRecord]]) -> float | None:
    """Compares medians, since a busy machine makes single trials slow."""
    if not pairs:
        return None
    with_it, without_it = (statistics.median(pair[side].time_s for pair in pairs) for side in (0, 1))
    return with_it / without_it - 1
