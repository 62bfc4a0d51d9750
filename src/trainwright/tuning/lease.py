"""Who works on a trial: a mark in the storage that lapses when it is not renewed, so that the dead lose their trials.

Optuna's own heartbeats are for databases only; these are for every storage. Who lost a mark never writes it again, and
keeps no record of that trial: of several processes that trained one trial the last that took it counts.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from optuna.exceptions import UpdateFinishedTrialError
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

LEASE = "lease"
"""Attribute of a trial: host, process, a random word of the process, and the time (seconds since 1970, by the clock of
that host) at which the mark was set."""

LASTS_S = 60.0
"""Seconds, by the clock of who looks on, after which a mark that did not change counts for nothing. Source: own
choice."""

SETTLES_S = 1.0
"""Seconds after which of two processes that took one trial at once the later keeps it."""

BOOT = Path("/proc/sys/kernel/random/boot_id")
"""Where Linux keeps a word that it draws when it starts: two machines of one name, such as copies of one image, have
others."""

_WORD = secrets.token_hex(8)


class Leases:
    """The marks of this process on the trials of a storage, and what it saw of those of others."""

    def __init__(self, storage: BaseStorage) -> None:
        self._storage = storage
        self._seen: dict[int, tuple[list[Any], float]] = {}
        self._lost: set[int] = set()

    def hold(self, trial: int) -> bool:
        """Marks a trial as worked on by this process, unless another has marked it.

        Returns: whether the trial is this process's.
        """
        with suppress(UpdateFinishedTrialError):
            now = self._storage.get_trial(trial)
            mark = now.user_attrs.get(LEASE)
            if now.state == TrialState.RUNNING and (mark is None or _is_mine(mark)):
                self._mark(trial)
                return True
        self._lost.add(trial)
        return False

    def lost(self, trial: int) -> bool:
        """Tells whether a trial that was this process's was found to be another's, at the latest look."""
        return trial in self._lost

    @contextmanager
    def beating(self, trial: int) -> Generator[None]:
        """Renews this process's mark as long as the block lasts, and the mark is its own."""
        done = threading.Event()

        def beat() -> None:
            while not done.wait(LASTS_S / 4):
                with suppress(Exception):  # a storage that cannot be reached now is asked again
                    if not self.hold(trial):
                        return

        self.hold(trial)
        beats = threading.Thread(target=beat, daemon=True)
        beats.start()
        try:
            yield
        finally:
            done.set()
            beats.join()

    def take(self, trial: int) -> FrozenTrial | None:
        """Takes up a trial that was begun, where it is this process's to take, and marks it.

        It is where its worker was this process or is dead on this machine, and where its mark has lapsed. All is
        judged by what stands in the storage now.

        Returns: the trial as it is, or None.
        """
        now = self._settled(trial)
        if now.state != TrialState.RUNNING:
            return None
        mark = now.user_attrs.get(LEASE)
        if mark is None or not _is_mine(mark):
            if mark is not None and self._counts(trial, mark):
                return None
            try:
                self._mark(trial)
            except UpdateFinishedTrialError:
                return None
            time.sleep(SETTLES_S)
            now = self._storage.get_trial(trial)
        if now.state != TrialState.RUNNING or not _is_mine(now.user_attrs[LEASE]):
            return None
        self._lost.discard(trial)
        return now

    def is_anothers(self, trial: int) -> bool:
        """Tells whether another process, as far as can be told a live one, works on a trial."""
        now = self._settled(trial)
        mark = now.user_attrs.get(LEASE)
        running = now.state == TrialState.RUNNING
        return running and mark is not None and not _is_mine(mark) and self._counts(trial, mark)

    def _settled(self, trial: int) -> FrozenTrial:
        """Reads a trial; of one without a mark, once whoever began it has had the time to mark it."""
        now = self._storage.get_trial(trial)
        if now.state == TrialState.RUNNING and LEASE not in now.user_attrs:
            time.sleep(SETTLES_S)  # begun in this moment, or by a process that was killed in that
            now = self._storage.get_trial(trial)
        return now

    def _counts(self, trial: int, mark: list[Any]) -> bool:
        """Tells whether the mark of another process holds."""
        return not _is_dead(mark) and not self._has_lapsed(trial, mark)

    def _mark(self, trial: int) -> None:
        self._storage.set_trial_user_attr(trial, LEASE, [*_me(), time.time()])

    def _has_lapsed(self, trial: int, mark: list[Any]) -> bool:
        """Tells whether a mark has not changed for long; no two clocks are compared."""
        seen, since = self._seen.get(trial, (None, 0.0))
        if seen != mark:
            self._seen[trial] = (mark, since := time.monotonic())
        return time.monotonic() - since >= LASTS_S


def host() -> str:
    """Gives the name of where the numbers of processes are this process's: of the machine since it was started, and of
    the container, where the system tells them (two machines or containers may have one name)."""
    words = [socket.gethostname()]
    with suppress(OSError):
        words.append(os.readlink("/proc/self/ns/pid"))
    with suppress(OSError):
        words.append(BOOT.read_text().strip())
    return " ".join(words)


def _me() -> list[Any]:
    return [host(), os.getpid(), _WORD]


def _is_mine(mark: list[Any]) -> bool:
    return mark[:3] == _me()


def _is_dead(mark: list[Any]) -> bool:
    """Tells whether the process of a mark that is not this one's is known to be gone."""
    where, process = mark[:2]
    return where == host() and (process == os.getpid() or not _is_alive(process))


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
