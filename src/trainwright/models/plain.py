"""A plain stack of convolutions and poolings in the manner of LeNet and VGG; width and depth are settings.

N pictures · C channels of a picture · H W pixels · F channels of a feature map · K classes
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor, nn

from .aspp import ASPP
from .parts import Parts
from .sizes import check_img_size, stage_count

NATIVE_PARTS = Parts()


POOLINGS: Final[dict[str, Callable[[Parts, int], list[nn.Module]]]] = {
    "max": lambda _parts, _channels: [nn.MaxPool2d(2)],
    "average": lambda _parts, _channels: [nn.AvgPool2d(2)],
    "stride": lambda parts, channels: parts.unit(channels, channels, 3, stride=2),
}
"""Every value of `model.pooling`, and the layers that halve a map with these channels."""


class Plain(nn.Module):
    """Classifies small pictures with stages of 3×3 convolutions, each but the last closed by 2×2 max pooling
    (or what `model.pooling` says).

    No way leads around a layer, so that the net shows what residual connections are good for: it trains well when
    shallow and badly when deep.

    Args:
        classes: classes K.
        channels: channels C of the pictures.
        img_size: side of the square pictures, pixels; decides the number of stages.
        width: channels F of the first stage; every later stage doubles it.
        depth: convolutions a stage.
        dropout: probability that a feature in front of the head is dropped in training.
        parts: activation, normalization and further layers.

    Raises:
        InputError: pictures too small; groups of a normalization that do not divide the channels.

    Source: LeCun et al. 1998; Simonyan & Zisserman 2014, section 2.1; batch normalization: Ioffe & Szegedy 2015.

    >>> net = Plain(classes=10, channels=1, img_size=28, width=16, depth=1, dropout=0.0)
    >>> sum(parameter.numel() for parameter in net.parameters())
    24058
    """

    def __init__(
        self,
        *,
        classes: int,
        channels: int,
        img_size: int,
        width: int,
        depth: int,
        dropout: float = 0.0,
        parts: Parts = NATIVE_PARTS,
    ) -> None:
        super().__init__()
        check_img_size("plain", img_size)
        last = stage_count(img_size) - 1
        stages: list[nn.Module] = []
        channels_in = channels
        for stage in range(last + 1):
            channels_out = width * 2**stage
            layers: list[nn.Module] = []
            for _ in range(depth):
                layers += parts.unit(channels_in, channels_out, 3, dilation=1 if stage < last else parts.dilation)
                channels_in = channels_out
            if stage < last:
                layers += POOLINGS[parts.pooling](parts, channels_out)
            stages.append(nn.Sequential(*layers, *parts.drop_maps()))
        if parts.aspp:
            stages.append(ASPP(channels_in, parts.aspp, parts))
        self.stages = nn.Sequential(*stages)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(channels_in, classes)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Returns the logits N K of float pictures N C H W."""
        maps_NFHW = self.stages(images_NCHW)
        features_NF = self.flatten(self.pool(maps_NFHW))
        return self.head(self.dropout(features_NF))
