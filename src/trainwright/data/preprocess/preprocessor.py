"""Pictures as stored → what the net sees, and the way back.

What each channel has in common (one scale, one shift) is folded into the one pass that augments a batch
(augment/augmenter.py); what differs from pixel to pixel follows as one further step on the whole batch, `finish`.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .dimensions import Dimensions
from .whitening import Whitening


@dataclass(frozen=True, eq=False)
class Preprocessor:
    """Mean and standard deviation of each channel, whether they are used, and what follows pixel by pixel; final.

    A stored value u (0 to 255) becomes (u/255 − mean) / std. Mean and deviation are known even where they are not
    applied: augmentation fills with the mean.

    Attributes:
        mean_C: float64, of u/255.
        std_C: float64, of u/255; 1 for a channel that is constant.
        center: whether the mean is subtracted.
        scale: whether is divided by the deviation.
        constant_channels: channels in which all training pixels are equal; they are not divided.
        dimensions: offset and divisor of each pixel's channel; they then stand for those of the channels, and neither
            center nor scale is set.
        whitening: what follows after that.
    """

    mean_C: Tensor
    std_C: Tensor
    center: bool = True
    scale: bool = True
    constant_channels: tuple[int, ...] = ()
    dimensions: Dimensions | None = None
    whitening: Whitening | None = None

    @classmethod
    def from_statistics(
        cls,
        mean: Sequence[float],
        std: Sequence[float],
        *,
        center: bool = True,
        scale: bool = True,
        dimensions: Dimensions | None = None,
        whitening: Whitening | None = None,
    ) -> Preprocessor:
        """Takes mean and deviation of u/255 from elsewhere, such as a pretrained model; 0 marks a constant channel.

        >>> Preprocessor.from_statistics([0.5], [0.25]).shift_C.tolist()
        [-2.0]
        """
        constant = tuple(channel for channel, value in enumerate(std) if value == 0)
        divisors = [value if value != 0 else 1.0 for value in std]
        mean_C, std_C = (torch.tensor(values, dtype=torch.float64) for values in (list(mean), divisors))
        return cls(mean_C, std_C, center, scale, constant, dimensions, whitening)

    @property
    def _divisor_C(self) -> Tensor:
        return self.std_C if self.scale else torch.ones_like(self.std_C)

    @property
    def scale_C(self) -> Tensor:
        """What a stored value is multiplied by, 1/255 included: float32."""
        return (1.0 / (255.0 * self._divisor_C)).float()

    @property
    def shift_C(self) -> Tensor:
        """What is then added: float32."""
        return (-self.mean_C / self._divisor_C).float() if self.center else torch.zeros_like(self.mean_C).float()

    @property
    def fill_C(self) -> Tensor:
        """What the training mean of a channel becomes before `finish`, float32: exactly 0 where it is subtracted."""
        return torch.zeros_like(self.mean_C).float() if self.center else (self.mean_C / self._divisor_C).float()

    def apply(self, images_NCHW: Tensor) -> Tensor:
        """Preprocesses stored pictures with plain torch operations: uint8 → float32 N C H W.

        >>> pixel = torch.full((1, 1, 1, 1), 255, dtype=torch.uint8)
        >>> Preprocessor.from_statistics([0.5], [0.25]).apply(pixel).item()
        2.0
        """
        scale_C11, shift_C11 = (tensor.to(images_NCHW.device)[:, None, None] for tensor in (self.scale_C, self.shift_C))
        return self.finish(images_NCHW.to(torch.float32).mul_(scale_C11).add_(shift_C11))

    def finish(self, pixels_NCHW: Tensor) -> Tensor:
        """Does what differs from pixel to pixel, where something does, after the step of each channel.

        Args:
            pixels_NCHW: float32, stored values times `scale_C` plus `shift_C`, on any device; may be written over.

        Returns: float32 N C H W.
        """
        if self.dimensions is not None:
            pixels_NCHW = self.dimensions.apply(pixels_NCHW)
        return pixels_NCHW if self.whitening is None else self.whitening.apply(pixels_NCHW)

    def invert(self, finished_NCHW: Tensor) -> Tensor:
        """Turns what the net sees into pictures to look at: float N C H W → uint8, rounded, cut to 0…255."""
        pixels_NCHW = finished_NCHW.to(torch.float32)
        if self.whitening is not None:
            pixels_NCHW = self.whitening.invert(pixels_NCHW)
        if self.dimensions is not None:
            pixels_NCHW = self.dimensions.invert(pixels_NCHW)
        scale_C11, shift_C11 = (tensor.to(pixels_NCHW.device)[:, None, None] for tensor in (self.scale_C, self.shift_C))
        values = (pixels_NCHW - shift_C11) / scale_C11
        return values.round().clamp(0, 255).to(torch.uint8)
