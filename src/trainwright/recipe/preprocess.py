"""How pixels become the numbers that the net sees."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class PreprocessSection(Section):
    """The section `preprocess`. Fitted on the training part only, kept in the checkpoint."""

    center: Literal["auto", "none", "channel"] = setting(
        "auto",
        "What is subtracted. `none`: nothing; `channel`: the mean of each channel; `auto`: the channel's mean, or a "
        "pretrained model's own where weights are loaded.",
        source="Simonyan & Zisserman 2014 (VGG)",
    )
    scale: Literal["auto", "none", "channel"] = setting(
        "auto",
        "What is divided by. `none`: nothing; `channel`: the standard deviation of each channel; `auto`: the "
        "channel's, or a pretrained model's own where weights are loaded. A constant channel is reported and not "
        "divided.",
        source="LeCun et al. 1998, Efficient BackProp",
    )
