"""Fetches files over the network into a cache, whole and checked, or not at all."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from trainwright.errors import InputError

CHUNK = 1 << 18


@dataclass(frozen=True)
class RemoteFile:
    """A file as its publisher names it: size in bytes, sha256 in hex."""

    name: str
    size: int
    sha256: str


def fetch(
    file: RemoteFile,
    base: str,
    folder: Path,
    *,
    timeout_s: float = 20.0,
    limit_s: float = 600.0,
    open_url: Callable[..., IO[bytes]] = urllib.request.urlopen,
) -> Path:
    """Downloads one file to a temporary name, checks size and sha256, and renames it into place.

    Args:
        base: address of the folder on the server, with the slash at its end.
        folder: where the file goes; made if it is missing.
        timeout_s: how long the server may stay silent, in seconds.
        limit_s: how long the whole file may take, in seconds.
        open_url: opens an address; another one only in tests.
    Returns: the path of the file.
    Raises:
        InputError: not reachable, too slow, of another size, of another sha256, or the folder cannot be written.
    Source: own choice
    """
    address = base + file.name
    temporary: str | None = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open_url(address, timeout=timeout_s) as stream:
            handle, temporary = tempfile.mkstemp(dir=folder, prefix=f".{file.name}.")
            with os.fdopen(handle, "wb") as target:
                _copy_checked(stream, target, file, address, limit_s)
        os.replace(temporary, folder / file.name)
        temporary = None
    except (OSError, http.client.HTTPException) as error:
        if isinstance(error, urllib.error.HTTPError):
            error.close()
        raise InputError("a download failed", got=str(error), where=address) from error
    finally:
        if temporary is not None:
            os.unlink(temporary)
    return folder / file.name


def _copy_checked(stream: IO[bytes], target: IO[bytes], file: RemoteFile, address: str, limit_s: float) -> None:
    deadline = time.monotonic() + limit_s
    digest = hashlib.sha256()
    size = 0
    while chunk := stream.read(CHUNK):
        size += len(chunk)
        if size > file.size:
            break
        if time.monotonic() > deadline:
            raise InputError("a download takes too long", expected=f"at most {limit_s:g} s", where=address)
        digest.update(chunk)
        target.write(chunk)
    if size != file.size:
        got = f"{size:,}" if size < file.size else "more"
        raise InputError("a download has another size", expected=f"{file.size:,} bytes", got=got, where=address)
    if digest.hexdigest() != file.sha256:
        raise InputError(
            "a download has another content", expected=f"sha256 {file.sha256}", got=digest.hexdigest(), where=address
        )
    target.flush()
    os.fsync(target.fileno())
