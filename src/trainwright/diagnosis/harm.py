"""What a run is worth so far: an alarm needs harm, and all rules measure it alike.

Skill is 1 - L / H(class shares): 0 knows only the class frequencies, 1 is perfect, and its scale is that of the task.
"""

from __future__ import annotations

import math
import warnings

import numpy as np

from .course import Course, Numbers
from .curves import CLEAR, mann_kendall, tail, windows
from .limits import limit

LOW = limit("skill.low", 0.1)
"""Skill of a net that hardly knows more than the class frequencies."""

MIDDLING = limit("skill.middling", 0.5)
"""Skill of a net with much left to learn."""

DONE = limit("skill.done", 0.9)
"""Skill above which little is left to learn in training."""

WINDOWS = 12
"""Into how many windows a curve of losses is cut before its trend is weighed."""

WAIT_STEPS = 40
"""Steps before which nobody can say that a run learns too little."""

WAIT_SHARE = 0.25
"""Share of the planned steps before which nobody can; a warm-up takes a good part of it."""

OF_ITS_KIND = 3.0
"""How many times the first loss may differ from the blind one, either way, and still be a cross-entropy per picture."""


def reference_loss(course: Course) -> float:
    """Finds the loss of a net that knows nothing, as trained: the blind one, or where that is none, the first.

    A loss of another kind or scale than a cross-entropy per picture, such as a sum over the batch, shows in the first
    loss, unless the answers say that the net really begins so badly.
    """
    first = first_loss(course)
    if course.blind_loss is None or not math.isfinite(first):
        return first
    began = next((row.loss for row in course.answers("train", "train") + course.answers("train") if row.loss), None)
    if began is not None:
        alike = 1 / OF_ITS_KIND < first / began < OF_ITS_KIND
        return course.blind_loss if alike else first
    return course.blind_loss if first > course.blind_loss / OF_ITS_KIND else first


def first_loss(course: Course) -> float:
    """Finds the first training loss that is told, NaN where none is."""
    probes, steps = course.history.probes.rows, course.history.steps.rows
    if probes and probes[0].loss is not None and (not steps or probes[0].step < steps[0].step):
        return probes[0].loss
    return steps[0].loss if steps else math.nan


def early_losses(course: Course) -> Numbers:
    """Gives the training losses of the first tenth of the steps so far, of four at least."""
    return course.losses_S[: max(4, len(course.losses_S) // 10)]


def early_spike(course: Course) -> float:
    """Says how many times the first loss, or that of knowing nothing, the loss went up to in the first steps."""
    early, level = early_losses(course), max(first_loss(course), reference_loss(course))
    return float(early.max()) / level if len(early) and level > 0 else math.nan


def trained_skills_W(course: Course, count: int = WINDOWS) -> Numbers:
    """Computes the skill of windows of the training losses, as trained."""
    losses, reference = course.losses_S if len(course.losses_S) else course.epochs("train_loss"), reference_loss(course)
    if not len(losses):
        return np.array([])
    return 1 - windows(losses, count) / (reference if reference > 0 else math.nan)


def clean_skills(course: Course, part: str = "train", mode: str = "eval") -> Numbers:
    """Computes the skill of each look at pictures that stay the same."""
    losses = np.array([math.nan if row.loss is None else row.loss for row in course.answers(part, mode)])
    return course.skill(losses)


def train_skill(course: Course) -> float:
    """Says how well the net knows what it was trained on: the best of what was measured last.

    Pictures as trained (augmented, with dropout) and clean ones in both modes each have their own troubles.
    """
    late = [tail(trained_skills_W(course), 0.01), clean_skills(course)[-1:], clean_skills(course, mode="train")[-1:]]
    return _best(np.concatenate(late))


def valid_skill(course: Course) -> float:
    """Says how well the net knows pictures that it was not trained on; NaN where nobody measured."""
    return float(clean_skills(course, "valid")[-1]) if course.answers("valid") else shipped_skill(course)


def shipped_skill(course: Course) -> float:
    """Says how well does what is shipped, of which validation tells: an average of weights, where one is kept.

    NaN where nobody measured.
    """
    losses = course.epochs("valid_loss")
    return float(course.skill(losses)[-1]) if len(losses) else math.nan


def average_lags(course: Course) -> bool:
    """Says whether the average of weights that is shipped knows clearly less than the weights as they are."""
    return valid_skill(course) - shipped_skill(course) > limit("average.lags", 0.1)


def best_skill(course: Course) -> float:
    """Says how well the net does by any measure."""
    return _best(np.array([train_skill(course), valid_skill(course)]))


def far_enough(course: Course) -> bool:
    """Says whether a run has come so far that little skill means something."""
    watch = course.history.watch
    planned = None if watch is None else watch.steps_planned
    if course.history.stop is not None and course.last_step > 1:
        return course.last_step >= WAIT_STEPS / 2
    return course.last_step >= max(WAIT_STEPS, WAIT_SHARE * (planned or 0))


def knows_little(course: Course, below: float = LOW) -> bool:
    """Says whether the net has learned less than a given skill although it had the time."""
    return far_enough(course) and not best_skill(course) >= below


def stalled(course: Course) -> bool:
    """Says whether the training loss has not clearly fallen over the last half of the steps."""
    late = tail(trained_skills_W(course, 2 * WINDOWS), 0.5)
    return len(late) >= 4 and not mann_kendall(late) > CLEAR


def diverged(course: Course) -> bool:
    """Says whether training ends clearly above where it began and above knowing nothing, or in no number at all."""
    losses = course.losses_S
    if not len(losses):
        return False
    if not np.isfinite(losses[-1]):
        return True
    last, begin = float(windows(losses, WINDOWS)[-1]), max(first_loss(course), reference_loss(course))
    return len(losses) >= 2 and begin > 0 and last > limit("diverged.times", 1.2) * begin


def _best(values: Numbers) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return float(np.nanmax(values)) if len(values) else math.nan
