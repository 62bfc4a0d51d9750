"""Where the trials of a search are kept: a journal file or a database, by Optuna."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend

from trainwright.errors import InputError

LOCK_HELD_S = 2.0
"""Seconds after which the lock of a journal was left behind."""


def open_storage(storage: str | Path) -> BaseStorage:
    """Opens a journal file, or a database by its URL.

    Raises:
        InputError: it cannot be reached.
    """
    quiet()
    try:
        if isinstance(storage, str) and "://" in storage:
            return optuna.storages.RDBStorage(storage)
        return JournalStorage(JournalFileBackend(str(storage)))
    except Exception as error:  # drivers raise what they like
        raise InputError(
            "the storage of the search cannot be reached",
            expected="a path of a journal file in a folder that can be written, or a URL such as postgresql://…",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no word'}",
            where=f"--storage {storage}",
        ) from error


def mend_journal(path: Path) -> None:
    """Takes away what a killed process left at a journal: its lock, and a torn last line.

    A lock is held for thousandths of a second; one that is older than LOCK_HELD_S is nobody's.
    """
    for left in path.parent.glob(f"{path.name}.lock*"):
        while True:
            try:
                age = time.time() - left.lstat().st_mtime
            except FileNotFoundError:
                break
            if age > LOCK_HELD_S:
                left.unlink(missing_ok=True)
                break
            time.sleep(0.05)
    if path.is_file() and (blob := path.read_bytes()) and not blob.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(blob.rfind(b"\n") + 1)


def quiet() -> None:
    """Keeps Optuna's own lines off the terminal; what is to be said, the search says."""
    optuna.logging.set_verbosity(logging.ERROR)


def attributes(storage: BaseStorage, name: str) -> dict[str, Any] | None:
    """Reads what is kept about a whole search; None where there is none of this name."""
    with suppress(KeyError):
        return storage.get_study_user_attrs(storage.get_study_id_from_name(name))
    return None


def keep_attributes(storage: BaseStorage, name: str, values: Iterable[tuple[str, Any]]) -> None:
    """Keeps something about a whole search, in a study of the search's name that has no trials."""
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True, sampler=RandomSampler(seed=0)
    )
    for key, value in values:
        study.set_user_attr(key, value)
