"""The paper that the pictures of docs/ are drawn on: one file each, colors for light and dark, nothing beside it."""

from __future__ import annotations

from pathlib import Path

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
EDGE = 24

STYLE = """
text { font: 12px ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: #5a5d64; }
.paper { fill: #fdfdfb; }
.heading { font-size: 13px; font-weight: 650; fill: #1c1d20; }
.tick, .name { font-size: 11.5px; font-variant-numeric: tabular-nums; }
.strong { fill: #1c1d20; }
.grid { stroke: #dcdcd6; stroke-width: .8; fill: none; }
.base { stroke: #5a5d64; stroke-width: 1; fill: none; }
.mark { stroke: #5a5d64; stroke-dasharray: 2 3; fill: none; }
.line { stroke: #1a5fb4; stroke-width: 2; stroke-linejoin: round; fill: none; }
.bars, .dot { fill: #1a5fb4; }
.level { stroke: #c9c9c2; stroke-width: 1; fill: none; }
.goal { fill: #a35c00; }
@media (prefers-color-scheme: dark) {
  text { fill: #a3a7b0; }
  .paper { fill: #16181c; }
  .heading, .strong { fill: #e7e7e3; }
  .grid { stroke: #363a42; }
  .base, .mark { stroke: #a3a7b0; }
  .line { stroke: #82b4ff; }
  .bars, .dot { fill: #82b4ff; }
  .level { stroke: #464b55; }
  .goal { fill: #f0b35f; }
}
"""


def write_picture(name: str, width: float, height: float, told: str, body: str, style: str = "") -> None:
    """Writes docs/pictures/NAME.svg.

    Args:
        told: what a screen reader says.
        body: elements in units of pixels.
        style: CSS beside what all pictures have.
    """
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" '
        f'height="{height:g}" role="img" aria-label="{told}"><style>{STYLE}{style}</style>'
    )
    paper = f'<rect class="paper" width="{width:g}" height="{height:g}"/>'
    path = PICTURES / f"{name}.svg"
    path.write_text(f"{head}{paper}{body}</svg>\n", "utf-8")
    print(f"{path}: {path.stat().st_size / 1024:.0f} KiB")


def bars(counts: list[float], width: float, height: float) -> str:
    """Writes a histogram as one path that stands on y = height, the highest bar as high as there is room."""
    most, wide = max(counts), width / len(counts)
    tops = [f"V{height * (1 - count / most):.1f}H{(place + 1) * wide:.1f}" for place, count in enumerate(counts)]
    return f'<path class="bars" d="M0 {height:g}{"".join(tops)}V{height:g}Z"/>'
