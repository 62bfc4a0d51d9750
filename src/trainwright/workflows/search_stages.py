"""A search from its first trial to its report: trials asked for, run, told, and the boxes between the stages."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainwright.errors import InputError, Interrupted
from trainwright.recipe import Recipe, write_recipe
from trainwright.reporting import (
    RunConsole,
    border_lines,
    search_result_lines,
    stage_lines,
    trial_line,
    write_search_report,
)
from trainwright.runs import SearchFolder, TrialRecord, write_atomic
from trainwright.training import listening
from trainwright.tuning import Pruner
from trainwright.tuning.boxes import Border, next_box
from trainwright.tuning.space import Dimension
from trainwright.tuning.stages import Stage, best_of, good_of, taken_over
from trainwright.tuning.study import StageStudy, importances

from .trials import TrialBench

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.trial import Trial


@dataclass(frozen=True)
class SearchPlan:
    """What a search is to do, decided.

    Attributes:
        study: name of the search.
        data, model, task, figure: what trials learn, and the figure by which they are judged.
        seed: of sampler and trials.
        folds: 0, or parts of cross-validation.
        space: the box of the first stage.
        stages: what is done in turn.
        sampler, pruner: names, or `auto`.
        minutes: of training, after which no trial begins.
    """

    study: str
    data: str
    model: str
    task: str
    figure: str
    seed: int
    folds: int
    space: tuple[Dimension, ...]
    stages: tuple[Stage, ...]
    sampler: str
    pruner: str
    minutes: float | None

    def identity(self) -> dict[str, Any]:
        """Gives what must be the same for a search to be gone on with, as plain data."""
        return {
            "space": {dimension.key: dimension.words for dimension in self.space},
            "stages": [[stage.trials, stage.epochs, sorted(stage.fixed)] for stage in self.stages],
            "sampler": self.sampler,
            "pruner": self.pruner,
            "folds": self.folds,
            "seed": self.seed,
        }

    def sampler_of(self, stage: Stage) -> Any:
        """Names the sampler of a stage: points that fill the box evenly where nothing is known, TPE where something
        is."""
        if self.sampler != "auto":
            return self.sampler
        return "quasi-random" if stage.number == 1 else "tpe"

    def pruner_of(self, stage: Stage) -> Any:
        """Names the pruner of a stage; trials of one epoch cannot be given up between epochs."""
        if stage.epochs == 1:
            return "none"
        return "median" if self.pruner == "auto" else self.pruner

    def minutes_until(self, stage: Stage) -> float | None:
        """Gives the minutes of training after which a stage begins no more trials, so that later ones have theirs."""
        if self.minutes is None:
            return None
        epochs = [one.trials * one.epochs for one in self.stages]
        return self.minutes * sum(epochs[: stage.number]) / sum(epochs)


@dataclass
class Found:
    """What a search knows so far; `records` of all stages by number, `rows` of the stages as in search.json."""

    records: list[TrialRecord]
    rows: list[dict[str, Any]]
    borders: list[Border]
    ended: str = "under way"

    @property
    def best(self) -> TrialRecord | None:
        """The best trial of all stages that was trained to its end."""
        return best_of(self.records)


def run_search(
    folder: SearchFolder,
    plan: SearchPlan,
    known: Mapping[str, Any],
    storage: BaseStorage,
    bench: TrialBench,
    console: RunConsole,
) -> dict[str, Any]:
    """Runs all trials that are still to be run, stage by stage.

    Args:
        folder: of the search, which this process alone writes to.
        plan: what is to be done.
        known: facts that are kept beside.
        storage: of the trials; what stands in it is not done again.
        bench: makes trials.
        console: is told each trial.

    Returns: the facts, as in search.json.

    Raises:
        InputError: all trials of the first stage diverged.
        Interrupted: Ctrl-C or SIGTERM.
    """
    found = Found([], [], [])
    box, before, first = plan.space, [], 1
    repeated: list[TrialRecord] = []
    for stage in plan.stages:
        sampler, pruner = plan.sampler_of(stage), plan.pruner_of(stage)
        study = StageStudy(storage, plan.study, stage, sampler=sampler, pruner=pruner, seed=plan.seed, first=first)
        study.lay_out(box, before, repeated)
        found.rows.append(_row(stage, study.planned, box, sampler, pruner))
        console.lines(stage_lines(found.rows[-1], len(plan.stages), plan.figure))
        earlier = list(found.records)
        found.records = [*earlier, *study.records()]
        for record in study.records():
            console.lines([trial_line(record, best=record is found.best)])
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
    found.ended = _ended(found, plan)
    facts = keep(folder, plan, known, found, bench)
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
    """Runs the trials of one stage that are still to be run."""
    until = plan.minutes_until(study.stage)
    while until is None or not study.records() or sum(one.time_s for one in found.records) < 60 * until:
        trial = study.ask()
        if trial is None:
            return
        number, settings = study.number(trial), study.settings(trial)
        hopeless = _shown(study, trial, number - study.first, found.best, console)
        with listening() as interruption:
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
        study.tell(trial, record)
        found.records = [*earlier, *study.records()]
        console.lines([trial_line(record, best=found.best is not None and found.best.trial == number)])
        keep(folder, plan, known, found, bench)


def _shown(study: StageStudy, trial: Trial, done: int, best: TrialRecord | None, console: RunConsole) -> Pruner:
    """Gives a trial's pruner, which also moves the bar."""
    hopeless = study.pruner(trial)
    said = "" if best is None or best.value is None else f", best so far {best.value:.4g}"

    def ask(epoch: int, score: float) -> str | None:
        text = f"trial {done + 1} of {study.planned}, epoch {epoch} of {study.stage.epochs}{said}"
        console.moving(text, done, study.planned)
        return hopeless(epoch, score)

    return ask


