"""What a trick is worth, from pairs of trials with the same seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trainwright.runs import TrialRecord

Verdict = Literal["helps", "hurts", "cannot tell"]

CONFIDENCE = 0.95
"""Of an interval; of twenty tricks that do nothing, one is said to do something."""

MOST_SEEDS = 1_000
"""Above so many seeds nobody asks how many exactly."""


POWER = 0.8
"""Chance to see an effect of the size that was seen, at the seeds that are said to be needed."""

FEWEST_FOR_A_GUESS = 3
"""Pairs below which their spread is not known well enough to say how many are needed, and their times are too few: the
first trial of a process takes longer than all others."""


FEWEST_BREAKDOWNS = 6
"""Pairs that must break down on one side, and none on the other, for a sign test to be sure: 2 / 2⁶ < 0.05 < 2 / 2⁵."""


@dataclass(frozen=True)
class Effect:
    """What a trick adds to the score of the validation part, in its unit.

    Attributes:
        mean: of the differences, with less without; None where no pair came to a score.
        low, high: of the interval at CONFIDENCE by Student's t; None with fewer than two pairs.
        verdict: what follows.
        seeds: pairs that came to scores.
        needed: seeds at which a difference of this size, spread like this, would be clear with a chance of POWER; where
            every pair breaks down on the same side alone, those at which that would be clear; None where it is clear
            already, where nothing can be said, or where they would be more than MOST_SEEDS.
        cost: how much longer a trial takes with the trick, the median over pairs, as a share of that without; None
            with fewer than FEWEST_FOR_A_GUESS pairs.
        cost_low, cost_high: of the pairs, the least and the most.
        reason: of a verdict that the interval alone does not give.
    """

    mean: float | None = None
    low: float | None = None
    high: float | None = None
    verdict: Verdict = "cannot tell"
    seeds: int = 0
    needed: int | None = None
    cost: float | None = None
    cost_low: float | None = None
    cost_high: float | None = None
    reason: str = ""


def effect_of(pairs: Sequence[tuple[TrialRecord, TrialRecord]], *, grain: float = 0.0) -> Effect:
    """Judges a trick by pairs of trials with it and without it.

    The interval speaks of other seeds on the same parts of the data. Where trials break down, those that are left were
    not drawn by chance: then the verdict hangs on which side breaks down, by a sign test, and not on the interval.

    Args:
        pairs: (with, without), each of one seed.
        grain: the smallest difference that the score can show (1 / pictures for an accuracy); equal differences spread
            at least as rounding to it does.

    Source: Student 1908 (the interval of paired differences).
    """
    whole = [(on, off) for on, off in pairs if _finished(on) and _finished(off)]
    differences = [on.value - off.value for on, off in whole if on.value is not None and off.value is not None]
    mean = statistics.fmean(differences) if differences else None
    low, high = _interval(differences, grain) if len(differences) > 1 else (None, None)
    costs = [on.time_s / off.time_s - 1 for on, off in whole] if len(whole) >= FEWEST_FOR_A_GUESS else []
    known = Effect(
        mean,
        low,
        high,
        seeds=len(differences),
        cost=statistics.median(costs) if costs else None,
        cost_low=min(costs, default=None),
        cost_high=max(costs, default=None),
    )
    if len(whole) < len(pairs):
        return _by_breakdowns(known, pairs)
    if low is None or high is None:
        return replace(known, reason="one pair says nothing about chance")
    if low > 0 or high < 0:
        return replace(known, verdict="helps" if low > 0 else "hurts")
    if not any(differences):
        return replace(known, reason="every pair came to the same score")
    return replace(known, needed=seeds_needed(differences, grain))


def _by_breakdowns(known: Effect, pairs: Sequence[tuple[TrialRecord, TrialRecord]]) -> Effect:
    """Says which side breaks down more often than chance has it, if one does."""
    from scipy.stats import binomtest

    with_it = sum(not _finished(on) and _finished(off) for on, off in pairs)
    without_it = sum(_finished(on) and not _finished(off) for on, off in pairs)
    both = sum(not _finished(on) and not _finished(off) for on, off in pairs)
    told = {"with it alone": with_it, "without it alone": without_it, "both ways": both}
    reason = "broke down " + ", ".join(f"{word} {count}" for word, count in told.items() if count)
    reason += f" of {len(pairs)} times"
    alone = with_it + without_it
    if alone and float(binomtest(with_it, alone).pvalue) < 1 - CONFIDENCE:
        return replace(known, verdict="hurts" if with_it > without_it else "helps", reason=reason)
    on_one_side = len(pairs) in (with_it, without_it)
    return replace(known, verdict="cannot tell", reason=reason, needed=FEWEST_BREAKDOWNS if on_one_side else None)


def seeds_needed(differences: Sequence[float], grain: float = 0.0) -> int | None:
    """Counts the pairs at which a difference of this mean and spread would be clear with a chance of POWER.

    None with fewer than FEWEST_FOR_A_GUESS differences, or where more than MOST_SEEDS are needed.

    Source: Cohen 1988, section 2.4, with quantiles of t for those of the normal distribution.

    >>> seeds_needed([0.01, 0.03, -0.01])
    34
    """
    if len(differences) < FEWEST_FOR_A_GUESS:
        return None
    from scipy.stats import t

    mean, spread = abs(statistics.fmean(differences)), _spread(differences, grain)
    for seeds in range(2, MOST_SEEDS + 1):
        quantiles = t.ppf((1 + CONFIDENCE) / 2, seeds - 1) + t.ppf(POWER, seeds - 1)
        if quantiles * spread / math.sqrt(seeds) < mean:
            return seeds
    return None


def _interval(differences: Sequence[float], grain: float) -> tuple[float, float]:
    from scipy.stats import t

    mean, pairs = statistics.fmean(differences), len(differences)
    reach = float(t.ppf((1 + CONFIDENCE) / 2, pairs - 1)) * _spread(differences, grain) / math.sqrt(pairs)
    return mean - reach, mean + reach


def _spread(differences: Sequence[float], grain: float) -> float:
    """Gives the standard deviation, at least that of the difference of two numbers that were rounded to the grain."""
    return max(statistics.stdev(differences), grain / math.sqrt(6))


def _finished(record: TrialRecord) -> bool:
    return record.ended == "completed" and record.value is not None
