"""Draws docs/pictures/convolution.svg: a convolution and its two gradients, which are convolutions, with numbers.

    uv run python benchmarks/draw/convolution.py

The three sums are torch's own; tests/reference/test_building_blocks.py compares the picture with the page.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from paper import EDGE, write_picture
from torch import Tensor
from torch.nn import functional as F

CELL, GAP, HEAD, LABEL = 34, 46, 34, 17
WIDTH = 560
TOPS = (40, 228, 416)
HEIGHT = TOPS[-1] + HEAD + 4 * CELL + LABEL + EDGE
STYLE = """
text { font-size: 13px; }
.cell { text-anchor: middle; font-variant-numeric: tabular-nums; fill: #1c1d20; }
.sign { text-anchor: middle; font-size: 20px; }
.box { fill: none; stroke: #c9c9c2; }
.seen { fill: #cfe1f7; stroke: #1a5fb4; }
.made { fill: #f6dcb8; stroke: #a35c00; }
@media (prefers-color-scheme: dark) {
  .cell { fill: #e7e7e3; }
  .box { stroke: #464b55; }
  .seen { fill: #1d3a5f; stroke: #82b4ff; }
  .made { fill: #553a10; stroke: #f0b35f; }
}
"""

X = torch.tensor([[1.0, 2, 0], [0, 1, 3], [2, 0, 1]])
W = torch.tensor([[1.0, -1], [2, 0]])
G = torch.tensor([[1.0, 0], [-1, 2]])


class Panel(NamedTuple):
    """One sum of products: `kernel` is laid over `picture`, and `place` is the number that is pointed out.

    Attributes:
        names, labels: of kernel, picture and what comes out; names are ids in the file.
    """

    heading: str
    told: str
    kernel: Tensor
    picture: Tensor
    place: tuple[int, int]
    names: tuple[str, str, str]
    labels: tuple[str, str, str]


PANELS = (
    Panel(
        "Forward: y = w ⋆ x",
        "each number is the kernel laid over the picture, products summed",
        W,
        X,
        (0, 1),
        ("w", "x", "y"),
        ("kernel w", "picture x", "output y"),
    ),
    Panel(
        "Weights: ∂L/∂w = g ⋆ x",
        "each number is the gradient laid over what that tap of the kernel saw",
        G,
        X,
        (0, 1),
        ("g", "x-again", "dw"),
        ("gradient g = ∂L/∂y", "picture x", "∂L/∂w"),
    ),
    Panel(
        "Inputs: ∂L/∂x = turned w ⋆ g",
        "each number is the turned kernel laid over the gradient with zeros around it",
        W.flip(0, 1),
        F.pad(G, (1, 1, 1, 1)),
        (1, 1),
        ("turned", "around", "dx"),
        ("turned w", "g with zeros around", "∂L/∂x"),
    ),
)


def draw_panel(panel: Panel, top: float) -> str:
    out = F.conv2d(panel.picture[None, None], panel.kernel[None, None])[0, 0]
    parts = [
        f'<text class="heading" x="{EDGE}" y="{top}">{panel.heading}</text>',
        f'<text x="{EDGE}" y="{top + 19}">{panel.told}</text>',
    ]
    highest = max(len(panel.picture), len(out))
    size = len(panel.kernel)
    drawn = (
        (panel.kernel, (0, 0), size, "seen"),
        (panel.picture, panel.place, size, "seen"),
        (out, panel.place, 1, "made"),
    )
    x = EDGE + 30.0
    for name, label, sign, (values, *filled) in zip(panel.names, panel.labels, "⋆= ", drawn, strict=True):
        y, wide = top + HEAD + (highest - len(values)) * CELL / 2, values.shape[1] * CELL
        parts.append(draw_grid(name, values, x, y, *filled))
        below = y + len(values) * CELL + LABEL
        parts.append(f'<text x="{x + wide / 2}" y="{below}" text-anchor="middle">{label}</text>')
        x += wide + GAP
        parts.append(f'<text class="sign" x="{x - GAP / 2}" y="{top + HEAD + highest * CELL / 2 + 7}">{sign}</text>')
    return "".join(parts)


def draw_grid(name: str, values: Tensor, x: float, y: float, corner: tuple[int, int], size: int, style: str) -> str:
    """Draws a matrix with its upper left corner at x, y; a square of `size` cells from `corner` on is filled."""
    boxes, filled, texts = [], [], []
    for row, line in enumerate(values.tolist()):
        for column, value in enumerate(line):
            inside = 0 <= row - corner[0] < size and 0 <= column - corner[1] < size
            left, top = column * CELL, row * CELL
            box = f'x="{left}" y="{top}" width="{CELL}" height="{CELL}"/>'
            boxes.append(f'<rect class="box" {box}')
            filled += [f'<rect class="{style}" {box}'] if inside else []
            shown = f"{value:g}".replace("-", "−")
            texts.append(f'<text class="cell" x="{left + CELL / 2}" y="{top + CELL / 2 + 5}">{shown}</text>')
    return f'<g id="{name}" transform="translate({x} {y})">{"".join([*boxes, *filled, *texts])}</g>'


def main() -> None:
    panels = "".join(draw_panel(panel, top) for panel, top in zip(PANELS, TOPS, strict=True))
    told = "A convolution, its gradient by the weights and its gradient by the inputs"
    write_picture("convolution", WIDTH, HEIGHT, told, panels, STYLE)


if __name__ == "__main__":
    main()
