"""What a run is about to do, as plain data for the terminal."""

from __future__ import annotations

import json

from trainwright.data import PreparedData, is_off
from trainwright.recipe import Choice, Recipe
from trainwright.reporting import RunPlan
from trainwright.runs import RunFolder
from trainwright.training import Progress, Setup


def run_plan(
    folder: RunFolder, recipe: Recipe, data: PreparedData, setup: Setup, resumed_from: Progress | None
) -> RunPlan:
    """Gathers what the user should see before training begins."""
    layers = json.loads(folder.layers.read_text())
    return RunPlan(
        folder=folder.path,
        data=data.title,
        parts={"train": len(data.train), "valid": len(data.valid), "test": len(data.test)},
        classes=data.classes,
        task=data.task,
        weighted=data.train.weights_N is not None,
        cut=data.audit.cut,
        cut_median_share=data.audit.cut_median_share,
        img_size=data.img_size,
        channels=data.channels,
        model=recipe.model.name,
        parameters=sum(parameter.numel() for parameter in setup.model.parameters()),
        multiply_adds=sum(layer["multiply_adds"] for layer in layers),
        epochs=setup.epochs,
        steps_per_epoch=setup.steps_per_epoch,
        batch_size=setup.batch_size,
        device=_device(setup),
        precision=recipe.machine.precision,
        rejected=tuple((rejected.name, rejected.reason) for rejected in data.rejected),
        choices=tuple(
            Choice(key, value, recipe.origin(key).detail)
            for key, value in recipe.items()
            if recipe.origin(key).kind == "auto" and not is_off(key, value)
        ),
        resumed_at=None if resumed_from is None else (resumed_from.epoch, resumed_from.step),
    )


def _device(setup: Setup) -> str:
    device = setup.machine.device
    return str(device) if setup.ranks.alone else f"{setup.ranks.world} ranks, {device.type} each"
