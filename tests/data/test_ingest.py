"""One pass over pictures: what is kept, what is told, and that threads change nothing."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data.catalog import Arrays, Files
from trainwright.data.ingest import Reading, ingest, measure_stored
from trainwright.data.picture_records import PictureRecords, records_from_bytes, records_to_bytes

READING = Reading(img_size=8, channels=3, fit="crop", scaled_decoding=True, max_pixels=10_000)


def write_pictures(folder: Path, count: int = 150) -> tuple[Path, ...]:
    """Writes pictures of different sizes; every tenth is no picture."""
    generator = np.random.default_rng(0)
    paths = []
    for number in range(count):
        path = folder / f"{number:03d}.png"
        if number % 10 == 9:
            path.write_text("no picture at all")
        else:
            size = (8 + number % 3, 8, 3)
            Image.fromarray(generator.integers(0, 256, size, dtype=np.uint8)).save(path)
        paths.append(path)
    return tuple(paths)


def read_all(pictures: Files | Arrays, reading: Reading, workers: int = 0) -> tuple[np.ndarray, PictureRecords, list]:
    images = np.full((len(pictures), reading.channels, reading.img_size, reading.img_size), 77, np.uint8)
    told: list[tuple[str, int, int]] = []

    def keep(start: int, block: np.ndarray) -> None:
        images[start : start + len(block)] = block

    records = ingest(pictures, reading, keep=keep, workers=workers, progress=lambda *words: told.append(words))
    return images, records, told


def test_every_picture_is_read_once_and_in_its_place(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path)
    images, records, told = read_all(Files(paths), READING)
    for row in (0, 3, 148):
        expected = np.asarray(Image.open(paths[row]))
        if expected.shape == (8, 8, 3):
            assert np.array_equal(images[row], expected.transpose(2, 0, 1))
        assert records.sha256(row) == hashlib.sha256(paths[row].read_bytes()).hexdigest()
        assert records.pixels_ND[row].tobytes() == hashlib.sha256(images[row].tobytes()).digest()
        assert (records.width_N[row], records.height_N[row]) == (expected.shape[1], expected.shape[0])
        assert records.low_NC[row].tolist() == images[row].min(axis=(1, 2)).tolist()
        assert records.high_NC[row].tolist() == images[row].max(axis=(1, 2)).tolist()
    assert records.kinds == ("PNG RGB",)
    assert told == [("reading pictures", done, 150) for done in (64, 128, 150)]


def test_unreadable_pictures_are_told_and_stay_empty(tmp_path: Path) -> None:
    paths = write_pictures(tmp_path)
    images, records, _ = read_all(Files((*paths, tmp_path / "gone.png")), READING)
    assert list(records.reasons) == [*range(9, 150, 10), 150]
    assert records.reasons[9] == "not a picture file"
    assert records.reasons[150] == "cannot be opened: No such file or directory"
    assert images[9].max() == 0
    assert records.readable_N.sum() == 135
    assert records.sha256(9) == hashlib.sha256(b"no picture at all").hexdigest()


def test_threads_change_nothing(tmp_path: Path) -> None:
    files = Files(write_pictures(tmp_path))
    one_images, one_records, _ = read_all(files, READING)
    two_images, two_records, _ = read_all(files, READING, workers=3)
    assert np.array_equal(one_images, two_images)
    assert records_to_bytes(one_records) == records_to_bytes(two_records)


def test_an_error_in_a_thread_reaches_the_caller(tmp_path: Path) -> None:
    files = Files(write_pictures(tmp_path))

    def full(start: int, block: np.ndarray) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        ingest(files, READING, keep=full, workers=2)


@pytest.mark.parametrize("shape", [(20, 8, 8), (20, 8, 8, 3)])
def test_numbers_of_the_right_size_are_untouched(shape: tuple[int, ...]) -> None:
    numbers = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    channels = 3 if len(shape) == 4 else 1
    reading = Reading(img_size=8, channels=channels, fit="crop", scaled_decoding=True, max_pixels=100)
    images, records, _ = read_all(Arrays(numbers), reading)
    expected = numbers.transpose(0, 3, 1, 2) if channels == 3 else numbers[:, None]
    assert np.array_equal(images, expected)
    measured = measure_stored(np.ascontiguousarray(expected))
    assert np.array_equal(measured.pixels_ND, records.pixels_ND)
    assert np.array_equal(measured.fingerprint_NF, records.fingerprint_NF)
    assert measured.kinds == records.kinds
    assert measured.readable_N.all()


def test_numbers_are_resized_and_recolored_like_files(tmp_path: Path) -> None:
    number = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    Image.fromarray(number).save(tmp_path / "a.png")
    for channels in (1, 3):
        reading = Reading(img_size=6, channels=channels, fit="pad", scaled_decoding=True, max_pixels=1000)
        from_file, _, _ = read_all(Files((tmp_path / "a.png",)), reading)
        from_numbers, _, _ = read_all(Arrays(number[None]), reading)
        assert np.array_equal(from_file, from_numbers)


def test_records_survive_a_round_trip(tmp_path: Path) -> None:
    _, records, _ = read_all(Files(write_pictures(tmp_path, 20)), READING)
    back = records_from_bytes(records_to_bytes(records))
    assert records_to_bytes(back) == records_to_bytes(records)
    assert back.reasons == records.reasons
    assert back.kinds == records.kinds
    assert len(back) == 20
    assert back.width_N.dtype == np.int32
