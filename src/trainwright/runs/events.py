"""The event log of a run: one writer that loses nothing it acknowledged, and a reader that tolerates a torn end."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

import orjson

from ..errors import InputError
from .atomic import flush_folder, write_failure
from .history import without_lost_work
from .locking import WriterLock
from .records import Record
from .serializing import UnknownRecord, taken_from_plain, to_plain

_STEP_LINE = b'{"type":"step",'


class EventWriter:
    """Appends records to an event log, one JSON line each; the only writer of it while open.

    Opening cuts off a last line without its end, which a killed process left. When `write` returns, the record is on
    the disk and no later kill, full disk or power cut takes it away.

    Args:
        path: the log, `events.jsonl` of a run; made where it is missing.

    Raises:
        InputError: another process writes to the log.
        WriteFailed: the log cannot be opened.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._lock = WriterLock(self._path)
        try:
            self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115
            self._end = _whole_lines(self._path)
            self._cut_off()
            os.fsync(self._file.fileno())
            flush_folder(self._path.parent)
        except OSError as error:
            self._lock.release()
            raise write_failure(self._path, error) from error

    def write(self, record: Record, *, sync: bool = True) -> None:
        """Appends one record.

        Args:
            record: what happened.
            sync: wait until the disk has it. Without, a power cut may take the record; a killed process never does.

        Raises:
            WriteFailed: the disk refused; the log is as it was before.
        """
        line = json.dumps(to_plain(record), allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            if self._torn:
                self._cut_off()
            self._torn = True
            written = 0
            while written < len(line):
                written += self._file.write(line[written:])
            if sync:
                os.fsync(self._file.fileno())
        except OSError as error:
            with suppress(OSError):  # where this fails too, the next write tries again before anything else
                self._cut_off()
            raise write_failure(self._path, error) from error
        self._end += len(line)
        self._torn = False

    def _cut_off(self) -> None:
        """Removes what a failed write left behind the last whole line."""
        self._file.truncate(self._end)
        self._torn = False

    def close(self) -> None:
        """Closes the log and lets another process write to it."""
        if not self._file.closed:
            self._file.close()
            self._lock.release()

    def __enter__(self) -> EventWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def read_records(path: str | Path, *, steps: bool = True) -> list[Record]:
    """Reads the records that tell the run as it stands: work that was lost before a resume is left out.

    Args:
        path: the log.
        steps: False passes over step records, most of a long log, unread; for those who want the epochs only.

    Raises:
        InputError: no such log, a damaged line, or a record that this version does not know.
    """
    return without_lost_work(read_all_records(path, steps=steps))


def read_all_records(path: str | Path, *, steps: bool = True) -> list[Record]:
    """Reads every record in the order in which it was written, lost work included; a torn last line is passed over.

    Args:
        path: the log.
        steps: False passes over step records unread.

    Raises:
        InputError: no such log, a damaged line, or a record that this version does not know.
    """
    path = Path(path)
    try:
        blob = path.read_bytes()
    except OSError as error:
        raise InputError("the event log cannot be read", got=error.strerror, where=str(path)) from error
    lines = blob.split(b"\n")[:-1]
    wanted = [(number, line) for number, line in enumerate(lines, 1) if steps or not line.startswith(_STEP_LINE)]
    with _no_collection():
        return [_read(line, path, number) for number, line in wanted]


def parse_line(line: bytes, place: str) -> Record:
    """Reads the record of one line.

    Args:
        line: without its end.
        place: file and number of the line.

    Raises:
        InputError: a damaged line, or a record that this version does not know.
    """
    path, _, number = place.rpartition(":")
    return _read(line, path, number)


def _read(line: bytes, path: str | Path, number: int | str) -> Record:
    try:
        plain = orjson.loads(line)  # five times as fast as json where a long log is full of numbers
    except ValueError:
        try:
            plain = json.loads(line)  # which takes names of files that are no UTF-8
        except ValueError as error:
            raise _damaged("a line that is not JSON", f"{path}:{number}") from error
    try:
        return taken_from_plain(plain)
    except UnknownRecord as error:
        raise InputError(
            "the event log was written by a newer trainwright",
            got=str(error),
            where=f"{path}:{number}",
            hint="bring trainwright up to date, or use the version named in the run's environment.json",
        ) from error
    except ValueError as error:
        raise _damaged(str(error), f"{path}:{number}") from error


def _damaged(what: str, place: str) -> InputError:
    return InputError(
        "the event log is damaged",
        expected="one JSON record a line",
        got=what,
        where=place,
        hint="restore the file from a copy; the run's checkpoints do not depend on it",
    )


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keeps the garbage collector from looking through a growing pile again and again in which nothing is garbage."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _whole_lines(path: Path) -> int:
    """Measures the bytes up to and with the last end of a line."""
    size = path.stat().st_size
    with path.open("rb") as file:
        position = size
        while position > 0:
            start = max(0, position - 65_536)
            file.seek(start)
            found = file.read(position - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            position = start
    return 0
