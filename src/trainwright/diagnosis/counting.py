"""Statistics of counts: confusions, shares, and how far two of them lie apart.

K classes
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from trainwright.runs import AnswersRecord

from .course import Course, Numbers

Confusion = Sequence[Sequence[int]]


def table_KK(answers: AnswersRecord) -> Numbers | None:
    """Gives the confusion of some answers as numbers; None where there is none."""
    if not answers.confusion_KK or not any(map(sum, answers.confusion_KK)):
        return None
    return np.array(answers.confusion_KK, dtype=np.float64)


def batch_counts_BK(course: Course) -> Numbers:
    """Gives the pictures of each class in the batches that were looked at and hold more than one; empty without any."""
    rows = [row.label_counts for row in course.history.probes.rows if sum(row.label_counts) > 1]
    width = max(map(len, rows), default=0)
    kept = [row for row in rows if len(row) == width]
    return np.array(kept, dtype=np.float64).reshape(len(kept), width)


def chance(confusion_KK: Numbers) -> float:
    """Gives the accuracy of calling every picture by the most frequent class.

    >>> chance(np.array([[6.0, 0.0], [1.0, 1.0]]))
    0.75
    """
    return float(confusion_KK.sum(axis=1).max() / confusion_KK.sum())


def recalls_K(confusion_KK: Numbers) -> Numbers:
    """Gives the share of each class that was called by its name; NaN for a class without pictures.

    >>> recalls_K(np.array([[6.0, 0.0], [1.0, 1.0]])).tolist()
    [1.0, 0.5]
    """
    pictures_K = confusion_KK.sum(axis=1)
    return np.divide(np.diag(confusion_KK), pictures_K, out=np.full(len(pictures_K), np.nan), where=pictures_K > 0)


def share_error(share: float, count: float) -> float:
    """Gives the standard error of a share of so many, kept above 0 where it is 0 or 1 (Agresti and Coull, 1998).

    >>> round(share_error(0.5, 96), 3)
    0.05
    """
    kept = (share * count + 2) / (count + 4)
    return math.sqrt(kept * (1 - kept) / (count + 4))


def apart(share: float, count: float, other: float, other_count: float) -> float:
    """Gives how many standard errors one share lies above another; 0 where one of them is of nothing.

    >>> round(apart(0.9, 96, 0.5, 96), 1)
    6.7
    """
    if not count or not other_count:
        return 0.0
    error = math.hypot(share_error(share, count), share_error(other, other_count))
    return (share - other) / error


def unevenness(counts_BK: Numbers) -> tuple[float, float]:
    """Compares the classes in batches with what drawing by chance from all these batches together gives.

    Args:
        counts_BK: pictures of each class in each of B batches, at least two.

    Returns: the mean of Pearson's statistic a degree of freedom, about 1 where batches are drawn by chance, and how
        many standard deviations it lies above that.

    Source: Haldane 1937, the variance of Pearson's statistic of a multinomial with small counts.
    """
    shares_K = counts_BK.sum(axis=0) / counts_BK.sum()
    shares_K = shares_K[shares_K > 0]
    sizes_B = counts_BK.sum(axis=1)
    counts_BK = counts_BK[sizes_B > 0][:, counts_BK.sum(axis=0) > 0]
    sizes_B = sizes_B[sizes_B > 0]
    classes, batches = len(shares_K), len(sizes_B)
    if classes < 2 or batches < 2:
        return 1.0, 0.0
    wanted_BK = sizes_B[:, None] * shares_K
    pearson_B = ((counts_BK - wanted_BK) ** 2 / wanted_BK).sum(axis=1)
    # The shares come from the same batches, which takes one batch's worth of freedom away.
    freedom = (classes - 1) * (batches - 1)
    spread = 2 * (classes - 1) + float(np.mean(((1 / shares_K).sum() - classes**2 - 2 * classes + 2) / sizes_B))
    deviation = math.sqrt(max(spread, 1e-9) * (batches - 1))
    return float(pearson_B.sum() / freedom), float((pearson_B.sum() - freedom) / deviation)


def error_pattern(confusion_KK: Numbers) -> tuple[float, int]:
    """Says whether mistakes fall on pairs of classes by chance, as wrong labels do, or on pairs that look alike.

    Returns: Pearson's statistic a degree of freedom of the mistakes against a spread in proportion to the classes'
        shares, 1 where only chance spreads them and more where some pairs are preferred; and the number of mistakes.
    """
    shares_K = confusion_KK.sum(axis=1) / confusion_KK.sum()
    wrong_KK = confusion_KK - np.diag(np.diag(confusion_KK))
    others_KK = np.broadcast_to(shares_K, wrong_KK.shape) * (1 - np.eye(len(shares_K)))
    others_KK = others_KK / np.maximum(others_KK.sum(axis=1, keepdims=True), 1e-12)
    wanted_KK = wrong_KK.sum(axis=1, keepdims=True) * others_KK
    there = wanted_KK > 0
    rows = int((wrong_KK.sum(axis=1) > 0).sum())
    freedom = int(there.sum()) - rows
    if freedom < 1:
        return math.inf, int(wrong_KK.sum())
    pearson = ((wrong_KK - wanted_KK)[there] ** 2 / wanted_KK[there]).sum()
    return float(pearson / freedom), int(wrong_KK.sum())
