"""Augmentation that costs more than it brings."""

from __future__ import annotations

import math

from trainwright.diagnosis.course import Course
from trainwright.diagnosis.harm import LOW, MIDDLING, far_enough, stalled
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import last_skill, skill_of, trained_skill
from trainwright.diagnosis.suspicion import Rule, Suspicion


def augmentation_harmful(course: Course) -> Suspicion | None:
    """Finds augmentation that costs more than it brings.

    Training pictures as altered are hardly learned, with no progress any more, while clean ones, never more than half
    known either, lie far above. Or altered ones are learned, and clean ones, also in training mode, are not.
    """
    clean, clean_trained = last_skill(course, "train"), last_skill(course, "train", "train")
    trained, valid = trained_skill(course), last_skill(course, "valid")
    looks = course.answers("train", "train")
    if not all(map(math.isfinite, (clean, clean_trained, trained))) or len(looks) < 2:
        return None
    known, gap = max(clean, clean_trained), limit("augmentation_harmful.gap", 0.3)
    if (course.losses_S < 0).any() or max(row.accuracy or 0.0 for row in looks[-2:]) > 0.6:
        return None
    foreign = trained - known > gap and (not math.isfinite(valid) or abs(valid - clean) < 0.15)
    if not foreign:
        return _smothered(course, trained, known)
    then = skill_of(course, looks[-2].loss)
    return Suspicion(
        code="augmentation-harmful",
        strength=min(0.9, 0.5 + trained - known - gap),
        persistent=trained - then > gap,
        harmful=known < 0.5,
        summary=f"training pictures as they are altered are known (skill {trained:.2f}), unaltered ones are not (skill "
        f"{known:.2f}): what the net learns from is not what it is judged on",
        evidence={
            "skill_as_trained": trained,
            "skill_on_clean_training_pictures": clean,
            "skill_on_clean_training_pictures_in_training_mode": clean_trained,
            "valid_skill": valid,
        },
        advice={"augment.policy": "light"}
        if course.known.recipe
        else {"do": "weaker tricks, or some pictures unaltered"},
        since_step=looks[-2].step,
        explains=("validation-shifted", "model-too-small", "overfitting"),
        experiment="augmentation-off",
    )


def _smothered(course: Course, trained: float, known: float) -> Suspicion | None:
    """Has a hunch that pictures are altered beyond recognition: altered ones are not learned any more, and clean ones
    not well.

    A task that is hard looks the same, and so does augmentation that helps; so only an experiment makes it a finding.
    """
    hidden = known <= MIDDLING and (known - trained > 0.05 or trained < LOW)
    if not _altering(course) or not hidden or not far_enough(course) or not stalled(course):
        return None
    return Suspicion(
        code="augmentation-harmful",
        strength=0.45,
        persistent=False,
        harmful=True,
        summary=f"training pictures as they are altered are hardly learned (skill {trained:.2f}), and unaltered ones "
        f"are known at {known:.2f}, with no progress any more",
        evidence={"skill_as_trained": trained, "skill_on_clean_training_pictures": known},
        advice={"augment.policy": "light"},
        since_step=course.last_step,
        explains=("model-too-small",),
        experiment="augmentation-off",
    )


def _altering(course: Course) -> bool:
    """Says whether the recipe alters training pictures."""
    tricks = {key: value for key, value in course.known.recipe.items() if key.startswith("augment.")}
    return any(
        value not in (0, "none") for key, value in tricks.items() if key not in ("augment.policy", "augment.fill")
    )


AUGMENTING = (Rule("augmentation-harmful", augmentation_harmful, frozenset({"answers", "steps"})),)
