"""What happens to training pictures at random."""

from __future__ import annotations

from typing import Literal

from .section import Auto, Section, setting


class AugmentSection(Section):
    """The section `augment`. Training only; what happens to a picture depends on (seed, epoch, picture, trick)."""

    flip: float | Auto = setting(
        "auto",
        "Probability of a horizontal flip. `auto`: 0.5 for photographs and clothes; 0 for built-in digits, "
        "where class names are digits or letters, and in runs of less than 15 epochs.",
        unit="probability",
        source="Krizhevsky et al. 2012 (AlexNet)",
        scale="linear",
        ge=0.0,
        le=1.0,
    )
    crop_padding: int | Auto = setting(
        "auto",
        "A picture is padded by this on all sides and a window of the old size is cut out at random. 0: off. `auto`: "
        "an eighth of the picture's side; 0 in runs of less than 15 epochs.",
        unit="pixels",
        source="He et al. 2016 (ResNet), section 4.2",
        scale="linear",
        ge=0,
        le=512,
    )
    fill: Literal["constant", "edge", "reflect", "symmetric", "wrap"] = setting(
        "constant",
        "What stands outside the picture, named as in numpy.pad. `constant`: the training mean; `edge`: the edge "
        "pixel; `reflect`, `symmetric`: the mirror image without or with the edge pixel; `wrap`: the opposite side.",
        source="numpy.pad",
    )
    cutout: int | Auto = setting(
        "auto",
        "Side of a square at a random place that is set to the training mean. 0: off. `auto`: a quarter of the "
        "picture's side; 0 for pictures below 24 pixels and in runs of less than 15 epochs.",
        unit="pixels",
        source="DeVries & Taylor 2017",
        scale="linear",
        ge=0,
        le=1024,
    )
