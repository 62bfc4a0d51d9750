"""How far a run has come, and its way into a checkpoint and back."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from trainwright.data import PreparedData, Preprocessor, preprocessor_from, preprocessor_state
from trainwright.errors import InputError
from trainwright.models import plain_state

from .checkpoint import Checkpoint, load_newest, save_checkpoint
from .parameter_groups import load_optimizer
from .setup import Setup
from .stopping import Best


@dataclass
class Progress:
    """Where the loop stands. Epochs count from 1; `epoch` is the one under way, `batch` its batches already seen.

    `loss_sum` is summed over the batches of this epoch, `correct` and `pictures` over their pictures (`correct` is None
    in tasks without right and wrong). `drops` counts how often the schedule `plateau` has lowered the rate, last after
    the epoch `dropped_at`. `added_loss` is how far the way to a goal is made after the last epoch, `reached` whether it
    is.
    """

    epoch: int = 1
    batch: int = 0
    step: int = 0
    steps_in_epoch: int = 0
    loss_sum: float = 0.0
    correct: int | None = 0
    pictures: int = 0
    epoch_time_s: float = 0.0
    waiting_time_s: float = 0.0
    train_time_s: float = 0.0
    drops: int = 0
    dropped_at: int = 0
    stopped_early: bool = False
    reached: bool = False
    added_loss: float | None = None
    best: Best = field(default_factory=Best)

    def next_epoch(self) -> None:
        """Turns to the next epoch with empty sums."""
        self.epoch += 1
        self.batch = self.steps_in_epoch = self.correct = self.pictures = 0
        self.loss_sum = self.epoch_time_s = self.waiting_time_s = 0.0


def training_state(setup: Setup, progress: Progress) -> dict[str, Any]:
    """Gathers, as tensors and plain values, what a run goes on with beside its weights."""
    draws_on_gpus = setup.machine.device.type == "cuda" and setup.ranks.alone  # ranks seed anew for every step
    return {
        "progress": dataclasses.asdict(progress),
        "preprocessor": preprocessor_state(setup.preprocessor),
        "optimizer": setup.optimizer.state_dict(),
        "average": None if setup.average is None else setup.average.model.state_dict(),
        "scaler": None if setup.scaler is None else setup.scaler.state_dict(),
        "rng_cpu": torch.get_rng_state(),
        "rng_cuda": torch.cuda.get_rng_state_all() if draws_on_gpus else [],
    }


@dataclass(frozen=True)
class Checkpoints:
    """Where a stage of training keeps what it has learned.

    Attributes:
        folder: of `last` and `best`.
        meta: JSON values that describe the model, kept in every checkpoint.
    """

    folder: Path
    meta: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def save_last(self, setup: Setup, progress: Progress) -> None:
        """Writes all that an uninterrupted run would carry into its next step."""
        state, weights = training_state(setup, progress), setup.model.state_dict()
        save_checkpoint(self.folder / "last", weights, state, self._described(progress))

    def save_best(self, setup: Setup, progress: Progress) -> None:
        """Writes the judged model, its weights as the layers use them, and its preprocessing: what prediction needs."""
        state = {"preprocessor": preprocessor_state(setup.preprocessor)}
        save_checkpoint(self.folder / "best", plain_state(setup.judged), state, self._described(progress))

    def _described(self, progress: Progress) -> dict[str, Any]:
        return {**self.meta, "epoch": progress.epoch, "step": progress.step}


def kept_preprocessor(folder: Path, data: PreparedData) -> Preprocessor | None:
    """Takes what a run was trained with out of its newest checkpoint; None where there is no checkpoint yet.

    It is not measured anew, because another machine's whitening may turn pictures another way.

    Args:
        folder: `checkpoints/last` of the run.
        data: of the run.

    Raises:
        InputError: all checkpoints are damaged, or it was fitted on pictures of another shape.
    """
    checkpoint, _ = load_newest(folder)
    if checkpoint is None:
        return None
    return preprocessor_from(checkpoint.state["preprocessor"], channels=data.channels, img_size=data.img_size)


def restore(checkpoint: Checkpoint, setup: Setup, *, changed: bool = False) -> Progress:
    """Puts the checkpoint `last` into a freshly built setup; what follows equals an uninterrupted run.

    Args:
        changed: the setup was built by another recipe than the checkpoint's, whose settings hold from here on.

    Raises:
        InputError: it is a result without training state, or of another model.
    """
    state = checkpoint.state
    if "progress" not in state:
        raise InputError("this checkpoint is a result; it cannot be trained further", where=str(checkpoint.path))
    try:
        setup.model.load_state_dict(checkpoint.weights)
        load_optimizer(setup.optimizer, state["optimizer"], changed=changed)
        if setup.average is not None:
            setup.average.model.load_state_dict(state["average"])
        if setup.scaler is not None:
            setup.scaler.load_state_dict(state["scaler"])
        torch.set_rng_state(state["rng_cpu"])
        if state["rng_cuda"] and setup.ranks.alone:
            torch.cuda.set_rng_state_all(state["rng_cuda"])
        saved = dict(state["progress"])
        best = dict(saved["best"])
        best["score"] = best.pop("accuracy", best.get("score"))  # as it was called while all tasks were classification
        return Progress(**{**saved, "best": Best(**best)})
    except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "the checkpoint does not fit the run's recipe",
            got=str(error).strip().splitlines()[0],
            where=str(checkpoint.path),
        ) from None
