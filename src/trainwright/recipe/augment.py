"""What happens to training pictures at random."""

from __future__ import annotations

from typing import Any, Literal

from .section import Auto, Section, setting

BY_POLICY = "`auto`: as the policy says."


def _dosed(meaning: str, *, unit: str, source: str, most: float) -> Any:
    """Declares a trick with a strength; 0 is off, and `strength @ probability` spares some of the pictures."""
    return setting(
        "auto", f"{meaning} {BY_POLICY}", unit=unit, source=source, scale="linear", dosed=True, ge=0.0, le=most
    )


class AugmentSection(Section):
    """The section `augment`. Training only; what happens to a picture depends on (seed, epoch, picture, trick).

    A trick happens to every picture, as strongly as is drawn for it up to the given strength (docs/augmentation.md has
    each distribution); `15 @ 0.5` is strength 15 for every other picture on average. All geometry is one resample, all
    color one matrix, whatever the number of tricks.
    """

    policy: Literal["auto", "none", "light", "medium", "strong", "digits"] = setting(
        "auto",
        "The tricks that are used where their own settings are `auto`. `none`: nothing; `light`: flips, shifts, "
        "cutout; `medium`: flips, turns, zooms, slants, colors; `strong`: more of it, and hidden parts; `digits`: for "
        "digits and letters, nothing that mirrors. `auto`: nothing in runs of less than 15 epochs, else `light`, where "
        "a check finds that flips leave a picture in its class.",
        source="own choice",
    )
    transform: str = setting(
        "none",
        "A transform in front of all tricks, which takes and gives one picture at a time, uint8 C H W: `randaugment` "
        "or `trivialaugment` of torchvision, or the dotted path of a function, or class, of your own, which draws from "
        "torch's generator. `none`: off.",
        source="Cubuk et al. 2020 (RandAugment); Müller & Hutter 2021 (TrivialAugment)",
    )
    flip: float | Auto = setting(
        "auto",
        f"Probability of a horizontal flip. {BY_POLICY}",
        unit="probability",
        source="Krizhevsky et al. 2012 (AlexNet)",
        scale="linear",
        ge=0.0,
        le=1.0,
    )
    vertical_flip: float | Auto = setting(
        "auto",
        f"Probability that top and bottom change places. {BY_POLICY}",
        unit="probability",
        source="torchvision",
        scale="linear",
        ge=0.0,
        le=1.0,
    )
    crop_padding: int | Auto = setting(
        "auto",
        "A picture is padded by this on all sides and a window of the old size is cut out at random. 0: off. "
        f"{BY_POLICY}",
        unit="pixels",
        source="He et al. 2016 (ResNet), section 4.2",
        scale="linear",
        ge=0,
        le=512,
    )
    scale_jitter: str = setting(
        "auto",
        "The picture is enlarged to a side drawn between the two numbers, in units in which its own side is 224, and a "
        f"window of its own size is cut out at random. ResNet: `256-480`. `none`: off. {BY_POLICY}",
        source="He et al. 2016 (ResNet), section 3.4",
        pattern=r"auto|none|[0-9]+-[0-9]+",
        examples=("auto", "none", "256-480"),
    )
    resized_crop: float | Auto | str = _dosed(
        "A window of at least this share of the area, and of sides 3:4 to 4:3, is enlarged to the whole picture. "
        "Inception: 0.08. 0: off.",
        unit="share",
        source="Szegedy et al. 2015 (Inception), section 6",
        most=1.0,
    )
    rotate: float | Auto | str = _dosed(
        "Largest angle, to either side.", unit="degrees", source="torchvision", most=180.0
    )
    scale: float | Auto | str = _dosed(
        "Largest change of size: 0.1 is a factor from 0.9 to 1.1, about the center.",
        unit="share",
        source="torchvision",
        most=0.9,
    )
    stretch: float | Auto | str = _dosed(
        "Largest change of the ratio of width to height: 0.1 is a factor from 1/1.1 to 1.1, at the same area.",
        unit="share",
        source="Szegedy et al. 2015 (Inception)",
        most=3.0,
    )
    shear: float | Auto | str = _dosed(
        "Largest angle by which the picture slants, along x and along y.",
        unit="degrees",
        source="torchvision",
        most=80.0,
    )
    translate: float | Auto | str = _dosed(
        "Largest shift, as a share of the side, along x and along y.", unit="share", source="torchvision", most=1.0
    )
    lens: float | Auto | str = _dosed(
        "Largest radial distortion: a point at distance r from the center, 1 in the corners, shows what lay at "
        "r·(1 + k·r²), k up to this to either side (barrel and pincushion).",
        unit="share",
        source="Brown 1966, Decentering distortion of lenses, first radial term",
        most=1.0,
    )
    fill: Literal["constant", "edge", "reflect", "symmetric", "wrap"] = setting(
        "constant",
        "What stands outside the picture, named as in numpy.pad. `constant`: the training mean; `edge`: the edge "
        "pixel; `reflect`, `symmetric`: the mirror image without or with the edge pixel; `wrap`: the opposite side.",
        source="numpy.pad",
    )
    brightness: float | Auto | str = _dosed(
        "All values times a factor from 1 − this to 1 + this. Values beyond white are kept, not cut off.",
        unit="share",
        source="torchvision",
        most=1.0,
    )
    contrast: float | Auto | str = _dosed(
        "Distance from the picture's own mean gray, times a factor from 1 − this to 1 + this.",
        unit="share",
        source="torchvision",
        most=1.0,
    )
    saturation: float | Auto | str = _dosed(
        "Distance of each pixel from its own gray, times a factor from 1 − this to 1 + this. Color pictures only.",
        unit="share",
        source="torchvision",
        most=1.0,
    )
    hue: float | Auto | str = _dosed(
        "Largest turn of all hues to either side, at equal luma; 0.5 is half of the color circle. Color pictures only.",
        unit="turns",
        source="YIQ of NTSC 1953: a turn of I and Q",
        most=0.5,
    )
    fancy_pca: float | Auto | str = _dosed(
        "Adds Σ gᵢ √λᵢ eᵢ to all pixels of a picture: eᵢ, λᵢ are the principal components of the RGB values of the "
        "training part, gᵢ drawn from N(0, this²). Color pictures only.",
        unit="standard deviation",
        source="Krizhevsky et al. 2012 (AlexNet), section 4.1",
        most=10.0,
    )
    noise: float | Auto | str = _dosed(
        "Standard deviation of Gaussian noise, drawn anew for every pixel and channel; 1 is the whole range from black "
        "to white.",
        unit="share",
        source="Bishop 1995",
        most=1.0,
    )
    cutout: int | Auto = setting(
        "auto",
        f"Side of a square at a random place that is set to the training mean. 0: off. {BY_POLICY}",
        unit="pixels",
        source="DeVries & Taylor 2017",
        scale="linear",
        ge=0,
        le=1024,
    )
    mixup: float = setting(
        0.0,
        "α of the Beta(α, α) from which shares are drawn with which each picture is blended with another one of the "
        "training part, and their labels with them. The paper: 0.2 to 0.4. 0: off. Beside cutmix either happens to "
        "every other picture.",
        source="Zhang et al. 2018 (mixup)",
        scale="linear",
        ge=0.0,
        le=32.0,
    )
    cutmix: float = setting(
        0.0,
        "α of the Beta(α, α) from which the share of the area is drawn that another picture does not cover; labels are "
        "shared out by area. The paper: 1. 0: off.",
        source="Yun et al. 2019 (CutMix)",
        scale="linear",
        ge=0.0,
        le=32.0,
    )
    erase: float | Auto | str = _dosed(
        "Largest share of the area of a rectangle at a random place, of at least 0.02 and of sides 0.3 to 3.3, that is "
        "set to the training mean. The paper: 0.4 @ 0.5.",
        unit="share",
        source="Zhong et al. 2020 (random erasing)",
        most=1.0,
    )
