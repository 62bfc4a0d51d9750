"""A search from its first trial to its report: trials asked for, run, told, and the boxes between the stages."""

from __future__ import annotations

import dataclasses
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trainwright.errors import InputError, Interrupted
from trainwright.reporting import (
    RunConsole,
    border_lines,
    search_result_lines,
    stage_lines,
    trial_line,
    write_search_report,
)
from trainwright.runs import SearchFolder, TrialRecord
from trainwright.training import listening
from trainwright.tuning import Pruner
from trainwright.tuning.boxes import next_box
from trainwright.tuning.space import Dimension
from trainwright.tuning.stages import good_of, taken_over
from trainwright.tuning.study import TAKEN, StageStudy

from .search_files import Found, SearchPlan, how_it_ended, keep, row_of
from .trials import TrialBench

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import Trial


LEADER = "TRAINWRIGHT_SEARCH_LEADER"
"""Environment variable with the number of the process that started a worker, and with which the worker ends."""

WAITS_S = 0.2
"""Seconds between two looks at what others do."""


def run_search(
    folder: SearchFolder,
    plan: SearchPlan,
    known: Mapping[str, Any],
    storage: BaseStorage,
    bench: TrialBench,
    console: RunConsole,
    *,
    leads: bool = True,
    lost: Callable[[], bool] = bool,
    news: Callable[[], Iterable[str]] = tuple,
) -> dict[str, Any]:
    """Runs all trials that are still to be run, stage by stage.

    Args:
        folder: of the search.
        plan: what is to be done.
        known: facts that are kept beside.
        storage: of the trials; what stands in it is not done again.
        bench: makes trials.
        console: is told each trial.
        leads: whether this process lays out the stages and writes the folder's files; one of those that share a
            search does, the others take trials from it.
        lost: tells whether another process leads meanwhile.
        news: tells what became of the processes that share the search since it was asked last.

    Returns: the facts, as in search.json.

    Raises:
        InputError: all trials of the first stage diverged.
        Interrupted: Ctrl-C or SIGTERM, or another process leads.
    """
    found = Found([], [], [], leads=leads, lost=lost, news=news)
    box, before, first = plan.space, [], 1
    repeated: list[TrialRecord] = []
    for stage in plan.stages:
        sampler, pruner = plan.sampler_of(stage), plan.pruner_of(stage)
        study = StageStudy(storage, plan.study, stage, sampler=sampler, pruner=pruner, seed=plan.seed, first=first)
        while not study.lay_out(box, before, repeated, leads=leads):
            wait_for_others(plan)
        box = study.box
        found.rows.append(row_of(stage, study.planned, box, sampler, pruner))
        console.lines(stage_lines(found.rows[-1], len(plan.stages), plan.figure))
        if study.left_out:
            console.note(
                f"{study.left_out} points of the grid have no trial: the {study.planned} of stage {stage.number}, with "
                "those that it repeats, do not suffice"
            )
        earlier = list(found.records)
        found.records = [*earlier, *study.records()]
        show_new(found, console)
        keep(folder, plan, known, found, bench)
        _run_stage(folder, plan, known, found, earlier, study, bench, console)
        mine = study.records()
        good = good_of(mine)
        if not good:
            if found.best is not None:
                console.note(f"no trial of stage {stage.number} came to its end; the search ends here")
                break
            raise nothing_learned(mine, box, plan)
        box, borders = next_box(box, [record.settings for record in good], stage.number)
        if stage is plan.stages[-1]:
            borders = tuple(dataclasses.replace(border, grown_to=None) for border in borders)
        found.borders += borders
        console.lines(border_lines([dataclasses.asdict(border) for border in borders]))
        first, before = first + study.planned, mine
        if stage is not plan.stages[-1]:
            repeated = taken_over(mine, plan.stages[stage.number])
    found.ended = how_it_ended(found, plan)
    facts = keep(folder, plan, known, found, bench)
    if leads:
        write_search_report(folder)
    console.lines(search_result_lines(facts, str(folder.path)))
    return facts


def _run_stage(
    folder: SearchFolder,
    plan: SearchPlan,
    known: Mapping[str, Any],
    found: Found,
    earlier: Sequence[TrialRecord],
    study: StageStudy,
    bench: TrialBench,
    console: RunConsole,
) -> None:
    """Runs the trials of one stage that are still to be run, and ends it.

    When its minutes are over no trial begins, and those of other processes are waited for.
    """
    until = plan.minutes_until(study.stage)
    while not study.finished:
        refuse_lost(plan, found)
        over = until is not None and bool(study.records()) and sum(one.time_s for one in found.records) >= 60 * until
        trial = None if over else study.ask()
        found.records = [*earlier, *study.records()]
        show_new(found, console)
        if trial is not None:
            _run_trial(folder, plan, known, found, study, trial, bench, console)
            found.records = [*earlier, *study.records()]
            show_new(found, console)
            keep(folder, plan, known, found, bench)
        elif over and found.leads and not study.under_way:
            break
        elif not study.finished:
            wait_for_others(plan)
    refuse_lost(plan, found)
    if found.leads:
        study.end()
    found.records = [*earlier, *study.records()]
    show_new(found, console)


