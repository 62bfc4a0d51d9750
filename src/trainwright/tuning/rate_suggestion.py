"""What the curves of a range test say: a range of rates and one for one-cycle, or why they say nothing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .range_test import FIRST, WINDOW, Sweep, Trace, first_level, weight_of

Floats = np.ndarray

LOWER, BEST, UPPER = 0.1, 0.85, 0.95
"""Shares of the loss's fall at which the range begins, at which the suggested rate lies, and at which the range ends.
Where the fall begins and ends: Smith 2017, section 3.3. At 0.85: own choice by measurement, see
benchmarks/results/lr_find.md. The lowest point itself moves by factors from seed to seed, where the curve is flat."""

CLEAR = 4.0
"""Standard errors of the smoothed mean by which the loss must fall. Noise alone comes to 3 in one curve of twenty,
since it has some forty places that are far enough apart to try."""

SMALLEST_FALL = 0.02
"""Share of the first loss below which a fall tells nothing of learning; own choice. A head that only learns how many
pictures each class has falls by less."""


@dataclass(frozen=True)
class Suggestion:
    """What a range test came to.

    Attributes:
        suggested: the peak rate for one-cycle; None where the curves do not tell.
        lower, upper: between these rates the loss falls; None as above.
        informative: whether the curves tell.
        reason: in words; where they do not, what to change.
        rates: of the steps that every seed has made.
        mean: smoothed loss at each of them, over the seeds.
        low, high: a standard deviation between seeds around it.
    """

    suggested: float | None
    lower: float | None
    upper: float | None
    informative: bool
    reason: str
    rates: tuple[float, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


def suggest(sweep: Sweep, traces: Sequence[Trace], blind: float = math.inf) -> Suggestion:
    """Reads the curves of all seeds together, over the steps that all of them have made.

    Scaling all rates scales what is suggested; scaling the losses leaves it.

    Args:
        sweep: how the rate grew.
        traces: one a seed, at least one; those that are the same count as one, as of a loop that draws nothing.
        blind: loss of knowing nothing. A net that begins above it falls to it without learning anything of pictures, so
            that its fall counts from there.

    Returns: lower, suggested and upper are the rates at which the mean of the smoothed losses first has done LOWER,
        BEST and UPPER of its fall, from the mean of its first values (or `blind`) to its lowest, placed between steps
        in proportion.
    """
    asked = len(traces)
    traces = list({trace.losses: trace for trace in traces}.values())
    made = min(len(trace.smoothed) for trace in traces)
    smoothed_ST = np.array([trace.smoothed[:made] for trace in traces], float).reshape(len(traces), made)
    mean_T = smoothed_ST.mean(axis=0)
    spread_T = smoothed_ST.std(axis=0, ddof=1) if len(traces) > 1 else np.zeros(made)
    start = float(np.mean([first_level(trace.losses[:made]) for trace in traces])) if made else math.nan
    start = min(start, blind)
    reason = _too_short(sweep, traces, made) or _unclear(sweep, traces, mean_T, start)
    found: tuple[float | None, float | None, float | None] = (None, None, None)
    if reason is None:
        fallen_T = np.maximum.accumulate((start - mean_T) / (start - mean_T.min()))
        places = [_crossing(fallen_T, share) for share in (LOWER, BEST, UPPER)]
        reason = _too_steep(sweep, places)
        if reason is None:
            lower, best, upper = (_rounded(sweep, place) for place in places)
            found = (best, lower, upper)
            reason = _in_words(len(traces), asked, start, float(mean_T.min()), lower, best, upper)
    suggested, lower, upper = found
    return Suggestion(
        suggested,
        lower,
        upper,
        informative=suggested is not None,
        reason=reason,
        rates=sweep.rates[:made],
        mean=tuple(mean_T.tolist()),
        low=tuple((mean_T - spread_T).tolist()),
        high=tuple((mean_T + spread_T).tolist()),
    )


def noise_of_fall(sweep: Sweep, traces: Sequence[Trace], place: int) -> float:
    """Estimates the standard error of the fall from the first level to the smoothed mean at a place.

    The deviation of single losses comes from the differences between neighbors, so that the fall itself does not count
    as noise, and from the median of their squares, so that a steep end does not either; 0.4549 is the median of a
    squared standard normal number. The smoothed value after t steps with weight w has (1 − w)(1 + wᵗ) / ((1 + w)(1 −
    wᵗ)) of the variance of one, the first level a FIRSTth of it.

    Args:
        place: of the smoothed value, from 0.
    """
    made = min(len(trace.losses) for trace in traces)
    differences_SD = np.array([np.diff(trace.losses[:made]) for trace in traces], float)
    variance = float(np.median(differences_SD**2)) / 0.4549 / 2
    weight = weight_of(sweep.steps)
    left = weight ** (place + 1)
    share = (1 - weight) * (1 + left) / ((1 + weight) * (1 - left)) + 1 / FIRST
    return math.sqrt(variance * share / len(traces))


def _too_short(sweep: Sweep, traces: Sequence[Trace], made: int) -> str | None:
    needed = FIRST + 2 * _window(sweep)
    if made >= needed:
        return None
    shortest = min(traces, key=lambda trace: len(trace.smoothed))
    return (
        f"the loss diverges at once: seed {shortest.seed} came to {shortest.ended} after {made} steps, at a rate of "
        f"{sweep.rates[min(made, sweep.steps - 1)]:.3g}; begin lower (--from {sweep.low / 1000:.3g})"
    )


def _unclear(sweep: Sweep, traces: Sequence[Trace], mean_T: Floats, start: float) -> str | None:
    made, fall, lowest = len(mean_T), start - float(mean_T.min()), int(mean_T.argmin())
    noise = noise_of_fall(sweep, traces, lowest)
    if not (fall > CLEAR * noise and fall > SMALLEST_FALL * abs(start)):
        rose = all(trace.ended != "the last rate" for trace in traces)
        after = ", before it diverges" if rose else ""
        return (
            f"the loss never clearly falls{after}: below {start:.3g} by {max(fall, 0.0):.2g} at most, where noise "
            f"alone comes to {CLEAR * noise:.2g}; more --steps or --seeds, or `trainwright check`"
        )
    if all(trace.ended == "the last rate" for trace in traces) and lowest >= made - _window(sweep):
        return (
            f"the loss falls all the way to the last rate, {sweep.high:.3g}: what is too high was not seen; "
            f"end higher (--to {sweep.high * 100:.3g})"
        )
    return None


def _too_steep(sweep: Sweep, places: Sequence[float]) -> str | None:
    """Refuses a fall that begins with the first rates or takes only a step or two, so that its rate is not known."""
    lower, best, upper = places
    if best >= FIRST + _window(sweep) and best - lower >= 2:
        return None
    more = f"more --steps than {sweep.steps}"
    if sweep.growth == "linear":
        more += f", a lower end (--to {sweep.rates[math.ceil(upper)] * 5:.3g}), or --growth exponential"
    elif best - lower >= 2:
        more = f"begin lower (--from {sweep.low / 100:.3g})"
    done = f"{LOWER:.0%} of the fall is done after {lower:.0f} of {sweep.steps} steps, {BEST:.0%} after {best:.0f}"
    return f"{done}, too early or too fast to place it: {more}"


def _crossing(fallen_T: Floats, share: float) -> float:
    """Gives the place, between two steps, at which a rising curve first reaches a share."""
    place = int(np.argmax(fallen_T >= share))
    if place == 0:
        return 0.0
    before, after = float(fallen_T[place - 1]), float(fallen_T[place])
    return place - 1 + (share - before) / (after - before)


def _rounded(sweep: Sweep, place: float) -> float:
    """Gives the rate at a place between two steps, with 3 digits."""
    below = min(int(place), sweep.steps - 2)
    low, high, part = sweep.rates[below], sweep.rates[below + 1], place - below
    rate = low + (high - low) * part if sweep.growth == "linear" else low * (high / low) ** part
    return float(f"{rate:.3g}")


def _window(sweep: Sweep) -> int:
    return max(1, round(WINDOW * sweep.steps))


def _in_words(seeds: int, asked: int, start: float, lowest: float, lower: float, best: float, upper: float) -> str:
    over = f"the mean of {seeds} seeds" if seeds > 1 else "one seed"
    over += f", as {asked - seeds} of {asked} came to the same as another," if seeds < asked else ""
    return (
        f"over {over} the loss falls from {start:.3g} to {lowest:.3g}; {LOWER:.0%} of the fall is done at {lower:.3g}, "
        f"{UPPER:.0%} at {upper:.3g}; at {best:.3g}, where {BEST:.0%} is done, it learns fast and is still falling"
    )
