"""Lines over a common x axis: loss, accuracy, rate, gradient."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import Markup

from ..wording import number
from .ticks import ANYWHERE, Axis, axis, log_axis, wants_log

WIDTH, HEIGHT = 420, 270
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 34, 42
MOST_POINTERS = 300
"""So many places along x answer to the pointer; more would be closer than pixels."""


@dataclass(frozen=True)
class Series:
    """One line. `style` names its CSS class (`train`, `valid`, `retrain`, `clean`, `plain`).

    None leaves a gap, or is passed over in a line that is `joined`, which is measured at some of the places only.
    """

    name: str
    style: str
    values: Sequence[float | None]
    joined: bool = False


@dataclass(frozen=True)
class Mark:
    """A place along x that a vertical line points out."""

    x: float
    label: str


def line_chart(
    xs: Sequence[float],
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    mark: Mark | None = None,
    floor: float | None = None,
    within: tuple[float, float] = ANYWHERE,
    may_log: bool = False,
) -> Markup:
    """Draws series over common places along x, in a box of 420 by 270 units that scales with the page.

    Args:
        xs: places along x, increasing, whole numbers.
        series: one or more lines, each with one value a place.
        title: what is drawn, with its unit; also what a screen reader says.
        x_label: name of the x axis.
        mark: a place to point out.
        floor: a value that the y axis must reach down to.
        within: smallest and largest value that there can be; the y axis does not go beyond.
        may_log: the y axis may be logarithmic, and is where values span a factor above 30.
    Returns:
        one <svg> element; empty markup where there is nothing to draw.
    """
    finite = [v for line in series for v in line.values if v is not None and math.isfinite(v)]
    if not finite:
        return Markup()
    log = may_log and wants_log(finite)
    y_axis = log_axis(finite) if log else axis(finite, at_most=6, floor=floor, within=within)
    x_axis = axis(xs, at_most=7, whole=True)
    shown_title = f"{title}, logarithmic" if log else title
    parts = [
        *frame(x_axis, y_axis, x_label),
        *(_line(xs, line, x_axis, y_axis) for line in series),
        *_mark(mark, xs, series, x_axis, y_axis),
        *_pointers(xs, series, x_axis, x_label),
        *_legend(shown_title, series),
    ]
    spoken = _spoken(shown_title, xs, series, x_label)
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, spoken)
    return head + Markup("").join(parts) + Markup("</svg>")


def across(value: float, x_axis: Axis) -> float:
    """Gives where a value stands on the page from the left."""
    return round(LEFT + x_axis.place(value) * (WIDTH - LEFT - RIGHT), 1)


def up(value: float, y_axis: Axis) -> float:
    """Gives where a value stands on the page from the top."""
    return round(HEIGHT - BOTTOM - y_axis.place(value) * (HEIGHT - TOP - BOTTOM), 1)


def frame(x_axis: Axis, y_axis: Axis, x_label: str) -> list[Markup]:
    """Draws the grid, the ticks of both axes, and the name of the lower one."""
    grid = Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}" text-anchor="end">{}</text>')
    tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    below = HEIGHT - BOTTOM
    parts = []
    for value in y_axis.ticks:
        y = up(value, y_axis)
        parts.append(grid.format(LEFT, y, WIDTH - RIGHT, LEFT - 7, y + 4, tick_words(value)))
    parts += [tick.format(across(value, x_axis), below + 17, tick_words(value)) for value in x_axis.ticks]
    parts.append(Markup('<path class="base" d="M{} {}H{}"/>').format(LEFT, below, WIDTH - RIGHT))
    middle = (LEFT + WIDTH - RIGHT) / 2
    parts.append(
        Markup('<text class="name" x="{}" y="{}" text-anchor="middle">{}</text>').format(middle, below + 35, x_label)
    )
    return parts


def _line(xs: Sequence[float], line: Series, x_axis: Axis, y_axis: Axis) -> Markup:
    """Draws one line, broken where values are missing or not finite; a value alone between gaps becomes a dot."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, value in zip(xs, line.values, strict=True):
        if value is not None and _drawable(value, y_axis):
            runs[-1].append((across(x, x_axis), up(value, y_axis)))
        elif runs[-1] and not (line.joined and value is None):
            runs.append([])
    path = "".join("M" + "L".join(f"{x:g} {y:g}" for x, y in run) for run in runs if len(run) > 1)
    dots = [
        Markup('<circle class="dot {}" cx="{}" cy="{}" r="3"/>').format(line.style, *run[0])
        for run in runs
        if len(run) == 1
    ]
    drawn = Markup('<path class="line {}" d="{}"/>').format(line.style, path) if path else Markup()
    return drawn + Markup("").join(dots)


