"""What `auto` means for augmentation, said with the reason, and what a policy comes to on these data."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from trainwright.data.pictures import LabelledPictures
from trainwright.errors import InputError
from trainwright.recipe import AugmentSection, Choice, Task
from trainwright.runs.records import Finding

from .label_check import LabelCheck, check_flip, check_rotation, check_vertical_flip
from .policies import HIDE_FROM, OFF, SHIFT, tricks_of
from .tricks import COLOR, PATCH, doses, jitter_range

NUMBER_WORDS = frozenset(("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"))
LABEL_WORDS = frozenset(("digit", "letter", "number", "character"))

SHORT_RUN = 15
"""Epochs below which a net has no time to learn what altered pictures have in common. On Fashion-MNIST, padding by 2
pixels cost 3 % of accuracy after 2 epochs, by 1 pixel 0.5 % after 3, flips 0.3 % after 5."""

LIGHT_WORDS = {"flip": "flips", "crop_padding": "shifts", "cutout": "hidden parts"}
"""The tricks of policy light, as the reason for it names those that are on."""

CHECKED = ("flip", "vertical_flip", "rotate")
UNCHECKED = "no check tells whether it leaves the targets as they are; set it where it does"

LARGE_ANGLE = 20.0
"""Degrees from which a rotation is checked; less than that happens to things in photographs."""


def choose_augment(
    section: AugmentSection,
    classes: Sequence[str],
    img_size: int,
    title: str,
    *,
    channels: int,
    epochs: int,
    pictures: LabelledPictures,
    task: Task = "classification",
) -> list[Choice]:
    """Decides the settings that are still `auto`, and holds the others against the size of the pictures.

    Args:
        section: may hold `auto`.
        classes: names of the classes.
        img_size: side of the pictures, pixels.
        title: what the data are called, such as `digits`.
        channels: of the pictures.
        epochs: passes over the training part.
        pictures: the training part, on which flips and large rotations are checked.
        task: what is learned of the pictures.

    Raises:
        InputError: a setting does not fit the pictures.
    """
    _refuse_misfits(section, img_size, channels)
    choices: list[Choice] = []
    policy = section.policy
    why = ""
    if policy == "auto":
        unsure = comparable(pictures, task) is None
        policy = "none" if epochs < SHORT_RUN or unsure else "light"
        why = f"{epochs} epochs are too few to learn what altered pictures have in common"
        why = f"no check tells which tricks leave the targets of {task} as they are" if unsure else why
    for name, value in tricks_of(policy, img_size).items():
        if getattr(section, name) == "auto":
            glyphs = title == "digits" or shows_glyphs(classes)
            checked = comparable(pictures, task)
            turned = name == "rotate" and float(value) > LARGE_ANGLE
            if checked is None and value != OFF[name] and (turned or name in ("flip", "vertical_flip")):
                choices.append(Choice(f"augment.{name}", OFF[name], UNCHECKED))
                continue
            value, reason = _fitted(name, value, policy, img_size, channels, checked, glyphs=glyphs)
            if not reason:
                reason = f"not in policy {policy}" if value == OFF[name] else f"policy {policy}"
            choices.append(Choice(f"augment.{name}", value, reason))
    if section.policy != "auto":
        return choices
    if policy == "light":
        decided = section.model_dump() | {choice.key.partition(".")[2]: choice.value for choice in choices}
        on = [words for name, words in LIGHT_WORDS.items() if decided[name] != OFF[name]]
        listed = " and ".join(filter(None, (", ".join(on[:-1]), *on[-1:])))
        why = f"{listed} keep most pictures in their class" if on else "its tricks are set one by one"
    return [Choice("augment.policy", policy, why), *choices]


def augment_findings(
    section: AugmentSection,
    asked: Collection[str],
    classes: Sequence[str],
    title: str,
    pictures: LabelledPictures,
    task: Task = "classification",
) -> list[Finding]:
    """Warns of tricks that somebody asked for and that move pictures into other classes.

    Args:
        section: decided.
        asked: names of the settings that a user or a file gave.
        classes, title, pictures, task: as in `choose_augment`.
    """
    checked = comparable(pictures, task)
    if checked is None:
        return []
    findings: list[Finding] = []
    on = doses(section)
    for name in CHECKED:
        if name not in on or name not in asked:
            continue
        check = _checked(name, on[name][0], checked)
        glyphs = title == "digits" or shows_glyphs(classes)
        if (check is not None and check.harmful) or (glyphs and name != "rotate"):
            reason = "a mirrored digit or letter is another one" if glyphs else "nearest neighbors mistake them"
            findings.append(
                Finding(
                    code="augmentation-harmful",
                    severity="warn",
                    summary=f"augment.{name} moves pictures into other classes: {reason}.",
                    evidence=_evidence(check) if check is not None and check.harmful else {},
                    advice={f"augment.{name}": LARGE_ANGLE if name == "rotate" else 0},
                    source="own choice: 1-nearest-neighbor with and without altered copies, sign test",
                )
            )
    return findings


@dataclass(frozen=True)
class _Grouped:
    """Pictures whose equal targets are classes of their own."""

    pictures: LabelledPictures
    labels_N: Tensor

    def __len__(self) -> int:
        return len(self.pictures)

    def images(self, rows: Tensor, /) -> Tensor:
        return self.pictures.images(rows)


def comparable(pictures: LabelledPictures, task: Task) -> LabelledPictures | None:
    """Gives pictures with labels of which the check of labels can say whether two are the same; None where none can.

    Pictures with the same set of labels count as one class.
    """
    if task == "classification":
        return pictures
    if task != "multi-label":
        return None
    return _Grouped(pictures, pictures.labels_N.unique(dim=0, return_inverse=True)[1])


def shows_glyphs(classes: Sequence[str]) -> bool:
    """Tells from the names of the classes whether the pictures show digits or letters.

    >>> shows_glyphs(["0 - zero", "1 - one"]), shows_glyphs(["A", "b"]), shows_glyphs(["cat", "dog"])
    (True, True, False)
    """
    return all(_names_a_glyph(name) for name in classes)


def _fitted(
    name: str,
    value: Any,
    policy: str,
    img_size: int,
    channels: int,
    pictures: LabelledPictures | None,
    *,
    glyphs: bool,
) -> tuple[Any, str]:
    """Fits a policy's trick to the data: its value, and a reason where it is not the policy's own."""
    if value == OFF[name]:
        if name == "cutout" and policy == "light":
            return value, f"pictures of {img_size} pixels are below {HIDE_FROM}, too small to hide a part"
        return value, ""
    if name in COLOR and COLOR[name].color and channels != 3:
        return OFF[name], "the pictures have no colors"
    if name == "flip" and glyphs:
        return 0.0, "a mirrored digit or letter is another one"
    if name in CHECKED and pictures is not None:
        check = _checked(name, value, pictures)
        if check is not None and check.harmful:
            return OFF[name], f"altered copies are taken for other classes: {_said(check)}"
        if check is not None:
            return value, f"policy {policy}; altered copies keep their class: {_said(check)}"
    return value, ""


def _checked(name: str, strength: float, pictures: LabelledPictures) -> LabelCheck | None:
    if name == "flip":
        return check_flip(pictures)
    if name == "vertical_flip":
        return check_vertical_flip(pictures)
    return check_rotation(pictures, strength) if strength > LARGE_ANGLE else None


def _said(check: LabelCheck) -> str:
    return (
        f"of {check.pictures:,} training pictures, each named by the one most like it, "
        f"the copies make {check.lost} wrong that were right, and {check.won} right that were wrong"
    )


def _evidence(check: LabelCheck) -> dict[str, Any]:
    return {
        "pictures looked at": check.pictures,
        "right by their nearest neighbor": check.right,
        "wrong once altered copies join": check.lost,
        "right only then": check.won,
        "probability of that by chance": check.chance,
    }


def _refuse_misfits(section: AugmentSection, img_size: int, channels: int) -> None:
    """Refuses settings that mean nothing on such pictures.

    Raises:
        InputError: names the setting, and what to try.
    """
    for key in ("crop_padding", "cutout"):
        value = getattr(section, key)
        if value != "auto" and value >= img_size:
            raise InputError(
                f"augment.{key} leaves nothing of some pictures",
                expected=f"less than the picture's side, {img_size} pixels",
                got=str(value),
                where=f"augment.{key}",
                hint=f"about {max(1, img_size // SHIFT)}, or a larger data.img_size",
            )
    for key, trick in COLOR.items():
        value = getattr(section, key)
        if trick.color and channels != 3 and value not in ("auto", 0):
            raise InputError(
                f"augment.{key} has no effect on pictures without colors",
                expected="pictures of three channels, or 0",
                got=f"{value}, and pictures of {channels} channel{'s' if channels > 1 else ''}",
                where=f"augment.{key}",
                hint=f"leave augment.{key} out, or data.color=rgb",
            )
    if section.scale_jitter not in ("auto", "none"):
        low, high = jitter_range(section.scale_jitter)
        if not 1 <= low <= high:
            raise InputError(
                "augment.scale_jitter must enlarge",
                expected=f"two sides from {PATCH} on, the smaller first, such as 256-480",
                got=section.scale_jitter,
                where="augment.scale_jitter",
            )


def _names_a_glyph(name: str) -> bool:
    parts = [part for part in re.split(r"[\W_]+", name.lower()) if part]
    known = [part.isdecimal() or len(part) == 1 or part in NUMBER_WORDS for part in parts if part not in LABEL_WORDS]
    return bool(known) and all(known)
