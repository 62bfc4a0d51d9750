"""Parameters in groups: those that decay and those that do not, each layer with its share of the learning rate."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from trainwright.models import layer_numbers, share_names

Group = dict[str, Any]
"""`params`, `weight_decay`, `decays`: whether penalties hold them, `lr_scale`: share of the learning rate, `shares`:
whether they must stay in [0, 1]."""

OWN_KEYS = ("decays", "lr_scale", "shares")
"""What a group has beside that which optimizers know."""


def parameter_groups(model: nn.Module, weight_decay: float, layer_decay: float = 1.0) -> list[Group]:
    """Divides trainable parameters by layer and by whether they decay; the head's come first.

    Args:
        model: the net.
        weight_decay: of those that decay.
        layer_decay: share of the rate of the layer above, 0 to 1. At 1 there are no layers, only the two kinds.

    Source: no decay of vectors: Goyal et al. 2017, section 5.3; He et al. 2019, "no bias decay"; rates by layer:
        Howard & Ruder 2018, section 3.2.
    """
    numbers = layer_numbers(model) if layer_decay < 1 else {}
    top = max(numbers.values(), default=0)
    spared, shares = spared_from_decay(model), share_names(model)
    groups: dict[tuple[int, bool, bool], Group] = {}
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            continue
        below, decays = top - numbers.get(name, top), name not in spared
        group = groups.setdefault(
            (below, not decays, name in shares),
            {
                "params": [],
                "weight_decay": weight_decay if decays else 0.0,
                "decays": decays,
                "lr_scale": layer_decay**below,
                "shares": name in shares,
            },
        )
        group["params"].append(parameter)
    return [groups[key] for key in sorted(groups)]


def spared_from_decay(model: nn.Module) -> set[str]:
    """Names the parameters that are never decayed: vectors, biases, normalizations, and what a net asks to spare.

    Pulling biases, PReLU slopes, and the scale and shift of a normalization to zero does not make a net simpler, and
    moves what they were given to learn. timm's transformers name their position embeddings, too.
    """
    asked: Any = getattr(model, "no_weight_decay", set)
    scales = {
        f"{owner}.{name}"
        for owner, module in model.named_modules()
        if isinstance(module, nn.LayerNorm | nn.RMSNorm)
        for name, _ in module.named_parameters(recurse=False)
    }
    vectors = {name for name, parameter in model.named_parameters() if parameter.ndim <= 1 or name.endswith("bias")}
    return vectors | scales | set(asked())


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any], *, changed: bool = False) -> None:
    """Gives a freshly built optimizer the moments of a stored one; what is ours in its groups stays as it was built.

    torch replaces the groups by the stored ones whole, which of an earlier version lack what groups have today.

    Args:
        changed: it was built with other settings than the stored one, and keeps them all.

    Raises:
        ValueError: the stored one has other groups.
    """
    ours = [
        {key: value for key, value in group.items() if key in OWN_KEYS or (changed and key != "params")}
        for group in optimizer.param_groups
    ]
    optimizer.load_state_dict(state)
    for group, kept in zip(optimizer.param_groups, ours, strict=True):
        group.update(kept)


def decaying_weights(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    """Lists the filters and matrices that an optimizer moves."""
    return [weight for group in optimizer.param_groups if group["decays"] for weight in group["params"]]


def set_rates(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Gives every group its share of a learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group["lr_scale"]


def top_rate(optimizer: torch.optim.Optimizer) -> float:
    """Reads the learning rate of the group that has the largest."""
    return max(float(group["lr"]) for group in optimizer.param_groups)
