"""The run folder of a loop that is not ours, what is told to it, and what is said about it on the way."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from trainwright.errors import InputError, TrainwrightError
from trainwright.monitoring import Calls
from trainwright.reporting.wording import printable
from trainwright.runs import (
    DEFAULT_OUT,
    EventWriter,
    Finding,
    History,
    ProbeRecord,
    Record,
    RunFolder,
    StepRecord,
    StopRecord,
    WatchRecord,
    create_run,
    default_name,
    environment,
    read_all_records,
    write_atomic,
    write_metrics_csv,
)

from .diagnosing import Diagnosing
from .layout import write_findings
from .watch_epochs import Epochs


class WatchLog:
    """Keeps what is told of a watched loop, in its run folder and at hand.

    Args:
        run: path of the folder that is made; None makes one in the usual place, named by time and model.
        model: the name of the net's class.
        known: what is known of the loop beside its records, for watch.json.
        classes: names of the classes, in order; empty where nobody gave them.
        calls: of the net, which know in what mode it was trained.

    Raises:
        InputError: the folder exists or cannot be made.
        WriteFailed: the disk refused.
    """

    def __init__(
        self, run: str | Path | None, model: str, known: Mapping[str, Any], classes: Sequence[str], calls: Calls
    ) -> None:
        self.folder = _made(run, model)
        write_atomic(self.folder.environment, json.dumps(environment(), indent=1))
        if classes:
            write_atomic(self.folder.classes, json.dumps(list(classes), indent=1, ensure_ascii=False))
        write_atomic(self.folder.watched, json.dumps(known, indent=1))
        self.described: WatchRecord | None = None
        self._standing: dict[str, Finding] = {}
        self._diagnosing = Diagnosing(self.folder, [], 1, self._found)
        self._calls = calls
        self._said: set[str] = set()
        self._events = EventWriter(self.folder.events)

    def tell(self, record: Record) -> None:
        """Keeps a record; how the loop trained its net, which the monitor cannot see, is added to probes.

        Raises:
            WriteFailed: the disk refused; the log is as it was before.
        """
        if isinstance(record, WatchRecord):
            self.described = record
        if isinstance(record, ProbeRecord) and (mode := self._calls.trained_in()) is not None:
            record = replace(record, mode=mode)
        self._events.write(record, sync=not isinstance(record, StepRecord))
        self._diagnosing.observe(record)

    def describe(self, **changes: Any) -> None:
        """Tells anew what is watched, where something about it has become known.

        Raises:
            WriteFailed: the disk refused.
        """
        if self.described is not None and (known := replace(self.described, **changes)) != self.described:
            self.tell(known)

    def tabulate(self) -> None:
        """Writes metrics.csv anew, one row an epoch.

        Raises:
            WriteFailed: the disk refused.
        """
        write_metrics_csv(History.of(read_all_records(self.folder.events, steps=False)), self.folder.metrics)

    def stop(self, reason: str, epochs: Epochs, step: int, *, finished: bool) -> None:
        """Tells how the loop ended.

        Raises:
            WriteFailed: the disk refused.
        """
        self.tell(
            StopRecord(
                reason=reason,
                kind="completed" if finished else "interrupted",
                epoch=epochs.done if finished else epochs.now,
                step=step,
                best_epoch=epochs.best_epoch,
                train_time_s=epochs.train_time_s,
            )
        )

    def diagnose(self) -> None:
        """Looks at the whole course, tells what is new, and keeps what was told in findings.json.

        Raises:
            WriteFailed: the disk refused.
        """
        self._diagnosing.look(last=True)
        write_findings(self.folder)

    def _found(self, finding: Finding) -> None:
        self._events.write(finding)
        self._standing.pop(finding.code, None)
        if finding.withdrawn is None:
            self._standing[finding.code] = finding
            say(f"{finding.severity}: {finding.code}: {finding.summary}")
        else:
            say(f"withdrawn: {finding.code}: its sign is gone at step {finding.withdrawn}")

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found and stands, the gravest first."""
        order = {"stop": 0, "warn": 1, "note": 2}
        return tuple(sorted(self._standing.values(), key=lambda finding: order[finding.severity]))

    @property
    def verdict(self) -> str:
        """Says in some words what was found."""
        grave = [finding.code for finding in self.findings if finding.severity != "note"]
        return f"found: {', '.join(grave)}" if grave else "nothing wrong was found"

    def say_once(self, text: str) -> None:
        """Says something that would be true again and again."""
        if text not in self._said:
            self._said.add(text)
            say(f"note: {text}")

    def close(self) -> None:
        """Lets another process write to the log."""
        self._events.close()


def _made(run: str | Path | None, model: str) -> RunFolder:
    if run is None:
        return create_run(DEFAULT_OUT, default_name(model, "watched", datetime.now()), automatic=True)
    path = Path(run)
    try:
        return create_run(path.parent, path.name)
    except InputError as error:
        hint = "give another run=, or none to have a name made from the time and the model"
        raise InputError(error.problem, expected=error.expected, got=error.got, where=error.where, hint=hint) from None


def say(text: str) -> None:
    """Says something on standard error, where it does not mix with what the loop prints as its result."""
    print(f"trainwright: {printable(text)}", file=sys.stderr, flush=True)


def worded(error: BaseException) -> str:
    """Words an error in one line.

    >>> worded(ValueError("two\\nlines")), worded(KeyboardInterrupt())
    ('ValueError: two lines', 'KeyboardInterrupt')
    """
    if isinstance(error, TrainwrightError):
        return f"{error.problem} ({error.got})" if error.got else error.problem
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__
