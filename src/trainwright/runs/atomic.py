"""Files that are either the old one or the new one, never half of it; and what a full disk says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

from ..errors import TrainwrightError


class WriteFailed(TrainwrightError):
    """A file of the run could not be written; what stood there before still stands. Exit code 3."""

    exit_code: ClassVar[int] = 3


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Writes a file so that a reader, or a process killed at any instant, leaves the old or the new content.

    Args:
        path: the file; missing folders above it are made.
        data: the content; a text is written in UTF-8, its line ends as they stand, and file names in it that are not
            UTF-8 (surrogate escapes) as the bytes that they are.

    Raises:
        WriteFailed: no space left, no permission, or another refusal of the disk.
    """
    blob = data.encode("utf-8", "surrogateescape") if isinstance(data, str) else data
    with replacing(path) as temporary:
        temporary.write_bytes(blob)


@contextmanager
def replacing(path: str | Path) -> Iterator[Path]:
    """Gives a temporary path beside `path`; what is written there replaces `path` when the block ends well.

    For writers that want a path of their own, such as safetensors.

    Raises:
        WriteFailed: the disk refused; the temporary file is removed.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _flush_to_disk(temporary)
        temporary.replace(path)
        flush_folder(path.parent)
    except OSError as error:
        raise write_failure(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def write_failure(path: Path, error: OSError) -> WriteFailed:
    """Words a refused write: which file, which disk, how much is free there."""
    disk, free = _disk(path)
    return WriteFailed(
        f"{path.name} could not be written",
        got=error.strerror or str(error),
        where=f"{path} (disk at {disk}, {free} free)",
        hint="free some space or choose another place; a run goes on with --resume",
    )


def sweep_temporary(folder: str | Path) -> int:
    """Removes temporary files that killed processes of this machine left behind; returns how many."""
    swept = 0
    for entry in Path(folder).rglob(".*.tmp"):
        process = entry.name.split(".")[-2]
        if process.isdecimal() and not _is_alive(int(process)):
            entry.unlink(missing_ok=True)
            swept += 1
    return swept


def flush_folder(folder: Path) -> None:
    """Makes a renaming or a new name in a folder outlast a power cut, where the system can."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _disk(path: Path) -> tuple[str, str]:
    """Finds the mount point that a path lies on and the space that is free there."""
    place = path.absolute().parent
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return str(place), f"{free / 2**20:,.1f} MiB"


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
