"""Which layer of a net each parameter belongs to, counted from the input to the head."""

from __future__ import annotations

import re
from typing import Any

from torch import nn

NUMBERED_BLOCK = re.compile(r"\w+(\.\d+)*")
"""The part of a parameter's name that names its layer: `stages.0.1` of `stages.0.1.conv1.weight`, `head`."""


def layer_numbers(model: nn.Module) -> dict[str, int]:
    """Gives the number of its layer for every parameter's name: 0 at the input, the largest at the head.

    timm's nets say themselves which parameters form a block. In our own a numbered block, or a part that stands by
    itself, is a layer; what has no filter of its own, such as a normalization, belongs to the layer in front of it.

    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(2, 2))
    >>> layer_numbers(net)
    {'0.weight': 0, '0.bias': 0, '1.weight': 0, '1.bias': 0, '3.weight': 1, '3.bias': 1}
    """
    matcher: Any = getattr(model, "group_matcher", None)
    if matcher is not None:
        from timm.models import group_parameters

        numbers: Any = group_parameters(model, matcher(coarse=False), reverse=True)
        return {name: numbers[name] for name, _ in model.named_parameters()}
    # Centered weights stand behind the bias of their layer, so that a vector may come before its block's filter.
    with_filter = {_block(name) for name, parameter in model.named_parameters() if parameter.ndim > 1}
    blocks: dict[str, list[str]] = {}
    for name, _ in model.named_parameters():
        block = _block(name)
        if block not in with_filter and blocks:
            block = next(reversed(blocks))
        blocks.setdefault(block, []).append(name)
    return {name: number for number, names in enumerate(blocks.values()) for name in names}


def _block(name: str) -> str:
    match = NUMBERED_BLOCK.match(name)
    return match.group() if match else name
