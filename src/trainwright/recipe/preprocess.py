"""How pixels become the numbers that the net sees."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class PreprocessSection(Section):
    """The section `preprocess`. Fitted on the training part only, kept in the checkpoint."""

    center: Literal["auto", "none", "channel", "pretrained"] = setting(
        "auto",
        "What is subtracted. `none`: nothing; `channel`: the mean of each channel of the training part; "
        "`pretrained`: the mean that the loaded weights were trained with; `auto`: `pretrained` where a timm model's "
        "weights are loaded, else `channel`.",
        source="Simonyan & Zisserman 2014 (VGG)",
    )
    scale: Literal["auto", "none", "channel", "pretrained"] = setting(
        "auto",
        "What is divided by. `none`: nothing; `channel`: the standard deviation of each channel of the training "
        "part; `pretrained`: that which the loaded weights were trained with; `auto`: `pretrained` where a timm "
        "model's weights are loaded, else `channel`. A constant channel is reported and not divided.",
        source="LeCun et al. 1998, Efficient BackProp",
    )
