"""What is left out at random in training, and nothing at test: weights and whole blocks.

Dropout and spatial dropout are torch's own. All of them are inverted: what stays is divided by its probability, so that
the mean is what it is at test.

N pictures · F channels of a feature map · H W pixels
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils import parametrize

from .heads import affine_layers


class DropPath(nn.Module):
    """Leaves a residual branch out for pictures drawn at random, so that they take the shortcut alone.

    Args:
        probability: of leaving it out, 0 to 1.

    Source: Huang et al. 2016, section 3, for each picture instead of each batch.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        if not self.training:
            return maps_NFHW
        kept_N111 = torch.ones_like(maps_NFHW[:, :1, :1, :1])
        return maps_NFHW * F.dropout(kept_N111, self.probability)

    def extra_repr(self) -> str:
        return f"{self.probability:g}"


class DropConnect(nn.Module):
    """Leaves weights out of a layer, other ones in every forward pass in training.

    Source: Wan et al. 2013, section 3; one mask a batch, and the weights as they are at test (their mean) instead of
    the paper's sampled Gaussian.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability

    def forward(self, weight: Tensor) -> Tensor:
        return F.dropout(weight, self.probability, self.training)

    def right_inverse(self, weight: Tensor) -> Tensor:
        return weight

    def extra_repr(self) -> str:
        return f"{self.probability:g}"


def drop_connections(model: nn.Module, probability: float) -> None:
    """Puts every convolution and linear layer of a net, the head too, under DropConnect.

    Args:
        model: changed in place; in evaluation `layer.weight` is the weights.
        probability: that a weight is left out, 0 to 1.
    """
    for layer in affine_layers(model).values():
        parametrize.register_parametrization(layer, "weight", DropConnect(probability))


def falling_survival(probability: float, blocks: int) -> list[float]:
    """Gives the probability of leaving out each block of a net, first block first: l/L of that of the last.

    >>> falling_survival(0.5, 4)
    [0.125, 0.25, 0.375, 0.5]
    """
    return [probability * block / blocks for block in range(1, blocks + 1)]
