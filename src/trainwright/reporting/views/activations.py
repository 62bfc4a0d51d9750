"""What one batch does in every layer of a net before its first step, in columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..wording import plural, printable

WEIGHTED = ("Conv1d", "Conv2d", "Conv3d", "Linear")
"""Kinds of layers whose outputs the schemes of initialization speak of."""


@dataclass(frozen=True, kw_only=True)
class LayerActivity:
    """One layer. Numbers that are not finite, or that do not apply, are None; shares are 0 to 1.

    `gradient_std` is of the derivative of one picture's loss by the layer's output; `counts` are those of equal bins
    from `low` to `high`.
    """

    name: str
    kind: str
    shape: str
    mean: float | None
    std: float | None
    zeros: float
    saturated: float | None
    gradient_std: float | None
    low: float
    high: float
    counts: tuple[int, ...]

    @property
    def weighted(self) -> bool:
        """Says whether the layer is a convolution or a linear layer."""
        return self.kind.endswith(WEIGHTED)


@dataclass(frozen=True, kw_only=True)
class ActivationsView:
    """All layers in the order in which they are called, and what was looked at."""

    title: str
    subtitle: str
    layers: tuple[LayerActivity, ...]

    @property
    def ends(self) -> tuple[LayerActivity, LayerActivity] | None:
        """The first and the last convolution or linear layer before the last layer of all; None where there are less
        than two."""
        weighted = [layer for layer in self.layers[:-1] if layer.weighted]
        return (weighted[0], weighted[-1]) if len(weighted) > 1 else None


def activations_view(facts: Mapping[str, Any]) -> ActivationsView:
    """Reads what `activations --json` prints.

    Args:
        facts: see `workflows.activations.Activations`.
    """
    layers = tuple(
        LayerActivity(
            name=printable(row["name"]) or "net",
            kind=row["kind"],
            shape="×".join(map(str, row["output_shape"])) or "1",
            counts=tuple(row["counts"]),
            **{name: row[name] for name in ("mean", "std", "zeros", "saturated", "gradient_std", "low", "high")},
        )
        for row in facts["layers"]
    )
    scheme = f"{facts['scheme']}, centered" if facts["centered_weight_norm"] else facts["scheme"]
    return ActivationsView(
        title=printable(f"{facts['model']} before its first step: {scheme}"),
        subtitle=printable(f"{plural(facts['pictures'], 'training picture')} of {facts['data']}, as they are"),
        layers=layers,
    )
