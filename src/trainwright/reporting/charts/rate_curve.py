"""A learning-rate range test as one picture that stands alone: loss by rate, the band of the seeds, the range."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from ..views.rate_curve import RateCurve
from ..wording import number
from .alone import standing_alone
from .ticks import Axis, axis, log_axis

OWN_STYLE = """
.band { fill: #1a5fb4; fill-opacity: .18; }
.range { fill: #5a5d64; fill-opacity: .1; }
.seed { stroke: #1a5fb4; stroke-opacity: .45; stroke-width: 1; fill: none; }
@media (prefers-color-scheme: dark) {
  .band { fill: #82b4ff; }
  .range { fill: #a3a7b0; }
  .seed { stroke: #82b4ff; }
}
"""
WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 92, 52
CEILING = 1.25
"""Share of the first loss up to which there is room; a curve that goes beyond leaves the picture."""

LETTERS = 108
"""Of the reason that fit on one line beneath the title."""


def rate_curve_picture(view: RateCurve) -> str:
    """Draws a view as one SVG file with colors for light and dark, which needs nothing beside it.

    Args:
        view: what was measured.

    Returns:
        the file's text.
    """
    place = _Place(view)
    parts = [
        *_range(view, place),
        *_frame(view, place),
        *(_line("seed", view.all_rates, losses, place) for losses in view.seeds),
        _band(view, place),
        _line("line", view.rates, view.mean, place),
        *_suggested(view, place),
        *_cycles(view, place),
    ]
    return standing_alone(
        WIDTH,
        HEIGHT,
        title=view.title,
        lines=(view.subtitle, _short(view)),
        spoken=view.reason,
        own_style=OWN_STYLE,
        parts=parts,
    )


class _Place:
    """Where rates and losses stand on the picture."""

    def __init__(self, view: RateCurve) -> None:
        after = [loss for _, loss in view.cycles]
        losses = [loss for line in (view.low, view.mean, *view.seeds, after) for loss in line]
        first = view.mean[0] if view.mean else max(losses, default=1.0)
        self.most = first + (CEILING - 1) * abs(first)
        self.x_axis = log_axis(view.all_rates) if view.logarithmic else axis(view.all_rates, at_most=7)
        self.y_axis: Axis = axis([loss for loss in losses if loss <= self.most], at_most=6)

    def x(self, rate: float) -> float:
        return round(LEFT + self.x_axis.place(rate) * (WIDTH - LEFT - RIGHT), 1)

    def y(self, loss: float) -> float:
        share = min(max(self.y_axis.place(loss), 0.0), 1.0)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)


def _frame(view: RateCurve, place: _Place) -> list[Markup]:
    seeds = "; band: ± 1 standard deviation between seeds" if len(view.seeds) > 1 else ""
    dots = "; dots: after a short training" if view.cycles else ""
    what = f"training loss, smoothed{seeds}{dots}"
    grid = Markup('<path class="grid" d="M{} {}H{}"/><text class="tick" x="{}" y="{}" text-anchor="end">{:g}</text>')
    tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{:g}</text>')
    name = Markup('<text class="name" x="{}" y="{}" text-anchor="middle">{}</text>')
    below = HEIGHT - BOTTOM
    return [
        *(
            grid.format(LEFT, place.y(value), WIDTH - RIGHT, LEFT - 8, place.y(value) + 4, value)
            for value in place.y_axis.ticks
        ),
        *(tick.format(place.x(value), below + 18, value) for value in place.x_axis.ticks),
        Markup('<path class="base" d="M{} {}H{}"/>').format(LEFT, below, WIDTH - RIGHT),
        Markup('<text class="tick" x="{}" y="{}">{}</text>').format(LEFT + 8, TOP + 14, what),
        name.format((LEFT + WIDTH - RIGHT) / 2, below + 38, "learning rate"),
    ]


def _line(style: str, rates: Sequence[float], losses: Sequence[float], place: _Place) -> Markup:
    """Draws losses as far as they are within the picture."""
    points: list[str] = []
    for rate, loss in zip(rates, losses, strict=False):
        if not math.isfinite(loss) or loss > place.most:
            break
        points.append(f"{place.x(rate):g} {place.y(loss):g}")
    return Markup('<path class="{}" d="M{}"/>').format(style, "L".join(points)) if len(points) > 1 else Markup()


def _band(view: RateCurve, place: _Place) -> Markup:
    inside = [entry for entry in zip(view.rates, view.low, view.high, strict=True) if entry[1] <= place.most]
    if len(inside) < 2 or len(view.seeds) < 2:
        return Markup()
    above = [f"{place.x(rate):g} {place.y(high):g}" for rate, _, high in inside]
    beneath = [f"{place.x(rate):g} {place.y(low):g}" for rate, low, _ in reversed(inside)]
    return Markup('<path class="band" d="M{}Z"/>').format("L".join(above + beneath))


def _range(view: RateCurve, place: _Place) -> list[Markup]:
    if view.lower is None or view.upper is None:
        return []
    left, right = place.x(view.lower), place.x(view.upper)
    box = Markup('<rect class="range" x="{}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>')
    words = f"range {number(view.lower)} to {number(view.upper)}"
    return [box.format(left, TOP, right - left, HEIGHT - TOP - BOTTOM, words)]


def _suggested(view: RateCurve, place: _Place) -> list[Markup]:
    if view.suggested is None:
        return []
    x = place.x(view.suggested)
    aside, anchor = (x - 6, "end") if x > WIDTH / 2 else (x + 6, "start")
    mark = Markup('<path class="mark" d="M{} {}V{}"/>').format(x, TOP, HEIGHT - BOTTOM)
    words = f"{view.suggested:g} for {view.schedule}"
    label = Markup('<text class="heading" x="{:.1f}" y="{}" text-anchor="{}">{}</text>')
    return [mark, label.format(aside, TOP + 34, anchor, words)]


def _cycles(view: RateCurve, place: _Place) -> list[Markup]:
    dot = Markup('<circle class="dot" cx="{}" cy="{}" r="4"><title>{}</title></circle>')
    return [
        dot.format(place.x(rate), place.y(loss), f"short training with a peak of {number(rate)}: loss {number(loss)}")
        for rate, loss in view.cycles
    ]


def _short(view: RateCurve) -> str:
    return view.reason if len(view.reason) <= LETTERS else f"{view.reason[: LETTERS - 1]}…"
