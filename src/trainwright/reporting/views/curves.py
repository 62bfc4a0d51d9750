"""How loss, accuracy, rate and gradient moved while the net learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from trainwright.runs import EpochRecord, StepRecord, StopRecord

MOST_STEP_POINTS = 300


@dataclass(frozen=True, kw_only=True)
class Curves:
    """One value an epoch; None where there was no validation, or in the other stage. `best_epoch` is the best epoch
    of the first stage; the second, on the validation pictures, too, has columns of its own that begin with `retrain`.

    `figure` names what the best epoch is chosen by; in tasks without right and wrong it stands in `valid_figure`, and
    there are no accuracies.
    """

    epochs: tuple[int, ...]
    train_loss: tuple[float | None, ...]
    valid_loss: tuple[float | None, ...]
    retrain_loss: tuple[float | None, ...]
    train_accuracy: tuple[float | None, ...]
    valid_accuracy: tuple[float | None, ...]
    retrain_accuracy: tuple[float | None, ...]
    best_epoch: int | None
    figure: str = "accuracy"
    valid_figure: tuple[float | None, ...] = ()


@dataclass(frozen=True, kw_only=True)
class StepCurve:
    """What was written every few steps, averaged over equal spans where there are many.

    `span` is how many records each point averages at most. `gradient_norms` is empty where none were recorded. From the
    point `second_from` on they belong to the second stage, if there is one.
    """

    steps: tuple[float, ...]
    rates: tuple[float, ...]
    losses: tuple[float, ...]
    gradient_norms: tuple[float, ...]
    span: int
    second_from: int | None = None


def curves(epochs: Sequence[EpochRecord], stop: StopRecord | None) -> Curves:
    """Lays epoch records out in columns.

    Args:
        epochs: oldest first.
        stop: the end of the first stage; while there is none, the best epoch so far is marked.
    """
    first, second = ([record.stage == stage for record in epochs] for stage in ("first", "retrain"))
    best = max((record.epoch for record in epochs if record.best), default=None)
    if stop is not None and any(record.epoch == stop.best_epoch for record in epochs):
        best = stop.best_epoch
    figure = next((name for record in epochs for name in record.valid_figures), "accuracy")
    return Curves(
        epochs=tuple(record.epoch for record in epochs),
        train_loss=_where(first, [record.train_loss for record in epochs]),
        valid_loss=tuple(record.valid_loss for record in epochs),
        retrain_loss=_where(second, [record.train_loss for record in epochs]),
        train_accuracy=_where(first, [record.train_accuracy for record in epochs]),
        valid_accuracy=tuple(record.valid_accuracy for record in epochs),
        retrain_accuracy=_where(second, [record.train_accuracy for record in epochs]),
        best_epoch=best,
        figure=figure,
        valid_figure=tuple(record.valid_figures.get(figure) for record in epochs),
    )


def step_curve(
    steps: Sequence[StepRecord], first_stage: int | None = None, *, most: int = MOST_STEP_POINTS
) -> StepCurve:
    """Lays step records out in columns of at most `most` points, each the mean of a span of records.

    Args:
        steps: oldest first.
        first_stage: the last step of the first stage, where another followed; no point averages over both.
        most: points that a chart can show apart.
    """
    span = max(math.ceil(len(steps) / most), 1)
    second = [record.step > first_stage for record in steps].count(True) if first_stage is not None else 0
    first = len(steps) - second
    starts = [*range(0, first, span), *range(first, len(steps), span)]
    groups = [steps[start : min(start + span, first if start < first else len(steps))] for start in starts]
    norms = [
        [r.gradient_norm_before_clip for r in group if r.gradient_norm_before_clip is not None] for group in groups
    ]
    return StepCurve(
        steps=tuple(_mean([record.step for record in group]) for group in groups),
        rates=tuple(_mean([record.learning_rate for record in group]) for group in groups),
        losses=tuple(_mean([record.loss for record in group]) for group in groups),
        gradient_norms=tuple(map(_mean, norms)) if all(norms) else (),
        span=span,
        second_from=math.ceil(first / span) if second else None,
    )


def _where(here: Sequence[bool], values: Sequence[float | None]) -> tuple[float | None, ...]:
    return tuple(value if wanted else None for wanted, value in zip(here, values, strict=True))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