def keep(
    folder: SearchFolder, plan: SearchPlan, known: Mapping[str, Any], found: Found, bench: TrialBench
) -> dict[str, Any]:
    """Writes all files of the folder that are made from the trials; gives the facts."""
    facts = {**known, **_facts(folder, plan, found)}
    folder.write_trials(found.records)
    if found.best is not None and not _is_written(folder, found.best):
        write_atomic(folder.best, best_recipe(plan, found.best, bench))
    folder.write_facts(facts)
    return facts


def best_recipe(plan: SearchPlan, best: TrialRecord, bench: TrialBench) -> str:
    """Writes the recipe of a trial, decided to the last value, so that `train` comes to the same figure."""
    stage = plan.stages[(best.stage or 1) - 1]
    recipe: Recipe = bench.build({**best.settings, **stage.fixed})[0].recipe
    return f"{_head(best)}\n{write_recipe(recipe)}"


def nothing_learned(records: Sequence[TrialRecord], box: Sequence[Dimension], plan: SearchPlan) -> InputError:
    """Words that no trial of the first stage came to anything, and what to try."""
    reasons = [record.reason for record in records[:3]]
    diverged = sum(record.ended == "diverged" for record in records)
    rate = next((dimension for dimension in box if dimension.key == "optim.lr" and dimension.scale != "choice"), None)
    if rate is not None and diverged:
        low, high = rate.low / 1000, rate.low
        return InputError(
            f"all {len(records)} trials ended before they learned anything, {diverged} of them diverged: the range of "
            "the learning rate is too high",
            expected="rates of which some can be learned with",
            got=f"optim.lr from {rate.low:g} to {rate.high:g}; {'; '.join(reasons)}",
            where=f"--space optim.lr={rate.words}",
            hint=f"--space optim.lr=log:{low:g}:{high:g} and another --name",
        )
    return InputError(
        f"all {len(records)} trials of stage 1 ended before they learned anything, {diverged} of them diverged",
        expected="settings of which some can be learned with",
        got="; ".join(reasons),
        where=f"the search {plan.study}",
        hint="a smaller rate with --lr, or `trainwright lr-find` with the same words, and another --name",
    )


def _row(stage: Stage, planned: int, box: Sequence[Dimension], sampler: str, pruner: str) -> dict[str, Any]:
    return {
        "number": stage.number,
        "epochs": stage.epochs,
        "trials": planned,
        "fixed": dict(stage.fixed),
        "sampler": sampler,
        "pruner": pruner,
        "box": {dimension.key: dimension.words for dimension in box},
        "dimensions": [dataclasses.asdict(dimension) for dimension in box],
    }


def _facts(folder: SearchFolder, plan: SearchPlan, found: Found) -> dict[str, Any]:
    best = found.best
    return {
        "best": None
        if best is None
        else {
            "value": best.value,
            "recipe": str(folder.best),
            "trial": best.trial,
            "stage": best.stage,
            "epochs": best.epochs,
            "best_epoch": best.best_epoch,
            "settings": dict(best.settings),
            "fold_values": list(best.fold_values),
        },
        "trials": len(found.records),
        "epochs_spent": sum(record.epochs_spent for record in found.records),
        "time_s": sum(record.time_s for record in found.records),
        "study": plan.study,
        "borders": [dataclasses.asdict(border) for border in found.borders],
        "importance": _importance(plan, found),
        "ended": found.ended,
        "stages": found.rows,
        "data": plan.data,
        "model": plan.model,
        "task": plan.task,
        "figure": plan.figure,
        "folds": plan.folds,
        "seed": plan.seed,
        "space": plan.identity()["space"],
    }


def _importance(plan: SearchPlan, found: Found) -> dict[str, Any] | None:
    """Tells what the differences between trials hang on, from the stage with the most of them."""
    if found.ended == "under way":
        return None
    box = plan.space
    records = [record for record in found.records if record.stage == 1]
    shares = importances(box, records)
    return None if shares is None else {"stage": 1, "shares": shares}


def _ended(found: Found, plan: SearchPlan) -> str:
    planned = sum(row["trials"] for row in found.rows)
    if len(found.rows) == len(plan.stages) and len(found.records) >= planned:
        return "all trials done"
    return "out of time" if plan.minutes is not None else "ended early"


def _head(best: TrialRecord) -> str:
    value = f"{best.value!r}"
    over = f", mean over {len(best.fold_values)} folds" if best.fold_values else ""
    return f"# Trial {best.trial} of a search: validation {best.figure} {value}{over} after epoch {best.best_epoch}."


def _is_written(folder: SearchFolder, best: TrialRecord) -> bool:
    if not folder.best.is_file():
        return False
    with folder.best.open(encoding="utf-8") as file:
        return file.readline().rstrip("\n") == _head(best)
