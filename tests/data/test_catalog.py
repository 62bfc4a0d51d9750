from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainwright.data.catalog import Arrays, Catalog, Files, Split, check_trainable, quoted
from trainwright.errors import InputError, TrainwrightError
from trainwright.recipe.data import DataSection


def catalog(labels: str, splits: list[Split | None] | None = None) -> Catalog:
    count = len(labels)
    return Catalog(
        names=tuple(f"p{index}" for index in range(count)),
        labels=tuple(labels),
        splits=tuple(splits or [None] * count),
        groups=(None,) * count,
        weights=None,
        pictures=Arrays(np.zeros((count, 4, 4), np.uint8)),
        title="letters",
        description="",
    )


def refusal(data: Catalog, section: DataSection | None = None) -> str:
    with pytest.raises(InputError) as caught:
        check_trainable(data, section or DataSection())
    return str(caught.value)


def test_files_are_read_as_bytes(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(b"abc")
    pictures = Files((str(tmp_path / "a.png"), tmp_path / "gone.png"))
    assert pictures.read(0) == b"abc"
    assert pictures.paths == (tmp_path / "a.png", tmp_path / "gone.png")
    with pytest.raises(FileNotFoundError):
        pictures.read(1)


def test_arrays_are_read_as_pictures():
    images_NHW = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    assert Arrays(images_NHW).read(1).tolist() == [[4, 5], [6, 7]]
    assert len(Arrays(images_NHW)) == 3


def test_columns_of_different_lengths_are_our_bug():
    with pytest.raises(TrainwrightError, match="columns must be equally long") as caught:
        replace(catalog("aabb"), labels=("a",))
    assert caught.value.exit_code == 1


def test_names_that_repeat_are_our_bug():
    with pytest.raises(TrainwrightError, match="1 different names"):
        replace(catalog("ab"), names=("same", "same"))


def test_good_data_pass():
    check_trainable(catalog("aabb"), DataSection())
    check_trainable(catalog("aabbab", ["train", "train", "train", "train", "test", "test"]), DataSection())


def test_one_class_only():
    message = refusal(catalog("aaa"))
    assert "one class only" in message
    assert "3 pictures, all 'a'" in message


def test_a_class_with_one_picture_is_named():
    message = refusal(catalog("aabbcd"))
    assert "classes with a single picture" in message
    assert "got: 'c', 'd'" in message
    assert "data.test_share" in message


def test_a_class_with_one_picture_may_stand_where_nothing_is_divided():
    check_trainable(catalog("aab"), DataSection(valid_share=0.0, test_share=0.0))
    check_trainable(catalog("aabab", ["train", "train", "train", "test", "test"]), DataSection())


def test_no_training_part():
    message = refusal(catalog("abab", ["test", "test", "valid", "valid"]))
    assert "no training part" in message
    assert "only test and valid pictures" in message


def test_a_class_without_training_pictures():
    message = refusal(catalog("aabbc", ["train", "train", "train", "train", "test"]))
    assert "classes without a training picture" in message
    assert "'c'" in message


def test_a_class_missing_from_the_test_part_is_for_the_audit_to_tell():
    check_trainable(catalog("aabba", ["train", "train", "train", "train", "test"]), DataSection())


def test_long_lists_are_cut():
    assert quoted([str(number) for number in range(12)]).endswith("'9' and 2 more")
    assert quoted([str(number) for number in range(11)]).endswith("'9', '10'")
