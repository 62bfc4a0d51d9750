"""`training.retrain`: the second stage of a run, on training and validation pictures together."""

from __future__ import annotations

import os
from pathlib import Path

from trainwright.data import PreparedData
from trainwright.reporting import RunConsole
from trainwright.runs import EventWriter, Finding, RetrainRecord, RunFolder
from trainwright.training import (
    Checkpoint,
    FirstStage,
    Goal,
    Progress,
    Setup,
    build_second,
    kept_preprocessor,
    load_newest,
    losses_at_the_stop,
    restore,
)

from .run import NOTHING_TO_RETRAIN, Run
from .stages import Before, run_stage


def retrain(
    folder: RunFolder, events: EventWriter, console: RunConsole, setup: Setup, data: PreparedData, done: Progress
) -> None:
    """Makes the second stage of a run whose first is over, or what is left of it; its net becomes the result.

    Its checkpoints stand in `checkpoints/retraining/`, the finished net in `checkpoints/retrained/`. Until that is
    there, the best snapshot of the first stage remains the result.

    Args:
        setup: of the first stage.
        data: divided as the first stage saw them.
        done: the first stage's progress, at its end.

    Raises:
        InputError: a checkpoint is damaged or missing.
        TrainingError: numbers ceased to be finite.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint is written.
    """
    stage = folder.checkpoints / "retraining"
    checkpoint = newest_of_second(folder)
    first = FirstStage(setup, data, folder.checkpoints / "best", done.best.epoch)
    second, both = build_second(first, preprocessor=kept_preprocessor(stage / "last", data))
    told = Run(folder).history.retrain
    if checkpoint is None or told is None:
        told = _beginning(first, second, both, done)
        if told.target_loss is not None and told.added_loss is not None and told.added_loss <= told.target_loss:
            _say_that_nothing_is_left(folder, events, console, told)
            return
        events.write(told)
    goal = None if told.target_loss is None else Goal(data.valid, told.target_loss)
    console.second_stage(told)
    progress = Progress() if checkpoint is None else restore(checkpoint, second)
    before = Before(told.epoch, told.step, done.train_time_s)
    if checkpoint is not None:
        console.note(f"goes on from epoch {before.epochs + progress.epoch}, step {before.steps + progress.step}")
    run_stage(folder, stage, events, console, second, both, progress, before=before, goal=goal)
    _keep(stage / "best", folder.checkpoints / "retrained")


def newest_of_second(folder: RunFolder) -> Checkpoint | None:
    """Finds where the second stage of a run stands; None where it has no checkpoint yet, or there is none."""
    return load_newest(folder.checkpoints / "retraining" / "last")[0]


def _beginning(first: FirstStage, second: Setup, both: PreparedData, done: Progress) -> RetrainRecord:
    """Says what the second stage is about to do, and measures how far it has to go where it goes to a goal."""
    way = first.setup.recipe.training.retrain
    assert way != "none", "somebody asked for it"
    target, added = losses_at_the_stop(first, second) if way == "continue" else (None, None)
    return RetrainRecord(
        way=way,
        step=done.step,
        epoch=done.epoch - 1,
        best_epoch=first.best_epoch,
        epochs=second.epochs,
        pictures=len(both.train),
        added=len(first.data.valid),
        target_loss=target,
        added_loss=added,
    )


def _say_that_nothing_is_left(folder: RunFolder, events: EventWriter, console: RunConsole, told: RetrainRecord) -> None:
    """Tells, once, that the goal was reached before it was set out for, so that the best snapshot is the result."""
    finding = Finding(
        code=NOTHING_TO_RETRAIN,
        severity="note",
        summary="the best snapshot's loss on the validation pictures is no more than on the training pictures: there "
        "is nothing to go on to, and that snapshot is the result",
        evidence={"valid_loss": told.added_loss, "train_loss": told.target_loss},
        advice={"training.retrain": "restart"},
        since_step=told.step,
        source="Goodfellow et al. 2016, algorithm 7.3",
    )
    if finding not in Run(folder).history.findings:
        console.finding(finding)
        events.write(finding)


def _keep(finished: Path, result: Path) -> None:
    """Gives a finished net the name under which it is the result; at once, so that a half-trained one never has it."""
    if not result.is_dir():
        finished.rename(result)
        descriptor = os.open(result.parent, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
