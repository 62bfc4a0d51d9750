"""The last layer of a net: where it stands, whoever built the net."""

from __future__ import annotations

from torch import nn

AFFINE = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
"""Layers whose output is linear in `weight`, plus `bias` where there is one."""


def affine_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Lists convolutions and linear layers by name, in the order in which they were registered.

    >>> list(affine_layers(nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(8, 2))))
    ['0', '3']
    """
    return {name: module for name, module in model.named_modules() if isinstance(module, AFFINE)}


def head_names(model: nn.Module) -> tuple[str, ...]:
    """Names the last layer, `head` in our own nets; timm's models name theirs, some have two."""
    config = getattr(model, "pretrained_cfg", None)
    names = "head" if config is None else config.get("classifier") or ()
    return (names,) if isinstance(names, str) else tuple(names)


def head_layers(model: nn.Module) -> dict[str, nn.Module]:
    """Finds the linear layers (or 1×1 convolutions) that the logits come from; none in a net that names no head."""
    names = head_names(model)
    return {
        name: layer
        for name, layer in affine_layers(model).items()
        if any(name == head or name.startswith(f"{head}.") for head in names)
    }
