"""`training.retrain`: the second stage of a run, on training and validation pictures together."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from trainwright.data import PreparedData
from trainwright.reporting import RunConsole
from trainwright.runs import EventWriter, Finding, RetrainRecord, RunFolder
from trainwright.training import (
    Before,
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
from .stages import run_stage


def first_stage(folder: RunFolder, setup: Setup, data: PreparedData, done: Progress) -> FirstStage:
    """Takes from a first stage what the second needs, so that the rest can be let go.

    Where a second one has begun, its record says where the first ended: the newest whole checkpoint of the first may be
    one of an epoch before, if the last was damaged since.

    Args:
        setup: what the first stage trained with.
        data: divided as it saw them.
        done: how far it has come.
    """
    history = Run(folder).history
    told, stop = history.retrain, history.first_stop
    best_epoch, made = done.best.epoch, Before(done.epoch - 1, done.step, done.train_time_s)
    if told is not None and stop is not None:
        best_epoch, made = told.best_epoch, Before(told.epoch, told.step, stop.train_time_s)
    return FirstStage(
        setup.recipe, setup.preprocessor, data, folder.checkpoints / "best", best_epoch, made, setup.ranks
    )


def retrain(folder: RunFolder, events: EventWriter, console: RunConsole, first: FirstStage) -> None:
    """Makes the second stage of a run whose first is over, or what is left of it; its net becomes the result.

    Its checkpoints stand in `checkpoints/retraining/`, the finished net in `checkpoints/retrained/`. Until that is
    there, the best snapshot of the first stage remains the result.

    Args:
        first: the stage that is over.

    Raises:
        InputError: a checkpoint is damaged or missing.
        TrainingError: numbers ceased to be finite.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint is written.
    """
    stage = folder.checkpoints / "retraining"
    gone = stage.with_name(".retraining.gone")
    shutil.rmtree(gone, ignore_errors=True)
    checkpoint = newest_of_second(folder)
    if checkpoint is None and (stage / "last").is_dir():
        console.note(f"the net that the second stage ended with is gone from {folder.checkpoints}; it is made anew")
        stage.rename(gone)  # at once, so that a kill leaves no half of it
        shutil.rmtree(gone)
    second, both = build_second(first, preprocessor=kept_preprocessor(stage / "last", first.data))
    told = Run(folder).history.retrain
    if checkpoint is None or told is None:
        told = _beginning(first, second, both)
        if told.target_loss is not None and told.added_loss is not None and told.added_loss <= told.target_loss:
            _say_that_nothing_is_left(folder, events, console, told)
            first.ranks.told(None)
            return
        events.write(told)
    goal = None if told.target_loss is None else Goal(first.data.valid, told.target_loss)
    console.second_stage(told)
    progress = Progress() if checkpoint is None else restore(checkpoint, second)
    if checkpoint is not None:
        made = first.made
        console.note(
            f"goes on in epoch {made.epochs + progress.epoch}, after step {made.steps + progress.step} of the run"
        )
    run_stage(folder, stage, events, console, second, both, progress, goal=goal)
    _keep(stage / "best", folder.checkpoints / "retrained")


def newest_of_second(folder: RunFolder) -> Checkpoint | None:
    """Finds where the second stage of a run stands.

    Returns: None where there is no such stage, it has no checkpoint yet, or it is over and somebody has removed the net
        that it ended with, so that it has to be made anew.
    """
    stage = folder.checkpoints / "retraining"
    checkpoint, told = load_newest(stage / "last")[0], Run(folder).history.retrain
    if checkpoint is None or told is None:
        return checkpoint
    done = checkpoint.state["progress"]
    over = done["stopped_early"] or done["epoch"] > told.epochs
    kept = any(net.is_dir() for net in (stage / "best", folder.checkpoints / "retrained"))
    return checkpoint if kept or not over else None


def _beginning(first: FirstStage, second: Setup, both: PreparedData) -> RetrainRecord:
    """Says what the second stage is about to do, and measures how far it has to go where it goes to a goal."""
    way = first.recipe.training.retrain
    assert way != "none", "somebody asked for it"
    target, added = losses_at_the_stop(first, second) if way == "continue" else (None, None)
    return RetrainRecord(
        way=way,
        step=first.made.steps,
        epoch=first.made.epochs,
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
