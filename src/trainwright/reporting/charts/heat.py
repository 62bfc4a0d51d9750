"""Rows of colored cells over time: one number a layer and look, or the shares of a histogram."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ..wording import count, number

WIDTH, LEFT, RIGHT, TOP, BOTTOM = 420, 128, 6, 52, 36
ROW_LOW, ROW_HIGH, MAP_HEIGHT = 9.0, 20.0, 200.0
"""Rows share this height, within these bounds of their own."""

NAME_LENGTH = 19
LEVELS = 9
"""Steps of color, from 0."""


@dataclass(frozen=True)
class Scale:
    """How numbers become colors.

    `palette` is a CSS class: `span` runs from one color over gray to another, `depth` and `harm` from pale to deep.
    `level` gives the step of color, 0 to LEVELS - 1, and `words` what stands below the lowest, middle and highest.
    """

    palette: str
    level: Callable[[float], int]
    words: tuple[str, str, str]


RELATIVE_UPDATES = Scale(
    "span",
    lambda ratio: _between(4 + (math.log10(ratio) + 3) * (1 if ratio < 1e-3 else 2)),
    ("1e-7", "1e-3", "0.1"),
)
"""Gray near 0.001, where healthy updates lie; each step is a factor of 10 below it, and of √10 above."""

SHARES = Scale("harm", lambda share: _between(share * (LEVELS - 1)), ("0 %", "50 %", "100 %"))
ROOT_SHARES = Scale("depth", lambda share: _between(math.sqrt(share) * (LEVELS - 1)), ("0 %", "25 %", "100 %"))


def log_scale(values: Sequence[float]) -> Scale:
    """Makes a scale over the powers of ten that positive numbers span."""
    low, high = math.log10(min(values)), math.log10(max(values))
    wide = max(high - low, 1e-9)
    middle = 10 ** ((low + high) / 2)
    return Scale(
        "depth",
        lambda value: _between((math.log10(value) - low) / wide * (LEVELS - 1)),
        (number(10**low), number(middle), number(10**high)),
    )


def heat_map(
    names: Sequence[str],
    steps: Sequence[int],
    values_RC: Sequence[Sequence[float | None]],
    scale: Scale,
    *,
    title: str,
    marked: Collection[str] = (),
    tips: Sequence[str] = (),
) -> Markup:
    """Draws a row of cells for each name, the first on top; columns are equally wide, whatever lies between them.

    Args:
        names: of R rows.
        steps: at which C columns begin, increasing.
        values_RC: what the color tells; None and what is not finite stay empty.
        scale: from numbers to colors.
        title: what is drawn, with its unit.
        marked: names to point out.
        tips: what a row says under the pointer before its numbers; its name where left out.

    Returns: one <svg> element; empty markup where there is nothing to draw.
    """
    if not names or not steps:
        return Markup()
    high = min(max(MAP_HEIGHT / len(names), ROW_LOW), ROW_HIGH)
    wide = (WIDTH - LEFT - RIGHT) / len(steps)
    levels_RC = [
        [scale.level(value) if value is not None and math.isfinite(value) else None for value in row]
        for row in values_RC
    ]
    said = [_said(tip, steps, row) for tip, row in zip(tips or names, values_RC, strict=True)]
    parts = [
        Markup('<text class="heading" x="0" y="14">{}</text>').format(title),
        *_key(scale),
        *_cells(levels_RC, wide, high),
        *_names(names, high, marked),
        *_bands(said, high),
        *_times(steps, wide, TOP + high * len(names)),
    ]
    height = TOP + high * len(names) + BOTTOM
    spoken = f"{title}: {count(len(names))} rows over {count(len(steps))} columns. {said[0]} {said[-1]}"
    head = Markup('<svg class="heat {}" viewBox="0 0 {} {:g}" role="img" aria-label="{}">')
    return head.format(scale.palette, WIDTH, height, spoken) + Markup("").join(parts) + Markup("</svg>")


def _between(level: float) -> int:
    return min(max(round(level), 0), LEVELS - 1)


def _cells(levels_RC: Sequence[Sequence[int | None]], wide: float, high: float) -> list[Markup]:
    """Draws equal neighbors in a row as one box, and all boxes of a color as one path, so that the page stays small."""
    paths: dict[int, list[str]] = {}
    for row, levels in enumerate(levels_RC):
        start = 0
        for column in range(1, len(levels) + 1):
            level = levels[start]
            if column < len(levels) and levels[column] == level:
                continue
            if level is not None:
                x, y, length = LEFT + start * wide, TOP + row * high, (column - start) * wide
                paths.setdefault(level, []).append(f"M{x:.1f} {y:.1f}h{length:.1f}v{high:.1f}h{-length:.1f}z")
            start = column
    return [
        Markup('<path class="l{}" d="{}"/>').format(level, "".join(boxes)) for level, boxes in sorted(paths.items())
    ]


def _names(names: Sequence[str], high: float, marked: Collection[str]) -> list[Markup]:
    """Writes names beside rows; where rows are low, of every second one, but of all that are pointed out."""
    every = math.ceil(11.5 / high)
    text = Markup('<text class="{}" x="{}" y="{:.1f}" text-anchor="end">{}</text>')
    parts = []
    for row, name in enumerate(names):
        if row % every and name not in marked:
            continue
        short = name if len(name) <= NAME_LENGTH else f"…{name[1 - NAME_LENGTH :]}"
        style = "row strong" if name in marked else "row"
        parts.append(text.format(style, LEFT - 6, TOP + (row + 0.5) * high + 3.5, short))
    return parts


def _bands(said: Sequence[str], high: float) -> list[Markup]:
    """Lays an unseen band over each row that tells its numbers under the pointer."""
    band = Markup('<rect class="band" x="{}" y="{:.1f}" width="{}" height="{:.1f}"><title>{}</title></rect>')
    return [band.format(LEFT, TOP + row * high, WIDTH - LEFT - RIGHT, high, text) for row, text in enumerate(said)]


def _times(steps: Sequence[int], wide: float, below: float) -> list[Markup]:
    text = Markup('<text class="tick" x="{:.1f}" y="{:.1f}" text-anchor="{}">{}</text>')
    places = sorted({0, len(steps) // 2, len(steps) - 1})
    anchors = {0: "start", len(steps) - 1: "end"} if len(steps) > 1 else {0: "start"}
    shown = [place for place in places if len(steps) > 8 or place in (0, len(steps) - 1)]
    parts = []
    for place in shown:
        anchor = anchors.get(place, "middle")
        x = LEFT + wide * {"start": place, "middle": place + 0.5, "end": place + 1}[anchor]
        parts.append(text.format(x, below + 15, anchor, count(steps[place])))
    middle = (LEFT + WIDTH - RIGHT) / 2
    return [
        *parts,
        Markup('<text class="name" x="{}" y="{:.1f}" text-anchor="middle">step</text>').format(middle, below + 31),
    ]


def _key(scale: Scale) -> list[Markup]:
    """Draws what the colors mean, with words below the lowest, middle and highest."""
    side, left = 22, LEFT
    box = Markup('<path class="l{}" d="M{} 24h{}v8h{}z"/>')
    parts = [box.format(level, left + level * side, side, -side) for level in range(LEVELS)]
    text = Markup('<text class="tick" x="{}" y="45" text-anchor="{}">{}</text>')
    for words, place, anchor in zip(scale.words, (0, LEVELS / 2, LEVELS), ("start", "middle", "end"), strict=True):
        parts.append(text.format(left + place * side, anchor, words))
    return parts


def _said(name: str, steps: Sequence[int], row: Sequence[float | None]) -> str:
    """Says in a line where a row begins and ends, and how far it goes between."""
    known = [(step, value) for step, value in zip(steps, row, strict=True) if value is not None]
    if not known:
        return f"{name}: nothing was measured."
    (first, start), (last, end) = known[0], known[-1]
    low, high = min(value for _, value in known), max(value for _, value in known)
    went = f"{number(start)} at step {count(first)}, {number(end)} at step {count(last)}"
    return f"{name}: {went}, between {number(low)} and {number(high)}."
