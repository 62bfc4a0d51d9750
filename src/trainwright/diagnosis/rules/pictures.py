"""Pictures as the net gets them: training against validation, and both against what nets are built for.

C channels · B batches that were looked at
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from trainwright.diagnosis.counting import apart
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.inputs import answers_inputs, batches_inputs, shift_of
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import last_skill, skill_of, told_before, trained_skill, unseen_skill
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import AnswersRecord

LARGE, SMALL = 10.0, 0.02
"""Root mean square beyond which inputs are far from the size that nets are built for, as in the checks before the first
step."""


def preprocessing_differs(course: Course) -> Suspicion | None:
    """Finds pictures that come to the net in other numbers in training than in validation: another scale or offset."""
    valid = course.answers("valid")
    shift = shift_of(answers_inputs(valid[-1]), trained := batches_inputs(course))
    if shift is None or trained is None or not shift.rescaled:
        return None
    seen, row = answers_inputs(valid[-1]), valid[-1]
    lost = max(trained_skill(course), last_skill(course, "train")) - last_skill(course, "valid")
    words = f"{np.mean(trained.mean_C):.3g} ± {np.mean(trained.deviation_C):.3g} in training"
    if seen is not None:
        words += f", {np.mean(seen.mean_C):.3g} ± {np.mean(seen.deviation_C):.3g} in validation"
    return Suspicion(
        code="preprocessing-differs",
        strength=min(1.0, 0.7 + 0.1 * max(abs(math.log(shift.deviation)), shift.mean / 3)),
        persistent=len(valid) >= 2,
        harmful=lost > limit("preprocessing.lost", 0.1),
        summary=f"pictures come to the net in other numbers in validation than in training ({words}), multiplied by "
        f"{shift.deviation:.3g} and moved, all alike: one of the two is prepared differently",
        evidence={
            "deviation_by_training": shift.deviation,
            "mean_moved_in_deviations": shift.mean,
            "misfit_in_spans": shift.misfit,
            "skill_lost_in_validation": lost,
        },
        advice={"do": "prepare both parts by the same code: same division, mean and deviation"},
        since_step=row.step if len(valid) < 2 else valid[0].step,
        explains=(
            "validation-shifted",
            "overfitting",
            "labels-shuffled",
            "batchnorm-statistics-stale",
            "augmentation-harmful",
        ),
    )


def validation_shifted(course: Course) -> Suspicion | None:
    """Finds validation pictures of another kind than the training's, harder or easier ones.

    Harder: in the first epochs, when no picture can be remembered yet, new training pictures are answered much better
    than validation pictures. Easier: clean training pictures are answered much worse than those of validation.
    """
    valid, train = course.answers("valid"), course.answers("train")
    if course.classes is None or len(valid) < 2:
        return None
    shift = shift_of(answers_inputs(valid[-1]), batches_inputs(course))
    moved = (
        None if shift is None else {"mean_moved_in_deviations": shift.mean, "deviation_by_training": shift.deviation}
    )
    if shift is not None and shift.rescaled:
        return None
    return _harder(course, moved, shift is not None and shift.other) or _easier(train, valid, moved)


def _harder(course: Course, moved: dict[str, float] | None, looks_other: bool) -> Suspicion | None:
    """Compares validation with training pictures that were new to the net."""
    early = [row for row in course.history.epochs.rows if row.epoch <= 2 and row.valid_loss is not None]
    least = limit("validation_shifted.lost", 0.2)
    gaps = [(row.step, unseen_skill(course, row.epoch), skill_of(course, row.valid_loss)) for row in early]
    if not gaps:
        return None
    step, new, held = gaps[0] if gaps[0][1] >= 0.2 else gaps[-1]
    needed = least if step == gaps[0][0] else 1.5 * least
    clean, later = last_skill(course, "train"), last_skill(course, "valid")
    at_once = next((row for row in course.answers("train") if row.step >= step), None)
    then = math.nan if at_once is None else skill_of(course, at_once.loss)
    if new < 0.2 or new - held < needed * (0.5 if looks_other else 1.0) or not then > new - 0.1:
        return None
    return Suspicion(
        code="validation-shifted",
        strength=min(0.95, 0.5 + (new - held - needed) + (0.2 if looks_other else 0.0)),
        persistent=clean - later > 0.5 * needed,
        harmful=clean - later > 0.5 * needed,
        summary=f"at step {step}, when training pictures were still new to the net, it knew these (skill {new:.2f}), "
        f"not those of validation ({held:.2f}), and at the latest it is {clean:.2f} against {later:.2f}: validation "
        "pictures are of another kind",
        evidence={
            "skill_on_new_training_pictures": new,
            "skill_on_training_pictures_then": then,
            "valid_skill_then": held,
            "skill_on_training_pictures": clean,
            "valid_skill": later,
            **(moved or {}),
        },
        advice={"do": "draw validation from the same pictures as training, or train on such as it has"},
        since_step=step,
        explains=("overfitting", "batchnorm-statistics-stale", "trained-too-long"),
    )


def _easier(
    train: tuple[AnswersRecord, ...], valid: tuple[AnswersRecord, ...], moved: dict[str, float] | None
) -> Suspicion | None:
    """Compares clean training pictures with validation pictures, which nobody learned from and cannot be easier."""
    pairs = [(mine, theirs) for theirs in valid for mine in train if mine.step == theirs.step and mine.step > 0][-2:]
    gaps = [_better(mine, theirs) for mine, theirs in pairs]
    least = limit("validation_shifted.easier", 0.12)
    if len(gaps) < 2 or min(gap[0] for gap in gaps) < least or min(gap[1] for gap in gaps) < 4:
        return None
    mine, theirs = pairs[-1]
    return Suspicion(
        code="validation-shifted",
        strength=min(0.9, 0.5 + gaps[-1][0]),
        persistent=True,
        harmful=True,
        summary=f"clean training pictures are answered much worse ({mine.accuracy or 0:.0%} right) than "
        f"those of validation ({theirs.accuracy or 0:.0%}), from which nothing is learned: a bad split, in which "
        "validation got the easier ones",
        evidence={
            "accuracy_on_training_pictures": mine.accuracy,
            "valid_accuracy": theirs.accuracy,
            "standard_errors_apart": gaps[-1][1],
            **(moved or {}),
        },
        advice={"do": "shuffle all pictures before they are split, class by class"},
        since_step=pairs[0][0].step,
    )


def _better(mine: AnswersRecord, theirs: AnswersRecord) -> tuple[float, float]:
    if mine.accuracy is None or theirs.accuracy is None:
        return 0.0, 0.0
    return theirs.accuracy - mine.accuracy, apart(theirs.accuracy, theirs.pictures, mine.accuracy, mine.pictures)


def train_validation_leak(course: Course) -> Suspicion | None:
    """Finds validation pictures that are equal, number by number, to pictures seen in training."""
    rows = [row for row in course.answers("valid") if row.shared is not None and row.shared_of]
    if not rows or told_before(course, "train-validation-leak"):
        return None
    row = max(rows, key=lambda one: one.shared or 0)
    shared, of = int(row.shared or 0), int(row.shared_of or 1)
    if not shared:
        return None
    share, error = shared / of, math.sqrt(0.9 * 0.1 / of)
    return Suspicion(
        code="train-validation-leak",
        strength=1.0,
        persistent=True,
        harmful=share > error,
        exact=True,
        summary=f"{shared:,} of {of:,} validation pictures ({share:.1%}) were seen in training too, number by number; "
        "validation flatters",
        evidence={"shared_pictures": shared, "valid_pictures_compared": of, "share": share},
        advice={"do": "split before copies are made, and take pictures of one source into one part"},
        since_step=row.step,
    )


def augmentation_on_validation(course: Course) -> Suspicion | None:
    """Finds validation pictures that change from look to look: the same classes in the same numbers, other pictures.

    Another order of the same pictures changes no mean and is none.
    """
    rows = [row for row in course.answers("valid") if row.inputs_id is not None and row.input_mean]
    pairs = [(one, other) for one, other in itertools.pairwise(rows) if _altered(one, other)]
    if len(rows) < 2 or not pairs:
        return None
    moved = max(_moved(one, other) for one, other in pairs)
    lost = last_skill(course, "train") - last_skill(course, "valid")
    return Suspicion(
        code="augmentation-on-validation",
        strength=0.9,
        persistent=len(pairs) >= 2,
        harmful=lost > limit("augmentation_on_validation.lost", 0.1),
        exact=True,
        summary=f"the {rows[-1].pictures} validation pictures are others at {len(pairs)} of {len(rows) - 1} looks, of "
        f"the same classes (their mean moves by {moved:.2g} deviations): something random alters them",
        evidence={"looks_that_differ": len(pairs), "mean_moved_in_deviations": moved, "skill_lost_in_validation": lost},
        advice={"do": "give validation its own transform, without random tricks"},
        since_step=pairs[0][1].step,
        explains=("validation-shifted", "overfitting"),
    )


def _altered(one: AnswersRecord, other: AnswersRecord) -> bool:
    same = one.pictures == other.pictures and [sum(row) for row in one.confusion_KK] == [
        sum(row) for row in other.confusion_KK
    ]
    return bool(one.confusion_KK) and same and one.inputs_id != other.inputs_id and _moved(one, other) > 1e-4


def _moved(one: AnswersRecord, other: AnswersRecord) -> float:
    shift = shift_of(answers_inputs(one), answers_inputs(other))
    return 0.0 if shift is None else max(shift.mean, abs(shift.deviation - 1))


def input_not_scaled(course: Course) -> Suspicion | None:
    """Finds inputs far from the size that nets are built for, such as pixels from 0 to 255, or divided twice."""
    inputs = batches_inputs(course)
    if inputs is None or told_before(course, "input-not-scaled"):
        return None
    size = float(np.sqrt(np.mean(inputs.mean_C**2 + inputs.deviation_C**2)))
    if SMALL <= size <= LARGE or not math.isfinite(size):
        return None
    first = course.answers("train")
    start = skill_of(course, first[0].loss) if first else math.nan
    skill = last_skill(course, "train")
    skill = trained_skill(course) if not math.isfinite(skill) else skill
    return Suspicion(
        code="input-not-scaled",
        strength=min(1.0, 0.7 + 0.1 * abs(math.log10(size))),
        persistent=len(course.history.probes) >= 2,
        harmful=not skill > limit("input_not_scaled.skill", 0.6),
        summary=f"the numbers that the net is given are of size {size:.3g} (root mean square; from {inputs.low:.3g} to "
        f"{inputs.high:.3g}), far from the 1 that nets are built for",
        evidence={
            "root_mean_square": size,
            "lowest": inputs.low,
            "highest": inputs.high,
            "skill_before_training": start,
            "skill": skill,
        },
        advice={"preprocess.center": "channel", "preprocess.scale": "channel"}
        if course.known.recipe
        else {
            "do": "divide pixels by 255 once, subtract the mean and divide by the deviation of each channel"
            if size > LARGE
            else "pixels are divided twice: leave one division out"
        },
        since_step=int(course.history.probes.rows[0].step),
        explains=(
            "learning-rate-too-high",
            "learning-rate-too-low",
            "initialization-too-large",
            "initialization-too-small",
            "exploding-gradients",
            "vanishing-gradients",
            "dead-units",
            "saturated-units",
            "gradient-spikes",
            "non-finite-loss",
            "missing-normalization",
            "model-too-small",
            "warmup-missing",
            "stopped-too-early",
        ),
    )


def input_channel_constant(course: Course) -> Suspicion | None:
    """Finds a color channel that holds one value in every picture, so that it tells nothing. A note, unless only
    training lacks it."""
    rows = [row.input_deviation for row in course.history.probes.rows if row.input_deviation]
    if len(rows) < 2 or told_before(course, "input-channel-constant"):
        return None
    rows = [row for row in rows if len(row) == len(rows[-1])]
    flat = [int(index) for index in np.flatnonzero((np.array(rows) < 1e-6).all(axis=0))]
    if not flat or len(flat) == len(rows[-1]):
        return None
    valid = [row.input_deviation for row in course.answers("valid") if len(row.input_deviation) == len(rows[-1])]
    alone = [channel for channel in flat if valid and valid[-1][channel] > 1e-3]
    lost = max(trained_skill(course), last_skill(course, "train")) - last_skill(course, "valid")
    where = ", in training alone" if alone else ""
    return Suspicion(
        code="input-channel-constant",
        strength=1.0,
        persistent=True,
        harmful=bool(alone) and lost > 0.1,
        exact=True,
        summary=f"channel {', '.join(map(str, flat))} holds one value in all training pictures{where}: it says nothing",
        evidence={"channels": flat, "channels_that_validation_has": alone, "batches_looked_at": len(rows)},
        advice={"do": "look at a picture as the net gets it; of gray ones give a single channel"},
        since_step=int(course.history.probes.rows[0].step),
        explains=("validation-shifted",),
    )


PICTURES = (
    Rule("preprocessing-differs", preprocessing_differs, frozenset({"probes", "valid answers"})),
    Rule("validation-shifted", validation_shifted, frozenset({"valid answers", "answers"})),
    Rule("train-validation-leak", train_validation_leak, frozenset({"valid answers"})),
    Rule("augmentation-on-validation", augmentation_on_validation, frozenset({"valid answers"})),
    Rule("input-not-scaled", input_not_scaled, frozenset({"probes"})),
    Rule("input-channel-constant", input_channel_constant, frozenset({"probes"})),
)
