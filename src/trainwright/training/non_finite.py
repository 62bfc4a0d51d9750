"""Where a loss that is not finite comes from."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from .machine import Machine


@torch.no_grad()
def first_non_finite(model: nn.Module, images_NCHW: Tensor, machine: Machine, *, training: bool = True) -> str:
    """Names the first place on the way through the net where a number is not finite.

    Runs the batch once more through a copy of the model, watching every layer. Of several ranks each runs its share, as
    far as that goes alone, so that no rank waits for another one here.

    Args:
        training: in training mode; else in evaluation mode.

    Returns: `input`, the dotted name of a layer, or `loss` where all layers are finite.
    """
    if not images_NCHW.isfinite().all():
        return "input"
    twin = copy.deepcopy(model).train(training)
    seen: list[str] = []
    for name, module in twin.named_modules():
        if not list(module.children()):
            module.register_forward_hook(_watch(name, seen))
    with machine.autocast(), contextlib.suppress(ValueError):  # of a normalization, where a rank's share is one picture
        twin(images_NCHW)
    return seen[0] if seen else "loss"


def damaged_tensor(model: nn.Module) -> str | None:
    """Names the first weight or buffer of a model that holds a number which is not finite, if there is one."""
    tensors = model.state_dict().items()
    return next((name for name, tensor in tensors if tensor.is_floating_point() and not tensor.isfinite().all()), None)


def damaged_gradient(model: nn.Module) -> str | None:
    """Names the first parameter with a gradient that is not finite; None where only their norm is too large."""
    gradients = ((name, parameter.grad) for name, parameter in model.named_parameters())
    return next((name for name, grad in gradients if grad is not None and not grad.isfinite().all()), None)


def _watch(name: str, seen: list[str]) -> Callable[[nn.Module, object, object], None]:
    def hook(_module: nn.Module, _inputs: object, output: object) -> None:
        if isinstance(output, Tensor) and not output.isfinite().all():
            seen.append(name)

    return hook
