"""The trials of a search: all their losses in one frame, their values in turn, and their values by each setting."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from ..views.search import SearchAxis, SearchView, TrialView
from ..wording import number
from .lines import BOTTOM, HEIGHT, TOP, WIDTH, across, frame, up
from .ticks import Axis, axis, log_axis, wants_log

BOX_HEIGHT = 5
"""Of the bar that shows the box of a stage, beneath the dots."""


def losses_chart(trials: Sequence[TrialView]) -> Markup:
    """Draws the training loss of every trial over its epochs, the better trials darker, the best one bold.

    Returns: one <svg> element; empty markup where no trial finished an epoch.
    """
    lines = [trial for trial in trials if any(math.isfinite(loss) for loss in trial.losses)]
    if not lines:
        return Markup()
    losses = [loss for trial in lines for loss in trial.losses if math.isfinite(loss)]
    y_axis = log_axis(losses) if wants_log(losses) else axis(losses)
    x_axis = axis([1, max(len(trial.losses) for trial in lines)], at_most=7, whole=True)
    parts = [*frame(x_axis, y_axis, "epoch of the trial")]
    for trial in sorted(lines, key=lambda one: (one.best, -1.0 if one.rank is None else -one.rank)):
        places = [
            f"{across(epoch, x_axis):g} {up(loss, y_axis):g}"
            for epoch, loss in enumerate(trial.losses, 1)
            if math.isfinite(loss) and not (y_axis.log and loss <= 0)
        ]
        path = f"M{'L'.join(places)}" if len(places) > 1 else f"M{places[0]}h.1" if places else ""
        parts.append(
            Markup('<path class="trial {}" d="{}"><title>{}</title></path>').format(tone(trial), path, said(trial))
        )
    return _chart("Training loss of all trials", parts)


def history_chart(view: SearchView) -> Markup:
    """Draws the value of each trial in turn, and the best so far as a line.

    Returns: one <svg> element; empty markup where no trial can be judged.
    """
    values = [trial.value for trial in view.trials if trial.value is not None]
    if not values:
        return Markup()
    y_axis = axis(values)
    x_axis = axis([trial.number for trial in view.trials], at_most=7, whole=True)
    steps = [
        (across(trial.number, x_axis), up(best, y_axis))
        for trial, best in zip(view.trials, view.so_far, strict=True)
        if best is not None
    ]
    parts = [*frame(x_axis, y_axis, "trial"), *_dots(view.trials, [t.number for t in view.trials], x_axis, y_axis)]
    if steps:
        path = f"M{steps[0][0]:g} {steps[0][1]:g}" + "".join(f"H{x:g}V{y:g}" for x, y in steps[1:])
        parts.append(Markup('<path class="line plain" d="{}"/>').format(path))
    first = {trial.stage: trial.number for trial in reversed(view.trials)}
    for stage, start in list(first.items()):
        if stage > 1:
            x = across(start - 0.5, x_axis)
            parts.append(Markup('<path class="mark" d="M{} {}V{}"/>').format(x, TOP, HEIGHT - BOTTOM))
    return _chart(f"Validation {view.figure} of each trial, and the best so far", parts)


def slice_chart(setting: SearchAxis, view: SearchView) -> Markup:
    """Draws the value of each trial against one setting, with the box of each stage as a bar at the foot.

    Returns: one <svg> element; empty markup where no trial can be judged.
    """
    values = [trial.value for trial in view.trials if trial.value is not None]
    if not values:
        return Markup()
    ends = [end for box in setting.boxes for end in box]
    x_axis = setting_axis(setting, [*setting.values, *ends])
    y_axis = axis(values)
    parts = named(frame(x_axis, y_axis, setting.key), setting.words)
    for stage, (low, high) in enumerate(setting.boxes, 1):
        left, right = across(low, x_axis), across(high, x_axis)
        top = HEIGHT - BOTTOM - (BOX_HEIGHT + 1) * stage
        words = f"box of stage {stage}: {number(low)} to {number(high)}"
        parts.append(
            Markup('<rect class="box" x="{}" y="{}" width="{:.1f}" height="{}"><title>{}</title></rect>').format(
                left, top, max(right - left, 1.0), BOX_HEIGHT, words
            )
        )
    parts += _dots(view.trials, setting.values, x_axis, y_axis)
    return _chart(f"Validation {view.figure} by {setting.key}", parts)


def setting_axis(setting: SearchAxis, values: Sequence[float]) -> Axis:
    """Chooses the axis of a setting: logarithmic, linear, or one place a choice."""
    if setting.words:
        last = len(setting.words) - 1
        return Axis(-0.5, last + 0.5, tuple(map(float, range(last + 1))))
    return log_axis(values) if setting.log else axis(values)


def named(parts: Sequence[Markup], words: Sequence[str]) -> list[Markup]:
    """Puts the words of a choice in place of the numbers beneath the axis."""
    last = Markup('text-anchor="middle">{}</text>')
    shown: list[Markup] = []
    for part in parts:
        for place, word in enumerate(words):
            if part.endswith(last.format(place)) and 'class="tick"' in part:
                part = Markup(part.removesuffix(last.format(place))) + last.format(word)
                break
        shown.append(part)
    return shown


def said(trial: TrialView) -> str:
    """Says what a trial is, for the pointer."""
    return f"trial {trial.number}, stage {trial.stage}: {trial.words}, {trial.ended}; {', '.join(trial.settings)}"


def tone(trial: TrialView) -> str:
    """Names the class by which a trial's line or dot is colored: the best, four shades by rank, or unjudged."""
    if trial.best:
        return "first"
    return "lost" if trial.rank is None or trial.ended == "diverged" else f"tone{min(int(4 * trial.rank), 3)}"


def _dots(trials: Sequence[TrialView], xs: Sequence[float], x_axis: Axis, y_axis: Axis) -> list[Markup]:
    dot = Markup('<circle class="try {}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>')
    return [
        dot.format(
            f"stage{min(trial.stage, 3)}" + (" first" if trial.best else ""),
            across(x, x_axis),
            up(trial.value, y_axis),
            5 if trial.best else 3,
            said(trial),
        )
        for trial, x in sorted(zip(trials, xs, strict=True), key=lambda pair: pair[0].best)
        if trial.value is not None
    ]


def _chart(title: str, parts: Sequence[Markup]) -> Markup:
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(WIDTH, HEIGHT, title)
    heading = Markup('<text class="heading" x="0" y="14">{}</text>').format(title)
    return head + heading + Markup("").join(parts) + Markup("</svg>")
