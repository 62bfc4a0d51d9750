"""How training began: filters that are all alike, weights too large, weights too small.

D weights of layers, the head last · U looks at the units, the first before the first step
"""

from __future__ import annotations

import math

import numpy as np

from trainwright.diagnosis.advising import advice
from trainwright.diagnosis.course import Course, Numbers
from trainwright.diagnosis.curves import middle
from trainwright.diagnosis.harm import (
    DONE,
    LOW,
    MIDDLING,
    best_skill,
    far_enough,
    first_loss,
    knows_little,
    reference_loss,
    train_skill,
    trained_skills_W,
    valid_skill,
)
from trainwright.diagnosis.limits import limit
from trainwright.diagnosis.measures import (
    SHORT_MOVE,
    batch_normalized,
    elasticities_B,
    from_scratch,
    gains_D,
    normalized,
    relative_updates_B,
    weights_D,
)
from trainwright.diagnosis.suspicion import Rule, Suspicion

NATIVE: dict[str, object] = {"init.scheme": "auto"}


def symmetric_initialization(course: Course) -> Suspicion | None:
    """Finds hidden layers whose filters are all equal and stay so: equal filters get equal gradients.

    The last layer may begin with zeros, since labels tell its rows apart; and so may any layer that has come apart
    since.
    """
    hidden = weights_D(course)[:-1]
    alike = [index for index in hidden if course.tensors[index].twins >= 0.9 and course.tensors[index].shape[0] > 1]
    if not alike or not from_scratch(course):
        return None
    still = [index for index in alike if _still_equal(course, index)]
    if not still:
        return None
    names = tuple(dict.fromkeys(course.tensors[index].layer for index in still))
    zero = all(not course.tensors[index].deviation for index in still)
    return Suspicion(
        code="symmetric-initialization",
        strength=1.0,
        persistent=True,
        harmful=True,
        exact=True,
        fatal=knows_little(course, LOW),
        summary=f"all filters of {len(names)} of {len(hidden)} hidden layers began equal"
        + (" (constant, such as all zero)" if zero else "")
        + " and still are: they get equal gradients, so that each layer works like a single unit",
        evidence={"layers": len(names), "hidden_layers": len(hidden), "skill": train_skill(course)},
        advice=advice(course, NATIVE, "draw the weights at random: torch.nn.init.kaiming_normal_"),
        since_step=0,
        layers=names,
        explains=(
            "dead-units",
            "vanishing-gradients",
            "learning-rate-too-low",
            "learning-rate-too-high",
            "model-too-small",
            "class-imbalance-harmful",
            "initialization-too-small",
            "labels-shuffled",
            "saturated-units",
            "missing-normalization",
        ),
        source="checked exactly: filters equal number by number",
    )


def initialization_too_large(course: Course) -> Suspicion | None:
    """Finds a net that begins far surer, and wronger, than one that knows nothing.

    The loss before training lies far above the blind one, and weights are several times as large as keeps the scale
    from layer to layer, or outputs grow with depth. An alarm where much of the training went by before the net was
    back at knowing nothing, or where it never learned well.

    A net whose branches begin closed shows none of that at first: it breaks down as they open, by steps that are short.
    """
    began, blind = _loss_at_start(course), course.blind_loss
    if not blind or not from_scratch(course) or not math.isfinite(began):
        return None
    excess = (began - blind) / blind
    gains = gains_D(course)
    gain = middle(gains)
    growth = _decades(course)
    large = gain > limit("gain.high", 2.5) or growth > limit("growth.high", 1.0)
    burst = gain > limit("gain.high", 2.5) and _breaks_down_at_once(course)
    if not burst and (not large or excess < limit("excess.high", 1.0)):
        return None
    skills, saturated = trained_skills_W(course, 40), _most_saturated(course)
    lost = float((skills < 0).mean())
    weak = [skill for skill in (train_skill(course), valid_skill(course)) if math.isfinite(skill)]
    harmful = far_enough(course) and (lost > limit("excess.lost", 0.15) or min(weak, default=1.0) < MIDDLING)
    return Suspicion(
        code="initialization-too-large",
        strength=0.95 if burst else min(1.0, 0.55 + 0.2 * math.log10(1 + excess)),
        persistent=True,
        harmful=harmful or burst,
        fatal=burst,
        summary=f"the net begins with weights {gain:.2g} times as large as keeps the scale from layer to layer, and "
        f"with a loss of {began:.3g} where knowing nothing has {blind:.3g}"
        + (f"; after {course.last_step} steps, all of them short, it breaks down" if burst else "")
        + (
            ""
            if saturated < 0.5
            else f"; its activations are saturated, {saturated:.0%} of the units in the worst layer"
        )
        + (f"; {lost:.0%} of the training went by before it was back there" if lost > 0.05 and not burst else ""),
        evidence={
            "first_loss": began,
            "blind_loss": blind,
            "median_gain": gain,
            "decades_of_growth": growth,
            "share_of_steps_lost": lost,
            "saturated_units_at_start": saturated,
        },
        advice=advice(course, NATIVE, "draw weights with deviation sqrt(2/inputs): torch.nn.init.kaiming_normal_"),
        since_step=0,
        explains=(
            "saturated-units",
            "exploding-gradients",
            "vanishing-gradients",
            "dead-units",
            "missing-normalization",
            "warmup-missing",
            "learning-rate-too-high",
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "overfitting",
            "non-finite-loss",
        ),
        source="He et al. 2015; Karpathy 2019: the first loss is ln K",
    )