def _run_trial(
    folder: SearchFolder,
    plan: SearchPlan,
    known: Mapping[str, Any],
    found: Found,
    study: StageStudy,
    trial: Trial,
    bench: TrialBench,
    console: RunConsole,
) -> None:
    """Runs one trial, and keeps what it came to."""
    number, settings = study.number(trial), study.settings(trial)
    hopeless = _shown(study, trial, number - study.first, found.best, console)
    with listening() as interruption, study.working(trial):
        record = bench.judge(
            settings,
            fixed=study.stage.fixed,
            number=number,
            stage=study.stage.number,
            interruption=interruption,
            pruner=hopeless,
        )
    if record.ended == "interrupted":
        keep(folder, plan, known, found, bench)
        raise Interrupted(
            f"interrupted in trial {number}, which begins anew; {len(found.records)} trials are kept",
            hint=f"trainwright search --resume {folder.path}",
        )
    if not study.tell(trial, record):
        console.note(f"trial {number} counts as another process finds it: {TAKEN}")


def show_new(found: Found, console: RunConsole) -> None:
    """Writes the rows of trials that have none yet, those of other processes among them, and what became of these."""
    for word in found.news():
        console.note(word)
    for record in found.records:
        if record.trial not in found.shown:
            console.lines([trial_line(record, best=record is found.best)])
            found.shown.add(record.trial)


def refuse_lost(plan: SearchPlan, found: Found) -> None:
    """Ends a process that another took the lead from, before it lays out or ends what is that one's.

    Raises:
        Interrupted: it did.
    """
    if found.lost():
        raise Interrupted(
            f"another process leads the search {plan.study}: this one stood still",
            hint=f"trainwright search worker {plan.study} --storage with the same storage",
        )


def wait_for_others(plan: SearchPlan) -> None:
    """Waits a moment for those that share a search: for their trials, or for the next stage to be laid out.

    Raises:
        Interrupted: the process that this one was started by is gone.
    """
    if (leader := os.environ.get(LEADER)) is not None and os.getppid() != int(leader):
        raise Interrupted(f"the process that led the search {plan.study} is gone")
    time.sleep(WAITS_S)


def _shown(study: StageStudy, trial: Trial, done: int, best: TrialRecord | None, console: RunConsole) -> Pruner:
    """Gives a trial's pruner, which also moves the bar."""
    hopeless = study.pruner(trial)
    said = "" if best is None or best.value is None else f", best so far {best.value:.4g}"

    def ask(epoch: int, score: float) -> str | None:
        text = f"trial {done + 1} of {study.planned}, epoch {epoch} of {study.stage.epochs}{said}"
        console.moving(text, done, study.planned)
        return hopeless(epoch, score)

    return ask


def nothing_learned(records: Sequence[TrialRecord], box: Sequence[Dimension], plan: SearchPlan) -> InputError:
    """Words that no trial of a stage came to anything, and what to try: lower rates where most diverged."""
    diverged = sum(record.ended == "diverged" for record in records)
    most = 2 * diverged > len(records)
    rate = next((dimension for dimension in box if dimension.key == "optim.lr" and dimension.scale != "choice"), None)
    if rate is not None and most:
        low, high = rate.low / 1000, rate.low
        return InputError(
            f"all {len(records)} trials ended before they learned anything, {diverged} of them diverged: the range of "
            "the learning rate is too high",
            expected="rates of which some can be learned with",
            got=f"optim.lr from {rate.low:g} to {rate.high:g}; {_reasons(records)}",
            where=f"--space optim.lr={rate.words}",
            hint=f"--space optim.lr=log:{low:g}:{high:g} and another --name",
        )
    instead = "a smaller rate with --lr, or `trainwright lr-find` with the same words," if most else "other boxes,"
    return InputError(
        f"all {len(records)} trials of stage {records[0].stage} ended before they learned anything, {diverged} of them "
        "diverged",
        expected="settings of which some can be learned with",
        got=_reasons(records),
        where=f"the search {plan.study}",
        hint=f"{instead} and another --name",
    )


def _reasons(records: Sequence[TrialRecord]) -> str:
    """Words why trials ended, the most frequent reason first; of those that diverged, and so on, one stands for all."""
    kinds = Counter((record.ended, record.reason if record.ended == "refused" else None) for record in records)
    told: list[str] = []
    for (ended, reason), count in kinds.most_common(3):
        example = reason or next(record.reason for record in records if record.ended == ended)
        told.append(f"{count} {ended}: {example}" if count == 1 or reason else f"{count} {ended}, the first: {example}")
    return "; ".join(told)
