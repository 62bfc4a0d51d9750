"""Where a run stands: how well it answers about pictures it learns from, and about others.

Skill is 1 - loss / the loss of knowing only the class shares: 0 knows nothing, 1 is perfect.
"""

from __future__ import annotations

import math

import numpy as np

from trainwright.runs import AnswersRecord

from .counting import chance, share_error, table_KK
from .course import Course
from .harm import clean_skills
from .measures import relative_updates_BD, trust_B

RECENT = 0.25
"""Share of the steps that counts as recent."""


def last_skill(course: Course, part: str, mode: str = "eval") -> float:
    """Gives the skill at the latest look; NaN where there was none. Validation is taken from epochs where it must."""
    found = clean_skills(course, part, mode)
    if part == "valid" and not np.isfinite(found).any():
        found = course.skill(course.epochs("valid_loss"))
    found = found[np.isfinite(found)]
    return float(found[-1]) if len(found) else math.nan


def trained_skill(course: Course) -> float:
    """Gives the skill of the loss as trained in the steps before the latest look at training pictures.

    So both tell of the same net. Without such looks, in the latest steps; NaN where there are none.

    Where epochs are short, the net may have learned a lot since it was looked at.
    """
    looks = course.answers("train")
    count = int((course.steps_S <= looks[-1].step).sum()) if looks else len(course.losses_S)
    window = course.losses_S[int((1 - RECENT) * count) : count]
    window = window[np.isfinite(window)]
    return skill_of(course, float(np.mean(window)) if len(window) else None)


def unseen_skill(course: Course, epoch: int = 1) -> float:
    """Gives the skill as trained in the last third of an early epoch; in the first no picture was seen before.

    What was not seen cannot be remembered, so this is how well the net does on new pictures of the training's kind.
    """
    rows = [row.loss for row in course.history.steps.rows if row.epoch == epoch]
    return skill_of(course, float(np.mean(rows[-max(1, len(rows) // 3) :])) if rows else None)


def skill_of(course: Course, loss: float | None) -> float:
    """Turns one loss into skill; NaN where there is none."""
    return float(course.skill(np.array([_number(loss)]))[0])


def at_chance(answers: AnswersRecord, errors: float = 3.0) -> bool | None:
    """Says whether answers are no better than naming the most frequent class; None where nobody can tell."""
    confusion_KK = table_KK(answers)
    if confusion_KK is None or answers.accuracy is None:
        return None
    blind = chance(confusion_KK)
    return answers.accuracy < blind + errors * share_error(blind, confusion_KK.sum())


def moves_well(course: Course) -> bool:
    """Says whether nearly all weights move by usual amounts, and steps do roughly what their gradients promise."""
    moved_BD, trust = relative_updates_BD(course), trust_B(course)
    trust = trust[np.isfinite(trust)]
    columns = [column[np.isfinite(column)] for column in moved_BD.T]
    usual = [bool(len(column)) and float(np.median(column)) > 1e-4 for column in columns]
    return bool(usual) and float(np.mean(usual)) >= 0.8 and bool(len(trust)) and 0 < float(np.median(trust)) < 1.5


def told_before(course: Course, code: str) -> bool:
    """Says whether the data's audit or the checks have told a code already, before the first step."""
    return any(finding.code == code and finding.since_step is None for finding in course.history.findings)


def _number(value: float | None) -> float:
    return math.nan if value is None else value
