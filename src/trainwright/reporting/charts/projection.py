"""Random points against a grid: how many different values of each setting as many trials try.

Source: Bergstra & Bengio 2012, figure 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from ..views.search import SearchAxis
from .trials import setting_axis

SIDE, GAP, LEFT, TOP, EDGE = 190, 70, 34, 44, 16


def projection_chart(across: SearchAxis, upward: SearchAxis) -> Markup:
    """Draws the points that were tried, and as many on a grid, each with what falls on the two edges.

    Args:
        across, upward: two settings, with the values of the trials.
    """
    axes = [setting_axis(one, [*one.values, *(end for box in one.boxes for end in box)]) for one in (across, upward)]
    tried = [(axes[0].place(x), axes[1].place(y)) for x, y in zip(across.values, upward.values, strict=True)]
    side = max(round(math.sqrt(len(tried))), 2)
    steps = [(step + 0.5) / side for step in range(side)]
    grid = [(x, y) for x in steps for y in steps]
    title = f"{across.key} and {upward.key}: as searched, and as many trials on a grid"
    parts = [
        *_panel(tried, LEFT, "as searched", across, upward),
        *_panel(grid, LEFT + SIDE + GAP, f"a grid of {side} × {side}", across, upward),
    ]
    width, height = LEFT + 2 * SIDE + GAP + EDGE, TOP + SIDE + 44
    head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">').format(width, height, title)
    heading = Markup('<text class="heading" x="0" y="14">{}</text>').format(title)
    return head + heading + Markup("").join(parts) + Markup("</svg>")


def _panel(
    points: Sequence[tuple[float, float]], left: float, name: str, across: SearchAxis, upward: SearchAxis
) -> list[Markup]:
    x_of, y_of = (lambda x: round(left + x * SIDE, 1)), (lambda y: round(TOP + (1 - y) * SIDE, 1))
    xs, ys = (sorted({round(point[side], 4) for point in points}) for side in (0, 1))
    bottom = TOP + SIDE
    text = Markup('<text class="tick" x="{}" y="{}" text-anchor="{}">{}</text>')
    return [
        Markup('<rect class="frame" x="{}" y="{}" width="{}" height="{}"/>').format(left, TOP, SIDE, SIDE),
        *(Markup('<circle class="try stage1" cx="{}" cy="{}" r="3"/>').format(x_of(x), y_of(y)) for x, y in points),
        *(Markup('<path class="edge" d="M{} {}v10"/>').format(x_of(x), bottom + 3) for x in xs),
        *(Markup('<path class="edge" d="M{} {}h-10"/>').format(left - 3, y_of(y)) for y in ys),
        text.format(left, TOP - 10, "start", name),
        text.format(left + SIDE / 2, bottom + 30, "middle", f"{len(xs)} values of {across.key}"),
        Markup('<text class="tick" transform="translate({} {}) rotate(-90)" text-anchor="middle">{}</text>').format(
            left - 18, TOP + SIDE / 2, f"{len(ys)} values of {upward.key}"
        ),
    ]
