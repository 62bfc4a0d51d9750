"""Decoded pictures kept on disk, so that no run decodes or hashes a file that another run has read.

One folder for each data set and way of reading it, in the user's cache:

    pictures.u8     every picture, uint8 S C H W, nothing else
    records.npz     what is known of each picture (picture_records.py)
    manifest.json   written last: which files, how read, how large, the checksum of records.npz

It is built under another name and renamed, so that a folder of the right name is complete or damaged, never half.
Changed files replace the folder; nothing piles up. Legend: S pictures, C channels, H W height and width.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import socket
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
import PIL
import platformdirs
import psutil

from trainwright.errors import InputError

from .catalog import Arrays, Catalog, Files
from .ingest import Progress, Reading, ingest
from .picture_records import PictureRecords, records_from_bytes, records_to_bytes

VERSION = 3
"""Counted up whenever the same files and settings would give other pixels or records."""

CHECKED_ON_DISK = 256
"""Pictures whose checksum is verified when the store stays on disk; in memory it is every one."""

NOT_OPENED = "cannot be opened"

Shape = tuple[int, int, int, int]


@dataclass(frozen=True)
class CachePlace:
    """Where the cache of one data set and reading stands, and the checksum of the files that it must be made of."""

    folder: Path
    content: str


@dataclass(frozen=True, eq=False)
class CachedPictures:
    """What stands in a cache: memory-mapped pixels and records, both None where it cannot be used, and why."""

    images: np.ndarray | None
    records: PictureRecords | None
    because: str


def cache_root(cache_dir: Path | None) -> Path:
    """Finds the folder of all caches: the one given, else $TRAINWRIGHT_CACHE, else the user's cache folder."""
    if cache_dir is not None:
        return cache_dir
    named = os.environ.get("TRAINWRIGHT_CACHE")
    return Path(named) if named else Path(platformdirs.user_cache_dir("trainwright"))


def cache_place(catalog: Catalog, reading: Reading, cache_dir: Path | None) -> CachePlace:
    """Names the cache of a catalog: the folder by place and settings, the content by every file's name, size and time.

    A file that changes but keeps its size and its time to the nanosecond is not noticed.
    """
    settings = json.dumps([VERSION, PIL.__version__, catalog.title, _common_folder(catalog), asdict(reading)])
    key = hashlib.sha256(settings.encode()).hexdigest()[:16]
    slug = re.sub(r"[^A-Za-z0-9]+", "-", catalog.title).strip("-")[:40] or "data"
    return CachePlace(cache_root(cache_dir) / "pictures" / f"{slug}-{key}", content_of(catalog.pictures))


def content_of(pictures: Files | Arrays) -> str:
    """Returns a checksum that changes when a file is added, removed, renamed or written to; reads no file."""
    digest = hashlib.sha256()
    if isinstance(pictures, Arrays):
        digest.update(f"{pictures.images.shape}".encode())
        for start in range(0, len(pictures), 4096):
            digest.update(np.ascontiguousarray(pictures.images[start : start + 4096]).data)
        return digest.hexdigest()
    for path in pictures.paths:
        try:
            seen = os.stat(path)
            size, time = seen.st_size, seen.st_mtime_ns
        except OSError:
            size, time = -1, -1
        digest.update(os.fsencode(path) + f"\0{size}\0{time}\n".encode())
    return digest.hexdigest()


def open_cache(place: CachePlace, shape: Shape, *, check_all: bool) -> CachedPictures:
    """Opens a cache that is complete, made of these very files, and undamaged.

    Args:
        shape: S C H W that it must have.
        check_all: verify every picture's checksum, not only some, because all are read anyway.

    Returns: pixels and records, or why it must be built (empty where there simply is none yet).
    """
    try:
        manifest = json.loads((place.folder / "manifest.json").read_bytes())
        blob = (place.folder / "records.npz").read_bytes()
        size = (place.folder / "pictures.u8").stat().st_size
    except FileNotFoundError:
        return CachedPictures(None, None, "")
    except (OSError, ValueError) as error:
        return CachedPictures(None, None, f"rebuilt, the cache was damaged ({error})")
    if manifest.get("content") != place.content:
        return CachedPictures(None, None, "rebuilt, files were added, removed or changed")
    if hashlib.sha256(blob).hexdigest() != manifest.get("records_sha256"):
        return CachedPictures(None, None, "rebuilt, the cache was damaged (records.npz has another checksum)")
    if size != int(np.prod(shape, dtype=np.int64)):
        return CachedPictures(None, None, f"rebuilt, the cache was damaged (pictures.u8 has {size:,} bytes)")
    records = records_from_bytes(blob)
    if any(reason.startswith(NOT_OPENED) for reason in records.reasons.values()):
        return CachedPictures(None, None, "rebuilt, some files could not be opened last time")
    images = np.memmap(place.folder / "pictures.u8", np.uint8, "r", shape=shape)
    rows = range(len(images)) if check_all else np.unique(np.linspace(0, len(images) - 1, CHECKED_ON_DISK).astype(int))
    for row in rows:
        if hashlib.sha256(images[row]).digest() != records.pixels_ND[row].tobytes():
            return CachedPictures(None, None, f"rebuilt, the cache was damaged (picture {row} has another checksum)")
    return CachedPictures(images, records, "read from the cache")


