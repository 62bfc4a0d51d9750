"""One optimizer step: from a group of batches to moved weights."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Literal

import torch
from torch import Tensor, nn

from trainwright.data import Batch, Mix
from trainwright.recipe import OptimSection, RegularizationSection, decided

from .activations import acting_on_activations
from .clipping import Clip, gradient_norm
from .distributed import ALONE, Ranks
from .losses import Loss
from .machine import Machine
from .non_finite import damaged_gradient
from .parameter_groups import set_rates
from .regularization import add_penalty, bring_back, shrink
from .synchronizing import WholeBatch, average_statistics, sum_step
from .tasks.classification import class_hits
from .witness import Seen, random_state

Hits = Callable[[Tensor, Tensor], Tensor | None]
"""Counts what was answered rightly, by outputs N K and labels; None where nothing is right or wrong."""

UNREGULARIZED = RegularizationSection()


@dataclass(frozen=True)
class StepResult:
    """What one step measured. `loss` is the mean over the group's pictures, `penalty` what was added to it; `correct`
    is None where the task has no right and wrong. `seen` is for a witness, where there is one."""

    loss: float
    correct: int | None
    pictures: int
    gradient_norm_before_clip: float | None
    penalty: float | None = None
    seen: Seen | None = None


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


@dataclass(frozen=True)
class Group:
    """The batches of one optimizer step, which are read while the step is made, and the pictures of each."""

    batches: Iterable[Batch]
    sizes: Sequence[int]


def grouped(batches: Iterator[Batch], sizes: Sequence[int], count: int) -> Iterator[Group]:
    """Divides batches into groups of `count`, one optimizer step each; the last group may be smaller.

    Args:
        batches: are taken one by one, when a group is walked through; each group to its end before the next.
        sizes: pictures of each batch.
        count: batches a group.

    >>> [(list(group.batches), group.sizes) for group in grouped(iter("abc"), [9, 9, 8], 2)]
    [(['a', 'b'], [9, 9]), (['c'], [8])]
    """
    for first in range(0, len(sizes), count):
        some = sizes[first : first + count]
        yield Group(islice(batches, len(some)), some)


def batch_sizes(pictures: int, batch_size: int, accumulate: int | Literal["all"]) -> list[int]:
    """Gives the pictures of each batch of an epoch: whole batches, or of `all` nearly equal ones, the largest first.

    >>> batch_sizes(11, 4, 1), batch_sizes(11, 4, "all")
    ([4, 4], [4, 4, 3])
    """
    if accumulate != "all":
        return pictures // batch_size * [batch_size]
    count = batches_per_step(pictures, batch_size, accumulate)
    return [pictures // count + (index < pictures % count) for index in range(count)]


def batches_per_step(pictures: int, batch_size: int, accumulate: int | Literal["all"]) -> int:
    """Counts the batches whose gradients make a step; of `all`, those that the training part is divided into.

    >>> batches_per_step(1001, 100, 4), batches_per_step(1001, 100, "all")
    (4, 11)
    """
    return math.ceil(pictures / batch_size) if accumulate == "all" else accumulate


def steps_per_epoch(pictures: int, batch_size: int, accumulate: int | Literal["all"]) -> int:
    """Counts optimizer steps an epoch: whole batches only, the last group of batches may be smaller; or one of `all`.

    >>> steps_per_epoch(1000, 100, 4), steps_per_epoch(1000, 100, "all")
    (3, 1)
    """
    if accumulate == "all":
        return 1
    return math.ceil(pictures // batch_size / accumulate)


def mixed_loss(loss_of: Loss, logits_NK: Tensor, labels_N: Tensor, weights_N: Tensor | None, mix: Mix | None) -> Tensor:
    """Computes the loss of a batch; where pictures are mixed, against both labels by their shares.

    A loss that is linear in the label is the sum of both by their shares; else the labels are blended before it.

    Source: Zhang et al. 2018, section 2.
    """
    if mix is None:
        return loss_of(logits_NK, labels_N, weights_N)
    device = logits_NK.device
    own_N = mix.share_N.to(device, non_blocking=True)
    other_N = 1.0 - own_N
    if weights_N is not None:
        own_N = own_N * weights_N
    if mix.weights_N is not None:
        other_N = other_N * mix.weights_N.to(device, non_blocking=True)
    others_N = mix.labels_N.to(device, non_blocking=True)
    if loss_of.target is not None:
        outputs, total_N = logits_NK.shape[1], own_N + other_N
        share_N1 = (own_N / total_N.clamp(min=torch.finfo(torch.float32).tiny))[:, None]
        blended_NK = torch.lerp(loss_of.target(others_N, outputs), loss_of.target(labels_N, outputs), share_N1)
        return loss_of(logits_NK, blended_NK, total_N)
    return loss_of(logits_NK, labels_N, own_N) + loss_of(logits_NK, others_N, other_N)


def train_step(
    forward: Callable[[Tensor], Tensor],
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None,
    group: Group,
    prepare: Callable[[Batch], Tensor],
    machine: Machine,
    *,
    loss_of: Loss,
    hits_of: Hits = class_hits,
    clip: Clip | None = None,
    regularization: RegularizationSection = UNREGULARIZED,
    ranks: Ranks = ALONE,
    sync_batch_norm: bool = True,
    witnessed: bool = False,
) -> StepResult:
    """Makes one optimizer step: forward and backward of each batch in the group, penalty, clip, step, max-norm.

    Gradients are averaged over the group's pictures, so that accumulating G batches of B pictures is one step on G·B.

    Args:
        forward: the model as it is called, compiled or not: N C H W → logits N K.
        model: the module whose parameters the optimizer holds.
        scaler: for float16 only.
        group: batches, held one at a time; a picture counts alike in all of them. Of several ranks each brings its
            shares of them; the sizes are those of the whole batches.
        prepare: augments and normalizes a batch on the device: float N C H W.
        loss_of: (logits N K, labels N, weights N or None) → a scalar.
        hits_of: what counts as right.
        clip: how gradients are shortened; None leaves them, and their norm unmeasured.
        regularization: what holds the weights small, and the activations sparse or noisy.
        ranks: make the step together; all come to the same weights.
        sync_batch_norm: whether they normalize by the whole batch, and not each by its share.
        witnessed: whether a witness will look at the step.

    Raises:
        NonFiniteLoss: the loss, or a gradient to be clipped, is not finite; before any weight has moved.
    """
    optimizer.zero_grad(set_to_none=True)
    loss_sum, sparsity_sum, pictures = 0.0, 0.0, sum(group.sizes)
    correct: int | None = 0
    batch, spoiled, taught, put_back = None, None, None, None
    whole = contextlib.nullcontext() if ranks.alone or not sync_batch_norm else WholeBatch(ranks)

    def lost(taught: _Taught) -> tuple[Tensor, Tensor, list[Tensor]]:
        with machine.autocast(), whole, acting_on_activations(regularization, model, ranks) as penalties:
            logits_NK = forward(taught.images_NCHW)
        return mixed_loss(loss_of, logits_NK, taught.labels_N, taught.weights_N, taught.mix), logits_NK, penalties

    for batch in group.batches:
        taught = _taught(batch, prepare, machine)
        put_back = random_state(machine.device) if witnessed else None
        loss, logits_NK, penalties = lost(taught)
        labels_N = taught.labels_N
        parts = pictures / len(labels_N)
        sparsity = torch.stack(penalties).sum() if penalties else loss.new_zeros(())
        share = (loss + sparsity) / parts if penalties else loss / parts
        (share if scaler is None else scaler.scale(share)).backward()
        # One transfer from the device for all numbers; counts up to 2²⁴ are exact in float32.
        hits = hits_of(logits_NK.detach(), labels_N)
        told = [loss.detach(), sparsity.detach(), *([] if hits is None else [hits])]
        value, extra, *right = torch.stack([number.float() for number in told]).tolist()
        if not math.isfinite(value + extra):
            spoiled = spoiled or NonFiniteLoss("loss", value + extra, batch)
        loss_sum += value / parts
        sparsity_sum += extra / parts
        correct = correct + int(right[0]) if right and correct is not None else None

    assert batch is not None, "a group has a batch"
    assert taught is not None
    if not ranks.alone:
        loss_sum, sparsity_sum, right_sum = sum_step(model, [loss_sum, sparsity_sum, correct or 0], ranks)
        correct = None if correct is None else int(right_sum)
        if not sync_batch_norm:
            average_statistics(model, ranks)
    if spoiled or not math.isfinite(loss_sum + sparsity_sum):
        raise spoiled or NonFiniteLoss("loss", loss_sum + sparsity_sum, batch)
    penalty, norm = _move(model, optimizer, scaler, batch, clip, regularization)
    if regularization.sparsity > 0:
        penalty = sparsity_sum + (penalty or 0.0)
    if put_back is None:
        return StepResult(loss_sum, correct, pictures, norm, penalty)

    def again() -> Tensor:
        put_back()
        return lost(taught)[0]

    whole_step = ranks.alone and len(group.sizes) == 1
    labels_N = taught.labels_N if taught.mix is None else None
    seen = Seen(loss_sum, taught.images_NCHW, labels_N, again if whole_step else None)
    return StepResult(loss_sum, correct, pictures, norm, penalty, seen)


@dataclass(frozen=True, eq=False)
class _Taught:
    """A batch as the net and the loss get it, on the device."""

    images_NCHW: Tensor
    labels_N: Tensor
    weights_N: Tensor | None
    mix: Mix | None


def _taught(batch: Batch, prepare: Callable[[Batch], Tensor], machine: Machine) -> _Taught:
    weights_N = None if batch.weights_N is None else batch.weights_N.to(machine.device, non_blocking=True)
    return _Taught(prepare(batch), batch.labels_N.to(machine.device, non_blocking=True), weights_N, batch.mix)


def _move(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler | None,
    batch: Batch,
    clip: Clip | None,
    regularization: RegularizationSection,
) -> tuple[float | None, float | None]:
    """Moves the weights by the gradients that they have: penalty, clip, step, max-norm.

    Args:
        batch: the last one, to be told with a gradient that is not finite.

    Returns: the penalty on weights, and the norm of the gradients before they are clipped; None where there is none.

    Raises:
        NonFiniteLoss: a gradient to be clipped is not finite; before any weight has moved.
    """
    if scaler is not None:
        scaler.unscale_(optimizer)
    # A step in float16 whose gradients overflow is left out, and decoupled penalties with it. We look ourselves, since
    # torch's one-pass SGD advances its momentum in such a step (torch 2.15), whatever the scaler tells it.
    moves = scaler is None or bool(gradient_norm(model, math.inf).isfinite())
    penalty = add_penalty(regularization, optimizer)
    norm = None
    if clip is not None:
        total_norm = gradient_norm(model)
        norm = float(total_norm)
        if scaler is None and not math.isfinite(norm):
            raise NonFiniteLoss("gradient norm", norm, batch, damaged_gradient(model))
        clip(model, total_norm)
    if moves:
        shrink(regularization, optimizer)
        optimizer.step() if scaler is None else scaler.step(optimizer)
        bring_back(regularization, optimizer)
    if scaler is not None:
        scaler.update()
    return penalty, norm


def set_rate(optimizer: torch.optim.Optimizer, section: OptimSection, factor: float) -> float:
    """Sets the learning rate to the peak rate times the schedule's factor, and returns it; layers have their shares."""
    rate = decided(section.lr) * factor
    set_rates(optimizer, rate)
    return rate