def _breaks_down_at_once(course: Course) -> bool:
    """Says whether the loss stopped being a number within the first steps, none of which moved the net far."""
    stop, watch = course.history.stop, course.history.watch
    planned = 0 if watch is None else watch.steps_planned or 0
    moves = relative_updates_B(course)
    early = course.last_step <= max(20, planned // 20)
    return (
        stop is not None and stop.kind == "non-finite-loss" and early and not np.nanmax(moves, initial=0.0) > SHORT_MOVE
    )


def initialization_too_small(course: Course) -> Suspicion | None:
    """Finds signals that die on their way through the net before training, since weights are too small.

    Normalization gives every layer its scale back, so that nets with it are immune.
    """
    gains = gains_D(course)[:-1]
    if len(gains) < 2 or normalized(course) or not from_scratch(course) or not np.isfinite(gains).any():
        return None
    gain, decades = middle(gains), _decades(course)
    asks = middle(elasticities_B(course)[:4])
    small, shrinks = gain < limit("gain.low", 0.45), -decades > limit("shrink.decades", 1.5)
    if not small or not (shrinks or asks < limit("elasticity.asleep", 0.05)):
        return None
    skills, decades = trained_skills_W(course, 40), float(np.fmin(decades, 0.0))
    asleep = float((skills < 0.05).mean())
    harmful = knows_little(course, MIDDLING) or (far_enough(course) and asleep > 0.4 and train_skill(course) < DONE)
    return Suspicion(
        code="initialization-too-small",
        strength=min(1.0, 0.6 + 0.08 * -decades),
        persistent=True,
        harmful=harmful,
        summary=f"the net begins with weights {gain:.2g} times as large as keeps the scale from layer to layer, so "
        + (f"that signals shrink by {-decades:.1f} powers of ten on their way through it" if shrinks else "")
        + ("" if shrinks else "that its loss hardly depends on them")
        + (f", and it learns next to nothing (skill {best_skill(course):.2f})" if knows_little(course, LOW) else ""),
        evidence={"median_gain": gain, "decades_of_shrinking": -decades, "share_of_steps_asleep": asleep},
        advice=advice(
            course, NATIVE, "draw weights with deviation sqrt(2/inputs), of tanh sqrt(1/inputs); or normalize"
        ),
        since_step=0,
        explains=(
            "vanishing-gradients",
            "learning-rate-too-low",
            "model-too-small",
            "class-imbalance-harmful",
            "missing-normalization",
            "labels-shuffled",
            "dead-units",
        ),
        source="Glorot & Bengio 2010; He et al. 2015",
    )


def _still_equal(course: Course, index: int) -> bool:
    """Says whether a layer whose filters began equal still works as one unit, as far as was measured.

    Its units are then fully correlated, or give out nothing that differs; of unwatched layers, the weights never
    moved.
    """
    layer = course.tensors[index].layer
    names = [one.name for one in course.layers]
    rows = course.history.units.rows
    if layer in names and len(rows) >= 2 and rows[-1].step > 0:
        place = names.index(layer)
        correlation, deviation = course.by_layer("correlation")[-1, place], course.by_layer("deviation")[-1, place]
        return bool(correlation > 0.999) or bool(deviation == 0) or _never_moved(course, index)
    return _never_moved(course, index)


def _never_moved(course: Course, index: int) -> bool:
    updates = course.by_tensor("updates")[:, index]
    return len(updates) >= 2 and bool((np.nan_to_num(updates) == 0).all())


def _loss_at_start(course: Course) -> float:
    """Finds the loss before the first step on clean pictures, in the mode that is fair to batch normalization."""
    mode = "train" if batch_normalized(course) else "eval"
    rows = [row for row in course.answers("train", mode) if row.step == 0 and row.loss is not None]
    if rows and rows[0].loss is not None:
        return rows[0].loss
    first = first_loss(course)
    return first if abs(reference_loss(course) - (course.blind_loss or math.nan)) < 1e-9 else math.nan


def _decades(course: Course) -> float:
    """Measures by how many powers of ten the layers' outputs grow from the first to the last before training."""
    table = course.by_layer("deviation")
    if not len(table) or course.history.units.rows[0].step != 0:
        return math.nan
    weighing = [index for index, one in enumerate(course.layers) if "Conv" in one.kind or "Linear" in one.kind]
    deviations: Numbers = table[0, weighing[:-1] if len(weighing) > 2 else weighing]
    deviations = deviations[np.isfinite(deviations)]
    if len(deviations) < 2 or not deviations[0] > 0:
        return math.nan
    return math.log10(max(float(deviations[-1]), 1e-30) / float(deviations[0]))


def _most_saturated(course: Course) -> float:
    """Finds the largest share of saturated units in a layer before training, 0 where no layer can saturate."""
    table = course.by_layer("saturated")
    first = table[0][np.isfinite(table[0])] if len(table) else np.array([])
    return float(first.max()) if len(first) else 0.0


INITIALIZATION = (
    Rule("symmetric-initialization", symmetric_initialization, frozenset({"watch", "probes"})),
    Rule("initialization-too-large", initialization_too_large, frozenset({"watch", "probes"})),
    Rule("initialization-too-small", initialization_too_small, frozenset({"watch", "units", "steps"})),
)