def build_cache(
    place: CachePlace,
    shape: Shape,
    pictures: Files | Arrays,
    reading: Reading,
    *,
    workers: int,
    progress: Progress | None,
) -> CachedPictures:
    """Reads all pictures into a new cache, which then takes the place of the old one.

    Raises:
        InputError: the cache folder cannot be written, or its disk is full.
    """
    building = place.folder.with_name(f".{place.folder.name}.{socket.gethostname()}.{os.getpid()}.{uuid4().hex[:8]}")
    size = int(np.prod(shape, dtype=np.int64))
    try:
        building.mkdir(parents=True)
        _remove_orphans(place.folder)
        file = os.open(building / "pictures.u8", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            _allocate(file, size)
            one = size // shape[0]
            records = ingest(
                pictures,
                reading,
                keep=lambda start, block: _write_all(file, block, start * one),
                workers=workers,
                progress=progress,
            )
        finally:
            os.close(file)
        blob = records_to_bytes(records)
        (building / "records.npz").write_bytes(blob)
        manifest = {
            "content": place.content,
            "reading": asdict(reading),
            "records_sha256": hashlib.sha256(blob).hexdigest(),
            "shape": shape,
            "version": VERSION,
        }
        (building / "manifest.json").write_text(json.dumps(manifest, indent=1))
        images = np.memmap(building / "pictures.u8", np.uint8, "r", shape=shape)
        _put_in_place(building, place.folder)
    except OSError as error:
        raise _cannot_write(error, place.folder.parent, size) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return CachedPictures(images, records, "")


def _common_folder(catalog: Catalog) -> str:
    if isinstance(catalog.pictures, Arrays) or not catalog.pictures.paths:
        return ""
    return os.path.commonpath([path.absolute().parent for path in catalog.pictures.paths])


def _allocate(file: int, size: int) -> None:
    """Takes the space on the disk before any work is done, so that a full disk is told at once."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(file, 0, size)
    else:
        os.truncate(file, size)


def _write_all(file: int, block: np.ndarray, offset: int) -> None:
    """Writes a block at its place, also where the system takes it in pieces."""
    rest = block.data.cast("B")
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written


def _put_in_place(building: Path, folder: Path) -> None:
    """Renames the finished cache, over an older one where there is one; who reads that one goes on undisturbed."""
    while True:
        try:
            building.rename(folder)
            return
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
        old = folder.with_name(f".{folder.name}.{socket.gethostname()}.{os.getpid()}.{uuid4().hex[:8]}")
        with suppress(FileNotFoundError):  # another process was faster
            folder.rename(old)
        shutil.rmtree(old, ignore_errors=True)


def _remove_orphans(folder: Path) -> None:
    """Removes what killed builds of this cache on this machine left behind."""
    for orphan in folder.parent.glob(f".{folder.name}.*"):
        host, process = orphan.name.removeprefix(f".{folder.name}.").rsplit(".", 2)[:2]
        if host == socket.gethostname() and not psutil.pid_exists(int(process)):
            shutil.rmtree(orphan, ignore_errors=True)


def _cannot_write(error: OSError, root: Path, size: int) -> InputError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        existing = next(folder for folder in (root, *root.parents) if folder.exists())
        return InputError(
            "no space left for the cache of decoded pictures",
            expected=f"{size / 2**20:,.1f} MiB free",
            got=f"{shutil.disk_usage(existing).free / 2**20:,.1f} MiB free",
            where=str(root),
            hint="free some space, set TRAINWRIGHT_CACHE to a folder on another disk, or lower data.img_size",
        )
    return InputError(
        "the cache of decoded pictures cannot be written",
        expected="a folder that can be written",
        got=error.strerror or str(error),
        where=str(root),
        hint="set TRAINWRIGHT_CACHE to a folder that you can write to",
    )
