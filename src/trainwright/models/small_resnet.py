"""Small residual nets for pictures up to 96 pixels; width and depth are settings.

N pictures · C channels of a picture · H W pixels · F channels of a feature map · K classes
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .activations import Doubled
from .aspp import ASPP
from .drops import DropPath, falling_survival
from .parts import Parts
from .sizes import check_img_size, entry_width, stage_widths

NATIVE_PARTS = Parts()


class ResidualBlock(nn.Module):
    """Adds what two 3×3 convolutions find to what came in.

    The scale of the second normalization starts at 0, so that a fresh block passes its input on unchanged (but for the
    activation behind the sum, which leaves the output of a ReLU alone) and a deep net is as easy to start as a shallow
    one. Without normalization a scale of its own stands there.

    Args:
        channels_in: channels F that come in.
        channels_out: channels F that go out.
        stride: 2 halves height and width (rounded up), 1 keeps them.
        dilation: of both convolutions, pixels.
        dropped: probability that a picture skips the convolutions in training.
        parts: of the net.

    Source: He et al. 2016, figure 2; scale 0: Goyal et al. 2017, section 5.1; without normalization: De & Smith 2020.
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        stride: int,
        *,
        dilation: int = 1,
        dropped: float = 0.0,
        parts: Parts = NATIVE_PARTS,
    ) -> None:
        super().__init__()
        inside = channels_out * parts.pieces
        self.conv1 = parts.convolution(channels_in, inside, 3, stride=stride, dilation=dilation)
        self.norm1 = parts.norm(inside)
        self.act1 = parts.act(channels_out)
        self.conv2 = parts.convolution(channels_out, inside, 3, dilation=dilation)
        self.norm2 = parts.closing_norm(inside)
        self.shortcut = shortcut(channels_in, channels_out, stride, parts)
        self.act2 = parts.act(channels_out)
        self.drop = DropPath(dropped) if dropped > 0 else nn.Identity()

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        found_NFHW = self.act1(self.norm1(self.conv1(maps_NFHW)))
        found_NFHW = self.drop(self.norm2(self.conv2(found_NFHW)))
        return self.act2(found_NFHW + self.shortcut(maps_NFHW))


def shortcut(channels_in: int, channels_out: int, stride: int, parts: Parts = NATIVE_PARTS) -> nn.Module:
    """Builds the way around a block: nothing where shapes agree, else average pooling and a 1×1 convolution.

    Pooling first means that no pixel is thrown away, as a 1×1 convolution with stride 2 would do with three of four.
    In front of maxout every channel goes to both numbers of its pair.

    Source: He, T. et al. 2019, figure 2c (ResNet-D).
    """
    way: list[nn.Module] = [nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)] if stride > 1 else []
    if stride > 1 or channels_in != channels_out:
        way += [parts.convolution(channels_in, channels_out, 1), parts.norm(channels_out)]
    if parts.pieces > 1:
        way.append(Doubled())
    return nn.Sequential(*way) if way else nn.Identity()


class GlobalPool(nn.Module):
    """Makes two features of every map: its mean (how much of it there is) and its maximum (whether it is anywhere).

    Source: Howard & Gugger 2020 (fastai, concatenated pooling).
    """

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        """Returns the features N 2F: the means first, then the maxima."""
        return torch.cat([maps_NFHW.mean((2, 3)), maps_NFHW.amax((2, 3))], dim=1)


class SmallResNet(nn.Module):
    """Classifies small pictures with a stem, two to four stages of residual blocks, and a linear head.

    From 17 pixels one narrow block at full size comes before the stages: it looks at every pixel where that is cheap.

    Args:
        classes: classes K.
        channels: channels C of the pictures.
        img_size: side of the square pictures, pixels; decides the number of stages, and whether a narrow block comes
            first.
        width: channels F of the first stage; later stages have two to twelve times as many (sizes.py) and halve the
            map.
        depth: residual blocks a stage; the last stage, whose blocks are the largest, has one less where depth
            is above 1.
        dropout: probability that a feature in front of the head is dropped in training.
        parts: activation, normalization and further layers.

    Raises:
        InputError: pictures too small; groups of a normalization that do not divide the channels.

    Source: He et al. 2016, section 4.2.

    >>> net = SmallResNet(classes=10, channels=1, img_size=28, width=16, depth=1, dropout=0.0)
    >>> sum(parameter.numel() for parameter in net.parameters())
    135650
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
        check_img_size("small-resnet", img_size)
        entry = entry_width(img_size, width)
        self.stem = nn.Sequential(*parts.unit(channels, entry or width, 3))
        widths = stage_widths(img_size, width)
        last = len(widths) - 1
        counts = [depth if stage < last else max(depth - 1, 1) for stage in range(len(widths))]
        dropped = iter(falling_survival(parts.stochastic_depth, sum(counts) + bool(entry)))

        def block(channels_in: int, channels_out: int, stride: int, dilation: int = 1) -> nn.Module:
            return ResidualBlock(
                channels_in, channels_out, stride, dilation=dilation, dropped=next(dropped), parts=parts
            )

        stages: list[nn.Module] = [nn.Sequential(block(entry, entry, 1), *parts.drop_maps())] if entry else []
        channels_in = entry or width
        for stage, channels_out in enumerate(widths):
            dilation = 1 if stage < last else parts.dilation
            first = block(channels_in, channels_out, 2 if stages else 1, dilation)
            rest = [block(channels_out, channels_out, 1, dilation) for _ in range(counts[stage] - 1)]
            stages.append(nn.Sequential(first, *rest, *parts.drop_maps()))
            channels_in = channels_out
        if parts.aspp:
            stages.append(ASPP(channels_in, parts.aspp, parts))
        self.stages = nn.Sequential(*stages)
        self.pool = GlobalPool()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels_in, classes)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Returns the logits N K of float pictures N C H W."""
        maps_NFHW = self.stages(self.stem(images_NCHW))
        features_NF = self.pool(maps_NFHW)
        return self.head(self.dropout(features_NF))
