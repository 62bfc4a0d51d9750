"""Reading an event log while somebody writes to it: each line once, as soon as it is whole."""

from __future__ import annotations

from pathlib import Path

from ..errors import InputError
from .events import parse_line
from .locking import WriterLock
from .records import Record


class LogFollower:
    """Reads what was added to a log since it was read last.

    Args:
        path: the log; it may still be missing.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._read_bytes = self._read_lines = 0

    def read(self) -> list[Record]:
        """Reads the whole lines that are new; what has no end yet is left for the next time.

        Raises:
            InputError: the log cannot be read, or holds a damaged line or a record that this version does not know.
        """
        if not self._path.exists():
            return []
        try:
            with self._path.open("rb") as file:
                file.seek(self._read_bytes)
                added = file.read()
        except OSError as error:
            raise InputError("the event log cannot be read", got=error.strerror, where=str(self._path)) from error
        lines = added.split(b"\n")[:-1]
        self._read_bytes += sum(len(line) + 1 for line in lines)
        first = self._read_lines + 1
        self._read_lines += len(lines)
        return [parse_line(line, f"{self._path}:{number}") for number, line in enumerate(lines, first)]

    @property
    def grows(self) -> bool:
        """Whether a process has the log open for writing."""
        return WriterLock.is_held(self._path)
