"""What auto means for augmentation, and what it refuses."""

from __future__ import annotations

import pytest
import torch

from trainwright.data.augment import NOTHING, augment_findings, choose_augment, is_off
from trainwright.data.augment.choice import shows_glyphs
from trainwright.data.augment.policies import OFF
from trainwright.errors import InputError
from trainwright.recipe import AugmentSection


class Some:
    """Training pictures of two classes."""

    def __init__(self, images_NCHW, labels_N):
        self.images_NCHW, self.labels_N = images_NCHW, labels_N

    def __len__(self):
        return len(self.images_NCHW)

    def images(self, rows):
        return self.images_NCHW[rows]


def noise(count=40, channels=1):
    """Pictures without any likeness, so that no trick can move them."""
    images = torch.randint(
        0, 256, (count, channels, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
    )
    return Some(images, torch.arange(count) % 2)


def arrows(count=60):
    """Class 0 is bright on its left side, class 1 on its right: each the mirror image of the other."""
    images = torch.randint(0, 60, (count, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(1))
    labels = torch.arange(count) % 2
    images[labels == 0, :, :, :4] += 150
    images[labels == 1, :, :, 4:] += 150
    return Some(images, labels)


def choose(section, classes=("cat", "dog"), img_size=28, title="pictures", *, channels=1, epochs=15, pictures=None):
    return choose_augment(
        section, classes, img_size, title, channels=channels, epochs=epochs, pictures=pictures or noise()
    )


def chosen(*arguments, **more):
    """The tricks that are on, without the name of the section."""
    choices = {choice.key.removeprefix("augment."): choice.value for choice in choose(*arguments, **more)}
    return {name: value for name, value in choices.items() if not is_off(f"augment.{name}", value)}


def test_small_digits():
    values = chosen(AugmentSection(), [str(digit) for digit in range(10)], 8, "digits")
    assert values == {"policy": "light", "crop_padding": 1}


def test_clothes():
    values = chosen(AugmentSection(), ["Bag", "Coat"], 28)
    assert values == {"policy": "light", "flip": 0.5, "crop_padding": 3, "cutout": 7}


def test_built_in_digits_are_never_flipped_whatever_their_classes_are_called():
    assert "flip" not in chosen(AugmentSection(), ["even", "odd"], 8, "digits")


def test_what_the_user_gave_is_not_chosen():
    asked = AugmentSection(policy="light", flip=0.1, crop_padding=0, cutout=3, rotate="15 @ 0.5")
    assert chosen(asked, ["a", "cat"], 32) == {}
    assert not {"augment.flip", "augment.rotate"} & {choice.key for choice in choose(asked, ["a", "cat"], 32)}


def test_every_choice_has_a_reason():
    for policy in ("auto", "none", "light", "medium", "strong", "digits"):
        choices = choose(AugmentSection(policy=policy), img_size=96)
        assert all(len(choice.reason) > 10 for choice in choices)
        assert {choice.key for choice in choices} >= {f"augment.{name}" for name in OFF}


def test_a_policy_brings_its_tricks_and_what_was_given_stays():
    values = chosen(AugmentSection(policy="medium", rotate=5.0), channels=3)
    assert values == {
        "flip": 0.5,
        "scale": 0.1,
        "shear": 10.0,
        "translate": 0.1,
        "brightness": 0.3,
        "contrast": 0.3,
        "saturation": 0.3,
        "hue": 0.05,
    }


def test_pictures_without_colors_keep_none():
    choices = {choice.key: choice for choice in choose(AugmentSection(policy="medium"))}
    assert choices["augment.hue"].value == 0
    assert choices["augment.hue"].reason == "the pictures have no colors"
    with pytest.raises(InputError, match=r"augment\.hue has no effect on pictures without colors"):
        choose(AugmentSection(hue="0.1 @ 0.5"))


def test_pictures_that_are_each_others_mirror_images_are_not_flipped():
    choices = {choice.key: choice for choice in choose(AugmentSection(), pictures=arrows())}
    assert choices["augment.flip"].value == 0
    assert "altered copies are taken for other classes: of 60 " in choices["augment.flip"].reason
    assert "the copies make 29 wrong that were right" in choices["augment.flip"].reason
    kept = {choice.key: choice for choice in choose(AugmentSection())}["augment.flip"]
    assert kept.value == 0.5
    assert "altered copies keep their class" in kept.reason


def test_flips_that_were_asked_for_are_warned_of_and_done():
    section = NOTHING.model_copy(update={"flip": 0.5, "rotate": 180.0})
    found = augment_findings(section, ["flip", "rotate"], ["left", "right"], "arrows", arrows())
    assert [finding.code for finding in found] == ["augmentation-harmful"] * 2
    assert found[0].severity == "warn"
    assert found[0].evidence["pictures looked at"] == 60
    assert found[0].evidence["wrong once altered copies join"] == 29
    assert found[1].advice == {"augment.rotate": 20.0}
    assert augment_findings(section, [], ["left", "right"], "arrows", arrows()) == []
    assert augment_findings(section, ["flip"], ["left", "right"], "noise", noise()) == []
    digits = augment_findings(section, ["flip"], ["6", "9"], "pictures", noise())
    assert digits[0].summary.endswith("a mirrored digit or letter is another one.")


def test_small_turns_are_not_looked_into():
    section = NOTHING.model_copy(update={"rotate": 15.0})
    assert augment_findings(section, ["rotate"], ["left", "right"], "arrows", arrows()) == []


@pytest.mark.parametrize("value", ["480-256", "100-300"])
def test_a_jitter_that_does_not_enlarge_is_refused(value):
    with pytest.raises(InputError, match="two sides from 224 on, the smaller first"):
        choose(AugmentSection(scale_jitter=value))


@pytest.mark.parametrize(
    "classes",
    [
        ["0", "1", "9"],
        ["A", "b"],
        ["zero", "Nine"],
        ["0 - zero", "1 - one"],
        ["digit_3", "digit_4"],
        ["00012", "00013"],
    ],
)
def test_glyphs(classes):
    assert shows_glyphs(classes)


@pytest.mark.parametrize("classes", [["cat", "dog"], ["a", "dog"], ["letter", "parcel"], ["one way street"], ["_"]])
def test_no_glyphs(classes):
    assert not shows_glyphs(classes)


@pytest.mark.parametrize("key", ["crop_padding", "cutout"])
def test_more_than_the_picture_is_refused(key):
    with pytest.raises(InputError) as caught:
        choose(AugmentSection(**{key: 28}))
    message = str(caught.value)
    assert f"augment.{key} leaves nothing of some pictures" in message
    assert "less than the picture's side, 28 pixels" in message
    assert "got: 28" in message


def test_short_runs_alter_nothing():
    assert chosen(AugmentSection(), ["Bag", "Coat"], 28, epochs=14) == {"policy": "none"}


@pytest.mark.parametrize(
    ("section", "data", "reason"),
    [
        ({}, ("Bag", "Coat", 28), "flips, shifts and hidden parts keep most pictures in their class"),
        ({}, ("0", "1", 8), "shifts keep most pictures in their class"),
        ({"flip": 0.5, "crop_padding": 0}, ("0", "1", 8), "flips keep most pictures in their class"),
        ({"flip": 0.0, "crop_padding": 0}, ("Bag", "Coat", 8), "its tricks are set one by one"),
    ],
)
def test_the_reason_for_light_names_what_is_on(section, data, reason):
    first, second, size = data
    choice = choose(AugmentSection(**section), [first, second], size)[0]
    assert (choice.key, choice.value, choice.reason) == ("augment.policy", "light", reason)
