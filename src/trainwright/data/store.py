"""All pictures of the data as uint8 S C H W: as they came, in memory, or in a memory-mapped file.

Files are decoded once: their pixels and what is known of them go to a folder in the user's cache, which later runs
open if no file changed its size or time. That file is mapped in both cases: pictures that fit in memory have all been
read when the store is open and lie in the system's page cache, where runs side by side share them; copying them once
more would take as long as writing them. Legend: S pictures in the store, C channels, H W height and width.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from .catalog import Arrays, Catalog
from .free_memory import free_memory
from .ingest import Progress, Reading, ingest, measure_stored
from .picture_cache import build_cache, cache_place, open_cache
from .picture_records import PictureRecords

MEMORY_SHARE = 0.25


@dataclass(frozen=True, eq=False)
class Store:
    """The pixels of every picture and what is known of each.

    Args:
        images_SCHW: uint8; read-only by contract.
        records: one row a picture.
        kind: where the pixels lie.
        reason: why there, in words.
    """

    images_SCHW: Tensor
    records: PictureRecords
    kind: Literal["memory", "disk"]
    reason: str


def open_store(
    catalog: Catalog,
    reading: Reading,
    *,
    cache: Literal["auto", "memory", "disk"],
    cache_dir: Path | None,
    workers: int,
    progress: Progress | None,
) -> Store:
    """Opens the store of a catalog; builds it where it does not stand yet, is damaged, or a file changed.

    Args:
        cache: `memory` reads and checks every picture at once, `disk` only those that are asked for; `auto`: memory
            up to a quarter of what is free.
        cache_dir: where caches stand; None: $TRAINWRIGHT_CACHE, else the user's cache folder.
        workers: threads that read; 0 reads in the calling thread.

    Raises:
        InputError: the cache folder cannot be written, or its disk is full.
    """
    shape = (len(catalog), reading.channels, reading.img_size, reading.img_size)
    size = int(np.prod(shape, dtype=np.int64))
    kind, reason = _choose_kind(cache, size)
    pictures = catalog.pictures
    if isinstance(pictures, Arrays):
        as_stored = _as_stored(pictures.images, shape, kind)
        if as_stored is not None:
            records = measure_stored(as_stored, progress)
            lie = "disk" if isinstance(as_stored, np.memmap) else "memory"
            return Store(_tensor(as_stored), records, lie, "the data are numbers of the right size already")
        if kind == "memory":
            images = np.empty(shape, np.uint8)

            def keep(start: int, block: np.ndarray) -> None:
                images[start : start + len(block)] = block

            records = ingest(pictures, reading, keep=keep, workers=workers, progress=progress)
            return Store(_tensor(images), records, kind, reason)
    place = cache_place(catalog, reading, cache_dir)
    found = open_cache(place, shape, check_all=kind == "memory")
    told = found.because
    if found.records is None:
        found = build_cache(place, shape, pictures, reading, workers=workers, progress=progress)
    assert found.records is not None
    assert found.images is not None
    return Store(_tensor(found.images), found.records, kind, "; ".join(filter(None, (reason, told))))


def _choose_kind(cache: Literal["auto", "memory", "disk"], size: int) -> tuple[Literal["memory", "disk"], str]:
    if cache != "auto":
        return cache, "as asked"
    limit = int(free_memory() * MEMORY_SHARE)
    words = f"{size / 2**20:,.0f} MiB; a quarter of the free memory is {limit / 2**20:,.0f} MiB"
    return ("memory" if size <= limit else "disk"), words


def _as_stored(images: np.ndarray, shape: tuple[int, int, int, int], kind: str) -> np.ndarray | None:
    """Views gray numbers as the store wants them, without a copy, and turns rgb ones to planes where they fit in
    memory; None where they must be resized, or moved to the disk as asked."""
    count, channels, height, width = shape
    if kind == "disk" and not isinstance(images, np.memmap):
        return None
    if images.ndim == 3 and channels == 1 and images.shape == (count, height, width):
        return images[:, None]
    if kind == "memory" and images.ndim == 4 and channels == 3 and images.shape == (count, height, width, 3):
        return np.ascontiguousarray(images.transpose(0, 3, 1, 2))
    return None


def _tensor(images: np.ndarray) -> Tensor:
    """Wraps pixels without a copy. torch warns that it would let one write into a read-only file; nobody writes."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(images)
