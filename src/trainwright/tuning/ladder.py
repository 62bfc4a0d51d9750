"""The ladder of checks before training, cheapest first."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from trainwright.data import COPIES, PreparedData
from trainwright.errors import TrainwrightError
from trainwright.training import Setup

from .at_rest import (
    DETERMINISM,
    INPUTS,
    OPTIMIZER,
    REGULARIZATION,
    SEPARATE,
    check_determinism,
    check_inputs,
    check_optimizer_holds,
    check_regularization,
    check_separate_pictures,
)
from .by_heart import BATCHES, FEW, STEPS, check_few_batches, check_few_pictures, step
from .checks import Check, skipped
from .first_loss import NAME as FIRST_LOSS
from .first_loss import check_first_loss
from .flow import NAME as FLOW
from .flow import check_gradient_flow
from .gradients import NAME as GRADIENTS
from .gradients import check_gradients
from .one_step import NAME as ONE_STEP
from .one_step import check_one_step
from .pipeline import LABELS, PIPELINE, check_labels_kept, check_pipeline, check_statistics
from .rehearsal import BLANK, RATE, check_rehearsal
from .rehearsal import STEPS as REHEARSED
from .subject import Subject, subject_of, undisturbed


@dataclass(frozen=True)
class Rung:
    """One or two checks that are made together.

    Attributes:
        names: of the checks.
        steps: how long they take at most where nothing is wrong, in steps of training.
        climb: makes them.
    """

    names: tuple[str, ...]
    steps: float
    climb: Callable[[], Sequence[Check]]


def rungs_of_run(setup: Setup, data: PreparedData) -> list[Rung]:
    """Lists the rungs for a recipe that has been built, cheapest first."""
    subject = subject_of(setup, data)
    common = _rungs(subject)
    own = [
        Rung((PIPELINE,), 1, lambda: [check_pipeline(setup, data)]),
        Rung((LABELS,), _labels_steps(setup, data), lambda: [check_labels_kept(setup, data)]),
    ]
    return sorted([*common, *own], key=lambda rung: rung.steps)


UNALTERED = 9
"""Weight of the check of labels where pictures are not altered: its place on the ladder, behind the gradients."""


def _labels_steps(setup: Setup, data: PreparedData) -> float:
    """Weighs the check of labels: pictures are only altered and compared, for about a tenth of what a step costs."""
    return max(UNALTERED, len(data.train) * (COPIES + 1) / setup.batch_size / 10 if setup.augmenter.alters else 0)


def rungs_of_loop(subject: Subject) -> list[Rung]:
    """Lists the rungs for a loop that is not ours, cheapest first."""
    own = Rung((PIPELINE,), 1, lambda: [check_statistics(subject)])
    return sorted([*_rungs(subject), own], key=lambda rung: rung.steps)


def _rungs(subject: Subject) -> list[Rung]:
    few = STEPS / 4 * 20 / 128
    return [
        Rung((OPTIMIZER,), 0, lambda: [check_optimizer_holds(subject)]),
        Rung((FIRST_LOSS,), 0, lambda: [check_first_loss(subject)]),
        Rung((INPUTS,), 0, lambda: [check_inputs(subject)]),
        Rung((REGULARIZATION,), 1, lambda: [check_regularization(subject)]),
        Rung((SEPARATE,), 1, lambda: [check_separate_pictures(subject)]),
        Rung((ONE_STEP,), 1, lambda: [check_one_step(subject)]),
        Rung((DETERMINISM,), 2, lambda: [check_determinism(subject)]),
        Rung((FLOW,), 3, lambda: [check_gradient_flow(subject)]),
        Rung((GRADIENTS,), 8, lambda: [check_gradients(subject)]),
        Rung((FEW,), few, lambda: [check_few_pictures(subject)]),
        Rung((RATE, BLANK), 2 * REHEARSED, lambda: check_rehearsal(subject)),
        Rung((BATCHES,), STEPS, lambda: [check_few_batches(subject)]),
    ]


def climb(rungs: Sequence[Rung], *, budget_s: float | None = None, step_s: float = 0.0) -> Iterator[Check]:
    """Makes the checks one after the other, and leaves the random numbers of the program as they were.

    Nothing is climbed after a failed rung: what came of it would be the same fault once more.

    A check that breaks is told as not made, since a net that it cannot handle may train all the same; one that cannot
    is found by the check that makes a step.

    Args:
        rungs: cheapest first.
        budget_s: seconds that all of it may take; a rung that would go beyond is skipped. None for no limit.
        step_s: seconds that a training step takes, by which rungs are weighed.
    """
    began, failed = time.perf_counter(), False
    for rung in rungs:
        spent = time.perf_counter() - began
        if failed:
            yield from (skipped(name, "an earlier check failed") for name in rung.names)
            continue
        if budget_s is not None and rung.steps > 0 and spent + rung.steps * step_s > budget_s:
            yield from (skipped(name, "would take more than a tenth of the training") for name in rung.names)
            continue
        try:
            with undisturbed():
                made = rung.climb()
        except TrainwrightError:
            raise
        except Exception as error:  # of somebody's own net, loss or loader, or no memory for a check
            told = str(error).strip().partition("\n")[0]
            made = [skipped(name, f"could not be made: {type(error).__name__}: {told}") for name in rung.names]
        failed = failed or any(not check.passed for check in made)
        yield from made


def step_time(subject: Subject) -> float:
    """Measures the seconds that a training step takes, the second of two; the first warms up."""
    if subject.optimizer is None:
        return 0.0
    began = 0.0
    with undisturbed():
        twin = subject.twin()
        twin.model.train()
        for lesson in islice(subject.trained(), 2):
            began = time.perf_counter()
            step(subject, twin, lesson)
    return time.perf_counter() - began
