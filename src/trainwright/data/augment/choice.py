"""What `auto` means for augmentation, said with the reason."""

from __future__ import annotations

import re
from collections.abc import Sequence

from trainwright.errors import InputError
from trainwright.recipe import AugmentSection, Choice

NUMBER_WORDS = frozenset(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
LABEL_WORDS = frozenset(("digit", "letter", "number", "character"))
CUTOUT_FROM = 24
"""Smallest side, in pixels, from which `auto` hides a square: below it a quarter of the side hides whole strokes."""


SHORT_RUN = 15
"""Epochs below which a net has no time to learn what altered pictures have in common. On Fashion-MNIST, padding by 2
pixels cost 3 % of accuracy after 2 epochs, by 1 pixel 0.5 % after 3, flips 0.3 % after 5."""


def choose_augment(
    section: AugmentSection, classes: Sequence[str], img_size: int, title: str, *, epochs: int
) -> list[Choice]:
    """Decides the settings that are still `auto`, and holds the others against the size of the pictures.

    Args:
        section: may hold `auto`.
        classes: names of the classes.
        img_size: side of the pictures, pixels.
        title: what the data are called, such as `digits`.
        epochs: passes over the training part.

    Raises:
        InputError: crop_padding or cutout is not smaller than the picture.
    """
    for key in ("crop_padding", "cutout"):
        value = getattr(section, key)
        if value != "auto" and value >= img_size:
            raise InputError(
                f"augment.{key} leaves nothing of some pictures",
                expected=f"less than the picture's side, {img_size} pixels",
                got=str(value),
                where=f"augment.{key}",
                hint=f"about {max(1, img_size // 8)}, or a larger data.img_size",
            )
    choices = []
    short = f"{epochs} epochs are too few to learn what altered pictures have in common"
    if section.flip == "auto" and epochs < SHORT_RUN:
        choices.append(Choice("augment.flip", 0.0, short))
    elif section.flip == "auto":
        glyphs = title == "digits" or shows_glyphs(classes)
        reason = "a mirrored digit or letter is another one" if glyphs else "a mirrored picture is of the same class"
        choices.append(Choice("augment.flip", 0.0 if glyphs else 0.5, reason))
    if section.crop_padding == "auto" and epochs < SHORT_RUN:
        choices.append(Choice("augment.crop_padding", 0, short))
    elif section.crop_padding == "auto":
        choices.append(Choice("augment.crop_padding", max(1, img_size // 8), f"an eighth of {img_size} pixels"))
    if section.cutout == "auto":
        if epochs < SHORT_RUN:
            choices.append(Choice("augment.cutout", 0, short))
        elif img_size < CUTOUT_FROM:
            choices.append(Choice("augment.cutout", 0, f"pictures of {img_size} pixels are too small to hide a part"))
        else:
            choices.append(Choice("augment.cutout", img_size // 4, f"a quarter of {img_size} pixels"))
    return choices


def shows_glyphs(classes: Sequence[str]) -> bool:
    """Tells from the names of the classes whether the pictures show digits or letters.

    >>> shows_glyphs(["0 - zero", "1 - one"]), shows_glyphs(["A", "b"]), shows_glyphs(["cat", "dog"])
    (True, True, False)
    """
    return all(_names_a_glyph(name) for name in classes)


def _names_a_glyph(name: str) -> bool:
    parts = [part for part in re.split(r"[\W_]+", name.lower()) if part]
    known = [part.isdecimal() or len(part) == 1 or part in NUMBER_WORDS for part in parts if part not in LABEL_WORDS]
    return bool(known) and all(known)
