"""The trials of a search in Optuna's storage: asked for, told, taken up again. Nothing else here knows Optuna.

Every stage is a study of its own, `NAME/stage-1` and so on, so that a sampler sees one box and one length of trials.
The trials of the stage before stand in it, too, marked as such, as trials that ended early: what they learned leads
the sampler.
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import math
import random
import warnings
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner
from optuna.samplers import BaseSampler, QMCSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from trainwright.errors import InputError
from trainwright.runs import TrialRecord, from_plain, to_plain

from .space import Dimension
from .stages import Stage, ranked
from .trial import Pruner

SamplerName = Literal["random", "grid", "quasi-random", "tpe"]
PrunerName = Literal["halving", "median", "none"]
SAMPLERS: tuple[SamplerName, ...] = ("random", "grid", "quasi-random", "tpe")
PRUNERS: tuple[PrunerName, ...] = ("halving", "median", "none")

RECORD, OF_STAGE_BEFORE, READY = "record", "of_stage_before", "ready"
"""Attributes: of a finished trial its record, of one that stands in for a trial of the stage before its number, of a
stage that it is laid out."""

LEAST_TRIALS = 10
"""Trials that there must be before anything is said of importance. Source: own choice."""

HALVING = 2
"""Of so many trials one goes on at each rung of successive halving. Source: own choice (Jamieson & Talwalkar 2016)."""


GRACE = 0.4
"""Share of a trial that is never judged. Source: own choice; one-cycle rises for a fifth of a trial by default."""


def open_storage(storage: str | Path) -> BaseStorage:
    """Opens a journal file, or a database by its URL.

    Raises:
        InputError: it cannot be reached.
    """
    _quiet()
    try:
        if isinstance(storage, str) and "://" in storage:
            return optuna.storages.RDBStorage(storage)
        return JournalStorage(JournalFileBackend(str(storage)))
    except Exception as error:  # drivers raise what they like
        raise InputError(
            "the storage of the search cannot be reached",
            expected="a path of a journal file in a folder that can be written, or a URL such as postgresql://…",
            got=f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no word'}",
            where=f"--storage {storage}",
        ) from error


def mend_journal(path: Path) -> None:
    """Takes away what a killed process left at a journal that nobody else has open: its lock, and a torn last line."""
    for left in path.parent.glob(f"{path.name}.lock*"):
        left.unlink(missing_ok=True)
    if path.is_file() and (blob := path.read_bytes()) and not blob.endswith(b"\n"):
        with path.open("r+b") as file:
            file.truncate(blob.rfind(b"\n") + 1)


class StageStudy:
    """The trials of one stage.

    Args:
        storage: as opened.
        name: of the search.
        stage: what its trials are.
        sampler: where the next settings come from.
        pruner: which trials are given up.
        seed: of the sampler; what trial n is given is a function of it, the stage, n and the trials that are finished.
        first: number of the stage's first trial in the whole search.
    """

    def __init__(
        self,
        storage: BaseStorage,
        name: str,
        stage: Stage,
        *,
        sampler: SamplerName,
        pruner: PrunerName,
        seed: int,
        first: int,
    ) -> None:
        self.stage, self.sampler, self.seed, self.first = stage, sampler, seed, first
        self._storage, self._name = storage, f"{name}/stage-{stage.number}"
        self._pruner = _pruner(pruner, stage.epochs)
        self.box: tuple[Dimension, ...] = ()
        self.planned = stage.trials

    def lay_out(self, box: Sequence[Dimension], before: Sequence[TrialRecord], repeated: Sequence[TrialRecord]) -> None:
        """Makes the stage, or opens it as it was made; one that a killed process made in part is made anew.

        Args:
            box: what is searched.
            before: trials of the stage before.
            repeated: those of them that come first in this stage, for more epochs.
        """
        self.box = tuple(box)
        self._distributions = {dimension.key: _distribution(dimension) for dimension in box}
        study = self._study()
        if READY not in study.user_attrs and study.get_trials(deepcopy=False):
            optuna.delete_study(study_name=self._name, storage=self._storage)
            study = self._study()
        if READY not in study.user_attrs:
            for record in ranked(before):
                if self._inside(record.settings):
                    study.add_trial(self._short_trial(record))
            for record in repeated:
                if self._inside(record.settings):
                    study.enqueue_trial(dict(record.settings))
            if self.sampler == "grid":
                self._enqueue_grid(study)
            study.set_user_attr(READY, True)
        self._opened = study
        self.planned = len(self._own(study)) if self.sampler == "grid" else self.stage.trials

    def ask(self) -> Trial | None:
        """Gives the next trial: one that was begun and never finished, else a new one; None when all are begun."""
        study, own = self._opened, self._own(self._opened)
        for place, trial in enumerate(own):
            if trial.state == TrialState.RUNNING:
                study.sampler = self._sampler(place)
                if RECORD in trial.user_attrs:  # killed between the record and the state
                    self._tell(Trial(study, trial._trial_id), self._record(trial))
                    continue
                return self._suggested(Trial(study, trial._trial_id))
        waiting = sum(trial.state == TrialState.WAITING for trial in own)
        if waiting == 0 and len(own) >= self.planned:
            return None
        study.sampler = self._sampler(len(own) - waiting)
        return self._suggested(study.ask())

    def number(self, trial: Trial) -> int:
        """Gives the number of a trial in the whole search, from 1."""
        return self.first + [one.number for one in self._own(self._opened)].index(trial.number)

    def settings(self, trial: Trial) -> dict[str, Any]:
        """Gives the settings of a trial, in the order of the box."""
        return {key: trial.params[key] for key in self._distributions}

    def pruner(self, trial: Trial) -> Pruner:
        """Makes what a trial is told its scores to, and asked whether it is hopeless."""

        def ask(epoch: int, best: float) -> str | None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a trial that is run again reports its epochs again
                trial.report(best, epoch)
            if not trial.should_prune():
                return None
            return f"hopeless after epoch {epoch}: {best:.4g} is too little beside the other trials"

        return ask

    def tell(self, trial: Trial, record: TrialRecord) -> None:
        """Keeps what a trial came to; when this returns it is on the disk, and the trial is never run again."""
        trial.set_user_attr(RECORD, to_plain(record))
        self._tell(trial, record)

    def records(self) -> list[TrialRecord]:
        """Lists what the finished trials came to, by their numbers."""
        found = [self._record(trial) for trial in self._own(self._opened) if RECORD in trial.user_attrs]
        return sorted(found, key=lambda record: record.trial)

    def _study(self) -> optuna.Study:
        return optuna.create_study(
            storage=self._storage,
            study_name=self._name,
            direction="maximize",
            load_if_exists=True,
            sampler=RandomSampler(seed=0),  # each trial has its own, see `ask`
            pruner=self._pruner,
        )

    def _own(self, study: optuna.Study) -> list[FrozenTrial]:
        return [trial for trial in study.get_trials(deepcopy=False) if OF_STAGE_BEFORE not in trial.user_attrs]

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        record = from_plain(trial.user_attrs[RECORD])
        assert isinstance(record, TrialRecord)
        return record

    def _suggested(self, trial: Trial) -> Trial:
        for key, distribution in self._distributions.items():
            trial._suggest(key, distribution)
        return trial

    def _tell(self, trial: Trial, record: TrialRecord) -> None:
        if record.ended == "completed" and record.value is not None:
            self._opened.tell(trial, record.value)
        else:
            self._opened.tell(trial, state=TrialState.PRUNED)

    def _inside(self, settings: Mapping[str, Any]) -> bool:
        return all(dimension.holds(settings[dimension.key]) for dimension in self.box)

    def _short_trial(self, record: TrialRecord) -> FrozenTrial:
        assert record.value is not None
        return create_trial(
            state=TrialState.PRUNED,
            params=dict(record.settings),
            distributions=self._distributions,
            intermediate_values={0: record.value},
            user_attrs={OF_STAGE_BEFORE: record.trial},
        )

    def _enqueue_grid(self, study: optuna.Study) -> None:
        """Lays out all trials of a grid, in an order drawn by the seed, as many as the stage has room for."""
        grid = grid_of(self.box, self.stage.trials)
        points = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
        random.Random(_seed(self.seed, self.stage.number)).shuffle(points)
        for point in points[: self.stage.trials - len(self._own(study))]:
            study.enqueue_trial(point)

    def _sampler(self, trials: int) -> BaseSampler:
        """Makes the sampler of the next trial; its seed is of this trial alone, so that a resume draws nothing twice.

        Args:
            trials: of the stage that were begun before it.
        """
        own, whole = _seed(self.seed, self.stage.number, trials), _seed(self.seed, self.stage.number)
        match self.sampler:
            case "random" | "grid":  # the points of a grid are laid out before
                return RandomSampler(seed=own)
            case "quasi-random":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
                    return QMCSampler(
                        qmc_type="sobol", scramble=True, seed=whole, independent_sampler=RandomSampler(seed=own)
                    )
            case _:
                return TPESampler(seed=own, multivariate=True, n_startup_trials=2 + 2 * len(self.box))


def grid_of(box: Sequence[Dimension], trials: int) -> dict[str, list[Any]]:
    """Lays a grid over a box: all values of a choice, and of numbers as many as make no more points than trials, two at
    least, evenly along their scales, ends included.

    >>> grid_of([Dimension("optim.momentum", "linear", 0.5, 1.0)], 3)
    {'optim.momentum': [0.5, 0.75, 1.0]}
    """
    numbers = [dimension for dimension in box if dimension.scale != "choice"]
    choices = math.prod(len(dimension.choices) for dimension in box if dimension.scale == "choice")
    each = max(2, int((trials / choices) ** (1 / max(len(numbers), 1)) + 1e-9))
    grid: dict[str, list[Any]] = {}
    for dimension in box:
        if dimension.scale == "choice":
            grid[dimension.key] = list(dimension.choices)
            continue
        places = [dimension.typed(dimension.value(step / (each - 1))) for step in range(each)]
        inside = [min(max(value, dimension.low), dimension.high) for value in places]
        grid[dimension.key] = list(dict.fromkeys(inside))
    return grid


def importances(box: Sequence[Dimension], records: Sequence[TrialRecord]) -> dict[str, float] | None:
    """Tells how much of the differences between trials of one length hangs on each setting, as shares of 1.

    Trials that diverged count as the worst. None with fewer than LEAST_TRIALS, or where all came to the same.

    Source: functional ANOVA over a random forest, Hutter et al. 2014; Optuna's FanovaImportanceEvaluator.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    values = [record.value for record in records if record.ended == "completed" and record.value is not None]
    if not values:
        return None
    _quiet()
    distributions = {dimension.key: _distribution(dimension) for dimension in box}
    study = optuna.create_study(direction="maximize", sampler=RandomSampler(seed=0), pruner=NopPruner())
    for record in records:
        value = {"completed": record.value, "diverged": min(values)}.get(record.ended)
        if value is not None and all(dimension.holds(record.settings[dimension.key]) for dimension in box):
            study.add_trial(create_trial(value=value, params=dict(record.settings), distributions=distributions))
    counted = study.get_trials(deepcopy=False)
    if len(counted) < LEAST_TRIALS or len({trial.value for trial in counted}) == 1:
        return None
    found = get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
    return {key: float(share) for key, share in found.items()}


