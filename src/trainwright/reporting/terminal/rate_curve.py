"""A learning-rate range test as a line of blocks, with what it came to."""

from __future__ import annotations

from collections.abc import Sequence

from ..views.rate_curve import RateCurve
from ..wording import number

BLOCKS = "▁▂▃▄▅▆▇█"
WIDTH = 60
"""Columns of the line; each stands for the mean of the steps that fall on it."""

CEILING = 1.25
"""Share of the first loss up to which the line has room; what is above is drawn at its top."""


def rate_curve_lines(view: RateCurve) -> list[str]:
    """Writes a sparkline of the mean loss, a ruler with the range beneath it, and the reason.

    Args:
        view: what was measured.
    """
    lines = ["", f"  {view.title}", f"  {view.subtitle}", ""]
    if view.mean:
        columns = min(WIDTH, len(view.mean))
        ends = f"{number(view.rates[0])}{number(view.rates[-1]).rjust(columns - len(number(view.rates[0])))}"
        lines += [
            f"  loss  {sparkline(view.mean, columns)}  {number(view.mean[0])} → {number(min(view.mean))} at its lowest",
            f"  rate  {ends}",
        ]
        if view.suggested is not None:
            lines.append(f"        {_ruler(view, columns)}")
    if view.cycles:
        words = ",  ".join(f"{number(rate)}: {number(loss)}" for rate, loss in view.cycles)
        lines += ["", f"  loss after short one-cycles, by peak rate   {words}"]
    if view.suggested is not None:
        found = f"{view.suggested:g} for one-cycle, range {view.lower:g} to {view.upper:g}"
        return [*lines, "", f"  suggested   {found}", f"  because     {view.reason}"]
    return [*lines, "", "  suggested   nothing: the curve does not tell", f"  because     {view.reason}"]


def sparkline(values: Sequence[float], columns: int) -> str:
    """Draws values as blocks of eight heights, the lowest value the lowest block.

    Args:
        values: at least as many as columns; those above CEILING times the first are drawn as high as that.

    >>> sparkline([8.0, 8.0, 4.0, 1.0, 1.0, 10.0], 6)
    '▆▆▃▁▁█'
    """
    groups = [values[_first(place, columns, values) : _first(place + 1, columns, values)] for place in range(columns)]
    most = values[0] + (CEILING - 1) * abs(values[0])
    means = [min(sum(group) / len(group), most) for group in groups]
    low, high = min(means), max(means)
    scale = (len(BLOCKS) - 1) / (high - low) if high > low else 0.0
    return "".join(BLOCKS[round((mean - low) * scale)] for mean in means)


def _ruler(view: RateCurve, columns: int) -> str:
    """Marks the columns of lower, suggested and upper rate."""
    marks = [" "] * columns
    places = [_column(view, rate, columns) for rate in (view.lower, view.suggested, view.upper)]
    marks[places[0] : places[2] + 1] = "-" * (places[2] + 1 - places[0])
    for place, mark in zip((places[0], places[2], places[1]), "[]^", strict=True):
        marks[place] = mark
    return "".join(marks).rstrip()


def _column(view: RateCurve, rate: float | None, columns: int) -> int:
    below = sum(1 for other in view.rates if rate is not None and other <= rate)
    return min(max(below - 1, 0) * columns // len(view.rates), columns - 1)


def _first(place: int, columns: int, values: Sequence[float]) -> int:
    return place * len(values) // columns
