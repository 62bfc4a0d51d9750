"""What the layers of a net give out on pictures that stay the same, summed up while it runs.

Nothing is kept but sums of fixed size: of a layer's numbers, of its units, and one number a picture of up to 64 units.

Legend: L layers, N pictures, U units (channels, features), P positions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from trainwright.runs import WatchedLayer

from .layers import Called
from .readings import Readings, evenly, sketch

CORRELATED = 64
"""Units of a layer that are compared with each other at most; own choice."""

HARDLY = 1e-3
"""A unit is constant where it differs over pictures by less than this share of its size; own choice."""

SATURATED = 0.05
"""A unit is saturated where its mean derivative is below this share of the greatest. Source: faults.md's definition."""

DYING = frozenset({"relu", "relu6"})
HALVES = DYING | {"leakyrelu", "leaky_relu", "prelu"}
"""Activations that are a straight line on either side of 0."""


class LayerSums:
    """Sums up what one layer gives out, chunk by chunk."""

    def __init__(self, called: Called) -> None:
        self.units = called.output.shape[called.axis]
        self.count = 0
        self.numbers: list[tuple[int, Tensor, Tensor]] = []
        self.nonzero: list[Tensor] = []
        self.highest_U: Tensor | None = None
        self.lowest_U: Tensor | None = None
        self.slopes_U: list[Tensor] = []
        self.squares_U: list[Tensor] = []
        self.marks_NU: list[Tensor] = []
        self.sketch: Tensor | None = None

    def add(self, called: Called, pictures: int) -> None:
        """Adds what came out for some pictures."""
        out_NUP = _by_unit(called, pictures)
        if out_NUP is None or out_NUP.shape[1] != self.units:
            return
        kind = called.kind.lower()
        # std_mean and count_nonzero take three times as long on a CPU (torch 2.15, 28x28 maps of 32 channels).
        mean = out_NUP.mean()
        deviation = torch.linalg.vector_norm(out_NUP - mean) / math.sqrt(out_NUP.numel())
        self.numbers.append((out_NUP.numel(), mean, deviation))
        self.nonzero.append(out_NUP.sign().square_().sum())
        if kind in HALVES:
            low_U, high_U = out_NUP.amin((0, 2)), out_NUP.amax((0, 2))
            self.highest_U = high_U if self.highest_U is None else torch.maximum(self.highest_U, high_U)
            self.lowest_U = low_U if self.lowest_U is None else torch.minimum(self.lowest_U, low_U)
        slope_NUP = _slope(kind, out_NUP, called.bounds)
        if slope_NUP is not None:
            self.slopes_U.append(slope_NUP.mean((0, 2)) * pictures)
        self.squares_U.append(out_NUP.square().mean((0, 2)) * pictures)
        self.marks_NU.append(out_NUP @ _signs(out_NUP) / math.sqrt(out_NUP.shape[2]))
        counted = sketch(evenly(out_NUP))
        self.sketch = counted if self.sketch is None else self.sketch + counted
        self.count += pictures

    def read(self, name: str, readings: Readings) -> None:
        """Puts what is to be told into readings, still on the device."""
        if not self.count:
            return
        sizes = torch.tensor([float(size) for size, _, _ in self.numbers], device=self.numbers[0][1].device)
        shares = sizes / sizes.sum()
        means = torch.stack([mean for _, mean, _ in self.numbers])
        spreads = torch.stack([deviation for _, _, deviation in self.numbers])
        mean = (shares * means).sum()
        deviation = (shares * (spreads.square() + (means - mean).square())).sum().sqrt()
        zeros = 1.0 - torch.stack(self.nonzero).sum() / sizes.sum()
        marks_NU = torch.cat(self.marks_NU)
        size_U = (torch.stack(self.squares_U).sum(0) / self.count).sqrt()
        constant = (marks_NU.std(0, correction=0) <= HARDLY * size_U).float().mean()
        told = [mean, deviation, zeros, constant, _correlation(marks_NU)]
        readings.add(f"{name}/all", torch.stack([number.float() for number in told]))
        if self.highest_U is not None and self.lowest_U is not None:
            dead, on = (self.highest_U <= 0).float().mean(), (self.lowest_U > 0).float().mean()
            readings.add(f"{name}/halves", torch.stack([dead, on]))
        if self.slopes_U:
            readings.add(f"{name}/slopes", (torch.stack(self.slopes_U).sum(0) / self.count < SATURATED).float().mean())
        if self.sketch is not None:
            readings.add(f"{name}/sketch", self.sketch)


