"""What a run folder holds before its first step, and the small files beside the event log."""

from __future__ import annotations

import dataclasses
import json
import shlex
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from PIL import Image

from trainwright.data import PreparedData, batches, preview_grid, transform_fingerprint, write_data_files
from trainwright.models import layer_table
from trainwright.recipe import Recipe, write_recipe
from trainwright.reporting import RunConsole
from trainwright.runs import (
    History,
    RunFolder,
    create_run,
    default_name,
    environment,
    environment_differences,
    launched,
    read_all_records,
    refuse_existing,
    to_json,
    write_atomic,
)
from trainwright.training import Setup
from trainwright.tuning import Check

from .range_test import RangeTest
from .schedule import draw_schedule, rates_of


def make_folder(out: Path, name: str | None, recipe: Recipe, data: PreparedData) -> RunFolder:
    """Makes the empty folder of a new run.

    Args:
        out: the folder in which runs are kept.
        name: the user's name for the run; None makes one from date, model and data.
        recipe: decided.
        data: split and audited.
    """
    automatic = default_name(recipe.model.name, data.title, datetime.now())
    return create_run(out, name or automatic, automatic=name is None)


def lay_out(folder: RunFolder, recipe: Recipe, data: PreparedData, test: RangeTest | None) -> None:
    """Writes all that is known before training; the caller holds the run's event log.

    The recipe is written last: a folder that holds one is a run that can be resumed.

    Args:
        test: the range test that found the rate, where there was one.

    Raises:
        InputError: another process made this run since the folder was found empty.
    """
    refuse_existing(folder)
    if test is not None:
        write_atomic(folder.range_test, to_json(dict(test.facts)))
    write_atomic(folder.environment, json.dumps(_environment(recipe), indent=1))
    write_atomic(folder.command, shlex.join(["trainwright", *sys.argv[1:]]) + "\n")
    write_data_files(data, folder)
    write_atomic(folder.recipe, write_recipe(recipe))


def draw_start(folder: RunFolder, setup: Setup, data: PreparedData) -> None:
    """Writes the table of layers, a picture of the first augmented batch, the planned rate, and how it was found."""
    table = layer_table(setup.model, channels=data.channels, img_size=data.img_size)
    write_atomic(folder.layers, json.dumps([dataclasses.asdict(row) for row in table], indent=1))
    seed = setup.recipe.training.seed
    batch = next(batches(data.train, setup.batch_size, seed=seed, epoch=1, mixing=setup.mixing))
    grid = preview_grid(setup.prepare_train(batch, epoch=1), setup.preprocessor)
    folder.plots.mkdir(exist_ok=True)
    Image.fromarray(grid).save(folder.plots / "first-batch.png")
    draw_schedule(rates_of(setup.recipe, setup.steps_per_epoch), folder.plots / "schedule.svg")
    if folder.range_test.is_file():
        RangeTest(json.loads(folder.range_test.read_text())).draw(folder.plots / "lr-find.svg")


def write_checks(folder: RunFolder, checks: Sequence[Check]) -> None:
    """Writes checks.json: each check with its verdict and evidence."""
    write_atomic(folder.checks, to_json([check.plain() for check in checks], indent=1))


def write_findings(folder: RunFolder) -> None:
    """Writes findings.json anew from the event log."""
    findings = History.of(read_all_records(folder.events)).findings
    write_atomic(folder.findings, to_json([dataclasses.asdict(finding) for finding in findings], indent=1))


def note_changed_code(folder: RunFolder, recipe: Recipe, console: RunConsole) -> None:
    """Tells what is other than when the run began: then its end may differ from that of an unbroken run."""
    sources = {
        "source_sha256": "trainwright's own code",
        "transform_sha256": f"the code of {recipe.augment.transform}",
    }
    for name, before, now in environment_differences(json.loads(folder.environment.read_text()), _environment(recipe)):
        if name.startswith("git.") or (name == "ranks" and before is None):  # runs from before there were ranks
            continue
        change = (
            f"{sources[name]} has changed since the run began"
            if name in sources
            else f"{name} was {before} when the run began and is {now}"
        )
        console.note(f"{change}; figures may differ from an unbroken run")


def _environment(recipe: Recipe) -> dict[str, Any]:
    """Lists what could make the same recipe give other numbers, the user's own code included."""
    transform = transform_fingerprint(recipe.augment.transform)
    return {**environment(), "transform_sha256": transform, "ranks": launched().world}
