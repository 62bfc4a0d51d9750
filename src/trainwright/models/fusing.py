"""Batch normalization folded into the convolution in front of it, for nets that only answer.

N pictures · C channels · H W pixels
"""

from __future__ import annotations

import copy
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights
from torch.nn.utils.parametrize import is_parametrized
from torch.utils._pytree import tree_leaves

from trainwright.errors import InputError

from .modes import evaluating
from .watching import Operation, Watch

aten = torch.ops.aten

CONVOLUTIONS: Final = (aten.convolution, aten._convolution)
NORMALIZATIONS: Final = tuple(
    getattr(aten, name)
    for name in ("native_batch_norm", "_native_batch_norm_legit_no_training", "cudnn_batch_norm", "miopen_batch_norm")
    if hasattr(aten, name)
)


def fuse(model: nn.Module, *, channels: int, img_size: int, normalization: str = "native") -> nn.Module:
    """Gives a copy of a net for evaluation with every batch normalization that can be folded into its convolution.

    In evaluation it is a multiplication and an addition a channel, which weights and bias of the convolution can do:
    w' = w·γ/√(σ² + ε), b' = (b − μ)·γ/√(σ² + ε) + β. What can be folded is seen in one run: the convolution computes
    with its weights as they are, and nothing but the normalization takes what it gives out. All else stays.

    Args:
        model: one of our own nets, or a timm model, on any device; stays as it is.
        channels: channels C of the pictures.
        img_size: side of the square pictures, pixels.
        normalization: `model.normalization` of the net's recipe, for the message.

    Raises:
        InputError: the net has nothing to fold; says what it is normalized by.

    Source: Jacob et al. 2018, Quantization and Training, equation 14; torch.nn.utils.fusion.

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.BatchNorm2d(2), nn.ReLU()).eval()
    >>> [type(layer).__name__ for layer in fuse(net, channels=1, img_size=8)]
    ['Conv2d', 'Identity', 'ReLU']
    """
    with evaluating(model):  # without what it keeps of earlier pictures
        fused = copy.deepcopy(model).requires_grad_(False)
    first = next(fused.parameters())
    watch = _Watch(fused)
    with torch.no_grad(), watch:
        fused(torch.zeros(1, channels, img_size, img_size, dtype=first.dtype, device=first.device))
    pairs = [(convolution, norm) for convolution, norm in watch.pairs() if type(norm) is nn.BatchNorm2d or _acts(norm)]
    if not pairs:
        raise InputError(
            "no batch normalization stands right behind a convolution of this model",
            expected="a model with such layers",
            got=f"{type(model).__name__} {_normalized(fused, normalization)}",
            where="--fuse",
            hint="leave it out",
        )
    for convolution, norm in pairs:
        _fold(fused, convolution, norm)
    return fused


def _fold(model: nn.Module, convolution: Any, norm: Any) -> None:
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, norm.running_mean, norm.running_var, norm.eps, norm.weight, norm.bias
    )
    name = next(name for name, module in model.named_modules() if module is norm)
    model.set_submodule(name, nn.Sequential(norm.drop, norm.act) if _acts(norm) else nn.Identity())


def _normalized(model: nn.Module, normalization: str) -> str:
    """Says what a net is normalized by: the word of the recipe where it has one, and the modules."""
    norms = {
        name: module
        for name, module in model.named_modules()
        if "Norm" in type(module).__name__ and [*module.parameters(recurse=False), *module.buffers(recurse=False)]
    }
    outer = [norm for name, norm in norms.items() if name.rpartition(".")[0] not in norms]
    kinds = ", ".join(dict.fromkeys(type(norm).__name__ for norm in outer))
    word = "" if normalization == "native" else f"model.normalization: {normalization}"
    return f"with {word} ({kinds})" if word and kinds else f"with {word or kinds or 'no normalization'}"


def _acts(norm: nn.Module) -> bool:
    """Tells whether a normalization is one of timm's that have drop and activation behind them in one module."""
    return type(norm).__name__ == "BatchNormAct2d"


class _Watch(Watch):
    """Sees which normalization takes what a convolution gives out, and how often anything takes it.

    Tensors are held until the end, so that no two share an identity.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        convolutions = [m for m in model.modules() if isinstance(m, nn.Conv2d) and not is_parametrized(m)]
        self._convolutions = {id(convolution.weight): convolution for convolution in convolutions}
        self._norms = {id(m.running_mean): m for m in model.modules() if isinstance(m, nn.BatchNorm2d)}
        self._made: dict[int, tuple[Tensor, nn.Module]] = {}
        self._takers: dict[int, list[nn.Module | None]] = {}
        self._runs: dict[nn.Module, int] = {}

    def note(self, ran: Operation) -> None:
        norm = self._norms.get(id(ran.arguments[3])) if ran.kind in NORMALIZATIONS else None
        for argument in tree_leaves((ran.arguments, ran.named)):
            if id(argument) in self._made:
                self._takers.setdefault(id(argument), []).append(norm)
        layer = self._convolutions.get(id(ran.arguments[1])) if ran.kind in CONVOLUTIONS else norm
        if layer is not None:
            self._runs[layer] = self._runs.get(layer, 0) + 1
        if ran.kind in CONVOLUTIONS and layer is not None:
            self._made[id(ran.result)] = ran.result, layer

    def pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """Lists convolutions and normalizations that belong together, each run once."""
        found: list[tuple[nn.Module, nn.Module]] = []
        for key, (_, convolution) in self._made.items():
            takers = self._takers.get(key, [])
            norm = takers[0] if len(takers) == 1 else None
            if norm is not None and self._runs[convolution] == self._runs[norm] == 1:
                found.append((convolution, norm))
        return found
