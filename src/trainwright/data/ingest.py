"""One pass over all pictures: decoded, resized, hashed and measured, each exactly once, by several threads.

Why threads and not processes: Pillow and hashlib let go of the interpreter lock while they decode, resize and hash, so
that two threads read as many pictures a second as two forked processes (benchmarks/ingest.py measures it), while a
fork beside torch's threads may hang and a spawned process imports the user's script again and torch with it.

Legend: N pictures of the catalog, n pictures of a block, C channels, H W height and width.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from .catalog import Arrays, Files
from .decoding import UnreadablePicture, decode, read_bytes, strict_pillow
from .fingerprints import FINGERPRINT_SIDE, fingerprint
from .picture_records import PictureRecords, empty_records
from .square import REDUCING_GAP, Fit, fit_square

BLOCK_BYTES = 4 * 2**20
BLOCK_PICTURES = 64

Progress = Callable[[str, int, int], None]
"""Told now and then: what is being done, how many are done, of how many."""


@dataclass(frozen=True)
class Reading:
    """All settings that pixels in the store depend on.

    Args:
        img_size: side, in pixels.
        channels: 1 or 3.
        fit, scaled_decoding, max_pixels: see the recipe's section `data`.
    """

    img_size: int
    channels: int
    fit: Fit
    scaled_decoding: bool
    max_pixels: int


@dataclass(frozen=True)
class _Told:
    """What one picture's file told, beside its pixels."""

    width: int
    height: int
    kind: str
    animated: bool


