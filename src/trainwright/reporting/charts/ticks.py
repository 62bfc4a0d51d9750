"""Axes: where the ticks stand and what they say."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

LOG_FROM = 30.0
"""Values that span a larger factor than this are drawn on a logarithmic axis."""

ALIKE = 1e-9
"""Values that differ by no more are drawn as one; ticks have twelve digits."""

ANYWHERE = (-math.inf, math.inf)
"""The range of values that nothing bounds."""


@dataclass(frozen=True)
class Axis:
    """The range of an axis and its ticks; `log` axes place values by their logarithm."""

    low: float
    high: float
    ticks: tuple[float, ...]
    log: bool = False

    def place(self, value: float) -> float:
        """Gives where a value stands, 0 (low end) to 1 (high end).

        >>> Axis(0, 4, (0, 2, 4)).place(1), Axis(1, 100, (1, 10, 100), log=True).place(10)
        (0.25, 0.5)
        """
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def axis(
    values: Iterable[float],
    *,
    at_most: int = 6,
    whole: bool = False,
    floor: float | None = None,
    within: tuple[float, float] = ANYWHERE,
) -> Axis:
    """Chooses a range and ticks on round numbers that hold all finite values.

    Args:
        values: numbers to show; those that are not finite are left out.
        at_most: ticks that there is room for.
        whole: ticks only on whole numbers, and the range ends at the values themselves.
        floor: a value that the range must reach down to.
        within: smallest and largest value that there can be, such as 0 and 100 for per cent; the range ends there.

    >>> axis([0.13, 0.92]).ticks
    (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
    >>> axis([100.0], within=(0, 100)).ticks
    (90.0, 92.0, 94.0, 96.0, 98.0, 100.0)
    """
    finite = [value for value in values if math.isfinite(value)]
    finite += [] if floor is None else [floor]
    low, high = min(finite, default=0.0), max(finite, default=1.0)
    if math.isclose(low, high, rel_tol=ALIKE, abs_tol=ALIKE):
        margin = 1.0 if whole or abs(low) <= ALIKE else abs(low) / 10
        low, high = low - margin, high + margin
        if floor is not None:
            low = floor
        low, high = max(low, within[0]), min(high, within[1])
    step = _round_step((high - low) / max(at_most - 1, 1), (1, 2, 5, 10) if whole else (1, 2, 2.5, 5, 10))
    step = max(step, 1.0) if whole else step
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    ticks = tuple(round(index * step, 12) for index in range(first, last + 1))
    if whole:
        return Axis(low, high, tuple(tick for tick in ticks if low <= tick <= high))
    ends = max(ticks[0], within[0]), min(ticks[-1], within[1])
    return Axis(*ends, tuple(tick for tick in ticks if ends[0] <= tick <= ends[1]))


def log_axis(values: Sequence[float]) -> Axis:
    """Chooses a logarithmic range over positive values, with ticks at powers of ten, or 1-2-5 where they are few.

    >>> log_axis([0.02, 2.3]).ticks
    (0.01, 0.1, 1.0, 10.0)
    """
    finite = [value for value in values if math.isfinite(value) and value > 0]
    low, high = math.floor(math.log10(min(finite))), math.ceil(math.log10(max(finite)))
    high = max(high, low + 1)
    every = max(math.ceil((high - low) / 6), 1)
    ticks = tuple(10.0**power for power in range(low, high + 1, every))
    return Axis(10.0**low, 10.0**high, ticks, log=True)


def wants_log(values: Iterable[float]) -> bool:
    """Says whether values span so large a factor that small ones would lie flat on a linear axis.

    >>> wants_log([0.02, 2.3]), wants_log([0.5, 2.3]), wants_log([0.0, 2.3])
    (True, False, False)
    """
    finite = [value for value in values if math.isfinite(value)]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > LOG_FROM


def _round_step(step: float, factors: Sequence[float]) -> float:
    """Rounds up to one of the factors times a power of ten."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in factors if factor * power >= step * (1 - 1e-9))
