"""What a search is to do, what it knows, and the files of its folder that are made from that."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainwright.recipe import Recipe, write_recipe
from trainwright.runs import SearchFolder, TrialRecord, write_atomic
from trainwright.tuning.boxes import Border
from trainwright.tuning.importance import importances
from trainwright.tuning.space import Dimension
from trainwright.tuning.stages import Stage, best_of

from .trials import TrialBench


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
            "minutes": self.minutes,
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
    """What a search knows so far: `records` of all stages by number, `rows` of the stages as in search.json, `shown`
    the trials that have a row on the terminal; `lost` tells whether another process leads meanwhile, `news` what became
    of other processes since it was asked last."""

    records: list[TrialRecord]
    rows: list[dict[str, Any]]
    borders: list[Border]
    leads: bool = True
    lost: Callable[[], bool] = bool
    news: Callable[[], Iterable[str]] = tuple
    shown: set[int] = field(default_factory=set[int])
    ended: str = "under way"

    @property
    def best(self) -> TrialRecord | None:
        """The best trial of all stages that was trained to its end."""
        return best_of(self.records)


def row_of(stage: Stage, planned: int, box: Sequence[Dimension], sampler: str, pruner: str) -> dict[str, Any]:
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


def keep(
    folder: SearchFolder, plan: SearchPlan, known: Mapping[str, Any], found: Found, bench: TrialBench
) -> dict[str, Any]:
    """Writes all files of the folder that are made from the trials; gives the facts."""
    facts = {**known, **_facts(folder, plan, found)}
    if not found.leads:
        return facts
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


def how_it_ended(found: Found, plan: SearchPlan) -> str:
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
