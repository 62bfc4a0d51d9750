"""One trial: a training whose weights nobody keeps, made to learn what its settings are worth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from trainwright.data import PreparedData
from trainwright.errors import TrainingError
from trainwright.runs import EpochRecord, Finding, Record, StepRecord, TrialEnding, TrialRecord
from trainwright.training import Cut, Interruption, Observer, Progress, Setup, Witness, fit

RISEN = 3.0
"""Times its first value from which a loss has exploded. Source: Stanford CS231n, winter 2016, lecture 6 (break out
early if the cost is above 3 times the original)."""

WINDOW = 10
"""Steps over which the loss is smoothed before it is compared with the first: one batch by itself proves nothing."""

Pruner = Callable[[int, float], str | None]
"""Is told an epoch, from 1, and the best score so far; gives a reason to end the trial there, or None."""


class Look(Witness, Protocol):
    """Looks at the live net of a trial, and reads its records."""

    def observe(self, record: Record) -> None:
        """Takes a record in."""
        ...


Looking = Callable[[Setup, PreparedData, Observer], AbstractContextManager[Look | None]]
"""Looks at a trial as long as the block lasts, and tells an observer what it finds; None where it does not."""


class Exploded:
    """Tells when a smoothed loss is above RISEN times the first one.

    >>> exploded = Exploded()
    >>> any(exploded(loss) for loss in [1.0] + 30 * [2.9])
    False
    >>> any(exploded(4.0) for _ in range(30))
    True
    """

    def __init__(self) -> None:
        self.first: float | None = None
        self.smoothed = 0.0

    def __call__(self, loss: float) -> bool:
        if self.first is None:
            self.first = self.smoothed = loss
        self.smoothed += (loss - self.smoothed) / WINDOW
        return self.first > 0 and self.smoothed > RISEN * self.first


class Watch:
    """Reads a trial's records, and says when there is nothing more to be learned from it.

    Args:
        epochs: of the whole trial; in the last there is nothing to give up.
        pruner: asked after every epoch but the last.
    """

    def __init__(self, epochs: int, pruner: Pruner | None) -> None:
        self.epochs, self.pruner = epochs, pruner
        self.exploded = Exploded()
        self.records: list[EpochRecord] = []
        self.scores: list[float | None] = []
        self.found: Finding | None = None
        self.ending: TrialEnding = "completed"
        self.steps = 0

    def observe(self, record: Record) -> None:
        """Keeps what the trial is judged by."""
        match record:
            case EpochRecord():
                self.records.append(record)
                self.scores.append(score_of(record))
            case StepRecord():
                self.steps += 1
            case Finding(severity="stop", withdrawn=None):
                self.found = self.found or record
            case _:
                pass

    def enough(self, record: StepRecord | EpochRecord) -> Cut | None:
        """Ends the trial where there is a reason to."""
        why = self._reason(record)
        return None if why is None else Cut("early-stopping", why)

    def _reason(self, record: StepRecord | EpochRecord) -> str | None:
        if self.found is not None:
            self.ending = "finding"
            return f"{self.found.code}: {self.found.summary}"
        if isinstance(record, StepRecord):
            if not self.exploded(record.loss):
                return None
            self.ending = "diverged"
            return (
                f"the loss rose from {self.exploded.first:.3g} to {self.exploded.smoothed:.3g}, above {RISEN:g} times"
            )
        if self.pruner is None or record.epoch == self.epochs or self.best is None:
            return None
        why = self.pruner(record.epoch, self.best)
        if why is not None:
            self.ending = "pruned"
        return why

    @property
    def best(self) -> float | None:
        """The best score so far."""
        known = [score for score in self.scores if score is not None]
        return max(known) if known else None


def score_of(record: EpochRecord) -> float | None:
    """Gives what validation said of an epoch, higher is better: accuracy, or what the task goes by."""
    if record.valid_accuracy is not None:
        return record.valid_accuracy
    return next(iter(record.valid_figures.values()), None)


def run_trial(
    setup: Setup,
    data: PreparedData,
    *,
    number: int,
    settings: Mapping[str, Any],
    pruner: Pruner | None = None,
    looking: Looking | None = None,
    interruption: Interruption,
) -> TrialRecord:
    """Trains what was built, keeps no weights, and ends where there is nothing more to be learned from it.

    A trial ends early when its loss, smoothed over WINDOW steps, is above RISEN times its first; when numbers cease to
    be finite; at a finding of severity `stop` of who looks at it; and when the pruner has a reason.

    Args:
        setup: freshly built; used up by this.
        data: with a validation part, by which the trial is judged.
        number: of the trial.
        settings: recipe key → value, noted.
        pruner: told the best score after every epoch but the last.
        looking: looks at the net for findings; None where nobody does.
        interruption: looked at after every step.
    """
    watch = Watch(setup.epochs, pruner)
    began = time.perf_counter()
    reason = None
    try:
        with nullcontext() if looking is None else looking(setup, data, watch.observe) as look:
            stop = fit(
                setup,
                data,
                Progress(),
                observers=[watch.observe] if look is None else [watch.observe, look.observe],
                interruption=interruption,
                enough=watch.enough,
                witness=look,
            )
        reason, ending = stop.reason, "interrupted" if stop.kind == "interrupted" else watch.ending
    except TrainingError as error:
        reason, ending = error.problem, "diverged"
    best = watch.best
    return TrialRecord(
        trial=number,
        settings=dict(settings),
        seed=setup.recipe.training.seed,
        epochs=setup.epochs,
        figure=setup.task.figure,
        value=best if best is not None and math.isfinite(best) else None,
        best_epoch=None if best is None else watch.scores.index(best) + 1,
        ended=ending,
        reason=reason,
        scores=tuple(watch.scores),
        train_losses=tuple(record.train_loss for record in watch.records),
        first_loss=watch.exploded.first,
        epochs_spent=watch.steps / setup.steps_per_epoch,
        time_s=time.perf_counter() - began,
    )
