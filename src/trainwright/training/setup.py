"""What a run trains with, and the few things that everybody who trains does with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from trainwright.data import Augmenter, Batch, Mixing, PreparedData, Preprocessor, batches
from trainwright.models import WeightReport
from trainwright.recipe import Recipe

from .averaging import WeightAverage
from .clipping import Clip
from .distributed import ALONE, Ranks
from .losses import Loss
from .machine import Machine
from .schedules import risen_epoch
from .step import Group, StepResult, batch_sizes, train_step
from .stopping import Before
from .tasks import Task


@dataclass(frozen=True)
class Setup:
    """What a run trains with. The parts change (weights, moments, averages); which parts they are does not.

    Attributes:
        recipe: decided, without `auto`.
        task: what the net learns to say.
        weights: what became of a file of weights, where the recipe names one.
        forward: the model as training calls it, compiled where the recipe says so.
        clip: how gradients are shortened, where the recipe says so.
        average: running average of the weights, where the recipe asks for it.
        scaler: scales the loss in float16, else None.
        batches_per_step: batches whose gradients make a step; the last step of an epoch may have fewer.
        steps_per_epoch: optimizer steps an epoch.
        before: what a second stage comes after; nothing in a first.
        epochs_drawn: epochs whose random draws are used up, so that orders and augmentations are drawn as after them.
        rate_setting: key of the setting that makes the rates of this stage, and of no other, larger or smaller.
        ranks: train together; each has the same weights, and reads and learns its share of every batch.
        total_steps: optimizer steps of the whole stage.
    """

    recipe: Recipe
    task: Task
    machine: Machine
    preprocessor: Preprocessor
    augmenter: Augmenter
    mixing: Mixing | None
    model: nn.Module
    weights: WeightReport | None
    forward: Callable[[Tensor], Tensor]
    loss: Loss
    optimizer: torch.optim.Optimizer
    clip: Clip | None
    average: WeightAverage | None
    scaler: torch.amp.GradScaler | None
    epochs: int
    batch_size: int
    batches_per_step: int
    steps_per_epoch: int
    before: Before = field(default_factory=Before)
    epochs_drawn: int = 0
    rate_setting: str = "optim.lr"
    ranks: Ranks = ALONE

    @property
    def total_steps(self) -> int:
        return self.epochs * self.steps_per_epoch

    @property
    def risen_epoch(self) -> int:
        """The first epoch at whose end the warm-up is over, from 1."""
        return risen_epoch(self.recipe.schedule, self.total_steps, per_epoch=self.steps_per_epoch)

    @property
    def judged(self) -> nn.Module:
        """The model that is evaluated, kept and shipped: the average where there is one."""
        return self.model if self.average is None else self.average.model

    def sizes(self, data: PreparedData) -> list[int]:
        """Gives the pictures of each batch of an epoch, those of all ranks together."""
        sizes = batch_sizes(data.train.drawn, self.batch_size, self.recipe.optim.accumulate)
        return [2 * pairs for pairs in sizes] if data.train.pairs_P2 is not None else sizes

    def order(self, data: PreparedData, epoch: int, start: int = 0) -> Iterator[Batch]:
        """Walks through the training batches of an epoch, counted as random numbers are drawn, from batch `start`.

        Of several ranks each gets its share of every batch.
        """
        return batches(
            data.train,
            self.batch_size,
            seed=self.recipe.training.seed,
            epoch=epoch,
            start=start,
            every_picture=self.recipe.optim.accumulate == "all",
            mixing=self.mixing,
            share=self.ranks.share,
        )

    def step(self, group: Group, epoch: int, *, witnessed: bool = False, unaltered: bool = False) -> StepResult:
        """Makes one optimizer step with batches of an epoch, counted as random numbers are drawn.

        Args:
            witnessed: whether a witness will look at the step.
            unaltered: whether the net gets the pictures as in evaluation; what is mixed into a batch stays.

        Raises:
            NonFiniteLoss: before any weight has moved.
        """
        return train_step(
            self.forward,
            self.model,
            self.optimizer,
            self.scaler,
            group,
            self.prepare_eval if unaltered else lambda batch: self.prepare_train(batch, epoch),
            self.machine,
            loss_of=self.loss,
            hits_of=self.task.hits,
            clip=self.clip,
            regularization=self.recipe.regularization,
            ranks=self.ranks,
            sync_batch_norm=self.recipe.training.sync_batch_norm,
            witnessed=witnessed,
        )

    def prepare_train(self, batch: Batch, epoch: int) -> Tensor:
        """Moves a training batch to the device, augments, normalizes and mixes it: float N C H W."""
        own_NCHW = self._augmented(batch.images_NCHW, batch.samples_N, epoch)
        if batch.mix is None:
            return own_NCHW
        return batch.mix.blended(own_NCHW, self._augmented(batch.mix.images_NCHW, batch.mix.samples_N, epoch))

    def _augmented(self, images_NCHW: Tensor, samples_N: Tensor, epoch: int) -> Tensor:
        return self.augmenter.train(images_NCHW.to(self.machine.device, non_blocking=True), samples_N, epoch)

    def prepare_eval(self, batch: Batch) -> Tensor:
        """Moves a batch to the device and normalizes it: float N C H W."""
        return self.augmenter.evaluate(batch.images_NCHW.to(self.machine.device, non_blocking=True))
