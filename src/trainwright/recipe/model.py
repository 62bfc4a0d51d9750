"""Which net, and what it is made of."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting

OWN_MODELS = ("small-resnet", "plain")
OURS = ("auto", *OWN_MODELS)

OURS_ALONE = {"model.activation": "maxout", "model.normalization": "none"}
"""Key → value that no timm model takes: its convolutions have neither twice the channels nor biases."""

FIRING_ACTIVATIONS = ("relu", "sigmoid", "tanh", "softplus")
"""Values of `model.activation` with a value at which a unit rests, so that it can be told how far it fires."""

BATCH_NORMALIZATIONS = ("batch", "batch-instance")
"""Values of `model.normalization` that keep running statistics of batches."""


class ModelSection(Section):
    """The section `model`."""

    name: str = setting(
        "auto",
        "`small-resnet` (ours, residual, for pictures up to 96 pixels), `plain` (ours, convolutions and pooling in "
        "the manner of LeNet and VGG), or any timm model by its name. `auto` picks by picture size, count and device, "
        "and one of our own nets where a setting is given that only they have.",
        source="He et al. 2016; LeCun et al. 1998; Simonyan & Zisserman 2014; timm",
    )
    width: int | Auto = setting(
        "auto",
        "Channels of the first stage of our own nets. Later stages double it; in `small-resnet` for pictures above 16 "
        "pixels they have 2, 6 and 12 times as many. `auto`: by picture size and kind of net.",
        unit="channels",
        source="He et al. 2016, section 4.2",
        scale="log",
        applies={"name": OURS},
        ge=1,
        le=1024,
    )
    depth: int | Auto = setting(
        "auto",
        "Blocks a stage of our own nets; the last stage of `small-resnet` has one less where it is above 1. `auto`: by "
        "picture size and kind of net.",
        unit="blocks",
        source="He et al. 2016, section 4.2",
        scale="linear",
        applies={"name": OURS},
        ge=1,
        le=32,
    )
    activation: Literal[
        "native",
        "relu",
        "leaky-relu",
        "prelu",
        "rrelu",
        "elu",
        "selu",
        "silu",
        "gelu",
        "mish",
        "hardswish",
        "softplus",
        "sigmoid",
        "tanh",
        "maxout",
    ] = setting(
        "native",
        "The activation of the whole net. `native`: ReLU in our own nets, in timm's what their authors chose. `relu`, "
        "`leaky-relu`, `elu`, `selu`, `silu`, `gelu`, `mish`, `hardswish`, `softplus`, `sigmoid`, `tanh`: as torch "
        "computes them. `prelu`: one learned slope a channel, in timm's models one a layer, from 0.25. `rrelu`: slopes "
        "from 1/8 to 1/3 at random in training, their mean at test. `maxout`: the larger of two channels, so that "
        "convolutions in front of it have twice as many; our own nets only.",
        source="docs/layers.md names one for each",
        also_called={
            "leaky-relu": ("lrelu",),
            "silu": ("swish",),
            "hardswish": ("hard-swish", "hswish", "h-swish"),
            "sigmoid": ("logistic",),
        },
    )
    leaky_slope: float = setting(
        0.01,
        "Slope of `leaky-relu` below 0. 0.01 hardly differs from ReLU; 0.1 lets more through.",
        source="Maas et al. 2013 (0.01); Xu et al. 2015 (larger ones)",
        scale="log",
        applies={"activation": ("leaky-relu",)},
        gt=0.0,
        lt=1.0,
    )
    normalization: Literal["native", "batch", "instance", "layer", "group", "batch-instance", "none"] = setting(
        "native",
        "The normalization of the whole net. `native`: `batch` in our own nets, in timm's what their authors chose. "
        "`instance`: over each map of each picture. `layer`: over all numbers of a picture's maps. `group`: over "
        "groups of its channels. `batch-instance`: ρ times batch and 1 − ρ times instance normalization, ρ learned a "
        "channel and kept in [0, 1]. `none`: biases instead; our own nets only.",
        source="docs/layers.md names one for each",
        also_called={
            "batch": ("bn", "bnorm", "batchnorm", "batch-norm", "batchnorm2d"),
            "instance": ("in", "instancenorm", "instance-norm"),
            "layer": ("ln", "layernorm", "layer-norm"),
            "group": ("gn", "groupnorm", "group-norm"),
            "batch-instance": ("bin", "batch-instance-norm"),
            "none": ("off", "identity"),
        },
    )
    norm_groups: int = setting(
        8,
        "Groups of channels that `group` normalizes; must divide the channels of every layer.",
        unit="groups",
        source="Wu & He 2018 (32 in nets of 64 channels and more)",
        scale="log",
        applies={"normalization": ("group",)},
        ge=1,
        le=1024,
    )
    pooling: Literal["max", "average", "stride"] = setting(
        "max",
        "How `plain` halves its maps between stages: `max` takes the largest of 2×2 numbers, `average` their mean, "
        "`stride` is a 3×3 convolution with stride 2, which is learned.",
        source="Springenberg et al. 2015, section 2 (stride)",
        also_called={"max": ("maxpool", "max-pool"), "average": ("avg", "mean"), "stride": ("conv", "convolution")},
        applies={"name": ("auto", "plain")},
    )
    dilation: int = setting(
        1,
        "Pixels from one tap to the next in the 3×3 convolutions of the last stage of our own nets: more is seen with "
        "as many weights.",
        unit="pixels",
        source="Yu & Koltun 2016",
        scale="linear",
        applies={"name": OURS},
        ge=1,
        le=8,
    )
    aspp: int = setting(
        0,
        "Rate r of atrous spatial pyramid pooling behind the last stage of our own nets: a 1×1 convolution, 3×3 ones "
        "with dilations r, 2r and 3r, and the mean of the map, side by side. 0: off. The last maps are 4 to 8 pixels "
        "wide, so that 1 or 2 is enough.",
        unit="pixels",
        source="Chen et al. 2017, Rethinking Atrous Convolution, section 3.3",
        scale="linear",
        applies={"name": OURS},
        ge=0,
        le=18,
    )
    dropout: float = setting(
        0.0,
        "Probability that a feature in front of the head is dropped in training.",
        unit="probability",
        source="Srivastava et al. 2014",
        scale="linear",
        ge=0.0,
        lt=1.0,
    )
    spatial_dropout: float = setting(
        0.0,
        "Probability that a whole map behind a stage of our own nets is dropped in training; the others grow, so that "
        "the mean stays.",
        unit="probability",
        source="Tompson et al. 2015, section 3.2",
        scale="linear",
        applies={"name": OURS},
        ge=0.0,
        lt=1.0,
    )
    dropconnect: float = setting(
        0.0,
        "Probability that a weight of a convolution or linear layer is left out in a training batch; the others grow, "
        "so that the mean stays. At test all weights are used as they are.",
        unit="probability",
        source="Wan et al. 2013",
        scale="linear",
        ge=0.0,
        lt=1.0,
    )
    stochastic_depth: float = setting(
        0.0,
        "Probability that a picture skips the last residual block in training; it grows in proportion to the depth "
        "from the first block on. In `small-resnet`, and in timm's models that have such a rate.",
        unit="probability",
        source="Huang et al. 2016, section 3",
        scale="linear",
        ge=0.0,
        lt=1.0,
    )
    weights: str = setting(
        "none",
        "`none`: random initialization; `pretrained`: the weights that timm lists for the model; else the path of a "
        "`.safetensors` or `weights_only` file.",
        source="timm",
    )
