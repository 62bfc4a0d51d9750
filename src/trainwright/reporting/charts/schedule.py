"""The planned learning rate as a file of its own, for a look before training."""

from __future__ import annotations

from markupsafe import Markup

from ..views.schedule import PlannedRates
from ..wording import count, number, plural
from .lines import HEIGHT, WIDTH, Mark, Series, line_chart

MARGIN = 16

STYLE = """
text { font: 12px system-ui, sans-serif; fill: #5a5d64; }
.heading { font-size: 12.5px; font-weight: 650; fill: #1c1d20; }
.strong { fill: #1c1d20; }
.paper { fill: #fdfdfb; }
.grid { stroke: #dcdcd6; stroke-width: .8; }
.base { stroke: #5a5d64; }
.line { stroke: #1a5fb4; stroke-width: 2; stroke-linejoin: round; fill: none; }
.dot { fill: #1a5fb4; }
.mark { stroke: #5a5d64; stroke-dasharray: 2 3; fill: none; }
.pointer rect { fill-opacity: 0; }
.pointer path { stroke: #1c1d20; stroke-opacity: 0; }
.pointer:hover path { stroke-opacity: .45; }
@media (prefers-color-scheme: dark) {
  text { fill: #a3a7b0; }
  .heading, .strong { fill: #e7e7e3; }
  .paper { fill: #16181c; }
  .grid { stroke: #363a42; }
  .base, .mark { stroke: #a3a7b0; }
  .line { stroke: #82b4ff; }
  .dot { fill: #82b4ff; }
  .pointer path { stroke: #e7e7e3; }
}
"""
"""Plain colors, so that viewers draw them that know less of CSS than a browser."""


def schedule_chart(plan: PlannedRates) -> Markup:
    """Draws the learning rate over the steps of a run, and points out where it is highest."""
    length = f"{plural(plan.epochs, 'epoch')} of {plural(plan.steps_per_epoch, 'step')}"
    peak = f"{number(plan.peak_rate)} at step {count(plan.peak_step)}"
    return line_chart(
        plan.steps,
        [Series("rate", "plain", plan.rates)],
        title=f"Learning rate: {plan.schedule}, {length}",
        x_label="step",
        mark=Mark(plan.peak_step, peak if plan.known_in_advance else f"{peak}, before any drop"),
        floor=0.0,
    )


def schedule_file(plan: PlannedRates) -> str:
    """Writes the chart as an SVG file that needs no page around it."""
    width, height = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    box = f"{-MARGIN} {-MARGIN} {width} {height}"
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="{2 * width}" height="{2 * height}">'
    paper = f'<rect class="paper" x="{-MARGIN}" y="{-MARGIN}" width="{width}" height="{height}"/>'
    chart = str(schedule_chart(plan)).replace("<svg ", f'<svg width="{WIDTH}" height="{HEIGHT}" ', 1)
    return f"{head}<style>{STYLE}</style>{paper}{chart}</svg>\n"
