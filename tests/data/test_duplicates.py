"""Copies are found, look-alikes are not: on made pictures and on the two sets everybody knows."""

from __future__ import annotations

import io
import time

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from trainwright.data import open_catalog
from trainwright.data.catalog import Arrays
from trainwright.data.duplicates import exact_groups, joined, near_copies, near_pairs
from trainwright.data.fingerprints import fingerprint
from trainwright.data.ingest import measure_stored
from trainwright.data.square import fit_square
from trainwright.recipe import DataSection


def scenes(count: int, seed: int = 0, size: int = 96) -> list[Image.Image]:
    """Pictures with the soft spectrum of photographs, all different."""
    generator = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)[None])
    frequency[0, 0] = 1
    made = []
    for _ in range(count):
        field = [np.fft.irfft2(np.fft.rfft2(generator.normal(size=(size, size))) / frequency**1.5) for _ in range(3)]
        field = np.stack([channel / channel.std() for channel in field], -1)
        mixing = 22 + generator.normal(0, 8, (3, 3))
        made.append(Image.fromarray((128 + field @ mixing).clip(0, 255).astype(np.uint8)))
    return made


def stored(images: list[Image.Image], side: int = 48) -> np.ndarray:
    return np.stack([np.asarray(fit_square(image, side, "squash")).transpose(2, 0, 1) for image in images])


def pairs_of(images_NCHW: np.ndarray) -> list[tuple[int, int]]:
    rows = np.arange(len(images_NCHW))
    return [tuple(pair) for pair in near_pairs(images_NCHW, fingerprint(images_NCHW), rows)[0].tolist()]


def recompressed(image: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer)


def test_a_changed_copy_is_found_and_nothing_else() -> None:
    originals = scenes(40)
    copies = [
        recompressed(originals[0], 60),
        originals[1].resize((50, 50)).resize((128, 128)),
        ImageEnhance.Brightness(originals[2]).enhance(0.8),
        ImageEnhance.Contrast(originals[3]).enhance(0.8),
    ]
    assert pairs_of(stored([*originals, *copies])) == [(0, 40), (1, 41), (2, 42), (3, 43)]


def test_different_scenes_are_never_copies() -> None:
    assert pairs_of(stored(scenes(300, seed=1))) == []


def test_blank_pictures_are_like_nothing() -> None:
    assert pairs_of(np.full((5, 1, 8, 8), 7, np.uint8)) == []
    assert pairs_of(np.zeros((0, 1, 8, 8), np.uint8)) == []


def test_in_a_crowd_each_picture_is_held_against_its_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainwright.data.duplicates.MOST_PAIRS", 0)
    base = stored(scenes(4))
    pictures = np.concatenate([base, base.clip(3, 255)])
    assert pairs_of(pictures) == [(0, 4), (1, 5), (2, 6), (3, 7)]


def test_identical_pictures_are_grouped() -> None:
    digests = np.zeros((6, 32), np.uint8)
    digests[[1, 4], 31] = 9
    digests[5, 0] = 1
    assert exact_groups(digests) == [(0, 2, 3), (1, 4)]
    assert exact_groups(digests[[1, 5]]) == []


def test_pairs_join_into_groups() -> None:
    assert joined([(7, 3), (1, 2), (9, 3), (2, 1)]) == [(1, 2), (3, 7, 9)]


def test_groups_hold_identical_and_changed_copies() -> None:
    base = stored(scenes(30))
    pictures = np.concatenate([base, base[:1], recompressed_all(base[:1]), base[7:8]])
    identical = exact_groups(np.ascontiguousarray(pictures.reshape(len(pictures), -1)))
    assert identical == [(0, 30), (7, 32)]
    groups = joined(near_copies(pictures, fingerprint(pictures), np.arange(len(pictures)), identical))
    assert groups == [(0, 30, 31), (7, 32)]


def recompressed_all(images_NCHW: np.ndarray) -> np.ndarray:
    pictures = [recompressed(Image.fromarray(image.transpose(1, 2, 0)), 90) for image in images_NCHW]
    return np.stack([np.asarray(picture).transpose(2, 0, 1) for picture in pictures])


def test_likeness_that_is_the_nature_of_the_data_makes_no_group() -> None:
    part = stored(scenes(1), side=32)
    noise = np.random.default_rng(0).normal(0, 1.0, (100, *part.shape[1:]))
    pictures = (part + noise).round().clip(0, 255).astype(np.uint8)
    rows = np.arange(100)
    assert len(near_pairs(pictures, fingerprint(pictures), rows)[0]) > 1000
    assert joined(near_copies(pictures, fingerprint(pictures), rows, [])) == []


def test_a_large_group_of_plain_copies_stays_one() -> None:
    part = (stored(scenes(1), side=32) // 2).astype(np.uint8)
    pictures = np.concatenate([part + level for level in range(40)]).astype(np.uint8)
    assert joined(near_copies(pictures, fingerprint(pictures), np.arange(40), [])) == [tuple(range(40))]


def near_pairs_of(source: str) -> tuple[int, int, float]:
    pictures = open_catalog(DataSection(source=source)).pictures
    assert isinstance(pictures, Arrays)
    images = pictures.images[:, None]
    records = measure_stored(images)
    start = time.perf_counter()
    pairs, _ = near_pairs(images, records.fingerprint_NF, np.arange(len(images)))
    return len(pairs), len(exact_groups(records.pixels_ND)), time.perf_counter() - start


def test_the_digits_hold_no_copies() -> None:
    assert near_pairs_of("digits")[:2] == (0, 0)


def test_fashion_mnist_holds_few_copies_and_they_are_found_in_seconds() -> None:
    pairs, exact, seconds = near_pairs_of("fashion-mnist")
    assert exact == 0
    assert 30 <= pairs <= 50
    assert seconds < 20
