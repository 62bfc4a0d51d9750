"""The diagnosis of a run of ours while it trains: told under the table as it is made."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterable

from trainwright.diagnosis import LiveDiagnosis, known_of
from trainwright.runs import EpochRecord, Finding, History, Record, RunFolder, StepRecord

SHARE = 0.02
"""Of the time of a training that looking at its records may take; where epochs are too short for it, some pass."""


class Diagnosing:
    """An observer that looks at the records of a run when an epoch is over, and tells what is new.

    An epoch is over when the next begins, so that what was measured at its end is there. A diagnosis that breaks down
    is left out from then on, with one warning; training goes on.

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

    def observe(self, record: Record) -> None:
        """Takes a record in."""
        if isinstance(record, StepRecord):
            if self._due and self._clock() >= self._not_before:
                self.look()
            if record.step % self._step_every:
                return
        self._due = self._due or isinstance(record, EpochRecord)
        self._records.append(record)

    def look(self, *, last: bool = False) -> None:
        """Diagnoses the run as far as it has come, and tells what is new.

        Args:
            last: whether the run is over.
        """
        self._due = False
        if self._broken:
            return
        began = self._clock()
        try:
            history = History.of(self._records)
            self._live = self._live or LiveDiagnosis(known_of(self._folder), history.findings)
            new = self._live.look(history, last=last)
        except Exception as error:
            self._broken = True
            warnings.warn(
                f"the diagnosis broke down and is left out from here on; training goes on. This is a bug of ours: "
                f"{type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return
        for finding in new:
            self._records.append(finding)
            self._tell(finding)
        ended = self._clock()
        self._not_before = ended + (ended - began) / SHARE
