"""Parallel coordinates: an upright axis for each setting and one for the value, a line for each trial."""

from __future__ import annotations

from markupsafe import Markup

from ..views.search import SearchView
from .lines import tick_words
from .ticks import Axis, axis
from .trials import said, setting_axis, tone

STEP, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 150, 300, 60, 90, 44, 16


def parallel_chart(view: SearchView) -> Markup:
    """Draws each judged trial as a line through its settings to its value, the better ones darker, the best bold.

    Returns: one <svg> element; empty markup where no trial can be judged.
    """
    judged = [place for place, trial in enumerate(view.trials) if trial.value is not None]
    if not judged:
        return Markup()
    axes = [setting_axis(one, [*one.values, *(end for box in one.boxes for end in box)]) for one in view.axes]
    values = [value for place in judged if (value := view.trials[place].value) is not None]
    axes.append(axis(values))
    names = [*(one.key for one in view.axes), f"validation {view.figure}"]
    words = [*(one.words for one in view.axes), ()]
    parts: list[Markup] = []
    for column, (one, name, own) in enumerate(zip(axes, names, words, strict=True)):
        parts += _upright(one, name, own, column)
    for place in sorted(judged, key=lambda place: (view.trials[place].best, -(view.trials[place].rank or 0.0))):
        trial = view.trials[place]
        assert trial.value is not None
        column_values = [*(one.values[place] for one in view.axes), trial.value]
        points = [
            f"{LEFT + STEP * column} {_y(value, one)}"
            for column, (value, one) in enumerate(zip(column_values, axes, strict=True))
        ]
        parts.append(
            Markup('<path class="trial {}" d="M{}"><title>{}</title></path>').format(
                tone(trial), "L".join(points), said(trial)
            )
        )
    width = LEFT + STEP * len(view.axes) + RIGHT
    title = f"Settings and validation {view.figure} of {len(judged)} trials"
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(width, HEIGHT, title)
    heading = Markup('<text class="heading" x="0" y="14">{}</text>').format(title)
    return head + heading + Markup("").join(parts) + Markup("</svg>")


def _y(value: float, one: Axis) -> float:
    return round(HEIGHT - BOTTOM - one.place(value) * (HEIGHT - TOP - BOTTOM), 1)


def _upright(one: Axis, name: str, words: tuple[str, ...], column: int) -> list[Markup]:
    x = LEFT + STEP * column
    tick = Markup('<text class="tick" x="{}" y="{}" text-anchor="end">{}</text>')
    return [
        Markup('<path class="base" d="M{} {}V{}"/>').format(x, TOP, HEIGHT - BOTTOM),
        Markup('<text class="name" x="{}" y="{}" text-anchor="middle">{}</text>').format(x, TOP - 12, name),
        *(
            tick.format(x - 6, _y(value, one) + 4, words[int(value)] if words else tick_words(value))
            for value in one.ticks
        ),
    ]
