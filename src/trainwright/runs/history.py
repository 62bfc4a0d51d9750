"""The course of a run as columns of numbers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any, Generic, Self, TypeVar

from .records import (
    AnswersRecord,
    EpochRecord,
    Evaluation,
    ExperimentRecord,
    Finding,
    GuardRecord,
    ProbeRecord,
    Record,
    ResumeRecord,
    RetrainRecord,
    StepRecord,
    StopRecord,
    TrialRecord,
    UnitsRecord,
    WatchRecord,
)

Row = TypeVar("Row", StepRecord, EpochRecord, ProbeRecord, UnitsRecord, AnswersRecord, ExperimentRecord)


@dataclass(frozen=True)
class Columns(Generic[Row]):
    """Records of one kind, in order, that can be taken by row or by column.

    >>> Columns((StepRecord(step=1, epoch=1, learning_rate=0.1, loss=2.5),))["loss"]
    (2.5,)
    """

    rows: tuple[Row, ...] = ()

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, name: str) -> tuple[Any, ...]:
        return tuple(map(attrgetter(name), self.rows))


@dataclass(frozen=True, kw_only=True)
class History:
    """What happened in a run, without work that was lost. `stop` is None while the run goes on.

    Where a second stage on the validation pictures, too, has begun, `retrain` says how, `first_stop` is the end of the
    first stage, and `stop` that of the second. Columns hold both stages, one after the other. `watch` is the latest
    record of what is watched, None where nothing is. A finding that was told anew stands once, as it was told last.
    """

    epochs: Columns[EpochRecord] = Columns()
    steps: Columns[StepRecord] = Columns()
    evaluations: tuple[Evaluation, ...] = ()
    findings: tuple[Finding, ...] = ()
    stop: StopRecord | None = None
    retrain: RetrainRecord | None = None
    first_stop: StopRecord | None = None
    resumes: tuple[ResumeRecord, ...] = ()
    guards: tuple[GuardRecord, ...] = ()
    watch: WatchRecord | None = None
    probes: Columns[ProbeRecord] = Columns()
    units: Columns[UnitsRecord] = Columns()
    answers: Columns[AnswersRecord] = Columns()
    experiments: Columns[ExperimentRecord] = Columns()

    @classmethod
    def of(cls, records: Iterable[Record]) -> Self:
        """Sorts records by kind; lost work is left out first."""
        kept = without_lost_work(records)
        stop = retrain = first_stop = None
        of_kind: dict[type, list[Any]] = defaultdict(list)
        for record in kept:
            of_kind[type(record)].append(record)
            if isinstance(record, StopRecord):
                stop = record
            elif isinstance(record, RetrainRecord):
                retrain, first_stop, stop = record, stop, None
            elif isinstance(record, ResumeRecord | GuardRecord):
                stop = None
        return cls(
            epochs=Columns(tuple(of_kind[EpochRecord])),
            steps=Columns(tuple(of_kind[StepRecord])),
            evaluations=tuple(record for record in kept if isinstance(record, Evaluation)),
            findings=as_told_last(of_kind[Finding]),
            stop=stop,
            retrain=retrain,
            first_stop=first_stop,
            resumes=tuple(of_kind[ResumeRecord]),
            guards=tuple(one for one in of_kind[GuardRecord] if one.done),
            watch=next(iter(of_kind[WatchRecord][::-1]), None),
            probes=Columns(tuple(of_kind[ProbeRecord])),
            units=Columns(_once(of_kind[UnitsRecord], ("step",))),
            answers=Columns(_once(of_kind[AnswersRecord], ("step", "part", "mode", "called_in"))),
            experiments=Columns(tuple(of_kind[ExperimentRecord])),
        )

    @property
    def finished(self) -> bool:
        """Says whether the latest stage of training came to its end, by itself or by early stopping."""
        return self.stop is not None and self.stop.kind in ("completed", "early-stopping")

    @property
    def first_stage(self) -> Self:
        """Gives the course of the first stage alone, with its own end."""
        if self.retrain is None:
            return self
        last = self.retrain.step
        columns = {
            name: Columns(tuple(row for row in getattr(self, name).rows if row.step <= last))
            for name in ("epochs", "steps", "probes", "units", "answers", "experiments")
        }
        return replace(self, **columns, stop=self.first_stop, first_stop=None, retrain=None)

    @property
    def best(self) -> EpochRecord | None:
        """Finds the last epoch that was marked as the best so far."""
        return next((row for row in reversed(self.epochs.rows) if row.best), None)

    def evaluation(self, part: str) -> Evaluation | None:
        """Finds the latest evaluation on a part of the data."""
        return next((record for record in reversed(self.evaluations) if record.part == part), None)


def _once(looks: Iterable[Row], names: tuple[str, ...]) -> tuple[Row, ...]:
    """Leaves out looks that were made anew at a resume: the net was the same, and twice the same proves nothing.

    Args:
        names: of the fields by which two looks are of the same.
    """
    return tuple({tuple(getattr(row, name) for name in names): row for row in looks}.values())


def as_told_last(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Leaves out what a diagnosed finding said before it was told anew, such as with another severity, or withdrawn.

    >>> told = Finding(code="dead-units", severity="warn", summary="s", since_step=8, diagnosed=True)
    >>> [one.withdrawn for one in as_told_last([told, replace(told, withdrawn=60)])]
    [60]
    """
    last: dict[object, Finding] = {}
    for number, finding in enumerate(findings):
        last[(finding.code, finding.since_step) if finding.diagnosed else number] = finding
    return tuple(last.values())


def without_lost_work(records: Iterable[Record]) -> list[Record]:
    """Leaves out what a resume, or the guard, undid.

    There, the first earlier record that lies beyond the point gone back to begins the lost work, and everything from
    there on is lost with it, findings and evaluations too. Records of going back stay, since that happened.

    >>> step = [StepRecord(step=n, epoch=1, learning_rate=0.1, loss=1.0) for n in (1, 2, 3)]
    >>> kept = without_lost_work([*step, ResumeRecord(step=2, epoch=0, checkpoint="last")])
    >>> [getattr(record, "step") for record in kept]
    [1, 2, 2]
    """
    kept: list[Record] = []
    for record in records:
        if isinstance(record, ResumeRecord | GuardRecord):
            cut = next((index for index, earlier in enumerate(kept) if _beyond(earlier, record)), len(kept))
            kept[cut:] = [earlier for earlier in kept[cut:] if isinstance(earlier, ResumeRecord | GuardRecord)]
        kept.append(record)
    return kept


def _beyond(record: Record, point: ResumeRecord | GuardRecord) -> bool:
    match record:
        case StepRecord() | StopRecord() | RetrainRecord():
            return record.step > point.step
        case WatchRecord() | ProbeRecord() | UnitsRecord() | AnswersRecord() | ExperimentRecord():
            return record.step > point.step or point.step == 0  # what begins anew is looked at anew
        case Finding():
            return record.since_step is not None and record.since_step > point.step
        case ResumeRecord() | GuardRecord() | TrialRecord():
            return False
        case _:
            return record.epoch > point.epoch
