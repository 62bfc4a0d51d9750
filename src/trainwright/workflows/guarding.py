"""The guard: where going on is pointless, a run goes back to before the fault, changes what is advised, and goes on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from trainwright.errors import InputError
from trainwright.recipe import Given, Origin, Recipe, compose, format_value, read_recipe_file, write_recipe
from trainwright.reporting import RunConsole
from trainwright.runs import (
    EpochRecord,
    EventWriter,
    Finding,
    GuardRecord,
    Record,
    RunFolder,
    StepRecord,
    read_all_records,
    write_atomic,
)
from trainwright.training import Cut, Ranks, choose_training, load_newest

from .run import Run

MOST = 3
"""Times that a run goes back at most."""

FROM_THE_START = ("data", "preprocess", "model", "init")
"""Sections without which no weights have been learned: where these change, nothing that was learned fits."""


class Guard:
    """Hears findings while a run trains, and cuts it short where one says that going on is pointless.

    At the start of each epoch it keeps what the epoch before ended with, as long as nothing is wrong. It begins with a
    finding that the log tells already, so that a run that was killed on its way back goes back when it is resumed.

    Args:
        folder: of the run, laid out.
        events: its log.
        console: is told what is done, and what cannot be done.
        recipe: decided; of the run as it is now.

    Attributes:
        finding: because of which the run is to go back; None while it goes on.
        cut: whether training was cut short because of it.
    """

    def __init__(self, folder: RunFolder, events: EventWriter, console: RunConsole, recipe: Recipe) -> None:
        self._folder, self._events, self._console, self._recipe = folder, events, console, recipe
        self._good = folder.checkpoints / "good"
        self._epoch: int | None = None
        history = Run(folder).history
        self._times = len(history.guards)
        self.finding: Finding | None = None
        self.cut = False
        for finding in history.findings:
            self.observe(finding)

    def observe(self, record: Record) -> None:
        """Hears of a finding."""
        grave = isinstance(record, Finding) and record.severity == "stop" and record.withdrawn is None
        if self.finding is None and isinstance(record, Finding) and grave and self._can_act_on(record):
            self.finding = record

    def enough(self, record: StepRecord | EpochRecord) -> Cut | None:
        """Cuts training short where the run is to go back; else keeps the checkpoint of the epoch before."""
        if self.finding is not None:
            self.cut = True
            return Cut("interrupted", f"the guard, on {self.finding.code}")
        if isinstance(record, StepRecord) and record.epoch != self._epoch:
            self._epoch = record.epoch
            self._keep()
        return None

    def go_back(self, step: int, pictures: int) -> Recipe:
        """Undoes what came after the fault, and changes the recipe of the run.

        The run stands afterwards as if it had been interrupted at the checkpoint `last` that is left, or before its
        first step where none is.

        Args:
            step: at which the run is left.
            pictures: that an epoch draws, by which a rate is decided anew that is to be `auto`.

        Returns: the recipe to go on with, decided.
        """
        finding = self.finding
        assert finding is not None
        changes = _settings(finding)
        recipe = _changed(self._recipe, changes, f"the guard, on {finding.code} at step {step}")
        recipe = recipe.decide(choose_training(recipe, pictures=pictures))
        point = self._point(finding, changes)
        at_step, at_epoch = (0, 0) if point is None else point
        way = GuardRecord(
            step=at_step,
            epoch=at_epoch,
            left_step=step,
            checkpoint="the start" if point is None else "good",
            code=finding.code,
            before={key: self._recipe.get(key) for key in changes},
            after={key: recipe.get(key) for key in changes},
            done=False,
        )
        self._events.write(way)
        _go(self._folder, self._events, recipe, way)
        self._console.note(
            f"the guard, {self._times + 1} of at most {MOST} times, on {finding.code} at step {step}: back to "
            + ("the start" if point is None else f"the end of epoch {at_epoch}")
            + f", with {_words_of(self._recipe, recipe, changes)}"
        )
        return recipe

    def _can_act_on(self, finding: Finding) -> bool:
        """Says whether there is something to change, and tells where there is not."""
        changes = _settings(finding)
        if self._times >= MOST:
            why = f"it has gone back {MOST} times already"
        elif not changes:
            why = f"no setting mends it: {finding.advice.get('do', 'there is no advice')}"
        elif all(self._recipe.get(key) == value for key, value in changes.items()):
            why = "what is advised is set already"
        else:
            try:
                _changed(self._recipe, changes, "the guard")
                return True
            except InputError as error:
                why = f"what is advised does not fit the recipe: {error.problem}"
        self._console.note(f"the guard leaves {finding.code} as it is; {why}")
        return False

    def _keep(self) -> None:
        """Keeps the newest checkpoint under a name of its own; its files are the same, and are never written into."""
        last = self._folder.checkpoints / "last"
        if last.is_dir():
            _replace(self._good, last)

    def _point(self, finding: Finding, changes: Mapping[str, Any]) -> tuple[int, int] | None:
        """Gives step and epoch of the checkpoint to go on from; None for the start."""
        anew = any(key.partition(".")[0] in FROM_THE_START for key in changes)
        good = None if anew or finding.since_step is None else load_newest(self._good)[0]
        if good is None or finding.since_step is None or good.meta["step"] >= finding.since_step:
            return None
        return good.meta["step"], good.state["progress"]["epoch"] - 1


def finish_going_back(folder: RunFolder) -> None:
    """Goes the rest of the way of a run that was killed while its guard took it back."""
    records = read_all_records(folder.events) if folder.events.is_file() else []
    way = next((one for one in reversed(records) if isinstance(one, GuardRecord)), None)
    if way is None or way.done:
        return
    recipe = _changed(
        compose(read_recipe_file(folder.recipe)), way.after, f"the guard, on {way.code} at step {way.left_step}"
    )
    with EventWriter(folder.events) as events:
        _go(folder, events, recipe, way)


def _go(folder: RunFolder, events: EventWriter, recipe: Recipe, way: GuardRecord) -> None:
    """Leaves of all checkpoints only those from before the fault, and keeps the recipe; done twice it is as once."""
    checkpoints, from_good = folder.checkpoints, way.checkpoint == "good"
    best = load_newest(checkpoints / "best")[0] if from_good else None
    gone = ["last.previous"] if from_good else ["last", "last.previous", "good"]
    if not from_good or (best is not None and best.meta["step"] > way.step):
        gone += ["best", "best.previous"]
    if from_good:
        _replace(checkpoints / "last", checkpoints / "good")
    for name in (*gone, "last.new", "best.new"):
        shutil.rmtree(checkpoints / name, ignore_errors=True)
    write_atomic(folder.recipe, write_recipe(recipe))
    events.write(replace(way, done=True))


def refuse_guard_in_ranks(recipe: Recipe, ranks: Ranks) -> None:
    """Refuses what one process alone can do.

    Raises:
        InputError: several ranks are to be guarded.
    """
    if recipe.training.guard and not ranks.alone:
        raise InputError(
            "the guard watches over a training in one process",
            got=f"{ranks.world} ranks",
            where="training.guard",
            hint="leave --guard out, or train in one process",
        )


def set_by_guard(folder: RunFolder, key: str, value: Any) -> bool:
    """Tells whether a setting has the value that a run began with, before its guard changed it."""
    first = next((one for one in Run(folder).history.guards if key in one.before), None)
    return first is not None and first.before[key] == value


def _words_of(before: Recipe, after: Recipe, keys: Mapping[str, Any]) -> str:
    """Says what a change of settings was: `optim.lr 60 → 6`."""
    return ", ".join(f"{key} {format_value(before.get(key))} → {format_value(after.get(key))}" for key in keys)


def _settings(finding: Finding) -> dict[str, Any]:
    return {key: value for key, value in finding.advice.items() if key != "do"}


def _changed(recipe: Recipe, changes: Mapping[str, Any], why: str) -> Recipe:
    """Gives a decided recipe with some settings changed, each with the reason as where it came from.

    Raises:
        InputError: they do not fit.
    """
    idle = recipe.idle()
    kept = {key: Given(value, recipe.origin(key)) for key, value in recipe.items() if key not in idle}
    return compose(kept, {key: Given(value, Origin("auto", why)) for key, value in changes.items()}, firm=False)


def _replace(path: Path, source: Path) -> None:
    """Gives a checkpoint a second name, in place of what had it."""
    fresh = path.with_name(f"{path.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(source, fresh, copy_function=_linked)
    shutil.rmtree(path, ignore_errors=True)
    fresh.rename(path)


def _linked(source: str, path: str) -> None:
    """Gives a file a second name; where a disk knows no such thing, a copy."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copy2(source, path)
