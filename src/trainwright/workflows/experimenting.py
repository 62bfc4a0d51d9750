"""Experiments beside a training: what would tell causes apart is tried on copies of the net after an epoch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Literal

from trainwright.data import PreparedData
from trainwright.diagnosis import Wanted
from trainwright.monitoring import Monitor, Pictures, Question, experiment
from trainwright.runs import ExperimentKind, ExperimentRecord, Record
from trainwright.training import Seen, Setup

from .diagnosing import Diagnosing

SHARE = 0.05
"""Of the time that all steps of a training take that its experiments may take, together."""

MOST_STEPS = 100
"""Of a copy."""

FEWEST_STEPS: dict[ExperimentKind, int] = {"one-batch": 50}
"""Kind → steps of a copy below which it says nothing; 20 where it stands not here. Own choice: a batch is learned by
heart in some tens of steps."""

MOST_EXPERIMENTS = 3
"""A run."""


class Experimenting:
    """A witness that looks through a monitor, and makes the experiments that the diagnosis asks for.

    An experiment that breaks down is told in one warning, and no other is made; training goes on.

    Args:
        monitor: of the stage.
        setup: what the stage trains with, in one process.
        data: its parts.
        diagnosing: says what would tell.
        tell: gets the records.
    """

    def __init__(
        self, monitor: Monitor, setup: Setup, data: PreparedData, diagnosing: Diagnosing, tell: Callable[[Record], None]
    ) -> None:
        self._monitor, self._setup, self._data = monitor, setup, data
        self._diagnosing, self._tell = diagnosing, tell
        self._broken = False

    def step(self, step: int, epoch: int, seen: Seen) -> None:
        """Looks after an optimizer step."""
        self._monitor.step(step, epoch, seen)

    def epoch(self, step: int, epoch: int) -> None:
        """Looks at the end of an epoch, and makes the experiments that are wanted and can be afforded."""
        self._monitor.epoch(step, epoch)
        if self._broken:
            return
        asked = self._diagnosing.ask()
        for place, wanted in enumerate(asked):
            made = self._made(wanted, step, epoch, at_once=len(asked) - place)
            if made is not None:
                self._tell(made)
        self._monitor.go_on()

    def finish(self, step: int, epoch: int) -> None:
        """Looks for the last time."""
        self._monitor.finish(step, epoch)

    def _made(self, wanted: Wanted, step: int, epoch: int, at_once: int) -> ExperimentRecord | None:
        """Makes an experiment; None where it would cost too much, or nothing is there to judge it by."""
        judged = self._judged(wanted.kind)
        left_s = self._left_s() / at_once
        if judged is None or left_s <= 0 or self._broken:
            return None
        pictures, part = judged
        step_s, fewest = self._monitor.cadence.step_s or 0.0, FEWEST_STEPS.get(wanted.kind, 20)
        # Judging is three passes forward, each about a third of what a step takes for as many pictures.
        time_s = left_s - step_s * len(pictures) / self._setup.batch_size
        if time_s < 2 * fewest * step_s:
            return None
        try:
            return experiment(
                self._setup,
                self._data,
                Question(
                    kind=wanted.kind,
                    asked_by=wanted.codes,
                    step=step,
                    epoch=epoch,
                    drawn=self._setup.epochs_drawn + epoch + 1,
                    judged=pictures,
                    part=part,
                    most=MOST_STEPS,
                    fewest=fewest,
                    time_s=time_s,
                ),
            )
        except Exception as error:
            self._broken = True
            warnings.warn(
                "an experiment on a copy of the net broke down, and none is made from here on; training goes on as it "
                f"was: {type(error).__name__}: {error}",
                RuntimeWarning,
                stacklevel=2,
            )
            return None

    def _left_s(self) -> float:
        """Says how many seconds experiments may take from here on: a share of what all steps of the training take."""
        before, step_s = self._diagnosing.experiments, self._monitor.cadence.step_s
        if len(before) >= MOST_EXPERIMENTS or step_s is None:
            return 0.0
        return SHARE * step_s * self._setup.total_steps - sum(one.cost_s for one in before)

    def _judged(self, kind: ExperimentKind) -> tuple[Pictures, Literal["train", "valid"]] | None:
        """Chooses what both copies are judged by: training pictures where it is about steps, as there are more of them;
        those of validation where it is about what is learned from which pictures."""
        looks = self._monitor.looks
        valid: tuple[Pictures, Literal["train", "valid"]] | None = (
            None if looks.valid is None else (looks.valid, "valid")
        )
        if kind == "augmentation-off":
            return valid
        return valid if looks.probe is None else (looks.probe, "train")
