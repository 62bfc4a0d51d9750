"""Draws docs/pictures/initialization.svg: what a signal becomes on its way through ten layers, by scheme.

    uv run python benchmarks/draw/initialization.py

The nets of benchmarks/initialization.py, the first of the 20: ten linear layers of 500 units without biases, 1000
standard normal samples, seed 0. Each histogram has a height of its own.
"""

from __future__ import annotations

import torch
from paper import EDGE, bars, write_picture
from torch import nn

from trainwright.models import initialize
from trainwright.recipe import InitSection

LAYERS, UNITS, SAMPLES, BINS = 10, 500, 1000, 41
SHOWN = (
    ("tanh, normal, std 0.01: the signal dies", nn.Tanh, InitSection(scheme="normal", std=0.01)),
    ("tanh, normal, std 1: all at −1 and 1, where no gradient passes", nn.Tanh, InitSection(scheme="normal", std=1.0)),
    ("tanh, xavier: it lasts", nn.Tanh, InitSection(scheme="xavier")),
    ("ReLU, xavier: half of the variance is lost in each layer", nn.ReLU, InitSection(scheme="xavier")),
    ("ReLU, kaiming: it stays", nn.ReLU, InitSection(scheme="kaiming")),
)
WIDTH, HEIGHT, GAP, HEAD, FOOT = 78, 52, 10, 22, 20


def outputs(activation: type[nn.Module], section: InitSection) -> list[torch.Tensor]:
    """Gives what each activation gives out."""
    torch.manual_seed(0)
    parts = [part for _ in range(LAYERS) for part in (nn.Linear(UNITS, UNITS, bias=False), activation())]
    model, samples_NF = nn.Sequential(*parts), torch.randn(SAMPLES, UNITS)
    initialize(model, section)
    found = []
    with torch.no_grad():
        for layer in model:
            samples_NF = layer(samples_NF)
            if isinstance(layer, activation):
                found.append(samples_NF)
    return found


def main() -> None:
    parts = []
    for row, (told, activation, section) in enumerate(SHOWN):
        y = EDGE + row * (HEAD + HEIGHT + FOOT + 14)
        parts.append(f'<text class="heading" x="{EDGE}" y="{y + 12}">{told}</text>')
        low, high = (-1.0, 1.0) if activation is nn.Tanh else (0.0, 3.0)
        for layer, values_NF in enumerate(outputs(activation, section)):
            x = EDGE + layer * (WIDTH + GAP)
            counts = torch.histc(values_NF, BINS, low, high).tolist()
            if activation is nn.ReLU:
                counts[0] = max(counts[1:])
            spread = f"{values_NF.std().item():.2g}"
            parts.append(
                f'<g transform="translate({x} {y + HEAD})">{bars(counts, WIDTH, HEIGHT)}'
                f'<path class="base" d="M0 {HEIGHT}H{WIDTH}"/>'
                f'<text class="tick" x="{WIDTH / 2}" y="{HEIGHT + 14}" text-anchor="middle">{spread}</text></g>'
            )
    height = EDGE + len(SHOWN) * (HEAD + HEIGHT + FOOT + 14) + 20
    ends = "from −1 to 1 with tanh, from 0 to 3 with ReLU (whose bar of zeros, half of all, is cut)"
    under = f"Activations of layers 1 to {LAYERS}, {ends}; below, their deviation."
    parts.append(f'<text x="{EDGE}" y="{height - 18}">{under}</text>')
    width = 2 * EDGE + LAYERS * (WIDTH + GAP) - GAP
    write_picture(
        "initialization", width, height, "Activations of ten layers under five initializations", "".join(parts)
    )


if __name__ == "__main__":
    main()
