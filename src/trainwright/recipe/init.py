"""What the weights are before the first step."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class InitSection(Section):
    """The section `init`."""

    scheme: Literal[
        "auto",
        "native",
        "zeros",
        "normal",
        "uniform",
        "lecun",
        "xavier",
        "xavier-caffe",
        "kaiming",
        "kaiming-fan-out",
        "kaiming-average",
        "orthogonal",
        "lsuv",
        "data-dependent",
    ] = setting(
        "auto",
        "How the weights of all convolutions and linear layers are drawn; their biases start at 0. `native`: as the "
        "net's own code does. `zeros`: a net that cannot learn, to see how the checks find it out. `normal`, "
        "`uniform`: deviation `init.std` in all layers. `lecun`, `xavier`, `xavier-caffe`, `kaiming`, "
        "`kaiming-fan-out`, `kaiming-average`: normal, the deviation by the fans of each layer. `orthogonal`: "
        "orthonormal rows or columns. `lsuv`, `data-dependent`: scaled until a batch of training pictures has unit "
        "variance in every layer. `auto`: `native` for timm's models and loaded weights, else by activation.",
        source="docs/initialization.md names one for each",
        also_called={
            "normal": ("gaussian",),
            "xavier": ("glorot",),
            "kaiming": ("he", "msra", "kaiming-fan-in"),
        },
    )
    std: float = setting(
        0.01,
        "Standard deviation of the weights; `uniform` draws from ±√3 times it.",
        unit="weight",
        source="Krizhevsky et al. 2012 (AlexNet)",
        scale="log",
        applies={"scheme": ("normal", "uniform")},
        gt=0.0,
        le=100.0,
    )
    head: Literal["small", "scheme"] = setting(
        "small",
        "Weights of the last layer. `small`: normal with deviation 0.01, so that the first loss is near that of a "
        "guess; `scheme`: as in all other layers.",
        source="Goyal et al. 2017, section 5.1",
        applies={
            "scheme": (
                "auto",
                "normal",
                "uniform",
                "lecun",
                "xavier",
                "xavier-caffe",
                "kaiming",
                "kaiming-fan-out",
                "kaiming-average",
                "orthogonal",
                "lsuv",
                "data-dependent",
            )
        },
    )
    class_prior: bool = setting(
        False,
        "Start the bias of the last layer at the logarithm of each class's share of the training part, so that the "
        "first loss is the entropy of the shares and no step is spent on learning them.",
        source="Karpathy 2019, A Recipe for Training Neural Networks; Lin et al. 2017, section 4.1",
    )
    centered_weight_norm: bool = setting(
        False,
        "Train every convolution and linear layer through weights that are centered and scaled to length 1 for each "
        "output, in every forward pass, times a learned gain. The gain starts at the length that the scheme drew.",
        source="Huang et al. 2017, Centered Weight Normalization",
    )
