"""Who works on a trial: a mark in the storage that lapses when it is not renewed, so that the dead lose their trials.

Optuna's own heartbeats are for databases only; these are for every storage.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager

from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial

LEASE = "lease"
"""Attribute of a trial: host, process, and the time (seconds since 1970) at which the mark was set."""

LASTS_S = 60.0
"""Seconds after which a mark that was not renewed counts for nothing. Source: own choice."""

SETTLES_S = 1.0
"""Seconds after which of two processes that took one trial at once the later keeps it."""


def hold(storage: BaseStorage, trial: int) -> None:
    """Marks a trial as worked on by this process."""
    storage.set_trial_user_attr(trial, LEASE, [*_me(), time.time()])


@contextmanager
def beating(storage: BaseStorage, trial: int) -> Generator[None]:
    """Renews this process's mark as long as the block lasts."""
    done = threading.Event()

    def beat() -> None:
        while not done.wait(LASTS_S / 4):
            hold(storage, trial)

    hold(storage, trial)
    beats = threading.Thread(target=beat, daemon=True)
    beats.start()
    try:
        yield
    finally:
        done.set()
        beats.join()


def may_take(storage: BaseStorage, trial: FrozenTrial) -> bool:
    """Tells whether a trial that was begun is this process's to take up, and marks it.

    It is where its worker was this process or is dead on this machine, and where its mark has lapsed.
    """
    mark = trial.user_attrs.get(LEASE)
    if mark is None:  # begun in this moment, or by a process that was killed in that
        time.sleep(SETTLES_S)
        mark = storage.get_trial(trial._trial_id).user_attrs.get(LEASE)
    if mark is not None:
        host, process, since = mark
        if [host, process] == _me():
            return True
        dead = host == socket.gethostname() and not _is_alive(process)
        if not dead and time.time() - since < LASTS_S:
            return False
    hold(storage, trial._trial_id)
    time.sleep(SETTLES_S)
    return storage.get_trial(trial._trial_id).user_attrs[LEASE][:2] == _me()


def _me() -> list[str | int]:
    return [socket.gethostname(), os.getpid()]


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
