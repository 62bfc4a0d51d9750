"""The second stage of training: the validation pictures have chosen the best epoch, and are now learned, too.

Nothing is left that could choose an epoch or tell how good these weights are, but for the test part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from trainwright.data import PreparedData, Preprocessor
from trainwright.models import load_plain_state
from trainwright.recipe import Recipe, ScheduleSection, decided

from .build import build
from .checkpoint import load_checkpoint
from .distributed import ALONE, Ranks
from .evaluation import answer
from .setup import Setup
from .stopping import Before


@dataclass(frozen=True)
class FirstStage:
    """What the first stage leaves to the second: not its net and moments, which would fill a GPU's memory twice.

    Attributes:
        recipe: decided; says how the second stage follows.
        preprocessor: that it trained with.
        data: divided as it saw them.
        best: the folder of the checkpoint of its best epoch.
        best_epoch: that epoch, from 1.
        made: its epochs, steps and seconds.
        ranks: that train together.
    """

    recipe: Recipe
    preprocessor: Preprocessor
    data: PreparedData
    best: Path
    best_epoch: int
    made: Before
    ranks: Ranks = ALONE


def build_second(first: FirstStage, *, preprocessor: Preprocessor | None = None) -> tuple[Setup, PreparedData]:
    """Builds what the second stage trains with, and what it learns from.

    Args:
        first: the stage that is over.
        preprocessor: of a second stage that goes on after an interruption; None has it decided anew.

    Raises:
        InputError: the best snapshot is missing or damaged where it is needed.
    """
    both = first.data.with_validation()
    second = SECOND_STAGES[first.recipe.training.retrain](first, both, preprocessor)
    return replace(second, before=first.made), both


def losses_at_the_stop(first: FirstStage, second: Setup) -> tuple[float, float]:
    """Measures the best snapshot on training and on validation pictures: mean loss in evaluation mode.

    Both in the same way, without augmentation, smoothing and dropout, so that one can be held against the other.

    Args:
        second: holds the weights of the best snapshot, not yet trained further.
    """
    parts = (first.data.train, first.data.valid)
    views = [second.prepare_eval]
    train, valid = (answer(second.judged, part, views, second.machine, second.task) for part in parts)
    return second.task.verdict(train).loss, second.task.verdict(valid).loss


def _restart(first: FirstStage, both: PreparedData, preprocessor: Preprocessor | None) -> Setup:
    """Begins with the first weights, preprocessing fitted to all pictures, and the schedule laid out anew to its end
    after as many epochs as the first stage needed for its best."""
    return build(_lasting(first), both, preprocessor=preprocessor, second=True, ranks=first.ranks)


def _continue(first: FirstStage, both: PreparedData, preprocessor: Preprocessor | None) -> Setup:
    """Goes on with the best snapshot's weights and preprocessing at a constant rate, the optimizer without memory.

    Orders, augmentations and dropout are drawn as after the first stage's epochs, not as in them once more.
    """
    recipe = _lasting(first)
    optim = recipe.optim.model_copy(update={"lr": decided(recipe.optim.lr) * recipe.training.retrain_rate})
    steady = ScheduleSection(name="constant", warmup=0.0)
    recipe = recipe.model_copy(update={"optim": optim, "schedule": steady})
    setup = build(recipe, both, preprocessor=preprocessor or first.preprocessor, second=True, ranks=first.ranks)
    load_plain_state(setup.model, load_checkpoint(first.best).weights)
    if setup.average is not None:
        setup.average.model.load_state_dict(setup.model.state_dict())
    made = first.made.epochs
    torch.manual_seed(int(np.random.SeedSequence((recipe.training.seed, made)).generate_state(1)[0]))
    return replace(setup, epochs_drawn=made, rate_setting="training.retrain_rate")


def _lasting(first: FirstStage) -> Recipe:
    """Gives the first stage's recipe with as many epochs as its best has, and without looks at a validation part."""
    recipe = first.recipe
    alone = {"epochs": first.best_epoch, "patience": 0, "retrain": "none"}
    return recipe.model_copy(update={"training": recipe.training.model_copy(update=alone)})


SECOND_STAGES: Mapping[str, Callable[[FirstStage, PreparedData, Preprocessor | None], Setup]] = {
    "restart": _restart,
    "continue": _continue,
}
"""Every value of `training.retrain` but `none` and its builder."""
