"""The form of the net: no nonlinearity, maps that are too small too early, a head that does not fit the labels."""

from __future__ import annotations

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course
from trainwright.diagnosis.harm import MIDDLING, far_enough, knows_little, stalled, train_skill, valid_skill
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import weights_D
from trainwright.diagnosis.suspicion import Rule, Suspicion

NONLINEAR = frozenset(
    (
        *("relu", "relu6", "leakyrelu", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu", "silu", "mish"),
        *("hardswish", "hardtanh", "tanh", "sigmoid", "hardsigmoid", "softsign", "softplus", "maxout"),
    )
)
"""Kinds of layers that bend what goes through them."""


def missing_nonlinearity(course: Course) -> Suspicion | None:
    """Finds a net of several layers that was measured to be an affine map of its input, as a single layer is."""
    watch, depth = course.history.watch, len(weights_D(course))
    if watch is None or not watch.affine or depth < 2:
        return None
    if any(one.kind.lower() in NONLINEAR for one in course.layers):  # behind gates that begin at 0
        return None
    return Suspicion(
        code="missing-nonlinearity",
        strength=1.0,
        persistent=True,
        harmful=True,
        exact=True,
        summary=f"the whole net of {depth} layers is an affine map of its input, which one layer could do as well: no "
        "activation stands between them",
        evidence={"layers_with_weights": depth, "skill": train_skill(course)},
        advice=advice(course, {"model.activation": "relu"}, "put an activation, such as nn.ReLU(), between the layers"),
        since_step=watch.step,
        explains=("model-too-small", "class-imbalance-harmful", "vanishing-gradients", "initialization-too-small"),
        source="checked exactly: f(a) + f(b) - f(0) = f(a + b)",
    )


def resolution_lost_early(course: Course) -> Suspicion | None:
    """Finds a net most of whose convolutions look at maps of hardly any pixels, and that fits badly.

    A convolution on a single pixel sees nothing but it, and its other taps look at the padding. One of 1×1 is meant to,
    as in squeeze and excitation.
    """
    wide = {one.layer for one in course.tensors if one.kind == "weight" and max(one.shape[2:], default=1) > 1}
    convolutions = [one for one in course.layers if one.name in wide and "Conv" in one.kind and len(one.shape) == 3]
    if len(convolutions) < 2:
        return None
    areas = np.array([one.shape[1] * one.shape[2] for one in convolutions])
    blind, coarse = float((areas <= 1).mean()), float((areas <= 4).mean())
    if blind < limit("resolution.single", 0.34) and coarse < limit("resolution.coarse", 0.6):
        return None
    skill, other = train_skill(course), valid_skill(course)
    weak = min(skill, other if np.isfinite(other) else skill)
    first = next(one for one, area in zip(convolutions, areas, strict=True) if area <= 4)
    harmful = far_enough(course) and (knows_little(course, MIDDLING) or (stalled(course) and weak < 0.7))
    return Suspicion(
        code="resolution-lost-early",
        strength=min(1.0, 0.55 + 0.3 * blind + 0.1 * coarse),
        persistent=True,
        harmful=harmful,
        summary=f"{coarse:.0%} of the convolutions work on maps of at most 2×2 pixels ({blind:.0%} on a single one), "
        f"from {first.name} on: where things are in the picture is lost before the net can use it",
        evidence={"share_at_most_2x2": coarse, "share_single_pixel": blind, "skill": skill, "validation_skill": other},
        advice={"do": "use stride 1 in the first layers, or larger pictures"},
        since_step=0,
        layers=(first.name,),
        explains=(
            "model-too-small",
            "class-imbalance-harmful",
        ),
    )


def head_size_mismatch(course: Course) -> Suspicion | None:
    """Finds outputs for classes that no label ever names."""
    rows = [row.label_counts for row in course.history.probes.rows if row.label_counts]
    known = len(course.known.class_shares)
    classes = course.classes
    if classes is None or classes < 2:
        return None
    if known:
        spare = classes - sum(share > 0 for share in course.known.class_shares)
        labels = "in the data"
    else:
        counts = np.sum([row for row in rows if len(row) == classes], axis=0) if rows else np.zeros(0)
        if len(counts) != classes or counts.sum() < 30 * classes:
            return None
        spare, labels = int((counts == 0).sum()), f"among {int(counts.sum())} labels looked at"
    if spare < 1:
        return None
    return Suspicion(
        code="head-size-mismatch",
        strength=0.6,
        persistent=True,
        harmful=knows_little(course, MIDDLING) and spare >= classes / 2,
        exact=bool(known),
        summary=f"the net has {classes} outputs, but {spare} of these classes never occur {labels}",
        evidence={"outputs": classes, "classes_that_occur": classes - spare},
        advice={"do": f"give the last layer {classes - spare} outputs, unless the others are kept for later"},
        since_step=0,
    )


ARCHITECTURE = (
    Rule("missing-nonlinearity", missing_nonlinearity, frozenset({"watch"})),
    Rule("resolution-lost-early", resolution_lost_early, frozenset({"watch", "steps"})),
    Rule("head-size-mismatch", head_size_mismatch, frozenset({"watch"})),
)
