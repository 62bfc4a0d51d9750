"""Classes: how often each comes, and in what order.

K classes · B batches that were looked at
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from trainwright.diagnosis.counting import apart, batch_counts_BK, recalls_K, table_KK, unevenness
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.standing import last_skill, trained_skill
from trainwright.diagnosis.suspicion import Rule, Suspicion


def class_imbalance_harmful(course: Course) -> Suspicion | None:
    """Finds rare classes that the net does not dare to name: their recall is far below that of the frequent ones.

    They must be named less often than they are there, too; a rare class that is only hard is taken for others as often
    as others for it.
    """
    valid = [row for row in course.answers("valid") if row.confusion_KK]
    shares = np.array(course.known.class_shares, dtype=np.float64)
    train = course.answers("train")
    if not len(shares) and train and (first_KK := table_KK(train[-1])) is not None:
        shares = first_KK.sum(axis=1) / first_KK.sum()
    if len(valid) < 2 or len(shares) < 2:
        return None
    rare_K = shares < shares.max() / limit("class_imbalance.ratio", 3.0)
    found = [_shortfall(table_KK(row), rare_K) for row in valid[-2:]]
    if not rare_K.any() or any(one is None for one in found):
        return None
    missing, errors, ratio, rare, frequent = found[-1] or (0.0, 0.0, 1.0, 0.0, 0.0)
    lost = limit("class_imbalance.missing", 0.25)
    if missing < lost or errors < 3 or ratio > limit("class_imbalance.named", 0.7):
        return None
    return Suspicion(
        code="class-imbalance-harmful",
        strength=min(0.95, 0.5 + missing - lost + 0.1),
        persistent=min(one[0] for one in found if one) >= lost,
        harmful=frequent >= limit("class_imbalance.frequent", 0.5),  # else the net has learned too little to say
        summary=f"of the validation pictures of rare classes {rare:.0%} are found, of frequent ones {frequent:.0%} "
        f"({errors:.1f} standard errors apart); rare classes are named {ratio:.2f} times as often as they are there",
        evidence={
            "recall_of_rare_classes": rare,
            "recall_of_frequent_classes": frequent,
            "standard_errors_apart": errors,
            "rare_classes_named_by_there": ratio,
            "rare_classes": [int(index) for index in np.flatnonzero(rare_K)],
            "largest_share_by_smallest": float(shares.max() / max(shares.min(), 1e-12)),
        },
        advice={"loss.class_weights": "balanced"}
        if course.known.recipe
        else {"do": "weight=1/share of each class in the loss, or a sampler that draws classes evenly"},
        since_step=valid[-2].step,
        explains=("labels-shuffled", "validation-shifted", "overfitting", "trained-too-long"),
    )


def _shortfall(
    confusion_KK: Numbers | None, rare_K: NDArray[np.bool_]
) -> tuple[float, float, float, float, float] | None:
    """Gives how far recall of rare classes lies below, in how many errors; how often they are named; both recalls."""
    if confusion_KK is None or len(confusion_KK) != len(rare_K):
        return None
    there_K, right_K, named_K = confusion_KK.sum(axis=1), np.diag(confusion_KK), confusion_KK.sum(axis=0)
    few, many = there_K[rare_K].sum(), there_K[~rare_K].sum()
    if few < 20 or many < 20 or not np.isfinite(recalls_K(confusion_KK)[~rare_K]).all():
        return None
    rare, frequent = float(right_K[rare_K].sum() / few), float(right_K[~rare_K].sum() / many)
    return frequent - rare, apart(frequent, many, rare, few), float(named_K[rare_K].sum() / few), rare, frequent


def not_shuffled(course: Course) -> Suspicion | None:
    """Finds batches that hold fewer classes than drawing by chance gives, as when data comes sorted by class."""
    counts_BK = batch_counts_BK(course)
    if len(counts_BK) < 6 or counts_BK.shape[1] < 2:
        return None
    uneven, errors = unevenness(counts_BK)
    most = limit("not_shuffled.uneven", 2.0)
    if uneven < most or errors < 8:
        return None
    shares_K = counts_BK.sum(axis=0) / counts_BK.sum()
    seen = float((counts_BK > 0).sum(axis=1).mean())
    wanted = float(np.mean([(1 - (1 - shares_K) ** size).sum() for size in counts_BK.sum(axis=1)]))
    clean, trained = last_skill(course, "train"), trained_skill(course)
    return Suspicion(
        code="not-shuffled",
        strength=min(1.0, 0.6 + 0.1 * math.log(uneven / most + 1)),
        persistent=True,
        harmful=not (clean > 0.9 and clean > trained - 0.1),
        exact=True,
        summary=f"a batch holds {seen:.1f} classes, where drawing by chance gives {wanted:.1f}: pictures come sorted",
        evidence={
            "classes_in_a_batch": seen,
            "classes_in_a_batch_by_chance": wanted,
            "unevenness_1_by_chance": uneven,
            "standard_deviations_above_chance": errors,
            "batches_looked_at": len(counts_BK),
            "skill_on_training_pictures": clean,
            "skill_as_trained": trained,
        },
        advice={"do": "shuffle=True in the DataLoader of the training part"},
        since_step=int(course.history.probes.rows[0].step),
        explains=(
            "learning-rate-too-high",
            "batchnorm-statistics-stale",
            "gradient-spikes",
            "validation-shifted",
            "stopped-too-early",
            "augmentation-harmful",
        ),
    )


CLASSES = (
    Rule("class-imbalance-harmful", class_imbalance_harmful, frozenset({"valid answers"})),
    Rule("not-shuffled", not_shuffled, frozenset({"probes"})),
)
