"""Which net."""

from __future__ import annotations

from .section import Auto, Section, setting

OWN_MODELS = ("small-resnet", "plain")


class ModelSection(Section):
    """The section `model`."""

    name: str = setting(
        "auto",
        "`small-resnet` (ours, residual, for pictures up to 96 pixels), `plain` (ours, convolutions and pooling in "
        "the manner of LeNet and VGG), or any timm model by its name. `auto` picks by picture size, count and device.",
        source="He et al. 2016; LeCun et al. 1998; Simonyan & Zisserman 2014; timm",
    )
    width: int | Auto = setting(
        "auto",
        "Channels of the first stage of our own nets. Later stages double it; in `small-resnet` for pictures above 16 "
        "pixels they have 2, 6 and 12 times as many. `auto`: by picture size and kind of net.",
        unit="channels",
        source="He et al. 2016, section 4.2",
        scale="log",
        applies={"name": ("auto", *OWN_MODELS)},
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
        applies={"name": ("auto", *OWN_MODELS)},
        ge=1,
        le=32,
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
    weights: str = setting(
        "none",
        "`none`: random initialization; `pretrained`: the weights that timm lists for the model; else the path of a "
        "`.safetensors` or `weights_only` file.",
        source="timm",
    )
