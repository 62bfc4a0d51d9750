"""Small residual nets for pictures up to 96 pixels; width and depth are settings.

N pictures · C channels of a picture · H W pixels · F channels of a feature map · K classes
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .sizes import check_img_size, entry_width, stage_widths


class ResidualBlock(nn.Module):
    """Adds what two 3×3 convolutions find to what came in.

    The scale of the second normalization starts at 0, so that a fresh block passes its input on unchanged and a deep
    net is as easy to start as a shallow one.

    Args:
        channels_in: channels F that come in.
        channels_out: channels F that go out.
        stride: 2 halves height and width (rounded up), 1 keeps them.

    Source: He et al. 2016, figure 2; scale 0: Goyal et al. 2017, section 5.1.
    """

    def __init__(self, channels_in: int, channels_out: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(channels_out)
        self.act1 = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(channels_out)
        self.shortcut = shortcut(channels_in, channels_out, stride)
        self.act2 = nn.ReLU(inplace=True)
        nn.init.zeros_(self.norm2.weight)

    def forward(self, maps_NFHW: Tensor) -> Tensor:
        found_NFHW = self.act1(self.norm1(self.conv1(maps_NFHW)))
        found_NFHW = self.norm2(self.conv2(found_NFHW))
        return self.act2(found_NFHW + self.shortcut(maps_NFHW))


def shortcut(channels_in: int, channels_out: int, stride: int) -> nn.Module:
    """Builds the way around a block: nothing where shapes agree, else average pooling and a 1×1 convolution.

    Pooling first means that no pixel is thrown away, as a 1×1 convolution with stride 2 would do with three of four.

    Source: He, T. et al. 2019, figure 2c (ResNet-D).
    """
    if stride == 1 and channels_in == channels_out:
        return nn.Identity()
    pool = [nn.AvgPool2d(stride, ceil_mode=True, count_include_pad=False)] if stride > 1 else []
    return nn.Sequential(
        *pool,
        nn.Conv2d(channels_in, channels_out, 1, bias=False),
        nn.BatchNorm2d(channels_out),
    )


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

    Raises:
        InputError: pictures too small.

    Source: He et al. 2016, section 4.2.

    >>> net = SmallResNet(classes=10, channels=1, img_size=28, width=16, depth=1, dropout=0.0)
    >>> sum(parameter.numel() for parameter in net.parameters())
    135650
    """

    def __init__(
        self, *, classes: int, channels: int, img_size: int, width: int, depth: int, dropout: float = 0.0
    ) -> None:
        super().__init__()
        check_img_size("small-resnet", img_size)
        entry = entry_width(img_size, width)
        self.stem = nn.Sequential(
            nn.Conv2d(channels, entry or width, 3, padding=1, bias=False),
            nn.BatchNorm2d(entry or width),
            nn.ReLU(inplace=True),
        )
        stages: list[nn.Module] = [nn.Sequential(ResidualBlock(entry, entry, stride=1))] if entry else []
        widths = stage_widths(img_size, width)
        channels_in, last = entry or width, len(widths) - 1
        for stage, channels_out in enumerate(widths):
            first = ResidualBlock(channels_in, channels_out, stride=2 if stages else 1)
            further = depth - 1 if stage < last else max(depth - 2, 0)
            rest = [ResidualBlock(channels_out, channels_out, stride=1) for _ in range(further)]
            stages.append(nn.Sequential(first, *rest))
            channels_in = channels_out
        self.stages = nn.Sequential(*stages)
        self.pool = GlobalPool()
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(2 * channels_in, classes)

    def forward(self, images_NCHW: Tensor) -> Tensor:
        """Returns the logits N K of float pictures N C H W."""
        maps_NFHW = self.stages(self.stem(images_NCHW))
        features_NF = self.pool(maps_NFHW)
        return self.head(self.dropout(features_NF))
