"""Trials of one data set: from what was asked, with some settings changed, to a record of what they came to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainwright.data import PreparedData, Preprocessor, prepare_folds
from trainwright.errors import InputError
from trainwright.recipe import DataSection, Given, Origin, Recipe, compose, decided
from trainwright.reporting import RunConsole
from trainwright.runs import TrialRecord
from trainwright.training import Interruption, Setup, build, choose_workers
from trainwright.tuning import Pruner, run_trial

from .deciding import decide, refuse_early
from .glancing import glancing
from .inspect_data import look_at_data

MOST_KEPT = 4
"""Ways to read the pictures (sizes, say) that are kept in memory at a time."""


class TrialBench:
    """Makes trials of one recipe with some of its settings changed; reads the pictures once.

    What is left to `auto` is decided anew in every trial, since it may hang on what was changed.

    Args:
        asked: what all trials have in common.
        console: is told how far reading has come.
        folds: parts of k-fold cross-validation, for `judge`; 0 for the one validation part.

    Raises:
        InputError: recipe or data are wrong, or there are no pictures to judge trials by.
    """

    def __init__(self, asked: Recipe, console: RunConsole, folds: int = 0) -> None:
        self.asked, self.console, self.folds = asked, console, folds
        self._data: dict[DataSection, tuple[PreparedData, ...]] = {}
        self._preprocessors: dict[tuple[object, ...], Preprocessor] = {}
        if asked.optim.lr == "find":
            raise InputError(
                "trials need a learning rate before they begin",
                expected="a number, or auto: the rule",
                got="find",
                where=f"optim.lr ({asked.origin('optim.lr').detail})",
                hint="trainwright lr-find with the same words, and then --lr with what it suggests",
            )
        refuse_early(asked)
        self.data = self._prepared(asked)[0]
        if not self.data.valid.drawn:
            raise InputError(
                "trials are judged by a validation part, and there is none",
                expected="pictures set apart, or brought in a folder or column of their own",
                got="none",
                where="data.valid_share",
                hint="data.valid_share above 0 and enough pictures (of each class, or in pairs)",
            )

    def run(
        self,
        settings: Mapping[str, Any],
        *,
        number: int,
        interruption: Interruption,
        seed: int | None = None,
        pruner: Pruner | None = None,
    ) -> TrialRecord:
        """Makes a trial.

        Args:
            settings: recipe key → value.
            number: of the trial.
            interruption: looked at after every step.
            seed: of first weights, order and augmentation; None for the recipe's. The parts of the data stay those of
                the recipe's seed, so that no trial learns pictures of the test part.
            pruner: see `run_trial`.

        Raises:
            InputError: settings do not fit each other, or the data.
        """
        setup, data = self.build(settings, seed)
        return run_trial(setup, data, number=number, settings=settings, pruner=pruner, interruption=interruption)

    def judge(
        self,
        settings: Mapping[str, Any],
        *,
        fixed: Mapping[str, Any],
        number: int,
        stage: int,
        interruption: Interruption,
        pruner: Pruner | None,
    ) -> TrialRecord:
        """Makes a trial of a search: in every fold where there are folds, and told, not raised, where settings do not
        fit each other.

        Args:
            settings: what is searched.
            fixed: what the stage sets beside; not noted.
            number, stage: of the trial.
            interruption: as for `run`.
            pruner: as for `run`; of several folds the first is asked for, all others are trained to their end.
        """
        made: list[TrialRecord] = []
        try:
            for fold in range(max(self.folds, 1)):
                setup, data = self.build({**settings, **fixed}, fold=fold)
                record = run_trial(
                    setup,
                    data,
                    number=number,
                    settings=settings,
                    pruner=pruner,
                    looking=glancing,
                    interruption=interruption,
                )
                made.append(replace(record, stage=stage))
                if record.ended != "completed":
                    break
                pruner = None
        except InputError as error:
            return _refused(error, settings, number, stage, self.asked.training.seed, fixed)
        return made[0] if not self.folds else over_folds(made, self.folds)

    def decided(
        self, settings: Mapping[str, Any], seed: int | None = None, fold: int = 0
    ) -> tuple[Recipe, PreparedData]:
        """Decides the recipe of a trial, as `train` would; with the pictures that it learns from.

        Raises:
            InputError: settings do not fit each other, or the data.
        """
        drawn = {} if seed is None else {"training.seed": seed}
        asked = changed(self.asked, {**settings, **drawn})
        data = self._prepared(asked)[fold]
        return decide(asked, data), data

    def build(self, settings: Mapping[str, Any], seed: int | None = None, fold: int = 0) -> tuple[Setup, PreparedData]:
        """Decides and builds a trial, as `run` would; with the pictures that it learns from.

        Raises:
            InputError: settings do not fit each other, or the data.
        """
        recipe, data = self.decided(settings, seed, fold)
        pictures = (fold, recipe.data, recipe.preprocess, recipe.model.name, recipe.model.weights)
        setup = build(recipe, data, preprocessor=self._preprocessors.get(pictures))
        self._preprocessors[pictures] = setup.preprocessor
        return setup, data

    def _prepared(self, asked: Recipe) -> tuple[PreparedData, ...]:
        """Gives the pictures as a recipe reads them, in every fold; those of the last few ways to do so are kept."""
        if asked.data not in self._data:
            if len(self._data) >= MOST_KEPT:
                del self._data[next(iter(self._data))]
            divided = changed(asked, {"training.seed": self.asked.training.seed})
            if self.folds:
                self._data[asked.data] = prepare_folds(
                    divided.data,
                    folds=self.folds,
                    seed=divided.training.seed,
                    workers=decided(divided.decide(choose_workers(divided.machine)).machine.workers),
                    progress=self.console.progress,
                )
            else:
                self._data[asked.data] = (look_at_data(divided, self.console),)
        return self._data[asked.data]


def over_folds(made: Sequence[TrialRecord], folds: int) -> TrialRecord:
    """Joins the trainings of one trial in several folds: the mean of their values, None where one ended early."""
    values = tuple(record.value for record in made)
    known = [value for value in values if value is not None]
    last = made[-1]
    whole = len(made) == folds and last.ended == "completed" and len(known) == folds
    return replace(
        made[0],
        value=sum(known) / len(known) if whole else None if last.ended != "pruned" else made[0].value,
        fold_values=values,
        ended=last.ended,
        reason=last.reason,
        epochs_spent=sum(record.epochs_spent for record in made),
        time_s=sum(record.time_s for record in made),
    )


def _refused(
    error: InputError, settings: Mapping[str, Any], number: int, stage: int, seed: int, fixed: Mapping[str, Any]
) -> TrialRecord:
    return TrialRecord(
        trial=number,
        settings=dict(settings),
        seed=seed,
        epochs=fixed["training.epochs"],
        figure="",
        value=None,
        best_epoch=None,
        ended="refused",
        reason=error.problem,
        scores=(),
        train_losses=(),
        first_loss=None,
        epochs_spent=0.0,
        time_s=0.0,
        stage=stage,
    )


def changed(asked: Recipe, settings: Mapping[str, Any]) -> Recipe:
    """Gives what was asked for with some settings changed, as if somebody had given them.

    Raises:
        InputError: lists every mistake.
    """
    kept = {
        key: Given(value, asked.origin(key))
        for key, value in asked.items()
        if asked.origin(key).kind in ("user", "file") and key not in settings
    }
    return compose(kept, {key: Given(value, Origin("user", f"{key}={value}")) for key, value in settings.items()})
