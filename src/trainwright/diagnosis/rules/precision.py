"""Number formats: gradients too small or too large for the one they are computed in."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.harm import DONE, MIDDLING, far_enough, knows_little, train_skill
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import learning_D
from trainwright.diagnosis.suspicion import Rule, Suspicion
from trainwright.runs import WatchedTensor


def precision_underflow(course: Course) -> Suspicion | None:
    """Finds gradients of which many numbers are exactly 0, although no unit is dead: they are too small for the format.

    The first weight is left out, since pixels that are always 0 leave it without gradients, too; and so are weights
    whose zeros make whole rows or whole inputs, and filters so large for their map that some of their numbers meet
    padding only.
    """
    maps = {one.name: one.shape[1:] for one in course.layers}
    columns = [index for index in learning_D(course)[1:] if not _meets_padding_only(course.tensors[index], maps)]
    unfed = course.by_layer("unfed")
    zeros_BD = course.by_tensor("zero_gradients")[:, columns]
    if not len(columns) or len(zeros_BD) < 4 or not np.isfinite(zeros_BD).any():
        return None
    names = [one.name for one in course.layers]
    rows_D = np.zeros(len(columns))
    for place, index in enumerate(columns):
        layer = course.tensors[index].layer
        if layer in names and len(unfed):
            rows_D[place] = np.nan_to_num(np.nanmax(unfed[1:, names.index(layer)], initial=0.0))
    dead = course.by_layer("dead")[-1:]
    before_D = np.nanmax(np.nan_to_num(dead), initial=0.0)
    late_D = np.median(np.nan_to_num(zeros_BD[-max(4, len(zeros_BD) // 3) :]), axis=0)
    scattered_D = late_D - np.maximum(rows_D, before_D)
    whole_D = np.array([_whole(share, course.tensors[index]) for share, index in zip(late_D, columns, strict=True)])
    lost = np.flatnonzero((scattered_D > limit("underflow.zeros", 0.3)) & ~whole_D)
    if len(lost) < max(1, len(columns) / 4):
        return None
    watch = course.history.watch
    half = watch is not None and "16" in watch.dtype
    where = tuple(course.tensors[columns[index]].layer for index in lost)
    share = float(np.median(late_D[lost]))
    skill = train_skill(course)
    return Suspicion(
        code="precision-underflow",
        strength=0.9 if half else 0.7,
        persistent=True,
        harmful=far_enough(course) and skill < DONE,
        summary=f"{share:.0%} of the gradient's numbers are exactly 0 in {len(lost)} of {len(columns)} weights, "
        f"scattered over units that are alive: they are too small for {'float16' if half else 'their format'}",
        evidence={"share_of_zeros": share, "weights": len(lost), "skill": skill},
        advice=advice(
            course,
            {"machine.precision": "float32"} if half else {},
            "scale the loss (torch.amp.GradScaler), or use bfloat16 or float32",
        ),
        since_step=int(course.probes("step")[0]),
        layers=where,
        explains=(
            "learning-rate-too-low",
            "vanishing-gradients",
            "model-too-small",
            "class-imbalance-harmful",
            "dead-units",
        ),
        source="Micikevicius et al. 2018",
    )


def _whole(share: float, tensor: WatchedTensor) -> bool:
    """Says whether zeros may be just those of a few whole outputs or inputs, as of units that are off."""
    sides = tensor.shape[:2]
    return any(abs(share * side - round(share * side)) < 1e-4 * side for side in sides) and 0 < share < 1


def _meets_padding_only(tensor: WatchedTensor, maps: Mapping[str, tuple[int, ...]]) -> bool:
    """Says whether some numbers of a filter (out, in, height, width) never meet the map, padded to keep its size."""
    return any(own // 2 >= side for own, side in zip(tensor.shape[2:], maps.get(tensor.layer, ()), strict=False))


def precision_overflow(course: Course) -> Suspicion | None:
    """Finds steps that were left out again and again, since gradients were not finite while the loss was.

    A few at the start are how a loss scale finds its height.
    """
    losses, gradients_BT = course.probes("loss"), course.history.probes["gradients"]
    updates_BT = course.by_tensor("updates")
    later = course.probes("step") > 0.2 * course.last_step
    if later.sum() < 5:
        return None
    left_out = later & np.isfinite(losses) & ~(np.nan_to_num(updates_BT).max(axis=1, initial=0.0) > 0)
    for index in np.flatnonzero(left_out):
        left_out[index] = any(value is not None and not np.isfinite(value) for value in gradients_BT[index])
    share = float(left_out.sum() / later.sum())
    if left_out.sum() < 2 or share < limit("overflow.share", 0.1):
        return None
    return Suspicion(
        code="precision-overflow",
        strength=min(1.0, 0.6 + share),
        persistent=True,
        harmful=share > 0.5 or knows_little(course, MIDDLING),
        summary=f"in {share:.0%} of the steps looked at gradients were too large for their number format and the step "
        "was left out, while the loss was finite",
        evidence={"share_of_steps_left_out": share, "steps_left_out": int(left_out.sum())},
        advice=advice(
            course,
            {"machine.precision": "float32"},
            "call scaler.unscale_(optimizer) before clipping and scaler.update() after each step; or use bfloat16",
        ),
        since_step=int(course.probes("step")[left_out][0]),
        explains=("learning-rate-too-low",),
        source="Micikevicius et al. 2018",
    )


PRECISION = (
    Rule("precision-underflow", precision_underflow, frozenset({"watch", "probes"})),
    Rule("precision-overflow", precision_overflow, frozenset({"watch", "probes"})),
)
