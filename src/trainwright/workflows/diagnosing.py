"""The diagnosis of a run of ours while it trains: told under the table as it is made."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable

from trainwright.diagnosis import LiveDiagnosis, Wanted, known_of
from trainwright.runs import EpochRecord, ExperimentRecord, Finding, History, Record, RunFolder, StepRecord

SHARE = 0.02
"""Of the time of a training that looking at its records may take; where epochs are too short for it, some pass."""


class Diagnosing:
    """An observer that looks at the records of a run when an epoch is over, and tells what is new.

    An epoch is over when the next begins, so that what was measured at its end is there; or when somebody who can make
    experiments asks before that what would tell. A diagnosis that breaks down is left out from then on, with one
    warning; training goes on.

    Args:
        folder: of the run, laid out.
        records: that its log holds already.
        step_every: the distance of the step records that are kept, as in the log.
        tell: is told what is new.
        clock: seconds that only ever grow.
    """

    def __init__(
        self,
        folder: RunFolder,
        records: Iterable[Record],
        step_every: int,
        tell: Callable[[Finding], None],
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._folder = folder
        self._records = list(records)
        self._step_every = step_every
        self._tell = tell
        self._clock = clock
        self._live: LiveDiagnosis | None = None
        self._broken = False
        self._due = any(isinstance(record, EpochRecord) for record in self._records)
        self._not_before = clock()
        self._asking_s = 0.0

    def observe(self, record: Record) -> None:
        """Takes a record in."""
        if isinstance(record, StepRecord):
            if self._due and self._clock() >= self._not_before:
                self.look()
            if record.step % self._step_every:
                return
        self._due = self._due or isinstance(record, EpochRecord)
        self._records.append(record)

    @property
    def experiments(self) -> tuple[ExperimentRecord, ...]:
        """The experiments that were made so far."""
        return History.of(self._records).experiments.rows

    def ask(self) -> tuple[Wanted, ...]:
        """Looks at the end of an epoch, if that is due, and says what would tell what the records do not.

        Where nothing would, what is new is told at once; else when the next epoch begins, with what came out. Who asks
        after every epoch has it look then, or not at all in that epoch.
        """
        if not self._due or self._clock() < self._not_before:
            self._due = False
            return ()
        self.look(asking=True)
        asked = () if self._live is None or self._broken else self._live.wanted
        self._due = bool(asked)
        return asked

    def look(self, *, last: bool = False, asking: bool = False) -> None:
        """Diagnoses the run as far as it has come, and tells what is new.

        Args:
            last: whether the run is over.
            asking: whether nothing is to be told before the experiments that would tell.
        """
        self._due = False
        if self._broken:
            return
        began = self._clock()
        try:
            history = History.of(self._records)
            self._live = self._live or LiveDiagnosis(known_of(self._folder), history.findings)
            new = self._live.look(history, last=last, asking=asking)
        except Exception as error:
            self._broken = True
            warn_of_bug(error)
            return
        for finding in new:
            self._records.append(finding)
            self._tell(finding)
        ended = self._clock()
        took_s, self._asking_s = ended - began + self._asking_s, 0.0
        if asking and self._live.wanted:
            self._asking_s = took_s
        else:
            self._not_before = ended + took_s / SHARE


def warn_of_bug(error: Exception) -> None:
    """Warns that the diagnosis broke down, which no training pays for."""
    warnings.warn(
        f"the diagnosis broke down and is left out from here on; training goes on. This is a bug of ours: "
        f"{type(error).__name__}: {error}",
        RuntimeWarning,
        stacklevel=3,
    )
