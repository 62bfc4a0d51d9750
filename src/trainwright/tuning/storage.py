"""Where the trials of a search are kept: a journal file or a database, by Optuna."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from optuna.storages.journal._file import get_lock_file

from trainwright.errors import InputError

LOCK_HELD_S = 5
"""Seconds after which the lock of a journal was left behind. It is held for thousandths of a second. Source: own
choice."""

BEGINS = b'{"op_code":'
"""How each line of a journal begins."""


def open_storage(storage: str | Path) -> BaseStorage:
    """Opens a journal file, or a database by its URL.

    What a killed process left at a journal is taken away: its lock, and a torn last line.

    Raises:
        InputError: it cannot be reached, or the journal is damaged.
    """
    quiet()
    try:
        if isinstance(storage, str) and "://" in storage:
            return optuna.storages.RDBStorage(storage)
        return _open_journal(Path(storage).absolute())
    except InputError:
        raise
    except Exception as error:  # drivers raise what they like
        raise InputError(
            "the storage of the search cannot be reached",
            expected="a path of a journal file in a folder that can be written, or a URL such as postgresql://…",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no word'}",
            where=f"--storage {storage}",
        ) from error


def _open_journal(path: Path) -> BaseStorage:
    """Opens a journal file, without the torn last line that a killed process may have left.

    The path is absolute, as Optuna cannot tell the age of a lock that it made of another.
    """
    if path.is_file():
        with get_lock_file(JournalFileSymlinkLock(str(path), grace_period=LOCK_HELD_S)):
            _mend(path)
    return JournalStorage(JournalFileBackend(str(path)))


def _mend(path: Path) -> None:
    """Takes away a torn last line of a journal that nobody else writes to meanwhile.

    Raises:
        InputError: another line is none of a journal.
    """
    blob = path.read_bytes()
    end = blob.rfind(b"\n") + 1
    *lines, torn = blob.split(b"\n")
    for number, line in enumerate(lines, 1):
        if not _is_operation(line):
            raise _damaged(path, number, line)
    if torn and not lines and not torn.startswith(BEGINS[: len(torn)]):
        raise _damaged(path, 1, torn)
    if torn:
        with path.open("r+b") as file:
            file.truncate(end)


def _is_operation(line: bytes) -> bool:
    try:
        operation = json.loads(line)
    except ValueError:
        return False
    return isinstance(operation, dict) and "op_code" in operation


def _damaged(path: Path, number: int, line: bytes) -> InputError:
    return InputError(
        "the journal of the search is damaged, or is none",
        expected="in each line one operation of Optuna's journal, as JSON",
        got=f"line {number}: {line[:60].decode(errors='replace')!r}",
        where=str(path),
        hint=f"`head -n {number - 1} {path} > NEW` keeps what stands before; the trials after it are lost"
        if number > 1
        else "a path where no other file is",
    )


def quiet() -> None:
    """Keeps Optuna's own lines off the terminal; what is to be said, the search says."""
    optuna.logging.set_verbosity(logging.ERROR)


def attributes(storage: BaseStorage, name: str) -> dict[str, Any] | None:
    """Reads what is kept about a whole search; None where there is none of this name."""
    with suppress(KeyError):
        return storage.get_study_user_attrs(storage.get_study_id_from_name(name))
    return None


def keep_attributes(storage: BaseStorage, name: str, values: Iterable[tuple[str, Any]]) -> None:
    """Keeps something about a whole search, in a study of the search's name that has none of its trials."""
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True, sampler=RandomSampler(seed=0)
    )
    for key, value in values:
        study.set_user_attr(key, value)
