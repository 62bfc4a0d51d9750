"""How the box of a search narrows around the best trials of a stage, and grows where the best lies on its border."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .space import Dimension, same

LEAST_WIDTH = 0.2
"""Share of a box that narrowing leaves at least: few trials prove little. Source: own choice."""

LEAST_VALUES = 3
"""Fewer good trials narrow nothing. Source: own choice."""

BORDER = 0.05
"""Share of a box next to its end in which the best value counts as lying on the border. Source: own choice."""

GROWTH = 0.25
"""Share of its width by which a box grows beyond a border that the best value lies on. Source: own choice."""

Side = Literal["lower", "upper"]


@dataclass(frozen=True)
class Border:
    """The best value of a stage lies on the border of its box.

    `own` says that the setting can have no value beyond it; else `grown_to` is the new end of the next stage's box,
    None after the last stage.
    """

    key: str
    side: Side
    value: float
    stage: int
    own: bool
    grown_to: float | None = None


def border_of(dimension: Dimension, value: Any, stage: int) -> Border | None:
    """Tells whether the best value of a stage lies on the border of its box."""
    if dimension.scale == "choice" or dimension.low == dimension.high:
        return None
    place = dimension.place(value)
    reach = 0.0 if dimension.whole else BORDER
    side: Side | None = None
    if place <= reach or (dimension.whole and value == dimension.low):
        side = "lower"
    elif place >= 1 - reach or (dimension.whole and value == dimension.high):
        side = "upper"
    if side is None:
        return None
    end = dimension.limits[0] if side == "lower" else dimension.limits[1]
    own = math.isclose(dimension.low if side == "lower" else dimension.high, end, rel_tol=1e-9, abs_tol=1e-12)
    return Border(dimension.key, side, value, stage, own)


def next_box(
    box: Sequence[Dimension], good: Sequence[Mapping[str, Any]], stage: int
) -> tuple[tuple[Dimension, ...], tuple[Border, ...]]:
    """Narrows every dimension around the best trials of a stage, and widens it where the best lies on its border.

    A setting on which little hangs has good values everywhere, so that its box stays wide.

    Args:
        box: of the stage.
        good: settings of its best trials, the best first, at least one.
        stage: number of the stage, for the borders.

    Returns: the next box, and the borders that the best trial touches.
    Source: own choice; after Stanford CS231n, Neural networks 3, "Stage your search from coarse to fine" and
        "Careful with best values on border".
    """
    borders: list[Border] = []
    narrowed: list[Dimension] = []
    for dimension in box:
        values = [settings[dimension.key] for settings in good]
        border = border_of(dimension, values[0], stage)
        one = _narrowed(dimension, values, None if border is None or border.own else border.side)
        if border is not None:
            grown = one.low if border.side == "lower" else one.high
            borders.append(border if border.own else replace(border, grown_to=grown))
        narrowed.append(one)
    return tuple(narrowed), tuple(borders)


def _narrowed(dimension: Dimension, values: Sequence[Any], grows: Side | None) -> Dimension:
    """Lays the box of a dimension around good values, the best first."""
    if dimension.scale == "choice":
        if len(values) < LEAST_VALUES:
            return dimension
        kept = tuple(choice for choice in dimension.choices if any(same(choice, value) for value in values))
        return replace(dimension, choices=kept)
    if dimension.low == dimension.high:
        return dimension
    places = [dimension.place(value) for value in values]
    low, high = min(places), max(places)
    margin = max((high - low) / max(len(places) - 1, 1), 0.05)
    low, high = low - margin, high + margin
    missing = (LEAST_WIDTH - (high - low)) / 2
    if missing > 0:
        low, high = low - missing, high + missing
    if len(places) < LEAST_VALUES:
        low, high = 0.0, 1.0
    low = -GROWTH if grows == "lower" else max(low, 0.0)
    high = 1 + GROWTH if grows == "upper" else min(high, 1.0)
    ends = (
        dimension.low if low == 0 else dimension.value(low),
        dimension.high if high == 1 else dimension.value(high),
    )
    if dimension.whole:
        ends = (math.floor(ends[0] + 1e-9), math.ceil(ends[1] - 1e-9))
        ends = (max(ends[0], dimension.limits[0]), min(ends[1], dimension.limits[1]))
    # Rounding must not put the good values, or a box that did not grow, on the wrong side of an end.
    least, most = min(values), max(values)
    ends = (min(ends[0], least), max(ends[1], most))
    if grows != "lower":
        ends = (max(ends[0], dimension.low), ends[1])
    if grows != "upper":
        ends = (ends[0], min(ends[1], dimension.high))
    return replace(dimension, low=ends[0], high=ends[1])
