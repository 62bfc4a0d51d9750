"""Batch normalization's running statistics, counted anew over the whole training part.

While a net trains, they are a moving average over steps in which the weights moved on; those of an average of weights
are averages of numbers that belong to other weights.

N pictures · C channels · F channels of a feature map · H W pixels
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from trainwright.data import Batch
from trainwright.errors import InputError
from trainwright.models import evaluating

from .distributed import ALONE, Ranks
from .machine import Machine


@dataclass
class Moments:
    """Sums over all numbers of a channel so far, in float64 on the CPU."""

    count: int
    sum_F: Tensor
    square_sum_F: Tensor


def batch_norms(model: nn.Module) -> list[nn.Module]:
    """Lists the layers that keep running statistics of batches."""
    return [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]


def check_reestimation(model: nn.Module) -> None:
    """Refuses to count anew what a model does not have.

    Raises:
        InputError: the model has no batch normalization.
    """
    if not batch_norms(model):
        raise InputError(
            "there are no running statistics to count anew, since the model has no batch normalization",
            expected="a model with batch normalization",
            where="training.reestimate_batch_norm",
            hint="leave training.reestimate_batch_norm out",
        )


@torch.no_grad()
def reestimate(
    model: nn.Module,
    batches: Iterable[Batch],
    prepare: Callable[[Batch], Tensor],
    machine: Machine,
    ranks: Ranks = ALONE,
) -> None:
    """Replaces running means and variances by those over all pictures of the batches.

    Each batch goes through the net as in training (normalized by its own statistics) but without noise; means and
    second moments of the batches are averaged by their numbers, so that the variance is that over all of them.

    Args:
        model: only its running statistics change; on the machine's device.
        batches: each of several pictures of mixed classes.
        prepare: normalizes a batch as in evaluation, since those are the pictures that the statistics will meet.
        machine: computes in its number format.
        ranks: of which each brings other batches; all get the statistics over all of them.

    Source: Wu & Johnson 2021, Rethinking "Batch" in BatchNorm, section 3.1 and equation 2.
    """
    seen: dict[nn.Module, Moments] = {}

    def note(module: Any, inputs: tuple[Tensor, ...], _output: object) -> None:
        # With momentum 1 the layer has just written the batch's own statistics, the variance with count - 1.
        count = inputs[0].numel() // inputs[0].shape[1]
        # On the CPU, since not every device has float64.
        mean_F, variance_F = torch.stack([module.running_mean, module.running_var]).cpu().double()
        square_F = variance_F * (count - 1) / count + mean_F**2
        moments = seen.setdefault(module, Moments(0, torch.zeros_like(mean_F), torch.zeros_like(mean_F)))
        moments.count += count
        moments.sum_F += count * mean_F
        moments.square_sum_F += count * square_F

    with _only_statistics_move(model, note):
        for batch in batches:
            with machine.autocast():
                model(prepare(batch))
    norms = batch_norms(model)
    each = ranks.gathered([seen.get(norm) for norm in norms])
    for norm, of_ranks in zip(norms, zip(*each, strict=True), strict=True):
        some = [moments for moments in of_ranks if moments is not None]
        if not some:
            continue
        kept: Any = norm
        moments = functools.reduce(_together, some)
        mean_F = moments.sum_F / moments.count
        variance_F = moments.square_sum_F / moments.count - mean_F**2
        variance_F = variance_F.clamp_min(0) * moments.count / (moments.count - 1)
        kept.running_mean.copy_(mean_F.to(kept.running_mean.dtype))
        kept.running_var.copy_(variance_F.to(kept.running_var.dtype))


def _together(one: Moments, other: Moments) -> Moments:
    return Moments(one.count + other.count, one.sum_F + other.sum_F, one.square_sum_F + other.square_sum_F)


@contextmanager
def _only_statistics_move(model: nn.Module, note: Callable[[Any, tuple[Tensor, ...], object], None]) -> Iterator[None]:
    """Has batch normalization work as in training and all else as in evaluation, and puts modes back afterwards."""
    norms: list[Any] = batch_norms(model)
    kept = [(norm, norm.momentum, norm.num_batches_tracked.clone()) for norm in norms]
    with evaluating(model), ExitStack() as stack:
        for norm in norms:
            norm.train()
            norm.momentum = 1.0
            stack.callback(norm.register_forward_hook(note).remove)
        try:
            yield
        finally:
            for norm, momentum, tracked in kept:
                norm.momentum = momentum
                norm.num_batches_tracked.copy_(tracked)
