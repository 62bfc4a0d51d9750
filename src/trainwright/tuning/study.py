"""The trials of one stage of a search as an Optuna study: asked for, told, taken up again.

Every stage is a study of its own, `NAME/stage-1` and so on, so that a sampler sees one box and one length of trials.
The trials of the stage before stand in it, too, marked as such, as trials that ended early: what they learned leads
the sampler. All trials of a stage wait in it from the start, so that of any number of processes each takes others.
What box it has and which trials count stands in it, too: it is decided once, by the process that leads.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import asdict
from typing import Any

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.samplers import BaseSampler, RandomSampler
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from trainwright.runs import TrialRecord, from_plain, to_plain

from .lease import Leases
from .sampling import PrunerName, SamplerName, distribution_of, grid_points, pruner_of, sampler_of, seed_of, suggest
from .space import Dimension
from .stages import Stage, ranked
from .storage import id_of
from .trial import Pruner

RECORD, OF_STAGE_BEFORE, GIVEN = "record", "of_stage_before", "given"
"""Attributes of a trial: of a finished one its record, of one that stands in for a trial of the stage before its
number, of all others the keys of the settings that no sampler draws."""

BOX, COUNTED = "box", "counted"
"""Attributes of a stage: of one that is laid out its box, of one that is over the numbers of the trials that count.
Whoever opens the stage goes by these, so that nothing that comes to its end later moves what was built on them."""

TAKEN = "another process took the trial while this one stood still"
"""Why a trial that another took ends; its record is not kept."""


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

    Attributes:
        box: what is searched, as the stage was laid out.
        planned: how many trials it has.
        left_out: points of a grid that have no trial.
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
        self.stage, self.seed, self.first = stage, seed, first
        self.sampler: SamplerName = sampler
        self._storage, self._name = storage, f"{name}/stage-{stage.number}"
        self._leases = Leases(storage)
        self._pruner = pruner_of(pruner, stage.epochs)
        self.box: tuple[Dimension, ...] = ()
        self.planned = stage.trials
        self.left_out = 0

    def lay_out(
        self,
        box: Sequence[Dimension],
        before: Sequence[TrialRecord],
        repeated: Sequence[TrialRecord],
        *,
        leads: bool = True,
    ) -> bool:
        """Makes the stage with all its trials waiting, or opens it as it was made; what a killed process made in part
        is made anew.

        Args:
            box: what is searched, where the stage is still to be made.
            before: trials of the stage before.
            repeated: those of them that come first in this stage, for more epochs.
            leads: whether this process makes what is not there; of several that share a study one does.

        Returns: whether the stage is there.
        """
        study = self._opened = self._study()
        kept = study.user_attrs.get(BOX)
        if kept is None and not leads:
            return False
        self.box = tuple(box) if kept is None else tuple(Dimension.of(one) for one in kept)
        self._distributions = {dimension.key: distribution_of(dimension) for dimension in self.box}
        if kept is None:
            if study.get_trials(deepcopy=False):
                optuna.delete_study(study_name=self._name, storage=self._storage)
                study = self._opened = self._study()
            self._make(study, before, self._repeated(repeated))
            study.set_user_attr(BOX, [asdict(dimension) for dimension in self.box])
        self.planned = len(self._own())
        self.left_out = max(0, len(self._points(self._repeated(repeated))) - self.stage.trials)
        return True

    def ask(self) -> Trial | None:
        """Gives the next trial: one that was begun and that nobody works on any more, else one that waits; None when
        there is neither, or the stage was ended. Of several processes one gets it."""
        if self._counted is not None:
            return None
        for place, trial in enumerate(self._own()):
            if trial.state != TrialState.RUNNING or (taken := self._leases.take(self._id(trial))) is None:
                continue
            if RECORD in taken.user_attrs:  # killed between the record and the state
                self._tell(Trial(self._opened, self._id(taken)), self._record(taken))
                continue
            return self._suggested(taken, place)
        for place, trial in enumerate(self._own()):
            if trial.state == TrialState.WAITING and self._begin(trial):
                # it is not held where this process stood still in that moment
                return self._suggested(trial, place) if self._leases.hold(self._id(trial)) else None
        return None

    def working(self, trial: Trial) -> AbstractContextManager[None]:
        """Tells other processes, as long as the block lasts, that this one works on a trial."""
        return self._leases.beating(self._id(trial))

    @property
    def finished(self) -> bool:
        """Whether the stage is over: all trials are finished, those of other processes, too, or it was ended before."""
        return self._counted is not None or all(trial.state.is_finished() for trial in self._own())

    @property
    def under_way(self) -> bool:
        """Whether another process, as far as can be told a live one, works on a trial."""
        running = (trial for trial in self._own() if trial.state == TrialState.RUNNING)
        return any(self._leases.is_anothers(self._id(trial)) for trial in running)

    def end(self) -> None:
        """Ends the stage for all processes: the trials that are finished now count, and no later ones; for who
        leads."""
        if self._counted is None:
            self._opened.set_user_attr(COUNTED, [record.trial for record in self.records()])

    def number(self, trial: Trial) -> int:
        """Gives the number of a trial in the whole search, from 1."""
        return self.first + [one.number for one in self._own()].index(trial.number)

    def settings(self, trial: Trial) -> dict[str, Any]:
        """Gives the settings of a trial, in the order of the box."""
        return {key: trial.params[key] for key in self._distributions}

    def pruner(self, trial: Trial) -> Pruner:
        """Makes what a trial is told its scores to, and asked whether it is hopeless."""

        def ask(epoch: int, best: float) -> str | None:
            if self._leases.lost(self._id(trial)):
                return TAKEN
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a trial that is run again reports its epochs again
                try:
                    trial.report(best, epoch)
                except UpdateFinishedTrialError:
                    return TAKEN
            if not trial.should_prune():
                return None
            return f"hopeless after epoch {epoch}: {best:.4g} is too little beside the other trials"

        return ask

    def tell(self, trial: Trial, record: TrialRecord) -> bool:
        """Keeps what a trial came to; when this returns it is on the disk, and the trial is never run again.

        Returns: whether it was kept; it is not where another process took the trial meanwhile, whose record counts.
        """
        if not self._leases.hold(self._id(trial)):
            return False
        try:
            trial.set_user_attr(RECORD, to_plain(record))
        except UpdateFinishedTrialError:
            return False
        self._tell(trial, record)
        return True

    def records(self) -> list[TrialRecord]:
        """Lists what the finished trials came to, by their numbers; once the stage is ended, those that count."""
        found = [self._record(trial) for trial in self._own() if RECORD in trial.user_attrs]
        counted = self._counted
        kept = found if counted is None else [record for record in found if record.trial in counted]
        return sorted(kept, key=lambda record: record.trial)

    @property
    def _counted(self) -> list[int] | None:
        return self._opened.user_attrs.get(COUNTED)

    def _make(self, study: optuna.Study, before: Sequence[TrialRecord], repeated: Sequence[Mapping[str, Any]]) -> None:
        """Puts all trials of the stage into it, waiting, behind those that stand in for the stage before."""
        for record in ranked(before):
            if self._inside(record.settings):
                study.add_trial(self._short_trial(record))
        for settings in self._points(repeated)[: self.stage.trials]:
            study.enqueue_trial(dict(settings), user_attrs={GIVEN: list(settings)})

    def _repeated(self, records: Sequence[TrialRecord]) -> list[Mapping[str, Any]]:
        """Lists the settings of the stage before that are repeated: those that are still in the box."""
        return [record.settings for record in records if self._inside(record.settings)]

    def _points(self, repeated: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Lists the settings of all trials, those that are still to be sampled empty; a grid may have more than there
        are trials."""
        room = self.stage.trials - len(repeated)
        if self.sampler == "grid":
            return [*repeated, *grid_points(self.box, room, seed_of(self.seed, self.stage.number))]
        return [*repeated, *[{}] * room]

    def _study(self) -> optuna.Study:
        return optuna.create_study(
            storage=self._storage,
            study_name=self._name,
            direction="maximize",
            load_if_exists=True,
            sampler=RandomSampler(seed=0),  # each trial has its own, see `ask`
            pruner=self._pruner,
        )

    def _own(self) -> list[FrozenTrial]:
        found = self._opened.get_trials(deepcopy=False)
        return [trial for trial in found if OF_STAGE_BEFORE not in trial.user_attrs]

    def _id(self, trial: Trial | FrozenTrial) -> int:
        return id_of(self._storage, self._name, trial.number)

    def _begin(self, trial: FrozenTrial) -> bool:
        """Begins a trial that waits, unless another process has begun it."""
        with suppress(UpdateFinishedTrialError):
            return self._storage.set_trial_state_values(self._id(trial), TrialState.RUNNING)
        return False

    def _record(self, trial: FrozenTrial) -> TrialRecord:
        record = from_plain(trial.user_attrs[RECORD])
        assert isinstance(record, TrialRecord)
        return record

    def _suggested(self, begun: FrozenTrial, place: int) -> Trial:
        """Gives a trial its settings; those that it was given before it was killed it keeps, and it gets the others as
        if it had not been."""
        self._opened.sampler = self._sampler(place)
        trial = Trial(self._opened, self._id(begun))
        missing = {key for key in self._distributions if key not in trial.params}
        if missing and not missing & set(begun.user_attrs[GIVEN]):
            _ = trial.relative_params  # sampled together
        for number, (key, distribution) in enumerate(self._distributions.items(), 1):
            self._opened.sampler = self._sampler(place, number)
            suggest(trial, key, distribution)
        return trial

    def _tell(self, trial: Trial, record: TrialRecord) -> None:
        """Finishes a trial whose record is kept; it may be finished already, by a word whose answer was lost."""
        with suppress(UpdateFinishedTrialError):
            if record.ended == "completed" and record.value is not None:
                self._opened.tell(trial, record.value, skip_if_finished=True)
            else:
                self._opened.tell(trial, state=TrialState.PRUNED, skip_if_finished=True)

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

    def _sampler(self, place: int, setting: int = 0) -> BaseSampler:
        """Makes the sampler of the trial at a place in the stage, for all settings together or a single one."""
        own, whole = seed_of(self.seed, self.stage.number, place, setting), seed_of(self.seed, self.stage.number)
        return sampler_of(self.sampler, self.box, own=own, whole=whole)
