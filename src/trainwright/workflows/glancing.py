"""A look at the net of a trial that costs little, by which the diagnosis tells where going on is pointless.

What is looked at, and when, hangs on no clock: a trial that is run again ends where it ended.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from contextlib import contextmanager

from trainwright.data import PreparedData
from trainwright.diagnosis import Known, LiveDiagnosis
from trainwright.monitoring import Monitor
from trainwright.runs import EpochRecord, History, Record, StepRecord
from trainwright.training import Progress, Seen, Setup

from .diagnosing import warn_of_bug
from .watching import monitor_of

LEAST_STEPS = 2000
"""Steps of a trial from which on it is looked at: in shorter ones looking would take more than 5 % of the time, as it
takes as long as 80 steps of a small net. Measured on a CPU."""

FIRST_STEPS = 4
"""Steps that are looked at from near, the first ones; after them units and answers at the end of some epochs."""

FIRST_LOOK = 0.2
"""Share of LEAST_STEPS after which an epoch's end is looked at first; then whenever steps have doubled. Own choice."""


class Glance:
    """Looks at a trial, and tells what the diagnosis finds at the ends of some epochs, but not of the last.

    A diagnosis that breaks down is left out from then on, with one warning.

    Args:
        monitor: that has begun.
        setup: what the trial trains with.
        records: where the monitor's are kept, too.
        tell: gets the findings.
    """

    def __init__(self, monitor: Monitor, setup: Setup, records: list[Record], tell: Callable[[Record], None]) -> None:
        self._monitor, self._records, self._tell = monitor, records, tell
        self._epochs, self._step_every = setup.epochs, setup.recipe.logging.step_every
        self._live = LiveDiagnosis(Known(recipe=dict(setup.recipe.items())))
        self._next_step = FIRST_LOOK * LEAST_STEPS

    def observe(self, record: Record) -> None:
        """Takes a record in, and asks the diagnosis where an epoch is over that is looked at."""
        if isinstance(record, StepRecord) and record.step % self._step_every:
            return
        self._records.append(record)
        if isinstance(record, EpochRecord) and record.epoch < self._epochs and record.step >= self._next_step:
            self._next_step = 2 * record.step
            self._monitor.finish(record.step, record.epoch)
            self._look()

    def step(self, step: int, epoch: int, seen: Seen) -> None:
        """Looks after one of the first steps, and then takes all hooks off."""
        if step <= FIRST_STEPS:
            self._monitor.step(step, epoch, seen)
        if step == FIRST_STEPS:
            self._monitor.close()

    def epoch(self, step: int, epoch: int) -> None:
        """Looks at nothing: what is to be seen was, before the diagnosis was asked."""

    def _look(self) -> None:
        try:
            found = self._live.look(History.of(self._records))
        except Exception as error:
            self._next_step = math.inf
            warn_of_bug(error)
            return
        for finding in found:
            self._records.append(finding)
            self._tell(finding)


@contextmanager
def glancing(setup: Setup, data: PreparedData, tell: Callable[[Record], None]) -> Generator[Glance | None]:
    """Looks at a trial in the block, where it is long enough and the recipe lets it be watched.

    Args:
        setup: what the trial trains with.
        data: its training and validation parts.
        tell: gets the findings.
    """
    if setup.total_steps < LEAST_STEPS or setup.epochs < 2 or not setup.recipe.logging.watch:
        yield None
        return
    records: list[Record] = []
    with monitor_of(setup, data, Progress(), records.append) as monitor:
        monitor.begin()
        yield Glance(monitor, setup, records, tell)
