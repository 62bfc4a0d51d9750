"""One stage of training in a run folder: to its end, or to a report and a way to go on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from trainwright.data import PreparedData
from trainwright.errors import Interrupted, TrainingError
from trainwright.reporting import RunConsole, after_breakdown, write_report
from trainwright.runs import (
    AnswersRecord,
    EpochRecord,
    EventWriter,
    Finding,
    History,
    ProbeRecord,
    Record,
    RunFolder,
    StepRecord,
    StopRecord,
    UnitsRecord,
    WatchRecord,
    is_run,
    launched,
    read_all_records,
    read_records,
)
from trainwright.training import (
    Before,
    Checkpoints,
    Goal,
    Observer,
    OfAnotherRank,
    Progress,
    RankLost,
    Setup,
    fit,
    listening,
    snapshot_meta,
    tell,
)

from .diagnosing import Diagnosing
from .guarding import Guard
from .layout import write_findings
from .observers import observers_of, told_by
from .ranks import begin_together
from .watching import watching


def run_stage(
    folder: RunFolder,
    checkpoints: Path,
    events: EventWriter,
    console: RunConsole,
    setup: Setup,
    data: PreparedData,
    progress: Progress,
    *,
    goal: Goal | None = None,
    guard: Guard | None = None,
) -> bool:
    """Trains to the end of a stage; a run that does not come there leaves findings and a report, too.

    Args:
        checkpoints: where the stage keeps `last` and `best`.
        goal: for a stage that ends where it is reached.
        guard: may cut the stage short to take the run back.

    Returns: whether the stage came to its end; if not, the guard has a finding and wants to go back.

    Raises:
        TrainingError: numbers ceased to be finite.
        Interrupted: Ctrl-C or SIGTERM; a checkpoint is written.
    """
    meta = snapshot_meta(setup.recipe, task=setup.task, channels=data.channels, img_size=data.img_size)
    before = setup.before
    observers = observers_of(
        folder,
        setup.recipe,
        events,
        console,
        setup.steps_per_epoch,
        first_step=before.steps,
        begins_at=before.steps + progress.step,
    )
    diagnosing = None
    if before.epochs:
        meta["epochs_before"] = before.epochs
        observers = [counting_on(observers, before)]
    else:  # a second stage has no validation that says how well it does
        step_every, told = setup.recipe.logging.step_every, told_by(events, console)
        diagnosing = Diagnosing(folder, read_records(folder.events), step_every, _told_to(told, guard))
        observers += [diagnosing.observe] if guard is None else [diagnosing.observe, guard.observe]
    try:
        begin_together(folder.path, setup, progress, goal)
        with (
            listening(setup.ranks) as interruption,
            watching(setup, data, progress, lambda record: tell(observers, record), diagnosing) as monitor,
        ):
            stop = fit(
                setup,
                data,
                progress,
                Checkpoints(checkpoints, meta),
                observers=observers,
                interruption=interruption,
                goal=goal,
                enough=None if guard is None else guard.enough,
                witness=monitor,
            )
            if monitor is not None and stop.kind != "interrupted":
                monitor.finish(stop.step, stop.epoch)
    except TrainingError as error:
        if guard is not None and guard.finding is not None:
            return False
        if diagnosing is not None:
            diagnosing.look(last=True)
        raise _broken_down(folder, error) from None
    else:
        if diagnosing is not None and not (guard is not None and guard.cut):
            diagnosing.look(last=stop.kind != "interrupted")
    finally:
        write_findings(folder)
    if guard is not None and guard.finding is not None and (guard.cut or stop.kind != "interrupted"):
        return False
    if stop.kind == "interrupted":
        raise _interrupted(folder, stop, before)
    return True


def _interrupted(folder: RunFolder, stop: StopRecord, before: Before) -> Interrupted:
    """Reports a run as far as it has come, and says how to go on."""
    write_report(folder)
    return Interrupted(
        f"{stop.reason} after step {before.steps + stop.step}; a checkpoint is written",
        hint=launched().command("train", "--resume", str(folder.path)),
    )


def _broken_down(folder: RunFolder, error: TrainingError) -> TrainingError:
    """Reports a run whose numbers ceased to be finite, and says with the error how to do better."""
    write_report(folder)
    findings = History.of(read_all_records(folder.events)).findings
    commands = [step.command for step in after_breakdown(folder.path, findings)]
    return TrainingError(error.problem, got=error.got, hint="\n   or: ".join(commands))


def _told_to(tell: Callable[[Finding], None], guard: Guard | None) -> Callable[[Finding], None]:
    """Lets the guard hear of a finding, too, once it is told."""

    def told(finding: Finding) -> None:
        tell(finding)
        if guard is not None:
            guard.observe(finding)

    return told


def warn_of_breakdown(folder: RunFolder, history: History, console: RunConsole) -> None:
    """Says, before a run that broke down is resumed, that the same recipe breaks down again, and what to do instead."""
    if history.stop is not None and history.stop.kind == "non-finite-loss":
        console.note(
            f"{folder.path} broke down: {history.stop.reason}. The same recipe from the same checkpoint does so again"
        )
        for step in after_breakdown(folder.path, history.findings):
            console.note(f"instead: {step.command}")


@contextmanager
def telling_interruptions(folder: RunFolder | None) -> Generator[None]:
    """Says what was kept where Ctrl-C or SIGTERM ends the block at once, outside the steps of training or the second
    time, or another rank, or where another rank is lost.

    Args:
        folder: of the run; None where it is still to be made.

    Raises:
        Interrupted: instead of KeyboardInterrupt, and where another rank was interrupted.
        RankLost: with what was kept, and how to go on.
    """
    try:
        yield
    except (KeyboardInterrupt, RankLost, OfAnotherRank) as error:
        if isinstance(error, OfAnotherRank) and error.exit_code != Interrupted.exit_code:
            raise
        lost = error if isinstance(error, RankLost) else None
        if folder is None or not is_run(folder.path):
            nothing = "there is no run, and nothing to resume"
            if lost is not None:
                raise lost.with_advice(nothing, "start it anew") from None
            raise Interrupted(f"interrupted before training began; {nothing}") from None
        done = History.of(read_all_records(folder.events, steps=False)).finished if folder.events.is_file() else False
        if done:
            kept = "all epochs are done, and only the test and the report are left"
        elif any(folder.checkpoints.glob("*last*")):
            kept = "its last checkpoint is kept"
        else:
            kept = "no checkpoint is written yet, so that a resume begins anew"
        again = launched().command("train", "--resume", str(folder.path))
        if lost is not None:
            raise lost.with_advice(kept, f"{again}   (also with another number of ranks)") from None
        raise Interrupted(f"interrupted; {kept}", hint=again) from None


def counting_on(observers: Sequence[Observer], before: Before) -> Observer:
    """Tells the observers of a run what happens in its second stage, which counts its own epochs and steps from 1."""

    def observe(record: Record) -> None:
        for observer in observers:
            observer(counted_on(record, before))

    return observe


def counted_on(record: Record, before: Before) -> Record:
    """Counts a second stage's record on from what went before; nothing in it is the best, since nothing chooses."""
    match record:
        case StepRecord(step=step, epoch=epoch):
            return replace(record, step=step + before.steps, epoch=epoch + before.epochs)
        case EpochRecord(step=step, epoch=epoch):
            counted = {"step": step + before.steps, "epoch": epoch + before.epochs}
            return replace(record, **counted, best=False, stage="retrain")
        case StopRecord(step=step, epoch=epoch, best_epoch=best):
            counted = {"step": step + before.steps, "epoch": epoch + before.epochs, "best_epoch": best + before.epochs}
            return replace(record, **counted, train_time_s=record.train_time_s + before.time_s)
        case Finding(since_step=int(step)):
            return replace(record, since_step=step + before.steps)
        case WatchRecord(step=step, steps_planned=planned):
            total = None if planned is None else planned + before.steps
            return replace(record, step=step + before.steps, steps_planned=total)
        case ProbeRecord(step=step, epoch=epoch):
            return replace(record, step=step + before.steps, epoch=epoch + before.epochs)
        case UnitsRecord(step=step, epoch=epoch) | AnswersRecord(step=step, epoch=epoch):
            return replace(record, step=step + before.steps, epoch=epoch + before.epochs)
        case _:
            return record
