"""Who leads a search: one process, by a mark like those on trials, so that a second one does not undo what it does.

The study of the search's name has a trial, which nobody trains, for each time that somebody led; who leads works on
the first one that is not finished.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

import optuna
from optuna.samplers import RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from trainwright.errors import InputError, Interrupted

from .lease import LASTS_S, LEASE, Leases
from .storage import id_of, keep_attributes

LOOKS_S = 0.5
"""Seconds between two looks at the mark of another process."""


@contextmanager
def leading(storage: BaseStorage, name: str, note: Callable[[str], None]) -> Generator[Callable[[], bool]]:
    """Leads a search as long as the block lasts.

    Where another process led and did not end well, its mark is waited for: it changes or lapses.

    Args:
        storage: as opened.
        name: of the search.
        note: is told why one waits.

    Yields: a function that tells whether another process leads meanwhile, as this one stood still.

    Raises:
        InputError: another process leads the search.
    """
    keep_attributes(storage, name, ())
    study = optuna.load_study(storage=storage, study_name=name, sampler=RandomSampler(seed=0))
    leases = Leases(storage)
    seat = _seat(storage, study, leases, note)

    def leave() -> None:
        if leases.hold(seat):
            storage.set_trial_state_values(seat, TrialState.FAIL)

    try:
        with leases.beating(seat):
            yield lambda: leases.lost(seat)
    except (InputError, Interrupted, KeyboardInterrupt):
        leave()
        raise
    leave()  # after any other error the storage may be out of reach; the mark lapses


def _seat(storage: BaseStorage, study: optuna.Study, leases: Leases, note: Callable[[str], None]) -> int:
    """Takes the trial of who leads, or begins one; of two that begin one in the same moment the first counts."""
    while True:
        first = _first(storage, study)
        if first is None:
            begun = id_of(storage, study.study_name, study.ask().number)
            first = _first(storage, study)
            if first == begun and leases.hold(begun):
                return begun
            if first != begun:
                storage.set_trial_state_values(begun, TrialState.FAIL)
        if first is not None and _taken(storage, study.study_name, leases, first, note):
            return first


def _first(storage: BaseStorage, study: optuna.Study) -> int | None:
    running = study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
    return id_of(storage, study.study_name, running[0].number) if running else None


def _taken(storage: BaseStorage, name: str, leases: Leases, seat: int, note: Callable[[str], None]) -> bool:
    """Takes the trial by which another process led, once it is known to be gone.

    Returns: whether it was still to be had; it is not where the other one ended well meanwhile.
    """
    seen: list[Any] | None = None
    while leases.take(seat) is None:
        now = storage.get_trial(seat)
        if now.state != TrialState.RUNNING:
            return False
        mark = now.user_attrs[LEASE]
        if seen is None:
            note(f"another process led the search; if it gives no sign of life for {LASTS_S:.0f} s, this one leads")
        elif mark != seen:
            raise InputError(
                f"another process leads the search {name}",
                expected="one that leads; any number of others may work for it",
                got=f"process {mark[1]} on {mark[0].split()[0]}",
                hint=f"trainwright search worker {name} --storage with the same storage",
            )
        seen = mark
        time.sleep(LOOKS_S)
    return True
