"""Standardization of every dimension by itself: each pixel's channel has an offset and a divisor of its own.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Dimensions:
    """An image to subtract and an image to divide by; final. x becomes (x − offset) / divisor.

    Attributes:
        offset_CHW: float64, of u/255 (u: stored value).
        divisor_CHW: float64, of u/255, above 0.
        constant_CHW: bool, the dimensions that hold one value in the whole training part.
    """

    offset_CHW: Tensor
    divisor_CHW: Tensor
    constant_CHW: Tensor
    _factors: dict[torch.device, tuple[Tensor, Tensor]] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def from_statistics(cls, offset_CHW: Tensor, divisor_CHW: Tensor, constant_CHW: Tensor) -> Dimensions:
        """Takes what was measured; where the divisor is 0, nothing is divided.

        >>> half, none = torch.full((1, 1, 1), 0.5), torch.zeros(1, 1, 1)
        >>> Dimensions.from_statistics(half, none, none == 0).apply(torch.ones(1, 1, 1, 1)).item()
        0.5
        """
        return cls(offset_CHW, divisor_CHW.masked_fill(divisor_CHW == 0, 1.0), constant_CHW)

    def apply(self, pixels_NCHW: Tensor) -> Tensor:
        """Standardizes float32 pixels where they stand, in one multiply-add."""
        device = pixels_NCHW.device
        if device not in self._factors:
            multiply_CHW, add_CHW = 1.0 / self.divisor_CHW, -self.offset_CHW / self.divisor_CHW
            self._factors[device] = (_placed(multiply_CHW, pixels_NCHW), _placed(add_CHW, pixels_NCHW))
        multiply_CHW, add_CHW = self._factors[device]
        return torch.addcmul(add_CHW, pixels_NCHW, multiply_CHW, out=pixels_NCHW)

    def invert(self, finished_NCHW: Tensor) -> Tensor:
        """Gives back new pixels from what `apply` made: float32."""
        divisor_CHW, offset_CHW = (
            part.float().to(finished_NCHW.device) for part in (self.divisor_CHW, self.offset_CHW)
        )
        return torch.addcmul(offset_CHW, finished_NCHW, divisor_CHW)


def _placed(part_CHW: Tensor, pixels_NCHW: Tensor) -> Tensor:
    return part_CHW.float().to(pixels_NCHW.device)
