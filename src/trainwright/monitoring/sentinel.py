"""One small tensor that tells what becomes of gradients between backward and the optimizer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Set

import torch
from torch import Tensor, nn

from .readings import Readings

ENOUGH = 8
"""Numbers from which on two gradients that have nothing to do with each other are told apart by their angle."""

LEAST_SCALE = 16.0
"""A gradient that is exactly a power of two, at least this, smaller than what came in was scaled up for float16."""


class Sentinel:
    """Adds up what backward brings to one tensor, to be compared with what the optimizer gets.

    Args:
        parameters: of the net; the smallest one that learns and has `ENOUGH` numbers is taken, the last of equal ones.
        held: ids of those that the optimizer holds.
        scaler: scales the loss for float16; where nobody gave it, the scale is guessed from what came of it.
    """

    def __init__(
        self, parameters: Mapping[str, nn.Parameter], held: Set[int], scaler: torch.amp.GradScaler | None = None
    ) -> None:
        able = [tensor for tensor in parameters.values() if tensor.requires_grad and id(tensor) in held]
        large = [tensor for tensor in able if tensor.numel() >= ENOUGH]
        # Of equal ones the last: near the output a gradient is the last to vanish.
        self.tensor = min(reversed(large), key=Tensor.numel) if large else max(able, key=Tensor.numel, default=None)
        self.asleep = False
        self.scaler = scaler
        self.scale = 1.0
        self._sum: Tensor | None = None
        self._left: Tensor | None = None
        self._backwards = 0
        self._spoiled = False
        self._hook = None if self.tensor is None else self.tensor.register_hook(self._add)

    def _add(self, gradient: Tensor) -> None:
        if self.asleep:
            return
        with torch.no_grad():
            if (
                self._backwards == 0 and self.tensor is not None
            ):  # called before this gradient is added to what is there
                left = self.tensor.grad
                self._left = None if left is None or left.is_sparse else left.detach().norm()
            self._backwards += 1
            self._sum = gradient.detach().clone() if self._sum is None else self._sum.add_(gradient)

    def read(self, readings: Readings) -> None:
        """Measures, with the gradients as the optimizer got them."""
        tensor = self.tensor
        if tensor is None or tensor.grad is None or self._sum is None or self._sum.is_sparse:
            return
        if self.scaler is not None and self.scaler.is_enabled():
            self.scale = self.scaler.get_scale()
        got, came = tensor.grad.detach().double(), self._sum.double()
        # What came in may still be scaled for float16: its length is taken out before float32 can overflow.
        left = torch.zeros_like(got.norm()) if self._left is None else self._left.double()
        readings.add("sentinel", torch.stack([got.norm(), came.norm(), _cosine(got, came), left]))

    def told(
        self, fetched: Mapping[str, list[float]], *, alone: bool
    ) -> tuple[int | None, float | None, float | None, float | None]:
        """Gives `backwards`, `kept`, `fresh` and `left`.

        Args:
            alone: False where several processes share a step, whose gradients this one does not see.
        """
        if self.tensor is None:
            return None, None, None, None
        if "sentinel" not in fetched or self._spoiled or not alone:
            return self._backwards, None, None, None
        got, came, cosine, left = fetched["sentinel"]
        if not (math.isfinite(got) and math.isfinite(came) and got > 0 and came > 0):
            return self._backwards, None, None, None
        kept = got / came
        exponent = math.log2(1 / kept)
        exact = self.scaler is None and 1 / kept >= LEAST_SCALE
        if exact and abs(exponent - round(exponent)) < 1e-6 and cosine > 1 - 1e-6:
            self.scale = 2.0 ** round(exponent)
        return self._backwards, kept * self.scale, cosine, left / came

    def begin_anew(self) -> None:
        """Forgets what came in: the optimizer has made its step."""
        self._sum, self._backwards, self._spoiled = None, 0, False

    def spoil(self) -> None:
        """Takes note that something came in which the optimizer may never get, as in a step that float16 leaves out."""
        self._spoiled = True

    def close(self) -> None:
        """Takes the hook off."""
        if self._hook is not None:
            self._hook.remove()


def _cosine(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum() / (one.norm() * other.norm())
