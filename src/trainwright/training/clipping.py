"""Gradients that are too long are shortened before the step."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from trainwright.models import head_layers
from trainwright.recipe import OptimSection, decided

Clip = Callable[[nn.Module, Tensor], None]
"""Shortens the gradients of a net, given the norm of all of them together."""

SMALLEST_NORM = 1e-3
"""A unit whose weights are smaller than this is clipped as if they were not, so that new zeros can move."""


def build_clip(section: OptimSection) -> Clip | None:
    """Gives the way of clipping of a recipe, which names one at most; None where gradients stay as they are."""
    limits = {key: decided(getattr(section, key)) for key in CLIPS}
    return next((CLIPS[key](limit) for key, limit in limits.items() if limit > 0), None)


def gradient_norm(model: nn.Module, order: float = 2.0) -> Tensor:
    """Measures the norm of all gradients together; of order infinity it is finite where all of them are."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    return nn.utils.get_total_norm(gradients, order)


def _by_norm(limit: float) -> Clip:
    return lambda model, norm: nn.utils.clip_grads_with_norm_(model.parameters(), limit, norm)


def _by_value(limit: float) -> Clip:
    return lambda model, _: nn.utils.clip_grad_value_(model.parameters(), limit)


def _adaptively(share: float) -> Clip:
    def clip(model: nn.Module, _: Tensor) -> None:
        head = {parameter for layer in head_layers(model).values() for parameter in layer.parameters()}
        for parameter in model.parameters():
            if parameter.grad is not None and parameter not in head:
                clip_units(parameter.grad, parameter.detach(), share)

    return clip


def clip_units(gradient: Tensor, weight: Tensor, share: float) -> None:
    """Shortens, in place, each unit's gradient to a share of the norm of its weights.

    A unit is a slice along the first axis of a filter or matrix; a vector counts as one unit.

    Args:
        gradient, weight: of one shape.
        share: λ, largest ‖gradient‖ / ‖weight‖.

    Source: Brock et al. 2021, equation 3; ε = 1e-3 as there.
    """
    axes = tuple(range(1, weight.ndim)) or None
    limit = share * torch.linalg.vector_norm(weight, dim=axes, keepdim=True).clamp(min=SMALLEST_NORM)
    norm = torch.linalg.vector_norm(gradient, dim=axes, keepdim=True)
    gradient.mul_(torch.where(norm > limit, limit / norm.clamp(min=1e-12), 1.0))


CLIPS: dict[str, Callable[[float], Clip]] = {
    "clip_norm": _by_norm,
    "clip_value": _by_value,
    "clip_adaptive": _adaptively,
}
"""Every setting of section `optim` that clips, and its builder."""
