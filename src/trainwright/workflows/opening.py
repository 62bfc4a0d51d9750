"""The net of a run, opened for use; a run that has none says why."""

from __future__ import annotations

from trainwright.errors import InputError
from trainwright.recipe import MachineSection
from trainwright.reporting import after_breakdown, next_steps
from trainwright.runs import History, RunFolder, read_all_records, refuse_watched
from trainwright.training import Snapshot, open_snapshot


def open_result(folder: RunFolder, machine: MachineSection, *, fused: bool = False) -> Snapshot:
    """Opens the result of a run, as `open_snapshot` does.

    Raises:
        InputError: the run is of a loop that is not ours, or broke down before it had a snapshot, or see
            `open_snapshot`.
    """
    refuse_watched(folder)
    history = History.of(read_all_records(folder.events, steps=False)) if folder.events.is_file() else History()
    stop = history.stop
    kept = [*folder.checkpoints.glob("best*"), *folder.checkpoints.glob("retrained")]
    if stop is not None and stop.kind == "non-finite-loss" and not kept:
        raise InputError(
            "this run broke down in its first epoch, so that it has no net to use",
            got=stop.reason,
            where=str(folder.path),
            hint="\n   or: ".join(step.command for step in after_breakdown(folder.path, history.findings)),
        )
    if stop is not None and stop.kind == "check-failed" and not kept:
        raise InputError(
            "this run was not trained, so that it has no net to use",
            got=stop.reason,
            where=str(folder.path),
            hint="\n   or: ".join(step.command for step in next_steps(folder.path, stop.kind, history.findings)),
        )
    return open_snapshot(folder.checkpoints, machine, fused=fused)
