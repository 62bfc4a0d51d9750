"""Atrous spatial pyramid pooling: one map seen at several scales side by side.

N pictures · F channels of a feature map · H W pixels
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .parts import Parts


class ASPP(nn.Module):
    """Looks at a map with a 1×1 convolution, three dilated 3×3 ones and the mean of the whole map, and joins them.

    Each of the five has a quarter of the channels. They are normalized together: the mean of a map is a single number,
    which some normalizations cannot take alone, and batch normalization, a matter of each channel, is the same either
    way.

    Args:
        channels: channels F that come in and go out.
        rate: r of the dilations r, 2r and 3r, pixels.
        parts: of the net.

    Source: Chen et al. 2017, Rethinking Atrous Convolution, section 3.3 and figure 5 (r = 6 on larger maps).
    """

    def __init__(self, channels: int, rate: int, parts: Parts) -> None:
        super().__init__()
        each = max(1, channels // 4)
        inside = each * parts.pieces
        dilated = [parts.convolution(channels, inside, 3, dilation=times * rate) for times in (1, 2, 3)]
        self.branches = nn.ModuleList([parts.convolution(channels, inside, 1), *dilated])
        self.pooled = parts.convolution(channels, inside, 1)
        self.norm = parts.norm(5 * inside)
        self.act = parts.act(5 * each)
        self.joined = nn.Sequential(*parts.unit(5 * each, channels, 1))

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        seen = [branch(maps_NFHW) for branch in self.branches]
        everywhere_NFHW = self.pooled(maps_NFHW.mean((2, 3), keepdim=True)).expand_as(seen[0])
        return self.joined(self.act(self.norm(torch.cat([*seen, everywhere_NFHW], dim=1))))
