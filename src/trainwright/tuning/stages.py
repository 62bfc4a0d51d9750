"""The stages of a search, from many short trials to few long ones, and what one hands on to the next."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainwright.errors import InputError
from trainwright.runs import TrialRecord

EPOCHS = (1, 5, 15)
"""Epochs of a trial in each stage. Source: Stanford CS231n, Neural networks 3 (1, 5, then more epochs)."""

TRIALS = 63
"""Trials of a whole search: 36, 18 and 9 in three stages. Source: own choice."""

GOOD_SHARE = 0.25
"""Share of a stage's trials around which the next box is laid, and of which there are at least LEAST_GOOD."""

LEAST_GOOD = 6
"""Fewer trials are too few to narrow a box by: it is laid around all of them. Source: own choice."""

TAKEN_OVER = 1 / 3
"""Share of a stage's trials that repeat the best of the stage before for more epochs."""


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        number: from 1.
        epochs: of each trial.
        trials: how many at most.
        fixed: recipe keys that the stage sets in all its trials, `training.epochs` among them.
    """

    number: int
    epochs: int
    trials: int
    fixed: Mapping[str, Any] = field(default_factory=dict[str, Any])


def plan_stages(
    trials: int, epochs: Sequence[int] = EPOCHS, *, max_epochs: float | None = None, no_decay: bool = False
) -> tuple[Stage, ...]:
    """Divides trials over stages, each with half as many as the one before.

    Args:
        trials: of the whole search.
        epochs: of a trial in each stage, rising.
        max_epochs: so many epochs at most if no trial ended early; leaves fewer trials where it does not suffice.
        no_decay: the last stage but one trains at a constant rate.

    Raises:
        InputError: stages do not rise; fewer trials than stages; too few epochs for one trial of each.

    >>> [(stage.trials, stage.epochs) for stage in plan_stages(42)]
    [(24, 1), (12, 5), (6, 15)]
    """
    if not epochs or any(one < 1 for one in epochs) or any(b <= a for a, b in itertools.pairwise(epochs)):
        raise InputError(
            "the stages of a search train longer and longer",
            expected="rising whole numbers of epochs from 1, such as 1,5,15",
            got=",".join(map(str, epochs)) or "none",
            where="--stages",
        )
    if trials < len(epochs):
        raise InputError(
            "fewer trials than stages",
            expected=f"at least {len(epochs)}, one for each stage",
            got=str(trials),
            where="--trials",
            hint="fewer stages, such as --stages 5",
        )
    if no_decay and len(epochs) < 2:
        raise InputError(
            "there is no last stage but one", expected="two stages or more", got="one", where="--no-decay --stages"
        )
    shares = _shares(trials, len(epochs))
    if max_epochs is not None:
        if max_epochs < sum(epochs):
            raise InputError(
                "too few epochs for one trial of each stage",
                expected=f"at least {sum(epochs)}",
                got=f"{max_epochs:g}",
                where="--max-epochs",
                hint="fewer or shorter stages with --stages",
            )
        while sum(count * each for count, each in zip(shares, epochs, strict=True)) > max_epochs:
            trials -= 1
            shares = _shares(trials, len(epochs))
    fixed: list[dict[str, Any]] = [{"training.epochs": each} for each in epochs]
    if no_decay:
        fixed[-2]["schedule.name"] = "constant"
    rows = zip(epochs, shares, fixed, strict=True)
    return tuple(Stage(number, each, count, mine) for number, (each, count, mine) in enumerate(rows, 1))


def _shares(trials: int, stages: int) -> list[int]:
    """Divides trials so that each stage has about half of the one before, and none is empty."""
    parts = 2**stages - 1
    shares = [max(1, trials * 2 ** (stages - 1 - place) // parts) for place in range(stages)]
    shares[0] += trials - sum(shares)
    while shares[0] < 1:
        shares[shares.index(max(shares))] -= 1
        shares[0] += 1
    return shares


def ranked(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Sorts trials that can be judged, the best first: those that were trained to their end, then those given up as
    hopeless, by their value; of equal ones the one with the smaller loss, then the earlier. Diverged ones have no
    place."""
    judged = [record for record in records if record.value is not None and record.ended in ("completed", "pruned")]

    def order(record: TrialRecord) -> tuple[bool, float, float, int]:
        assert record.value is not None
        loss = record.train_losses[-1] if record.train_losses else math.inf
        return record.ended != "completed", -record.value, loss, record.trial

    return sorted(judged, key=order)


def best_of(records: Sequence[TrialRecord]) -> TrialRecord | None:
    """Finds the trial with the best value among those that were trained to their end."""
    completed = [record for record in ranked(records) if record.ended == "completed"]
    return completed[0] if completed else None


def good_of(records: Sequence[TrialRecord]) -> list[TrialRecord]:
    """Lists the best trials of a stage, around which the next box is laid, the best first."""
    judged = ranked(records)
    return judged[: max(LEAST_GOOD, math.ceil(GOOD_SHARE * len(records)))]


def taken_over(records: Sequence[TrialRecord], stage: Stage) -> list[TrialRecord]:
    """Lists the trials that the next stage repeats for more epochs, the best first."""
    return good_of(records)[: max(1, round(TAKEN_OVER * stage.trials))]
