"""What is said of data and settings before the first step, and the checks as the first act of `train`."""

from __future__ import annotations

import time
from collections.abc import Sequence

from trainwright.data import PreparedData, augment_findings, preprocess_findings
from trainwright.errors import TrainingError
from trainwright.reporting import RunConsole, next_steps, write_report
from trainwright.runs import EventWriter, Finding, RunFolder, StopRecord
from trainwright.training import Setup
from trainwright.tuning import Check, climb, rungs_of_run, step_time, subject_of

from .layout import write_checks, write_findings

SHARE = 0.1
"""Of the time of a training that its checks may take."""


def findings_before_training(setup: Setup, data: PreparedData) -> list[Finding]:
    """Looks at the data, at what prepares them, and at tricks of augmentation that somebody, and not `auto`, chose."""
    recipe = setup.recipe
    keys = [key for key, _ in recipe.items() if recipe.origin(key).kind in ("user", "file")]
    asked = {key.partition(".")[2] for key in keys if key.startswith("augment.")}
    return [
        *data.audit.findings(),
        *preprocess_findings(setup.preprocessor, pictures=len(data.train)),
        *augment_findings(recipe.augment, asked, data.classes, data.title, data.train, data.task),
    ]


def check_before_training(
    folder: RunFolder, events: EventWriter, setup: Setup, data: PreparedData, console: RunConsole
) -> None:
    """Makes the checks for which a tenth of the training's time is enough, and keeps what they say.

    Of several ranks rank 0 makes them, with whole batches.

    Raises:
        TrainingError: a check failed; the run is kept, with its report.
    """
    began = time.perf_counter()
    seconds = step_time(subject_of(setup, data))
    budget_s = SHARE * setup.total_steps * setup.batches_per_step * seconds - (time.perf_counter() - began)
    made: Sequence[Check] = list(climb(rungs_of_run(setup, data), budget_s=budget_s, step_s=seconds))
    write_checks(folder, made)
    console.checks([check.plain() for check in made])
    for one in made:
        if one.finding is not None:
            console.finding(one.finding)
            events.write(one.finding)
    failed = [one for one in made if not one.passed]
    if failed:
        reason = f"the check {failed[0].name} failed: {failed[0].summary}"
        stop = StopRecord(reason=reason, kind="check-failed", epoch=0, step=0, best_epoch=0, train_time_s=0.0)
        events.write(stop)
        console.stop(stop)
        write_findings(folder)
        write_report(folder)
        found = [one.finding for one in failed if one.finding is not None]
        steps = next_steps(folder.path, "check-failed", found)
        raise TrainingError(
            f"training did not begin: {reason}",
            got="perhaps " + ", or ".join(failed[0].causes),
            hint="\n   or: ".join(f"{step.command}   ({step.meaning})" for step in steps),
        )
