"""What one real batch does in a net before its first step: moments and histogram of every layer's output and gradient.

N pictures · C channels · H W pixels · K classes
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from .modes import evaluating
from .profile import is_leaf, kind_of, whole_modules

BINS = 40
"""Bars of a histogram."""

PASSED_ON = ("Identity", "Dropout", "Dropout2d", "DropPath", "Flatten")
"""Kinds of layers whose output is their input here; they would repeat the row before."""

SATURATED: Final[dict[str, Callable[[Tensor], Tensor]]] = {
    "Tanh": lambda y: y.abs() > math.sqrt(0.95),
    "Sigmoid": lambda y: (y - 0.5).abs() > math.sqrt(0.95) / 2,
}
"""Where the slope of a bounded activation is below a twentieth of its steepest: 1 - y² or 4y(1 - y) below 0.05."""


@dataclass(frozen=True)
class LayerSignal:
    """What goes out of one layer for one batch.

    Attributes:
        name: the way to the module; the second call of one module in a pass is named `name, call 2`.
        kind: the module's class.
        output_shape: for one picture, without N.
        mean, std: over all numbers of the output.
        zeros: share of them that are exactly 0.
        saturated: share of them where the activation is nearly flat; None for layers that have no such places.
        gradient_std: deviation of the derivative of one picture's loss by them; None where none was asked for, or none
            arrives.
        low, high: smallest and largest finite number.
        counts: finite numbers in each of BINS equal bins from low to high.
    """

    name: str
    kind: str
    output_shape: tuple[int, ...]
    mean: float
    std: float
    zeros: float
    saturated: float | None
    gradient_std: float | None
    low: float
    high: float
    counts: tuple[int, ...]


def layer_signals(
    model: nn.Module, images_NCHW: Tensor, loss_of: Callable[[Tensor], Tensor] | None = None
) -> list[LayerSignal]:
    """Measures every layer's output, and the gradient that arrives there, as the first training step would see them.

    Normalization uses the statistics of the batch, dropout and other noise are off. The net, its mode and its buffers
    are afterwards as they were, and no gradient is kept.

    Args:
        model: a net on any device.
        images_NCHW: one batch, prepared as for training; whatever else the net takes will do.
        loss_of: logits N K → the mean loss of the batch; left out, no gradients are measured.

    Returns:
        A row for every layer that computes something, in the order in which they are called; batch-instance
        normalization is one layer, whatever it holds.

    Source: Glorot & Bengio 2010, sections 3 and 4; Brock et al. 2021, signal propagation plots.

    >>> rows = layer_signals(nn.Sequential(nn.ReLU()), torch.tensor([[-3.0, 0.0, 1.0, 2.0]]))
    >>> rows[0].mean, rows[0].zeros
    (0.75, 0.5)
    """
    watch = _Watch()
    leaves = [(name, module) for name, module in whole_modules(model) if is_leaf(module)]
    with ExitStack() as stack:
        stack.enter_context(first_step(model))
        for name, module in leaves:
            if kind_of(module) not in PASSED_ON:
                handle = module.register_forward_hook(watch.listener(name, kind_of(module)))
                stack.callback(handle.remove)
        if loss_of is None:
            stack.enter_context(torch.no_grad())
            model(images_NCHW)
        else:
            # The gradient of each picture's own loss, whose size does not hang on the number of pictures.
            stack.enter_context(torch.enable_grad())
            loss = loss_of(model(images_NCHW)) * len(images_NCHW)
            loss.backward(inputs=[parameter for parameter in model.parameters() if parameter.requires_grad])
    return watch.rows


@contextmanager
def first_step(model: nn.Module) -> Iterator[None]:
    """Puts a net into the state of its first training step without noise, and everything back afterwards.

    Batch normalization uses the batch, since its running statistics say nothing yet; all other modules are in
    evaluation mode. Modes, running statistics and gradients are restored.
    """
    buffers = [(buffer, buffer.clone()) for buffer in model.buffers()]
    gradients = [(parameter, parameter.grad) for parameter in model.parameters()]
    for parameter, _ in gradients:
        parameter.grad = None
    with evaluating(model):
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.train()
        try:
            yield
        finally:
            for parameter, gradient in gradients:
                parameter.grad = gradient
            with torch.no_grad():
                for buffer, before in buffers:
                    buffer.copy_(before)


class _Watch:
    """Fills rows while a batch goes through the net, since later layers may write over what earlier ones gave out."""

    def __init__(self) -> None:
        self.rows: list[LayerSignal] = []
        self._calls: dict[str, int] = {}

    def listener(self, name: str, kind: str) -> Callable[[nn.Module, object, object], None]:
        def listen(_module: nn.Module, _inputs: object, output: object) -> None:
            if not isinstance(output, Tensor) or not output.is_floating_point():
                return
            self._calls[name] = call = self._calls.get(name, 0) + 1
            place = len(self.rows)
            self.rows.append(_measure(name if call == 1 else f"{name}, call {call}", kind, output.detach()))
            if output.requires_grad:
                output.register_hook(lambda gradient: self._note_gradient(place, gradient))

        return listen

    def _note_gradient(self, place: int, gradient: Tensor) -> None:
        self.rows[place] = replace(self.rows[place], gradient_std=_moments(gradient.detach())[1])


def _measure(name: str, kind: str, output: Tensor) -> LayerSignal:
    values = output.float().flatten()
    mean, std = _moments(values)
    finite = values if math.isfinite(mean) else values[values.isfinite()]
    low, high = (end.item() for end in finite.aminmax()) if len(finite) else (0.0, 0.0)
    counts = torch.histc(finite.cpu(), BINS, low, high)
    saturated = _share(SATURATED[kind](values)) if kind in SATURATED else None
    return LayerSignal(
        name=name,
        kind=kind,
        output_shape=tuple(output.shape[1:]),
        mean=mean,
        std=std,
        zeros=1 - _share(values),
        saturated=saturated,
        gradient_std=None,
        low=low,
        high=high,
        counts=tuple(int(count) for count in counts.tolist()),
    )


def _moments(values: Tensor) -> tuple[float, float]:
    """Computes mean and standard deviation in float64 (in two passes, a fourth of the time of torch's std)."""
    exact = (values.cpu() if values.device.type == "mps" else values).to(torch.float64, copy=True)
    mean = exact.mean()
    return mean.item(), exact.sub_(mean).square_().mean().sqrt().item()


def _share(values: Tensor) -> float:
    """Gives the share of numbers other than 0, or of places that are true."""
    return int(values.count_nonzero()) / values.numel()
