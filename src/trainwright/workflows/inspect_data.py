"""`trainwright data`: what a set of pictures holds, before anything trains."""

from __future__ import annotations

import io
from pathlib import Path

import torch

from trainwright.data import (
    PreparedData,
    choose_augment,
    doses,
    fit_preprocessor,
    prepare,
    trick_sheet,
    wanted_components,
)
from trainwright.recipe import PreprocessSection, Recipe, decided
from trainwright.reporting import RunConsole
from trainwright.runs import write_atomic
from trainwright.training import choose_training, choose_workers

from .requests import refuse_other_suffix

PREVIEWED = 6
"""Pictures in a preview, spread evenly over the training part."""


def look_at_data(recipe: Recipe, console: RunConsole) -> PreparedData:
    """Reads, audits and divides the pictures as `train` would, and trains nothing."""
    workers = decided(recipe.decide(choose_workers(recipe.machine)).machine.workers)
    return prepare(recipe.data, seed=recipe.training.seed, workers=workers, progress=console.progress)


def check_preview(path: Path) -> None:
    """Looks, before pictures are read, at where a preview is to be drawn.

    Raises:
        InputError: the path does not end on .png.
    """
    refuse_other_suffix(path, ".png", "the preview is drawn as a", "--preview")


def preview_augmentation(recipe: Recipe, data: PreparedData, path: Path) -> tuple[int, int]:
    """Draws what augmentation does to some training pictures: a row a picture, a column a trick.

    Args:
        recipe: may hold `auto`, which is decided as `train` would.
        data: the prepared pictures.
        path: of the picture that is written.

    Returns: how many tricks are on, and for how many epochs of training they are chosen. Mixing is
        not shown: it takes two pictures.

    Raises:
        InputError: the path does not end on .png, or a setting does not fit the pictures.
    """
    check_preview(path)
    recipe = recipe.decide(choose_training(recipe, pictures=data.train.drawn))
    choices = choose_augment(
        recipe.augment,
        data.classes,
        data.img_size,
        data.title,
        channels=data.channels,
        epochs=decided(recipe.training.epochs),
        pictures=data.train,
        task=data.task,
    )
    section = recipe.decide(choices).augment
    count = min(PREVIEWED, len(data.train))
    rows = torch.arange(count) * len(data.train) // count
    sheet = trick_sheet(
        section,
        data.train.images(rows),
        data.train.samples_N[rows],
        fit_preprocessor(PreprocessSection(center="channel", scale="channel", whiten="none"), data.train),
        seed=recipe.training.seed,
        components_CC=wanted_components(section, data.train),
    )
    png = io.BytesIO()
    sheet.save(png, "PNG")
    write_atomic(path, png.getvalue())
    return len(doses(section)), decided(recipe.training.epochs)
