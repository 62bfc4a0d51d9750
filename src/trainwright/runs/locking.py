"""One writer a run: a lock that the system lets go when its process ends, however it ends."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path
from weakref import WeakValueDictionary

from ..errors import InputError
from .atomic import write_failure

if sys.platform != "win32":
    import fcntl

_HELD: WeakValueDictionary[Path, WriterLock] = WeakValueDictionary()
"""The locks of this process, which the system would grant twice."""


class WriterLock:
    """Holds the right to write to a log; a second process is refused, a killed one leaves nothing held.

    The lock lies on a file of its own, since a process loses such a lock as soon as it closes any handle of the file,
    and the log itself is read while it is written. Child processes do not inherit it. Where the system or the disk has
    no such locks, nobody is refused.

    Args:
        path: the file whose writing is guarded; the lock is `.<name>.lock` beside it.

    Raises:
        InputError: another process holds the lock.
        WriteFailed: the lock's file cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._path = path.absolute().with_name(f".{path.name}.lock")
        self._handle: int | None = None
        if self._path in _HELD:
            raise self._refusal("this very process")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._handle = self._hold()
        except OSError as error:
            raise write_failure(self._path, error) from error
        _HELD[self._path] = self

    def release(self) -> None:
        """Lets the lock go."""
        if _HELD.get(self._path) is self:
            del _HELD[self._path]
        if self._handle is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._handle)
            self._handle = None

    @staticmethod
    def is_held(path: Path) -> bool:
        """Tells whether a process holds the right to write to a log; nobody does where the system has no such locks.

        Args:
            path: the log.
        """
        lock = path.absolute().with_name(f".{path.name}.lock")
        if lock in _HELD:  # to open it here, and close it, would let it go
            return True
        if sys.platform == "win32":
            return False
        try:
            handle = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno in (errno.EACCES, errno.EAGAIN)
        finally:
            os.close(handle)
        return False

    def _hold(self) -> int | None:
        if sys.platform == "win32":
            return None
        while True:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                holder = os.read(handle, 20).decode(errors="replace")
                os.close(handle)
                if error.errno in (errno.EACCES, errno.EAGAIN):
                    raise self._refusal(f"process {holder or 'unknown'}") from error
                return None
            if self._is_current(handle):
                self._sign(handle)
                return handle
            os.close(handle)

    def _sign(self, handle: int) -> None:
        """Writes who holds the lock, for the message to the next one."""
        try:
            os.truncate(handle, 0)
            os.write(handle, str(os.getpid()).encode())
        except OSError:
            os.close(handle)
            raise

    def _refusal(self, holder: str) -> InputError:
        return InputError(
            "somebody else writes to this run",
            expected="one writer at a time",
            got=holder,
            where=str(self._path.parent),
            hint="wait until it ends, or choose another --name",
        )

    def _is_current(self, handle: int) -> bool:
        """Tells whether the locked file still has its name, which its last holder may just have removed."""
        try:
            return os.path.samestat(os.fstat(handle), os.stat(self._path))
        except FileNotFoundError:
            return False
