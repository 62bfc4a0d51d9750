"""What tricks are worth as one picture that stands alone: a dot and an interval each, the most helpful on top."""

from __future__ import annotations

from markupsafe import Markup

from ..views.ablation import AblationView, TrickRow
from .alone import standing_alone
from .ticks import Axis, axis

OWN_STYLE = """
.whisker { stroke: #8a8d94; stroke-width: 2; }
.helps { stroke: #1b7f3b; fill: #1b7f3b; }
.hurts { stroke: #b3261e; fill: #b3261e; }
.unclear { stroke: #8a8d94; fill: #8a8d94; }
text.helps, text.hurts, text.unclear { stroke: none; }
@media (prefers-color-scheme: dark) {
  .helps { stroke: #6fd08c; fill: #6fd08c; }
  .hurts { stroke: #ff8a80; fill: #ff8a80; }
}
"""
WIDTH, TOP, ROW, BOTTOM = 860, 92, 34, 64
LEFT, RIGHT = 210, 210
LETTERS = 28
"""Of a name that there is room for."""

CLASSES = {"helps": "helps", "hurts": "hurts", "cannot tell": "unclear"}


def ablation_picture(view: AblationView) -> str:
    """Draws a view as one SVG file with colors for light and dark, which needs nothing beside it.

    Args:
        view: what was measured.

    Returns:
        the file's text.
    """
    height = TOP + ROW * max(1, len(view.rows)) + BOTTOM
    known = [value for row in view.rows for value in (row.low, row.effect, row.high) if value is not None]
    scale = axis([0.0, *known], at_most=7)
    parts = [
        *_frame(scale, height),
        *(part for place, row in enumerate(view.rows) for part in _drawn(row, scale, TOP + ROW * place + ROW / 2)),
        Markup('<text class="tick" x="24" y="{}">{}</text>').format(height - 16, view.caution),
    ]
    return standing_alone(
        WIDTH,
        height,
        title=view.title,
        lines=(view.subtitle, view.axis),
        spoken=view.subtitle,
        own_style=OWN_STYLE,
        parts=parts,
    )


def _x(value: float, scale: Axis) -> float:
    return round(LEFT + scale.place(value) * (WIDTH - LEFT - RIGHT), 1)


def _frame(scale: Axis, height: int) -> list[Markup]:
    below = height - BOTTOM
    tick = Markup('<path class="{}" d="M{} {}V{}"/><text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    return [
        tick.format(
            "base" if value == 0 else "grid",
            _x(value, scale),
            TOP,
            below,
            _x(value, scale),
            below + 18,
            f"{value:+g}" if value else "0",
        )
        for value in scale.ticks
    ]


def _drawn(row: TrickRow, scale: Axis, y: float) -> list[Markup]:
    name = row.name if len(row.name) <= LETTERS else f"{row.name[: LETTERS - 1]}…"
    style = CLASSES[row.verdict]
    parts = [
        Markup('<text class="heading" x="{}" y="{}" text-anchor="end">{}<title>{}</title></text>').format(
            LEFT - 14, y + 4, name, row.compared
        ),
        Markup('<text class="tick {}" x="{}" y="{}">{}<title>{}</title></text>').format(
            style, WIDTH - RIGHT + 14, y + 4, f"{row.verdict}, {row.cost_words}", row.verdict_words
        ),
    ]
    if row.low is not None and row.high is not None:
        low, high = _x(row.low, scale), _x(row.high, scale)
        parts.append(Markup('<path class="whisker {}" d="M{} {}H{}"/>').format(style, low, y, high))
    if row.effect is not None:
        parts.append(
            Markup('<circle class="{}" cx="{}" cy="{}" r="5"><title>{}: {}</title></circle>').format(
                style, _x(row.effect, scale), y, row.name, row.effect_words
            )
        )
    return parts
