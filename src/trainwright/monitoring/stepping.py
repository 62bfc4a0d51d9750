"""An optimizer's step seen from both sides: weights before it, gradients as it gets them, weights after it.

T parameter tensors.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence, Set
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from trainwright.runs import WatchedLayer
from trainwright.training import top_rate

from .readings import Readings, sketch
from .sentinel import Sentinel


@dataclass(frozen=True)
class Columns:
    """What a step did, T numbers each; see `ProbeRecord`."""

    gradients: tuple[float | None, ...]
    weights: tuple[float | None, ...]
    updates: tuple[float | None, ...]
    turns: tuple[float | None, ...]
    zero_gradients: tuple[float | None, ...]
    predicted_change: float | None
    sketches: tuple[tuple[int, ...], ...]


class Stepping:
    """Looks at the steps of an optimizer that somebody asks for; at all others it costs next to nothing.

    Args:
        parameters: of the net, in the order of the columns.
        due: whether the step that begins is to be looked at.
        sketched: whether its gradients are also sketched.
        absorbed: names of tensors whose gradient is 0 but for rounding, such as biases before a normalization.
        scaler: scales the loss for float16.
        guarded: makes a context in which nothing that goes wrong reaches the optimizer.

    Attributes:
        readings: of the last step that was looked at.
        cost_s: what looking took within the last step.
        broken: something went wrong while it looked; it never looks again.
        rate: the learning rate of the last step that was looked at.
    """

    def __init__(
        self,
        parameters: Mapping[str, nn.Parameter],
        optimizer: Optimizer,
        *,
        due: Callable[[], bool],
        sketched: Callable[[], bool],
        absorbed: Set[str] = frozenset(),
        scaler: torch.amp.GradScaler | None = None,
        guarded: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self.names = list(parameters)
        self.tensors = list(parameters.values())
        self.due = due
        self.sketched = sketched
        self.readings = Readings()
        self.guarded = guarded
        self.broken = False
        self.cost_s = 0.0
        self.rate = top_rate(optimizer)
        held = {id(tensor) for group in optimizer.param_groups for tensor in group["params"]}
        self.sentinel = Sentinel({name: parameters[name] for name in self.names if name not in absorbed}, held, scaler)
        self._before: list[Tensor] | None = None
        self._seen = False
        self._stepped = False
        self._with_gradient: list[int] = []
        self._unfed: dict[str, float] = {}
        # Optimizers around others (timm's Lookahead) never call hooks of their own.
        inner = getattr(optimizer, "_base_optimizer", optimizer)
        self._whole = inner is optimizer
        self._hooks = [inner.register_step_pre_hook(self._begin), inner.register_step_post_hook(self._end)]

    @torch.no_grad()
    def _begin(self, optimizer: Optimizer, _args: tuple[Any, ...], _named: dict[str, Any]) -> None:
        if self.broken or not self.due():
            return
        self.broken = True
        with self.guarded():
            settle(self.tensors[0].device)
            self.rate = top_rate(optimizer)
            began = time.perf_counter()
            self._before = [tensor.detach().clone() for tensor in self.tensors]
            self.cost_s = time.perf_counter() - began
            self.broken = False

    @torch.no_grad()
    def _end(self, _optimizer: Optimizer, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        before, self._before = self._before, None
        self._seen, self._stepped = False, True
        if before is None:
            return
        self.broken = True
        with self.guarded():
            began = time.perf_counter()
            self.readings = Readings()
            if not (args[1:] or named.get("closure")):  # a closure makes its own backwards in the middle of the step
                self.sentinel.read(self.readings)
            self._measure(before)
            self.cost_s += time.perf_counter() - began
            self._seen, self.broken = True, False

    def _measure(self, before: list[Tensor]) -> None:
        after = [tensor.detach() for tensor in self.tensors]
        steps = [new - old for new, old in zip(after, before, strict=True)]
        with_gradient = [index for index, tensor in enumerate(self.tensors) if _dense(tensor.grad)]
        gradients: list[Tensor] = [self.tensors[index].grad for index in with_gradient]  # type: ignore[misc]
        moves = [steps[index] for index in with_gradient]
        readings = self.readings
        readings.add("weights", _norms(before))
        readings.add("updates", _norms(steps))
        readings.add("along", _dots(before, steps))
        self._with_gradient = with_gradient
        if not gradients:
            return
        readings.add("gradients", _norms(gradients))
        readings.add("nonzero", _stacked([grad.count_nonzero() for grad in gradients]))
        readings.add("predicted", _dots(gradients, moves))
        rows = [grad.flatten(1) for grad in gradients if grad.ndim >= 2]
        if rows:
            readings.add("unfed", _stacked([(row.abs().amax(1) == 0).float().mean() for row in rows]))
        if self.sketched():
            readings.add("sketches", _stacked([sketch(grad) for grad in gradients]))

    def seen(self) -> bool:
        """Says whether the step before was looked at: it was due, and the optimizer made it."""
        return self._seen

    def columns(self, fetched: Mapping[str, list[float]]) -> Columns:
        """Puts fetched readings into columns."""
        count = len(self.tensors)
        weights, updates, along = fetched["weights"], fetched["updates"], fetched["along"]
        gradients: list[float | None] = [None] * count
        zeros: list[float | None] = [None] * count
        sketches: list[tuple[int, ...]] = [()] * count
        rows = fetched.get("sketches", [])
        bins = len(rows) // max(1, len(self._with_gradient))
        of_rows = [index for index in self._with_gradient if self.tensors[index].ndim >= 2]
        unfed = zip(of_rows, fetched.get("unfed", ()), strict=True)
        self._unfed = {self.names[index]: share for index, share in unfed}
        for place, index in enumerate(self._with_gradient):
            gradients[index] = fetched["gradients"][place]
            numbers = self.tensors[index].numel()
            zeros[index] = 1.0 - fetched["nonzero"][place] / numbers if numbers else None
            sketches[index] = tuple(int(number) for number in rows[place * bins : (place + 1) * bins])
        turns = [_turn(*three) for three in zip(weights, updates, along, strict=True)]
        predicted = sum(fetched["predicted"]) if self._whole and "predicted" in fetched else None
        return Columns(
            tuple(gradients),
            tuple(weights),
            tuple(updates),
            tuple(turns),
            tuple(zeros),
            predicted,
            tuple(sketches) if rows else (),
        )

    def unfed_of(self, layers: Sequence[WatchedLayer]) -> list[float | None]:
        """Gives the share of units without any gradient at their weights in the last step that was looked at."""
        return [None if "Transpose" in layer.kind else self._unfed.get(f"{layer.name}.weight") for layer in layers]

    def begin_anew(self) -> None:
        """Makes ready for the next step; where the optimizer made none, backward's sum is not that of one step."""
        if self._stepped:
            self.sentinel.begin_anew()
        else:
            self.sentinel.spoil()
        self._seen = self._stepped = False
        self.cost_s = 0.0

    def close(self) -> None:
        """Takes all hooks off."""
        for hook in self._hooks:
            hook.remove()
        self.sentinel.close()


