"""Deviations of activations through ten layers, for every scheme of initialization: median of 20 nets.

    uv run python benchmarks/initialization.py

Ten linear layers of 500 units without biases, each with its activation behind it, and 1000 standard normal samples: the
net of Stanford's CS231n notes. What is measured are the activations, not what goes into them.
"""

from __future__ import annotations

from statistics import median

import torch
from torch import nn

from trainwright.models import fit_to_pictures, initialize, layer_signals
from trainwright.models.initialization import SCHEMES
from trainwright.recipe import InitSection

NETS, LAYERS, UNITS, SAMPLES = 20, 10, 500, 1000
SHOWN = (1, 2, 3, 5, 7, 10)
SECTIONS = (
    InitSection(scheme="normal", std=0.01),
    InitSection(scheme="normal", std=1.0),
    *(InitSection.model_validate({"scheme": name}) for name in SCHEMES if name not in ("native", "zeros", "normal")),
)


def deviations(section: InitSection, activation: type[nn.Module], seed: int) -> list[float]:
    """Builds one net and measures the deviation behind each of its activations."""
    torch.manual_seed(seed)
    parts = [part for _ in range(LAYERS) for part in (nn.Linear(UNITS, UNITS, bias=False), activation())]
    model, samples_NF = nn.Sequential(*parts), torch.randn(SAMPLES, UNITS)
    initialize(model, section)
    fit_to_pictures(model, section, samples_NF, seed=seed)
    return [row.std for row in layer_signals(model, samples_NF) if row.kind == activation.__name__]


def main() -> None:
    for activation in (nn.ReLU, nn.Tanh):
        print(f"\n| {activation.__name__} | {' | '.join(f'layer {layer}' for layer in SHOWN)} |")
        print(f"|---|{'---|' * len(SHOWN)}")
        for section in SECTIONS:
            nets = [deviations(section, activation, seed) for seed in range(NETS)]
            cells = [f"{median(net[layer - 1] for net in nets):.2g}" for layer in SHOWN]
            name = f"`{section.scheme}`" + (f", std {section.std:g}" if section.scheme in ("normal", "uniform") else "")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
