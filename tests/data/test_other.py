"""Other pictures for a trained net: read alike, with the net's classes, and nothing left out in silence."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import Reading, prepare_other, read_pictures
from trainwright.errors import InputError
from trainwright.recipe import DataSection

READING = Reading(img_size=8, channels=3, fit="crop", scaled_decoding=True, max_pixels=10_000)


def save(path: Path, value: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((8, 8, 3), value, np.uint8)).save(path)
    return path


def other(folder: Path, classes=("cat", "dog", "owl")):
    return prepare_other(DataSection(source=str(folder)), classes=classes, img_size=8, channels=3)


def test_labels_are_the_nets_numbers_whatever_classes_are_missing(tmp_path):
    save(tmp_path / "owl" / "1.png", 30)
    save(tmp_path / "cat" / "1.png", 10)
    pictures = other(tmp_path)
    part = pictures.part
    assert list(part.names) == ["cat/1.png", "owl/1.png"]
    assert part.labels_N.tolist() == [0, 2]
    assert [int(part.images_SCHW[row, 0, 0, 0]) for row in part.rows_N] == [10, 30]
    assert pictures.rejected == ()
    assert pictures.sha256s == tuple(
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in ("cat/1.png", "owl/1.png")
    )


def test_what_cannot_be_read_is_told(tmp_path):
    save(tmp_path / "cat" / "1.png", 10)
    (tmp_path / "cat" / "2.png").write_bytes(b"nothing")
    pictures = other(tmp_path)
    assert len(pictures.part) == len(pictures.sha256s) == 1
    assert [name for name, _ in pictures.rejected] == ["cat/2.png"]
    assert pictures.rejected[0][1]


def test_a_test_part_of_their_own_is_taken(tmp_path):
    for number, place in enumerate(("train/cat", "train/dog", "test/cat", "test/dog")):
        save(tmp_path / place / f"{number}.png", 40 * number)
    part = other(tmp_path).part
    assert all(name.startswith("test/") for name in part.names)
    assert part.labels_N.tolist() == [0, 1]


def test_classes_that_the_net_does_not_know_are_refused(tmp_path):
    save(tmp_path / "cat" / "1.png", 1)
    save(tmp_path / "cow" / "1.png", 2)
    with pytest.raises(InputError, match="classes that the net was not trained on") as error:
        other(tmp_path)
    assert "cow" in str(error.value)


def test_nothing_readable_is_refused(tmp_path):
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "1.png").write_bytes(b"nothing")
    with pytest.raises(InputError, match="none of the 2 pictures can be read"):
        other(tmp_path)


def test_pictures_come_in_order_with_reasons_between(tmp_path):
    paths = [save(tmp_path / "a.png", 7), tmp_path / "missing.png", save(tmp_path / "b.png", 9)]
    first, reason, last = read_pictures(paths, READING, workers=2)
    assert isinstance(first, np.ndarray)
    assert (first.shape, first.dtype, int(first[0, 0, 0])) == ((3, 8, 8), np.uint8, 7)
    assert isinstance(reason, str)
    assert "No such file" in reason
    assert isinstance(last, np.ndarray)
    assert int(last[0, 0, 0]) == 9
