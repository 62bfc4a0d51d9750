"""Whatever an optimizer carries from step to step comes back from a checkpoint, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from trainwright.data import PreparedData, batches, prepare
from trainwright.recipe import compose, parse_assignments
from trainwright.training import Checkpoints, Progress, Setup, build, load_checkpoint, restore
from trainwright.training.optimizers import OPTIMIZERS
from trainwright.training.schedules import rate_factor
from trainwright.training.step import grouped, set_rate, train_step
from trainwright.workflows.deciding import decide

WORDS = [
    "model.name=plain",
    "model.width=4",
    "model.depth=1",
    "model.dropout=0.3",
    "machine.threads=1",
    "optim.batch_size=16",
    "optim.layer_decay=0.8",
    "training.epochs=1",
]
OF_TIMM = ("adafactor", "adan", "lamb", "lion", "lars", "madgrad", "mars", "muon", "nadam", "novograd", "radam")


@pytest.fixture(scope="module")
def data() -> PreparedData:
    return prepare(compose({}).data, seed=0)


def setup_of(data: PreparedData, *words: str) -> Setup:
    return build(decide(compose(parse_assignments([*WORDS, *words])), data), data)


def equal(one: nn.Module, other: nn.Module) -> bool:
    theirs = other.state_dict()
    return all(torch.equal(tensor, theirs[name]) for name, tensor in one.state_dict().items())


def train(setup: Setup, data: PreparedData, first: int, last: int) -> None:
    """Makes the steps from `first` to before `last` of the first epoch."""
    walk = batches(data.train, setup.batch_size, seed=0, epoch=1, start=first)
    for step in range(first, last):
        factor = rate_factor(setup.recipe.schedule, step, setup.total_steps, per_epoch=setup.steps_per_epoch)
        set_rate(setup.optimizer, setup.recipe.optim, factor)
        train_step(
            setup.forward,
            setup.model,
            setup.optimizer,
            setup.scaler,
            next(grouped(walk, [setup.batch_size], 1)),
            lambda batch: setup.prepare_train(batch, 1),
            setup.machine,
            loss_of=setup.loss,
            clip=setup.clip,
            regularization=setup.recipe.regularization,
        )
        setup.average.update(setup.model, step + 1)


@pytest.mark.parametrize(
    "words",
    [
        *([f"optim.name={name}"] for name in (*OPTIMIZERS, *(f"timm:{name}" for name in OF_TIMM))),
        ["optim.clip_adaptive=0.01", "regularization.l1=1e-4", "regularization.max_norm=1"],
        ["optim.clip_value=0.01", "regularization.l2=1e-3", "regularization.decoupled=true"],
    ],
    ids=lambda words: words[0],
)
def test_stopped_and_gone_on_it_ends_as_if_nothing_had_happened(words, data, tmp_path: Path):
    straight = setup_of(data, *words)
    train(straight, data, 0, 8)

    stopped = setup_of(data, *words)
    train(stopped, data, 0, 5)
    Checkpoints(tmp_path).save_last(stopped, Progress(step=5))
    torch.rand(7)
    gone_on = setup_of(data, *words)
    assert restore(load_checkpoint(tmp_path / "last"), gone_on) == Progress(step=5)
    train(gone_on, data, 5, 8)

    assert equal(gone_on.model, straight.model)
    assert equal(gone_on.judged, straight.judged)
    assert not equal(stopped.model, straight.model)
