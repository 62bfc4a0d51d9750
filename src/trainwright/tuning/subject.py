"""What is about to be trained, as every check sees it, whether it is a recipe's or somebody's own loop.

Legend: N pictures, C channels, H W height and width, K outputs.
"""

from __future__ import annotations

import contextlib
import copy
import math
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm  # pyright: ignore[reportPrivateUsage]

from trainwright.data import Batch, Part, PreparedData, batches
from trainwright.recipe import RegularizationSection
from trainwright.training import Answers, Setup, eval_batch, gradient_norm, mixed_loss

FEWEST = 16
"""Pictures at a time by which a net that normalizes by the batch is judged, where it is trained on fewer."""


class OutOfTime(Exception):
    """A check has used up its time."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """Pictures as the net sees them, on its device, with what is true of them.

    Attributes:
        images_NCHW: float.
        labels: what is true of each, N or N K.
        loss_of: from outputs N K to the training loss, a scalar.
    """

    images_NCHW: Tensor
    labels: Tensor
    loss_of: Callable[[Tensor], Tensor]


@dataclass(eq=False)
class Twin:
    """A copy of net and optimizer that a check may train and throws away."""

    model: nn.Module
    optimizer: torch.optim.Optimizer
    rates: list[float]
    """Of each group of the optimizer, as chosen."""
    regularization: RegularizationSection | None = None
    """That training adds outside the optimizer."""

    def set_rate(self, factor: float) -> None:
        """Sets every group to its chosen rate times a factor."""
        for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
            group["lr"] = rate * factor


@dataclass(frozen=True, eq=False)
class Subject:
    """A net, its loss, its optimizer and its pictures. Nothing in it is ever trained: checks work on twins.

    Attributes:
        model: as training would begin with it.
        optimizer: over the model's parameters, with the chosen peak rates; None where there is none yet.
        clean: gives so many training pictures as validation would see them, or as many as there are and fit.
        clean_batches: walks once through batches of training's size as validation would see them.
        unseen: as `clean`, pictures that are not trained on; None where there are none.
        trained: walks through batches as training would see them; begins anew whenever it is called.
        losses: each picture's loss by outputs and labels, float64 N on the CPU, without smoothing or weights.
        hits: how many of a batch are answered rightly; None where nothing is right or wrong.
        blind: what the loss of a net that knows nothing is, in words and under a name for evidence.
        blind_loss: that loss, for labels of some pictures and the outputs for them.
        classes: of a classification; None in other tasks.
        steps: that the training will make; None where nobody knows.
        batches_per_step: whose gradients make a step.
        batch_size: pictures of a batch.
        autocast: opens the number format of training; float16, whose loss must be scaled, is rehearsed in float32.
        regularization: penalties and limits that training adds outside the optimizer.
        clip: shortens gradients as training does.
        until: second on the clock of time.perf_counter after which a check begins nothing more that takes long.
    """

    model: nn.Module
    optimizer: torch.optim.Optimizer | None
    clean: Callable[[int], Lesson]
    clean_batches: Callable[[], Iterator[Lesson]]
    unseen: Callable[[int], Lesson] | None
    trained: Callable[[], Iterator[Lesson]]
    losses: Callable[[Tensor, Tensor], Tensor]
    hits: Callable[[Tensor, Tensor], Tensor | None]
    blind: tuple[str, str]
    blind_loss: Callable[[Tensor, Tensor], float]
    classes: int | None
    steps: int | None
    autocast: Callable[[], contextlib.AbstractContextManager[object]] = contextlib.nullcontext
    clip: Callable[[nn.Module], None] | None = None
    batches_per_step: int = 1
    batch_size: int = 128
    regularization: RegularizationSection | None = None
    until: float = math.inf

    def keep_time(self, ahead_s: float = 0.0) -> None:
        """Asks whether so many seconds are left; every step of a check asks.

        Raises:
            OutOfTime: they are not.
        """
        if time.perf_counter() + ahead_s > self.until:
            raise OutOfTime

    def twin(self, *, regularized: bool = True) -> Twin:
        """Copies net and optimizer, which then hold each other's parameters as the originals do.

        Args:
            regularized: False leaves decay, penalties and limits out; what drops units is left out by `plainly`.
        """
        optimizer = self.optimizer
        if optimizer is None:
            raise ValueError("a twin that is trained needs an optimizer")
        model, optimizer = copy.deepcopy((self.model, optimizer))
        if not regularized:
            for group in optimizer.param_groups:
                if "weight_decay" in group:
                    group["weight_decay"] = 0.0
        rates = [float(group["lr"]) for group in optimizer.param_groups]
        return Twin(model, optimizer, rates, self.regularization if regularized else None)

    def twin_by_adam(self, rate: float) -> Twin:
        """Copies the net, without regularization, under an optimizer that learns almost anywhere.

        It moves what the subject's own does; all that may learn where there is none.
        """
        if self.optimizer is None:
            model = copy.deepcopy(self.model)
            moved = [parameter for parameter in model.parameters() if parameter.requires_grad]
        else:
            twin = self.twin(regularized=False)
            model = twin.model
            moved = [parameter for group in twin.optimizer.param_groups for parameter in group["params"]]
        return Twin(model, torch.optim.Adam(moved, lr=rate), [rate])

    def answer(self, model: nn.Module, images_NCHW: Tensor) -> Tensor:
        """Asks a model in the number format of training: outputs N K."""
        with self.autocast():
            return model(images_NCHW)

    @torch.no_grad()
    def outputs(self, model: nn.Module, images_NCHW: Tensor) -> Tensor:
        """Asks a model about pictures in batches of training's size, FEWEST at least: float32 N K."""
        parts = images_NCHW.tensor_split(max(1, len(images_NCHW) // max(self.batch_size, FEWEST)))
        return torch.cat([self.answer(model, some).float() for some in parts])


def plainly(model: nn.Module) -> nn.Module:
    """Puts a net into the state in which a batch's own statistics normalize it, and nothing is dropped or drawn."""
    model.eval()
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.train()
    return model


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Gives back the random numbers that a check draws, so that training goes on as if there had been none."""
    others = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(0)
        try:
            yield
        finally:
            random.setstate(others[0])
            np.random.set_state(others[1])


def subject_of(setup: Setup, data: PreparedData) -> Subject:
    """Describes a recipe that has been built, and its pictures."""
    seed, device, pairs = setup.recipe.training.seed, setup.machine.device, data.train.pairs_P2 is not None

    def lesson(images_NCHW: Tensor, batch: Batch) -> Lesson:
        labels_N = batch.labels_N.to(device)
        weights_N = None if batch.weights_N is None else batch.weights_N.to(device)

        def loss_of(outputs_NK: Tensor) -> Tensor:
            return mixed_loss(setup.loss, outputs_NK, labels_N, weights_N, batch.mix)

        return Lesson(images_NCHW, labels_N, loss_of)

    def some_of(part: Part) -> Callable[[int], Lesson]:
        def some(count: int) -> Lesson:
            count = min(count, eval_batch(data.img_size))
            at_once = min(max(1, count // 2) if pairs else count, part.drawn)
            batch = next(batches(part, at_once, seed=seed, epoch=0))
            return lesson(setup.prepare_eval(batch), batch)

        return some

    def clean_batches() -> Iterator[Lesson]:
        for batch in batches(data.train, setup.batch_size, seed=seed, epoch=0):
            yield lesson(setup.prepare_eval(batch), batch)

    def trained() -> Iterator[Lesson]:
        epoch = 0
        while True:
            epoch += 1
            for batch in batches(data.train, setup.batch_size, seed=seed, epoch=epoch, mixing=setup.mixing):
                yield lesson(setup.prepare_train(batch, epoch), batch)

    def losses(outputs_NK: Tensor, labels_N: Tensor) -> Tensor:
        return setup.task.losses(Answers(outputs_NK.detach().cpu().float(), labels_N.cpu()))

    clip = setup.clip
    return Subject(
        model=setup.model,
        optimizer=setup.optimizer,
        clean=some_of(data.train),
        clean_batches=clean_batches,
        unseen=some_of(data.valid) if data.valid else None,
        trained=trained,
        losses=losses,
        hits=setup.task.hits,
        blind=setup.task.blind,
        blind_loss=lambda outputs, labels: losses(torch.zeros_like(outputs), labels).mean().item(),
        classes=len(data.classes) if data.task == "classification" else None,
        steps=setup.total_steps,
        autocast=setup.machine.autocast if setup.scaler is None else contextlib.nullcontext,
        batch_size=setup.batch_size,
        regularization=setup.recipe.regularization,
        batches_per_step=setup.batches_per_step,
        clip=None if clip is None else lambda model: clip(model, gradient_norm(model)),
    )
