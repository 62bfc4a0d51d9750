"""What `auto` means for size and color of the stored pictures, decided from their headers alone."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from trainwright.errors import InputError
from trainwright.recipe import Choice, DataSection

from .catalog import Arrays, Files
from .decoding import Header, UnreadablePicture, read_header, strict_pillow
from .ingest import Reading

LOOKED_AT = 1024
"""Headers read to settle the size; only where all of these agree are the others read too."""

SIZES = (32, 64, 96, 128, 160, 224)
KEPT_AS_THEY_ARE = 96
EPOCH_BYTES = 2 * 2**30
"""Larger sets get smaller pictures, down to 64: one epoch reads at most this much."""

SMALLEST_SIDE = 4


def choose_reading(section: DataSection, pictures: Files | Arrays, workers: int) -> tuple[Reading, tuple[Choice, ...]]:
    """Decides size and channels, and says why in words.

    Size: pictures that all have one square size up to 96 keep it. Else the largest of 32, 64, 96, 128, 160, 224 that
    the median picture's shorter side fills, so that the typical picture is never enlarged (a shorter side below 32 is
    kept as it is), and then, from 64 on, the largest with which all pictures together stay below 2 GiB, so that an
    epoch over very many pictures stays affordable.
    Color: gray where no picture can hold color (gray modes, or a palette of grays), else rgb.

    Returns: the settings, and a choice for each of `data.img_size` and `data.color` that was `auto`.

    Raises:
        InputError: not one of the pictures looked at is readable.
    """
    choices: list[Choice] = []
    size, color = section.img_size, section.color
    if size == "auto" or color == "auto":
        headers = _headers(pictures, section, workers)
        if color == "auto":
            color, reason = _color(headers)
            choices.append(Choice("data.color", color, reason))
        channels = 1 if color == "gray" else 3
        if size == "auto":
            size, reason = _size(headers, len(pictures), channels)
            choices.append(Choice("data.img_size", size, reason))
    reading = Reading(
        img_size=size,
        channels=1 if color == "gray" else 3,
        fit=section.fit,
        scaled_decoding=section.scaled_decoding,
        max_pixels=section.max_pixels,
    )
    return reading, tuple(sorted(choices, key=lambda choice: choice.key))


def _headers(pictures: Files | Arrays, section: DataSection, workers: int) -> list[Header]:
    """Reads the headers that the choices need: evenly spread ones, and all where those agree."""
    if isinstance(pictures, Arrays):
        gray = pictures.images.ndim == 3
        height, width = pictures.images.shape[1:3]
        return [Header(width, height, "numbers", "L" if gray else "RGB", gray)]
    spread = np.unique(np.linspace(0, len(pictures) - 1, min(LOOKED_AT, len(pictures))).astype(int))
    with strict_pillow():
        headers = _read_headers(pictures, spread, section.max_pixels, workers)
        agree = len({(header.width, header.height) for header in headers}) <= 1
        if (agree or all(header.gray for header in headers)) and len(spread) < len(pictures):
            headers = _read_headers(pictures, range(len(pictures)), section.max_pixels, workers)
    if not headers:
        raise InputError(
            "no picture can be read",
            expected="JPEG, PNG, GIF, BMP, WEBP, TIFF or PPM files",
            got="; ".join(_first_reasons(pictures, section.max_pixels)),
        )
    return headers


def _read_headers(pictures: Files, rows: Iterable[int], max_pixels: int, workers: int) -> list[Header]:
    def one(row: int) -> Header | None:
        try:
            return read_header(pictures.paths[row], max_pixels=max_pixels)
        except UnreadablePicture:
            return None

    if workers == 0:
        return [header for header in map(one, rows) if header is not None]
    with ThreadPoolExecutor(workers, "headers") as threads:
        return [header for header in threads.map(one, rows) if header is not None]


def _first_reasons(pictures: Files, max_pixels: int) -> list[str]:
    """Says why the first few pictures cannot be read; told once for all, where none can."""
    reasons = []
    for path in pictures.paths[:3]:
        try:
            read_header(path, max_pixels=max_pixels)
        except UnreadablePicture as reason:
            reasons.append(f"'{path.name}': {reason}")
    return reasons


def _color(headers: list[Header]) -> tuple[str, str]:
    if all(header.gray for header in headers):
        return "gray", "every picture is gray"
    colored = sum(not header.gray for header in headers)
    if colored == len(headers):
        return "rgb", "the pictures are in color"
    return "rgb", f"{colored:,} of {len(headers):,} pictures looked at can hold color"


def _size(headers: list[Header], pictures: int, channels: int) -> tuple[int, str]:
    shapes = {(header.width, header.height) for header in headers}
    if len(shapes) == 1:
        width, height = next(iter(shapes))
        if width == height and SMALLEST_SIDE <= width <= KEPT_AS_THEY_ARE:
            return width, f"every picture is {width}×{height}"
    shorter = int(np.median([min(header.width, header.height) for header in headers]))
    filled = [size for size in SIZES if size <= shorter] or [max(SMALLEST_SIDE, shorter)]
    reason = f"the median picture's shorter side is {shorter} pixels"
    affordable = [size for size in filled if size <= 64 or pictures * channels * size**2 <= EPOCH_BYTES]
    if affordable[-1] < filled[-1]:
        reason += f"; smaller than {filled[-1]}, because an epoch of {pictures:,} such pictures would read over 2 GiB"
    return affordable[-1], reason
