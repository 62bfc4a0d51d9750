"""Normalizations by the names that they have in the recipe.

N pictures · F channels of a feature map · H W pixels
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.errors import InputError

from .layouts import in_layout_of


class InstanceNorm2d(nn.Module):
    """Normalizes every map of every picture by itself, with γ and β learned for every channel.

    As torch's layer of this name, which gives its maps out in another layout of memory than they came in.

    Args:
        channels: channels F.
        eps: added to variances.
        device, dtype: of the parameters, as torch's own layers take them.

    Source: Ulyanov et al. 2016, equation 1.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(channels, device=device, dtype=dtype))

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        normal_NFHW = F.instance_norm(maps_NFHW, weight=self.weight, bias=self.bias, eps=self.eps)
        return in_layout_of(normal_NFHW, maps_NFHW)


class BatchInstanceNorm2d(nn.Module):
    """Computes (ρ·BN(x) + (1 − ρ)·IN(x))·γ + β, with ρ, γ and β learned for every channel.

    Batch normalization keeps how pictures differ in style, instance normalization takes it away; ρ = 1, the start, is
    batch normalization alone. Who moves ρ brings it back into [0, 1] at once: training does so after every step, so
    that weights, their average and checkpoints never hold another.

    Args:
        channels: channels F.
        eps: added to variances.
        device, dtype: of the parameters, as torch's own layers take them.

    Source: Nam & Kim 2018, equations 3 and 4.
    """

    def __init__(
        self,
        channels: int,
        eps: float = 1e-5,
        device: torch.device | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        super().__init__()
        self.batch = nn.BatchNorm2d(channels, eps=eps, affine=False, device=device, dtype=dtype)
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(channels, device=device, dtype=dtype))
        self.bias = nn.Parameter(torch.zeros(channels, device=device, dtype=dtype))
        self.rho = nn.Parameter(torch.ones(channels, device=device, dtype=dtype))

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        rho_F11, scale_F11, shift_F11 = (vector[:, None, None] for vector in (self.rho, self.weight, self.bias))
        by_picture_NFHW = in_layout_of(F.instance_norm(maps_NFHW, eps=self.eps), maps_NFHW)
        mixed_NFHW = torch.lerp(by_picture_NFHW.to(rho_F11.dtype), self.batch(maps_NFHW).to(rho_F11.dtype), rho_F11)
        return (mixed_NFHW * scale_F11 + shift_F11).to(maps_NFHW.dtype)


class ChannelScale(nn.Module):
    """Multiplies every channel with a learned number: what a residual branch without normalization ends with.

    Source: De & Smith 2020, SkipInit (one number a branch, from 0); Touvron et al. 2021, LayerScale (one a channel).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        return maps_NFHW * self.weight[:, None, None].to(maps_NFHW.dtype)


def group_norm(channels: int, groups: int) -> nn.Module:
    """Builds a normalization over groups of channels.

    Raises:
        InputError: the groups do not divide the channels; names numbers that do.
    """
    if channels % groups:
        fitting = [str(count) for count in range(1, channels + 1) if channels % count == 0]
        raise InputError(
            f"{groups} groups do not divide a layer of {channels} channels",
            expected=f"one of {', '.join(fitting)}",
            got=str(groups),
            where="model.norm_groups",
            hint="a number that divides the channels of all layers, or another model.width",
        )
    return nn.GroupNorm(groups, channels)


NORMALIZATIONS: Final[dict[str, Callable[[int, int], nn.Module]]] = {
    "batch": lambda channels, _groups: nn.BatchNorm2d(channels),
    "instance": lambda channels, _groups: InstanceNorm2d(channels),
    "layer": lambda channels, _groups: nn.GroupNorm(1, channels),
    "group": group_norm,
    "batch-instance": lambda channels, _groups: BatchInstanceNorm2d(channels),
    "none": lambda _channels, _groups: nn.Identity(),
}
"""Every value of `model.normalization` but native: (channels, `model.norm_groups`) → module.

Source: Ioffe & Szegedy 2015 (batch); Ulyanov et al. 2016 (instance); Ba et al. 2016 (layer: over all units of a layer,
which for maps is one group of all channels); Wu & He 2018 (group); Nam & Kim 2018 (batch-instance).
"""


def share_names(model: nn.Module) -> set[str]:
    """Names the parameters that are shares and must stay in [0, 1]: ρ of batch-instance normalization."""
    owners = [name for name, module in model.named_modules() if isinstance(module, BatchInstanceNorm2d)]
    return {f"{owner}.rho" if owner else "rho" for owner in owners}
