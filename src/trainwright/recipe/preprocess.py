"""How pixels become the numbers that the net sees."""

from __future__ import annotations

from typing import Literal

from .section import Section, setting


class PreprocessSection(Section):
    """The section `preprocess`. Fitted on the training part only, kept in the checkpoint."""

    center: Literal["auto", "none", "channel", "image", "pretrained"] = setting(
        "auto",
        "What is subtracted. `none`: nothing; `channel`: the mean of each channel of the training part; `image`: the "
        "mean image of the training part, a number for each pixel and channel; `pretrained`: the mean that the loaded "
        "weights were trained with; `auto`: `image` beside whitening, `none` beside `minmax`, which has a center of "
        "its own, `pretrained` where a timm model's weights are loaded, else `channel`.",
        source="Simonyan & Zisserman 2014 (VGG) for channel, Krizhevsky et al. 2012 (AlexNet) for image",
    )
    scale: Literal["auto", "none", "channel", "image", "minmax", "pretrained"] = setting(
        "auto",
        "What is divided by. `none`: nothing; `channel`: the standard deviation of each channel of the training "
        "part; `image`: that of each pixel and channel; `minmax`: each pixel and channel is mapped from its smallest "
        "and largest value in the training part to −1 and 1; `pretrained`: the deviation that the loaded weights were "
        "trained with; `auto`: `none` beside whitening, `pretrained` where a timm model's weights are loaded, else "
        "`channel`. What is constant is reported and not divided.",
        source="LeCun et al. 1998, Efficient BackProp",
    )
    whiten: Literal["none", "pca", "zca"] = setting(
        "none",
        "Takes all correlation between pixels away and gives every direction the same deviation, after the mean image "
        "is subtracted. `none`: not at all; `pca`: principal components, largest first, in place of pixels; `zca`: "
        "the same turned back, so that pictures stay pictures. Needs `center: image` and `scale: none`, and memory "
        "that grows with the fourth power of the picture's side.",
        source="Bell & Sejnowski 1997 (ZCA); Krizhevsky 2009, Learning Multiple Layers of Features, appendix A",
    )
    epsilon: float = setting(
        0.01,
        "Added to every eigenvalue λ of the covariance before directions are divided by √(λ+ε), so that directions "
        "that hold little but noise are not blown up. The larger, the less is whitened.",
        unit="(stored value / 255)²",
        source="Coates & Ng 2012, Learning Feature Representations with K-means; the value is own choice",
        scale="log",
        applies={"whiten": ("pca", "zca")},
        ge=1e-8,
        le=100.0,
    )
