"""Activations by the names that they have in the recipe.

N pictures · F channels of a feature map · H W pixels
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Maxout(nn.Module):
    """Takes the larger number of every pair of channels, one from each half: max(w₁ᵀx + b₁, w₂ᵀx + b₂).

    The layer in front has twice the channels that go out, so that each unit has two linear maps to choose from. Halves
    lie together in memory, neighbors would have to be picked out one by one.

    Source: Goodfellow et al. 2013, equation 2, with k = 2.

    >>> Maxout()(torch.tensor([[[[1.0]], [[3.0]], [[-2.0]], [[-5.0]]]])).flatten().tolist()
    [1.0, 3.0]
    """

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        """Returns half as many channels."""
        return torch.maximum(*maps_NFHW.chunk(2, dim=1))


class Doubled(nn.Module):
    """Repeats all channels, so that a sum in front of maxout adds the same to both numbers of a pair.

    Then max(x + f₁, x + f₂) = x + max(f₁, f₂), and a residual block still passes its input on.

    >>> Doubled()(torch.tensor([[[[1.0]], [[2.0]]]])).flatten().tolist()
    [1.0, 2.0, 1.0, 2.0]
    """

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        """Returns twice as many channels."""
        return torch.cat([maps_NFHW, maps_NFHW], dim=1)


class RReLU(nn.Module):
    """Lets x through; below 0 a·x with a drawn for every number in training, and the mean of its bounds at test.

    As torch's layer of this name, which gives out maps in another layout of memory than they came in, and takes longer.

    Args:
        lower, upper: bounds of a.

    Source: Xu et al. 2015, section 2.4, with the bounds of torch.
    """

    def __init__(self, lower: float = 1 / 8, upper: float = 1 / 3) -> None:
        super().__init__()
        self.lower, self.upper = lower, upper

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        """Returns maps of the same shape and layout."""
        if not self.training:
            return F.leaky_relu(maps_NFHW, (self.lower + self.upper) / 2)
        slopes_NFHW = torch.empty_like(maps_NFHW).uniform_(self.lower, self.upper)
        return maps_NFHW * torch.where(maps_NFHW < 0, slopes_NFHW, 1.0)


ACTIVATIONS: Final[dict[str, Callable[[int, float], nn.Module]]] = {
    "relu": lambda _channels, _slope: nn.ReLU(inplace=True),
    "leaky-relu": lambda _channels, slope: nn.LeakyReLU(slope, inplace=True),
    "prelu": lambda channels, _slope: nn.PReLU(channels),
    "rrelu": lambda _channels, _slope: RReLU(),
    "elu": lambda _channels, _slope: nn.ELU(),
    "selu": lambda _channels, _slope: nn.SELU(),
    "silu": lambda _channels, _slope: nn.SiLU(),
    "gelu": lambda _channels, _slope: nn.GELU(),
    "mish": lambda _channels, _slope: nn.Mish(),
    "hardswish": lambda _channels, _slope: nn.Hardswish(),
    "softplus": lambda _channels, _slope: nn.Softplus(),
    "sigmoid": lambda _channels, _slope: nn.Sigmoid(),
    "tanh": lambda _channels, _slope: nn.Tanh(),
    "maxout": lambda _channels, _slope: Maxout(),
}
"""Every value of `model.activation` but native: (channels that go out, `model.leaky_slope`) → module.

Source: Nair & Hinton 2010 (relu); Maas et al. 2013 (leaky-relu); He et al. 2015 (prelu); Xu et al. 2015 (rrelu);
Clevert et al. 2016 (elu); Klambauer et al. 2017 (selu); Elfwing et al. 2018 (silu); Hendrycks & Gimpel 2016 (gelu);
Misra 2020 (mish); Howard et al. 2019 (hardswish); Dugas et al. 2001 (softplus); LeCun et al. 1998 (sigmoid, tanh).
"""

PIECES: Final = {"maxout": 2}
"""Channels that go into one that comes out; 1 for all others."""
