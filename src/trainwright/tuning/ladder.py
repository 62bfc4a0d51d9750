"""The ladder of checks before training, cheapest first."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from trainwright.data import COPIES, MOST_COMPARED, PreparedData
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
from .by_heart import BATCHES, FEW, PICTURES, STEPS, check_few_batches, check_few_pictures, step
from .checks import TOO_LONG, Check, skipped
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
from .subject import FEWEST, OutOfTime, Subject, subject_of, undisturbed


@dataclass(frozen=True)
class Rung:
    """One or two checks that are made together.

    Attributes:
        names: of the checks.
        steps: how long they take where nothing is wrong, in batches of training.
        climb: makes them, until a second on the clock of time.perf_counter.
        most: batches after which they are broken off where time is short, so that others have theirs.
    """

    names: tuple[str, ...]
    steps: float
    climb: Callable[[float], Sequence[Check]]
    most: float = math.inf


def rungs_of_run(setup: Setup, data: PreparedData) -> list[Rung]:
    """Lists the rungs for a recipe that has been built, cheapest first."""
    subject = subject_of(setup, data)
    steps = _labels_steps(setup, data)

    def labels_kept(until: float) -> Sequence[Check]:
        return [check_labels_kept(setup, data, replace(subject, until=until))]

    own = [
        Rung((PIPELINE,), 1, lambda _: [check_pipeline(setup, data)]),
        Rung((LABELS,), steps, labels_kept, most=2 * steps),
    ]
    return sorted([*_rungs(subject), *own], key=lambda rung: rung.steps)


UNALTERED = 9
"""Weight of the check of labels where pictures are not altered: its place on the ladder, behind the gradients."""


def _labels_steps(setup: Setup, data: PreparedData) -> float:
    """Weighs the check of labels: pictures are only altered and compared, for about a tenth of what a step costs."""
    altered = min(MOST_COMPARED, len(data.train)) * (COPIES + 1) if setup.augmenter.alters else 0
    return max(UNALTERED, altered / setup.batch_size / 10)


def rungs_of_loop(subject: Subject) -> list[Rung]:
    """Lists the rungs for a loop that is not ours, cheapest first."""
    own = Rung((PIPELINE,), 1, lambda _: [check_statistics(subject)])
    return sorted([*_rungs(subject), own], key=lambda rung: rung.steps)


USUAL_STEPS = 40
"""Steps within which a healthy net learns a few pictures by heart; own choice, see AT_FIRST."""


def _rungs(subject: Subject) -> list[Rung]:
    few = max(UNALTERED + 1, USUAL_STEPS * (PICTURES + FEWEST) / (subject.batch_size + FEWEST))
    rehearsed = 1.25 * REHEARSED * subject.batches_per_step  # with those by which it is judged, and the blank ones

    def timed(until: float) -> Subject:
        return replace(subject, until=until)

    return [
        Rung((OPTIMIZER,), 0, lambda _: [check_optimizer_holds(subject)]),
        Rung((FIRST_LOSS,), 0, lambda _: [check_first_loss(subject)]),
        Rung((INPUTS,), 0, lambda _: [check_inputs(subject)]),
        Rung((REGULARIZATION,), 1, lambda _: [check_regularization(subject)]),
        Rung((SEPARATE,), 1, lambda _: [check_separate_pictures(subject)]),
        Rung((ONE_STEP,), 1, lambda _: [check_one_step(subject)]),
        Rung((DETERMINISM,), 2, lambda _: [check_determinism(subject)]),
        Rung((FLOW,), 3, lambda until: [check_gradient_flow(timed(until))]),
        Rung((GRADIENTS,), 8, lambda until: [check_gradients(timed(until))]),
        Rung((FEW,), few, lambda until: [check_few_pictures(timed(until))], most=2 * few),
        Rung((RATE, BLANK), rehearsed, lambda until: check_rehearsal(timed(until))),
        Rung((BATCHES,), STEPS, lambda until: [check_few_batches(timed(until))]),
    ]


def climb(rungs: Sequence[Rung], *, budget_s: float | None = None, step_s: float = 0.0) -> Iterator[Check]:
    """Makes the checks one after the other, and leaves the random numbers of the program as they were.

    Nothing is climbed after a failed rung: what came of it would be the same fault once more.

    A check that breaks is told as not made, since a net that it cannot handle may train all the same; one that cannot
    is found by the check that makes a step.

    Args:
        rungs: cheapest first.
        budget_s: seconds that all of it may take; a rung that would go beyond is skipped, and one that does is broken
            off. None for no limit.
        step_s: seconds that a training step with one batch takes, by which rungs are weighed.
    """
    end = math.inf if budget_s is None else time.perf_counter() + budget_s
    failed = False
    for rung in rungs:
        now = time.perf_counter()
        if failed:
            yield from (skipped(name, "an earlier check failed") for name in rung.names)
            continue
        if rung.steps > 0 and now + rung.steps * step_s > end:
            yield from (skipped(name, TOO_LONG) for name in rung.names)
            continue
        try:
            with undisturbed():
                made = rung.climb(end if budget_s is None else min(end, now + rung.most * step_s))
        except TrainwrightError:
            raise
        except OutOfTime:
            made = [skipped(name, TOO_LONG) for name in rung.names]
        except Exception as error:  # of somebody's own net, loss or loader, or no memory for a check
            told = str(error).strip().partition("\n")[0]
            made = [skipped(name, f"could not be made: {type(error).__name__}: {told}") for name in rung.names]
        failed = failed or any(not check.passed for check in made)
        yield from made


MEASURED_S = 0.2
"""Seconds after which no more steps are measured. The quickest of several, as a machine that does something else for a
moment would make them look slow, and the tenth of training long."""


def step_time(subject: Subject) -> float:
    """Measures the seconds that a step of training with one batch takes, its pictures prepared: the quickest of some,
    behind one that warms up."""
    if subject.optimizer is None:
        return 0.0
    took: list[float] = []
    with undisturbed():
        twin, lessons = subject.twin(), subject.trained()
        twin.model.train()
        while len(took) < 3 or (len(took) < 10 and sum(took) < MEASURED_S):
            began = time.perf_counter()
            step(subject, twin, next(lessons))
            took.append(time.perf_counter() - began)
    return min(took[1:])
