"""Draws docs/pictures/optimizers.svg: the way of every optimizer through a narrow valley, made by its own steps.

    uv run python benchmarks/draw/optimizers.py

The loss is ½ (x² + 20 y²), the start (−9, 2.4), 40 steps; no decay; the rates stand in the picture.
"""

from __future__ import annotations

import math

import torch
from paper import EDGE, write_picture
from torch import nn

from trainwright.recipe import OptimSection
from trainwright.training import build_optimizer

STEEP, START, STEPS = 20.0, (-9.0, 2.4), 40
SHOWN: dict[str, dict[str, object]] = {
    "sgd without momentum": {"name": "sgd", "momentum": 0.0, "nesterov": False, "lr": 0.09},
    "momentum": {"name": "momentum", "lr": 0.03},
    "nesterov": {"name": "nesterov", "lr": 0.03},
    "adagrad": {"name": "adagrad", "lr": 1.5},
    "rmsprop": {"name": "rmsprop", "lr": 0.2},
    "adam": {"name": "adam", "lr": 0.5},
}
COLUMNS, WIDTH, HEIGHT, HEAD = 3, 290, 110, 34
SCALE = WIDTH / 20


def way(settings: dict[str, object]) -> list[tuple[float, float]]:
    """Makes the steps and gives all places, the start first."""
    holder = nn.Module()
    holder.place = nn.Parameter(torch.tensor([START]))
    optimizer = build_optimizer(OptimSection.model_validate({"weight_decay": 0.0, **settings}), holder)
    places = [START]
    for _ in range(STEPS):
        optimizer.zero_grad()
        x, y = holder.place[0]
        (0.5 * (x**2 + STEEP * y**2)).backward()
        optimizer.step()
        places.append((holder.place[0, 0].item(), holder.place[0, 1].item()))
    return places


def at(x: float, y: float) -> str:
    return f"{WIDTH / 2 + x * SCALE:.1f} {HEIGHT / 2 - y * SCALE:.1f}"


def main() -> None:
    levels = "".join(
        f'<ellipse class="level" cx="{WIDTH / 2}" cy="{HEIGHT / 2}" rx="{radius * SCALE:.1f}" '
        f'ry="{radius * SCALE / math.sqrt(STEEP):.1f}"/>'
        for radius in (1, 3, 5, 7, 9, 11, 14)
    )
    goal = f'<circle class="goal" cx="{WIDTH / 2}" cy="{HEIGHT / 2}" r="4"/>'
    parts = []
    for number, (name, settings) in enumerate(SHOWN.items()):
        places = way(settings)
        x, y = EDGE + number % COLUMNS * (WIDTH + EDGE), EDGE + number // COLUMNS * (HEIGHT + HEAD + EDGE)
        dots = "".join('<circle class="dot" cx="{}" cy="{}" r="2.2"/>'.format(*at(*place).split()) for place in places)
        end_x, end_y = places[-1]
        loss = 0.5 * (end_x**2 + STEEP * end_y**2)
        parts.append(
            f'<text class="heading" x="{x}" y="{y + 12}">{name}</text>'
            f'<text class="tick" x="{x}" y="{y + 28}">'
            f"lr {settings['lr']}, loss {loss:.2g} after {STEPS} steps</text>"
            f'<svg x="{x}" y="{y + HEAD}" width="{WIDTH}" height="{HEIGHT}">{levels}{goal}'
            f'<path class="line" d="M{"L".join(at(*place) for place in places)}"/>{dots}</svg>'
        )
    rows = -(-len(SHOWN) // COLUMNS)
    width, height = EDGE + COLUMNS * (WIDTH + EDGE), EDGE + rows * (HEIGHT + HEAD + EDGE)
    style = ".line { stroke-width: 1.2; }"
    write_picture("optimizers", width, height, "Six optimizers on their way down a valley", "".join(parts), style)


if __name__ == "__main__":
    main()
