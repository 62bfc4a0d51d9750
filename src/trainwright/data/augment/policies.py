"""The policies: tricks that go well together, with strengths that a net of the usual size can learn from."""

from __future__ import annotations

from collections.abc import Mapping

from trainwright.recipe import AugmentSection

Value = float | str

SHIFT, HIDE = 8, 4
"""A crop's padding is the picture's side over SHIFT, a cutout's side is it over HIDE."""

HIDE_FROM = 24
"""Smallest side, in pixels, from which a square is cut out: below it a quarter of the side hides whole strokes."""

_MEDIUM: dict[str, Value] = {
    "rotate": 15.0,
    "scale": 0.1,
    "shear": 10.0,
    "translate": 0.1,
    "brightness": 0.3,
    "contrast": 0.3,
    "saturation": 0.3,
    "hue": 0.05,
}

_STRONG: dict[str, Value] = {
    "rotate": 30.0,
    "scale": 0.25,
    "stretch": 0.25,
    "shear": 15.0,
    "translate": 0.15,
    "lens": 0.2,
    "brightness": 0.5,
    "contrast": 0.5,
    "saturation": 0.5,
    "hue": 0.1,
    "noise": "0.05 @ 0.5",
    "erase": "0.33 @ 0.5",
}

_DIGITS: dict[str, Value] = {
    "rotate": 10.0,
    "scale": 0.1,
    "shear": 10.0,
    "translate": 0.1,
    "brightness": 0.2,
    "contrast": 0.2,
}

OFF: Mapping[str, Value] = {
    "flip": 0.0,
    "vertical_flip": 0.0,
    "crop_padding": 0,
    "scale_jitter": "none",
    "resized_crop": 0.0,
    "rotate": 0.0,
    "scale": 0.0,
    "stretch": 0.0,
    "shear": 0.0,
    "translate": 0.0,
    "lens": 0.0,
    "brightness": 0.0,
    "contrast": 0.0,
    "saturation": 0.0,
    "hue": 0.0,
    "fancy_pca": 0.0,
    "noise": 0.0,
    "cutout": 0,
    "erase": 0.0,
}
"""Every trick, off."""

NOTHING = AugmentSection.model_validate({"policy": "none", **OFF})
"""The decided section under which pictures are normalized and nothing else."""


def is_off(key: str, value: object) -> bool:
    """Tells whether a setting is a trick of augmentation that does nothing, so that a short list can leave it out.

    >>> is_off("augment.flip", 0.0), is_off("augment.flip", 0.5), is_off("augment.fill", "edge"), is_off("loss.x", 0)
    (True, False, False, False)
    """
    section, _, name = key.partition(".")
    return section == "augment" and name in OFF and value == OFF[name]


def tricks_of(policy: str, img_size: int) -> dict[str, Value]:
    """Lists every trick with its strength under a policy.

    Args:
        policy: none, light, medium, strong or digits.
        img_size: side of the pictures, pixels.

    >>> {name: value for name, value in tricks_of("light", 32).items() if value != OFF[name]}
    {'flip': 0.5, 'crop_padding': 4, 'cutout': 8}
    """
    light = {
        "flip": 0.5,
        "crop_padding": max(1, img_size // SHIFT),
        "cutout": img_size // HIDE if img_size >= HIDE_FROM else 0,
    }
    own: dict[str, dict[str, Value]] = {
        "none": {},
        "light": light,
        "medium": {"flip": 0.5, **_MEDIUM},
        "strong": {"flip": 0.5, **_STRONG},
        "digits": _DIGITS,
    }
    return {**OFF, **own[policy]}
