"""`trainwright lr-find`: which learning rate these pictures, this net and this optimizer bear."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from trainwright.recipe import Recipe
from trainwright.reporting import RunConsole
from trainwright.tuning import (
    Sweep,
    blind_level,
    cycles_of_loop,
    kept_generators,
    refuse_rate_of_0,
    subject_of_loop,
    suggest,
    traces_of_loop,
    undisturbed,
)

from .deciding import decide, refuse_early
from .inspect_data import look_at_data
from .range_test import RangeTest, range_test, summed_up
from .requests import ShortSettings, recipe_from_python


def lr_find(
    data: str | Path | None = None,
    *,
    recipe: Path | str | None = None,
    settings: Mapping[str, Any] | None = None,
    growth: Literal["exponential", "linear"] = "exponential",
    low: float = Sweep.low,
    high: float = Sweep.high,
    steps: int = Sweep.steps,
    seeds: int = Sweep.seeds,
    cycles: int = Sweep.cycles,
    **short: Unpack[ShortSettings],
) -> RangeTest:
    """Lets the rate grow with every batch and reads off where the loss falls; trains nothing that is kept.

    Args:
        data: built-in data (`digits`, `fashion-mnist`) or a path to pictures.
        recipe: a recipe file to start from.
        settings: dotted recipe key → value.
        growth: by the same factor with every step, or by the same amount.
        low, high: first and last rate.
        steps: of one seed, from 30.
        seeds: how often, each with an order, an augmentation and first weights of its own.
        cycles: short one-cycles by which the rate is chosen at most, from 5; 0 reads it off the curve alone.
        **short: as for `train`; `lr` has no part in it.

    Raises:
        InputError: data or recipe are wrong, or rates, steps or seeds are.
    """
    sweep = Sweep(growth, low, high, steps, seeds, cycles)
    with RunConsole(json=True) as console:
        return find_by_recipe(recipe_from_python(data, recipe, short, settings), sweep, console)


def lr_find_loop(
    model: nn.Module,
    loader: Iterable[Any],
    *,
    optimizer: torch.optim.Optimizer,
    valid_loader: Iterable[Any] | None = None,
    loss: Callable[[Tensor, Tensor], Tensor] = F.cross_entropy,
    growth: Literal["exponential", "linear"] = "exponential",
    low: float = Sweep.low,
    high: float = Sweep.high,
    steps: int = Sweep.steps,
    seeds: int = Sweep.seeds,
    cycles: int = Sweep.cycles,
) -> RangeTest:
    """Makes the range test for a training loop of one's own; model and optimizer stay as they were.

    Seeds differ in the order of a loader that shuffles, and in dropout; the first weights are the model's.

    Args:
        model: on its device, N C H W → outputs N K.
        loader: gives pairs of inputs and labels, and can be walked through again, as a DataLoader can.
        optimizer: over the model's parameters; of groups with rates of their own the largest is what is told, and the
            others keep their share of it.
        valid_loader: the same of pictures that are not trained on. From 500 on they judge the short one-cycles, else
            training pictures do; where there are none, no rate is told that the curve does not tell.
        loss: (outputs, labels) → scalar.
        growth, low, high, steps, seeds, cycles: as for `lr_find`.

    Raises:
        InputError: a loader gives nothing, or something else than pairs of tensors; rates, steps or seeds are
            wrong; the optimizer's rate is 0.
    """
    sweep = Sweep(growth, low, high, steps, seeds, cycles)
    refuse_rate_of_0(optimizer, "lr_find_loop")
    with kept_generators(loader, valid_loader), undisturbed():
        subject = subject_of_loop(model, loader, valid_loader=valid_loader, loss=loss, optimizer=optimizer)
        names = {"data": None, "model": type(model).__name__, "optimizer": type(optimizer).__name__}
        traces = list(traces_of_loop(subject, sweep))
        by_curve = suggest(sweep, traces, blind_level(subject))
        start = by_curve.suggested or max(float(group["lr"]) for group in optimizer.param_groups)
        tried = cycles_of_loop(subject, sweep, start, loader) if sweep.cycles else None
        return summed_up(sweep, names, traces, by_curve, tried)


def find_by_recipe(asked: Recipe, sweep: Sweep, console: RunConsole) -> RangeTest:
    """Builds what `train` would train, once for each seed, and makes the test."""
    refuse_early(asked)
    data = look_at_data(asked, console)
    return range_test(decide(asked, data), data, sweep, console)
