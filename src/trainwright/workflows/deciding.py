"""From what was asked for to a recipe in which every value is decided, and what is refused before pictures are read."""

from __future__ import annotations

from trainwright.data import PreparedData, choose_augment, choose_preprocess, load_transform
from trainwright.models import check_model, choose_init, choose_model
from trainwright.recipe import OWN_MODELS, Recipe, decided
from trainwright.training import (
    check_optimizer,
    choose_clipping,
    choose_device,
    choose_loss,
    choose_machine,
    choose_training,
    choose_workers,
    open_device,
)

from .observers import require_tensorboard


def refuse_early(asked: Recipe) -> None:
    """Looks, before pictures are read, at what would stop the run after it.

    Raises:
        InputError: no such device, model, weights, transform or optimizer, or a package that a setting needs is not
            installed.
    """
    open_device(
        decided(asked.decide(choose_device(asked.machine)).machine.device)
    )  # and what this device can compute in
    check_model(asked.model)
    load_transform(asked.augment.transform)
    check_optimizer(asked.optim)
    if asked.logging.tensorboard:
        require_tensorboard()


def decide(asked: Recipe, data: PreparedData) -> Recipe:
    """Replaces every `auto` by a value, each with its reason; values that somebody gave stay."""
    recipe = asked.decide([*data.choices, *choose_workers(asked.machine)])
    recipe = recipe.decide(choose_machine(asked.machine, img_size=data.img_size, task=data.task))
    recipe = recipe.decide(choose_loss(recipe.loss, data.task))
    recipe = recipe.decide(choose_clipping(recipe.optim, recipe.loss.name))
    pictures = len(data.train)
    recipe = recipe.decide(
        choose_model(
            recipe.model,
            img_size=data.img_size,
            channels=data.channels,
            classes=len(data.classes),
            pictures=pictures,
            device=open_device(recipe.machine.device).type,
            task=data.task,
            asked_for=recipe.asked_for(),
        )
    )
    recipe = recipe.decide(choose_init(recipe.init, recipe.model))
    pretrained = recipe.model.weights != "none" and recipe.model.name not in OWN_MODELS
    recipe = recipe.decide(choose_preprocess(recipe.preprocess, pretrained=pretrained))
    recipe = recipe.decide(choose_training(recipe, pictures=data.train.drawn))
    epochs = decided(recipe.training.epochs)
    return recipe.decide(
        choose_augment(
            recipe.augment,
            data.classes,
            data.img_size,
            data.title,
            channels=data.channels,
            epochs=epochs,
            pictures=data.train,
            task=data.task,
        )
    )
