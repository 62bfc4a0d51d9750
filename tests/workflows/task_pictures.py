"""Digits as picture files, with a manifest for each task, and the smallest runs that learn them."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

COUNT = 420
LOOPED = (0, 6, 8, 9)

SMALL = [
    "--model=plain",
    "--epochs=6",
    "--batch-size=16",
    "--lr=0.1",
    "--set=model.width=16",
    "--set=model.depth=1",
    "--set=machine.threads=1",
    "--set=machine.precision=float32",
]
"""A run of seconds that learns something of digits."""


def write_digits(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Writes the first digits as pictures; returns them N H W in 0…255, their classes, and their paths."""
    digits = load_digits()
    images_NHW = (digits.images[:COUNT] * 15.9).astype(np.uint8)
    paths = [f"pictures/{row:04d}.png" for row in range(COUNT)]
    (folder / "pictures").mkdir(parents=True)
    for path, image_HW in zip(paths, images_NHW, strict=True):
        Image.fromarray(image_HW).save(folder / path)
    return images_NHW, digits.target[:COUNT], paths


def write_manifest(path: Path, header: list[str], rows: Iterable[list[object]]) -> Path:
    """Writes a manifest."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)
    return path


def labels_of(digit: int) -> list[str]:
    """Lists what holds for a digit."""
    holds = {"even": digit % 2 == 0, "has a loop": digit in LOOPED, "above four": digit > 4}
    return [label for label, held in holds.items() if held]
