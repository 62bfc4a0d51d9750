"""One optimizer step: from a group of batches to moved weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import torch
from torch import Tensor, nn

from trainwright.data import Batch
from trainwright.recipe import OptimSection, decided

from .losses import Loss
from .machine import Machine
from .non_finite import damaged_gradient


@dataclass(frozen=True)
class StepResult:
    """What one step measured. `loss` is the mean over the group's batches."""

    loss: float
    correct: int
    pictures: int
    gradient_norm_before_clip: float | None


class NonFiniteLoss(ArithmeticError):
    """The loss of a batch, or its gradient, is not a number or infinite; the weights have not been moved by it.

    `parameter` names the first one whose gradient is not finite, where it is not the loss.
    """

    def __init__(self, what: str, value: float, batch: Batch, parameter: str | None = None) -> None:
        super().__init__(value)
        self.what = what
        self.value = value
        self.batch = batch
        self.parameter = parameter


def grouped(batches: Iterator[Batch], size: int) -> Iterator[list[Batch]]:
    """Divides batches into groups of `size`, one optimizer step each; the last group may be smaller.

    >>> [len(group) for group in grouped(iter("abcdefg"), 3)]
    [3, 3, 1]
    """
    while group := list(islice(batches, size)):
        yield group


def steps_per_epoch(pictures: int, batch_size: int, accumulate: int) -> int:
    """Counts optimizer steps an epoch: whole batches only, the last group of batches may be smaller.

    >>> steps_per_epoch(1000, 100, 4)
    3
    """
    return math.ceil(pictures // batch_size / accumulate)


def train_step(
    forward: Callable[[Tensor], Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None,
    group: Sequence[Batch],
    prepare: Callable[[Batch], Tensor],
    machine: Machine,
    *,
    loss_of: Loss,
    clip_norm: float,
) -> StepResult:
    """Makes one optimizer step: forward and backward of each batch in the group, clip, step.

    Gradients are averaged over the group, so that accumulating G batches of B pictures is one step on G·B pictures.

    Args:
        forward: the model as it is called, compiled or not: N C H W → logits N K.
        model: the module whose parameters the optimizer holds.
        scaler: for float16 only.
        group: batches of equal size.
        prepare: augments and normalizes a batch on the device: float N C H W.
        loss_of: (logits N K, labels N, weights N or None) → a scalar.
        clip_norm: largest norm of the gradient; 0 leaves it and its norm unmeasured.

    Raises:
        NonFiniteLoss: the loss, or the clipped gradient, is not finite; before any weight has moved.
    """
    optimizer.zero_grad(set_to_none=True)
    loss_sum, correct, pictures = 0.0, 0, 0
    for batch in group:
        images_NCHW = prepare(batch)
        labels_N = batch.labels_N.to(machine.device, non_blocking=True)
        weights_N = None if batch.weights_N is None else batch.weights_N.to(machine.device, non_blocking=True)
        with machine.autocast():
            logits_NK = forward(images_NCHW)
        loss = loss_of(logits_NK, labels_N, weights_N)
        share = loss / len(group)
        (share if scaler is None else scaler.scale(share)).backward()
        # One transfer from the device for both numbers; counts up to 2²⁴ are exact in float32.
        hits = (logits_NK.detach().argmax(dim=1) == labels_N).sum()
        value, right = torch.stack([loss.detach().float(), hits.float()]).tolist()
        if not math.isfinite(value):
            raise NonFiniteLoss("loss", value, batch)
        loss_sum += value
        correct += int(right)
        pictures += len(labels_N)

    if scaler is not None:
        scaler.unscale_(optimizer)
    norm = None
    if clip_norm > 0:
        gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
        total_norm = nn.utils.get_total_norm(gradients)
        norm = float(total_norm)
        if scaler is None and not math.isfinite(norm):
            raise NonFiniteLoss("gradient norm", norm, group[-1], damaged_gradient(model))
        nn.utils.clip_grads_with_norm_(model.parameters(), clip_norm, total_norm)
    if scaler is None:
        optimizer.step()
    else:
        scaler.step(optimizer)
        scaler.update()
    return StepResult(loss_sum / len(group), correct, pictures, norm)


def set_rate(optimizer: torch.optim.Optimizer, section: OptimSection, factor: float) -> float:
    """Sets the learning rate of every group to the peak rate times the schedule's factor, and returns it."""
    rate = decided(section.lr) * factor
    for group in optimizer.param_groups:
        group["lr"] = rate
    return rate
