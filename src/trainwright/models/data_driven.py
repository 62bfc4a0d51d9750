"""Initialization that looks at pictures: weights are scaled until a batch has unit variance in every layer.

N pictures · C channels · H W pixels · O outputs of a layer
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from trainwright.errors import InputError
from trainwright.recipe import InitSection

from .centered import set_weight
from .heads import affine_layers, head_layers
from .signals import first_step

TOLERANCE = 0.01
"""How far a deviation may be from 1 once it was scaled; in one pass it is exact but for rounding."""

SMALLEST = 1e-8
"""Deviations below are none: what differs is rounding."""

PROBED = 8
"""Pictures on which is tried whether scaling a layer changes what the net answers."""

MOST_SCALED = 10.0
"""Times that a layer in front of a normalization is enlarged or diminished at most, since the ε that is added to the
variance there must stay small beside it."""

UNCHANGED = 1e-3
"""Share of the logits' deviation by which they may change where a scaling is undone."""


def fit_to_pictures(model: nn.Module, section: InitSection, images_NCHW: Tensor, *, seed: int) -> None:
    """Ends `lsuv` and `data-dependent` on one batch; does nothing for other schemes.

    The net runs as in its first training step: batch normalization by the batch, dropout off. Layers are taken where
    they stand, also in front of a normalization (which undoes the scale of its output, but not that of its steps) and
    in residual branches. With `init.head: small` the last layer stays as it was drawn.

    Args:
        model: drawn by `initialize`; changed in place, on any device.
        section: decided.
        images_NCHW: training pictures as the net sees them, without augmentation.
        seed: of the random loss by which `data-dependent` measures rates of change.

    Raises:
        InputError: a layer's output does not vary, or does not follow the scale of its weights.
    """
    if section.scheme in SCHEMES_ON_PICTURES:
        kept = set(head_layers(model).values()) if section.head == "small" else set[nn.Module]()
        layers = {name: layer for name, layer in affine_layers(model).items() if layer not in kept}
        with first_step(model):
            SCHEMES_ON_PICTURES[section.scheme](model, layers, images_NCHW, seed)


def _lsuv(model: nn.Module, layers: Mapping[str, nn.Module], images_NCHW: Tensor, _seed: int) -> None:
    """Divides the weights of each layer by the deviation of its output, first layers first.

    Where the paper measures again until the variance is within a tolerance, one pass is exact: a layer whose bias is 0
    gives out σ times as much with weights σ times as large.

    Source: Mishkin & Matas 2015, algorithm 1.
    """

    def scale(name: str, layer: nn.Module, output: Tensor, again: Callable[[], Tensor]) -> Tensor:
        std = output.std()
        _refuse_constant(name, std)
        set_weight(layer, _weight(layer) / std)
        scaled = again()
        _refuse_unscaled(name, scaled.std())
        return scaled

    _visit(model, layers, images_NCHW, scale)


def _data_dependent(model: nn.Module, layers: Mapping[str, nn.Module], images_NCHW: Tensor, seed: int) -> None:
    """Brings every output of a layer to mean 0 and deviation 1, then all layers to one rate of change.

    Source: Krähenbühl et al. 2015, algorithms 1 and 2.
    """
    ran: dict[str, nn.Module] = {}

    def standardize(name: str, layer: nn.Module, output: Tensor, again: Callable[[], Tensor]) -> Tensor:
        std_O, mean_O = _by_output(layer, output)
        _refuse_constant(name, std_O)
        weight, bias = _weight(layer), _bias(layer)
        set_weight(layer, weight / std_O.reshape(-1, *(1,) * (weight.ndim - 1)))
        if bias is not None:
            bias.copy_((bias - mean_O) / std_O)
        scaled = again()
        _refuse_unscaled(name, _by_output(layer, scaled)[0])
        ran[name] = layer
        return scaled

    _visit(model, layers, images_NCHW, standardize)
    _equalize_rates(model, list(ran.values()), images_NCHW, seed)


def _equalize_rates(model: nn.Module, layers: list[nn.Module], images_NCHW: Tensor, seed: int) -> None:
    """Scales layers so that the gradient is in the same proportion to the weights in all, and the logits stay.

    The gradient is that of η·z with logits z and η ~ N(0, 1). A scale s of a layer whose effect on the logits is undone
    divides its proportion by s², so that one step is exact where the paper takes ten with a guess of what the layers
    above do. What undoes it is tried out: a normalization behind the layer, or the next layer with the inverse scale.
    Layers that hang together in the second way are a chain. Where nothing undoes the last of a chain (in front of a sum
    or of a saturating activation, at the end of the net), the product of its scales stays 1: its layers meet at their
    own geometric mean. All others take the mean of that chain if there is only one, else that of the whole net, as far
    as MOST_SCALED lets them. Layers that no gradient reaches at the start (in front of a normalization whose scale is
    0) stay as they are.
    """
    rates = _rates(model, layers, images_NCHW, seed)
    logs = {layer: math.log(rate) for layer, rate in zip(layers, rates, strict=True) if rate > 0}
    chains = list(_chains(model, layers, images_NCHW[:PROBED]))
    bound = [[logs[layer] for layer in chain if layer in logs] for chain, free in chains if not free]
    bound = [chain for chain in bound if chain]
    target = _mean(bound[0] if len(bound) == 1 else list(logs.values()))
    for chain, free in chains:
        aim = target if free else _mean([logs[layer] for layer in chain if layer in logs])
        together = 1.0
        for layer in chain:
            scale = math.exp((logs[layer] - aim) / 2) if layer in logs else 1.0
            scale = min(max(scale, 1 / MOST_SCALED), MOST_SCALED) if free else scale
            together *= scale
            _scale(layer, scale, together)


