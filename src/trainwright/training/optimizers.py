"""Optimizers by name, over parameter groups that decay only what should decay."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwright.recipe import OptimSection, decided


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Divides trainable parameters into those that decay and those that do not.

    Matrices and filters decay. Vectors (biases, scale and shift of normalizations) do not: pulling them to zero
    does not make a net simpler, and moves the scale that a normalization was given to learn.

    Source: Goyal et al. 2017, section 5.3; He et al. 2019, "no bias decay".
    """
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return [
        {"params": [p for p in trainable if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in trainable if p.ndim <= 1], "weight_decay": 0.0},
    ]


def build_optimizer(section: OptimSection, model: nn.Module) -> torch.optim.Optimizer:
    """Builds the optimizer of a decided recipe over all trainable parameters of the model."""
    return OPTIMIZERS[section.name](section, model)


def _sgd(section: OptimSection, model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameter_groups(model, decided(section.weight_decay)),
        lr=decided(section.lr),
        momentum=section.momentum,
        nesterov=section.nesterov and section.momentum > 0,
        fused=_fused(model),
    )


def _adamw(section: OptimSection, model: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        parameter_groups(model, decided(section.weight_decay)),
        lr=decided(section.lr),
        betas=(section.beta1, section.beta2),
        eps=section.eps,
        fused=_fused(model),
    )


def _fused(model: nn.Module) -> bool:
    """Tells whether torch has a one-pass update for the device that the weights lie on."""
    return all(parameter.device.type in ("cpu", "cuda") for parameter in model.parameters())


OPTIMIZERS: dict[str, Callable[[OptimSection, nn.Module], torch.optim.Optimizer]] = {"sgd": _sgd, "adamw": _adamw}
"""Every value of `optim.name` and its builder."""
