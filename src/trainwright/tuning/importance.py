"""How much of the differences between trials hangs on each setting."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.pruners import NopPruner
from optuna.samplers import RandomSampler
from optuna.trial import create_trial

from trainwright.runs import TrialRecord

from .sampling import distribution_of
from .space import Dimension
from .storage import quiet

LEAST_TRIALS = 10
"""Trials that there must be before anything is said of importance. Source: own choice."""


def importances(box: Sequence[Dimension], records: Sequence[TrialRecord]) -> dict[str, float] | None:
    """Tells how much of the differences between trials of one length hangs on each setting, as shares of 1.

    Trials that diverged count as the worst. None with fewer than LEAST_TRIALS, or where all came to the same.

    Source: functional ANOVA over a random forest, Hutter et al. 2014; Optuna's FanovaImportanceEvaluator.
    """
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    values = [record.value for record in records if record.ended == "completed" and record.value is not None]
    if not values:
        return None
    quiet()
    distributions = {dimension.key: distribution_of(dimension) for dimension in box}
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
