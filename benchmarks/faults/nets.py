"""Eight small nets in plain PyTorch, of eight characters, as people write them.

Legend: N pictures, C channels, H W height and width.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Layout:
    """What a net is made for, and what may be changed in it.

    Attributes:
        side: height and width of the pictures.
        width: factor on the number of channels or units; at least 2 of each stay.
        activation: between layers; None for the net's own.
        more: layers added in the middle.
        stem_stride: of the first convolution.
        outputs: of the head; None for `classes`.
        norm: False leaves normalizations out.
        norm_momentum: of batch normalization, as torch counts it.
        dropout: share of units dropped; None for the net's own.
    """

    channels: int
    side: int
    classes: int
    width: float = 1.0
    activation: Callable[[], nn.Module] | None = None
    more: int = 0
    stem_stride: int = 2
    outputs: int | None = None
    norm: bool = True
    norm_momentum: float | None = 0.1
    dropout: float | None = None

    def wide(self, units: int) -> int:
        return max(2, round(units * self.width))

    @property
    def answers(self) -> int:
        return self.outputs or self.classes

    def batch_norm(self, channels: int) -> list[nn.Module]:
        return [nn.BatchNorm2d(channels, momentum=self.norm_momentum)] if self.norm else []


def plain_bn(layout: Layout) -> nn.Module:
    """Four convolutions with batch normalization and ReLU, pooled."""
    act = layout.activation or nn.ReLU
    a, b = layout.wide(8), layout.wide(16)

    def conv(inside: int, outside: int, stride: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inside, outside, 3, stride, padding=1, bias=not layout.norm),
            *layout.batch_norm(outside),
            act(),
        ]

    parts = [*conv(layout.channels, a, layout.stem_stride), *conv(a, a, 1)]
    for _ in range(layout.more):
        parts += conv(a, a, 1)
    parts += [*conv(a, b, 2), *conv(b, b, 1), nn.AdaptiveAvgPool2d(2), nn.Flatten()]
    parts += [nn.Dropout(layout.dropout)] if layout.dropout else []
    return nn.Sequential(*parts, nn.Linear(4 * b, layout.answers))


def plain(layout: Layout) -> nn.Module:
    """Three convolutions and a hidden layer with ReLU, nothing else."""
    act = layout.activation or nn.ReLU
    a, b, hidden = layout.wide(8), layout.wide(16), layout.wide(64)
    parts: list[nn.Module] = [nn.Conv2d(layout.channels, a, 3, layout.stem_stride, padding=1), act()]
    for _ in range(layout.more):
        parts += [nn.Conv2d(a, a, 3, padding=1), act()]
    parts += [nn.Conv2d(a, b, 3, 2, padding=1), act(), nn.Conv2d(b, b, 3, padding=1), act()]
    parts += [nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(16 * b, hidden), act()]
    parts += [nn.Dropout(layout.dropout)] if layout.dropout else []
    return nn.Sequential(*parts, nn.Linear(hidden, layout.answers))


def vgg(layout: Layout) -> nn.Module:
    """Pairs of convolutions with pooling between, dropout around a hidden layer."""
    act = layout.activation or nn.ReLU
    a, b, hidden = layout.wide(8), layout.wide(16), layout.wide(64)
    share = 0.3 if layout.dropout is None else layout.dropout

    def conv(inside: int, outside: int, stride: int = 1) -> list[nn.Module]:
        return [nn.Conv2d(inside, outside, 3, stride, padding=1), act()]

    parts = [*conv(layout.channels, a, layout.stem_stride), *conv(a, a)]
    for _ in range(layout.more):
        parts += conv(a, a)
    parts += [nn.MaxPool2d(2, ceil_mode=True), *conv(a, b), *conv(b, b), nn.AdaptiveAvgPool2d(4), nn.Flatten()]
    parts += [nn.Dropout(share), nn.Linear(16 * b, hidden), act(), nn.Dropout(share)]
    return nn.Sequential(*parts, nn.Linear(hidden, layout.answers))


def tanh_mlp(layout: Layout) -> nn.Module:
    """Five hidden layers with tanh, no convolution."""
    act = layout.activation or nn.Tanh
    hidden = layout.wide(64)
    pool = layout.stem_stride // 2
    parts: list[nn.Module] = [nn.AvgPool2d(pool)] if pool > 1 else []
    side = layout.side // max(1, pool)
    parts += [nn.Flatten(), nn.Linear(layout.channels * side * side, hidden), act()]
    for _ in range(4 + layout.more):
        parts += [nn.Linear(hidden, hidden), act()]
    parts += [nn.Dropout(layout.dropout)] if layout.dropout else []
    return nn.Sequential(*parts, nn.Linear(hidden, layout.answers))


def lenet(layout: Layout) -> nn.Module:
    """Two convolutions with tanh, average pooling, two hidden layers, after LeCun 1998."""
    act = layout.activation or nn.Tanh
    a, b, hidden = layout.wide(8), layout.wide(16), layout.wide(64)
    parts: list[nn.Module] = [nn.Conv2d(layout.channels, a, 5, layout.stem_stride, padding=2), act()]
    for _ in range(layout.more):
        parts += [nn.Conv2d(a, a, 3, padding=1), act()]
    parts += [nn.AvgPool2d(2, ceil_mode=True), nn.Conv2d(a, b, 3, padding=1), act(), nn.AdaptiveAvgPool2d(4)]
    parts += [nn.Flatten(), nn.Linear(16 * b, hidden), act(), nn.Linear(hidden, hidden), act()]
    parts += [nn.Dropout(layout.dropout)] if layout.dropout else []
    return nn.Sequential(*parts, nn.Linear(hidden, layout.answers))


class Block(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(
        self,
        inside: int,
        outside: int,
        stride: int,
        norm: Callable[[int], nn.Module],
        act: Callable[[], nn.Module],
    ) -> None:
        super().__init__()
        self.one, self.norm_one = nn.Conv2d(inside, outside, 3, stride, padding=1, bias=False), norm(outside)
        self.two, self.norm_two = nn.Conv2d(outside, outside, 3, padding=1, bias=False), norm(outside)
        self.short = (
            nn.Identity() if inside == outside and stride == 1 else nn.Conv2d(inside, outside, 1, stride, bias=False)
        )
        self.act_one, self.act_two = act(), act()

    def forward(self, x_NCHW: Tensor) -> Tensor:
        out_NCHW = self.act_one(self.norm_one(self.one(x_NCHW)))
        return self.act_two(self.norm_two(self.two(out_NCHW)) + self.short(x_NCHW))


def resnet(layout: Layout, norm: Callable[[int], nn.Module]) -> nn.Module:
    act = layout.activation or nn.ReLU
    a, b = (4 * max(1, round(layout.width * units)) for units in (2, 4))
    blocks = [Block(a, a, 1, norm, act), *(Block(a, a, 1, norm, act) for _ in range(layout.more))]
    blocks += [Block(a, b, 2, norm, act)]
    stem = [nn.Conv2d(layout.channels, a, 3, layout.stem_stride, padding=1, bias=False), norm(a), act()]
    end = [nn.AdaptiveAvgPool2d(2), nn.Flatten(), *([nn.Dropout(layout.dropout)] if layout.dropout else [])]
    return nn.Sequential(*stem, *blocks, *end, nn.Linear(4 * b, layout.answers))


def resnet_bn(layout: Layout) -> nn.Module:
    """Two residual blocks with batch normalization."""
    momentum = layout.norm_momentum
    return resnet(
        layout, (lambda n: nn.BatchNorm2d(n, momentum=momentum)) if layout.norm else (lambda _: nn.Identity())
    )


def resnet_gn(layout: Layout) -> nn.Module:
    """Two residual blocks with group normalization, four channels a group."""
    return resnet(layout, (lambda n: nn.GroupNorm(n // 4, n)) if layout.norm else (lambda _: nn.Identity()))


class Inverted(nn.Module):
    """Wide, by channel, narrow: the block of mobile nets."""

    def __init__(self, inside: int, outside: int, stride: int, layout: Layout, act: Callable[[], nn.Module]) -> None:
        super().__init__()
        wide = 2 * inside
        self.same = inside == outside and stride == 1
        self.body = nn.Sequential(
            *[nn.Conv2d(inside, wide, 1, bias=False), *layout.batch_norm(wide), act()],
            *[nn.Conv2d(wide, wide, 3, stride, padding=1, groups=wide, bias=False), *layout.batch_norm(wide), act()],
            *[nn.Conv2d(wide, outside, 1, bias=False), *layout.batch_norm(outside)],
        )

    def forward(self, x_NCHW: Tensor) -> Tensor:
        return x_NCHW + self.body(x_NCHW) if self.same else self.body(x_NCHW)


def depthwise(layout: Layout) -> nn.Module:
    """Inverted residual blocks with batch normalization and hard swish."""
    act = layout.activation or nn.Hardswish
    a, b = layout.wide(8), layout.wide(16)
    parts = [
        nn.Conv2d(layout.channels, a, 3, layout.stem_stride, padding=1, bias=False),
        *layout.batch_norm(a),
        act(),
        *(Inverted(a, a, 1, layout, act) for _ in range(layout.more)),
        Inverted(a, b, 2, layout, act),
        Inverted(b, b, 1, layout, act),
        nn.AdaptiveAvgPool2d(2),
        nn.Flatten(),
    ]
    parts += [nn.Dropout(layout.dropout)] if layout.dropout else []
    return nn.Sequential(*parts, nn.Linear(4 * b, layout.answers))


NETS: dict[str, Callable[[Layout], nn.Module]] = {
    "plain-bn": plain_bn,
    "vgg": vgg,
    "tanh-mlp": tanh_mlp,
    "resnet-gn": resnet_gn,
    "plain": plain,
    "lenet": lenet,
    "resnet-bn": resnet_bn,
    "depthwise": depthwise,
}

RATES: dict[str, dict[str, float]] = {
    "plain-bn": {"sgd": 0.05, "adam": 3e-3},
    "vgg": {"sgd": 0.02, "adam": 3e-3},
    "tanh-mlp": {"sgd": 0.01, "adam": 1e-3},
    "resnet-gn": {"sgd": 0.05, "adam": 3e-3},
    "plain": {"sgd": 0.02, "adam": 4e-3},
    "lenet": {"sgd": 0.02, "adam": 2e-3},
    "resnet-bn": {"sgd": 0.05, "adam": 3e-3},
    "depthwise": {"sgd": 0.05, "adam": 6e-3},
}
"""Rates at which the nets learn well, chosen by a coarse look before anything was injected."""
