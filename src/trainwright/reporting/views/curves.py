"""How loss, accuracy, rate and gradient moved while the net learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainwright.runs import EpochRecord, StepRecord, StopRecord

MOST_STEP_POINTS = 300


@dataclass(frozen=True, kw_only=True)
class Curves:
    """One value an epoch; None where there was no validation. `best_epoch` is the epoch of the snapshot kept.

    `figure` names what the best epoch is chosen by; in tasks without right and wrong it stands in `valid_figure`, and
    there are no accuracies.
    """

    epochs: tuple[int, ...]
    train_loss: tuple[float, ...]
    valid_loss: tuple[float | None, ...]
    train_accuracy: tuple[float | None, ...]
    valid_accuracy: tuple[float | None, ...]
    best_epoch: int | None
    figure: str = "accuracy"
    valid_figure: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepCurve:
    """What was written every few steps, averaged over equal spans where there are many.

    `spans` is how many records each point averages at most. `gradient_norms` is empty where none were recorded.
    """

    steps: tuple[float, ...]
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    span: int


def curves(epochs: Sequence[EpochRecord], stop: StopRecord | None) -> Curves:
    """Lays epoch records out in columns.

    Args:
        epochs: oldest first.
        stop: the end of training; while there is none, the best epoch so far is marked.
    """
    best = max((record.epoch for record in epochs if record.best), default=None)
    if stop is not None and any(record.epoch == stop.best_epoch for record in epochs):
        best = stop.best_epoch
    figure = next((name for record in epochs for name in record.valid_figures), "accuracy")
    return Curves(
        epochs=tuple(record.epoch for record in epochs),
        train_loss=tuple(record.train_loss for record in epochs),
        valid_loss=tuple(record.valid_loss for record in epochs),
        train_accuracy=tuple(record.train_accuracy for record in epochs),
        valid_accuracy=tuple(record.valid_accuracy for record in epochs),
        best_epoch=best,
        figure=figure,
        valid_figure=tuple(record.valid_figures.get(figure) for record in epochs),
    )


def step_curve(steps: Sequence[StepRecord], most: int = MOST_STEP_POINTS) -> StepCurve:
    """Lays step records out in columns of at most `most` points, each the mean of a span of records.

    Args:
        steps: oldest first.
        most: points that a chart can show apart.
    """
    span = max(math.ceil(len(steps) / most), 1)
    groups = [steps[start : start + span] for start in range(0, len(steps), span)]
    norms = [
        [r.gradient_norm_before_clip for r in group if r.gradient_norm_before_clip is not None] for group in groups
    ]
    return StepCurve(
        steps=tuple(_mean([record.step for record in group]) for group in groups),
        rates=tuple(_mean([record.learning_rate for record in group]) for group in groups),
        losses=tuple(_mean([record.loss for record in group]) for group in groups),
        gradient_norms=tuple(map(_mean, norms)) if all(norms) else (),
        span=span,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
