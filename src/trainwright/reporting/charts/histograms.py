"""The layers of an untrained net as one picture that stands alone: deviations along the net, a histogram for each."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from ..views.activations import ActivationsView, LayerActivity
from ..wording import number, percent
from . import lines
from .alone import STYLE
from .lines import Series, line_chart

EDGE, TOP = 24, 76
COLUMNS, PANEL_WIDTH, PANEL_HEIGHT = 4, 216, 132
"""Panels beside each other, and the box of each with the space around it."""
BARS_TOP, BARS_HEIGHT, BARS_WIDTH = 34, 62, 196
NAME_LENGTH, NAME_AND_KIND = 27, 25
WIDTH = 2 * EDGE + COLUMNS * PANEL_WIDTH


def activations_picture(view: ActivationsView) -> str:
    """Draws a view as one SVG file with colors for light and dark, which needs nothing beside it.

    Args:
        view: what was measured.

    Returns:
        the file's text.
    """
    charts = _along_the_net(view.layers)
    panels_top = TOP + (lines.HEIGHT + 24 if charts else 0)
    rows = math.ceil(len(view.layers) / COLUMNS)
    height = panels_top + rows * PANEL_HEIGHT + EDGE
    panels = [
        _panel(
            layer,
            EDGE + place % COLUMNS * PANEL_WIDTH,
            panels_top + place // COLUMNS * PANEL_HEIGHT,
        )
        for place, layer in enumerate(view.layers)
    ]
    head = Markup(
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {0} {1}" width="{0}" height="{1}" role="img" '
        'aria-label="{2}"><style>{3}</style><rect class="paper" width="{0}" height="{1}"/>'
        '<text class="title" x="{4}" y="36">{2}</text><text class="tick" x="{4}" y="58">{5}</text>'
    ).format(WIDTH, height, view.title, Markup(STYLE.read_text("utf-8")), EDGE, view.subtitle)
    return str(head + charts + Markup("").join(panels) + Markup("</svg>\n"))


def _along_the_net(layers: Sequence[LayerActivity]) -> Markup:
    """Draws the deviations of outputs and of gradients, layer by layer; 0, which a logarithm has not, is a gap."""
    places = list(range(1, len(layers) + 1))
    columns = (
        ("Standard deviation of the output", [layer.std or None for layer in layers]),
        ("Standard deviation of the gradient", [layer.gradient_std or None for layer in layers]),
    )
    drawn = [
        line_chart(places, [Series(title, "plain", values)], title=title, x_label="layer", may_log=True)
        for title, values in columns
    ]
    box = Markup('<svg x="{}" y="{}" width="{}" height="{}">{}</svg>')
    return Markup("").join(
        box.format(EDGE + place * (WIDTH - 2 * EDGE) // 2, TOP, lines.WIDTH, lines.HEIGHT, chart)
        for place, chart in enumerate(filter(None, drawn))
    )


def _panel(layer: LayerActivity, x: float, y: float) -> Markup:
    """Draws one layer: name, histogram, the ends of its axis, moments."""
    name = layer.name if len(layer.name) <= NAME_LENGTH else f"…{layer.name[1 - NAME_LENGTH :]}"
    below = BARS_TOP + BARS_HEIGHT
    kind = layer.kind if len(name) + len(layer.kind) <= NAME_AND_KIND else ""
    moments = f"mean {number(layer.mean)} · std {number(layer.std)}"
    shares = [f"{percent(layer.zeros)} zeros"] if layer.zeros else []
    shares += [f"{percent(layer.saturated)} saturated"] if layer.saturated else []
    gradient = f"gradient std {number(layer.gradient_std)}"
    told = "\n".join([f"{layer.name} ({layer.kind}), output {layer.shape}", moments, *shares, gradient])
    zero = "" if not layer.low < 0 < layer.high else _zero_mark(layer)
    return Markup(
        '<g class="panel" transform="translate({x} {y})"><title>{told}</title>'
        '<text class="heading" y="12">{name}</text>'
        '<text class="tick" x="{width}" y="12" text-anchor="end">{kind}</text>'
        '<text class="tick" y="27">{moments}</text>'
        '{zero}<path class="bars" d="{bars}"/><path class="base" d="M0 {below}H{width}"/>'
        '<text class="tick" y="{tick}">{low}</text>'
        '<text class="tick" x="{middle}" y="{tick}" text-anchor="middle">{shares}</text>'
        '<text class="tick" x="{width}" y="{tick}" text-anchor="end">{high}</text></g>'
    ).format(
        x=x,
        y=y,
        told=told,
        name=name,
        kind=kind,
        moments=moments,
        shares=", ".join(shares),
        middle=BARS_WIDTH / 2,
        zero=zero,
        bars=_bars(layer.counts),
        below=below,
        width=BARS_WIDTH,
        tick=below + 14,
        low=number(layer.low),
        high=number(layer.high),
    )


def _bars(counts: Sequence[int]) -> str:
    """Writes bars as one path: heights in proportion to counts, the highest as high as there is room."""
    most = max(counts, default=0)
    if most == 0:
        return ""
    wide, below = BARS_WIDTH / len(counts), BARS_TOP + BARS_HEIGHT
    path = [f"M0 {below}"]
    for place, count in enumerate(counts):
        path.append(f"V{below - BARS_HEIGHT * count / most:.1f}H{(place + 1) * wide:.1f}")
    return f"{''.join(path)}V{below}Z"


def _zero_mark(layer: LayerActivity) -> Markup:
    x = round(BARS_WIDTH * -layer.low / (layer.high - layer.low), 1)
    return Markup('<path class="mark" d="M{} {}V{}"/>').format(x, BARS_TOP, BARS_TOP + BARS_HEIGHT)