def ingest(
    pictures: Files | Arrays,
    reading: Reading,
    *,
    keep: Callable[[int, np.ndarray], None],
    workers: int = 0,
    progress: Progress | None = None,
) -> PictureRecords:
    """Reads every picture once.

    Args:
        pictures: the encoded files or the numbers.
        reading: how they become pixels.
        keep: takes the first row of a block and its pixels, uint8 n C H W, valid during the call only; called by
            several threads at once, for each block exactly once, in any order. An unreadable picture's row is 0.
        workers: threads that read; 0 reads in the calling thread.
        progress: told after every block.

    Returns: what each picture told, unreadable ones with their reasons.
    """
    total = len(pictures)
    records = empty_records(total, reading.channels)
    side = reading.img_size
    step = max(1, min(BLOCK_PICTURES, BLOCK_BYTES // (reading.channels * side * side)))
    starts = range(0, total, step)

    def read(start: int) -> tuple[int, list[_Told | str]]:
        rows = range(start, min(start + step, total))
        block = np.zeros((len(rows), reading.channels, side, side), np.uint8)
        told = [_read_picture(pictures, row, reading, records, block[place]) for place, row in enumerate(rows)]
        _measure(records, slice(rows.start, rows.stop), block)
        keep(start, block)
        return start, told

    kinds: dict[str, int] = {}
    reasons: dict[int, str] = {}
    done = 0
    with strict_pillow():
        for start, told in _in_threads(read, starts, workers):
            for row, one in enumerate(told, start):
                if isinstance(one, str):
                    reasons[row] = one
                    continue
                records.readable_N[row] = True
                records.width_N[row], records.height_N[row] = one.width, one.height
                records.animated_N[row] = one.animated
                records.kind_N[row] = kinds.setdefault(one.kind, len(kinds))
            done += len(told)
            if progress is not None:
                progress("reading pictures", done, total)
    uncut_N = records.width_N == records.height_N if reading.fit == "crop" else np.ones(total, bool)
    records.whole_NF[uncut_N] = records.fingerprint_NF[uncut_N]
    return replace(records, kinds=tuple(kinds), reasons=dict(sorted(reasons.items())))


def measure_stored(images_NCHW: np.ndarray, progress: Progress | None = None) -> PictureRecords:
    """Measures pictures that already stand as the store wants them, in blocks; their pixels are not copied."""
    total, channels, height, width = images_NCHW.shape
    records = empty_records(total, channels)
    step = max(1, BLOCK_BYTES // (channels * height * width))
    for start in range(0, total, step):
        rows = slice(start, min(start + step, total))
        _measure(records, rows, np.ascontiguousarray(images_NCHW[rows]))
        if progress is not None:
            progress("measuring pictures", rows.stop, total)
    records.readable_N[:] = True
    records.width_N[:], records.height_N[:] = width, height
    records.sha256_ND[:] = records.pixels_ND
    records.whole_NF[:] = records.fingerprint_NF
    records.blank_N[:] = records.one_color_N
    if channels > 1:  # hashed as they came, so that the numbers are known again where they are read one by one
        for row, picture_CHW in enumerate(images_NCHW):
            records.sha256_ND[row] = _digest(picture_CHW.transpose(1, 2, 0).tobytes())
    return replace(records, kinds=("numbers, gray" if channels == 1 else "numbers, rgb",))


def _in_threads(
    work: Callable[[int], tuple[int, list[_Told | str]]], starts: range, workers: int
) -> Iterator[tuple[int, list[_Told | str]]]:
    """Yields results as they come in order; an interrupt lets go of what has not begun."""
    if workers == 0:
        yield from map(work, starts)
        return
    threads = ThreadPoolExecutor(workers, "reading")
    try:
        yield from threads.map(work, starts)
    finally:
        threads.shutdown(cancel_futures=True)


def _read_picture(
    pictures: Files | Arrays, row: int, reading: Reading, records: PictureRecords, target_CHW: np.ndarray
) -> _Told | str:
    """Fills one picture's pixels in; returns what its file told, or why it cannot be read."""
    if isinstance(pictures, Arrays):
        pixels_HWC, whole, told = _from_numbers(pictures.read(row), reading)
        records.sha256_ND[row] = _digest(pictures.read(row).tobytes())
    else:
        try:
            blob = read_bytes(pictures.paths[row])
            records.sha256_ND[row] = _digest(blob)
            decoded = decode(
                blob,
                channels=reading.channels,
                img_size=reading.img_size,
                fit=reading.fit,
                scaled_decoding=reading.scaled_decoding,
                max_pixels=reading.max_pixels,
            )
        except UnreadablePicture as reason:
            return str(reason)
        pixels_HWC, whole = decoded.pixels_HWC, decoded.whole
        told = _Told(decoded.width, decoded.height, f"{decoded.format} {decoded.mode}", decoded.animated)
    target_CHW[:] = pixels_HWC.transpose(2, 0, 1)
    _measure_whole(records, row, whole, reading, pixels_HWC)
    return told


def _measure_whole(
    records: PictureRecords, row: int, whole: Image.Image, reading: Reading, pixels_HWC: np.ndarray
) -> None:
    """Fills in what tells a picture from those that are equal to it only once they are square and of the net's size."""
    if whole.size != (reading.img_size, reading.img_size):
        records.whole_N[row] = zlib.crc32(whole.tobytes())
    if reading.fit == "crop" and whole.width != whole.height:
        side = FINGERPRINT_SIDE
        squashed = whole.resize((side, side), Image.Resampling.BOX, reducing_gap=REDUCING_GAP).convert("L")
        records.whole_NF[row] = np.asarray(squashed).ravel()
    if (pixels_HWC == pixels_HWC[0, 0]).all():
        records.blank_N[row] = all(len(set(whole.getchannel(band).getextrema())) == 1 for band in whole.getbands())


def _from_numbers(picture: np.ndarray, reading: Reading) -> tuple[np.ndarray, Image.Image, _Told]:
    """Resizes a picture that came as numbers exactly as a decoded one."""
    image = Image.fromarray(picture)
    told = _Told(image.width, image.height, "numbers, gray" if image.mode == "L" else "numbers, rgb", False)
    wanted = "L" if reading.channels == 1 else "RGB"
    image = image if image.mode == wanted else image.convert(wanted)
    pixels = np.asarray(fit_square(image, reading.img_size, reading.fit))
    return pixels if pixels.ndim == 3 else pixels[:, :, None], image, told


def _measure(records: PictureRecords, rows: slice, block_nCHW: np.ndarray) -> None:
    """Fills in whatever follows from the pixels alone."""
    for row, picture in enumerate(block_nCHW, rows.start):
        records.pixels_ND[row] = _digest(picture.data)
    records.low_NC[rows] = block_nCHW.min(axis=(2, 3))
    records.high_NC[rows] = block_nCHW.max(axis=(2, 3))
    records.fingerprint_NF[rows] = fingerprint(block_nCHW)


def _digest(data: bytes | memoryview) -> np.ndarray:
    return np.frombuffer(hashlib.sha256(data).digest(), np.uint8)