def _distribution(dimension: Dimension) -> BaseDistribution:
    log = dimension.scale == "log"
    if dimension.scale == "choice":
        return CategoricalDistribution(dimension.choices)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=log)
    return FloatDistribution(dimension.low, dimension.high, log=log)


def _pruner(name: PrunerName, epochs: int) -> BasePruner:
    """Makes the pruner of a stage. The first part of a trial, in which the rate rises and is high, is never judged."""
    grace = math.ceil(GRACE * epochs)
    match name:
        case "halving":
            return SuccessiveHalvingPruner(min_resource=grace, reduction_factor=HALVING)
        case "median":
            return MedianPruner(n_startup_trials=3, n_warmup_steps=grace)
        case _:
            return NopPruner()


def _seed(*parts: int) -> int:
    """Makes a seed of its own of some whole numbers."""
    return int.from_bytes(hashlib.sha256(repr(("trainwright search", *parts)).encode()).digest()[:4], "little")


def _quiet() -> None:
    """Keeps Optuna's own lines off the terminal; what is to be said, the search says."""
    optuna.logging.set_verbosity(logging.ERROR)


def attributes(storage: BaseStorage, name: str) -> dict[str, Any] | None:
    """Reads what is kept about a whole search; None where there is none of this name."""
    with suppress(KeyError):
        return storage.get_study_user_attrs(storage.get_study_id_from_name(name))
    return None


def keep_attributes(storage: BaseStorage, name: str, values: Iterable[tuple[str, Any]]) -> None:
    """Keeps something about a whole search, in a study of the search's name that has no trials."""
    study = optuna.create_study(
        storage=storage, study_name=name, direction="maximize", load_if_exists=True, sampler=RandomSampler(seed=0)
    )
    for key, value in values:
        study.set_user_attr(key, value)
