"""Normalization of pictures as one scale and one shift a channel, and the way back.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Preprocessor:
    """Mean and standard deviation of each channel, and whether they are used; final.

    A stored value u (0 to 255) becomes (u/255 − mean) / std. Mean and deviation are known even where they are not
    applied: augmentation fills with the mean.

    Attributes:
        mean_C: float64, of u/255.
        std_C: float64, of u/255; 1 for a channel that is constant.
        center: whether the mean is subtracted.
        scale: whether is divided by the deviation.
        constant_channels: channels in which all training pixels are equal; they are not divided.
    """

    mean_C: Tensor
    std_C: Tensor
    center: bool = True
    scale: bool = True
    constant_channels: tuple[int, ...] = ()

    @classmethod
    def from_statistics(
        cls, mean: Sequence[float], std: Sequence[float], *, center: bool = True, scale: bool = True
    ) -> Preprocessor:
        """Takes mean and deviation of u/255 from elsewhere, such as a pretrained model; 0 marks a constant channel.

        >>> Preprocessor.from_statistics([0.5], [0.25]).shift_C.tolist()
        [-2.0]
        """
        constant = tuple(channel for channel, value in enumerate(std) if value == 0)
        divisors = [value if value != 0 else 1.0 for value in std]
        mean_C, std_C = (torch.tensor(values, dtype=torch.float64) for values in (list(mean), divisors))
        return cls(mean_C, std_C, center, scale, constant)

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
        """What the training mean becomes, float32: exactly 0 where the mean is subtracted, else mean or mean/std."""
        return torch.zeros_like(self.mean_C).float() if self.center else (self.mean_C / self._divisor_C).float()

    def apply(self, images_NCHW: Tensor) -> Tensor:
        """Normalizes stored pictures with plain torch operations: uint8 → float32 N C H W.

        >>> pixel = torch.full((1, 1, 1, 1), 255, dtype=torch.uint8)
        >>> Preprocessor.from_statistics([0.5], [0.25]).apply(pixel).item()
        2.0
        """
        scale_C11, shift_C11 = (tensor.to(images_NCHW.device)[:, None, None] for tensor in (self.scale_C, self.shift_C))
        return images_NCHW.to(torch.float32).mul_(scale_C11).add_(shift_C11)

    def invert(self, pixels_NCHW: Tensor) -> Tensor:
        """Turns what the net sees into pictures to look at: float N C H W → uint8, rounded, cut to 0…255."""
        scale_C11, shift_C11 = (tensor.to(pixels_NCHW.device)[:, None, None] for tensor in (self.scale_C, self.shift_C))
        values = (pixels_NCHW.to(torch.float32) - shift_C11) / scale_C11
        return values.round().clamp(0, 255).to(torch.uint8)

    def state(self) -> dict[str, Tensor]:
        """Gives everything as tensors, for a checkpoint; `from_state` takes it back."""
        constant_C = torch.zeros(len(self.mean_C), dtype=torch.bool)
        constant_C[list(self.constant_channels)] = True
        return {
            "mean_C": self.mean_C,
            "std_C": self.std_C,
            "constant_C": constant_C,
            "center": torch.tensor(self.center),
            "scale": torch.tensor(self.scale),
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Tensor]) -> Preprocessor:
        """Rebuilds the very same preprocessor from `state`."""
        constant = tuple(int(channel) for channel in torch.where(state["constant_C"])[0])
        return cls(state["mean_C"], state["std_C"], bool(state["center"]), bool(state["scale"]), constant)
