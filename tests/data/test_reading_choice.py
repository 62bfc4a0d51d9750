"""What `auto` makes of sizes and colors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data.catalog import Arrays, Files
from trainwright.data.reading_choice import choose_reading
from trainwright.errors import InputError
from trainwright.recipe import DataSection


def pictures(folder: Path, *sizes: tuple[int, int], mode: str = "RGB") -> Files:
    paths = []
    for number, size in enumerate(sizes):
        paths.append(folder / f"{number:04d}.png")
        Image.new(mode, size).save(paths[-1])
    return Files(tuple(paths))


def chosen(section: DataSection, data: Files | Arrays, workers: int = 0) -> tuple[int, int, dict[str, str]]:
    reading, choices = choose_reading(section, data, workers)
    assert {choice.key: choice.value for choice in choices}.get("data.img_size", reading.img_size) == reading.img_size
    return reading.img_size, reading.channels, {choice.key: choice.reason for choice in choices}


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([(28, 28)] * 3, 28),
        ([(96, 96)] * 3, 96),
        ([(97, 97)] * 3, 96),
        ([(300, 200), (500, 375), (400, 130)], 160),
        ([(640, 480)] * 3, 224),
        ([(40, 60), (60, 50)], 32),
        ([(20, 30), (18, 40)], 19),
        ([(3, 3)] * 2, 4),
        ([(28, 20)] * 2, 20),
    ],
)
def test_size_follows_the_pictures(tmp_path: Path, sizes: list[tuple[int, int]], expected: int) -> None:
    size, channels, reasons = chosen(DataSection(), pictures(tmp_path, *sizes))
    assert (size, channels) == (expected, 3)
    assert reasons["data.color"] == "the pictures are in color"


def test_the_reason_is_told(tmp_path: Path) -> None:
    assert chosen(DataSection(), pictures(tmp_path, (28, 28)))[2]["data.img_size"] == "every picture is 28×28"
    told = chosen(DataSection(), pictures(tmp_path, (300, 200)))[2]["data.img_size"]
    assert told == "the median picture's shorter side is 200 pixels"


def test_very_many_pictures_get_smaller_ones() -> None:
    numbers = np.broadcast_to(np.zeros((1, 1, 1, 1), np.uint8), (1_000_000, 300, 300, 3))
    size, _, reasons = chosen(DataSection(), Arrays(numbers))
    assert size == 64
    assert reasons["data.img_size"].endswith(
        "smaller than 224, because an epoch of 1,000,000 such pictures would read over 2 GiB"
    )


def test_all_gray_is_gray_and_one_in_color_is_not(tmp_path: Path) -> None:
    gray = pictures(tmp_path, *[(8, 8)] * 1100, mode="L")
    assert chosen(DataSection(), gray, workers=2)[1:] == (
        1,
        {"data.color": "every picture is gray", "data.img_size": "every picture is 8×8"},
    )
    Image.new("RGB", (8, 8)).save(gray.paths[1])
    assert chosen(DataSection(), gray)[1] == 3
    assert chosen(DataSection(), gray)[2]["data.color"] == "1 of 1,100 pictures looked at can hold color"


def test_what_the_user_gave_stays(tmp_path: Path) -> None:
    section = DataSection(img_size=17, color="rgb", fit="pad", scaled_decoding=False, max_pixels=5)
    reading, choices = choose_reading(section, Files((tmp_path / "nothing.png",)), 0)
    assert choices == ()
    assert (reading.img_size, reading.channels, reading.fit, reading.scaled_decoding) == (17, 3, "pad", False)
    assert chosen(DataSection(color="gray"), pictures(tmp_path, (28, 28)))[1] == 1


def test_nothing_readable_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_text("text")
    with pytest.raises(InputError) as caught:
        choose_reading(DataSection(), Files((tmp_path / "a.jpg", tmp_path / "b.jpg")), 0)
    assert str(caught.value) == (
        "no picture can be read\n"
        "  expected: JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM files\n"
        "  got: 'a.jpg': not a picture file; 'b.jpg': cannot be opened: No such file or directory"
    )
