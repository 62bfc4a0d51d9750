"""The parts that our own nets are built from, by the names that the recipe gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

from trainwright.recipe.model import ModelSection

from .activations import ACTIVATIONS, PIECES
from .normalizations import NORMALIZATIONS, ChannelScale

NATIVE_ACTIVATION = "relu"
NATIVE_NORMALIZATION = "batch"


@dataclass(frozen=True)
class Parts:
    """What all layers of a net of ours have in common; fields are those of the recipe's section `model`."""

    activation: str = NATIVE_ACTIVATION
    leaky_slope: float = 0.01
    normalization: str = NATIVE_NORMALIZATION
    norm_groups: int = 8
    pooling: str = "max"
    dilation: int = 1
    aspp: int = 0
    spatial_dropout: float = 0.0
    stochastic_depth: float = 0.0

    @classmethod
    def of(cls, section: ModelSection) -> Parts:
        """Reads them from a recipe; `native` becomes what our nets have when nobody says anything."""
        values: dict[str, Any] = {name: getattr(section, name) for name in cls.__dataclass_fields__}
        ours = {"activation": NATIVE_ACTIVATION, "normalization": NATIVE_NORMALIZATION}
        values |= {name: native for name, native in ours.items() if values[name] == "native"}
        return cls(**values)

    @property
    def pieces(self) -> int:
        """Channels in front of the activation for each behind it: 2 for maxout, else 1."""
        return PIECES.get(self.activation, 1)

    def convolution(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ) -> nn.Conv2d:
        """Builds a convolution that keeps the map's size but for the stride; with a bias where no normalization is."""
        return nn.Conv2d(
            channels_in,
            channels_out,
            kernel,
            stride,
            padding=dilation * (kernel // 2),
            dilation=dilation,
            bias=self.normalization == "none",
        )

    def norm(self, channels: int) -> nn.Module:
        """Builds the normalization of a layer."""
        return NORMALIZATIONS[self.normalization](channels, self.norm_groups)

    def closing_norm(self, channels: int) -> nn.Module:
        """Builds the normalization that ends a residual branch, its scale 0; without one, a scale alone."""
        norm = ChannelScale(channels) if self.normalization == "none" else self.norm(channels)
        nn.init.zeros_(norm.get_parameter("weight"))
        return norm

    def act(self, channels: int) -> nn.Module:
        """Builds the activation of a layer with these channels behind it."""
        return ACTIVATIONS[self.activation](channels, self.leaky_slope)

    def unit(
        self, channels_in: int, channels_out: int, kernel: int, *, stride: int = 1, dilation: int = 1
    ) -> list[nn.Module]:
        """Builds convolution, normalization and activation, in this order."""
        inside = channels_out * self.pieces
        return [
            self.convolution(channels_in, inside, kernel, stride=stride, dilation=dilation),
            self.norm(inside),
            self.act(channels_out),
        ]

    def drop_maps(self) -> list[nn.Module]:
        """Builds what stands behind a stage: spatial dropout, or nothing."""
        return [nn.Dropout2d(self.spatial_dropout)] if self.spatial_dropout > 0 else []
