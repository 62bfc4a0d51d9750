"""Watching our own training: a monitor made from what a stage trains with."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import torch
from torch import Tensor

from trainwright.data import Batch, Part, PreparedData
from trainwright.monitoring import MOST_PICTURES, Monitor, Pictures
from trainwright.recipe import decided
from trainwright.runs import Record
from trainwright.training import Progress, Setup

from .diagnosing import Diagnosing
from .experimenting import Experimenting

MOST_NUMBERS = 2**25
"""Numbers that a fixed set holds in memory at most, 128 MiB; fewer pictures where they are large. Own choice."""

AT_ONCE = 128


@contextmanager
def watching(
    setup: Setup,
    data: PreparedData,
    progress: Progress,
    tell: Callable[[Record], None],
    diagnosing: Diagnosing | None = None,
) -> Generator[Monitor | Experimenting | None]:
    """Watches a stage of training in the block, where the recipe asks for it.

    Args:
        setup: what the stage trains with.
        data: its training and validation parts, of which fixed sets are drawn.
        progress: where it begins.
        tell: gets the records, counted as the stage counts.
        diagnosing: asks for experiments, which are made where the recipe lets it.
    """
    if not setup.recipe.logging.watch:
        yield None
        return
    with monitor_of(setup, data, progress, tell) as monitor:
        monitor.begin(progress.epoch - 1)
        if diagnosing is None or not experiments_allowed(setup, data):
            yield monitor
        else:
            yield Experimenting(monitor, setup, data, diagnosing, tell)


def experiments_allowed(setup: Setup, data: PreparedData) -> bool:
    """Says whether experiments are made: if the recipe says so, in one process, on a CPU or CUDA, not of pairs."""
    said = setup.recipe.logging.experiments == "suspicion"
    where = setup.machine.device.type in ("cpu", "cuda")
    return said and setup.ranks.alone and where and data.train.pairs_P2 is None


def monitor_of(setup: Setup, data: PreparedData, progress: Progress, tell: Callable[[Record], None]) -> Monitor:
    """Makes the monitor of a stage; its sets are drawn by the recipe's seed, so that they stay the same at a resume."""

    def forward(images_NCHW: Tensor) -> Tensor:
        with setup.machine.autocast():
            return setup.model(images_NCHW)

    classes = len(data.classes) if data.task == "classification" else None
    pairs = data.train.pairs_P2 is not None

    def loss_of(outputs: Tensor, labels: Tensor) -> Tensor:
        return setup.loss(outputs, labels, None)

    return Monitor(
        setup.model,
        setup.optimizer,
        tell=tell,
        probe=_fixed(setup, data.train),
        valid=_fixed(setup, data.valid),
        loss_of=None if pairs else loss_of,
        classes=classes,
        batch_size=setup.batch_size * setup.batches_per_step,
        steps_planned=setup.total_steps,
        start_step=progress.step,
        forward=forward,
        scaler=setup.scaler,
    )


def _fixed(setup: Setup, part: Part) -> Pictures | None:
    """Draws pictures of a part that stay the same, as the net sees them in evaluation; None of an empty part."""
    if not len(part):
        return None
    drawn = torch.Generator().manual_seed(decided(setup.recipe.training.seed))
    rows_N = torch.randperm(len(part), generator=drawn)[:MOST_PICTURES]
    images: list[Tensor] = []
    for first in range(0, len(rows_N), AT_ONCE):
        rows = rows_N[first : first + AT_ONCE]
        batch = Batch(part.images(rows), part.labels_N[rows], part.samples_N[rows], None)
        images.append(setup.prepare_eval(batch))
        if sum(some.numel() for some in images) >= MOST_NUMBERS:
            break
    together_NCHW = torch.cat(images)
    return Pictures(together_NCHW, part.labels_N[rows_N[: len(together_NCHW)]])
