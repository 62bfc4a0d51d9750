"""Optimizers by name. docs/optimizers.md has the equation of each; tests work them out in NumPy."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from trainwright.recipe import TIMM_OPTIMIZER, OptimSection, decided

from .parameter_groups import Group, parameter_groups, set_rates
from .timm_optimizers import build_timm_optimizer, check_timm_optimizer

Builder = Callable[[OptimSection, list[Group], bool], torch.optim.Optimizer]
"""Takes the section, groups of parameters, and whether torch has a one-pass update where they lie."""


def build_optimizer(section: OptimSection, model: nn.Module) -> torch.optim.Optimizer:
    """Builds the optimizer of a decided recipe over all trainable parameters of the model, at its peak rates."""
    groups = parameter_groups(model, decided(section.weight_decay), section.layer_decay)
    optimizer = _built(section, groups, model)
    set_rates(optimizer, decided(section.lr))
    return optimizer


def _built(section: OptimSection, groups: list[Group], model: nn.Module) -> torch.optim.Optimizer:
    if section.name.startswith(TIMM_OPTIMIZER):
        return build_timm_optimizer(section.name.removeprefix(TIMM_OPTIMIZER), groups, decided(section.lr))
    fused = all(parameter.device.type in ("cpu", "cuda") for parameter in model.parameters())
    return OPTIMIZERS[section.name](section, groups, fused)


def check_optimizer(section: OptimSection) -> None:
    """Makes sure, before pictures are read, that an optimizer of timm's list can be had.

    Raises:
        InputError: timm has none of this name, or it cannot be driven here.
    """
    if section.name.startswith(TIMM_OPTIMIZER):
        check_timm_optimizer(section.name.removeprefix(TIMM_OPTIMIZER))


def _sgd(section: OptimSection, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return _velocity(section, groups, fused, nesterov=section.nesterov and section.momentum > 0)


def _momentum(section: OptimSection, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return _velocity(section, groups, fused, nesterov=False)


def _nesterov(section: OptimSection, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    return _velocity(section, groups, fused, nesterov=True)


def _velocity(section: OptimSection, groups: list[Group], fused: bool, *, nesterov: bool) -> torch.optim.Optimizer:
    return torch.optim.SGD(groups, lr=decided(section.lr), momentum=section.momentum, nesterov=nesterov, fused=fused)


def _adagrad(section: OptimSection, groups: list[Group], _: bool) -> torch.optim.Optimizer:
    return torch.optim.Adagrad(groups, lr=decided(section.lr), eps=section.eps)


def _rmsprop(section: OptimSection, groups: list[Group], _: bool) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(groups, lr=decided(section.lr), alpha=section.rho, eps=section.eps)


def _adam(section: OptimSection, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    betas = (section.beta1, section.beta2)
    return torch.optim.Adam(groups, lr=decided(section.lr), betas=betas, eps=section.eps, fused=fused)


def _adamw(section: OptimSection, groups: list[Group], fused: bool) -> torch.optim.Optimizer:
    betas = (section.beta1, section.beta2)
    return torch.optim.AdamW(groups, lr=decided(section.lr), betas=betas, eps=section.eps, fused=fused)


OPTIMIZERS: dict[str, Builder] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
}
"""Every value of `optim.name` but those of timm's list, and its builder."""