def _rates(model: nn.Module, layers: list[nn.Module], images_NCHW: Tensor, seed: int) -> list[float]:
    """Measures ‖gradient‖/‖weights‖ of each layer under a random linear loss of the logits; 0 where none arrives."""
    with torch.enable_grad(), parametrize.cached():
        weights = [_weight(layer) for layer in layers]
        logits_NK = model(images_NCHW)
        eta_NK = torch.randn(logits_NK.shape, generator=torch.Generator().manual_seed(seed)).to(logits_NK)
        gradients = torch.autograd.grad((logits_NK * eta_NK).sum(), weights, allow_unused=True)
    norms = [0.0 if gradient is None else gradient.norm().item() for gradient in gradients]
    return [norm / weight.norm().item() for norm, weight in zip(norms, weights, strict=True)]


@torch.no_grad()
def _chains(model: nn.Module, layers: list[nn.Module], images_NCHW: Tensor) -> Iterator[tuple[list[nn.Module], bool]]:
    """Yields chains of layers in which each undoes the scale of the one before, and whether the last's is undone."""
    before_NK = model(images_NCHW)

    def stay() -> bool:
        return bool((model(images_NCHW) - before_NK).abs().max() <= UNCHANGED * before_NK.std())

    chain: list[nn.Module] = []
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        chain.append(layer)
        _scale(layer, 2.0, 2.0)
        free = stay()
        goes_on = False
        if not free and following is not None:
            _scale(following, 0.5, 1.0)
            goes_on = stay()
            _scale(following, 2.0, 1.0)
        _scale(layer, 0.5, 0.5)
        if not goes_on:
            yield chain, free
            chain = []


Change = Callable[[str, nn.Module, Tensor, Callable[[], Tensor]], Tensor]
"""(name, layer, its output, what computes the output anew) → the output with changed weights."""


@torch.no_grad()
def _visit(model: nn.Module, layers: Mapping[str, nn.Module], images_NCHW: Tensor, change: Change) -> None:
    """Runs the pictures through the net once and lets each layer be changed when they come to it.

    What comes after sees the changed output. A layer that is called twice is changed at the first call.
    """
    seen: set[nn.Module] = set()

    def hook_of(name: str) -> Callable[[nn.Module, tuple[Any, ...], Tensor], Tensor]:
        def hook(layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> Tensor:
            if layer in seen:
                return output
            seen.add(layer)
            return change(name, layer, output, lambda: layer.forward(*inputs))

        return hook

    with ExitStack() as stack:
        for name, layer in layers.items():
            stack.callback(layer.register_forward_hook(hook_of(name)).remove)
        model(images_NCHW)


@torch.no_grad()
def _scale(layer: nn.Module, of_weights: float, of_bias: float) -> None:
    set_weight(layer, _weight(layer) * of_weights)
    bias = _bias(layer)
    if bias is not None:
        bias.mul_(of_bias)


def _by_output(layer: nn.Module, output: Tensor) -> tuple[Tensor, Tensor]:
    """Returns deviation and mean of each output of a layer: the last axis of linear layers, the second of others."""
    values_O = output.movedim(-1 if isinstance(layer, nn.Linear) else 1, 0).flatten(1)
    return torch.std_mean(values_O, dim=1)


def _weight(layer: Any) -> Tensor:
    return layer.weight


def _bias(layer: Any) -> Tensor | None:
    return layer.bias


def _mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


def _refuse_constant(name: str, std: Tensor) -> None:
    smallest = std.min().item()
    if not smallest > SMALLEST:
        which = f" in output {int(std.argmin())} of {len(std)}" if std.ndim else ""
        raise InputError(
            f"the layer '{name}' gives out the same number for all pictures, so that no scale makes its variance 1",
            expected="pictures that differ, and layers in front that let the difference through",
            got=f"standard deviation {smallest:g}{which}",
            where="init.scheme",
            hint="a scheme that looks at no pictures, such as init.scheme=kaiming",
        )


def _refuse_unscaled(name: str, std: Tensor) -> None:
    worst = std.flatten()[(std - 1).abs().flatten().argmax()].item()
    if not abs(worst - 1) <= TOLERANCE:
        raise InputError(
            f"the output of the layer '{name}' does not follow the scale of its weights",
            expected="standard deviation 1 once the weights were divided by it",
            got=f"standard deviation {worst:g}",
            where="init.scheme",
            hint="a scheme that looks at no pictures, such as init.scheme=kaiming",
        )


SCHEMES_ON_PICTURES: Final[dict[str, Callable[[nn.Module, Mapping[str, nn.Module], Tensor, int], None]]] = {
    "lsuv": _lsuv,
    "data-dependent": _data_dependent,
}
"""The schemes that look at pictures, and what they do with them."""
