"""What auto means for augmentation, and what it refuses."""

from __future__ import annotations

import pytest

from trainwright.data.augment import choose_augment
from trainwright.data.augment.choice import shows_glyphs
from trainwright.errors import InputError
from trainwright.recipe import AugmentSection


def chosen(section, classes, img_size, title="pictures", epochs=15):
    return {choice.key: choice.value for choice in choose_augment(section, classes, img_size, title, epochs=epochs)}


def test_small_digits():
    values = chosen(AugmentSection(), [str(digit) for digit in range(10)], 8, "digits")
    assert values == {"augment.flip": 0.0, "augment.crop_padding": 1, "augment.cutout": 0}


def test_clothes():
    values = chosen(AugmentSection(), ["Bag", "Coat"], 28)
    assert values == {"augment.flip": 0.5, "augment.crop_padding": 3, "augment.cutout": 7}


def test_built_in_digits_are_never_flipped_whatever_their_classes_are_called():
    assert chosen(AugmentSection(), ["even", "odd"], 8, "digits")["augment.flip"] == 0.0


def test_what_the_user_gave_is_not_chosen():
    assert chosen(AugmentSection(flip=0.1, crop_padding=0, cutout=3), ["a"], 32) == {}


def test_every_choice_has_a_reason():
    for choice in choose_augment(AugmentSection(), ["cat", "dog"], 96, "animals", epochs=15):
        assert len(choice.reason) > 10


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
        choose_augment(AugmentSection(**{key: 28}), ["cat", "dog"], 28, "animals", epochs=15)
    message = str(caught.value)
    assert f"augment.{key} leaves nothing of some pictures" in message
    assert "less than the picture's side, 28 pixels" in message
    assert "got: 28" in message


def test_short_runs_alter_nothing():
    assert chosen(AugmentSection(), ["Bag", "Coat"], 28, epochs=14) == {
        "augment.flip": 0.0,
        "augment.crop_padding": 0,
        "augment.cutout": 0,
    }
