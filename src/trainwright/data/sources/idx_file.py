"""Reads one IDX file, the plain array format of the MNIST family, packed with gzip or not.

Layout: two zero bytes, one byte for the type of the numbers (8: uint8), one for the count of dimensions, each
dimension as a 32-bit big-endian number, then the numbers themselves.
"""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from trainwright.data.free_memory import free_memory
from trainwright.data.printable_names import printable
from trainwright.errors import InputError

UINT8 = 0x08
MOST_PACKED = 1032
"""No deflate stream unpacks to more than 1032 times its size (zlib's technical notes)."""


def read_idx(path: Path, dimensions: tuple[int, ...]) -> np.ndarray:
    """Reads an IDX file of uint8 numbers; a plain file is memory-mapped, a packed one unpacked into memory.

    Never unpacks more than the header announces, and refuses a header that announces more than the file can hold or
    the memory can take.

    Args:
        path: the file; packed if its name ends in `.gz`.
        dimensions: allowed counts of dimensions: (1,) for labels, (3, 4) for pictures.
    Returns: uint8, of the shape that the header gives; read-only if mapped.
    Raises:
        InputError: no IDX file, other numbers than uint8, a wrong count of dimensions, too short, too long, damaged.
    Source: Y. LeCun, the MNIST database, "File formats"
    """
    where = printable(str(path))
    try:
        if path.name.endswith(".gz"):
            with gzip.open(path) as stream:
                shape = _header(stream.read(4), stream.read(4 * 255), dimensions, where)
                size = 4 + 4 * len(shape) + math.prod(shape)
                _check_room(size, path.stat().st_size, where)
                stream.seek(0)
                content = stream.read(size)
                longer = bool(stream.read(1))
            _check_length(len(content) + longer, size, where)
            return np.frombuffer(content, np.uint8, offset=size - math.prod(shape)).reshape(shape)
        with path.open("rb") as stream:
            shape = _header(stream.read(4), stream.read(4 * 255), dimensions, where)
        size = 4 + 4 * len(shape) + math.prod(shape)
        _check_length(path.stat().st_size, size, where)
        if 0 in shape:
            return np.empty(shape, np.uint8)
        return np.memmap(path, np.uint8, mode="r", offset=size - math.prod(shape), shape=shape)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError("an IDX file cannot be read", got=str(error), where=where) from error


def _header(magic: bytes, rest: bytes, dimensions: tuple[int, ...], where: str) -> tuple[int, ...]:
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise InputError(
            "not an IDX file",
            expected="two zero bytes at the start",
            got=magic.hex(" ") or "an empty file",
            where=where,
        )
    if magic[2] != UINT8:
        raise InputError(
            "an IDX file with numbers of another type than uint8",
            expected="type 0x08 (uint8)",
            got=f"type 0x{magic[2]:02x}",
            where=where,
        )
    if magic[3] not in dimensions:
        raise InputError(
            "an IDX file with another count of dimensions than its name says",
            expected=f"{' or '.join(map(str, dimensions))} dimensions",
            got=f"{magic[3]}",
            where=where,
            hint="were the files of pictures and labels exchanged?",
        )
    if len(rest) < 4 * magic[3]:
        raise InputError("an IDX file that ends within its header", got=f"{4 + len(rest)} bytes", where=where)
    return tuple(int.from_bytes(rest[4 * i : 4 * i + 4], "big") for i in range(magic[3]))


def _check_room(size: int, packed: int, where: str) -> None:
    if size > MOST_PACKED * packed + 1024:
        raise InputError(
            "an IDX file announces more than it can hold",
            expected=f"at most {MOST_PACKED} times its {packed:,} bytes",
            got=f"{size:,} bytes",
            where=where,
        )
    free = free_memory()
    if size > free:
        raise InputError(
            "a packed IDX file does not fit in memory",
            expected=f"at most the {free:,} bytes that are free",
            got=f"{size:,} bytes",
            where=where,
        )


def _check_length(length: int, size: int, where: str) -> None:
    if length != size:
        problem = "an IDX file is cut off" if length < size else "an IDX file is longer than its header says"
        got = f"{length:,} bytes" if length < size else "more"
        raise InputError(problem, expected=f"{size:,} bytes", got=got, where=where)
