"""Where the settings of trials come from, and which trials are given up: Optuna's samplers and pruners by our names."""

from __future__ import annotations

import hashlib
import itertools
import math
import random
import warnings
from collections.abc import Sequence
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import Trial

from .space import Dimension

SamplerName = Literal["random", "grid", "quasi-random", "tpe"]
PrunerName = Literal["halving", "median", "none"]
SAMPLERS: tuple[SamplerName, ...] = ("random", "grid", "quasi-random", "tpe")
PRUNERS: tuple[PrunerName, ...] = ("halving", "median", "none")

HALVING = 2
"""Of so many trials one goes on at each rung of successive halving. Source: own choice (Jamieson & Talwalkar 2016)."""


GRACE = 0.4
"""Share of a trial that is never judged. Source: own choice; one-cycle rises for a fifth of a trial by default."""


def sampler_of(name: SamplerName, box: Sequence[Dimension], *, own: int, whole: int) -> BaseSampler:
    """Makes the sampler of the next trial.

    Args:
        name: of the sampler.
        box: what is sampled.
        own: seed of this trial alone, so that a resume draws nothing twice.
        whole: seed that all trials of the stage share.
    """
    match name:
        case "random" | "grid":  # the points of a grid are laid out before
            return RandomSampler(seed=own)
        case "quasi-random":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                return QMCSampler(
                    qmc_type="sobol", scramble=True, seed=whole, independent_sampler=RandomSampler(seed=own)
                )
        case _:
            return TPESampler(seed=own, multivariate=True, n_startup_trials=2 + 2 * len(box))


def pruner_of(name: PrunerName, epochs: int) -> BasePruner:
    """Makes the pruner of a stage. The first part of a trial, in which the rate rises and is high, is never judged."""
    grace = math.ceil(GRACE * epochs)
    match name:
        case "halving":
            return SuccessiveHalvingPruner(min_resource=grace, reduction_factor=HALVING)
        case "median":
            return MedianPruner(n_startup_trials=3, n_warmup_steps=grace)
        case _:
            return NopPruner()


def grid_of(box: Sequence[Dimension], trials: int) -> dict[str, list[Any]]:
    """Lays a grid over a box: all values of a choice, and of numbers as many as make no more points than trials, two at
    least, evenly along their scales, ends included.

    >>> grid_of([Dimension("optim.momentum", "linear", 0.5, 1.0)], 3)
    {'optim.momentum': [0.5, 0.75, 1.0]}
    """
    numbers = [dimension for dimension in box if dimension.scale != "choice"]
    choices = math.prod(len(dimension.choices) for dimension in box if dimension.scale == "choice")
    each = max(2, int((trials / choices) ** (1 / max(len(numbers), 1)) + 1e-9))
    grid: dict[str, list[Any]] = {}
    for dimension in box:
        if dimension.scale == "choice":
            grid[dimension.key] = list(dimension.choices)
            continue
        places = [dimension.typed(dimension.value(step / (each - 1))) for step in range(each)]
        inside = [min(max(value, dimension.low), dimension.high) for value in places]
        grid[dimension.key] = list(dict.fromkeys(inside))
    return grid


def least_grid(box: Sequence[Dimension]) -> int:
    """Counts the points of the smallest grid over a box.

    >>> least_grid([Dimension("optim.lr", "log", 0.1, 1.0), Dimension("model.width", "choice", choices=(8, 16, 32))])
    6
    """
    return math.prod(len(values) for values in grid_of(box, 0).values())


def grid_points(box: Sequence[Dimension], trials: int, seed: int) -> list[dict[str, Any]]:
    """Lists the points of a grid in an order drawn by the seed."""
    grid = grid_of(box, trials)
    points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    random.Random(seed).shuffle(points)
    return points


def distribution_of(dimension: Dimension) -> BaseDistribution:
    log = dimension.scale == "log"
    if dimension.scale == "choice":
        return CategoricalDistribution(dimension.choices)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=log)
    return FloatDistribution(dimension.low, dimension.high, log=log)


def suggest(trial: Trial, key: str, distribution: BaseDistribution) -> None:
    """Has a trial's sampler draw a setting, unless the trial has it."""
    match distribution:
        case FloatDistribution():
            trial.suggest_float(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
        case IntDistribution():
            trial.suggest_int(key, distribution.low, distribution.high, step=distribution.step, log=distribution.log)
        case _:
            assert isinstance(distribution, CategoricalDistribution)
            trial.suggest_categorical(key, distribution.choices)


def seed_of(*parts: int) -> int:
    """Makes a seed of its own of some whole numbers."""
    return int.from_bytes(hashlib.sha256(repr(("trainwright search", *parts)).encode()).digest()[:4], "little")
