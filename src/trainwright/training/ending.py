"""How a stage of training ends: by itself, or by numbers that ceased to be finite."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from trainwright.data import Part, eval_batches
from trainwright.errors import TrainingError
from trainwright.recipe import decided
from trainwright.runs import Finding, Record, StopRecord

from .choice import lower_rate, rate_of_auto
from .evaluation import eval_batch
from .non_finite import damaged_tensor, first_non_finite
from .parameter_groups import top_rate
from .progress import Progress
from .setup import Setup

CLIPPING_HELPS = 3
"""Times the rate of auto up to which shorter gradients can hold a run together; beyond, its steps are too long."""

Observer = Callable[[Record], None]
"""Is told every record of a run, in order; returns nothing."""


def refuse_damage(setup: Setup, progress: Progress, pictures: int, observers: Sequence[Observer]) -> None:
    """Keeps a net with weights that are not finite out of every checkpoint; the last good one stays on disk.

    Raises:
        TrainingError: a weight or running statistic is not finite after the last step.
    """
    for model in (setup.model, setup.judged):
        damage = damaged_tensor(model)
        if damage is not None:
            what = "weights ceased to be numbers"
            raise not_finite(setup, progress, pictures, what, progress.step, damage, observers)


def refuse_no_number(
    loss: float | None,
    part: Part,
    setup: Setup,
    progress: Progress,
    pictures: int,
    observers: Sequence[Observer],
) -> None:
    """Keeps an epoch out of every choice whose net has finite weights and no finite answers.

    Raises:
        TrainingError: the loss on the part is not finite.
    """
    if loss is None or math.isfinite(loss):
        return
    prepared = map(setup.prepare_eval, eval_batches(part, eval_batch(part.images_SCHW.shape[-1])))
    layers = (first_non_finite(setup.judged, images_NCHW, setup.machine, training=False) for images_NCHW in prepared)
    layer = next((layer for layer in layers if layer != "loss"), "loss")
    raise not_finite(setup, progress, pictures, f"validation loss became {loss}", progress.step, layer, observers)


def not_finite(
    setup: Setup, progress: Progress, pictures: int, what: str, step: int, layer: str, observers: Sequence[Observer]
) -> TrainingError:
    """Says where numbers ceased to be finite, as a finding, as the end of the run, and as the error to raise.

    Its words count steps and epochs of the whole run; the records, as all of this stage, its own.
    """
    rate, peak = top_rate(setup.optimizer), decided(setup.recipe.optim.lr)
    recipe, before, usual = setup.recipe, setup.before, rate_of_auto(setup.recipe, pictures=pictures)
    key = setup.rate_setting
    advice: dict[str, float | str] = {key: float(f"{recipe.get(key) / 10:.3g}")}
    if key == "optim.lr":
        advice = lower_rate(recipe, pictures=pictures)
    too_long = key == "optim.lr" and peak > CLIPPING_HELPS * usual
    if not too_long and (setup.clip is None or decided(recipe.optim.clip_norm) > 1):
        advice["optim.clip_norm"] = 1.0
    when = f"at step {before.steps + step}, in epoch {before.epochs + progress.epoch}"
    origins = {
        "input": "the prepared pictures were not finite already",
        "loss": "what every layer gave out was still finite",
    }
    summary = f"the {what} {when}; {origins.get(layer, f'it began in {layer}')}"
    finding = Finding(
        code="non-finite-loss",
        severity="stop",
        summary=summary,
        evidence={
            "first_layer": layer,
            "learning_rate": rate,
            "peak_learning_rate": peak,
            "learning_rate_of_auto": usual,
        },
        advice=advice,
        since_step=step,
        layers=(layer,),
    )
    tell(observers, finding)
    stop(progress, "non-finite-loss", summary, observers)
    return TrainingError(summary, got=f"learning rate {rate:.3g}, peak {peak:.3g}")


def stop(progress: Progress, kind: Any, reason: str, observers: Sequence[Observer]) -> StopRecord:
    """Records how a stage ended, and tells it."""
    unfinished = kind in ("interrupted", "non-finite-loss")
    record = StopRecord(
        reason=reason,
        kind=kind,
        epoch=progress.epoch if unfinished else progress.epoch - 1,
        step=progress.step,
        best_epoch=progress.best.epoch,
        train_time_s=progress.train_time_s + progress.epoch_time_s,
    )
    tell(observers, record)
    return record


def tell(observers: Sequence[Observer], record: Record) -> None:
    """Hands a record to all observers, in order."""
    for observer in observers:
        observer(record)
