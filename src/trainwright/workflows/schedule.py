"""The learning rate of a run that is still to be made, drawn."""

from __future__ import annotations

from pathlib import Path

from trainwright.errors import InputError
from trainwright.recipe import Recipe, decided
from trainwright.reporting import PlannedRates, planned_rates, schedule_file
from trainwright.runs import write_atomic
from trainwright.training import (
    check_batch_size,
    check_optimizer,
    check_schedule,
    choose_training,
    rate_factor,
    steps_per_epoch,
)

from .requests import refuse_other_suffix


def plan_schedule(asked: Recipe, pictures: int) -> PlannedRates:
    """Works out every step's learning rate of a run on so many training pictures.

    Args:
        asked: a recipe, whose `auto` is decided as `train` would.
        pictures: training pictures.

    Raises:
        InputError: no pictures, a batch larger than they are, a rate that is still to be found, or a schedule that has
            no room in the run.
    """
    if pictures < 1:
        raise InputError("a schedule needs training pictures", expected="at least 1", got=str(pictures))
    if asked.optim.lr == "find":
        raise InputError(
            "the rate is to be found on the data, which a drawing does not read",
            expected="a number, or no word of the rate",
            got="optim.lr: find",
            where=asked.origin("optim.lr").detail,
            hint="--lr 0.1, or `trainwright lr-find DATA` first",
        )
    check_optimizer(asked.optim)
    recipe = asked.decide(choose_training(asked, pictures=pictures))
    batch_size = decided(recipe.optim.batch_size)
    check_batch_size(batch_size, pictures)
    return rates_of(recipe, steps_per_epoch(pictures, batch_size, recipe.optim.accumulate))


def rates_of(recipe: Recipe, per_epoch: int) -> PlannedRates:
    """Works out every step's learning rate of a decided recipe.

    Args:
        per_epoch: optimizer steps an epoch.

    Raises:
        InputError: the schedule has no room in the run.
    """
    epochs, peak = decided(recipe.training.epochs), decided(recipe.optim.lr)
    total = epochs * per_epoch
    check_schedule(recipe.schedule, total, per_epoch=per_epoch)
    rates = [peak * rate_factor(recipe.schedule, step, total, per_epoch=per_epoch) for step in range(total)]
    return planned_rates(recipe.schedule.name, epochs, per_epoch, rates)


def draw_schedule(plan: PlannedRates, path: Path) -> None:
    """Writes the drawing of a planned learning rate.

    Raises:
        InputError: the name does not end in .svg.
        WriteFailed: the disk is full or refuses.
    """
    refuse_other_suffix(path, ".svg", "the schedule is drawn as an", "--plot")
    write_atomic(path, schedule_file(plan))
