"""Who is told what happens in a run: the event log, metrics.csv, the terminal, TensorBoard."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from trainwright.errors import InputError
from trainwright.recipe import Recipe
from trainwright.reporting import RunConsole
from trainwright.runs import (
    EpochRecord,
    EventWriter,
    Finding,
    History,
    ProbeRecord,
    Record,
    RunFolder,
    StepRecord,
    StopRecord,
    read_all_records,
    write_metrics_csv,
)
from trainwright.training import Observer


def observers_of(
    folder: RunFolder,
    recipe: Recipe,
    events: EventWriter,
    console: RunConsole,
    steps_per_epoch: int,
    *,
    first_step: int,
    begins_at: int,
) -> list[Observer]:
    """Lists the observers of a stage of a run. Each only reads; their order does not matter.

    Args:
        first_step: the steps that were made before this stage.
        begins_at: the step that the run goes on from, 0 at its start.
    """
    shown = show_on(console, steps_per_epoch, first_step)
    observers = [log_to(events, recipe.logging.step_every), tabulate(folder), shown]
    if recipe.logging.tensorboard:
        observers.append(tensorboard_to(folder, begins_at))
    return observers


def log_to(events: EventWriter, step_every: int) -> Observer:
    """Writes records to the event log, step records only every `step_every` steps."""

    def observe(record: Record) -> None:
        if isinstance(record, StepRecord):
            if record.step % step_every == 0:
                events.write(record, sync=False)
        else:
            # A probe comes between steps, which need not wait for the disk.
            events.write(record, sync=not isinstance(record, ProbeRecord))

    return observe


def told_by(events: EventWriter, console: RunConsole) -> Callable[[Finding], None]:
    """Keeps a finding that somebody made beside training in the event log, and draws it."""

    def tell(finding: Finding) -> None:
        events.write(finding)
        console.finding(finding)

    return tell


def tabulate(folder: RunFolder) -> Observer:
    """Keeps metrics.csv in step with the event log, one row an epoch."""

    def observe(record: Record) -> None:
        if isinstance(record, EpochRecord):
            write_metrics_csv(History.of(read_all_records(folder.events, steps=False)), folder.metrics)

    return observe


def show_on(console: RunConsole, steps_per_epoch: int, first_step: int) -> Observer:
    """Draws records on the terminal."""

    def observe(record: Record) -> None:
        match record:
            case StepRecord():
                done = (record.step - first_step - 1) % steps_per_epoch + 1
                console.batch(done, steps_per_epoch, record.loss, record.epoch)
            case EpochRecord():
                console.epoch(record)
            case Finding():
                console.finding(record)
            case StopRecord():
                console.stop(record)
            case _:
                pass

    return observe


def require_tensorboard() -> None:
    """Makes sure that event files can be written.

    Raises:
        InputError: the extra is not installed.
    """
    if find_spec("tensorboard") is None:
        raise InputError(
            "TensorBoard event files need the package tensorboard",
            where="logging.tensorboard",
            hint="pip install 'trainwright[tensorboard]'",
        )


def tensorboard_to(folder: RunFolder, begins_at: int) -> Observer:
    """Writes rate, losses and accuracies as TensorBoard event files into the run folder.

    Raises:
        InputError: the extra is not installed.
    """
    require_tensorboard()
    from torch.utils.tensorboard import SummaryWriter

    writer: Any = SummaryWriter(folder.path / "tensorboard", purge_step=begins_at + 1)

    def observe(record: Record) -> None:
        match record:
            case StepRecord():
                writer.add_scalar("learning_rate", record.learning_rate, record.step)
                writer.add_scalar("loss/step", record.loss, record.step)
            case EpochRecord():
                writer.add_scalar("loss/train", record.train_loss, record.step)
                measured = {
                    "accuracy/train": record.train_accuracy,
                    "loss/valid": record.valid_loss,
                    "accuracy/valid": record.valid_accuracy,
                    **{f"{name}/valid": value for name, value in record.valid_figures.items()},
                }
                for name, value in measured.items():
                    if value is not None:
                        writer.add_scalar(name, value, record.step)
                writer.flush()
            case StopRecord():
                writer.close()
            case _:
                pass

    return observe
