"""What an experiment on a copy of the net would tell of a suspicion, and what it told where it was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from trainwright.runs import ExperimentKind, ExperimentRecord

from .course import Course
from .limits import limit
from .measures import at_height_B
from .suspicion import Suspicion

CERTAIN = limit("experiment.certain", 0.9)
"""Strength from which the cause of an alarm is certain enough without an experiment."""

TIE = limit("experiment.tie", 0.1)
"""Two causes whose strengths differ by less than this tie."""

CONFIRMED = 0.99
"""Strength of a cause that an experiment confirmed: before all that are but weighed."""

STANDS = 4
"""An experiment counts until the run has made so many times the steps of then; later it is another net."""

ERRORS = 2.0
"""Standard errors from which a difference between both copies is one: in the direction that was suspected before, it is
chance in 2 of 100."""

WOULD_TELL: Mapping[ExperimentKind, str] = {
    "rate-lower": "some steps of a copy at a tenth of the rate beside some as they are",
    "rate-higher": "some steps of a copy at ten times the rate beside some as they are",
    "augmentation-off": "some steps of a copy on unaltered pictures beside some on altered ones",
    "one-batch": "whether a copy learns one batch by heart",
}
"""Kind → what it is, in words that end the sentence `this would tell: …`."""

Verdict = Literal["confirmed", "refuted", "open"]


@dataclass(frozen=True)
class Wanted:
    """An experiment that would tell.

    Attributes:
        kind: what to change.
        codes: of the suspicions that it would confirm or refute, the first cause first.
    """

    kind: ExperimentKind
    codes: tuple[str, ...]


def wanted(course: Course, suspicions: Sequence[Suspicion]) -> tuple[Wanted, ...]:
    """Lists the experiments that would tell what the records do not, the most telling first.

    They are those of causes with harm that no experiment has confirmed, where the cause is not certain, or the first
    two tie, and where none of that kind was made in this state of the run.

    Args:
        suspicions: in their order, what other causes explain no longer called harmful.
    """
    near = [one for one in suspicions if one.harmful and not one.exact]
    tie = len(near) > 1 and near[0].code != near[1].code and near[0].strength - near[1].strength < TIE
    asking = [one for place, one in enumerate(near) if one.strength < CERTAIN or (tie and place < 2)]
    codes: dict[ExperimentKind, list[str]] = {}
    for one in asking:
        kind = one.experiment
        if kind is not None and not one.confirmed and standing(course, kind) is None and _tells(course, kind):
            codes.setdefault(kind, []).append(one.code)
    return tuple(Wanted(kind, tuple(dict.fromkeys(asked_by))) for kind, asked_by in codes.items())


def standing(course: Course, kind: ExperimentKind) -> ExperimentRecord | None:
    """Finds the latest experiment of a kind that still counts."""
    rows = [row for row in course.history.experiments.rows if row.kind == kind]
    return rows[-1] if rows and course.last_step <= STANDS * rows[-1].step else None


def weighed(course: Course, suspicion: Suspicion) -> Suspicion | None:
    """Weighs a suspicion by its experiment, where one was made: confirmed, refuted (None), or no clearer than before.

    What is confirmed needs no persistence, and has harm: it was measured that without this cause the net does better.
    """
    made = None if suspicion.experiment is None else standing(course, suspicion.experiment)
    if made is None:
        return suspicion
    verdict = VERDICTS[made.kind](course, made)
    if verdict == "refuted":
        return None
    told = replace(
        suspicion,
        summary=f"{suspicion.summary}; tried at step {made.step}: {_words(made)}",
        evidence={
            **suspicion.evidence,
            "experiment": made.kind,
            "experiment_steps": made.steps,
            "loss_before": made.loss_before,
            "loss_as_is": made.loss_as_is,
            "loss_changed": made.loss_changed,
            "difference_error": made.error,
        },
    )
    if verdict == "open":
        return told
    strength = max(told.strength, CONFIRMED)
    return replace(told, strength=strength, persistent=True, harmful=True, confirmed=True)


def would_tell(course: Course, suspicion: Suspicion) -> str:
    """Ends the summary of an alarm whose experiment was not made by what would tell; else empty."""
    kind = suspicion.experiment
    if kind is None or suspicion.confirmed or suspicion.strength >= CERTAIN or standing(course, kind) is not None:
        return ""
    return f"; this would tell: {WOULD_TELL[kind]}"


def _tells(course: Course, kind: ExperimentKind) -> bool:
    """Says whether an experiment can tell now: one of the rate only while this is near its height."""
    height = at_height_B(course)
    return kind not in ("rate-lower", "rate-higher") or not len(height) or bool(height[-1])


def _lower(course: Course, made: ExperimentRecord) -> Verdict:
    """A rate is too high where a tenth of it takes a good part of the loss away at once.

    A lower rate always calms a net down a little; so little is no proof. Of a net that knows little a tenth that does
    no better proves nothing either: it may be thrown out for good, or a tenth still too high.
    """
    gained, sure = _gained(course, made)
    left = made.loss_as_is / _unit(course, made)
    if gained > max(limit("experiment.lower", 0.1), 0.25 * min(left, 1.0)) and sure:
        return "confirmed"
    known = left < limit("experiment.known", 0.5)
    return "refuted" if known and gained < limit("experiment.nothing", 0.05) else "open"


def _higher(course: Course, made: ExperimentRecord) -> Verdict:
    """A rate is too low where ten times of it learns at least three times as fast, and is not where that does no better
    than the rate as it is, which learns."""
    gained, sure = _gained(course, made)
    as_is, changed = made.loss_before - made.loss_as_is, made.loss_before - made.loss_changed
    if sure and gained > 0:
        return "confirmed" if changed > 3 * max(as_is, 0.0) else "open"
    learns = made.error is None or as_is > ERRORS * made.error
    return "refuted" if sure or learns else "open"


def _unaltered(course: Course, made: ExperimentRecord) -> Verdict:
    """Augmentation harms where unaltered pictures teach much more about pictures that nobody learns from."""
    gained, sure = _gained(course, made)
    if made.part != "valid":
        return "open"
    if sure and gained > limit("experiment.unaltered", 0.1):
        return "confirmed"
    return "refuted" if gained < limit("experiment.nothing", 0.05) else "open"


def _alone(course: Course, made: ExperimentRecord) -> Verdict:
    """A net that cannot learn one batch by heart is too small, or its steps are wrong; one that can is not."""
    skill = 1 - made.loss_changed / _unit(course, made)
    if skill < limit("experiment.batch.low", 0.5):
        return "confirmed"
    return "refuted" if skill > limit("experiment.batch.high", 0.9) else "open"


VERDICTS: Mapping[ExperimentKind, Callable[[Course, ExperimentRecord], Verdict]] = {
    "rate-lower": _lower,
    "rate-higher": _higher,
    "augmentation-off": _unaltered,
    "one-batch": _alone,
}
"""Kind → what it says of the suspicion that asked for it."""


def _gained(course: Course, made: ExperimentRecord) -> tuple[float, bool]:
    """Gives by how much lower the loss of the changed copy is, as a share of that of knowing nothing, and whether that
    is more than chance."""
    if not math.isfinite(made.loss_changed):
        return -math.inf, True
    if not math.isfinite(made.loss_as_is):
        return math.inf, True
    gained = made.loss_as_is - made.loss_changed
    return gained / _unit(course, made), made.error is not None and abs(gained) > ERRORS * made.error


def _unit(course: Course, made: ExperimentRecord) -> float:
    """Gives the loss by which others are divided: the blind one, or that before where there is none."""
    return course.blind_loss or abs(made.loss_before) or 1.0


def _words(made: ExperimentRecord) -> str:
    """Says what was tried and what came out."""
    tried = {
        "rate-lower": f"at a tenth of the rate ({0.1 * made.learning_rate:.2g})",
        "rate-higher": f"at ten times the rate ({10 * made.learning_rate:.2g})",
        "augmentation-off": "on unaltered pictures",
        "one-batch": f"on one batch of {made.pictures} alone",
    }[made.kind]
    of = "that batch" if made.kind == "one-batch" else "validation" if made.part == "valid" else "training pictures"
    return (
        f"{made.steps} steps of a copy {tried} take the loss of {of} from {made.loss_before:.4g} to "
        f"{made.loss_changed:.4g}, as it is to {made.loss_as_is:.4g}"
    )