def settle(device: torch.device) -> None:
    """Waits until a device has done what it was asked for, so that what comes next can be timed."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _dense(gradient: Tensor | None) -> bool:
    return gradient is not None and gradient.layout is torch.strided and gradient.numel() > 0


def _dots(ones: list[Tensor], others: list[Tensor]) -> Tensor:
    return _stacked([(one.float() * other.float()).sum() for one, other in zip(ones, others, strict=True)])


def _stacked(numbers: list[Tensor]) -> Tensor:
    """Stacks small tensors, of several devices on the first one."""
    device = numbers[0].device
    return torch.stack([number.to(device, non_blocking=True) for number in numbers])


def _norms(tensors: list[Tensor]) -> Tensor:
    """Computes Euclidean norms, T; those of half precision in float32, since they overflow there."""
    norms: list[Tensor] = [tensors[0]] * len(tensors)
    kinds = {(tensor.device, tensor.dtype) for tensor in tensors}
    for kind in kinds:
        places = [place for place, tensor in enumerate(tensors) if (tensor.device, tensor.dtype) == kind]
        dtype = torch.float64 if kind[1] is torch.float64 else torch.float32
        some = torch._foreach_norm([tensors[place] for place in places], 2, dtype=dtype)  # pyright: ignore[reportPrivateImportUsage]
        for place, norm in zip(places, some, strict=True):
            norms[place] = norm.float()
    return _stacked(norms)


def _turn(weight: float, update: float, along: float) -> float | None:
    """Computes the angle in radians between w and w + Δw, from ‖w‖, ‖Δw‖ and w·Δw; exact also where it is small.

    >>> _turn(1.0, 1.0, 0.0) == math.pi / 4
    True
    """
    if not (weight > 0 and math.isfinite(weight) and math.isfinite(update) and math.isfinite(along)):
        return None
    beside = along / weight
    return math.atan2(math.sqrt(max(0.0, update**2 - beside**2)), weight + beside)
