"""What `auto` means for preprocessing, said with the reason."""

from __future__ import annotations

from trainwright.recipe import Choice, PreprocessSection


def choose_preprocess(section: PreprocessSection, *, pretrained: bool) -> list[Choice]:
    """Decides the settings that are still `auto`.

    Args:
        section: may hold `auto`.
        pretrained: whether the net is one of timm's and its weights are loaded.
    """
    usual = ("channel", "zero-center, scale, no whitening")
    if pretrained:
        usual = ("pretrained", "weights go on working on what they were trained with")
    center = scale = usual
    if section.whiten != "none":
        center = ("image", "whitening turns pictures about their mean")
        scale = ("none", "whitening scales every direction itself")
    elif section.scale == "minmax":
        center = ("none", "minmax has a center of its own, the middle between both ends")
    choices = [Choice("preprocess.center", *center)] if section.center == "auto" else []
    return choices + ([Choice("preprocess.scale", *scale)] if section.scale == "auto" else [])
