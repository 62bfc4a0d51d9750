"""Curves read so that a single outlier cannot turn the answer: windows, trends, noise.

N points of a curve, in order · W windows
"""

from __future__ import annotations

import math

import numpy as np

from .course import Numbers

MOST_PAIRED = 300
"""Points of which all pairs are taken; longer curves are thinned to as many windows."""

CLEAR = 1.645
"""z beyond which a trend in one direction has a chance below 5 % in noise alone."""


def windows(values: Numbers, count: int) -> Numbers:
    """Cuts a curve into windows of equal length and takes the median of each; W numbers, at most one a point.

    A window without any finite number is NaN.

    >>> windows(np.array([1.0, 9.0, 2.0, 4.0, 4.0, 5.0]), 2)
    array([2., 4.])
    """
    parts = np.array_split(np.asarray(values, dtype=np.float64), max(1, min(count, len(values))))
    finite = [part[np.isfinite(part)] for part in parts]
    return np.array([np.median(part) if len(part) else math.nan for part in finite])


def middle(values: Numbers) -> float:
    """Takes the median of the finite numbers; NaN where there is none.

    >>> middle(np.array([1.0, np.nan, 5.0, 2.0]))
    2.0
    """
    finite = values[np.isfinite(values)]
    return float(np.median(finite)) if finite.size else math.nan


def theil_sen(x: Numbers, y: Numbers) -> float:
    """Finds the median slope over all pairs of points; NaN with fewer than two.

    Up to 29 % of the points may be anything.

    Args:
        x: places, N numbers; pairs at the same place are left out.
        y: values there, in any unit; what is not finite is left out.

    Returns: change of y per unit of x.

    Source: Theil 1950; Sen 1968.
    """
    kept = np.isfinite(x) & np.isfinite(y)
    x, y = x[kept], y[kept]
    if len(x) > MOST_PAIRED:
        x, y = windows(x, MOST_PAIRED), windows(y, MOST_PAIRED)
    first, second = np.triu_indices(len(x), 1)
    run = x[second] - x[first]
    apart = run != 0
    return float(np.median((y[second] - y[first])[apart] / run[apart])) if apart.any() else math.nan


def mann_kendall(values: Numbers) -> float:
    """Weighs whether a curve rises or falls at all, as z: above 1.645 it rises, below -1.645 it falls, else who knows.

    0 with fewer than three finite points, or where all are equal. Ties are allowed for.

    Source: Mann 1945; Kendall 1975.
    """
    y = values[np.isfinite(values)]
    if len(y) > MOST_PAIRED:
        y = windows(y, MOST_PAIRED)
    count = len(y)
    if count < 3:
        return 0.0
    first, second = np.triu_indices(count, 1)
    balance = float(np.sign(y[second] - y[first]).sum())
    _, ties = np.unique(y, return_counts=True)
    variance = (count * (count - 1) * (2 * count + 5) - (ties * (ties - 1) * (2 * ties + 5)).sum()) / 18
    return balance / math.sqrt(variance) if variance > 0 else 0.0


def spread(values: Numbers) -> float:
    """Measures the scatter as a standard deviation that outliers do not move; NaN without finite numbers.

    Source: median absolute deviation times 1.4826, which is the deviation of a normal distribution.
    """
    finite = values[np.isfinite(values)]
    return 1.4826 * float(np.median(np.abs(finite - np.median(finite)))) if len(finite) else math.nan


def noise(values: Numbers) -> float:
    """Measures the scatter of a curve around its own course, from one point to the next; NaN with fewer than two.

    Source: deviation of first differences over √2, which a slow trend does not move.
    """
    finite = values[np.isfinite(values)]
    return spread(np.diff(finite)) / math.sqrt(2) if len(finite) > 1 else math.nan


def standard_error(accuracy: float, pictures: int) -> float:
    """Gives the binomial standard error of an accuracy, never below that of one picture in doubt.

    >>> standard_error(0.5, 100)
    0.05
    """
    return max(math.sqrt(accuracy * (1 - accuracy) / pictures), 1 / pictures) if pictures > 0 else math.nan


def tail(values: Numbers, share: float) -> Numbers:
    """Takes the last share of a curve, at least one point of it.

    >>> tail(np.arange(10.0), 0.3)
    array([7., 8., 9.])
    """
    return values[-max(1, math.ceil(len(values) * share)) :]
