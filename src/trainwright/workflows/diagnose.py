"""`trainwright diagnose`: what is wrong with a run, by its records alone, finished or still growing."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from trainwright.diagnosis import LiveDiagnosis, known_of
from trainwright.reporting import DiagnosisView, NextStep, as_advised, diagnosis_lines, diagnosis_view
from trainwright.runs import (
    EpochRecord,
    Finding,
    History,
    LogFollower,
    Record,
    RunFolder,
    open_run,
    read_all_records,
    without_lost_work,
)

LOOK_EVERY_S = 0.5
"""How often a growing log is read."""

FACTS = ("code", "severity", "confidence", "summary", "evidence", "advice", "since_step", "layers", "withdrawn")
"""What `--json` tells of a finding."""


@dataclass(frozen=True)
class Diagnosed:
    """What the records of a run say of it.

    Attributes:
        folder: of the run.
        view: what was found, looked at and could not be looked at.
    """

    folder: Path
    view: DiagnosisView

    @property
    def healthy(self) -> bool:
        """Whether nothing stands that warns or stops."""
        return self.view.healthy

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What stands, the most likely cause first."""
        return self.view.findings

    @property
    def next_steps(self) -> tuple[NextStep, ...]:
        """What to do first, as commands; empty where it is no setting of a recipe, or nothing is to be done."""
        return as_advised(self.folder, self.findings)

    @property
    def facts(self) -> dict[str, Any]:
        """What `diagnose --json` prints: `healthy`, `findings`, withdrawn ones last, `looked_at` and `impossible`."""
        told = [asdict(finding) for finding in (*self.findings, *self.view.withdrawn)]
        return {
            "healthy": self.healthy,
            "findings": [{name: finding[name] for name in FACTS} for finding in told],
            "looked_at": list(self.view.looked_at),
            "impossible": {code: list(needs) for code, needs in self.view.impossible.items()},
        }

    def __str__(self) -> str:
        return "\n".join(line.plain() for line in diagnosis_lines(self.view))


def diagnose(run: str | Path) -> Diagnosed:
    """Says what is wrong with a run, how sure that is, what shows it, and what to do first; loads no torch.

    Args:
        run: folder of a run of `train`, or of a loop that was watched; finished, broken down or still going on.

    Raises:
        InputError: no run lies there, or one of its files is damaged.
    """
    return diagnosed(open_run(Path(run)))


def diagnosed(folder: RunFolder) -> Diagnosed:
    """Diagnoses the run of a folder as it stands."""
    records = read_all_records(folder.events) if folder.events.is_file() else []
    return Diagnosed(folder.path, diagnosis_view(History.of(records), known_of(folder)))


def follow(folder: RunFolder, tell: Callable[[Finding], None], wait: Callable[[float], None] = time.sleep) -> Diagnosed:
    """Follows a run while it grows and tells findings as they are made, until nobody writes to its log any more.

    It looks when it begins, then after every epoch, and once more at the end.

    Args:
        folder: of the run.
        tell: is told each finding once, again where it is told anew or withdrawn.
        wait: for a number of seconds.

    Returns: the run as it stands in the end.

    Raises:
        InputError: a file of the run is damaged.
    """
    log = LogFollower(folder.events)
    live = LiveDiagnosis(known_of(folder))
    records: list[Record] = []
    while True:
        grows = log.grows  # asked first, so that what is written before the end is read below
        new = log.read()
        is_first = not records
        records += new
        if is_first or not grows or any(isinstance(record, EpochRecord) for record in new):
            for finding in live.look(History.of(without_lost_work(records)), last=not grows):
                tell(finding)
        if not grows:
            return Diagnosed(folder.path, diagnosis_view(History.of(records), live.known))
        wait(LOOK_EVERY_S)