def _mark(mark: Mark | None, xs: Sequence[float], series: Sequence[Series], x_axis: Axis, y_axis: Axis) -> list[Markup]:
    if mark is None or mark.x not in xs:
        return []
    x = across(mark.x, x_axis)
    place = list(xs).index(mark.x)
    dots = [
        (line.style, up(value, y_axis))
        for line in series
        if (value := line.values[place]) is not None and _drawable(value, y_axis)
    ]
    # The label stands where the lines are not.
    low = bool(dots) and sum(y for _, y in dots) / len(dots) < (TOP + HEIGHT - BOTTOM) / 2
    aside, anchor = (x + 6, "start") if x_axis.place(mark.x) < 0.5 else (x - 6, "end")
    label = Markup('<text class="tick strong" x="{}" y="{}" text-anchor="{}">{}</text>')
    return [
        Markup('<path class="mark" d="M{} {}V{}"/>').format(x, TOP, HEIGHT - BOTTOM),
        *(Markup('<circle class="dot {}" cx="{}" cy="{}" r="3.5"/>').format(style, x, y) for style, y in dots),
        label.format(aside, HEIGHT - BOTTOM - 8 if low else TOP + 12, anchor, mark.label),
    ]


def _drawable(value: float, y_axis: Axis) -> bool:
    return math.isfinite(value) and not (y_axis.log and value <= 0)


def _pointers(xs: Sequence[float], series: Sequence[Series], x_axis: Axis, x_label: str) -> list[Markup]:
    """Lays unseen bands over the chart, one a place along x, that show a line and the values under the pointer."""
    every = math.ceil(len(xs) / MOST_POINTERS)
    chosen = range(0, len(xs), every)
    places = [across(xs[index], x_axis) for index in chosen]
    edges = [LEFT, *((a + b) / 2 for a, b in pairwise(places)), WIDTH - RIGHT]
    band = Markup(
        '<g class="pointer"><path d="M{} {}V{}"/>'
        '<rect x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect></g>'
    )
    parts = []
    for order, index in enumerate(chosen):
        left, right = edges[order], edges[order + 1]
        values = "\n".join(f"{line.name}: {number(line.values[index], 4)}" for line in series)
        text = f"{x_label} {number(xs[index], 1)}\n{values}"
        box = (round(left, 1), TOP, round(right - left, 1), HEIGHT - TOP - BOTTOM)
        parts.append(band.format(places[order], TOP, HEIGHT - BOTTOM, *box, text))
    return parts


def _legend(title: str, series: Sequence[Series]) -> list[Markup]:
    """Writes the title, and the names of lines to its right, or below it where both are too long for one line."""
    below = 15 if 7.2 * len(title) + sum(7.4 * len(line.name) + 39 for line in series) > WIDTH else 0
    parts = [Markup('<text class="heading" x="0" y="14">{}</text>').format(title)]
    right = WIDTH - RIGHT
    if len(series) > 1:
        for line in reversed(series):
            parts.append(
                Markup('<text class="tick" x="{:.0f}" y="{}" text-anchor="end">{}</text>').format(
                    right, 14 + below, line.name
                )
            )
            right -= 7.4 * len(line.name) + 5
            parts.append(Markup('<path class="line {}" d="M{:.0f} {}h-20"/>').format(line.style, right, 10 + below))
            right -= 34
    return parts


def _spoken(title: str, xs: Sequence[float], series: Sequence[Series], x_label: str) -> str:
    """Says in one sentence what the eye takes from the chart: where each line begins and ends."""
    parts = []
    for line in series:
        known = [(x, value) for x, value in zip(xs, line.values, strict=True) if value is not None]
        if known:
            (first, start), (last, end) = known[0], known[-1]
            began = f"{line.name} from {number(start)} at {x_label} {number(first, 1)}"
            parts.append(f"{began} to {number(end)} at {number(last, 1)}")
    return f"{title}: {'; '.join(parts)}"


def tick_words(value: float) -> str:
    """Writes a tick with no more digits than it needs."""
    if value == 0:
        return "0"
    if abs(value) >= 1e5:
        return f"{value:.3g}".replace("e+0", "e")
    return f"{value:,.6f}".rstrip("0").rstrip(".") if abs(value) >= 1e-3 else f"{value:g}"
