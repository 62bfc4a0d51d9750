"""Runs made up for tests of rules: a healthy one, of which each test spoils what it is about.

A net of three convolutions with batch normalization and a head, 10 classes, 400 steps in 10 epochs, learned well.
Every column may be given as a value, or as a function of the step (of the epoch in `epoch`).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any

from trainwright.diagnosis.course import Course, Known
from trainwright.diagnosis.suspicion import Suspicion
from trainwright.runs import (
    AnswersRecord,
    EpochRecord,
    History,
    ProbeRecord,
    Record,
    StepRecord,
    StopRecord,
    UnitsRecord,
    WatchedLayer,
    WatchedTensor,
    WatchRecord,
)

BLIND = math.log(10)
Column = Any | Callable[[int], Any]


def weight(name: str, shape: tuple[int, ...] = (16, 16, 3, 3), *, gain: float = 1.0, **changes: Any) -> WatchedTensor:
    """A weight of a layer; `gain` is its deviation times the root of its inputs."""
    inputs = math.prod(shape[1:])
    return WatchedTensor(
        **{
            "name": f"{name}.weight",
            "layer": name,
            "kind": "weight",
            "shape": shape,
            "trainable": True,
            "moved": True,
            "normalized": False,
            "deviation": gain / math.sqrt(inputs),
            "twins": 0.0,
        }
        | changes
    )


def layer(name: str, kind: str = "Conv2d", units: int = 16, size: int = 8) -> WatchedLayer:
    return WatchedLayer(name=name, kind=kind, units=units, shape=(units, size, size) if size else (units,))


TENSORS = (
    weight("conv1", (16, 1, 3, 3), normalized=True),
    weight("conv2", normalized=True),
    weight("conv3", normalized=True),
    weight("head", (10, 16)),
)
LAYERS = (
    *(
        layer(f"{'conv' if kind == 'Conv2d' else kind.lower()}{number}", kind, size=16 >> number)
        for number in (1, 2, 3)
        for kind in ("Conv2d", "BatchNorm2d", "ReLU")
    ),
    layer("head", "Linear", 10, 0),
)


def learning(step: int) -> float:
    """The training loss of a run that learns: from the blind loss to 0.1, with a little noise."""
    return 0.1 + (BLIND - 0.1) * math.exp(-step / 60) * (1 + 0.05 * math.sin(7.0 * step))


def records(
    *,
    steps: int = 400,
    per_epoch: int = 40,
    probe_every: int = 10,
    tensors: Sequence[WatchedTensor] = TENSORS,
    layers: Sequence[WatchedLayer] = LAYERS,
    loss: Column = learning,
    rate: Column = 0.1,
    norm: Column = None,
    epoch: Mapping[str, Column] | None = None,
    watch: Mapping[str, Any] | None = None,
    probe: Mapping[str, Column] | None = None,
    units: Mapping[str, Column] | None = None,
    clean: Mapping[str, Column] | None = None,
    batched: Mapping[str, Column] | None = None,
    valid: Mapping[str, Column] | None = None,
    stop: str | None = "completed",
    watched: bool = True,
) -> list[Record]:
    """Makes the records of a run.

    Args:
        steps: of the optimizer.
        per_epoch: steps an epoch.
        probe_every: distance of probes.
        tensors: of the net, with their beginnings.
        layers: that are watched.
        loss: of each step, as trained.
        rate: of each step.
        norm: gradient norm before clipping of each step.
        epoch: columns of the epoch records.
        watch: fields of the watch record.
        probe: columns of the probes.
        units: columns of the looks at the units.
        clean: columns of the answers about the probe set in evaluation mode.
        batched: columns of those in training mode.
        valid: columns of those about validation pictures.
        stop: how it ended; None while it goes on.
        watched: whether anything but steps and epochs was seen.
    """
    made: list[Record] = []
    width, depth = len(tensors), len(layers)

    def answers(part: str, mode: str, step: int, changes: Mapping[str, Column] | None) -> AnswersRecord:
        usual = {
            "loss": lambda s: _at(loss, max(1, s)) * (1.1 if part == "valid" else 1.0),
            "accuracy": lambda s: 1 - 0.39 * _at(loss, max(1, s)),
            "loss_error": 0.02,
            "pictures": 512,
        }
        return AnswersRecord(
            step=step,
            epoch=step // per_epoch,
            part=part,  # type: ignore[arg-type]
            **_row({"mode": mode} | usual | dict(changes or {}), step, AnswersRecord),
        )

    def look(step: int) -> list[Record]:
        if not watched:
            return []
        usual = {
            "pictures": 512,
            "mean": (0.3,) * depth,
            "deviation": (1.0,) * depth,
            "zeros": tuple(0.5 if one.kind == "ReLU" else 0.0 for one in layers),
            "dead": tuple(0.0 if one.kind == "ReLU" else None for one in layers),
            "correlation": (0.2,) * depth,
            "constant": (0.0,) * depth,
            "unfed": (0.0,) * depth,
        }
        row = UnitsRecord(step=step, epoch=step // per_epoch, **_row(usual | dict(units or {}), step, UnitsRecord))
        return [
            row,
            answers("train", "eval", step, clean),
            answers("train", "train", step, batched),
            answers("valid", "eval", step, valid),
        ]

    if watched:
        usual_watch = {
            "step": 0,
            "tensors": tuple(tensors),
            "layers": tuple(layers),
            "optimizer": "SGD",
            "settings": {"lr": _at(rate, 1), "momentum": 0.9},
            "classes": 10,
            "batch_size": 50,
            "steps_planned": steps,
            "probe_pictures": 512,
        }
        made.append(WatchRecord(**(usual_watch | dict(watch or {}))))
    made.extend(look(0))
    for step in range(1, steps + 1):
        now, this_epoch = float(_at(loss, step)), (step - 1) // per_epoch + 1
        made.append(
            StepRecord(
                step=step,
                epoch=this_epoch,
                learning_rate=_at(rate, step),
                loss=now,
                gradient_norm_before_clip=_at(norm, step),
            )
        )
        if watched and (step <= 4 or step % probe_every == 0):
            usual_probe = {
                "loss": now,
                "predicted_change": -0.01 * now,
                "loss_after": lambda s, now=now: now - 0.007 * now,
                "gradients": (0.1,) * width,
                "weights": (1.0,) * width,
                "updates": tuple(0.005 if one.moved and one.trainable else 0.0 for one in tensors),
                "turns": (0.005,) * width,
                "zero_gradients": (0.0,) * width,
                "backwards": 1,
                "kept": 1.0,
                "fresh": 1.0,
                "mode": "train",
                "every": probe_every,
            }
            made.append(
                ProbeRecord(step=step, epoch=this_epoch, **_row(usual_probe | dict(probe or {}), step, ProbeRecord))
            )
        if step % per_epoch == 0:
            made.extend(look(step))
            made.append(_epoch(this_epoch, step, _at(rate, step), now, epoch or {}))
    if stop is not None:
        made.append(
            StopRecord(
                reason=stop,
                kind=stop,  # type: ignore[arg-type]
                epoch=steps // per_epoch,
                step=steps,
                best_epoch=steps // per_epoch,
                train_time_s=1.0,
            )
        )
    return made


def course(known: Known | None = None, **changes: Any) -> Course:
    """The course of a run as `records` makes it."""
    return Course(History.of(records(**changes)), known or Known())


def alarming(suspicion: Suspicion | None) -> bool:
    """Whether a suspicion would be told as more than a note."""
    return (
        suspicion is not None
        and suspicion.harmful
        and (suspicion.persistent or suspicion.exact)
        and (suspicion.exact or suspicion.strength >= 0.5)
    )


def _epoch(number: int, step: int, rate: float, loss: float, changes: Mapping[str, Column]) -> EpochRecord:
    usual: dict[str, Column] = {
        "train_loss": loss,
        "train_accuracy": 1 - 0.39 * loss,
        "valid_loss": 1.1 * loss,
        "valid_accuracy": 1 - 0.39 * 1.1 * loss,
        "best": True,
        "train_time_s": 1.0,
        "valid_time_s": 0.1,
        "pictures_per_s": 2000.0,
        "data_wait_share": 0.01,
        "memory_mib": 100.0,
    }
    return EpochRecord(epoch=number, step=step, learning_rate=rate, **_row(usual | dict(changes), number, EpochRecord))


def _row(columns: Mapping[str, Column], place: int, kind: type) -> dict[str, Any]:
    unknown = set(columns) - {field.name for field in fields(kind)}
    assert not unknown, f"{kind.__name__} has no {unknown}"
    return {name: _at(column, place) for name, column in columns.items()}


def _at(column: Column, place: int) -> Any:
    return column(place) if callable(column) else column
