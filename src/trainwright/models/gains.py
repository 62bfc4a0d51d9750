"""The gain of an activation: how much larger the weights in front of it must be, since it takes part of the signal."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

NEGATIVE_SLOPES: Final[dict[str, float]] = {
    "linear": 1.0,
    "relu": 0.0,
    "leaky-relu": 0.01,
    "prelu": 0.25,
    "rrelu": math.sqrt((1 / 64 + 1 / 24 + 1 / 9) / 3),
}
"""Piecewise linear activations and their usual slope below 0 (of `rrelu` the root of the mean square of its range)."""

SMOOTH: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "elu": F.elu,
    "selu": F.selu,
    "silu": F.silu,
    "gelu": F.gelu,
    "mish": F.mish,
    "hardswish": F.hardswish,
    "softplus": F.softplus,
}
"""All other activations of one number, as torch computes them with its usual constants."""

CLASSES: Final[dict[str, str]] = {
    "ReLU": "relu",
    "ReLU6": "relu",
    "LeakyReLU": "leaky-relu",
    "PReLU": "prelu",
    "RReLU": "rrelu",
    "Sigmoid": "sigmoid",
    "Tanh": "tanh",
    "ELU": "elu",
    "SELU": "selu",
    "SiLU": "silu",
    "Swish": "silu",
    "GELU": "gelu",
    "GELUTanh": "gelu",
    "QuickGELU": "gelu",
    "Mish": "mish",
    "Hardswish": "hardswish",
    "HardSwish": "hardswish",
    "Softplus": "softplus",
    "Maxout": "maxout",
}
"""Name of a module's class, torch's or timm's → name of the activation."""

FURTHEST = 12.0
"""Standard deviations up to which the mean over a normal distribution is taken; beyond lie 4e-33 of it."""


@cache
def gain(activation: str, slope: float | None = None) -> float:
    """Computes 1/√E[φ(z)²] for z ~ N(0, 1): with σ = gain/√fan_in the second moment stays from layer to layer.

    √2 for ReLU, √(2/(1+a²)) with slope a below 0. For tanh it is 1.59; torch's 5/3 is a rounder rule of thumb. Maxout
    of two linear maps has 1: the larger of two normal numbers has a mean square of 1.

    Args:
        activation: `linear`, `relu`, `leaky-relu`, `prelu`, `rrelu`, `maxout`, or a name in SMOOTH.
        slope: below 0, for the piecewise linear ones; None takes the usual one.

    Source: He et al. 2015, equations 8 to 15, for any φ.

    >>> gain("relu"), round(gain("tanh"), 4)
    (1.4142135623730951, 1.5925)
    """
    if activation == "maxout":
        return 1.0
    if activation in NEGATIVE_SLOPES:
        below = NEGATIVE_SLOPES[activation] if slope is None else slope
        return math.sqrt(2.0 / (1.0 + below**2))
    z = torch.linspace(-FURTHEST, FURTHEST, 100_001, dtype=torch.float64)
    density = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return 1 / math.sqrt(torch.trapezoid(SMOOTH[activation](z) ** 2 * density, z).item())


def find_activation(model: nn.Module) -> tuple[str, float | None]:
    """Names the activation that a net uses most often, and its slope below 0 where it has one; `relu` if none is known.

    One gain for the whole net: what stands elsewhere (the sigmoids of a few gates) does not decide.

    >>> find_activation(nn.Sequential(nn.LeakyReLU(0.1), nn.LeakyReLU(0.1), nn.Sigmoid()))
    ('leaky-relu', 0.1)
    """
    found = [(CLASSES[kind], module) for module in model.modules() if (kind := type(module).__name__) in CLASSES]
    if not found:
        return "relu", None
    name = Counter(name for name, _ in found).most_common(1)[0][0]
    first: Any = next(module for other, module in found if other == name)
    if name == "leaky-relu":
        return name, first.negative_slope
    if name == "prelu":
        return name, first.weight.detach().mean().item()
    if name == "rrelu":
        return name, math.sqrt((first.lower**2 + first.lower * first.upper + first.upper**2) / 3)
    return name, None
