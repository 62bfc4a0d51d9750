"""`trainwright evaluate`: a run's kept snapshot judged on pictures whose classes are known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwright.data import prepare, prepare_other, read_split
from trainwright.errors import InputError
from trainwright.recipe import MachineSection, compose, read_recipe_file
from trainwright.reporting import RunConsole
from trainwright.runs import EvaluationRecord, RunFolder
from trainwright.training import answer, choose_workers, judge, open_snapshot


def evaluate_run(
    folder: RunFolder, source: str | Path | None, console: RunConsole, *, machine: MachineSection | None = None
) -> EvaluationRecord:
    """Judges the best snapshot on the run's own test part, or on other data.

    Args:
        folder: the run.
        source: other data: its test part where it brings one, else all its pictures. Its classes must be among the
            run's. None: the run's own test part (validation part where there is none).
        console: is told how far reading has come, which pictures cannot be read, and how many the net has learned.
        machine: where to compute.

    Raises:
        InputError: no whole snapshot, data that cannot be read, unknown classes, or a run without such a part.
    """
    recipe = compose(read_recipe_file(folder.recipe))
    machine = machine or MachineSection()
    snapshot = open_snapshot(folder.checkpoints, machine)
    workers = choose_workers(machine)[0].value
    learned = None
    if source is None:
        data = prepare(
            recipe.data,
            seed=recipe.training.seed,
            workers=workers,
            progress=console.progress,
            given_split=folder.split,
        )
        name, part = ("test", data.test) if len(data.test) else ("valid", data.valid)
    else:
        section = recipe.data.model_copy(update={"source": str(source)})
        meta = snapshot.meta
        others = prepare_other(
            section,
            classes=snapshot.classes,
            img_size=meta["img_size"],
            channels=meta["channels"],
            workers=workers,
            progress=console.progress,
        )
        for picture, reason in others.rejected:
            console.note(f"left out, cannot be read: {picture}: {reason}")
        name, part = "other", others.part
        trained = {row.sha256 for row in read_split(folder.split) if row.part == "train"}
        learned = sum(sha256 in trained for sha256 in others.sha256s)
        if learned:
            console.note(
                f"{learned:,} of these {len(part):,} pictures stood in the training part; "
                "the net has seen their answers"
            )
    if not len(part):
        raise InputError(
            "this run set no pictures apart that it could be judged on",
            expected="a test or a validation part",
            where=str(folder.path),
            hint=f"give pictures whose classes are known: trainwright evaluate {folder.path} DATA",
        )
    answers = answer(snapshot.model, part, snapshot.prepare, snapshot.machine)
    record = judge(answers, classes=snapshot.classes, names=part.names, part=name, epoch=snapshot.epoch)
    return replace(record, trained_on=learned)


def evaluation_figures(record: EvaluationRecord) -> dict[str, Any]:
    """Lists the figures of an evaluation as `evaluate --json` prints them."""
    return {
        "part": record.part,
        "pictures": record.pictures,
        "trained_on": record.trained_on,
        "accuracy": record.accuracy,
        "accuracy_interval": list(record.accuracy_interval),
        "top_k_accuracy": dict(record.top_k_accuracy),
        "balanced_accuracy": record.balanced_accuracy,
        "loss": record.loss,
        "calibration_error": record.calibration_error,
        "per_class": {
            score.label: {
                "pictures": score.pictures,
                "precision": score.precision,
                "recall": score.recall,
                "f1": score.f1,
            }
            for score in record.per_class
        },
    }
