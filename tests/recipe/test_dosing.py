from __future__ import annotations

import pytest

from trainwright.errors import InputError
from trainwright.recipe import compose, dose, parse_assignments
from trainwright.recipe.schema import json_schema


def given(value: str):
    return compose(parse_assignments([f"augment.rotate={value}"])).augment.rotate


@pytest.mark.parametrize(
    ("text", "strength", "probability"),
    [
        ("15", 15.0, 1.0),
        ("15 @ 0.5", 15.0, 0.5),
        ("7.5@.25", 7.5, 0.25),
        ("0 @ 1", 0.0, 1.0),
        ("180 @ 1.0", 180.0, 1.0),
    ],
)
def test_a_dose_is_a_strength_and_how_often(text, strength, probability):
    assert dose(given(text)) == (strength, probability)
    assert dose(given(text)).on == (strength > 0)


@pytest.mark.parametrize("text", ["fast", "15 @ 2", "15 @ -1", "@ 0.5", "15 @", "15 at 0.5", "-3 @ 0.5", "1e3 @ 0.5"])
def test_what_is_no_dose_is_refused(text):
    with pytest.raises(InputError) as caught:
        given(text)
    assert "a number at least 0 and at most 180 (degrees), or such a number @ a probability, or auto" in str(
        caught.value
    )
    assert ("such as 15 @ 0.5" in caught.value.problem) == ("@" in text)


@pytest.mark.parametrize("text", ["181", "500 @ 0.5", "-1"])
def test_a_strength_out_of_range_is_refused(text):
    with pytest.raises(InputError, match=r"augment\.rotate is out of range"):
        given(text)


def test_editors_know_the_form():
    rotate = json_schema()["properties"]["augment"]["properties"]["rotate"]
    assert {arm["type"] for arm in rotate["anyOf"]} == {"number", "string"}
    assert rotate["maximum"] == 180
    assert "@" in rotate["pattern"]


def test_equal_doses_are_kept_alike():
    assert given("15@0.50") == given("15 @ .5") == "15 @ 0.5"
    assert given("15 @ 1.0") == 15.0
