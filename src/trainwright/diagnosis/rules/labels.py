"""Labels: whether they fit the pictures.

K classes · P pictures of the probe set
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

import numpy as np

from trainwright.diagnosis.counting import (
    apart,
    chance,
    error_pattern,
    share_error,
    table_KK,
)
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.harm import clean_skills
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import at_chance, moves_well, skill_of, unseen_skill
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import AnswersRecord

Look = tuple[AnswersRecord, Numbers]
"""Answers about the probe set, and which of its pictures cost more than knowing nothing, 0 or 1 each."""

FEW = 12
"""Pictures in a batch below which the noise of batches hides whether anything can be learned."""


def labels_shuffled(course: Course) -> Suspicion | None:
    """Finds labels that have nothing to do with the pictures.

    Validation stays at chance; and training pictures are remembered one by one, late, while new ones of the same kind
    (those of the first epochs) were answered no better than blindly, or nothing is learned although steps do what their
    gradients promise and gradients of two halves of a batch have nothing in common.
    """
    valid, train, skill = course.answers("valid"), course.answers("train"), clean_skills(course)
    later = valid[max(1, len(valid) // 2) :]
    if course.classes is None or len(later) < 2 or not train or not _at_chance_together(later):
        return None
    unseen, early = unseen_skill(course), _skill_until(course, epoch=2)
    promise = course.probes("half_cosine")
    cosine = float(np.nanmedian(promise)) if np.isfinite(promise).any() else math.nan
    if not max(unseen, early) < limit("labels_shuffled.unseen", 0.05) or cosine > 0.2:
        return None
    size = None if course.history.watch is None else course.history.watch.batch_size
    remembered = not at_chance(train[-1], errors=4.0) and float(skill[-1]) > limit("labels_shuffled.remembered", 0.1)
    alike = np.isfinite(promise).sum() >= 3 and abs(cosine) < 0.05
    if not remembered and not (alike and moves_well(course) and (size or 0) >= FEW):
        return None
    known = "remembered" if remembered else "not learned either"
    return Suspicion(
        code="labels-shuffled",
        strength=0.9 if remembered else 0.6,
        persistent=True,
        harmful=True,
        summary=f"validation accuracy stays at chance ({later[-1].accuracy or 0:.0%}, {len(later)} looks), training "
        f"pictures are {known} (skill {skill[-1]:.2f}), and new ones were answered no better than blindly in the first "
        f"epochs (skill {max(unseen, early):.2f}): the labels have nothing to do with the pictures",
        evidence={
            "valid_accuracy": later[-1].accuracy,
            "skill_on_training_pictures": float(skill[-1]),
            "skill_in_the_first_epochs": max(unseen, early),
            "half_batch_cosine_median": cosine,
        },
        advice={"do": "show a few pictures with their labels as the loss gets them, and pair files and labels anew"},
        since_step=later[0].step,
        explains=("overfitting", "model-too-small", "learning-rate-too-low", "validation-shifted", "trained-too-long"),
        source="Zhang et al. 2017, nets learn random labels by heart",
    )


def _at_chance_together(looks: Sequence[AnswersRecord]) -> bool:
    """Says whether each look at the same pictures is no better than chance, and all of them together hardly are.

    A net that learned a little by labels that are right stands above chance in every look, if only by an error or two.
    """
    if not all(at_chance(row) for row in looks):
        return False
    confusion_KK = table_KK(looks[-1])
    assert confusion_KK is not None, "or nobody could tell above"
    blind, mean = chance(confusion_KK), float(np.mean([row.accuracy or 0.0 for row in looks]))
    return mean < blind + limit("labels_shuffled.errors", 1.5) * share_error(blind, confusion_KK.sum())


def _skill_until(course: Course, epoch: int) -> float:
    """Gives the skill as trained at the end of an early epoch; NaN where it has not come so far."""
    row = next((row for row in course.history.epochs.rows if row.epoch == epoch), None)
    return math.nan if row is None else skill_of(course, row.train_loss)


def labels_noisy(course: Course) -> Suspicion | None:
    """Finds labels of which a part is wrong, and estimates how many.

    A picture with a wrong label is called by its right class, by a net that is sure of it: its loss lies above that of
    knowing nothing, while most others have become cheap. The same pictures stay there from look to look, and the
    mistakes fall on all classes by chance, where mistakes with hard pictures fall on classes that look alike. Later the
    net learns them by heart; the estimate is of the look at which both kinds lay farthest apart.
    """
    looks = [row for row in course.answers("train") if len(row.losses) >= 100 and row.confusion_KK]
    if course.blind_loss is None or course.classes is None or len(looks) < 3:
        return None
    dears = [(row, (np.array(row.losses) > course.blind_loss).astype(np.float64)) for row in looks if row.step > 0]
    stay = [pair for place, pair in enumerate(itertools.pairwise(dears)) if _stay(*pair, *dears[place + 2 : place + 3])]
    clear = [one for pair in stay for one in pair if _clear(course, *one)]
    if not clear:
        return None
    row, dear = max(clear, key=lambda one: float(one[1].mean()) - _between(course, one[0]))
    confusion_KK = table_KK(row)
    pattern, mistakes = error_pattern(confusion_KK) if confusion_KK is not None else (math.nan, 0)
    # Of mistakes by chance nearly all are wrong labels; some of these are learned already and cost less.
    share = mistakes / row.pictures if math.isfinite(pattern) else float(dear.mean())
    error = share_error(share, row.pictures)
    valid = next((look for look in course.answers("valid") if look.step == row.step), None)
    return Suspicion(
        code="labels-noisy",
        strength=min(0.95, 0.5 + share),
        persistent=True,
        harmful=share - 2 * error > limit("labels_noisy.harmful", 0.05),
        summary=f"about {share:.0%} (± {2 * error:.0%}) of the training labels look wrong: at step {row.step} the net "
        f"called so many training pictures by another class, {float(dear.mean()):.0%} surely so, the same ones from "
        f"look to look and all classes by chance, when the median loss was {float(np.median(row.losses)):.2f}",
        evidence={
            "share_of_labels_wrong": share,
            "standard_error": error,
            "mistakes": mistakes,
            "mistakes_pattern_1_by_chance": pattern,
            "median_loss": float(np.median(row.losses)),
            "loss_of_knowing_nothing": course.blind_loss,
            "accuracy_on_training_pictures": row.accuracy,
            "valid_accuracy": None if valid is None else valid.accuracy,
        },
        advice={"loss.label_smoothing": 0.1, "training.patience": 5}
        if course.known.recipe
        else {
            "do": "look at the training pictures of the highest loss, correct or drop them; stop before all are learned"
        },
        since_step=clear[0][0].step,
        explains=("overfitting", "trained-too-long", "validation-shifted", "targets-too-soft", "model-too-small"),
        source="Arpit et al. 2017, Arazo et al. 2019: wrong labels are learned last; pattern of mistakes: own choice",
    )


def _stay(one: Look, other: Look, third: Look | None = None) -> bool:
    """Says whether the pictures that cost much are the same at the next look, and hardly fewer there and after it.

    What is only hard, or rare, is soon learned; wrong labels take long.
    """
    if _agree(one[1], other[1]) < limit("labels_noisy.same", 0.5) or other[1].sum() < 0.7 * one[1].sum():
        return False
    return third is None or third[1].sum() >= 0.55 * one[1].sum()


def _clear(course: Course, row: AnswersRecord, dear: Numbers) -> bool:
    """Says whether the pictures that cost more than knowing nothing look like wrong labels.

    Mistakes by chance that are far from being unsure are a sign, and so are mistakes by chance where training pictures
    do worse than those of validation; for two or three classes, and for unequal ones, where the pattern says little,
    both are needed.
    """
    blind = course.blind_loss or math.nan
    losses_P, confusion_KK = np.array(row.losses), table_KK(row)
    if confusion_KK is None or dear.mean() < limit("labels_noisy.share", 0.06):
        return False
    unsure = limit("labels_noisy.between", 1.0) * dear.mean()
    sure = float(np.median(losses_P)) <= 0.6 * blind and _between(course, row) <= unsure
    worse = _worse_than_validation(course, row, 0.5 * float(dear.mean()))
    pattern, mistakes = error_pattern(confusion_KK)
    pictures_K = confusion_KK.sum(axis=1)
    uneven = pictures_K.max() > limit("labels_noisy.uneven", 3.0) * max(pictures_K.min(), 1.0)
    if len(confusion_KK) < 4 or mistakes < 25 or uneven:
        return sure and worse
    most = limit("labels_noisy.pattern", 1.6) if not worse else limit("labels_noisy.pattern_worse", 2.0)
    return pattern <= most and (sure or worse)


def _worse_than_validation(course: Course, row: AnswersRecord, least: float) -> bool:
    """Says whether clean training pictures are answered worse by far than validation pictures at the same step."""
    valid = next((look for look in course.answers("valid") if look.step == row.step), None)
    if valid is None or valid.accuracy is None or row.accuracy is None:
        return False
    better = apart(valid.accuracy, valid.pictures, row.accuracy, row.pictures)
    return better >= 4 and valid.accuracy - row.accuracy > least


def _between(course: Course, row: AnswersRecord) -> float:
    """Gives the share of pictures that are neither cheap nor dear: hard ones."""
    blind = course.blind_loss or math.nan
    losses_P = np.array(row.losses)
    middle = 0.5 * (float(np.median(losses_P)) + blind)
    return float(((losses_P > min(middle, 0.8 * blind)) & (losses_P <= blind)).mean())


def _agree(one: Numbers, other: Numbers) -> float:
    """Gives the share of marked pictures that are marked both times."""
    either = np.maximum(one, other).sum() if len(one) == len(other) else 0.0
    return float(np.minimum(one, other).sum() / either) if either else 0.0


def classes_swapped(course: Course) -> Suspicion | None:
    """Finds classes whose names are exchanged between training and validation.

    More than half of the validation pictures of each such class are called by another one of them, which confusion of
    classes that look alike cannot bring about, and the training pictures are called by their own labels.
    """
    valid, train = course.answers("valid"), course.answers("train")
    if len(valid) < 2 or not train:
        return None
    cycles = [_exchanged(table_KK(row), table_KK(train[-1])) for row in valid[-2:]]
    if not cycles[-1]:
        return None
    pairs = [f"{old} is called {new}" for old, new in cycles[-1].items()]
    confusion_KK = table_KK(valid[-1])
    count = int(sum(confusion_KK[old][new] for old, new in cycles[-1].items())) if confusion_KK is not None else 0
    return Suspicion(
        code="classes-swapped",
        strength=0.95,
        persistent=cycles[0] == cycles[1],
        harmful=True,
        summary=f"validation pictures of {len(cycles[-1])} classes are called by each other's names: "
        f"{', '.join(pairs[:4])}{' …' if len(pairs) > 4 else ''} ({count} pictures), those of training "
        "by their own: the classes are exchanged in one of the two parts",
        evidence={
            "called_instead": {str(old): new for old, new in cycles[-1].items()},
            "pictures": count,
            "valid_accuracy": valid[-1].accuracy,
            "accuracy_on_training_pictures": train[-1].accuracy,
        },
        advice={"do": "compare how both parts turn names into numbers; make the map once and use it for both"},
        since_step=valid[-2].step,
        explains=("validation-shifted", "overfitting", "labels-noisy", "class-imbalance-harmful"),
    )


def _exchanged(valid_KK: Numbers | None, train_KK: Numbers | None) -> dict[int, int]:
    """Gives class → class that it is called by, of classes that change names among themselves."""
    if valid_KK is None or train_KK is None or valid_KK.shape != train_KK.shape:
        return {}
    moved: dict[int, int] = {}
    for one, row in enumerate(valid_KK):
        other, count = int(np.argmax(row)), row.sum()
        own = train_KK[one].sum()
        if other == one or count < 5 or own < 5:
            continue
        there, here = row[other] / count, train_KK[one][other] / own
        half = there - limit("classes_swapped.errors", 2.0) * share_error(there, count)
        if half > 0.5 and train_KK[one][one] / own > 0.6 and apart(there, count, here, own) > 3:
            moved[one] = other
    while moved and set(moved) != set(moved.values()):
        moved = {old: new for old, new in moved.items() if new in moved and old in moved.values()}
    return moved


LABELS = (
    Rule("labels-shuffled", labels_shuffled, frozenset({"answers", "valid answers", "steps"})),
    Rule("labels-noisy", labels_noisy, frozenset({"answers"})),
    Rule("classes-swapped", classes_swapped, frozenset({"answers", "valid answers"})),
)
