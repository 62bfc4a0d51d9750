"""Which snapshot is best so far, whether to go on, whether to slow down: pure functions of what was measured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from trainwright.data import Part
from trainwright.runs import EpochRecord, StepRecord


@dataclass(frozen=True)
class Cut:
    """Training ends here, before its last step: for good, or to be gone on with."""

    kind: Literal["interrupted", "early-stopping"]
    reason: str


Enough = Callable[[StepRecord | EpochRecord], Cut | None]
"""Is asked after every step and epoch whether training shall end there, and why; None goes on."""


@dataclass(frozen=True)
class Best:
    """The best epoch so far and what the validation part said of it (None without a validation part).

    `score` is what the task goes by, such as accuracy; higher is better.
    """

    epoch: int = 0
    score: float | None = None
    loss: float | None = None


@dataclass(frozen=True)
class Before:
    """What a second stage comes after: epochs, steps and seconds of the first, that its own count on from."""

    epochs: int = 0
    steps: int = 0
    time_s: float = 0.0


@dataclass(frozen=True)
class Goal:
    """Training goes on until the mean loss of the `added` pictures, in evaluation mode, is no more than `loss`."""

    added: Part
    loss: float


def better(best: Best, epoch: int, score: float | None, loss: float | None) -> Best:
    """Returns the better of the best so far and a new epoch: higher score, at equal score lower loss.

    Without a validation part nothing can choose, and the newest epoch is kept.

    >>> better(Best(1, 0.9, 0.3), 2, 0.9, 0.2).epoch
    2
    """
    new = Best(epoch, score, loss)
    if best.score is None or best.loss is None or score is None or loss is None:
        return new
    return new if (score, -loss) > (best.score, -best.loss) else best


def on_a_plateau(best: Best, epoch: int, since: int, drop_epochs: int) -> bool:
    """Tells whether `drop_epochs` have passed without a better epoch, none of them up to the epoch `since`.

    >>> [on_a_plateau(Best(2, 0.9, 0.3), epoch, since=4, drop_epochs=2) for epoch in (5, 6)]
    [False, True]
    """
    return epoch - max(best.epoch, since) >= drop_epochs


def out_of_patience(best: Best, epoch: int, patience: int) -> bool:
    """Tells whether `patience` epochs have passed without a better one; patience 0 never ends."""
    return patience > 0 and epoch - best.epoch >= patience
