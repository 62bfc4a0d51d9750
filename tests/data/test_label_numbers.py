"""A column of numbers that is taken for classes is told, and how it becomes a regression."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import prepare
from trainwright.data.label_numbers import read_like_numbers
from trainwright.errors import InputError
from trainwright.recipe import DataSection
from trainwright.runs import Finding


def manifest(folder: Path, labels: list[str]) -> str:
    generator = np.random.default_rng(0)
    for number in range(len(labels)):
        Image.fromarray(generator.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"{number}.png")
    rows = [f'{number}.png,"{label}"' for number, label in enumerate(labels)]
    (folder / "m.csv").write_text("\n".join(["path,ratio", *rows]))
    return str(folder / "m.csv")


def told(folder: Path, labels: list[str]) -> list[Finding]:
    section = DataSection(source=manifest(folder, labels), label_column="ratio")
    return [one for one in prepare(section, seed=0).audit.findings() if one.code.startswith("labels-")]


@pytest.mark.parametrize(
    ("names", "pictures", "numbers"),
    [
        (["0.1", "0.2", "0.3"], 300, True),
        (["1,5", "2,5", "3"], 300, True),
        ([str(number) for number in range(30)], 120, True),
        ([str(number) for number in range(100)], 50_000, False),
        ([str(number) for number in range(10)], 60, False),
        (["1", "2"], 2, True),
        (["1", "class_2"], 2, False),
        (["nan", "1.5"], 9, False),
        (["1.0", "2.0"], 40, False),
    ],
)
def test_decimals_and_many_different_numbers_read_like_numbers(names: list[str], pictures: int, numbers: bool) -> None:
    assert read_like_numbers(names, pictures) is numbers


def test_numbers_as_classes_are_a_note_that_names_the_setting(tmp_path: Path) -> None:
    (finding,) = told(tmp_path, [("0.5", "0.75", "1.5")[number % 3] for number in range(60)])
    assert (finding.code, finding.severity) == ("labels-numeric", "note")
    assert finding.summary.startswith("all 3 classes of the column 'ratio' are numbers: as classes they have no order")
    assert finding.advice == {"data.target_columns": "ratio"}


def test_digits_as_classes_say_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, [str(number % 10) for number in range(60)]) == []


@pytest.mark.parametrize("share", [0.2, 0.0])
def test_a_number_for_each_picture_is_refused(tmp_path: Path, share: float) -> None:
    source = manifest(tmp_path, [f"{number / 8}" for number in range(20)])
    section = DataSection(source=source, label_column="ratio", valid_share=share, test_share=share)
    with pytest.raises(InputError, match="every picture has a number of its own as its class") as caught:
        prepare(section, seed=0)
    assert caught.value.hint == "these are numbers: for a regression --set data.target_columns=ratio"


def test_where_some_numbers_have_a_single_picture_the_hint_is_the_same(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="classes with a single picture") as caught:
        told(tmp_path, ["0.5", "0.5", "1.5", "1.5", "2.5"])
    assert caught.value.hint == "these are numbers: for a regression --set data.target_columns=ratio"


def test_without_a_column_of_classes_the_column_of_numbers_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'label'") as caught:
        prepare(DataSection(source=manifest(tmp_path, ["1", "2"])), seed=0)
    assert caught.value.hint is not None
    assert caught.value.hint.endswith("for a regression --set data.target_columns=NAME names one of numbers")
