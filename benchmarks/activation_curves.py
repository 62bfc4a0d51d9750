"""Draws docs/pictures/activation-curves.svg: every activation of one number from -4 to 4, from the registry.

uv run python benchmarks/activation_curves.py
"""

from __future__ import annotations

from pathlib import Path

import torch

from trainwright.models.activations import ACTIVATIONS, PIECES

PICTURE = Path(__file__).parents[1] / "docs" / "pictures" / "activation-curves.svg"
COLUMNS, SIDE, GAP, REACH = 5, 120, 26, 4.0


def curve(name: str) -> str:
    """Computes the points of a curve as the layer computes them at test time, in pixels of its panel."""
    inputs = torch.linspace(-REACH, REACH, 81)
    outputs = ACTIVATIONS[name](1, 0.1).eval()(inputs.clone().reshape(-1, 1, 1, 1)).flatten()
    scale = SIDE / (2 * REACH)
    points = (
        (scale * (x + REACH), scale * (REACH - y)) for x, y in zip(inputs.tolist(), outputs.tolist(), strict=True)
    )
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points if 0 <= y <= SIDE)


def panel(number: int, name: str) -> str:
    """Draws the axes, the curve and the name of one activation."""
    left, top = number % COLUMNS * (SIDE + GAP) + GAP, number // COLUMNS * (SIDE + GAP) + GAP
    label = f"{name}, slope 0.1" if name == "leaky-relu" else f"{name}, mean slope" if name == "rrelu" else name
    middle = SIDE / 2
    return (
        f'<g transform="translate({left},{top})"><text x="0" y="-6">{label}</text>'
        f'<path class="axes" d="M0 {middle}H{SIDE}M{middle} 0V{SIDE}"/><polyline points="{curve(name)}"/></g>'
    )


def main() -> None:
    names = [name for name in ACTIVATIONS if name not in PIECES]
    with torch.no_grad():
        panels = [panel(number, name) for number, name in enumerate(names)]
    width, height = COLUMNS * (SIDE + GAP) + GAP, -(-len(names) // COLUMNS) * (SIDE + GAP) + GAP
    style = (
        "text{font:12px sans-serif;fill:#333}.axes{stroke:#bbb;fill:none}"
        "polyline{stroke:#1f5fa8;stroke-width:2;fill:none}"
    )
    PICTURE.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{style}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/>{"".join(panels)}</svg>\n'
    )


if __name__ == "__main__":
    main()
