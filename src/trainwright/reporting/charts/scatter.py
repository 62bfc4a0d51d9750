"""What a net said against what is true, one dot a picture."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from ..wording import number, plural
from .ticks import Axis, axis

SIDE = 320
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 30, 42


def scatter_chart(points: Sequence[tuple[float, float]], *, title: str) -> Markup:
    """Draws dots over equal axes, and the line on which all would lie if the net were right.

    Args:
        points: true and told numbers, finite.
        title: the name of the column; also what a screen reader says.
    Returns:
        one <svg> element; empty markup without points.
    """
    if not points:
        return Markup()
    both = axis([value for point in points for value in point], at_most=5)
    spoken = f"{title}: told against true numbers of {plural(len(points), 'picture')}"
    parts = [*_frame(both), *_dots(points, both)]
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(SIDE, SIDE, spoken)
    heading = Markup('<text class="heading" x="{}" y="16">{}</text>').format(LEFT, title)
    return head + heading + Markup("").join(parts) + Markup("</svg>")


def _x(value: float, both: Axis) -> float:
    return round(LEFT + both.place(value) * (SIDE - LEFT - RIGHT), 1)


def _y(value: float, both: Axis) -> float:
    return round(SIDE - BOTTOM - both.place(value) * (SIDE - TOP - BOTTOM), 1)


def _frame(both: Axis) -> list[Markup]:
    grid = Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}" text-anchor="end">{}</text>')
    tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    below = SIDE - BOTTOM
    parts = [
        grid.format(LEFT, _y(value, both), SIDE - RIGHT, LEFT - 7, _y(value, both) + 4, f"{value:g}")
        for value in both.ticks
    ]
    parts += [tick.format(_x(value, both), below + 17, f"{value:g}") for value in both.ticks]
    name = Markup('<text class="name" x="{}" y="{}" text-anchor="middle">{}</text>')
    return [
        *parts,
        Markup('<path class="base" d="M{} {}H{}"/>').format(LEFT, below, SIDE - RIGHT),
        Markup('<path class="mark" d="M{} {}L{} {}"/>').format(LEFT, below, SIDE - RIGHT, TOP),
        name.format((LEFT + SIDE - RIGHT) / 2, below + 35, "true; up: told"),
    ]


def _dots(points: Sequence[tuple[float, float]], both: Axis) -> list[Markup]:
    dot = Markup('<circle class="dot plain" cx="{}" cy="{}" r="2.5" fill-opacity=".6"><title>{}</title></circle>')
    return [
        dot.format(_x(true, both), _y(said, both), f"true {number(true)}, told {number(said)}") for true, said in points
    ]
