"""Numbers that are measured on a device and fetched from it at once."""

from __future__ import annotations

import torch
from torch import Tensor

from trainwright.runs import SKETCH_HIGH, SKETCH_LOW

SKETCHED = 16_384
"""Numbers of one tensor that a sketch counts at most, spread evenly over it; own choice."""


class Readings:
    """Collects tensors on their device under names, and hands all of them over in one transfer.

    >>> readings = Readings()
    >>> readings.add("norms", torch.tensor([3.0, 4.0]))
    >>> readings.fetch()
    {'norms': [3.0, 4.0]}
    """

    def __init__(self) -> None:
        self._kept: dict[str, Tensor] = {}

    def add(self, name: str, numbers: Tensor) -> None:
        """Keeps a tensor of any shape, flat, in float32: counts are exact up to 2²⁴."""
        self._kept[name] = numbers.detach().reshape(-1).float()

    def fetch(self) -> dict[str, list[float]]:
        """Brings everything over, and forgets it."""
        kept, self._kept = self._kept, {}
        if not kept:
            return {}
        device = next(iter(kept.values())).device
        together = torch.cat([numbers.to(device, non_blocking=True) for numbers in kept.values()]).cpu()
        parts = together.split([numbers.numel() for numbers in kept.values()])
        return {name: [_short(one) for one in part.tolist()] for name, part in zip(kept, parts, strict=True)}


def _short(number: float) -> float:
    """Leaves the digits of a float32 away that mean nothing, half of those that would be written.

    >>> _short(torch.tensor(0.1).item())
    0.1
    """
    return float(f"{number:.8g}")


def evenly(numbers: Tensor, most: int = SKETCHED) -> Tensor:
    """Picks at most so many numbers of a tensor, spread evenly over it."""
    flat = numbers.detach().reshape(-1)
    return flat[:: -(-len(flat) // most)] if len(flat) > most else flat


def sketch(numbers: Tensor) -> Tensor:
    """Counts magnitudes by powers of two in bins of fixed number, without waiting for the device.

    The first bin is below 2^SKETCH_LOW, zeros included; then one power of two each; the last is 2^SKETCH_HIGH and
    above, and what is not a number.

    >>> sketch(torch.tensor([0.0, 1.0, -1.5, 2.0])).nonzero().flatten().tolist(), SKETCH_LOW
    ([0, 25, 26], -24)
    """
    few = evenly(numbers).float()
    bins = SKETCH_HIGH - SKETCH_LOW + 2
    _, exponents = torch.frexp(few)
    places = (exponents.long() - SKETCH_LOW).clamp(0, bins - 1)
    places = torch.where(few == 0, 0, torch.where(few.isfinite(), places, bins - 1))
    return torch.zeros(bins, device=few.device).index_add_(0, places, torch.ones_like(few))
