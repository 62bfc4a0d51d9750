"""Names that seem mistyped are told, and no names that only are alike."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trainwright.data import prepare
from trainwright.data.label_typos import mistyped
from trainwright.errors import InputError
from trainwright.recipe import DataSection


@pytest.mark.parametrize(
    ("few", "many"),
    [
        ("animls", "animals"),
        ("Dogs", "dogs"),
        ("sea shore", "sea_shore"),
        ("hosre", "horse"),
        ("birds", "bird"),
        ("animls;tall", "animals;tall"),
    ],
)
def test_a_typo_is_told(few: str, many: str) -> None:
    assert mistyped({few: 1, many: 40, "something else": 40}) == {few: many}


def test_two_characters_of_a_long_name_are_a_typo() -> None:
    assert mistyped({"rhinozeros": 2, "rhinoceros": 20}) == {"rhinozeros": "rhinoceros"}
    assert mistyped({"vegtabels": 2, "vegetables": 20}) == {"vegtabels": "vegetables"}


@pytest.mark.parametrize(
    "pictures",
    [
        {"cat": 40, "bat": 40, "rat": 40},
        {"cat": 1, "bat": 40, "rat": 40},
        {"1": 1, "7": 60},
        {"class_1": 1, "class_2": 60},
        {"room 101": 1, "room 102": 60},
        {"animals": 60, "animls": 4},
        {"animals": 15, "animls": 2},
        {"a": 1, "A": 60},
        {"horse": 60, "house": 30},
    ],
)
def test_other_names_are_left_in_peace(pictures: dict[str, int]) -> None:
    assert mistyped(pictures) == {}


def test_the_nearest_name_is_offered() -> None:
    assert mistyped({"vegetable": 1, "vegetables": 50, "vegetabels": 50}) == {"vegetable": "vegetables"}


def test_the_finding_names_both_and_their_pictures(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"animals": 60, "animls": 2, "plants": 40})
    found = [one for one in prepare(DataSection(source=str(root)), seed=0).audit.findings() if "mistyped" in one.code]
    assert [(one.code, one.severity) for one in found] == [("labels-mistyped", "note")]
    assert found[0].summary == (
        "a class of very few pictures is named nearly like one of many: 'animls' (2): did you mean 'animals' (60)?"
    )


def test_a_single_picture_of_a_mistyped_class_is_asked_about(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"animals": 60, "animls": 1})
    with pytest.raises(InputError, match="classes with a single picture") as caught:
        prepare(DataSection(source=str(root)), seed=0)
    assert caught.value.hint == "did you mean 'animals' by 'animls'?"


def test_a_mistyped_class_of_the_test_part_is_asked_about(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"train/animals": 60, "train/plants": 60, "test/animls": 2, "test/plants": 9})
    with pytest.raises(InputError, match="without a training picture") as caught:
        prepare(DataSection(source=str(root)), seed=0)
    assert caught.value.hint == "did you mean 'animals' by 'animls'?"


def manifest_of(make_manifest: Callable[..., Path], *, lost: bool) -> Path:
    labels = ["animals"] * 12 + ["plants"] * 12 + ["animls"]
    rows = [{"path": f"{row}.png", "label": label} for row, label in enumerate(labels)]
    path = make_manifest(rows)
    if lost:
        (path.parent / "3.png").unlink()
    return path


def test_single_pictures_of_mistyped_classes_are_told_with_their_lines(
    make_manifest: Callable[..., Path],
) -> None:
    path = manifest_of(make_manifest, lost=False)
    with pytest.raises(InputError) as caught:
        prepare(DataSection(source=str(path)), seed=0)
    assert caught.value.problem == "classes with a single picture that look like typos: 1"
    assert caught.value.got == "'animls' (did you mean 'animals'?)"
    assert caught.value.where == "labels.csv:26"


def test_missing_pictures_and_mistyped_classes_are_told_together(
    make_manifest: Callable[..., Path],
) -> None:
    path = manifest_of(make_manifest, lost=True)
    with pytest.raises(InputError, match="2 kinds of mistakes in the manifest") as caught:
        prepare(DataSection(source=str(path)), seed=0)
    assert "pictures that are not there: 1" in str(caught.value)
    assert "where: labels.csv:26" in str(caught.value)


def test_nobody_is_to_add_pictures_of_a_likely_typo(make_folder: Callable[..., Path]) -> None:
    root = make_folder({"animals": 60, "animls": 2, "plants": 40})
    found = prepare(DataSection(source=str(root)), seed=0).audit.findings()
    assert not [one for one in found if "add pictures of these" in str(one.advice)]
