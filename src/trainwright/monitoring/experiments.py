"""Experiments on suspicion: two copies of a net go on for some steps, one of them with a single thing changed.

Nothing that training goes on with is moved: weights, moments, buffers, random numbers and the order of pictures are
after an experiment what they were before. Copies are made of the net as it is, not as it was compiled.

Legend: P judged pictures.
"""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Literal

import torch
from torch import Tensor, nn

from trainwright.data import PreparedData
from trainwright.models import evaluating
from trainwright.runs import ExperimentKind, ExperimentRecord
from trainwright.training import Answers, Group, NonFiniteLoss, Setup, grouped, top_rate, unmoved

from .pictures import Pictures

SHARES: dict[ExperimentKind, float] = {"rate-lower": 0.1, "rate-higher": 10.0}
"""Kind → share of the rate at which the changed copy goes on; 1 where it stands not here."""

AT_ONCE = 128
"""Pictures that go through a copy at once where it is judged; own choice."""

Coming = Generator[tuple[int, Group]]
"""The batches of each step to come, with their epoch as random numbers are drawn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Question:
    """What is to be tried, where, and for how long.

    Attributes:
        kind: what is changed.
        asked_by: codes of the findings that it is to tell apart.
        step, epoch: the last ones made.
        drawn: the epoch to come, counted as random numbers are drawn: both copies see what training is about to see.
        judged: labelled pictures as the net sees them in evaluation; of `one-batch` the batch takes their place.
        part: which they are of.
        most, fewest: steps of a copy; with fewer nothing is said.
        time_s: seconds for the steps of both copies, which are given fewer steps if need be.
    """

    kind: ExperimentKind
    asked_by: tuple[str, ...]
    step: int
    epoch: int
    drawn: int
    judged: Pictures
    part: Literal["train", "valid"]
    most: int
    fewest: int
    time_s: float


def experiment(setup: Setup, data: PreparedData, asked: Question) -> ExperimentRecord | None:
    """Trains two copies of the net for some steps, and compares their losses on the same pictures.

    Args:
        setup: of the training, between two steps; in one process, on a CPU or CUDA.
        data: whose training part the copies go on learning from.

    Returns: what came out; None where the time was too short for the fewest steps.
    """
    began, half_s = time.perf_counter(), asked.time_s / 2
    judged, part = asked.judged, asked.part
    plain, coming = setup, _coming(setup, data, asked.drawn)
    if asked.kind in ("augmentation-off", "one-batch"):
        plain = replace(setup, mixing=None)
        coming = _coming(plain, data, asked.drawn)
    if asked.kind == "one-batch":
        drawn, group = next(coming)
        batch = next(iter(group.batches))
        coming = _again(drawn, Group([batch], [len(batch.labels_N)]))
        judged, part = Pictures(setup.prepare_eval(batch), batch.labels_N), "train"
    before_P = _losses(setup, setup.model, judged)
    made, as_is_P = _after(setup, _coming(setup, data, asked.drawn), judged, asked.most, half_s)
    if as_is_P is not None and made < asked.fewest:
        coming.close()
        return None
    unaltered, share = plain is not setup, SHARES.get(asked.kind, 1.0)
    steps, time_s = (asked.most, half_s) if as_is_P is None else (made, math.inf)
    done, changed_P = _after(plain, coming, judged, steps, time_s, share=share, unaltered=unaltered)
    both = None if as_is_P is None or changed_P is None else changed_P - as_is_P
    error = math.nan if both is None else float(both.std()) / math.sqrt(len(both))
    return ExperimentRecord(
        step=asked.step,
        epoch=asked.epoch,
        kind=asked.kind,
        asked_by=asked.asked_by,
        steps=max(made, done),
        learning_rate=top_rate(setup.optimizer),
        part=part,
        pictures=len(judged),
        loss_before=_mean(before_P),
        loss_as_is=_mean(as_is_P),
        loss_changed=_mean(changed_P),
        error=error if math.isfinite(error) else None,
        cost_s=time.perf_counter() - began,
    )


def _coming(setup: Setup, data: PreparedData, drawn: int) -> Coming:
    """Walks through the steps to come, from the first one of an epoch, for ever."""
    while True:
        for group in grouped(setup.order(data, drawn), setup.sizes(data), setup.batches_per_step):
            yield drawn, group
        drawn += 1


def _again(drawn: int, group: Group) -> Coming:
    """Gives the same batch for every step."""
    while True:
        yield drawn, group


def _after(
    setup: Setup,
    coming: Coming,
    judged: Pictures,
    most: int,
    time_s: float,
    *,
    share: float = 1.0,
    unaltered: bool = False,
) -> tuple[int, Tensor | None]:
    """Trains a copy of the net, and asks it about the judged pictures.

    Args:
        most: steps to be made.
        time_s: seconds after which no other step is begun.
        share: of the rate.
        unaltered: whether the copy gets its pictures as in evaluation.

    Returns: the steps that were made, and the losses P; None where the copy broke down.
    """
    made, until = 0, time.perf_counter() + time_s
    with unmoved(setup.model), closing(coming):
        copied = _copied(setup, share)
        try:
            for drawn, group in islice(coming, most):
                copied.step(group, drawn, unaltered=unaltered)
                made += 1
                if time.perf_counter() >= until:
                    break
        except NonFiniteLoss:
            return made, None
        return made, _losses(setup, copied.model, judged)


def _copied(setup: Setup, share: float) -> Setup:
    """Copies what steps move: net, optimizer and scaler, which then hold each other as the originals do."""
    model, optimizer = copy.deepcopy((setup.model.train(), setup.optimizer))
    for group in optimizer.param_groups:
        group["lr"] *= share
    scaler = copy.deepcopy(setup.scaler)
    return replace(setup, model=model, forward=model, optimizer=optimizer, scaler=scaler, average=None)


@torch.no_grad()
def _losses(setup: Setup, model: nn.Module, judged: Pictures) -> Tensor:
    """Asks a net about pictures in evaluation mode: the loss of each, float64 P."""
    assert judged.labels is not None, "judged pictures have labels"
    outputs: list[Tensor] = []
    with unmoved(model), evaluating(model):
        for some in judged.chunks(AT_ONCE):
            with setup.machine.autocast():
                outputs.append(model(some.images_NCHW).float().cpu())
    return setup.task.losses(Answers(torch.cat(outputs), judged.labels.cpu()))


def _mean(losses_P: Tensor | None) -> float:
    """Takes the mean of losses; infinite where there are none, or one is not finite."""
    mean = math.inf if losses_P is None else float(losses_P.mean())
    return mean if math.isfinite(mean) else math.inf
