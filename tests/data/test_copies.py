"""What is said of copies and blank pictures holds of whole pictures; what only the crop made so is told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from trainwright.data import PreparedData, prepare
from trainwright.recipe import DataSection


def letters(root: Path, *, split: bool = False, labels: tuple[str, str] = ("a", "a")) -> None:
    """Two tall pictures that differ at their upper ends alone, and one whose middle is white, beside 20 of noise."""
    generator = np.random.default_rng(0)
    parts = ("train", "test") if split else ("",)
    for part in parts:
        for label in "ab":
            (root / part / label).mkdir(parents=True)
            for number in range(20):
                noise = generator.integers(0, 256, (16, 16), dtype=np.uint8)
                Image.fromarray(noise).save(root / part / label / f"{number:02d}.png")
    tall = generator.integers(0, 256, (48, 16), dtype=np.uint8)
    Image.fromarray(tall).save(root / parts[0] / labels[0] / "i.png")
    tall[:12] = 255 - tall[:12]
    Image.fromarray(tall).save(root / parts[-1] / labels[1] / "l.png")
    ends = np.full((48, 16), 255, np.uint8)
    ends[:8] = 0
    Image.fromarray(ends).save(root / parts[0] / "a" / "ends.png")


def read(root: Path, **settings: object) -> PreparedData:
    return prepare(DataSection.model_validate({"source": str(root), "img_size": 16, **settings}), seed=0)


def codes(prepared: PreparedData) -> list[str]:
    return [finding.code for finding in prepared.audit.findings() if "small" not in finding.code]


def test_pictures_that_only_the_crop_makes_equal_or_blank_are_no_copies(tmp_path: Path) -> None:
    letters(tmp_path)
    cropped = read(tmp_path)
    assert cropped.audit.identical.groups == cropped.audit.near.groups == cropped.audit.blank_pictures == 0
    assert codes(cropped) == ["content-lost-by-fit"]
    (finding,) = (finding for finding in cropped.audit.findings() if finding.code == "content-lost-by-fit")
    assert finding.severity == "note"
    assert finding.summary == (
        "as the net sees them, cropped to a square and resized to 16×16: 1 picture shows a single color only; "
        "2 different pictures are equal in 1 group"
    )
    assert finding.evidence["first"] == "'a/ends.png'; 'a/i.png' = 'a/l.png'"
    assert finding.advice["data.fit"] == "pad"
    assert codes(read(tmp_path, fit="pad")) == []


def test_a_crop_neither_leaks_nor_contradicts_but_can_hide_what_tells_classes_apart(tmp_path: Path) -> None:
    letters(tmp_path, split=True, labels=("a", "b"))
    found = read(tmp_path, valid_share=0)
    assert codes(found) == ["content-lost-by-fit"]
    (finding,) = (finding for finding in found.audit.findings() if finding.code == "content-lost-by-fit")
    assert finding.severity == "warn"
    assert finding.summary.endswith("2 different pictures are equal in 1 group, 1 of them with more than one label")


def test_what_nothing_but_a_pixel_of_many_tells_apart_is_a_near_copy(tmp_path: Path) -> None:
    letters(tmp_path)
    for number in range(2):
        pixels = np.kron(np.array([[0, 200], [200, 0]], np.uint8), np.full((64, 64), 1, np.uint8))
        pixels[1, number] = 1
        Image.fromarray(pixels).save(tmp_path / "b" / f"large{number}.png")
    found = read(tmp_path, fit="pad")
    assert found.audit.identical.groups == 0
    assert found.audit.near.examples == (("b/large0.png", "b/large1.png"),)


@pytest.mark.parametrize("fit", ["crop", "pad", "squash"])
def test_whole_copies_are_found_however_they_become_square(tmp_path: Path, fit: str) -> None:
    letters(tmp_path)
    with Image.open(tmp_path / "a" / "i.png") as picture:
        picture.save(tmp_path / "a" / "i-again.bmp")
        picture.resize((32, 96), Image.Resampling.NEAREST).save(tmp_path / "a" / "i-large.png")
    audit = read(tmp_path, fit=fit).audit
    assert audit.identical.examples == (("a/i-again.bmp", "a/i.png"),)
    assert "a/i.png" in audit.near.examples[0]


def test_groups_of_a_split_hold_what_the_net_cannot_tell_apart(tmp_path: Path) -> None:
    letters(tmp_path)
    for seed in range(6):
        parts = {row.name: row.part for row in prepare(DataSection(source=str(tmp_path), img_size=16), seed=seed).split}
        assert parts["a/i.png"] == parts["a/l.png"]


def test_what_the_size_alone_takes_away_asks_for_a_larger_one(tmp_path: Path) -> None:
    letters(tmp_path)
    for number in range(2):
        pixels = np.full((160, 160), 255, np.uint8)
        pixels[::10, number] = 254
        Image.fromarray(pixels).save(tmp_path / "b" / f"faint{number}.png")
    (finding,) = (one for one in read(tmp_path, fit="pad").audit.findings() if one.code == "content-lost-by-fit")
    assert finding.summary == "as the net sees them, resized to 16×16: 2 pictures show a single color only"
    assert finding.advice == {"do": "a larger data.img_size"}
