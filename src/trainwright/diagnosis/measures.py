"""What the columns say about a net: numbers without dimension that rules share.

B probes · T parameter tensors · D weights of layers in the order of the net · U looks at the units
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .course import Course, Numbers

TINY_CHANGE = 3e-6
"""Share of the loss below which its change is lost in float32: some tens of roundings."""

SHORT_MOVE = 0.02
"""Share of its length by which a short step moves the median weight at most."""

NORMALIZATIONS = ("BatchNorm", "SyncBatchNorm", "GroupNorm", "LayerNorm", "InstanceNorm", "RMSNorm", "LocalResponse")
"""Beginnings and parts of the class names of layers that normalize."""


def weights_D(course: Course) -> NDArray[np.int64]:
    """Lists the columns of the weights of layers, the head last; scales, biases and the like left out."""
    return np.array([index for index, one in enumerate(course.tensors) if one.kind == "weight"], dtype=np.int64)


def learning_D(course: Course) -> NDArray[np.int64]:
    """Lists the columns of those weights that are meant to learn and that the optimizer moves."""
    kept = [index for index in weights_D(course) if course.tensors[index].trainable and course.tensors[index].moved]
    return np.array(kept, dtype=np.int64)


def relative_updates_BD(course: Course) -> Numbers:
    """Computes ‖Δw‖/‖w‖ of the weights that learn; NaN where w is 0."""
    columns = learning_D(course)
    return course.once(
        "relative updates",
        lambda: _over(course.by_tensor("updates")[:, columns], course.by_tensor("weights")[:, columns]),
    )


def relative_updates_B(course: Course) -> Numbers:
    """Takes the median of ‖Δw‖/‖w‖ over the weights that learn, of two the smaller; NaN where there is none."""
    return course.once("median relative update", lambda: low_median(relative_updates_BD(course)))


def relative_gradients_BD(course: Course) -> Numbers:
    """Computes ‖g‖/‖w‖ of the weights that learn; NaN where w is 0."""
    columns = learning_D(course)
    return _over(course.by_tensor("gradients")[:, columns], course.by_tensor("weights")[:, columns])


def elasticities_B(course: Course) -> Numbers:
    """Computes by what share of itself the loss changes when a weight changes by its own: the largest ‖g‖·‖w‖/L.

    Of the largest, since weights behind a scale of 0, as residual branches begin with, have no gradient at first.
    """
    columns = learning_D(course)
    pull_BD = course.by_tensor("gradients")[:, columns] * course.by_tensor("weights")[:, columns]
    return np.nanmax(pull_BD, axis=1, initial=0.0) / np.abs(course.probes("loss"))


def total_gradients_B(course: Course) -> Numbers:
    """Computes the norm of all gradients together, as the optimizer gets them."""
    gradients_BT = course.by_tensor("gradients")
    total_B = np.sqrt(np.nansum(gradients_BT**2, axis=1))
    return np.where(np.isfinite(gradients_BT).any(axis=1), total_B, np.nan)


def rates_B(course: Course) -> Numbers:
    """Gives the learning rate at each probe, of a record without one that of the next step told; NaN where none is."""
    steps_B, told_B = course.probes("step"), course.probes("learning_rate")
    if not len(course.steps_S):
        return told_B
    beside_B = course.rates_S[np.clip(np.searchsorted(course.steps_S, steps_B), 0, len(course.steps_S) - 1)]
    return np.where(np.isfinite(told_B), told_B, beside_B)


def at_height_B(course: Course) -> NDArray[np.bool_]:
    """Says at which probes the rate is at least half its peak so far: neither warm-up nor the end of a decay."""
    rates = rates_B(course)
    if not np.isfinite(rates).any():
        return np.ones(len(rates), dtype=bool)
    return ~(rates < 0.5 * np.nanmax(np.concatenate([rates, course.rates_S])))


def trust_B(course: Course) -> Numbers:
    """Computes actual over predicted change of the loss on the batch of each step that goes downhill on it.

    About 1 where the step is short, 0.5 at the best step along the line, below 0 where it overshoots. NaN where the
    step does not go downhill on this batch, or too little to be measured in float32. A loss that is not finite after
    the step is the worst of overshooting.
    """
    before, after, predicted = course.probes("loss"), course.probes("loss_after"), course.probes("predicted_change")
    downhill = (predicted < 0) & (-predicted > TINY_CHANGE * np.abs(before))
    ratio = _over(after - before, np.where(downhill, predicted, np.nan))
    burst = np.isfinite(before) & np.isfinite(predicted) & _burst_B(course)
    return np.where(burst, -np.inf, np.where(np.isfinite(ratio), ratio, np.nan))


def normalized(course: Course) -> bool:
    """Says whether any watched layer normalizes."""
    return any(name in one.kind for one in course.layers for name in NORMALIZATIONS)


def batch_normalized(course: Course) -> bool:
    """Says whether any watched layer normalizes over the batch."""
    return any("BatchNorm" in one.kind for one in course.layers)


def gains_D(course: Course) -> Numbers:
    """Computes deviation·√inputs of all weights when watching began: about 1 keeps the scale from layer to layer."""
    tensors = [course.tensors[index] for index in weights_D(course)]
    gains = [
        math.nan if one.deviation is None else one.deviation * math.sqrt(math.prod(one.shape[1:])) for one in tensors
    ]
    return np.array(gains, dtype=np.float64)


def from_scratch(course: Course) -> bool:
    """Says whether the columns begin where training began, not where a run was taken up again."""
    return course.history.watch is not None and course.history.watch.step == 0


def parameters(course: Course) -> int:
    """Counts the numbers that learn."""
    return sum(math.prod(one.shape) for one in course.tensors if one.trainable and one.moved)


def pictures_an_epoch(course: Course) -> float:
    """Counts the pictures of an epoch, from its steps and the batch size; NaN where one is unknown."""
    epochs, watch = course.history.epochs.rows, course.history.watch
    if not epochs or watch is None or watch.batch_size is None:
        return math.nan
    return epochs[-1].step / epochs[-1].epoch * watch.batch_size


def low_median(table: Numbers) -> Numbers:
    """Takes the lower median of each row's finite numbers, so that one of two does not decide alone; NaN without."""
    ordered = np.sort(np.where(np.isfinite(table), table, np.nan), axis=1)
    counts = np.isfinite(ordered).sum(axis=1)
    medians = np.full(len(table), np.nan)
    some = np.flatnonzero(counts)
    medians[some] = ordered[some, (counts[some] - 1) // 2]
    return medians


def _over(numerator: Numbers, denominator: Numbers) -> Numbers:
    with np.errstate(all="ignore"):
        return np.where(denominator == 0, np.nan, numerator / denominator)


def _burst_B(course: Course) -> NDArray[np.bool_]:
    """Says at which probes the loss after the step was measured and is no finite number."""
    rows = course.history.probes.rows
    return np.array([row.loss_after is not None and not math.isfinite(row.loss_after) for row in rows], dtype=bool)
