"""Where the trials of a search are kept: a journal file or a database, by Optuna."""

from __future__ import annotations

import functools
import json
import logging
import re
import time
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

import optuna
from optuna.exceptions import StorageInternalError
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileSymlinkLock
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError

from trainwright.errors import InputError, TrainwrightError
from trainwright.runs import write_failure

LOCK_HELD_S = 5
"""Seconds after which the lock of a journal was left behind. It is held for thousandths of a second. Source: own
choice."""

BEGINS = b'{"op_code":'
"""How each line of a journal begins."""


PATIENCE_S = 120.0
"""Seconds for which a database that does not answer is asked again: it may have been started anew. Source: own
choice."""

PAUSES_S = (0.1, 5.0)
"""Shortest and longest pause before it is asked again; each is twice the one before."""

OPERATIONS = tuple(name for name in dir(BaseStorage) if not name.startswith("_"))
"""All that can be asked of a storage."""


class StorageLost(TrainwrightError):
    """The storage of a search does not answer any more; what it has kept stands. Exit code 3."""

    exit_code: ClassVar[int] = 3


def open_storage(storage: str | Path, go_on: str = "begin it again with the same words") -> BaseStorage:
    """Opens a journal file, or a database by its URL.

    What a killed process left at a journal is taken away: its lock, and a torn last line. A database whose connection
    breaks later is asked again for a while.

    Args:
        storage: path, or URL with or without a password.
        go_on: what to do when it was lost and is there again.

    Raises:
        InputError: it cannot be reached, or the journal is damaged.
        StorageLost: of all that is asked of it later, where a database did not answer for PATIENCE_S.
        WriteFailed: likewise, where the disk refused a line of the journal.
    """
    quiet()
    shown = without_password(str(storage))
    try:
        if isinstance(storage, str) and "://" in storage:
            database = get_storage(RDBStorage(storage, engine_kwargs={"pool_pre_ping": True}))
            return _guarded(database, lambda operation: _asked_again(operation, shown, go_on))
        path = Path(storage).absolute()
        return _guarded(_open_journal(path), lambda operation: _worded(operation, path))
    except InputError:
        raise
    except Exception as error:  # drivers raise what they like
        said = str(error).replace(str(storage), shown).splitlines()
        raise InputError(
            "the storage of the search cannot be reached",
            expected="a path of a journal file in a folder that can be written, or a URL such as postgresql://…",
            got=f"{type(error).__name__}: {said[0] if said else 'no word'}",
            where=f"--storage {shown}",
            hint="a password is kept nowhere: in PGPASSWORD, in ~/.pgpass, or once more in --storage"
            if "password" in " ".join(said)
            else None,
        ) from error


def without_password(storage: str) -> str:
    """Gives the URL of a database as it may be shown and kept; a path stays as it is.

    >>> without_password("postgresql://ada:secret@host/trials?connect_timeout=5")
    'postgresql://ada@host/trials?connect_timeout=5'
    """
    if "://" not in storage:
        return storage
    try:
        url = make_url(storage)
    except (ArgumentError, ValueError):  # the latter: a port that is no number
        url = None
    if url is None or "@" in (url.host or ""):  # a password with letters that belong to the URL
        return re.sub(r"(://[^:@]*):.*@", r"\1@", storage)
    kept = {key: value for key, value in url.query.items() if "password" not in key.lower()}
    return url._replace(password=None).set(query=kept).render_as_string()


def _guarded(storage: BaseStorage, guard: Callable[[Callable[..., Any]], Callable[..., Any]]) -> BaseStorage:
    """Puts a guard around all that is asked of a storage."""
    for name in OPERATIONS:
        setattr(storage, name, guard(getattr(storage, name)))
    return storage


def _asked_again(operation: Callable[..., Any], where: str, go_on: str) -> Callable[..., Any]:
    """Asks a database again while its connection is lost.

    Nothing is harmed where the first time was done and only the answer was lost: at worst a stage has a trial more.
    """

    @functools.wraps(operation)
    def ask(*words: Any, **named: Any) -> Any:
        until, pause = time.monotonic() + PATIENCE_S, PAUSES_S[0]
        while True:
            try:
                return operation(*words, **named)
            except (StorageInternalError, SQLAlchemyError) as error:
                cause = _broken(error)
                if cause is None:
                    raise
                if time.monotonic() + pause > until:
                    raise StorageLost(
                        "the storage of the search does not answer any more",
                        got=f"{type(cause.orig).__name__}: {' '.join(str(cause.orig).split())}",
                        where=f"--storage {where}",
                        hint=f"when it does again: {go_on}; no finished trial is lost",
                    ) from error
            time.sleep(pause)
            pause = min(2 * pause, PAUSES_S[1])

    return ask


def _broken(error: BaseException | None) -> OperationalError | InterfaceError | None:
    """Finds what the driver said of a connection, behind what Optuna and SQLAlchemy made of it."""
    while error is not None and not isinstance(error, (OperationalError, InterfaceError)):
        error = error.__cause__ or error.__context__
    return error


def _worded(operation: Callable[..., Any], path: Path) -> Callable[..., Any]:
    """Words what a disk refuses. A line of a journal is not written twice, as half of it may stand there."""

    @functools.wraps(operation)
    def ask(*words: Any, **named: Any) -> Any:
        try:
            return operation(*words, **named)
        except OSError as error:
            raise write_failure(path, error) from error

    return ask


def _open_journal(path: Path) -> BaseStorage:
    """Opens a journal file, without the torn last line that a killed process may have left.

    The path is absolute, as Optuna cannot tell the age of a lock that it made of another.
    """
    if path.is_file():
        with _locked(path):
            _mend(path)
    return JournalStorage(JournalFileBackend(str(path)))


@contextmanager
def _locked(path: Path) -> Generator[None]:
    """Holds the lock of a journal, which all who write to it hold."""
    lock = JournalFileSymlinkLock(str(path), grace_period=LOCK_HELD_S)
    lock.acquire()
    try:
        yield
    finally:
        lock.release()


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


def id_of(storage: BaseStorage, study: str, number: int) -> int:
    """Gives the number of a trial among all of a storage, by which the storage knows it.

    Args:
        study: name of its study.
        number: in its study, from 0.
    """
    return storage.get_trial_id_from_study_id_trial_number(storage.get_study_id_from_name(study), number)


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