class NetSums:
    """Sums up the layers of a net over one walk or several.

    Args:
        layers: which to look at.
    """

    def __init__(self, layers: Sequence[WatchedLayer]) -> None:
        self.layers: dict[str, LayerSums | None] = {layer.name: None for layer in layers}
        self.pictures = 0

    def look(self, called: Called) -> None:
        """Looks at the output of a layer."""
        if called.name in self.layers:
            sums = self.layers[called.name] or LayerSums(called)
            sums.add(called, self.pictures)
            self.layers[called.name] = sums

    def read(self, readings: Readings) -> None:
        """Puts what is to be told of all layers into readings."""
        for name, sums in self.layers.items():
            if sums is not None:
                sums.read(name, readings)


@dataclass(frozen=True)
class UnitColumns:
    """L numbers each; see `UnitsRecord`."""

    mean: tuple[float | None, ...]
    deviation: tuple[float | None, ...]
    zeros: tuple[float | None, ...]
    dead: tuple[float | None, ...]
    always_on: tuple[float | None, ...]
    saturated: tuple[float | None, ...]
    constant: tuple[float | None, ...]
    correlation: tuple[float | None, ...]
    sketches: tuple[tuple[int, ...], ...]


def unit_columns(layers: Sequence[WatchedLayer], fetched: Mapping[str, list[float]]) -> UnitColumns:
    """Puts fetched readings into columns, in the order of the layers; None where a layer was not called."""
    nothing: list[float | None] = [None] * 5
    rows = [fetched.get(f"{layer.name}/all", nothing) for layer in layers]
    mean, deviation, zeros, constant, correlation = (tuple(row[place] for row in rows) for place in range(5))
    halves = [fetched.get(f"{layer.name}/halves", nothing[:2]) for layer in layers]
    return UnitColumns(
        mean=mean,
        deviation=deviation,
        zeros=zeros,
        dead=tuple(row[0] if layer.kind.lower() in DYING else None for layer, row in zip(layers, halves, strict=True)),
        always_on=tuple(row[1] for row in halves),
        saturated=tuple(fetched.get(f"{layer.name}/slopes", nothing)[0] for layer in layers),
        constant=constant,
        correlation=tuple(None if number is None or math.isnan(number) else number for number in correlation),
        sketches=tuple(tuple(int(count) for count in fetched.get(f"{layer.name}/sketch", ())) for layer in layers),
    )


def _by_unit(called: Called, pictures: int) -> Tensor | None:
    """Brings an output into the form N U P; None where pictures are not along its first axis."""
    out, axis = called.output, called.axis
    if out.dtype in (torch.float16, torch.bfloat16):
        out = out.float()
    if out.ndim == 1:
        out, axis = out[:, None], 1
    if out.shape[0] % pictures:
        return None
    if axis == 0:
        return None
    by_unit = out.movedim(axis, 1)
    if len(out) != pictures:  # windows of a picture stand one after another along the first axis
        by_unit = by_unit.unflatten(0, (pictures, -1)).movedim(1, -1)
    return by_unit.flatten(2) if by_unit.ndim > 2 else by_unit[:, :, None]


def _slope(kind: str, out: Tensor, bounds: tuple[float, float] | None) -> Tensor | None:
    """Computes f'(z) over its greatest value from f(z), of activations that saturate."""
    if kind == "tanh":
        return 1 - out.square()
    if kind == "sigmoid":
        return 4 * out * (1 - out)
    if kind == "softsign":
        return (1 - out.abs()).square()
    if kind == "hardsigmoid":
        bounds = (0.0, 1.0)
    return None if bounds is None else ((out > bounds[0]) & (out < bounds[1])).float()


def _signs(out_NUP: Tensor) -> Tensor:
    """Draws ±1 for positions, always the same: a sum with them differs where two maps differ anywhere."""
    positions = out_NUP.shape[2]
    drawn = torch.Generator().manual_seed(positions)
    signs_P = torch.randint(0, 2, (positions,), generator=drawn) * 2 - 1 if positions > 1 else torch.ones(1)
    return signs_P.to(out_NUP)


def _correlation(marks_NU: Tensor) -> Tensor:
    """Computes the mean absolute correlation of up to `CORRELATED` units over pictures; NaN where there is none."""
    units = marks_NU.shape[1]
    some_NU = marks_NU[:, :: -(-units // CORRELATED)] if units > CORRELATED else marks_NU
    centered_NU = some_NU - some_NU.mean(0)
    norms_U = centered_NU.norm(dim=0)
    lives_U = (norms_U > 0).float()
    scaled_NU = centered_NU / torch.where(norms_U > 0, norms_U, 1.0)
    between_UU = (scaled_NU.T @ scaled_NU).abs()
    pairs = lives_U.sum() * (lives_U.sum() - 1)
    return (between_UU.sum() - between_UU.diagonal().sum()) / pairs
